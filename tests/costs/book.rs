//! What was counted, stage by stage, and the limits that it is held against.

use std::fmt::Write as _;

use allocation_counter::AllocationInfo;

/// The stages of a payment's way through a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A wallet's request is read, and what is known of it looked up.
    HandIn,
    /// A gossiped batch is read.
    Hear,
    /// Signatures are checked.
    Check,
    /// What is good goes into the mempool, is answered and told to others.
    Admit,
    /// The proposer builds a block, executes it and tells it; in this step it has admitted the payments, too.
    Propose,
    /// A proposal is read, validated and voted for.
    Judge,
    /// Votes that do not decide.
    Vote,
    /// The vote that decides: the block is final, state and mempool go on.
    Commit,
    /// What the store does: write-ahead log, guard, block log.
    Store,
    /// A checkpoint is written.
    Checkpoint,
}

impl Stage {
    /// All of them, in the order of a payment's way.
    pub const ALL: [Self; 10] = [
        Self::HandIn,
        Self::Hear,
        Self::Check,
        Self::Admit,
        Self::Propose,
        Self::Judge,
        Self::Vote,
        Self::Commit,
        Self::Store,
        Self::Checkpoint,
    ];
}

/// Allocations and bytes: counted, or allowed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    pub count: u64,
    pub bytes: u64,
}

/// All that was counted.
#[derive(Debug, Default)]
pub struct Book {
    memory: [Memory; Stage::ALL.len()],
    /// Bytes of what was gossiped: transactions, proposals, votes.
    pub gossiped: [u64; 3],
    /// Bytes of answers to the wallet.
    pub answered: u64,
}

impl Book {
    /// Adds what was allocated in a stage.
    pub fn add(&mut self, stage: Stage, counted: AllocationInfo) {
        let memory = &mut self.memory[stage as usize];
        memory.count += counted.count_total;
        memory.bytes += counted.bytes_total;
    }
}

/// A line of the table: what is counted, how much it was and how much it may be.
struct Line {
    what: String,
    counted: f64,
    limit: f64,
}

impl Line {
    /// What is wrong with it, if anything is.
    fn verdict(&self) -> &'static str {
        match self.counted {
            counted if counted > self.limit => "TOO MUCH",
            // It counts nothing any more, or its limit would not notice that the gain is lost again.
            counted if counted * 4.0 < self.limit => "LOWER THE LIMIT",
            _ => "",
        }
    }
}

/// The limits of a course.
pub struct Limits {
    /// Allocations and bytes of them a payment, on each node.
    pub memory: [(Stage, f64, f64); Stage::ALL.len()],
    /// Gossiped bytes a payment, once in the network: transactions, proposals, votes.
    pub gossiped: [f64; 3],
    /// Bytes of answers a payment.
    pub answered: f64,
}

/// Holds what was counted against the limits.
///
/// # Panics
/// With the whole table, if anything is out of its bounds.
pub fn hold(course: &str, book: &Book, payments: u64, nodes: usize, limits: &Limits) {
    let mut lines = Vec::new();
    let mut line = |what: String, all: u64, shares: f64, limit| {
        let counted = real(all) / shares;
        lines.push(Line {
            what,
            counted,
            limit,
        });
    };
    let payments = real(payments);
    let shares = payments * real(nodes as u64);
    for (number, (stage, count, bytes)) in limits.memory.into_iter().enumerate() {
        assert_eq!(stage, Stage::ALL[number], "a limit for each, in order");
        let all = book.memory[number];
        line(format!("{stage:?}, allocations"), all.count, shares, count);
        line(format!("{stage:?}, bytes"), all.bytes, shares, bytes);
    }
    let topics = ["Transactions", "Proposals", "Votes"];
    for (number, topic) in topics.into_iter().enumerate() {
        let (all, limit) = (book.gossiped[number], limits.gossiped[number]);
        line(format!("{topic}, gossiped bytes"), all, payments, limit);
    }
    let (all, limit) = (book.answered, limits.answered);
    line("Answers, bytes".to_owned(), all, payments, limit);
    let is_sound = lines.iter().all(|line| line.verdict().is_empty());
    assert!(is_sound, "{course}, for a payment:\n{}", table(&lines));
}

fn real(number: u64) -> f64 {
    f64::from(u32::try_from(number).expect("a course is short"))
}

fn table(lines: &[Line]) -> String {
    let mut text = format!("{:32}{:>12}{:>10}\n", "", "counted", "limit");
    for line in lines {
        let (what, counted, limit) = (&line.what, line.counted, line.limit);
        let verdict = line.verdict();
        let _ = writeln!(text, "{what:32}{counted:>12.2}{limit:>10.2}  {verdict}");
    }
    text
}
