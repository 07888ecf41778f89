//! Answers about the state: an account, a name's owner, the network's rules and validators.
//!
//! An answer is made from a ledger and the anchor of the block after which that ledger stands; with
//! another anchor it proves nothing.

use super::trust::{Anchor, AnswerError, Proven, Trust, holds};
use crate::chain::account::Account;
use crate::chain::codec::{Decode, DecodeError, Encode, Reader};
use crate::chain::genesis::Rules;
use crate::chain::key::Address;
use crate::chain::ledger::{
    Ledger, account_key, name_key, name_leaf, rules_key, rules_leaf, validators_key,
};
use crate::chain::name::Name;
use crate::chain::tree::Proof;
use crate::chain::validator::ValidatorSet;

/// An account, or that there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountAnswer {
    /// What it rests on.
    pub anchor: Anchor,
    /// The account.
    pub account: Option<Account>,
    /// That it stands in the state, or that there is none.
    pub proof: Proof,
}

impl AccountAnswer {
    /// The answer of a ledger.
    pub fn of(ledger: &Ledger, anchor: Anchor, address: &Address) -> Self {
        Self {
            anchor,
            account: ledger.account(address),
            proof: ledger.prove_account(address),
        }
    }

    /// The account of this address, proven; `None` if it is proven that there is none.
    ///
    /// # Errors
    /// An [`AnswerError`] if that is not proven.
    pub fn verify(
        self,
        trust: &Trust,
        address: &Address,
    ) -> Result<Proven<Option<Account>>, AnswerError> {
        let at = self.anchor.verify(trust)?;
        let leaf = self.account.as_ref().map(Account::leaf);
        let key = account_key(address);
        holds("the account", &at, &self.proof, &key, leaf.as_ref())?;
        Ok(Proven {
            value: self.account,
            at,
        })
    }
}

/// A name's owner, or that the name is free.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameAnswer {
    /// What it rests on.
    pub anchor: Anchor,
    /// The owner.
    pub owner: Option<OwnerPart>,
    /// That the name is the owner's, or free.
    pub proof: Proof,
}

/// A name's owner in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerPart {
    /// The owner's address.
    pub address: Address,
    /// The owner's account.
    pub account: Account,
    /// That the account stands in the state.
    pub proof: Proof,
}

/// A name's owner, proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvenOwner {
    /// The owner's address.
    pub address: Address,
    /// The owner's account.
    pub account: Account,
}

impl NameAnswer {
    /// The answer of a ledger.
    pub fn of(ledger: &Ledger, anchor: Anchor, name: &Name) -> Self {
        let owner = ledger.owner(name).and_then(|address| {
            Some(OwnerPart {
                address,
                account: ledger.account(&address)?,
                proof: ledger.prove_account(&address),
            })
        });
        Self {
            anchor,
            owner,
            proof: ledger.prove_name(name),
        }
    }

    /// The owner of this name, proven; `None` if it is proven that the name is free.
    ///
    /// # Errors
    /// An [`AnswerError`] if that is not proven.
    pub fn verify(
        self,
        trust: &Trust,
        name: &Name,
    ) -> Result<Proven<Option<ProvenOwner>>, AnswerError> {
        let at = self.anchor.verify(trust)?;
        let leaf = self.owner.as_ref().map(|owner| name_leaf(&owner.address));
        let key = name_key(name);
        holds("the name's owner", &at, &self.proof, &key, leaf.as_ref())?;
        let Some(owner) = self.owner else {
            return Ok(Proven { value: None, at });
        };
        let (key, leaf) = (account_key(&owner.address), owner.account.leaf());
        holds("the owner's account", &at, &owner.proof, &key, Some(&leaf))?;
        let value = Some(ProvenOwner {
            address: owner.address,
            account: owner.account,
        });
        Ok(Proven { value, at })
    }
}

/// The rules and the validators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkAnswer {
    /// What it rests on.
    pub anchor: Anchor,
    /// The rules and validators.
    pub network: Network,
    /// That the rules stand in the state.
    pub rules_proof: Proof,
    /// That the validators do.
    pub validators_proof: Proof,
}

/// What holds on a network now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The rules.
    pub rules: Rules,
    /// The validators of the next height.
    pub validators: ValidatorSet,
}

impl NetworkAnswer {
    /// The answer of a ledger.
    pub fn of(ledger: &Ledger, anchor: Anchor) -> Self {
        Self {
            anchor,
            network: Network {
                rules: ledger.rules().clone(),
                validators: ledger.validators().clone(),
            },
            rules_proof: ledger.prove_rules(),
            validators_proof: ledger.prove_validators(),
        }
    }

    /// The rules and validators, proven.
    ///
    /// # Errors
    /// An [`AnswerError`] if they are not.
    pub fn verify(self, trust: &Trust) -> Result<Proven<Network>, AnswerError> {
        let at = self.anchor.verify(trust)?;
        let leaf = rules_leaf(&self.network.rules);
        holds(
            "the rules",
            &at,
            &self.rules_proof,
            &rules_key(),
            Some(&leaf),
        )?;
        let leaf = self.network.validators.hash();
        let (proof, key) = (&self.validators_proof, validators_key());
        holds("the validators", &at, proof, &key, Some(&leaf))?;
        Ok(Proven {
            value: self.network,
            at,
        })
    }
}

impl Encode for AccountAnswer {
    fn encode(&self, out: &mut Vec<u8>) {
        self.anchor.encode(out);
        self.account.encode(out);
        self.proof.encode(out);
    }
}

impl Decode for AccountAnswer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            anchor: Anchor::decode(reader)?,
            account: Option::decode(reader)?,
            proof: Proof::decode(reader)?,
        })
    }
}

impl Encode for OwnerPart {
    fn encode(&self, out: &mut Vec<u8>) {
        self.address.encode(out);
        self.account.encode(out);
        self.proof.encode(out);
    }
}

impl Decode for OwnerPart {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            address: Address::decode(reader)?,
            account: Account::decode(reader)?,
            proof: Proof::decode(reader)?,
        })
    }
}

impl Encode for NameAnswer {
    fn encode(&self, out: &mut Vec<u8>) {
        self.anchor.encode(out);
        self.owner.encode(out);
        self.proof.encode(out);
    }
}

impl Decode for NameAnswer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            anchor: Anchor::decode(reader)?,
            owner: Option::decode(reader)?,
            proof: Proof::decode(reader)?,
        })
    }
}

impl Encode for NetworkAnswer {
    fn encode(&self, out: &mut Vec<u8>) {
        self.anchor.encode(out);
        self.network.rules.encode(out);
        self.network.validators.encode(out);
        self.rules_proof.encode(out);
        self.validators_proof.encode(out);
    }
}

impl Decode for NetworkAnswer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            anchor: Anchor::decode(reader)?,
            network: Network {
                rules: Rules::decode(reader)?,
                validators: ValidatorSet::decode(reader)?,
            },
            rules_proof: Proof::decode(reader)?,
            validators_proof: Proof::decode(reader)?,
        })
    }
}
