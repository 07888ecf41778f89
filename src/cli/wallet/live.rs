//! A wallet that stays open: one session, one key, and news of what happens. The prompt and the screens are two faces
//! of it; whatever is done here goes the same steps as the command of that name.
//!
//! The profile's lock is taken for each payment and let go, so that scripts may pay beside an open wallet. The key lives
//! as long as this does: [`Live::close`] withdraws the card, closes the connections and lets go of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::past::{self, Whose};
use super::payment::{self, Course, Order};
use super::watch::{self, Heard};
use super::{ask, dealings, reach};
use crate::chain::amount::Amount;
use crate::chain::hash::Hash;
use crate::chain::key::Address;
use crate::cli::context::Context;
use crate::cli::directory;
use crate::cli::failure::Failure;
use crate::cli::online;
use crate::cli::report::directory::Directory;
use crate::cli::report::payment::PaymentFinal;
use crate::cli::report::wallet::{Balance, Dealings, History, Requested, WalletNodes, WalletReach};
use crate::cli::values::Payee;
use crate::node::network::ReachConfig;
use crate::node::profile::ProfileError;
use crate::node::session::{Plan, Published, Purse, Session};
use crate::wallet::contacts::Contacts;
use crate::wallet::dealings::request::RequestId;
use crate::wallet::light::Freshness;
use crate::wallet::vault::Vault;

/// Between two looks at how the network is.
const BEAT: Duration = Duration::from_millis(400);
/// Between two looks after payments that wait.
const LOOK_AFTER: Duration = Duration::from_secs(3);
/// How often a profile that another command holds for a moment is tried again, and after which pauses.
const TRIES: usize = 30;
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// How the network is, as far as this wallet sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulse {
    /// Whether a node can be asked.
    pub online: bool,
    /// How many validators are up, of how many.
    pub up: usize,
    /// Of how many.
    pub of: usize,
    /// How many it takes.
    pub needed: usize,
    /// Whether too few are up for anything to become final.
    pub paused: bool,
    /// The newest proven height.
    pub height: u64,
    /// For how many seconds there has been no new block, if that is unusually long.
    pub quiet_for_s: Option<u64>,
}

/// What an open wallet tells.
#[derive(Debug)]
pub enum News {
    /// The network has changed so.
    Pulse(Pulse),
    /// Something became final, or another wallet says something.
    Heard(Heard),
    /// Payments that an earlier run left open are looked after; so they stand.
    Waiting(String),
    /// One of those has its end.
    Settled,
    /// The session has ended by itself.
    Ended(Failure),
}

/// A wallet that stays open.
#[derive(Debug, Clone)]
pub struct Live(Arc<Inner>);

struct Inner {
    context: Context,
    session: Session,
    vault: Vault,
    /// One payment at a time: they are ordered by their numbers anyway.
    turn: tokio::sync::Mutex<()>,
    tasks: Mutex<JoinSet<()>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inner(..)")
    }
}

impl Live {
    /// Dials the nodes and begins to tell news; returns at once. With `found`, others find the wallet meanwhile.
    ///
    /// # Errors
    /// If the bootstrap file or the wallet's folder is not sound.
    pub async fn open(
        context: &Context,
        vault: Vault,
        found: bool,
        news: mpsc::Sender<News>,
    ) -> Result<Self, Failure> {
        let reach = ReachConfig {
            map_ports: found,
            ..dealings::OUTGOING
        };
        let session = online::begin(context, reach).await?;
        let dealt = session.deal(dealings::desk(context, &session, &vault)?);
        let live = Self(Arc::new(Inner {
            context: context.clone(),
            session,
            vault,
            turn: tokio::sync::Mutex::new(()),
            tasks: Mutex::new(JoinSet::new()),
        }));
        let (hear, heard) = mpsc::channel(16);
        let mut tasks = live.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.spawn(beat(Arc::clone(&live.0), news.clone()));
        tasks.spawn(look_after(Arc::clone(&live.0), news.clone()));
        tasks.spawn(pass_on(heard, news.clone()));
        let inner = Arc::clone(&live.0);
        tasks.spawn(async move {
            while inner.session.ready().await.is_err() {}
            if found {
                let account = inner.vault.secret().clone();
                inner.session.appear(account, Published::Relays).await;
            }
            let whose = (inner.vault.address(), Some(inner.vault.secret()));
            let (context, session) = (&inner.context, &inner.session);
            if let Err(failure) = watch::listen(context, session, whose, Some(dealt), &hear).await {
                // Nobody listens any more when the wallet is being closed.
                let _ = news.send(News::Ended(failure)).await;
            }
        });
        drop(tasks);
        Ok(live)
    }

