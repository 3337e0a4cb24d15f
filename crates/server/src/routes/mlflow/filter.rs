//! MLflow's language of filters and orders, as `metrics.loss < 0.5 and tags.owner = 'ann'`.
//!
//! ```text
//! filter     = condition ("and" condition)*
//! condition  = field operator constant | field ["not"] "in" "(" constant ("," constant)* ")"
//!            | field "is" ["not"] "null"
//! field      = [entity "."] key          (a key may be in quotes: "..." or `...`)
//! operator   = = | != | <> | < | <= | > | >= | like | ilike
//! order      = field ["asc" | "desc"]
//! ```
//!
//! Pure: what a condition means is for those who ask.

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Condition {
    /// What is looked at.
    pub(super) field: Name,
    /// How it must be.
    pub(super) comparison: Comparison,
}

/// What a condition looks at, or what is sorted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// `attribute` when none is said; in lower case and the singular.
    pub(super) entity: String,
    /// Its key.
    pub(super) key: String,
}

/// How a field must be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Comparison {
    /// It compares so.
    Is(Compare, Constant),
    /// It is one of these.
    In(Vec<String>),
    /// It is none of these.
    NotIn(Vec<String>),
    /// It is missing, or there.
    Missing(bool),
}

/// An operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compare {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Like,
    LikeAnyCase,
}

/// A constant.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Constant {
    Text(String),
    Number(f64),
}

/// Reads a filter; an empty one has no conditions.
pub(super) fn conditions(text: &str) -> Result<Vec<Condition>, String> {
    let mut tokens = Tokens::new(text)?;
    let mut found = Vec::new();
    if tokens.is_over() {
        return Ok(found);
    }
    loop {
        let condition = tokens.condition();
        found.push(condition.map_err(|fault| format!("Invalid filter '{text}': {fault}"))?);
        if tokens.is_over() {
            return Ok(found);
        }
        if !tokens.keyword("and") {
            return Err(format!("Invalid filter '{text}': expected AND or the end"));
        }
    }
}

/// Reads an order: the field, and whether the largest comes first.
pub(super) fn order(text: &str) -> Result<(Name, bool), String> {
    let invalid = |fault: String| format!("Invalid order_by clause '{text}': {fault}");
    let mut tokens = Tokens::new(text)?;
    let field = tokens.field().map_err(invalid)?;
    let descending = tokens.keyword("desc");
    if !descending {
        tokens.keyword("asc");
    }
    match tokens.is_over() {
        true => Ok((field, descending)),
        false => Err(invalid("expected ASC, DESC or the end".to_owned())),
    }
}

/// Whether a text fits a pattern in which `%` stands for any text and `_` for any character.
pub(super) fn is_like(pattern: &str, text: &str, any_case: bool) -> bool {
    let letters = |text: &str| -> Vec<char> {
        match any_case {
            true => text.to_lowercase().chars().collect(),
            false => text.chars().collect(),
        }
    };
    let (pattern, text) = (letters(pattern), letters(text));
    // Which lengths of the text fit the pattern so far.
    let mut fits = vec![false; text.len() + 1];
    fits[0] = true;
    for c in pattern {
        let before = fits.clone();
        for length in 0..=text.len() {
            fits[length] = match c {
                '%' => before[length] || (length > 0 && fits[length - 1]),
                '_' => length > 0 && before[length - 1],
                c => length > 0 && before[length - 1] && text[length - 1] == c,
            };
        }
    }
    fits[text.len()]
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(char, String),
    Sign(Compare),
    Dot,
    Open,
    Close,
    Comma,
}

struct Tokens {
    tokens: Vec<Token>,
    next: usize,
}

