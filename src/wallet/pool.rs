//! The bootstrap nodes as a session finds them: who is up, how far, how fast, and who lied.
//!
//! One node is active: the first that proved its tip, until another has been better for a while (`choice.rs`), or it
//! fails. The next in order is the warm standby. A node that lied is out until the session ends; one that is behind or failed stands last.
//!
//! Nodes are numbers here, in the order of the bootstrap file. Never: ask anybody or read a clock. Next:
//! `node/session/`, which fills it.

mod choice;
#[cfg(test)]
mod tests;

use std::time::Duration;

use self::choice::Choice;
use super::light::Doubt;
use super::payment::NodeIndex;
use crate::chain::query::{Moment, Unavailable};

/// So many blocks behind the newest proven one are a node's normal lag.
const LAG: u64 = 2;
/// A node that many watch tells of its newest block by turns: what it has told is out of date by so much, in the time of
/// the blocks, before that is held against it. Its answers are always of the present.
const TURN_MS: u64 = 5_000;

/// How many validators are up, as this wallet sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quorum {
    /// Validators that this wallet is connected to.
    pub up: usize,
    /// How many it takes for a block to be final.
    pub needed: usize,
    /// How many there are.
    pub of: usize,
    /// How many the active node says that it hears. Its word only.
    pub heard: Option<u16>,
}

impl Quorum {
    /// Whether too few are up for anything to become final.
    pub fn is_lost(&self) -> bool {
        match self.of < self.needed {
            // Of few known validators all may be up and be too few: what the active node hears must do.
            true => {
                let heard = self.heard.map(usize::from);
                self.up == 0 || heard.is_some_and(|heard| heard < self.needed)
            }
            false => self.up < self.needed,
        }
    }
}

/// What the wallet uses a node for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsedAs {
    /// It is asked first.
    Active,
    /// It is asked when the active one fails.
    Standby,
}

/// One bootstrap node.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Whether its vote counts.
    pub validator: bool,
    /// Whether it is connected.
    pub up: bool,
    /// The newest height it has proven.
    pub height: Option<u64>,
    /// The time of that block, in milliseconds since 1970.
    time_ms: u64,
    /// Whether its last answer about the present was too far behind the newest.
    lags: bool,
    /// How long its answers take.
    pub rtt: Option<Duration>,
    /// Failures since its last good answer.
    pub strikes: u32,
    /// Why it cannot be used now.
    pub failure: Option<String>,
    /// Whether a connection that stood was lost, and no dial has failed since: it is there, or was just now.
    pub is_awaited: bool,
    /// Whether it lives on another genesis than the bootstrap file's.
    pub is_foreign: bool,
    /// What it lied about; it is not asked again.
    pub lie: Option<String>,
    /// How many validators it says that it hears.
    pub heard: Option<u16>,
}

/// All of them, in the order of the bootstrap file.
#[derive(Debug)]
pub struct Pool {
    entries: Vec<Entry>,
    /// Height and time of the newest block that any node has proven.
    newest: (u64, u64),
    needed: usize,
    choice: Choice,
}

impl Pool {
    /// The nodes of a bootstrap file, in its order: of each, whether its vote counts. `needed` votes make a quorum.
    pub fn new(nodes: impl IntoIterator<Item = bool>, needed: usize) -> Self {
        let entries = nodes.into_iter().map(|validator| Entry {
            validator,
            up: false,
            height: None,
            time_ms: 0,
            lags: false,
            rtt: None,
            strikes: 0,
            failure: None,
            is_awaited: false,
            is_foreign: false,
            lie: None,
            heard: None,
        });
        let entries: Vec<Entry> = entries.collect();
        Self {
            choice: Choice::new(entries.len()),
            entries,
            newest: (0, 0),
            needed,
        }
    }

    /// All of them.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// One of them.
    pub fn get(&self, node: NodeIndex) -> Option<&Entry> {
        self.entries.get(usize::from(node.0))
    }

    /// Those to ask, the preferred first: up, not lying, and heard of already.
    pub fn ranked(&self) -> Vec<NodeIndex> {
        let mut usable: Vec<usize> = (0..self.entries.len())
            .filter(|index| is_usable(&self.entries[*index]))
            .collect();
        usable.sort_by_key(|index| {
            let entry = &self.entries[*index];
            let is_active = self.choice.active() == Some(*index);
            let rtt = entry.rtt.unwrap_or(Duration::MAX);
            (entry.strikes, self.is_behind(entry), !is_active, rtt)
        });
        usable
            .into_iter()
            .filter_map(|index| u16::try_from(index).ok().map(NodeIndex))
            .collect()
    }

