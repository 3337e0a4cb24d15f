//! The uv program: where it is, and running it.
//!
//! It does not know what an environment is. Invariant: what uv does depends on its arguments, on
//! the settings a user gives to uv or pip by variables and uv's own configuration file, and never
//! on the virtual environment the server happens to run in.

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::process::Stdio;

use camino::{Utf8Path, Utf8PathBuf};
use tokio::process::Command;

use super::error::Error;
use super::log::BuildLog;

/// Variables that would bind uv to the surroundings of the server.
const REMOVED: &[&str] = &[
    "CONDA_PREFIX",
    "PYTHONHOME",
    "PYTHONPATH",
    "UV_PROJECT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_WORKING_DIR",
    "VIRTUAL_ENV",
];

/// pip's variables that uv does not read, what uv calls them, and what else of uv says the same.
/// People behind a mirror have set them for pip.
const FROM_PIP: &[(&str, &str, &str)] = &[
    ("PIP_CERT", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    ("PIP_EXTRA_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX"),
    ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    ("PIP_TRUSTED_HOST", "UV_INSECURE_HOST", ""),
];

/// How uv is called.
#[derive(Debug, Clone)]
pub(super) struct Uv {
    program: Utf8PathBuf,
    /// What comes before uv's own arguments: `-m uv` when it is called by an interpreter.
    lead: &'static [&'static str],
    variables: BTreeMap<&'static str, String>,
}

/// One call of uv.
pub(super) struct Call<'a> {
    pub(super) arguments: &'a [&'a str],
    pub(super) log: &'a BuildLog,
    /// What uv has as its standard input: a file that stays open, and locked, while uv lives.
    pub(super) stdin: Stdio,
}

impl Uv {
    /// Finds uv: at `given`, where STEPWELL_UV says, beside `base_python`, on the PATH, or as a
    /// module of `base_python`. A place that was named must be right.
    pub(super) async fn locate(
        given: Option<&Utf8Path>,
        base_python: &Utf8Path,
    ) -> Result<Self, Error> {
        let named = given
            .map(|path| (path.to_owned(), path.to_string()))
            .or_else(|| {
                let path = env::var("STEPWELL_UV")
                    .ok()
                    .filter(|path| !path.is_empty())?;
                let place = format!("STEPWELL_UV={path}");
                Some((path.into(), place))
            });
        if let Some((path, place)) = named {
            return if is_executable(&path) {
                Ok(Self::at(path, &[]))
            } else {
                Err(Error::UvMissing {
                    places: vec![place],
                })
            };
        }
        let beside = base_python.with_file_name("uv");
        if is_executable(&beside) {
            return Ok(Self::at(beside, &[]));
        }
        if let Some(program) = find_on_path("uv") {
            return Ok(Self::at(program, &[]));
        }
        let module = Self::at(base_python.to_owned(), &["-m", "uv"]);
        let answers = module
            .command(&["--version"])
            .stdin(Stdio::null())
            .output()
            .await;
        if answers.is_ok_and(|output| output.status.success()) {
            return Ok(module);
        }
        let places = vec![
            format!("`{beside}`"),
            "the PATH".to_owned(),
            format!("`{base_python} -m uv`"),
        ];
        Err(Error::UvMissing { places })
    }

    fn at(program: Utf8PathBuf, lead: &'static [&'static str]) -> Self {
        Self {
            program,
            lead,
            variables: variables(|name| env::var(name).ok()),
        }
    }

    /// The same with variables that win over those of the server.
    pub(super) fn with_variables(mut self, variables: &BTreeMap<&'static str, String>) -> Self {
        self.variables
            .extend(variables.iter().map(|(&name, value)| (name, value.clone())));
        self
    }

    /// Runs uv and gives what it printed; what it said on the way is in the log. uv is killed when
    /// this is dropped.
    pub(super) async fn run(&self, call: Call<'_>) -> Result<String, Error> {
        call.log.note(format!("uv {}", call.arguments.join(" ")))?;
        let mark = call.log.mark()?;
        let output = self
            .command(call.arguments)
            .stdin(call.stdin)
            .stdout(Stdio::piped())
            .stderr(call.log.stdio()?)
            .spawn()
            .map_err(|err| Error::Start {
                program: self.program.clone(),
                err,
            })?
            .wait_with_output()
            .await?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(Error::Uv {
            verb: verb(call.arguments),
            words: complaint(call.log.tail_since(mark)?),
        })
    }

    /// What uv answers, or its words when it refuses; the log has nothing of it. For questions
    /// whose refusal is an answer.
    pub(super) async fn ask(&self, arguments: &[&str]) -> io::Result<Result<String, String>> {
        let output = self
            .command(arguments)
            .stdin(Stdio::null())
            .output()
            .await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(match output.status.success() {
            true => Ok(text(&output.stdout)),
            false => Err(text(&output.stderr)),
        })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(self.lead).args(arguments).kill_on_drop(true);
        for name in REMOVED {
            command.env_remove(name);
        }
        command.envs(&self.variables);
        command
    }
}

