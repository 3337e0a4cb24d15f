//! `Regex` of C# on a linear-time engine. Patterns that need look-around or back-references are
//! refused in words, as they cannot be matched in linear time.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::Regex;

/// How many patterns a thread keeps compiled.
const KEPT_MAX: usize = 64;

thread_local! {
    static COMPILED: RefCell<HashMap<String, Regex>> = RefCell::default();
}

/// Runs `use_it` with the compiled pattern.
pub(super) fn with<T>(
    pattern: &str,
    options: i64,
    use_it: impl FnOnce(&Regex) -> T,
) -> Result<T, String> {
    let flags = flags(options);
    let key = format!("{flags}{}", translated(pattern));
    COMPILED.with_borrow_mut(|compiled| {
        if !compiled.contains_key(&key) {
            let regex = Regex::new(&key).map_err(|error| {
                format!("the regular expression `{pattern}` cannot be used here: {error}")
            })?;
            if compiled.len() >= KEPT_MAX {
                compiled.clear();
            }
            compiled.insert(key.clone(), regex);
        }
        Ok(use_it(&compiled[&key]))
    })
}

/// `RegexOptions` as inline flags: 1 IgnoreCase, 2 Multiline, 16 Singleline, 32 IgnorePatternWhitespace.
fn flags(options: i64) -> String {
    let flags = [(1, 'i'), (2, 'm'), (16, 's'), (32, 'x')];
    let set: String = flags
        .iter()
        .filter(|(bit, _)| options & bit != 0)
        .map(|(_, flag)| *flag)
        .collect();
    if set.is_empty() {
        set
    } else {
        format!("(?{set})")
    }
}

/// Named groups in .NET's other spelling, `(?'name'…)`.
fn translated(pattern: &str) -> String {
    match pattern.find("(?'") {
        None => pattern.to_owned(),
        Some(_) => {
            let quoted = Regex::new(r"\(\?'(\w+)'")
                .map(|form| form.replace_all(pattern, "(?<$1>").into_owned());
            quoted.unwrap_or_else(|_| pattern.to_owned())
        }
    }
}

/// .NET's replacement `$1` and `${name}` in the form of the engine, which would take `$1a` for a name.
pub(super) fn replacement(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        out.push(c);
        if c == '$' && rest.peek().is_some_and(char::is_ascii_digit) {
            out.push('{');
            while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                out.push(digit);
            }
            out.push('}');
        }
    }
    out
}
