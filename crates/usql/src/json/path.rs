//! Paths into a JSON document, as JSON.NET's `SelectTokens` takes them: `address.zip`, `$..name`,
//! `order[0]`, `[*]`, `['a b']`, `[0,2]`, `[1:3]`, `[?(@.id > 1 && @.name == 'x')]`.
//!
//! Invariant: what is found is in the order of the document, each with the keys that lead to it.

use std::fmt;

use super::Json;

/// A property or an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    Name(String),
    Index(usize),
}

/// A value that a path leads to, and how.
#[derive(Debug, Clone)]
pub(crate) struct Found<'a> {
    pub(crate) keys: Vec<Key>,
    pub(crate) value: &'a Json,
}

impl Found<'_> {
    /// The path to it, as JSON.NET writes it.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        for key in &self.keys {
            match key {
                Key::Index(at) => out.push_str(&format!("[{at}]")),
                Key::Name(name)
                    if name.contains([' ', '.', '\'', '/', '"', '[', ']', '(', ')', '\\']) =>
                {
                    out.push_str(&format!(
                        "['{}']",
                        name.replace('\\', "\\\\").replace('\'', "\\'")
                    ));
                }
                Key::Name(name) => {
                    if !out.is_empty() {
                        out.push('.');
                    }
                    out.push_str(name);
                }
            }
        }
        out
    }
}

/// A path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Path {
    text: String,
    steps: Vec<Step>,
}

/// Its text says all of it.
impl Eq for Path {}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Names(Vec<String>),
    Indexes(Vec<i64>),
    Slice(Option<i64>, Option<i64>, i64),
    All,
    /// The value and everything in it, for the step behind.
    Descend,
    Filter(Condition),
}

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    Any(Vec<Condition>),
    Every(Vec<Condition>),
    Exists(Vec<Step>),
    Compare(Operand, &'static str, Operand),
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Path(Vec<Step>),
    Literal(Json),
}

const OPERATORS: [&str; 7] = ["==", "!=", "<>", "<=", ">=", "<", ">"];

impl Path {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { rest: text.trim() };
        let wrong = |rest: &str| format!("`{text}` is not a path into JSON: `{rest}` does not fit");
        let steps = parser.steps('$').ok_or_else(|| wrong(parser.rest))?;
        if !parser.rest.is_empty() {
            return Err(wrong(parser.rest));
        }
        let text = text.to_owned();
        Ok(Self { text, steps })
    }

    /// Everything that it leads to.
    pub(crate) fn select<'a>(&self, root: &'a Json) -> Vec<Found<'a>> {
        select(root, &self.steps)
    }
}

fn select<'a>(root: &'a Json, steps: &[Step]) -> Vec<Found<'a>> {
    let mut found = vec![Found {
        keys: Vec::new(),
        value: root,
    }];
    for step in steps {
        let mut next = Vec::new();
        for each in &found {
            step.apply(each, &mut next);
        }
        found = next;
    }
    found
}

impl Step {
    fn apply<'a>(&self, from: &Found<'a>, out: &mut Vec<Found<'a>>) {
        let child = |(key, value): (Key, &'a Json)| {
            let mut keys = from.keys.clone();
            keys.push(key);
            Found { keys, value }
        };
        match self {
            Self::Names(names) => {
                for name in names {
                    let found = from.value.get(name);
                    out.extend(found.map(|value| child((Key::Name(name.clone()), value))));
                }
            }
            Self::Indexes(indexes) => {
                let Json::Array(values) = from.value else {
                    return;
                };
                for index in indexes {
                    if let Some(at) = position(*index, values.len()) {
                        out.extend(values.get(at).map(|value| child((Key::Index(at), value))));
                    }
                }
            }
            Self::Slice(start, end, step) => {
                if let Json::Array(values) = from.value {
                    for at in slice(*start, *end, *step, values.len()) {
                        out.push(child((Key::Index(at), &values[at])));
                    }
                }
            }
            Self::All => out.extend(from.value.children().into_iter().map(child)),
            Self::Descend => {
                out.push(from.clone());
                for each in from.value.children() {
                    self.apply(&child(each), out);
                }
            }
            Self::Filter(condition) => {
                let children = from.value.children().into_iter();
                out.extend(
                    children
                        .filter(|(_, value)| condition.holds(value))
                        .map(child),
                );
            }
        }
    }
}

/// An index of an array; a negative one counts from the end.
fn position(index: i64, length: usize) -> Option<usize> {
    if index < 0 {
        return length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?);
    }
    usize::try_from(index).ok()
}

