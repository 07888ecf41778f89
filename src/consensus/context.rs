//! Our types as the Malachite core wants them. Nothing here leaves the room.

use std::fmt;
use std::sync::Arc;

use arc_malachitebft_core_types as core;
use core::{NilOrVal, Round, SignedExtension, VoteType};

use crate::chain::codec::Decode;
use crate::chain::hash::Hash;
use crate::chain::key::{Address, PublicKey, SecretKey, Signature};
use crate::chain::validator::ValidatorSet;

/// A height of the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Height(pub u64);

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

impl core::Address for Address {}

/// What is agreed on: a block, named by its identity. Bodies are kept by the engine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(pub Hash);

impl core::Value for Value {
    type Id = Hash;

    fn id(&self) -> Hash {
        self.0
    }
}

/// The core's streamed parts are not used: a proposal and its body travel together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoPart;

impl core::ProposalPart<Ctx> for NoPart {
    fn is_first(&self) -> bool {
        true
    }

    fn is_last(&self) -> bool {
        true
    }
}

/// A proposal as the core sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreProposal {
    pub height: Height,
    pub round: Round,
    pub value: Value,
    pub pol_round: Round,
    pub proposer: Address,
}

impl core::Proposal<Ctx> for CoreProposal {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &Value {
        &self.value
    }

    fn take_value(self) -> Value {
        self.value
    }

    fn pol_round(&self) -> Round {
        self.pol_round
    }

    fn validator_address(&self) -> &Address {
        &self.proposer
    }
}

/// A vote as the core sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoreVote {
    pub kind: VoteType,
    pub height: Height,
    pub round: Round,
    pub block: NilOrVal<Hash>,
    pub voter: Address,
    pub extension: Option<SignedExtension<Ctx>>,
}

impl CoreVote {
    pub fn new(
        kind: VoteType,
        height: Height,
        round: Round,
        block: NilOrVal<Hash>,
        voter: Address,
    ) -> Self {
        Self {
            kind,
            height,
            round,
            block,
            voter,
            extension: None,
        }
    }
}

impl core::Vote<Ctx> for CoreVote {
    fn height(&self) -> Height {
        self.height
    }

    fn round(&self) -> Round {
        self.round
    }

    fn value(&self) -> &NilOrVal<Hash> {
        &self.block
    }

    fn take_value(self) -> NilOrVal<Hash> {
        self.block
    }

    fn vote_type(&self) -> VoteType {
        self.kind
    }

    fn validator_address(&self) -> &Address {
        &self.voter
    }

    fn extension(&self) -> Option<&SignedExtension<Ctx>> {
        self.extension.as_ref()
    }

    fn take_extension(&mut self) -> Option<SignedExtension<Ctx>> {
        self.extension.take()
    }

    fn extend(mut self, extension: SignedExtension<Ctx>) -> Self {
        self.extension = Some(extension);
        self
    }
}

/// One validator, with its address at hand (the core borrows it).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voter {
    pub address: Address,
    pub key: PublicKey,
    pub power: u64,
}

impl core::Validator<Ctx> for Voter {
    fn address(&self) -> &Address {
        &self.address
    }

    fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn voting_power(&self) -> u64 {
        self.power
    }
}

/// The validators of a height, ordered as in [`ValidatorSet`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voters {
    set: Arc<ValidatorSet>,
    list: Arc<Vec<Voter>>,
}

impl Voters {
    pub fn new(set: Arc<ValidatorSet>) -> Self {
        let list = set.as_slice().iter().map(|validator| Voter {
            address: validator.address(),
            key: validator.key,
            power: validator.power,
        });
        Self {
            list: Arc::new(list.collect()),
            set,
        }
    }

    pub fn set(&self) -> &ValidatorSet {
        &self.set
    }

    pub fn voter(&self, address: &Address) -> Option<&Voter> {
        self.list.get(self.set.index_of(address)?)
    }

    pub fn proposer(&self, height: u64, round: u32) -> &Voter {
        let validator = self.set.proposer(height, round);
        let place = self.set.index_of(&validator.address()).unwrap_or(0);
        &self.list[place]
    }
}

impl core::ValidatorSet<Ctx> for Voters {
    fn count(&self) -> usize {
        self.list.len()
    }

    fn total_voting_power(&self) -> u64 {
        self.set.total_power()
    }

    fn get_by_address(&self, address: &Address) -> Option<&Voter> {
        self.voter(address)
    }

    fn get_by_index(&self, index: usize) -> Option<&Voter> {
        self.list.get(index)
    }
}

/// The signature scheme's types. The core never signs or verifies by itself: it asks the handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme;

impl core::SigningScheme for Scheme {
    type DecodingError = String;
    type Signature = Signature;
    type PublicKey = PublicKey;
    type PrivateKey = SecretKey;

    fn decode_signature(bytes: &[u8]) -> Result<Signature, String> {
        Signature::from_bytes(bytes).map_err(|error| error.to_string())
    }

    fn encode_signature(signature: &Signature) -> Vec<u8> {
        signature.0.to_vec()
    }

    fn decode_public_key(bytes: &[u8]) -> Result<PublicKey, String> {
        PublicKey::from_bytes(bytes).map_err(|error| error.to_string())
    }

    fn encode_public_key(key: &PublicKey) -> Vec<u8> {
        key.0.to_vec()
    }
}

/// The core's context. It holds nothing: what depends on the network is in the handler.
#[derive(Clone, Debug)]
pub struct Ctx;

impl core::Context for Ctx {
    type Address = Address;
    type Height = Height;
    type ProposalPart = NoPart;
    type Proposal = CoreProposal;
    type Validator = Voter;
    type ValidatorSet = Voters;
    type Timeouts = core::LinearTimeouts;
    type Value = Value;
    type Vote = CoreVote;
    type Extension = ();
    type SigningScheme = Scheme;

    fn select_proposer<'a>(&self, voters: &'a Voters, height: Height, round: Round) -> &'a Voter {
        voters.proposer(height.0, round.as_u32().unwrap_or(0))
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: Value,
        pol_round: Round,
        proposer: Address,
    ) -> CoreProposal {
        CoreProposal {
            height,
            round,
            value,
            pol_round,
            proposer,
        }
    }

    fn new_prevote(
        &self,
        height: Height,
        round: Round,
        block: NilOrVal<Hash>,
        voter: Address,
    ) -> CoreVote {
        CoreVote::new(VoteType::Prevote, height, round, block, voter)
    }

    fn new_precommit(
        &self,
        height: Height,
        round: Round,
        block: NilOrVal<Hash>,
        voter: Address,
    ) -> CoreVote {
        CoreVote::new(VoteType::Precommit, height, round, block, voter)
    }
}
