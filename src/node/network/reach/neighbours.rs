//! Neighbours: who has announced itself on the LAN, and where. Anybody there may announce anything.
//!
//! Never: be believed; a neighbour is dialled only if it is sought anyway, and proves who it is. Next: `task.rs`.

use std::collections::BTreeMap;

use libp2p::PeerId;

use crate::behaviour::Multiaddr;

/// Neighbours that are remembered, and addresses of each.
const NEIGHBOURS: usize = 64;
const ADDRESSES: usize = 4;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Neighbours(BTreeMap<PeerId, Vec<Multiaddr>>);

impl Neighbours {
    /// A peer was announced at an address; the newest addresses stay.
    pub(super) fn announced(&mut self, peer: PeerId, address: Multiaddr) {
        if self.0.len() >= NEIGHBOURS && !self.0.contains_key(&peer) {
            return;
        }
        let addresses = self.0.entry(peer).or_default();
        addresses.retain(|known| *known != address);
        addresses.push(address);
        if addresses.len() > ADDRESSES {
            addresses.remove(0);
        }
    }

    /// Who was announced.
    pub(super) fn peers(&self) -> impl Iterator<Item = PeerId> {
        self.0.keys().copied()
    }

    /// Where a peer was announced.
    pub(super) fn addresses(&self, peer: &PeerId) -> &[Multiaddr] {
        self.0.get(peer).map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(port: u16) -> Multiaddr {
        format!("/ip4/192.168.1.5/tcp/{port}").parse().unwrap()
    }

    #[test]
    fn the_newest_addresses_of_the_first_neighbours_are_remembered() {
        let (mut neighbours, first) = (Neighbours::default(), PeerId::random());
        for port in [1, 2, 3, 4, 5, 3] {
            neighbours.announced(first, at(port));
        }
        assert_eq!(neighbours.addresses(&first), [2, 4, 5, 3].map(at));
        for _ in 0..1000 {
            neighbours.announced(PeerId::random(), at(1));
        }
        assert_eq!(neighbours.0.len(), NEIGHBOURS);
        neighbours.announced(first, at(6));
        assert_eq!(neighbours.addresses(&first).last(), Some(&at(6)));
        assert!(neighbours.addresses(&PeerId::random()).is_empty());
    }
}
