//! Messages in words, for the trace that people read.
//!
//! Next: `trace.rs`.

use crate::behaviour::{Service, Topic};
use crate::chain::certificate::VoteKind;
use crate::chain::codec::Decode as _;
use crate::chain::hash::Hash;
use crate::chain::query::Query;
use crate::chain::transaction::SignedTransaction;
use crate::consensus::Message;
use crate::replica::wire::{Batch, BlocksRequest, MissingRequest, Said, from_gossip};

/// What a topic's messages are called in reports.
pub(super) fn kind_of(topic: Topic) -> &'static str {
    match topic {
        Topic::Transactions => "transactions",
        Topic::Proposals => "proposals",
        Topic::Votes => "votes",
    }
}

/// What a service's questions are called in reports.
pub(super) fn service(service: Service) -> &'static str {
    match service {
        Service::Submit => "submit",
        Service::Query => "query",
        Service::Blocks => "blocks",
        Service::Agreement => "agreement",
    }
}

/// What a service's answers are called in reports.
pub(super) fn answer(service: Service) -> &'static str {
    match service {
        Service::Submit => "submit answer",
        Service::Query => "query answer",
        Service::Blocks => "blocks answer",
        Service::Agreement => "agreement answer",
    }
}

/// A gossip message.
pub(super) fn gossip(topic: Topic, data: &[u8]) -> String {
    let unread = || format!("{} bytes that cannot be read", data.len());
    if topic == Topic::Transactions {
        let batch = from_gossip::<Batch>(data);
        return batch.map_or_else(
            |_| unread(),
            |batch| {
                let ids = batch.0.iter().map(|one| one.id().short());
                format!("transactions {}", ids.collect::<Vec<_>>().join(" "))
            },
        );
    }
    from_gossip::<Said>(data).map_or_else(|_| unread(), |said| of_agreement(&said))
}

/// Something said in agreement.
pub(super) fn of_agreement(said: &Said) -> String {
    let name = |block: &Option<Hash>| block.map_or("nil".to_owned(), |block| block.short());
    match said {
        Said::Proposal(proposal, block) => format!(
            "proposal {}/{} of {} with {} transactions",
            proposal.height,
            proposal.round,
            proposal.block.short(),
            block.transactions.len()
        ),
        Said::Message(Message::Vote(vote)) => format!(
            "{} {}/{} for {}",
            if vote.kind == VoteKind::Prevote {
                "prevote"
            } else {
                "precommit"
            },
            vote.height,
            vote.round,
            name(&vote.block)
        ),
        Said::Message(Message::Proposal(proposal)) => {
            format!(
                "proposal {}/{} without its block",
                proposal.height, proposal.round
            )
        }
        Said::Message(Message::Polka(polka)) => {
            format!(
                "polka {}/{} for {}",
                polka.height,
                polka.round,
                polka.block.short()
            )
        }
        Said::Message(Message::Round(round)) => {
            format!("round certificate {}/{}", round.height, round.round)
        }
    }
}

/// A question.
pub(super) fn question(service: Service, data: &[u8]) -> String {
    let text = match service {
        Service::Submit => SignedTransaction::from_bytes(data).ok().map(|one| {
            format!(
                "submit {} nonce {}",
                one.id().short(),
                one.transaction.nonce
            )
        }),
        Service::Query => Query::from_bytes(data)
            .ok()
            .map(|query| format!("query {query:?}")),
        Service::Blocks => BlocksRequest::from_bytes(data)
            .ok()
            .map(|one| format!("blocks from {}, at most {}", one.from, one.count)),
        Service::Agreement => MissingRequest::from_bytes(data)
            .ok()
            .map(|one| format!("what was said at {}/{}", one.height, one.round)),
    };
    text.unwrap_or_else(|| format!("{} bytes that cannot be read", data.len()))
}