    /// The greatest height that any usable node has proven; `None` if none has proven one.
    pub fn best_height(&self) -> Option<u64> {
        let usable = self.entries.iter().filter(|entry| is_usable(entry));
        usable.filter_map(|entry| entry.height).max()
    }

    /// A node of another network and what was found, if no node at all is usable.
    pub fn foreigner(&self) -> Option<(NodeIndex, String)> {
        if self.entries.iter().any(is_usable) {
            return None;
        }
        let index = self.entries.iter().position(|entry| entry.is_foreign)?;
        let failure = self.entries[index].failure.clone()?;
        Some((NodeIndex(u16::try_from(index).ok()?), failure))
    }

    /// What a node is used for now.
    pub fn used_as(&self, node: NodeIndex) -> Option<UsedAs> {
        match self.ranked().iter().position(|ranked| *ranked == node)? {
            0 => Some(UsedAs::Active),
            1 => Some(UsedAs::Standby),
            _ => None,
        }
    }

    /// Whether a watch on this node is worth keeping: it is in step, or nobody else is.
    pub fn should_watch(&self, node: NodeIndex) -> bool {
        let serves = |entry: &Entry| is_usable(entry) && !self.is_behind(entry);
        let is_up = self.get(node).is_some_and(is_usable);
        is_up && (self.get(node).is_some_and(serves) || !self.entries.iter().any(serves))
    }

    /// Whether every node has lied, refused us or could not be dialled: there is nothing to wait for. A connection
    /// that stood and was lost is dialled again at once, and is worth the wait.
    pub fn is_hopeless(&self) -> bool {
        self.entries.iter().all(|entry| {
            entry.lie.is_some() || (!entry.up && entry.failure.is_some() && !entry.is_awaited)
        })
    }

    /// How many validators are up.
    pub fn quorum(&self) -> Quorum {
        let voting = || self.entries.iter().filter(|entry| entry.validator);
        let active = self.ranked().first().copied();
        Quorum {
            up: voting().filter(|entry| entry.up).count(),
            needed: self.needed,
            of: voting().count(),
            heard: active.and_then(|node| self.get(node)?.heard),
        }
    }

    /// Why a node is of no use; `said` has the precedence over all but a lie.
    pub fn trouble(&self, node: NodeIndex, said: Option<String>) -> String {
        let entry = self.get(node);
        let lie = entry.and_then(|entry| entry.lie.as_ref());
        lie.map(|lie| format!("lies: {lie}"))
            .or(said)
            .or_else(|| entry.and_then(|entry| entry.failure.clone()))
            .unwrap_or_else(|| "no answer yet".to_owned())
    }

    /// A connection stands.
    pub fn came(&mut self, node: NodeIndex) {
        if let Some(entry) = self.get_mut(node) {
            entry.up = true;
            entry.is_foreign = false;
            entry.failure = None;
            entry.strikes = 0;
        }
    }

    /// It is gone, or was never there.
    pub fn left(&mut self, node: NodeIndex, why: String) {
        if let Some(entry) = self.get_mut(node) {
            entry.up = false;
            entry.failure = Some(why);
            entry.is_awaited = false;
            // Whatever it proved, it proves anew when it comes back: it may be another program then.
            entry.height = None;
            entry.time_ms = 0;
            entry.lags = false;
            entry.rtt = None;
            entry.heard = None;
        }
        self.choose();
    }

    /// A connection that stood is lost.
    pub fn lost(&mut self, node: NodeIndex) {
        self.left(node, "the connection was lost".to_owned());
        if let Some(entry) = self.get_mut(node) {
            entry.is_awaited = true;
        }
    }

    /// It lives on another genesis.
    pub fn foreign(&mut self, node: NodeIndex, why: String) {
        self.left(node, why);
        if let Some(entry) = self.get_mut(node) {
            entry.is_foreign = true;
        }
    }

    /// A dial failed; a connection that stands all the same is what counts.
    pub fn unreachable(&mut self, node: NodeIndex, why: String) {
        if self.get(node).is_some_and(|entry| !entry.up) {
            self.left(node, why);
        }
    }

