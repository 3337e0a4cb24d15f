//! Who may ask for what, and the record of who changed what.
//!
//! A request is let in twice: [`authenticate`] finds out who asks, and [`admit`] compares the
//! caller's role with the one the route needs. Every route has one: see `routes/register.rs`.
//!
//! | caller | shows | role |
//! |---|---|---|
//! | the folder's own | the text of the file `token` | owner |
//! | the holder of a token | a text that an owner was shown once (`tokens.rs`) | the token's |
//! | a step | a pass signed for its run (`passes.rs`), good until a while after the run | submitter |
//! | a page | a cookie with a pass, and a header that only a page of ours can send | reader, or less than the token that opened it |
//!
//! What a page shows, and the ticket of a link, ends with the token that made it (`pages.rs`).
//!
//! Invariants: a handler behind [`admit`] runs only for a caller with the route's role. A request
//! that may change something is answered after its record is stored.

mod login;
pub(crate) mod pages;
pub(crate) mod passes;
pub(crate) mod tokens;
pub(crate) mod veil;

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use stepwell_api::{CallerKind, ErrorCode, Identity, Role};
use stepwell_model::{RunId, Timestamp};
use stepwell_store::audit::{self, Detail};
use stepwell_store::{runs, tokens as stored};
use uuid::Uuid;

use crate::app::{App, now};
use crate::error::{ApiError, Result};
use pages::Owner;
use passes::{Passes, Purpose};
use tokens::Tokens;

/// How long a step's pass is good after its run has ended: for what its program still has to tell.
const STEP_GRACE_MS: i64 = 10 * 60_000;

/// What only a page of this server sends: another site's page may not set it.
const PAGE_HEADER: &str = "x-stepwell-page";

/// The longest path of a record of the audit.
const PATH_MAX: usize = 500;

/// What lets callers in.
pub(crate) struct Access {
    /// The folder's own token.
    pub(crate) folder_token: String,
    pub(crate) tokens: Tokens,
    pub(crate) passes: Passes,
    /// The cookie's name: browsers send a cookie to every port of a machine.
    pub(crate) cookie: String,
}

impl Access {
    pub(crate) fn new(folder_token: String, workspace_id: &str, tokens: Tokens) -> Self {
        let short = workspace_id.get(..8).unwrap_or_default();
        Self {
            passes: Passes::new(&folder_token, workspace_id),
            folder_token,
            tokens,
            cookie: format!("stepwell-{short}"),
        }
    }
}

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// Whether over TLS.
    pub(crate) secure: bool,
}

/// Who asks, as handlers find it among a request's extensions.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// What it may do.
    pub(crate) role: Role,
    pub(crate) who: Who,
}

/// By what a caller is known.
#[derive(Debug, Clone)]
pub(crate) enum Who {
    Folder,
    Token {
        id: Uuid,
        name: String,
    },
    Step(RunId),
    /// By whose access it shows what it shows.
    Page(Owner),
}

impl Caller {
    /// Who is said to have started a run, where the request does not say.
    pub(crate) fn user(&self) -> String {
        match &self.who {
            Who::Token { name, .. } => name.clone(),
            Who::Step(run) => format!("step {run}"),
            Who::Folder | Who::Page(_) => login::name().to_owned(),
        }
    }

    /// The step whose program asks.
    pub(crate) fn step(&self) -> Option<RunId> {
        match &self.who {
            Who::Step(run) => Some(*run),
            Who::Folder | Who::Token { .. } | Who::Page(_) => None,
        }
    }

    /// As clients see it.
    pub(crate) fn identity(&self) -> Identity {
        let (kind, id, name) = match &self.who {
            Who::Folder => (CallerKind::Folder, String::new(), ""),
            Who::Token { id, name } => (CallerKind::Token, id.to_string(), name.as_str()),
            Who::Step(run) => (CallerKind::Step, run.to_string(), ""),
            Who::Page(owner) => (CallerKind::Page, owner.id(), owner.name.as_str()),
        };
        Identity {
            kind,
            id,
            name: name.to_owned(),
            role: self.role,
        }
    }
}

/// What a route needs of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    /// This role, or a more powerful one.
    pub(crate) role: Role,
    /// A step will do, whatever its role.
    pub(crate) steps: bool,
    /// A page will do, whatever its role.
    pub(crate) pages: bool,
    /// How changes are recorded; `None` for a route that changes nothing.
    pub(crate) audit: Option<Detail>,
    /// Whether reading is recorded as well: what is read is a secret.
    pub(crate) audit_reads: bool,
}

impl Needs {
    pub(crate) const fn role(role: Role) -> Self {
        Self {
            role,
            steps: false,
            pages: false,
            audit: Some(Detail::Each),
            audit_reads: false,
        }
    }

