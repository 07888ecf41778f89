//! The answer about a voucher: as it is, or that none is open under this key.

use super::trust::{Anchor, AnswerError, Proven, Trust, holds};
use crate::chain::codec::{Decode, DecodeError, Encode, Reader};
use crate::chain::key::PublicKey;
use crate::chain::ledger::{Ledger, voucher_key};
use crate::chain::tree::Proof;
use crate::chain::voucher::Voucher;

/// A voucher, or that none is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoucherAnswer {
    /// What it rests on.
    pub anchor: Anchor,
    /// The voucher.
    pub voucher: Option<Voucher>,
    /// That it stands in the state, or that there is none.
    pub proof: Proof,
}

impl VoucherAnswer {
    /// The answer of a ledger.
    pub fn of(ledger: &Ledger, anchor: Anchor, key: &PublicKey) -> Self {
        Self {
            anchor,
            voucher: ledger.voucher(key).cloned(),
            proof: ledger.prove_voucher(key),
        }
    }

    /// The voucher of this key, proven; `None` if it is proven that none is open: it never was, or nothing is left.
    ///
    /// # Errors
    /// An [`AnswerError`] if that is not proven.
    pub fn verify(
        self,
        trust: &Trust,
        key: &PublicKey,
    ) -> Result<Proven<Option<Voucher>>, AnswerError> {
        let at = self.anchor.verify(trust)?;
        let leaf = self.voucher.as_ref().map(Voucher::leaf);
        let place = voucher_key(key);
        holds("the voucher", &at, &self.proof, &place, leaf.as_ref())?;
        Ok(Proven {
            value: self.voucher,
            at,
        })
    }
}

impl Encode for VoucherAnswer {
    fn encode(&self, out: &mut Vec<u8>) {
        self.anchor.encode(out);
        self.voucher.encode(out);
        self.proof.encode(out);
    }
}

impl Decode for VoucherAnswer {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            anchor: Anchor::decode(reader)?,
            voucher: Option::decode(reader)?,
            proof: Proof::decode(reader)?,
        })
    }
}
