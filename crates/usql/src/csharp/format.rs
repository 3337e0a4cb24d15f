//! Numbers in formats, and `string.Format` (.NET, "Composite formatting"), in the invariant culture.

use super::{convert, datetime};
use crate::types::{Base, Type};
use crate::value::Value;

/// A number in the general format with so many significant digits: `G15` for `double`.
pub(crate) fn general(value: f64, digits: usize) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{value:.precision$e}", precision = digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if exponent >= digits as i32 || exponent < -4 {
        let mantissa = trim_zeros(mantissa);
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}E{sign}{:02}", exponent.abs());
    }
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    trim_zeros(&format!("{value:.decimals$}")).to_owned()
}

/// A number so that reading it gives the same number: the shortest form.
pub(crate) fn round_trip(value: f64, single: bool) -> String {
    if !value.is_finite() {
        return general(value, 15);
    }
    let magnitude = value.abs();
    let plain = magnitude == 0.0 || (1e-4..1e15).contains(&magnitude);
    let text = match (single, plain) {
        (true, true) => format!("{}", value as f32),
        (true, false) => format!("{:e}", value as f32),
        (false, true) => format!("{value}"),
        (false, false) => format!("{value:e}"),
    };
    match text.split_once('e') {
        None => text,
        Some((mantissa, exponent)) => {
            let number: i32 = exponent.parse().unwrap_or_default();
            let sign = if number < 0 { '-' } else { '+' };
            format!("{mantissa}E{sign}{:02}", number.abs())
        }
    }
}

fn trim_zeros(text: &str) -> &str {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        text
    }
}

/// `value.ToString(format)`.
pub(crate) fn with_format(value: &Value, base: &Base, form: &str) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::DateTime(micros) => datetime::format(*micros, form),
        Value::Guid(guid) => match form {
            "N" | "n" => Ok(format!("{guid:032x}")),
            "B" | "b" => Ok(format!("{{{}}}", convert::guid_text(*guid))),
            "P" | "p" => Ok(format!("({})", convert::guid_text(*guid))),
            _ => Ok(convert::guid_text(*guid)),
        },
        Value::Int(_) if matches!(base, Base::Char | Base::DayOfWeek) => {
            Ok(convert::text(value, base))
        }
        Value::Int(_)
        | Value::ULong(_)
        | Value::Float(_)
        | Value::Double(_)
        | Value::Decimal(_) => number(value, base, form),
        value => Ok(convert::text(value, base)),
    }
}

/// A number in a standard format such as `N2`, or in a custom one such as `#,##0.00`.
fn number(value: &Value, base: &Base, form: &str) -> Result<String, String> {
    let mut letters = form.chars();
    let first = letters.next();
    let precision: Option<usize> = letters.as_str().parse().ok();
    let standard = first.is_some_and(|c| c.is_ascii_alphabetic())
        && (letters.as_str().is_empty() || precision.is_some_and(|digits| digits <= 99));
    let Some(letter) = first else {
        return Ok(convert::text(value, base));
    };
    if !standard {
        return Ok(custom(value, form));
    }
    let is_integer = matches!(value, Value::Int(_) | Value::ULong(_));
    Ok(match letter.to_ascii_uppercase() {
        'G' | 'R' if precision.is_none() => match value {
            Value::Double(number) if letter.eq_ignore_ascii_case(&'R') => {
                round_trip(*number, false)
            }
            Value::Float(number) if letter.eq_ignore_ascii_case(&'R') => {
                round_trip(f64::from(*number), true)
            }
            value => convert::text(value, base),
        },
        'G' => general(value.as_double(), precision.unwrap_or(15).max(1)),
        'D' if is_integer => {
            let digits = precision.unwrap_or(1);
            let text = convert::text(value, base);
            let (sign, body) = text
                .strip_prefix('-')
                .map_or(("", text.as_str()), |b| ("-", b));
            format!("{sign}{body:0>digits$}")
        }
        'X' if is_integer => {
            let digits = precision.unwrap_or(1);
            let bits = match (value, base) {
                (Value::ULong(number), _) => *number,
                (value, Base::Long) => value.as_int().cast_unsigned(),
                (value, _) => u64::from(value.as_int() as u32),
            };
            if letter == 'X' {
                format!("{bits:0digits$X}")
            } else {
                format!("{bits:0digits$x}")
            }
        }
        'F' => fixed(value, precision.unwrap_or(2)),
        'N' => grouped(&fixed(value, precision.unwrap_or(2))),
        'C' => {
            let text = grouped(&fixed(value, precision.unwrap_or(2)));
            match text.strip_prefix('-') {
                Some(body) => format!("(¤{body})"),
                None => format!("¤{text}"),
            }
        }
        'P' => {
            let hundred = Value::Decimal(decimal_of(value) * rust_decimal::Decimal::ONE_HUNDRED);
            format!("{} %", grouped(&fixed(&hundred, precision.unwrap_or(2))))
        }
        'E' => exponent(value.as_double(), precision.unwrap_or(6), letter),
        _ => return Err(format!("`{form}` is no format of a number")),
    })
}

