//! The window: a page for people, REST and events for programs, counters for operators, over HTTP from the node itself.
//!
//! It shows what everybody may know, and takes signed transactions; no key ever comes near it. It must never delay
//! agreement: it has one thread that gives way to all others, bounded connections and requests, and of the node it knows
//! only the [`View`], which has bounds of its own. What cannot keep up is cut off.
//!
//! ```text
//! server ── doors (who may enter, how often) ── routes ── chain, people, network, submit, events, page
//!                                                            └── View ──▶ replica thread, block log
//! live: follows the chain, remembers the newest, speaks to all who listen
//! ```
//! Read next: `server.rs`, then `routes.rs`. For users: `docs/api.md`; why it is so: `docs/decisions/http.md`.

mod chain;
mod doors;
mod events;
mod failure;
mod live;
mod network;
mod page;
mod patience;
mod people;
mod routes;
mod server;
mod show;
mod submit;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

use crate::node::window::{View, ask_for_files, give_way};
use doors::Doors;
use live::Live;

/// Where the window is opened when nothing else is said: on this machine only.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:18080";

/// Threads that read blocks or wait for the disk; the bound on reads is the [`View`]'s.
const BLOCKING_THREADS: usize = 4;

/// Why a window does not open.
#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    /// Somebody is there.
    #[error("{0} is in use by another program; end it, or name another address with --http")]
    InUse(SocketAddr),
    /// The system refuses.
    #[error("the page cannot be served on {address}: {reason}; name another address with --http")]
    CannotListen {
        /// Where.
        address: SocketAddr,
        /// The system's words.
        reason: String,
    },
    /// The system gave no thread.
    #[error("the system gives no thread for the page: {0}; free memory and start again")]
    Thread(std::io::Error),
}

/// What all handlers share.
#[derive(Clone)]
struct Shared {
    view: View,
    live: Arc<Live>,
    doors: Arc<Doors>,
    /// Whether only this machine can come here.
    is_private: bool,
}

/// An open window; it closes when dropped.
pub struct Window {
    address: SocketAddr,
    /// Dropped with the window: that is how its thread learns of it.
    _open: watch::Sender<()>,
}

impl Window {
    /// Where it is, with the actual port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The page's address for a browser on this machine.
    pub fn url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            let ip: std::net::IpAddr = match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            };
            address.set_ip(ip);
        }
        format!("http://{address}/")
    }
}

/// Opens a window onto a node.
///
/// # Errors
/// A [`WindowError`]; nothing is then left open.
pub fn open(address: SocketAddr, view: View) -> Result<Window, WindowError> {
    let cannot = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AddrInUse => WindowError::InUse(address),
        _ => WindowError::CannotListen {
            address,
            reason: error.to_string(),
        },
    };
    let listener = std::net::TcpListener::bind(address).map_err(cannot)?;
    listener.set_nonblocking(true).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_name("window-reader")
        .build()
        .map_err(WindowError::Thread)?;
    let (open, mut closed) = watch::channel(());
    let doors = Arc::new(Doors::new(ask_for_files(doors::CONNECTIONS)));
    view.registry()
        .add(Box::new(doors::Counted::new(&doors, &view)));
    let shared = Shared {
        live: Arc::new(Live::new(&view)),
        doors,
        is_private: address.ip().is_loopback(),
        view,
    };
    let work = move || {
        // Showing gives way to agreeing: here, and on the threads that begin here.
        give_way();
        runtime.block_on(async {
            tokio::select! {
                () = server::serve(listener, shared) => {}
                _ = closed.changed() => {}
            }
        });
        // A read under way must not keep the node from ending.
        runtime.shutdown_background();
    };
    std::thread::Builder::new()
        .name("window".to_owned())
        .spawn(work)
        .map_err(WindowError::Thread)?;
    Ok(Window {
        address,
        _open: open,
    })
}
