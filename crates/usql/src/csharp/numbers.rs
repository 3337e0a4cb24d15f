//! Numbers from texts and from other numbers, as `Parse`, `Convert` and `Math.Round` make them.

use rust_decimal::prelude::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Outcome, convert};
use crate::types::{Base, Type};
use crate::value::Value;

/// What `Parse` makes of a text.
pub(super) fn parsed(text: &Value, base: &Base) -> Outcome {
    if text.is_null() {
        return Err("a null cannot be parsed".to_owned());
    }
    convert::parse(text.as_text(), base).ok_or_else(|| {
        let ty = Type::of(base.clone());
        format!("`{}` is not of type `{ty}`", text.as_text())
    })
}

/// `Convert.ToX`: null becomes the default, and numbers are rounded half to even.
pub(crate) fn converted(value: &Value, base: &Base) -> Outcome {
    match value {
        Value::Null => convert::cast(&Value::Int(0), &Base::Int, base),
        Value::Text(_) => parsed(value, base),
        Value::Bool(flag) => convert::cast(&Value::Int(i64::from(*flag)), &Base::Int, base),
        Value::Double(_) | Value::Float(_)
            if !matches!(base, Base::Double | Base::Float | Base::Decimal) =>
        {
            let rounded = Value::Double(value.as_double().round_ties_even());
            checked(&rounded, base)
        }
        Value::Decimal(number) if !matches!(base, Base::Double | Base::Float | Base::Decimal) => {
            checked(&Value::Decimal(number.round()), base)
        }
        value => checked(value, base),
    }
}

/// A conversion that fails where a cast would wrap.
fn checked(value: &Value, base: &Base) -> Outcome {
    let result = convert::cast(value, &Base::Null, base)?;
    let fits = matches!(base, Base::Double | Base::Float | Base::Decimal)
        || (result.as_double() - value.as_double()).abs() < 1.0;
    if fits {
        Ok(result)
    } else {
        Err("the value is too large or too small for its new type".to_owned())
    }
}

/// To so many digits; half goes to even, or away from zero.
pub(super) fn rounded(value: Decimal, digits: i64, away: bool) -> Decimal {
    let strategy = if away {
        RoundingStrategy::MidpointAwayFromZero
    } else {
        RoundingStrategy::MidpointNearestEven
    };
    value.round_dp_with_strategy(u32::try_from(digits).unwrap_or_default(), strategy)
}

/// The same for a `double`, by the digits that it is written with.
pub(super) fn rounded_double(value: f64, digits: i64, away: bool) -> Outcome {
    let rounded = if digits == 0 {
        if away {
            value.round()
        } else {
            value.round_ties_even()
        }
    } else if Decimal::from_f64_retain(value).is_some() && value.abs() < 1e15 {
        let exact: Decimal = convert::text(&Value::Double(value), &Base::Double)
            .parse()
            .unwrap_or_default();
        self::rounded(exact, digits, away).to_f64().unwrap_or(value)
    } else {
        value
    };
    Ok(Value::Double(rounded))
}
