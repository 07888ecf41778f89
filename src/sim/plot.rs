//! Plots as SVG: lines over what was varied, in panels beside each other.
//!
//! The text has no script, no font and no link; its colours can be read on white and on black.
//! Next: `sizes.rs`, what a simulation plots.

use std::fmt::Write as _;

/// One line of a panel.
#[derive(Debug, Clone)]
pub struct Line {
    /// What it shows.
    pub name: String,
    /// Where it is: x above 0, y not below.
    pub points: Vec<(f64, f64)>,
    /// Whether it shows what was wanted, not what was measured.
    pub is_aim: bool,
}

/// One pair of axes; x grows by ratios, y from 0.
#[derive(Debug, Clone)]
pub struct Panel {
    /// What it shows, with its unit.
    pub title: String,
    /// What it is over, below its axis.
    pub over: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// Of a panel with all its writing.
const WIDTH: f64 = 300.0;
/// See [`WIDTH`].
const HEIGHT: f64 = 260.0;
/// From a panel's edges to its axes: left, top, right, bottom.
const LEFT: f64 = 52.0;
const TOP: f64 = 36.0;
const RIGHT: f64 = 14.0;
const BOTTOM: f64 = 44.0;
/// Each between its neighbours in lightness, so that they differ without colour too.
const COLOURS: [&str; 4] = ["#2f81f7", "#d4770b", "#c2417c", "#2da160"];

/// A whole picture.
pub fn svg(title: &str, panels: &[Panel]) -> String {
    let width = WIDTH * whole(panels.len());
    let mut out = String::new();
    line(
        &mut out,
        &format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0} {HEIGHT:.0}" role="img" font-family="sans-serif" font-size="11">"#
        ),
    );
    line(&mut out, &format!("<title>{}</title>", escaped(title)));
    line(
        &mut out,
        "<style>text{fill:#333}.axis{stroke:#888}.grid{stroke:#8885}\
         @media(prefers-color-scheme:dark){text{fill:#ddd}}</style>",
    );
    for (place, panel) in panels.iter().enumerate() {
        draw(&mut out, WIDTH * whole(place), panel);
    }
    line(&mut out, "</svg>");
    out
}

fn draw(out: &mut String, from: f64, panel: &Panel) {
    let points = || panel.lines.iter().flat_map(|line| line.points.iter());
    let least_x = points().map(|(x, _)| *x).fold(f64::INFINITY, f64::min);
    let most_x = points().map(|(x, _)| *x).fold(0.0, f64::max);
    let most_y = points().map(|(_, y)| *y).fold(0.0, f64::max);
    let (step, steps) = ticks(most_y);
    let (left, right) = (from + LEFT, from + WIDTH - RIGHT);
    let (top, bottom) = (TOP, HEIGHT - BOTTOM);
    let at_x = |x: f64| match most_x > least_x {
        true => left + (right - left) * (x / least_x).ln() / (most_x / least_x).ln(),
        false => (left + right) / 2.0,
    };
    let at_y = |y: f64| bottom - (bottom - top) * y / (step * whole(steps));
    text(out, from + LEFT, 14.0, "start", &panel.title);
    for tick in 0..=steps {
        let value = step * whole(tick);
        let y = at_y(value);
        rule(
            out,
            if tick == 0 { "axis" } else { "grid" },
            (left, y),
            (right, y),
        );
        text(out, left - 6.0, y + 4.0, "end", &short(value));
    }
    let mut seen = Vec::new();
    for (x, _) in points() {
        if !seen.contains(&at_x(*x)) {
            seen.push(at_x(*x));
            text(out, at_x(*x), bottom + 15.0, "middle", &short(*x));
        }
    }
    text(
        out,
        (left + right) / 2.0,
        HEIGHT - 14.0,
        "middle",
        &panel.over,
    );
    for (place, one) in panel.lines.iter().enumerate() {
        let colour = COLOURS[place % COLOURS.len()];
        let at = |(x, y): &(f64, f64)| format!("{:.1},{:.1}", at_x(*x), at_y(*y));
        let path = one.points.iter().map(at).collect::<Vec<_>>().join(" ");
        let dashes = if one.is_aim {
            r#" stroke-dasharray="5 4""#
        } else {
            ""
        };
        line(
            out,
            &format!(
                r#"<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>"#
            ),
        );
        for point in one.points.iter().filter(|_| !one.is_aim) {
            let told = format!("{}: {} at {}", one.name, short(point.1), short(point.0));
            line(
                out,
                &format!(
                    r#"<circle cx="{:.1}" cy="{:.1}" r="3" fill="{colour}"><title>{}</title></circle>"#,
                    at_x(point.0),
                    at_y(point.1),
                    escaped(&told)
                ),
            );
        }
        legend(
            out,
            left + 4.0,
            TOP - 10.0 + 14.0 * whole(place),
            colour,
            one,
        );
    }
}

