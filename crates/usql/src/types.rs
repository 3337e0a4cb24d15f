//! The types of columns and expressions, their conversions, and how Arrow holds them.
//!
//! Value types take no null unless `?` says so; `string`, `byte[]`, arrays and maps always do
//! (U-SQL language reference, "Built-in U-SQL Types"). Two deviations, both documented: `decimal`
//! columns keep ten fractional digits, and `DateTime` counts microseconds where .NET counts tenths.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Fields, TimeUnit};

/// The digits behind the point that a `decimal` column keeps.
pub(crate) const DECIMAL_SCALE: i8 = 10;

/// A type without regard to null.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Base {
    Bool,
    SByte,
    Byte,
    Short,
    UShort,
    Int,
    UInt,
    Long,
    ULong,
    Float,
    Double,
    Decimal,
    Char,
    String,
    DateTime,
    TimeSpan,
    Guid,
    /// The result of `DateTime.DayOfWeek`: a number with a name.
    DayOfWeek,
    Bytes,
    Array(Box<Type>),
    Map(Box<Type>, Box<Type>),
    /// The type of the literal `null`.
    Null,
    /// A value of an enumeration such as `StringComparison`, or an encoding: only an argument.
    Option,
}

/// A type, and whether it takes null.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Type {
    pub(crate) base: Base,
    pub(crate) nullable: bool,
}

impl Type {
    /// A type as it is without `?`; reference types take null all the same.
    pub(crate) const fn of(base: Base) -> Self {
        let nullable = matches!(
            base,
            Base::String | Base::Bytes | Base::Array(_) | Base::Map(..) | Base::Null
        );
        Self { base, nullable }
    }

    pub(crate) const fn nullable(base: Base) -> Self {
        Self {
            base,
            nullable: true,
        }
    }

    /// The same type where null is possible.
    pub(crate) fn or_null(mut self) -> Self {
        self.nullable = true;
        self
    }

    pub(crate) fn array(element: Self) -> Self {
        Self::of(Base::Array(Box::new(element)))
    }

    /// A type by one of its names in C#.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.strip_prefix("System.").unwrap_or(name);
        let base = match name {
            "bool" | "Boolean" => Base::Bool,
            "sbyte" | "SByte" => Base::SByte,
            "byte" | "Byte" => Base::Byte,
            "short" | "Int16" => Base::Short,
            "ushort" | "UInt16" => Base::UShort,
            "int" | "Int32" => Base::Int,
            "uint" | "UInt32" => Base::UInt,
            "long" | "Int64" => Base::Long,
            "ulong" | "UInt64" => Base::ULong,
            "float" | "Single" => Base::Float,
            "double" | "Double" => Base::Double,
            "decimal" | "Decimal" => Base::Decimal,
            "char" | "Char" => Base::Char,
            "string" | "String" => Base::String,
            "DateTime" => Base::DateTime,
            "TimeSpan" => Base::TimeSpan,
            "Guid" => Base::Guid,
            _ => return None,
        };
        Some(Self::of(base))
    }

    /// How Arrow holds a column of it.
    pub(crate) fn arrow(&self) -> DataType {
        match &self.base {
            Base::Bool | Base::Null => DataType::Boolean,
            Base::SByte => DataType::Int8,
            Base::Byte => DataType::UInt8,
            Base::Short => DataType::Int16,
            Base::UShort | Base::Char => DataType::UInt16,
            Base::Int | Base::DayOfWeek => DataType::Int32,
            Base::UInt => DataType::UInt32,
            Base::Long | Base::Option => DataType::Int64,
            Base::ULong => DataType::UInt64,
            Base::Float => DataType::Float32,
            Base::Double => DataType::Float64,
            Base::Decimal => DataType::Decimal128(38, DECIMAL_SCALE),
            Base::String => DataType::Utf8,
            Base::DateTime => DataType::Timestamp(TimeUnit::Microsecond, None),
            Base::TimeSpan => DataType::Duration(TimeUnit::Microsecond),
            Base::Guid => DataType::FixedSizeBinary(16),
            Base::Bytes => DataType::Binary,
            Base::Array(element) => DataType::List(Arc::new(element_field(element))),
            Base::Map(key, value) => DataType::Map(
                Arc::new(Field::new(
                    "entries",
                    DataType::Struct(Fields::from(vec![
                        Field::new("keys", key.arrow(), false),
                        Field::new("values", value.arrow(), true),
                    ])),
                    false,
                )),
                false,
            ),
        }
    }

    pub(crate) const fn is_integer(&self) -> bool {
        matches!(
            self.base,
            Base::SByte
                | Base::Byte
                | Base::Short
                | Base::UShort
                | Base::Int
                | Base::UInt
                | Base::Long
                | Base::ULong
                | Base::Char
        )
    }

    pub(crate) const fn is_numeric(&self) -> bool {
        self.is_integer() || matches!(self.base, Base::Float | Base::Double | Base::Decimal)
    }

    pub(crate) fn is_string(&self) -> bool {
        self.base == Base::String
    }

    /// Whether a value converts to `target` without a cast: the implicit conversions of C#
    /// (language specification, 10.2), lifted over null. `null` converts to all that take it.
    pub(crate) fn converts_to(&self, target: &Self) -> bool {
        if self.base == Base::Null {
            return target.nullable;
        }
        if self.nullable && !target.nullable {
            return false;
        }
        self.base == target.base || widens(&self.base, &target.base)
    }
}

