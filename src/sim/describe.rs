//! Messages in words, for the trace that people read. Addresses stand in full: the trace puts their owners' names there.
//!
//! Next: `trace.rs`.

use super::net::{Delay, Manners};
use crate::behaviour::{Service, Topic};
use crate::chain::account::Account;
use crate::chain::certificate::VoteKind;
use crate::chain::codec::Decode as _;
use crate::chain::hash::Hash;
use crate::chain::query::{Anchor, Answer, Certified, Query, Unavailable};
use crate::chain::transaction::SignedTransaction;
use crate::consensus::Message;
use crate::replica::Effect;
use crate::replica::wire::{
    Batch, BlocksReply, BlocksRequest, FinalBlock, MissingReply, MissingRequest, Said, SubmitReply,
    WatchFrame, from_gossip,
};
use crate::store::Survival;
use crate::wallet::payment::{Payment, Status};

/// So many of a list are shown.
const SHOWN: usize = 6;

/// What a topic's messages are called in reports.
pub(super) fn kind_of(topic: Topic) -> &'static str {
    match topic {
        Topic::Transactions => "transactions",
        Topic::Proposals => "proposals",
        Topic::Votes => "votes",
        Topic::Directory => "directory",
    }
}

/// What a service's questions are called in reports.
pub(super) fn service(service: Service) -> &'static str {
    match service {
        Service::Submit => "submit",
        Service::Query => "query",
        Service::Blocks => "blocks",
        Service::Agreement => "agreement",
        Service::Directory | Service::LookUp => "directory",
        Service::Pay => "pay",
    }
}

/// What a service's answers are called in reports.
pub(super) fn answer(service: Service) -> &'static str {
    match service {
        Service::Submit => "submit answer",
        Service::Query => "query answer",
        Service::Blocks => "blocks answer",
        Service::Agreement => "agreement answer",
        Service::Directory | Service::LookUp => "directory answer",
        Service::Pay => "pay answer",
    }
}

/// A gossip message.
pub(super) fn gossip(topic: Topic, data: &[u8]) -> String {
    if topic == Topic::Transactions {
        let batch = from_gossip::<Batch>(data);
        return batch.map_or_else(
            |_| unread(data),
            |batch| {
                let ids = batch.0.iter().map(|one| one.id().short());
                format!("transactions {}", some(ids, " "))
            },
        );
    }
    from_gossip::<Said>(data).map_or_else(|_| unread(data), |said| of_agreement(&said))
}

/// Something said in agreement.
pub(super) fn of_agreement(said: &Said) -> String {
    let name = |block: &Option<Hash>| block.map_or("nil".to_owned(), |block| block.short());
    match said {
        Said::Proposal(proposal, block) => format!(
            "proposal {}/{} by {}: {} with {}",
            proposal.height,
            proposal.round,
            proposal.proposer,
            proposal.block.short(),
            transactions(block.transactions.len())
        ),
        Said::Message(Message::Vote(vote)) => format!(
            "{} {}/{} by {} for {}",
            if vote.kind == VoteKind::Prevote {
                "prevote"
            } else {
                "precommit"
            },
            vote.height,
            vote.round,
            vote.voter,
            name(&vote.block)
        ),
        Said::Message(Message::Proposal(proposal)) => {
            format!(
                "proposal {}/{} by {} without its block",
                proposal.height, proposal.round, proposal.proposer
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
                "submits {} of {} with nonce {}",
                one.id().short(),
                one.transaction.sender,
                one.transaction.nonce
            )
        }),
        Service::Query => Query::from_bytes(data).ok().map(|one| asked(&one)),
        Service::Blocks => BlocksRequest::from_bytes(data)
            .ok()
            .map(|one| match one.count {
                0 => "asks how far its chain goes".to_owned(),
                count => format!("asks for {count} blocks from {}", one.from),
            }),
        Service::Agreement => MissingRequest::from_bytes(data)
            .ok()
            .map(|one| format!("asks what was said at {}/{}", one.height, one.round)),
        Service::Directory | Service::LookUp | Service::Pay => None,
    };
    text.unwrap_or_else(|| unread(data))
}

fn asked(query: &Query) -> String {
    match query {
        Query::Status => "asks how it is".to_owned(),
        Query::Network => "asks for the rules".to_owned(),
        Query::Account(address) => format!("asks for the account of {address}"),
        Query::Name(name) => format!("asks for @{name}"),
        Query::Transaction(id) => format!("asks for the transaction {}", id.short()),
        Query::Activities { address, upto, .. } => {
            let upto = upto.map_or(String::new(), |upto| format!(" up to {upto}"));
            format!("asks for the history of {address}{upto}")
        }
        Query::Block(height) => format!("asks for block {height}"),
        Query::Voucher(key) => format!("asks for the voucher {key:?}"),
    }
}

