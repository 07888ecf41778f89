//! What the owner has set for the screens; kept as `screens.json` in the wallet's folder.

use serde::{Deserialize, Serialize};

/// How long the wallet may stand untouched before it is locked, to choose from, in seconds; 0 is never.
pub const IDLE_CHOICES: [u64; 5] = [60, 300, 900, 3600, 0];

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// After so many seconds without a key the wallet is locked; 0 is never.
    pub idle_lock_s: u64,
    /// Whether others find this wallet while it is open.
    pub be_found: bool,
    /// Whether memos are for all to see unless said otherwise.
    pub public_memos: bool,
    /// The name that the owner would like, until they have one.
    pub wished_name: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            idle_lock_s: 300,
            be_found: true,
            public_memos: false,
            wished_name: None,
        }
    }
}

impl Settings {
    /// Reads what [`Settings::encode`] wrote. What cannot be read is as if nothing had been set: nothing hangs on it.
    pub fn decode(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    /// As JSON text.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("texts and numbers are JSON")
    }

    /// The next choice of how long.
    pub fn next_idle(&mut self) {
        let now = IDLE_CHOICES.iter().position(|one| *one == self.idle_lock_s);
        let next = now.map_or(0, |at| (at + 1) % IDLE_CHOICES.len());
        self.idle_lock_s = IDLE_CHOICES[next];
    }

    /// In words.
    pub fn idle_text(&self) -> String {
        match self.idle_lock_s {
            0 => "never".to_owned(),
            60 => "after a minute".to_owned(),
            seconds if seconds % 60 == 0 => format!("after {} minutes", seconds / 60),
            seconds => format!("after {seconds} seconds"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_and_damaged_ones_are_the_usual() {
        let mut settings = Settings {
            public_memos: true,
            ..Settings::default()
        };
        for text in [
            "after 15 minutes",
            "after 60 minutes",
            "never",
            "after a minute",
        ] {
            settings.next_idle();
            assert_eq!(settings.idle_text(), text);
        }
        assert_eq!(Settings::decode(&settings.encode()), settings);
        assert_eq!(Settings::decode(b"{"), Settings::default());
        let some = Settings::decode(br#"{"idle_lock_s":2,"later":1}"#);
        assert_eq!((some.idle_lock_s, some.be_found), (2, true));
    }
}
