//! Cost against length as an SVG picture, both axes logarithmic.

use std::fmt::Write as _;
use std::time::Duration;

/// One policy.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    /// Length of the session, time of one more event.
    pub(crate) points: Vec<(usize, Duration)>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 20.0;
const BOTTOM: f64 = 50.0;
/// Distinguishable without colour vision as well, from dark to light.
const COLOURS: [&str; 4] = ["#1b1b5e", "#b3367a", "#2a8f5b", "#e69f00"];
/// Powers of ten that the axes cover: events, and microseconds.
const EVENTS: (i32, i32) = (1, 5);
const MICROSECONDS: (i32, i32) = (0, 5);

pub(crate) fn svg(lines: &[Line]) -> String {
    let mut picture = String::new();
    let drawn = draw(&mut picture, lines);
    // Writing to a String cannot fail.
    debug_assert!(drawn.is_ok());
    picture
}

fn draw(picture: &mut String, lines: &[Line]) -> std::fmt::Result {
    writeln!(
        picture,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">"#
    )?;
    writeln!(
        picture,
        r##"<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>"##
    )?;
    axes(picture)?;
    for (line, colour) in lines.iter().zip(COLOURS) {
        let points = line.points.iter().map(|(length, time)| {
            let events = f64::from(u32::try_from(*length).unwrap_or(u32::MAX));
            (x(events.log10()), y((time.as_secs_f64() * 1e6).log10()))
        });
        let points: Vec<(f64, f64)> = points.collect();
        let path: Vec<String> = points
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        writeln!(
            picture,
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
            path.join(" ")
        )?;
        for (x, y) in &points {
            writeln!(
                picture,
                r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{colour}"/>"#
            )?;
        }
    }
    legend(picture, lines)?;
    picture.push_str("</svg>\n");
    Ok(())
}

fn axes(picture: &mut String) -> std::fmt::Result {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    for power in EVENTS.0..=EVENTS.1 {
        let x = x(f64::from(power));
        writeln!(
            picture,
            r##"<path d="M{x:.1} {TOP}V{bottom}" stroke="#ddd"/><text x="{x:.1}" y="{:.1}" text-anchor="middle">{}</text>"##,
            bottom + 18.0,
            10_f64.powi(power)
        )?;
    }
    for power in MICROSECONDS.0..=MICROSECONDS.1 {
        let y = y(f64::from(power));
        writeln!(
            picture,
            r##"<path d="M{LEFT} {y:.1}H{right}" stroke="#ddd"/><text x="{:.1}" y="{:.1}" text-anchor="end">{} µs</text>"##,
            LEFT - 6.0,
            y + 4.0,
            10_f64.powi(power)
        )?;
    }
    writeln!(
        picture,
        r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">events in the session before</text>"#,
        f64::midpoint(LEFT, right),
        HEIGHT - 10.0
    )
}

fn legend(picture: &mut String, lines: &[Line]) -> std::fmt::Result {
    for ((line, colour), row) in lines.iter().zip(COLOURS).zip(0_u8..) {
        let (x, y) = (WIDTH - RIGHT + 14.0, TOP + 20.0 * f64::from(row) + 10.0);
        writeln!(
            picture,
            r#"<circle cx="{x:.1}" cy="{:.1}" r="4" fill="{colour}"/><text x="{:.1}" y="{y:.1}">{}</text>"#,
            y - 4.0,
            x + 10.0,
            line.name
        )?;
    }
    Ok(())
}

fn x(power: f64) -> f64 {
    let (from, to) = (f64::from(EVENTS.0), f64::from(EVENTS.1));
    LEFT + (power - from) / (to - from) * (WIDTH - LEFT - RIGHT)
}

fn y(power: f64) -> f64 {
    let (from, to) = (f64::from(MICROSECONDS.0), f64::from(MICROSECONDS.1));
    let height = HEIGHT - TOP - BOTTOM;
    // A point off the scale is drawn on its border.
    TOP + height - ((power - from) / (to - from)).clamp(0.0, 1.0) * height
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_stand_at_their_powers_of_ten() {
        let time = Duration::from_micros(10);
        let points = vec![(10, time), (100_000, time)];
        let picture = svg(&[Line {
            name: "flat",
            points,
        }]);
        assert!(
            picture.contains(r#"points="80.0,284.0 570.0,284.0""#),
            "{picture}"
        );
        assert!(picture.contains(">flat</text>"));
    }

    #[test]
    fn a_point_off_the_scale_stays_in_the_picture() {
        let points = vec![(10, Duration::from_mins(1)), (100, Duration::ZERO)];
        let picture = svg(&[Line {
            name: "far",
            points,
        }]);
        assert!(
            picture.contains(r#"points="80.0,20.0 202.5,350.0""#),
            "{picture}"
        );
    }
}
