//! The service to wallets and peers: answers to requests, and frames to watchers.
//!
//! Answers about the state come with proofs under the last certified header. It must never answer from
//! what is not yet durable: requests are handled between steps, when all effects before are performed.

use std::collections::BTreeMap;

use super::Replica;
use super::effect::{Effect, Peer, RequestId, WatchId};
use super::wire::{
    BlocksRequest, FinalBlock, MAX_FRAME_TRANSACTIONS, MissingRequest, PlacedTransaction,
    SubmitReply, WatchFrame, WatchRequest,
};
use crate::behaviour::Service;
use crate::chain::block::Block;
use crate::chain::codec::{Decode, Encode};
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::chain::merkle;
use crate::chain::query::{
    AccountAnswer, ActivitiesAnswer, Anchor, Answer, BlockAnswer, Certified, HistoryEntry,
    HistoryMark, HistoryPage, NameAnswer, NetworkAnswer, Query, Status, TransactionAnswer,
    Unavailable, VoucherAnswer, page_range,
};
use crate::chain::transaction::TransactionId;
use crate::store::Store;

/// Bytes at which a page of activities is full, so that an answer stays within its limit.
const FULL_PAGE_BYTES: usize = 96 << 10;

impl Replica {
    pub(super) fn on_request(
        &mut self,
        id: RequestId,
        from: Peer,
        service: Service,
        data: &[u8],
        store: &Store,
    ) {
        let answer = match service {
            Service::Submit => {
                self.on_submit(id, data, store);
                return self.catch_up();
            }
            Service::Query => match Query::from_bytes(data) {
                Ok(query) => self.answer(&query, store).to_bytes(),
                Err(_) => return self.refuse(id, from, "its query cannot be read"),
            },
            Service::Blocks => match BlocksRequest::from_bytes(data) {
                Ok(request) => self.answer_blocks(&request, store),
                Err(_) => return self.refuse(id, from, "its request for blocks cannot be read"),
            },
            Service::Agreement => match MissingRequest::from_bytes(data) {
                Ok(request) => {
                    // Who is at a later height has what we lack.
                    self.peers
                        .note_height(&from, request.height.saturating_sub(1));
                    self.answer_missing(&request)
                }
                Err(_) => return self.refuse(id, from, "its request for messages cannot be read"),
            },
            // The keeper of the directory answers these; here they are nothing.
            Service::Directory | Service::LookUp | Service::Pay => {
                SubmitReply::Malformed.to_bytes()
            }
        };
        self.hands.emit(Effect::Respond { id, data: answer });
        self.catch_up();
    }

    fn refuse(&mut self, id: RequestId, peer: Peer, reason: &str) {
        self.hands.emit(Effect::Respond {
            id,
            data: SubmitReply::Malformed.to_bytes(),
        });
        self.hands.emit(Effect::Disconnect {
            peer,
            reason: reason.to_owned(),
        });
    }

    fn anchor(&self) -> Anchor {
        match &self.head.certified {
            Some(certified) => Anchor::Block(Box::new(certified.clone())),
            None => Anchor::Genesis,
        }
    }

    fn answer(&self, query: &Query, store: &Store) -> Answer {
        let ledger = &self.books.ledger;
        let unknown = Answer::Unavailable(Unavailable::Unknown);
        match query {
            Query::Status => Answer::Status(Status {
                anchor: self.anchor(),
                validators_up: u16::try_from(self.validators_up()).unwrap_or(u16::MAX),
                waiting: u32::try_from(self.mempool.len()).unwrap_or(u32::MAX),
            }),
            Query::Network => Answer::Network(NetworkAnswer::of(ledger, self.anchor())),
            Query::Account(address) => {
                Answer::Account(AccountAnswer::of(ledger, self.anchor(), address))
            }
            Query::Name(name) => Answer::Name(NameAnswer::of(ledger, self.anchor(), name)),
            Query::Voucher(key) => Answer::Voucher(VoucherAnswer::of(ledger, self.anchor(), key)),
            Query::Transaction(_) | Query::Block(_) => {
                stored_answer(query, store).unwrap_or(unknown)
            }
            Query::Activities {
                address,
                upto,
                limit,
            } => self
                .page(address, *upto, *limit, store)
                .map_or(unknown, |page| {
                    Answer::Activities(ActivitiesAnswer::of(ledger, self.anchor(), address, page))
                }),
        }
    }

