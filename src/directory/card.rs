//! The card: who is where, signed by the account and by the peer, numbered, ending.
//!
//! The account says "this peer is mine", the peer says "here I am": neither key alone can point an account elsewhere.
//! A card is hearsay all the same. It says where to try, never whom to pay; the handshake proves the peer, the chain
//! the account. A [`Card`] is only well-formed; a [`SoundCard`] has good signatures, and only those enter a book.
//! Never: a clock (time comes in), a dial. Format and rules: `docs/protocol.md`, "Directory"; why it is so:
//! `docs/decisions/directory.md`. Next: [`super::book`].

use std::fmt;
use std::num::NonZeroU32;

use super::address::{Endpoint, MAX_ENDPOINT_BYTES};
use super::refusal::Refusal;
use crate::chain::codec::{Decode, DecodeError, Encode, Reader, put_sequence};
use crate::chain::hash::Hash;
use crate::chain::key::{Address, Claim, PublicKey, SecretKey, Signature, verify_batch};

/// The version of the card's format.
pub const VERSION: u16 = 1;
/// Most addresses of a card, relays' included.
pub const MAX_ADDRESSES: usize = 8;
/// Most bytes of a card: what the longest one has.
pub const MAX_CARD_BYTES: usize = HEAD_BYTES + 4 + MAX_ADDRESSES * MAX_ENDPOINT_BYTES + 2 * 64;
/// How far ahead of the reader's clock a card may be issued.
pub const MAX_AHEAD_MS: u64 = 2 * 60 * 1000;
/// How long a withdrawal is remembered, and the number of a card that has ended.
pub const REMEMBERED_MS: u64 = 24 * 60 * 60 * 1000;

/// Version, network, account, peer, sequence number, time of issue, time to live, role: what all cards have.
const HEAD_BYTES: usize = 2 + 32 + 32 + 32 + 8 + 8 + 4 + 1;
const _: () = assert!(MAX_CARD_BYTES <= 1024);
const _: () = assert!(MAX_ENDPOINT_BYTES <= 128);

const ACCOUNT_SIGNS: &[u8] = b"natcoin/card/account/1";
const PEER_SIGNS: &[u8] = b"natcoin/card/peer/1";

/// What a peer is to the network, by its own word. Who may vote is decided by the genesis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A node that votes on blocks.
    Validator,
    /// A node that follows the chain, joins the mesh and serves wallets.
    Follower,
    /// A wallet: it dials out, asks and watches.
    Wallet,
}

impl Role {
    /// Whether peers of this role take part in gossip: nodes do, wallets only ask.
    pub const fn gossips(self) -> bool {
        !matches!(self, Self::Wallet)
    }

    /// The longest life of a card of this role: wallets come and go, nodes stay.
    pub const fn max_ttl_ms(self) -> u32 {
        match self {
            Self::Validator | Self::Follower => 60 * 60 * 1000,
            Self::Wallet => 10 * 60 * 1000,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Validator => "validator",
            Self::Follower => "follower",
            Self::Wallet => "wallet",
        })
    }
}

/// Why addresses make no list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressesFault {
    /// More than [`MAX_ADDRESSES`].
    #[error("{0} addresses are more than {MAX_ADDRESSES}: leave out those that reach the least")]
    TooMany(usize),
    /// One stands twice.
    #[error("the address {0} of the list stands there twice: leave it out")]
    Twice(usize),
}

/// Up to [`MAX_ADDRESSES`] addresses, each once, in the order in which their owner would dial them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Addresses(Vec<Endpoint>);

impl Addresses {
    /// A list.
    ///
    /// # Errors
    /// An [`AddressesFault`] if there are too many, or one stands twice.
    pub fn new(addresses: Vec<Endpoint>) -> Result<Self, AddressesFault> {
        if addresses.len() > MAX_ADDRESSES {
            return Err(AddressesFault::TooMany(addresses.len()));
        }
        for (place, address) in addresses.iter().enumerate() {
            if addresses[..place].contains(address) {
                return Err(AddressesFault::Twice(place));
            }
        }
        Ok(Self(addresses))
    }

