//! Lends a running step of Stepwell's own the credentials of the datastores that it reads and
//! writes itself.
//!
//! Invariant: only the step's own token, only while its attempt is active, only datastores that
//! its task or its ports name, and each time with a record in the audit. Nothing is kept.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use stepwell_api::{DatastoreConnection, ErrorCode, ErrorReply};

use crate::access::{Caller, Who};
use crate::app::Context;
use crate::convert::datastore as convert;
use crate::error::{ApiError, Result, run_id};

/// The definition of a datastore with its credentials, for the step that is named, while it runs.
#[utoipa::path(get, path = "/runs/{run}/datastores/{name}/connection",
    params(("run" = Uuid, Path), ("name" = String, Path)), responses(
    (status = 200, body = DatastoreConnection), (status = "default", body = ErrorReply)))]
pub(super) async fn lend_datastore(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path((run, name)): Path<(String, String)>,
) -> Result<Json<DatastoreConnection>> {
    let run = run_id(&run)?;
    app.workspace.runs.get(run).await?;
    if !matches!(caller.who, Who::Step(step) if step == run) {
        return Err(refused(
            "credentials are lent to a step alone, for its own run".to_owned(),
        ));
    }
    let Some(named) = app.engine.datastores_of(run).await? else {
        return Err(refused(format!(
            "run {run} is no running step that reads and writes datastores itself"
        )));
    };
    if !named.contains(&name) {
        return Err(
            refused(format!("the step does not name the datastore `{name}`")).hint(
                "a step is lent the datastores of its inputs and outputs, and those that its task \
                 names",
            ),
        );
    }
    let datastore = app.workspace.datastores.get(&name)?;
    Ok(Json(convert::connection(&datastore)?))
}

fn refused(what: String) -> ApiError {
    ApiError::new(ErrorCode::Forbidden, what)
}
