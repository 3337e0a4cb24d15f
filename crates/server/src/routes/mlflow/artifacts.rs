//! The files of runs and of models as artifacts.
//!
//! The artifacts of a run are all its files: those that it wrote to `outputs` and `logs` among them,
//! under these names. A client is given an address that it resolves against that of the server, so no
//! credential of a store leaves the server.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::{Extension, Json};
use serde_json::{Value, json};
use stepwell_api::mlflow::FileInfo;
use stepwell_model::{RunId, text_of_uri};
use stepwell_store::models::Model;
use stepwell_workspace::files::FoundFile;

use super::super::{files, request::note_writer};
use super::Scheme;
use super::asked::{Asked, run_of};
use crate::access::Caller;
use crate::app::{App, Context};
use crate::error::{ApiError, Result};

/// What has artifacts.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Owner {
    /// A run.
    Run(RunId),
    /// A version of a registered model.
    Version(String, u64),
}

/// Where the artifacts of a run are.
pub(super) fn root(run: RunId, scheme: Scheme) -> String {
    format!("{}:/runs/{run}/artifacts", scheme.word())
}

/// The folder that all files of a model are in, if there is one.
pub(super) fn root_of(model: &Model) -> Option<&str> {
    let first = model.files.first()?.name.split_once('/')?.0;
    let is_within = |name: &str| name.split_once('/').is_some_and(|(root, _)| root == first);
    model
        .files
        .iter()
        .all(|file| is_within(&file.name))
        .then_some(first)
}

/// What an artifact is of, and its name there.
fn place(path: &str) -> Result<(Owner, &str)> {
    let missing = || {
        ApiError::not_found(format!("there are no artifacts at `{path}`"))
            .hint("they are below `runs/RUN/artifacts` and `models/NAME/VERSION`")
    };
    let (kind, rest) = path.trim_matches('/').split_once('/').ok_or_else(missing)?;
    let (owner, rest) = rest.split_once('/').ok_or_else(missing)?;
    let (second, name) = rest.split_once('/').unwrap_or((rest, ""));
    match (kind, second) {
        ("runs", "artifacts") => Ok((Owner::Run(run_of(owner)?), name)),
        ("models", version) => {
            let version = version.parse().map_err(|_| missing())?;
            Ok((Owner::Version(owner.to_owned(), version), name))
        }
        _ => Err(missing()),
    }
}

/// The files and folders that are directly in a folder, with their paths below `from`.
fn children(all: Vec<FoundFile>, folder: &str, from: &str) -> Vec<FileInfo> {
    let within = match folder {
        "" => String::new(),
        folder => format!("{folder}/"),
    };
    let mut found: Vec<FileInfo> = Vec::new();
    for file in all {
        let Some(rest) = file.name.strip_prefix(&within) else {
            continue;
        };
        let (name, is_dir) = match rest.split_once('/') {
            Some((name, _)) => (name, true),
            None => (rest, false),
        };
        let path = match from {
            "" => name.to_owned(),
            from => format!("{from}/{name}"),
        };
        // Those of a folder stand together: the names are sorted.
        if found.last().is_none_or(|last| last.path != path) {
            let file_size = (!is_dir).then_some(file.size);
            found.push(FileInfo {
                path,
                is_dir,
                file_size,
            });
        }
    }
    found
}

async fn files_in(app: &Arc<App>, owner: Owner, folder: &str) -> Result<Vec<FoundFile>> {
    let prefix = match folder {
        "" => String::new(),
        folder => format!("{folder}/"),
    };
    match owner {
        Owner::Run(run) => files::found(app, run, prefix).await,
        Owner::Version(name, version) => {
            let model = app.workspace.models.get(&name, version).await?.model;
            let files = model.files.into_iter();
            let file = |file: stepwell_store::models::ModelFile| FoundFile {
                name: file.name,
                size: file.size,
            };
            Ok(files.map(file).collect())
        }
    }
}

