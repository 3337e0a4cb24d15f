//! The REST client of the command line: blocking, typed with the wire types, nothing else.
//!
//! It does not look for servers or start them; see [`crate::session`].

mod calls;
mod error;
mod events;
mod log;
mod published;
mod schedules;
mod trust;

use std::io::Read as _;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::http::Response;
use ureq::{Agent, Body, RequestBuilder};

pub(crate) use calls::RunFilter;
pub(crate) use error::{Error, Result};
pub(crate) use log::Patience;
pub(crate) use trust::{AuthoritiesError, check_authorities};

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the server may be silent within an answer; above any long poll it offers.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// How long the server may hold a long poll.
const POLL_SECONDS: u64 = 20;

/// A server and the token it knows us by. Clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    agent: Agent,
    url: String,
    token: String,
}

impl Client {
    /// A client of the server at `url`.
    pub(crate) fn new(url: &str, token: &str) -> Self {
        Self::with_patience(url, token, SILENCE_MAX)
    }

    /// A client that gives up after `patience` of silence.
    pub(crate) fn with_patience(url: &str, token: &str, patience: Duration) -> Self {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("stepwell/", env!("CARGO_PKG_VERSION")))
            .max_idle_connections_per_host(8)
            .timeout_connect(Some(CONNECT_TIMEOUT.min(patience)))
            .timeout_per_read(Some(patience));
        if url.starts_with("https://") {
            config = config.tls_config(trust::tls());
        }
        if is_this_machine(url) {
            // A proxy cannot know a server that listens on this machine only.
            config = config.proxy(None);
        }
        Self {
            agent: config.build().new_agent(),
            url: url.to_owned(),
            token: token.to_owned(),
        }
    }

    /// The server's URL.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn address(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.url)
    }

    fn authorized<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        request.header("Authorization", format!("Bearer {}", self.token))
    }

    /// Judges an answer: the body of a 2xx, else an error.
    fn settle(
        &self,
        path: &str,
        answer: std::result::Result<Response<Body>, ureq::Error>,
    ) -> Result<Response<Body>> {
        let answer = answer.map_err(|source| self.unreachable(source))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status().as_u16();
        let body = self.bytes(answer)?;
        Err(Error::from_answer(&self.address(path), status, &body))
    }

    fn unreachable(&self, source: ureq::Error) -> Error {
        Error::Unreachable {
            url: self.url.clone(),
            source,
        }
    }

    fn bytes(&self, answer: Response<Body>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        answer
            .into_body()
            .into_reader()
            .read_to_end(&mut bytes)
            .map_err(|error| self.unreachable(error.into()))?;
        Ok(bytes)
    }

    fn parsed<T: DeserializeOwned>(&self, path: &str, answer: Response<Body>) -> Result<T> {
        let bytes = self.bytes(answer)?;
        serde_json::from_slice(&bytes).map_err(|error| Error::Unexpected {
            url: self.address(path),
            what: error.to_string(),
        })
    }

    fn get_raw(&self, path: &str, query: &[(&str, String)]) -> Result<Response<Body>> {
        let request = self.authorized(self.agent.get(self.address(path)));
        let query = query.iter().map(|(name, value)| (name, value.as_str()));
        self.settle(path, request.query_pairs(query).call())
    }

    fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T> {
        let answer = self.get_raw(path, query)?;
        self.parsed(path, answer)
    }

    fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let request = self.authorized(self.agent.post(self.address(path)));
        let answer = self.settle(path, request.send_json(body))?;
        self.parsed(path, answer)
    }

    /// Sends something that a repetition with the same key does not do twice.
    fn post_once<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        key: &str,
    ) -> Result<T> {
        let request = self.authorized(self.agent.post(self.address(path)));
        let request = request.header("Idempotency-Key", key);
        let answer = self.settle(path, request.send_json(body))?;
        self.parsed(path, answer)
    }

    fn patch<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let request = self.authorized(self.agent.patch(self.address(path)));
        let answer = self.settle(path, request.send_json(body))?;
        self.parsed(path, answer)
    }

    fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let request = self.authorized(self.agent.delete(self.address(path)));
        let answer = self.settle(path, request.call())?;
        self.parsed(path, answer)
    }

    fn put(&self, path: &str, body: impl ureq::AsSendBody) -> Result<Response<Body>> {
        let request = self.authorized(self.agent.put(self.address(path)));
        let request = request.content_type("application/octet-stream");
        self.settle(path, request.send(body))
    }
}

fn is_this_machine(url: &str) -> bool {
    let authority = url.split("://").nth(1).unwrap_or(url);
    ["127.", "localhost", "[::1]"]
        .iter()
        .any(|host| authority.starts_with(host))
}
