//! Values that people type: payees, amounts, memos, numbers. Each refusal has its own code and next step.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::failure::{Exit, Failure};
use crate::chain::amount::Amount;
use crate::chain::key::{Address, PublicKey};
use crate::chain::name::Name;
use crate::chain::transaction::Memo;
use crate::chain::voucher::MAX_VOUCHER_LIFE_MS;
use crate::directory::peer;
use crate::wallet::memo::{Letter, Note};

/// The scheme of our URIs.
const SCHEME: &str = "natcoin:";

/// Whom to pay, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payee {
    /// `nat1...`
    Address(Address),
    /// `@alice`, to be resolved by proof.
    Name(Name),
}

/// Whether it is a line that a wallet made, as a request's: `natcoin:request1...`; no address behind the same scheme.
pub fn is_line(text: &str) -> bool {
    let text = text.to_lowercase();
    text.starts_with(SCHEME) && !text.starts_with("natcoin:nat1")
}

/// An address as a URI, as it stands in a QR code: `natcoin:nat1...`.
pub fn address_uri(address: &Address) -> String {
    format!("{SCHEME}{address}")
}

/// Reads a payee: an address, bare or as a URI, or a name with its `@`.
///
/// # Errors
/// `address_invalid`, `name_invalid` or `payee_invalid`.
pub fn payee(text: &str) -> Result<Payee, Failure> {
    let text = match text.get(..SCHEME.len()) {
        Some(scheme) if scheme.eq_ignore_ascii_case(SCHEME) => &text[SCHEME.len()..],
        _ => text,
    };
    if text.starts_with('@') {
        return Ok(Payee::Name(text.parse()?));
    }
    if text.to_lowercase().starts_with("nat1") {
        return Ok(Payee::Address(text.parse()?));
    }
    let shown = cut(text);
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

/// Whom to look up, as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// `nat1...`
    Address(Address),
    /// `alice`, to be resolved by proof; the `@` may be left out, since nobody is paid.
    Name(Name),
    /// `12D3KooW...`
    Peer(PublicKey),
}

impl std::fmt::Display for Whom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => write!(f, "the account {}", address.short()),
            Self::Name(name) => write!(f, "@{name}"),
            Self::Peer(key) => match peer::peer_id(key) {
                Some(peer) => write!(f, "the peer {peer}"),
                None => f.write_str("the peer"),
            },
        }
    }
}

/// Reads whom to look up: a peer id, an address or a name.
///
/// # Errors
/// `address_invalid` or `name_invalid`.
pub fn whom(text: &str) -> Result<Whom, Failure> {
    if let Some(key) = peer::parse(text) {
        return Ok(Whom::Peer(key));
    }
    if text.to_lowercase().starts_with("nat1") {
        return Ok(Whom::Address(text.parse()?));
    }
    Ok(Whom::Name(text.parse()?))
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

/// Reads a memo: who can read it is the payer's choice.
///
/// # Errors
/// `memo_too_long`.
pub fn note(text: Option<&str>, readers: Readers) -> Result<Note, Failure> {
    let text = text.unwrap_or_default();
    Ok(match readers {
        Readers::Everybody => Note::Public(Memo::new(text)?),
        Readers::PayeeAlone => Note::Private(Letter::new(text, None)?),
    })
}

/// Who is to read a memo, besides its payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// The payee.
    PayeeAlone,
    /// Everybody, for ever.
    Everybody,
}

/// A number that people type with an option.
#[derive(Debug, Clone)]
pub struct Count {
    /// Of what, as many: `nodes`.
    pub what: &'static str,
    /// What is done with them: `simulated`.
    pub done: &'static str,
    /// By which option: `nodes` for `--nodes`.
    pub option: &'static str,
    /// From the fewest to the most.
    pub limits: RangeInclusive<u64>,
}

impl Count {
    /// Reads a whole number within the limits.
    ///
    /// # Errors
    /// `count_invalid`.
    pub fn read(&self, text: &str) -> Result<u64, Failure> {
        let number = whole(text).filter(|number| self.limits.contains(number));
        number.ok_or_else(|| self.refusal(text))
    }

    /// The refusal of what is no such number, or out of the limits.
    pub fn refusal(&self, text: &str) -> Failure {
        let Self {
            what, done, option, ..
        } = self;
        let (least, most) = self.limits.clone().into_inner();
        let text = text.trim();
        let is_whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let (shown, one) = (cut(text), what.strip_suffix('s').unwrap_or(what));
        let message = match is_whole {
            true if text == "1" => format!("1 {one} cannot be {done}: from {least} to {most} can"),
            true => format!("{shown} {what} cannot be {done}: from {least} to {most} can"),
            false => {
                format!("{shown:?} is no number of {what}: from {least} to {most} can be {done}")
            }
        };
        let hint = format!("write a whole number from {least} to {most} with --{option}");
        Failure::new(Exit::Usage, "count_invalid", message, hint)
    }
}

