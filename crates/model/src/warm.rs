//! How steps of a compute target may start: in interpreters that are loaded already, and with what
//! in them.
//!
//! The settings alone: what a start is, is the supervisor's part. Invariant: each import is the name
//! of a module.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most modules that may be named.
const IMPORTS_MAX: usize = 64;

/// What a target says of warm starts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WarmStarts {
    /// Whether none of its steps starts warm.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub off: bool,
    /// Modules that its interpreters load, beside those that they know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<String>,
}

impl WarmStarts {
    /// The setting that switches them: `on` or `off`, or a boolean.
    pub const SETTING: &str = "warm";
    /// The setting that names modules: a list of texts.
    pub const IMPORTS: &str = "warm_imports";

    /// What the settings of a target ask for.
    ///
    /// # Errors
    /// When they do not fit, in words.
    pub fn of_settings(settings: &Value) -> Result<Self, String> {
        let off = match settings.get(Self::SETTING) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(on)) => !on,
            Some(Value::String(word)) if word == "on" || word == "off" => word == "off",
            Some(other) => return Err(format!("`warm` is {other}; it is `on` or `off`")),
        };
        let imports: Vec<String> = match settings.get(Self::IMPORTS) {
            None | Some(Value::Null) => Vec::new(),
            Some(list) => serde_json::from_value(list.clone())
                .map_err(|_| format!("`warm_imports` is {list}; it is a list of modules"))?,
        };
        if imports.len() > IMPORTS_MAX {
            return Err(format!(
                "`warm_imports` names more than {IMPORTS_MAX} modules"
            ));
        }
        match imports.iter().find(|module| !is_module(module)) {
            Some(wrong) => Err(format!(
                "`warm_imports` has `{wrong}`, which is not the name of a module"
            )),
            None => Ok(Self { off, imports }),
        }
    }
}

/// Whether a text can be the name of a module, with dots or without.
#[must_use]
pub fn is_module(text: &str) -> bool {
    let is_letter = |letter: char| letter == '_' || letter.is_alphabetic();
    let is_name = |name: &str| {
        name.starts_with(is_letter)
            && name
                .chars()
                .all(|letter| is_letter(letter) || letter.is_alphanumeric())
    };
    text.split('.').all(is_name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_target_may_switch_them_off_and_name_modules() {
        let off = |warm: Value| WarmStarts::of_settings(&json!({ "warm": warm })).map(|is| is.off);
        for (value, expected) in [
            (Value::Null, false),
            (json!("on"), false),
            (json!(true), false),
            (json!("off"), true),
            (json!(false), true),
        ] {
            assert_eq!(off(value), Ok(expected));
        }
        assert_eq!(
            WarmStarts::of_settings(&Value::Null),
            Ok(WarmStarts::default())
        );
        let named = WarmStarts::of_settings(&json!({"warm_imports": ["torch", "own.part"]}));
        assert_eq!(named.expect("two modules").imports, ["torch", "own.part"]);
    }

    #[test]
    fn what_does_not_fit_is_refused_in_words() {
        for (settings, words) in [
            (json!({"warm": "of"}), "`warm` is \"of\""),
            (json!({"warm": 1}), "it is `on` or `off`"),
            (json!({"warm_imports": "torch"}), "it is a list of modules"),
            (json!({"warm_imports": ["a", "b;c"]}), "`b;c`"),
            (
                json!({"warm_imports": ["a..b"]}),
                "not the name of a module",
            ),
            (json!({"warm_imports": vec!["a"; 65]}), "more than 64"),
        ] {
            let error = WarmStarts::of_settings(&settings).expect_err("it does not fit");
            assert!(error.contains(words), "{error}");
        }
    }
}