    fn allows(self, caller: &Caller) -> bool {
        let also = match caller.who {
            Who::Step(_) => self.steps,
            Who::Page(_) => self.pages,
            Who::Folder | Who::Token { .. } => false,
        };
        also || caller.role >= self.role
    }

    /// How a request is recorded: reading is not, unless it is of a secret.
    fn audit_of(self, method: &Method) -> Option<Detail> {
        self.audit.filter(|_| !method.is_safe() || self.audit_reads)
    }
}

/// Finds out who asks; counts the request as activity; records what was changed.
pub(crate) async fn authenticate(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match identify(&app, request.headers()).await {
        Ok(caller) => caller,
        Err(refusal) => return refusal.into_response(),
    };
    request.extensions_mut().insert(caller.clone());
    let is_safe = request.method().is_safe();
    let answer = answer(Arc::clone(&app), caller, request, next);
    if is_safe {
        return answer.await;
    }
    // A client that goes away in the middle takes neither the change nor its record back.
    let fault = |error: tokio::task::JoinError| ApiError::internal(&error).into_response();
    tokio::spawn(answer).await.unwrap_or_else(fault)
}

/// Lets the handler answer, and records in the audit what is to be recorded.
async fn answer(app: Arc<App>, caller: Caller, request: Request, next: Next) -> Response {
    let _active = app.activity.enter();
    let asked = Asked::of(&request);
    let response = next.run(request).await;
    if let Some(detail) = response.extensions().get::<Detail>() {
        let record = asked.record(&caller, *detail, &response);
        let add = move |db: &_| audit::add(db, &record.0, record.1);
        if let Err(error) = app.store.write(add).await {
            tracing::error!(%error, "a request could not be recorded in the audit");
        }
    }
    response
}

/// What a record of the audit says of a request.
struct Asked {
    method: String,
    path: String,
    pattern: String,
    address: String,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let extensions = request.extensions();
        let pattern = extensions.get::<MatchedPath>();
        let address = extensions.get::<Peer>();
        Self {
            method: request.method().to_string(),
            path: request.uri().path().chars().take(PATH_MAX).collect(),
            pattern: pattern.map_or_else(String::new, |path| path.as_str().to_owned()),
            address: address.map_or_else(String::new, |peer| peer.address.to_string()),
        }
    }

    fn record(
        self,
        caller: &Caller,
        detail: Detail,
        response: &Response,
    ) -> (audit::Record, Detail) {
        let identity = caller.identity();
        let at = now();
        let record = audit::Record {
            seq: 0,
            at,
            last: at,
            count: 1,
            kind: identity.kind.as_str().to_owned(),
            who: identity.id,
            name: identity.name,
            address: self.address,
            method: self.method,
            path: match detail {
                Detail::Each => self.path,
                Detail::Hourly => self.pattern,
            },
            status: response.status().as_u16(),
        };
        (record, detail)
    }
}

/// Lets a caller through whose role is enough for the route. One who was not authenticated is
/// nobody, and gets nowhere.
pub(crate) async fn admit(State(needs): State<Needs>, request: Request, next: Next) -> Response {
    let audit = needs.audit_of(request.method());
    let mut response = match request.extensions().get::<Caller>() {
        Some(caller) if needs.allows(caller) => next.run(request).await,
        Some(caller) => refuse(caller, needs).into_response(),
        None => unauthorized("nobody knows who asks").into_response(),
    };
    if let Some(detail) = audit {
        response.extensions_mut().insert(detail);
    }
    response
}

fn refuse(caller: &Caller, needs: Needs) -> ApiError {
    let (has, wanted) = (caller.role.as_str(), needs.role.as_str());
    let message = format!("this needs the role `{wanted}`; the token has `{has}`");
    let hint = match caller.who {
        Who::Step(_) => "a step may log to runs, start runs and register models and datasets; do \
                         this from outside of the run"
            .to_owned(),
        _ => format!("ask an owner of the server for a token with the role `{wanted}`"),
    };
    ApiError::new(ErrorCode::Forbidden, message).hint(hint)
}

fn unauthorized(message: &str) -> ApiError {
    ApiError::new(ErrorCode::Unauthorized, message).hint(
        "`stepwell connect --json` prints the token of a folder on this machine; of another \
             server, ask an owner for one",
    )
}

