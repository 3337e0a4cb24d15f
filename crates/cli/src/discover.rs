//! Which server serves a folder. The rules are here and nowhere else; the SDK asks this module
//! through `stepwell connect`.
//!
//! 1. `STEPWELL_URL` names a server, `STEPWELL_TOKEN` its token: that one.
//! 2. Else a data folder on this machine, the first of
//!    - `STEPWELL_DATA`;
//!    - `.stepwell` of the nearest folder upwards that has one of ours;
//!    - `.stepwell` beside the nearest workspace configuration upwards;
//!    - `.stepwell` in the folder itself.
//!
//! Nothing is started or created here.
//!
//! Invariant: every subfolder of a project gives the same data folder as the project itself. A
//! `.stepwell` of another user never counts, whoever asks: who owns it knows its token, and could run
//! a server of theirs in it.

use std::os::unix::fs::MetadataExt as _;

use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::client;
use crate::exit::Exit;
use crate::failure::Advice;

/// The name of the data folder inside a project.
pub(crate) const DATA_FOLDER: &str = ".stepwell";

/// Where a workspace configuration may be, in the order v1 programs look.
const CONFIGS: [&str; 3] = [
    ".azureml/config.json",
    "aml_config/config.json",
    "config.json",
];

/// The environment variables the rules depend on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    /// `STEPWELL_URL`
    pub(crate) url: Option<String>,
    /// `STEPWELL_TOKEN`
    pub(crate) token: Option<String>,
    /// `STEPWELL_SOCKET` of a step, unless its program names another server
    pub(crate) socket: Option<Utf8PathBuf>,
    /// `STEPWELL_DATA`
    pub(crate) data: Option<Utf8PathBuf>,
}

impl Surroundings {
    /// Reads this process's environment; an empty variable counts as absent.
    pub(crate) fn of_process() -> Self {
        let read = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let url = read("STEPWELL_URL");
        let is_the_steps = url.is_some() && url == read("AZUREML_SERVICE_ENDPOINT");
        Self {
            socket: read("STEPWELL_SOCKET")
                .filter(|_| is_the_steps)
                .map(Utf8PathBuf::from),
            url,
            token: read("STEPWELL_TOKEN"),
            data: read("STEPWELL_DATA").map(Utf8PathBuf::from),
        }
    }
}

/// The server of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A server somebody else runs.
    Remote {
        /// Its URL, without a slash at the end.
        url: String,
        /// What it knows us by.
        token: String,
        /// Its socket file, when it is the server that started this step.
        socket: Option<Utf8PathBuf>,
    },
    /// The embedded server of a data folder on this machine; it may have to be started.
    Local(Home),
}

/// A data folder and the name of the workspace in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Home {
    /// Its absolute path. It need not exist yet.
    pub(crate) data_folder: Utf8PathBuf,
    /// The name of the workspace, should it have to be made.
    pub(crate) workspace_name: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A URL that is none.
    #[error("`STEPWELL_URL` is `{0}`, which is no URL of a server")]
    NotAUrl(String),
    /// The authorities that are to be trusted cannot be read.
    #[error(transparent)]
    Authorities(#[from] client::AuthoritiesError),
    /// A URL alone.
    #[error("`STEPWELL_URL` is set but `STEPWELL_TOKEN` is not")]
    NoToken,
}

impl Advice for Error {
    fn exit(&self) -> Exit {
        Exit::Usage
    }

    fn hint(&self) -> String {
        match self {
            Self::NotAUrl(_) => "it should look like `https://ml.example:8471`; unset it to use the server of this folder",
            Self::Authorities(_) => "it should name the PEM file with the certificate of the authority that signed the server's",
            Self::NoToken => "set both, or unset `STEPWELL_URL` to use the server of this folder",
        }
        .to_owned()
    }
}

/// The server of `folder`, which must be absolute.
pub(crate) fn discover(folder: &Utf8Path, surroundings: &Surroundings) -> Result<Place, Error> {
    if let Some(url) = &surroundings.url {
        let socket = surroundings.socket.clone();
        return remote(url, surroundings.token.as_deref(), socket);
    }
    Ok(Place::Local(home(folder, surroundings.data.as_deref())))
}

fn remote(url: &str, token: Option<&str>, socket: Option<Utf8PathBuf>) -> Result<Place, Error> {
    if url.starts_with("https://") {
        client::check_authorities()?;
    } else if !url.starts_with("http://") {
        return Err(Error::NotAUrl(url.to_owned()));
    }
    Ok(Place::Remote {
        url: url.trim_end_matches('/').to_owned(),
        token: token.ok_or(Error::NoToken)?.to_owned(),
        socket,
    })
}

/// The data folder of `folder`, which must be absolute; `data` is what `STEPWELL_DATA` says.
pub(crate) fn home(folder: &Utf8Path, data: Option<&Utf8Path>) -> Home {
    let configured = configured_project(folder);
    let data_folder = match data {
        Some(data) => folder.join(data),
        None => folder
            .ancestors()
            .map(|ancestor| ancestor.join(DATA_FOLDER))
            .find(|candidate| is_ours(candidate))
            .unwrap_or_else(|| {
                let project = configured.as_ref().map_or(folder, |(project, _)| project);
                project.join(DATA_FOLDER)
            }),
    };
    let project = match data_folder.file_name() {
        Some(DATA_FOLDER) => data_folder.parent().unwrap_or(folder),
        _ => folder,
    };
    let workspace_name = match configured {
        Some((_, name)) => name,
        None => project.file_name().unwrap_or("workspace").to_owned(),
    };
    Home {
        data_folder,
        workspace_name,
    }
}