    /// The addresses.
    pub fn as_slice(&self) -> &[Endpoint] {
        &self.0
    }
}

/// Whether the peer is there at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presence {
    /// It is, and believed to be for this long after the issue; with no addresses it dials, but cannot be dialled.
    Here {
        /// Milliseconds from the issue to the end.
        ttl_ms: NonZeroU32,
        /// Where.
        addresses: Addresses,
    },
    /// It is not any more: all earlier cards of the peer are withdrawn. Written as a life of zero without addresses.
    Gone,
}

/// What a card says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whereabouts {
    /// The network's genesis hash.
    pub network: Hash,
    /// Whose peer it is: the account by its birth key.
    pub account: Address,
    /// The peer's key, which is its peer id ([`super::peer`]).
    pub peer: PublicKey,
    /// The card's number among the peer's: see [`next_sequence`].
    pub sequence: u64,
    /// When it was issued, milliseconds since 1970 by the issuer's clock.
    pub issued_at_ms: u64,
    /// What the peer is.
    pub role: Role,
    /// Whether it is there, for how long and where.
    pub presence: Presence,
}

/// The number of a peer's next card: above the last one, and near the clock, so that a peer which has forgotten its
/// last number still finds a greater one. `None` once the numbers are used up: a new peer key is needed then.
///
/// The caller keeps the number durably before the card leaves.
pub fn next_sequence(last: Option<u64>, now_ms: u64) -> Option<u64> {
    match last {
        None => Some(now_ms),
        Some(last) => last.checked_add(1).map(|next| next.max(now_ms)),
    }
}

impl Whereabouts {
    /// The time to live; 0 of a withdrawal.
    pub fn ttl_ms(&self) -> u32 {
        match &self.presence {
            Presence::Here { ttl_ms, .. } => ttl_ms.get(),
            Presence::Gone => 0,
        }
    }

    /// The addresses; none of a withdrawal.
    pub fn addresses(&self) -> &[Endpoint] {
        match &self.presence {
            Presence::Here { addresses, .. } => addresses.as_slice(),
            Presence::Gone => &[],
        }
    }

    /// Whether it withdraws the peer's earlier cards.
    pub fn is_gone(&self) -> bool {
        self.presence == Presence::Gone
    }

    /// From when on it is not believed any more, milliseconds since 1970.
    pub fn ends_at_ms(&self) -> u64 {
        let life = match &self.presence {
            Presence::Here { ttl_ms, .. } => u64::from(ttl_ms.get()),
            Presence::Gone => REMEMBERED_MS,
        };
        self.issued_at_ms.saturating_add(life)
    }

    /// When its owner should publish the next one: at half of its life.
    pub fn refresh_at_ms(&self) -> u64 {
        self.issued_at_ms
            .saturating_add(u64::from(self.ttl_ms()) / 2)
    }

    /// The card's identity: of what it says, without its signatures, so that nobody makes another card by signing anew.
    pub fn id(&self) -> Hash {
        Hash::of_value("natcoin/card/1", self)
    }

    /// What the account signs: that this peer speaks for it, under this number, for so long.
    pub fn account_sign_bytes(&self) -> Vec<u8> {
        let mut out = ACCOUNT_SIGNS.to_vec();
        self.network.encode(&mut out);
        self.account.encode(&mut out);
        self.peer.encode(&mut out);
        self.sequence.encode(&mut out);
        self.ttl_ms().encode(&mut out);
        out
    }

    /// What the peer signs: everything, the account's signature included.
    pub fn peer_sign_bytes(&self, account_signature: &Signature) -> Vec<u8> {
        let mut out = PEER_SIGNS.to_vec();
        self.encode(&mut out);
        account_signature.encode(&mut out);
        out
    }

    /// Signs with both keys, where one hand holds both.
    pub fn sign(self, account_key: &SecretKey, peer_key: &SecretKey) -> Card {
        let account_signature = account_key.sign(&self.account_sign_bytes());
        let peer_signature = peer_key.sign(&self.peer_sign_bytes(&account_signature));
        Card {
            whereabouts: self,
            account_signature,
            peer_signature,
        }
    }

