//! How a route gets into the server: under the role it needs, and in no other way.
//!
//! `register.reader(routes!(list_things))` adds a route that every role may ask for. The role
//! stands in the OpenAPI document as `x-stepwell-access`, and is checked before the handler and
//! before the body is read.
//!
//! Invariant: nothing here adds a route without a role, so whoever forgets it does not compile.

use std::sync::Arc;

use axum::middleware::from_fn_with_state;
use serde_json::json;
use stepwell_api::Role;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::access::{Needs, admit};
use crate::app::App;

/// Handlers of one path, as the macro `routes!` gives them.
type Routes = UtoipaMethodRouter<Arc<App>>;

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

    /// For those who change what runs are made of.
    pub(super) fn contributor(self, routes: Routes) -> Self {
        self.add(Needs::role(Role::Contributor), routes)
    }

    /// The same, and for steps: a training step registers its model.
    pub(super) fn contributor_or_step(self, routes: Routes) -> Self {
        self.add(Needs::role(Role::Contributor).or_step(), routes)
    }

    /// For owners only.
    pub(super) fn owner(self, routes: Routes) -> Self {
        self.add(Needs::role(Role::Owner), routes)
    }

    fn add(self, needs: Needs, (schemas, mut paths, methods): Routes) -> Self {
        for operation in paths.paths.values_mut().flat_map(operations) {
            describe(operation, needs);
        }
        let methods = methods.route_layer(from_fn_with_state(needs, admit));
        Self(self.0.routes((schemas, paths, methods)))
    }

    /// What `nest` takes.
    pub(super) fn into_router(self) -> OpenApiRouter<Arc<App>> {
        self.0
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        delete,
        patch,
        head,
        ..
    } = item;
    [get, put, post, delete, patch, head].into_iter().flatten()
}

/// Says in the document what the route needs.
fn describe(operation: &mut Operation, needs: Needs) {
    let access = match needs.steps {
        true => json!({"role": needs.role, "steps": true}),
        false => json!({"role": needs.role}),
    };
    let extensions = ExtensionsBuilder::new().add("x-stepwell-access", access);
    operation
        .extensions
        .get_or_insert_default()
        .merge(extensions.build());
}
