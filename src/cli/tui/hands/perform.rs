//! Performs the machine's effects: each in a task of its own, which answers with an event. Nothing here decides.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rand::seq::IndexedRandom;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};
use zeroize::Zeroizing;

use crate::chain::key::Address;
use crate::chain::name::Name;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::report;
use crate::cli::tui::core::model::Me;
use crate::cli::tui::core::settings::Settings;
use crate::cli::tui::core::{Drawn, Effect, Event, Ledger, Making, NetworkSeen, Opening, csv};
use crate::cli::values::Payee;
use crate::cli::wallet::live::{Live, News};
use crate::cli::wallet::watch::Heard;
use crate::cli::wallet::{self, CHECKED_WORDS};
use crate::directory::bootstrap::Bootstrap;
use crate::node::home;
use crate::node::session::MAX_HISTORY;
use crate::wallet::vault::{RecoveryWords, Vault, WORD_COUNT};

/// How long a request may be paid.
const REQUEST_LIFE_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// News of the wallet that wait to be passed on.
const NEWS: usize = 64;

/// The open wallet, while it is open. It may be locked while something that was begun with it goes on.
type Slot = Arc<Mutex<Option<Live>>>;

/// The hands.
pub struct Hands {
    context: Context,
    answer: mpsc::Sender<Event>,
    live: Slot,
    /// The wallet whose words are being shown: not kept yet.
    drawn: Option<Vault>,
    tasks: JoinSet<()>,
}

impl Hands {
    pub fn new(context: &Context, answer: mpsc::Sender<Event>) -> Self {
        Self {
            context: context.silent(),
            answer,
            live: Slot::default(),
            drawn: None,
            tasks: JoinSet::new(),
        }
    }

    /// Opens the session of a vault that is open.
    pub fn open(&mut self, vault: Vault) {
        let (context, live) = (self.context.clone(), Arc::clone(&self.live));
        let answer = self.answer.clone();
        self.tasks.spawn(async move {
            let opened = opened(&context, vault, &live, &answer).await;
            // The loop has ended when nobody listens.
            let _ = answer.send(Event::Opened(opened)).await;
        });
    }

    /// Closes what is open.
    pub async fn close(mut self) {
        self.tasks.abort_all();
        while self.tasks.join_next().await.is_some() {}
        let live = taken(&self.live);
        if let Some(live) = live {
            live.close().await;
        }
    }

    pub fn perform(&mut self, effect: Effect) {
        while self.tasks.try_join_next().is_some() {}
        match effect {
            Effect::ReadNetwork(file) => {
                let context = self.context.clone();
                self.tell(async move { Event::Network(network_seen(&context, file.as_deref())) });
            }
            Effect::Draw => self.draw(),
            Effect::Make(making) => self.make(*making),
            Effect::Unlock(password) => self.unlock(password),
            Effect::Lock => {
                if let Some(live) = taken(&self.live) {
                    self.tasks.spawn(live.close());
                }
            }
            Effect::KeepContacts(contacts) => {
                let context = self.context.clone();
                let kept = || -> Result<(), Failure> {
                    let genesis = context.bootstrap()?.genesis().hash();
                    let name = context.profile()?;
                    Ok(context
                        .data_dir()?
                        .keep_contacts(&name, &genesis, &contacts)?)
                };
                self.unless_kept(kept());
                self.with_live(async move |live| {
                    live.know(&contacts).await;
                    None
                });
            }
            Effect::KeepSettings(settings) => {
                let kept = || -> Result<(), Failure> {
                    let name = self.context.profile()?;
                    Ok(self
                        .context
                        .data_dir()?
                        .keep_screens(&name, &settings.encode())?)
                };
                let kept = kept();
                self.unless_kept(kept);
            }
            effect => self.perform_open(effect),
        }
    }

