//! Deliberate faults, to prove that the simulation would notice real ones.
//!
//! A [`Mutation`] leaves one law of the product out, at the one line that keeps it. Outside of tests [`is_on`] is a
//! constant `false` and nothing of this remains in the program. In tests a switch is thrown for one thread and one
//! closure, by [`with`]; so tests that run beside each other do not disturb each other.
//!
//! Each variant says what is left out, which law that breaks, and what must notice it. Which seeds find it stands in
//! `docs/simulation.md`, section "Mutations". Never: a switch that a user, a file or the network can throw.
//!
//! Not among them: a vote against a locked value. The lock is the agreement core's own; nothing of ours could forget
//! it but the log, and the switches of the log are here.

/// One law left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mutation {
    // ---- agreement: the laws of `docs/protocol.md`, "Agreement" ----
    /// Nothing is appended to the write-ahead log (law 2). After a crash the node does not know what it said: no node
    /// may sign twice, halt, or vote no more.
    LogOff,
    /// What was appended is not flushed before a signed message leaves (law 2). To be noticed as [`Self::LogOff`].
    FlushOff,
    /// After a crash the log is read, and proposing and voting begin before any of it is replayed (law 3). No node may
    /// sign otherwise than before the crash, nor stop because it was about to.
    ReplaySkipped,
    /// Messages are taken and passed on whoever signed them (law 4). A forged message must be refused by all who hear it.
    VotesUnchecked,
    /// No node asks others for the blocks that it lacks (law 5). All nodes must come into step again.
    CatchUpOff,
    /// The blocks of the log are let go of when their height begins again (law 6). No node may decide on a block that
    /// it does not have.
    BodiesCleared,
    /// What the guard recorded is not consulted. A node that lost its log must not contradict what it signed.
    GuardUnread,

    // ---- blocks and storage ----
    /// A block is committed without a sync. What is told as final must be there after a power failure.
    CommitUnsynced,
    /// A block is told to watchers and peers before it is durable. What a node tells must stand in its store.
    ToldBeforeDurable,
    /// A checkpoint is believed though its root is not the certified one. A node's state must be its block's.
    RootUnheld,
    /// A block from a peer is committed without a look at its certificate. What is committed must be certified.
    CatchUpUnchecked,
    /// A proposed block's state root is not held against its execution (rule B11). A certified root must be true.
    StateRootUnchecked,

    // ---- the rules of a transaction ----
    /// R1 is left out: a transaction of another network is taken.
    NetworkUnchecked,
    /// R2 is left out for what is gossiped or proposed: anybody can spend anybody's money.
    SignaturesUnchecked,
    /// R3 is left out: a payment becomes final after the height at which its owner was told that it had expired.
    ExpiryUnchecked,
    /// R7 and R8 are left out: one transaction becomes final twice.
    NonceUnchecked,
    /// R12 is left out: money is spent that is not there. The ledger's own check must stop that node at the latest.
    FundsUnchecked,
    /// The proposer gets the fees twice. The supply must be what the genesis says.
    FeesMinted,
    /// R20 is left out for claims: a claim takes out more than a share. The supply must be what the genesis says.
    VoucherTermsUnchecked,
    /// R20 is left out for who takes a voucher back: anybody can. Only its opener may.
    ReclaimedByAnybody,
    /// R21 is left out: a voucher is claimed after its end.
    VoucherExpiryUnchecked,
    /// R22 is left out: an account takes all the shares of a voucher.
    ClaimedTwice,
    /// The second part of R2 is left out: a voucher is claimed without its secret.
    ClaimUnproven,
    /// What is locked in vouchers is left out of the ledger's sums. The ledger must notice that money came or went.
    LockedUncounted,

    // ---- what a wallet believes ----
    /// Half of the power is a quorum. A certificate of too few must not be believed.
    QuorumOfHalf,
    /// A signer counts as often as it stands in a certificate. One cheat alone must not make a block final.
    SignersCountedTwice,
    /// A value is believed without its proof. What a wallet shows must be in the state of the block that it names.
    ProofUnchecked,
    /// A transaction is believed to be final without its path to the block's header. What a wallet calls final must
    /// be in a block.
    InclusionUnchecked,
    /// A history is believed without the chain of its heads. It must be all that the account did, and nothing else.
    HistoryUnchained,
    /// An answer is taken for the present though a later state was proven before. What is shown must never run back.
    StaleBelieved,

    // ---- one payment ----
    /// A payment is sent before it is remembered. After a crash the wallet must know every payment that a node has.
    SentUnsaved,
    /// A node's refusal ends a payment. What a wallet calls rejected must never become final.
    RefusalBelieved,
    /// A node's word that it has a payment ends it as final. What a wallet calls final must be in a block.
    AcceptanceBelieved,
    /// A payment is called expired one block too soon. What a wallet calls expired must never become final.
    ExpiredTooSoon,
    /// Whoever pays again after a refusal gets a new nonce, not the refused payment's. Only one of the two may happen.
    NonceNotReused,
}