impl Tokens {
    fn new(text: &str) -> Result<Self, String> {
        let characters: Vec<char> = text.chars().collect();
        let (mut tokens, mut at) = (Vec::new(), 0);
        while let Some(&c) = characters.get(at) {
            let (token, length) = match c {
                c if c.is_whitespace() => {
                    at += 1;
                    continue;
                }
                '(' => (Token::Open, 1),
                ')' => (Token::Close, 1),
                ',' => (Token::Comma, 1),
                '.' if matches!(characters.get(at + 1), Some('"' | '`' | '\'')) => (Token::Dot, 1),
                '"' | '\'' | '`' => quoted(&characters[at..])
                    .ok_or_else(|| format!("Invalid clause '{text}': a quote does not end"))?,
                '=' | '!' | '<' | '>' => sign(&characters[at..])
                    .ok_or_else(|| format!("Invalid clause '{text}': `{c}` cannot stand there"))?,
                _ => word(&characters[at..]),
            };
            tokens.push(token);
            at += length;
        }
        Ok(Self { tokens, next: 0 })
    }

    fn is_over(&self) -> bool {
        self.next >= self.tokens.len()
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.next += 1;
        token
    }

    /// Takes a keyword, if it is next.
    fn keyword(&mut self, keyword: &str) -> bool {
        let is_next =
            matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.next += usize::from(is_next);
        is_next
    }

    fn condition(&mut self) -> Result<Condition, String> {
        let field = self.field()?;
        let comparison = self.comparison()?;
        Ok(Condition { field, comparison })
    }

    fn field(&mut self) -> Result<Name, String> {
        let (entity, key) = match self.take() {
            Some(Token::Word(word)) => match self.peek() {
                Some(Token::Dot) => {
                    self.next += 1;
                    match self.take() {
                        Some(Token::Quoted(_, key)) => (word, key),
                        _ => return Err(format!("expected a name after `{word}.`")),
                    }
                }
                _ => match word.split_once('.') {
                    Some((entity, key)) => (entity.to_owned(), key.to_owned()),
                    None => (String::new(), word),
                },
            },
            Some(Token::Quoted('"' | '`', key)) => (String::new(), key),
            _ => return Err("expected a field".to_owned()),
        };
        let entity = match entity.to_ascii_lowercase().as_str() {
            "metric" | "metrics" => "metric",
            "param" | "params" | "parameter" | "parameters" => "param",
            "tag" | "tags" => "tag",
            "" | "attribute" | "attributes" | "attr" | "run" => "attribute",
            "dataset" | "datasets" => "dataset",
            other => return Err(format!("Invalid entity type '{other}'")),
        };
        Ok(Name {
            entity: entity.to_owned(),
            key,
        })
    }

    fn comparison(&mut self) -> Result<Comparison, String> {
        if self.keyword("is") {
            let is_there = self.keyword("not");
            return match self.keyword("null") {
                true => Ok(Comparison::Missing(!is_there)),
                false => Err("expected NULL".to_owned()),
            };
        }
        if self.keyword("not") {
            return match self.keyword("in") {
                true => Ok(Comparison::NotIn(self.texts()?)),
                false => Err("expected IN".to_owned()),
            };
        }
        if self.keyword("in") {
            return Ok(Comparison::In(self.texts()?));
        }
        let compare = if self.keyword("like") {
            Compare::Like
        } else if self.keyword("ilike") {
            Compare::LikeAnyCase
        } else if let Some(Token::Sign(compare)) = self.peek() {
            let compare = *compare;
            self.next += 1;
            compare
        } else {
            return Err("expected a comparator".to_owned());
        };
        Ok(Comparison::Is(compare, self.constant()?))
    }

    fn constant(&mut self) -> Result<Constant, String> {
        match self.take() {
            Some(Token::Quoted('\'' | '"', text)) => Ok(Constant::Text(text)),
            Some(Token::Word(word)) => match word.parse::<f64>() {
                Ok(number) => Ok(Constant::Number(number)),
                Err(_) => Err(format!("`{word}` is no number; texts stand in quotes")),
            },
            _ => Err("expected a value".to_owned()),
        }
    }

    fn texts(&mut self) -> Result<Vec<String>, String> {
        let fault = || "expected a list of texts, as in ('a', 'b')".to_owned();
        if self.take() != Some(Token::Open) {
            return Err(fault());
        }
        let mut texts = Vec::new();
        loop {
            match self.take() {
                Some(Token::Quoted('\'' | '"', text)) => texts.push(text),
                _ => return Err(fault()),
            }
            match self.take() {
                Some(Token::Comma) => {}
                Some(Token::Close) => return Ok(texts),
                _ => return Err(fault()),
            }
        }
    }
}

