//! Making room in the data folder.

use axum::Json;
use axum::extract::State;
use stepwell_api::{ErrorReply, Gc, GcReport};

use crate::app::{Context, now};
use crate::error::{Body, Result};
use crate::retention::{self, Place};

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
    // Two at a time would each remove what the other has planned to keep.
    let _one_at_a_time = app.collecting.lock().await;
    let place = Place {
        folder: app.folder.clone(),
        cas: app.cas.clone(),
        store: app.store.clone(),
    };
    Ok(Json(retention::collect(place, asked, now()).await?))
}
