//! What a kind is in a Parquet file, and what a file's columns are as kinds.

use std::sync::Arc;

use parquet::basic::{
    ConvertedType as Converted, LogicalType as Logical, Repetition, TimeUnit, Type as Physical,
};
use parquet::errors::Result;
use parquet::schema::types::{ColumnDescriptor, Type, TypePtr};

use crate::error::Error;
use crate::value::{DIGITS_MAX, Heading, Kind};

/// The digits that fit into 64 bits.
const DIGITS_OF_INT64: u8 = 18;

/// How many bytes a decimal has that has more.
pub(super) const DECIMAL_BYTES: i32 = 16;

/// The schema of a file with these columns, each of which may have NULLs.
pub(super) fn schema_of(headings: &[Heading]) -> Result<TypePtr> {
    let fields = headings
        .iter()
        .map(|heading| field_of(heading).map(Arc::new));
    let fields = fields.collect::<Result<Vec<_>>>()?;
    let schema = Type::group_type_builder("schema").with_fields(fields);
    schema.build().map(Arc::new)
}

fn field_of(heading: &Heading) -> Result<Type> {
    let micros = || TimeUnit::MICROS;
    let (physical, logical) = match heading.kind {
        Kind::Bool => (Physical::BOOLEAN, None),
        Kind::Int(16) => (Physical::INT32, Some(Logical::integer(16, true))),
        Kind::Int(32) => (Physical::INT32, None),
        Kind::Int(_) => (Physical::INT64, None),
        Kind::Float32 => (Physical::FLOAT, None),
        Kind::Float64 => (Physical::DOUBLE, None),
        Kind::Decimal(digits, scale) => {
            let logical = Logical::decimal(i32::from(scale), i32::from(digits));
            match is_int64(digits) {
                true => (Physical::INT64, Some(logical)),
                false => (Physical::FIXED_LEN_BYTE_ARRAY, Some(logical)),
            }
        }
        Kind::Text | Kind::Field => (Physical::BYTE_ARRAY, Some(Logical::String)),
        Kind::Json => (Physical::BYTE_ARRAY, Some(Logical::Json)),
        Kind::Uuid => (Physical::FIXED_LEN_BYTE_ARRAY, Some(Logical::Uuid)),
        Kind::Bytes => (Physical::BYTE_ARRAY, None),
        Kind::Date => (Physical::INT32, Some(Logical::Date)),
        Kind::Time => (Physical::INT64, Some(Logical::time(false, micros()))),
        Kind::Timestamp => (Physical::INT64, Some(Logical::timestamp(false, micros()))),
        Kind::Instant => (Physical::INT64, Some(Logical::timestamp(true, micros()))),
    };
    let mut field = Type::primitive_type_builder(&heading.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical);
    if let Kind::Decimal(digits, scale) = heading.kind {
        field = field
            .with_precision(i32::from(digits))
            .with_scale(i32::from(scale));
    }
    if physical == Physical::FIXED_LEN_BYTE_ARRAY {
        field = field.with_length(DECIMAL_BYTES);
    }
    field.build()
}

/// Whether a decimal is written as a whole number of 64 bits.
pub(super) const fn is_int64(digits: u8) -> bool {
    digits <= DIGITS_OF_INT64
}

/// What a column of a file is, and by how much its whole numbers are multiplied and divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) kind: Kind,
    pub(super) times: i64,
    pub(super) per: i64,
}

