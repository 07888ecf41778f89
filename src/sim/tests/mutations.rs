//! The simulation under test: a law that is left out is caught, soon, and by the invariant that is there for it.
//!
//! Each line of the table is a test of its own. It runs seed after seed with the law left out until one fails; and the
//! same seed must pass with all laws in force. What was measured stands in `docs/simulation.md`, section "Mutations".

use std::time::Duration;

use crate::mutation::{Mutation, with};
use crate::sim::{Habit, Invariant, Plan, Profile, Recruits, cast, simulate};

/// A network of four, and wallets where they are what is looked at.
fn plan(profile: Profile, wallets: u32) -> Plan {
    Plan {
        nodes: 4,
        followers: 0,
        wallets,
        profile,
        duration: Duration::from_secs(20),
    }
}

/// The seeds in which the malicious validator has this habit and no other, if there is one to look for.
fn seeds(plan: &Plan, habit: Option<Habit>) -> impl Iterator<Item = u64> {
    (0..).filter(move |seed| {
        let mut cast = cast(plan.nodes, plan.followers, plan.wallets).unwrap();
        habit.is_none_or(|habit| Recruits::draw(plan, *seed, &mut cast).do_only(habit))
    })
}

/// What a mutation is to be caught by: in which plan, in how many seeds, by which invariants.
struct Trap<'a> {
    plan: Plan,
    habit: Option<Habit>,
    seeds: usize,
    by: &'a [Invariant],
}

fn must_be_caught(mutation: Mutation, trap: &Trap<'_>) {
    let Trap { plan, habit, .. } = trap;
    let violation = |seed: u64| with(mutation, || simulate(plan, seed, None)).violation;
    let caught = seeds(plan, *habit)
        .take(trap.seeds)
        .enumerate()
        .find_map(|(number, seed)| Some((number + 1, seed, violation(seed)?)));
    let Some((number, seed, violation)) = caught else {
        panic!("{mutation:?} is not caught in {} seeds", trap.seeds);
    };
    let place = habit.map_or_else(String::new, |habit| format!(", {habit:?}"));
    println!(
        "| `{mutation:?}` | {}{place} | {number} | {violation}",
        plan.profile
    );
    assert!(trap.by.contains(&violation.invariant), "{violation}");
    let sound = simulate(plan, seed, None).violation;
    assert_eq!(sound, None, "seed {seed} fails without {mutation:?}, too");
}

macro_rules! gate {
    ($($test:ident: $mutation:ident, $profile:ident, $habit:expr, $wallets:literal wallets, $seeds:literal seeds, $($invariant:ident)|+;)*) => {$(
        #[test]
        fn $test() {
            must_be_caught(Mutation::$mutation, &Trap {
                plan: plan(Profile::$profile, $wallets),
                habit: $habit,
                seeds: $seeds,
                by: &[$(Invariant::$invariant),+],
            });
        }
    )*
        /// No mutation is missing here. That a refused payment's nonce is used again shows only where the owner pays again
        /// before the end is known; owners here do not, and `wallet/journal/tests.rs` holds it.
        const _: fn(Mutation) = |mutation| match mutation {
            $(Mutation::$mutation)|+ | Mutation::NonceNotReused => {}
            // The drawn owners give no vouchers: `sim/tests/vouchers.rs` and `chain/ledger/tests/vouchers.rs` hold these.
            Mutation::VoucherTermsUnchecked
            | Mutation::ReclaimedByAnybody
            | Mutation::VoucherExpiryUnchecked
            | Mutation::ClaimedTwice
            | Mutation::ClaimUnproven
            | Mutation::LockedUncounted => {}
        };
    };
}

