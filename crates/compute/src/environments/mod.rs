//! Python environments for steps to run in, built by uv.
//!
//! An [`EnvironmentSpec`] is turned into an interpreter that is ready: one that exists is checked
//! once, and a [`PythonSpec`] is built once for equal content. What a step finds on its
//! `PYTHONPATH` is not decided here.
//!
//! # Two keys
//!
//! The *request key* is the BLAKE3 of what was asked in a normal form: the requirements in the
//! user's order without comments, conda packages in pip's words, options, and the Python version
//! that was asked for or else the identity of the base interpreter. A request is resolved once and
//! its lock is kept, so the same request gives the same environment later, also offline, whatever
//! has been published meanwhile. The *environment key* is the BLAKE3 of the lock and of the
//! interpreter's version, implementation, platform and prefix; requests that resolve to the same
//! share one environment.
//!
//! # Whole or not there
//!
//! An environment is built in its final place, since virtual environments hold their own path, and
//! is *sealed* last by a file renamed into it. What has no seal was cut short; it is removed and
//! built anew. Builders take a lock on the key, which uv inherits: when a server is killed, the
//! next one waits until its uv has ended. A sealed environment is never changed.
//!
//! # Another Python
//!
//! A Python version that is nowhere to be found and that uv cannot install is a failure that lists
//! what is there. With `STEPWELL_PYTHON_FALLBACK=1` the base interpreter is taken instead, and the
//! build log says so.
//!
//! Invariant: for the same content, [`Environments::prepare`] gives the same path to everyone.

mod build;
mod conda;
mod error;
mod flight;
mod folder;
mod interpreter;
mod log;
mod request;
mod uv;

use std::env;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_model::{EnvironmentSpec, Failure, FailureKind, PythonSpec};

use self::build::Builder;
use self::flight::Flights;
use self::folder::Folder;
use self::interpreter::Interpreter;
use self::request::Request;
use crate::executor::{BoxFuture, PrepareEnvironment, Prepared};

/// The Python environments of one data folder.
#[derive(Debug)]
pub struct Environments {
    builder: Builder,
    /// Interpreters that were found to be executable.
    existing: Flights<Prepared>,
    /// What base interpreters say about themselves.
    bases: Flights<Interpreter>,
    /// Environments by request key.
    built: Flights<Prepared>,
}

impl Environments {
    /// Environments kept in the folder `root`, built by the program `uv`; without one, uv is looked
    /// for where `STEPWELL_UV` says, beside the base interpreter, on the PATH, and among the base
    /// interpreter's modules.
    #[must_use]
    pub fn new(root: Utf8PathBuf, uv: Option<Utf8PathBuf>) -> Self {
        let fallback = env::var("STEPWELL_PYTHON_FALLBACK");
        Self {
            builder: Builder {
                folder: Folder::new(root),
                uv,
                python_fallback: fallback.is_ok_and(|value| !["", "0"].contains(&value.as_str())),
            },
            existing: Flights::default(),
            bases: Flights::default(),
            built: Flights::default(),
        }
    }

    /// The same, told whether the base interpreter may stand in for a Python version that is not
    /// to be had, instead of asking `STEPWELL_PYTHON_FALLBACK`.
    #[must_use]
    pub fn with_python_fallback(mut self, fallback: bool) -> Self {
        self.builder.python_fallback = fallback;
        self
    }

    /// The interpreter for `spec`, built first if need be. Cheap once it is there.
    ///
    /// # Errors
    ///
    /// A failure of kind [`FailureKind::Environment`] with the resolver's own words.
    pub async fn prepare(&self, spec: &EnvironmentSpec) -> Result<Prepared, Failure> {
        match spec {
            EnvironmentSpec::Interpreter { python } => {
                let check = async || check(python);
                self.existing.join(python, |_| true, check).await
            }
            EnvironmentSpec::Python(spec) => self.prepare_python(spec).await,
        }
    }

    async fn prepare_python(&self, spec: &PythonSpec) -> Result<Prepared, Failure> {
        let request = Request::new(spec);
        let base = Utf8Path::new(&spec.base_python);
        let key = request.key(&self.python_identity(spec).await?);
        let still_there = |prepared: &Prepared| prepared.python.exists();
        let obtain = || self.builder.obtain(&request, &key, base);
        self.built.join(key.as_str(), still_there, obtain).await
    }

    /// Which Python a request means, as exactly as can be said without looking for one.
    async fn python_identity(&self, spec: &PythonSpec) -> Result<String, Failure> {
        let platform = format!("{} {}", env::consts::OS, env::consts::ARCH);
        match &spec.python_version {
            Some(version) if !self.builder.python_fallback => {
                Ok(format!("asked {version} {platform}"))
            }
            Some(version) => {
                // What stands in is part of what is asked: without the fallback it is another key.
                let base = self.inspect_base(&spec.base_python).await?;
                Ok(format!("asked {version} {platform} or {}", base.identity()))
            }
            None => Ok(self.inspect_base(&spec.base_python).await?.identity()),
        }
    }

    async fn inspect_base(&self, python: &str) -> Result<Interpreter, Failure> {
        let inspect = async || {
            Interpreter::inspect(Utf8Path::new(python))
                .await
                .map_err(|err| unusable(python, &err.detail()))
        };
        self.bases.join(python, |_| true, inspect).await
    }
}

impl PrepareEnvironment for Environments {
    fn prepare<'a>(
        &'a self,
        spec: &'a EnvironmentSpec,
    ) -> BoxFuture<'a, Result<Prepared, Failure>> {
        Box::pin(Self::prepare(self, spec))
    }
}

/// Whether `python`, a path or a name on the PATH, can be executed.
fn check(python: &str) -> Result<Prepared, Failure> {
    let path = Utf8PathBuf::from(python);
    let found = if python.contains('/') {
        uv::is_executable(&path).then_some(path)
    } else {
        uv::find_on_path(python)
    };
    match found {
        Some(python) => Ok(Prepared { python, bin: None }),
        None => Err(unusable(
            python,
            "there is no such file that may be executed",
        )),
    }
}

fn unusable(python: &str, detail: &str) -> Failure {
    let summary = format!("interpreter `{python}` cannot be used");
    Failure::new(FailureKind::Environment, summary)
        .with_detail(detail)
        .with_hint(
            "name an interpreter that exists on the machine where the step runs, or leave the \
             environment out to use the submitting one",
        )
}