/// The variables uv gets on top of the server's, which `get` reads.
fn variables(get: impl Fn(&str) -> Option<String>) -> BTreeMap<&'static str, String> {
    let mut variables = BTreeMap::from([
        ("NO_COLOR", "1".to_owned()),
        ("UV_NO_PROGRESS", "1".to_owned()),
    ]);
    if get("UV_INDEX_STRATEGY").is_none() {
        // pip takes the best version of all indexes, and the files people have rely on it.
        variables.insert("UV_INDEX_STRATEGY", "unsafe-best-match".to_owned());
    }
    for &(pip, uv, same) in FROM_PIP {
        if let Some(value) = get(pip)
            && get(uv).is_none()
            && get(same).is_none()
        {
            variables.insert(uv, value);
        }
    }
    if let Some(links) = get("PIP_FIND_LINKS")
        && get("UV_FIND_LINKS").is_none()
    {
        // pip only warns of a folder that is not there; uv would refuse.
        let exist = |place: &&str| place.contains("://") || Utf8Path::new(place).exists();
        let places: Vec<&str> = links.split_whitespace().filter(exist).collect();
        variables.insert("UV_FIND_LINKS", places.join(","));
    }
    variables
}

/// What uv said from its error on, without the progress before it.
fn complaint(mut words: String) -> String {
    if let Some(start) = words.rfind("\nerror:") {
        words.drain(..=start);
    }
    words
}

/// The words before the first option or path: `pip sync` of `pip sync --python …`.
fn verb(arguments: &[&str]) -> String {
    let words: Vec<&str> = arguments
        .iter()
        .copied()
        .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()))
        .collect();
    words.join(" ")
}

/// The program `name` in the folders of PATH.
pub(super) fn find_on_path(name: &str) -> Option<Utf8PathBuf> {
    let path = env::var("PATH").ok()?;
    path.split(':')
        .filter(|folder| !folder.is_empty())
        .map(|folder| Utf8Path::new(folder).join(name))
        .find(|program| is_executable(program))
}

/// Whether there is a file at `path` that this user may execute.
pub(super) fn is_executable(path: &Utf8Path) -> bool {
    path.is_file() && rustix::fs::access(path.as_std_path(), rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_made_for_pip_hold_for_uv_unless_uv_has_its_own() {
        let settings = BTreeMap::from([
            ("PIP_INDEX_URL", "https://mirror.example.org/simple"),
            (
                "PIP_FIND_LINKS",
                "/no/such/folder https://example.org/wheels",
            ),
            ("PIP_EXTRA_INDEX_URL", "https://ignored.example.org"),
            ("UV_INDEX", "https://example.org/simple"),
        ]);
        let variables = variables(|name| settings.get(name).map(|&value| value.to_owned()));
        insta::assert_debug_snapshot!(variables, @r#"
        {
            "NO_COLOR": "1",
            "UV_DEFAULT_INDEX": "https://mirror.example.org/simple",
            "UV_FIND_LINKS": "https://example.org/wheels",
            "UV_INDEX_STRATEGY": "unsafe-best-match",
            "UV_NO_PROGRESS": "1",
        }
        "#);
    }

    #[test]
    fn a_complaint_starts_at_the_error() {
        let said = "Downloading numpy\nerror: no\n  cause: because\nhint: so";
        assert_eq!(
            complaint(said.to_owned()),
            "error: no\n  cause: because\nhint: so"
        );
        assert_eq!(complaint("Killed".to_owned()), "Killed");
    }

    #[test]
    fn the_verb_of_a_call_ends_before_its_options() {
        assert_eq!(verb(&["pip", "sync", "--python", "python"]), "pip sync");
        assert_eq!(verb(&["venv", "--no-project"]), "venv");
    }
}
