//! The file of contradictions: a line each, appended and made durable, never changed.
//!
//! A line is the kind, the height, the validator's address and both signed messages in hexadecimal; whoever
//! knows the validators can check it alone.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use crate::chain::codec::Encode as _;
use crate::chain::hash::hex;
use crate::consensus::{Evidence, Message};

/// Appends contradictions.
pub fn append(path: &Path, evidence: &[Evidence]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    for one in evidence {
        writeln!(file, "{}", line(one))?;
    }
    file.sync_data()
}

fn line(evidence: &Evidence) -> String {
    let (kind, who, first, second) = match evidence {
        Evidence::Votes(first, second) => (
            "votes",
            first.voter,
            Message::Vote(first.clone()),
            Message::Vote(second.clone()),
        ),
        Evidence::Proposals(first, second) => (
            "proposals",
            first.proposer,
            Message::Proposal(first.clone()),
            Message::Proposal(second.clone()),
        ),
    };
    format!(
        "{kind} height={} validator={who} {} {}",
        first.height(),
        hex(&first.to_bytes()),
        hex(&second.to_bytes())
    )
}
