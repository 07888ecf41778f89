//! `wallet reach`: where the wallet can be found, and how another one was.

use serde::Serialize;

use crate::cli::report::{Report, Style};

/// `wallet reach`.
#[derive(Debug, Serialize)]
pub struct WalletReach {
    /// `ok`, or `unreachable` if nothing leads to the wallet.
    pub status: &'static str,
    /// Under which peer id it can be found while this runs.
    pub peer_id: String,
    /// `public`, `private` or `unknown`: whether the world can dial it.
    pub standing: &'static str,
    /// Where it can.
    pub public: Vec<String>,
    /// The ways through relays.
    pub relayed: Vec<String>,
}

impl Report for WalletReach {
    fn text(&self, style: Style) -> String {
        let state = match (self.status, self.standing) {
            ("ok", "public") => style.good("can be dialled from anywhere"),
            ("ok", "private") => {
                style.good("can be found through relays; its router lets nobody in")
            }
            ("ok", _) => style.good("can be found through relays"),
            _ => style.bad("cannot be found: no node relays for it"),
        };
        let mut lines = vec![format!("peer {} {state}", style.strong(&self.peer_id))];
        lines.extend(
            self.public
                .iter()
                .map(|address| format!("direct   {address}")),
        );
        lines.extend(
            self.relayed
                .iter()
                .map(|address| format!("relayed  {address}")),
        );
        lines.join("\n")
    }
}

/// `wallet reach PEER`.
#[derive(Debug, Serialize)]
pub struct WalletReached {
    /// `ok`.
    pub status: &'static str,
    /// Who was reached.
    pub peer_id: String,
    /// `direct`, `hole punched` or `relayed`.
    pub route: String,
    /// How long finding a way took, in milliseconds.
    pub found_after_ms: f64,
    /// How long a hello and its answer took, in milliseconds.
    pub round_trip_ms: f64,
}

impl Report for WalletReached {
    fn text(&self, style: Style) -> String {
        format!(
            "{} {}: {}, found after {:.1} ms, round trip {:.1} ms",
            style.good("reached"),
            self.peer_id,
            style.strong(&self.route),
            self.found_after_ms,
            self.round_trip_ms,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wallet_says_how_it_can_be_found() {
        let mut reach = WalletReach {
            status: "ok",
            peer_id: "12D3".to_owned(),
            standing: "private",
            public: vec![],
            relayed: vec!["/ip4/198.51.100.7/tcp/1/p2p/12D4/p2p-circuit/p2p/12D3".to_owned()],
        };
        assert_eq!(
            reach.text(Style::Plain),
            "peer 12D3 can be found through relays; its router lets nobody in\n\
             relayed  /ip4/198.51.100.7/tcp/1/p2p/12D4/p2p-circuit/p2p/12D3"
        );
        (reach.status, reach.relayed) = ("unreachable", vec![]);
        assert_eq!(
            reach.text(Style::Plain),
            "peer 12D3 cannot be found: no node relays for it"
        );
    }

    #[test]
    fn a_reached_peer_is_one_line() {
        let reached = WalletReached {
            status: "ok",
            peer_id: "12D3".to_owned(),
            route: "hole punched".to_owned(),
            found_after_ms: 51.0,
            round_trip_ms: 2.25,
        };
        assert_eq!(
            reached.text(Style::Plain),
            "reached 12D3: hole punched, found after 51.0 ms, round trip 2.2 ms"
        );
    }
}
