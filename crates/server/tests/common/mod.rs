//! A real server on a folder of its own, and a client that says no more than the test wants.

use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use camino::Utf8PathBuf;
use stepwell_server::{Endpoint, Mode, ServeConfig, serve};
use tempfile::TempDir;

/// A server that is stopped when this is dropped.
pub(crate) struct Served {
    pub(crate) endpoint: Endpoint,
    thread: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl Served {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8PathBuf::from_path_buf(folder.path().join("data")).expect("UTF-8");
        let config = ServeConfig {
            data_folder: root,
            host: std::net::Ipv4Addr::LOCALHOST.into(),
            port: None,
            mode: Mode::Embedded,
            supervisor: "/nonexistent/stepwell-supervise".into(),
            program: "/nonexistent/stepwell".into(),
            idle_exit: None,
            workspace_name: "test".to_owned(),
            cache_bytes_max: 1 << 20,
        };
        let (tell, told) = channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime");
            let served = runtime.block_on(serve(config, |endpoint| {
                tell.send(endpoint.clone()).expect("somebody waits");
            }));
            served.expect("it serves");
        });
        let endpoint = told.recv().expect("it is ready");
        Self {
            endpoint,
            thread: Some(thread),
            _folder: folder,
        }
    }

    /// The status and the body of an answer.
    pub(crate) fn ask(&self, method: &str, path: &str, token: Option<&str>) -> (u16, String) {
        self.try_to_ask(method, path, token).expect("an answer")
    }

    fn try_to_ask(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
    ) -> Result<(u16, String), ureq::Error> {
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.endpoint.url));
        let request = match token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        };
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let mut answer = agent.run(request.body(()).expect("a request"))?;
        let body = answer.body_mut().read_to_string().unwrap_or_default();
        Ok((answer.status().as_u16(), body))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let token = self.endpoint.token.clone();
        // The test may have stopped it.
        drop(self.try_to_ask("POST", "/api/v1/shutdown", Some(&token)));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
