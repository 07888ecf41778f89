//! A QR code in half blocks: two modules to a cell, light ones drawn, with a quiet zone around.

use qrcode::{Color, EcLevel, QrCode};

/// Modules of quiet zone on each side. Four are usual; two are what readers need.
const QUIET: usize = 2;

/// The lines of the code; `None` if it is too much for one. In capitals a line of ours takes far less room.
pub fn lines(text: &str, is_inverted: bool) -> Option<Vec<String>> {
    let code = QrCode::with_error_correction_level(text.to_uppercase(), EcLevel::L).ok()?;
    let size = code.width();
    let side = size + 2 * QUIET;
    let is_light = |x: usize, y: usize| {
        let (x, y) = (x.wrapping_sub(QUIET), y.wrapping_sub(QUIET));
        let is_light = match x < size && y < size {
            true => code[(x, y)] == Color::Light,
            false => true,
        };
        is_light != is_inverted
    };
    let cell = |x: usize, y: usize| {
        let below = y + 1 < side && is_light(x, y + 1);
        match (is_light(x, y), below) {
            (true, true) => '█',
            (true, false) => '▀',
            (false, true) => '▄',
            (false, false) => ' ',
        }
    };
    let line = |y: usize| (0..side).map(|x| cell(x, y)).collect();
    Some((0..side).step_by(2).map(line).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let drawn = lines(&address, false).unwrap();
        assert!(drawn.len() <= 17, "{}", drawn.len());
        assert_eq!(read(&drawn), address.to_uppercase());
        let long = format!("natcoin:request1{}", "q".repeat(500));
        let drawn = lines(&long, false).unwrap();
        assert_eq!(read(&drawn), long.to_uppercase());
        assert!(lines(&"x".repeat(5000), false).is_none());
    }

    #[test]
    fn inverted_is_the_other_way_round() {
        let (one, other) = (lines("NAT1", false).unwrap(), lines("NAT1", true).unwrap());
        assert!(one[0].starts_with('█') && other[0].starts_with(' '));
    }
}
