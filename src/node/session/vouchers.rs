//! The vouchers of an account, as its whole history and the state tell of them; and whether one was claimed before.
//!
//! Nothing of this is kept in a file: a wallet that was made again from its words finds all of it. All of it is proven.
//! Next: `pay/mod.rs` (opening, claiming and taking back), `wallet/voucher.rs` (codes).

use crate::chain::amount::Amount;
use crate::chain::key::{Address, PublicKey};
use crate::chain::query::{HistoryEntry, Moment, Proven};
use crate::chain::transaction::{Operation, Transaction};

use super::Session;
use super::error::SessionError;
use super::facts::MAX_HISTORY;

/// A voucher that an account has opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnVoucher {
    /// Its key.
    pub voucher: PublicKey,
    /// The transaction that opened it; its number is what the secret follows from.
    pub opening: Transaction,
    /// Its block's height.
    pub height: u64,
    /// Its block's time, in milliseconds since 1970.
    pub opened_ms: u64,
    /// What each claim takes out.
    pub share: Amount,
    /// How many claims there were to be.
    pub count: u16,
    /// The last block time at which it can be claimed.
    pub until_ms: u64,
    /// Who has claimed, in order.
    pub claims: Vec<VoucherClaim>,
    /// How it stands.
    pub state: VoucherState,
}

/// A claim of a voucher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoucherClaim {
    /// By whom.
    pub by: Address,
    /// The block's height.
    pub height: u64,
    /// The block's time, in milliseconds since 1970.
    pub time_ms: u64,
}

/// How a voucher stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VoucherState {
    /// It can be claimed so often still.
    Open(u16),
    /// It has ended with so many claims left: its opener can take the rest back.
    Expired(u16),
    /// All of it was claimed.
    Claimed,
    /// Its opener has taken the rest back.
    TakenBack,
}

impl OwnVoucher {
    /// What is left in it.
    pub fn left(&self) -> Amount {
        let left = match self.state {
            VoucherState::Open(left) | VoucherState::Expired(left) => left,
            VoucherState::Claimed | VoucherState::TakenBack => 0,
        };
        Amount::from_nits(self.share.nits().saturating_mul(u64::from(left)))
    }
}

impl Session {
    /// All vouchers that an account has ever opened, the oldest first.
    ///
    /// # Errors
    /// As [`Session::history`].
    pub async fn own_vouchers(
        &self,
        opener: Address,
    ) -> Result<Proven<Vec<OwnVoucher>>, SessionError> {
        let history = self.history(opener, MAX_HISTORY).await?;
        let mut found = of_history(&opener, &history.entries, &history.at);
        for one in &mut found {
            let VoucherState::Open(left) = one.state else {
                continue;
            };
            // The history is whole, so the state says the same or something newer.
            let now = self.voucher(one.voucher).await?;
            let open = now.value.filter(|open| open.opening == one.opening.id());
            let left = open.map_or(left, |open| open.left.min(left));
            one.state = match now.at.time_ms > one.until_ms {
                true => VoucherState::Expired(left),
                false => VoucherState::Open(left),
            };
        }
        Ok(Proven {
            value: found,
            at: history.at,
        })
    }

    /// The claim of a voucher that an account has made, if it has: the transaction and its height.
    ///
    /// # Errors
    /// As [`Session::history`].
    pub async fn claim_by(
        &self,
        claimer: Address,
        voucher: PublicKey,
    ) -> Result<Option<(Transaction, u64)>, SessionError> {
        let is_claim = |entry: &HistoryEntry| {
            let one = &entry.transaction;
            let claims = matches!(one.operation, Operation::ClaimVoucher { .. });
            claims && one.sender == claimer && one.operation.voucher() == Some(voucher)
        };
        let enough =
            |entries: &[HistoryEntry]| entries.len() >= MAX_HISTORY || entries.iter().any(is_claim);
        let history = self.0.history(claimer, enough).await?;
        let found = history.entries.into_iter().rev().find(is_claim);
        Ok(found.map(|entry| (entry.transaction, entry.height)))
    }
}

fn of_history(opener: &Address, entries: &[HistoryEntry], at: &Moment) -> Vec<OwnVoucher> {
    let mut all: Vec<OwnVoucher> = Vec::new();
    for entry in entries {
        let one = &entry.transaction;
        let is_own = one.sender == *opener;
        match &one.operation {
            Operation::OpenVoucher {
                voucher,
                share,
                count,
                until_ms,
                ..
            } if is_own => all.push(OwnVoucher {
                voucher: *voucher,
                opening: one.clone(),
                height: entry.height,
                opened_ms: entry.time_ms,
                share: *share,
                count: *count,
                until_ms: *until_ms,
                claims: Vec::new(),
                state: match at.time_ms > *until_ms {
                    true => VoucherState::Expired(*count),
                    false => VoucherState::Open(*count),
                },
            }),
            Operation::ClaimVoucher { opening, .. } if !is_own => {
                if let Some(known) = all.iter_mut().find(|known| known.opening.id() == *opening) {
                    known.claimed(one.sender, entry);
                }
            }
            Operation::ReclaimVoucher { voucher, .. } if is_own => {
                let mut newest = all.iter_mut().rev();
                if let Some(known) = newest.find(|known| known.voucher == *voucher) {
                    known.state = VoucherState::TakenBack;
                }
            }
            _ => {}
        }
    }
    all
}

impl OwnVoucher {
    fn claimed(&mut self, by: Address, entry: &HistoryEntry) {
        self.claims.push(VoucherClaim {
            by,
            height: entry.height,
            time_ms: entry.time_ms,
        });
        self.state = match self.state {
            VoucherState::Open(left) if left > 1 => VoucherState::Open(left - 1),
            VoucherState::Expired(left) if left > 1 => VoucherState::Expired(left - 1),
            _ => VoucherState::Claimed,
        };
    }
}
