//! Results of commands: their JSON is their fields in order, and each has a text for people.
//!
//! The JSON forms are contracts with scripts: fields may be added, never renamed or removed.

pub mod bench;
pub mod devnet;
pub mod directory;
pub mod doctor;
pub mod explore;
pub mod manual;
pub mod network;
pub mod node;
pub mod payment;
pub mod receipt;
pub mod simulate;
pub mod sizes;
pub mod wallet;

use serde::Serialize;

use crate::chain::validator::ValidatorSet;

/// A result that can be shown.
pub trait Report: Serialize {
    /// For people; some lines without a line break at the end.
    fn text(&self, style: Style) -> String;
}

/// Whether colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Never.
    Plain,
    /// On a terminal.
    Coloured,
}

impl Style {
    /// Good news.
    pub fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// Bad news.
    pub fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    /// What matters.
    pub fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What matters less.
    pub fn faint(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Coloured => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
        }
    }
}

/// What somebody wrote, in quotes. The text is cleaned already (`Memo::to_text`); all scripts stay as they are written, and a
/// quote inside cannot end it.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// What a network of these validators stands: `This network of 4 nodes stands 1 failure; 3 must be up`.
pub fn resilience(validators: &ValidatorSet) -> String {
    let (count, quorum) = (validators.count(), validators.quorum_count());
    let network = match count {
        1 => "This network of 1 node".to_owned(),
        _ => format!("This network of {count} nodes"),
    };
    let failures = match validators.tolerated_failures() {
        0 => "no failure".to_owned(),
        1 => "1 failure".to_owned(),
        many => format!("{many} failures"),
    };
    match count {
        1 => format!("{network} stands {failures}; it must be up"),
        _ if quorum == count => format!("{network} stands {failures}; all {count} must be up"),
        _ => format!("{network} stands {failures}; {quorum} must be up"),
    }
}

/// Columns, as wide as their widest cell; numbers are the caller's to align.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells: Vec<String> = cells
            .map(|(cell, &width)| format!("{cell:width$}"))
            .collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::key::PublicKey;
    use crate::chain::validator::Validator;

    #[test]
    fn every_size_of_network_says_what_it_stands() {
        let says = |count: u8| {
            let validators = (0..count).map(|i| Validator {
                key: PublicKey([i; 32]),
                power: 1,
            });
            resilience(&ValidatorSet::new(validators.collect()).unwrap())
        };
        assert_eq!(
            says(1),
            "This network of 1 node stands no failure; it must be up"
        );
        assert_eq!(
            says(2),
            "This network of 2 nodes stands no failure; all 2 must be up"
        );
        assert_eq!(
            says(3),
            "This network of 3 nodes stands no failure; all 3 must be up"
        );
        assert_eq!(
            says(4),
            "This network of 4 nodes stands 1 failure; 3 must be up"
        );
        assert_eq!(
            says(7),
            "This network of 7 nodes stands 2 failures; 5 must be up"
        );
    }

    #[test]
    fn columns_line_up_and_lines_end_without_spaces() {
        let row = |cells: &[&str]| cells.iter().map(|&cell| cell.to_owned()).collect();
        let text = table(&[row(&["a", "bb"]), row(&["čšž", ""]), row(&["x"])]);
        assert_eq!(text, "a    bb\nčšž\nx");
    }

    #[test]
    fn colours_are_used_only_when_asked_for() {
        assert_eq!(Style::Plain.good("final"), "final");
        assert_eq!(Style::Coloured.good("final"), "\u{1b}[32mfinal\u{1b}[0m");
    }
}
