//! XML as a tree of one element, and back to text.
//!
//! Names are as they are written, with the namespace that they mean beside them. Nesting is limited,
//! so that no document overflows the stack.

use std::collections::BTreeMap;
use std::io::BufRead;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// How deep elements may be nested.
const DEPTH_MAX: usize = 256;

/// An element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Node>,
}

/// What is in an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Element(Element),
    Text(String),
    /// What is written as it was read: CDATA sections, comments, instructions.
    Raw(String),
}

/// The prefixes of namespaces in scope.
type Prefixes = BTreeMap<String, String>;

/// Reads a document element by element.
pub(super) struct Source<R: BufRead> {
    reader: Reader<R>,
    buffer: Vec<u8>,
    /// How many elements are open.
    open: usize,
}

/// What comes next in a document.
pub(super) enum Part {
    Start(Element, bool),
    End,
    Node(Node),
    Done,
}

impl<R: BufRead> Source<R> {
    pub(super) fn new(source: R) -> Self {
        let reader = Reader::from_reader(source);
        let buffer = Vec::new();
        Self {
            reader,
            buffer,
            open: 0,
        }
    }

    /// Whether every element has ended.
    pub(super) fn closed(&self) -> Result<(), String> {
        if self.open > 0 {
            return Err("the document ends within an element".to_owned());
        }
        Ok(())
    }

    /// The next part; a start says whether its element is empty.
    pub(super) fn next(&mut self) -> Result<Part, String> {
        loop {
            self.buffer.clear();
            let event = self
                .reader
                .read_event_into(&mut self.buffer)
                .map_err(|error| format!("this is not XML: {error}"))?;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            return Ok(match event {
                Event::Start(start) => {
                    self.open += 1;
                    Part::Start(element(&start)?, false)
                }
                Event::Empty(start) => Part::Start(element(&start)?, true),
                Event::End(_) => {
                    self.open = self.open.saturating_sub(1);
                    Part::End
                }
                Event::Text(found) => Part::Node(Node::Text(text(&found))),
                Event::GeneralRef(found) => Part::Node(Node::Text(referred(&text(&found))?)),
                Event::CData(found) => {
                    Part::Node(Node::Raw(format!("<![CDATA[{}]]>", text(&found))))
                }
                Event::Comment(found) => Part::Node(Node::Raw(format!("<!--{}-->", text(&found)))),
                Event::PI(found) => Part::Node(Node::Raw(format!("<?{}?>", text(&found)))),
                Event::Eof => Part::Done,
                Event::Decl(_) | Event::DocType(_) => continue,
            });
        }
    }

    /// The rest of an element whose start has been read.
    pub(super) fn rest(&mut self, start: Element) -> Result<Element, String> {
        let mut open = vec![start];
        loop {
            let node = match self.next()? {
                Part::Start(element, false) => {
                    if open.len() >= DEPTH_MAX {
                        return Err(format!("elements are nested more than {DEPTH_MAX} deep"));
                    }
                    open.push(element);
                    continue;
                }
                Part::Start(element, true) => Node::Element(element),
                Part::Node(node) => node,
                Part::End => match open.pop() {
                    Some(done) if open.is_empty() => return Ok(done),
                    Some(done) => Node::Element(done),
                    None => return Ok(Element::default()),
                },
                Part::Done => return Err("the document ends within an element".to_owned()),
            };
            if let Some(parent) = open.last_mut() {
                parent.add(node);
            }
        }
    }
}

/// A reference: of the five that XML knows, or a character by its number.
fn referred(name: &str) -> Result<String, String> {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok();
    let c = match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => name
            .strip_prefix("#x")
            .map_or_else(
                || name.strip_prefix('#').and_then(|digits| number(digits, 10)),
                |digits| number(digits, 16),
            )
            .and_then(char::from_u32),
    };
    c.map(String::from)
        .ok_or_else(|| format!("the reference `&{name};` is not known"))
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| format!("this is not XML: {error}"))?;
        let key = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        let raw = String::from_utf8_lossy(&attribute.value).into_owned();
        let value = quick_xml::escape::unescape(&raw)
            .map_err(|error| format!("this is not XML: {error}"))?;
        attributes.push((key, value.into_owned()));
    }
    Ok(Element {
        name,
        attributes,
        ..Element::default()
    })
}

impl Element {
    fn add(&mut self, node: Node) {
        match (node, self.children.last_mut()) {
            // A reference within a text.
            (Node::Text(more), Some(Node::Text(text))) => text.push_str(&more),
            (node, _) => self.children.push(node),
        }
    }

    /// Resolves the namespaces of the element and of everything in it.
    pub(super) fn resolve(&mut self, around: &Prefixes) {
        let mut prefixes = around.clone();
        for (name, value) in &self.attributes {
            if name == "xmlns" {
                prefixes.insert(String::new(), value.clone());
            } else if let Some(prefix) = name.strip_prefix("xmlns:") {
                prefixes.insert(prefix.to_owned(), value.clone());
            }
        }
        let prefix = self.name.split_once(':').map_or("", |(prefix, _)| prefix);
        self.namespace = prefixes.get(prefix).cloned().unwrap_or_default();
        for child in &mut self.children {
            if let Node::Element(child) = child {
                child.resolve(&prefixes);
            }
        }
    }

    /// The name without its prefix.
    pub(super) fn local(&self) -> &str {
        self.name
            .split_once(':')
            .map_or(&self.name, |(_, local)| local)
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            _ => None,
        })
    }

    /// The text in the element, and in those in it.
    pub(super) fn text(&self) -> String {
        let part = |node: &Node| match node {
            Node::Element(element) => element.text(),
            Node::Text(text) => text.clone(),
            Node::Raw(raw) => raw
                .strip_prefix("<![CDATA[")
                .and_then(|rest| rest.strip_suffix("]]>"))
                .unwrap_or_default()
                .to_owned(),
        };
        self.children.iter().map(part).collect()
    }

    /// What is between the tags.
    pub(super) fn inner(&self) -> String {
        let mut out = String::new();
        for child in &self.children {
            child.write(&mut out);
        }
        out
    }

    fn write(&self, out: &mut String) {
        out.push('<');
        out.push_str(&self.name);
        for (name, value) in &self.attributes {
            out.push_str(&format!(
                " {name}=\"{}\"",
                escaped(value).replace('"', "&quot;")
            ));
        }
        if self.children.is_empty() {
            out.push_str(" />");
            return;
        }
        out.push('>');
        for child in &self.children {
            child.write(out);
        }
        out.push_str(&format!("</{}>", self.name));
    }
}

impl Node {
    fn write(&self, out: &mut String) {
        match self {
            Self::Element(element) => element.write(out),
            Self::Text(text) => out.push_str(&escaped(text)),
            Self::Raw(raw) => out.push_str(raw),
        }
    }
}

/// A text with the characters that mean something in XML replaced.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}
