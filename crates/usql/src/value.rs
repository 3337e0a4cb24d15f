//! One value of a row, as C# expressions compute with it, and its way from and to Arrow.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray as _, BinaryBuilder, BooleanBuilder, Decimal128Builder,
    DurationMicrosecondBuilder, FixedSizeBinaryBuilder, Float32Builder, Float64Builder,
    Int8Builder, Int16Builder, Int32Builder, Int64Builder, ListArray, MapArray, StringBuilder,
    StructArray, TimestampMicrosecondBuilder, UInt8Builder, UInt16Builder, UInt32Builder,
    UInt64Builder,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, DurationMicrosecondType, Field, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use rust_decimal::Decimal;

use crate::types::{Base, DECIMAL_SCALE, Type};

/// A value. Its type is known from the expression; integers up to `long` share one form.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// Every integer type but `ulong`, `char` and `DayOfWeek` included.
    Int(i64),
    ULong(u64),
    Float(f32),
    Double(f64),
    Decimal(Decimal),
    Text(Arc<str>),
    /// Microseconds since 1970-01-01T00:00:00 without a time zone.
    DateTime(i64),
    /// Microseconds.
    TimeSpan(i64),
    Guid(u128),
    Bytes(Arc<[u8]>),
    Array(Arc<[Value]>),
    Map(Arc<[(Value, Value)]>),
}

