//! `wallet directory` and `node directory`: who is there.

use serde::Serialize;

use super::{Report, Style, table};
use crate::chain::key::Address;
use crate::chain::name::Name;

/// By which way somebody can be reached, as far as their card tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// At an address of their own.
    Direct,
    /// Through a relay only.
    Relayed,
    /// They are in touch with nodes and cannot be dialled.
    None,
}

/// Somebody who is there: by their own word, signed by account and peer.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    /// Their account.
    pub account: Address,
    /// The account's name, proven.
    pub name: Option<Name>,
    /// The peer's name in the bootstrap file.
    pub node: Option<Name>,
    /// Their peer.
    pub peer_id: String,
    /// `wallet`, `follower` or `validator`.
    pub role: String,
    /// `direct`, `relayed` or `none`.
    pub route: Route,
    /// Their addresses, in the order in which to dial.
    pub addresses: Vec<String>,
    /// When they said so last.
    pub since: String,
    /// Until when it is believed, if they say nothing more.
    pub until: String,
    /// How many seconds ago they said so.
    pub said_ago_s: u64,
}

/// `wallet directory` and `node directory`.
#[derive(Debug, Serialize)]
pub struct Directory {
    /// `ok`.
    pub status: &'static str,
    /// The network's name.
    pub network: String,
    /// The height at which the names are proven.
    pub height: u64,
    /// Who was found, whoever spoke last first.
    pub found: Vec<Found>,
    /// Whether everybody was asked for.
    #[serde(skip)]
    pub is_list: bool,
}

impl Report for Directory {
    fn text(&self, style: Style) -> String {
        let row = |one: &Found| {
            vec![
                one.who(),
                one.role.clone(),
                one.way().to_owned(),
                format!("{} ago", span(one.said_ago_s)),
            ]
        };
        if self.is_list {
            let rows: Vec<Vec<String>> = self.found.iter().map(row).collect();
            let count = match rows.len() {
                0 => return "nobody is in the directory".to_owned(),
                1 => "1 is there".to_owned(),
                many => format!("{many} are there"),
            };
            return format!("{}\n{}", table(&rows), style.faint(&count));
        }
        let each = self.found.iter().map(|one| {
            let mut lines = vec![
                format!("{}  {}", style.strong(&one.who()), one.role),
                format!("account  {}", one.account),
                format!("peer id  {}", one.peer_id),
                format!("said     {} ago, until {}", span(one.said_ago_s), one.until),
                format!("reached  {}", one.way()),
            ];
            lines.extend(
                one.addresses
                    .iter()
                    .map(|address| format!("         {address}")),
            );
            lines.join("\n")
        });
        each.collect::<Vec<_>>().join("\n\n")
    }
}

impl Found {
    /// The name that people know: the account's, the node's, or else the beginning of the address.
    pub fn who(&self) -> String {
        match (&self.name, &self.node) {
            (Some(name), _) => format!("@{name}"),
            (None, Some(node)) => node.to_string(),
            (None, None) => self.account.short(),
        }
    }

    /// By which way, in words.
    pub fn way(&self) -> &'static str {
        match self.route {
            Route::Direct => "directly",
            Route::Relayed => "by a relay",
            Route::None => "not dialled",
        }
    }
}

fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: Option<&str>, route: Route) -> Found {
        Found {
            account: Address([7; 32]),
            name: name.map(|name| name.parse().unwrap()),
            node: None,
            peer_id: "12D3KooWK99VoVxNE7XzyBwXEzW7xhK7Gpv85r9F3V3fyKSUKPH5".to_owned(),
            role: "wallet".to_owned(),
            route,
            addresses: vec!["/ip4/198.51.100.7/udp/18000/quic-v1".to_owned()],
            since: "2026-01-01T00:00:00Z".to_owned(),
            until: "2026-01-01T00:10:00Z".to_owned(),
            said_ago_s: 130,
        }
    }

    fn directory(found: Vec<Found>, is_list: bool) -> Directory {
        Directory {
            status: "ok",
            network: "village".to_owned(),
            height: 7,
            found,
            is_list,
        }
    }

    #[test]
    fn everybody_is_a_line_and_one_is_told_in_full_within_eighty_columns() {
        let two = vec![
            found(Some("alice"), Route::Direct),
            found(None, Route::None),
        ];
        let list = directory(two, true).text(Style::Plain);
        assert!(list.starts_with("@alice"), "{list}");
        assert!(list.contains("directly     2 min ago") && list.ends_with("2 are there"));
        assert!(list.contains("not dialled  2 min ago"), "{list}");
        let one = directory(vec![found(Some("alice"), Route::Relayed)], false);
        let text = one.text(Style::Plain);
        assert!(
            text.contains("reached  by a relay\n         /ip4/"),
            "{text}"
        );
        for line in text.lines().chain(list.lines()) {
            assert!(line.chars().count() <= 80, "{line}");
        }
        let nobody = directory(vec![], true);
        assert_eq!(nobody.text(Style::Plain), "nobody is in the directory");
    }

    #[test]
    fn scripts_get_every_field_under_its_name() {
        let json = serde_json::to_value(directory(vec![found(None, Route::None)], true)).unwrap();
        assert_eq!(json["status"], "ok");
        let one = &json["found"][0];
        assert_eq!(
            (&one["name"], &one["route"]),
            (&serde_json::Value::Null, &"none".into())
        );
        assert_eq!(one["said_ago_s"], 130);
        assert!(json.get("is_list").is_none());
    }
}
