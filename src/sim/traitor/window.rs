//! What a traitor tells wallets: false balances and proofs, what is out of date, what is not so.
//!
//! Next: `wallet/light.rs`, which believes none of it.

use rand::RngExt as _;

use super::answers::Bent;
use super::{Habit, World};
use crate::behaviour::Service;
use crate::chain::amount::Amount;
use crate::chain::codec::{Decode as _, Encode as _};
use crate::chain::hash::Hash;
use crate::chain::query::{Anchor, Answer, Certified, Unavailable};
use crate::chain::rules::Rejection;
use crate::replica::RequestId;
use crate::replica::wire::{FinalBlock, SubmitReply, WatchFrame};

/// What wallets ask about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Account,
    History,
    Transaction,
}

impl Subject {
    /// What traitors lie about: all that is asked (`None`), or one thing only.
    pub(super) const ALL: [Option<Self>; 4] = [
        None,
        Some(Self::Account),
        Some(Self::History),
        Some(Self::Transaction),
    ];

    fn of(answer: &Answer) -> Option<Self> {
        match answer {
            Answer::Account(_) => Some(Self::Account),
            Answer::Activities(_) => Some(Self::History),
            Answer::Transaction(_) => Some(Self::Transaction),
            _ => None,
        }
    }
}

impl World {
    /// A question comes to a node; tells whether a traitor lets its node hear of it.
    pub(in crate::sim) fn lets_hear(
        &mut self,
        node: usize,
        (id, service): (RequestId, Service),
        data: &[u8],
    ) -> bool {
        let Some(traitor) = &mut self.nodes[node].traitor else {
            return true;
        };
        if matches!(service, Service::Submit | Service::Query) {
            let digest = Hash::of("natcoin/sim/question", &[&[service as u8], data]);
            traitor.questions.insert(id, digest);
        }
        if service != Service::Submit || !self.has_habit(node, Habit::Censorship) {
            return true;
        }
        self.bent(node, None, "censored payment");
        self.respond(node, id, SubmitReply::Waiting.to_bytes());
        false
    }

    pub(super) fn bend_window(
        &mut self,
        node: usize,
        id: RequestId,
        service: Service,
        data: &[u8],
    ) -> Bent {
        let Some(traitor) = &mut self.nodes[node].traitor else {
            return Bent::Not;
        };
        let question = traitor.questions.remove(&id);
        let outdated = question.map(|digest| {
            let first = traitor.outdated.entry(digest);
            first.or_insert_with(|| data.to_vec()).clone()
        });
        let subject = traitor.subject;
        if !self.has_habit(node, Habit::FalseWindow) {
            return Bent::Not;
        }
        if subject.is_some() {
            let answer = Answer::from_bytes(data).ok();
            let answer = answer.filter(|answer| Subject::of(answer) == subject);
            return match answer.filter(|_| service == Service::Query) {
                Some(answer) => {
                    // Nothing that any wallet would find out at once, but by the proof.
                    let luck = self.random.random_range(1..3);
                    Bent::Into(self.false_answer(node, answer, luck).to_bytes())
                }
                None => Bent::Not,
            };
        }
        match self.random.random_range(0..8) {
            0 => return Bent::Never,
            1 => return Bent::Into(vec![7; self.random.random_range(0..64)]),
            2 => return outdated.map_or(Bent::Not, Bent::Into),
            3 => return Bent::Not,
            _ => {}
        }
        Bent::Into(match service {
            Service::Submit => self.false_receipt().to_bytes(),
            _ => match Answer::from_bytes(data) {
                Ok(answer) => {
                    let luck = self.random.random_range(0..7);
                    self.false_answer(node, answer, luck).to_bytes()
                }
                Err(_) => return Bent::Not,
            },
        })
    }

    fn false_receipt(&mut self) -> SubmitReply {
        let height = self.random.random_range(0..1_000);
        match self.random.random_range(0..7) {
            0 => SubmitReply::Final { height },
            1 => SubmitReply::Rejected(Rejection::BadSignature),
            2 => SubmitReply::Rejected(Rejection::Expired {
                valid_until: height,
                height: height + 1,
            }),
            3 => SubmitReply::NonceTaken {
                other: Hash(self.random.random()),
            },
            4 => SubmitReply::Busy,
            5 => SubmitReply::Malformed,
            _ => SubmitReply::Waiting,
        }
    }

