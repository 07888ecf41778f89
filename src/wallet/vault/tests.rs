//! The vault's promises: what opens, what is refused and with which words, and the frozen forms.

use super::*;
use crate::chain::testing::damage;
use proptest::prelude::*;

const PASSWORD: &str = "correct horse";
const ABANDON: &str =
    "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/keystore_v1.json");

fn random() -> SealingRandom {
    SealingRandom {
        salt: *b"salt salt salt 1",
        nonce: *b"nonce nonce nonce nonce ",
    }
}

fn vault() -> Vault {
    Vault::from_words(RecoveryWords::from_entropy(*b"sixteen bytes ok"))
}

fn password(text: &str) -> Password {
    Password::typed(text).unwrap()
}

fn sealed() -> Vec<u8> {
    vault()
        .seal(&password(PASSWORD), KdfParams::LIGHT, &random())
        .unwrap()
}

/// The sealed file with one text replaced, which must be there.
fn changed(from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8(sealed()).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    text.replacen(from, to, 1).into_bytes()
}

fn refusal(bytes: &[u8]) -> VaultError {
    Vault::open(bytes, &password(PASSWORD)).unwrap_err()
}

#[test]
fn slip_0010_test_vector_1_is_met() {
    let seed: Vec<u8> = (0..16).collect();
    let path = [0, 1, 2, 2, 1_000_000_000];
    let keys = [
        "2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7",
        "68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3",
        "b1d0bad404bf35da785a64ca1ac54b2617211d2777696fbffaf208f746ae84f2",
        "92a5b23c0b8a99e37d07df3fb9966917f5d06e02ddbd909c7e184371463e9fc9",
        "30d1dc7e5fc04c31219ab25a27ae00b50f6fd66622f6e9c913253d6511d1e662",
        "8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793",
    ];
    for (depth, key) in keys.iter().enumerate() {
        let derived = derive::slip10_ed25519(&seed, &path[..depth]);
        assert_eq!(crate::chain::hash::hex(derived.as_slice()), *key);
    }
}

#[test]
fn the_bip_39_test_vector_gives_its_words_and_the_frozen_address() {
    let words = RecoveryWords::from_entropy([0; 16]);
    assert_eq!(words.words().join(" "), ABANDON);
    // The seed of this phrase without a passphrase, as every BIP-39 wallet has it.
    assert!(
        crate::chain::hash::hex(words.seed().as_slice())
            .starts_with("5eb00bbddcf069084889a8ab91555681")
    );
    assert_eq!(
        Vault::from_words(words).address().to_string(),
        "nat1flzaktsdyv34mk7e90edakhe078xy04ssrkwkq2xzvysgwlph79qpk32ag"
    );
}

#[test]
fn the_keystore_file_is_frozen() {
    let golden = std::fs::read(GOLDEN).unwrap();
    assert_eq!(
        String::from_utf8(sealed()).unwrap(),
        String::from_utf8(golden.clone()).unwrap()
    );
    let opened = Vault::open(&golden, &password(PASSWORD)).unwrap();
    assert_eq!(
        opened.address().to_string(),
        "nat1hxqhx8rknq5ce0m5eeygq0adfk205yv4na80mzpy6t2n3wzzq9ssg2f4al"
    );
}

#[test]
fn a_keystore_opens_with_its_password_and_gives_words_and_key_back() {
    let opened = Vault::open(&sealed(), &password(PASSWORD)).unwrap();
    assert_eq!(opened.words().words(), vault().words().words());
    assert_eq!(opened.secret().to_seed(), vault().secret().to_seed());
    assert_eq!(Vault::address_hint(&sealed()).unwrap(), vault().address());
}

#[test]
fn a_wrong_password_is_refused() {
    let error = Vault::open(&sealed(), &password("correct horsf")).unwrap_err();
    assert_eq!(error, VaultError::WrongPassword);
}

