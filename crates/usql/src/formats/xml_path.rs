//! The part of XPath 1.0 that scripts use with the sample library: steps by name, `*`, `.`, `@name`,
//! `text()`, `//`, and conditions such as `[2]`, `[last()]`, `[@a]`, `[@a='v']`, `[b='v']`.

use std::collections::BTreeMap;

use super::xml::Element;

/// A path into a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XmlPath {
    /// Whether it begins at the document.
    absolute: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    /// Whether it looks into everything below too.
    deep: bool,
    test: Test,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    This,
    /// Elements of a name; of any when absent.
    Element(Option<Name>),
    /// An attribute by its written name; all when absent.
    Attribute(Option<String>),
    Text,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    namespace: String,
    local: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Condition {
    Position(usize),
    Last,
    Exists(XmlPath),
    Equals(XmlPath, String),
}

/// What a path leads to.
#[derive(Debug, Clone)]
pub(super) enum Target<'a> {
    Element(&'a Element),
    Text(String),
}

impl Target<'_> {
    /// What is between the tags of an element, or the value.
    pub(super) fn inner(&self) -> String {
        match self {
            Self::Element(element) => element.inner(),
            Self::Text(text) => text.clone(),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Element(element) => element.text(),
            Self::Text(text) => text.clone(),
        }
    }
}

impl XmlPath {
    /// Reads a path; `namespaces` has the meaning of its prefixes.
    pub(crate) fn parse(text: &str, namespaces: &BTreeMap<String, String>) -> Result<Self, String> {
        let mut parser = Parser {
            rest: text.trim(),
            namespaces,
        };
        match parser.path() {
            Some(path) if parser.rest.is_empty() => Ok(path),
            _ => Err(format!(
                "`{text}` is not a path into XML that is known here"
            )),
        }
    }

    /// What it leads to from an element of a document, whose only element is the root.
    pub(super) fn select<'a>(&self, document: &'a Element, from: &'a Element) -> Vec<Target<'a>> {
        let start = if self.absolute { document } else { from };
        let mut found = vec![Target::Element(start)];
        for step in &self.steps {
            let mut next = Vec::new();
            for each in &found {
                if let Target::Element(element) = each {
                    step.apply(document, element, &mut next);
                }
            }
            found = next;
        }
        found
    }
}

impl Step {
    fn apply<'a>(&self, document: &'a Element, from: &'a Element, out: &mut Vec<Target<'a>>) {
        let mut found = self.matching(from);
        for condition in &self.conditions {
            let count = found.len();
            let mut at = 0;
            found.retain(|target| {
                at += 1;
                condition.holds(document, target, at, count)
            });
        }
        out.append(&mut found);
        if self.deep {
            for child in from.elements() {
                self.apply(document, child, out);
            }
        }
    }

    fn matching<'a>(&self, from: &'a Element) -> Vec<Target<'a>> {
        match &self.test {
            Test::This => vec![Target::Element(from)],
            Test::Element(wanted) => {
                let fits = |element: &&Element| {
                    wanted.as_ref().is_none_or(|name| {
                        element.local() == name.local && element.namespace == name.namespace
                    })
                };
                from.elements().filter(fits).map(Target::Element).collect()
            }
            Test::Attribute(wanted) => {
                let fits = |name: &str| wanted.as_ref().is_none_or(|wanted| name == wanted);
                let attributes = from.attributes.iter();
                attributes
                    .filter(|(name, _)| fits(name))
                    .map(|(_, value)| Target::Text(value.clone()))
                    .collect()
            }
            Test::Text => {
                let text = from.text();
                if text.is_empty() {
                    return Vec::new();
                }
                vec![Target::Text(text)]
            }
        }
    }
}

