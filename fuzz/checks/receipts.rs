//! Receipts: a file proves only what happened, and has one form.

use natcoin::chain::query::Trust;
use natcoin::wallet::receipt::Receipt;

use super::form::bounded_with_room;
use super::world::world;

/// Memory for a byte of a file: its parts, and the file written again, beside a parsed error.
const TIMES_FILE: usize = 32;
/// What reading takes whatever the file.
const ROOM_BYTES: usize = 16 << 10;

/// Holds of any bytes that are handed over as a receipt.
pub fn check(bytes: &[u8]) {
    let read = bounded_with_room(bytes, TIMES_FILE, ROOM_BYTES, || Receipt::read(bytes));
    let Ok(receipt) = read else {
        return;
    };
    assert!(receipt.write().as_bytes() == bytes, "a second form");
    if let Ok(proven) = receipt.verify(&Trust::new(&world().genesis)) {
        let (record, at) = (proven.record.value, proven.record.at);
        let (block, _) = &world().blocks[at.height as usize - 1];
        assert!(at.block == block.id(), "a block that never was");
        assert!(block.transactions[record.index as usize] == record.transaction);
        assert!(proven.signers.len() >= 3, "no quorum");
    }
}
