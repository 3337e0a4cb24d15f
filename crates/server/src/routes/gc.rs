//! Making room in the data folder.

use axum::Json;
use axum::extract::State;
use stepwell_api::{ErrorReply, Gc, GcReport, GcShare};
use stepwell_workspace as workspace;
use stepwell_workspace::GcRequest;

use crate::app::Context;
use crate::error::{Body, Result};

/// Removes what takes room and is of no use any more, or says what would go.
///
/// What a registered dataset, a model, an active run or something that stays needs never goes, and
/// what a reusable step needs only when that is asked for.
#[utoipa::path(post, path = "/gc", request_body = Gc, responses(
    (status = 200, body = GcReport), (status = "default", body = ErrorReply)))]
pub(super) async fn collect_garbage(
    State(app): Context,
    Body(asked): Body<Gc>,
) -> Result<Json<GcReport>> {
    let request = GcRequest {
        older_than_seconds: asked.older_than_seconds,
        keep_bytes: asked.keep_bytes,
        reusable: asked.reusable,
        dry_run: asked.dry_run,
    };
    let report = app.workspace.retention.collect(request).await?;
    Ok(Json(GcReport {
        dry_run: report.dry_run,
        complete: report.complete,
        freed_bytes: report.freed_bytes,
        removed: report.removed.into_iter().map(share).collect(),
        kept: report.kept.into_iter().map(share).collect(),
        besides_bytes: report.unmanaged_bytes,
    }))
}

fn share(share: workspace::GcShare) -> GcShare {
    GcShare {
        kind: share.kind.name().to_owned(),
        count: share.count,
        bytes: share.bytes,
    }
}