    /// Tries the rules D1 to D4, which need no signature and no book.
    ///
    /// # Errors
    /// The first rule broken.
    pub fn examine(&self, network: &Hash, now_ms: u64) -> Result<(), Refusal> {
        is_of_this_network(self, network)?;
        life_is_within_its_roles_limit(self)?;
        is_not_issued_ahead(self, now_ms)?;
        has_not_ended(self, now_ms)
    }
}

/// D1: "A card carries the genesis hash of the network in which it is told."
fn is_of_this_network(card: &Whereabouts, network: &Hash) -> Result<(), Refusal> {
    if card.network == *network {
        return Ok(());
    }
    Err(Refusal::ForeignNetwork {
        found: card.network,
        ours: *network,
    })
}

/// D2: "It lives at most 10 minutes if it is a wallet's, 60 minutes if it is a node's."
fn life_is_within_its_roles_limit(card: &Whereabouts) -> Result<(), Refusal> {
    let (ttl_ms, role) = (card.ttl_ms(), card.role);
    let limit_ms = role.max_ttl_ms();
    if ttl_ms <= limit_ms {
        return Ok(());
    }
    Err(Refusal::LifeTooLong {
        ttl_ms,
        limit_ms,
        role,
    })
}

/// D3: "It is issued at most 2 minutes ahead of the reader's clock."
fn is_not_issued_ahead(card: &Whereabouts, now_ms: u64) -> Result<(), Refusal> {
    if card.issued_at_ms <= now_ms.saturating_add(MAX_AHEAD_MS) {
        return Ok(());
    }
    Err(Refusal::Ahead {
        issued_at_ms: card.issued_at_ms,
        now_ms,
        limit_ms: MAX_AHEAD_MS,
    })
}

/// D4: "Its life is not over; a withdrawal's lasts 24 hours."
fn has_not_ended(card: &Whereabouts, now_ms: u64) -> Result<(), Refusal> {
    let ended_at_ms = card.ends_at_ms();
    if now_ms < ended_at_ms {
        return Ok(());
    }
    Err(Refusal::Ended {
        ended_at_ms,
        now_ms,
    })
}

/// A card as it came: well-formed, and nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// What it says.
    pub whereabouts: Whereabouts,
    /// The account's signature over [`Whereabouts::account_sign_bytes`].
    pub account_signature: Signature,
    /// The peer's signature over [`Whereabouts::peer_sign_bytes`].
    pub peer_signature: Signature,
}

/// A card whose two signatures are good. Whether it is news, or of this network, or not over, is the book's to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoundCard(Card);

impl Card {
    /// Tries the rules D6 to D8: keys for which not anybody can sign, and both signatures (rule K1).
    ///
    /// # Errors
    /// The first rule broken.
    pub fn prove(self) -> Result<SoundCard, Refusal> {
        self.keys_are_sound()?;
        let [account, peer] = self.signed();
        let claims = self.claims(&account, &peer);
        let good = claims.map(|claim| claim.key.verify(claim.message, &claim.signature));
        self.judged(good)
    }

    /// As [`Card::prove`], for many cards at about half the price; `random` as in [`verify_batch`].
    pub fn prove_all(
        cards: Vec<Card>,
        random: &mut impl rand::CryptoRng,
    ) -> Vec<Result<SoundCard, Refusal>> {
        let signed: Vec<[Vec<u8>; 2]> = cards.iter().map(Card::signed).collect();
        let claims: Vec<Claim<'_>> = cards
            .iter()
            .zip(&signed)
            .flat_map(|(card, [account, peer])| card.claims(account, peer))
            .collect();
        let good = verify_batch(&claims, random);
        let judge = |(card, good): (Card, &[bool])| {
            card.keys_are_sound()?;
            card.judged([good[0], good[1]])
        };
        cards
            .into_iter()
            .zip(good.chunks_exact(2))
            .map(judge)
            .collect()
    }

