//! The founders' signatures: that those who run the validators agreed on this network.
//!
//! What is signed is the genesis hash and who the validators are, by name and key; not where they are dialled, which
//! may change, and no followers, which may come. A file without any signature is a file that somebody made alone
//! (`natcoin network new`); one with a wrong, a missing or a foreign signature is refused whole.
//! Rules F1 and F2 of `docs/protocol.md`, "Founding a network".

use super::{Bootstrap, BootstrapError, Node};
use crate::chain::codec::Encode as _;
use crate::chain::hash::Hash;
use crate::chain::key::{SecretKey, Signature};
use crate::chain::name::Name;

/// What stands before the statement in what a founder signs.
const SIGN_TAG: &[u8] = b"natcoin/founding/sign/1";

/// The agreement of one founder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundersSignature {
    /// The validator's name.
    pub node: Name,
    /// Its signature over [`Bootstrap::statement`].
    pub signature: Signature,
}

impl FoundersSignature {
    /// Signs a network's statement with a node's key.
    pub fn new(node: Name, key: &SecretKey, statement: &Hash) -> Self {
        Self {
            node,
            signature: key.sign(&sign_bytes(statement)),
        }
    }

    /// Whether this node signed this statement (rules F2 and K1).
    pub fn is_good(&self, node: &Node, statement: &Hash) -> bool {
        self.node == node.name && node.key.verify(&sign_bytes(statement), &self.signature)
    }
}

fn sign_bytes(statement: &Hash) -> Vec<u8> {
    [SIGN_TAG, statement.as_bytes()].concat()
}

impl Bootstrap {
    /// What the founders sign (rule F1): the genesis hash and the validators' names and keys, ordered by key.
    pub fn statement(&self) -> Hash {
        let mut validators: Vec<&Node> = self.validators().collect();
        validators.sort_by_key(|node| node.key);
        let mut bytes = Vec::new();
        self.genesis.hash().encode(&mut bytes);
        for node in validators {
            node.key.encode(&mut bytes);
            node.name.encode(&mut bytes);
        }
        Hash::of("natcoin/founding/statement/1", &[&bytes])
    }

    /// The founders' signatures: one of each validator, in the order of the nodes, or none at all.
    pub fn signatures(&self) -> &[FoundersSignature] {
        &self.signatures
    }

    /// The same network with its founders' signatures, given in any order (rule F2).
    ///
    /// # Errors
    /// If one is not good, missing, given twice, or of somebody who is no validator.
    pub fn signed(self, given: Vec<FoundersSignature>) -> Result<Self, BootstrapError> {
        let statement = self.statement();
        let mut left: Vec<(usize, FoundersSignature)> = (1..).zip(given).collect();
        let mut signatures = Vec::new();
        for node in self.validators() {
            let place = left.iter().position(|(_, signed)| signed.node == node.name);
            let Some(place) = place else {
                return Err(BootstrapError::SignatureMissing(node.name.to_string()));
            };
            let (_, signed) = left.swap_remove(place);
            if !signed.is_good(node, &statement) {
                return Err(BootstrapError::SignatureWrong(node.name.to_string()));
            }
            signatures.push(signed);
        }
        if let Some((number, other)) = left.first() {
            return Err(BootstrapError::SignatureOfOther {
                number: *number,
                name: other.node.to_string(),
            });
        }
        Ok(Self { signatures, ..self })
    }

    fn validators(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.validator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::bootstrap::EMBEDDED;
    use crate::directory::development;

    fn signed() -> Bootstrap {
        let network = Bootstrap::embedded();
        let statement = network.statement();
        let sign = |node: &Node| {
            let key = development::node_key(node.name.as_str());
            FoundersSignature::new(node.name.clone(), &key, &statement)
        };
        let signatures = network.nodes().iter().rev().map(sign).collect();
        network.signed(signatures).unwrap()
    }

    #[test]
    fn a_signed_file_is_read_as_it_was_written() {
        let network = signed();
        let text = network.to_toml();
        assert_eq!(text.matches("[[founding]]").count(), 4);
        assert_eq!(Bootstrap::from_toml(&text).unwrap(), network);
        assert_eq!(network.signatures()[3].node.as_str(), "razor");
    }

    #[test]
    fn what_was_agreed_cannot_be_changed_and_where_nodes_are_can() {
        let text = signed().to_toml();
        let unhashed: String = text
            .lines()
            .filter(|line| !line.starts_with("hash"))
            .flat_map(|line| [line, "\n"])
            .collect();
        let wrong = |from: &str, to: &str| {
            assert!(unhashed.contains(from), "{from}");
            Bootstrap::from_toml(&unhashed.replacen(from, to, 1)).unwrap_err()
        };
        let of = |name: &str| BootstrapError::SignatureWrong(name.to_owned());
        assert_eq!(wrong("fee = \"0", "fee = \"1"), of("mangart"));
        assert_eq!(wrong("natcoin-local", "natcoin-club"), of("mangart"));
        let missing = BootstrapError::SignatureMissing("razor".to_owned());
        assert_eq!(wrong("node = \"razor\"", "node = \"stol\""), missing);
        assert_eq!(wrong("name = \"razor\"", "name = \"stol\""), of("mangart"));
        let moved = unhashed.replace("/18000", "/18900");
        assert_eq!(Bootstrap::from_toml(&moved).unwrap().signatures().len(), 4);
    }

    #[test]
    fn each_flipped_bit_of_a_signature_is_noticed() {
        let network = signed();
        for (at, bit) in (0..64).zip([1, 2, 4, 8, 16, 32, 64, 128].into_iter().cycle()) {
            let mut signatures = network.signatures().to_vec();
            signatures[2].signature.0[at] ^= bit;
            let refused = network.clone().signed(signatures).unwrap_err();
            let jalovec = network.nodes()[2].name.to_string();
            assert_eq!(refused, BootstrapError::SignatureWrong(jalovec), "{at}");
        }
    }

    #[test]
    fn signatures_are_of_every_validator_once_and_of_nobody_else() {
        let network = signed();
        let signatures = network.signatures().to_vec();
        let with = |more: Vec<FoundersSignature>| network.clone().signed(more).unwrap_err();
        assert_eq!(
            with(signatures[..3].to_vec()),
            BootstrapError::SignatureMissing("razor".to_owned())
        );
        let twice = [&signatures[..], &signatures[..1]].concat();
        let name = "mangart".to_owned();
        let refused = BootstrapError::SignatureOfOther { number: 5, name };
        assert_eq!(with(twice), refused);
        let mut swapped = signatures;
        swapped[0].signature = swapped[1].signature;
        let refused = BootstrapError::SignatureWrong("mangart".to_owned());
        assert_eq!(with(swapped), refused);
        let text = format!("{EMBEDDED}\n[[founding]]\nnode = \"razor\"\nsignature = \"12\"\n");
        let refused = Bootstrap::from_toml(&text).unwrap_err();
        assert!(refused.to_string().contains("128 hexadecimal"), "{refused}");
    }
}
