//! The look-up in JSON: the directory's Get for any program that speaks libp2p and knows nothing of this one.
//!
//! `/natcoin/<network>/directory/1/json`: the asker writes a question and ends its half of the stream, the node writes the
//! answer and ends the other. The answer carries what both signed and the signatures, so that whoever wants can check them;
//! who does not, holds hearsay. Format: `docs/protocol.md`, "Directory".

use serde::{Deserialize, Serialize};

use super::address::to_multiaddr;
use super::book::MAX_PER_ACCOUNT;
use super::card::{Card, MAX_ADDRESSES};
use super::exchange::Question;
use super::peer;
use crate::chain::hash::{Hash, hex};

/// Most bytes of a question: two names and their values, and room for spaces.
pub const MAX_REQUEST_BYTES: usize = 512;
/// Most bytes of an answer.
pub const MAX_ANSWER_BYTES: usize = 16 << 10;

/// An address in words has at most some 130 letters, the rest of a card less than 800.
const CARD_TEXT_BYTES: usize = MAX_ADDRESSES * 160 + 1024;
const _: () = assert!(MAX_PER_ACCOUNT * CARD_TEXT_BYTES + 512 <= MAX_ANSWER_BYTES);

/// Why a question is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoQuestion {
    /// Not the JSON that is read here.
    #[error("write {{\"account\":\"nat1...\"}} or {{\"peer\":\"12D3KooW...\"}}, and nothing else")]
    Malformed,
    /// Not an account's address.
    #[error("{{\"account\"}} is not an address of an account (nat1...)")]
    Account,
    /// Not an ed25519 peer's id.
    #[error("{{\"peer\"}} is not the id of a peer with an ed25519 key (12D3KooW...)")]
    Peer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Asked {
    Account(String),
    Peer(String),
}

#[derive(Serialize)]
struct Found {
    network: String,
    cards: Vec<CardText>,
}

#[derive(Serialize)]
struct CardText {
    account: String,
    peer: String,
    sequence: u64,
    issued_at_ms: u64,
    ttl_ms: u32,
    role: String,
    addresses: Vec<String>,
    account_signature: String,
    peer_signature: String,
}

#[derive(Serialize)]
struct Problem<'a> {
    error: &'a str,
}

/// Reads a question.
///
/// # Errors
/// A [`NoQuestion`] that says what to write.
pub fn read(text: &[u8]) -> Result<Question, NoQuestion> {
    if text.len() > MAX_REQUEST_BYTES {
        return Err(NoQuestion::Malformed);
    }
    match serde_json::from_slice(text).map_err(|_| NoQuestion::Malformed)? {
        Asked::Account(address) => {
            let address = address.parse().map_err(|_| NoQuestion::Account)?;
            Ok(Question::OfAccount(address))
        }
        Asked::Peer(id) => {
            let key = peer::parse(&id).ok_or(NoQuestion::Peer)?;
            Ok(Question::OfPeer(key))
        }
    }
}

/// Writes what was found.
pub fn found(network: &Hash, cards: &[Card]) -> Vec<u8> {
    let cards = cards.iter().map(card_text).collect();
    let network = network.to_string();
    text(&Found { network, cards })
}

/// Writes why nothing was looked for.
pub fn declined(why: &str) -> Vec<u8> {
    text(&Problem { error: why })
}

fn card_text(card: &Card) -> CardText {
    let said = &card.whereabouts;
    CardText {
        account: said.account.to_string(),
        // A card that both have signed has keys that are points.
        peer: peer::peer_id(&said.peer).map_or_else(String::new, |peer| peer.to_string()),
        sequence: said.sequence,
        issued_at_ms: said.issued_at_ms,
        ttl_ms: said.ttl_ms(),
        role: said.role.to_string(),
        addresses: said
            .addresses()
            .iter()
            .filter_map(to_multiaddr)
            .map(|address| address.to_string())
            .collect(),
        account_signature: hex(&card.account_signature.0),
        peer_signature: hex(&card.peer_signature.0),
    }
}

