//! Every route of the interface, with the role that it needs.

use axum::routing::{MethodRouter, delete, get, patch, post, put};
use stepwell_api::Role;

use super::{ROOT, VERSION, artifacts, experiments, log, logged, models, runs, versions};
use crate::routes::register::Register;

/// Handlers of one path.
type Methods = MethodRouter<std::sync::Arc<crate::app::App>>;

/// The routes behind a prefix.
pub(super) fn at(prefix: &str) -> Register {
    let table = Table {
        register: Register::default(),
        own: prefix.to_owned(),
        // Clients before the second version have the registry at the second address.
        apis: ["mlflow", "preview/mlflow"].map(|api| format!("{prefix}{ROOT}/{api}/")),
    };
    let table = of_files(of_experiments(table));
    let table = of_logging(of_runs(table));
    of_versions(of_models(of_logged_models(table))).register
}

fn of_experiments(table: Table) -> Table {
    table
        .read("experiments/get", get(experiments::get))
        .read("experiments/get-by-name", get(experiments::get_by_name))
        .read("experiments/list", get(experiments::search))
        .read("experiments/search", get(experiments::search))
        .question("experiments/search", post(experiments::search))
        .submit("experiments/create", post(experiments::create))
        .submit("experiments/set-experiment-tag", post(experiments::set_tag))
        .submit(
            "experiments/delete-experiment-tag",
            post(experiments::delete_tag),
        )
        .submit("experiments/update", post(runs::kept))
        .submit("experiments/delete", post(runs::kept))
        .submit("experiments/restore", post(runs::kept))
}

fn of_runs(table: Table) -> Table {
    table
        .read("runs/get", get(runs::get))
        .question("runs/search", post(runs::search))
        .submit("runs/create", post(runs::create))
        .submit("runs/update", post(runs::update))
        .submit("runs/delete", post(runs::kept))
        .submit("runs/restore", post(runs::kept))
        .read("metrics/get-history", get(log::history))
        .read("artifacts/list", get(artifacts::list))
}

fn of_logging(table: Table) -> Table {
    table
        .log("runs/log-metric", post(log::metric))
        .log("runs/log-parameter", post(log::parameter))
        .log("runs/log-batch", post(log::batch))
        .log("runs/log-inputs", post(log::inputs))
        .log("runs/outputs", post(logged::outputs))
        .log("runs/log-model", post(log::model))
        .log("runs/set-tag", post(log::set_tag))
        .log("runs/delete-tag", post(log::delete_tag))
}

fn of_logged_models(table: Table) -> Table {
    table
        .submit("logged-models", post(logged::create))
        .question("logged-models/search", post(logged::search))
        .read("logged-models/{id}", get(logged::get))
        .submit("logged-models/{id}", patch(logged::finalize))
        .submit("logged-models/{id}", delete(logged::delete))
        .log("logged-models/{id}/tags", patch(logged::set_tags))
        .log("logged-models/{id}/tags/{key}", delete(logged::delete_tag))
        .log("logged-models/{id}/params", post(logged::add_params))
}

fn of_models(table: Table) -> Table {
    table
        .read("registered-models/get", get(models::get))
        .read("registered-models/list", get(models::search))
        .read("registered-models/search", get(models::search))
        .read("registered-models/alias", get(models::by_alias))
        .read("registered-models/get-latest-versions", get(models::latest))
        .question(
            "registered-models/get-latest-versions",
            post(models::latest),
        )
        .register("registered-models/create", post(models::create))
        .register("registered-models/update", patch(models::update))
        .register("registered-models/set-tag", post(models::set_tag))
        .register("registered-models/delete-tag", delete(models::delete_tag))
        .register("registered-models/alias", post(models::set_alias))
        .register("registered-models/alias", delete(models::delete_alias))
        .register("registered-models/rename", post(models::rename))
        .remove("registered-models/delete", delete(models::delete))
}

fn of_versions(table: Table) -> Table {
    table
        .read("model-versions/get", get(versions::get))
        .read("model-versions/search", get(versions::search))
        .read(
            "model-versions/get-download-uri",
            get(versions::download_uri),
        )
        .register("model-versions/create", post(versions::create))
        .register("model-versions/update", patch(versions::update))
        .register("model-versions/set-tag", post(versions::set_tag))
        .register("model-versions/delete-tag", delete(versions::delete_tag))
        .register("model-versions/transition-stage", post(versions::set_stage))
        .remove("model-versions/delete", delete(versions::delete))
}

fn of_files(table: Table) -> Table {
    let files = format!("{}{ROOT}/mlflow-artifacts/artifacts", table.own);
    let file = format!("{files}/{{*path}}");
    let version = format!("{}/version", table.own);
    let health = format!("{}/health", table.own);
    let register = table
        .register
        .undocumented(Role::Reader, &version, get(async || VERSION))
        .undocumented(Role::Reader, &health, get(async || "OK"))
        .undocumented(Role::Reader, &files, get(artifacts::list_proxied))
        .undocumented(Role::Reader, &file, get(artifacts::get))
        .undocumented_often(Role::Submitter, &file, put(artifacts::put));
    Table { register, ..table }
}

/// Routes below one address, added under what is done there.
struct Table {
    register: Register,
    /// What all addresses begin with.
    own: String,
    /// What those of the interface itself begin with.
    apis: [String; 2],
}

impl Table {
    fn read(self, path: &str, methods: Methods) -> Self {
        self.add(path, |register, path| {
            register.undocumented(Role::Reader, path, methods.clone())
        })
    }

    /// Reads what is not asked for with GET.
    fn question(self, path: &str, methods: Methods) -> Self {
        self.add(path, |register, path| {
            register.undocumented_question(Role::Reader, path, methods.clone())
        })
    }

    fn submit(self, path: &str, methods: Methods) -> Self {
        self.add(path, |register, path| {
            register.undocumented(Role::Submitter, path, methods.clone())
        })
    }

    /// Records something of a run, often.
    fn log(self, path: &str, methods: Methods) -> Self {
        self.add(path, |register, path| {
            register.undocumented_often(Role::Submitter, path, methods.clone())
        })
    }

    /// Changes the registry, which a step may too.
    fn register(self, path: &str, methods: Methods) -> Self {
        self.add(path, |register, path| {
            register.undocumented_or_step(Role::Contributor, path, methods.clone())
        })
    }

    /// Takes something out of the registry.
    fn remove(self, path: &str, methods: Methods) -> Self {
        self.add(path, |register, path| {
            register.undocumented(Role::Contributor, path, methods.clone())
        })
    }

    fn add(self, path: &str, add: impl Fn(Register, &str) -> Register) -> Self {
        let places = self.apis.iter().map(|api| format!("{api}{path}"));
        let register = places.fold(self.register, |register, place| add(register, &place));
        Self { register, ..self }
    }
}