    /// What needs an open wallet.
    fn perform_open(&mut self, effect: Effect) {
        let answer = self.answer.clone();
        match effect {
            Effect::Ledger(limit) => self.with_live(async move |live| {
                Some(Event::Ledger(ledger(&live, limit).await.map(Box::new)))
            }),
            Effect::Nodes => self.with_live(async move |live| {
                let nodes = live.nodes().await;
                let reach = live.whereabouts().await.ok().map(Box::new);
                Some(Event::Nodes(Box::new(nodes), reach))
            }),
            Effect::Directory => self.with_live(async move |live| {
                let there = async {
                    live.ready().await?;
                    live.directory().await
                };
                Some(Event::Directory(there.await.map(Box::new)))
            }),
            Effect::Plan(order) => self.with_live(async move |live| {
                Some(Event::Planned(live.plan(*order).await.map(Box::new)))
            }),
            Effect::Pay(key, plan) => self.with_live(async move |live| {
                let mut say = |id, text| {
                    // It moves too fast to be waited for; the end is told in any case.
                    let _ = answer.try_send(Event::Way(key, id, text));
                };
                let paid = live.pay(*plan, &mut say).await;
                Some(Event::Paid(key, paid.map(Box::new)))
            }),
            Effect::Request(asking) => self.with_live(async move |live| {
                let asking = *asking;
                let made = live
                    .request(asking.amount, asking.whom, asking.text, REQUEST_LIFE_MS)
                    .await;
                Some(Event::Requested(made.map(Box::new)))
            }),
            Effect::Decline(request) => self.with_live(async move |live| {
                let done = live.decline(request).await;
                Some(Event::Done(done.map(|()| "declined".to_owned())))
            }),
            Effect::Withdraw(request) => self.with_live(async move |live| {
                let done = live.withdraw(request).await;
                Some(Event::Done(done.map(|()| "withdrawn".to_owned())))
            }),
            Effect::Resolve(payee) => self
                .with_live(async move |live| Some(Event::Resolved(resolved(&live, payee).await))),
            Effect::Export(path) => {
                self.with_live(async move |live| Some(Event::Done(exported(&live, &path).await)))
            }
            _ => {}
        }
    }

    /// Does something and answers.
    fn tell(&mut self, work: impl Future<Output = Event> + Send + 'static) {
        let answer = self.answer.clone();
        self.tasks.spawn(async move {
            let event = work.await;
            let _ = answer.send(event).await;
        });
    }

