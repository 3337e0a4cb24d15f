//! MLflow's tracking interface, for programs that use its client: what they log is of the
//! workspace's runs, and they find what others have logged.
//!
//! Unlike the other doors it is not in the OpenAPI document: MLflow describes its own interface, and
//! each version of its client expects something more. What is done is done by
//! [`stepwell_workspace`]; only the words differ (`shown.rs`).
//!
//! The door has two addresses. At [`ROOT`] artifacts have addresses that every client of MLflow
//! resolves. At [`AZURE_ROOT`], for the client whose tracking URI begins with `azureml:`, they have
//! that scheme too, as they had in Azure ML; the SDK's plug-in resolves it.

mod artifacts;
mod asked;
mod errors;
mod experiments;
mod filter;
mod log;
mod logged;
mod models;
mod pages;
mod routes;
mod runs;
mod shown;
mod sources;
mod versions;

use std::sync::Arc;

use axum::Extension;
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::error::ApiError;
pub(super) use errors::to_mlflow_error;

/// Where the interface begins, as every client of MLflow has it.
const ROOT: &str = "/api/2.0";

/// Where it is for the client of the SDK's plug-in.
const AZURE_ROOT: &str = "/mlflow/v1.0";

/// Addresses like these at which there is nothing.
pub(super) const ELSEWHERE: [&str; 3] = ["/api/2.0/{*path}", "/api/3.0/{*path}", "/mlflow/{*path}"];

/// The version of MLflow whose interface this is.
const VERSION: &str = "3.0.0";

/// How the addresses of artifacts begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    /// As every client of MLflow knows it.
    Mlflow,
    /// As the SDK's plug-in does.
    Azureml,
}

impl Scheme {
    const fn word(self) -> &'static str {
        match self {
            Self::Mlflow => "mlflow-artifacts",
            Self::Azureml => "azureml",
        }
    }
}

/// The routes at both addresses.
pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    let plain = routes::at("")
        .into_router()
        .layer(Extension(Scheme::Mlflow));
    let azures = routes::at(AZURE_ROOT).into_router();
    plain.merge(azures.layer(Extension(Scheme::Azureml)))
}

/// At an address that MLflow may have and this server has not.
pub(super) async fn nothing_here() -> ApiError {
    ApiError::not_found(errors::NO_ENDPOINT)
}
