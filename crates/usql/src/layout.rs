//! `stepwell-usql fmt`: a script with its lines indented by what they are in, and even spaces.
//!
//! Where a line ends is the writer's choice; one blank line stays, several become one. Only what is
//! between tokens changes, so that a script means what it meant.
//!
//! Invariant: the tokens and the comments stay what they are, and what is laid out once stays as it is.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lexer::{self, Token, TokenKind};

const INDENT: &str = "    ";

/// The script laid out anew.
///
/// # Errors
/// When something in it cannot be read as tokens.
pub fn laid_out(text: &str) -> Result<String, Vec<Diagnostic>> {
    let mut diagnostics = Diagnostics::default();
    let tokens = lexer::tokens(text, &mut diagnostics);
    if diagnostics.has_errors() {
        return Err(diagnostics.into_sorted());
    }
    let mut layout = Layout::default();
    let mut before: Option<&Token> = None;
    for token in &tokens {
        let from = before.map_or(0, |before| before.span.end);
        layout.token(
            &text[from..token.span.start],
            before,
            token,
            &text[token.span.range()],
        );
        before = Some(token);
    }
    let mut out = layout.out;
    out.truncate(out.trim_end().len());
    if !out.is_empty() {
        out.push('\n');
    }
    Ok(out)
}

/// What is open around a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Bracket,
    Block,
    Case,
}

#[derive(Debug, Default)]
struct Layout {
    out: String,
    open: Vec<Open>,
    /// Whether a statement has begun and not ended.
    within: bool,
    /// Whether the next token begins a line whatever the writer wrote.
    ends_line: bool,
}

/// A comment between two tokens, and how many line ends are in front of it.
struct Comment<'a> {
    text: &'a str,
    lines: usize,
}

impl Layout {
    fn token(&mut self, gap: &str, before: Option<&Token>, token: &Token, text: &str) {
        let (comments, lines) = comments(gap);
        for comment in &comments {
            self.put(comment.text, comment.lines, true, self.depth(None));
        }
        if token.kind == TokenKind::End {
            return;
        }
        let needed = usize::from(self.ends_line);
        self.ends_line = false;
        let spaced = !gap.is_empty() && !touches(before, &token.kind)
            || is_symbol(before.map(|before| &before.kind), ",");
        self.close(&token.kind);
        let depth = self.depth(Some(&token.kind));
        self.put(
            text,
            lines.max(needed),
            spaced || !comments.is_empty(),
            depth,
        );
        self.open(before, &token.kind);
    }

    fn put(&mut self, text: &str, lines: usize, spaced: bool, depth: usize) {
        if !self.out.is_empty() {
            if lines > 0 {
                self.out.push_str(if lines > 1 { "\n\n" } else { "\n" });
                self.out.push_str(&INDENT.repeat(depth));
            } else if spaced {
                self.out.push(' ');
            }
        }
        self.out.push_str(text);
    }

    /// How far a line is indented that begins with a token, or with a comment.
    fn depth(&self, first: Option<&TokenKind>) -> usize {
        let begins_block =
            matches!(first, Some(TokenKind::Word(word)) if word == "BEGIN" || word == "THEN");
        let continues = self.within && !begins_block;
        self.open.len() + usize::from(continues)
    }

    /// What a token ends, before it is written.
    fn close(&mut self, token: &TokenKind) {
        let last = self.open.last().copied();
        match token {
            TokenKind::Symbol(")" | "]" | "}") if last == Some(Open::Bracket) => {
                self.open.pop();
            }
            TokenKind::Word(word)
                if word == "END" && matches!(last, Some(Open::Block | Open::Case)) =>
            {
                self.open.pop();
                self.within = last == Some(Open::Case);
            }
            TokenKind::Word(word)
                if matches!(word.as_str(), "ELSE" | "ELSEIF") && last == Some(Open::Block) =>
            {
                self.open.pop();
                self.within = false;
            }
            _ => {}
        }
    }

    /// What a token begins, after it is written.
    fn open(&mut self, before: Option<&Token>, token: &TokenKind) {
        let last = self.open.last().copied();
        let after_else = matches!(before.map(|before| &before.kind), Some(TokenKind::Word(word)) if word == "ELSE");
        self.within = true;
        match token {
            TokenKind::Symbol("(" | "[" | "{") => self.open.push(Open::Bracket),
            TokenKind::Symbol(";") if last != Some(Open::Bracket) => {
                self.within = false;
                self.ends_line = true;
            }
            TokenKind::Word(word) => match word.as_str() {
                "CASE" => self.open.push(Open::Case),
                "BEGIN" => self.begin(),
                "THEN" if last != Some(Open::Case) && !after_else => self.begin(),
                "THEN" if last != Some(Open::Case) => self.within = false,
                "ELSE" if last != Some(Open::Case) => self.begin(),
                _ => {}
            },
            _ => {}
        }
    }

