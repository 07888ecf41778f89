//! The hands: clock, disk, swarm, event loops.
