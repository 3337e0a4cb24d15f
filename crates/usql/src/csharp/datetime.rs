//! `DateTime` and `TimeSpan`: parsing and formatting in the invariant culture.
//!
//! A time is a count of microseconds since 1970 without a zone. .NET counts tenths of a
//! microsecond, so that the seventh digit of a fraction is lost here, and always written as 0.

use std::fmt::Write as _;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Span};

pub(crate) const SECOND: i64 = 1_000_000;
pub(crate) const DAY: i64 = 86_400 * SECOND;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// The civil time of a count; the years 1 to 9999 always fit.
pub(crate) fn civil(micros: i64) -> DateTime {
    let duration = SignedDuration::from_micros(micros);
    EPOCH.checked_add(duration).unwrap_or(EPOCH)
}

/// The count of a civil time; `None` outside of the years 1 to 9999.
pub(crate) fn micros(time: DateTime) -> Option<i64> {
    let duration = time.duration_since(EPOCH);
    let micros = i64::try_from(duration.as_micros()).ok()?;
    (1..=9999).contains(&time.year()).then_some(micros)
}

/// A time from its parts.
pub(crate) fn from_parts(parts: &[i64]) -> Result<i64, String> {
    let part = |at: usize| parts.get(at).copied().unwrap_or_default();
    let small = |at: usize| i8::try_from(part(at)).ok();
    let time = i16::try_from(part(0)).ok().and_then(|year| {
        let nanos = i32::try_from(part(6)).ok()?.checked_mul(1_000_000)?;
        DateTime::new(
            year,
            small(1)?,
            small(2)?,
            small(3)?,
            small(4)?,
            small(5)?,
            nanos,
        )
        .ok()
    });
    time.and_then(micros)
        .ok_or_else(|| "year, month, day or time is out of range".to_owned())
}

pub(crate) fn add_months(value: i64, months: i64) -> Result<i64, String> {
    let out_of_range = || "the resulting time is out of range".to_owned();
    let span = Span::new().try_months(months).map_err(|_| out_of_range())?;
    let time = civil(value).checked_add(span).map_err(|_| out_of_range())?;
    micros(time).ok_or_else(out_of_range)
}

/// The day of the week from Sunday, 0.
pub(crate) fn day_of_week(value: i64) -> i64 {
    civil(value).date().weekday().to_sunday_zero_offset().into()
}

pub(crate) fn day_name(day: i64) -> &'static str {
    DAYS[day.rem_euclid(7) as usize]
}

/// Reads a date with or without a time: ISO 8601, `M/d/yyyy h:mm:ss tt`, month names, RFC 1123.
pub(crate) fn parse(text: &str) -> Option<i64> {
    const FORMS: [&str; 8] = [
        "yyyy-M-d",
        "M/d/yyyy",
        "M-d-yyyy",
        "yyyy/M/d",
        "d MMM yyyy",
        "MMM d, yyyy",
        "dddd, MMMM d, yyyy",
        "ddd, d MMM yyyy",
    ];
    let text = text.trim();
    let (body, offset) = split_offset(text);
    FORMS.iter().find_map(|form| {
        let mut cursor = Cursor::new(body);
        let mut parts = Parts::default();
        cursor.take_all(form, &mut parts)?;
        if cursor.rest().starts_with(['T', 't', ' ']) {
            cursor.skip(1);
            cursor.skip_space();
            cursor.time(&mut parts)?;
        }
        cursor.skip_space();
        if !cursor.rest().is_empty() {
            return None;
        }
        parts.micros().map(|value| value - offset)
    })
}

/// A zone behind a time is taken off, so that the time is UTC.
fn split_offset(text: &str) -> (&str, i64) {
    if let Some(body) = text.strip_suffix(['Z', 'z']) {
        return (body, 0);
    }
    if let Some(body) = text.strip_suffix(" GMT") {
        return (body, 0);
    }
    let Some(at) = text
        .rfind(['+', '-'])
        .filter(|at| *at > 10 && text[..*at].contains(':'))
    else {
        return (text, 0);
    };
    let sign = if text[at..].starts_with('-') { -1 } else { 1 };
    let mut numbers = text[at + 1..]
        .splitn(2, ':')
        .map(|part| part.parse::<i64>().ok());
    match (numbers.next().flatten(), numbers.next().unwrap_or(Some(0))) {
        (Some(hours), Some(minutes)) => (
            text[..at].trim_end(),
            sign * (hours * 60 + minutes) * 60 * SECOND,
        ),
        _ => (text, 0),
    }
}

