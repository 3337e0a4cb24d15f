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
mod runs;
mod shown;

use std::sync::Arc;

use axum::Extension;
use axum::routing::{get, post};
use stepwell_api::Role;
use utoipa_axum::router::OpenApiRouter;

use super::register::Register;
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
const VERSION: &str = "2.22.0";

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
    let plain = at("").into_router().layer(Extension(Scheme::Mlflow));
    let azures = at(AZURE_ROOT).into_router();
    plain.merge(azures.layer(Extension(Scheme::Azureml)))
}

/// The routes behind a prefix, each under the role it asks for.
fn at(prefix: &str) -> Register {
    let own = |path: &str| format!("{prefix}{path}");
    let api = |path: &str| format!("{prefix}{ROOT}/mlflow/{path}");
    let (reader, question) = (Role::Reader, Role::Reader);
    let register = Register::default()
        .undocumented(reader, &own("/version"), get(async || VERSION))
        .undocumented(reader, &own("/health"), get(async || "OK"))
        .undocumented(reader, &api("experiments/get"), get(experiments::get))
        .undocumented(
            reader,
            &api("experiments/get-by-name"),
            get(experiments::get_by_name),
        )
        .undocumented(reader, &api("experiments/list"), get(experiments::search))
        .undocumented(reader, &api("experiments/search"), get(experiments::search))
        .undocumented_question(
            question,
            &api("experiments/search"),
            post(experiments::search),
        );
    let submitter = Role::Submitter;
    let register = register
        .undocumented(
            submitter,
            &api("experiments/create"),
            post(experiments::create),
        )
        .undocumented(
            submitter,
            &api("experiments/set-experiment-tag"),
            post(experiments::set_tag),
        )
        .undocumented(
            submitter,
            &api("experiments/delete-experiment-tag"),
            post(experiments::delete_tag),
        )
        .undocumented(submitter, &api("experiments/update"), post(runs::kept))
        .undocumented(submitter, &api("experiments/delete"), post(runs::kept))
        .undocumented(submitter, &api("experiments/restore"), post(runs::kept))
        .undocumented(submitter, &api("runs/delete"), post(runs::kept))
        .undocumented(submitter, &api("runs/restore"), post(runs::kept))
        .undocumented(submitter, &api("runs/create"), post(runs::create))
        .undocumented(submitter, &api("runs/update"), post(runs::update));
    let register = register
        .undocumented_question(
            question,
            &api("logged-models/search"),
            post(runs::no_models),
        )
        .undocumented(reader, &api("runs/get"), get(runs::get))
        .undocumented_question(question, &api("runs/search"), post(runs::search))
        .undocumented(reader, &api("metrics/get-history"), get(log::history))
        .undocumented(reader, &api("artifacts/list"), get(artifacts::list));
    logging(register, prefix)
}

/// Those by which programs log, and their files.
fn logging(register: Register, prefix: &str) -> Register {
    let api = |path: &str| format!("{prefix}{ROOT}/mlflow/{path}");
    let files = format!("{prefix}{ROOT}/mlflow-artifacts/artifacts");
    let (reader, submitter) = (Role::Reader, Role::Submitter);
    register
        .undocumented_often(submitter, &api("runs/log-metric"), post(log::metric))
        .undocumented_often(submitter, &api("runs/log-parameter"), post(log::parameter))
        .undocumented_often(submitter, &api("runs/log-batch"), post(log::batch))
        .undocumented_often(submitter, &api("runs/log-inputs"), post(log::inputs))
        .undocumented_often(submitter, &api("runs/log-model"), post(log::model))
        .undocumented_often(submitter, &api("runs/set-tag"), post(log::set_tag))
        .undocumented_often(submitter, &api("runs/delete-tag"), post(log::delete_tag))
        .undocumented(reader, &files, get(artifacts::list_proxied))
        .undocumented(reader, &format!("{files}/{{*path}}"), get(artifacts::get))
        .undocumented_often(
            submitter,
            &format!("{files}/{{*path}}"),
            axum::routing::put(artifacts::put),
        )
}

/// At an address that MLflow may have and this server has not.
pub(super) async fn nothing_here() -> ApiError {
    ApiError::not_found(errors::NO_ENDPOINT)
}