fn slice(start: Option<i64>, end: Option<i64>, step: i64, length: usize) -> Vec<usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let within = |at: i64| if at < 0 { at + length } else { at };
    let mut at = start.map_or(if step > 0 { 0 } else { length - 1 }, within);
    let end = end.map_or(if step > 0 { length } else { -1 }, within);
    let mut out = Vec::new();
    while (step > 0 && at < end) || (step < 0 && at > end) {
        if (0..length).contains(&at) {
            out.extend(usize::try_from(at));
        }
        let Some(next) = at
            .checked_add(step)
            .filter(|next| (-length..=length).contains(next))
        else {
            break;
        };
        at = next;
    }
    out
}

impl Condition {
    fn holds(&self, value: &Json) -> bool {
        match self {
            Self::Any(conditions) => conditions.iter().any(|each| each.holds(value)),
            Self::Every(conditions) => conditions.iter().all(|each| each.holds(value)),
            Self::Exists(steps) => !select(value, steps).is_empty(),
            Self::Compare(left, op, right) => {
                let (left, right) = (left.values(value), right.values(value));
                let pairs = left
                    .iter()
                    .flat_map(|l| right.iter().map(move |r| (*l, *r)));
                pairs
                    .into_iter()
                    .any(|(left, right)| compare(left, op, right))
            }
        }
    }
}

impl Operand {
    fn values<'a>(&'a self, value: &'a Json) -> Vec<&'a Json> {
        match self {
            Self::Path(steps) => select(value, steps)
                .into_iter()
                .map(|found| found.value)
                .collect(),
            Self::Literal(literal) => vec![literal],
        }
    }
}

