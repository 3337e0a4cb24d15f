//! From text to tokens. Every character belongs to a token or to the space between two.
//!
//! It decides nothing about keywords: a word is an identifier, and the parser knows which words
//! mean something where. It never fails; what cannot be read is a diagnostic and is skipped.

use crate::diagnostic::{Code, Diagnostic, Diagnostics};
use crate::source::Span;

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind {
    /// A word; keywords are words.
    Word(String),
    /// `[any text]`, or a C# identifier that begins with `@` is a variable instead.
    Quoted(String),
    /// `@name`.
    Variable(String),
    /// `@@name`.
    SystemVariable(String),
    /// `"text"` or `@"text"`, unescaped.
    Text(String),
    /// `'c'`.
    Char(char),
    /// A number as it is written, without its suffix.
    Number(String, NumberSuffix),
    /// An operator or a bracket.
    Symbol(&'static str),
    /// The end of the script.
    End,
}

/// The suffix of a number, which chooses its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberSuffix {
    None,
    Unsigned,
    Long,
    UnsignedLong,
    Float,
    Double,
    Decimal,
}

/// A token and where it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
}

impl TokenKind {
    /// How a message names it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Word(word) => format!("`{word}`"),
            Self::Quoted(name) => format!("`[{name}]`"),
            Self::Variable(name) => format!("`@{name}`"),
            Self::SystemVariable(name) => format!("`@@{name}`"),
            Self::Text(_) => "a text".to_owned(),
            Self::Char(_) => "a character".to_owned(),
            Self::Number(text, _) => format!("`{text}`"),
            Self::Symbol(symbol) => format!("`{symbol}`"),
            Self::End => "the end of the script".to_owned(),
        }
    }
}

/// Longest first, so that `??` is not two `?`.
const SYMBOLS: [&str; 36] = [
    "<<=", "=>", "==", "!=", "<=", ">=", "&&", "||", "??", "<<", "::", "(", ")", "[", "]", "{",
    "}", ",", ";", ".", "+", "-", "*", "/", "%", "=", "<", ">", "!", "~", "&", "|", "^", "?", ":",
    "#",
];

