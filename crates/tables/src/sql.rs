//! Names and literals in SQL, quoted so that no text can be anything else.

use stepwell_model::{ProcedureParameter as Parameter, ProcedureType as ParameterType};

use crate::error::{Error, Result};

/// How names are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quote {
    /// `"name"`, as the standard has it.
    Double,
    /// `` `name` ``, as MySQL has it.
    Back,
    /// `[name]`, as SQL Server has it.
    Bracket,
}

impl Quote {
    /// A name.
    pub(crate) fn name(self, name: &str) -> String {
        let (open, close) = match self {
            Self::Double => ("\"", "\""),
            Self::Back => ("`", "`"),
            Self::Bracket => ("[", "]"),
        };
        format!("{open}{}{close}", name.replace(close, &close.repeat(2)))
    }

    /// The name of a table, which may have that of its schema before a dot.
    pub(crate) fn table(self, table: &str) -> String {
        let parts: Vec<String> = table.split('.').map(|part| self.name(part)).collect();
        parts.join(".")
    }

    /// Names with commas between.
    pub(crate) fn names(self, names: &[String]) -> String {
        let names: Vec<String> = names.iter().map(|name| self.name(name)).collect();
        names.join(", ")
    }
}

/// What becomes of a row whose keys are there already: its other columns are updated.
pub(crate) fn update(quote: Quote, source: &[String], keys: &[String]) -> String {
    let others = source.iter().filter(|name| !keys.contains(name));
    let set = others.map(|name| {
        let name = quote.name(name);
        format!("{name} = excluded.{name}")
    });
    let set = set.collect::<Vec<_>>().join(", ");
    match set.is_empty() {
        true => "NOTHING".to_owned(),
        false => format!("UPDATE SET {set}"),
    }
}

/// A text as a literal of the standard.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The value of a parameter as a literal with its type, and refused when it is not of that type.
pub(crate) fn parameter(parameter: &Parameter) -> Result<String> {
    let Some(text) = &parameter.value else {
        return Ok("NULL".to_owned());
    };
    let number = text.trim();
    let is_number = |is_whole: bool| {
        let digits = number.strip_prefix('-').unwrap_or(number);
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let all = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        !whole.is_empty() && all(whole) && all(decimals) && !(is_whole && digits.contains('.'))
    };
    let refuse = |what: &str| {
        Err(Error::refused(
            format!(
                "parameter `{}` is {what}, and {text:?} is none",
                parameter.name
            ),
            "give it another value or another type",
        ))
    };
    match parameter.kind {
        ParameterType::String => Ok(literal(text)),
        ParameterType::Int if is_number(true) => Ok(number.to_owned()),
        ParameterType::Int => refuse("a whole number"),
        ParameterType::Decimal if is_number(false) => Ok(number.to_owned()),
        ParameterType::Decimal => refuse("a decimal number"),
        ParameterType::Guid => Ok(format!("CAST({} AS uuid)", literal(text))),
        ParameterType::Date => Ok(format!("CAST({} AS date)", literal(text))),
        ParameterType::Boolean => match number.to_lowercase().as_str() {
            "true" | "1" => Ok("TRUE".to_owned()),
            "false" | "0" => Ok("FALSE".to_owned()),
            _ => refuse("true or false"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_a_name_whatever_is_in_it() {
        assert_eq!(Quote::Double.table("public.a\"b"), "\"public\".\"a\"\"b\"");
        assert_eq!(Quote::Back.name("a`; DROP"), "`a``; DROP`");
        assert_eq!(Quote::Bracket.table("dbo.a]; DROP"), "[dbo].[a]]; DROP]");
        assert_eq!(literal("it's"), "'it''s'");
    }

    #[test]
    fn a_parameter_is_of_its_type_or_refused() {
        let given = |value: Option<&str>, kind| {
            let value = value.map(str::to_owned);
            let name = "p".to_owned();
            parameter(&Parameter { name, value, kind }).map_err(|error| error.to_string())
        };
        assert_eq!(given(None, ParameterType::Int), Ok("NULL".to_owned()));
        assert_eq!(given(Some("-5"), ParameterType::Int), Ok("-5".to_owned()));
        assert_eq!(
            given(Some("1.50"), ParameterType::Decimal),
            Ok("1.50".to_owned())
        );
        assert_eq!(
            given(Some("True"), ParameterType::Boolean),
            Ok("TRUE".to_owned())
        );
        for (value, kind) in [
            ("1; DROP TABLE t", ParameterType::Int),
            ("1.5", ParameterType::Int),
            ("", ParameterType::Decimal),
            ("perhaps", ParameterType::Boolean),
        ] {
            assert!(given(Some(value), kind).is_err(), "{value}");
        }
    }
}
