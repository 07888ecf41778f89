//! What a founded network begins with: asked of the host one by one, with presets that work untouched.

use super::super::read_account;
use crate::chain::amount::Amount;
use crate::chain::genesis::{GenesisAccount, Rules};
use crate::cli::arguments::FoundRules;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::prompt::{self, somebody_is_there};
use crate::cli::report::wallet::numbered;
use crate::directory::bootstrap::Beginning;
use crate::node::clock;
use crate::wallet::vault::Vault;

/// What is given by options, the rest asked, or preset where nobody can answer.
///
/// # Errors
/// If a value is refused.
pub(super) fn ask(context: &Context, given: &FoundRules) -> Result<Beginning, Failure> {
    let asker = Asker {
        is_person: somebody_is_there() && !context.yes,
    };
    let network = asker.text(given.name.as_deref(), "Name of the network", "natcoin")?;
    let fee = asker.amount(given.fee.as_deref(), "Fee of a transaction, in NAT", "0")?;
    let least = "Least that makes a new account, in NAT";
    let min_balance = asker.amount(given.min_balance.as_deref(), least, "0.00000001")?;
    let rules = Rules {
        fee,
        min_balance,
        ..Rules::default()
    };
    let accounts = match given.account.is_empty() {
        true => vec![founder(context, &asker, given)?],
        false => given
            .account
            .iter()
            .map(|text| read_account(text))
            .collect::<Result<_, _>>()?,
    };
    let beginning = Beginning {
        network,
        time_ms: clock::unix_ms() / 1000 * 1000,
        rules,
        accounts,
    };
    check(beginning)
}

/// Refuses at once what no network can begin with, before anybody is invited.
fn check(beginning: Beginning) -> Result<Beginning, Failure> {
    use crate::chain::key::SecretKey;
    use crate::chain::validator::{Validator, ValidatorSet};
    let anybody = Validator {
        key: SecretKey::from_seed(&[1; 32]).public(),
        power: 1,
    };
    let set = ValidatorSet::new(vec![anybody]).expect("one validator is a set");
    beginning.clone().genesis(set)?;
    Ok(beginning)
}

/// A new wallet for all the money. Its words are shown before anything depends on them, so that no crash can lose them.
fn founder(
    context: &Context,
    asker: &Asker,
    given: &FoundRules,
) -> Result<GenesisAccount, Failure> {
    let supply = "All the money, in NAT, which the founder's wallet has";
    let balance = asker.amount(given.supply.as_deref(), supply, "1000000")?;
    let vault = Vault::generate(&mut rand::rng());
    let words = vault.words().words();
    context.output.show(&format!(
        "\nAll the money will be in the founder's wallet {}.\nIts twelve words are shown only now; write them on paper:\n\n{}\n\nWhen the network is founded: natcoin --bootstrap FILE --profile founder wallet restore\n",
        vault.address(),
        numbered(&words),
    ));
    Ok(GenesisAccount {
        address: vault.address(),
        balance,
        name: None,
    })
}

/// Asks where a person is.
struct Asker {
    is_person: bool,
}

impl Asker {
    fn text(&self, given: Option<&str>, what: &str, preset: &str) -> Result<String, Failure> {
        if let Some(given) = given {
            return Ok(given.to_owned());
        }
        if !self.is_person {
            return Ok(preset.to_owned());
        }
        let typed = prompt::ask(&format!("{what} [{preset}]: "))?;
        Ok(match typed.trim() {
            "" => preset.to_owned(),
            typed => typed.to_owned(),
        })
    }

    fn amount(&self, given: Option<&str>, what: &str, preset: &str) -> Result<Amount, Failure> {
        Ok(self.text(given, what, preset)?.parse()?)
    }
}