/// Reads a text that follows one format exactly.
pub(crate) fn parse_exact(text: &str, form: &str) -> Option<i64> {
    let form = standard(form).unwrap_or(form);
    let mut cursor = Cursor::new(text);
    let mut parts = Parts::default();
    cursor.take_all(form, &mut parts)?;
    if !cursor.rest().is_empty() {
        return None;
    }
    parts.micros()
}

/// The parts of a time that have been read; what is missing has the default of .NET.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts {
    pub(crate) year: i64,
    pub(crate) month: i64,
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    fraction_micros: i64,
    afternoon: Option<bool>,
}

impl Default for Parts {
    fn default() -> Self {
        Self {
            year: 1,
            month: 1,
            day: 1,
            hour: 0,
            minute: 0,
            second: 0,
            fraction_micros: 0,
            afternoon: None,
        }
    }
}

impl Parts {
    pub(crate) fn micros(&self) -> Option<i64> {
        let hour = match self.afternoon {
            Some(_) if !(1..=12).contains(&self.hour) => return None,
            Some(afternoon) => self.hour % 12 + if afternoon { 12 } else { 0 },
            None => self.hour,
        };
        let parts = [
            self.year,
            self.month,
            self.day,
            hour,
            self.minute,
            self.second,
        ];
        Some(from_parts(&parts).ok()? + self.fraction_micros)
    }
}

struct Cursor<'a> {
    text: &'a str,
}

impl<'a> Cursor<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text }
    }

    const fn rest(&self) -> &'a str {
        self.text
    }

    fn skip(&mut self, bytes: usize) {
        self.text = &self.text[bytes..];
    }

    fn skip_space(&mut self) {
        self.text = self.text.trim_start();
    }

    fn number(&mut self, least: usize, most: usize) -> Option<(i64, usize)> {
        let digits = self
            .text
            .bytes()
            .take(most)
            .take_while(u8::is_ascii_digit)
            .count();
        if digits < least {
            return None;
        }
        let value = self.text[..digits].parse().ok()?;
        self.skip(digits);
        Some((value, digits))
    }

    fn name(&mut self, names: &[&str], short: bool) -> Option<i64> {
        let found = (1..).zip(names).find_map(|(number, name)| {
            let name = if short { &name[..3] } else { name };
            let start = self.text.get(..name.len())?;
            start
                .eq_ignore_ascii_case(name)
                .then_some((number, name.len()))
        });
        let (number, length) = found?;
        self.skip(length);
        Some(number)
    }

    /// Reads what a custom format describes.
    fn take_all(&mut self, form: &str, parts: &mut Parts) -> Option<()> {
        for token in tokens(form) {
            match token {
                Token::Literal(text) => self.text = self.text.strip_prefix(text.as_str())?,
                Token::Field(letter, count) => self.field(letter, count, parts)?,
            }
        }
        Some(())
    }

    fn field(&mut self, letter: char, count: usize, parts: &mut Parts) -> Option<()> {
        let two = if count >= 2 { 2 } else { 1 };
        match (letter, count) {
            ('y', 1 | 2) => {
                let year = self.number(two, 2)?.0;
                parts.year = if year < 30 { 2000 + year } else { 1900 + year };
            }
            ('y', _) => parts.year = self.number(4, 4)?.0,
            ('M', 3) => parts.month = self.name(&MONTHS, true)?,
            ('M', 4..) => parts.month = self.name(&MONTHS, false)?,
            ('M', _) => parts.month = self.number(two, 2)?.0,
            ('d', 3) => drop(self.name(&DAYS, true)?),
            ('d', 4..) => drop(self.name(&DAYS, false)?),
            ('d', _) => parts.day = self.number(two, 2)?.0,
            ('H' | 'h', _) => parts.hour = self.number(two, 2)?.0,
            ('m', _) => parts.minute = self.number(two, 2)?.0,
            ('s', _) => parts.second = self.number(two, 2)?.0,
            ('f', _) => self.fraction(count, count, parts)?,
            ('F', _) => self.fraction(0, count, parts)?,
            ('t', _) => self.designator(parts)?,
            ('K' | 'z', _) => {
                let (_, offset) = split_offset(self.text);
                let _ = offset;
                self.text = "";
            }
            _ => return None,
        }
        Some(())
    }

    fn fraction(&mut self, least: usize, most: usize, parts: &mut Parts) -> Option<()> {
        let (value, digits) = self
            .number(least, most.min(9))
            .or((least == 0).then_some((0, 0)))?;
        let shift = 6 - digits as i32;
        parts.fraction_micros = if shift >= 0 {
            value * 10_i64.pow(shift.cast_unsigned())
        } else {
            value / 10_i64.pow(shift.unsigned_abs())
        };
        Some(())
    }

    fn designator(&mut self, parts: &mut Parts) -> Option<()> {
        let word = self.text.get(..2)?;
        parts.afternoon = Some(if word.eq_ignore_ascii_case("PM") {
            true
        } else if word.eq_ignore_ascii_case("AM") {
            false
        } else {
            return None;
        });
        self.skip(2);
        Some(())
    }

    /// `h:mm[:ss[.fraction]] [AM|PM]`.
    fn time(&mut self, parts: &mut Parts) -> Option<()> {
        parts.hour = self.number(1, 2)?.0;
        self.text = self.text.strip_prefix(':')?;
        parts.minute = self.number(1, 2)?.0;
        if let Some(rest) = self.text.strip_prefix(':') {
            self.text = rest;
            parts.second = self.number(1, 2)?.0;
            if let Some(rest) = self.text.strip_prefix('.') {
                self.text = rest;
                self.fraction(1, 9, parts)?;
            }
        }
        self.skip_space();
        if !self.text.is_empty() {
            self.designator(parts)?;
        }
        Some(())
    }
}

