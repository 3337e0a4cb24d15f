//! How values look in the arguments of a trial's script.

use serde_json::Value;

use crate::Values;

/// A value as an argument: a whole number without a point, a truth value as Python writes one.
///
/// # Examples
/// ```
/// use serde_json::json;
/// assert_eq!(stepwell_tune::text_of(&json!(65.0)), "65");
/// assert_eq!(stepwell_tune::text_of(&json!(true)), "True");
/// ```
#[must_use]
pub fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        // `Display` of a double writes the shortest digits that read back, without `.0`.
        Value::Number(number) if number.is_f64() => number.as_f64().unwrap_or_default().to_string(),
        other => other.to_string(),
    }
}

/// The arguments of a trial: each parameter's name, with hyphens before it, and its value.
#[must_use]
pub fn arguments(values: &Values) -> Vec<String> {
    let pair = |(name, value): &(String, Value)| {
        let option = match name.starts_with('-') {
            true => name.clone(),
            false => format!("--{name}"),
        };
        [option, text_of(value)]
    };
    values.iter().flat_map(pair).collect()
}

/// `word` as a shell reads it as one word.
///
/// # Examples
/// ```
/// assert_eq!(stepwell_tune::shell_word("0.1"), "0.1");
/// assert_eq!(stepwell_tune::shell_word("it's"), r"'it'\''s'");
/// ```
#[must_use]
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_look_as_scripts_expect_them() {
        let values = vec![
            ("C".to_owned(), json!(70.066_125_873_464_15)),
            ("--max_iter".to_owned(), json!(1000)),
            ("batch".to_owned(), json!(65.0)),
            ("-k".to_owned(), json!("rbf")),
            ("layers".to_owned(), json!([64, 32])),
        ];
        let known = [
            "--C",
            "70.06612587346415",
            "--max_iter",
            "1000",
            "--batch",
            "65",
            "-k",
            "rbf",
            "--layers",
            "[64,32]",
        ];
        assert_eq!(arguments(&values), known);
    }
}
