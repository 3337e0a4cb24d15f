//! MLflow's tracking interface as its clients see it, without one of them.

mod common;

use common::{Answer, Served};
use serde_json::{Value, json};
use stepwell_api::Role;

const ROOTS: [&str; 2] = ["/api/2.0", "/mlflow/v1.0/api/2.0"];

/// Where clients before the second version have the registry.
const PREVIEW: &str = "/api/2.0/preview";

/// Every route: its method, its path, and the least role.
const ROUTES: &[(&str, &str, Role)] = &[
    ("GET", "mlflow/experiments/get", Role::Reader),
    ("GET", "mlflow/experiments/get-by-name", Role::Reader),
    ("GET", "mlflow/experiments/list", Role::Reader),
    ("GET", "mlflow/experiments/search", Role::Reader),
    ("POST", "mlflow/experiments/search", Role::Reader),
    ("POST", "mlflow/experiments/create", Role::Submitter),
    (
        "POST",
        "mlflow/experiments/set-experiment-tag",
        Role::Submitter,
    ),
    (
        "POST",
        "mlflow/experiments/delete-experiment-tag",
        Role::Submitter,
    ),
    ("POST", "mlflow/experiments/update", Role::Submitter),
    ("POST", "mlflow/experiments/delete", Role::Submitter),
    ("POST", "mlflow/experiments/restore", Role::Submitter),
    ("POST", "mlflow/runs/create", Role::Submitter),
    ("POST", "mlflow/runs/update", Role::Submitter),
    ("GET", "mlflow/runs/get", Role::Reader),
    ("POST", "mlflow/runs/search", Role::Reader),
    ("POST", "mlflow/runs/delete", Role::Submitter),
    ("POST", "mlflow/runs/restore", Role::Submitter),
    ("POST", "mlflow/runs/log-metric", Role::Submitter),
    ("POST", "mlflow/runs/log-parameter", Role::Submitter),
    ("POST", "mlflow/runs/log-batch", Role::Submitter),
    ("POST", "mlflow/runs/log-inputs", Role::Submitter),
    ("POST", "mlflow/runs/log-model", Role::Submitter),
    ("POST", "mlflow/runs/set-tag", Role::Submitter),
    ("POST", "mlflow/runs/delete-tag", Role::Submitter),
    ("GET", "mlflow/metrics/get-history", Role::Reader),
    ("GET", "mlflow/artifacts/list", Role::Reader),
    ("POST", "mlflow/runs/outputs", Role::Submitter),
    ("POST", "mlflow/logged-models", Role::Submitter),
    ("POST", "mlflow/logged-models/search", Role::Reader),
    ("GET", "mlflow/logged-models/m-1", Role::Reader),
    ("PATCH", "mlflow/logged-models/m-1", Role::Submitter),
    ("DELETE", "mlflow/logged-models/m-1", Role::Submitter),
    ("PATCH", "mlflow/logged-models/m-1/tags", Role::Submitter),
    ("DELETE", "mlflow/logged-models/m-1/tags/a", Role::Submitter),
    ("POST", "mlflow/logged-models/m-1/params", Role::Submitter),
    ("GET", "mlflow/registered-models/get", Role::Reader),
    ("GET", "mlflow/registered-models/list", Role::Reader),
    ("GET", "mlflow/registered-models/search", Role::Reader),
    ("GET", "mlflow/registered-models/alias", Role::Reader),
    (
        "GET",
        "mlflow/registered-models/get-latest-versions",
        Role::Reader,
    ),
    (
        "POST",
        "mlflow/registered-models/get-latest-versions",
        Role::Reader,
    ),
    ("POST", "mlflow/registered-models/create", Role::Contributor),
    (
        "PATCH",
        "mlflow/registered-models/update",
        Role::Contributor,
    ),
    (
        "POST",
        "mlflow/registered-models/set-tag",
        Role::Contributor,
    ),
    (
        "DELETE",
        "mlflow/registered-models/delete-tag",
        Role::Contributor,
    ),
    ("POST", "mlflow/registered-models/alias", Role::Contributor),
    (
        "DELETE",
        "mlflow/registered-models/alias",
        Role::Contributor,
    ),
    ("POST", "mlflow/registered-models/rename", Role::Contributor),
    (
        "DELETE",
        "mlflow/registered-models/delete",
        Role::Contributor,
    ),
    ("GET", "mlflow/model-versions/get", Role::Reader),
    ("GET", "mlflow/model-versions/search", Role::Reader),
    (
        "GET",
        "mlflow/model-versions/get-download-uri",
        Role::Reader,
    ),
    ("POST", "mlflow/model-versions/create", Role::Contributor),
    ("PATCH", "mlflow/model-versions/update", Role::Contributor),
    ("POST", "mlflow/model-versions/set-tag", Role::Contributor),
    (
        "DELETE",
        "mlflow/model-versions/delete-tag",
        Role::Contributor,
    ),
    (
        "POST",
        "mlflow/model-versions/transition-stage",
        Role::Contributor,
    ),
    ("DELETE", "mlflow/model-versions/delete", Role::Contributor),
    ("GET", "mlflow-artifacts/artifacts", Role::Reader),
    (
        "GET",
        "mlflow-artifacts/artifacts/runs/x/artifacts/a",
        Role::Reader,
    ),
    (
        "PUT",
        "mlflow-artifacts/artifacts/runs/x/artifacts/a",
        Role::Submitter,
    ),
];

