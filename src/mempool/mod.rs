//! What waits to be agreed on, pure and bounded.
