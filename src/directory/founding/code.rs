//! The join code: who the host is, where its room is, and the secret that opens it, as one line.
//!
//! The host's key is in it, so that the handshake with whoever answers there proves that it is the host.

use libp2p::{Multiaddr, PeerId};

use crate::chain::armour::{ArmourError, MAX_BYTES, armour, unarmour};
use crate::chain::key::PublicKey;
use crate::directory::address::check_dialable;
use crate::directory::peer;

/// What a code begins with.
const NAME: &str = "room";
/// The format of its bytes.
const FORMAT: u8 = 1;
/// Most addresses of a code.
pub const MAX_CODE_ADDRESSES: usize = 8;

/// A join code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The host's key.
    pub host: PublicKey,
    /// The room's secret.
    pub secret: [u8; 16],
    /// Where the host listens: 1 to [`MAX_CODE_ADDRESSES`].
    pub addresses: Vec<Multiaddr>,
}

/// Why a line is no code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// The line as such.
    #[error(transparent)]
    Armour(#[from] ArmourError),
    /// A format that this program does not know.
    #[error(
        "the code has the format {0}, and this program reads {FORMAT}; install the host's version of natcoin"
    )]
    Format(u8),
    /// What is in it.
    #[error("the code holds no room ({0}); ask the host for it again")]
    Content(&'static str),
}

impl Code {
    /// The line, `room1...`; `None` if the addresses are too many or too long for one.
    pub fn line(&self) -> Option<String> {
        let mut bytes = vec![FORMAT];
        bytes.extend_from_slice(&self.host.0);
        bytes.extend_from_slice(&self.secret);
        if !(1..=MAX_CODE_ADDRESSES).contains(&self.addresses.len()) {
            return None;
        }
        for address in &self.addresses {
            let address = address.to_vec();
            bytes.extend_from_slice(&u16::try_from(address.len()).ok()?.to_le_bytes());
            bytes.extend_from_slice(&address);
        }
        (bytes.len() <= MAX_BYTES).then(|| armour(NAME, &bytes))?
    }

    /// Reads a line.
    ///
    /// # Errors
    /// A [`CodeError`].
    pub fn parse(line: &str) -> Result<Self, CodeError> {
        let bytes = unarmour(NAME, line.trim())?;
        let (format, rest) = bytes.split_first().ok_or(CodeError::Content("empty"))?;
        if *format != FORMAT {
            return Err(CodeError::Format(*format));
        }
        let cut = || CodeError::Content("it is cut short");
        let (host, rest) = rest.split_first_chunk::<32>().ok_or_else(cut)?;
        let (secret, mut rest) = rest.split_first_chunk::<16>().ok_or_else(cut)?;
        let host = PublicKey(*host);
        if !host.is_sound() {
            return Err(CodeError::Content("its key is none"));
        }
        let mut addresses = Vec::new();
        while !rest.is_empty() {
            let (length, behind) = rest.split_first_chunk::<2>().ok_or_else(cut)?;
            let length = usize::from(u16::from_le_bytes(*length));
            let (address, behind) = behind.split_at_checked(length).ok_or_else(cut)?;
            let read = Multiaddr::try_from(address.to_vec());
            let read = read.ok().filter(|read| read.to_vec() == address);
            let read = read.filter(|read| check_dialable(read).is_ok());
            addresses.push(read.ok_or(CodeError::Content("an address is none"))?);
            rest = behind;
        }
        if !(1..=MAX_CODE_ADDRESSES).contains(&addresses.len()) {
            return Err(CodeError::Content("it has no address, or too many"));
        }
        Ok(Self {
            host,
            secret: *secret,
            addresses,
        })
    }

    /// The host as libp2p names it.
    pub fn peer_id(&self) -> Option<PeerId> {
        peer::peer_id(&self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::key::SecretKey;

    fn code() -> Code {
        let addresses = ["/ip4/192.0.2.1/tcp/18000", "/dns/node.example/tcp/18000"];
        Code {
            host: SecretKey::from_seed(&[7; 32]).public(),
            secret: [9; 16],
            addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn a_code_is_read_as_it_was_written_in_either_case() {
        let line = code().line().unwrap();
        assert!(line.starts_with("room1"), "{line}");
        assert_eq!(Code::parse(&format!(" {line}\n")), Ok(code()));
        assert_eq!(Code::parse(&line.to_uppercase()), Ok(code()));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let line = code().line().unwrap();
        for end in 0..line.len() {
            assert!(Code::parse(&line[..end]).is_err(), "{end}");
        }
        let of = |bytes: &[u8]| Code::parse(&armour(NAME, bytes).unwrap()).unwrap_err();
        assert_eq!(of(&[2; 80]), CodeError::Format(2));
        let mut whole = unarmour(NAME, &line).unwrap();
        whole[1..33].fill(0);
        assert_eq!(of(&whole), CodeError::Content("its key is none"));
        assert!(matches!(of(&whole[..49]), CodeError::Content(_)));
        let nowhere = Code {
            addresses: vec!["/ip4/0.0.0.0/tcp/1".parse().unwrap()],
            ..code()
        };
        assert!(Code::parse(&nowhere.line().unwrap()).is_err());
        let empty = Code {
            addresses: vec![],
            ..code()
        };
        assert_eq!(empty.line(), None);
    }
}
