//! QR codes: on a terminal, and as a path in a picture.
//!
//! What is written in capitals, digits and `:` takes the least room; so links are written in capitals, which all of them
//! are read from as well.

use qrcode::{Color, EcLevel, QrCode};

/// Modules of white that a reader needs around a code.
const QUIET: usize = 4;
/// The same where a terminal has little room; readers of screens manage with it.
const QUIET_ON_TERMINAL: usize = 2;

/// A code: a square of dark and light modules.
pub struct Qr {
    size: usize,
    dark: Vec<bool>,
}

impl Qr {
    /// The code of a link; `None` if it is too long for any.
    pub fn of(link: &str) -> Option<Self> {
        let capitals = link.to_uppercase();
        let code = QrCode::with_error_correction_level(capitals, EcLevel::L).ok()?;
        let colors = code.to_colors().into_iter();
        Some(Self {
            size: code.width(),
            dark: colors.map(|color| color == Color::Dark).collect(),
        })
    }

    /// Whether a module is dark; all around the code is light.
    fn is_dark(&self, x: usize, y: usize, quiet: usize) -> bool {
        let inside = |at: usize| at.checked_sub(quiet).filter(|at| *at < self.size);
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => self.dark.get(y * self.size + x).copied().unwrap_or(false),
            _ => false,
        }
    }

    /// For a terminal: two rows of modules a line. Light is what is printed, so that it reads on a dark ground; a light
    /// ground turns it around, which readers take as well.
    pub fn lines(&self) -> Vec<String> {
        let quiet = QUIET_ON_TERMINAL;
        let width = self.size + 2 * quiet;
        let light = |x, y| y < width && !self.is_dark(x, y, quiet);
        let cell = |x, y| match (light(x, y), light(x, y + 1)) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        };
        let rows = (0..width).step_by(2);
        rows.map(|y| (0..width).map(|x| cell(x, y)).collect())
            .collect()
    }

    /// How many modules it is wide and high, with the white around it.
    pub fn modules(&self) -> usize {
        self.size + 2 * QUIET
    }

    /// The dark modules as a path of SVG, one unit each; its origin is the corner of the white around it.
    pub fn path(&self) -> String {
        let width = self.modules();
        let mut path = String::new();
        for y in 0..width {
            for x in (0..width).filter(|x| self.is_dark(*x, y, QUIET)) {
                path.push_str(&format!("M{x} {y}h1v1h-1z"));
            }
        }
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_square_with_white_around_it_on_a_terminal_and_in_a_picture() {
        let qr = Qr::of("natcoin:voucher1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq").unwrap();
        // 54 letters of the alphanumeric mode fit the third size, of 29 modules.
        assert_eq!(qr.modules(), 29 + 8);
        let lines = qr.lines();
        assert_eq!(lines.len(), (29 + 4_usize).div_ceil(2));
        assert!(lines.iter().all(|line| line.chars().count() == 33));
        assert!(lines[0].chars().all(|c| c == '█'));
        // The finder's corner: seven dark modules behind two light ones.
        assert!(lines[1].starts_with("██ ▄▄▄▄▄ █"), "{}", lines[1]);
        let path = qr.path();
        assert!(
            path.starts_with("M4 4h1v1h-1zM5 4h1v1h-1z"),
            "{}",
            &path[..40]
        );
        assert!(Qr::of(&"x".repeat(5_000)).is_none());
    }
}