/// Who sends these headers.
pub(crate) async fn identify(app: &App, headers: &HeaderMap) -> Result<Caller> {
    if let Some(given) = headers.get(AUTHORIZATION) {
        let text = given.to_str().ok().and_then(|value| value.split_once(' '));
        let text = text.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, text) = text.ok_or_else(|| unauthorized("the request has no bearer token"))?;
        return bearer(app, text.trim(), now()).await;
    }
    let session = cookie(headers, &app.access.cookie);
    match session.filter(|_| headers.contains_key(PAGE_HEADER)) {
        Some(pass) => match app.access.passes.read(pass, now()) {
            Some(Purpose::Session(session)) => pages::caller(&app.access, session, now()),
            _ => Err(unauthorized("the page was opened too long ago")),
        },
        None => Err(unauthorized("the request has no bearer token")),
    }
}

/// Whether a caller who was let in would be let in now: the token may have been revoked since.
pub(crate) async fn still_good(app: &App, caller: &Caller) -> bool {
    let id = match &caller.who {
        Who::Folder => return true,
        Who::Step(run) => return step(app, *run, now()).await.is_ok(),
        Who::Token { id, .. } => Some(*id),
        Who::Page(owner) => owner.id,
    };
    let issued = id.map(|id| app.access.tokens.by_id(id));
    issued.is_none_or(|issued| issued.is_some_and(|issued| issued.fault(now()).is_none()))
}

async fn bearer(app: &App, text: &str, now: Timestamp) -> Result<Caller> {
    let access = &app.access;
    if equal(text, &access.folder_token) {
        return Ok(Caller {
            role: Role::Owner,
            who: Who::Folder,
        });
    }
    if tokens::looks_issued(text) {
        let found = access.tokens.find(text);
        let issued = found.ok_or_else(|| unauthorized("the token is not this server's"))?;
        if let Some(fault) = issued.fault(now) {
            return Err(unauthorized(fault).hint("ask an owner of the server for another"));
        }
        let (id, name) = (issued.token.id, issued.token.name.clone());
        if issued.note_use(now) {
            let store = app.store.clone();
            // Nobody waits for this, and a lost one is sent again in a minute.
            tokio::spawn(async move { store.write(move |db| stored::used(db, id, now)).await });
        }
        return Ok(Caller {
            role: issued.role,
            who: Who::Token { id, name },
        });
    }
    match access.passes.read(text, now) {
        Some(Purpose::Step(run)) => step(app, run, now).await,
        _ => Err(unauthorized("the token is not this server's")),
    }
}

/// A step is let in while its run lasts, and a little longer.
async fn step(app: &App, run: RunId, now: Timestamp) -> Result<Caller> {
    let found = app.store.read(move |db| runs::end_of(db, run)).await?;
    let over = found.is_none_or(|(status, ended)| {
        let ended = ended.unwrap_or(now);
        status.is_terminal() && now.as_millis() - ended.as_millis() > STEP_GRACE_MS
    });
    match over {
        true => Err(unauthorized("the token was for a step whose run is over")),
        false => Ok(Caller {
            role: Role::Submitter,
            who: Who::Step(run),
        }),
    }
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).iter();
    all.filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(found, value)| (found == name).then_some(value))
}

/// Compares in a time that does not depend on where the bytes differ.
fn equal(given: impl AsRef<[u8]>, known: impl AsRef<[u8]>) -> bool {
    let (given, known) = (given.as_ref(), known.as_ref());
    let pairs = given.iter().zip(known);
    given.len() == known.len() && pairs.fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(role: Role, who: Who) -> Caller {
        Caller { role, who }
    }

    #[test]
    fn a_role_allows_what_the_lesser_ones_allow() {
        for role in Role::ALL {
            for needed in Role::ALL {
                let allowed = Needs::role(needed).allows(&caller(role, Who::Folder));
                assert_eq!(allowed, role >= needed);
            }
        }
    }

    #[test]
    fn steps_and_pages_may_do_what_is_open_to_them_and_no_more() {
        let run = RunId::new(Uuid::from_u128(1));
        let step = caller(Role::Submitter, Who::Step(run));
        let page = caller(Role::Reader, Who::Page(Owner::default()));
        let contributor = Needs::role(Role::Contributor);
        let for_steps = Needs {
            steps: true,
            ..contributor
        };
        let for_pages = Needs {
            pages: true,
            ..contributor
        };
        let person = caller(Role::Submitter, Who::Folder);
        assert!(for_steps.allows(&step) && !for_steps.allows(&page));
        assert!(for_pages.allows(&page) && !for_pages.allows(&step));
        assert!(!for_steps.allows(&person), "the role alone is not enough");
        assert!(!contributor.allows(&step) && !contributor.allows(&page));
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        let text = "a=b; stepwell-1=x.y.z ;c=";
        headers.insert(COOKIE, text.parse().expect("a header"));
        assert_eq!(cookie(&headers, "stepwell-1"), Some("x.y.z"));
        assert_eq!(cookie(&headers, "stepwell-2"), None);
    }
}
