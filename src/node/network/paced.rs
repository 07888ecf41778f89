//! Streams at a pace: how often a stranger, and all strangers of one address, may open a stream to us.
//!
//! A stream costs us a quarter of a millisecond before anybody can say whether it is any good, so this stands below all
//! protocols: whatever a flood consists of, its streams wait here, and in the end in its own memory.
//!
//! Never: delay the verified list, or a stream that we open. Next: `transport.rs`, which wraps strangers' connections.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use libp2p::{
    Multiaddr,
    core::muxing::{StreamMuxer, StreamMuxerEvent},
};
use tokio::time::{Sleep, sleep};

use crate::{
    behaviour::{
        doors::Origin,
        limits::{Bucket, STREAMS_OPENED, STREAMS_OPENED_PER_ADDRESS},
    },
    node::clock,
};

/// How long a stream waits before it is asked again whether it may come.
const REST: Duration = Duration::from_millis(20);
/// With more addresses than this in the table, those that have rested are forgotten.
const ADDRESSES: usize = 1024;

type Shared = Arc<Mutex<Bucket>>;

/// The buckets of all addresses; clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Paces(Arc<Mutex<HashMap<Origin, Shared>>>);

impl Paces {
    /// The pace of a new connection of a stranger.
    pub(super) fn of(&self, remote: &Multiaddr) -> Pace {
        let now = clock::now();
        let own = Bucket::new(STREAMS_OPENED, now);
        let address = match Origin::of(remote) {
            Origin::Unnumbered => None,
            origin => Some(self.of_origin(origin, now)),
        };
        Pace { own, address }
    }

    fn of_origin(&self, origin: Origin, now: Instant) -> Shared {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= ADDRESSES {
            table.retain(|_, bucket| {
                let is_used = Arc::strong_count(bucket) > 1;
                is_used || !lock(bucket).is_full(now)
            });
        }
        let fresh = || Arc::new(Mutex::new(Bucket::new(STREAMS_OPENED_PER_ADDRESS, now)));
        Arc::clone(table.entry(origin).or_insert_with(fresh))
    }
}

fn lock(bucket: &Shared) -> std::sync::MutexGuard<'_, Bucket> {
    bucket.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one connection may open.
#[derive(Debug)]
pub(super) struct Pace {
    own: Bucket,
    address: Option<Shared>,
}

impl Pace {
    fn take(&mut self, now: Instant) -> bool {
        let of_address = self.address.as_ref();
        self.own.take(now) && of_address.is_none_or(|address| lock(address).take(now))
    }
}

/// A multiplexer whose incoming streams come at a pace; without one, as they come.
pub(super) struct Paced<M> {
    inner: M,
    pace: Option<Pace>,
    /// A token was taken for the stream that comes next.
    may_take: bool,
    resting: Option<Pin<Box<Sleep>>>,
}

impl<M> Paced<M> {
    pub(super) fn new(inner: M, pace: Option<Pace>) -> Self {
        Self {
            inner,
            pace,
            may_take: false,
            resting: None,
        }
    }

    /// Whether one more stream may come now; else wakes when it is worth asking again.
    fn poll_pace(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(pace) = &mut self.pace else {
            return Poll::Ready(());
        };
        loop {
            if let Some(resting) = &mut self.resting {
                std::task::ready!(resting.as_mut().poll(cx));
                self.resting = None;
            }
            self.may_take = self.may_take || pace.take(clock::now());
            if self.may_take {
                return Poll::Ready(());
            }
            self.resting = Some(Box::pin(sleep(REST)));
        }
    }
}

impl<M: StreamMuxer + Unpin> StreamMuxer for Paced<M> {
    type Substream = M::Substream;
    type Error = M::Error;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        std::task::ready!(self.poll_pace(cx));
        let stream = std::task::ready!(Pin::new(&mut self.inner).poll_inbound(cx));
        self.may_take = false;
        Poll::Ready(stream)
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Substream, Self::Error>> {
        Pin::new(&mut self.inner).poll_outbound(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, Self::Error>> {
        Pin::new(&mut self.inner).poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_addresss_connections_share_one_pace_and_keep_it_when_they_are_gone() {
        let paces = Paces::default();
        let remote: Multiaddr = "/ip4/203.0.113.7/tcp/1".parse().unwrap();
        let now = clock::now();
        let mut taken = 0;
        for _ in 0..20 {
            let mut pace = paces.of(&remote);
            taken += (0..STREAMS_OPENED.burst).filter(|_| pace.take(now)).count();
        }
        assert_eq!(taken, STREAMS_OPENED_PER_ADDRESS.burst as usize);
        let mut other = paces.of(&"/ip4/203.0.113.8/tcp/1".parse().unwrap());
        assert!(other.take(now));
        let mut here = paces.of(&"/ip4/127.0.0.1/tcp/1".parse().unwrap());
        let taken = (0..9_999).filter(|_| here.take(now)).count();
        assert_eq!(taken, STREAMS_OPENED.burst as usize);
    }

    #[test]
    fn addresses_that_have_rested_are_forgotten() {
        let paces = Paces::default();
        for number in 0..3 * ADDRESSES {
            let remote = format!("/ip4/10.0.{}.{}/tcp/1", number / 256, number % 256);
            paces.of(&remote.parse().unwrap());
        }
        assert!(paces.0.lock().unwrap().len() <= ADDRESSES);
    }
}
