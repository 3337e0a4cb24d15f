//! Runs that programs open themselves: they are found by what is known of them, and seen to begin
//! and to end in the stream of the workspace.

mod common;

use common::Served;
use serde_json::{Value, json};

/// Opens a run with tags, logs its loss, and ends it; its id.
fn run(server: &Served, name: &str, owner: &str, losses: &[f64]) -> String {
    let body = json!({"experiment": "e", "display_name": name, "tags": {"owner": owner}});
    let made = server.own("POST", "/api/v1/runs/interactive", &body.to_string());
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let point = |(at, loss): (usize, &f64)| json!({"name": "loss", "kind": "scalar", "value": loss, "at_ms": at + 1});
    let points: Vec<Value> = losses.iter().enumerate().map(point).collect();
    let batch = json!({"writer": "w", "first": 0, "points": points}).to_string();
    let logged = server.own("POST", &format!("/api/v1/runs/{id}/metrics"), &batch);
    assert_eq!(logged.status, 204, "{logged:?}");
    id
}

fn end(server: &Served, run: &str, status: &str) {
    let body = json!({"status": status}).to_string();
    let ended = server.own("POST", &format!("/api/v1/runs/{run}/end"), &body);
    assert_eq!(ended.status, 200, "{ended:?}");
}

/// The names of the runs that fit, newest first.
fn found(server: &Served, filter: &str) -> String {
    let encoded: String = filter.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let answer = server.own("GET", &format!("/api/v1/runs?filter={encoded}"), "");
    assert_eq!(answer.status, 200, "{answer:?}");
    let runs = answer.json()["runs"].as_array().expect("runs").clone();
    let names = runs.iter().filter_map(|run| run["display_name"].as_str());
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn runs_are_found_by_tags_the_latest_metrics_and_status() {
    let server = Served::start();
    let first = run(&server, "first", "ann", &[0.9, 0.1]);
    let second = run(&server, "second", "bob", &[0.05, 0.5]);
    run(&server, "third", "ann", &[]);
    end(&server, &first, "Completed");
    end(&server, &second, "Failed");

    assert_eq!(found(&server, "tags.owner = ann"), "third first");
    assert_eq!(found(&server, "metrics.loss < 0.2"), "first");
    assert_eq!(found(&server, "metrics.loss"), "second first");
    assert_eq!(found(&server, "not metrics.loss"), "third");
    assert_eq!(
        found(&server, "status = failed or name ~ ird"),
        "third second"
    );
    let user = server
        .own("GET", &format!("/api/v1/runs/{first}"), "")
        .json()["user"]
        .clone();
    let ended_of_user = format!("ended > 2000-01-01 and user = {user}");
    assert_eq!(found(&server, &ended_of_user), "second first");
    assert_eq!(found(&server, "not (ended > 2000-01-01)"), "third");

    let change = json!({"set_tags": {"owner": "cyd"}}).to_string();
    server.own("PATCH", &format!("/api/v1/runs/{first}"), &change);
    assert_eq!(found(&server, "tags.owner = ann"), "third");
    assert_eq!(
        found(&server, "tags.owner = 'cyd' and kind = interactive"),
        "first"
    );

    let refused = server.own("GET", "/api/v1/runs?filter=size%20%3d%203", "");
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (400, "invalid_request")
    );
}

#[test]
fn a_stream_that_is_taken_up_again_misses_nothing_and_repeats_nothing() {
    let server = Served::start();
    let run = run(&server, "r", "ann", &[]);
    let events = |last: &str| -> Vec<(String, String)> {
        let token = Some(server.endpoint.token.as_str());
        let headers = [("last-event-id", last)];
        let path = "/api/v1/events?follow=false";
        let answer = server.send("GET", path, token, &headers, "");
        assert_eq!(answer.status, 200, "{answer:?}");
        let field = |block: &str, name: &str| {
            let mut lines = block.lines();
            let found = lines.find_map(|line| line.strip_prefix(name));
            found.unwrap_or_default().trim().to_owned()
        };
        let blocks = answer
            .body
            .split("\n\n")
            .filter(|block| block.contains("data:"));
        let event = |block: &str| {
            let data: Value = serde_json::from_str(&field(block, "data:")).expect("JSON");
            assert_eq!(data["run"], run.as_str());
            assert_eq!(data["root"], run.as_str());
            let status = data["status"].as_str().unwrap_or_default();
            (field(block, "id:"), status.to_owned())
        };
        blocks.map(event).collect()
    };
    let begun = events("0");
    assert_eq!(begun.len(), 1, "{begun:?}");
    assert_eq!(begun[0].1, "Running");
    end(&server, &run, "Completed");
    let ended = events(&begun[0].0);
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert_eq!(ended[0].1, "Completed");
    assert_eq!(events(&ended[0].0), []);

    let of_run = server.own("GET", &format!("/api/v1/runs/{run}/events"), "");
    assert_eq!(of_run.body.matches("data:").count(), 2, "{of_run:?}");
}