    fn begin(&mut self) {
        self.open.push(Open::Block);
        self.within = false;
    }
}

fn is_symbol(token: Option<&TokenKind>, symbol: &str) -> bool {
    matches!(token, Some(TokenKind::Symbol(found)) if *found == symbol)
}

/// Whether no space belongs between two tokens.
fn touches(before: Option<&Token>, token: &TokenKind) -> bool {
    is_symbol(before.map(|before| &before.kind), "(")
        || matches!(token, TokenKind::Symbol("," | ";" | ")"))
}

/// The comments of what is between two tokens, and the line ends behind the last.
fn comments(gap: &str) -> (Vec<Comment<'_>>, usize) {
    let mut found = Vec::new();
    let mut rest = gap;
    let mut lines = 0;
    while let Some(c) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            lines += usize::from(c == '\n');
            rest = &rest[c.len_utf8()..];
            continue;
        };
        let text = rest[..length].trim_end();
        found.push(Comment { text, lines });
        lines = 0;
        rest = &rest[length..];
    }
    (found, lines)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_indented_by_what_they_are_in() {
        let text = "// Counts.\nUSE  logs;@log =\nEXTRACT user string ,// who\n  n int\nFROM @\"/a\n b.csv\"\nUSING Extractors.Csv( skipFirstNRows:1 );\n\n\n\nIF @x==1 THEN\n@r = SELECT CASE WHEN n>1 THEN 2\nELSE 3 END AS n,\n(\nn [a]\n) AS m FROM @log;\nELSE\n/* nothing */\nRAISE ERROR \"x\";\nEND;";
        insta::assert_snapshot!(laid_out(text).expect("tokens"), @r#"
        // Counts.
        USE logs;
        @log =
            EXTRACT user string, // who
            n int
            FROM @"/a
         b.csv"
            USING Extractors.Csv(skipFirstNRows:1);

        IF @x==1 THEN
            @r = SELECT CASE WHEN n>1 THEN 2
                    ELSE 3 END AS n,
                (
                    n [a]
                ) AS m FROM @log;
        ELSE
            /* nothing */
            RAISE ERROR "x";
        END;
        "#);
        assert!(laid_out("@a = \"no end;").is_err());
    }

    fn kinds(text: &str) -> Vec<TokenKind> {
        let mut diagnostics = Diagnostics::default();
        let tokens = lexer::tokens(text, &mut diagnostics);
        tokens.into_iter().map(|token| token.kind).collect()
    }

    fn notes(text: &str) -> Vec<String> {
        let tokens = lexer::tokens(text, &mut Diagnostics::default());
        let mut from = 0;
        let mut found = Vec::new();
        for token in tokens {
            let (notes, _) = comments(&text[from..token.span.start]);
            found.extend(notes.into_iter().map(|note| note.text.to_owned()));
            from = token.span.end;
        }
        found
    }

    fn keeps(text: &str) {
        let Ok(once) = laid_out(text) else { return };
        assert_eq!(kinds(&once), kinds(text), "{text}\n---\n{once}");
        assert_eq!(laid_out(&once).as_deref(), Ok(once.as_str()), "{text}");
        assert_eq!(notes(&once), notes(text), "{text}\n---\n{once}");
    }

    proptest! {
        #[test]
        fn any_text_keeps_its_tokens(text in "\\PC{0,80}") {
            keeps(&text);
        }

        #[test]
        fn any_order_of_words_keeps_its_tokens(words in proptest::collection::vec(
            prop_oneof![
                Just("SELECT"), Just("("), Just(")"), Just(","), Just(";"), Just("BEGIN"), Just("END"),
                Just("IF"), Just("THEN"), Just("ELSE"), Just("ELSEIF"), Just("CASE"), Just("@r"),
                Just("[a]"), Just("["), Just("]"), Just("{"), Just("}"), Just("a"), Just("1"), Just("."),
                Just("\"t\""), Just("@\"t\n  u\""), Just("?"), Just("=="), Just("// c\n"), Just("/* d\n e */"),
                Just(" "), Just("\n"), Just("\n\n\n"), Just("\t"), Just("\r\n"),
            ], 0..60)) {
            keeps(&words.concat());
        }
    }
}