fn post(server: &Served, path: &str, body: &Value) -> Answer {
    let path = format!("/api/2.0/mlflow/{path}");
    server.own("POST", &path, &body.to_string())
}

fn get(server: &Served, path: &str) -> Answer {
    server.own("GET", &format!("/api/2.0/mlflow/{path}"), "")
}

/// A new run of the experiment `Default`, and its id.
fn run(server: &Served) -> String {
    let made = post(server, "runs/create", &json!({"experiment_id": "0"}));
    assert_eq!(made.status, 200, "{}", made.body);
    let info = &made.json()["run"]["info"];
    info["run_id"].as_str().expect("an id").to_owned()
}

fn error(answer: &Answer) -> (u16, String) {
    let code = answer.json()["error_code"].as_str().map(str::to_owned);
    (answer.status, code.unwrap_or_default())
}

#[test]
fn each_role_gets_in_exactly_where_it_may_and_nobody_without_a_token() {
    let server = Served::start();
    let tokens = Role::ALL.map(|role| (role, server.token(role.as_str(), role)));
    let preview = ROUTES
        .iter()
        .filter(|(_, path, _)| path.starts_with("mlflow/"));
    let both = ROOTS
        .iter()
        .flat_map(|root| ROUTES.iter().map(move |route| (*root, route)));
    let all = both.chain(preview.map(|route| (PREVIEW, route)));
    for (root, (method, path, least)) in all {
        let path = format!("{root}/{path}");
        let stranger = server.ask(method, &path, None);
        assert_eq!(
            error(&stranger),
            (401, "UNAUTHENTICATED".to_owned()),
            "{path}"
        );
        for (role, token) in &tokens {
            let answer = server.ask(method, &path, Some(token));
            assert_eq!(
                answer.status == 403,
                role < least,
                "{role:?} {path}: {answer:?}"
            );
            assert!(
                answer.status < 500 && answer.status != 405,
                "{path}: {answer:?}"
            );
            if answer.status == 404 {
                let missing = answer.json()["error_code"] == "RESOURCE_DOES_NOT_EXIST";
                assert!(missing, "{path}: {answer:?}");
            }
        }
    }
}

