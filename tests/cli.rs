//! The contract of the command line: what it prints and how it ends, through the real program.

#[path = "cli/program.rs"]
mod program;

#[path = "cli/bench.rs"]
mod bench;
#[cfg(unix)]
#[path = "cli/dealings.rs"]
mod dealings;
#[cfg(unix)]
#[path = "cli/doctor.rs"]
mod doctor;
#[allow(dead_code, reason = "each test file uses its own part")]
#[path = "common/http.rs"]
mod http;
#[path = "cli/manual.rs"]
mod manual;
#[path = "cli/network.rs"]
mod network;
#[cfg(unix)]
#[path = "cli/receipts.rs"]
mod receipts;
#[cfg(unix)]
#[path = "cli/refusals.rs"]
mod refusals;
#[cfg(unix)]
#[path = "cli/running.rs"]
mod running;
#[cfg(target_os = "linux")]
#[path = "cli/screens.rs"]
mod screens;
#[cfg(target_os = "linux")]
#[path = "cli/shell.rs"]
mod shell;
#[path = "cli/simulate.rs"]
mod simulate;
#[cfg(target_os = "linux")]
#[path = "cli/terminal.rs"]
mod terminal;
#[cfg(target_os = "linux")]
#[path = "cli/tmux.rs"]
mod tmux;
#[path = "cli/usage.rs"]
mod usage;
#[cfg(unix)]
#[path = "cli/vouchers.rs"]
mod vouchers;
#[cfg(unix)]
#[path = "cli/wait.rs"]
mod wait;
#[path = "cli/wallet.rs"]
mod wallet;
#[cfg(unix)]
#[path = "cli/window.rs"]
mod window;