/// Whether this is a folder of the user's own.
fn is_ours(candidate: &Utf8Path) -> bool {
    let me = rustix::process::geteuid().as_raw();
    fs_err::metadata(candidate).is_ok_and(|found| found.is_dir() && found.uid() == me)
}

/// The nearest folder upwards with a workspace configuration, and the name in it.
fn configured_project(folder: &Utf8Path) -> Option<(&Utf8Path, String)> {
    folder.ancestors().find_map(|ancestor| {
        let name = CONFIGS
            .iter()
            .find_map(|config| workspace_name(&ancestor.join(config)))?;
        Some((ancestor, name))
    })
}

/// The `workspace_name` of a configuration. Any other `config.json` has none and does not count.
fn workspace_name(config: &Utf8Path) -> Option<String> {
    let text = fs_err::read_to_string(config).ok()?;
    // Editors on Windows put a byte order mark in front.
    let text = text.trim_start_matches('\u{feff}');
    let value: Value = serde_json::from_str(text).ok()?;
    let name = value.get("workspace_name")?.as_str()?;
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of files and folders (those that end in `/`), and its root.
    fn tree(entries: &[(&str, &str)]) -> (camino_tempfile::Utf8TempDir, Utf8PathBuf) {
        let guard = camino_tempfile::tempdir().expect("a temporary folder");
        let root = guard.path().to_owned();
        for (path, content) in entries {
            let path = root.join(path);
            if path.as_str().ends_with('/') {
                fs_err::create_dir_all(&path).expect("a folder");
            } else {
                fs_err::create_dir_all(path.parent().expect("a parent")).expect("a folder");
                fs_err::write(&path, content).expect("a file");
            }
        }
        (guard, root)
    }

    /// The data folder and workspace found from `folder`, with the root as `~`.
    fn check(entries: &[(&str, &str)], folder: &str, data: Option<&str>) -> String {
        let (_guard, root) = tree(entries);
        let surroundings = Surroundings {
            data: data.map(Utf8PathBuf::from),
            ..Surroundings::default()
        };
        match discover(&root.join(folder), &surroundings).expect("a local place") {
            Place::Local(home) => {
                format!("{} {}", home.data_folder, home.workspace_name).replace(root.as_str(), "~")
            }
            Place::Remote { url, .. } => url,
        }
    }

    const CONFIG: &str = r#"{"subscription_id": "0", "workspace_name": "churn"}"#;

    #[test]
    fn a_bare_folder_serves_itself() {
        assert_eq!(check(&[("p/", "")], "p", None), "~/p/.stepwell p");
    }

    #[test]
    fn the_nearest_data_folder_wins_over_a_nearer_configuration() {
        let entries = [
            ("p/.stepwell/", ""),
            ("p/a/config.json", CONFIG),
            ("p/a/b/", ""),
        ];
        assert_eq!(check(&entries, "p/a/b", None), "~/p/.stepwell churn");
    }

    #[test]
    fn a_data_folder_of_another_user_does_not_count_even_for_root() {
        if !rustix::process::geteuid().is_root() {
            return; // Only root can give a folder away; for others the check is the same.
        }
        let (_guard, root) = tree(&[("p/.stepwell/", ""), ("p/a/", "")]);
        let theirs = root.join("p/.stepwell");
        std::os::unix::fs::chown(&theirs, Some(65_534), None).expect("given away");
        assert_eq!(
            home(&root.join("p/a"), None).data_folder,
            root.join("p/a/.stepwell")
        );
    }

    #[test]
    fn the_nearest_configuration_is_the_project() {
        let entries = [("p/.azureml/config.json", CONFIG), ("p/a/b/", "")];
        assert_eq!(check(&entries, "p/a/b", None), "~/p/.stepwell churn");
        let entries = [("p/aml_config/config.json", CONFIG), ("p/a/", "")];
        assert_eq!(check(&entries, "p/a", None), "~/p/.stepwell churn");
    }

    #[test]
    fn a_configuration_of_something_else_does_not_count() {
        let entries = [
            ("p/config.json", r#"{"port": 1}"#),
            ("p/a/config.json", "not json"),
        ];
        assert_eq!(check(&entries, "p/a", None), "~/p/a/.stepwell a");
    }

    #[test]
    fn a_byte_order_mark_is_no_obstacle() {
        let text = format!("\u{feff}{CONFIG}");
        assert_eq!(
            check(&[("p/config.json", &text)], "p", None),
            "~/p/.stepwell churn"
        );
    }

    #[test]
    fn the_data_variable_wins_over_what_lies_around() {
        let entries = [("p/.stepwell/", "")];
        assert_eq!(check(&entries, "p", Some("/srv/data")), "/srv/data p");
        assert_eq!(check(&entries, "p", Some("data")), "~/p/data p");
    }

    #[test]
    fn a_url_wins_over_all_and_needs_a_token() {
        let mut surroundings = Surroundings {
            url: Some("http://ml.example:8471/".to_owned()),
            data: Some("/srv/data".into()),
            ..Surroundings::default()
        };
        let refused = discover("/p".into(), &surroundings).expect_err("there is no token");
        assert!(matches!(refused, Error::NoToken));
        surroundings.token = Some("secret".to_owned());
        let place = discover("/p".into(), &surroundings).expect("a remote place");
        assert_eq!(
            place,
            Place::Remote {
                url: "http://ml.example:8471".to_owned(),
                token: "secret".to_owned(),
                socket: None
            }
        );
    }
}
