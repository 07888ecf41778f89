//! Topics: the four gossip channels, their names, sizes and message ids.
//!
//! A name is `/natcoin/<network>/<topic>/1`. Only these may be subscribed to, by us or by anybody
//! who talks to us. Payloads are anonymous: whatever needs a signature carries its own.
//!
//! Never: interpret a payload. Next: [`super::gossip`] for the mesh.

use libp2p::gossipsub::{IdentTopic, Message, MessageId, TopicHash};

use super::NetworkName;
use crate::chain::hash::Hash;

/// Separates message ids from every other use of SHA-256 in this program.
const MESSAGE_ID_DOMAIN: &str = "natcoin/gossip-message-id/1";
/// Length of a message id in bytes.
pub(super) const MESSAGE_ID_BYTES: usize = 20;

/// A gossip channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Batches of transactions.
    Transactions,
    /// Proposed blocks.
    Proposals,
    /// Votes on proposals.
    Votes,
    /// Cards that are new in the directory.
    Directory,
}

impl Topic {
    /// Every topic there is: also the whitelist.
    pub const ALL: [Self; 4] = [
        Self::Transactions,
        Self::Proposals,
        Self::Votes,
        Self::Directory,
    ];

    /// The largest message, in bytes.
    #[must_use]
    pub const fn max_bytes(self) -> usize {
        match self {
            Self::Transactions => 256 * 1024,
            // The envelope must fit beside it into one transmission.
            Self::Proposals => super::gossip::MAX_TRANSMIT_BYTES - 1024,
            Self::Votes | Self::Directory => 16 * 1024,
        }
    }

    /// The name on the wire.
    #[must_use]
    pub fn name(self, network: &NetworkName) -> String {
        let word = match self {
            Self::Transactions => "transactions",
            Self::Proposals => "proposals",
            Self::Votes => "votes",
            Self::Directory => "directory",
        };
        format!("/natcoin/{network}/{word}/1")
    }

    /// The topic as gossipsub wants it.
    #[must_use]
    pub fn ident(self, network: &NetworkName) -> IdentTopic {
        IdentTopic::new(self.name(network))
    }

    /// Which of ours a received hash is, if any.
    #[must_use]
    pub fn from_hash(hash: &TopicHash, network: &NetworkName) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|topic| hash.as_str() == topic.name(network))
    }
}

/// SHA-256(domain | topic | data), cut to 20 bytes: the same content has the same id everywhere,
/// whoever sent it (rule 6).
#[must_use]
pub fn message_id(message: &Message) -> MessageId {
    let topic = message.topic.as_str().as_bytes();
    // The length keeps (topic, data) pairs apart that would run together otherwise.
    let length = (topic.len() as u64).to_le_bytes();
    let hash = Hash::of(MESSAGE_ID_DOMAIN, &[&length, topic, &message.data]);
    MessageId::new(&hash.as_bytes()[..MESSAGE_ID_BYTES])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str, data: &[u8]) -> Message {
        Message {
            source: None,
            data: data.to_vec(),
            sequence_number: None,
            topic: IdentTopic::new(topic).hash(),
        }
    }

    #[test]
    fn a_message_id_depends_on_topic_and_data_only() {
        let id = message_id(&message("a", b"bc"));
        assert_eq!(id.0.len(), MESSAGE_ID_BYTES);
        assert_eq!(id, message_id(&message("a", b"bc")));
        assert_ne!(id, message_id(&message("ab", b"c")));
        assert_ne!(id, message_id(&message("a", b"bd")));
    }

    #[test]
    fn a_topic_is_recognised_in_its_own_network_only() {
        let (home, away) = ("home".parse().unwrap(), "away".parse().unwrap());
        for topic in Topic::ALL {
            let hash = topic.ident(&home).hash();
            assert_eq!(Topic::from_hash(&hash, &home), Some(topic));
            assert_eq!(Topic::from_hash(&hash, &away), None);
        }
    }
}
