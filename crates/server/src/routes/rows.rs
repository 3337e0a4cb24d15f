//! Rows of databases, for datasets that are queries.
//!
//! The program that has the drivers makes a Parquet file of them, which is complete before it is sent.
//! A query is read in a transaction that is read-only.

use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use serde::Deserialize;
use stepwell_api::ErrorReply;
use stepwell_datastore::Error as Fault;
use stepwell_model::{Selection, WriteMode};
use stepwell_transfer::table::{self, Format, TableEnd, TableRequest};
use stepwell_transfer::{End, EntryType, Progress};
use utoipa::IntoParams;

use super::datastores::passage;
use super::files::send;
use crate::app::Context;
use crate::error::{ApiError, Params, Result};

/// How long a query may take, unless the client says how long it waits.
const TIMEOUT_S: u64 = 30;

/// The longest that a query may take.
const TIMEOUT_MAX_S: u64 = 3600;

/// Which rows.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RowsQuery {
    /// The query, in the database's own SQL.
    query: String,
    /// How long it may take, in seconds; 30 when absent.
    limit_s: Option<u64>,
}

/// The rows of a query on a database, as a Parquet file.
#[utoipa::path(get, path = "/datastores/{name}/rows",
    params(("name" = String, Path), RowsQuery), responses(
    (status = 200, content_type = "application/vnd.apache.parquet", body = Vec<u8>),
    (status = "default", body = ErrorReply)))]
pub(super) async fn get_datastore_rows(
    State(app): Context,
    Path(name): Path<String>,
    Params(asked): Params<RowsQuery>,
    request: Request,
) -> Result<Response> {
    let store = app.workspace.datastores.get(&name)?;
    if !store.place().is_database() {
        return Err(
            ApiError::invalid(format!("datastore `{name}` is no database"))
                .hint("a query needs one; files are read by their paths"),
        );
    }
    let part = passage(&app)?;
    let file = End::plain(&part.0.with_extension("parquet"));
    let job = TableRequest {
        source: TableEnd::of(&End::on(store, ""))?,
        destination: TableEnd::of(&file)?,
        source_type: None,
        destination_type: Some(EntryType::File),
        format: Some(Format::Parquet),
        select: Some(Selection::Query { query: asked.query }),
        mode: WriteMode::default(),
        keys: Vec::new(),
        create: false,
        only_digest: false,
        state: None,
    };
    let limit = asked.limit_s.unwrap_or(TIMEOUT_S).min(TIMEOUT_MAX_S);
    let progress = Progress::default();
    match tokio::time::timeout(Duration::from_secs(limit), table::copy(&job, &progress)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(ApiError::invalid(error.message).hint(error.hint)),
        Err(_) => {
            let detail = format!("the query has not ended within {limit} s");
            let refused = Fault::Refused {
                datastore: name,
                detail,
            };
            return Err(refused.into());
        }
    }
    let made = part.0.with_extension("parquet");
    // Under the name that is removed afterwards; an answer that has begun holds the file open.
    fs_err::rename(&made, &part.0)?;
    send(&part.0, request, || "the rows are gone".to_owned()).await
}