/// A whole number without a sign; `None` also if it is greater than any that is counted with.
pub fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    let is_whole = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_whole)
}

/// Reads for how long a voucher can be claimed: a whole number and `m`, `h` or `d`, up to a year and a day.
///
/// # Errors
/// `life_invalid`.
pub fn life(text: &str) -> Result<Duration, Failure> {
    const MINUTE: u64 = 60;
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "m" => Some(MINUTE),
        "h" => Some(60 * MINUTE),
        "d" => Some(24 * 60 * MINUTE),
        _ => None,
    };
    let seconds = unit.and_then(|unit| number.parse::<u64>().ok()?.checked_mul(unit));
    let most = Duration::from_millis(MAX_VOUCHER_LIFE_MS);
    let life = seconds.map(Duration::from_secs);
    life.filter(|life| !life.is_zero() && *life <= most)
        .ok_or_else(|| {
            Failure::new(
                Exit::Usage,
                "life_invalid",
                format!(
                    "{:?} is no time for which a voucher can be claimed: from 1m to 366d",
                    cut(text)
                ),
                "write a number and its unit with --expires: 90m, 12h or 30d",
            )
        })
}

/// Reads a length of time: a whole number and `ms`, `s`, `m` or `h`; not none, and not more than `most`, of which `limit`
/// says why.
///
/// # Errors
/// `duration_invalid`.
pub fn duration(text: &str, most: Duration, limit: &str) -> Result<Duration, Failure> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let wrong = |message: String| {
        let hint = "write a number and its unit with --duration: 500ms, 30s, 5m or 2h";
        Failure::new(Exit::Usage, "duration_invalid", message, hint)
    };
    let (Ok(number), Some(unit_ms)) = (number.parse::<u64>(), unit_ms) else {
        return Err(wrong(format!("{:?} is no length of time", cut(text))));
    };
    let duration = number.checked_mul(unit_ms).map(Duration::from_millis);
    match duration {
        Some(Duration::ZERO) => Err(wrong("nothing happens in no time".to_owned())),
        Some(duration) if duration <= most => Ok(duration),
        _ => Err(wrong(format!("{} is too long: {limit}", cut(text)))),
    }
}

/// So much of what was typed as is shown again.
pub fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wallet::memo::Reading;

    #[test]
    fn a_number_is_refused_with_what_was_typed_the_limits_and_the_option() {
        let count = Count {
            what: "wallets",
            done: "simulated",
            option: "wallets",
            limits: 2..=10_000,
        };
        assert_eq!(count.read("10000").unwrap(), 10_000);
        assert_eq!(count.read(" 2 ").unwrap(), 2);
        for (text, message) in [
            (
                "4294967296",
                "4294967296 wallets cannot be simulated: from 2 to 10000 can",
            ),
            (
                "99999999999999999999999",
                "99999999999999999999999 wallets cannot be simulated: from 2 to 10000 can",
            ),
            ("1", "1 wallet cannot be simulated: from 2 to 10000 can"),
            (
                "x",
                "\"x\" is no number of wallets: from 2 to 10000 can be simulated",
            ),
            (
                "",
                "\"\" is no number of wallets: from 2 to 10000 can be simulated",
            ),
            (
                "-5",
                "\"-5\" is no number of wallets: from 2 to 10000 can be simulated",
            ),
            (
                "+5",
                "\"+5\" is no number of wallets: from 2 to 10000 can be simulated",
            ),
        ] {
            let failure = count.read(text).unwrap_err();
            assert_eq!(
                (&*failure.code, failure.exit),
                ("count_invalid", Exit::Usage)
            );
            assert_eq!(failure.message, message);
            assert_eq!(
                failure.hint,
                "write a whole number from 2 to 10000 with --wallets"
            );
        }
    }

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
        let uri = address_uri(&address);
        for uri in [uri.to_uppercase(), uri] {
            assert_eq!(payee(&uri).unwrap(), Payee::Address(address), "{uri}");
            assert!(!is_line(&uri));
        }
        assert!(is_line("NATCOIN:REQUEST1Q"));
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
        for readers in [Readers::PayeeAlone, Readers::Everybody] {
            let none = note(None, readers).unwrap();
            assert_eq!(none.reading(), Reading::Empty);
        }
        let long = |readers, length: usize| {
            let refused = note(Some(&"x".repeat(length)), readers);
            refused.map_or_else(|failure| failure.code.to_string(), |_| "taken".to_owned())
        };
        assert_eq!(long(Readers::PayeeAlone, 225), "taken");
        assert_eq!(long(Readers::PayeeAlone, 226), "memo_too_long");
        assert_eq!(long(Readers::Everybody, 256), "taken");
        assert_eq!(long(Readers::Everybody, 257), "memo_too_long");
    }
}