#[cfg(not(test))]
/// Whether a law is left out: never, but in tests.
pub(crate) const fn is_on(_: Mutation) -> bool {
    false
}

#[cfg(not(test))]
/// Runs something with all laws in force. A judge must not share the fault that it judges.
pub(crate) fn unmutated<T>(run: impl FnOnce() -> T) -> T {
    run()
}

#[cfg(test)]
pub(crate) use switches::{assert_noticed, is_any_on, is_on, unmutated, with};

#[cfg(test)]
mod switches {
    use std::cell::RefCell;
    use std::collections::BTreeSet;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::Mutation;

    thread_local! {
        static ON: RefCell<BTreeSet<Mutation>> = const { RefCell::new(BTreeSet::new()) };
    }

    /// Whether a law is left out on this thread.
    pub(crate) fn is_on(mutation: Mutation) -> bool {
        ON.with_borrow(|on| on.contains(&mutation))
    }

    /// Whether any law is left out on this thread.
    pub(crate) fn is_any_on() -> bool {
        ON.with_borrow(|on| !on.is_empty())
    }

    /// Leaves a law out on this thread while `run` runs, also if that panics. May stand within another.
    pub(crate) fn with<T>(mutation: Mutation, run: impl FnOnce() -> T) -> T {
        let mut on = ON.with_borrow(BTreeSet::clone);
        on.insert(mutation);
        let _guard = Guard::set(on);
        run()
    }

    /// Runs something with all laws in force. A judge must not share the fault that it judges.
    pub(crate) fn unmutated<T>(run: impl FnOnce() -> T) -> T {
        let _guard = Guard::set(BTreeSet::new());
        run()
    }

    /// Holds tests to what they are for: each must fail when the law that it tests is left out.
    pub(crate) fn assert_noticed(pairs: &[(Mutation, fn())]) {
        let is_missed = |(mutation, test): &&(Mutation, fn())| {
            let run = AssertUnwindSafe(|| with(*mutation, *test));
            catch_unwind(run).is_ok()
        };
        let missed: Vec<Mutation> = pairs.iter().filter(is_missed).map(|pair| pair.0).collect();
        assert!(missed.is_empty(), "not noticed: {missed:?}");
    }

    /// Puts the switches back as they were, when it goes.
    struct Guard(BTreeSet<Mutation>);

    impl Guard {
        fn set(on: BTreeSet<Mutation>) -> Self {
            Self(ON.replace(on))
        }
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            ON.set(std::mem::take(&mut self.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_on_within_and_off_after_also_after_a_panic() {
        use Mutation::{FlushOff, LogOff};
        assert!(!is_any_on());
        let inner = with(LogOff, || {
            with(FlushOff, || {
                with(LogOff, || (is_on(LogOff), is_on(FlushOff)))
            })
        });
        assert_eq!(inner, (true, true));
        assert!(!is_any_on());
        with(LogOff, || {
            let panicked = std::panic::catch_unwind(|| with(FlushOff, || panic!("as intended")));
            assert!(panicked.is_err());
            assert!(is_on(LogOff) && !is_on(FlushOff));
            assert!(!unmutated(is_any_on));
            assert!(is_on(LogOff));
        });
        assert!(!is_any_on());
    }

    #[test]
    fn a_switch_is_of_one_thread() {
        with(Mutation::LogOff, || {
            let elsewhere = std::thread::spawn(is_any_on).join().unwrap();
            assert!(!elsewhere);
        });
    }
}
