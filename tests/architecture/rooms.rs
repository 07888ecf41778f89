//! The tables: the rooms and their floors, the owners of foreign crates, what purity excludes.

/// A room of `src/`.
pub struct Room {
    /// Its folder.
    pub name: &'static str,
    /// Its floor: it stands on those below.
    pub floor: u8,
    /// The rooms that it may import, all of them on lower floors.
    pub may_import: &'static [&'static str],
}

const fn room(name: &'static str, floor: u8, may_import: &'static [&'static str]) -> Room {
    Room {
        name,
        floor,
        may_import,
    }
}

/// The house, from the ground up.
pub const ROOMS: &[Room] = &[
    room("chain", 0, &[]),
    room("directory", 1, &["chain"]),
    room("consensus", 2, &["chain"]),
    room("mempool", 2, &["chain"]),
    room("wallet", 2, &["chain", "directory"]),
    room("store", 2, &["chain"]),
    room("behaviour", 2, &["chain", "directory"]),
    room(
        "replica",
        3,
        &[
            "chain",
            "directory",
            "consensus",
            "mempool",
            // Only what is said and kept: message types and the store's handle.
            "behaviour",
            "store",
        ],
    ),
    room(
        "node",
        4,
        &[
            "chain",
            "directory",
            "consensus",
            "mempool",
            "wallet",
            "store",
            "behaviour",
            "replica",
        ],
    ),
    room(
        "sim",
        4,
        &[
            "chain",
            "directory",
            "consensus",
            "mempool",
            "wallet",
            "store",
            "behaviour",
            "replica",
        ],
    ),
    // Of the wallet only how a memo is read.
    room("api", 5, &["chain", "directory", "wallet", "node"]),
    room(
        "cli",
        6,
        &["chain", "directory", "wallet", "node", "sim", "api"],
    ),
];

/// Foreign crates and the rooms that may name them (as Rust writes them).
pub const CRATES: &[(&str, &[&str])] = &[
    ("ed25519_dalek", &["chain"]),
    ("ed25519_zebra", &["chain"]),
    ("curve25519_dalek", &["chain"]),
    ("bech32", &["chain"]),
    // The vault derives keys by HMAC-SHA-512; all hashes of the protocol are chain's.
    ("sha2", &["chain", "wallet"]),
    ("hmac", &["wallet"]),
    ("argon2", &["wallet"]),
    ("chacha20poly1305", &["wallet"]),
    ("bip39", &["wallet"]),
    ("arc_malachitebft_core_consensus", &["consensus"]),
    ("arc_malachitebft_core_types", &["consensus"]),
    ("redb", &["store"]),
    ("libp2p", &["behaviour", "node"]),
    ("libp2p_stream", &["behaviour", "node"]),
    ("tokio", &["behaviour", "node", "api", "cli"]),
    ("futures", &["behaviour", "node", "api", "cli"]),
    ("axum", &["api"]),
    ("hyper", &["api"]),
    ("hyper_util", &["api"]),
    ("prometheus_client", &["node", "api"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
    ("rpassword", &["cli"]),
    ("indicatif", &["cli"]),
    ("ratatui", &["cli"]),
    ("fast_qr", &["cli"]),
    ("toml", &["directory", "node"]),
    ("etcetera", &["node", "cli"]),
    ("rustix", &["node"]),
    ("tracing_subscriber", &["node", "cli"]),
];

/// Crates that any room may use.
pub const COMMON_CRATES: &[&str] = &[
    "bytes",
    "rand",
    "serde",
    "serde_json",
    "tempfile",
    "thiserror",
    "tracing",
    "zeroize",
];

/// What `directory/` may name of libp2p: plain values, no protocol.
pub const PLAIN_LIBP2P: &[&str] = &["PeerId", "Multiaddr", "multiaddr", "identity"];

/// Rooms whose code outside tests must be pure. (`store/` owns the disk and `behaviour/` speaks libp2p.)
pub const PURE_ROOMS: &[&str] = &[
    "chain",
    "directory",
    "consensus",
    "mempool",
    "wallet",
    "replica",
];

/// Folders within rooms that are held to the same.
pub const PURE_FOLDERS: &[&str] = &["src/cli/tui/core/", "src/cli/tui/view/"];

/// What purity excludes.
pub const IMPURE: &[&str] = &[
    "std::fs",
    "std::net::TcpStream",
    "std::net::TcpListener",
    "std::net::UdpSocket",
    "std::thread",
    "std::process",
    "std::env",
    "Instant",
    "SystemTime",
    "async fn",
    ".await",
    "rand::rng",
    "rand::random",
    "SysRng",
    "OsRng",
];
