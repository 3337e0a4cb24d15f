//! What makes two steps equal, as parts with names, and how two keys differ, in words.
//!
//! Invariant: a key says what goes into a step and how it is done; never when, under which name,
//! in which folder or on which compute target.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

/// One thing that a step's outputs depend on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Part {
    /// What it is, as `argument 2`, `input raw`, `package numpy`, `file train.py`.
    pub name: String,
    /// Its value: a text, or the digest of a content.
    pub value: String,
}

impl Part {
    /// A part of a name and a value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }

    /// Whether the value stands for a content, which nobody wants to read.
    fn is_digest(&self) -> bool {
        self.value.len() == 64 && self.value.bytes().all(|byte| byte.is_ascii_hexdigit())
    }
}

/// The bytes that a key is the digest of: one part a line, lengths first, so that no two lists of
/// parts are the same bytes.
#[must_use]
pub fn canonical(parts: &[Part]) -> Vec<u8> {
    let mut bytes = b"stepwell-key 1\n".to_vec();
    for Part { name, value } in parts {
        bytes.extend_from_slice(
            format!("{} {name} {} {value}\n", name.len(), value.len()).as_bytes(),
        );
    }
    bytes
}

/// How a step's parts differ from those of an earlier one, a line each; empty when they do not.
/// Both lists are in the order in which [`canonical`] reads them.
#[must_use]
pub fn differences(earlier: &[Part], now: &[Part]) -> Vec<String> {
    let (before, after) = (numbered(earlier), numbered(now));
    let old: HashMap<(&str, usize), &Part> = before.iter().copied().collect();
    let new: HashSet<(&str, usize)> = after.iter().map(|(place, _)| *place).collect();
    let mut lines = Vec::new();
    for (place, part) in &after {
        let Part { name, value } = part;
        match old.get(place) {
            Some(old) if old.value == *value => {}
            Some(_) if part.is_digest() => lines.push(format!("{name} changed")),
            Some(old) => lines.push(format!("{name} was `{}` and is `{value}`", old.value)),
            None if part.is_digest() => lines.push(format!("{name} is new")),
            None => lines.push(format!("{name} is new: `{value}`")),
        }
    }
    for (_, part) in before.iter().filter(|(place, _)| !new.contains(place)) {
        let Part { name, value } = part;
        match part.is_digest() {
            true => lines.push(format!("{name} is gone")),
            false => lines.push(format!("{name} is gone: it was `{value}`")),
        }
    }
    lines
}

/// Each part with its name and its number among those of that name: an input that is one file has
/// two parts of one name, its content and how the step reaches it.
fn numbered(parts: &[Part]) -> Vec<((&str, usize), &Part)> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut found = Vec::with_capacity(parts.len());
    for part in parts {
        let count = counts.entry(part.name.as_str()).or_default();
        *count += 1;
        found.push(((part.name.as_str(), *count), part));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<Part> {
        let part = |word: &str| {
            word.split_once('=')
                .map(|(name, value)| Part::new(name, value))
        };
        text.split(' ').filter_map(part).collect()
    }

    #[test]
    fn differences_name_what_changed_came_and_went() {
        let lines = differences(
            &parts("script=a.py lr=0.1 old=1"),
            &parts("script=a.py lr=0.2 new=2"),
        );
        insta::assert_snapshot!(lines.join("\n"), @"
        lr was `0.1` and is `0.2`
        new is new: `2`
        old is gone: it was `1`
        ");
    }

    #[test]
    fn parts_of_one_name_are_compared_in_their_order() {
        let digest = |c: char| c.to_string().repeat(64);
        let input = |content: &str| parts(&format!("raw={content} raw=connected"));
        let (one, two) = (input(&digest('a')), input(&digest('b')));
        assert_eq!(differences(&one, &one), Vec::<String>::new());
        assert_eq!(differences(&one, &two), ["raw changed"]);
    }

    #[test]
    fn no_two_lists_are_the_same_bytes() {
        let one = [Part::new("a", "b\n1 c 1 d")];
        let two = [Part::new("a", "b"), Part::new("c", "d")];
        assert_ne!(canonical(&one), canonical(&two));
    }
}
