//! Compute targets: the texts of `stepwell compute`.

use std::fmt::Write as _;

use serde_json::Value;
use stepwell_api::Compute;

use super::style::{Paint, Style};
use super::table::Table;

/// The list of targets.
pub(crate) fn list(computes: &[Compute], style: Style) -> String {
    if computes.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["TARGET", "RUNS ON", "KIND", "RUNNING", "QUEUED", "AT MOST"]);
    for compute in computes {
        table.row([
            compute.name.clone().into(),
            runs_on(compute).into(),
            compute.kind.clone().into(),
            compute.running.to_string().into(),
            compute.queued.to_string().into(),
            compute.concurrent_steps_max.to_string().into(),
        ]);
    }
    table.render(style)
}

/// One target.
pub(crate) fn show(compute: &Compute, style: Style) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        let label = style.paint(Paint::Faint, &format!("{label:<12}"));
        let _ = writeln!(text, "{label}{value}");
    };
    line("target", &compute.name);
    line("runs on", &runs_on(compute));
    line("kind", &compute.kind);
    line(
        "steps",
        &format!(
            "{} run, {} queued, at most {} at once",
            compute.running, compute.queued, compute.concurrent_steps_max
        ),
    );
    for (name, label) in [("warm", "warm starts"), ("warm_imports", "loads")] {
        if let Some(value) = compute.settings.get(name) {
            line(label, &in_words(value));
        }
    }
    if let Some(isolation) = compute.settings.get("isolation") {
        line("isolated", "yes");
        for (name, label) in [("readable", "may read"), ("writable", "may write")] {
            if let Some(paths) = isolation.get(name) {
                line(label, &in_words(paths));
            }
        }
    }
    if let Some(backing) = backing(compute) {
        for (name, value) in backing {
            if name != "kind" {
                line(name, &in_words(value));
            }
        }
    }
    text
}

fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(items) => {
            let words = items.iter().map(|(name, value)| format!("{name}={value}"));
            words.collect::<Vec<_>>().join(" ")
        }
        Value::Array(items) => {
            let words = items.iter().filter_map(Value::as_str);
            words.collect::<Vec<_>>().join(" ")
        }
        value => value.to_string(),
    }
}

/// The settings of the cluster behind a target; `None` for this machine.
fn backing(compute: &Compute) -> Option<&serde_json::Map<String, Value>> {
    match compute.kind.as_str() {
        "slurm" | "ray" => compute.settings.as_object(),
        _ => compute.settings.get("backing")?.as_object(),
    }
}

fn runs_on(compute: &Compute) -> String {
    let settings = backing(compute);
    let kind = settings.and_then(|settings| settings.get("kind")?.as_str());
    let kind = kind.unwrap_or(compute.kind.as_str());
    let text = |name: &str| settings.and_then(|settings| settings.get(name)?.as_str());
    match (kind, text("partition"), text("address")) {
        ("slurm", Some(partition), _) => format!("Slurm partition {partition}"),
        ("slurm", None, _) => "Slurm's default partition".to_owned(),
        ("ray", _, address) => format!("Ray at {}", address.unwrap_or_default()),
        _ => "this machine".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compute(name: &str, kind: &str, settings: Value) -> Compute {
        Compute {
            name: name.to_owned(),
            kind: kind.to_owned(),
            concurrent_steps_max: 4,
            running: 1,
            queued: 0,
            created: true,
            settings,
        }
    }

    #[test]
    fn a_target_says_what_is_behind_it() {
        let slurm = json!({"partition": "gpu", "options": ["--constraint=a100", "--mem=1G"]});
        let backed = json!({"vm_size": "X", "backing": {"kind": "slurm"}});
        let all = [
            compute("aml-cluster", "AmlCompute", backed),
            compute("gpu", "slurm", slurm),
            compute("small", "local", Value::Null),
            compute(
                "ray",
                "ray",
                json!({"address": "http://head:8265", "resources": {"worker": 1}}),
            ),
        ];
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let listed: Vec<String> = list(&all, Style::PLAIN).lines().map(words).collect();
        assert_eq!(
            listed[1..],
            [
                "aml-cluster Slurm's default partition AmlCompute 1 0 4",
                "gpu Slurm partition gpu slurm 1 0 4",
                "small this machine local 1 0 4",
                "ray Ray at http://head:8265 ray 1 0 4",
            ]
        );
        let shown: Vec<String> = show(&all[1], Style::PLAIN).lines().map(words).collect();
        assert_eq!(
            shown,
            [
                "target gpu",
                "runs on Slurm partition gpu",
                "kind slurm",
                "steps 1 run, 0 queued, at most 4 at once",
                "options --constraint=a100 --mem=1G",
                "partition gpu",
            ]
        );
    }

    #[test]
    fn an_isolated_target_says_what_its_steps_may_see() {
        let isolation = json!({"isolation": {"readable": ["/a", "/b"]}});
        let shown = show(&compute("guarded", "local", isolation), Style::PLAIN);
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let lines: Vec<String> = shown.lines().map(words).skip(4).collect();
        assert_eq!(lines, ["isolated yes", "may read /a /b"]);
    }
}
