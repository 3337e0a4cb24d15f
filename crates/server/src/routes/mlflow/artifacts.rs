//! The files of runs as artifacts.
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
use stepwell_model::RunId;
use stepwell_workspace::files::FoundFile;

use super::super::{files, request::note_writer};
use super::Scheme;
use super::asked::{Asked, run_of};
use crate::access::Caller;
use crate::app::{App, Context};
use crate::error::{ApiError, Result};

/// Where the artifacts of a run are.
pub(super) fn root(run: RunId, scheme: Scheme) -> String {
    format!("{}:/runs/{run}/artifacts", scheme.word())
}

/// The run that an artifact is of, and its name there.
pub(super) fn place(path: &str) -> Result<(RunId, &str)> {
    let missing = || {
        ApiError::not_found(format!("there are no artifacts at `{path}`"))
            .hint("artifacts of a run are below `runs/RUN/artifacts`")
    };
    let rest = path.trim_matches('/').strip_prefix("runs/");
    let (run, rest) = rest
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(missing)?;
    let name = rest.strip_prefix("artifacts").ok_or_else(missing)?;
    match name.is_empty() || name.starts_with('/') {
        true => Ok((run_of(run)?, name.trim_matches('/'))),
        false => Err(missing()),
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

async fn files_in(app: &Arc<App>, run: RunId, folder: &str) -> Result<Vec<FoundFile>> {
    let prefix = match folder {
        "" => String::new(),
        folder => format!("{folder}/"),
    };
    files::found(app, run, prefix).await
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
    let found = files_in(&app, run, folder).await?;
    let files = children(found, folder, folder);
    Ok(Json(json!({"root_uri": root(run, scheme), "files": files})))
}

/// `GET mlflow-artifacts/artifacts`
pub(super) async fn list_proxied(State(app): Context, asked: Asked) -> Result<Json<Value>> {
    let path = asked.text("path")?.unwrap_or_default();
    let (run, folder) = place(&path)?;
    let found = files_in(&app, run, folder).await?;
    Ok(Json(json!({"files": children(found, folder, "")})))
}

/// `GET mlflow-artifacts/artifacts/PATH`
pub(super) async fn get(
    State(app): Context,
    Path(path): Path<String>,
    request: Request,
) -> Result<axum::response::Response> {
    let (run, name) = place(&path)?;
    let at = app.workspace.runs.find_file(run, name).await?;
    files::send(&at, request, || format!("run {run} has no file `{name}`")).await
}

/// `PUT mlflow-artifacts/artifacts/PATH`
pub(super) async fn put(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(path): Path<String>,
    body: Body,
) -> Result<Json<Value>> {
    let (run, name) = place(&path)?;
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
    fn artifacts_are_below_their_run() {
        let run = "0192f5c4-1111-7222-8333-444455556666";
        let path = format!("runs/{run}/artifacts/a/b");
        let (found, name) = place(&path).expect("a file");
        assert_eq!((found.to_string().as_str(), name), (run, "a/b"));
        assert_eq!(
            place(&format!("/runs/{run}/artifacts/")).expect("all").1,
            ""
        );
        for path in [
            "",
            "runs",
            "runs/x/artifacts/a",
            &format!("runs/{run}/files/a"),
        ] {
            assert!(place(path).is_err(), "{path}");
        }
    }
}
