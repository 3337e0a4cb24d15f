//! What differs between two runs: parameters, programs, arguments, files, environments, metrics and
//! how they ended. Pure: it is given everything.
//!
//! Steps are matched by name; of several with one name, in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;
use stepwell_api::{MetricSeries, Run, SnapshotFile, SubmitStep};

use super::metrics::value;
use super::status::{title, word};
use super::style::{Paint, Style};
use super::table::Table;

/// A run and all that is compared of it.
#[derive(Debug)]
pub(crate) struct Side {
    /// The run.
    pub(crate) run: Run,
    /// What it logged itself.
    pub(crate) metrics: Vec<MetricSeries>,
    /// Its steps.
    pub(crate) steps: Vec<StepSide>,
}

/// A step and all that is compared of it.
#[derive(Debug)]
pub(crate) struct StepSide {
    /// What it was submitted as.
    pub(crate) spec: SubmitStep,
    /// Its run; a script is its own.
    pub(crate) run: Option<Run>,
    /// The files of its source directory.
    pub(crate) files: Vec<SnapshotFile>,
    /// What it logged.
    pub(crate) metrics: Vec<MetricSeries>,
}

/// One difference. What one side does not have is absent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Difference {
    /// The step; absent for the run itself.
    pub(crate) step: Option<String>,
    /// What differs, such as `parameter rate`, `file train.py` or `metric loss`.
    pub(crate) what: String,
    /// In the first run.
    pub(crate) a: Option<String>,
    /// In the second run.
    pub(crate) b: Option<String>,
}

/// Facts by what they are about.
type Facts = BTreeMap<String, String>;

/// All differences, those of the run first, then step by step.
pub(crate) fn differences(a: &Side, b: &Side) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(None, &of_run(a), &of_run(b), &mut found);
    let (ours, theirs) = (named(&a.steps), named(&b.steps));
    let order = ours.iter().chain(&theirs);
    let mut seen = BTreeSet::new();
    for (name, _) in order.filter(|(name, _)| seen.insert(name.clone())) {
        let find = |steps: &[(String, &StepSide)]| {
            let step = steps.iter().find(|(other, _)| other == name);
            step.map(|(_, step)| of_step(step))
        };
        match (find(&ours), find(&theirs)) {
            (Some(a), Some(b)) => compare(Some(name), &a, &b, &mut found),
            (a, b) => found.push(Difference {
                step: Some(name.clone()),
                what: "step".to_owned(),
                a: a.map(|_| "there".to_owned()),
                b: b.map(|_| "there".to_owned()),
            }),
        }
    }
    found
}

/// The steps by name; the second of a name is `name #2`.
fn named(steps: &[StepSide]) -> Vec<(String, &StepSide)> {
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    let name = |step: &str, count: u32| match count {
        1 => step.to_owned(),
        count => format!("{step} #{count}"),
    };
    let mut named = Vec::new();
    for step in steps {
        let count = counts.entry(&step.spec.name).or_default();
        *count += 1;
        named.push((name(&step.spec.name, *count), step));
    }
    named
}

fn compare(step: Option<&String>, a: &Facts, b: &Facts, found: &mut Vec<Difference>) {
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for name in names {
        let (a, b) = (a.get(name), b.get(name));
        if a != b {
            found.push(Difference {
                step: step.cloned(),
                what: name.clone(),
                a: a.cloned(),
                b: b.cloned(),
            });
        }
    }
}

fn of_run(side: &Side) -> Facts {
    let Side { run, metrics, .. } = side;
    let mut facts = Facts::new();
    facts.insert("experiment".to_owned(), run.experiment.clone());
    facts.insert("status".to_owned(), word(run).to_owned());
    for (name, value) in &run.parameters {
        facts.insert(format!("parameter {name}"), value.clone());
    }
    for (name, value) in &run.tags {
        facts.insert(format!("tag {name}"), value.clone());
    }
    of_metrics(metrics, &mut facts);
    facts
}

fn of_metrics(metrics: &[MetricSeries], facts: &mut Facts) {
    for series in metrics {
        if let Some(last) = series.points.last() {
            facts.insert(format!("metric {}", series.name), value(last));
        }
    }
}

fn of_step(step: &StepSide) -> Facts {
    let mut facts = Facts::new();
    facts.insert("kind".to_owned(), step.spec.kind.clone());
    facts.insert("target".to_owned(), step.spec.target.clone());
    facts.insert("allow_reuse".to_owned(), step.spec.allow_reuse.to_string());
    let wire = |value: serde_json::Result<Value>| value.unwrap_or_default();
    flatten("", &wire(serde_json::to_value(&step.spec.task)), &mut facts);
    for (what, ports) in [
        ("input", wire(serde_json::to_value(&step.spec.inputs))),
        ("output", wire(serde_json::to_value(&step.spec.outputs))),
    ] {
        for port in ports.as_array().into_iter().flatten() {
            let name = port["name"].as_str().unwrap_or_default();
            facts.insert(format!("{what} {name}"), port.to_string());
        }
    }
    // Its files say more than its digest.
    facts.remove("snapshot");
    for file in &step.files {
        // The digest decides whether it changed; what is shown is its size.
        facts.insert(format!("file {}", file.path), file.digest.clone());
    }
    if let Some(run) = &step.run {
        // That one side was reused is no difference of the two results.
        facts.insert("status".to_owned(), run.status.to_string());
        if let Some(failure) = &run.error {
            facts.insert("error".to_owned(), failure.message.clone());
        }
    }
    of_metrics(&step.metrics, &mut facts);
    facts
}