#[test]
fn what_there_is_not_is_refused_at_once_in_mlflows_form() {
    let server = Served::start();
    let nothing = "ENDPOINT_NOT_FOUND".to_owned();
    for path in [
        "/api/2.0/mlflow/gateway/list",
        "/api/3.0/mlflow/traces/x",
        "/api/2.0/mlflow-artifacts/mpu/create/x",
        "/mlflow/v1.0/api/2.0/mlflow/none",
    ] {
        assert_eq!(
            error(&server.own("GET", path, "")),
            (404, nothing.clone()),
            "{path}"
        );
        assert_eq!(
            error(&server.own("POST", path, "{}")),
            (404, nothing.clone()),
            "{path}"
        );
    }
    let wrong_method = server.own("GET", "/api/2.0/mlflow/runs/create", "");
    assert_eq!(error(&wrong_method), (404, nothing));
    let absent = "RESOURCE_DOES_NOT_EXIST".to_owned();
    for path in [
        "runs/get?run_id=x",
        "runs/get?run_id=00000000-0000-4000-8000-000000000000",
        "experiments/get?experiment_id=7",
        "experiments/get-by-name?experiment_name=none",
    ] {
        assert_eq!(error(&get(&server, path)), (404, absent.clone()), "{path}");
    }
    let invalid = "INVALID_PARAMETER_VALUE".to_owned();
    let missing = get(&server, "runs/get");
    assert_eq!(error(&missing), (400, invalid.clone()));
    let words = "Missing value for required parameter 'run_id'";
    assert!(missing.body.contains(words), "{}", missing.body);
    let wrong = post(&server, "experiments/create", &json!({"name": 123}));
    assert_eq!(error(&wrong), (400, invalid.clone()));
    let words = "Invalid value 123 for parameter 'name' supplied";
    assert!(wrong.body.contains(words), "{}", wrong.body);
    assert_eq!(
        error(&server.own("POST", "/api/2.0/mlflow/runs/search", "[1")),
        (400, invalid)
    );

    let made = post(&server, "experiments/create", &json!({"name": "e"}));
    assert_eq!(made.status, 200, "{}", made.body);
    let again = post(&server, "experiments/create", &json!({"name": "e"}));
    assert_eq!(error(&again), (400, "RESOURCE_ALREADY_EXISTS".to_owned()));
    assert_eq!(server.own("GET", "/version", "").status, 200);
    assert_eq!(server.own("GET", "/mlflow/v1.0/version", "").status, 200);
}

#[test]
fn what_is_sent_twice_is_recorded_once() {
    let server = Served::start();
    let run = run(&server);
    let metric = |value: Value, step: i64| json!({"key": "loss", "value": value, "timestamp": 7, "step": step});
    let batch = json!({
        "run_id": run,
        "metrics": [metric(json!(0.5), 0), metric(json!("NaN"), 1), metric(json!(0.5), 0)],
        "params": [{"key": "lr", "value": "0.1"}],
        "tags": [{"key": "team", "value": "red"}],
    });
    for _ in 0..2 {
        assert_eq!(post(&server, "runs/log-batch", &batch).status, 200);
    }
    // Old clients name the run so, and send whole numbers as texts.
    let old = json!({"run_uuid": run, "key": "loss", "value": 0.25, "timestamp": "8", "step": "2"});
    for _ in 0..2 {
        assert_eq!(post(&server, "runs/log-metric", &old).status, 200);
    }
    let history = get(
        &server,
        &format!("metrics/get-history?run_id={run}&metric_key=loss"),
    );
    let history = history.json()["metrics"]
        .as_array()
        .expect("points")
        .clone();
    let values: Vec<_> = history
        .iter()
        .map(|point| (&point["step"], &point["value"]))
        .collect();
    let (zero, one, two) = (json!(0), json!(1), json!(2));
    let (half, nan, quarter) = (json!(0.5), json!("NaN"), json!(0.25));
    assert_eq!(values, [(&zero, &half), (&one, &nan), (&two, &quarter)]);

    let other = json!({"run_id": run, "key": "lr", "value": "0.2"});
    let changed = post(&server, "runs/log-parameter", &other);
    assert_eq!(error(&changed), (400, "INVALID_PARAMETER_VALUE".to_owned()));
    // A batch is recorded whole or not at all.
    let half = json!({
        "run_id": run,
        "metrics": [{"key": "other", "value": 1, "timestamp": 1}],
        "params": [{"key": "lr", "value": "0.2"}],
    });
    assert_eq!(post(&server, "runs/log-batch", &half).status, 400);
    let found = get(&server, &format!("runs/get?run_id={run}")).json();
    let data = &found["run"]["data"];
    assert_eq!(data["params"], json!([{"key": "lr", "value": "0.1"}]));
    assert_eq!(data["metrics"].as_array().map(Vec::len), Some(1), "{data}");
}

