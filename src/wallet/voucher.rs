//! A voucher's secret and its code: whoever has either has the money.
//!
//! The secret of a voucher that a wallet opens follows from the account's key and the number of the transaction that
//! opens it. So the recovery words bring back every code that was ever given out, and no file has to keep one. The code is
//! a line that survives being copied by hand. Format: `docs/protocol.md`, "Vouchers"; why it is so:
//! `docs/decisions/vouchers.md`. This file must never show a secret but by [`Code::line`].

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::chain::armour::{armour, unarmour};
use crate::chain::hash::Hash;
use crate::chain::key::{PublicKey, SecretKey};

/// Bytes of a voucher's secret: as many as the recovery words hold.
pub const SECRET_BYTES: usize = 16;
/// Bytes of the network's identity that stand in a code, so that the wrong network is told before anything is asked.
pub const NETWORK_BYTES: usize = 4;

const SCHEME: &str = "natcoin:";
const NAME: &str = "voucher";

/// A voucher's secret; wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct VoucherSecret([u8; SECRET_BYTES]);

impl std::fmt::Debug for VoucherSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VoucherSecret(..)")
    }
}

impl VoucherSecret {
    /// The secret of these bytes.
    pub fn new(bytes: [u8; SECRET_BYTES]) -> Self {
        Self(bytes)
    }

    /// The secret of the voucher that this account opens, on this network, by its transaction of this number.
    pub fn of(account: &SecretKey, genesis: &Hash, nonce: u64) -> Self {
        let parts: [&[u8]; 3] = [&*account.to_seed(), &genesis.0, &nonce.to_le_bytes()];
        let mut hash = Hash::of("natcoin/voucher/secret/1", &parts);
        let mut secret = [0; SECRET_BYTES];
        secret.copy_from_slice(&hash.0[..SECRET_BYTES]);
        hash.0.zeroize();
        Self(secret)
    }

    /// The one-time key on this network.
    pub fn key(&self, genesis: &Hash) -> SecretKey {
        let mut seed = Hash::of("natcoin/voucher/key/1", &[&genesis.0, &self.0]);
        let key = SecretKey::from_seed(&seed.0);
        seed.0.zeroize();
        key
    }

    /// The voucher's key: what the chain knows of it.
    pub fn public(&self, genesis: &Hash) -> PublicKey {
        self.key(genesis).public()
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }
}

/// Why a text is no voucher's code for this network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// Mistyped, cut short, or something else.
    #[error(
        "this is not a whole voucher code ({why}); compare it letter by letter, it begins with voucher1"
    )]
    Malformed {
        /// What does not fit.
        why: String,
    },
    /// Of another network.
    #[error(
        "the voucher is of the network that begins with {given}, this is {expected}; use that network's bootstrap file"
    )]
    OtherNetwork {
        /// The beginning of its network's identity.
        given: String,
        /// The beginning of this one's.
        expected: String,
    },
}

/// A voucher's code, of whatever network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    network: [u8; NETWORK_BYTES],
    secret: VoucherSecret,
}

impl Code {
    /// The code of a secret on a network.
    pub fn new(secret: VoucherSecret, genesis: &Hash) -> Self {
        let mut network = [0; NETWORK_BYTES];
        network.copy_from_slice(&genesis.0[..NETWORK_BYTES]);
        Self { network, secret }
    }

    /// The line: `voucher1...`, in lower case.
    pub fn line(&self) -> String {
        let bytes = [&self.network[..], self.secret.as_bytes()].concat();
        armour(NAME, &bytes).unwrap_or_default()
    }

    /// The line as a link.
    pub fn link(&self) -> String {
        format!("{SCHEME}{}", self.line())
    }

    /// The line in groups of four, as it is copied by hand; [`Code::read`] takes the spaces.
    pub fn grouped(&self) -> String {
        let line = self.line();
        let (name, rest) = line.split_at(NAME.len() + 1);
        let letters: Vec<char> = rest.chars().collect();
        let groups = letters.chunks(4).map(|group| group.iter().collect());
        let groups: Vec<String> = std::iter::once(name.to_owned()).chain(groups).collect();
        groups.join(" ")
    }

