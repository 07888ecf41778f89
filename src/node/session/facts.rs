//! The questions: accounts, names, rules, histories, transactions, blocks. All answers are proven.
//!
//! Next: `ask.rs`.

use super::error::SessionError;
use super::{Inner, Session};
use crate::chain::account::Account;
use crate::chain::key::{Address, PublicKey};
use crate::chain::name::Name;
use crate::chain::query::{
    BlockRecord, HistoryEntry, HistoryMark, HistoryPage, MAX_PAGE, Moment, Network, Proven,
    ProvenOwner, Query, TransactionRecord,
};
use crate::chain::transaction::TransactionId;
use crate::chain::voucher::Voucher;
use crate::wallet::receipt::Receipt;

/// Most activities that [`Session::history`] gathers.
pub const MAX_HISTORY: usize = 100_000;

/// An account and its newest activities, without a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The account; `None` if there is proven to be none.
    pub account: Option<Account>,
    /// Of when it is.
    pub at: Moment,
    /// The activities, oldest first.
    pub entries: Vec<HistoryEntry>,
    /// Whether these are all there ever were.
    pub complete: bool,
}

impl Session {
    /// An account as it is now; `None` if there is proven to be none.
    ///
    /// # Errors
    /// [`SessionError::NoNode`], [`SessionError::Fork`]. So in all that follow.
    pub async fn account(&self, address: Address) -> Result<Proven<Option<Account>>, SessionError> {
        self.0.account(address).await
    }

    /// The voucher that is open under a key; `None` if it is proven that none is.
    ///
    /// # Errors
    /// As [`Session::account`].
    pub async fn voucher(&self, key: PublicKey) -> Result<Proven<Option<Voucher>>, SessionError> {
        self.0.voucher(key).await
    }

    /// Whose a name is.
    ///
    /// # Errors
    /// [`SessionError::UnknownName`] if it is proven to be free.
    pub async fn resolve(&self, name: &Name) -> Result<Proven<ProvenOwner>, SessionError> {
        let Proven { value, at } = self.0.owner(name).await?;
        let height = at.height;
        let name = name.clone();
        let value = value.ok_or(SessionError::UnknownName { name, height })?;
        Ok(Proven { value, at })
    }

    /// The rules and validators.
    ///
    /// # Errors
    /// As [`Session::account`].
    pub async fn network(&self) -> Result<Proven<Network>, SessionError> {
        self.0.rules().await
    }

    /// A final transaction.
    ///
    /// # Errors
    /// [`SessionError::NotFound`] if no node knows it.
    pub async fn transaction(
        &self,
        id: TransactionId,
    ) -> Result<Proven<TransactionRecord>, SessionError> {
        let what = format!("the transaction {id}");
        self.0
            .ask(&Query::Transaction(id), &what, |light, answer| {
                light.transaction(answer, &id)
            })
            .await
    }

    /// The receipt of a final transaction.
    ///
    /// # Errors
    /// [`SessionError::NotFound`] if no node knows it.
    pub async fn receipt(&self, id: TransactionId) -> Result<Proven<Receipt>, SessionError> {
        let what = format!("the transaction {id}");
        let Proven { value, at } = self
            .0
            .ask(&Query::Transaction(id), &what, |light, answer| {
                light.transaction_proof(answer, &id)
            })
            .await?;
        let value = Receipt::new(value);
        Ok(Proven { value, at })
    }

    /// The block at a height, from 1.
    ///
    /// # Errors
    /// [`SessionError::NotFound`] if no node knows it.
    pub async fn block(&self, height: u64) -> Result<Proven<BlockRecord>, SessionError> {
        let what = format!("a block of height {height}");
        self.0
            .ask(&Query::Block(height), &what, |light, answer| {
                light.block(answer, height)
            })
            .await
    }

    /// An account with its newest activities, at least `at_least` (or all there are), at most [`MAX_HISTORY`] and a page.
    ///
    /// # Errors
    /// As [`Session::account`].
    pub async fn history(
        &self,
        address: Address,
        at_least: usize,
    ) -> Result<History, SessionError> {
        let enough = at_least.min(MAX_HISTORY);
        self.0
            .history(address, |entries| entries.len() >= enough)
            .await
    }
}

impl Inner {
    pub(super) async fn account(
        &self,
        address: Address,
    ) -> Result<Proven<Option<Account>>, SessionError> {
        self.ask(&Query::Account(address), "the account", |light, answer| {
            light.account(answer, &address)
        })
        .await
    }

    pub(super) async fn voucher(
        &self,
        key: PublicKey,
    ) -> Result<Proven<Option<Voucher>>, SessionError> {
        self.ask(&Query::Voucher(key), "the voucher", |light, answer| {
            light.voucher(answer, &key)
        })
        .await
    }

    pub(super) async fn owner(
        &self,
        name: &Name,
    ) -> Result<Proven<Option<ProvenOwner>>, SessionError> {
        self.ask(&Query::Name(name.clone()), "the name", |light, answer| {
            light.name(answer, name)
        })
        .await
    }

    pub(super) async fn rules(&self) -> Result<Proven<Network>, SessionError> {
        self.ask(&Query::Network, "the rules", |light, answer| {
            light.network(answer)
        })
        .await
    }

    /// An account with its newest activities, page by page till there are `enough`.
    pub(super) async fn history(
        &self,
        address: Address,
        enough: impl Fn(&[HistoryEntry]) -> bool,
    ) -> Result<History, SessionError> {
        let what = "the history";
        let newest = Query::Activities {
            address,
            upto: None,
            limit: MAX_PAGE,
        };
        let Proven { value, at } = self
            .ask(&newest, what, |light, answer| {
                light.history(answer, &address)
            })
            .await?;
        let (
            account,
            HistoryPage {
                mut start,
                mut entries,
            },
        ) = value;
        while start != HistoryMark::BIRTH && !enough(&entries) {
            let older = Query::Activities {
                address,
                upto: Some(start.number),
                limit: MAX_PAGE,
            };
            let page = self
                .ask(&older, what, |light, answer| {
                    light.older_history(answer, &address, &start)
                })
                .await?
                .value;
            start = page.start;
            entries.splice(0..0, page.entries);
        }
        Ok(History {
            account,
            at,
            entries,
            complete: start == HistoryMark::BIRTH,
        })
    }
}