fn legend(out: &mut String, x: f64, y: f64, colour: &str, one: &Line) {
    if one.name.is_empty() {
        return;
    }
    let mark = if one.is_aim { "╌" } else { "●" };
    line(
        out,
        &format!(
            r#"<text x="{x:.1}" y="{y:.1}"><tspan style="fill:{colour}">{mark}</tspan> {}</text>"#,
            escaped(&one.name)
        ),
    );
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

fn text(out: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(
        out,
        r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{}</text>"#,
        escaped(words)
    );
}

fn rule(out: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        out,
        r#"<line class="{class}" x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}"/>"#,
        from.0, from.1, to.0, to.1
    );
}

/// A round step, and so many of them that `most` is below the last: 1, 2 or 5 with zeros.
fn ticks(most: f64) -> (f64, usize) {
    let most = if most > 0.0 { most } else { 1.0 };
    let mut step = 1e-6;
    loop {
        for factor in [1.0, 2.0, 5.0] {
            // Room above the lines for their names.
            if step * factor * 6.0 >= most * 1.25 {
                return (step * factor, 6);
            }
        }
        step *= 10.0;
        if step > 1e15 {
            return (step, 6);
        }
    }
}

/// `0.25`, `12.5`, `300`, `12k`, `3.4M`.
fn short(value: f64) -> String {
    let (scaled, unit) = match value {
        value if value >= 1e6 => (value / 1e6, "M"),
        value if value >= 1e4 => (value / 1e3, "k"),
        value => (value, ""),
    };
    let text = match scaled {
        scaled if scaled >= 100.0 => format!("{scaled:.0}"),
        scaled if scaled >= 10.0 => format!("{scaled:.1}"),
        scaled => format!("{scaled:.2}"),
    };
    let text = match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.'),
        false => &text,
    };
    format!("{text}{unit}")
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

fn whole(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> String {
        let line = |name: &str, points: &[(f64, f64)], is_aim| Line {
            name: name.to_owned(),
            points: points.to_vec(),
            is_aim,
        };
        let first = Panel {
            title: "finality, ms".to_owned(),
            over: "validators".to_owned(),
            lines: vec![
                line(
                    "a < b & c",
                    &[(4.0, 300.0), (31.0, 400.0), (100.0, 450.0)],
                    false,
                ),
                line("aim", &[(4.0, 500.0), (100.0, 490.0)], true),
            ],
        };
        let second = Panel {
            title: "kB".to_owned(),
            over: "validators".to_owned(),
            lines: vec![line("", &[(4.0, 0.0)], false)],
        };
        svg("sizes", &[first, second])
    }

    /// Names of tags that are open at the end; panics where one is closed that is not the last.
    fn open_tags(text: &str) -> Vec<String> {
        let mut open: Vec<String> = Vec::new();
        for part in text.split('<').skip(1) {
            let (tag, rest) = part.split_once('>').expect("each tag ends");
            assert!(
                !rest.contains('>') && tag.matches('"').count() % 2 == 0,
                "{tag}"
            );
            match tag.strip_prefix('/') {
                Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
                None if tag.ends_with('/') => {}
                None => open.push(tag.split(' ').next().unwrap().to_owned()),
            }
        }
        open
    }

    #[test]
    fn a_picture_is_well_formed() {
        let text = picture();
        assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n"));
        assert_eq!(open_tags(&text), Vec::<String>::new());
        assert!(text.contains("a &lt; b &amp; c"));
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }

    #[test]
    fn every_point_that_was_measured_is_in_it() {
        let text = picture();
        assert_eq!(text.matches("<circle ").count(), 4);
        assert_eq!(text.matches("<polyline ").count(), 3);
        assert_eq!(text.matches("stroke-dasharray").count(), 1);
        for told in ["300 at 4", "400 at 31", "450 at 100"] {
            assert!(text.contains(told), "{told}");
        }
        // The first panel's axes: 4 on the left, 100 on the right; up to 1,200 by 200, so that 300 is at a quarter.
        let quarter = HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) / 4.0;
        assert!(
            text.contains(&format!(r#"cx="{LEFT:.1}" cy="{quarter:.1}""#)),
            "{text}"
        );
        assert!(text.contains(&format!(r#"cx="{:.1}""#, WIDTH - RIGHT)));
    }

    #[test]
    fn numbers_are_short() {
        let cases = [(0.0, "0"), (0.25, "0.25"), (12.5, "12.5"), (300.0, "300")];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
        assert_eq!(
            (short(12_000.0), short(3.4e6)),
            ("12k".into(), "3.4M".into())
        );
    }
}