enum Token {
    Field(char, usize),
    Literal(String),
}

/// A custom format in its fields and the text between them (.NET, "Custom date and time format
/// strings").
fn tokens(form: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = form.chars().peekable();
    while let Some(letter) = rest.next() {
        match letter {
            'y' | 'M' | 'd' | 'H' | 'h' | 'm' | 's' | 'f' | 'F' | 't' | 'K' | 'z' => {
                let mut count = 1;
                while rest.peek() == Some(&letter) {
                    rest.next();
                    count += 1;
                }
                tokens.push(Token::Field(letter, count));
            }
            '\'' | '"' => {
                let text = rest.by_ref().take_while(|c| *c != letter).collect();
                tokens.push(Token::Literal(text));
            }
            '\\' => tokens.push(Token::Literal(rest.next().into_iter().collect())),
            '%' => {}
            other => tokens.push(Token::Literal(other.to_string())),
        }
    }
    tokens
}

/// The custom format of a standard one, in the invariant culture.
fn standard(form: &str) -> Option<&'static str> {
    Some(match form {
        "d" => "MM/dd/yyyy",
        "D" => "dddd, dd MMMM yyyy",
        "f" => "dddd, dd MMMM yyyy HH:mm",
        "F" | "U" => "dddd, dd MMMM yyyy HH:mm:ss",
        "g" => "MM/dd/yyyy HH:mm",
        "G" => "MM/dd/yyyy HH:mm:ss",
        "M" | "m" => "MMMM dd",
        "o" | "O" => "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffff",
        "r" | "R" => "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
        "s" => "yyyy'-'MM'-'dd'T'HH':'mm':'ss",
        "t" => "HH:mm",
        "T" => "HH:mm:ss",
        "u" => "yyyy'-'MM'-'dd HH':'mm':'ss'Z'",
        "Y" | "y" => "yyyy MMMM",
        _ => return None,
    })
}

/// A time in a standard or a custom format.
pub(crate) fn format(value: i64, form: &str) -> Result<String, String> {
    let form = if form.is_empty() { "G" } else { form };
    let custom = match standard(form) {
        Some(custom) => custom,
        None if form.chars().count() == 1 => {
            return Err(format!("`{form}` is no format of a DateTime"));
        }
        None => form,
    };
    let time = civil(value);
    let mut out = String::new();
    for token in tokens(custom) {
        match token {
            Token::Literal(text) => out.push_str(&text),
            Token::Field(letter, count) => write_field(&mut out, time, value, letter, count),
        }
    }
    Ok(out)
}

