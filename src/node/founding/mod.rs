//! The hands of a founding: a small swarm for the room, files, and a rehearsal with a real node.
//!
//! [`enter`] opens a room or goes into one, and gives a [`Founding`]: what is [`Told`] comes out of it, [`Order`]s go
//! in. The room has a protocol of its own and nothing of a node's: one long stream from each guest to the host, and
//! dials that only see whether somebody answers who proves to have the right key. The streams run over TCP, since a
//! node that is rehearsed on the same machine needs the UDP port for itself; addresses of both kinds are checked.
//!
//! Never: decide anything; that is `directory::founding`. Next: `room.rs`, the loop.

mod error;
mod links;
mod rehearsal;
mod room;
mod swarm;

use std::path::PathBuf;

use tokio::sync::mpsc;

pub use self::error::FoundError;
use crate::chain::key::SecretKey;
use crate::chain::name::Name;
use crate::directory::bootstrap::Beginning;
use crate::directory::founding::code::Code;
use crate::directory::founding::member::{Answer, News, Outcome};
use crate::directory::founding::words::Words;
pub use libp2p::Multiaddr;

/// News that wait to be shown: more than a ceremony of the largest room has.
const TOLD: usize = 1_024;
/// Orders that wait: a person gives one at a time.
const ORDERS: usize = 16;

/// Who founds.
pub struct FoundConfig {
    /// Where the home will be.
    pub home: PathBuf,
    /// Its key, made for it.
    pub key: SecretKey,
    /// The node's name; `None` for one that the host gives.
    pub name: Option<Name>,
    /// Where the node will be dialled.
    pub addresses: Vec<Multiaddr>,
    /// Host or guest.
    pub part: Part,
}

/// Host or guest.
pub enum Part {
    /// Opens a room.
    Host {
        /// What the network begins with.
        beginning: Beginning,
        /// Begin as soon as so many are there.
        expected: Option<usize>,
    },
    /// Goes into a room.
    Guest(Code),
}

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// All are there: begin. The host's.
    Begin,
    /// About the words.
    Words(Answer),
    /// Leave.
    Leave,
}

/// What a person is told.
#[derive(Debug)]
pub enum Told {
    /// Something on the way.
    News(News),
    /// The words to compare; an [`Order::Words`] answers.
    Words(Words),
    /// It cannot begin yet.
    NotYet(String),
    /// It is over; nothing comes after it.
    End(Box<Outcome>),
}

/// A ceremony under way.
pub struct Founding {
    /// The join code, if this is the host.
    pub code: Option<String>,
    told: mpsc::Receiver<Told>,
    orders: mpsc::Sender<Order>,
    room: tokio::task::JoinHandle<()>,
}

impl Founding {
    /// The next thing to tell; `None` if it has ended.
    pub async fn told(&mut self) -> Option<Told> {
        self.told.recv().await
    }

    /// Does something; what comes too late is left aside.
    pub async fn order(&self, order: Order) {
        let _ = self.orders.send(order).await;
    }

    /// The way to do something from elsewhere, as a thread that reads a terminal.
    pub fn orders(&self) -> mpsc::Sender<Order> {
        self.orders.clone()
    }

    /// Waits until all is said and everything of it has ended.
    ///
    /// # Errors
    /// [`FoundError::Task`] if the room has failed.
    pub async fn close(self) -> Result<(), FoundError> {
        drop(self.told);
        self.room.await.map_err(FoundError::Task)
    }
}

/// Opens a room, or goes into one.
///
/// # Errors
/// A [`FoundError`]; nothing has been written then.
pub async fn enter(config: FoundConfig) -> Result<Founding, FoundError> {
    let (tell, told) = mpsc::channel(TOLD);
    let (orders, ordered) = mpsc::channel(ORDERS);
    let (room, code) = room::Room::open(config, tell).await?;
    Ok(Founding {
        code,
        told,
        orders,
        room: tokio::spawn(room.run(ordered)),
    })
}
