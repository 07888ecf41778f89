//! What comes to a WebSocket port without being libp2p: nonsense, a browser's page, a message of a terabyte.

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::common::town::Town;
use crate::common::wait::PATIENCE;
use crate::everywhere;
use crate::plain::Plain;

const HANDSHAKE: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Says bytes to a port, and gives what comes back until the other side ends it.
async fn say(port: u16, parts: &[&[u8]]) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let mut back = Vec::new();
    let exchange = async {
        for part in parts {
            stream.write_all(part).await?;
            // The answer to a handshake comes before the next part is said.
            let mut some = [0; 1024];
            let read = stream.read(&mut some).await?;
            back.extend_from_slice(&some[..read]);
        }
        stream.read_to_end(&mut back).await
    };
    // However it ends: a closed port says so in several ways.
    let _ = timeout(PATIENCE, exchange).await.expect("an end in time");
    back
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_libp2p_on_a_websocket_port_is_cut_off_and_costs_no_memory() {
    let town = Town::with(everywhere(), 1).await;
    let node = &town.bootstrap.nodes()[0];
    let is_websocket = |place: &&Multiaddr| matches!(place.iter().last(), Some(Protocol::Ws(_)));
    let place = node.addresses.iter().find(is_websocket).unwrap();
    let Some(Protocol::Tcp(port)) = place.iter().nth(1) else {
        panic!("{place}");
    };
    let handshake = HANDSHAKE.as_bytes();
    // A binary frame, masked, that says to be so long.
    let mut terabyte = vec![0x82, 0xff];
    terabyte.extend((1u64 << 40).to_be_bytes());
    terabyte.extend([0; 64]);
    for parts in [
        vec![&b"nonsense\r\n\r\n"[..]],
        vec![&b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"[..]],
        vec![handshake, &[0xff; 64]],
        vec![handshake, &terabyte],
    ] {
        let back = say(port, &parts).await;
        assert!(back.len() < 2048, "{}", String::from_utf8_lossy(&back));
    }
    let counted = town.nodes[0].as_ref().unwrap().network().metrics();
    assert_eq!(counted.requests_received, 0);
    Plain::dial(node.peer_id, place.clone()).await;
}
