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
//! A Python version that is nowhere to be found and that uv cannot install is replaced by the oldest
//! newer one, with packages of the years of the one that was asked for (`era`); the step's log says
//! so in one line. With `STEPWELL_PYTHON_FALLBACK=0` it is a failure that lists what is there, and
//! with `STEPWELL_PACKAGES_OF_THEIR_TIME=0` the packages are those of today.
//!
//! A Python that the program did not name is replaced by an older one when that alone has wheels
//! of what the program pins (`wheels`), with packages of the time of those pins.
//!
//! Invariant: for the same content, [`Environments::prepare`] gives the same path to everyone.

mod brought;
mod build;
mod conda;
mod era;
mod error;
mod flight;
mod folder;
mod hint;
mod interpreter;
mod local;
mod log;
mod metadata;
mod names;
mod older;
mod request;
mod uv;
mod wheels;

use std::env;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_model::{EnvironmentSpec, Failure, FailureKind, PythonSpec};

use self::build::Builder;
use self::error::Error;
use self::flight::Flights;
use self::folder::Folder;
use self::interpreter::Interpreter;
use self::request::{Key, Request};
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
        // What the user sets for uv wins over Stepwell's own date.
        let has_own_date = env::var("UV_EXCLUDE_NEWER").is_ok_and(|day| !day.is_empty());
        Self {
            builder: Builder {
                folder: Folder::new(root),
                uv,
                python_fallback: is_on("STEPWELL_PYTHON_FALLBACK"),
                packages_of_their_time: is_on("STEPWELL_PACKAGES_OF_THEIR_TIME") && !has_own_date,
            },
            existing: Flights::default(),
            bases: Flights::default(),
            built: Flights::default(),
        }
    }

    /// The same, with `fallback` saying whether another Python may run than one that is not to be
    /// had, instead of `STEPWELL_PYTHON_FALLBACK`.
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
                let check = async || self.check(python);
                self.existing.join(python, |_| true, check).await
            }
            EnvironmentSpec::Python(spec) => self.prepare_python(spec).await,
        }
    }

    async fn prepare_python(&self, spec: &PythonSpec) -> Result<Prepared, Failure> {
        let request = self.request(spec).await?;
        let base = Utf8Path::new(&spec.base_python);
        let key = request.key(&self.python_identity(spec).await?);
        let still_there = |prepared: &Prepared| prepared.python.exists();
        let obtain = || self.builder.obtain(&request, &key, base);
        self.built.join(key.as_str(), still_there, obtain).await
    }

    /// What is asked for, with the content of the local files that it names.
    async fn request(&self, spec: &PythonSpec) -> Result<Request, Failure> {
        let name = spec.name.clone();
        let spec = spec.clone();
        let read = move || {
            let mut request = Request::new(&local::with_files_read(&spec)?);
            let named = local::named(request.requirements.iter().chain(&request.options));
            request.content = local::digest(&named)?;
            request.builds_local_projects = local::any_project(&named);
            Ok(request)
        };
        let read = tokio::task::spawn_blocking(read).await;
        read.unwrap_or_else(|stopped| Err(Error::Io(std::io::Error::other(stopped))))
            .map_err(|err| err.into_failure(&name, Utf8Path::new("not begun")))
    }

    /// Which Python a request means, as exactly as can be said without looking for one.
    async fn python_identity(&self, spec: &PythonSpec) -> Result<String, Failure> {
        let platform = format!("{} {}", env::consts::OS, env::consts::ARCH);
        let builder = &self.builder;
        match (&spec.python_version, &spec.python_preferred) {
            (Some(version), _) => Ok(format!(
                "asked {version} {platform}, or another: {}, of its time: {}",
                builder.python_fallback, builder.packages_of_their_time
            )),
            (None, preferred) => {
                let base = self.inspect_base(&spec.base_python).await?.identity();
                Ok(match preferred {
                    Some(version) => format!("preferred {version} {platform}, or {base}"),
                    None => base,
                })
            }
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

impl Environments {
    /// Whether `python`, a path or a name on the PATH, can be executed.
    fn check(&self, python: &str) -> Result<Prepared, Failure> {
        let path = Utf8PathBuf::from(python);
        let found = if python.contains('/') {
            uv::is_executable(&path).then_some(path)
        } else {
            uv::find_on_path(python)
        };
        let Some(python) = found else {
            let detail = "there is no such file that may be executed";
            return Err(unusable(python, detail));
        };
        let bin = self.builder.folder.programs_of(&python);
        Ok(Prepared {
            // Without one, a command that names `python` finds the one of the PATH.
            bin: bin.ok(),
            python,
            notice: None,
        })
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

/// The digest of what the local files that `spec` names ask for and hold; `None` when it names none.
/// What cannot be read has a digest of its own, since the build will say what is wrong.
#[must_use]
pub fn digest_of_named_files(spec: &PythonSpec) -> Option<String> {
    let read = match local::with_files_read(spec) {
        Ok(read) => read,
        Err(err) => return Some(err.detail()),
    };
    let request = Request::new(&read);
    let named = local::named(request.requirements.iter().chain(&request.options));
    if named.is_empty() && read == *spec {
        return None;
    }
    let content = local::digest(&named).unwrap_or_else(|err| err.detail());
    Some(Key::of(&[&request.text(), &content]).as_str().to_owned())
}

/// Whether a switch is on, as all of ours are unless they are set to `0` or `false`.
fn is_on(switch: &str) -> bool {
    env::var(switch).map_or(true, |value| {
        !["0", "false", "no", "off"].contains(&value.as_str())
    })
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
