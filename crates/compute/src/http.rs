//! JSON over HTTP, by which a cluster is asked that has an API for that.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;

/// How long an answer may take. A submission waits for those who do the work.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the cluster may take to take a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Why there is no answer at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// Nobody answers now; later somebody may.
    Silent(String),
    /// Nobody can be asked.
    Never(String),
}

/// Asks at one address.
#[derive(Debug)]
pub(crate) struct Http {
    pub(crate) address: String,
    client: Result<Client, String>,
}

impl Http {
    pub(crate) fn new(address: String) -> Self {
        let mut client = Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .timeout(PATIENCE);
        if is_loopback(&address) {
            client = client.no_proxy();
        }
        Self {
            address,
            client: client.build().map_err(|error| error.to_string()),
        }
    }

    /// What is answered, whatever it is. `signed` adds what says who asks.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        signed: impl FnOnce(RequestBuilder) -> Result<RequestBuilder, String>,
    ) -> Result<(StatusCode, Vec<u8>), NoAnswer> {
        let client = self.client.as_ref();
        let client = client.map_err(|error| NoAnswer::Never(error.clone()))?;
        let mut request = client.request(method, format!("{}{path}", self.address));
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let request = signed(request).map_err(NoAnswer::Never)?;
        let answer = request.send().await.map_err(silent)?;
        let status = answer.status();
        Ok((status, answer.bytes().await.map_err(silent)?.to_vec()))
    }
}

/// The token in a file, which is read anew each time: it may be another one by now.
pub(crate) fn token(path: &str) -> Result<String, String> {
    let token = fs_err::read_to_string(path).map_err(|error| error.to_string())?;
    Ok(token.trim().to_owned())
}

fn silent(error: reqwest::Error) -> NoAnswer {
    let error = error.without_url();
    NoAnswer::Silent(stepwell_model::in_words(&error))
}

/// Whether the address is of this machine, which no proxy knows.
fn is_loopback(address: &str) -> bool {
    let host = address.split("://").nth(1).unwrap_or_default();
    ["127.", "localhost", "[::1]"]
        .iter()
        .any(|beginning| host.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_asked_without_a_proxy() {
        assert!(is_loopback("http://127.0.0.1:8265") && is_loopback("http://[::1]:8265"));
        assert!(!is_loopback("http://head:8265"));
    }
}
