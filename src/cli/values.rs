//! Values that people type: payees, amounts, memos. Each refusal has its own code and next step.

use super::failure::{Exit, Failure};
use crate::chain::amount::Amount;
use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::chain::transaction::Memo;

/// Whom to pay, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payee {
    /// `nat1...`
    Address(Address),
    /// `@alice`, to be resolved by proof.
    Name(Name),
}

/// Reads a payee: an address, or a name with its `@`.
///
/// # Errors
/// `address_invalid`, `name_invalid` or `payee_invalid`.
pub fn payee(text: &str) -> Result<Payee, Failure> {
    if text.starts_with('@') {
        return Ok(Payee::Name(text.parse()?));
    }
    if text.to_lowercase().starts_with("nat1") {
        return Ok(Payee::Address(text.parse()?));
    }
    let shown: String = text.chars().take(64).collect();
    let hint = match text.parse::<Name>() {
        Ok(name) => format!("for the name, write @{name}"),
        Err(_) => "write a name as @alice, or an address, which begins with nat1".to_owned(),
    };
    Err(Failure::new(
        Exit::Usage,
        "payee_invalid",
        format!("{shown:?} is neither a name nor an address"),
        hint,
    ))
}

/// Reads an amount to pay, which is not zero.
///
/// # Errors
/// `amount_invalid`.
pub fn amount(text: &str) -> Result<Amount, Failure> {
    let amount: Amount = text.parse()?;
    if amount.is_zero() {
        return Err(Failure::new(
            Exit::Usage,
            "amount_invalid",
            "the amount is zero",
            "pay at least 0.00000001 NAT",
        ));
    }
    Ok(amount)
}

/// Reads a memo.
///
/// # Errors
/// `memo_too_long`.
pub fn memo(text: Option<&str>) -> Result<Memo, Failure> {
    Ok(Memo::new(text.unwrap_or_default())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payee_is_a_name_with_its_sign_or_an_address() {
        let address = Address([7; 32]);
        assert_eq!(
            payee("@alice").unwrap(),
            Payee::Name("alice".parse().unwrap())
        );
        assert_eq!(
            payee(&address.to_string()).unwrap(),
            Payee::Address(address)
        );
        let upper = address.to_string().to_uppercase();
        assert_eq!(payee(&upper).unwrap(), Payee::Address(address));
        for (text, code) in [
            ("alice", "payee_invalid"),
            ("", "payee_invalid"),
            ("bc1qqq", "payee_invalid"),
            ("@Al", "name_invalid"),
            ("@", "name_invalid"),
            ("nat1qqq", "address_invalid"),
        ] {
            let failure = payee(text).unwrap_err();
            assert_eq!(
                (&*failure.code, failure.exit),
                (code, Exit::Usage),
                "{text}"
            );
        }
        assert_eq!(
            payee("alice").unwrap_err().hint,
            "for the name, write @alice"
        );
    }

    #[test]
    fn an_amount_is_positive_exact_and_a_memo_short() {
        assert_eq!(amount("5").unwrap(), Amount::from_nits(500_000_000));
        for text in [
            "0",
            "0.00000000",
            "-1",
            "nan",
            "0.000000001",
            "",
            "184467440738",
        ] {
            let failure = amount(text).unwrap_err();
            assert_eq!(
                (&*failure.code, failure.exit),
                ("amount_invalid", Exit::Usage),
                "{text}"
            );
            assert!(!failure.hint.is_empty());
        }
        assert_eq!(memo(None).unwrap(), Memo::default());
        assert_eq!(
            &*memo(Some(&"x".repeat(257))).unwrap_err().code,
            "memo_too_long"
        );
    }
}
