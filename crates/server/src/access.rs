//! Who may ask for what.
//!
//! A request is let in twice: [`authenticate`] finds out who asks, from the bearer token, and
//! [`admit`] compares the role of that token with the one the route needs. Every route has one:
//! see `routes/register.rs`.
//!
//! Invariant: a handler behind [`admit`] runs only for a caller with the route's role.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use stepwell_api::{ErrorCode, Role};

use crate::app::App;
use crate::error::ApiError;

/// Who asks, as handlers find it among a request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    /// What the token allows.
    pub(crate) role: Role,
    /// Whether it is a step's own token.
    pub(crate) step: bool,
}

/// What a route needs of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    /// This role, or a more powerful one.
    pub(crate) role: Role,
    /// A step will do, whatever its role.
    pub(crate) steps: bool,
}

impl Needs {
    pub(crate) const fn role(role: Role) -> Self {
        Self { role, steps: false }
    }

    pub(crate) const fn or_step(self) -> Self {
        Self {
            steps: true,
            ..self
        }
    }

    fn allows(self, caller: Caller) -> bool {
        caller.role >= self.role || (self.steps && caller.step)
    }
}

/// Finds out who asks; counts the request as activity.
pub(crate) async fn authenticate(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    let given = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = given.and_then(|value| value.strip_prefix("Bearer "));
    if !token.is_some_and(|token| equal(token.trim(), &app.site.token)) {
        let error = match given {
            None => ApiError::new(ErrorCode::Unauthorized, "the request has no bearer token"),
            Some(_) => ApiError::new(ErrorCode::Unauthorized, "the token is not this server's"),
        };
        let hint = "`stepwell connect` gives the URL and token of the folder's server";
        return error.hint(hint).into_response();
    }
    request.extensions_mut().insert(Caller {
        role: Role::Owner,
        step: false,
    });
    let _active = app.activity.enter();
    next.run(request).await
}

/// Lets a caller through whose role is enough for the route. One who was not authenticated is
/// nobody, and gets nowhere.
pub(crate) async fn admit(State(needs): State<Needs>, request: Request, next: Next) -> Response {
    match request.extensions().get::<Caller>() {
        Some(caller) if needs.allows(*caller) => next.run(request).await,
        Some(caller) => refuse(*caller, needs).into_response(),
        None => ApiError::new(ErrorCode::Unauthorized, "nobody knows who asks").into_response(),
    }
}

fn refuse(caller: Caller, needs: Needs) -> ApiError {
    let (has, wanted) = (caller.role.as_str(), needs.role.as_str());
    let message = format!("this needs the role `{wanted}`; the token has `{has}`");
    ApiError::new(ErrorCode::Forbidden, message).hint(format!(
        "ask an owner of the server for a token with the role `{wanted}`"
    ))
}

/// Compares in a time that does not depend on where the texts differ.
fn equal(given: &str, token: &str) -> bool {
    given.len() == token.len()
        && given
            .bytes()
            .zip(token.bytes())
            .fold(0, |all, (a, b)| all | (a ^ b))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_allows_what_the_lesser_ones_allow() {
        for role in Role::ALL {
            for needed in Role::ALL {
                let caller = Caller { role, step: false };
                assert_eq!(Needs::role(needed).allows(caller), role >= needed);
            }
        }
    }

    #[test]
    fn a_step_may_do_what_is_open_to_steps_and_no_more() {
        let step = Caller {
            role: Role::Submitter,
            step: true,
        };
        let person = Caller {
            step: false,
            ..step
        };
        let register = Needs::role(Role::Contributor).or_step();
        assert!(register.allows(step));
        assert!(!register.allows(person), "the role alone is not enough");
        assert!(!Needs::role(Role::Contributor).allows(step));
    }
}