impl Condition {
    fn holds(&self, document: &Element, target: &Target<'_>, at: usize, count: usize) -> bool {
        let select = |path: &XmlPath| match target {
            Target::Element(element) => path
                .select(document, element)
                .iter()
                .map(Target::text)
                .collect(),
            Target::Text(_) => Vec::new(),
        };
        match self {
            Self::Position(position) => at == *position,
            Self::Last => at == count,
            Self::Exists(path) => !select(path).is_empty(),
            Self::Equals(path, value) => select(path).iter().any(|text| text == value),
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
    namespaces: &'a BTreeMap<String, String>,
}

impl<'a> Parser<'a> {
    fn eat(&mut self, word: &str) -> bool {
        match self.rest.strip_prefix(word) {
            Some(rest) => self.rest = rest,
            None => return false,
        }
        true
    }

    fn path(&mut self) -> Option<XmlPath> {
        let absolute = self.rest.starts_with('/');
        let mut steps = Vec::new();
        let mut deep = self.eat("//");
        if !deep {
            self.eat("/");
        }
        loop {
            steps.push(self.step(deep)?);
            deep = self.eat("//");
            if !deep && !self.eat("/") {
                return Some(XmlPath { absolute, steps });
            }
        }
    }

    fn word(&mut self) -> &'a str {
        let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':');
        let end = self.rest.find(|c| !part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn step(&mut self, deep: bool) -> Option<Step> {
        let test = if self.eat("@*") {
            Test::Attribute(None)
        } else if self.eat("@") {
            let name = self.word();
            Test::Attribute(Some((!name.is_empty()).then(|| name.to_owned())?))
        } else if self.eat("*") {
            Test::Element(None)
        } else if self.eat("text()") {
            Test::Text
        } else {
            match self.word() {
                "." => Test::This,
                "" | ".." => return None,
                name => Test::Element(Some(self.name(name)?)),
            }
        };
        let mut conditions = Vec::new();
        while self.eat("[") {
            conditions.push(self.condition()?);
            self.blanks();
            if !self.eat("]") {
                return None;
            }
        }
        Some(Step {
            deep,
            test,
            conditions,
        })
    }

    fn name(&self, written: &str) -> Option<Name> {
        let (namespace, local) = match written.split_once(':') {
            None => (String::new(), written),
            Some((prefix, local)) => (self.namespaces.get(prefix)?.clone(), local),
        };
        let local = (!local.is_empty() && !local.contains(':')).then(|| local.to_owned())?;
        Some(Name { namespace, local })
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn condition(&mut self) -> Option<Condition> {
        self.blanks();
        if self.eat("last()") {
            return Some(Condition::Last);
        }
        let digits = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        if digits.len() < self.rest.len() {
            let number = self.rest[..self.rest.len() - digits.len()].parse().ok()?;
            self.rest = digits;
            return Some(Condition::Position(number));
        }
        let path = self.path()?;
        self.blanks();
        if !self.eat("=") {
            return Some(Condition::Exists(path));
        }
        self.blanks();
        let quote = self
            .rest
            .chars()
            .next()
            .filter(|c| matches!(c, '\'' | '"'))?;
        let (value, rest) = self.rest[1..].split_once(quote)?;
        self.rest = rest;
        Some(Condition::Equals(path, value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::xml::{Part, Source};
    use super::*;

    fn document(text: &str) -> Element {
        let mut source = Source::new(text.as_bytes());
        loop {
            if let Part::Start(start, false) = source.next().expect("XML") {
                let root = source.rest(start).expect("XML");
                let mut document = Element::default();
                document
                    .children
                    .push(super::super::xml::Node::Element(root));
                document.resolve(&BTreeMap::new());
                return document;
            }
        }
    }

    /// XPath 1.0, 2.5 "Abbreviated Syntax".
    #[test]
    fn a_path_leads_to_elements_attributes_and_texts() {
        let text = "<?xml version=\"1.0\"?><r xmlns:n=\"urn:n\"><a id=\"1\">x &amp; <b>y</b></a>
            <a id=\"2\"><b k='v'>z</b><b/></a><n:a>w</n:a></r>";
        let document = document(text);
        let root = document.elements().next().expect("a root");
        let namespaces = BTreeMap::from([("q".to_owned(), "urn:n".to_owned())]);
        let found = |path: &str| {
            let path = XmlPath::parse(path, &namespaces).expect(path);
            let found = path.select(&document, root);
            found.iter().map(Target::inner).collect::<Vec<_>>()
        };
        assert_eq!(found("a[1]"), ["x &amp; <b>y</b>"]);
        assert_eq!(found("/r/a/@id"), ["1", "2"]);
        assert_eq!(found("//b"), ["y", "z", ""]);
        assert_eq!(found("a[@id='2']/b[@k]"), ["z"]);
        assert_eq!(found("a[b='z']/@id"), ["2"]);
        assert_eq!(found("*[last()]"), ["w"]);
        assert_eq!(found("q:a"), ["w"]);
        assert_eq!(found("a/text()"), ["x & y", "z"]);
        assert_eq!(found("none"), Vec::<String>::new());
        for wrong in ["", "a/", "a[", "z:a", "..", "a[@]"] {
            assert!(XmlPath::parse(wrong, &namespaces).is_err(), "{wrong}");
        }
    }
}