/// What a column of a file is.
///
/// # Errors
/// When it is nested, or of a type that no table has.
pub(super) fn form_of(column: &ColumnDescriptor, shown: &str) -> crate::error::Result<Form> {
    let name = column.name();
    let refuse = |what: &str| {
        Err(Error::refused(
            format!("column `{name}` of {shown} is {what}, which no table has"),
            "write the file without it, or as a text",
        ))
    };
    if column.path().parts().len() > 1 || column.max_rep_level() > 0 {
        return refuse("nested");
    }
    let plain = |kind| {
        Ok(Form {
            kind,
            times: 1,
            per: 1,
        })
    };
    let scaled = |kind, unit: &TimeUnit| {
        let (times, per) = match unit {
            TimeUnit::MILLIS => (1_000, 1),
            TimeUnit::MICROS => (1, 1),
            TimeUnit::NANOS => (1, 1_000),
        };
        Ok(Form { kind, times, per })
    };
    let instant = |is_utc| {
        if is_utc {
            Kind::Instant
        } else {
            Kind::Timestamp
        }
    };
    if let Some(logical) = column.logical_type_ref() {
        match logical {
            Logical::Time(time) => return scaled(Kind::Time, &time.unit),
            Logical::Timestamp(time) => {
                return scaled(instant(time.is_adjusted_to_u_t_c), &time.unit);
            }
            Logical::Uuid => return plain(Kind::Uuid),
            Logical::Json => return plain(Kind::Json),
            Logical::Float16 => return refuse("a number of 16 bits"),
            _ => {}
        }
    }
    match (column.physical_type(), column.converted_type()) {
        (_, Converted::DECIMAL) => {
            let digits = u8::try_from(column.type_precision()).unwrap_or(u8::MAX);
            let scale = u8::try_from(column.type_scale()).unwrap_or(u8::MAX);
            match digits <= DIGITS_MAX && scale <= digits {
                true => plain(Kind::Decimal(digits, scale)),
                false => refuse("a decimal number of more than 38 digits"),
            }
        }
        (_, Converted::INTERVAL) => refuse("an interval"),
        (Physical::INT32, Converted::TIME_MILLIS) => scaled(Kind::Time, &TimeUnit::MILLIS),
        (Physical::INT64, Converted::TIMESTAMP_MILLIS) => scaled(Kind::Instant, &TimeUnit::MILLIS),
        (physical, converted) => plain(plain_kind(physical, converted)),
    }
}

/// What values are that are taken as they are.
const fn plain_kind(physical: Physical, converted: Converted) -> Kind {
    match (physical, converted) {
        (Physical::BOOLEAN, _) => Kind::Bool,
        (Physical::INT32, Converted::DATE) => Kind::Date,
        (Physical::INT32, Converted::INT_8 | Converted::INT_16 | Converted::UINT_8) => {
            Kind::Int(16)
        }
        (Physical::INT32, Converted::UINT_32) => Kind::Int(64),
        (Physical::INT32, _) => Kind::Int(32),
        (Physical::INT64, Converted::TIME_MICROS) => Kind::Time,
        (Physical::INT64, Converted::TIMESTAMP_MICROS) => Kind::Instant,
        (Physical::INT64, Converted::UINT_64) => Kind::Decimal(20, 0),
        (Physical::INT64, _) => Kind::Int(64),
        (Physical::INT96, _) => Kind::Timestamp,
        (Physical::FLOAT, _) => Kind::Float32,
        (Physical::DOUBLE, _) => Kind::Float64,
        (Physical::BYTE_ARRAY, Converted::UTF8 | Converted::ENUM) => Kind::Text,
        (Physical::BYTE_ARRAY, Converted::JSON) => Kind::Json,
        (Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY, _) => Kind::Bytes,
    }
}

#[cfg(test)]
mod tests {
    use parquet::schema::types::SchemaDescriptor;

    use super::*;

    #[test]
    fn each_kind_is_the_same_after_a_file() {
        let kinds = [
            Kind::Bool,
            Kind::Int(16),
            Kind::Int(32),
            Kind::Int(64),
            Kind::Float32,
            Kind::Float64,
            Kind::Decimal(18, 4),
            Kind::Decimal(38, 38),
            Kind::Text,
            Kind::Json,
            Kind::Uuid,
            Kind::Bytes,
            Kind::Date,
            Kind::Time,
            Kind::Timestamp,
            Kind::Instant,
        ];
        let headings = kinds.map(|kind| Heading {
            name: format!("{kind:?}"),
            kind,
        });
        let schema = SchemaDescriptor::new(schema_of(&headings).expect("a schema"));
        let read = schema.columns().iter().map(|column| {
            let form = form_of(column, "`file`").expect("known");
            assert_eq!((form.times, form.per), (1, 1));
            form.kind
        });
        assert_eq!(read.collect::<Vec<_>>(), kinds);
    }
}