/// Lists whose entries are a set rather than a sequence.
const SETS: [&str; 3] = [
    "environment.pip",
    "environment.conda",
    "environment.pip_options",
];

/// The leaves of a JSON value by their paths.
fn flatten(path: &str, value: &Value, facts: &mut Facts) {
    let below = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                flatten(&below(name), value, facts);
            }
        }
        Value::Array(items) if SETS.contains(&path) => {
            for item in items.iter().filter_map(Value::as_str) {
                let end = item.find(|c: char| "=<>!~[; ".contains(c));
                let name = &item[..end.unwrap_or(item.len())];
                facts.insert(format!("package {name}"), item.to_owned());
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let name = match path {
                    "arguments" => format!("argument {}", index + 1),
                    path => format!("{path}[{index}]"),
                };
                facts.insert(name, argument(item));
            }
        }
        Value::String(text) => drop(facts.insert(path.to_owned(), text.clone())),
        value => drop(facts.insert(path.to_owned(), value.to_string())),
    }
}

/// An argument as people write it.
fn argument(item: &Value) -> String {
    let of = |name: &str| item.get(name).and_then(Value::as_str);
    match (of("literal"), of("parameter"), of("input"), of("output")) {
        (Some(text), ..) => text.to_owned(),
        (_, Some(name), ..) => format!("parameter {name}"),
        (_, _, Some(name), _) => format!("input {name}"),
        (.., Some(name)) => format!("output {name}"),
        _ => match item {
            Value::String(text) => text.clone(),
            item => item.to_string(),
        },
    }
}

/// The differences under the two runs they are of.
pub(crate) fn diff(a: &Side, b: &Side, found: &[Difference], style: Style) -> String {
    let mut text = String::new();
    for (name, side) in [("a", a), ("b", b)] {
        let label = style.paint(Paint::Faint, name);
        let (id, title, word) = (side.run.id, title(&side.run), word(&side.run));
        let _ = writeln!(text, "{label}  {id}  {title}  {word}");
    }
    if found.is_empty() {
        text.push_str("\nnothing differs\n");
        return text;
    }
    text.push('\n');
    let mut table = Table::new(&["STEP", "WHAT", "A", "B"]);
    let mut last = None;
    for each in found {
        let name = match last == Some(&each.step) {
            true => String::new(),
            false => each.step.clone().unwrap_or_default(),
        };
        last = Some(&each.step);
        let is_file = each.what.starts_with("file ");
        let shown = |side: &Option<String>| match side {
            None => "-".to_owned(),
            Some(digest) if is_file => digest.chars().take(8).collect(),
            Some(text) => text.clone(),
        };
        table.row([
            name.into(),
            each.what.clone().into(),
            shown(&each.a).into(),
            shown(&each.b).into(),
        ]);
    }
    text.push_str(&table.render(style));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    fn spec(rate: &str, packages: &[&str]) -> SubmitStep {
        let step = serde_json::json!({
            "name": "train", "kind": "PythonScriptStep", "target": "aml-cluster",
            "task": {
                "type": "process",
                "program": {"script": "train.py"},
                "arguments": [{"literal": "--rate"}, {"literal": rate}, {"input": "clean"}],
                "environment": {"kind": "python", "base_python": "python3", "pip": packages},
                "snapshot": rate.repeat(8),
            },
            "inputs": [{"name": "clean", "source": {"step": {"step": 0, "output": "clean"}}}],
        });
        serde_json::from_value(step).expect("a step")
    }

    fn side(rate: &str, packages: &[&str], files: &[(&str, &str)]) -> Side {
        let file = |(path, digest): &(&str, &str)| SnapshotFile {
            path: (*path).to_owned(),
            size: 3,
            digest: digest.repeat(16),
        };
        let mut run = example::pipeline();
        run.parameters.insert("rate".to_owned(), rate.to_owned());
        Side {
            run,
            metrics: Vec::new(),
            steps: vec![StepSide {
                spec: spec(rate, packages),
                run: example::steps().into_iter().nth(2),
                files: files.iter().map(file).collect(),
                metrics: Vec::new(),
            }],
        }
    }

    #[test]
    fn what_differs_is_named_and_what_is_equal_is_not() {
        let a = side(
            "0.1",
            &["pandas==2.1", "scipy"],
            &[("train.py", "ab"), ("old.py", "cd")],
        );
        let b = side("0.2", &["pandas==2.2", "scipy"], &[("train.py", "ef")]);
        let found = differences(&a, &b);
        insta::assert_snapshot!(diff(&a, &b, &found, Style::PLAIN), @"
        a  0192f5c4-1111-7222-8333-444455556666  diabetes #3  Failed
        b  0192f5c4-1111-7222-8333-444455556666  diabetes #3  Failed

        STEP   WHAT            A            B
               parameter rate  0.1          0.2
        train  argument 2      0.1          0.2
               file old.py     cdcdcdcd     -
               file train.py   abababab     efefefef
               package pandas  pandas==2.1  pandas==2.2
        ");
        let same = differences(&a, &a);
        assert!(diff(&a, &a, &same, Style::PLAIN).ends_with("\nnothing differs\n"));
    }

    #[test]
    fn a_step_of_one_side_only_is_named_once() {
        let (mut a, b) = (side("1", &[], &[]), side("1", &[], &[]));
        a.steps.push(StepSide {
            spec: spec("1", &[]),
            run: None,
            files: Vec::new(),
            metrics: Vec::new(),
        });
        let found = differences(&a, &b);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].step.as_deref(), found[0].what.as_str()),
            (Some("train #2"), "step")
        );
        assert_eq!(found[0].b, None);
    }
}
