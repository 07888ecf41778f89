//! Hands payments in at their time, until all that were handed in are final.
//!
//! One task holds the book, so that nothing about a payment is decided twice. A payment whose time has come waits here
//! while no connection has a place for it; that wait is part of its time. What a node does not take is handed in again
//! after a pause, and what it has taken and is not final for long as well, as a wallet does.
//!
//! Never: give up a payment that a node may have, before its time is over. Next: `book.rs`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::book::{Book, Handed};
use super::error::BenchError;
use super::figures::Course;
use super::gauge::{Gauge, Phase};
use super::links::Links;
use super::load::Load;
use super::observe::ProvenBlock;
use super::turns::Turns;
use crate::behaviour::{Declined, PeerId, Service};
use crate::chain::codec::Decode as _;
use crate::node::clock;
use crate::node::network::{NetworkHandle, RequestError};
use crate::replica::wire::{MAX_SUBMISSION, SubmitReplies, SubmitReply};

/// How exactly payments are handed in at their time.
const BEAT: Duration = Duration::from_millis(1);
/// The pause before a payment is handed in again; doubled each time, up to twice. Shorter ones only bring the same refusals:
/// a full node has some hundred milliseconds of work.
const AGAIN: Duration = Duration::from_millis(200);
/// A payment that a node has taken, and that is not final for so long, is handed in again.
const RESEND: Duration = Duration::from_secs(10);
/// How often such payments are looked for.
const SEARCH: Duration = Duration::from_secs(1);
/// How long payments may take to be final after the last was handed in: a full mempool takes a fraction of that.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same, when it was asked to end.
const LITTLE_PATIENCE: Duration = Duration::from_secs(5);

/// Payments that are handed in together, at most: those of one beat and those that had to wait.
const MOST_AT_ONCE: usize = 128;
/// Their bytes, at most.
const MOST_BYTES: usize = Service::Submit.caps().request_bytes;
const _: () = assert!(MOST_AT_ONCE <= MAX_SUBMISSION);

/// How payments are handed in.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// So many a second, whatever becomes of them.
    Every(u32),
    /// So many open at any time.
    Open(usize),
}

/// Hands in the load for so long, and waits for the end of what was handed in.
///
/// # Errors
/// [`BenchError::Ended`] if it was asked to end before it began; [`BenchError::Observer`] if no more blocks are proven.
pub async fn drive(
    load: &Load,
    book: Book,
    links: &mut Links,
    pace: Pace,
    duration: Duration,
    mut blocks: mpsc::Receiver<ProvenBlock>,
    gauge: &Gauge,
) -> Result<Course, BenchError> {
    if gauge.is_ended() {
        return Err(BenchError::Ended);
    }
    let mut drive = Drive {
        load,
        links,
        book,
        asks: FuturesUnordered::new(),
        waiting: VecDeque::new(),
        turns: Turns::new(load.wallets()),
        again: BinaryHeap::new(),
        tries: vec![0; load.count()],
        sent: vec![0; load.count()],
        began: clock::now(),
        searched: Duration::ZERO,
    };
    drive.book.set_end(micros(duration));
    let (mut in_time, mut last_proof) = (0, Duration::ZERO);
    let mut closed: Option<(Duration, Duration)> = None;
    let mut is_cut = false;
    loop {
        let now = drive.now();
        match closed {
            None => {
                // A load that has ended asks for no more, whatever became final meanwhile.
                let is_over = now >= duration && matches!(pace, Pace::Open(_));
                let is_all = is_over || drive.release(pace, now.min(duration));
                if gauge.is_ended() {
                    is_cut = true;
                    closed = Some((now, now + LITTLE_PATIENCE));
                } else if now >= duration || is_all {
                    closed = Some((now, now + PATIENCE));
                }
                if closed.is_some() {
                    gauge.enter(Phase::Draining);
                    // What has a place now is in time; what has been handed in is followed to its end; the rest is not begun.
                    drive.hand_in(now);
                    drive.waiting.retain(|number| drive.book.is_open(*number));
                    drive.turns.retain(|number| drive.book.is_open(number));
                }
            }
            Some((at, until)) if gauge.is_ended() && !is_cut => {
                is_cut = true;
                closed = Some((at, until.min(now + LITTLE_PATIENCE)));
            }
            Some((_, until)) if drive.is_done() || now >= until => break,
            Some(_) => {}
        }
        drive.hand_in(now);
        tokio::select! {
            block = blocks.recv() => {
                let Some(block) = block else {
                    return Err(BenchError::Observer);
                };
                let at = block.at.saturating_duration_since(drive.began);
                drive.prove(&block);
                last_proof = last_proof.max(at);
                in_time += u64::from(at <= duration);
            }
            Some(answered) = drive.asks.next() => drive.answered(answered),
            () = sleep(BEAT) => {}
        }
        // Many answers come together: they are entered before the next payments are looked for.
        while let Some(Some(answered)) = drive.asks.next().now_or_never() {
            drive.answered(answered);
        }
        drive.search();
        drive.show(gauge, now.min(duration));
    }
    // A load that has run out before its time was as long as it took.
    let ran = closed.map_or(duration, |(at, _)| at);
    let length = match ran < duration {
        true if is_cut => ran,
        true => last_proof.min(duration),
        false => duration,
    };
    // Order: asks hold places at the links, and end with them.
    drop(drive.asks);
    Ok(Course::of(
        drive.book,
        length.as_secs_f64(),
        in_time,
        is_cut,
    ))
}