#[test]
fn a_password_is_the_same_however_its_accents_are_typed() {
    let file = vault()
        .seal(&password("pe\u{10d}ica 123"), KdfParams::LIGHT, &random())
        .unwrap();
    assert!(Vault::open(&file, &password("pec\u{30c}ica 123")).is_ok());
    assert!(Vault::open(&file, &password("pecica 123")).is_err());
}

#[test]
fn a_short_password_is_refused_for_a_new_keystore_and_an_empty_one_unless_on_purpose() {
    for short in ["", "1234567"] {
        let error = vault()
            .seal(&password(short), KdfParams::LIGHT, &random())
            .unwrap_err();
        assert!(matches!(error, VaultError::PasswordTooShort { .. }));
    }
    let open = vault()
        .seal(&Password::none(), KdfParams::LIGHT, &random())
        .unwrap();
    assert!(Vault::open(&open, &Password::none()).is_ok());
    assert!(matches!(
        Password::typed(&"x".repeat(MAX_PASSWORD_BYTES + 1)),
        Err(VaultError::PasswordTooLong { .. })
    ));
}

#[test]
fn every_changed_parameter_is_noticed() {
    let other = RecoveryWords::from_entropy([7; 16]);
    let other = Vault::from_words(other).address().to_string();
    for (from, to) in [
        ("\"m_kib\": 256", "\"m_kib\": 257"),
        ("\"t\": 1", "\"t\": 2"),
        ("\"p\": 1", "\"p\": 2"),
        ("\"salt\": \"73", "\"salt\": \"74"),
        ("\"nonce\": \"6e", "\"nonce\": \"6f"),
        (vault().address().to_string().as_str(), other.as_str()),
    ] {
        assert_eq!(
            refusal(&changed(from, to)),
            VaultError::WrongPassword,
            "{from}"
        );
    }
}

#[test]
fn a_hostile_file_cannot_take_memory_or_time() {
    for (from, to, field) in [
        ("\"m_kib\": 256", "\"m_kib\": 1048577", "kdf.m_kib"),
        (
            "\"m_kib\": 256",
            "\"m_kib\": 18446744073709551615",
            "kdf.m_kib",
        ),
        ("\"m_kib\": 256", "\"m_kib\": 7", "kdf.m_kib"),
        ("\"t\": 1", "\"t\": 17", "kdf.t"),
        ("\"t\": 1", "\"t\": 0", "kdf.t"),
        ("\"p\": 1", "\"p\": 9", "kdf.p"),
        ("\"p\": 1", "\"p\": 0", "kdf.p"),
    ] {
        match refusal(&changed(from, to)) {
            VaultError::Limit { field: named, .. } => assert_eq!(named, field),
            other => panic!("{to}: {other}"),
        }
    }
    assert!(matches!(
        refusal(&vec![b' '; MAX_FILE_BYTES + 1]),
        VaultError::TooLarge { .. }
    ));
}

#[test]
fn a_damaged_file_is_refused_naming_the_field() {
    for (from, to, field) in [
        ("{", "[", "(file)"),
        ("\"version\": 1", "\"version\": \"1\"", "version"),
        ("\"address\": \"nat1", "\"address\": \"not1", "address"),
        ("argon2id", "argon2d", "kdf.name"),
        ("\"m_kib\": 256", "\"m_kib\": -1", "kdf.m_kib"),
        ("\"salt\": \"73", "\"salt\": \"7", "kdf.salt"),
        ("\"salt\": \"73", "\"salt\": \"zz", "kdf.salt"),
        ("xchacha20poly1305", "chacha20poly1305", "cipher.name"),
        ("\"nonce\"", "\"once\"", "cipher.nonce"),
        ("\"version\"", "\"extra\": 1, \"version\"", "extra"),
    ] {
        match refusal(&changed(from, to)) {
            VaultError::Malformed { field: named, .. } => assert_eq!(named, field),
            other => panic!("{to}: {other}"),
        }
    }
    assert_eq!(
        refusal(&changed("\"version\": 1", "\"version\": 2")),
        VaultError::UnknownVersion { found: 2, known: 1 }
    );
}