    /// D6: "Neither key is one of the few for which anybody can sign."
    fn keys_are_sound(&self) -> Result<(), Refusal> {
        let said = &self.whereabouts;
        for key in [said.account.birth_key(), said.peer] {
            if !key.is_sound() {
                return Err(Refusal::WeakKey { key });
            }
        }
        Ok(())
    }

    fn signed(&self) -> [Vec<u8>; 2] {
        let said = &self.whereabouts;
        [
            said.account_sign_bytes(),
            said.peer_sign_bytes(&self.account_signature),
        ]
    }

    fn claims<'a>(&self, account: &'a [u8], peer: &'a [u8]) -> [Claim<'a>; 2] {
        [
            Claim {
                key: self.whereabouts.account.birth_key(),
                message: account,
                signature: self.account_signature,
            },
            Claim {
                key: self.whereabouts.peer,
                message: peer,
                signature: self.peer_signature,
            },
        ]
    }

    /// D7: "The account has signed it." D8: "And so has the peer."
    fn judged(self, [by_account, by_peer]: [bool; 2]) -> Result<SoundCard, Refusal> {
        let said = &self.whereabouts;
        if !by_account {
            let account = said.account;
            return Err(Refusal::AccountSignature { account });
        }
        if !by_peer {
            return Err(Refusal::PeerSignature { peer: said.peer });
        }
        Ok(SoundCard(self))
    }
}

impl SoundCard {
    /// A card from a place that only this process writes to and whose whole content is checked: a saved book.
    pub(super) fn from_own_records(card: Card) -> Self {
        Self(card)
    }

    /// What it says.
    pub fn whereabouts(&self) -> &Whereabouts {
        &self.0.whereabouts
    }

    /// The card, to be told to others.
    pub fn card(&self) -> &Card {
        &self.0
    }
}

impl Encode for Role {
    fn encode(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Validator => 1,
            Self::Follower => 2,
            Self::Wallet => 3,
        });
    }
}

impl Decode for Role {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match u8::decode(reader)? {
            1 => Ok(Self::Validator),
            2 => Ok(Self::Follower),
            3 => Ok(Self::Wallet),
            tag => Err(DecodeError::UnknownTag { what: "role", tag }),
        }
    }
}

impl Encode for Whereabouts {
    fn encode(&self, out: &mut Vec<u8>) {
        VERSION.encode(out);
        self.network.encode(out);
        self.account.encode(out);
        self.peer.encode(out);
        self.sequence.encode(out);
        self.issued_at_ms.encode(out);
        self.ttl_ms().encode(out);
        self.role.encode(out);
        put_sequence(out, self.addresses());
    }
}

impl Decode for Whereabouts {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let version = u16::decode(reader)?;
        if version != VERSION {
            let why = format!("{version} is unknown, {VERSION} is read here: update this program");
            return Err(DecodeError::invalid("card's version", why));
        }
        let network = Hash::decode(reader)?;
        let account = Address::decode(reader)?;
        let peer = PublicKey::decode(reader)?;
        let sequence = u64::decode(reader)?;
        let issued_at_ms = u64::decode(reader)?;
        let ttl_ms = NonZeroU32::new(u32::decode(reader)?);
        let role = Role::decode(reader)?;
        let addresses = Addresses::new(reader.sequence("addresses", MAX_ADDRESSES)?)
            .map_err(|fault| DecodeError::invalid("addresses", fault))?;
        let presence = match ttl_ms {
            Some(ttl_ms) => Presence::Here { ttl_ms, addresses },
            None if addresses.as_slice().is_empty() => Presence::Gone,
            None => return Err(DecodeError::invalid("withdrawal", "it names addresses")),
        };
        Ok(Self {
            network,
            account,
            peer,
            sequence,
            issued_at_ms,
            role,
            presence,
        })
    }
}

impl Encode for Card {
    fn encode(&self, out: &mut Vec<u8>) {
        self.whereabouts.encode(out);
        self.account_signature.encode(out);
        self.peer_signature.encode(out);
    }
}

impl Decode for Card {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            whereabouts: Whereabouts::decode(reader)?,
            account_signature: Signature::decode(reader)?,
            peer_signature: Signature::decode(reader)?,
        })
    }
}

#[cfg(test)]
mod tests;
