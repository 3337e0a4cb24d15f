//! Why a body or a query is not what it should be, in words for those who wrote it: what the parsers
//! say, without their own terms.

/// What the parser of queries begins with, which says nothing to whoever sent the request.
const PREFIX: &str = "Failed to deserialize query string: ";

/// What they say, and the same in plain words.
const WORDS: [(&str, &str); 8] = [
    (
        "UUID parsing failed",
        "it must be an id, such as 0192f5c4-1111-7222-8333-444455556666",
    ),
    ("invalid digit found in string", "it must be a whole number"),
    (
        "cannot parse integer from empty string",
        "it must be a whole number",
    ),
    (
        "number too large to fit in target type",
        "the number is too large",
    ),
    (
        "number too small to fit in target type",
        "the number is too small",
    ),
    (
        "provided string was not `true` or `false`",
        "it must be `true` or `false`",
    ),
    (
        "invalid type: map, expected a string",
        "it must be a text, not an object",
    ),
    (
        "invalid type: sequence, expected a string",
        "it must be a text, not a list",
    ),
];

/// A parser's complaint in plain words; `name: complaint` keeps its name.
pub(crate) fn in_words(complaint: &str) -> String {
    let text = complaint.strip_prefix(PREFIX).unwrap_or(complaint);
    for (theirs, ours) in WORDS {
        if let Some(start) = text.find(theirs) {
            return format!("{}{ours}", &text[..start]);
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn no_term_of_a_parser_is_left() {
        let cases = [
            (
                "UUID parsing failed: invalid character: found `n` at 0 at line 1 column 51",
                "it must be an id, such as 0192f5c4-1111-7222-8333-444455556666",
            ),
            (
                "Failed to deserialize query string: limit: invalid digit found in string",
                "limit: it must be a whole number",
            ),
            (
                "unknown field `graph`, expected one of `a`, `b` at line 1 column 8",
                "unknown field `graph`, expected one of `a`, `b` at line 1 column 8",
            ),
        ];
        for (theirs, ours) in cases {
            assert_eq!(in_words(theirs), ours);
        }
    }
}
