//! What values look like as text: in CSV, and where a database makes its own value of a text.
//!
//! ISO 8601 with a blank between date and time, a point in numbers, `true` and `false`, bytes as `\x`
//! and hexadecimal digits; floating point numbers have as many digits as they need.

use std::fmt::Write as _;

use crate::value::{Kind, Value};

const DAY_US: i64 = 86_400_000_000;

/// Adds a value to a text; nothing for NULL. Whether it was one.
pub(crate) fn write(out: &mut String, kind: Kind, value: Value<'_>) -> bool {
    // Writing to a text does not fail.
    let _ = match (kind, value) {
        (_, Value::Null) => return false,
        (_, Value::Bool(value)) => out.write_str(if value { "true" } else { "false" }),
        (Kind::Date, Value::Int(days)) => {
            date(out, days);
            Ok(())
        }
        (Kind::Time, Value::Int(micros)) => {
            time(out, micros);
            Ok(())
        }
        (Kind::Timestamp, Value::Int(micros)) => {
            timestamp(out, micros);
            Ok(())
        }
        (Kind::Instant, Value::Int(micros)) => {
            timestamp(out, micros);
            out.write_str("+00:00")
        }
        (_, Value::Int(value)) => write!(out, "{value}"),
        (_, Value::Float32(value)) => float(out, f64::from(value), format_args!("{value:?}")),
        (_, Value::Float64(value)) => float(out, value, format_args!("{value:?}")),
        (Kind::Decimal(_, scale), Value::Decimal(value)) => {
            decimal(out, value, scale);
            Ok(())
        }
        (_, Value::Decimal(value)) => write!(out, "{value}"),
        (Kind::Uuid, Value::Bytes(bytes)) => {
            uuid(out, bytes);
            Ok(())
        }
        (Kind::Bytes, Value::Bytes(bytes)) => {
            out.push_str("\\x");
            hexadecimal(out, bytes);
            Ok(())
        }
        (_, Value::Bytes(bytes)) => out.write_str(&String::from_utf8_lossy(bytes)),
    };
    true
}

fn float(out: &mut String, value: f64, plain: std::fmt::Arguments<'_>) -> std::fmt::Result {
    match value {
        value if value.is_nan() => out.write_str("NaN"),
        value if value == f64::INFINITY => out.write_str("Infinity"),
        value if value == f64::NEG_INFINITY => out.write_str("-Infinity"),
        _ => out.write_fmt(plain),
    }
}

/// A date; years before 1 as PostgreSQL writes them.
pub(crate) fn date(out: &mut String, days: i64) {
    let (year, month, day) = civil(days);
    let _ = match year {
        1.. => write!(out, "{year:04}-{month:02}-{day:02}"),
        _ => write!(out, "{:04}-{month:02}-{day:02} BC", 1 - year),
    };
}

fn time(out: &mut String, micros: i64) {
    let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let _ = write!(out, "{hours:02}:{minutes:02}:{:02}", seconds % 60);
    if fraction > 0 {
        let digits = format!("{fraction:06}");
        let _ = write!(out, ".{}", digits.trim_end_matches('0'));
    }
}

/// A date and a time.
pub(crate) fn timestamp(out: &mut String, micros: i64) {
    date(out, micros.div_euclid(DAY_US));
    out.push(' ');
    time(out, micros.rem_euclid(DAY_US));
}

/// A decimal number with its point.
pub(crate) fn decimal(out: &mut String, value: i128, scale: u8) {
    if value < 0 {
        out.push('-');
    }
    let scale = usize::from(scale);
    let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, rest) = digits.split_at(digits.len() - scale);
    out.push_str(whole);
    if scale > 0 {
        out.push('.');
        out.push_str(rest);
    }
}

fn uuid(out: &mut String, bytes: &[u8]) {
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push('-');
        }
        let _ = write!(out, "{byte:02x}");
    }
}

