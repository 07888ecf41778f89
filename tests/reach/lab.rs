//! The lab: a public segment with machines on it, and homes behind routers of every kind, in network namespaces.
//!
//! ```text
//!   public machine   public machine        home: machine 192.168.7.2
//!      77.1.1.1         77.1.1.2                    |  veth
//!         |                |               router 192.168.7.1 | 77.1.1.3   (nftables: its kind of NAT)
//!         +----------------+------------------------+---  switch (delay, jitter, loss, pulled cables)
//! ```
//! The numbers are such as the world uses, so that the program judges them as it would there; nothing leaves the lab.
//!
//! Needs root, `ip`, `nft` and `conntrack`; see [`Lab::is_possible`]. One lab at a time: they measure.

use std::{
    io::Write as _,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::Path,
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{
    namespace::{self, Namespace},
    switch::{INTERFACE, Port, Switch, Weather},
};

/// The machine's side of a home's cable, the router's, and the router's own side of it.
const HOME_INTERFACE: &str = "eth0";
const LAN_INTERFACE: &str = "lan0";
const ROUTER_AT_HOME: Ipv4Addr = Ipv4Addr::new(192, 168, 7, 1);

/// Only one lab at a time.
static TURN: Mutex<()> = Mutex::new(());

/// What a home's router does with addresses and ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nat {
    /// There is none: the machine has a public address of its own.
    None,
    /// One port outside for each port inside, whoever is spoken to; anybody may answer.
    FullCone,
    /// The same port; only the very addresses and ports that were spoken to may answer.
    PortRestricted,
    /// A new port for everybody who is spoken to; only they may answer.
    Symmetric,
}

impl Nat {
    /// All kinds.
    pub const ALL: [Self; 4] = [
        Self::None,
        Self::FullCone,
        Self::PortRestricted,
        Self::Symmetric,
    ];

    /// A short word for tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::FullCone => "full cone",
            Self::PortRestricted => "port-restricted",
            Self::Symmetric => "symmetric",
        }
    }
}

/// The lab.
pub struct Lab {
    // Order: machines first, then the switch, at last the turn.
    homes: Vec<Place>,
    switch: Switch,
    _turn: MutexGuard<'static, ()>,
}

/// A machine, perhaps behind a router.
struct Place {
    nat: Nat,
    machine: Namespace,
    router: Option<Namespace>,
    port: Port,
    /// The public address: the router's if there is one.
    public: Ipv4Addr,
    /// The machine's own address.
    own: Ipv4Addr,
}

/// One of the lab's machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine(usize);