fn exponent(value: f64, digits: usize, letter: char) -> String {
    let text = format!("{value:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}{letter}{sign}{:03}", exponent.abs())
}

fn decimal_of(value: &Value) -> rust_decimal::Decimal {
    match value {
        Value::Double(_) | Value::Float(_) => {
            rust_decimal::Decimal::try_from(value.as_double()).unwrap_or_default()
        }
        value => value.as_decimal(),
    }
}

/// A number with so many digits behind the point, rounded half away from zero as .NET does.
fn fixed(value: &Value, digits: usize) -> String {
    let is_large = value.as_double().abs() > 1e27;
    if is_large && !matches!(value, Value::Decimal(_)) {
        return format!("{:.digits$}", value.as_double());
    }
    let strategy = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
    let scale = u32::try_from(digits).unwrap_or(28).min(28);
    let rounded = decimal_of(value).round_dp_with_strategy(scale, strategy);
    format!("{rounded:.digits$}")
}

/// Commas between groups of three digits.
fn grouped(text: &str) -> String {
    let (sign, body) = text
        .strip_prefix('-')
        .map_or(("", text), |body| ("-", body));
    let (whole, fraction) = body
        .split_once('.')
        .map_or((body, None), |(w, f)| (w, Some(f)));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    match fraction {
        Some(fraction) => format!("{sign}{out}.{fraction}"),
        None => format!("{sign}{out}"),
    }
}

/// A custom format of `0`, `#`, `,`, `.`, `%` and text around them.
fn custom(value: &Value, form: &str) -> String {
    let sections: Vec<&str> = form.split(';').collect();
    let number = decimal_of(value);
    let (section, number) = match sections.as_slice() {
        [_, negative, ..] if number.is_sign_negative() && !number.is_zero() => {
            (*negative, number.abs())
        }
        [_, _, zero] if number.is_zero() => (*zero, number),
        [first, ..] => (*first, number),
        [] => (form, number),
    };
    let percent = section.contains('%');
    let number = if percent {
        number * rust_decimal::Decimal::ONE_HUNDRED
    } else {
        number
    };
    let is_digit = |c: char| "0#.,".contains(c);
    let start = section.find(is_digit).unwrap_or(section.len());
    let end = section.rfind(is_digit).map_or(start, |at| at + 1);
    let pattern = &section[start..end];
    let (whole, fraction) = pattern.split_once('.').unwrap_or((pattern, ""));
    let least = fraction.matches('0').count();
    let most = fraction.chars().filter(|c| "0#".contains(*c)).count();
    let mut text = fixed(&Value::Decimal(number), most);
    if text.contains('.') {
        while text.ends_with('0') && text.len() - text.find('.').unwrap_or(0) - 1 > least {
            text.pop();
        }
        text = text.trim_end_matches('.').to_owned();
    }
    let width = whole.matches('0').count();
    let (sign, body) = text
        .strip_prefix('-')
        .map_or(("", text.as_str()), |body| ("-", body));
    let (digits, tail) = body
        .split_once('.')
        .map_or((body, None), |(w, f)| (w, Some(f)));
    let digits = if digits == "0" && width == 0 {
        ""
    } else {
        digits
    };
    let mut digits = format!("{digits:0>width$}");
    if whole.contains(',') {
        digits = grouped(&digits);
    }
    let tail = tail.map_or(String::new(), |tail| format!(".{tail}"));
    let literal = |text: &str| text.replace(['\'', '"', '\\'], "");
    format!(
        "{sign}{}{digits}{tail}{}",
        literal(&section[..start]),
        literal(&section[end..])
    )
}

