//! Colours and signs, where the terminal has them; and texts that fit.

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Span;

use crate::cli::tui::core::model::Look;

/// What the terminal can show, as styles and signs.
#[derive(Debug, Clone, Copy)]
pub struct Paint(pub Look);

impl Paint {
    fn coloured(self, colour: Color) -> Style {
        match self.0.coloured {
            true => Style::new().fg(colour),
            false => Style::new(),
        }
    }

    /// What everything hangs on.
    pub fn accent(self) -> Style {
        self.coloured(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// Final, received, up.
    pub fn good(self) -> Style {
        self.coloured(Color::Green)
    }

    /// On its way.
    pub fn wait(self) -> Style {
        self.coloured(Color::Yellow)
    }

    /// To be looked at.
    pub fn bad(self) -> Style {
        self.coloured(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What matters.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What matters less.
    pub fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What is chosen; a sign stands beside it.
    pub fn chosen(self) -> Style {
        self.accent()
    }

    /// A QR code: black on white, whatever the terminal's own colours.
    pub fn code(self) -> Style {
        match self.0.coloured {
            true => Style::new()
                .fg(Color::Rgb(255, 255, 255))
                .bg(Color::Rgb(0, 0, 0)),
            false => Style::new(),
        }
    }

    fn sign(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.0.unicode {
            true => unicode,
            false => ascii,
        }
    }

    /// A line across.
    pub fn rule(self) -> &'static str {
        self.sign("─", "-")
    }

    /// It is final.
    pub fn done(self) -> &'static str {
        self.sign("✓", "*")
    }

    /// It is on its way.
    pub fn waits(self) -> &'static str {
        self.sign("◐", "~")
    }

    /// It did not happen.
    pub fn failed(self) -> &'static str {
        self.sign("✗", "x")
    }

    /// It is chosen.
    pub fn pointer(self) -> &'static str {
        self.sign("▸", ">")
    }

    /// A password's letter.
    pub fn dot(self) -> &'static str {
        self.sign("•", "*")
    }
}

/// How many cells a text takes.
pub fn width(text: &str) -> usize {
    Span::raw(text).width()
}

/// The text in so many cells: filled up, or cut.
pub fn fit(text: &str, cells: usize) -> String {
    let mut fitted = String::new();
    let mut taken = 0;
    for c in text.chars() {
        let more = width(c.encode_utf8(&mut [0; 4]));
        if taken + more > cells {
            break;
        }
        fitted.push(c);
        taken += more;
    }
    fitted.push_str(&" ".repeat(cells - taken));
    fitted
}

/// The text in lines of so many cells, broken anywhere: for addresses and lines that are copied.
pub fn broken(text: &str, cells: usize) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let lines = letters.chunks(cells.max(1));
    lines.map(|line| line.iter().collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_and_filled_by_cells_not_by_bytes() {
        assert_eq!(fit("čaj", 5), "čaj  ");
        assert_eq!(fit("čajanka", 3), "čaj");
        assert_eq!(fit("日本語", 5), "日本 ");
        assert_eq!(broken("abcdefg", 3), ["abc", "def", "g"]);
    }
}
