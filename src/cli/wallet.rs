//! `natcoin wallet`: here the commands that need no network; the others in `wallet/`.
//!
//! Recovery words are shown once, and a wallet is made only after they were checked. A secret must
//! never reach an argument, an error or the log.

pub mod ask;
pub mod dealings;
pub mod join;
pub mod live;
pub mod past;
pub mod pay;
pub mod payment;
pub mod reach;
mod till;
pub mod voucher;
pub mod watch;

use rand::seq::IndexedRandom;

use super::arguments::WalletRestore;
use super::context::Context;
use super::failure::{Exit, Failure};
use super::prompt;
use super::report::wallet::{WalletAddress, WalletMade, WalletRestored, numbered};
use crate::chain::key::Address;
use crate::directory::bootstrap::Bootstrap;
use crate::directory::development;
use crate::node::profile::{DataDir, ProfileError, ProfileName};
use crate::wallet::vault::{KdfParams, Password, RecoveryWords, SealingRandom, Vault, WORD_COUNT};

/// How many of the words a person is asked for.
pub const CHECKED_WORDS: usize = 3;

/// `wallet new`.
///
/// # Errors
/// If there is such a wallet already, the password is refused, or the words are not repeated.
pub fn new(context: &Context) -> Result<WalletMade, Failure> {
    Ok(make_and_show(context)?.0)
}

/// Makes a wallet, and gives it open.
fn make_and_show(context: &Context) -> Result<(WalletMade, Vault), Failure> {
    let (data, profile) = free_profile(context)?;
    let password = prompt::new_password(context, profile.as_str())?;
    let vault = Vault::generate(&mut rand::rng());
    let words = vault.words().words();
    if !context.output.is_json() {
        context.output.show(&format!(
            "The twelve words of your wallet are shown only now.\nWrite them on paper: whoever has them has the money.\n\n{}\n",
            numbered(&words)
        ));
        if prompt::somebody_is_there() && !context.yes {
            check_words(context, &words)?;
        }
    }
    let protection = Protection::Password(password);
    let address = keep(context, &data, &profile, &vault, &protection)?;
    context.output.note(
        "To be paid, give the address below to others; `natcoin wallet name NAME` gives it a name.",
    );
    let made = WalletMade {
        status: "ok",
        profile: profile.to_string(),
        address,
        words,
    };
    Ok((made, vault))
}

/// `wallet restore`.
///
/// # Errors
/// If there is such a wallet already, the words are wrong, or the password is refused.
pub fn restore(context: &Context, arguments: &WalletRestore) -> Result<WalletRestored, Failure> {
    let (data, profile) = free_profile(context)?;
    let (words, protection) = match &arguments.development {
        Some(name) => (development_words(name)?, Protection::None),
        None => {
            let words = read_words(context, arguments)?;
            let password = prompt::new_password(context, profile.as_str())?;
            (words, Protection::Password(password))
        }
    };
    let vault = Vault::from_words(words);
    let address = keep(context, &data, &profile, &vault, &protection)?;
    Ok(WalletRestored {
        status: "ok",
        profile: profile.to_string(),
        address,
    })
}

/// `wallet address`, without the password: the keystore names it.
///
/// # Errors
/// If there is no such wallet, or its keystore is damaged.
pub fn address(context: &Context) -> Result<WalletAddress, Failure> {
    let (data, profile) = (context.data_dir()?, context.profile()?);
    let keystore = data.read_keystore(&profile)?;
    Ok(WalletAddress {
        status: "ok",
        profile: profile.to_string(),
        address: Vault::address_hint(&keystore)?,
    })
}

/// Opens a keystore: a development wallet without a password, any other with the owner's.
///
/// # Errors
/// If the password is wrong, or nobody can be asked for it; if the keystore is damaged.
pub fn open_vault(
    context: &Context,
    profile: &ProfileName,
    keystore: &[u8],
) -> Result<Vault, Failure> {
    if let Some(vault) = development_vault(keystore) {
        return Ok(vault);
    }
    prompt::open_with_password(context, profile.as_str(), |password| {
        let _progress = context.output.progress("opening the wallet");
        Ok(Vault::open(keystore, password)?)
    })
}

/// The open wallet, if nobody need be asked: of a password file, or of the development network.
///
/// # Errors
/// If the keystore is damaged, or the password file's password is wrong.
pub fn vault_at_hand(context: &Context) -> Result<Option<Vault>, Failure> {
    let (name, keystore) = keystore_of(context)?;
    match context.password_file {
        Some(_) => open_vault(context, &name, &keystore).map(Some),
        None => Ok(development_vault(&keystore)),
    }
}

/// The open wallet, by a password that was typed; of the development network, by any.
///
/// # Errors
/// If the password is wrong, or the keystore damaged.
pub fn vault_with(context: &Context, password: &str) -> Result<Vault, Failure> {
    let (_, keystore) = keystore_of(context)?;
    match development_vault(&keystore) {
        Some(vault) => Ok(vault),
        None => Ok(Vault::open(&keystore, &Password::typed(password)?)?),
    }
}

/// Keeps a wallet under a password, and with it the network that was named.
///
/// # Errors
/// If there is such a wallet already, the password is refused, or the bootstrap file is not sound.
pub fn make(context: &Context, vault: &Vault, password: &str) -> Result<Address, Failure> {
    let (data, profile) = free_profile(context)?;
    let password = Password::typed(password)?;
    password.check_for_new_keystore()?;
    keep(
        context,
        &data,
        &profile,
        vault,
        &Protection::Password(password),
    )
}