/// `GET artifacts/list`
pub(super) async fn list(
    State(app): Context,
    Extension(scheme): Extension<Scheme>,
    asked: Asked,
) -> Result<Json<Value>> {
    let run = asked.run()?;
    let folder = asked.text("path")?.unwrap_or_default();
    let folder = folder.trim_matches('/');
    let found = files_in(&app, Owner::Run(run), folder).await?;
    let files = children(found, folder, folder);
    Ok(Json(json!({"root_uri": root(run, scheme), "files": files})))
}

/// `GET mlflow-artifacts/artifacts`
pub(super) async fn list_proxied(State(app): Context, asked: Asked) -> Result<Json<Value>> {
    // A client sends the address as it has it.
    let path = text_of_uri(&asked.text("path")?.unwrap_or_default());
    let (owner, folder) = place(&path)?;
    let found = files_in(&app, owner, folder).await?;
    Ok(Json(json!({"files": children(found, folder, "")})))
}

/// `GET mlflow-artifacts/artifacts/PATH`
pub(super) async fn get(
    State(app): Context,
    Path(path): Path<String>,
    request: Request,
) -> Result<axum::response::Response> {
    let (owner, name) = place(&path)?;
    let at = match owner {
        Owner::Run(run) => app.workspace.runs.find_file(run, name).await?,
        Owner::Version(model, version) => app.workspace.models.file(&model, version, name).await?,
    };
    files::send(&at, request, || format!("there is no file `{path}`")).await
}

/// `PUT mlflow-artifacts/artifacts/PATH`
pub(super) async fn put(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(path): Path<String>,
    body: Body,
) -> Result<Json<Value>> {
    let (owner, name) = place(&path)?;
    let Owner::Run(run) = owner else {
        return Err(
            ApiError::invalid("the files of a registered model are kept as they are")
                .hint("register another version"),
        );
    };
    note_writer(&app, &caller, run).await?;
    files::keep(&app, run, name, true, body).await?;
    Ok(Json(json!({})))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> FoundFile {
        FoundFile {
            name: name.to_owned(),
            size: 3,
        }
    }

    #[test]
    fn a_list_has_the_files_and_folders_of_one_folder() {
        let all = || {
            vec![
                file("a"),
                file("model/MLmodel"),
                file("model/data/x"),
                file("model/data/y"),
            ]
        };
        let shown = |found: Vec<FileInfo>| {
            let line = |it: FileInfo| format!("{} {} {:?}", it.path, it.is_dir, it.file_size);
            found.into_iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(
            shown(children(all(), "", "")),
            ["a false Some(3)", "model true None"]
        );
        let inside = ["model/MLmodel false Some(3)", "model/data true None"];
        assert_eq!(shown(children(all(), "model", "model")), inside);
        assert_eq!(
            shown(children(all(), "model", "")),
            ["MLmodel false Some(3)", "data true None"]
        );
        assert_eq!(shown(children(all(), "a", "a")), [""; 0]);
    }

    #[test]
    fn artifacts_are_below_what_they_are_of() {
        let run = "0192f5c4-1111-7222-8333-444455556666";
        let of_run = Owner::Run(run.parse().expect("an id"));
        let path = format!("runs/{run}/artifacts/a/b");
        assert_eq!(place(&path).expect("a file"), (of_run.clone(), "a/b"));
        let path = format!("/runs/{run}/artifacts/");
        assert_eq!(place(&path).expect("all"), (of_run, ""));
        let version = Owner::Version("net".to_owned(), 3);
        assert_eq!(
            place("models/net/3/net/MLmodel").expect("a file"),
            (version, "net/MLmodel")
        );
        let files = format!("runs/{run}/files/a");
        for path in [
            "",
            "runs",
            "runs/x/artifacts/a",
            "models/net",
            "models/net/x/a",
            &files,
        ] {
            assert!(place(path).is_err(), "{path}");
        }
    }
}
