//! The secrets of the workspace: set and listed by those who change what runs are made of, read by
//! name by those who start runs and by steps.
//!
//! Invariants: one answer holds one text, for one who asked for it by its name, with a record in the
//! audit; a page never gets one. No refusal repeats what was sent.

use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use stepwell_api::{ErrorCode, ErrorReply, HiddenText, Secret, SecretList, SecretValue, SetSecret};
use stepwell_workspace::SecretInfo;

use crate::access::{Caller, Who};
use crate::app::Context;
use crate::error::{ApiError, Result};

/// The largest body: a text of the longest kind, with everything escaped.
const BODY_MAX: usize = 256 << 10;

/// The secrets that there are, without their texts.
#[utoipa::path(get, path = "/secrets", responses(
    (status = 200, body = SecretList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_secrets(State(app): Context) -> Result<Json<SecretList>> {
    let known = app.workspace.secrets.list().await?;
    Ok(Json(SecretList {
        secrets: known.into_iter().map(shown).collect(),
    }))
}

/// A secret with its text. That it was read is recorded in the audit.
#[utoipa::path(get, path = "/secrets/{name}", params(("name" = String, Path)), responses(
    (status = 200, body = SecretValue), (status = "default", body = ErrorReply)))]
pub(super) async fn get_secret(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
) -> Result<Json<SecretValue>> {
    if matches!(caller.who, Who::Page(_)) {
        let what = "a page is given no secret".to_owned();
        let refusal = ApiError::new(ErrorCode::Forbidden, what);
        return Err(
            refusal.hint("read it in a program: `ws.get_default_keyvault().get_secret(name)`")
        );
    }
    let (info, text) = app.workspace.secrets.get(&name).await?;
    Ok(Json(SecretValue {
        secret: shown(info),
        value: HiddenText(text),
    }))
}

/// Keeps a secret, sealed, or gives the one of its name another text.
#[utoipa::path(put, path = "/secrets/{name}", params(("name" = String, Path, pattern = "^[a-zA-Z0-9-]{1,127}$")),
    request_body = SetSecret, responses(
    (status = 200, body = Secret), (status = "default", body = ErrorReply)))]
pub(super) async fn set_secret(
    State(app): Context,
    Path(name): Path<String>,
    request: Request,
) -> Result<Json<Secret>> {
    let body = definition(request).await?;
    let secrets = &app.workspace.secrets;
    let kept = secrets.set(name, &body.value.0, body.content_type).await?;
    Ok(Json(shown(kept)))
}

/// What was sent. What does not fit is not repeated: it may hold the text.
async fn definition(request: Request) -> Result<SetSecret> {
    let bytes = to_bytes(request.into_body(), BODY_MAX)
        .await
        .map_err(|_| ApiError::invalid("the body broke off or is larger than 256 KiB"))?;
    serde_json::from_slice(&bytes).map_err(|_| {
        ApiError::invalid("the body is no secret")
            .hint("send an object with the text `value`, and the text `content_type` if you like")
    })
}

/// Forgets a secret.
#[utoipa::path(delete, path = "/secrets/{name}", params(("name" = String, Path)), responses(
    (status = 204, description = "It is forgotten."), (status = "default", body = ErrorReply)))]
pub(super) async fn delete_secret(
    State(app): Context,
    Path(name): Path<String>,
) -> Result<StatusCode> {
    app.workspace.secrets.delete(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(info: SecretInfo) -> Secret {
    Secret {
        name: info.name,
        content_type: info.content_type,
        created_at: info.created.to_string(),
        updated_at: info.updated.to_string(),
    }
}
