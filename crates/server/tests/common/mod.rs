//! A real server on a folder of its own, and a client that says no more than the test wants.

#![expect(dead_code, reason = "each test uses what it needs of this")]

use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use camino_tempfile::Utf8TempDir;
use serde_json::{Value, json};
use stepwell_api::Role;
use stepwell_server::{Endpoint, Limits, Mode, ServeConfig, ServeError, serve};

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The code of a refusal, in the shape of either family of routes.
    pub(crate) fn code(&self) -> String {
        let reply = self.json();
        let ours = reply["error"]["code"].as_str();
        let code = ours.or(reply["Error"]["InnerError"]["Code"].as_str());
        code.unwrap_or_default().to_lowercase()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    }
}

/// A server that is stopped when this is dropped.
pub(crate) struct Served {
    pub(crate) endpoint: Endpoint,
    thread: Option<JoinHandle<()>>,
    _folder: Utf8TempDir,
}

/// The settings of a test's server; its folder is made anew.
pub(crate) fn config(folder: &Utf8TempDir) -> ServeConfig {
    let root = folder.path().join("data");
    ServeConfig {
        data_folder: root,
        host: std::net::Ipv4Addr::LOCALHOST.into(),
        port: None,
        tls: None,
        advertised: None,
        limits: Limits::default(),
        mode: Mode::Embedded,
        supervisor: "/nonexistent/stepwell-supervise".into(),
        program: "/nonexistent/stepwell".into(),
        idle_exit: None,
        workspace_name: "test".to_owned(),
        adopt: false,
        cache_bytes_max: 1 << 20,
    }
}

/// Serves in this thread, until it is asked to stop.
pub(crate) fn block_on(
    config: ServeConfig,
    ready: impl FnOnce(&Endpoint),
) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(serve(config, ready))
}

impl Served {
    pub(crate) fn start() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut ServeConfig)) -> Self {
        let folder = camino_tempfile::tempdir().expect("a temporary folder");
        let mut config = config(&folder);
        change(&mut config);
        let (sender, receiver) = channel();
        let thread = std::thread::spawn(move || {
            let ready =
                |endpoint: &Endpoint| sender.send(endpoint.clone()).expect("somebody waits");
            block_on(config, ready).expect("it serves");
        });
        let endpoint = receiver.recv().expect("it is ready");
        Self {
            endpoint,
            thread: Some(thread),
            _folder: folder,
        }
    }

    /// The host and port of the server.
    pub(crate) fn address(&self) -> &str {
        self.endpoint.url.trim_start_matches("http://")
    }

    /// Asks without a body.
    pub(crate) fn ask(&self, method: &str, path: &str, token: Option<&str>) -> Answer {
        self.send(method, path, token, &[], "")
    }

    /// Asks as the owner.
    pub(crate) fn own(&self, method: &str, path: &str, body: &str) -> Answer {
        self.send(method, path, Some(&self.endpoint.token), &[], body)
    }

    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        self.try_to_send(method, path, token, headers, body)
            .expect("an answer")
    }

    fn try_to_send(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, ureq::Error> {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint.url));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build()
            .into();
        let mut answer = agent.run(request.body(body).expect("a request"))?;
        let body = answer.body_mut().read_to_string().unwrap_or_default();
        Ok(Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body,
        })
    }

    /// A new token of a role.
    pub(crate) fn token(&self, name: &str, role: Role) -> String {
        let wanted = json!({"name": name, "role": role}).to_string();
        let made = self.own("POST", "/api/v1/tokens", &wanted);
        assert_eq!(made.status, 201, "{}", made.body);
        made.json()["token"].as_str().expect("a text").to_owned()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let token = self.endpoint.token.clone();
        // The test may have stopped it.
        drop(self.try_to_send("POST", "/api/v1/shutdown", Some(&token), &[], ""));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// One operation of the OpenAPI document.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) method: String,
    /// With something in the place of each parameter.
    pub(crate) path: String,
    /// As in the document.
    pub(crate) pattern: String,
    pub(crate) role: Role,
    pub(crate) steps: bool,
    pub(crate) pages: bool,
    pub(crate) audit: Option<String>,
}

/// Every operation of the document; the one that stops the server is the last.
pub(crate) fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(stepwell_server::openapi()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let mut operations = Vec::new();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("operations") {
            let access = &operation["x-stepwell-access"];
            let role = serde_json::from_value(access["role"].clone());
            operations.push(Operation {
                method: method.to_uppercase(),
                path: match path.as_str() {
                    // The stream has no end otherwise.
                    "/api/v1/events" => format!("{path}?follow=false"),
                    _ => filled(path),
                },
                pattern: path.clone(),
                role: role.unwrap_or_else(|_| panic!("{method} {path} states no role")),
                steps: access["steps"] == true,
                pages: access["pages"] == true,
                audit: access["audit"].as_str().map(str::to_owned),
            });
        }
    }
    operations.sort_by_key(|operation| operation.path.ends_with("/shutdown"));
    assert!(operations.len() > 40, "the routes are there");
    operations
}

fn filled(path: &str) -> String {
    let part = |part: &str| match part
        .strip_prefix('{')
        .map(|name| name.trim_end_matches('}'))
    {
        Some("run" | "id") => "00000000-0000-4000-8000-000000000000".to_owned(),
        Some("digest") => "0".repeat(64),
        Some("version") => "1".to_owned(),
        Some(_) => "none".to_owned(),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}
