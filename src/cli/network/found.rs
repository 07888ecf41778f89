//! `natcoin network found`: a network that its operators found together, each with his own key.
//!
//! In a room it asks, shows and waits; the ceremony itself is `node/founding/`. By files: `found/files.rs`. What the
//! host's network begins with: `found/rules.rs`. Every end without a network says who and why, and the next step:
//! `found/end.rs`.

mod end;
mod files;
mod rules;

use std::path::Path;

use tokio::sync::mpsc;

use super::new_key;
use crate::cli::arguments::NetworkFound;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::prompt;
use crate::cli::report::network::{NodeLine, OnTheWay, account_lines};
use crate::cli::signal::Signals;
use crate::directory::address::parse_host;
use crate::directory::bootstrap::Bootstrap;
use crate::directory::founding::code::Code;
use crate::directory::founding::member::{Answer, News};
use crate::directory::founding::message::{Present, Round};
use crate::directory::founding::words::Words;
use crate::directory::founding::{MAX_FOUNDERS, MIN_FOUNDERS};
use crate::node::founding::{self, FoundConfig, Founding, Multiaddr, Order, Part, Told};
use crate::node::home::{Pending, dialled_addresses, own_host};
use crate::wallet::vault::word;

/// Founds in a room, or does a step by files.
///
/// # Errors
/// A [`Failure`] that names who, what and the next step; nothing is half-written then.
pub async fn run(context: &Context, arguments: &NetworkFound) -> Result<(), Failure> {
    if !arguments.files.assemble.is_empty() {
        return files::assemble(context, arguments);
    }
    let home = arguments.home.as_deref().ok_or_else(no_home)?;
    if let Some(card) = &arguments.files.export {
        return files::export(context, arguments, home, card);
    }
    if let Some(draft) = &arguments.files.sign {
        return files::sign(context, arguments, home, draft);
    }
    if !arguments.files.finish.is_empty() {
        return files::finish(context, arguments, home);
    }
    if arguments.files.forget {
        return files::forget(context, home);
    }
    in_a_room(context, arguments, home).await
}

fn no_home() -> Failure {
    Failure::new(
        Exit::Usage,
        "home_missing",
        "no home was named for the node",
        "name the folder to be made with --home",
    )
}

async fn in_a_room(
    context: &Context,
    arguments: &NetworkFound,
    home: &Path,
) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    Pending::check_free(home)?;
    if arguments.join.is_none() {
        check_count(arguments.nodes)?;
    }
    let part = match &arguments.join {
        Some(code) => Part::Guest(Code::parse(code)?),
        None => Part::Host {
            beginning: rules::ask(context, &arguments.rules)?,
            expected: arguments.nodes,
        },
    };
    let config = FoundConfig {
        home: home.to_owned(),
        key: new_key(),
        name: node_name(arguments)?,
        addresses: addresses(arguments)?,
        part,
    };
    let mut founding = founding::enter(config).await?;
    if let Some(code) = &founding.code {
        let code = code.clone();
        context.output.report(&OnTheWay::Room { code })?;
        if arguments.nodes.is_none() {
            begin_by_return(context, founding.orders())?;
        }
    }
    let outcome = loop {
        let told = tokio::select! {
            told = founding.told() => told,
            () = signals.end() => {
                founding.order(Order::Leave).await;
                continue;
            }
        };
        match told {
            Some(Told::End(outcome)) => break outcome,
            Some(told) => tell(context, arguments, &founding, told).await?,
            None => return Err(end::vanished()),
        }
    };
    founding.close().await?;
    end::report(context, home, *outcome)
}

/// Refuses a number of founders that no room has, and to wait for a Return that nobody can press.
fn check_count(nodes: Option<usize>) -> Result<(), Failure> {
    match nodes {
        Some(count) if !(MIN_FOUNDERS..=MAX_FOUNDERS).contains(&count) => Err(Failure::new(
            Exit::Usage,
            "node_count",
            format!("{count} founders: {MIN_FOUNDERS} to {MAX_FOUNDERS} meet in a room"),
            "choose another number with --nodes; who is alone uses `natcoin network new`",
        )),
        None if !prompt::somebody_is_there() => Err(Failure::new(
            Exit::Usage,
            "nodes_needed",
            "nobody is there to say when all have come",
            "say how many will be there with --nodes",
        )),
        _ => Ok(()),
    }
}

fn node_name(arguments: &NetworkFound) -> Result<Option<crate::chain::name::Name>, Failure> {
    Ok(arguments.node_name.as_deref().map(str::parse).transpose()?)
}

fn addresses(arguments: &NetworkFound) -> Result<Vec<Multiaddr>, Failure> {
    let hosts = arguments.address.iter().map(|text| parse_host(text));
    let mut hosts = hosts.collect::<Result<Vec<_>, _>>()?;
    if hosts.is_empty() {
        hosts.push(own_host());
    }
    Ok(dialled_addresses(&hosts, arguments.port))
}