#[test]
fn runs_are_searched_sorted_and_given_in_parts() {
    let server = Served::start();
    let runs: Vec<String> = (0..5).map(|_| run(&server)).collect();
    let values = [json!(3), json!("NaN"), json!(1), json!(2)];
    for (run, value) in runs.iter().zip(values) {
        let metric = json!({"run_id": run, "key": "m", "value": value, "timestamp": 1});
        assert_eq!(post(&server, "runs/log-metric", &metric).status, 200);
    }
    let search = |more: Value| {
        let mut asked = json!({"experiment_ids": ["0"]});
        let fields = asked.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        let found = post(&server, "runs/search", &asked);
        assert_eq!(found.status, 200, "{}", found.body);
        let found = found.json();
        let rows = found["runs"].as_array().cloned().unwrap_or_default();
        let place = |row: &Value| {
            let id = row["info"]["run_id"].as_str().expect("an id");
            runs.iter().position(|run| run == id).expect("one of them")
        };
        let next = found["next_page_token"].as_str().map(str::to_owned);
        (rows.iter().map(place).collect::<Vec<_>>(), next)
    };
    assert_eq!(search(json!({})).0, [4, 3, 2, 1, 0], "the newest first");
    // NaN comes after the numbers, and what is not there last, in either direction.
    assert_eq!(
        search(json!({"order_by": ["metrics.m"]})).0,
        [2, 3, 0, 1, 4]
    );
    assert_eq!(
        search(json!({"order_by": ["metrics.m DESC"]})).0,
        [0, 3, 2, 1, 4]
    );
    assert_eq!(search(json!({"filter": "metrics.m >= 2"})).0, [3, 0]);
    assert_eq!(search(json!({"filter": "metrics.m != 3"})).0, [3, 2]);
    let two = format!("attributes.run_id IN ('{}', '{}')", runs[0], runs[4]);
    assert_eq!(search(json!({"filter": two})).0, [4, 0]);
    let (first, next) = search(json!({"max_results": 2}));
    let (second, next) = search(json!({"max_results": 2, "page_token": next}));
    let (third, last) = search(json!({"max_results": 2, "page_token": next}));
    assert_eq!([first, second, third].concat(), [4, 3, 2, 1, 0]);
    assert_eq!(last, None);
    let wrong = post(
        &server,
        "runs/search",
        &json!({"experiment_ids": ["0"], "filter": "a ="}),
    );
    assert_eq!(error(&wrong), (400, "INVALID_PARAMETER_VALUE".to_owned()));
}

