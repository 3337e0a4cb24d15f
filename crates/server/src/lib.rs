//! The REST server: connections, routes, access, and the conversion between the wire and the
//! workspace.
//!
//! Handlers are thin: they convert what came, ask the workspace, and convert the outcome. Nothing
//! is scheduled or decided here. The router and the OpenAPI document come from
//! one list, [`routes`], so that they cannot differ.

mod access;
mod app;
mod convert;
mod error;
mod exact;
mod limits;
mod listen;
mod lock;
mod misfit;
mod routes;
mod serve;
mod stalled;
mod tls;

pub use limits::Limits;
pub use lock::holder;
pub use routes::openapi;
pub use serve::{Adopted, Endpoint, Mode, ServeConfig, ServeError, adopt, serve};
pub use stepwell_store::{Error as StoreError, care};
pub use tls::{TlsError, TlsFiles};

/// What a step needs, as clients send it, for the same.
#[must_use]
pub const fn resources_on_the_wire(
    resources: &stepwell_model::Resources,
) -> stepwell_api::StepResources {
    convert::resources::shown(resources)
}

/// A program as clients send one, for workers that start runs of their own.
#[must_use]
pub fn program_on_the_wire(task: &stepwell_model::ProcessTask) -> stepwell_api::ProcessTask {
    convert::process::shown(task)
}
