//! The launcher of a workspace: firings become runs of published pipelines.

use stepwell_engine::driver::Engine;
use stepwell_model::{Assignments, Place, RunId};
use stepwell_store::schedules::Starts;

use super::ports::{Firing, LaunchError, Launcher};
use crate::clock::Ask;
use crate::endpoints::Endpoints;
use crate::published::{PublishedPipelines, Unknown};
use crate::{Error, Result};

/// Starts runs as every other asker does.
#[derive(Clone)]
pub(super) struct LiveLauncher {
    pub(super) published: PublishedPipelines,
    pub(super) endpoints: Endpoints,
    pub(super) engine: Engine,
}

impl Launcher for LiveLauncher {
    fn start(&self, firing: Firing) -> Ask<Result<RunId, LaunchError>> {
        let launcher = self.clone();
        Box::pin(async move { launcher.fire(firing).await.map_err(refusal) })
    }

    fn cancel(&self, run: RunId) -> Ask<()> {
        let engine = self.engine.clone();
        Box::pin(async move {
            if let Err(error) = engine.cancel(run).await {
                tracing::error!(%run, %error, "a run cannot be cancelled for the next one");
            }
        })
    }
}

impl LiveLauncher {
    async fn fire(&self, firing: Firing) -> Result<RunId> {
        let assignments: Assignments = serde_json::from_str(&firing.submission_json)
            .map_err(|error| Error::internal(&error))?;
        let key = Some(firing.slot.key(&firing.schedule.to_string()));
        let starts = firing.starts;
        let assignments = complete(assignments, firing);
        let unknown = Unknown::Refuse;
        let started = match starts {
            Starts::Pipeline(pipeline) => {
                let published = &self.published;
                published.start(pipeline, assignments, unknown, key).await
            }
            Starts::Endpoint(endpoint) => {
                let endpoints = &self.endpoints;
                let started = endpoints.start(endpoint, None, assignments, unknown, key);
                started.await
            }
        };
        Ok(started?.accepted.run())
    }
}

/// What the run is to be, with what only the firing knows.
fn complete(mut assignments: Assignments, firing: Firing) -> Assignments {
    assignments.run_source = Some("Schedule".to_owned());
    let own = [
        ("azureml.scheduleid", firing.schedule.to_string()),
        ("stepwell.logicaltime", firing.slot.at.to_string()),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value));
    assignments.properties.extend(own);
    if let Some((parameter, datastore)) = firing.data_path {
        let place = Place {
            datastore,
            path: firing.slot.path,
        };
        assignments.data_paths.insert(parameter, place);
    }
    assignments
}

/// A fault of our own may pass; a refusal stays one.
fn refusal(error: Error) -> LaunchError {
    match error.kind.may_pass() {
        true => LaunchError::Later(error.message),
        false if error.hint.is_empty() => LaunchError::Refused(error.message),
        false => LaunchError::Refused(format!("{}; {}", error.message, error.hint)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn only_faults_of_our_own_are_tried_again() {
        let error = |kind| Error::new(kind, "m").hint("h");
        let message = "m; h".to_owned();
        for kind in [ErrorKind::Invalid, ErrorKind::NotFound, ErrorKind::Conflict] {
            assert_eq!(refusal(error(kind)), LaunchError::Refused(message.clone()));
        }
        for kind in [ErrorKind::Storage, ErrorKind::Internal] {
            assert_eq!(refusal(error(kind)), LaunchError::Later("m".to_owned()));
        }
    }
}
