//! Operations on texts as .NET defines them: positions count UTF-16 code units.

use super::convert::from_utf16;

/// The number of UTF-16 code units.
pub(super) fn length(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.encode_utf16().count()
    }
}

/// `Path.GetDirectoryName` as on the service's Windows: with `\\` between names; `None` for a root, and
/// for no path at all.
pub(super) fn directory_name(path: &str) -> Option<String> {
    let path = path.replace('/', "\\");
    let (folder, name) = path.rsplit_once('\\').unwrap_or(("", &path));
    match (folder.trim_end_matches('\\'), name) {
        ("", "") => None,
        ("", _) if path.starts_with('\\') => Some("\\".to_owned()),
        (folder, _) => Some(folder.to_owned()),
    }
}

/// `Substring(start[, count])`.
pub(super) fn substring(text: &str, start: i64, count: Option<i64>) -> Result<String, String> {
    let units = length(text);
    let out_of_range =
        || format!("Substring({start}) is out of the range of a text of length {units}");
    let from = usize::try_from(start)
        .ok()
        .filter(|from| *from <= units)
        .ok_or_else(out_of_range)?;
    let count = match count {
        None => units - from,
        Some(count) => usize::try_from(count)
            .ok()
            .filter(|count| from + count <= units)
            .ok_or_else(|| {
                format!(
                    "Substring({start}, {count}) is out of the range of a text of length {units}"
                )
            })?,
    };
    Ok(slice(text, from, count))
}

/// A part by UTF-16 positions that are in range.
pub(super) fn slice(text: &str, start: usize, count: usize) -> String {
    if text.is_ascii() {
        return text[start..start + count].to_owned();
    }
    let units: Vec<u16> = text.encode_utf16().skip(start).take(count).collect();
    from_utf16(&units)
}

/// The UTF-16 position of a byte position.
fn units_before(text: &str, byte: usize) -> i64 {
    length(&text[..byte]) as i64
}

/// `IndexOf(value[, start])`; -1 if there is none.
pub(super) fn index_of(text: &str, value: &str, start: i64) -> Result<i64, String> {
    let units = length(text) as i64;
    if !(0..=units).contains(&start) {
        return Err(format!(
            "IndexOf begins at {start}, out of a text of length {units}"
        ));
    }
    let rest = slice(text, start as usize, (units - start) as usize);
    Ok(rest
        .find(value)
        .map_or(-1, |at| start + units_before(&rest, at)))
}

pub(super) fn last_index_of(text: &str, value: &str) -> i64 {
    text.rfind(value).map_or(-1, |at| units_before(text, at))
}

/// `Remove(start[, count])`.
pub(super) fn remove(text: &str, start: i64, count: Option<i64>) -> Result<String, String> {
    let head = substring(text, 0, Some(start))?;
    let Some(count) = count else {
        return Ok(head);
    };
    let tail = substring(text, start + count, None)?;
    Ok(head + &tail)
}

pub(super) fn insert(text: &str, at: i64, value: &str) -> Result<String, String> {
    let (head, tail) = (substring(text, 0, Some(at))?, substring(text, at, None)?);
    Ok(format!("{head}{value}{tail}"))
}

pub(super) fn pad(text: &str, width: i64, fill: u16, left: bool) -> Result<String, String> {
    const WIDTH_MAX: i64 = 1 << 20;
    if !(0..=WIDTH_MAX).contains(&width) {
        return Err(format!("a width of {width} is out of range"));
    }
    let missing = usize::try_from(width)
        .unwrap_or_default()
        .saturating_sub(length(text));
    let padding = from_utf16(&vec![fill; missing]);
    Ok(if left {
        padding + text
    } else {
        text.to_owned() + &padding
    })
}

