//! Calls to the server that started the worker, with the token of its step.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use stepwell_model::{Failure, FailureKind, RunId};
use ureq::Agent;
use ureq::http::Request;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a call is made to a server that does not answer: it may just be restarting.
const TRIES: u32 = 5;

/// The server, and the token of the step.
pub struct Home {
    url: String,
    token: String,
    agent: Agent,
    /// Names this process among those that log metrics of the run.
    writer: String,
    points: AtomicU64,
}

/// A datastore with what opens it. It prints without credentials, and is not to be stored.
#[derive(Clone, Deserialize)]
pub struct Connection {
    name: String,
    credentials: BTreeMap<String, String>,
    #[serde(flatten)]
    definition: Map<String, Value>,
}

impl Connection {
    /// The datastore's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The word for its kind, such as `azure_blob`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.definition
            .get("kind")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Where its data is, as at its registration, with its `kind`; without credentials.
    #[must_use]
    pub fn definition(&self) -> Value {
        self.definition.clone().into()
    }

    /// What opens it, by name.
    #[must_use]
    pub const fn credentials(&self) -> &BTreeMap<String, String> {
        &self.credentials
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.credentials.keys().collect();
        formatter
            .debug_struct("Connection")
            .field("name", &self.name)
            .field("kind", &self.kind())
            .field("credentials", &names)
            .finish()
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Home")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Home {
    /// The server that the environment names; one that is not named answers no call.
    pub(crate) fn from_environment() -> Self {
        let text = |name| std::env::var(name).unwrap_or_default();
        Self::new(&text("STEPWELL_URL"), &text("STEPWELL_TOKEN"))
    }

    /// The server at a URL, and the token that it is shown.
    #[must_use]
    pub fn new(url: &str, token: &str) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(concat!("stepwell-worker/", env!("CARGO_PKG_VERSION")))
            .timeout_global(Some(PATIENCE));
        Self {
            url: url.trim_end_matches('/').to_owned(),
            token: token.to_owned(),
            agent: agent.build().new_agent(),
            writer: uuid::Uuid::new_v4().to_string(),
            points: AtomicU64::new(0),
        }
    }

    pub(crate) fn connection(&self, run: RunId, datastore: &str) -> Result<Connection, Failure> {
        let path = format!("runs/{run}/datastores/{datastore}/connection");
        let what = format!("the credentials of datastore `{datastore}` could not be had");
        let body = self.call("GET", &path, None, &what)?;
        // What does not fit is not repeated: it holds credentials.
        serde_json::from_str(&body).map_err(|_| {
            let summary = format!("{what}: the server gives them in another form");
            Failure::new(FailureKind::Internal, summary)
        })
    }

    pub(crate) fn log_metric(&self, run: RunId, name: &str, value: f64) -> Result<(), Failure> {
        let number = match value {
            value if value.is_finite() => json!(value),
            value if value.is_nan() => json!("NaN"),
            value if value > 0.0 => json!("Infinity"),
            _ => json!("-Infinity"),
        };
        let batch = json!({
            "writer": self.writer,
            "first": self.points.fetch_add(1, Ordering::Relaxed),
            "points": [{
                "name": name,
                "kind": "scalar",
                "value": number,
                "at_ms": jiff::Timestamp::now().as_millisecond(),
            }],
        });
        let path = format!("runs/{run}/metrics");
        let what = format!("metric `{name}` could not be logged");
        self.call("POST", &path, Some(&batch), &what).map(drop)
    }

    /// The body of a good answer.
    fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        what: &str,
    ) -> Result<String, Failure> {
        let text = body.map(Value::to_string).unwrap_or_default();
        let mut tried = 0;
        loop {
            tried += 1;
            let request = Request::builder()
                .method(method)
                .uri(format!("{}/api/v1/{path}", self.url))
                .header("authorization", format!("Bearer {}", self.token))
                .header("content-type", "application/json")
                .body(text.as_str());
            let fault =
                |text: String| Failure::new(FailureKind::Storage, format!("{what}: {text}"));
            let request = request.map_err(|error| fault(error.to_string()))?;
            match self.agent.run(request) {
                Ok(mut answer) => {
                    let status = answer.status();
                    let body = answer.body_mut().read_to_string();
                    let body = body.map_err(|error| fault(error.to_string()))?;
                    if status.is_success() {
                        return Ok(body);
                    }
                    return Err(refused(what, status.as_u16(), &body));
                }
                Err(error) if tried >= TRIES => return Err(fault(error.to_string())),
                Err(_) => std::thread::sleep(Duration::from_millis(200) * 2_u32.pow(tried)),
            }
        }
    }
}

/// A refusal in the server's words.
fn refused(what: &str, status: u16, body: &str) -> Failure {
    let reply: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |name: &str| reply["error"][name].as_str().unwrap_or_default().to_owned();
    let message = match text("message") {
        empty if empty.is_empty() => format!("status {status}"),
        message => message,
    };
    Failure::new(FailureKind::Storage, format!("{what}: {message}")).with_hint(text("hint"))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// Answers one request, and gives it.
    fn answering(status: &str, body: &str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
        let asked = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut text = vec![0; 8192];
            let count = stream.read(&mut text).expect("a request");
            stream.write_all(answer.as_bytes()).expect("answered");
            String::from_utf8_lossy(&text[..count]).into_owned()
        });
        (url, asked)
    }

    fn run() -> RunId {
        "0192f5c4-1111-7222-8333-444455556666"
            .parse()
            .expect("an id")
    }

    #[test]
    fn a_connection_is_asked_for_with_the_steps_token_and_prints_no_credential() {
        let body = r#"{"name": "b", "kind": "s3", "bucket": "k", "credentials": {"secret_access_key": "hidden"}}"#;
        let (url, asked) = answering("200 OK", body);
        let lent = Home::new(&url, "pass")
            .connection(run(), "b")
            .expect("lent");
        assert_eq!((lent.name(), lent.kind()), ("b", "s3"));
        assert_eq!(lent.credentials()["secret_access_key"], "hidden");
        assert_eq!(lent.definition(), json!({"kind": "s3", "bucket": "k"}));
        assert!(!format!("{lent:?}").contains("hidden"));
        let asked = asked.join().expect("asked").to_lowercase();
        assert!(asked.contains("/datastores/b/connection"), "{asked}");
        assert!(asked.contains("authorization: bearer pass"), "{asked}");
    }

    #[test]
    fn a_refusal_is_a_failure_in_the_servers_words() {
        let body = r#"{"error": {"code": "forbidden", "message": "not named", "hint": "name it"}}"#;
        let (url, _asked) = answering("403 Forbidden", body);
        let refused = Home::new(&url, "pass").connection(run(), "b");
        let refused = refused.expect_err("refused");
        let summary = "the credentials of datastore `b` could not be had: not named";
        assert_eq!(
            (refused.summary.as_str(), refused.hint.as_str()),
            (summary, "name it")
        );
    }
}
