//! A link: a proxy between one place (a node, or the wallets) and one node, over TCP and UDP, with weather.
//!
//! What a cut network does is kept to: a stream that is shut stands still and goes on when it is opened again,
//! closings included; nobody is told. Datagrams are lost. A TCP dial to somebody behind a cut gets no answer.
//!
//! It works without rights, on every system: it is only sockets. The tasks live as long as the [`Sea`].

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use natcoin::node::clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};

use super::sky::{Dice, Fate, Sky};
use super::wait;

/// Pieces under way in one direction of a connection; a sender waits behind them, or its datagrams are lost.
const UNDER_WAY: usize = 512;
/// A datagram's source is forgotten after so long a silence. (QUIC connections are kept alive more often.)
const FORGOTTEN: Duration = Duration::from_secs(15);
/// The largest datagram.
const DATAGRAM: usize = 64 * 1024;

/// The weather on a link, by transport and direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Weather {
    pub tcp: Ways,
    pub udp: Ways,
}

/// Both directions: forth is from the one who dials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ways {
    pub forth: Sky,
    pub back: Sky,
}

impl Weather {
    /// The same for both transports.
    pub fn both(forth: Sky, back: Sky) -> Self {
        let ways = Ways { forth, back };
        Self {
            tcp: ways,
            udp: ways,
        }
    }
}

/// The threads on which all links run.
pub struct Sea(Runtime);

impl Sea {
    pub fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Self(builder.worker_threads(2).enable_all().build().unwrap())
    }
}

type Set = (Weather, Instant);
type Pick = fn(&Weather) -> Sky;

/// One direction of one transport of a link, as its tasks see it.
#[derive(Clone)]
struct Watched {
    set: watch::Receiver<Set>,
    pick: Pick,
    seed: u64,
}

/// The link. Its port stands for the target's, for TCP and UDP.
pub struct Link {
    pub port: u16,
    set: watch::Sender<Set>,
}

impl Link {
    /// Opens a link to the node that listens on this port of the loopback address.
    pub fn open(sea: &Sea, target: u16, seed: u64) -> Self {
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, target));
        let (set, watched) = watch::channel((Weather::default(), clock::now()));
        let watching = move |pick: Pick, side: u64| Watched {
            set: watched.clone(),
            pick,
            seed: seed.wrapping_mul(4).wrapping_add(side),
        };
        let (listener, socket) = sea.0.block_on(one_port());
        let port = listener.local_addr().expect("bound").port();
        let ways = [watching(|w| w.tcp.forth, 0), watching(|w| w.tcp.back, 1)];
        sea.0.spawn(streams(listener, target, ways));
        let ways = [watching(|w| w.udp.forth, 2), watching(|w| w.udp.back, 3)];
        sea.0.spawn(datagrams(Arc::new(socket), target, ways));
        Self { port, set }
    }

    /// Sets the weather.
    pub fn set(&self, weather: Weather) {
        self.set.send_replace((weather, clock::now()));
    }
}

/// A TCP and a UDP socket on one port.
async fn one_port() -> (TcpListener, UdpSocket) {
    for _ in 0..100 {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        if let Ok(socket) = UdpSocket::bind(address).await {
            return (listener, socket);
        }
    }
    panic!("no port is free for both TCP and UDP");
}

impl Watched {
    /// What becomes of what arrives now; waits as long as it is held.
    async fn fate(&mut self, dice: &mut Dice) -> Fate {
        loop {
            let (weather, since) = *self.set.borrow_and_update();
            match dice.cast_stream((self.pick)(&weather), since, clock::now()) {
                Fate::Held(until) => self.change(until).await,
                fate => return fate,
            }
        }
    }

    /// What becomes of a datagram that arrives now.
    fn toss(&mut self, dice: &mut Dice) -> Option<Instant> {
        let (weather, since) = *self.set.borrow();
        match dice.cast((self.pick)(&weather), since, clock::now()) {
            Fate::At(due) => Some(due),
            Fate::Held(_) | Fate::Lost => None,
        }
    }

