//! Tokens, the audit, and how a browser gets in.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::Deserialize;
use stepwell_api::{
    AuditPage, AuditRecord, CreateToken, ErrorReply, Identity, NewToken, PageTicket, TokenInfo,
    TokenList,
};
use stepwell_model::Timestamp;
use stepwell_store::tokens::Token;
use stepwell_store::{audit, tokens as stored};
use utoipa::IntoParams;
use uuid::Uuid;

use super::request::place;
use crate::access::{Caller, pages, tokens};
use crate::app::{Context, now};
use crate::error::{ApiError, Body, Params, Result};

/// The longest life of a token in seconds: a hundred years.
const LIFE_MAX_S: u64 = 3_153_600_000;

/// The most records of one page.
const PAGE_MAX: usize = 1_000;

/// Who the server takes the caller for.
#[utoipa::path(get, path = "/caller", responses(
    (status = 200, body = Identity), (status = "default", body = ErrorReply)))]
pub(super) async fn show_caller(Extension(caller): Extension<Caller>) -> Json<Identity> {
    Json(caller.identity())
}

/// Makes a token. Its text is in this answer and never again.
#[utoipa::path(post, path = "/tokens", request_body = CreateToken, responses(
    (status = 201, body = NewToken), (status = "default", body = ErrorReply)))]
pub(super) async fn create_token(
    State(app): Context,
    Extension(caller): Extension<Caller>,
    Body(body): Body<CreateToken>,
) -> Result<(StatusCode, Json<NewToken>)> {
    check_name(&body.name)?;
    if body
        .expires_in_s
        .is_some_and(|life| !(1..=LIFE_MAX_S).contains(&life))
    {
        return Err(ApiError::invalid(
            "`expires_in_s` is not between one second and a century",
        ));
    }
    let Some(text) = tokens::new_text() else {
        return Err(ApiError::internal(&"the system has no random numbers"));
    };
    let created = now();
    let lives = |life: u64| i64::try_from(life * 1_000).unwrap_or(i64::MAX);
    let identity = caller.identity();
    let token = Token {
        id: Uuid::now_v7(),
        name: body.name,
        role: body.role.as_str().to_owned(),
        hash: tokens::hash(&text),
        created,
        created_by: format!("{} {}", identity.kind.as_str(), identity.name)
            .trim_end()
            .to_owned(),
        expires: body
            .expires_in_s
            .map(|life| Timestamp::from_millis(created.as_millis() + lives(life))),
        revoked: None,
        used: None,
    };
    let made = token.clone();
    app.store
        .write_durable(move |db| stored::insert(db, &token))
        .await?;
    let info = app.access.tokens.put(made).info(created);
    Ok((StatusCode::CREATED, Json(NewToken { token: text, info })))
}

fn check_name(name: &str) -> Result<()> {
    let is_forbidden = |c: char| c.is_control() || c == '/';
    let id: Option<Uuid> = name.parse().ok();
    match name.trim().is_empty()
        || name.chars().count() > 100
        || name.contains(is_forbidden)
        || id.is_some()
    {
        true => Err(ApiError::invalid(format!("`{name}` cannot name a token"))
            .hint("use 1 to 100 characters without slashes that are no id")),
        false => Ok(()),
    }
}

/// All tokens, also those that let nobody in any more; never their texts.
#[utoipa::path(get, path = "/tokens", responses(
    (status = 200, body = TokenList), (status = "default", body = ErrorReply)))]
pub(super) async fn list_tokens(State(app): Context) -> Json<TokenList> {
    let now = now();
    let tokens = app.access.tokens.list(|_| true);
    Json(TokenList {
        tokens: tokens.iter().map(|token| token.info(now)).collect(),
    })
}

/// Revokes a token: it lets nobody in from now on. Revoking it again changes nothing.
#[utoipa::path(delete, path = "/tokens/{token}",
    params(("token" = String, Path, description = "Its id, or its name.")), responses(
    (status = 200, body = TokenInfo), (status = "default", body = ErrorReply)))]
pub(super) async fn revoke_token(
    State(app): Context,
    Path(text): Path<String>,
) -> Result<Json<TokenInfo>> {
    let missing = || {
        ApiError::not_found(format!("there is no token `{text}`"))
            .hint("`stepwell token list` lists the tokens")
    };
    let found = app.access.tokens.named(&text).ok_or_else(missing)?;
    let (id, at) = (found.token.id, now());
    let revoke = move |db: &_| stored::revoke(db, id, at);
    let revoked = app.store.write_durable(revoke).await?.ok_or_else(missing)?;
    Ok(Json(app.access.tokens.put(revoked).info(at)))
}

/// What a link to a page needs: a ticket that lets a browser look, for some hours.
#[utoipa::path(post, path = "/tickets", responses(
    (status = 201, body = PageTicket), (status = "default", body = ErrorReply)))]
pub(super) async fn create_ticket(
    State(app): Context,
    Extension(caller): Extension<Caller>,
) -> Result<(StatusCode, Json<PageTicket>)> {
    let origin = pages::origin(&caller)?;
    let (ticket, expires) = app.access.passes.ticket(origin, now());
    let expires_at = expires.to_string();
    Ok((StatusCode::CREATED, Json(PageTicket { ticket, expires_at })))
}

/// Which records.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct AuditQuery {
    /// At most so many; 100 when absent, 1,000 at most.
    limit: Option<usize>,
    /// What `next` of the page before said.
    #[param(pattern = "^[0-9]{1,18}$")]
    cursor: Option<String>,
}

/// Who changed what: the newest records first.
#[utoipa::path(get, path = "/audit", params(AuditQuery), responses(
    (status = 200, body = AuditPage), (status = "default", body = ErrorReply)))]
pub(super) async fn list_audit(
    State(app): Context,
    Params(query): Params<AuditQuery>,
) -> Result<Json<AuditPage>> {
    let before = query.cursor.as_deref().map(place).transpose()?;
    let limit = query.limit.unwrap_or(100).clamp(1, PAGE_MAX);
    let read = move |db: &_| audit::list(db, before, limit + 1);
    let mut rows = app.store.read(read).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows
        .last()
        .filter(|_| more)
        .map(|last| last.seq.to_string());
    let records = rows.into_iter().map(record).collect();
    Ok(Json(AuditPage { records, next }))
}

fn record(record: audit::Record) -> AuditRecord {
    AuditRecord {
        seq: record.seq,
        at: record.at.to_string(),
        last_at: record.last.to_string(),
        count: record.count,
        kind: record.kind,
        who: record.who,
        name: record.name,
        address: record.address,
        method: record.method,
        path: record.path,
        status: record.status,
    }
}
