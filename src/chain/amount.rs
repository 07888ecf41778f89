//! Amounts of money: whole nits, never a floating-point number.
//!
//! 1 NAT = 100,000,000 nits. The text form is decimal NAT and exact in both directions: what is
//! shown can be typed again and means the same. All arithmetic is checked.

use std::fmt;
use std::str::FromStr;

use super::codec::{Decode, DecodeError, Encode, Reader};
use super::hash::serde_as_text;

/// Nits in one NAT.
pub const NITS_PER_NAT: u64 = 100_000_000;

/// Decimal digits after the point.
pub const DECIMALS: usize = 8;

/// A non-negative amount of money in nits, at most `u64::MAX`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(u64);

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Something else than digits with at most one point between them.
    #[error("{0:?} is not an amount: write digits with at most one point, such as 12.5")]
    NotANumber(String),
    /// A minus sign.
    #[error("{0:?} is negative: an amount is zero or more")]
    Negative(String),
    /// More than eight decimals.
    #[error(
        "{text:?} has {decimals} decimals: at most 8 are possible (0.00000001 NAT is the smallest amount)"
    )]
    TooPrecise {
        /// The text given.
        text: String,
        /// Its decimals.
        decimals: usize,
    },
    /// More than `u64::MAX` nits.
    #[error("{0:?} is too large: at most 184467440737.09551615 NAT can be written")]
    TooLarge(String),
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The largest amount that can be written: 184467440737.09551615 NAT.
    pub const MAX: Self = Self(u64::MAX);

    /// An amount of so many nits.
    pub const fn from_nits(nits: u64) -> Self {
        Self(nits)
    }

    /// An amount of so many whole NAT; `None` if it is too large.
    pub const fn from_nat(nat: u64) -> Option<Self> {
        match nat.checked_mul(NITS_PER_NAT) {
            Some(nits) => Some(Self(nits)),
            None => None,
        }
    }

    /// The amount in nits.
    pub const fn nits(self) -> u64 {
        self.0
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or `None` if it is too large.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(nits) => Some(Self(nits)),
            None => None,
        }
    }

    /// The difference, or `None` if `other` is larger.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(nits) => Some(Self(nits)),
            None => None,
        }
    }

    /// The sum of many, or `None` if it is too large.
    pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:08}", self.0 / NITS_PER_NAT, self.0 % NITS_PER_NAT);
        f.pad_integral(true, "", &text)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Amount {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let shown = || text.chars().take(64).collect::<String>();
        if let Some(rest) = text.strip_prefix('-')
            && rest.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        {
            return Err(AmountError::Negative(shown()));
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let point_without_fraction = text.contains('.') && fraction.is_empty();
        if whole.is_empty() || point_without_fraction || !digits(whole) || !digits(fraction) {
            return Err(AmountError::NotANumber(shown()));
        }
        if fraction.len() > DECIMALS {
            return Err(AmountError::TooPrecise {
                text: shown(),
                decimals: fraction.len(),
            });
        }
        let nits = format!("{whole}{fraction:0<DECIMALS$}");
        nits.parse()
            .map(Self)
            .map_err(|_| AmountError::TooLarge(shown()))
    }
}

impl Encode for Amount {
    fn encode(&self, out: &mut Vec<u8>) {
        self.0.encode(out);
    }
}

impl Decode for Amount {
    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        u64::decode(reader).map(Self)
    }
}

serde_as_text!(Amount);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_text_form_is_exact_at_its_ends() {
        for (text, nits) in [
            ("0", 0),
            ("0.00000001", 1),
            ("1", NITS_PER_NAT),
            ("12.5", 1_250_000_000),
            ("184467440737.09551615", u64::MAX),
        ] {
            assert_eq!(text.parse::<Amount>().unwrap().nits(), nits);
        }
        assert_eq!(Amount::MAX.to_string(), "184467440737.09551615");
        assert_eq!(
            Amount::from_nits(99_500_000_000).to_string(),
            "995.00000000"
        );
    }

    #[test]
    fn what_is_not_an_amount_is_refused_with_its_reason() {
        for text in [
            "", ".", "1.", ".5", "nan", "NaN", "inf", "1e3", "1,5", "+1", " 1", "1 ", "0x10",
            "1.2.3", "--1", "-", "١",
        ] {
            assert!(
                matches!(text.parse::<Amount>(), Err(AmountError::NotANumber(_))),
                "{text}"
            );
        }
        assert!(matches!(
            "-1".parse::<Amount>(),
            Err(AmountError::Negative(_))
        ));
        assert!(matches!(
            "-0.1".parse::<Amount>(),
            Err(AmountError::Negative(_))
        ));
        assert!(matches!(
            "0.000000001".parse::<Amount>(),
            Err(AmountError::TooPrecise { decimals: 9, .. })
        ));
        for text in [
            "184467440737.09551616",
            "184467440738",
            "99999999999999999999999",
        ] {
            assert!(
                matches!(text.parse::<Amount>(), Err(AmountError::TooLarge(_))),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back_the_same(nits: u64) {
            let amount = Amount::from_nits(nits);
            prop_assert_eq!(amount.to_string().parse::<Amount>().unwrap(), amount);
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = text.parse::<Amount>();
        }

        #[test]
        fn arithmetic_never_wraps(a: u64, b: u64) {
            let (x, y) = (Amount::from_nits(a), Amount::from_nits(b));
            prop_assert_eq!(x.checked_add(y).map(Amount::nits), a.checked_add(b));
            prop_assert_eq!(x.checked_sub(y).map(Amount::nits), a.checked_sub(b));
        }
    }
}