fn write_field(out: &mut String, time: DateTime, value: i64, letter: char, count: usize) {
    let date: Date = time.date();
    let month = MONTHS[(date.month() - 1) as usize];
    let weekday = day_name(day_of_week(value));
    let hour12 = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    let width = count.min(2);
    // Writing to a text cannot fail.
    let _ = match (letter, count) {
        ('y', 1) => write!(out, "{}", date.year() % 100),
        ('y', 2) => write!(out, "{:02}", date.year() % 100),
        ('y', _) => write!(out, "{:0count$}", date.year()),
        ('M', 3) => write!(out, "{}", &month[..3]),
        ('M', 4..) => write!(out, "{month}"),
        ('M', _) => write!(out, "{:0width$}", date.month()),
        ('d', 3) => write!(out, "{}", &weekday[..3]),
        ('d', 4..) => write!(out, "{weekday}"),
        ('d', _) => write!(out, "{:0width$}", date.day()),
        ('H', _) => write!(out, "{:0width$}", time.hour()),
        ('h', _) => write!(out, "{hour12:0width$}"),
        ('m', _) => write!(out, "{:0width$}", time.minute()),
        ('s', _) => write!(out, "{:0width$}", time.second()),
        ('f' | 'F', _) => {
            let digits = format!("{:06}0000", value.rem_euclid(SECOND));
            let digits = &digits[..count.min(7)];
            let significant = digits.trim_end_matches('0');
            // .NET, "Custom date and time format strings": `F` shows no zeros behind, nor then the
            // point in front of it.
            if letter == 'F' && significant.is_empty() && out.ends_with('.') {
                out.pop();
            }
            write!(out, "{}", if letter == 'F' { significant } else { digits })
        }
        ('t', 1) => write!(out, "{}", if time.hour() < 12 { "A" } else { "P" }),
        ('t', _) => write!(out, "{}", if time.hour() < 12 { "AM" } else { "PM" }),
        ('z', _) => write!(out, "+00:00"),
        _ => Ok(()),
    };
}

/// A time span as `[-][d.]hh:mm:ss[.fffffff]`.
pub(crate) fn span_text(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let total = micros.unsigned_abs();
    let (day, second) = (DAY.unsigned_abs(), SECOND.unsigned_abs());
    let (days, rest) = (total / day, total % day);
    let (seconds, fraction) = (rest / second, rest % second);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let days = if days > 0 {
        format!("{days}.")
    } else {
        String::new()
    };
    let fraction = if fraction > 0 {
        format!(".{fraction:06}0")
    } else {
        String::new()
    };
    format!("{sign}{days}{hours:02}:{minutes:02}:{seconds:02}{fraction}")
}

/// Reads `[-][d.]hh:mm[:ss[.fffffff]]`.
pub(crate) fn parse_span(text: &str) -> Option<i64> {
    let (negative, body) = match text.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, text),
    };
    let colon = body.find(':').unwrap_or(body.len());
    let (days, clock) = match body[..colon].find('.') {
        Some(at) => (body[..at].parse::<i64>().ok()?, &body[at + 1..]),
        None if colon == body.len() => (body.parse::<i64>().ok()?, "0:0"),
        None => (0, body),
    };
    let mut parts = Parts::default();
    let mut cursor = Cursor::new(clock);
    cursor.time(&mut parts)?;
    let seconds = (parts.hour * 60 + parts.minute) * 60 + parts.second;
    let micros = days.checked_mul(DAY)? + seconds * SECOND + parts.fraction_micros;
    Some(if negative { -micros } else { micros })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str, form: &str) -> String {
        let value = parse(text).expect("a time");
        format(value, form).expect("a format")
    }

    // .NET, "Standard date and time format strings", in the invariant culture.
    #[test]
    fn times_are_read_and_written_as_dotnet_does() {
        assert_eq!(
            round("2/15/2012 11:53:16 AM", "O"),
            "2012-02-15T11:53:16.0000000"
        );
        assert_eq!(
            round("2012-02-15T23:53:16.1234567", "O"),
            "2012-02-15T23:53:16.1234560"
        );
        assert_eq!(round("2012-02-15 12:00:00 AM", "s"), "2012-02-15T00:00:00");
        assert_eq!(round("15 Feb 2012", "d"), "02/15/2012");
        assert_eq!(
            round("2012-02-15T10:00:00+02:00", "u"),
            "2012-02-15 08:00:00Z"
        );
        assert_eq!(
            round("2012-02-15 13:05", "dddd h:mm tt, MMM yy"),
            "Wednesday 1:05 PM, Feb 12"
        );
        assert_eq!(parse("2012-13-01"), None);
        assert_eq!(parse("yesterday"), None);
    }

    #[test]
    fn spans_are_written_as_dotnet_does() {
        assert_eq!(span_text(DAY + 3_661 * SECOND), "1.01:01:01");
        assert_eq!(span_text(-1_500_000), "-00:00:01.5000000");
        assert_eq!(parse_span("1.01:01:01"), Some(DAY + 3_661 * SECOND));
        assert_eq!(parse_span("-00:00:01.5"), Some(-1_500_000));
    }

    #[test]
    fn exact_forms_are_exact() {
        assert_eq!(parse_exact("20120215", "yyyyMMdd"), parse("2012-02-15"));
        assert_eq!(parse_exact("2012-2-15", "yyyy-MM-dd"), None);
    }
}