impl Value {
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Arc::from(text.as_ref()))
    }

    pub(crate) const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    pub(crate) const fn as_bool(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    pub(crate) const fn as_int(&self) -> i64 {
        match self {
            Self::Int(value) | Self::DateTime(value) | Self::TimeSpan(value) => *value,
            Self::ULong(value) => value.cast_signed(),
            Self::Bool(value) => *value as i64,
            _ => 0,
        }
    }

    pub(crate) fn as_text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            _ => "",
        }
    }

    pub(crate) fn as_array(&self) -> &[Self] {
        match self {
            Self::Array(values) => values,
            _ => &[],
        }
    }

    pub(crate) fn as_double(&self) -> f64 {
        match self {
            Self::Double(value) => *value,
            Self::Float(value) => f64::from(*value),
            Self::Int(value) => *value as f64,
            Self::ULong(value) => *value as f64,
            Self::Decimal(value) => f64::try_from(*value).unwrap_or(f64::NAN),
            _ => f64::NAN,
        }
    }

    pub(crate) fn as_decimal(&self) -> Decimal {
        match self {
            Self::Decimal(value) => *value,
            Self::Int(value) => Decimal::from(*value),
            Self::ULong(value) => Decimal::from(*value),
            _ => Decimal::ZERO,
        }
    }

    /// The order of two values of one type; null comes first, texts go by their bytes (U-SQL
    /// orders strings ordinally).
    pub(crate) fn compare(&self, other: &Self) -> Option<Ordering> {
        use Value as V;
        match (self, other) {
            (V::Null, V::Null) => Some(Ordering::Equal),
            (V::Null, _) => Some(Ordering::Less),
            (_, V::Null) => Some(Ordering::Greater),
            (V::Bool(a), V::Bool(b)) => Some(a.cmp(b)),
            (V::Int(a), V::Int(b))
            | (V::DateTime(a), V::DateTime(b))
            | (V::TimeSpan(a), V::TimeSpan(b)) => Some(a.cmp(b)),
            (V::ULong(a), V::ULong(b)) => Some(a.cmp(b)),
            (V::Float(a), V::Float(b)) => a.partial_cmp(b),
            (V::Double(a), V::Double(b)) => a.partial_cmp(b),
            (V::Decimal(a), V::Decimal(b)) => Some(a.cmp(b)),
            (V::Text(a), V::Text(b)) => Some(a.cmp(b)),
            (V::Guid(a), V::Guid(b)) => Some(a.cmp(b)),
            (V::Bytes(a), V::Bytes(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// Reads a row of an Arrow column that holds values of `ty`.
    pub(crate) fn read(array: &dyn Array, row: usize, ty: &Type) -> Self {
        if array.is_null(row) {
            return Self::Null;
        }
        match &ty.base {
            Base::Bool => Self::Bool(array.as_boolean().value(row)),
            Base::SByte => Self::Int(array.as_primitive::<Int8Type>().value(row).into()),
            Base::Byte => Self::Int(array.as_primitive::<UInt8Type>().value(row).into()),
            Base::Short => Self::Int(array.as_primitive::<Int16Type>().value(row).into()),
            Base::UShort | Base::Char => {
                Self::Int(array.as_primitive::<UInt16Type>().value(row).into())
            }
            Base::Int | Base::DayOfWeek => {
                Self::Int(array.as_primitive::<Int32Type>().value(row).into())
            }
            Base::UInt => Self::Int(array.as_primitive::<UInt32Type>().value(row).into()),
            Base::Long | Base::Option => Self::Int(array.as_primitive::<Int64Type>().value(row)),
            Base::ULong => Self::ULong(array.as_primitive::<UInt64Type>().value(row)),
            Base::Float => Self::Float(array.as_primitive::<Float32Type>().value(row)),
            Base::Double => Self::Double(array.as_primitive::<Float64Type>().value(row)),
            Base::Decimal => {
                let stored = array.as_primitive::<Decimal128Type>().value(row);
                Self::Decimal(decimal_of(stored))
            }
            Base::String => Self::text(array.as_string::<i32>().value(row)),
            Base::DateTime => {
                Self::DateTime(array.as_primitive::<TimestampMicrosecondType>().value(row))
            }
            Base::TimeSpan => {
                Self::TimeSpan(array.as_primitive::<DurationMicrosecondType>().value(row))
            }
            Base::Guid => {
                let bytes = array.as_fixed_size_binary().value(row);
                Self::Guid(u128::from_be_bytes(bytes.try_into().unwrap_or_default()))
            }
            Base::Bytes => Self::Bytes(Arc::from(array.as_binary::<i32>().value(row))),
            Base::Array(element) => {
                let values = array.as_list::<i32>().value(row);
                let values = (0..values.len()).map(|at| Self::read(&values, at, element));
                Self::Array(values.collect())
            }
            Base::Map(key, value) => {
                let entries = array.as_map().value(row);
                let (keys, values) = (entries.column(0), entries.column(1));
                let entry = |at| (Self::read(keys, at, key), Self::read(values, at, value));
                Self::Map((0..entries.len()).map(entry).collect())
            }
            Base::Null => Self::Null,
        }
    }
}

/// A stored decimal with the zeros behind it removed, so that it prints as it was written.
fn decimal_of(stored: i128) -> Decimal {
    let scale = u32::from(DECIMAL_SCALE.unsigned_abs());
    Decimal::try_from_i128_with_scale(stored, scale).map_or(Decimal::MAX, |value| value.normalize())
}

/// A decimal as it is stored; `None` if it does not fit.
pub(crate) fn stored_decimal(value: Decimal) -> Option<i128> {
    let scale = u32::from(DECIMAL_SCALE.unsigned_abs());
    let rounded =
        value.round_dp_with_strategy(scale, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
    let factor = 10_i128.checked_pow(scale - rounded.scale())?;
    rounded.mantissa().checked_mul(factor)
}

macro_rules! primitive {
    ($values:expr, $builder:ty, $convert:expr) => {{
        let mut builder = <$builder>::with_capacity($values.len());
        for value in $values {
            if value.is_null() {
                builder.append_null();
            } else {
                builder.append_value($convert(value));
            }
        }
        Arc::new(builder.finish()) as ArrayRef
    }};
}

/// An Arrow column of values of one type.
pub(crate) fn column(values: &[Value], ty: &Type) -> ArrayRef {
    match &ty.base {
        Base::Bool | Base::Null => primitive!(values, BooleanBuilder, Value::as_bool),
        Base::SByte => primitive!(values, Int8Builder, |v: &Value| v.as_int() as i8),
        Base::Byte => primitive!(values, UInt8Builder, |v: &Value| v.as_int() as u8),
        Base::Short => primitive!(values, Int16Builder, |v: &Value| v.as_int() as i16),
        Base::UShort | Base::Char => {
            primitive!(values, UInt16Builder, |v: &Value| v.as_int() as u16)
        }
        Base::Int | Base::DayOfWeek => {
            primitive!(values, Int32Builder, |v: &Value| v.as_int() as i32)
        }
        Base::UInt => primitive!(values, UInt32Builder, |v: &Value| v.as_int() as u32),
        Base::Long | Base::Option => primitive!(values, Int64Builder, Value::as_int),
        Base::ULong => {
            primitive!(values, UInt64Builder, |v: &Value| v
                .as_int()
                .cast_unsigned())
        }
        Base::Float => primitive!(values, Float32Builder, |v: &Value| v.as_double() as f32),
        Base::Double => primitive!(values, Float64Builder, Value::as_double),
        Base::Decimal => {
            let stored = |v: &Value| stored_decimal(v.as_decimal()).unwrap_or_default();
            let array = primitive!(values, Decimal128Builder, stored);
            let array = array.as_primitive::<Decimal128Type>().clone();
            Arc::new(array.with_data_type(ty.arrow()))
        }
        Base::String => {
            let mut builder = StringBuilder::with_capacity(values.len(), values.len() * 16);
            for value in values {
                builder.append_option((!value.is_null()).then(|| value.as_text()));
            }
            Arc::new(builder.finish())
        }
        Base::DateTime => primitive!(values, TimestampMicrosecondBuilder, Value::as_int),
        Base::TimeSpan => primitive!(values, DurationMicrosecondBuilder, Value::as_int),
        Base::Guid => guids(values),
        Base::Bytes => {
            let mut builder = BinaryBuilder::new();
            for value in values {
                match value {
                    Value::Bytes(bytes) => builder.append_value(bytes),
                    _ => builder.append_null(),
                }
            }
            Arc::new(builder.finish())
        }
        Base::Array(element) => arrays(values, element),
        Base::Map(key, value) => maps(values, key, value, ty),
    }
}

fn guids(values: &[Value]) -> ArrayRef {
    let mut builder = FixedSizeBinaryBuilder::with_capacity(values.len(), 16);
    for value in values {
        match value {
            // Sixteen bytes always fit a column of sixteen bytes.
            Value::Guid(guid) => drop(builder.append_value(guid.to_be_bytes())),
            _ => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

fn arrays(values: &[Value], element: &Type) -> ArrayRef {
    let lengths = values.iter().map(|value| value.as_array().len());
    let offsets = OffsetBuffer::from_lengths(lengths);
    let flat: Vec<Value> = values.iter().flat_map(|v| v.as_array().to_vec()).collect();
    let nulls = NullBuffer::from_iter(values.iter().map(|value| !value.is_null()));
    let field = Arc::new(Field::new("item", element.arrow(), true));
    Arc::new(ListArray::new(
        field,
        offsets,
        column(&flat, element),
        Some(nulls),
    ))
}

fn maps(values: &[Value], key: &Type, value: &Type, ty: &Type) -> ArrayRef {
    let entries = |each: &Value| match each {
        Value::Map(entries) => entries.to_vec(),
        _ => Vec::new(),
    };
    let all: Vec<Vec<(Value, Value)>> = values.iter().map(entries).collect();
    let offsets = OffsetBuffer::from_lengths(all.iter().map(Vec::len));
    let (keys, mapped): (Vec<_>, Vec<_>) = all.into_iter().flatten().unzip();
    let nulls = NullBuffer::from_iter(values.iter().map(|value| !value.is_null()));
    let DataType::Map(field, _) = ty.arrow() else {
        unreachable!("the Arrow type of a map is a map");
    };
    let DataType::Struct(fields) = field.data_type().clone() else {
        unreachable!("the entries of a map are a struct");
    };
    let columns = vec![column(&keys, key), column(&mapped, value)];
    let entries = StructArray::new(fields, columns, None);
    Arc::new(MapArray::new(field, offsets, entries, Some(nulls), false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_their_way_through_arrow() {
        let text = Type::of(Base::String);
        let cases = [
            (Type::of(Base::Int), vec![Value::Int(-1), Value::Null]),
            (Type::of(Base::ULong), vec![Value::ULong(u64::MAX)]),
            (
                Type::of(Base::Decimal),
                vec![Value::Decimal(Decimal::new(-125, 2))],
            ),
            (text.clone(), vec![Value::text("ü"), Value::Null]),
            (Type::of(Base::Guid), vec![Value::Guid(7), Value::Null]),
            (
                Type::array(text.clone()),
                vec![
                    Value::Array(Arc::from([Value::text("a"), Value::Null])),
                    Value::Null,
                ],
            ),
            (
                Type::of(Base::Map(Box::new(text.clone()), Box::new(text.clone()))),
                vec![
                    Value::Map(Arc::from([(Value::text("k"), Value::Null)])),
                    Value::Null,
                ],
            ),
        ];
        for (ty, values) in cases {
            let array = column(&values, &ty);
            assert_eq!(*array.data_type(), ty.arrow());
            let back: Vec<_> = (0..values.len())
                .map(|row| Value::read(&array, row, &ty))
                .collect();
            assert_eq!(back, values);
        }
    }
}
