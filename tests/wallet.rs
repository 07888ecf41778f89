//! A wallet's session against whole nodes: paid by name, resumed after a crash, paused and gone on, followed over the
//! death of a node, and never fooled.

mod common;
mod wallet {
    mod dealings;
    mod liars;
    mod payments;
    mod vouchers;
    mod watching;
}
