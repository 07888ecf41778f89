//! The replica's parts under test. The whole of it is tested in the simulation's world (`sim/tests`).

mod recovery;
