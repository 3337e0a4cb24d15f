//! The arguments of a step: text, and what is filled in when the step starts.

use serde::{Deserialize, Serialize};

/// One argument token of a command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arg {
    /// Text as it is; `$NAME` in it is a variable of the step.
    Literal(String),
    /// The place of the named input.
    Input(String),
    /// The place of the named output.
    Output(String),
    /// The value of the named pipeline parameter.
    Parameter(String),
    /// Text in which `$NAME` is nothing but text: the value of a parameter, once it is known.
    Value(String),
    /// One token made of several parts, such as `--out=` and the place of an output.
    Text(Vec<Arg>),
}

impl Arg {
    /// What the token is made of, in order: no part is a [`Arg::Text`].
    #[must_use]
    pub fn parts(&self) -> Vec<&Arg> {
        match self {
            Self::Text(parts) => parts.iter().flat_map(Self::parts).collect(),
            part => vec![part],
        }
    }

    /// The token with each of its parts as `value` gives it.
    pub fn render(&self, value: impl FnMut(&Arg) -> String) -> String {
        self.parts().into_iter().map(value).collect()
    }
}

/// `text` with `$NAME` and `${NAME}` replaced by what `variable` gives for the name, as Azure ML has
/// it; what names no variable stays. Variables that hold tokens are left as they are: every user of a
/// machine can read a command line.
pub fn expand_variables(text: &str, variable: impl Fn(&str) -> Option<String>) -> String {
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        made.push_str(&rest[..start]);
        rest = &rest[start..];
        let (name, length) = name_at(&rest[1..]);
        let found = (!name.is_empty() && !SECRET.contains(&name)).then(|| variable(name));
        match found.flatten() {
            Some(value) => {
                made.push_str(&value);
                rest = &rest[1 + length..];
            }
            None => {
                made.push('$');
                rest = &rest[1..];
            }
        }
    }
    made + rest
}

/// The name of a variable at the beginning of what follows a `$`, and how long it is with braces.
fn name_at(text: &str) -> (&str, usize) {
    if let Some(inner) = text.strip_prefix('{') {
        return inner
            .find('}')
            .map_or(("", 0), |end| (&inner[..end], end + 2));
    }
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !is_of_name(c)).unwrap_or(text.len());
    (&text[..end], end)
}

/// Variables that would put a credential on a command line, which every user of a machine can read.
const SECRET: [&str; 2] = ["AZUREML_RUN_TOKEN", "STEPWELL_TOKEN"];

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str) -> Option<String> {
        let known = [
            ("WHERE", "north"),
            ("EMPTY", ""),
            ("STEPWELL_TOKEN", "secret"),
        ];
        let found = known.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn variables_in_text_are_filled_in_and_the_rest_is_left() {
        let cases = [
            ("$WHERE", "north"),
            ("a-${WHERE}-b", "a-north-b"),
            ("$WHERE$WHERE/", "northnorth/"),
            ("[$EMPTY]", "[]"),
            ("$WHEREVER", "$WHEREVER"),
            ("^\\d+$", "^\\d+$"),
            ("$5 ${ $", "$5 ${ $"),
            ("caf\u{e9} $WHERE", "caf\u{e9} north"),
            ("$STEPWELL_TOKEN", "$STEPWELL_TOKEN"),
        ];
        for (text, expected) in cases {
            assert_eq!(expand_variables(text, variable), expected);
        }
    }

    #[test]
    fn a_token_is_rendered_from_all_its_parts_in_order() {
        let literal = |text: &str| Arg::Literal(text.to_owned());
        let inner = Arg::Text(vec![Arg::Output("o".to_owned()), literal("/x")]);
        let token = Arg::Text(vec![literal("--out="), inner]);
        let rendered = token.render(|part| match part {
            Arg::Literal(text) => text.clone(),
            Arg::Output(name) => format!("<{name}>"),
            other => panic!("{other:?} is no part of it"),
        });
        assert_eq!(rendered, "--out=<o>/x");
    }
}
