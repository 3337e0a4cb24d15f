//! Times and spans for people.

use jiff::Timestamp;

/// Reads a time off the wire; `None` if it is not one.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

/// Milliseconds since 1970 as a time of the machine's zone, in UTC where it has none.
pub(crate) fn local(millis: i64) -> String {
    match Timestamp::from_millisecond(millis) {
        Ok(time) => time
            .to_zoned_datetime(jiff::tz::TimeZone::system())
            .strftime("%Y-%m-%d %H:%M:%S")
            .to_string(),
        Err(_) => String::new(),
    }
}

/// How long ago a time was, in one unit.
pub(crate) fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.as_second() - then.as_second();
    match seconds {
        ..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        86_400..2_592_000 => format!("{} d ago", seconds / 86_400),
        _ => then.strftime("%Y-%m-%d").to_string(),
    }
}

/// A wire time as time ago; a text that is no time stays as it is.
pub(crate) fn wire_ago(now: Timestamp, text: &str) -> String {
    parse(text).map_or_else(|| text.to_owned(), |then| ago(now, then))
}

/// A span between two wire times, or from the first until now; empty when it has not begun.
pub(crate) fn took(now: Timestamp, started: Option<&str>, ended: Option<&str>) -> String {
    let Some(started) = started.and_then(parse) else {
        return String::new();
    };
    let ended = ended.and_then(parse).unwrap_or(now);
    span(ended.as_millisecond() - started.as_millisecond())
}

/// A span of milliseconds, to the precision that matters.
pub(crate) fn span(millis: i64) -> String {
    let millis = millis.max(0);
    let seconds = millis / 1000;
    match seconds {
        ..60 => format!("{}.{} s", seconds, millis % 1000 / 100),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_its_largest_unit() {
        let now = parse("2026-03-01T12:00:00Z").expect("a time");
        let cases = [
            ("2026-03-01T12:00:09Z", "just now"),
            ("2026-03-01T11:59:20Z", "40 s ago"),
            ("2026-03-01T11:57:00Z", "3 min ago"),
            ("2026-03-01T07:30:00Z", "4 h ago"),
            ("2026-02-20T12:00:00Z", "9 d ago"),
            ("2025-12-24T12:00:00Z", "2025-12-24"),
            ("some day", "some day"),
        ];
        for (then, text) in cases {
            assert_eq!(wire_ago(now, then), text);
        }
    }

    #[test]
    fn a_span_keeps_the_digits_that_matter() {
        let cases = [
            (-5, "0.0 s"),
            (12_345, "12.3 s"),
            (61_000, "1 min 01 s"),
            (3_725_000, "1 h 02 min"),
        ];
        for (millis, text) in cases {
            assert_eq!(span(millis), text);
        }
    }
}
