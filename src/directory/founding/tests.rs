//! The ceremony under a fake clock: machines joined by wires that a test may cut, and hands that it may bind.

mod courses;
mod rooms;
mod world;