fn compare(left: &Json, op: &str, right: &Json) -> bool {
    use std::cmp::Ordering;
    let number = |json: &Json| match json {
        Json::Whole(value) => Some(*value as f64),
        Json::Number(value) => Some(*value),
        _ => None,
    };
    let order = match (left, right) {
        (Json::Text(left), Json::Text(right)) => Some(left.cmp(right)),
        _ => match (number(left), number(right)) {
            (Some(left), Some(right)) => left.partial_cmp(&right),
            _ => (left == right).then_some(Ordering::Equal),
        },
    };
    match op {
        "==" => order == Some(Ordering::Equal),
        "!=" | "<>" => order != Some(Ordering::Equal),
        "<" => order == Some(Ordering::Less),
        ">" => order == Some(Ordering::Greater),
        "<=" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// Reads a path; `rest` is where it is.
struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn eat(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) => self.rest = rest,
            None => return false,
        }
        true
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !keep(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// The steps behind `root`, which may be missing in front of a name.
    fn steps(&mut self, root: char) -> Option<Vec<Step>> {
        let mut steps = Vec::new();
        let rooted = self.eat(root.encode_utf8(&mut [0; 4]));
        let bare = !rooted && !self.rest.is_empty() && !self.rest.starts_with(['.', '[']);
        if bare {
            steps.push(self.name()?);
        }
        loop {
            if self.eat("..") {
                steps.push(Step::Descend);
                if !self.rest.starts_with('[') {
                    steps.push(self.name()?);
                }
            } else if self.eat(".") {
                steps.push(self.name()?);
            } else if self.eat("[") {
                steps.push(self.bracket()?);
                self.blanks();
                if !self.eat("]") {
                    return None;
                }
            } else {
                return Some(steps);
            }
        }
    }

    fn name(&mut self) -> Option<Step> {
        if self.eat("*") {
            return Some(Step::All);
        }
        let name = self.take(|c| {
            !matches!(
                c,
                '.' | '[' | ']' | '(' | ')' | ' ' | '=' | '!' | '<' | '>' | '&' | '|' | ','
            )
        });
        (!name.is_empty()).then(|| Step::Names(vec![name.to_owned()]))
    }

    fn bracket(&mut self) -> Option<Step> {
        self.blanks();
        if self.eat("*") {
            return Some(Step::All);
        }
        if self.eat("?") {
            self.blanks();
            let open = self.eat("(");
            let condition = self.any()?;
            self.blanks();
            return (!open || self.eat(")")).then_some(Step::Filter(condition));
        }
        if self.rest.starts_with(['\'', '"']) {
            let mut names = vec![self.quoted()?];
            while self.comma() {
                names.push(self.quoted()?);
            }
            return Some(Step::Names(names));
        }
        let first = self.integer();
        if !self.eat(":") {
            let mut indexes = vec![first?];
            while self.comma() {
                indexes.push(self.integer()?);
            }
            return Some(Step::Indexes(indexes));
        }
        let end = self.integer();
        let step = if self.eat(":") {
            self.integer().unwrap_or(1)
        } else {
            1
        };
        (step != 0).then_some(Step::Slice(first, end, step))
    }

    fn comma(&mut self) -> bool {
        self.blanks();
        let found = self.eat(",");
        self.blanks();
        found
    }

    fn integer(&mut self) -> Option<i64> {
        let before = self.rest;
        let text = self.take(|c| c == '-' || c.is_ascii_digit());
        let number = text.parse().ok();
        if number.is_none() {
            self.rest = before;
        }
        number
    }

    fn quoted(&mut self) -> Option<String> {
        let quote = self
            .rest
            .chars()
            .next()
            .filter(|c| matches!(c, '\'' | '"'))?;
        let mut chars = self.rest.char_indices().skip(1);
        let mut text = String::new();
        while let Some((at, c)) = chars.next() {
            if c == quote {
                self.rest = &self.rest[at + 1..];
                return Some(text);
            }
            text.push(if c == '\\' { chars.next()?.1 } else { c });
        }
        None
    }

    fn any(&mut self) -> Option<Condition> {
        let mut conditions = vec![self.every()?];
        while self.operator("||") {
            conditions.push(self.every()?);
        }
        Some(Condition::Any(conditions))
    }

    fn every(&mut self) -> Option<Condition> {
        let mut conditions = vec![self.comparison()?];
        while self.operator("&&") {
            conditions.push(self.comparison()?);
        }
        Some(Condition::Every(conditions))
    }

    fn operator(&mut self, word: &str) -> bool {
        self.blanks();
        self.eat(word)
    }

    fn comparison(&mut self) -> Option<Condition> {
        let left = self.operand()?;
        let op = OPERATORS.into_iter().find(|op| self.operator(op));
        match (op, left) {
            (Some(op), left) => Some(Condition::Compare(left, op, self.operand()?)),
            (None, Operand::Path(steps)) => Some(Condition::Exists(steps)),
            (None, Operand::Literal(_)) => None,
        }
    }

    fn operand(&mut self) -> Option<Operand> {
        self.blanks();
        if self.rest.starts_with('@') {
            return self.steps('@').map(Operand::Path);
        }
        if self.rest.starts_with('\'') || self.rest.starts_with('"') {
            return self.quoted().map(|text| Operand::Literal(Json::Text(text)));
        }
        let word = self.take(|c| c.is_ascii_alphanumeric() || "+-._".contains(c));
        Json::parse(word).ok().map(Operand::Literal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DOCUMENT: &str = r#"{"id": 1, "a b": 2, "address": {"zip": "98052", "id": 7},
        "order": [{"id": 2, "address": "x"}, {"id": 3}, {"name": "n"}]}"#;

    fn found(path: &str) -> Vec<String> {
        let root = Json::parse(DOCUMENT).expect("JSON");
        let path = Path::parse(path).expect("a path");
        path.select(&root).iter().map(Found::text).collect()
    }

    /// The examples of the sample library's documentation of `JsonTuple`, and JSON.NET's "Querying
    /// JSON with SelectToken".
    #[test]
    fn a_path_leads_to_what_the_library_finds() {
        assert_eq!(found("id"), ["id"]);
        assert_eq!(found("$.address.zip"), ["address.zip"]);
        assert_eq!(found("$..address"), ["address", "order[0].address"]);
        assert_eq!(
            found("$..id"),
            ["id", "address.id", "order[0].id", "order[1].id"]
        );
        assert_eq!(found("order[?(@.id > 2)].id"), ["order[1].id"]);
        assert_eq!(
            found("order[?(@.id == 2 || @.name == 'n')]"),
            ["order[0]", "order[2]"]
        );
        assert_eq!(found("order[?(@.name)]"), ["order[2]"]);
        assert_eq!(found("$['a b']"), ["['a b']"]);
        assert_eq!(found("order[*].id"), ["order[0].id", "order[1].id"]);
        assert_eq!(found("order[-1]"), ["order[2]"]);
        assert_eq!(found("order[0,2]"), ["order[0]", "order[2]"]);
        assert_eq!(found("order[1:]"), ["order[1]", "order[2]"]);
        assert_eq!(found("$.none"), Vec::<String>::new());
        assert!(Path::parse("order[").is_err() && Path::parse("a..").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_a_path_or_a_refusal(text in "[$.@a\\[\\]()?*'0-9:, =<>&|-]{0,24}") {
            if let Ok(path) = Path::parse(&text) {
                let root = Json::parse(DOCUMENT).expect("JSON");
                let found = path.select(&root);
                prop_assert!(found.len() < 1_000_000);
            }
        }
    }
}
