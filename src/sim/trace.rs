//! The trace: every thing that happens, as one running hash, and as lines for people.
//!
//! Two runs with the same hash had the same things happen at the same times to the same parties, and the same was said.
//! The lines say who sent what to whom, and what
//! was decided; they are made only when somebody listens.
//! What only explains a course (what is lost, what was decided) is a remark: it is told and adds nothing to the hash.
//! Next: `describe.rs`, which puts messages into words.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::chain::codec::Encode;
use crate::chain::hash::Hash;
use crate::chain::key::Address;

/// Who hears the lines.
pub type Listener = Box<dyn FnMut(&str)>;

/// Tells how much time of a real processor its thread has had. What it says is counted and never acted upon: nothing that happens
/// depends on it.
pub type Stopwatch = fn() -> Duration;

/// Lines go on in the next one before they are longer.
const COLUMNS: usize = 100;
/// Where they go on.
const MARGIN: usize = 16;

/// Everything that has happened, and who looks on from outside.
pub struct Trace {
    hash: Hash,
    events: u64,
    listener: Option<Listener>,
    /// What the owners of addresses are called.
    names: BTreeMap<String, String>,
    pub(super) stopwatch: Option<Stopwatch>,
}

/// A party of the world, or two of them: who does it, and with whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parties(pub usize, pub Option<usize>);

impl Trace {
    /// Nothing has happened; `listener` hears a line for each thing that does.
    pub(super) fn new(seed: u64, listener: Option<Listener>) -> Self {
        Self {
            hash: Hash::of("natcoin/sim/seed", &[&seed.to_bytes()]),
            events: 0,
            listener,
            names: BTreeMap::new(),
            stopwatch: None,
        }
    }

    /// From here on lines have the owner's name in place of an address. Of two owners the first counts.
    pub(super) fn name(&mut self, address: &Address, name: impl FnOnce() -> String) {
        if self.listener.is_some() {
            let names = self.names.entry(address.to_string());
            names.or_insert_with(name);
        }
    }

    /// Notes what happens: a word for its kind, between whom, and its content's digest or number.
    pub(super) fn note(
        &mut self,
        at: Duration,
        kind: &'static str,
        parties: Parties,
        content: &[u8],
        line: impl FnOnce() -> String,
    ) {
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        let place = |party: usize| u64::try_from(party).unwrap_or(u64::MAX);
        let mut place_bytes = nanos.to_bytes();
        place(parties.0).encode(&mut place_bytes);
        parties.1.map_or(u64::MAX, place).encode(&mut place_bytes);
        self.events += 1;
        self.hash = Hash::of(
            "natcoin/sim/trace",
            &[self.hash.as_bytes(), kind.as_bytes(), &place_bytes, content],
        );
        self.remark(at, line);
    }

    /// Tells who looks on something that explains what happens.
    pub(super) fn remark(&mut self, at: Duration, line: impl FnOnce() -> String) {
        let Some(listener) = &mut self.listener else {
            return;
        };
        let mut told = format!("{:>12.6} ", at.as_secs_f64());
        let mut width = told.len();
        for word in line().split_whitespace() {
            let bare = word.trim_end_matches([',', ':', ';']);
            let known = self.names.get(bare);
            let word = known.map_or(word.to_owned(), |name| word.replace(bare, name));
            let length = word.chars().count() + 1;
            if width + length > COLUMNS && width > MARGIN {
                listener(&told);
                told = " ".repeat(MARGIN);
                width = MARGIN;
            }
            told.push(' ');
            told.push_str(&word);
            width += length;
        }
        listener(&told);
    }

    /// Something is due, with whom; what is said of it is noted apart, and much is not worth a line.
    pub(super) fn due(&mut self, at: Duration, party: &[u64; 2]) {
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        let mut content = nanos.to_bytes();
        party.iter().for_each(|part| part.encode(&mut content));
        self.hash = Hash::of("natcoin/sim/due", &[self.hash.as_bytes(), &content]);
    }

    /// The running hash.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// How many things have happened.
    pub fn events(&self) -> u64 {
        self.events
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn nothing_is_put_into_words_when_nobody_listens() {
        let mut trace = Trace::new(1, None);
        let before = trace.hash();
        trace.remark(Duration::ZERO, || panic!("a remark was put into words"));
        assert_eq!((trace.hash(), trace.events()), (before, 0));
        trace.note(Duration::ZERO, "kind", Parties(0, None), &[], || {
            panic!("a note was put into words")
        });
        assert_eq!(trace.events(), 1);
        assert_ne!(trace.hash(), before);
    }

    #[test]
    fn long_lines_go_on_in_the_next_one_and_lose_no_word() {
        let lines = Rc::new(RefCell::new(Vec::new()));
        let heard = lines.clone();
        let listener = move |line: &str| heard.borrow_mut().push(line.to_owned());
        let mut trace = Trace::new(1, Some(Box::new(listener)));
        let words: Vec<String> = (0..60).map(|n| format!("word{n}")).collect();
        trace.remark(Duration::from_millis(1_500), || words.join(" "));
        let lines = lines.borrow();
        assert!(
            lines[0].starts_with("    1.500000  word0 word1 "),
            "{lines:?}"
        );
        assert!(lines.len() > 3 && lines.iter().all(|line| line.len() <= COLUMNS));
        let told: Vec<&str> = lines
            .iter()
            .flat_map(|line| line.split_whitespace())
            .collect();
        assert_eq!(told[1..], words);
    }
}