#[test]
fn a_stream_of_children_has_those_of_one_run_from_the_first_on() {
    let server = Served::start();
    let parent = run(&server, "parent", "ann", &[]);
    let child = trial(&server, &parent, "child", &json!([]));
    run(&server, "other", "ann", &[]);
    end(&server, &child, "Completed");
    end(&server, &parent, "Completed");

    let changes = |parent: &str| {
        let path = format!("/api/v1/events?follow=false&parent={parent}");
        let answer = server.own("GET", &path, "");
        let data = answer
            .body
            .lines()
            .filter_map(|line| line.strip_prefix("data:"));
        let change = |text: &str| {
            let event: Value = serde_json::from_str(text).expect("JSON");
            assert_eq!(event["run"], child.as_str());
            event["status"].as_str().unwrap_or_default().to_owned()
        };
        data.map(change).collect::<Vec<_>>()
    };
    assert_eq!(changes(&parent), ["Running", "Completed"]);
    assert_eq!(changes(&child), [""; 0]);
    let unknown = "/api/v1/events?parent=00000000-0000-7000-8000-000000000000";
    assert_eq!(server.own("GET", unknown, "").status, 404);
}

#[test]
fn a_list_by_name_comes_in_pages() {
    let server = Served::start();
    for name in ["b", "c", "a"] {
        let made = server.own("PUT", &format!("/api/v1/experiments/{name}"), "");
        assert_eq!(made.status, 200, "{made:?}");
    }
    let page = |query: &str| {
        let page = server
            .own("GET", &format!("/api/v1/experiments{query}"), "")
            .json();
        let rows = page["experiments"].as_array().expect("experiments").clone();
        let names = rows.iter().filter_map(|row| row["name"].as_str());
        let next = page["next"].as_str().unwrap_or_default();
        format!("{} > {next}", names.collect::<Vec<_>>().join(" "))
    };
    assert_eq!(page(""), "a b c > ");
    assert_eq!(page("?limit=2"), "a b > b");
    assert_eq!(page("?limit=2&cursor=b"), "c > ");
}

/// Opens a run with tags below another, logs its loss; its id.
fn trial(server: &Served, parent: &str, name: &str, losses: &Value) -> String {
    let tags = json!({"hyperparameters": format!(r#"{{"C": "{name}"}}"#)});
    let body = json!({"experiment": "e", "display_name": name, "parent": parent, "tags": tags});
    let made = server.own("POST", "/api/v1/runs/interactive", &body.to_string());
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.json()["id"].as_str().expect("an id").to_owned();
    let losses = losses.as_array().expect("a list").iter();
    let point = |loss: &Value| json!({"name": "loss", "kind": "scalar", "value": loss, "at_ms": 1});
    let points: Vec<Value> = losses.map(point).collect();
    let batch = json!({"writer": "w", "first": 0, "points": points}).to_string();
    let logged = server.own("POST", &format!("/api/v1/runs/{id}/metrics"), &batch);
    assert_eq!(logged.status, 204, "{logged:?}");
    id
}

#[test]
fn the_trials_of_a_search_stand_best_first_and_are_found_by_what_they_logged() {
    let server = Served::start();
    for (goal, order) in [
        ("maximize", "low wide high silent"),
        ("minimize", "wide high low silent"),
    ] {
        let config = json!({"name": "loss", "goal": goal}).to_string();
        let body = json!({"experiment": "e", "tags": {"primary_metric_config": config}});
        let made = server.own("POST", "/api/v1/runs/interactive", &body.to_string());
        let search = made.json()["id"].as_str().expect("an id").to_owned();
        trial(&server, &search, "silent", &json!(["NaN"]));
        trial(&server, &search, "high", &json!([0.4, "NaN", 0.2]));
        trial(&server, &search, "low", &json!([9, 0.7]));
        trial(&server, &search, "wide", &json!([1.5e0, -2]));
        let path = format!("/api/v1/runs/{search}/trials");
        let shown = server.own("GET", &path, "").json();
        let trials = shown["trials"].as_array().expect("trials");
        let names: Vec<_> = trials
            .iter()
            .filter_map(|trial| trial["name"].as_str())
            .collect();
        assert_eq!(names.join(" "), order);
        assert_eq!(shown["is_more_better"], goal == "maximize");
        assert_eq!(trials[0]["values"]["C"], names[0]);
        assert_eq!(trials[3]["best"], Value::Null);
        // By a query, as any other run; the latest number counts there.
        let query = format!("/api/v1/runs?parent={search}&filter=metrics.loss%3C0.5");
        let runs = server.own("GET", &query, "").json()["runs"].clone();
        let found: Vec<_> = runs
            .as_array()
            .expect("runs")
            .iter()
            .filter_map(|run| run["display_name"].as_str())
            .collect();
        assert_eq!(found, ["high", "wide"]);
    }
    let other = run(&server, "other", "ann", &[0.1]);
    let refused = server.own("GET", &format!("/api/v1/runs/{other}/trials"), "");
    assert_eq!(refused.status, 404, "{refused:?}");
}
