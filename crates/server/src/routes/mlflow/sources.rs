//! What a version of a model is made from, and where its own files are.

use stepwell_model::{RunId, text_of_uri, uri_part};
use stepwell_store::models::Model;
use stepwell_workspace::ModelSource;

use super::Scheme;
use super::artifacts;
use crate::app::App;
use crate::error::{ApiError, Result};

/// What a client names as the source of a version.
#[derive(Debug, PartialEq, Eq)]
enum Named {
    /// A file or folder among the files of a run.
    Run(RunId, String),
    /// A model that a run has logged.
    Logged(String),
    /// Another version.
    Version(String, u64),
}

/// Where the files of a version are.
pub(super) fn of_version(model: &Model, scheme: Scheme) -> String {
    let name = uri_part(&model.name);
    let root = artifacts::root_of(model).map(uri_part);
    let uri = format!("{}:/models/{name}/{}", scheme.word(), model.version);
    match root {
        Some(root) => format!("{uri}/{root}"),
        None => uri,
    }
}

/// The files that a source means, and the run that made them, if one is known.
pub(super) async fn files(app: &App, source: &str) -> Result<(ModelSource, Option<RunId>)> {
    match named(source)? {
        Named::Run(run, path) => Ok((ModelSource::RunFile(path), Some(run))),
        Named::Logged(id) => {
            let model = app.workspace.runs.logged_model(&id).await?;
            Ok((ModelSource::RunFile(model.folder), Some(model.run)))
        }
        Named::Version(name, version) => {
            let model = app.workspace.models.get(&name, version).await?.model;
            let digest = model.snapshot.parse();
            let digest = digest.map_err(|error| ApiError::internal(&error))?;
            Ok((ModelSource::Snapshot(digest), model.run))
        }
    }
}

fn named(source: &str) -> Result<Named> {
    let refuse = || {
        ApiError::invalid(format!("a model cannot be registered from `{source}`")).hint(
            "log it with a run first, and register `runs:/RUN/PATH`, or name a version as \
             `models:/NAME/VERSION`",
        )
    };
    let (scheme, path) = source.split_once(':').ok_or_else(refuse)?;
    // What stands between two slashes and the next is a host.
    let path = match path.strip_prefix("//") {
        Some(rest) if scheme != "runs" && scheme != "models" => {
            rest.split_once('/').map_or("", |(_, path)| path)
        }
        _ => path,
    };
    let path = text_of_uri(path.trim_matches('/'));
    let parts: Vec<&str> = path.split('/').collect();
    match (scheme, &parts[..]) {
        ("runs", [run, path @ ..]) if !path.is_empty() => {
            Ok(Named::Run(super::asked::run_of(run)?, path.join("/")))
        }
        ("mlflow-artifacts" | "azureml", ["runs", run, "artifacts", path @ ..])
            if !path.is_empty() =>
        {
            Ok(Named::Run(super::asked::run_of(run)?, path.join("/")))
        }
        ("models", [id]) if id.starts_with("m-") => Ok(Named::Logged((*id).to_owned())),
        ("models", [name, version])
        | ("mlflow-artifacts" | "azureml", ["models", name, version, ..]) => {
            let version = version.parse().map_err(|_| refuse())?;
            Ok(Named::Version((*name).to_owned(), version))
        }
        _ => Err(refuse()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_files_of_runs_logged_models_and_versions() {
        let run = "0192f5c4-1111-7222-8333-444455556666";
        let of_run = || Named::Run(run.parse().expect("an id"), "a/b".to_owned());
        for source in [
            format!("runs:/{run}/a/b"),
            format!("azureml:/runs/{run}/artifacts/a/b"),
            format!("mlflow-artifacts:/runs/{run}/artifacts/a/b/"),
            format!("mlflow-artifacts://host:5000/runs/{run}/artifacts/a/b"),
        ] {
            assert_eq!(named(&source).expect("a source"), of_run(), "{source}");
        }
        let logged = Named::Logged("m-1".to_owned());
        assert_eq!(named("models:/m-1").expect("a source"), logged);
        for source in ["models:/a b/7", "azureml:/models/a%20b/7/net"] {
            let version = Named::Version("a b".to_owned(), 7);
            assert_eq!(named(source).expect("a source"), version, "{source}");
        }
        for source in [
            "",
            "/tmp/x",
            "s3://bucket/x",
            "models:/a/latest",
            "runs:/x/a",
            "file:///x",
        ] {
            assert!(named(source).is_err(), "{source}");
        }
    }
}