    fn page(
        &self,
        address: &Address,
        upto: Option<u64>,
        limit: u8,
        store: &Store,
    ) -> Option<HistoryPage> {
        let account = self.books.ledger.account(address);
        let total = account.map_or(0, |account| account.activities);
        let range = page_range(total, upto, limit);
        let mut entries = Vec::new();
        let mut size = 0;
        let mut cached: Option<(u64, FinalBlock)> = None;
        let mut first = range.end;
        // From the newest back, so that a page cut short by its size still ends where it should.
        for number in range.rev() {
            let place = store.activity(&address.0, number + 1).ok()??.place;
            if cached.as_ref().map(|(height, _)| *height) != Some(place.height) {
                cached = Some((place.height, read_block(place.height, store)?));
            }
            let (_, found) = cached.as_ref()?;
            let position = usize::try_from(place.position).ok()?;
            let one = found.block.transactions.get(position)?;
            size += one.size_bytes();
            if size > FULL_PAGE_BYTES && !entries.is_empty() {
                break;
            }
            first = number;
            entries.push(HistoryEntry {
                height: place.height,
                time_ms: found.block.header.time_ms,
                transaction: one.transaction.clone(),
            });
        }
        entries.reverse();
        let start = match first {
            0 => HistoryMark::BIRTH,
            number => HistoryMark {
                number,
                head: Hash(store.activity(&address.0, number).ok()??.head),
            },
        };
        Some(HistoryPage { start, entries })
    }

    pub(super) fn on_watch_opened(&mut self, watch: WatchId, data: &[u8]) {
        let Ok(request) = WatchRequest::from_bytes(data) else {
            return self.hands.emit(Effect::CloseWatch { watch });
        };
        let addresses = request.addresses.into_iter().collect();
        self.watchers.open(watch, addresses, self.height());
        if let Some(certified) = self.head.certified.clone() {
            let frame = WatchFrame {
                certified,
                transactions: Vec::new(),
            };
            self.push(watch, &frame);
        }
    }

    fn push(&mut self, watch: WatchId, frame: &WatchFrame) {
        let frame = frame.to_bytes();
        self.hands.emit(Effect::Push { watch, frame });
    }

    /// Tells whom the new block concerns: its header, and their transactions with their paths. The herald tells the rest.
    pub(super) fn tell_watchers(&mut self, block: &Block) {
        let Some(certified) = self.head.certified.clone() else {
            return;
        };
        if self.watchers.is_empty() {
            return;
        }
        let mut placed: BTreeMap<WatchId, Vec<usize>> = BTreeMap::new();
        let mut watched = Vec::new();
        for (index, one) in block.transactions.iter().enumerate() {
            let watches = self.watchers.concerned(&one.transaction);
            if !watches.is_empty() {
                for watch in watches {
                    placed.entry(watch).or_default().push(watched.len());
                }
                watched.push(index);
            }
        }
        let paths = merkle::paths(&block.leaves(), &watched);
        let height = certified.header.height;
        let mut frame = WatchFrame {
            certified,
            transactions: Vec::new(),
        };
        let bare = frame.to_bytes();
        // Order: whose payments these are hear of them before all who only follow the chain.
        for (watch, own) in &placed {
            for part in own.chunks(MAX_FRAME_TRANSACTIONS) {
                frame.transactions = part
                    .iter()
                    .map(|number| PlacedTransaction {
                        transaction: block.transactions[watched[*number]].clone(),
                        path: paths[*number].clone(),
                    })
                    .collect();
                self.push(*watch, &frame);
            }
            self.watchers.told(*watch, height);
        }
        // The same for all of these: encoded once.
        self.herald(height, bare);
    }
}

/// The answer to a query that the block log alone answers, on any thread; `None` for another query, or if the log cannot be read.
pub fn stored_answer(query: &Query, store: &Store) -> Option<Answer> {
    let found = match query {
        Query::Transaction(id) => {
            transaction(id, store).map(|answer| Answer::Transaction(Box::new(answer)))
        }
        Query::Block(height) => read_block(*height, store).map(|found| {
            let FinalBlock { block, certificate } = found;
            let certified = Certified {
                header: block.header,
                certificate,
            };
            Answer::Block(BlockAnswer::of(certified, block.transactions))
        }),
        _ => return None,
    };
    Some(found.unwrap_or(Answer::Unavailable(Unavailable::Unknown)))
}

fn read_block(height: u64, store: &Store) -> Option<FinalBlock> {
    let bytes = store.block(height).ok()??;
    FinalBlock::from_bytes(&bytes).ok()
}

fn transaction(id: &TransactionId, store: &Store) -> Option<TransactionAnswer> {
    let place = store.transaction_position(&id.0).ok()??;
    let FinalBlock { block, certificate } = read_block(place.height, store)?;
    let index = usize::try_from(place.position).ok()?;
    let path = merkle::path(&block.leaves(), index)?;
    Some(TransactionAnswer {
        transaction: block.transactions.get(index)?.clone(),
        certified: Certified {
            header: block.header,
            certificate,
        },
        path,
    })
}
