//! Building one environment: resolve, then lock, then install.
//!
//! The lock is made once for a request and kept; installing needs nothing but the lock. It does
//! not care who else asks in this process; across processes it works under guards. Invariant: an
//! environment is sealed last, and a sealed one is never touched again.

use std::process::Stdio;

use camino::{Utf8Path, Utf8PathBuf};
use fs_err as fs;
use stepwell_model::Failure;

use super::error::Error;
use super::folder::{Folder, Resolution};
use super::interpreter::{Interpreter, Search};
use super::log::BuildLog;
use super::request::{Key, Request};
use super::uv::{Call, Uv};
use crate::executor::Prepared;

/// What builds need to know besides the request.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) folder: Folder,
    /// The uv program, when the operator said which.
    pub(super) uv: Option<Utf8PathBuf>,
    /// Whether the base interpreter may stand in for a version that is not to be had.
    pub(super) python_fallback: bool,
}

/// One request under way.
struct Build<'a> {
    request: &'a Request,
    key: &'a Key,
    base: &'a Utf8Path,
    uv: Uv,
    log: BuildLog,
}

impl Builder {
    /// The environment for `request`, which `key` stands for, built if it is not there.
    pub(super) async fn obtain(
        &self,
        request: &Request,
        key: &Key,
        base: &Utf8Path,
    ) -> Result<Prepared, Failure> {
        let log = self.folder.log(key);
        self.find_or_build(request, key, base).await.map_err(|err| {
            tracing::warn!(
                environment = request.name,
                error = err.detail(),
                "no environment"
            );
            err.into_failure(&request.name, &log)
        })
    }

    async fn find_or_build(
        &self,
        request: &Request,
        key: &Key,
        base: &Utf8Path,
    ) -> Result<Prepared, Error> {
        self.folder.create()?;
        let _guard = self.folder.guard(key).await?;
        let recalled = self.folder.recall(key);
        if let Some(resolution) = &recalled
            && let Some(prepared) = self.folder.environment(&resolution.key()).ready()
        {
            return Ok(prepared);
        }
        let build = self.begin(request, key, base).await?;
        let resolution = match recalled {
            Some(resolution) if still_there(&resolution.interpreter).await => resolution,
            _ => self.resolve(&build).await?,
        };
        let prepared = self.install(&build, &resolution).await?;
        tracing::info!(environment = request.name, python = %prepared.python, "environment ready");
        Ok(prepared)
    }

    async fn begin<'a>(
        &self,
        request: &'a Request,
        key: &'a Key,
        base: &'a Utf8Path,
    ) -> Result<Build<'a>, Error> {
        let log = BuildLog::create(self.folder.log(key))?;
        log.note(format!(
            "{}: environment `{}`",
            jiff::Timestamp::now(),
            request.name
        ))?;
        for notice in &request.notices {
            log.note(notice)?;
        }
        let uv = Uv::locate(self.uv.as_deref(), base).await?;
        let uv = uv.with_variables(&request.variables);
        Ok(Build {
            request,
            key,
            base,
            uv,
            log,
        })
    }

    /// Chooses the interpreter and every package, and keeps the choice.
    async fn resolve(&self, build: &Build<'_>) -> Result<Resolution, Error> {
        let search = Search {
            base: build.base,
            uv: &build.uv,
            log: &build.log,
            fallback: self.python_fallback,
        };
        let interpreter = search
            .choose(build.request.python_version.as_deref())
            .await?;
        build.log.note(format!(
            "Python {} at `{}`",
            interpreter.version, interpreter.python
        ))?;
        let resolution = Resolution {
            lock: self.lock(build, &interpreter.python).await?,
            interpreter,
        };
        self.folder.remember(build.key, &resolution)?;
        Ok(resolution)
    }

    async fn lock(&self, build: &Build<'_>, python: &Utf8Path) -> Result<String, Error> {
        let options = build.request.options_text();
        if build.request.requirements.is_empty() {
            return Ok(options);
        }
        let input = self.folder.request_file(build.key, "in");
        fs::write(&input, build.request.text())?;
        let pins = build
            .run(
                &[
                    "pip",
                    "compile",
                    "--no-header",
                    "--no-annotate",
                    "--generate-hashes",
                    "--python",
                    python.as_str(),
                    input.as_str(),
                ],
                Stdio::null(),
            )
            .await?;
        // The options say where the pinned packages are, so the lock alone is enough.
        Ok(options + &pins)
    }

    /// Builds the environment in its place: paths within it are right from the beginning, which
    /// no folder that is renamed afterwards can have without a detour in each script it holds.
    async fn install(&self, build: &Build<'_>, resolution: &Resolution) -> Result<Prepared, Error> {
        let key = resolution.key();
        let guard = self.folder.guard(&key).await?;
        let environment = self.folder.environment(&key);
        if let Some(prepared) = environment.ready() {
            build
                .log
                .note("an environment of equal content is there already")?;
            return Ok(prepared);
        }
        if environment.clear().await? {
            build
                .log
                .note("what a build that was cut short has left is removed")?;
        }
        let interpreter = &resolution.interpreter;
        build
            .run(
                &[
                    "venv",
                    "--no-project",
                    "--python",
                    interpreter.python.as_str(),
                    environment.path().as_str(),
                ],
                guard.stdin()?,
            )
            .await?;
        if !build.request.requirements.is_empty() {
            let lock = self.folder.request_file(build.key, "lock");
            let python = environment.python();
            let sync = ["pip", "sync", "--python", python.as_str(), lock.as_str()];
            build.run(&sync, guard.stdin()?).await?;
        }
        environment.seal(&build.request.name, &interpreter.version)?;
        environment.ready().ok_or_else(|| Error::Interpreter {
            python: environment.python(),
            words: "it is missing from the environment that was just built".to_owned(),
        })
    }
}

impl Build<'_> {
    async fn run(&self, arguments: &[&str], stdin: Stdio) -> Result<String, Error> {
        let call = Call {
            arguments,
            log: &self.log,
            stdin,
        };
        self.uv.run(call).await
    }
}

/// Whether an interpreter chosen earlier is what it was.
async fn still_there(chosen: &Interpreter) -> bool {
    Interpreter::inspect(&chosen.python)
        .await
        .is_ok_and(|found| found.identity() == chosen.identity())
}