    fn false_answer(&mut self, node: usize, answer: Answer, luck: u32) -> Answer {
        let more = Amount::from_nits(self.random.random_range(1..1_000_000_000));
        if luck == 0 {
            return Answer::Unavailable(Unavailable::Unknown);
        }
        match answer {
            Answer::Account(mut found) => {
                match (&mut found.account, luck) {
                    (Some(account), 1) => {
                        account.balance = account.balance.checked_add(more).unwrap_or(more);
                    }
                    (Some(account), 2) => account.nonce += 1,
                    (_, 3) => found.account = None,
                    _ => bend_anchor(&mut found.anchor, luck),
                }
                Answer::Account(found)
            }
            Answer::Name(mut found) => {
                match luck {
                    1..=3 => found.owner = None,
                    _ => bend_anchor(&mut found.anchor, luck),
                }
                Answer::Name(found)
            }
            Answer::Transaction(mut found) => {
                match luck {
                    1 | 2 => found.certified = self.another(node, found.certified),
                    3 => found.path.siblings.clear(),
                    4 => found.transaction.transaction.fee = more,
                    _ => bend(&mut found.certified, luck),
                }
                Answer::Transaction(found)
            }
            Answer::Activities(mut found) => {
                match luck {
                    1 => drop(found.page.entries.pop()),
                    2 => found.page.entries.reverse(),
                    3 => found.account = None,
                    _ => bend_anchor(&mut found.anchor, luck),
                }
                Answer::Activities(found)
            }
            Answer::Block(mut found) => {
                match luck {
                    1 => found.transactions = Some(Vec::new()),
                    _ => bend(&mut found.certified, luck),
                }
                Answer::Block(found)
            }
            Answer::Status(mut found) => {
                bend_anchor(&mut found.anchor, luck);
                Answer::Status(found)
            }
            Answer::Network(mut found) => {
                bend_anchor(&mut found.anchor, luck);
                Answer::Network(found)
            }
            Answer::Voucher(mut found) => {
                match (&mut found.voucher, luck) {
                    (Some(voucher), 1) => voucher.left += 1,
                    (_, 2 | 3) => found.voucher = None,
                    _ => bend_anchor(&mut found.anchor, luck),
                }
                Answer::Voucher(found)
            }
            Answer::Unavailable(_) => Answer::Unavailable(Unavailable::Busy),
        }
    }

    /// Another block of a node: its newest, or the one before that.
    fn another(&self, node: usize, certified: Certified) -> Certified {
        let other = self.block_at(node, u64::MAX);
        let is_other = |other: &Certified| other.header != certified.header;
        let before = certified.header.height.saturating_sub(1);
        let other = other
            .filter(is_other)
            .or_else(|| self.block_at(node, before));
        other.unwrap_or(certified)
    }

    fn block_at(&self, node: usize, height: u64) -> Option<Certified> {
        let store = &self.nodes[node].live.as_ref()?.store;
        let record = store.block(height.min(store.tip())).ok()??;
        let FinalBlock { block, certificate } = FinalBlock::from_bytes(&record).ok()?;
        Some(Certified {
            header: block.header,
            certificate,
        })
    }

    /// What a node really sends to who watches; `None`: nothing.
    pub(in crate::sim) fn frame_of(
        &mut self,
        node: usize,
        to: usize,
        data: Vec<u8>,
    ) -> Option<Vec<u8>> {
        let is_shunned = self.has_habit(node, Habit::Shunning) && self.shuns(node, to);
        if self.has_habit(node, Habit::Silence) || is_shunned {
            self.bent(node, Some(to), "no frame");
            return None;
        }
        let traitor = self.nodes[node].traitor.as_ref();
        let is_cunning = traitor.is_some_and(|traitor| traitor.subject.is_some());
        if !self.has_habit(node, Habit::FalseWindow) || is_cunning {
            return Some(data);
        }
        let luck = self.random.random_range(0..8);
        let length = self.random.random_range(0..64);
        let old_frame = {
            let traitor = self.nodes[node].traitor.as_mut();
            traitor.map(|traitor| {
                traitor
                    .old_frame
                    .get_or_insert_with(|| data.clone())
                    .clone()
            })
        };
        let bent = match (luck, WatchFrame::from_bytes(&data)) {
            (0, _) => {
                self.bent(node, Some(to), "no frame");
                return None;
            }
            (1, _) => Some(vec![7; length]),
            (2, _) => old_frame,
            (3.., Ok(mut frame)) => {
                match luck {
                    3 => drop(frame.transactions.pop()),
                    4 => frame.transactions.iter_mut().for_each(|one| {
                        one.transaction.transaction.nonce += 1;
                    }),
                    5 => frame
                        .transactions
                        .iter_mut()
                        .for_each(|one| one.path.index += 1),
                    _ => bend(&mut frame.certified, luck),
                }
                Some(frame.to_bytes())
            }
            _ => None,
        };
        let Some(bent) = bent.filter(|bent| *bent != data) else {
            return Some(data);
        };
        self.bent(node, Some(to), "false frame");
        Some(bent)
    }
}

fn bend_anchor(anchor: &mut Anchor, luck: u32) {
    match anchor {
        Anchor::Block(certified) if luck != 4 => bend(certified, luck),
        // As if nothing had happened yet.
        _ => *anchor = Anchor::Genesis,
    }
}

fn bend(certified: &mut Certified, luck: u32) {
    let parts = &mut certified.certificate.signatures;
    match luck {
        1 => certified.header.genesis = Hash::ZERO,
        2 => certified.header.state_root = Hash::ZERO,
        3 => parts.truncate(1),
        4 => certified.header.height += 1,
        5 => {
            let first = parts.first().copied();
            *parts = first.into_iter().cycle().take(parts.len()).collect();
        }
        _ => {
            if let Some(part) = parts.first_mut() {
                part.signature.0[1] ^= 1;
            }
        }
    }
}
