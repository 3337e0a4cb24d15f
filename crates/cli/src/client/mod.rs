//! The REST client of the command line: blocking, typed with the wire types, nothing else.
//!
//! It does not look for servers or start them; see [`crate::session`].

mod calls;
mod computes;
mod error;
mod events;
mod files;
mod log;
mod published;
mod schedules;
mod secrets;
mod trust;
mod unix;

use std::io::Read as _;
use std::time::Duration;

use camino::Utf8Path;
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::config::ConfigBuilder;
use ureq::http::Response;
use ureq::typestate::AgentScope;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::{Agent, Body, RequestBuilder};

pub(crate) use calls::RunFilter;
pub(crate) use error::{Error, Result};
pub(crate) use events::Events;
pub(crate) use log::{LogChunk, Patience};
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

    /// A client of the server at `url`, by its socket file if it has one for us.
    pub(crate) fn by(url: &str, token: &str, socket: Option<&Utf8Path>) -> Self {
        match socket {
            Some(socket) => Self::at_socket(url, socket, token, SILENCE_MAX),
            None => Self::new(url, token),
        }
    }

    /// A client of the server at a socket file; `url` is what it is called.
    pub(crate) fn at_socket(url: &str, socket: &Utf8Path, token: &str, patience: Duration) -> Self {
        let config = configure(patience).proxy(None).build();
        let connector = unix::UnixConnector(socket.to_owned());
        Self {
            agent: Agent::with_parts(config, connector, DefaultResolver::default()),
            url: url.to_owned(),
            token: token.to_owned(),
        }
    }

    /// A client that gives up after `patience` of silence.
    fn with_patience(url: &str, token: &str, patience: Duration) -> Self {
        let mut config = configure(patience);
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

    /// The same server, which knows us by this token.
    pub(crate) fn with_token(self, token: &str) -> Self {
        let token = token.to_owned();
        Self { token, ..self }
    }

    /// The server's address, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Whether two clients were made for the same server in the same life.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.url == other.url && self.token == other.token
    }

    fn address(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.url)
    }

    fn authorized<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match self.token.is_empty() {
            true => request,
            false => request.header("Authorization", format!("Bearer {}", self.token)),
        }
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

    /// Asks for something that needs no words.
    fn post_nothing<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let request = self.authorized(self.agent.post(self.address(path)));
        let answer = self.settle(path, request.send_empty())?;
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

fn configure(patience: Duration) -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .http_status_as_error(false)
        .user_agent(concat!("stepwell/", env!("CARGO_PKG_VERSION")))
        .max_idle_connections_per_host(8)
        .timeout_connect(Some(CONNECT_TIMEOUT.min(patience)))
        .timeout_per_read(Some(patience))
}

fn is_this_machine(url: &str) -> bool {
    let authority = url.split("://").nth(1).unwrap_or(url);
    ["127.", "localhost", "[::1]"]
        .iter()
        .any(|host| authority.starts_with(host))
}