impl Lab {
    /// Whether this process can have one. If not, the reason is printed; where `CI` is set, that fails the test.
    #[allow(
        clippy::print_stderr,
        reason = "whoever runs the tests has to know what was not tried"
    )]
    pub fn is_possible() -> bool {
        let missing = if !is_root() {
            Some("it needs root, for network namespaces of its own")
        } else if !["ip", "nft", "conntrack"].iter().all(|tool| is_there(tool)) {
            Some("it needs iproute2, nftables and conntrack")
        } else if !Path::new("/dev/net/tun").exists() {
            Some("it needs /dev/net/tun")
        } else {
            None
        };
        let Some(reason) = missing else { return true };
        assert!(
            std::env::var_os("CI").is_none(),
            "in CI this must run: {reason}"
        );
        eprintln!("not tried: {reason}");
        false
    }

    /// An empty one.
    pub fn new(weather: Weather) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        namespace::sweep();
        Self {
            homes: Vec::new(),
            switch: Switch::start(weather, 1),
            _turn: turn,
        }
    }

    /// Adds a machine behind a router of this kind.
    pub fn add(&mut self, nat: Nat) -> Machine {
        let last = u8::try_from(self.homes.len() + 1).expect("few machines");
        let public = Ipv4Addr::new(77, 1, 1, last);
        let machine = Namespace::make();
        let place = if nat == Nat::None {
            let port = self.switch.plug(&machine);
            machine.ip(&format!("addr add {public}/24 dev {INTERFACE}"));
            machine.ip(&format!("link set {INTERFACE} up"));
            Place {
                nat,
                machine,
                router: None,
                port,
                public,
                own: public,
            }
        } else {
            let router = Namespace::make();
            let port = self.switch.plug(&router);
            router.ip(&format!("addr add {public}/24 dev {INTERFACE}"));
            router.ip(&format!("link set {INTERFACE} up"));
            let inner = machine.name();
            router.ip(&format!(
                "link add {LAN_INTERFACE} type veth peer name {HOME_INTERFACE} netns {inner}"
            ));
            router.ip(&format!("addr add {ROUTER_AT_HOME}/24 dev {LAN_INTERFACE}"));
            router.ip(&format!("link set {LAN_INTERFACE} up"));
            router.within(|| std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").expect("root"));
            let place = Place {
                nat,
                machine,
                router: Some(router),
                port,
                public,
                own: Ipv4Addr::UNSPECIFIED,
            };
            place.move_in(2)
        };
        place.load_rules();
        self.homes.push(place);
        Machine(self.homes.len() - 1)
    }

    /// The machine's namespace.
    pub fn namespace(&self, machine: Machine) -> &Namespace {
        &self.homes[machine.0].machine
    }

    /// Under which address the world knows it.
    pub fn public(&self, machine: Machine) -> Ipv4Addr {
        self.homes[machine.0].public
    }

    /// A UDP socket on a machine.
    pub fn udp(&self, machine: Machine, port: u16) -> UdpSocket {
        let own = self.homes[machine.0].own;
        self.namespace(machine)
            .within(move || UdpSocket::bind(SocketAddr::from((own, port))).expect("a free port"))
    }

    /// The router forgets all its mappings, as by switching it off and on.
    pub fn forget(&self, machine: Machine) {
        if let Some(router) = &self.homes[machine.0].router {
            let done = router.command("conntrack").arg("-F").output();
            assert!(done.expect("conntrack runs").status.success());
        }
    }

    /// The provider gives the home another public address; mappings of the old one are of no use.
    pub fn renumber(&mut self, machine: Machine, last: u8) {
        let place = &mut self.homes[machine.0];
        let outside = place.router.as_ref().unwrap_or(&place.machine);
        place.public = Ipv4Addr::new(77, 1, 1, last);
        outside.ip(&format!("addr flush dev {INTERFACE}"));
        outside.ip(&format!("addr add {}/24 dev {INTERFACE}", place.public));
        if place.router.is_none() {
            place.own = place.public;
        }
        self.forget(machine);
    }

    /// The machine gets another address at home, as in another wireless network.
    pub fn move_in(&mut self, machine: Machine, last: u8) {
        let place = self.homes.remove(machine.0).move_in(last);
        place.load_rules();
        self.homes.insert(machine.0, place);
    }

    /// Lets nothing pass any more between two homes; everybody else still reaches both.
    pub fn wall(&self, here: Machine, there: Machine) {
        let router = self.homes[here.0].router.as_ref().expect("a home");
        for side in ["saddr", "daddr"] {
            let there = self.public(there).to_string();
            let mut nft = router.command("nft");
            nft.args([
                "insert", "rule", "ip", "filter", "through", "ip", side, &there, "drop",
            ]);
            assert!(nft.status().expect("nft runs").success());
        }
    }

    /// Opens the wall again.
    pub fn unwall(&self, here: Machine) {
        self.homes[here.0].load_rules();
    }

    /// Pulls the cable between a home and the world.
    pub fn cut(&self, machine: Machine) {
        self.switch.cut(self.homes[machine.0].port);
    }

    /// Plugs it in again.
    pub fn mend(&self, machine: Machine) {
        self.switch.mend(self.homes[machine.0].port);
    }

    /// Changes the weather.
    pub fn weather(&self, weather: Weather) {
        self.switch.weather(weather);
    }
}

impl Place {
    fn move_in(mut self, last: u8) -> Self {
        self.own = Ipv4Addr::new(192, 168, 7, last);
        for line in [
            format!("addr flush dev {HOME_INTERFACE}"),
            format!("addr add {}/24 dev {HOME_INTERFACE}", self.own),
            format!("link set {HOME_INTERFACE} up"),
            format!("route replace default via {ROUTER_AT_HOME}"),
        ] {
            self.machine.ip(&line);
        }
        self
    }

    fn load_rules(&self) {
        let Some(router) = &self.router else { return };
        let (inward, outward) = match self.nat {
            Nat::None => return,
            Nat::FullCone => (
                format!(
                    "iifname {INTERFACE} meta l4proto {{ tcp, udp }} th dport 1024-65535 dnat to {}",
                    self.own
                ),
                "masquerade",
            ),
            Nat::PortRestricted => (String::new(), "masquerade"),
            Nat::Symmetric => (String::new(), "masquerade fully-random"),
        };
        // What comes unasked is dropped before anything about it is remembered, and not answered.
        let rules = format!(
            "flush ruleset
             table ip nat {{
               chain inward {{
                 type nat hook prerouting priority -100
                 {inward}
               }}
               chain outward {{
                 type nat hook postrouting priority 100
                 oifname {INTERFACE} {outward}
               }}
             }}
             table ip filter {{
               chain own {{
                 type filter hook input priority 0; policy accept;
                 ct state established,related accept
                 iifname {INTERFACE} drop
               }}
               chain through {{
                 type filter hook forward priority 0; policy drop;
                 ct state established,related accept
                 iifname {LAN_INTERFACE} accept
                 ct status dnat accept
               }}
             }}"
        );
        let mut nft = router
            .command("nft")
            .args(["-f", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("nft runs");
        let mut input = nft.stdin.take().expect("piped above");
        input.write_all(rules.as_bytes()).expect("nft reads");
        drop(input);
        assert!(nft.wait().expect("nft ends").success(), "{rules}");
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt as _;
        own.uid() == 0
    })
}

fn is_there(tool: &str) -> bool {
    let asked = Command::new(tool)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // `ip` knows `-Version` only and says so; that it runs is enough.
    asked.is_ok()
}