#[test]
fn words_are_read_as_people_type_them() {
    let typed = format!("  {}\n", ABANDON.to_uppercase().replace(' ', "  "));
    let words = RecoveryWords::parse(&typed).unwrap();
    assert_eq!(words.entropy(), &[0; 16]);
}

#[test]
fn wrong_words_are_refused_each_with_its_reason() {
    assert_eq!(
        RecoveryWords::parse("abandon about").unwrap_err(),
        VaultError::WordCount { found: 2 }
    );
    let suggestion =
        |typed: &str| match RecoveryWords::parse(&ABANDON.replacen("abandon", typed, 1))
            .unwrap_err()
        {
            VaultError::UnknownWord { position, nearest } => {
                assert_eq!(position, 1);
                nearest
            }
            other => panic!("{other}"),
        };
    assert_eq!(suggestion("abandn"), Some("abandon"));
    assert_eq!(suggestion("aband"), Some("abandon"));
    assert_eq!(suggestion("baandon"), Some("abandon"));
    assert_eq!(suggestion("qqqqqqqq"), None);
    assert_eq!(suggestion("čšžčšžčšžčšžčšžčšž"), None);
    let swapped = ABANDON.replace("about", "zoo");
    assert_eq!(
        RecoveryWords::parse(&swapped).unwrap_err(),
        VaultError::WordChecksum
    );
    assert!(matches!(
        RecoveryWords::parse(&"a ".repeat(1000)),
        Err(VaultError::WordsTooLong { .. })
    ));
}

#[test]
fn no_secret_appears_in_a_debug_text() {
    let text = format!(
        "{:?} {:?} {:?}",
        vault(),
        vault().words(),
        password(PASSWORD)
    );
    assert!(!text.contains(PASSWORD));
    for word in vault().words().words() {
        assert!(!text.contains(word));
    }
}

#[test]
fn two_sealings_of_one_wallet_share_nothing_but_the_address() {
    let mut rng = rand::rng();
    let vault = Vault::generate(&mut rng);
    let one = SealingRandom::draw(&mut rng);
    let two = SealingRandom::draw(&mut rng);
    assert_ne!(one.salt, two.salt);
    assert_ne!(one.nonce, two.nonce);
    let file = vault
        .seal(&password(PASSWORD), KdfParams::LIGHT, &one)
        .unwrap();
    let opened = Vault::open(&file, &password(PASSWORD)).unwrap();
    assert_eq!(opened.address(), vault.address());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn words_lead_back_to_their_entropy(entropy: [u8; 16]) {
        let text = RecoveryWords::from_entropy(entropy).words().join(" ");
        prop_assert_eq!(*RecoveryWords::parse(&text).unwrap().entropy(), entropy);
    }

    #[test]
    fn no_bytes_panic_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(KeystoreFile::decode(&bytes).is_err());
    }

    #[test]
    fn a_damaged_keystore_is_refused_or_comes_back_as_it_was_read(bytes in damage::bytes(vec![sealed()])) {
        if let Ok(read) = KeystoreFile::decode(&bytes) {
            let written = read.encode();
            let again = KeystoreFile::decode(&written).unwrap();
            prop_assert_eq!(again.associated_data(), read.associated_data());
            prop_assert_eq!(again.ciphertext, read.ciphertext);
            prop_assert_eq!(again.encode(), written);
        }
    }

    #[test]
    fn one_flipped_byte_never_opens_another_wallet(at in 0usize..2000, flip in 1u8..) {
        let mut bytes = sealed();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        if let Ok(opened) = Vault::open(&bytes, &password(PASSWORD)) {
            prop_assert_eq!(opened.address(), vault().address());
        }
    }
}