/// Bytes as digits.
pub(crate) fn hexadecimal(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// The bytes of a text that begins with `\x`; nothing for another text.
pub(crate) fn bytes_of(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?;
    if !digits.len().is_multiple_of(2) || !digits.is_ascii() {
        return None;
    }
    let pairs = (0..digits.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok())
        .collect()
}

/// Year, month and day of a day since 1970-01-01, by the Gregorian calendar in both directions.
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// The day since 1970-01-01 of a date.
pub(crate) fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Days of a text `2026-02-28`; nothing for another text.
pub(crate) fn read_date(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-');
    let mut number = |least, most| {
        let text = parts.next()?;
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number: i64 = is_number.then(|| text.parse().ok()).flatten()?;
        (least..=most).contains(&number).then_some(number)
    };
    let (year, month, day) = (number(1, 9_999)?, number(1, 12)?, number(1, 31)?);
    let days = days_of(year, month, day);
    (civil(days) == (year, month, day)).then_some(days)
}

/// Microseconds of a text `23:59:59.5`; nothing for another text.
pub(crate) fn read_time(text: &str) -> Option<i64> {
    let (plain, fraction) = text.split_once('.').unwrap_or((text, ""));
    let parts: Vec<&str> = plain.split(':').collect();
    let [hours, minutes, seconds] = match parts.as_slice() {
        [hours, minutes] => [*hours, *minutes, "0"],
        [hours, minutes, seconds] => [*hours, *minutes, *seconds],
        _ => return None,
    };
    let number = |text: &str, most: i64| {
        let is_number = matches!(text.len(), 1 | 2) && text.bytes().all(|b| b.is_ascii_digit());
        let number: i64 = is_number.then(|| text.parse().ok()).flatten()?;
        (number <= most).then_some(number)
    };
    let seconds = (number(hours, 23)? * 60 + number(minutes, 59)?) * 60 + number(seconds, 59)?;
    let is_fraction = fraction.len() <= 6 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let micros: i64 = is_fraction
        .then(|| format!("{fraction:0<6}").parse().ok())
        .flatten()?;
    Some(seconds * 1_000_000 + micros)
}

/// Microseconds of a text `2026-02-28 23:59:59.5`, and of the same with `T`, of a date alone, and with a
/// zone if it may have one; nothing for another text.
pub(crate) fn read_timestamp(text: &str, has_zone: bool) -> Option<i64> {
    let (date, rest) = match text.split_once([' ', 'T']) {
        Some((date, rest)) => (date, rest),
        None => (text, "00:00:00"),
    };
    let (time, offset_s) = match has_zone {
        true => split_zone(rest)?,
        false => (rest, 0),
    };
    Some(read_date(date)? * DAY_US + read_time(time)? - offset_s * 1_000_000)
}

fn split_zone(text: &str) -> Option<(&str, i64)> {
    if let Some(plain) = text.strip_suffix('Z') {
        return Some((plain, 0));
    }
    let Some(at) = text.rfind(['+', '-']) else {
        return Some((text, 0));
    };
    let (time, zone) = text.split_at(at);
    let digits: String = zone[1..].chars().filter(|c| *c != ':').collect();
    let (hours, minutes) = match digits.len() {
        2 => (digits.parse::<i64>().ok()?, 0),
        4 => {
            let (hours, minutes) = digits.split_at_checked(2)?;
            (hours.parse().ok()?, minutes.parse().ok()?)
        }
        _ => return None,
    };
    let seconds = hours * 3600 + minutes * 60;
    Some((
        time,
        if zone.starts_with('-') {
            -seconds
        } else {
            seconds
        },
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(kind: Kind, value: Value<'_>) -> String {
        let mut out = String::new();
        write(&mut out, kind, value);
        out
    }

    #[test]
    fn values_look_as_documented() {
        assert_eq!(shown(Kind::Date, Value::Int(0)), "1970-01-01");
        assert_eq!(shown(Kind::Date, Value::Int(-719_163)), "0001-12-31 BC");
        assert_eq!(shown(Kind::Time, Value::Int(DAY_US - 1)), "23:59:59.999999");
        assert_eq!(
            shown(Kind::Timestamp, Value::Int(-1)),
            "1969-12-31 23:59:59.999999"
        );
        assert_eq!(
            shown(Kind::Instant, Value::Int(500_000)),
            "1970-01-01 00:00:00.5+00:00"
        );
        assert_eq!(shown(Kind::Decimal(9, 4), Value::Decimal(-1)), "-0.0001");
        assert_eq!(shown(Kind::Decimal(9, 0), Value::Decimal(12)), "12");
        assert_eq!(shown(Kind::Float64, Value::Float64(0.1)), "0.1");
        assert_eq!(shown(Kind::Float32, Value::Float32(0.1)), "0.1");
        assert_eq!(shown(Kind::Float64, Value::Float64(f64::NAN)), "NaN");
        assert_eq!(shown(Kind::Bytes, Value::Bytes(&[0, 255])), "\\x00ff");
        assert_eq!(
            shown(Kind::Uuid, Value::Bytes(&[17; 16])),
            "11111111-1111-1111-1111-111111111111"
        );
        assert_eq!(bytes_of("\\x00ff"), Some(vec![0, 255]));
        assert_eq!((bytes_of("\\x0"), bytes_of("plain")), (None, None));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "2026-02-29",
            "2026-13-01",
            "26",
            "2026-02-1x",
            "0000-00-00",
            "",
        ] {
            assert_eq!(read_date(text), None, "{text}");
        }
        for text in ["24:00:00", "1", "10:60", "-1:00", "10:00:00.1234567"] {
            assert_eq!(read_time(text), None, "{text}");
        }
        let noon = read_timestamp("2026-07-01T12:00:00Z", true);
        assert_eq!(read_timestamp("2026-07-01 14:00:00+02:00", true), noon);
        assert_eq!(read_timestamp("2026-07-01 12:00:00+00", true), noon);
        assert_eq!(read_timestamp("2026-07-01 12:00:00+02", false), None);
    }

    proptest! {
        #[test]
        fn times_come_back(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            let text = shown(Kind::Timestamp, Value::Int(micros));
            prop_assert_eq!(read_timestamp(&text, false), Some(micros));
            let text = shown(Kind::Instant, Value::Int(micros));
            prop_assert_eq!(read_timestamp(&text, true), Some(micros));
        }

        #[test]
        fn decimals_come_back(value in -99_999_999_i128..=99_999_999, scale in 0_u8..=8) {
            let text = shown(Kind::Decimal(8, scale), Value::Decimal(value));
            let read = crate::value::decimal("x", &text, 8, scale);
            prop_assert_eq!(read.ok(), Some(value));
        }
    }
}