/// Begins when the host presses Return; a thread of its own, which the program does not wait for.
fn begin_by_return(context: &Context, orders: mpsc::Sender<Order>) -> Result<(), Failure> {
    context.output.show("Press Return when all are there.");
    let wait = move || {
        if prompt::ask("").is_ok() {
            let _ = orders.blocking_send(Order::Begin);
        }
    };
    std::thread::Builder::new()
        .name("begin".to_owned())
        .spawn(wait)
        .map(drop)
        .map_err(|error| Failure::io("start a thread", &error))
}

async fn tell(
    context: &Context,
    arguments: &NetworkFound,
    founding: &Founding,
    told: Told,
) -> Result<(), Failure> {
    let output = &context.output;
    match told {
        Told::News(news) => match on_the_way(news) {
            Some(report) => output.report(&report),
            None => Ok(()),
        },
        Told::NotYet(why) => {
            output.show(&format!("not yet: {why}"));
            if founding.code.is_some() && arguments.nodes.is_none() {
                begin_by_return(context, founding.orders())?;
            }
            Ok(())
        }
        Told::Words(words) => {
            let words = spoken(&words);
            let told = OnTheWay::Words {
                words: words.clone(),
            };
            output.report(&told)?;
            answer(context, arguments, &words, founding.orders()).await
        }
        Told::End(_) => Ok(()),
    }
}

/// The words of the places.
fn spoken(words: &Words) -> Vec<&'static str> {
    words.0.iter().map(|place| word(*place)).collect()
}

/// Asks whether the words are the same; whoever knows what they must be says so beforehand.
async fn answer(
    context: &Context,
    arguments: &NetworkFound,
    words: &[&'static str],
    orders: mpsc::Sender<Order>,
) -> Result<(), Failure> {
    let given = arguments.words.as_ref().map(|text| {
        let given: Vec<&str> = text.split_whitespace().collect();
        match given == words {
            true => Answer::Same,
            false => Answer::Refused,
        }
    });
    let known = match (given, context.yes) {
        (Some(answer), _) => Some(answer),
        (None, true) => Some(Answer::Same),
        (None, false) if !prompt::somebody_is_there() => Some(Answer::Refused),
        (None, false) => None,
    };
    if let Some(answer) = known {
        let _ = orders.send(Order::Words(answer)).await;
        return Ok(());
    }
    // A thread of its own: the ceremony goes on, and may end, while a person thinks.
    let wait = move || {
        let typed = prompt::ask("Are the words the same for all, and are these the rules? [y/N] ");
        let typed = typed.map(|typed| typed.trim().to_lowercase());
        let answer = match typed.as_deref() {
            Ok("y" | "yes") => Answer::Same,
            _ => Answer::Refused,
        };
        let _ = orders.blocking_send(Order::Words(answer));
    };
    std::thread::Builder::new()
        .name("words".to_owned())
        .spawn(wait)
        .map(drop)
        .map_err(|error| Failure::io("start a thread", &error))
}

fn on_the_way(news: News) -> Option<OnTheWay> {
    Some(match news {
        News::Welcome(name) => OnTheWay::Welcome {
            name: name.to_string(),
        },
        News::Room(present) => OnTheWay::Present {
            nodes: present.iter().map(line).collect(),
        },
        News::Notice(text) => OnTheWay::Notice { text },
        News::Plan(plan) => shown_plan(&plan),
        News::Begins(round) => {
            let (round, text) = match round {
                Round::Check => (
                    "check",
                    "checking that each reaches each, and all clocks ...",
                ),
                Round::Rehearse => (
                    "rehearse",
                    "all have confirmed; rehearsing the first block ...",
                ),
                Round::Ready => ("ready", "rehearsed: every node has seen the first block"),
                Round::Sign => ("sign", "signing ..."),
                Round::Written => ("written", "signed by all; writing the home ..."),
                Round::Commit | Round::Reveal | Round::Words => return None,
            };
            OnTheWay::Begins { round, text }
        }
    })
}

fn line(present: &Present) -> NodeLine {
    NodeLine {
        name: present.name.to_string(),
        peer_id: crate::directory::peer::peer_id(&present.key)
            .map_or_else(String::new, |peer| peer.to_string()),
        addresses: present.addresses.clone(),
    }
}

fn shown_plan(plan: &Bootstrap) -> OnTheWay {
    let genesis = plan.genesis();
    OnTheWay::Plan {
        network: genesis.network.clone(),
        genesis: genesis.hash(),
        supply: genesis.supply(),
        fee: genesis.rules.fee,
        min_balance: genesis.rules.min_balance,
        accounts: account_lines(plan),
        nodes: plan.nodes().iter().map(Into::into).collect(),
    }
}