    /// Reads a code or its link, as it was typed: in any case, with spaces and hyphens anywhere.
    ///
    /// # Errors
    /// [`CodeError::Malformed`].
    pub fn read(text: &str) -> Result<Self, CodeError> {
        let plain: String = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .take(256)
            .flat_map(char::to_lowercase)
            .collect();
        let line = plain.strip_prefix(SCHEME).unwrap_or(&plain);
        let malformed = |why: String| CodeError::Malformed { why };
        let bytes = unarmour(NAME, line).map_err(|error| malformed(error.why()))?;
        let parts = bytes.split_first_chunk::<NETWORK_BYTES>();
        let parts = parts.and_then(|(network, secret)| Some((*network, secret.try_into().ok()?)));
        let Some((network, secret)) = parts else {
            let wanted = NETWORK_BYTES + SECRET_BYTES;
            let why = format!("it holds {} bytes, a code holds {wanted}", bytes.len());
            return Err(malformed(why));
        };
        Ok(Self {
            network,
            secret: VoucherSecret(secret),
        })
    }

    /// The secret, if the code is of this network.
    ///
    /// # Errors
    /// [`CodeError::OtherNetwork`].
    pub fn for_network(self, genesis: &Hash) -> Result<VoucherSecret, CodeError> {
        if genesis.0.starts_with(&self.network) {
            return Ok(self.secret);
        }
        let ours = &genesis.0[..NETWORK_BYTES];
        Err(CodeError::OtherNetwork {
            given: crate::chain::hash::hex(&self.network),
            expected: crate::chain::hash::hex(ours),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GENESIS: Hash = Hash([7; 32]);

    fn code() -> Code {
        let account = SecretKey::from_seed(&[1; 32]);
        Code::new(VoucherSecret::of(&account, &GENESIS, 3), &GENESIS)
    }

    #[test]
    fn a_secret_is_of_one_account_network_and_number() {
        let [one, two] = [1, 2].map(|person| SecretKey::from_seed(&[person; 32]));
        let secret = VoucherSecret::of(&one, &GENESIS, 3);
        assert_eq!(secret, VoucherSecret::of(&one, &GENESIS, 3));
        assert_ne!(secret, VoucherSecret::of(&one, &GENESIS, 4));
        assert_ne!(secret, VoucherSecret::of(&two, &GENESIS, 3));
        assert_ne!(secret, VoucherSecret::of(&one, &Hash([8; 32]), 3));
        assert_ne!(secret.public(&GENESIS), secret.public(&Hash([8; 32])));
        assert!(secret.public(&GENESIS).is_sound());
        assert_eq!(format!("{secret:?}"), "VoucherSecret(..)");
    }

    #[test]
    fn the_code_of_a_secret_is_frozen_and_read_however_it_was_copied() {
        let code = code();
        let line = code.line();
        let text = format!(
            "key {}\nline {line}\ngrouped {}\nlink {}\n",
            code.secret.public(&GENESIS),
            code.grouped(),
            code.link()
        );
        crate::chain::testing::network::assert_golden("voucher_code.txt", &text);
        assert_eq!(line.len(), 46);
        for copied in [
            line.clone(),
            line.to_uppercase(),
            code.link(),
            code.link().to_uppercase(),
            code.grouped(),
            format!("  {} \n", code.grouped().replace(' ', "-")),
            line.replacen('v', "V", 1),
        ] {
            assert_eq!(Code::read(&copied).as_ref(), Ok(&code), "{copied}");
        }
        assert_eq!(code.clone().for_network(&GENESIS), Ok(code.secret));
    }

    #[test]
    fn a_slip_of_the_pen_and_another_network_are_told_apart() {
        let line = code().line();
        for at in 8..line.len() {
            let mut wrong = line.clone().into_bytes();
            wrong[at] = if wrong[at] == b'q' { b'p' } else { b'q' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert!(
                matches!(Code::read(&wrong), Err(CodeError::Malformed { .. })),
                "{wrong}"
            );
        }
        for wrong in ["", "voucher1", &line[..line.len() - 1], "nat1qqqq", "5 NAT"] {
            assert!(Code::read(wrong).is_err(), "{wrong}");
        }
        let error = code().for_network(&Hash([8; 32])).unwrap_err();
        assert_eq!(
            error,
            CodeError::OtherNetwork {
                given: "07070707".to_owned(),
                expected: "08080808".to_owned()
            }
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "(natcoin:)?(voucher1)?\\PC{0,80}") {
            let _ = Code::read(&text);
        }
    }
}
