//! Hello: round trips, frozen bytes, and what is refused.

use proptest::prelude::*;

use super::*;

fn sample() -> Hello {
    Hello {
        genesis: [0xab; 32],
        height: 0x0102_0304,
        role: Role::Validator,
        boot_nonce: 0xfeed,
        links: Links::Only,
        version: "natcoin/2.0.0".into(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn the_encodings_are_frozen() {
    let golden = include_str!("../../tests/golden/hello.txt");
    let refused = HelloAnswer::Refused(Refusal::ForeignGenesis("another chain".into()));
    let found = format!(
        "hello {}\nwelcome {}\nforeign {}\nstale {}\nbusy {}\n",
        hex(&sample().encode()),
        hex(&HelloAnswer::Welcome(sample()).encode()),
        hex(&refused.encode()),
        hex(&HelloAnswer::Refused(Refusal::Stale).encode()),
        hex(&HelloAnswer::Refused(Refusal::Busy).encode()),
    );
    assert_eq!(found, golden);
}

#[test]
fn a_hello_with_an_unknown_role_format_or_mark_is_refused() {
    for (position, value) in [(0, 9), (41, 0), (50, 7), (51, 200)] {
        let mut bytes = sample().encode();
        bytes[position] = value;
        assert!(Hello::decode(&bytes).is_err(), "byte {position}");
    }
}

#[test]
fn a_hello_with_bytes_after_it_is_refused() {
    let mut bytes = sample().encode();
    bytes.push(0);
    assert!(Hello::decode(&bytes).is_err());
}

#[test]
fn too_long_a_version_is_cut_at_a_character() {
    let long = Hello {
        version: "é".repeat(60),
        ..sample()
    };
    let back = Hello::decode(&long.encode()).unwrap();
    assert_eq!(back.version, "é".repeat(32));
    assert!(long.encode().len() <= HELLO_MAX_BYTES);
}

#[test]
fn terminal_escapes_in_a_strangers_text_are_replaced() {
    let sly = Hello {
        version: "x\u{1b}[2J".into(),
        ..sample()
    };
    assert_eq!(Hello::decode(&sly.encode()).unwrap().version, "x?[2J");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn no_bytes_panic_the_decoders(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Hello::decode(&bytes);
        let _ = HelloAnswer::decode(&bytes);
    }

    #[test]
    fn decoding_what_was_encoded_gives_the_same(height: u64, boot_nonce: u64, genesis: [u8; 32], version in "[a-z0-9./]{0,64}", reason in "[ -~]{0,256}") {
        let hello = Hello { genesis, height, boot_nonce, version, role: Role::Wallet, links: Links::Several };
        prop_assert_eq!(&Hello::decode(&hello.encode()).unwrap(), &hello);
        for answer in [HelloAnswer::Welcome(hello), HelloAnswer::Refused(Refusal::Malformed(reason))] {
            prop_assert!(answer.encode().len() <= ANSWER_MAX_BYTES);
            prop_assert_eq!(HelloAnswer::decode(&answer.encode()).unwrap(), answer);
        }
    }
}