    /// Does something with the open wallet and answers; nothing if it was locked meanwhile.
    fn with_live<F>(&mut self, work: impl FnOnce(Live) -> F + Send + 'static)
    where
        F: Future<Output = Option<Event>> + Send + 'static,
    {
        let live = self
            .live
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let (Some(live), answer) = (live, self.answer.clone()) else {
            return;
        };
        self.tasks.spawn(async move {
            if let Some(event) = work(live).await {
                let _ = answer.send(event).await;
            }
        });
    }

    /// A failure to keep something is told.
    fn unless_kept(&mut self, kept: Result<(), Failure>) {
        if let Err(failure) = kept {
            self.tell(async move { Event::Done(Err(failure)) });
        }
    }

    fn draw(&mut self) {
        let vault = Vault::generate(&mut rand::rng());
        let places: Vec<usize> = (0..WORD_COUNT).collect();
        let mut asked: Vec<usize> = places
            .sample(&mut rand::rng(), CHECKED_WORDS)
            .copied()
            .collect();
        asked.sort_unstable();
        let words = Zeroizing::new(vault.words().words().join(" "));
        self.drawn = Some(vault);
        self.tell(async move { Event::Drawn(Drawn { words, asked }) });
    }

    fn make(&mut self, making: Making) {
        if let Some(file) = &making.network {
            self.context = self.context.with_bootstrap(path_of(file));
        }
        let (context, live) = (self.context.clone(), Arc::clone(&self.live));
        let (answer, drawn) = (self.answer.clone(), self.drawn.take());
        self.tasks.spawn(async move {
            let making = async {
                let kept = context.clone();
                let made = spawn_blocking(move || made(&kept, making, drawn));
                let vault = made.await.map_err(|_| lost())??;
                opened(&context, vault, &live, &answer).await
            };
            let opened = making.await;
            let _ = answer.send(Event::Opened(opened)).await;
        });
    }

    fn unlock(&mut self, password: Zeroizing<String>) {
        let (context, live) = (self.context.clone(), Arc::clone(&self.live));
        let answer = self.answer.clone();
        self.tasks.spawn(async move {
            let opening = async {
                let kept = context.clone();
                // Argon2 takes its time, and all of a core.
                let vault = spawn_blocking(move || wallet::vault_with(&kept, &password));
                let vault = vault.await.map_err(|_| lost())??;
                opened(&context, vault, &live, &answer).await
            };
            let opened = opening.await;
            let _ = answer.send(Event::Opened(opened)).await;
        });
    }
}

fn taken(slot: &Slot) -> Option<Live> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn lost() -> Failure {
    Failure::new(
        Exit::Unexpected,
        "internal",
        "a part of the program has failed",
        "please report what is printed",
    )
}

/// `~/file` as people write it.
fn path_of(text: &str) -> PathBuf {
    match (text.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(text),
    }
}

fn network_seen(context: &Context, file: Option<&str>) -> Result<NetworkSeen, Failure> {
    let (bootstrap, source) = match file {
        Some(file) => {
            let path = path_of(file);
            (home::read_bootstrap(&path)?, path.display().to_string())
        }
        None => (context.bootstrap()?, context.bootstrap_source()),
    };
    Ok(NetworkSeen {
        network: bootstrap.network().to_owned(),
        genesis: bootstrap.genesis().hash().to_string(),
        resilience: report::resilience(&bootstrap.genesis().validators),
        source,
    })
}

fn made(context: &Context, making: Making, drawn: Option<Vault>) -> Result<Vault, Failure> {
    let Making {
        password,
        words,
        wish,
        ..
    } = making;
    let vault = match (words, drawn) {
        (Some(words), _) => Vault::from_words(RecoveryWords::parse(&words)?),
        (None, Some(drawn)) => drawn,
        (None, None) => return Err(lost()),
    };
    wallet::make(context, &vault, &password)?;
    let settings = Settings {
        wished_name: wish.map(|name| name.to_string()),
        ..Settings::default()
    };
    let name = context.profile()?;
    context
        .data_dir()?
        .keep_screens(&name, &settings.encode())?;
    Ok(vault)
}

/// Opens the session, and passes on what the wallet tells.
async fn opened(
    context: &Context,
    vault: Vault,
    slot: &Slot,
    answer: &mpsc::Sender<Event>,
) -> Result<Box<Opening>, Failure> {
    let (data, name) = (context.data_dir()?, context.profile()?);
    let bootstrap: Bootstrap = context.bootstrap()?;
    let genesis = bootstrap.genesis().hash();
    let contacts = data.contacts(&name, &genesis)?;
    let settings = data
        .screens(&name)?
        .map(|bytes| Settings::decode(&bytes))
        .unwrap_or_default();
    let me = Me {
        profile: name.to_string(),
        address: vault.address(),
        network: bootstrap.network().to_owned(),
        genesis: genesis.to_string(),
        resilience: report::resilience(&bootstrap.genesis().validators),
        source: context.bootstrap_source(),
        data_dir: data.profile_path(&name).display().to_string(),
    };
    let (news, told) = mpsc::channel(NEWS);
    let live = Live::open(context, vault, settings.be_found, news).await?;
    live.know(&contacts).await;
    let before = slot
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .replace(live);
    if let Some(before) = before {
        before.close().await;
    }
    tokio::spawn(pass_on(told, answer.clone()));
    Ok(Box::new(Opening {
        me,
        contacts,
        settings,
    }))
}

async fn pass_on(mut told: mpsc::Receiver<News>, answer: mpsc::Sender<Event>) {
    while let Some(news) = told.recv().await {
        let event = match news {
            News::Pulse(pulse) => Event::Pulse(pulse),
            News::Heard(Heard::Final(event)) => Event::Final(event),
            News::Heard(Heard::Word(dealing)) => Event::Word(dealing),
            News::Heard(Heard::Connected { .. }) => Event::Connected,
            // The pulse tells it.
            News::Heard(Heard::Disconnected) => continue,
            News::Waiting(text) => Event::Waiting(text),
            News::Settled => Event::Changed,
            News::Ended(failure) => Event::Ended(failure),
        };
        if answer.send(event).await.is_err() {
            return;
        }
    }
}

async fn ledger(live: &Live, limit: usize) -> Result<Ledger, Failure> {
    live.ready().await?;
    Ok(Ledger {
        balance: live.balance().await?,
        history: live.history(limit).await?,
        dealings: live.dealings(),
    })
}

/// Whose a name is, or what name an address has.
async fn resolved(live: &Live, payee: Payee) -> Result<(Address, Option<Name>), Failure> {
    live.ready().await?;
    match payee {
        Payee::Name(name) => {
            let owner = live.session().resolve(&name).await?.value;
            Ok((owner.address, Some(name)))
        }
        Payee::Address(address) => {
            let account = live.session().account(address).await?.value;
            Ok((address, account.and_then(|account| account.name)))
        }
    }
}

/// Writes the whole history to a file that is not there yet.
async fn exported(live: &Live, typed: &str) -> Result<String, Failure> {
    let path = path_of(typed);
    let refused = |why: &str| {
        let message = format!("the history cannot be written to {}: {why}", path.display());
        Failure::new(
            Exit::Usage,
            "export_refused",
            message,
            "choose another file",
        )
    };
    if path.exists() {
        return Err(refused("it is there already, and stays as it is"));
    }
    let history = live.history(MAX_HISTORY).await?;
    let text = csv::table(&history.entries);
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    // Whole or not at all, and never over something that came meanwhile.
    let written =
        tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).and_then(|mut draft| {
            draft.write_all(text.as_bytes())?;
            draft.as_file().sync_all()?;
            draft
                .persist_noclobber(&path)
                .map(drop)
                .map_err(|error| error.error)
        });
    match written {
        Ok(()) => {
            let count = match history.entries.len() {
                1 => "1 entry".to_owned(),
                many => format!("{many} entries"),
            };
            Ok(format!("{count} written to {}", path.display()))
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(refused("it is there already, and stays as it is"))
        }
        Err(error) => Err(refused(&error.to_string())),
    }
}