/// The field of a list's elements; the name is Arrow's custom.
fn element_field(element: &Type) -> Field {
    Field::new("item", element.arrow(), true)
}

/// Implicit numeric conversions (C# language specification, 10.2.3).
fn widens(from: &Base, to: &Base) -> bool {
    use Base::{Byte, Char, Decimal, Double, Float, Int, Long, SByte, Short, UInt, ULong, UShort};
    let targets: &[Base] = match from {
        SByte => &[Short, Int, Long, Float, Double, Decimal],
        Byte => &[
            Short, UShort, Int, UInt, Long, ULong, Float, Double, Decimal,
        ],
        Short => &[Int, Long, Float, Double, Decimal],
        UShort | Char => &[UShort, Int, UInt, Long, ULong, Float, Double, Decimal],
        Int => &[Long, Float, Double, Decimal],
        UInt => &[Long, ULong, Float, Double, Decimal],
        Long | ULong => &[Float, Double, Decimal],
        Float => &[Double],
        _ => &[],
    };
    targets.contains(to)
}

/// The type in which two numbers are computed together (C# language specification, 12.4.7);
/// `None` where C# has none, such as `decimal` with `double`.
pub(crate) fn promoted(left: &Base, right: &Base) -> Option<Base> {
    use Base::{Decimal, Double, Float, Int, Long, SByte, Short, UInt, ULong};
    let either = |base: &Base| left == base || right == base;
    let floating = |base: &Base| matches!(base, Float | Double);
    let signed = |base: &Base| matches!(base, SByte | Short | Int | Long);
    Some(if either(&Decimal) {
        if floating(left) || floating(right) {
            return None;
        }
        Decimal
    } else if either(&Double) {
        Double
    } else if either(&Float) {
        Float
    } else if either(&ULong) {
        if signed(left) || signed(right) {
            return None;
        }
        ULong
    } else if either(&Long) || (either(&UInt) && (signed(left) || signed(right))) {
        Long
    } else if either(&UInt) {
        UInt
    } else {
        Int
    })
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.base {
            Base::Bool => "bool",
            Base::SByte => "sbyte",
            Base::Byte => "byte",
            Base::Short => "short",
            Base::UShort => "ushort",
            Base::Int => "int",
            Base::UInt => "uint",
            Base::Long => "long",
            Base::ULong => "ulong",
            Base::Float => "float",
            Base::Double => "double",
            Base::Decimal => "decimal",
            Base::Char => "char",
            Base::String => return f.write_str("string"),
            Base::DateTime => "DateTime",
            Base::TimeSpan => "TimeSpan",
            Base::Guid => "Guid",
            Base::DayOfWeek => "DayOfWeek",
            Base::Bytes => return f.write_str("byte[]"),
            Base::Array(element) => return write!(f, "SQL.ARRAY<{element}>"),
            Base::Map(key, value) => return write!(f, "SQL.MAP<{key}, {value}>"),
            Base::Null => return f.write_str("null"),
            Base::Option => "an option",
        };
        f.write_str(name)?;
        if self.nullable {
            f.write_str("?")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // C# language specification, 10.2.3: there is no implicit conversion between `decimal` and the
    // binary floating-point types, and none from `long` to `int`.
    #[test]
    fn numbers_widen_and_never_narrow() {
        let converts = |from: &str, to: &str| {
            let (from, to) = (Type::named(from), Type::named(to));
            from.zip(to).is_some_and(|(from, to)| from.converts_to(&to))
        };
        assert!(converts("int", "long") && converts("char", "int") && converts("long", "float"));
        assert!(converts("ulong", "decimal"));
        assert!(!converts("long", "int") && !converts("double", "decimal"));
        assert!(!converts("decimal", "double") && !converts("int", "char"));
    }

    // C# language specification, 12.4.7.3: `int` with `uint` is `long`; `ulong` with a signed type
    // is an error.
    #[test]
    fn binary_promotion_follows_csharp() {
        assert_eq!(promoted(&Base::Int, &Base::UInt), Some(Base::Long));
        assert_eq!(promoted(&Base::Byte, &Base::Byte), Some(Base::Int));
        assert_eq!(promoted(&Base::ULong, &Base::Int), None);
        assert_eq!(promoted(&Base::Decimal, &Base::Double), None);
    }
}
