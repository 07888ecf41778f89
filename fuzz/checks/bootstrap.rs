//! Bootstrap files, and the texts that people type or paste: addresses, amounts, names, times, places.

use std::fmt::{Debug, Display};
use std::str::FromStr;
use std::sync::LazyLock;

use natcoin::behaviour::PeerId;
use natcoin::chain::amount::Amount;
use natcoin::chain::hash::Hash;
use natcoin::chain::key::Address;
use natcoin::chain::name::Name;
use natcoin::directory::address::{parse_dialable, parse_host, parse_listenable};
use natcoin::directory::bootstrap::Bootstrap;
use natcoin::directory::invite::Invite;
use natcoin::directory::look_up;
use natcoin::directory::utc;
use natcoin::wallet::voucher::Code;

use super::form::bounded_with_room;

/// Memory for a byte of TOML: a parsed table is large beside its text. (`{a.` many times takes 410 times
/// itself, so the longest file may take 430 MB. It is a file that its reader chose to trust with money.)
const TIMES_TOML: usize = 512;
/// What the parser takes whatever the file: each of the 80 levels to which it lets tables nest has a few KiB.
const TOML_ROOM_BYTES: usize = 512 << 10;

/// Holds of any bytes that are given as a bootstrap file or typed as a text.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    file(text);
    printed::<Address>(text);
    printed::<Amount>(text);
    printed::<Hash>(text);
    printed::<Name>(text);
    if let Ok(code) = Code::read(text) {
        assert_eq!(Code::read(&code.grouped()), Ok(code));
    }
    if let Ok(invite) = Invite::read(text) {
        assert_eq!(Invite::read(&invite.line()), Ok(invite));
    }
    if let Some(part) = look_up::read_file_part(bytes) {
        assert!(part.bootstrap.len() <= look_up::MAX_ANSWER_BYTES);
    }
    if let Some(ms) = utc::parse(text) {
        assert_eq!(utc::parse(&utc::format(ms)), Some(ms));
    }
    static PEER: LazyLock<PeerId> = LazyLock::new(|| Bootstrap::embedded().nodes()[0].peer_id);
    let addresses = [
        parse_dialable(text, &PEER),
        parse_listenable(text),
        parse_host(text),
    ];
    for address in addresses.into_iter().flatten() {
        assert_eq!(address.to_string().parse().ok(), Some(address));
    }
}

/// What was read and written is read as the same network, and written the same again.
fn file(text: &str) {
    let read = bounded_with_room(text.as_bytes(), TIMES_TOML, TOML_ROOM_BYTES, || {
        Bootstrap::from_toml(text).map_err(|error| assert!(!error.to_string().is_empty()))
    });
    let Ok(bootstrap) = read else { return };
    let written = bootstrap.to_toml();
    let again = Bootstrap::from_toml(&written).expect("what was written can be read");
    assert!(again == bootstrap, "another network came back");
    assert_eq!(again.to_toml(), written);
}

/// What is read from a text is read from its own text too.
fn printed<T: FromStr + Display + PartialEq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let again = value.to_string().parse::<T>().ok();
        assert_eq!(again, Some(value));
    }
}