/// Payments that were handed in together, by which connection, and what came of each.
type Answered = (Vec<usize>, usize, Vec<Handed>);

struct Drive<'a> {
    load: &'a Load,
    links: &'a mut Links,
    book: Book,
    /// Bounded by the places of all links.
    asks: FuturesUnordered<BoxFuture<'static, Answered>>,
    /// Due and not handed in, and due again: at most all payments of the load.
    waiting: VecDeque<usize>,
    /// Whose turn it is, of each wallet.
    turns: Turns,
    /// To be handed in again, by when: each payment at most once.
    again: BinaryHeap<Reverse<(Duration, usize)>>,
    tries: Vec<u8>,
    /// When each was handed in last, in milliseconds.
    sent: Vec<u32>,
    began: Instant,
    searched: Duration,
}

impl Drive<'_> {
    fn now(&self) -> Duration {
        clock::now().saturating_duration_since(self.began)
    }

    fn is_done(&self) -> bool {
        self.book.open() == 0 && self.asks.is_empty()
    }

    /// What is due becomes so; tells whether that was the last.
    fn release(&mut self, pace: Pace, now: Duration) -> bool {
        loop {
            let meant = match pace {
                Pace::Every(rate) => {
                    let due = u64::try_from(self.book.due()).unwrap_or(u64::MAX);
                    let meant = due.saturating_mul(1_000_000) / u64::from(rate.max(1));
                    if meant >= micros(now) {
                        return false;
                    }
                    meant
                }
                Pace::Open(most) if self.book.open() + self.waiting.len() >= most => return false,
                Pace::Open(_) => micros(now),
            };
            match self.book.release(meant) {
                Some(number) => self.waiting.push_back(number),
                None => return true,
            }
        }
    }

    /// Hands in what waits, as long as there are places.
    fn hand_in(&mut self, now: Duration) {
        while let Some(Reverse((at, _))) = self.again.peek()
            && *at <= now
        {
            if let Some(Reverse((_, number))) = self.again.pop()
                && !self.book.is_final(number)
            {
                // Order: before those that come for the first time, which may have to wait for it.
                self.waiting.push_front(number);
            }
        }
        let instant = self.began + now;
        while !self.waiting.is_empty() {
            // What waits goes together, as a payroll does; what is alone goes at once.
            let (mut bytes, mut numbers) = (Vec::new(), Vec::new());
            while numbers.len() < MOST_AT_ONCE
                && let Some(number) = self.waiting.front().copied()
            {
                let more = self.load.encoded(number);
                if bytes.len() + more.len() > MOST_BYTES {
                    break;
                }
                self.waiting.pop_front();
                if !self.turns.waits(number) {
                    bytes.extend_from_slice(more);
                    numbers.push(number);
                }
            }
            if numbers.is_empty() {
                continue;
            }
            let Some(link) = self.links.take(bytes.len(), instant) else {
                return self.back_to_the_front(numbers);
            };
            for number in &numbers {
                self.book.hand_in(*number);
                self.sent[*number] = u32::try_from(now.as_millis()).unwrap_or(u32::MAX);
            }
            let (handle, node) = self.links.get(link);
            let ask = async move {
                let handed = submit(&handle, node, bytes, numbers.len()).await;
                (numbers, link, handed)
            };
            self.asks.push(ask.boxed());
        }
    }

    fn answered(&mut self, (numbers, link, handed): Answered) {
        self.links.give_back(link);
        let now = self.now();
        for (number, handed) in numbers.into_iter().zip(handed) {
            if !self.book.handed(number, handed) {
                self.go_on_after(number);
            } else if self.turns.refused(number) {
                let tries = &mut self.tries[number];
                *tries = tries.saturating_add(1);
                let pause = AGAIN * (1 << u32::from(*tries - 1).min(2));
                self.again.push(Reverse((now + pause, number)));
            }
        }
    }

    /// Those that waited for a payment are next, before those that come for the first time.
    fn go_on_after(&mut self, number: usize) {
        let behind = self.turns.taken(number);
        self.back_to_the_front(behind);
    }

    fn back_to_the_front(
        &mut self,
        numbers: impl IntoIterator<Item = usize, IntoIter: DoubleEndedIterator>,
    ) {
        for number in numbers.into_iter().rev() {
            self.waiting.push_front(number);
        }
    }

    fn prove(&mut self, block: &ProvenBlock) {
        let at = micros(block.at.saturating_duration_since(self.began));
        for number in &block.payments {
            self.book.proven(*number, at);
            self.go_on_after(*number);
        }
    }

    /// Looks for payments that a node has had for too long.
    fn search(&mut self) {
        let now = self.now();
        if now < self.searched + SEARCH {
            return;
        }
        self.searched = now;
        let now_ms = u32::try_from(now.as_millis()).unwrap_or(u32::MAX);
        let resend_ms = u32::try_from(RESEND.as_millis()).unwrap_or(u32::MAX);
        for number in 0..self.book.due() {
            let is_late = now_ms.saturating_sub(self.sent[number]) >= resend_ms;
            if is_late && self.book.is_taken(number) {
                self.sent[number] = now_ms;
                self.waiting.push_back(number);
            }
        }
    }

    fn show(&self, gauge: &Gauge, ran: Duration) {
        let counts = self.book.counts();
        let ran_ms = u64::try_from(ran.as_millis()).unwrap_or(u64::MAX);
        gauge.show(counts.finals, counts.shed.values().sum(), ran_ms);
    }
}

