//! Building one environment: resolve, then lock, then install.
//!
//! The lock is made once for a request and kept; installing needs nothing but the lock. It does
//! not care who else asks in this process; across processes it works under guards. Invariant: an
//! environment is sealed last, and a sealed one is never touched again.

use std::env;
use std::io;
use std::process::Stdio;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_model::Failure;

use super::brought::without_azureml;
use super::error::Error;
use super::folder::{Folder, Resolution, write_private};
use super::interpreter::{Asked, Interpreter, Search};
use super::log::BuildLog;
use super::metadata;
use super::older::older_with_wheels;
use super::request::{Key, Request};
use super::uv::{Call, Uv};
use crate::executor::Prepared;

/// The releases of setuptools that have `pkg_resources`.
const BUILD_CONSTRAINT: &str = "setuptools<81";

/// What builds need to know besides the request.
#[derive(Debug)]
pub(super) struct Builder {
    pub(super) folder: Folder,
    /// The uv program, when the operator said which.
    pub(super) uv: Option<Utf8PathBuf>,
    /// Whether another Python may run than the one that is asked for and not to be had.
    pub(super) python_fallback: bool,
    /// Whether such a Python gets packages of the years of the one that is asked for.
    pub(super) packages_of_their_time: bool,
}

/// One request under way.
pub(super) struct Build<'a> {
    pub(super) request: &'a Request,
    pub(super) key: &'a Key,
    base: &'a Utf8Path,
    pub(super) folder: &'a Folder,
    pub(super) uv: Uv,
    pub(super) log: BuildLog,
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
        // Locks that older servers made may have what takes the place of Stepwell.
        let recalled = self
            .folder
            .recall(key)
            .filter(|resolution| without_azureml(&resolution.lock).1.is_empty());
        if let Some(resolution) = &recalled
            && let Some(prepared) = self.folder.environment(&resolution.key()).ready()
        {
            return Ok(noticed(prepared, resolution));
        }
        let build = self.begin(request, key, base).await?;
        let resolution = match recalled {
            Some(resolution) if still_there(&resolution.interpreter).await => resolution,
            _ => self.resolve(&build).await?,
        };
        let prepared = self.install(&build, &resolution).await?;
        tracing::info!(environment = request.name, python = %prepared.python, "environment ready");
        Ok(noticed(prepared, &resolution))
    }

    async fn begin<'a>(
        &'a self,
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
            folder: &self.folder,
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
        let asked = build.request.asked();
        let mut chosen = search.choose(asked).await?;
        if !matches!(asked, Asked::Version(_))
            && let Some(older) = older_with_wheels(
                build,
                &search,
                &chosen.interpreter,
                self.packages_of_their_time,
            )
            .await?
        {
            chosen = older;
        }
        let interpreter = chosen.interpreter;
        build.log.note(format!(
            "Python {} at `{}`",
            interpreter.version, interpreter.python
        ))?;
        let as_of = chosen.as_of.filter(|_| self.packages_of_their_time);
        let (lock, as_of) = self
            .lock(build, &interpreter.python, as_of.as_deref())
            .await?;
        let notice = chosen.notice.map(|notice| match as_of {
            Some(day) if !build.request.requirements.is_empty() => {
                format!("{notice}, with packages as of {day}")
            }
            _ => notice,
        });
        let resolution = Resolution {
            lock,
            interpreter,
            as_of: as_of.map(str::to_owned),
            notice,
        };
        self.folder.remember(build.key, &resolution)?;
        Ok(resolution)
    }

    /// The lock, and the day as of which it was made. A day on which something that is asked for
    /// was not there yet, or an index that knows no days, is no reason to fail.
    async fn lock<'d>(
        &self,
        build: &Build<'_>,
        python: &Utf8Path,
        as_of: Option<&'d str>,
    ) -> Result<(String, Option<&'d str>), Error> {
        let options = build.request.options_text();
        // Files that the lock names by their path make it another one when they change.
        let content = match build.request.content.as_str() {
            "" => String::new(),
            digest => format!("# content of local files: {digest}\n"),
        };
        if build.request.requirements.is_empty() {
            return Ok((options + &content, as_of));
        }
        let input = self.folder.request_file(build.key, "in");
        write_private(&input, build.request.text().as_bytes())?;
        let mut compile = vec![
            "pip",
            "compile",
            "--no-header",
            "--no-annotate",
            "--generate-hashes",
            "--python",
            python.as_str(),
        ];
        if build.request.builds_local_projects {
            compile.push("--refresh");
        }
        let compile_as_of = async |day: Option<&str>| {
            let mut arguments = compile.clone();
            if let Some(day) = day {
                arguments.extend(["--exclude-newer", day]);
            }
            arguments.push(input.as_str());
            build.compile(&arguments).await
        };
        // The options say where the pinned packages are, so the lock alone is enough.
        let lock = |pins: String| -> Result<String, Error> {
            let (pins, left_out) = without_azureml(&pins);
            if !left_out.is_empty() {
                build.log.note(format!(
                    "`{}` are left out, which other packages ask for: Stepwell takes their place",
                    left_out.join("`, `")
                ))?;
            }
            Ok(options + &content + &pins)
        };
        match (compile_as_of(as_of).await, as_of) {
            (Err(Error::Uv { .. }), Some(day)) => {
                build.log.note(format!(
                    "with packages as of {day} it cannot be resolved; those of today are taken"
                ))?;
                Ok((lock(compile_as_of(None).await?)?, None))
            }
            (pins, as_of) => Ok((lock(pins?)?, as_of)),
        }
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
            let mut sync = vec!["pip", "sync", "--python", python.as_str()];
            if let Some(day) = &resolution.as_of {
                // What builds old packages from source must be of their time, too.
                sync.extend(["--exclude-newer", day]);
            }
            if build.request.builds_local_projects {
                sync.push("--refresh");
            }
            // uv cannot compile for Python 3.6; each step would compile what it imports.
            let compiles = !interpreter.version.starts_with("3.6.");
            if compiles {
                sync.push("--compile-bytecode");
            }
            sync.push(lock.as_str());
            build.run_with_builds(&sync, || guard.stdin()).await?;
            if !compiles {
                compile_all(&python).await;
            }
        }
        environment.seal(&build.request.name, &interpreter.version)?;
        environment.ready().ok_or_else(|| Error::Interpreter {
            python: environment.python(),
            words: "it is missing from the environment that was just built".to_owned(),
        })
    }
}

