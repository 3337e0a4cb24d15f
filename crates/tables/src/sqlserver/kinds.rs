//! What the types of SQL Server are as kinds, and its values as ours. Pure.

use bytes::Bytes;
use tiberius::ColumnData;
use tiberius::time::{Date, DateTime2, Time};

use crate::error::Result;
use crate::text::days_of;
use crate::value::{Column, DIGITS_MAX, Heading, Kind, misfit};

const DAY_US: i64 = 86_400_000_000;

/// What a column holds whose type has this name, as the server gives it: `decimal(20,4)`. Nothing for
/// a type that no table elsewhere has.
pub(super) fn kind_of(name: &str) -> Option<Kind> {
    let (base, inner) = match name.split_once('(') {
        Some((base, inner)) => (base.trim(), inner.trim_end_matches(')')),
        None => (name.trim(), ""),
    };
    Some(match base.to_lowercase().as_str() {
        "bit" => Kind::Bool,
        // The first has no sign.
        "tinyint" | "smallint" => Kind::Int(16),
        "int" => Kind::Int(32),
        "bigint" => Kind::Int(64),
        "real" => Kind::Float32,
        "float" => Kind::Float64,
        "decimal" | "numeric" => decimal_of(inner)?,
        "money" => Kind::Decimal(19, 4),
        "smallmoney" => Kind::Decimal(10, 4),
        "char" | "varchar" | "nchar" | "nvarchar" | "text" | "ntext" | "sysname" | "xml" => {
            Kind::Text
        }
        "json" => Kind::Json,
        "uniqueidentifier" => Kind::Uuid,
        "binary" | "varbinary" | "image" | "timestamp" | "rowversion" => Kind::Bytes,
        "date" => Kind::Date,
        "time" => Kind::Time,
        "datetime" | "smalldatetime" | "datetime2" => Kind::Timestamp,
        "datetimeoffset" => Kind::Instant,
        _ => return None,
    })
}

fn decimal_of(inner: &str) -> Option<Kind> {
    let (digits, scale) = inner.split_once(',').unwrap_or((inner, "0"));
    let digits: u8 = digits.trim().parse().ok()?;
    let scale: u8 = scale.trim().parse().ok()?;
    (digits <= DIGITS_MAX && scale <= digits).then_some(Kind::Decimal(digits, scale))
}

/// Adds a value to a column; how large it is.
pub(super) fn add(value: ColumnData<'_>, heading: &Heading, column: &mut Column) -> Result<usize> {
    let name = &heading.name;
    let mut size = 8;
    match (heading.kind, value) {
        (Kind::Bool, ColumnData::Bit(Some(value))) => column.bool(value),
        (Kind::Int(_), ColumnData::U8(Some(value))) => column.int(i64::from(value)),
        (Kind::Int(_), ColumnData::I16(Some(value))) => column.int(i64::from(value)),
        (Kind::Int(_), ColumnData::I32(Some(value))) => column.int(i64::from(value)),
        (Kind::Int(_), ColumnData::I64(Some(value))) => column.int(value),
        (Kind::Float32, ColumnData::F32(Some(value))) => column.float32(value),
        (Kind::Float64, ColumnData::F64(Some(value))) => column.float64(value),
        (Kind::Decimal(_, scale), ColumnData::Numeric(Some(value))) => {
            column.decimal(rescaled(name, value.value(), value.scale(), scale)?);
        }
        (Kind::Decimal(..), ColumnData::F64(Some(value))) => column.decimal(money(name, value)?),
        (Kind::Text | Kind::Json, ColumnData::String(Some(text))) => {
            size = text.len() + 16;
            column.bytes(Bytes::from(text.into_owned()));
        }
        (Kind::Text, ColumnData::Xml(Some(text))) => {
            let text = text.into_owned().into_string();
            size = text.len() + 16;
            column.bytes(Bytes::from(text));
        }
        (Kind::Uuid, ColumnData::Guid(Some(value))) => {
            column.bytes(Bytes::copy_from_slice(value.as_bytes()));
        }
        (Kind::Bytes, ColumnData::Binary(Some(bytes))) => {
            size = bytes.len() + 16;
            column.bytes(Bytes::from(bytes.into_owned()));
        }
        (kind, value) => match moment(name, kind, &value)? {
            Some(number) => column.int(number),
            None if is_null(&value) => column.null(),
            None => return Err(misfit(name, "it is of another type than its column")),
        },
    }
    Ok(size)
}

