//! What the signatures alone would allow: the most that a network of these nodes could make final on this machine.
//!
//! Every validator checks every signature, and here all of them share the machine. So the limit is what all its cores
//! check at once, in batches of the size and by the function that the nodes use, divided by the number of validators.
//! No key is known from before: what a node's cache of keys saves, shows as a greater share of the limit.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::BenchError;
use super::load::{Load, cores};
use crate::chain::codec::Decode as _;
use crate::chain::transaction::SignedTransaction;
use crate::node::clock;
use crate::replica::{FULL_CHECK, check};

/// How long it is measured.
const LENGTH: Duration = Duration::from_millis(1_000);
/// Batches for each core: more than its caches hold.
const BATCHES: usize = 4;

/// How many payments must be signed for it.
pub fn sample() -> usize {
    cores() * BATCHES * FULL_CHECK
}

/// Payments a second that so many validators on this machine could check.
///
/// # Errors
/// [`BenchError::Signature`] if a signature is bad.
pub fn measure(load: &Load, validators: usize) -> Result<f64, BenchError> {
    let threads = cores();
    let began = Barrier::new(threads);
    let rates = thread::scope(|scope| {
        let began = &began;
        let work = |core: usize| scope.spawn(move || of_core(load, core, began));
        let running: Vec<_> = (0..threads).map(work).collect();
        let done = running.into_iter().map(|thread| thread.join());
        // A thread that panicked has said so.
        done.map(|rate| rate.ok().flatten()).collect::<Vec<_>>()
    });
    let all = rates.into_iter().sum::<Option<f64>>();
    let shared = f64::from(u32::try_from(validators).unwrap_or(u32::MAX));
    all.map(|all| all / shared).ok_or(BenchError::Signature)
}

/// Signatures a second of one core; `None` if one is bad.
fn of_core(load: &Load, core: usize, began: &Barrier) -> Option<f64> {
    let mut random = StdRng::from_seed(rand::random());
    let share = BATCHES * FULL_CHECK;
    let payments = (core * share..(core + 1) * share).map(|number| load.encoded(number));
    let signed: Option<Vec<SignedTransaction>> = payments
        .map(|bytes| SignedTransaction::from_bytes(bytes).ok())
        .collect();
    // Order: whoever leaves before has not kept the others waiting.
    began.wait();
    let signed = signed?;
    let start = clock::now();
    let mut checked = 0_u32;
    loop {
        for batch in signed.chunks(FULL_CHECK) {
            let good = check(batch, None, random.random());
            if !good.into_iter().all(|is_good| is_good) {
                return None;
            }
            checked += u32::try_from(batch.len()).ok()?;
            let took = start.elapsed();
            if took >= LENGTH {
                return Some(f64::from(checked) / took.as_secs_f64());
            }
        }
    }
}
