//! Who gives way when there is no more room: the rules D10 to D12.
//!
//! An account's own cards compete by number, because they are all its own and the newest are meant. Everybody else's
//! compete by standing alone, and among equals who is there stays: whoever invents cards can fill what is empty and
//! can displace nobody. Only withdrawals give way among equals.

use super::index::Place;
use super::{Book, MAX_PER_ACCOUNT, MAX_PER_SUBNET};
use crate::chain::key::PublicKey;
use crate::directory::refusal::Refusal;

impl Book {
    /// The peers that must leave so that this card can come.
    pub(super) fn who_gives_way(&self, newcomer: Place<'_>) -> Result<Vec<PublicKey>, Refusal> {
        let mut leaving = Vec::new();
        self.account_has_room(newcomer, &mut leaving)?;
        self.subnets_have_room(newcomer, &mut leaving)?;
        self.book_has_room(newcomer, &mut leaving)?;
        Ok(leaving)
    }

    /// D10: "An account has at most four cards: those with the greatest numbers."
    fn account_has_room(
        &self,
        newcomer: Place<'_>,
        leaving: &mut Vec<PublicKey>,
    ) -> Result<(), Refusal> {
        let said = newcomer.said;
        let others = self.index.peers_of(&said.account);
        let mut numbered: Vec<(u64, PublicKey)> = others
            .filter(|peer| **peer != said.peer)
            .filter_map(|peer| Some((self.of_peer(peer)?.whereabouts.sequence, *peer)))
            .collect();
        if numbered.len() < MAX_PER_ACCOUNT {
            return Ok(());
        }
        numbered.sort_unstable();
        let (sequence, oldest) = numbered[0];
        // By peer where two numbers are equal, so that the choice is the same everywhere.
        if (sequence, oldest) > (said.sequence, said.peer) {
            return Err(Refusal::AccountFull {
                account: said.account,
                limit: MAX_PER_ACCOUNT,
            });
        }
        leaving.push(oldest);
        Ok(())
    }

    /// D11: "At most sixteen cards name their own public address in one /24 or /48, the verified list apart."
    fn subnets_have_room(
        &self,
        newcomer: Place<'_>,
        leaving: &mut Vec<PublicKey>,
    ) -> Result<(), Refusal> {
        for subnet in newcomer.subnets() {
            let there = self.index.peers_in(subnet);
            let staying: Vec<_> = there
                .filter(|(_, peer)| **peer != newcomer.said.peer && !leaving.contains(peer))
                .collect();
            if staying.len() < MAX_PER_SUBNET {
                continue;
            }
            let (lowest, peer) = staying[0];
            if lowest >= newcomer.standing {
                return Err(Refusal::SubnetFull {
                    subnet,
                    limit: MAX_PER_SUBNET,
                });
            }
            leaving.push(*peer);
        }
        Ok(())
    }

    /// D12: "The book holds so many cards and no more; the lowest rank gives way to a higher one."
    fn book_has_room(
        &self,
        newcomer: Place<'_>,
        leaving: &mut Vec<PublicKey>,
    ) -> Result<(), Refusal> {
        let own = usize::from(self.cards.contains_key(&newcomer.said.peer));
        if self.cards.len() - own - leaving.len() < self.max_cards {
            return Ok(());
        }
        let lower = self.index.below(newcomer.rank());
        let mut staying =
            lower.filter(|peer| **peer != newcomer.said.peer && !leaving.contains(peer));
        let Some(lowest) = staying.next() else {
            return Err(Refusal::BookFull {
                limit: self.max_cards,
            });
        };
        leaving.push(*lowest);
        Ok(())
    }
}