/// `Split` by characters or texts; `remove_empty` is `StringSplitOptions.RemoveEmptyEntries`, and
/// `most` the largest number of parts. Without separators it splits at white space.
pub(super) fn split(
    text: &str,
    separators: &[String],
    most: usize,
    remove_empty: bool,
) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = text;
    let next = |rest: &str| -> Option<(usize, usize)> {
        if separators.is_empty() {
            let at = rest.find(char::is_whitespace)?;
            let length = rest[at..].chars().next().map_or(1, char::len_utf8);
            return Some((at, length));
        }
        let found = separators.iter().filter(|each| !each.is_empty());
        found
            .filter_map(|each| Some((rest.find(each.as_str())?, each.len())))
            .min()
    };
    while parts.len() + 1 < most {
        let Some((at, length)) = next(rest) else {
            break;
        };
        if !(remove_empty && at == 0) {
            parts.push(rest[..at].to_owned());
        }
        rest = &rest[at + length..];
    }
    if !(remove_empty && rest.is_empty()) {
        parts.push(rest.to_owned());
    }
    parts
}

/// Removes characters from the ends; white space when no characters are named.
pub(super) fn trim(text: &str, characters: &str, start: bool, end: bool) -> String {
    let removable = |c: char| match characters {
        "" => c.is_whitespace(),
        set => set.contains(c),
    };
    let mut text = text;
    if start {
        text = text.trim_start_matches(removable);
    }
    if end {
        text = text.trim_end_matches(removable);
    }
    text.to_owned()
}

/// `LIKE`: `%` is any text, `_` one character; `[…]` a set (U-SQL language reference, "LIKE").
pub(super) fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let pattern: Vec<char> = pattern.chars().collect();
    let (mut at, mut item) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while at < text.len() {
        let step = pattern.get(item).and_then(|c| match c {
            '%' => None,
            '_' => Some(item + 1),
            '[' => in_set(&pattern, item, text[at]),
            c => (*c == text[at]).then_some(item + 1),
        });
        if pattern.get(item) == Some(&'%') {
            retry = Some((at, item));
            item += 1;
        } else if let Some(next) = step {
            at += 1;
            item = next;
        } else if let Some((from, star)) = retry {
            retry = Some((from + 1, star));
            at = from + 1;
            item = star + 1;
        } else {
            return false;
        }
    }
    pattern[item..].iter().all(|c| *c == '%')
}

/// Where a set ends, if the character is in it.
fn in_set(pattern: &[char], start: usize, c: char) -> Option<usize> {
    let length = pattern[start..].iter().position(|c| *c == ']')?;
    let set = &pattern[start + 1..start + length];
    let (negated, set) = match set.split_first() {
        Some(('^', rest)) => (true, rest),
        _ => (false, set),
    };
    let mut found = false;
    let mut at = 0;
    while at < set.len() {
        if at + 2 < set.len() && set[at + 1] == '-' {
            found |= (set[at]..=set[at + 2]).contains(&c);
            at += 3;
        } else {
            found |= set[at] == c;
            at += 1;
        }
    }
    (found != negated).then_some(start + length + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    // .NET, "String Class": Length and indexes count UTF-16 code units.
    #[test]
    fn positions_count_utf16_units() {
        assert_eq!(length("a😀"), 3);
        assert_eq!(substring("a😀b", 3, None), Ok("b".to_owned()));
        assert_eq!(index_of("a😀b", "b", 0), Ok(3));
        assert!(substring("abc", 2, Some(2)).is_err());
    }

    #[test]
    fn split_keeps_or_drops_empty_parts() {
        let at = |text: &str| vec![text.to_owned()];
        assert_eq!(split("a;;b", &at(";"), usize::MAX, false), ["a", "", "b"]);
        assert_eq!(split(";a;;b;", &at(";"), usize::MAX, true), ["a", "b"]);
        assert_eq!(split("a;b;c", &at(";"), 2, false), ["a", "b;c"]);
        assert_eq!(split("a b\tc", &[], usize::MAX, false), ["a", "b", "c"]);
    }

    #[test]
    fn like_knows_wildcards_and_sets() {
        assert!(like("abc", "a%") && like("abc", "%c") && like("abc", "_b_") && like("", "%"));
        assert!(like("b1", "[a-c][^x]") && !like("abc", "b%") && !like("d1", "[a-c]%"));
    }
}