impl Build<'_> {
    /// Resolves; releases whose needs uv cannot read count as well.
    async fn compile(&self, arguments: &[&str]) -> Result<String, Error> {
        let no_input = || Ok(Stdio::null());
        match self.run_with_builds(arguments, no_input).await {
            Err(Error::Uv { words, .. }) if metadata::is_unreadable(&words) => {
                self.log
                    .note("what old releases of pandas need is said to uv")?;
                let settings = self.folder.uv_settings(&metadata::settings())?;
                let with_settings = [arguments, &["--project", settings.as_str()]].concat();
                self.run_with_builds(&with_settings, no_input).await
            }
            outcome => outcome,
        }
    }

    /// Runs what may build packages from source. Those of old releases import `pkg_resources`, which
    /// newer setuptools have no more; one that asks for such a setuptools gets it.
    async fn run_with_builds(
        &self,
        arguments: &[&str],
        stdin: impl Fn() -> io::Result<Stdio>,
    ) -> Result<String, Error> {
        if env::var_os("UV_BUILD_CONSTRAINT").is_some() {
            return self.run(arguments, stdin()?).await;
        }
        let file = self.folder.request_file(self.key, "build");
        write_private(&file, BUILD_CONSTRAINT.as_bytes())?;
        let constrained = [arguments, &["--build-constraints", file.as_str()]].concat();
        match self.run(&constrained, stdin()?).await {
            Err(Error::Uv { words, .. }) if words.contains(BUILD_CONSTRAINT) => {
                self.log.note(format!(
                    "a package is built by a newer setuptools than `{BUILD_CONSTRAINT}`"
                ))?;
                self.run(arguments, stdin()?).await
            }
            outcome => outcome,
        }
    }

    async fn run(&self, arguments: &[&str], stdin: Stdio) -> Result<String, Error> {
        let call = Call {
            arguments,
            log: &self.log,
            stdin,
        };
        self.uv.run(call).await
    }
}

fn noticed(prepared: Prepared, resolution: &Resolution) -> Prepared {
    Prepared {
        notice: resolution.notice.clone(),
        ..prepared
    }
}

/// Compiles what is installed by Python's own means; what cannot be compiled is of no concern.
async fn compile_all(python: &Utf8Path) {
    let packages = "import compileall, sysconfig; \
                    compileall.compile_dir(sysconfig.get_paths()['purelib'], quiet=2, workers=0)";
    let _ = tokio::process::Command::new(python)
        .args(["-c", packages])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .status()
        .await;
}

/// Whether an interpreter chosen earlier is what it was.
async fn still_there(chosen: &Interpreter) -> bool {
    Interpreter::inspect(&chosen.python)
        .await
        .is_ok_and(|found| found.identity() == chosen.identity())
}