/// A date or a time as a number; nothing for what is none.
fn moment(name: &str, kind: Kind, value: &ColumnData<'_>) -> Result<Option<i64>> {
    // 1/300 of a second, as the server rounds them to microseconds.
    let fragments = |fragments: i64| (fragments * 10_000 + 1) / 3;
    Ok(Some(match (kind, value) {
        (Kind::Date, ColumnData::Date(Some(date))) => day(*date),
        (Kind::Time, ColumnData::Time(Some(time))) => micros(name, *time)?,
        (Kind::Timestamp, ColumnData::DateTime2(Some(both))) => both_of(name, *both)?,
        (Kind::Timestamp, ColumnData::DateTime(Some(value))) => {
            let days = days_of(1900, 1, 1) + i64::from(value.days());
            days * DAY_US + fragments(i64::from(value.seconds_fragments()))
        }
        (Kind::Timestamp, ColumnData::SmallDateTime(Some(value))) => {
            let days = days_of(1900, 1, 1) + i64::from(value.days());
            days * DAY_US + i64::from(value.seconds_fragments()) * 60_000_000
        }
        // The time is that of UTC, whatever the offset.
        (Kind::Instant, ColumnData::DateTimeOffset(Some(value))) => {
            both_of(name, value.datetime2())?
        }
        _ => return Ok(None),
    }))
}

fn day(date: Date) -> i64 {
    days_of(1, 1, 1) + i64::from(date.days())
}

fn both_of(name: &str, both: DateTime2) -> Result<i64> {
    Ok(day(both.date()) * DAY_US + micros(name, both.time())?)
}

/// Microseconds of a time that is counted in parts of 10 to the power of its scale.
fn micros(name: &str, time: Time) -> Result<i64> {
    let count = i64::try_from(time.increments()).map_err(|_| misfit(name, "it is out of range"))?;
    match time.scale() {
        scale @ 0..=6 => Ok(count * 10_i64.pow(6 - u32::from(scale))),
        _ if count % 10 == 0 => Ok(count / 10),
        _ => Err(misfit(name, "it is finer than microseconds")),
    }
}

fn rescaled(name: &str, value: i128, from: u8, to: u8) -> Result<i128> {
    let ten = |power: u8| 10_i128.checked_pow(u32::from(power));
    let scaled = match to.checked_sub(from) {
        Some(more) => ten(more).and_then(|ten| value.checked_mul(ten)),
        None => ten(from - to).and_then(|ten| (value % ten == 0).then_some(value / ten)),
    };
    scaled.ok_or_else(|| misfit(name, "it has too many digits"))
}

/// An amount of money with its four digits, which the client library gives as a floating point number.
fn money(name: &str, value: f64) -> Result<i128> {
    const EXACT: f64 = 9.0e11;
    match value.abs() < EXACT {
        true => Ok((value * 10_000.0).round() as i128),
        false => Err(misfit(
            name,
            "an amount of 900,000,000,000 and more is not exact here",
        )),
    }
}

const fn is_null(value: &ColumnData<'_>) -> bool {
    matches!(
        value,
        ColumnData::U8(None)
            | ColumnData::I16(None)
            | ColumnData::I32(None)
            | ColumnData::I64(None)
            | ColumnData::F32(None)
            | ColumnData::F64(None)
            | ColumnData::Bit(None)
            | ColumnData::String(None)
            | ColumnData::Guid(None)
            | ColumnData::Binary(None)
            | ColumnData::Numeric(None)
            | ColumnData::Xml(None)
            | ColumnData::DateTime(None)
            | ColumnData::SmallDateTime(None)
            | ColumnData::Time(None)
            | ColumnData::Date(None)
            | ColumnData::DateTime2(None)
            | ColumnData::DateTimeOffset(None)
    )
}

#[cfg(test)]
mod tests {
    use tiberius::numeric::Numeric;
    use tiberius::time::{DateTime, DateTimeOffset, SmallDateTime};

