//! Starting a draft: its template as it is now.

use std::collections::BTreeMap;

use stepwell_engine::driver::{About, Accepted};
use stepwell_model::RunKind;
use stepwell_store::drafts::Draft;
use uuid::Uuid;

use super::{Assignments, properties};
use crate::app::App;
use crate::convert;
use crate::convert::submit::Wanted;
use crate::error::Result;
use crate::sdk;

/// Starts a run of a draft.
///
/// # Errors
/// When the run cannot be stored.
pub(crate) async fn start_draft(
    app: &App,
    draft: &Draft,
    idempotency_key: Option<String>,
) -> Result<Accepted> {
    let wanted = Wanted {
        kind: RunKind::Pipeline,
        experiment: draft.experiment.clone(),
        parent: None,
        continue_on_step_failure: draft.template.continue_on_step_failure,
        regenerate_outputs: false,
        about: About {
            display_name: Some(draft.name.clone()),
            description: draft.description.clone(),
            tags: draft.tags.clone(),
            properties: BTreeMap::new(),
            user: draft.user.clone(),
            idempotency_key,
            published: None,
            outputs: Vec::new(),
            new_experiment: Uuid::now_v7(),
        },
    };
    let mut submission = convert::submit::start(&draft.template, &BTreeMap::new(), wanted)?;
    let said = Assignments {
        properties: draft.properties.clone(),
        run_source: Some("SDK".to_owned()),
        ..Assignments::default()
    };
    let subject = ("azureml.pipelinedraftid", draft.id);
    submission.about.properties = properties(subject, &submission.spec.declared, said);
    if let Some(path) = &draft.template.sdk_path {
        sdk::link(&app.folder, path)?;
    }
    Ok(app.engine.submit(submission).await?)
}
