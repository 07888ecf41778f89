//! The document's bytes: what `docs/protocol.md` shows in hexadecimal is said to a node by hand, without any of libp2p's
//! protocols above noise and yamux, and the node answers just what the document shows.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use libp2p::core::muxing::{StreamMuxerBox, StreamMuxerExt as _};
use libp2p::core::transport::{DialOpts, PortUse, Transport as _};
use libp2p::core::{Endpoint, upgrade};
use libp2p::futures::{AsyncReadExt as _, AsyncWriteExt as _};
use libp2p::{identity::Keypair, noise, tcp, yamux};
use natcoin::chain::hash::unhex;
use tokio::time::timeout;

use crate::common::town::Town;
use crate::common::wait::PATIENCE;
use crate::everywhere;

/// The bytes of the document's block with this mark: hexadecimal, and behind `#` words for people.
fn shown(mark: &str) -> Vec<u8> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/protocol.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text
        .split_once(&format!("```text {mark}\n"))
        .unwrap_or_else(|| panic!("the document has no block {mark}"));
    let (block, _) = rest.split_once("\n```").expect("it ends");
    let digits = block
        .lines()
        .flat_map(|line| line.split('#').next().unwrap().split_whitespace());
    unhex(&digits.collect::<String>()).expect("hexadecimal digits")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documents_bytes_are_what_a_node_understands_and_answers() {
    let town = Town::with(everywhere(), 1).await;
    let node = &town.bootstrap.nodes()[0];
    let identity = Keypair::generate_ed25519();
    let mut transport = tcp::tokio::Transport::default()
        .upgrade(upgrade::Version::V1)
        .authenticate(noise::Config::new(&identity).unwrap())
        .multiplex(yamux::Config::default())
        .boxed();
    let how = DialOpts {
        role: Endpoint::Dialer,
        port_use: PortUse::New,
    };
    let dial = transport.dial(node.addresses[0].clone(), how).unwrap();
    let (peer, connection) = dial.await.unwrap();
    assert_eq!(peer, node.peer_id);
    let mut connection = StreamMuxerBox::new(connection);
    let mut stream = poll_fn(|cx| connection.poll_outbound_unpin(cx))
        .await
        .unwrap();
    let mut exchange = pin!(async {
        let mut answer = Vec::new();
        stream.write_all(&shown("asked")).await?;
        stream.close().await?;
        stream.read_to_end(&mut answer).await.map(|_| answer)
    });
    // Nothing moves on a connection that nobody drives; what the node opens to us is left without a word.
    let mut left = Vec::new();
    let answer = poll_fn(|cx| {
        while let Poll::Ready(Ok(stream)) = connection.poll_inbound_unpin(cx) {
            left.push(stream);
        }
        let _ = connection.poll_unpin(cx);
        match exchange.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            ready => ready,
        }
    });
    let answer = timeout(PATIENCE, answer).await.expect("an end in time");
    let answer = answer.unwrap();
    assert_eq!(
        String::from_utf8_lossy(&answer),
        String::from_utf8_lossy(&shown("answered"))
    );
}
