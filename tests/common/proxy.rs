//! A TCP proxy that can lose the link: what goes over it then vanishes, and nobody is told.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use natcoin::behaviour::Multiaddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpSocket,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// The proxy; it runs until the test ends.
pub struct Proxy {
    pub address: Multiaddr,
    generation: Arc<AtomicU64>,
}

impl Proxy {
    /// Forwards to `target`, an `/ip4/127.0.0.1/tcp/...` address.
    pub async fn to(target: &Multiaddr) -> Self {
        Self::from(Ipv4Addr::LOCALHOST, target).await
    }

    /// As [`Self::to`], from another address of this machine.
    pub async fn from(source: Ipv4Addr, target: &Multiaddr) -> Self {
        let port = target.to_string().rsplit('/').next().unwrap().to_owned();
        let target: SocketAddr = format!("127.0.0.1:{port}").parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let generation = Arc::new(AtomicU64::new(0));
        let current = Arc::clone(&generation);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                // Whoever dials in while the target is down is turned away.
                let socket = TcpSocket::new_v4().unwrap();
                socket.bind((source, 0).into()).unwrap();
                let Ok(far) = socket.connect(target).await else {
                    continue;
                };
                let born = current.load(Ordering::SeqCst);
                let (near_read, near_write) = near.into_split();
                let (far_read, far_write) = far.into_split();
                tokio::spawn(pipe(near_read, far_write, born, Arc::clone(&current)));
                tokio::spawn(pipe(far_read, near_write, born, Arc::clone(&current)));
            }
        });
        Self {
            address: format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap(),
            generation,
        }
    }

    /// Everything on present connections vanishes from now on, closings too. New ones work.
    pub fn lose_link(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }
}

async fn pipe(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, born: u64, current: Arc<AtomicU64>) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).await.unwrap_or(0);
        if current.load(Ordering::SeqCst) != born {
            // Neither data nor the end passes: hold both ends open and silent.
            std::future::pending::<()>().await;
        }
        if read == 0 || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