/// `string.Format(format, arguments…)`; the first value is the format.
pub(crate) fn composite(values: &[Value], types: &[&Type]) -> Result<String, String> {
    let malformed = || "the format of `string.Format` is malformed".to_owned();
    let form = values.first().map(Value::as_text).unwrap_or_default();
    let mut out = String::new();
    let mut rest = form;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let bracket = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(doubled) = rest.strip_prefix(bracket) {
            out.push_str(bracket);
            rest = doubled;
            continue;
        }
        if bracket == "}" {
            return Err(malformed());
        }
        let end = rest.find('}').ok_or_else(malformed)?;
        out.push_str(&item(&rest[..end], values, types)?);
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// `index[,alignment][:format]`.
fn item(text: &str, values: &[Value], types: &[&Type]) -> Result<String, String> {
    let (head, form) = text.split_once(':').unwrap_or((text, ""));
    let (index, alignment) = head.split_once(',').unwrap_or((head, "0"));
    let malformed = |_| format!("`{{{text}}}` is no item of a format");
    let index: usize = index.trim().parse().map_err(malformed)?;
    let alignment: i64 = alignment.trim().parse().map_err(malformed)?;
    let (Some(value), Some(ty)) = (values.get(index + 1), types.get(index + 1)) else {
        return Err(format!(
            "the format names argument {index}, which there is not"
        ));
    };
    let body = if form.is_empty() {
        convert::text(value, &ty.base)
    } else {
        with_format(value, &ty.base, form)?
    };
    let width = usize::try_from(alignment.unsigned_abs())
        .unwrap_or_default()
        .min(1 << 16);
    Ok(if alignment < 0 {
        format!("{body:<width$}")
    } else {
        format!("{body:>width$}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // .NET Framework, Double.ToString(): fifteen significant digits, an exponent from 1E+15 and
    // below 1E-05.
    #[test]
    fn general_numbers_have_fifteen_digits() {
        assert_eq!(general(0.1 + 0.2, 15), "0.3");
        assert_eq!(general(1e15, 15), "1E+15");
        assert_eq!(general(123_456_789_012_345.0, 15), "123456789012345");
        assert_eq!(general(0.00001, 15), "1E-05");
        assert_eq!(general(-2.5, 15), "-2.5");
        assert_eq!(round_trip(0.1 + 0.2, false), "0.30000000000000004");
    }

    // .NET, "Standard numeric format strings" and "Custom numeric format strings".
    #[test]
    fn numbers_follow_standard_and_custom_formats() {
        let write = |value: f64, form: &str| {
            with_format(&Value::Double(value), &Base::Double, form).expect("a format")
        };
        assert_eq!(write(1234.565, "N2"), "1,234.57");
        assert_eq!(write(0.1234, "P1"), "12.3 %");
        assert_eq!(write(1234.5, "F0"), "1235");
        assert_eq!(write(12345.678, "E2"), "1.23E+004");
        assert_eq!(write(1234.5, "#,##0.00"), "1,234.50");
        assert_eq!(write(0.5, "#.##"), ".5");
        assert_eq!(write(-3.0, "0;(0)"), "(3)");
        let write = |value: i64, form: &str| {
            with_format(&Value::Int(value), &Base::Int, form).expect("a format")
        };
        assert_eq!(write(42, "D5"), "00042");
        assert_eq!(write(255, "X4"), "00FF");
        assert_eq!(write(-1, "x"), "ffffffff");
    }

    #[test]
    fn composite_formats_align_and_escape() {
        let int = Type::of(Base::Int);
        let values = [
            Value::text("{{{0,4}}}|{1:D3}|{0,-3}|"),
            Value::Int(7),
            Value::Int(5),
        ];
        let text = Type::of(Base::String);
        assert_eq!(
            composite(&values, &[&text, &int, &int]),
            Ok("{   7}|005|7  |".to_owned())
        );
        assert!(composite(&[Value::text("{1}")], &[&text]).is_err());
    }
}