/// An answer.
pub(super) fn reply(service: Service, data: &[u8]) -> String {
    let text = match service {
        Service::Submit => SubmitReply::from_bytes(data)
            .ok()
            .map(|one| submitted(&one)),
        Service::Query => Answer::from_bytes(data).ok().map(|one| answered(&one)),
        Service::Blocks => BlocksReply::from_bytes(data).ok().map(|one| {
            let blocks = one.blocks.iter().map(final_block);
            match one.blocks.len() {
                0 => format!("gives no block; its chain goes to {}", one.tip),
                _ => format!(
                    "gives {}; its chain goes to {}",
                    some(blocks, ", "),
                    one.tip
                ),
            }
        }),
        Service::Agreement => MissingReply::from_bytes(data).ok().map(|one| {
            let said = one.said.iter().map(of_agreement);
            match one.said.len() {
                0 => format!("has nothing to repeat; its chain goes to {}", one.tip),
                _ => format!(
                    "repeats {}; its chain goes to {}",
                    some(said, ", "),
                    one.tip
                ),
            }
        }),
        Service::Directory | Service::LookUp | Service::Pay => None,
    };
    text.unwrap_or_else(|| unread(data))
}

fn submitted(reply: &SubmitReply) -> String {
    match reply {
        SubmitReply::Waiting => "says that it waits".to_owned(),
        SubmitReply::Final { height } => format!("says that it is final at {height}"),
        SubmitReply::Rejected(rejection) => format!("rejects it: {}", rejection.code()),
        SubmitReply::NonceTaken { other } => {
            format!("says that {} waits with its nonce", other.short())
        }
        SubmitReply::Busy => "is busy".to_owned(),
        SubmitReply::Malformed => "cannot read it".to_owned(),
    }
}

fn answered(answer: &Answer) -> String {
    let account = |account: &Option<Account>| match account {
        Some(account) => format!("{} NAT, nonce {}", account.balance, account.nonce),
        None => "none".to_owned(),
    };
    match answer {
        Answer::Status(status) => format!(
            "status at {}: {} validators up, {} waiting",
            anchor(&status.anchor),
            status.validators_up,
            transactions(usize::try_from(status.waiting).unwrap_or(usize::MAX))
        ),
        Answer::Network(network) => format!("rules at {}", anchor(&network.anchor)),
        Answer::Account(one) => {
            format!(
                "account at {}: {}",
                anchor(&one.anchor),
                account(&one.account)
            )
        }
        Answer::Name(name) => {
            let owner = name.owner.as_ref().map(|owner| owner.address.to_string());
            let owner = owner.unwrap_or("nobody".to_owned());
            format!("name at {}: {owner}", anchor(&name.anchor))
        }
        Answer::Transaction(one) => format!(
            "transaction {} in {}",
            one.transaction.id().short(),
            certified(&one.certified)
        ),
        Answer::Activities(one) => {
            let ids = one
                .page
                .entries
                .iter()
                .map(|entry| entry.transaction.id().short());
            let ids = if one.page.entries.is_empty() {
                "nothing".to_owned()
            } else {
                some(ids, " ")
            };
            format!("history at {}: {ids}", anchor(&one.anchor))
        }
        Answer::Block(block) => format!("block {}", certified(&block.certified)),
        Answer::Voucher(one) => {
            let left = one.voucher.as_ref().map_or(0, |voucher| voucher.left);
            format!("voucher at {}: {left} claims left", anchor(&one.anchor))
        }
        Answer::Unavailable(Unavailable::Unknown) => "does not know it".to_owned(),
        Answer::Unavailable(Unavailable::Busy) => "is busy".to_owned(),
    }
}

/// A frame of a watch.
pub(super) fn frame(data: &[u8]) -> String {
    let frame = WatchFrame::from_bytes(data);
    frame.map_or_else(
        |_| unread(data),
        |frame| {
            let ids = frame
                .transactions
                .iter()
                .map(|one| one.transaction.id().short());
            let block = certified(&frame.certified);
            match frame.transactions.len() {
                0 => format!("shows block {block}"),
                _ => format!("shows block {block} with {}", some(ids, " ")),
            }
        },
    )
}

/// A final block, as it is kept: `5/0 0256875c with 3 transactions`.
pub(super) fn record(data: &[u8]) -> String {
    let found = FinalBlock::from_bytes(data);
    found.map_or_else(
        |_| unread(data),
        |found| {
            let count = found.block.transactions.len();
            format!("{} with {}", final_block(&found), transactions(count))
        },
    )
}

