//! A small language in which runs are searched for, as
//! `status = Failed and tags.owner = "ann" and (metrics.loss < 0.1 or created >= 2026-11-01)`.
//!
//! ```text
//! query      = and ("or" and)*
//! and        = not ("and" not)*
//! not        = "not" not | "(" query ")" | field [operator value]
//! field      = status | kind | experiment | name | user | created | started | ended
//!            | tags.NAME | parameters.NAME | metrics.NAME
//! operator   = "=" | "!=" | "<" | "<=" | ">" | ">=" | "~"          (~: contains the text)
//! ```
//!
//! Values are words, numbers, or texts in quotes (`"`, `'`), in which a backslash stands before a
//! quote or a backslash. A NAME with other characters than letters, digits, `_`, `-`, `/` and `.` is quoted, also
//! with backquotes. Times are dates (`2026-11-01`, midnight in UTC) or moments
//! (`2026-11-01T09:30:00Z`). A field of names without an operator asks whether the run has it.
//! Keywords, fields and statuses are taken in any case.
//!
//! Pure: whether a run fits is for the database to say.

use crate::{RunId, RunStatus, Timestamp};

/// The longest query, in bytes.
const LENGTH_MAX: usize = 4_096;

/// How deep parentheses and `not` may nest.
const DEPTH_MAX: usize = 64;

/// Which runs.
#[derive(Debug, Clone, PartialEq)]
pub enum RunQuery {
    /// All of these hold.
    And(Vec<Self>),
    /// One of these holds.
    Or(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
    /// A field compares so with a value. A run without the field does not fit, whatever the
    /// operator.
    Compare(Field, Operator, Operand),
    /// The run has a tag, a parameter or a metric.
    Has(Field),
}

/// What of a run is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// How far it is.
    Status,
    /// `pipeline`, `step`, `script` or `interactive`.
    Kind,
    /// The name of its experiment.
    Experiment,
    /// Its display name.
    Name,
    /// Who submitted it.
    User,
    /// When it was accepted.
    Created,
    /// When its program started.
    Started,
    /// When it ended.
    Ended,
    /// The tag of this name.
    Tag(String),
    /// The parameter of this name.
    Parameter(String),
    /// The latest value of the metric of this name.
    Metric(String),
    /// Its id. Texts cannot ask for it.
    Id,
    /// The run it belongs to. Texts cannot ask for it.
    Parent,
}

/// How a field is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `~`: it contains the text.
    Contains,
    /// It fits a pattern in which `%` stands for any text and `_` for any character. Texts cannot
    /// ask for it.
    Like,
    /// The same, in any case of its letters.
    LikeAnyCase,
}

/// What a field is compared with; of the type of the field.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// Of a text, a tag or a parameter.
    Text(String),
    /// Of a metric.
    Number(f64),
    /// Of the status.
    Status(RunStatus),
    /// Of a time.
    Time(Timestamp),
    /// Of an id.
    Run(RunId),
}

/// Why a text is no query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {at} of the filter: {message}")]
pub struct QueryError {
    /// Where, counted in characters from 1.
    pub at: usize,
    /// What is wrong there.
    pub message: String,
}

impl RunQuery {
    /// Reads a query.
    ///
    /// # Errors
    /// The first fault, with its place and what could stand there.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if text.len() > LENGTH_MAX {
            return Err(QueryError {
                at: LENGTH_MAX,
                message: format!("it is longer than {LENGTH_MAX} bytes"),
            });
        }
        let mut parser = Parser {
            tokens: tokens(text)?,
            next: 0,
            end: text.chars().count() + 1,
        };
        let query = parser.any_of(0)?;
        match parser.peek() {
            None => Ok(query),
            Some(_) => Err(parser.fault("expected `and`, `or` or the end")),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Quoted(String),
    Operator(Operator),
    Open,
    Close,
}

/// The tokens with their places.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, QueryError> {
    let characters: Vec<char> = text.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(&c) = characters.get(at) {
        let (token, length) = match c {
            c if c.is_whitespace() => {
                at += 1;
                continue;
            }
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '"' | '\'' | '`' => quoted(&characters[at..], at)?,
            _ => match operator(&characters[at..]) {
                Some((operator, length)) => (Token::Operator(operator), length),
                None => word(&characters[at..], at)?,
            },
        };
        found.push((at + 1, token));
        at += length;
    }
    Ok(found)
}

fn quoted(rest: &[char], at: usize) -> Result<(Token, usize), QueryError> {
    let quote = rest[0];
    let (mut text, mut length) = (String::new(), 1);
    while let Some(&c) = rest.get(length) {
        length += 1;
        match c {
            c if c == quote => return Ok((Token::Quoted(text), length)),
            '\\' if rest.get(length).is_some_and(|c| *c == quote || *c == '\\') => {
                text.push(rest[length]);
                length += 1;
            }
            c => text.push(c),
        }
    }
    Err(QueryError {
        at: at + 1,
        message: format!("the text that begins with {quote} does not end"),
    })
}

