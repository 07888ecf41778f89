//! Moments in text: `2026-01-01T00:00:00Z` (RFC 3339, always UTC) from and to milliseconds since 1970.
//!
//! One spelling for each moment, so that a file read and written again is the same. It never asks
//! what time it is.

/// The last moment that can be written: the end of the year 9999.
pub const LAST_MS: u64 = 253_402_300_799_999;

const MS_PER_DAY: u64 = 86_400_000;

/// Milliseconds since 1970 of `2026-01-01T00:00:00Z`, with three decimals of a second if they are
/// not zero; `None` for anything else, also for days and times that do not exist and before 1970.
pub fn parse(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let shape_is_right = match bytes.len() {
        20 => true,
        24 => bytes[19] == b'.',
        _ => false,
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if !shape_is_right
        || marks.iter().any(|&(at, mark)| bytes[at] != mark)
        || bytes[bytes.len() - 1] != b'Z'
    {
        return None;
    }
    let (year, month, day) = (
        number(bytes, 0, 4)?,
        number(bytes, 5, 2)?,
        number(bytes, 8, 2)?,
    );
    let (hour, minute, second) = (
        number(bytes, 11, 2)?,
        number(bytes, 14, 2)?,
        number(bytes, 17, 2)?,
    );
    let millis = if bytes.len() == 24 {
        number(bytes, 20, 3)?
    } else {
        0
    };
    let in_bounds = year >= 1970
        && (1..=12).contains(&month)
        && (1..=days_of_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let ms = days_before(year, month, day) * MS_PER_DAY
        + (hour * 3600 + minute * 60 + second) * 1000
        + millis;
    (in_bounds && format(ms) == text).then_some(ms)
}

/// The text of a moment; what lies after [`LAST_MS`] is shown as [`LAST_MS`].
pub fn format(ms: u64) -> String {
    let ms = ms.min(LAST_MS);
    let (mut day, rest) = (ms / MS_PER_DAY, ms % MS_PER_DAY);
    let mut year = 1970;
    while day >= days_of_year(year) {
        day -= days_of_year(year);
        year += 1;
    }
    let mut month = 1;
    while day >= days_of_month(year, month) {
        day -= days_of_month(year, month);
        month += 1;
    }
    let (seconds, millis) = (rest / 1000, rest % 1000);
    let fraction = match millis {
        0 => String::new(),
        _ => format!(".{millis:03}"),
    };
    format!(
        "{year:04}-{month:02}-{:02}T{:02}:{:02}:{:02}{fraction}Z",
        day + 1,
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

fn number(bytes: &[u8], from: usize, digits: usize) -> Option<u64> {
    bytes[from..from + digits].iter().try_fold(0, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + u64::from(byte - b'0'))
    })
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01; nonsense (but no panic) for months and days out of bounds.
fn days_before(year: u64, month: u64, day: u64) -> u64 {
    let years: u64 = (1970..year).map(days_of_year).sum();
    let months: u64 = (1..month).map(|month| days_of_month(year, month)).sum();
    (years + months + day).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_moments_are_read_and_written() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-01-01T00:00:00Z", 1_767_225_600_000),
            ("2000-02-29T23:59:59.001Z", 951_868_799_001),
            ("9999-12-31T23:59:59.999Z", LAST_MS),
        ] {
            assert_eq!(parse(text), Some(ms), "{text}");
            assert_eq!(format(ms), text);
        }
        assert_eq!(format(u64::MAX), format(LAST_MS));
    }

    #[test]
    fn what_is_no_moment_in_utc_is_refused() {
        for text in [
            "",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-01-01 00:00:00Z",
            "2026-01-01T00:00:00+00:00",
            "2026-01-01T00:00:00.000Z",
            "2026-01-01T00:00:00.1Z",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-32T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:60Z",
            "1969-12-31T23:59:59Z",
            "+026-01-01T00:00:00Z",
            "2026-01-01T00:00:00z",
            "２026-01-01T00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_comes_back_from_its_text(ms in 0..=LAST_MS) {
            prop_assert_eq!(parse(&format(ms)), Some(ms));
        }

        #[test]
        fn no_text_panics_the_parser(text in "\\PC{0,26}") {
            let _ = parse(&text);
        }
    }
}
