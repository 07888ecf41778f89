//! The public segment: an Ethernet switch in this process, with delay, jitter and loss, whose cables can be pulled.
//!
//! The ports are TAP devices inside the namespaces. (The kernel's own way of being slow and lossy, `netem`, is not
//! everywhere, and where it is, its dice cannot be seeded.) Address resolution is delayed, never lost: what is lost in
//! these tests are packets of the protocols under test.
//!
//! Never: sleep without a bound; the thread looks for its end every few milliseconds.

use std::{
    collections::{BTreeMap, BinaryHeap},
    io,
    os::fd::AsFd as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use natcoin::node::clock;
use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

use super::namespace::Namespace;

/// The interface of everybody on the segment.
pub const INTERFACE: &str = "wan0";
/// How long a turn may wait for frames.
const TURN: Duration = Duration::from_millis(5);
/// Frames taken from one port in a turn.
const BURST: usize = 64;
/// Frames under way; more are lost, as in any switch.
const UNDER_WAY: usize = 20_000;
const FRAME_BYTES: usize = 4096;
/// An Ethernet frame's kind for IPv4.
const IPV4: [u8; 2] = [0x08, 0x00];

/// How the segment behaves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weather {
    /// Each way.
    pub delay: Duration,
    /// Up to so much more or less.
    pub jitter: Duration,
    /// Lost packets of a thousand.
    pub loss_permille: u32,
}

impl Weather {
    /// No delay, nothing lost.
    pub const FAIR: Self = Self {
        delay: Duration::ZERO,
        jitter: Duration::ZERO,
        loss_permille: 0,
    };
    /// 30 ms each way, 5 ms more or less, 3 % lost.
    pub const ROUGH: Self = Self {
        delay: Duration::from_millis(30),
        jitter: Duration::from_millis(5),
        loss_permille: 30,
    };
}

/// One plug of the switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port(usize);

/// The switch. Dropping it ends its thread.
pub struct Switch {
    shared: Arc<Mutex<Shared>>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    ports: Vec<Arc<SyncDevice>>,
    /// Pulled cables.
    cut: Vec<bool>,
    weather: Weather,
    over: bool,
}

/// A frame under way; the one that is due first is the greatest.
struct Flight {
    due: Instant,
    number: u64,
    to: usize,
    frame: Vec<u8>,
}

impl Switch {
    /// A switch with dice of this seed.
    pub fn start(weather: Weather, seed: u64) -> Self {
        let shared = Arc::new(Mutex::new(Shared {
            ports: Vec::new(),
            cut: Vec::new(),
            weather,
            over: false,
        }));
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || run(&of_thread, StdRng::seed_from_u64(seed)));
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// Plugs a namespace in: it has an interface [`INTERFACE`] then, which is down.
    pub fn plug(&self, namespace: &Namespace) -> Port {
        let device = namespace.within(|| {
            let made = DeviceBuilder::new()
                .name(INTERFACE)
                .layer(Layer::L2)
                .enable(false)
                .build_sync();
            made.expect("a TAP device")
        });
        device.set_nonblocking(true).expect("it need not wait");
        let mut shared = self.lock();
        shared.ports.push(Arc::new(device));
        shared.cut.push(false);
        Port(shared.ports.len() - 1)
    }

    /// Pulls a cable; nobody is told.
    pub fn cut(&self, port: Port) {
        self.lock().cut[port.0] = true;
    }

    /// Plugs it in again.
    pub fn mend(&self, port: Port) {
        self.lock().cut[port.0] = false;
    }

    /// Changes the weather for what comes from now on.
    pub fn weather(&self, weather: Weather) {
        self.lock().weather = weather;
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.lock().over = true;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run(shared: &Mutex<Shared>, mut dice: StdRng) {
    let mut learned: BTreeMap<[u8; 6], usize> = BTreeMap::new();
    let mut flights: BinaryHeap<Flight> = BinaryHeap::new();
    let mut number = 0;
    let mut buffer = vec![0; FRAME_BYTES];
    loop {
        let ports = lock(shared).ports.clone();
        wait(&ports, flights.peek().map(|flight| flight.due));
        // Order: after the wait, so that what was changed meanwhile holds for what came meanwhile.
        let (cut, weather) = {
            let shared = lock(shared);
            if shared.over {
                return;
            }
            (shared.cut.clone(), shared.weather)
        };
        for (from, port) in ports.iter().enumerate() {
            for _ in 0..BURST {
                // Nothing there, or the device is going away with its namespace.
                let Ok(length) = port.recv(&mut buffer) else {
                    break;
                };
                let Some((to, source, kind)) = header(&buffer[..length]) else {
                    continue;
                };
                learned.insert(source, from);
                let unlucky = dice.next_u32() % 1000 < weather.loss_permille;
                if cut[from] || (unlucky && kind == IPV4) || flights.len() > UNDER_WAY {
                    continue;
                }
                let due = clock::now() + lateness(&weather, &mut dice);
                let everybody = 0..ports.len();
                let targets = learned.get(&to).map_or(everybody, |port| *port..*port + 1);
                for to in targets.filter(|to| *to != from) {
                    number += 1;
                    let frame = buffer[..length].to_vec();
                    flights.push(Flight {
                        due,
                        number,
                        to,
                        frame,
                    });
                }
            }
        }
        while flights.peek().is_some_and(|next| next.due <= clock::now()) {
            let Some(flight) = flights.pop() else { break };
            if !cut[flight.to] {
                // A full or vanished port loses the frame.
                let _ = ports[flight.to].send(&flight.frame);
            }
        }
    }
}

/// Whom a frame is for, from whom it is, and its kind.
fn header(frame: &[u8]) -> Option<([u8; 6], [u8; 6], [u8; 2])> {
    let (head, _) = frame.split_first_chunk::<14>()?;
    let part = |from: usize| -> [u8; 6] { std::array::from_fn(|i| head[from + i]) };
    Some((part(0), part(6), [head[12], head[13]]))
}

fn lateness(weather: &Weather, dice: &mut StdRng) -> Duration {
    let jitter_us = u64::try_from(weather.jitter.as_micros()).expect("a short while");
    let spread = Duration::from_micros(dice.random_range(0..=2 * jitter_us));
    (weather.delay + spread).saturating_sub(weather.jitter)
}

/// Waits until a frame comes or one is due, at most a turn.
fn wait(ports: &[Arc<SyncDevice>], due: Option<Instant>) {
    let now = clock::now();
    let until = due.map_or(TURN, |due| due.saturating_duration_since(now).min(TURN));
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: i64::from(until.subsec_nanos()),
    };
    let ready = PollFlags::IN;
    let mut watched: Vec<PollFd<'_>> = ports
        .iter()
        .map(|port| PollFd::from_borrowed_fd(port.as_fd(), ready))
        .collect();
    let woken: io::Result<usize> = poll(&mut watched, Some(&timeout)).map_err(io::Error::from);
    drop(woken);
}

impl PartialEq for Flight {
    fn eq(&self, other: &Self) -> bool {
        (self.due, self.number) == (other.due, other.number)
    }
}

impl Eq for Flight {}

impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Flight {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.due, other.number).cmp(&(self.due, self.number))
    }
}