    /// The account.
    pub fn address(&self) -> Address {
        self.0.vault.address()
    }

    /// The session, for what only looks.
    pub fn session(&self) -> &Session {
        &self.0.session
    }

    /// Waits until a node can be asked.
    ///
    /// # Errors
    /// If none can.
    pub async fn ready(&self) -> Result<(), Failure> {
        Ok(self.0.session.ready().await?)
    }

    /// `wallet balance`.
    ///
    /// # Errors
    /// If no node can be reached.
    pub async fn balance(&self) -> Result<Balance, Failure> {
        ask::balance_of(&self.0.context, &self.0.session, self.address()).await
    }

    /// `wallet history`, without following what waits.
    ///
    /// # Errors
    /// If no node can be reached.
    pub async fn history(&self, limit: usize) -> Result<History, Failure> {
        let context = &self.0.context;
        let journal = context.data_dir()?.read_journal(&context.profile()?)?;
        let whose = Whose {
            address: self.address(),
            secret: Some(self.0.vault.secret()),
        };
        past::gathered(&self.0.session, &journal, whose, limit).await
    }

    /// `wallet nodes`.
    pub async fn nodes(&self) -> WalletNodes {
        ask::list_nodes(&self.0.session).await
    }

    /// `wallet reach`, as it is now.
    ///
    /// # Errors
    /// If the session is closed.
    pub async fn whereabouts(&self) -> Result<WalletReach, Failure> {
        let found = self.0.session.whereabouts(Duration::ZERO).await?;
        Ok(reach::report(&self.0.session, &found))
    }

    /// `wallet directory`.
    ///
    /// # Errors
    /// If no node can be reached.
    pub async fn directory(&self) -> Result<Directory, Failure> {
        directory::look(&self.0.session, None).await
    }

    /// `wallet dealings`.
    pub fn dealings(&self) -> Option<Dealings> {
        let book = self.0.session.book()?;
        Some(dealings::of_book(&book, Some(self.0.vault.secret())))
    }

    /// `wallet request`; whoever is asked is told as soon as they are there.
    ///
    /// # Errors
    /// If a value is refused, or the name is not known.
    pub async fn request(
        &self,
        amount: Amount,
        whom: Option<Payee>,
        text: String,
        life_ms: u64,
    ) -> Result<Requested, Failure> {
        let (request, who) = dealings::asking(&self.0.session, amount, whom, text, life_ms).await?;
        Ok(dealings::requested(&request, None, who))
    }

    /// `wallet decline`.
    ///
    /// # Errors
    /// If the request is not known, or settled.
    pub async fn decline(&self, request: RequestId) -> Result<(), Failure> {
        let act = self
            .0
            .session
            .deal_with(move |machine, _| machine.decline(&request).map(|effects| ((), effects)));
        Ok(act.await?)
    }

    /// `wallet withdraw`.
    ///
    /// # Errors
    /// If the request is not known, or paid.
    pub async fn withdraw(&self, request: RequestId) -> Result<(), Failure> {
        let act = self
            .0
            .session
            .deal_with(move |machine, _| machine.withdraw(&request).map(|effects| ((), effects)));
        Ok(act.await?)
    }

    /// Contacts are no strangers to the wallet's own book either.
    pub async fn know(&self, contacts: &Contacts) {
        let known = contacts.all().iter().map(|one| one.address).collect();
        let act = self.0.session.deal_with(move |machine, _| {
            machine.set_contacts(known);
            Ok(((), Vec::new()))
        });
        if let Err(error) = act.await {
            tracing::warn!(%error, "the book does not know the contacts");
        }
    }

    /// Proves what an order comes to: to be shown and confirmed. Nothing is signed.
    ///
    /// # Errors
    /// If no node can be reached, or the rules refuse it.
    pub async fn plan(&self, order: Order) -> Result<Plan, Failure> {
        self.ready().await?;
        let _turn = self.0.turn.lock().await;
        let intended = payment::intended(&self.0.session, order).await?;
        let purse = self.0.purse().await?;
        payment::planned(&self.0.session, &purse, self.address(), intended).await
    }

