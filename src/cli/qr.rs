//! QR codes: on a terminal, and as a path in a picture.
//!
//! What is written in capitals, digits and `:` takes the least room; so links are written in capitals, which all of them
//! are read from as well.

use fast_qr::qr::QRBuilder;
use fast_qr::{ECL, Module};

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
        let code = QRBuilder::new(link.to_uppercase())
            .ecl(ECL::L)
            .build()
            .ok()?;
        let rows = (0..code.size).flat_map(|y| code[y].iter().take(code.size));
        Some(Self {
            size: code.size,
            dark: rows.copied().map(Module::value).collect(),
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
    /// ground turns it around, which most readers take as well; `is_inverted` turns it back.
    pub fn lines(&self, is_inverted: bool) -> Vec<String> {
        let quiet = QUIET_ON_TERMINAL;
        let width = self.size + 2 * quiet;
        let light = |x, y| y < width && self.is_dark(x, y, quiet) == is_inverted;
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
        let lines = qr.lines(false);
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

    /// What a reader makes of the lines.
    fn read(lines: &[String]) -> String {
        const SCALE: usize = 4;
        let cells: Vec<Vec<char>> = lines.iter().map(|line| line.chars().collect()).collect();
        let (width, height) = (cells[0].len() * SCALE, cells.len() * 2 * SCALE);
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| {
            let (x, y) = (x / SCALE, y / SCALE);
            let is_light = match cells[y / 2][x] {
                '█' => true,
                '▀' => y % 2 == 0,
                '▄' => y % 2 == 1,
                _ => false,
            };
            if is_light { 255 } else { 0 }
        });
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        grids[0].decode().unwrap().1
    }

    #[test]
    fn a_reader_reads_what_was_drawn_and_an_address_fits_the_smallest_window() {
        let address = format!("natcoin:{}", crate::chain::key::Address([7; 32]));
        let drawn = Qr::of(&address).unwrap().lines(false);
        assert!(drawn.len() <= 17, "{}", drawn.len());
        assert_eq!(read(&drawn), address.to_uppercase());
        let long = format!("natcoin:request1{}", "q".repeat(500));
        let drawn = Qr::of(&long).unwrap().lines(false);
        assert_eq!(read(&drawn), long.to_uppercase());
    }

    #[test]
    fn inverted_is_the_other_way_round() {
        let code = Qr::of("NAT1").unwrap();
        let (one, other) = (code.lines(false), code.lines(true));
        assert!(one[0].starts_with('█') && other[0].starts_with(' '));
    }
}