fn text(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("texts and numbers can always be written")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::directory::testing::{NETWORK, account, at, here, peer, wallet};

    fn card() -> Card {
        let mut said = wallet(1, 2, 7);
        let relay = peer(3).public();
        let addresses = [at("198.51.100.7"), at("203.0.113.9").through(relay)];
        said.presence = here(&addresses, 600_000);
        said.sign(&account(1), &peer(2))
    }

    /// Compares a block of the protocol's text with what it should be; `NATCOIN_BLESS=1` writes it anew.
    fn is_documented(mark: &str, example: &str) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/protocol.md");
        let text = std::fs::read_to_string(path).unwrap();
        let begin = text.split_once(&format!("```json {mark}\n"));
        let (before, rest) = begin.unwrap_or_else(|| panic!("the text has no block {mark}"));
        let (block, after) = rest.split_once("\n```").expect("it ends");
        if std::env::var_os("NATCOIN_BLESS").is_some_and(|mode| mode == "1") {
            let block = broken(example);
            let text = format!("{before}```json {mark}\n{block}\n```{after}");
            return std::fs::write(path, text).unwrap();
        }
        // The text breaks lines where it likes.
        assert_eq!(block.replace('\n', ""), example, "{mark}");
    }

    /// The example in lines that can be read.
    fn broken(example: &str) -> String {
        let mut lines = String::new();
        let mut width = 0;
        for part in example.split_inclusive(',') {
            if width + part.len() > 160 {
                lines.push('\n');
                width = 0;
            }
            lines.push_str(part);
            width += part.len();
        }
        lines
    }

    #[test]
    fn the_examples_of_the_protocols_text_are_what_is_read_and_written() {
        let (address, key) = (account(1).address(), peer(2).public());
        let of_account = format!("{{\"account\":\"{address}\"}}");
        assert_eq!(
            read(of_account.as_bytes()),
            Ok(Question::OfAccount(address))
        );
        let id = super::peer::peer_id(&key).unwrap();
        let of_peer = format!("{{\"peer\":\"{id}\"}}");
        assert_eq!(read(of_peer.as_bytes()), Ok(Question::OfPeer(key)));
        let why = read(b"{}").unwrap_err().to_string();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        for (mark, example) in [
            ("question-account", of_account),
            ("question-peer", of_peer),
            ("answer", text(found(&NETWORK, &[card()]))),
            ("answer-nobody", text(found(&NETWORK, &[]))),
            ("answer-declined", text(declined(&why))),
        ] {
            is_documented(mark, &example);
        }
    }

    #[test]
    fn what_is_no_question_is_told_what_to_write() {
        for (text, fault) in [
            ("", NoQuestion::Malformed),
            ("{\"account\":7}", NoQuestion::Malformed),
            ("{\"name\":\"alice\"}", NoQuestion::Malformed),
            ("{\"account\":\"nat1qqq\"}", NoQuestion::Account),
            (
                "{\"peer\":\"QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N\"}",
                NoQuestion::Peer,
            ),
            ("{\"peer\":\"12D3\"}", NoQuestion::Peer),
        ] {
            assert_eq!(read(text.as_bytes()), Err(fault), "{text}");
        }
        let long = format!("{{\"peer\":\"{}\"}}", "x".repeat(MAX_REQUEST_BYTES));
        assert_eq!(read(long.as_bytes()), Err(NoQuestion::Malformed));
    }

    #[test]
    fn the_longest_answer_fits() {
        let mut said = wallet(1, 2, u64::MAX);
        said.issued_at_ms = u64::MAX;
        let relay = peer(3).public();
        let ip = |n: usize| format!("2001:db8:aaaa:bbbb:cccc:dddd:eeee:{n:x}fff");
        let long: Vec<_> = (1..=MAX_ADDRESSES)
            .map(|n| at(&ip(n)).through(relay))
            .collect();
        said.presence = here(&long, u32::MAX);
        let card = said.sign(&account(1), &peer(2));
        let text = found(&NETWORK, &[card]);
        assert!(text.len() <= CARD_TEXT_BYTES, "{}", text.len());
    }
}
