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

/// Most bytes of the bootstrap file in one answer: every one of them may take two in JSON.
pub const PART_BYTES: usize = 7 << 10;
const _: () = assert!(2 * PART_BYTES + 512 <= MAX_ANSWER_BYTES);

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileAsked {
    bootstrap: usize,
}

/// A part of a network's bootstrap file, by one node's word: the genesis hash says whether it is true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilePart {
    /// Bytes of the whole file.
    pub bytes: usize,
    /// The byte at which this part begins.
    pub from: usize,
    /// The part.
    pub bootstrap: String,
}

/// The question for the bootstrap file, from this byte on.
pub fn ask_for_file(from: usize) -> Vec<u8> {
    format!("{{\"bootstrap\":{from}}}").into_bytes()
}

/// From which byte on the bootstrap file is asked for, if it is.
pub fn file_asked(text: &[u8]) -> Option<usize> {
    let is_short = text.len() <= MAX_REQUEST_BYTES;
    let asked: Option<FileAsked> = is_short.then(|| serde_json::from_slice(text).ok())?;
    asked.map(|asked| asked.bootstrap)
}

/// The part of a bootstrap file that begins with this byte; an empty one behind its end, or within a letter.
pub fn file_part(file: &str, from: usize) -> Vec<u8> {
    let rest = file.get(from..).unwrap_or_default();
    let mut ends = (0..=rest.len().min(PART_BYTES)).rev();
    let end = ends.find(|end| rest.is_char_boundary(*end));
    text(&FilePart {
        bytes: file.len(),
        from,
        bootstrap: rest[..end.unwrap_or(0)].to_owned(),
    })
}

/// Reads a part; `None` if it is none.
pub fn read_file_part(text: &[u8]) -> Option<FilePart> {
    let is_short = text.len() <= MAX_ANSWER_BYTES;
    is_short.then(|| serde_json::from_slice(text).ok())?
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
    fn a_file_comes_in_parts_that_are_the_file_together() {
        let file = "žaba\n\"\\ ".repeat(2_000);
        let mut got = String::new();
        while got.len() < file.len() {
            let asked = file_asked(&ask_for_file(got.len())).unwrap();
            let answer = file_part(&file, asked);
            assert!(answer.len() <= MAX_ANSWER_BYTES);
            let part = read_file_part(&answer).unwrap();
            assert_eq!((part.bytes, part.from), (file.len(), got.len()));
            assert!(!part.bootstrap.is_empty());
            got += &part.bootstrap;
        }
        assert_eq!(got, file);
        for from in [file.len(), file.len() + 1, usize::MAX, 1] {
            let part = read_file_part(&file_part(&file, from)).unwrap();
            assert_eq!(part.bootstrap, "", "{from}");
        }
        for text in ["", "{}", "{\"bootstrap\":-1}", "{\"account\":\"x\"}"] {
            assert_eq!(file_asked(text.as_bytes()), None, "{text}");
        }
        assert_eq!(read_file_part(b"{\"error\":\"busy\"}"), None);
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
