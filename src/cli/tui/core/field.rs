//! A line that is typed: text and cursor, bounded, wiped when dropped; nothing in it but what can be shown.

use zeroize::{Zeroize as _, Zeroizing};

use super::Key;

/// Most characters of a line. A request's line has most of all.
pub const MAX_TYPED: usize = 1200;

/// A line that is typed.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// Its room is taken at once, so that growing leaves no copies of a password behind.
    text: Zeroizing<String>,
    /// In characters.
    cursor: usize,
}

impl std::fmt::Debug for Field {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Field(..)")
    }
}

impl Default for Field {
    fn default() -> Self {
        Self {
            text: Zeroizing::new(String::with_capacity(4 * MAX_TYPED)),
            cursor: 0,
        }
    }
}

impl Field {
    /// A line that holds this already, with the cursor behind it.
    pub fn with(text: &str) -> Self {
        let mut field = Self::default();
        field.insert(text);
        field
    }

    /// What is typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is typed, without blanks around it.
    pub fn trimmed(&self) -> &str {
        self.text.trim()
    }

    /// Whether nothing is typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Before which character the cursor stands.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Takes what is typed out.
    pub fn take(&mut self) -> Zeroizing<String> {
        self.cursor = 0;
        std::mem::replace(
            &mut self.text,
            Zeroizing::new(String::with_capacity(4 * MAX_TYPED)),
        )
    }

    /// Empties it.
    pub fn clear(&mut self) {
        self.text.zeroize();
        self.text.reserve(4 * MAX_TYPED);
        self.cursor = 0;
    }

    /// Types a text; line breaks and what cannot be shown are left out.
    pub fn insert(&mut self, text: &str) {
        let room = MAX_TYPED.saturating_sub(self.text.chars().count());
        let fit = text.chars().filter(|c| !c.is_control());
        for c in fit.take(room) {
            let at = self.byte(self.cursor);
            self.text.insert(at, c);
            self.cursor += 1;
        }
    }

    /// Takes a key; whether it was one for a line.
    pub fn key(&mut self, key: Key) -> bool {
        let length = self.text.chars().count();
        match key {
            Key::Char(c) => self.insert(c.encode_utf8(&mut [0; 4])),
            Key::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                self.remove_at_cursor();
            }
            Key::Delete if self.cursor < length => self.remove_at_cursor(),
            Key::Backspace | Key::Delete => {}
            Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Right => self.cursor = length.min(self.cursor + 1),
            Key::Home => self.cursor = 0,
            Key::End => self.cursor = length,
            Key::Ctrl('u') => self.clear(),
            _ => return false,
        }
        true
    }

    fn remove_at_cursor(&mut self) {
        let at = self.byte(self.cursor);
        self.text.remove(at);
    }

    fn byte(&self, character: usize) -> usize {
        let mut places = self.text.char_indices().map(|(at, _)| at);
        places.nth(character).unwrap_or(self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_by_characters_and_takes_nothing_that_cannot_be_shown() {
        let mut field = Field::with("čž\u{1b}[2J\n5");
        assert_eq!((field.text(), field.cursor()), ("čž[2J5", 6));
        for key in [
            Key::Home,
            Key::Right,
            Key::Delete,
            Key::Char('é'),
            Key::Left,
            Key::Backspace,
        ] {
            assert!(field.key(key));
        }
        assert_eq!((field.text(), field.cursor()), ("é[2J5", 0));
        assert!(!field.key(Key::Enter));
        assert!(field.key(Key::Backspace) && field.key(Key::End));
        assert_eq!(&**field.take(), "é[2J5");
        assert!(field.is_empty());
    }

    #[test]
    fn a_line_has_an_end() {
        let mut field = Field::with(&"x".repeat(2 * MAX_TYPED));
        assert_eq!(field.text().len(), MAX_TYPED);
        field.key(Key::Ctrl('u'));
        assert!(field.is_empty());
    }
}