    async fn change(&mut self, until: Option<Instant>) {
        let set = async {
            // The link is gone with its test: nothing changes any more.
            if self.set.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        match until {
            None => set.await,
            Some(due) => tokio::select! { () = set => {}, () = wait::moment(due) => {} },
        }
    }
}

async fn streams(listener: TcpListener, target: SocketAddr, [forth, back]: [Watched; 2]) {
    let mut number = 0u64;
    while let Ok((near, _)) = listener.accept().await {
        number += 1;
        let (mut forth, back) = (forth.clone(), back.clone());
        tokio::spawn(async move {
            let mut dice = Dice::new(forth.seed.wrapping_add(number << 32));
            // Behind a cut nobody answers a dial.
            forth.fate(&mut dice).await;
            // Whoever dials in while the target is down is turned away.
            let Ok(far) = TcpStream::connect(target).await else {
                return;
            };
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            let (near_read, near_write) = near.into_split();
            let (far_read, far_write) = far.into_split();
            tokio::join!(
                stream(near_read, far_write, forth, number),
                stream(far_read, near_write, back, number),
            );
        });
    }
}

/// One direction of a connection: read, then held and delayed as the sky will have it, in order.
async fn stream(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut way: Watched, number: u64) {
    let (sender, mut pieces) = mpsc::channel::<(Instant, Vec<u8>)>(UNDER_WAY);
    let mut dice = Dice::new(way.seed.wrapping_add(number << 32));
    let reading = async move {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let read = from.read(&mut buffer).await.unwrap_or(0);
            let Fate::At(due) = way.fate(&mut dice).await else {
                return;
            };
            // No bytes: the end, which travels like everything else.
            let piece = (due, buffer[..read].to_vec());
            if sender.send(piece).await.is_err() || read == 0 {
                return;
            }
        }
    };
    let writing = async move {
        while let Some((due, bytes)) = pieces.recv().await {
            wait::moment(due).await;
            if bytes.is_empty() || to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(reading, writing);
}

/// Datagrams of all sources, each source with a socket of its own towards the target.
async fn datagrams(near: Arc<UdpSocket>, target: SocketAddr, ways: [Watched; 2]) {
    let mut sources: BTreeMap<SocketAddr, mpsc::Sender<Vec<u8>>> = BTreeMap::new();
    let mut buffer = vec![0; DATAGRAM];
    loop {
        // An error here is about a datagram that was sent back.
        let Ok((size, source)) = near.recv_from(&mut buffer).await else {
            continue;
        };
        sources.retain(|_, source| !source.is_closed());
        let known = sources.entry(source).or_insert_with(|| {
            let (sender, received) = mpsc::channel(UNDER_WAY);
            let route = (near.clone(), source, target);
            tokio::spawn(conversation(route, received, ways.clone()));
            sender
        });
        let _ = known.try_send(buffer[..size].to_vec());
    }
}

/// The conversation of one source with the target; it ends after a silence of both.
async fn conversation(
    (near, source, target): (Arc<UdpSocket>, SocketAddr, SocketAddr),
    mut received: mpsc::Receiver<Vec<u8>>,
    [mut forth, mut back]: [Watched; 2],
) {
    let Ok(far) = UdpSocket::bind("127.0.0.1:0").await else {
        return;
    };
    let far = Arc::new(far);
    let mut dice = Dice::new(forth.seed.wrapping_add(u64::from(source.port()) << 32));
    let mut buffer = vec![0; DATAGRAM];
    let (out, out_later) = mpsc::channel(UNDER_WAY);
    let (home, home_later) = mpsc::channel(UNDER_WAY);
    tokio::spawn(deliver(out_later, far.clone(), target));
    tokio::spawn(deliver(home_later, near, source));
    loop {
        tokio::select! {
            datagram = received.recv() => {
                let Some(datagram) = datagram else { return };
                if let Some(due) = forth.toss(&mut dice) {
                    let _ = out.try_send((due, datagram));
                }
            }
            answer = far.recv_from(&mut buffer) => {
                let Ok((size, _)) = answer else { continue };
                if let Some(due) = back.toss(&mut dice) {
                    let _ = home.try_send((due, buffer[..size].to_vec()));
                }
            }
            () = wait::moment(clock::now() + FORGOTTEN) => return,
        }
    }
}

/// Sends each datagram when it is due, in order.
async fn deliver(
    mut later: mpsc::Receiver<(Instant, Vec<u8>)>,
    socket: Arc<UdpSocket>,
    to: SocketAddr,
) {
    while let Some((due, datagram)) = later.recv().await {
        wait::moment(due).await;
        let _ = socket.send_to(&datagram, to).await;
    }
}

#[cfg(test)]
mod tests {
    //! The equipment is tried too: a proxy that let everything pass would make every course easy.

    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream, UdpSocket};

    use super::*;

    /// Long enough for an echo on a busy machine.
    const ECHO: Duration = Duration::from_secs(10);
    /// Long enough to notice that there is none.
    const SILENCE: Duration = Duration::from_millis(400);

    /// Somebody who sends everything back, over both transports of one port, to one TCP connection at a time.
    fn echo() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = UdpSocket::bind(listener.local_addr().unwrap()).unwrap();
        let port = socket.local_addr().unwrap().port();
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let mut writer = stream.try_clone().unwrap();
                let _ = std::io::copy(&mut stream, &mut writer);
            }
        });
        std::thread::spawn(move || {
            let mut buffer = [0; 64];
            while let Ok((size, from)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(&buffer[..size], from);
            }
        });
        port
    }

    struct Asker {
        stream: TcpStream,
        socket: UdpSocket,
    }

    impl Asker {
        fn over(link: &Link) -> Self {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.connect(("127.0.0.1", link.port)).unwrap();
            let stream = TcpStream::connect(("127.0.0.1", link.port)).unwrap();
            Self { stream, socket }
        }

        fn say(&mut self, word: u8) {
            self.stream.write_all(&[word]).unwrap();
            self.socket.send(&[word]).unwrap();
        }

        /// What comes back by the stream and by datagram.
        fn hear(&mut self, within: Duration) -> (Option<u8>, Option<u8>) {
            self.stream.set_read_timeout(Some(within)).unwrap();
            self.socket.set_read_timeout(Some(within)).unwrap();
            let (mut one, mut other) = ([0], [0]);
            let stream = self.stream.read_exact(&mut one).ok();
            let socket = self.socket.recv(&mut other).ok();
            (stream.map(|()| one[0]), socket.map(|_| other[0]))
        }
    }

    #[test]
    fn a_link_does_what_its_weather_says() {
        let sea = Sea::new();
        let link = Link::open(&sea, echo(), 1);
        let mut asker = Asker::over(&link);
        asker.say(1);
        assert_eq!(asker.hear(ECHO), (Some(1), Some(1)), "clear");

        let slow = Sky::Slow { ms: 100 };
        link.set(Weather::both(slow, slow));
        let said = clock::now();
        asker.say(2);
        assert_eq!(asker.hear(ECHO), (Some(2), Some(2)), "slow");
        assert!(
            said.elapsed() >= Duration::from_millis(200),
            "there and back"
        );

        for (forth, back) in [(Sky::Shut, Sky::Clear), (Sky::Clear, Sky::Shut)] {
            link.set(Weather::both(forth, back));
            asker.say(3);
            assert_eq!(asker.hear(SILENCE), (None, None), "{forth:?} {back:?}");
            link.set(Weather::default());
            let later = asker.hear(SILENCE);
            assert_eq!(later, (Some(3), None), "a stream waits, a datagram is lost");
        }

        let mut weather = Weather::default();
        weather.udp.forth = Sky::Shut;
        link.set(weather);
        asker.say(4);
        assert_eq!(asker.hear(SILENCE), (Some(4), None), "without UDP");
    }

    #[test]
    fn a_lossy_link_loses_about_as_many_datagrams_as_it_says_and_nothing_of_a_stream() {
        let sea = Sea::new();
        let link = Link::open(&sea, echo(), 7);
        let mut asker = Asker::over(&link);
        link.set(Weather::both(Sky::Lossy { percent: 30 }, Sky::Clear));
        let mut heard = 0;
        for word in 0..100 {
            asker.socket.send(&[word]).unwrap();
            asker.stream.write_all(&[word]).unwrap();
        }
        let mut all = [0; 100];
        asker.stream.set_read_timeout(Some(ECHO)).unwrap();
        asker.stream.read_exact(&mut all).unwrap();
        assert!(
            all.iter().zip(0..).all(|(is, word)| *is == word),
            "in order"
        );
        asker.socket.set_read_timeout(Some(SILENCE)).unwrap();
        while asker.socket.recv(&mut [0]).is_ok() {
            heard += 1;
        }
        assert!((50..=90).contains(&heard), "{heard} of 100 at 30 % loss");
    }
}
