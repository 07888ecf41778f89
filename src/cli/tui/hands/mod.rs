//! The hands of the screens: a loop that takes what is typed, what the wallet tells and the time, gives it to the
//! machine, performs what comes out, and draws.

mod perform;
mod terminal;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

use self::perform::Hands;
use self::terminal::Screen;
use super::core::model::{Model, Stage};
use super::core::unlock::Locked;
use super::core::wizard::Wizard;
use super::core::{Effect, Event, update};
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure, KEPT};
use crate::cli::signal::Signals;
use crate::cli::wallet;
use crate::node::clock;

/// How often time is told.
const TICK: Duration = Duration::from_millis(250);
/// Answers that wait for the loop. Whoever answers waits for room.
const ANSWERS: usize = 64;

/// `natcoin wallet`.
///
/// # Errors
/// If there is no terminal for it, or the wallet's folder is not sound.
pub async fn run(context: &Context) -> Result<(), Failure> {
    let look = terminal::fit(context)?;
    let (data, profile) = (context.data_dir()?, context.profile()?);
    // Made before the terminal is taken: what is wrong here is told in plain words.
    context.bootstrap()?;
    let mut signals = Signals::new()?;
    let (stage, first) = match data.has(&profile) {
        false => (Stage::Wizard(Box::new(Wizard::new(profile.as_str()))), None),
        true => match wallet::vault_at_hand(context)? {
            Some(vault) => (Stage::Locked(Box::new(Locked::trying())), Some(vault)),
            None => (Stage::Locked(Box::new(Locked::new(""))), None),
        },
    };
    let mut model = Model::new(look, terminal::size(), profile.as_str(), stage);
    let (answer, mut answers) = mpsc::channel(ANSWERS);
    let mut hands = Hands::new(context, answer);
    let mut screen = Screen::take()?;
    let mut keys = terminal::keys()?;
    if let Some(vault) = first {
        hands.open(vault);
    }
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let ended = loop {
        if terminal::has_panicked() {
            break Err(Failure::new(
                Exit::Unexpected,
                "internal",
                "a part of the program has failed, and it was ended",
                "what was signed is kept; please report what is printed above",
            ));
        }
        if let Err(failure) = screen.draw(&model) {
            break Err(failure);
        }
        let event = tokio::select! {
            key = keys.recv() => match key {
                Some(key) => key,
                // The terminal has gone.
                None => break Ok(()),
            },
            Some(told) = answers.recv() => told,
            _ = ticks.tick() => Event::Tick,
            () = signals.end() => break Ok(()),
        };
        let mut effects = update(&mut model, event, clock::unix_ms());
        // What else is there already is drawn at once with it.
        while let Ok(told) = answers.try_recv() {
            effects.extend(update(&mut model, told, clock::unix_ms()));
        }
        if effects.iter().any(|effect| matches!(effect, Effect::Quit)) {
            break Ok(());
        }
        for effect in effects {
            hands.perform(effect);
        }
    };
    drop(keys);
    // Order: first the person has their terminal back, then the network is told farewell.
    drop(screen);
    if let Stage::Open(open) = &model.stage
        && open.is_paying()
    {
        context
            .output
            .show(&format!("a payment is on its way; {KEPT}"));
    }
    hands.close().await;
    ended
}
