//! Memory: block log, checkpoints, indexes, write-ahead log, guard.
