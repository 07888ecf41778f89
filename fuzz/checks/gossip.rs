//! What comes by gossip: batches of transactions, and what is said in agreement.

use natcoin::chain::codec::{Decode, Encode, Reader};
use natcoin::consensus::Message;
use natcoin::replica::wire::{Batch, Said, from_gossip, gossip};

use super::form::{bounded, canonical};

/// Holds of any bytes of a gossip message.
pub fn check(bytes: &[u8]) {
    one_form::<Said>(bytes);
    one_form::<Batch>(bytes);
    if let Some(message) = canonical::<Message>(bytes) {
        let _ = (message.height(), message.round());
    }
}

/// A message is its salt and the one form of what it says.
fn one_form<T: Encode + Decode>(bytes: &[u8]) {
    if let Some(said) = bounded(bytes, 32, || from_gossip::<T>(bytes).ok()) {
        let salt = u32::decode(&mut Reader::new(bytes)).expect("the message was read behind it");
        assert!(gossip(salt, &said) == bytes, "a message has a second form");
    }
}
