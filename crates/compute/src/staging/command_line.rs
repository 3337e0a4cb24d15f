//! The words of a step's command line, once it is known what each part of an argument is.
//!
//! The text of a shell's command is not touched, since the shell fills in variables itself; what is
//! put into it is quoted, so that a path with a blank stays one word. Pure.

use stepwell_model::{Arg, Program, expand_variables};

/// The arguments of `program` as text: `value` gives what a part is, `variable` what a variable
/// holds. A shell has one argument, the text of its command.
pub(super) fn words(
    program: &Program,
    arguments: &[Arg],
    value: impl Fn(&Arg) -> String,
    variable: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    if matches!(program, Program::Shell(_)) {
        return vec![shell_text(arguments, value)];
    }
    let part = |part: &Arg| match part {
        Arg::Literal(text) => expand_variables(text, &variable),
        part => value(part),
    };
    let token = |token: &Arg| token.render(part);
    arguments.iter().map(token).collect()
}

/// Where in a shell's text a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    None,
    Single,
    Double,
}

/// The tokens joined by blanks, with each value quoted as its surroundings ask for.
fn shell_text(tokens: &[Arg], value: impl Fn(&Arg) -> String) -> String {
    let mut text = String::new();
    let mut quotes = Quotes::None;
    for (number, token) in tokens.iter().enumerate() {
        if number > 0 {
            text.push(' ');
        }
        for part in token.parts() {
            match part {
                Arg::Literal(literal) => {
                    quotes = after(quotes, literal);
                    text.push_str(literal);
                }
                part => text.push_str(&quoted(&value(part), quotes)),
            }
        }
    }
    text
}

/// In which quotes a shell is after it has read `text`.
fn after(mut quotes: Quotes, text: &str) -> Quotes {
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        quotes = match (quotes, c) {
            (Quotes::None | Quotes::Double, '\\') => {
                characters.next();
                quotes
            }
            (Quotes::None, '\'') => Quotes::Single,
            (Quotes::None, '"') => Quotes::Double,
            (Quotes::Single, '\'') | (Quotes::Double, '"') => Quotes::None,
            _ => quotes,
        };
    }
    quotes
}

/// `value` as part of one word. One that no shell would change stays as it is.
fn quoted(value: &str, quotes: Quotes) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    match quotes {
        Quotes::None if !value.is_empty() && value.chars().all(is_plain) => value.to_owned(),
        Quotes::None => format!("'{}'", value.replace('\'', r"'\''")),
        Quotes::Single => value.replace('\'', r"'\''"),
        Quotes::Double => {
            let mut made = String::with_capacity(value.len());
            for c in value.chars() {
                if matches!(c, '\\' | '"' | '$' | '`') {
                    made.push('\\');
                }
                made.push(c);
            }
            made
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_a_shell_text_stay_one_word() {
        let literal = |text: &str| Arg::Literal(text.to_owned());
        let out = || Arg::Output("out".to_owned());
        let tokens = |tokens: Vec<Arg>, place: &str| shell_text(&tokens, |_| place.to_owned());
        let bare = vec![literal("echo hello >"), out()];
        assert_eq!(tokens(bare.clone(), "/a/b"), "echo hello > /a/b");
        assert_eq!(tokens(bare, "/a b"), "echo hello > '/a b'");
        let within = |before: &str, after: &str| {
            vec![Arg::Text(vec![literal(before), out(), literal(after)])]
        };
        let cases = [
            ("x --out=", "/f", "x --out='/a $b'/f"),
            ("x \"--out=", "/f\"", "x \"--out=/a \\$b/f\""),
            ("x 'it ", " '", "x 'it /a $b '"),
            (r"x \' ", "", r"x \' '/a $b'"),
        ];
        for (before, after, expected) in cases {
            assert_eq!(tokens(within(before, after), "/a $b"), expected);
        }
        assert_eq!(tokens(vec![out()], "it's"), r"'it'\''s'");
        assert_eq!(tokens(vec![out()], ""), "''");
    }
}