/// The wallet of an identity of the embedded network: everybody knows its key, and it has no password.
fn development_vault(keystore: &[u8]) -> Option<Vault> {
    let address = Vault::address_hint(keystore).ok()?;
    let development = Bootstrap::embedded();
    let mut development = development.genesis().accounts.iter();
    let is_development = development.any(|account| account.address == address);
    is_development
        .then(|| Vault::open(keystore, &Password::none()).ok())
        .flatten()
}

/// The open wallet for reading what is private, if its password is at hand or its owner gives it; else none, and the
/// owner is told: a history is worth showing without.
fn reader(context: &Context) -> Option<Vault> {
    if let Some(vault) = silent_reader(context) {
        return Some(vault);
    }
    let can_ask = prompt::somebody_is_there() && context.password_file.is_none();
    let opened = can_ask.then(|| {
        let (name, keystore) = keystore_of(context)?;
        open_vault(context, &name, &keystore)
    });
    match opened {
        Some(Ok(vault)) => Some(vault),
        Some(Err(_)) | None => {
            context.output.note(
                "private memos stay closed: the wallet was not opened; give its password with --password-file",
            );
            None
        }
    }
}

/// The same where nobody is to be asked.
fn silent_reader(context: &Context) -> Option<Vault> {
    let (name, keystore) = keystore_of(context).ok()?;
    match context.password_file {
        Some(_) => open_vault(context, &name, &keystore).ok(),
        None => development_vault(&keystore),
    }
}

fn keystore_of(context: &Context) -> Result<(ProfileName, Vec<u8>), Failure> {
    let name = context.profile()?;
    let keystore = context.data_dir()?.read_keystore(&name)?;
    Ok((name, keystore))
}

enum Protection {
    Password(Password),
    None,
}

fn free_profile(context: &Context) -> Result<(DataDir, ProfileName), Failure> {
    let (data, name) = (context.data_dir()?, context.profile()?);
    if data.has(&name) {
        let path = data.profile_path(&name);
        return Err(ProfileError::AlreadyThere { name, path }.into());
    }
    Ok((data, name))
}

fn keep(
    context: &Context,
    data: &DataDir,
    profile: &ProfileName,
    vault: &Vault,
    protection: &Protection,
) -> Result<Address, Failure> {
    // Read before anything is kept: a network that is not sound is no beginning.
    let network = match context.bootstrap_path() {
        Some(_) => Some(context.bootstrap()?.to_toml()),
        None => None,
    };
    let random = SealingRandom::draw(&mut rand::rng());
    let progress = context.output.progress("locking the wallet");
    let keystore = match protection {
        Protection::Password(password) => vault.seal(password, KdfParams::INTERACTIVE, &random)?,
        Protection::None => vault.seal(&Password::none(), KdfParams::LIGHT, &random)?,
    };
    drop(progress);
    data.create(profile, &keystore)?;
    if let Some(network) = network {
        data.keep_network(profile, &network)?;
    }
    Ok(vault.address())
}

fn development_words(name: &str) -> Result<RecoveryWords, Failure> {
    if !development::WALLETS.contains(&name) {
        return Err(Failure::new(
            Exit::Usage,
            "development_wallet_unknown",
            format!("{name:?} is not a wallet of the local development network"),
            format!("there are {}", development::WALLETS.join(", ")),
        ));
    }
    Ok(RecoveryWords::from_entropy(development::wallet_entropy(
        name,
    )))
}

fn read_words(context: &Context, arguments: &WalletRestore) -> Result<RecoveryWords, Failure> {
    let text = match &arguments.words_file {
        Some(path) => prompt::secret_of_file(path)?,
        None if prompt::somebody_is_there() => {
            return prompt::repeat(context, &["words_wrong"], || {
                Ok(RecoveryWords::parse(&prompt::ask("The twelve words: ")?)?)
            });
        }
        None => prompt::secret_of_stdin()?,
    };
    Ok(RecoveryWords::parse(&text)?)
}

fn check_words(context: &Context, words: &[&str]) -> Result<(), Failure> {
    let places: Vec<usize> = (0..WORD_COUNT).collect();
    let mut asked: Vec<usize> = places
        .sample(&mut rand::rng(), CHECKED_WORDS)
        .copied()
        .collect();
    asked.sort_unstable();
    for place in asked {
        let mut is_right = false;
        for _ in 0..prompt::TRIES {
            let answer = prompt::ask(&format!("To check your paper, word {}: ", place + 1))?;
            is_right = answer.trim().eq_ignore_ascii_case(words[place]);
            if is_right {
                break;
            }
            context.output.show("That is another word; look again.");
        }
        if !is_right {
            return Err(Failure::new(
                Exit::Usage,
                "words_not_checked",
                format!("word {} was not repeated: no wallet was made", place + 1),
                "run `natcoin wallet new` again and write the new words down",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_development_wallets_have_the_money_of_the_embedded_network() {
        for account in &Bootstrap::embedded().genesis().accounts {
            let name = account.name.as_ref().expect("each has a name").as_str();
            let vault = Vault::from_words(development_words(name).unwrap());
            assert_eq!(vault.address(), account.address, "{name}");
        }
    }
}
