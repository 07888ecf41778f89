//! A wallet's files: the keystore, the payment journal; and recovery words as they are typed.

use natcoin::wallet::journal::Journal;
use natcoin::wallet::vault::{RecoveryWords, Vault};

use super::form::bounded_with_room;

/// Memory for a byte of JSON: a parsed tree is large beside its text (`{"a":{}},` many times takes 74 times itself).
const TIMES_JSON: usize = 128;
/// What reading takes whatever the file: the smallest journal and the text of an error.
const JSON_ROOM_BYTES: usize = 16 << 10;

/// Holds of any bytes that are found in a wallet's folder or typed as recovery words.
pub fn check(bytes: &[u8]) {
    let room = JSON_ROOM_BYTES;
    // The hint takes the file apart and tries no password: Argon2's time is the file's own choice.
    let _ = bounded_with_room(bytes, TIMES_JSON, room, || Vault::address_hint(bytes));
    if let Ok(journal) = bounded_with_room(bytes, TIMES_JSON, room, || Journal::decode(bytes)) {
        let written = journal.encode();
        let again = Journal::decode(&written).expect("what was written can be read");
        assert!(again == journal, "another journal came back");
        assert_eq!(again.encode(), written);
    }
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(words) = RecoveryWords::parse(text)
    {
        let typed = words.words().join(" ");
        let again = RecoveryWords::parse(&typed).expect("the words that were shown");
        assert_eq!(again.words(), words.words());
    }
}
