//! How a route gets into the server: under the role it needs, and in no other way.
//!
//! `register.reader(routes!(list_things))` adds a route that every role may ask for. The role
//! stands in the OpenAPI document as `x-stepwell-access`, and is checked before the handler and
//! before the body is read. What a route may answer besides success follows from what it is; a
//! handler says `(status = "default", body = ErrorReply)`, and the document lists the statuses.
//!
//! Invariant: nothing here adds a route without a role, so whoever forgets it does not compile.

use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use axum::routing::MethodRouter;
use serde_json::json;
use stepwell_api::Role;
use stepwell_store::audit::Detail;
use utoipa::openapi::RefOr;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::access::{Needs, admit};
use crate::app::App;

/// Handlers of one path, as the macro `routes!` gives them.
type Routes = UtoipaMethodRouter<Arc<App>>;

/// Handlers of one path, as axum has them.
type Methods = MethodRouter<Arc<App>>;

/// The routes of one part of the server.
#[derive(Default)]
pub(super) struct Register(OpenApiRouter<Arc<App>>);

impl Register {
    /// For everybody with a token.
    pub(super) fn reader(self, routes: Routes) -> Self {
        self.add(Needs::role(Role::Reader), routes)
    }

    /// For those who start runs, and for steps.
    pub(super) fn submitter(self, routes: Routes) -> Self {
        self.add(Needs::role(Role::Submitter), routes)
    }

    /// The same, for what comes often: the audit counts it by the hour.
    pub(super) fn submitter_often(self, routes: Routes) -> Self {
        let needs = Needs {
            audit: Some(Detail::Hourly),
            ..Needs::role(Role::Submitter)
        };
        self.add(needs, routes)
    }

    /// The same, and for a page in a browser.
    pub(super) fn submitter_or_page(self, routes: Routes) -> Self {
        let needs = Needs {
            pages: true,
            ..Needs::role(Role::Submitter)
        };
        self.add(needs, routes)
    }

    /// For those who change what runs are made of.
    pub(super) fn contributor(self, routes: Routes) -> Self {
        self.add(Needs::role(Role::Contributor), routes)
    }

    /// The same, and for steps: a training step registers its model.
    pub(super) fn contributor_or_step(self, routes: Routes) -> Self {
        let needs = Needs {
            steps: true,
            ..Needs::role(Role::Contributor)
        };
        self.add(needs, routes)
    }

    /// For owners only.
    pub(super) fn owner(self, routes: Routes) -> Self {
        self.add(Needs::role(Role::Owner), routes)
    }

    /// For a running step alone, about its own run: the handler refuses everybody else. That it was
    /// read is recorded.
    pub(super) fn own_step(self, routes: Routes) -> Self {
        let needs = Needs {
            steps: true,
            audit_reads: true,
            ..Needs::role(Role::Owner)
        };
        self.add(needs, routes)
    }

    /// For those who start runs, and for steps: what is read is a secret, so that it was read is
    /// recorded.
    pub(super) fn secret(self, routes: Routes) -> Self {
        let needs = Needs {
            audit_reads: true,
            ..Needs::role(Role::Submitter)
        };
        self.add(needs, routes)
    }

    /// For a question that is not asked with GET: it changes nothing, so there is no record of it.
    pub(super) fn question(self, role: Role, routes: Routes) -> Self {
        let needs = Needs {
            audit: None,
            ..Needs::role(role)
        };
        self.add(needs, routes)
    }

    /// A route that is not in the OpenAPI document: one of an interface that is described elsewhere.
    pub(super) fn undocumented(self, role: Role, path: &str, methods: Methods) -> Self {
        self.open(Needs::role(role), path, methods)
    }

    /// The same, for what comes often: the audit counts it by the hour.
    pub(super) fn undocumented_often(self, role: Role, path: &str, methods: Methods) -> Self {
        let needs = Needs {
            audit: Some(Detail::Hourly),
            ..Needs::role(role)
        };
        self.open(needs, path, methods)
    }

    /// The same, and for steps: a training step registers its model.
    pub(super) fn undocumented_or_step(self, role: Role, path: &str, methods: Methods) -> Self {
        let needs = Needs {
            steps: true,
            ..Needs::role(role)
        };
        self.open(needs, path, methods)
    }

    /// The same, for a question that is not asked with GET.
    pub(super) fn undocumented_question(self, role: Role, path: &str, methods: Methods) -> Self {
        let needs = Needs {
            audit: None,
            ..Needs::role(role)
        };
        self.open(needs, path, methods)
    }

    fn open(self, needs: Needs, path: &str, methods: Methods) -> Self {
        let methods = methods.route_layer(from_fn_with_state(needs, admit));
        Self(self.0.route(path, methods))
    }

    fn add(self, needs: Needs, (schemas, mut paths, methods): Routes) -> Self {
        for item in paths.paths.values_mut() {
            for (changes, operation) in operations(item) {
                describe(operation, needs, changes);
                list_refusals(operation, changes);
            }
        }
        let methods = methods.route_layer(from_fn_with_state(needs, admit));
        Self(self.0.routes((schemas, paths, methods)))
    }

    /// What `nest` takes.
    pub(super) fn into_router(self) -> OpenApiRouter<Arc<App>> {
        self.0
    }
}

/// The operations of a path, and whether each may change something.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let PathItem {
        get,
        put,
        post,
        delete,
        patch,
        ..
    } = item;
    let all = [
        (false, get),
        (true, put),
        (true, post),
        (true, delete),
        (true, patch),
    ];
    all.into_iter()
        .filter_map(|(changes, operation)| Some((changes, operation.as_mut()?)))
}

/// Says in the document what the route needs, and how it is recorded.
fn describe(operation: &mut Operation, needs: Needs, changes: bool) {
    let mut access = json!({"role": needs.role});
    for (name, open) in [("steps", needs.steps), ("pages", needs.pages)] {
        if open {
            access[name] = true.into();
        }
    }
    if let Some(detail) = needs.audit.filter(|_| changes || needs.audit_reads) {
        access["audit"] = match detail {
            Detail::Each => "each",
            Detail::Hourly => "hourly",
        }
        .into();
    }
    let extensions = ExtensionsBuilder::new().add("x-stepwell-access", access);
    operation
        .extensions
        .get_or_insert_default()
        .merge(extensions.build());
}

/// Replaces `default` by the statuses that can come, each with its body.
fn list_refusals(operation: &mut Operation, changes: bool) {
    let responses = &mut operation.responses.responses;
    let Some(RefOr::T(default)) = responses.remove("default") else {
        return;
    };
    let parameters = operation.parameters.iter().flatten();
    let is_path = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(it) if it.parameter_in == ParameterIn::Path);
    let places: Vec<bool> = parameters.map(is_path).collect();
    let body = operation.request_body.is_some();
    let refusals = [
        (400, "The request does not fit.", body || !places.is_empty()),
        (401, "The token is missing or wrong.", true),
        (403, "The token does not allow this.", true),
        (
            404,
            "There is no such thing.",
            body || places.contains(&true),
        ),
        (408, "The body came too slowly.", changes),
        (409, "It contradicts what there is.", changes),
        (413, "The body is too large.", changes),
        (424, "Another machine's datastore does not answer.", true),
        (500, "A fault of the server.", true),
        (503, "Too much at once; ask again.", true),
        (507, "The disk is full.", true),
    ];
    for (status, description, can_come) in refusals {
        if can_come {
            let mut refusal = default.clone();
            refusal.description = description.to_owned();
            let status = status.to_string();
            responses.entry(status).or_insert(RefOr::T(refusal));
        }
    }
}