    use super::*;
    use crate::value::Value;

    fn read(kind: Kind, value: ColumnData<'_>) -> String {
        let name = "c".to_owned();
        let mut column = Column::new(kind);
        if let Err(error) = add(value, &Heading { name, kind }, &mut column) {
            return error.to_string();
        }
        let mut text = String::new();
        match column.values().next() {
            Some(Value::Null) | None => "NULL".to_owned(),
            Some(value) => {
                crate::text::write(&mut text, kind, value);
                text
            }
        }
    }

    #[test]
    fn a_type_is_known_by_its_name() {
        let cases = [
            ("bit", Some(Kind::Bool)),
            ("tinyint", Some(Kind::Int(16))),
            ("bigint", Some(Kind::Int(64))),
            ("decimal(20,4)", Some(Kind::Decimal(20, 4))),
            ("numeric(38, 0)", Some(Kind::Decimal(38, 0))),
            ("money", Some(Kind::Decimal(19, 4))),
            ("float", Some(Kind::Float64)),
            ("nvarchar(max)", Some(Kind::Text)),
            ("NVARCHAR(4000)", Some(Kind::Text)),
            ("varbinary(max)", Some(Kind::Bytes)),
            ("rowversion", Some(Kind::Bytes)),
            ("datetime2(7)", Some(Kind::Timestamp)),
            ("datetimeoffset(6)", Some(Kind::Instant)),
            ("uniqueidentifier", Some(Kind::Uuid)),
            ("json", Some(Kind::Json)),
            ("geography", None),
            ("sql_variant", None),
            ("hierarchyid", None),
        ];
        for (name, expected) in cases {
            assert_eq!(kind_of(name), expected, "{name}");
        }
    }

    #[test]
    fn values_are_what_the_server_would_show() {
        let number =
            |value, scale| ColumnData::Numeric(Some(Numeric::new_with_scale(value, scale)));
        assert_eq!(read(Kind::Decimal(20, 4), number(-1, 4)), "-0.0001");
        assert_eq!(read(Kind::Decimal(20, 4), number(125, 1)), "12.5000");
        assert!(read(Kind::Decimal(20, 1), number(125, 2)).contains("too many digits"));
        assert_eq!(
            read(Kind::Decimal(19, 4), ColumnData::F64(Some(-12.34))),
            "-12.3400"
        );
        assert!(read(Kind::Decimal(19, 4), ColumnData::F64(Some(9.2e14))).contains("column `c`"));
        assert_eq!(read(Kind::Int(16), ColumnData::U8(Some(255))), "255");
        assert_eq!(read(Kind::Text, ColumnData::String(None)), "NULL");
        assert_eq!(
            read(Kind::Date, ColumnData::Date(Some(Date::new(0)))),
            "0001-01-01"
        );
        let time = Time::new(863_999_999_999, 7);
        assert!(read(Kind::Time, ColumnData::Time(Some(time))).contains("finer than microseconds"));
        let time = Time::new(86_399_123_456, 6);
        assert_eq!(
            read(Kind::Time, ColumnData::Time(Some(time))),
            "23:59:59.123456"
        );
        // 2026-07-01 is day 739,797 after 0001-01-01.
        let both = DateTime2::new(Date::new(739_797), Time::new(360_000_000_000, 7));
        assert_eq!(
            read(Kind::Timestamp, ColumnData::DateTime2(Some(both))),
            "2026-07-01 10:00:00"
        );
        let moment = DateTimeOffset::new(both, 120);
        assert_eq!(
            read(Kind::Instant, ColumnData::DateTimeOffset(Some(moment))),
            "2026-07-01 10:00:00+00:00"
        );
        let old = DateTime::new(-1, 1);
        assert_eq!(
            read(Kind::Timestamp, ColumnData::DateTime(Some(old))),
            "1899-12-31 00:00:00.003333"
        );
        let small = SmallDateTime::new(1, 61);
        assert_eq!(
            read(Kind::Timestamp, ColumnData::SmallDateTime(Some(small))),
            "1900-01-02 01:01:00"
        );
        assert!(read(Kind::Date, ColumnData::Bit(Some(true))).contains("another type"));
    }
}
