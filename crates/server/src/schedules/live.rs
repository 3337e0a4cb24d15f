//! The launcher of a server: firings become runs of published pipelines.

use std::sync::{Arc, Weak};

use stepwell_api::{ErrorCode, PlaceOnDatastore, SubmitPublished};
use stepwell_model::RunId;
use stepwell_store::schedules::Starts;

use super::ports::{Ask, Firing, LaunchError, Launcher};
use crate::app::App;
use crate::error::ApiError;
use crate::published;

/// Starts runs through the application, which outlives every start.
pub(crate) struct LiveLauncher(pub(crate) Weak<App>);

impl Launcher for LiveLauncher {
    fn start(&self, firing: Firing) -> Ask<Result<RunId, LaunchError>> {
        let app = self.0.upgrade();
        Box::pin(async move {
            let Some(app) = app else {
                return Err(LaunchError::Later("the server stops".to_owned()));
            };
            start(&app, firing).await.map_err(refusal)
        })
    }

    fn cancel(&self, run: RunId) -> Ask<()> {
        let app = self.0.upgrade();
        Box::pin(async move {
            let Some(app) = app else { return };
            if let Err(error) = app.engine.cancel(run).await {
                tracing::error!(%run, %error, "a run cannot be cancelled for the next one");
            }
        })
    }
}

async fn start(app: &Arc<App>, firing: Firing) -> Result<RunId, ApiError> {
    let assignments: SubmitPublished = serde_json::from_str(&firing.submission_json)
        .map_err(|error| ApiError::internal(&error))?;
    let key = firing.slot.key(&firing.schedule.to_string());
    let starts = firing.starts;
    let assignments = complete(assignments, firing);
    match starts {
        Starts::Pipeline(pipeline) => {
            published::submit(app, pipeline, assignments, Some(key)).await
        }
        Starts::Endpoint(endpoint) => {
            let started = published::start_endpoint(app, endpoint, None, assignments, Some(key));
            Ok(started.await?.accepted.run())
        }
    }
}

/// What the run is to be, with what only the firing knows.
fn complete(mut assignments: SubmitPublished, firing: Firing) -> SubmitPublished {
    assignments.run_source = Some("Schedule".to_owned());
    let own = [
        ("azureml.scheduleid", firing.schedule.to_string()),
        ("stepwell.logicaltime", firing.slot.at.to_string()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    assignments.properties.extend(own);
    if let Some((parameter, datastore)) = firing.data_path {
        let place = PlaceOnDatastore {
            datastore,
            path: firing.slot.path,
        };
        assignments.data_paths.insert(parameter, place);
    }
    assignments
}

/// A fault of our own may pass; a refusal stays one.
fn refusal(error: ApiError) -> LaunchError {
    let body = error.into_body();
    match body.code {
        ErrorCode::Storage | ErrorCode::Internal => LaunchError::Later(body.message),
        _ if body.hint.is_empty() => LaunchError::Refused(body.message),
        _ => LaunchError::Refused(format!("{}; {}", body.message, body.hint)),
    }
}