fn operator(rest: &[char]) -> Option<(Operator, usize)> {
    let both: String = rest.iter().take(2).collect();
    let long = match both.as_str() {
        "!=" | "<>" => Some(Operator::NotEqual),
        "<=" => Some(Operator::AtMost),
        ">=" => Some(Operator::AtLeast),
        "==" => Some(Operator::Equal),
        _ => None,
    };
    if let Some(long) = long {
        return Some((long, 2));
    }
    let short = match rest[0] {
        '=' => Operator::Equal,
        '<' => Operator::Less,
        '>' => Operator::Greater,
        '~' => Operator::Contains,
        _ => return None,
    };
    Some((short, 1))
}

fn word(rest: &[char], at: usize) -> Result<(Token, usize), QueryError> {
    let part = |c: &&char| c.is_alphanumeric() || "_-./:+".contains(**c);
    let word: String = rest.iter().take_while(part).collect();
    match word.chars().count() {
        0 => Err(QueryError {
            at: at + 1,
            message: format!("`{}` cannot stand here", rest[0]),
        }),
        length => Ok((Token::Word(word), length)),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.peek().cloned();
        self.next += 1;
        token
    }

    /// A fault at the next token.
    fn fault(&self, message: impl Into<String>) -> QueryError {
        let at = self.tokens.get(self.next).map_or(self.end, |(at, _)| *at);
        let message = message.into();
        QueryError { at, message }
    }

    /// Takes a keyword, if it is next.
    fn keyword(&mut self, keyword: &str) -> bool {
        let is_next =
            matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.next += usize::from(is_next);
        is_next
    }

    fn any_of(&mut self, depth: usize) -> Result<RunQuery, QueryError> {
        let mut parts = vec![self.all_of(depth)?];
        while self.keyword("or") {
            parts.push(self.all_of(depth)?);
        }
        Ok(single(parts, RunQuery::Or))
    }

    fn all_of(&mut self, depth: usize) -> Result<RunQuery, QueryError> {
        let mut parts = vec![self.one(depth)?];
        while self.keyword("and") {
            parts.push(self.one(depth)?);
        }
        Ok(single(parts, RunQuery::And))
    }

    fn one(&mut self, depth: usize) -> Result<RunQuery, QueryError> {
        if depth > DEPTH_MAX {
            return Err(self.fault(format!("it nests deeper than {DEPTH_MAX} levels")));
        }
        if self.keyword("not") {
            return Ok(RunQuery::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.peek() == Some(&Token::Open) {
            self.next += 1;
            let inside = self.any_of(depth + 1)?;
            return match self.peek() {
                Some(Token::Close) => {
                    self.next += 1;
                    Ok(inside)
                }
                _ => Err(self.fault("expected `)`")),
            };
        }
        let field = self.field()?;
        match self.peek() {
            Some(Token::Operator(operator)) => {
                let operator = *operator;
                if operator == Operator::Contains && !field.is_text() {
                    return Err(self.fault("`~` looks for a text, and this field is none"));
                }
                self.next += 1;
                let operand = self.operand(&field)?;
                Ok(RunQuery::Compare(field, operator, operand))
            }
            _ if field.is_named() => Ok(RunQuery::Has(field)),
            _ => Err(self.fault("expected one of = != < <= > >= ~")),
        }
    }

    fn field(&mut self) -> Result<Field, QueryError> {
        const EXPECTED: &str = "expected one of status, kind, experiment, name, user, created, \
            started, ended, tags.NAME, parameters.NAME and metrics.NAME";
        let Some(Token::Word(word)) = self.peek().cloned() else {
            return Err(self.fault(EXPECTED));
        };
        let (family, name) = match word.split_once('.') {
            Some((family, name)) => (family.to_ascii_lowercase(), Some(name.to_owned())),
            None => (word.to_ascii_lowercase(), None),
        };
        let plain = match family.as_str() {
            "status" => Some(Field::Status),
            "kind" => Some(Field::Kind),
            "experiment" => Some(Field::Experiment),
            "name" => Some(Field::Name),
            "user" => Some(Field::User),
            "created" => Some(Field::Created),
            "started" => Some(Field::Started),
            "ended" => Some(Field::Ended),
            _ => None,
        };
        if let (Some(field), None) = (plain, &name) {
            self.next += 1;
            return Ok(field);
        }
        let named: fn(String) -> Field = match family.as_str() {
            "tags" | "tag" => Field::Tag,
            "parameters" | "parameter" | "params" | "param" => Field::Parameter,
            "metrics" | "metric" => Field::Metric,
            _ => return Err(self.fault(EXPECTED)),
        };
        self.next += 1;
        match name {
            Some(name) if !name.is_empty() => Ok(named(name)),
            Some(_) => match self.take() {
                Some(Token::Quoted(name)) => Ok(named(name)),
                _ => {
                    self.next -= 1;
                    Err(self.fault(format!("expected a name after `{family}.`")))
                }
            },
            None => Err(self.fault(format!("expected `{family}.NAME`"))),
        }
    }

    fn operand(&mut self, field: &Field) -> Result<Operand, QueryError> {
        let text = match self.peek() {
            Some(Token::Word(text) | Token::Quoted(text)) => text.clone(),
            _ => return Err(self.fault("expected a value")),
        };
        let operand = match field {
            Field::Status => {
                let known = RunStatus::ALL.map(RunStatus::as_str).join(", ");
                let mut all = RunStatus::ALL.into_iter();
                let found = all.find(|status| status.as_str().eq_ignore_ascii_case(&text));
                let refuse = || self.fault(format!("`{text}` is no status; one of {known}"));
                Operand::Status(found.ok_or_else(refuse)?)
            }
            Field::Metric(_) => {
                let number = text.parse::<f64>().ok().filter(|number| !number.is_nan());
                let refuse = || self.fault(format!("`{text}` is no number"));
                Operand::Number(number.ok_or_else(refuse)?)
            }
            Field::Created | Field::Started | Field::Ended => {
                let refuse = || {
                    self.fault(format!(
                        "`{text}` is no time; write it as 2026-11-01 or 2026-11-01T09:30:00Z"
                    ))
                };
                Operand::Time(time(&text).ok_or_else(refuse)?)
            }
            Field::Kind
            | Field::Experiment
            | Field::Name
            | Field::User
            | Field::Tag(_)
            | Field::Parameter(_)
            | Field::Id
            | Field::Parent => Operand::Text(text),
        };
        self.next += 1;
        Ok(operand)
    }
}

impl Field {
    const fn is_named(&self) -> bool {
        matches!(self, Self::Tag(_) | Self::Parameter(_) | Self::Metric(_))
    }

    const fn is_text(&self) -> bool {
        !matches!(
            self,
            Self::Status
                | Self::Created
                | Self::Started
                | Self::Ended
                | Self::Metric(_)
                | Self::Id
                | Self::Parent
        )
    }
}

fn single(mut parts: Vec<RunQuery>, join: fn(Vec<RunQuery>) -> RunQuery) -> RunQuery {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}

/// A moment, or midnight of a date in UTC.
fn time(text: &str) -> Option<Timestamp> {
    let moment = text.parse::<jiff::Timestamp>().ok();
    let midnight = || {
        let date: jiff::civil::Date = text.parse().ok()?;
        jiff::tz::TimeZone::UTC
            .to_timestamp(date.at(0, 0, 0, 0))
            .ok()
    };
    let at = moment.or_else(midnight)?;
    Some(Timestamp::from_millis(at.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        match RunQuery::parse(text) {
            Ok(query) => format!("{query:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn and_binds_closer_than_or_and_names_may_be_quoted() {
        let query = RunQuery::parse(
            "STATUS = failed or tags.`my tag` = 'it\\'s' and not (metrics.loss < 1e-3 or params.x)",
        );
        let text = |text: &str| Operand::Text(text.to_owned());
        let loss = Field::Metric("loss".to_owned());
        assert_eq!(
            query.expect("a query"),
            RunQuery::Or(vec![
                RunQuery::Compare(
                    Field::Status,
                    Operator::Equal,
                    Operand::Status(RunStatus::Failed)
                ),
                RunQuery::And(vec![
                    RunQuery::Compare(
                        Field::Tag("my tag".to_owned()),
                        Operator::Equal,
                        text("it's")
                    ),
                    RunQuery::Not(Box::new(RunQuery::Or(vec![
                        RunQuery::Compare(loss, Operator::Less, Operand::Number(1e-3)),
                        RunQuery::Has(Field::Parameter("x".to_owned())),
                    ]))),
                ]),
            ])
        );
    }

    #[test]
    fn times_are_dates_or_moments() {
        let at = |text: &str| match RunQuery::parse(text) {
            Ok(RunQuery::Compare(Field::Created, _, Operand::Time(at))) => at.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(at("created > 2026-11-01"), "2026-11-01T00:00:00.000Z");
        assert_eq!(
            at("created > 2026-11-01T09:30:00+02:00"),
            "2026-11-01T07:30:00.000Z"
        );
    }

    #[test]
    fn a_refusal_says_where_and_what_could_stand_there() {
        assert_eq!(
            refusal("status = Broken"),
            "at character 10 of the filter: `Broken` is no status; one of NotStarted, Queued, \
             Preparing, Running, CancelRequested, Canceled, Completed, Failed"
        );
        assert_eq!(
            refusal("name = a name = b"),
            "at character 10 of the filter: expected `and`, `or` or the end"
        );
        assert_eq!(
            refusal("(name = a"),
            "at character 10 of the filter: expected `)`"
        );
        assert_eq!(
            refusal("metrics.loss < low"),
            "at character 16 of the filter: `low` is no number"
        );
        assert_eq!(
            refusal("name"),
            "at character 5 of the filter: expected one of = != < <= > >= ~"
        );
        assert_eq!(
            refusal("tags.'a"),
            "at character 6 of the filter: the text that begins with ' does not end"
        );
        assert!(refusal("size > 3").contains("expected one of status, kind"));
        assert!(refusal("created ~ 2026").contains("this field is none"));
        assert!(refusal(&"(".repeat(200)).contains("nests deeper"));
        assert!(refusal(&"x".repeat(5_000)).contains("longer than"));
    }
}
