//! That a step on an isolated target does not start a step outside of it.
//!
//! It may start what others have published: that was decided by whoever published it.

use std::collections::HashSet;

use stepwell_api::ErrorCode;
use stepwell_model::{RunId, Template};
use stepwell_store::{Connection, catalog, runs};
use stepwell_workspace::compute_kind;

use crate::app::App;
use crate::error::{ApiError, Result};

/// Refuses pipelines of an isolated step of which a step would not be isolated.
pub(super) async fn stays_isolated<'a>(
    app: &App,
    step: RunId,
    pipelines: impl IntoIterator<Item = &'a Template>,
) -> Result<()> {
    let read = move |db: &Connection| {
        let targets = catalog::list_computes(db)?.into_iter();
        let isolated = targets.filter(|target| compute_kind(target).isolation().is_some());
        let isolated: HashSet<String> = isolated.map(|target| target.name).collect();
        let own = match isolated.is_empty() {
            true => None,
            false => runs::find(db, step)?.and_then(|run| run.target),
        };
        Ok((isolated, own))
    };
    let (isolated, own) = app.store.read(read).await?;
    let Some(own) = own.filter(|own| isolated.contains(own)) else {
        return Ok(());
    };
    let mut steps = pipelines.into_iter().flat_map(|one| &one.steps);
    match steps.find(|step| !isolated.contains(step.target.as_str())) {
        None => Ok(()),
        Some(step) => {
            let message = format!(
                "a step on the isolated target `{own}` cannot start the step `{}` on `{}`, which is \
                 not isolated",
                step.name, step.target
            );
            let refusal = ApiError::new(ErrorCode::Forbidden, message);
            Err(refusal.hint(format!(
                "run it on `{own}` as well, or start a published pipeline"
            )))
        }
    }
}