/// Reads all tokens; the last is [`TokenKind::End`].
pub(crate) fn tokens(text: &str, diagnostics: &mut Diagnostics) -> Vec<Token> {
    let mut lexer = Lexer {
        text,
        at: 0,
        diagnostics,
    };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space();
        let start = lexer.at;
        let Some(kind) = lexer.next() else {
            continue;
        };
        let is_end = kind == TokenKind::End;
        tokens.push(Token {
            kind,
            span: Span::new(start, lexer.at),
        });
        if is_end {
            return tokens;
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    diagnostics: &'a mut Diagnostics,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> String {
        let start = self.at;
        while self.peek().is_some_and(&accept) {
            self.bump();
        }
        self.text[start..self.at].to_owned()
    }

    fn error(&mut self, start: usize, message: impl Into<String>) {
        let span = Span::new(start, self.at);
        self.diagnostics
            .push(Diagnostic::error(Code::Syntax, span, message));
    }

    fn skip_space(&mut self) {
        loop {
            self.take_while(|c| c.is_whitespace() || c == '\u{feff}');
            if self.rest().starts_with("//") {
                self.take_while(|c| c != '\n');
            } else if self.rest().starts_with("/*") {
                let start = self.at;
                match self.rest().find("*/") {
                    Some(length) => self.at += length + 2,
                    None => {
                        self.at = self.text.len();
                        self.error(start, "the comment has no end: `*/` is missing");
                    }
                }
            } else {
                return;
            }
        }
    }

    /// The next token; `None` after something that cannot be one.
    fn next(&mut self) -> Option<TokenKind> {
        let start = self.at;
        let Some(first) = self.peek() else {
            return Some(TokenKind::End);
        };
        if first.is_alphabetic() || first == '_' {
            return Some(TokenKind::Word(self.take_while(is_word)));
        }
        let follows = self.rest().chars().nth(1);
        if first.is_ascii_digit() || first == '.' && follows.is_some_and(|c| c.is_ascii_digit()) {
            return Some(self.number());
        }
        match first {
            '"' => return Some(self.text_literal()),
            '\'' => return self.char_literal(),
            '@' => return self.at_sign(),
            '[' => {
                if let Some(name) = self.quoted() {
                    return Some(TokenKind::Quoted(name));
                }
            }
            _ => {}
        }
        if let Some(symbol) = SYMBOLS.iter().find(|each| self.rest().starts_with(**each)) {
            self.at += symbol.len();
            return Some(TokenKind::Symbol(symbol));
        }
        self.bump();
        self.error(start, format!("`{first}` has no meaning here"));
        None
    }

    /// A quoted identifier. An index such as `a[0]` or `a["k"]` is none: a quoted identifier
    /// begins with a letter or an underscore, and never follows a value directly.
    fn quoted(&mut self) -> Option<String> {
        let before = self.text[..self.at].chars().next_back();
        if before.is_some_and(|c| is_word(c) || ")]}\"'".contains(c)) {
            return None;
        }
        let mut name = String::new();
        let mut rest = self.rest().char_indices().skip(1).peekable();
        while let Some((at, next)) = rest.next() {
            match next {
                ']' if rest.peek().is_some_and(|(_, c)| *c == ']') => {
                    rest.next();
                    name.push(']');
                }
                ']' if name.is_empty() => return None,
                ']' => {
                    self.at += at + 1;
                    return Some(name);
                }
                '\n' => return None,
                next => name.push(next),
            }
        }
        None
    }

    fn at_sign(&mut self) -> Option<TokenKind> {
        let start = self.at;
        self.bump();
        match self.peek() {
            Some('"') => Some(self.verbatim(start)),
            Some('@') => {
                self.bump();
                Some(TokenKind::SystemVariable(self.take_while(is_word)))
            }
            Some(next) if next.is_alphabetic() || next == '_' => {
                Some(TokenKind::Variable(self.take_while(is_word)))
            }
            _ => {
                self.error(
                    start,
                    "`@` begins the name of a variable; the name is missing",
                );
                None
            }
        }
    }

    fn verbatim(&mut self, start: usize) -> TokenKind {
        self.bump();
        let mut value = String::new();
        loop {
            match self.bump() {
                Some('"') if self.peek() == Some('"') => {
                    self.bump();
                    value.push('"');
                }
                Some('"') => break,
                Some(next) => value.push(next),
                None => {
                    self.error(start, "the text has no end: `\"` is missing");
                    break;
                }
            }
        }
        TokenKind::Text(value)
    }

    fn text_literal(&mut self) -> TokenKind {
        let start = self.at;
        self.bump();
        let mut value = String::new();
        loop {
            match self.peek() {
                Some('"') => {
                    self.bump();
                    break;
                }
                None | Some('\n' | '\r') => {
                    self.error(start, "the text has no end: `\"` is missing on its line");
                    break;
                }
                Some('\\') => value.extend(self.escape()),
                Some(next) => {
                    self.bump();
                    value.push(next);
                }
            }
        }
        TokenKind::Text(value)
    }

    fn char_literal(&mut self) -> Option<TokenKind> {
        let start = self.at;
        self.bump();
        let value = match self.peek() {
            Some('\\') => self.escape(),
            Some('\'' | '\n') | None => None,
            Some(_) => self.bump(),
        };
        if let (Some(value), Some('\'')) = (value, self.peek()) {
            self.bump();
            return Some(TokenKind::Char(value));
        }
        self.take_while(|c| c != '\'' && c != '\n' && c != ';');
        if self.peek() == Some('\'') {
            self.bump();
        }
        self.error(start, "a character literal holds exactly one character");
        None
    }

    /// A C# escape sequence (C# language specification, 6.4.5.5).
    fn escape(&mut self) -> Option<char> {
        let start = self.at;
        self.bump();
        let digits = |lexer: &mut Self, most: usize| {
            let text: String = lexer
                .rest()
                .chars()
                .take(most)
                .take_while(char::is_ascii_hexdigit)
                .collect();
            lexer.at += text.len();
            u32::from_str_radix(&text, 16).ok().and_then(char::from_u32)
        };
        let value = match self.bump() {
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some('0') => Some('\0'),
            Some('a') => Some('\u{7}'),
            Some('b') => Some('\u{8}'),
            Some('f') => Some('\u{c}'),
            Some('v') => Some('\u{b}'),
            Some(same @ ('\\' | '\'' | '"')) => Some(same),
            Some('u' | 'x') => digits(self, 4),
            Some('U') => digits(self, 8),
            _ => None,
        };
        if value.is_none() {
            self.error(start, "unknown escape sequence in a text");
        }
        value
    }

    fn number(&mut self) -> TokenKind {
        let start = self.at;
        if self.rest().starts_with("0x") || self.rest().starts_with("0X") {
            self.at += 2;
            let digits = self.take_while(|c| c.is_ascii_hexdigit());
            let value = u64::from_str_radix(&digits, 16);
            if value.is_err() {
                self.error(start, "the hexadecimal number is empty or too large");
            }
            let suffix = self.suffix();
            return TokenKind::Number(value.unwrap_or_default().to_string(), suffix);
        }
        self.take_while(|c| c.is_ascii_digit());
        let fraction = self.rest().strip_prefix('.');
        if fraction.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            self.bump();
            self.take_while(|c| c.is_ascii_digit());
        }
        if self.rest().starts_with(['e', 'E']) {
            let exponent = self.rest()[1..].trim_start_matches(['+', '-']);
            if exponent.starts_with(|c: char| c.is_ascii_digit()) {
                self.bump();
                self.take_while(|c| c == '+' || c == '-');
                self.take_while(|c| c.is_ascii_digit());
            }
        }
        let text = self.text[start..self.at].to_owned();
        let suffix = self.suffix();
        if self.peek().is_some_and(is_word) {
            self.take_while(is_word);
            self.error(start, "the number has an unknown suffix");
        }
        TokenKind::Number(text, suffix)
    }

    fn suffix(&mut self) -> NumberSuffix {
        let text: String = self
            .rest()
            .chars()
            .take(2)
            .collect::<String>()
            .to_ascii_uppercase();
        let (suffix, length) = match text.as_str() {
            "UL" | "LU" => (NumberSuffix::UnsignedLong, 2),
            text if text.starts_with('U') => (NumberSuffix::Unsigned, 1),
            text if text.starts_with('L') => (NumberSuffix::Long, 1),
            text if text.starts_with('F') => (NumberSuffix::Float, 1),
            text if text.starts_with('D') => (NumberSuffix::Double, 1),
            text if text.starts_with('M') => (NumberSuffix::Decimal, 1),
            _ => (NumberSuffix::None, 0),
        };
        self.at += length;
        suffix
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, usize) {
        let mut diagnostics = Diagnostics::default();
        let tokens = tokens(text, &mut diagnostics);
        let kinds = tokens.iter().map(|token| format!("{:?}", token.kind));
        (
            kinds.collect::<Vec<_>>().join(" "),
            diagnostics.into_sorted().len(),
        )
    }

    #[test]
    fn texts_are_unescaped_as_in_csharp() {
        assert_eq!(read(r#""a\t\"\u0041""#).0, r#"Text("a\t\"A") End"#);
        assert_eq!(read(r#"@"C:\a ""b""""#).0, r#"Text("C:\\a \"b\"") End"#);
        assert_eq!(read(r"'\'' 'x'").0, r"Char('\'') Char('x') End");
    }

    #[test]
    fn brackets_are_a_name_or_an_index() {
        assert_eq!(read("[a b]]c]").0, r#"Quoted("a b]c") End"#);
        let index = read("a[0]").0;
        assert!(index.contains(r#"Symbol("[")"#), "{index}");
        assert!(read(r#"m["k"]"#).0.contains(r#"Text("k")"#));
    }

    #[test]
    fn numbers_keep_their_suffix() {
        assert_eq!(
            read("1 2L 3UL 1.5f 1e3 0x1F").0,
            r#"Number("1", None) Number("2", Long) Number("3", UnsignedLong) Number("1.5", Float) Number("1e3", None) Number("31", None) End"#
        );
        // One letter whose capitals are `FF`.
        assert_eq!(read("0\u{fb00}").1, 1);
    }

    #[test]
    fn comments_are_space_and_what_is_unreadable_is_reported() {
        assert_eq!(read("a // b\n/* c */ d").0, r#"Word("a") Word("d") End"#);
        assert_eq!(read("a $ b /* no end").1, 2);
    }
}
