//! A page of an account's activities, proven to be complete.
//!
//! The account's leaf holds the number of its activities and the head of their hash chain. A page
//! begins at a mark (a number and the head there) and must lead to a mark that is known: the
//! account's, for the newest page; the beginning of the page after it, for an older one. Because the
//! hashes cannot be made to meet, the page's own beginning is then proven too, back to the account's
//! birth, whose mark is 0 and the zero hash. This file must never give out an entry that no chain led through.

use std::ops::Range;

use super::trust::{Anchor, AnswerError, Proven, Trust, holds};
use super::{AccountAnswer, MAX_PAGE};
use crate::chain::account::{Account, activity_head};
use crate::chain::codec::{Decode, DecodeError, Encode, Reader, put_sequence};
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::ledger::{Ledger, account_key};
use crate::chain::transaction::Transaction;
use crate::chain::tree::Proof;
use crate::mutation::{self, Mutation};

/// A point of an account's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryMark {
    /// How many activities stand before it.
    pub number: u64,
    /// The head of the hash chain there.
    pub head: Hash,
}

impl HistoryMark {
    /// The account's birth.
    pub const BIRTH: Self = Self {
        number: 0,
        head: Hash::ZERO,
    };

    /// Where an account's history stands now.
    pub fn of(account: &Account) -> Self {
        Self {
            number: account.activities,
            head: account.head,
        }
    }
}

/// One activity. The transaction is without its signature: that is not what is proven here, and the
/// certificate over the block has made it good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The height at which it is final.
    pub height: u64,
    /// The time of that block: milliseconds since 1970.
    pub time_ms: u64,
    /// What was done.
    pub transaction: Transaction,
}

/// Consecutive activities of one account, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// Where it begins.
    pub start: HistoryMark,
    /// The activities after it, at most [`MAX_PAGE`].
    pub entries: Vec<HistoryEntry>,
}

/// The numbers (from 0, the end excluded) of the activities that make up a page, of `total`.
pub fn page_range(total: u64, upto: Option<u64>, limit: u8) -> Range<u64> {
    let end = upto.unwrap_or(total).min(total);
    end.saturating_sub(u64::from(limit.min(MAX_PAGE)))..end
}

impl HistoryPage {
    /// Checks that the page leads to `end`, and gives the mark that it begins at: ask for the page up to
    /// that number next, or stop where it is already known, at the latest at [`HistoryMark::BIRTH`].
    ///
    /// # Errors
    /// [`AnswerError::BrokenHistory`] if it does not lead there, is another account's, or is empty
    /// though there is more.
    pub fn verify(&self, address: &Address, end: &HistoryMark) -> Result<HistoryMark, AnswerError> {
        let mut mark = self.start;
        let mut is_own = true;
        for entry in &self.entries {
            let one = &entry.transaction;
            is_own &= one.sender == *address || one.other_party() == Some(*address);
            mark.head = activity_head(&mark.head, &one.id(), entry.height, entry.time_ms);
            mark.number = mark.number.saturating_add(1);
        }
        let begins_right = (self.start.number == 0) == (self.start.head == Hash::ZERO);
        let leads_on = !self.entries.is_empty() || end.number == 0;
        let is_chained = mark == *end || mutation::is_on(Mutation::HistoryUnchained);
        if is_chained && is_own && begins_right && leads_on {
            return Ok(self.start);
        }
        let number = end.number;
        Err(AnswerError::BrokenHistory { number })
    }
}

/// An account with a page of its activities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivitiesAnswer {
    /// What it rests on.
    pub anchor: Anchor,
    /// The account.
    pub account: Option<Account>,
    /// That it stands in the state, or that there is none.
    pub proof: Proof,
    /// The page.
    pub page: HistoryPage,
}

impl ActivitiesAnswer {
    /// The answer of a ledger, with the page of [`page_range`].
    pub fn of(ledger: &Ledger, anchor: Anchor, address: &Address, page: HistoryPage) -> Self {
        let AccountAnswer {
            anchor,
            account,
            proof,
        } = AccountAnswer::of(ledger, anchor, address);
        Self {
            anchor,
            account,
            proof,
            page,
        }
    }

    /// The account and its newest activities, proven to be the newest and without a gap.
    ///
    /// For an older page use [`HistoryPage::verify`] with the mark at which the page after it begins.
    ///
    /// # Errors
    /// An [`AnswerError`] if that is not proven.
    pub fn verify(
        self,
        trust: &Trust,
        address: &Address,
    ) -> Result<Proven<(Option<Account>, HistoryPage)>, AnswerError> {
        let at = self.anchor.verify(trust)?;
        let leaf = self.account.as_ref().map(Account::leaf);
        let key = account_key(address);
        holds("the account", &at, &self.proof, &key, leaf.as_ref())?;
        let end = self.account.as_ref().map(HistoryMark::of);
        self.page
            .verify(address, &end.unwrap_or(HistoryMark::BIRTH))?;
        Ok(Proven {
            value: (self.account, self.page),
            at,
        })
    }
}

impl Encode for HistoryMark {
    fn encode(&self, out: &mut Vec<u8>) {
        self.number.encode(out);
        self.head.encode(out);
    }
}

impl Decode for HistoryMark {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            number: u64::decode(reader)?,
            head: Hash::decode(reader)?,
        })
    }
}

impl Encode for HistoryEntry {
    fn encode(&self, out: &mut Vec<u8>) {
        self.height.encode(out);
        self.time_ms.encode(out);
        self.transaction.encode(out);
    }
}

impl Decode for HistoryEntry {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            height: u64::decode(reader)?,
            time_ms: u64::decode(reader)?,
            transaction: Transaction::decode(reader)?,
        })
    }
}

impl Encode for HistoryPage {
    fn encode(&self, out: &mut Vec<u8>) {
        self.start.encode(out);
        put_sequence(out, &self.entries);
    }
}

impl Decode for HistoryPage {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            start: HistoryMark::decode(reader)?,
            entries: reader.sequence("activities", usize::from(MAX_PAGE))?,
        })
    }
}

impl Encode for ActivitiesAnswer {
    fn encode(&self, out: &mut Vec<u8>) {
        self.anchor.encode(out);
        self.account.encode(out);
        self.proof.encode(out);
        self.page.encode(out);
    }
}

impl Decode for ActivitiesAnswer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            anchor: Anchor::decode(reader)?,
            account: Option::decode(reader)?,
            proof: Proof::decode(reader)?,
            page: HistoryPage::decode(reader)?,
        })
    }
}
