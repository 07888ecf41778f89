//! Agreement, without IO.
