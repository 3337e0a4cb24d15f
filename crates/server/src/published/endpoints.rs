//! Starting what an endpoint stands for.

use stepwell_engine::driver::Accepted;
use stepwell_store::endpoints::{self, Endpoint};
use stepwell_store::runs;
use uuid::Uuid;

use super::{Assignments, Started, earlier, start};
use crate::app::App;
use crate::error::{ApiError, Result};

/// Starts a run of an endpoint's pipeline: of a version, or of the default one.
///
/// # Errors
/// When there is no such endpoint or version, it is disabled, or as [`super::submit`].
pub(crate) async fn start_endpoint(
    app: &App,
    endpoint: Uuid,
    version: Option<&str>,
    assignments: Assignments,
    idempotency_key: Option<String>,
) -> Result<Started> {
    let endpoint = find(app, endpoint).await?;
    if let Some(started) = started_before(app, &endpoint, idempotency_key.clone()).await? {
        return Ok(started);
    }
    if !endpoint.active {
        let Endpoint { name, id, .. } = &endpoint;
        return Err(
            ApiError::conflict(format!("endpoint `{name}` ({id}) is disabled")).hint(
                "`endpoint.enable()`, or `reactivate` if it was archived, lets it be started",
            ),
        );
    }
    let pipeline = pipeline_of(&endpoint, version)?;
    start(app, pipeline, assignments, idempotency_key).await
}

/// The run that a key has started already, whichever version was the default then.
async fn started_before(
    app: &App,
    endpoint: &Endpoint,
    key: Option<String>,
) -> Result<Option<Started>> {
    let Some(run) = earlier(app, key).await? else {
        return Ok(None);
    };
    let record = app.store.read(move |db| runs::find(db, run)).await?;
    let known = record.and_then(|record| record.published);
    let mut pipelines = endpoint.versions.iter().map(|(_, pipeline)| *pipeline);
    match known.filter(|known| pipelines.any(|pipeline| pipeline == *known)) {
        Some(pipeline) => Ok(Some(Started {
            accepted: Accepted::Before(run),
            pipeline: app.templates.get(app, pipeline).await?,
        })),
        None => Ok(None),
    }
}

/// The endpoint, or the answer that there is none.
pub(crate) async fn find(app: &App, id: Uuid) -> Result<Endpoint> {
    let found = app.store.read(move |db| endpoints::find(db, id)).await?;
    found.ok_or_else(|| no_endpoint(&id))
}

/// The answer that there is no such endpoint.
pub(crate) fn no_endpoint(named: &dyn std::fmt::Display) -> ApiError {
    ApiError::not_found(format!("there is no pipeline endpoint {named}"))
        .hint("`stepwell published endpoints` lists them")
}

/// The published pipeline of a version, or of the default one.
fn pipeline_of(endpoint: &Endpoint, version: Option<&str>) -> Result<Uuid> {
    let number = match version {
        None => Some(endpoint.default_version),
        Some(text) => text.trim().parse().ok(),
    };
    let found = number.and_then(|number| endpoint.pipeline(number));
    found.ok_or_else(|| {
        let versions = endpoint.versions.iter();
        let versions: Vec<_> = versions.map(|(version, _)| version.to_string()).collect();
        let (name, version) = (&endpoint.name, version.unwrap_or_default());
        ApiError::not_found(format!("endpoint `{name}` has no version `{version}`"))
            .hint(format!("its versions: {}", versions.join(", ")))
    })
}
