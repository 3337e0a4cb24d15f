//! Texts that must not be seen: they print as dots, and are taken out of what others print.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How a credential begins that is looked up in the server's environment when it is needed.
const BY_REFERENCE: &str = "env:";

/// A credential, or the name of the variable that holds it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The name of the environment variable that holds it, if it is kept by reference.
    #[must_use]
    pub fn variable(&self) -> Option<&str> {
        self.0.strip_prefix(BY_REFERENCE)
    }

    /// The text itself; for one kept by reference, what the variable holds.
    pub(crate) fn reveal(&self) -> Result<String, String> {
        let Some(variable) = self.variable() else {
            return Ok(self.0.clone());
        };
        match std::env::var(variable) {
            Ok(text) if !text.is_empty() => Ok(text),
            _ => Err(format!(
                "the server's environment has no variable `{variable}`"
            )),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

/// Credentials by name, such as `account_key`.
pub type Credentials = BTreeMap<String, Secret>;

/// Takes secrets out of texts.
#[derive(Default)]
pub(crate) struct Scrubber(Vec<String>);

impl fmt::Debug for Scrubber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Scrubber")
    }
}

impl Scrubber {
    /// Learns a secret in each of the forms in which libraries print it.
    pub(crate) fn learn(&mut self, secret: &str) {
        let encoded = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
        let pairs = url::form_urlencoded::parse(secret.trim_start_matches('?').as_bytes());
        // The signature of a shared access signature is the part that must not be seen.
        let signatures = pairs
            .filter(|(name, _)| name == "sig")
            .map(|(_, value)| value.into_owned());
        self.0.extend(signatures);
        self.0.extend([secret.to_owned(), encoded]);
        self.0.retain(|known| known.len() > 3);
    }

    /// The text without secrets, and without the queries of URLs, which may hold signatures.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut clean = without_queries(text);
        for secret in &self.0 {
            clean = clean.replace(secret.as_str(), "…");
        }
        clean
    }
}

fn without_queries(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, url) = rest.split_at(start);
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ')' | '>' | '`');
        let (url, after) = url.split_at(url.find(ends).unwrap_or(url.len()));
        clean.push_str(before);
        clean.push_str(url.split('?').next().unwrap_or(url));
        rest = after;
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_out_in_every_form() {
        let mut scrubber = Scrubber::default();
        scrubber.learn("a+key/of=letters==");
        scrubber.learn("sv=2024&sig=c2ln%2Bbmature%3D");
        let text = "error for url (http://host/c?sv=2024&sig=c2ln%2Bbmature%3D): a+key/of=letters== \
                    a%2Bkey%2Fof%3Dletters%3D%3D and c2ln+bmature= done";
        assert_eq!(
            scrubber.clean(text),
            "error for url (http://host/c): … … and … done"
        );
    }

    #[test]
    fn a_secret_prints_as_dots() {
        assert_eq!(format!("{:?}", Secret::new("hidden")), "…");
    }
}