    /// Pays what was planned and confirmed, and follows it to its end; `say` is told how it stands, and its
    /// identity as soon as it has one.
    ///
    /// # Errors
    /// What became of it, if it is not final. Once signed it is kept, and looked after.
    pub async fn pay(
        &self,
        plan: Plan,
        say: &mut (dyn FnMut(Option<Hash>, String) + Send),
    ) -> Result<PaymentFinal, Failure> {
        let Inner { session, vault, .. } = &*self.0;
        let _turn = self.0.turn.lock().await;
        let mut purse = self.0.purse().await?;
        let mut course = Course::default();
        let outcome = {
            let mut tell = |progress| {
                if let Some(text) = course.tell(&progress) {
                    say(course.signed(), text);
                }
            };
            session
                .pay(&mut purse, vault.secret(), plan, &mut tell)
                .await
        };
        drop(purse);
        let outcome = outcome.map_err(|error| course.broken_off(error.into()))?;
        online::remember(&self.0.context, session);
        let done = payment::result(&outcome)?;
        online::remember_account(&self.0.context, session, vault.address()).await;
        Ok(done)
    }

    /// Withdraws the card, closes the connections, and lets go of the key as soon as nothing uses it any more.
    pub async fn close(self) {
        online::remember(&self.0.context, &self.0.session);
        let tasks =
            std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        drop(tasks);
        self.0.session.close().await;
    }
}

impl Inner {
    /// The profile, opened for one payment. Another command may hold it for a moment.
    async fn purse(&self) -> Result<Purse, Failure> {
        let (data, name) = (self.context.data_dir()?, self.context.profile()?);
        for _ in 1..TRIES {
            match data.open(&name) {
                Ok(profile) => return Ok(Purse::open(profile)?),
                Err(ProfileError::InUse { .. }) => sleep(TRY_AGAIN).await,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Purse::open(data.open(&name)?)?)
    }

    fn pulse(&self) -> Pulse {
        let quorum = self.session.quorum();
        Pulse {
            online: !self.session.no_node_is_there(),
            up: quorum.up,
            of: quorum.of,
            needed: quorum.needed,
            paused: quorum.is_lost(),
            height: self.session.newest().height,
            quiet_for_s: match self.session.freshness() {
                Freshness::Fresh => None,
                Freshness::Quiet { for_ms } => Some(for_ms / 1000),
            },
        }
    }

    fn genesis(&self) -> Hash {
        self.session.bootstrap().genesis().hash()
    }

    /// Whether a payment of an earlier run waits for its end.
    fn something_waits(&self) -> bool {
        let read = || -> Result<bool, Failure> {
            let (data, name) = (self.context.data_dir()?, self.context.profile()?);
            let journal = data.read_journal(&name)?;
            Ok(journal.unresolved(self.genesis()).next().is_some())
        };
        read().unwrap_or(false)
    }
}

/// Tells how the network is, whenever that changes.
async fn beat(inner: Arc<Inner>, news: mpsc::Sender<News>) {
    let mut last = None;
    loop {
        let now = inner.pulse();
        if last.as_ref() != Some(&now) {
            last = Some(now.clone());
            if news.send(News::Pulse(now)).await.is_err() {
                return;
            }
        }
        sleep(BEAT).await;
    }
}

/// Follows what an earlier run, or a pause of the network, has left open.
async fn look_after(inner: Arc<Inner>, news: mpsc::Sender<News>) {
    loop {
        let can_go_on = !inner.session.no_node_is_there() && !inner.session.quorum().is_lost();
        if can_go_on && inner.something_waits() {
            let _turn = inner.turn.lock().await;
            if let Ok(mut purse) = inner.purse().await {
                let mut course = Course::default();
                let mut tell = |progress| {
                    let text = course.tell(&progress);
                    // It moves too fast to be waited for; the end is told in any case.
                    let _ = text.map(|text| news.try_send(News::Waiting(text)));
                };
                let resumed = inner.session.resume_pending(&mut purse, &mut tell).await;
                if let Err(error) = resumed {
                    tracing::warn!(%error, "payments that wait are not followed");
                }
            }
            if news.send(News::Settled).await.is_err() {
                return;
            }
        }
        sleep(LOOK_AFTER).await;
    }
}

async fn pass_on(mut heard: mpsc::Receiver<Heard>, news: mpsc::Sender<News>) {
    while let Some(one) = heard.recv().await {
        if news.send(News::Heard(one)).await.is_err() {
            return;
        }
    }
}
