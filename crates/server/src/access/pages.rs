//! How a browser gets in, and whose access a page has.
//!
//! A ticket or a token is exchanged for a cookie, once: neither a page nor a step opens another, so
//! that nothing outlives the token that it came from.
//!
//! Invariant: a page is let in only as long as the token is good that opened it, or made the link.

use stepwell_api::{ErrorCode, Role};
use stepwell_model::Timestamp;
use uuid::Uuid;

use super::passes::{Origin, Session};
use super::{Access, Caller, Who, unauthorized};
use crate::error::{ApiError, Result};

/// By whose access a page shows what it shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The id of the token; `None` for the folder's own.
    pub(crate) id: Option<Uuid>,
    /// The name of the token; `folder` for the folder's own.
    pub(crate) name: String,
}

impl Owner {
    /// As it is shown; empty for the folder's own.
    pub(crate) fn id(&self) -> String {
        self.id.map_or_else(String::new, |id| id.to_string())
    }
}

/// The caller that a page's session stands for.
pub(super) fn caller(access: &Access, session: Session, now: Timestamp) -> Result<Caller> {
    let (owner, role) = owner(access, session.origin, now)?;
    Ok(Caller {
        role: session.role.min(role),
        who: Who::Page(owner),
    })
}

/// Whose token an origin is, and what that allows.
fn owner(access: &Access, origin: Origin, now: Timestamp) -> Result<(Owner, Role)> {
    let Origin::Token(id) = origin else {
        let name = "folder".to_owned();
        return Ok((Owner { id: None, name }, Role::Owner));
    };
    let refused = |fault| unauthorized(fault).hint("ask whoever gave you the link for another");
    let issued = access.tokens.by_id(id);
    let issued = issued.ok_or_else(|| refused("the token behind the page is not this server's"))?;
    if issued.fault(now).is_some() {
        return Err(refused("the token behind the page is not good any more"));
    }
    let name = issued.token.name.clone();
    Ok((Owner { id: Some(id), name }, issued.role))
}

/// What a ticket opens, and until when.
pub(crate) fn by_ticket(
    access: &Access,
    ticket: &str,
    now: Timestamp,
) -> Result<(Session, Timestamp)> {
    let Some((origin, expiry)) = access.passes.read_ticket(ticket, now) else {
        let message = "the link is too old, or not of this server";
        let hint = "open the link that your program printed last";
        return Err(ApiError::new(ErrorCode::Unauthorized, message).hint(hint));
    };
    owner(access, origin, now)?;
    let role = Role::Reader;
    Ok((Session { role, origin }, expiry))
}

/// What a caller's own token opens, and until when.
pub(crate) fn by_token(access: &Access, caller: &Caller) -> Result<(Session, Option<Timestamp>)> {
    let origin = origin(caller)?;
    let expiry = match origin {
        Origin::Token(id) => access.tokens.by_id(id).and_then(|it| it.token.expires),
        Origin::Folder => None,
    };
    let role = caller.role.min(Role::Submitter);
    Ok((Session { role, origin }, expiry))
}

/// What a caller's pages and links end with.
pub(crate) fn origin(caller: &Caller) -> Result<Origin> {
    match &caller.who {
        Who::Folder => Ok(Origin::Folder),
        Who::Token { id, .. } => Ok(Origin::Token(*id)),
        Who::Step(_) | Who::Page(_) => Err(ApiError::new(
            ErrorCode::Forbidden,
            "neither a step nor a page can let a browser in",
        )
        .hint("open the link that a program printed, or use a token of your own")),
    }
}