    /// A good answer, of the chain at this block.
    pub fn proved(&mut self, node: NodeIndex, at: &Moment, rtt: Option<Duration>) {
        self.newest = self.newest.max((at.height, at.time_ms));
        self.spoke(node, at.height);
        let is_late = self.is_late(at.height);
        if let Some(entry) = self.get_mut(node) {
            entry.time_ms = entry.time_ms.max(at.time_ms);
            // An old block, or a frame that was long under way, says nothing of the present.
            entry.lags &= is_late;
        }
        self.choose();
        if let Some(rtt) = rtt {
            self.measured(node, rtt);
        }
    }

    /// A round trip took so long: an answer's, or a ping's. It may make the node the active one.
    pub fn measured(&mut self, node: NodeIndex, took: Duration) {
        let index = usize::from(node.0);
        let Some(entry) = self.entries.get_mut(index).filter(|entry| entry.up) else {
            return;
        };
        entry.rtt = Some(entry.rtt.map_or(took, |before| (before * 3 + took) / 4));
        let entry = &self.entries[index];
        if !is_usable(entry) || entry.strikes > 0 || self.is_behind(entry) {
            return self.choice.unfit(index);
        }
        let active = self.choice.active();
        let than = active.and_then(|active| self.entries.get(active)?.rtt);
        self.choice.compare(index, took, than);
    }

    /// It says that it hears so many validators.
    pub fn heard(&mut self, node: NodeIndex, validators_up: u16) {
        if let Some(entry) = self.get_mut(node) {
            entry.heard = Some(validators_up);
        }
    }

    /// It failed to answer; it stands behind all that did not.
    pub fn struck(&mut self, node: NodeIndex, why: String) {
        if let Some(entry) = self.get_mut(node) {
            entry.strikes = entry.strikes.saturating_add(1);
            entry.failure = Some(why);
        }
        self.choose();
    }

    /// It has lied: it is not asked again.
    pub fn lied(&mut self, node: NodeIndex, what: String) {
        if let Some(entry) = self.get_mut(node) {
            entry.lie.get_or_insert(what);
        }
        self.choose();
    }

    /// What it answered was not taken.
    pub fn doubted(&mut self, node: NodeIndex, doubt: &Doubt) {
        match doubt {
            // Nothing is said against who does not know; and who shows a fork tells the truth.
            Doubt::Unavailable(Unavailable::Unknown) | Doubt::Fork { .. } => {}
            Doubt::Unavailable(Unavailable::Busy) => self.struck(node, doubt.to_string()),
            Doubt::Behind { height, .. } => {
                // It answers, so that it is up; but it is not the one to ask now.
                self.spoke(node, *height);
                let is_late = self.is_late(*height);
                if let Some(entry) = self.get_mut(node) {
                    entry.lags = is_late;
                }
                self.struck(node, doubt.to_string());
            }
            Doubt::Lie(_) | Doubt::Malformed(_) => self.lied(node, doubt.to_string()),
        }
    }

    fn get_mut(&mut self, node: NodeIndex) -> Option<&mut Entry> {
        self.entries.get_mut(usize::from(node.0))
    }

    /// It is at this height, or was at a greater one.
    fn spoke(&mut self, node: NodeIndex, height: u64) {
        if let Some(entry) = self.get_mut(node) {
            entry.height = entry.height.max(Some(height));
            entry.strikes = 0;
            entry.failure = None;
        }
    }

    /// Whether this height is further behind the newest than is normal.
    fn is_late(&self, height: u64) -> bool {
        height.saturating_add(LAG) < self.newest.0
    }

    fn is_behind(&self, entry: &Entry) -> bool {
        let is_old = entry.time_ms.saturating_add(TURN_MS) < self.newest.1;
        let is_late = |height| is_old && self.is_late(height);
        entry.lags || entry.height.is_none_or(is_late)
    }

    /// Keeps the active node unless it fails: then the best of the others takes its place at once.
    fn choose(&mut self) {
        let best = self.ranked().first().map(|node| usize::from(node.0));
        self.choice.set(best);
    }
}

fn is_usable(entry: &Entry) -> bool {
    entry.up && entry.lie.is_none() && (entry.height.is_some() || entry.strikes > 0)
}