gate! {
    a_log_that_is_not_written: LogOff, Chaos, None, 0 wallets, 10 seeds, Progress | NoDoubleSignature | Soundness;
    a_log_that_is_not_flushed: FlushOff, Chaos, None, 0 wallets, 10 seeds, Progress | NoDoubleSignature | Soundness;
    a_log_that_is_not_replayed: ReplaySkipped, Chaos, None, 0 wallets, 10 seeds, NoDoubleSignature | Soundness;
    votes_that_nobody_authenticates: VotesUnchecked, Chaos, None, 0 wallets, 10 seeds, Manners;
    blocks_that_nobody_asks_for: CatchUpOff, Chaos, None, 0 wallets, 10 seeds, Progress;
    blocks_of_the_log_let_go: BodiesCleared, Chaos, None, 0 wallets, 10 seeds, Soundness;
    a_guard_that_is_not_read: GuardUnread, Chaos, None, 0 wallets, 20 seeds, NoDoubleSignature | Soundness;
    a_block_committed_without_a_sync: CommitUnsynced, Chaos, None, 0 wallets, 10 seeds, Durability;
    a_block_told_before_it_is_durable: ToldBeforeDurable, Chaos, None, 0 wallets, 10 seeds, Durability;
    a_checkpoint_believed_without_its_root: RootUnheld, Chaos, None, 0 wallets, 20 seeds, OneStateRoot;
    a_block_taken_from_a_peer_without_its_certificate: CatchUpUnchecked, Byzantine, Some(Habit::FalseChain), 0 wallets, 20 seeds, Certificate | Agreement | Soundness;
    a_state_root_that_nobody_holds_against_the_state: StateRootUnchecked, Byzantine, Some(Habit::Unlawful), 0 wallets, 40 seeds, Lawful | OneStateRoot;
    a_payment_of_another_network: NetworkUnchecked, Chaos, None, 0 wallets, 20 seeds, Lawful;
    a_payment_that_nobody_signed: SignaturesUnchecked, Chaos, None, 0 wallets, 10 seeds, Manners | Lawful;
    a_payment_after_its_last_height: ExpiryUnchecked, Chaos, None, 0 wallets, 20 seeds, Lawful;
    a_payment_made_again: NonceUnchecked, Byzantine, Some(Habit::Unlawful), 0 wallets, 40 seeds, Lawful | NonceOnce;
    a_payment_of_money_that_is_not_there: FundsUnchecked, Chaos, None, 0 wallets, 10 seeds, Soundness;
    fees_paid_twice: FeesMinted, Chaos, None, 0 wallets, 10 seeds, Lawful;
    half_of_the_validators_as_a_quorum: QuorumOfHalf, Byzantine, Some(Habit::FalseChain), 0 wallets, 40 seeds, Certificate | Agreement | ShownIsTrue | Soundness;
    a_signer_counted_twice: SignersCountedTwice, Byzantine, Some(Habit::FalseChain), 0 wallets, 20 seeds, Certificate | Agreement | ShownIsTrue | Soundness;
    a_value_believed_without_its_proof: ProofUnchecked, Byzantine, Some(Habit::FalseWindow), 4 wallets, 30 seeds, ShownIsTrue;
    a_transaction_believed_without_its_path: InclusionUnchecked, Byzantine, Some(Habit::FalseWindow), 16 wallets, 60 seeds, ShownIsTrue;
    a_history_believed_without_its_chain: HistoryUnchained, Byzantine, Some(Habit::FalseWindow), 12 wallets, 40 seeds, ShownIsTrue;
    a_state_of_the_past_believed: StaleBelieved, Byzantine, Some(Habit::FalseWindow), 4 wallets, 10 seeds, ShownIsTrue;
    a_payment_sent_before_it_is_saved: SentUnsaved, Chaos, None, 8 wallets, 40 seeds, PaidOnce | ShownIsTrue | Progress;
    a_refusal_believed: RefusalBelieved, Chaos, None, 8 wallets, 20 seeds, PaidOnce | ShownIsTrue | Soundness | Progress;
    a_promise_believed: AcceptanceBelieved, Chaos, None, 4 wallets, 10 seeds, ShownIsTrue;
    a_payment_given_up_too_soon: ExpiredTooSoon, Chaos, None, 4 wallets, 40 seeds, PaidOnce | ShownIsTrue;
}