/// Hands so many payments to a node, as a wallet does.
async fn submit(handle: &NetworkHandle, node: PeerId, bytes: Vec<u8>, count: usize) -> Vec<Handed> {
    let answer = handle.request(node, Service::Submit, bytes).await;
    let all = match answer.map(|bytes| SubmitReplies::from_bytes(&bytes)) {
        Ok(Ok(SubmitReplies(replies))) if replies.len() == count => {
            return replies.iter().map(of_reply).collect();
        }
        Ok(Ok(SubmitReplies(replies))) if replies[..] == [SubmitReply::Malformed] => {
            Handed::Shed("malformed")
        }
        Ok(_) => Handed::Unknown("answer_unreadable"),
        Err(error) => of_error(&error),
    };
    vec![all; count]
}

fn of_reply(reply: &SubmitReply) -> Handed {
    match reply {
        SubmitReply::Waiting | SubmitReply::Final { .. } => Handed::Taken,
        SubmitReply::Busy => Handed::Shed("mempool_full"),
        SubmitReply::NonceTaken { .. } => Handed::Shed("nonce_taken"),
        SubmitReply::Malformed => Handed::Shed("malformed"),
        // Only a transaction of its sender can have used a nonce, and that is this one: its proof is under way.
        SubmitReply::Rejected(rejection) if rejection.code() == "nonce_used" => Handed::Taken,
        SubmitReply::Rejected(rejection) => Handed::Shed(rejection.code()),
    }
}

fn of_error(error: &RequestError) -> Handed {
    match error {
        RequestError::Declined(Declined::Busy) => Handed::Shed("node_busy"),
        RequestError::Declined(_) => Handed::Shed("declined"),
        RequestError::NotConnected => Handed::Shed("not_connected"),
        RequestError::TooManyOpen { .. } | RequestError::TooOften { .. } => {
            Handed::Shed("held_back")
        }
        RequestError::Unsupported | RequestError::TooLarge { .. } | RequestError::Stopped => {
            Handed::Shed("not_sent")
        }
        RequestError::Timeout { .. } => Handed::Unknown("timeout"),
        RequestError::ConnectionLost => Handed::Unknown("connection_lost"),
        RequestError::Failed { .. } => Handed::Unknown("failed"),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
