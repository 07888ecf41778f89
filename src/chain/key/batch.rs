//! Many signatures at once, by rule K1: the batch equation of ZIP 215, and how the bad ones are found.
//!
//! A signature (R, s) of the message M by the key A is good if `8 (s B - k A - R) = 0`, with `k = H(R, A, M)`. Of many,
//! each is multiplied by a number `z` of 128 bits that its signer cannot foresee, and the sum of all must be 0. If one
//! is bad, the sum is 0 with a chance of 2^-128. This is what ed25519-zebra's `batch.rs` does, term by term; but here
//! points and hashes are made once, however often a part of the batch is looked at, and points of keys come from a
//! [`KeyCache`]. The tests hold both against each other.

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::{IsIdentity as _, VartimeMultiscalarMul as _};
use rand::{CryptoRng, RngExt as _};
use sha2::{Digest as _, Sha512};

use super::cache::{KeyCache, KeyPoint};
use super::{PublicKey, Signature};

/// One signature to check: who is said to have signed what.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The key that is said to have signed.
    pub key: PublicKey,
    /// The message.
    pub message: &'a [u8],
    /// The signature.
    pub signature: Signature,
}

/// Checks many signatures at once; answers for each whether it is good (rule K1).
///
/// Good batches cost less than half of single checks. When a batch fails, its pieces are checked in turn
/// until the bad ones are found. `random` blinds the batch equation and must not be foreseeable by
/// the signers.
pub fn verify_batch(claims: &[Claim<'_>], random: &mut impl CryptoRng) -> Vec<bool> {
    let prepared = prepare(claims, &vec![None; claims.len()]);
    answer(claims.len(), &prepared, random)
}

impl KeyCache {
    /// As [`verify_batch`], and with the same answers; cheaper for keys whose signature was found good before.
    pub fn verify_batch(&self, claims: &[Claim<'_>], random: &mut impl CryptoRng) -> Vec<bool> {
        let keys: Vec<PublicKey> = claims.iter().map(|claim| claim.key).collect();
        let prepared = prepare(claims, &self.look_up(&keys));
        let good = answer(claims.len(), &prepared, random);
        let new = prepared
            .iter()
            .filter(|one| !one.is_known && good[one.place]);
        self.learn(new.map(|one| one.key));
        good
    }
}

/// A claim that can still be good: its parts are what they must be.
pub(super) struct Prepared {
    /// Where the claim stands among all.
    place: usize,
    key: KeyPoint,
    /// Whether the key's point was in the cache.
    is_known: bool,
    r: EdwardsPoint,
    s: Scalar,
    k: Scalar,
}

impl Prepared {
    /// `None` if the scalar is not below the group's order, or R is no point.
    fn of(place: usize, claim: &Claim<'_>, key: KeyPoint, is_known: bool) -> Option<Self> {
        let (r, s) = claim.signature.parts();
        let s = Option::from(Scalar::from_canonical_bytes(s))?;
        let hash = Sha512::new()
            .chain_update(r)
            .chain_update(claim.key.0)
            .chain_update(claim.message);
        Some(Self {
            place,
            key,
            is_known,
            r: CompressedEdwardsY(r).decompress()?,
            s,
            k: Scalar::from_hash(hash),
        })
    }

    /// Rule K1 for this one alone, as ed25519-zebra computes it.
    fn is_good(&self) -> bool {
        let minus_a = -self.key.point();
        let r = EdwardsPoint::vartime_double_scalar_mul_basepoint(&self.k, &minus_a, &self.s);
        (self.r - r).mul_by_cofactor().is_identity()
    }
}

/// The claims that can be good. Those of one key stand together, so that the equation has one point for all of them.
pub(super) fn prepare(claims: &[Claim<'_>], known: &[Option<KeyPoint>]) -> Vec<Prepared> {
    let mut order: Vec<usize> = (0..claims.len()).collect();
    order.sort_by_key(|place| claims[*place].key);
    let mut prepared = Vec::with_capacity(claims.len());
    for same in order.chunk_by(|one, other| claims[*one].key == claims[*other].key) {
        let known = known[same[0]];
        let Some(key) = known.or_else(|| KeyPoint::of(claims[same[0]].key)) else {
            continue;
        };
        let of = |place: &usize| Prepared::of(*place, &claims[*place], key, known.is_some());
        prepared.extend(same.iter().filter_map(of));
    }
    prepared
}

fn answer(count: usize, prepared: &[Prepared], random: &mut impl CryptoRng) -> Vec<bool> {
    let mut good = vec![false; count];
    sort_out(prepared, &mut good, random);
    good
}

/// A part that does not hold is looked at again in so many pieces: one bad signature is found nearly as cheaply as by
/// halves, and a batch full of them at less than half of the price.
const PIECES: usize = 8;

fn sort_out(part: &[Prepared], good: &mut [bool], random: &mut impl CryptoRng) {
    match part {
        [] => {}
        [one] => good[one.place] = one.is_good(),
        _ if equation_holds(part, random) => {
            for one in part {
                good[one.place] = true;
            }
        }
        _ => {
            for piece in part.chunks(part.len().div_ceil(PIECES)) {
                sort_out(piece, good, random);
            }
        }
    }
}

/// Whether the sum of all, each times its `z`, is 0.
pub(super) fn equation_holds(part: &[Prepared], random: &mut impl CryptoRng) -> bool {
    let mut scalars = Vec::with_capacity(2 * part.len() + 1);
    let mut points = Vec::with_capacity(2 * part.len() + 1);
    let mut of_base = Scalar::ZERO;
    for same in part.chunk_by(|one, other| one.key.key() == other.key.key()) {
        let mut of_key = Scalar::ZERO;
        for one in same {
            let z = Scalar::from(random.random::<u128>());
            of_base -= z * one.s;
            of_key += z * one.k;
            scalars.push(z);
            points.push(&one.r);
        }
        scalars.push(of_key);
        points.push(same[0].key.point());
    }
    scalars.push(of_base);
    points.push(&ED25519_BASEPOINT_POINT);
    EdwardsPoint::vartime_multiscalar_mul(&scalars, points)
        .mul_by_cofactor()
        .is_identity()
}