fn final_block(found: &FinalBlock) -> String {
    let height = found.block.header.height;
    format!(
        "{height}/{} {}",
        found.certificate.round,
        found.block.id().short()
    )
}

fn certified(block: &Certified) -> String {
    let height = block.header.height;
    format!(
        "{height}/{} {}",
        block.certificate.round,
        block.header.id().short()
    )
}

fn anchor(anchor: &Anchor) -> String {
    match anchor {
        Anchor::Genesis => "genesis".to_owned(),
        Anchor::Block(block) => certified(block),
    }
}

/// A payment's end.
pub(super) fn end(payment: &Payment) -> String {
    let end = match payment.status() {
        Status::Final { height, .. } => format!("is final at {height}"),
        Status::Expired { height } => format!("has expired, at {height}"),
        Status::Replaced { by, height } => format!("is replaced by {}, at {height}", by.short()),
        Status::Rejected { code, .. } => format!("is rejected: {code}"),
        Status::Signed | Status::Submitted => "has no end yet".to_owned(),
    };
    format!("{} {end}", payment.id().short())
}

/// What a node was about to do.
pub(super) fn effect(effect: &Effect) -> String {
    match effect {
        Effect::LogStart { height } => format!("begin its log of height {height}"),
        Effect::LogAppend { height, .. } => format!("append to its log of height {height}"),
        Effect::LogFlush => "flush its log".to_owned(),
        Effect::Guard(mark) => format!("guard what it signs at height {}", mark.height),
        Effect::Commit(blocks) => {
            let records = blocks.iter().map(|block| self::record(&block.record));
            format!("keep {}", records.collect::<Vec<_>>().join(" and "))
        }
        Effect::Checkpoint { checkpoint, .. } => {
            format!("write the checkpoint of height {}", checkpoint.height)
        }
        Effect::Check(job) => format!("check {} signatures", job.count()),
        Effect::Evidence(_) => "keep evidence".to_owned(),
        Effect::Publish { topic, data } => format!("say {}", gossip(*topic, data)),
        Effect::Judge { .. } => "judge a message".to_owned(),
        Effect::Request { service, data, .. } => {
            format!(
                "ask a peer on {}: {}",
                self::service(*service),
                question(*service, data)
            )
        }
        Effect::Respond { .. } => "answer".to_owned(),
        Effect::Push { frame, .. } => format!("push what {}", self::frame(frame)),
        Effect::CloseWatch { .. } => "close a watch".to_owned(),
        Effect::Height(height) => format!("tell its height, {height}"),
        Effect::Disconnect { .. } => "close a connection".to_owned(),
        Effect::Note(_) => "tell its operator something".to_owned(),
        Effect::Halt(halt) => format!("halt: {halt}"),
    }
}

/// What is left of unsynced writes.
pub(super) fn survival(survival: Survival) -> &'static str {
    match survival {
        Survival::Nothing => "nothing is left",
        Survival::Everything => "all is left",
        Survival::Newest => "only each file's newest is left",
        Survival::Writes(_) => "some are left",
        Survival::Sectors(_) => "some are left, torn",
    }
}

/// How the network is.
pub(super) fn weather(manners: &Manners) -> String {
    let delay = match &manners.delay {
        Delay::Between(least, most) => format!(
            "{:.1} to {:.1} ms",
            least.as_secs_f64() * 1e3,
            most.as_secs_f64() * 1e3
        ),
        Delay::Regions(_) => "regions of the world".to_owned(),
    };
    let of_thousand = |count: u32| f64::from(count) / 10.0;
    let rate = manners.bytes_per_second.map(|rate| rate / 1_000);
    let rate = rate.map_or(String::new(), |rate| format!(", {rate} kB/s a way"));
    format!(
        "{delay}, {} % of gossip and {} % of calls lost, {} % doubled{rate}{}",
        of_thousand(manners.lost),
        of_thousand(manners.lost_calls),
        of_thousand(manners.doubled),
        if manners.is_ordered { ", in order" } else { "" }
    )
}

fn transactions(count: usize) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} transaction{s}")
}

/// The first of many, and how many more there are.
fn some(items: impl ExactSizeIterator<Item = String>, between: &str) -> String {
    let more = items.len().saturating_sub(SHOWN);
    let text = items.take(SHOWN).collect::<Vec<_>>().join(between);
    match more {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

fn unread(data: &[u8]) -> String {
    format!("{} bytes that cannot be read", data.len())
}