#[test]
fn a_run_has_the_files_that_were_put_there_and_no_others() {
    let server = Served::start();
    let run = run(&server);
    let files = "/api/2.0/mlflow-artifacts/artifacts";
    let put = |path: &str, text: &str| {
        let path = format!("{files}/runs/{run}/artifacts/{path}");
        server.own("PUT", &path, text)
    };
    assert_eq!(put("a/b.txt", "one").status, 200);
    assert_eq!(put("a/b.txt", "two").status, 200, "it is replaced");
    assert_eq!(put("../../x", "out").status, 400);
    let at = format!("{files}/runs/{run}/artifacts/a/b.txt");
    assert_eq!(server.own("GET", &at, "").body, "two");
    let native = server.own("GET", &format!("/api/v1/runs/{run}/files/a/b.txt"), "");
    assert_eq!(native.body, "two");
    let listed = get(&server, &format!("artifacts/list?run_id={run}&path=a")).json();
    let file = json!([{"path": "a/b.txt", "is_dir": false, "file_size": 3}]);
    assert_eq!(listed["files"], file);
    let scheme = |root: &str| {
        let path = format!("{root}/mlflow/runs/get?run_id={run}");
        let found = server.own("GET", &path, "").json();
        let uri = found["run"]["info"]["artifact_uri"]
            .as_str()
            .map(str::to_owned);
        uri.expect("an address")
            .split_once(':')
            .expect("a scheme")
            .0
            .to_owned()
    };
    assert_eq!(ROOTS.map(scheme), ["mlflow-artifacts", "azureml"]);
}

#[test]
fn a_stage_and_an_alias_are_of_one_version() {
    let server = Served::start();
    let run = run(&server);
    let file = format!("/api/2.0/mlflow-artifacts/artifacts/runs/{run}/artifacts/net/a");
    assert_eq!(server.own("PUT", &file, "weights").status, 200);
    let named = post(
        &server,
        "registered-models/create",
        &json!({"name": "a net"}),
    );
    assert_eq!(named.status, 200, "{}", named.body);
    let source = format!("mlflow-artifacts:/runs/{run}/artifacts/net");
    let body = json!({"name": "a net", "source": source, "run_id": run});
    for _ in 0..2 {
        let made = post(&server, "model-versions/create", &body);
        assert_eq!(
            made.json()["model_version"]["status"],
            "READY",
            "{}",
            made.body
        );
    }
    let stage = |version: &str, archive: bool| {
        let body = json!({"name": "a net", "version": version, "stage": "production",
                          "archive_existing_versions": archive});
        post(&server, "model-versions/transition-stage", &body).status
    };
    assert_eq!(
        [stage("1", false), stage("2", true), stage("3", true)],
        [200, 200, 404]
    );
    let alias = json!({"name": "a net", "alias": "best", "version": "1"});
    assert_eq!(post(&server, "registered-models/alias", &alias).status, 200);
    let found = get(&server, "registered-models/get?name=a%20net").json();
    let latest = found["registered_model"]["latest_versions"]
        .as_array()
        .cloned();
    let shown = |version: &Value| {
        let text = |name: &str| version[name].as_str().unwrap_or_default().to_owned();
        (text("version"), text("current_stage"))
    };
    let latest: Vec<_> = latest.iter().flatten().map(shown).collect();
    let pair = |version: &str, stage: &str| (version.to_owned(), stage.to_owned());
    assert_eq!(latest, [pair("1", "Archived"), pair("2", "Production")]);

    let place = get(
        &server,
        "model-versions/get-download-uri?name=a%20net&version=1",
    )
    .json();
    assert_eq!(
        place["artifact_uri"],
        "mlflow-artifacts:/models/a%20net/1/net"
    );
    let files = "/api/2.0/mlflow-artifacts/artifacts";
    let listed = server.own("GET", &format!("{files}?path=models/a%2520net/1/net"), "");
    assert_eq!(
        listed.json()["files"],
        json!([{"path": "a", "is_dir": false, "file_size": 7}])
    );
    let at = format!("{files}/models/a%20net/1/net/a");
    assert_eq!(server.own("GET", &at, "").body, "weights");
    assert_eq!(
        server.own("PUT", &at, "other").status,
        400,
        "a version is kept as it is"
    );

    let gone = json!({"name": "a net", "version": "1"}).to_string();
    let path = "/api/2.0/mlflow/model-versions/delete";
    assert_eq!(server.own("DELETE", path, &gone).status, 200);
    let found = get(&server, "registered-models/get?name=a%20net").json();
    let aliases = &found["registered_model"]["aliases"];
    assert!(
        aliases.is_null(),
        "it named the version that is gone: {aliases}"
    );
}