fn quoted(rest: &[char]) -> Option<(Token, usize)> {
    let quote = rest[0];
    let length = rest[1..].iter().position(|c| *c == quote)?;
    let text = rest[1..=length].iter().collect();
    Some((Token::Quoted(quote, text), length + 2))
}

fn sign(rest: &[char]) -> Option<(Token, usize)> {
    let (compare, length) = match (rest[0], rest.get(1)) {
        ('!', Some('=')) | ('<', Some('>')) => (Compare::NotEqual, 2),
        ('<', Some('=')) => (Compare::AtMost, 2),
        ('>', Some('=')) => (Compare::AtLeast, 2),
        ('=', Some('=')) => (Compare::Equal, 2),
        ('=', _) => (Compare::Equal, 1),
        ('<', _) => (Compare::Less, 1),
        ('>', _) => (Compare::Greater, 1),
        _ => return None,
    };
    Some((Token::Sign(compare), length))
}

/// A word ends before a quoted part of it, so that a key may be quoted.
fn word(rest: &[char]) -> (Token, usize) {
    let mut length = 0;
    while let Some(&c) = rest.get(length) {
        let quotes = c == '.' && matches!(rest.get(length + 1), Some('"' | '`' | '\''));
        if quotes || c.is_whitespace() || "()=!<>,\"'`".contains(c) {
            break;
        }
        length += 1;
    }
    // Something that is nothing of the above is a word of its own.
    let length = length.max(1);
    (Token::Word(rest[..length].iter().collect()), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(entity: &str, key: &str) -> Name {
        Name {
            entity: entity.to_owned(),
            key: key.to_owned(),
        }
    }

    #[test]
    fn conditions_are_joined_by_and() {
        let text = "metrics.`my loss` <= -1e-3 AND params.\"a b\" ILIKE '%x' and run_id not in ('a', 'b') \
                    and tags.mlflow.parentRunId IS NOT NULL and start_time > 5";
        let found = conditions(text).expect("a filter");
        let text = |text: &str| Constant::Text(text.to_owned());
        assert_eq!(
            found[0].comparison,
            Comparison::Is(Compare::AtMost, Constant::Number(-1e-3))
        );
        assert_eq!(found[0].field, name("metric", "my loss"));
        assert_eq!(found[1].field, name("param", "a b"));
        assert_eq!(
            found[1].comparison,
            Comparison::Is(Compare::LikeAnyCase, text("%x"))
        );
        let ids = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(found[2].comparison, Comparison::NotIn(ids));
        assert_eq!(found[3].field, name("tag", "mlflow.parentRunId"));
        assert_eq!(found[3].comparison, Comparison::Missing(false));
        assert_eq!(found[4].field, name("attribute", "start_time"));
        assert_eq!(conditions("  "), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in [
            "metrics.a",
            "metrics.a > b",
            "a = 'x' or b = 'y'",
            "trials.a = 1",
            "tags.a = 'x",
            "run_id in 'a'",
            "tags.a is",
            "! = 1",
            "a = 'x' 'y'",
        ] {
            assert!(conditions(text).is_err(), "{text}");
        }
    }

    #[test]
    fn orders_go_up_unless_they_say_otherwise() {
        assert_eq!(order("metrics.a"), Ok((name("metric", "a"), false)));
        assert_eq!(
            order("attributes.start_time desc"),
            Ok((name("attribute", "start_time"), true))
        );
        assert!(order("metrics.a up").is_err());
    }

    #[test]
    fn patterns_stand_for_texts() {
        for (pattern, text, any_case, fits) in [
            ("a%", "abc", false, true),
            ("%b%", "abc", false, true),
            ("a_c", "abc", false, true),
            ("A%", "abc", false, false),
            ("A%", "abc", true, true),
            ("", "", false, true),
            ("%", "", false, true),
            ("_", "", false, false),
            ("a%c%e", "abcde", false, true),
        ] {
            assert_eq!(is_like(pattern, text, any_case), fits, "{pattern} {text}");
        }
    }
}
