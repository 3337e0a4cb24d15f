//! Names and passwords in URLs, as `http://name:password@host/`: a text that others may see is shown
//! without them.

/// What is shown in their place.
const HIDDEN: &str = "(hidden)";

/// The text with the names and passwords of its URLs hidden. `git@` is the same for everybody, and
/// stays.
#[must_use]
pub fn without_logins(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let ends = |c: char| {
            c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'' | '`' | '<' | '>')
        };
        let authority = &after[..after.find(ends).unwrap_or(after.len())];
        rest = after;
        if let Some((login, host)) = authority.rsplit_once('@')
            && login != "git"
        {
            shown.push_str(HIDDEN);
            rest = &after[authority.len() - host.len() - 1..];
        }
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_hidden_and_all_else_is_kept() {
        for (text, shown) in [
            ("no URL, but a@b.example", "no URL, but a@b.example"),
            ("https://host/a@b?c@d", "https://host/a@b?c@d"),
            (
                "--index-url http://u:pw@host:80/x",
                "--index-url http://(hidden)@host:80/x",
            ),
            (
                "a @ git+https://TOKEN@host/r.git",
                "a @ git+https://(hidden)@host/r.git",
            ),
            ("git+ssh://git@host/r", "git+ssh://git@host/r"),
            (
                "`http://a:p@q@h` http://b:é@h",
                "`http://(hidden)@h` http://(hidden)@h",
            ),
            ("://@", "://(hidden)@"),
        ] {
            assert_eq!(without_logins(text), shown);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_secret_in_a_login_is_never_left(before in ".{0,20}", after in "[^/?#\"'`<>\\s]{0,9}") {
            let text = format!("{before} http://user:SECRETPW{after}@host/");
            proptest::prop_assert!(!without_logins(&text).contains("SECRETPW"));
        }
    }
}
