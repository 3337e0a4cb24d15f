//! One run and many: the texts of `show` and `runs`.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;
use stepwell_api::{Model, Run, RunFailure, RunStatus, Trials};

use super::metrics::{self, Logged};
use super::models::brief;
use super::moment::{took, wire_ago};
use super::size;
use super::status::{self, title};
use super::style::{Paint, Style};
use super::table::{Cell, Table};
use super::trials;
use crate::select::{number, short};

/// How many failed steps are explained; the table lists them all.
const FAILURES_MAX: usize = 5;

/// How many metrics are shown.
const METRICS_MAX: usize = 20;

/// How many models are shown.
const MODELS_MAX: usize = 20;

/// One run and what belongs to it.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    /// The run.
    pub(crate) run: Run,
    /// Its steps and other children.
    pub(crate) steps: Vec<Run>,
    /// What it and its steps logged.
    pub(crate) metrics: Vec<Logged>,
    /// The models that it and its steps made, newest first.
    pub(crate) models: Vec<Model>,
    /// Of a search of hyperparameters: its trials, best first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trials: Option<Trials>,
}

/// The list of runs, newest first.
pub(crate) fn list(runs: &[Run], now: Timestamp, style: Style) -> String {
    if runs.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["RUN", "EXPERIMENT", "STATUS", "CREATED", "TIME", "NAME"]);
    for run in runs {
        table.row([
            short(run.id).into(),
            title(run).into(),
            status::cell(run),
            wire_ago(now, &run.created_at).into(),
            took(now, run.started_at.as_deref(), run.ended_at.as_deref()).into(),
            run.display_name.clone().into(),
        ]);
    }
    table.render(style)
}

/// One run with its steps, what it logged and the models it made.
pub(crate) fn show(shown: &Shown, now: Timestamp, style: Style) -> String {
    let Shown {
        run,
        steps,
        metrics,
        models,
        trials,
    } = shown;
    let mut text = head(run, now, style);
    text.push_str(&made(models, style));
    if let Some(trials) = trials {
        text.push('\n');
        text.push_str(&trials::table(trials, style));
    } else if !steps.is_empty() {
        text.push('\n');
        text.push_str(&step_table(steps, now, style));
    }
    let logged = metrics::table(metrics, METRICS_MAX, style);
    if !logged.is_empty() {
        text.push('\n');
        text.push_str(&logged);
    }
    text.push_str(&failures(run, steps, style));
    text
}

/// The models, a line each.
fn made(models: &[Model], style: Style) -> String {
    let mut lines: Vec<String> = models.iter().take(MODELS_MAX).map(brief).collect();
    if models.len() > MODELS_MAX {
        lines.push(format!("and {} more", models.len() - MODELS_MAX));
    }
    let label = style.paint(Paint::Faint, &format!("{:<12}", "model"));
    lines
        .iter()
        .map(|line| format!("{label}{line}\n"))
        .collect()
}

/// Why the steps failed; or the run, where no step's failure says it.
fn failures(run: &Run, steps: &[Run], style: Style) -> String {
    let failed = |step: &&Run| step.status == RunStatus::Failed && step.error.is_some();
    let mut failed: Vec<&Run> = steps.iter().filter(failed).take(FAILURES_MAX).collect();
    if failed.is_empty() {
        failed.push(run);
    }
    let mut text = String::new();
    for run in failed {
        if let Some(failure) = &run.error {
            let _ = write!(text, "\n{}", failure_text(&title(run), failure, style));
        }
    }
    text
}

fn head(run: &Run, now: Timestamp, style: Style) -> String {
    let mut text = String::new();
    for (label, value) in about(run, now, style).into_iter().chain(kept(run)) {
        if !value.is_empty() {
            let label = style.paint(Paint::Faint, &format!("{label:<12}"));
            let _ = writeln!(text, "{label}{value}");
        }
    }
    text
}

/// What a run is and how it stands; what is not known of it is empty.
fn about(run: &Run, now: Timestamp, style: Style) -> Vec<(&str, String)> {
    let name = match run.parent {
        None => run.display_name.clone(),
        Some(_) => String::new(),
    };
    let waiting = run.waiting.as_ref().map(|wait| {
        let since = wire_ago(now, &wait.since);
        format!("{}, since {since}", wait.message)
    });
    let queued = (run.queued_seconds > 0.0).then(|| format!("{:.0} s", run.queued_seconds));
    let status = style.paint(status::paint(run.status), status::word(run));
    let time = took(now, run.started_at.as_deref(), run.ended_at.as_deref());
    vec![
        ("run", run.id.to_string()),
        (run.kind.as_str(), title(run)),
        ("name", name),
        ("status", status),
        ("waiting", waiting.unwrap_or_default()),
        ("created", wire_ago(now, &run.created_at)),
        ("in queues", queued.unwrap_or_default()),
        ("time", time),
        ("target", run.target.clone().unwrap_or_default()),
        (
            "parent",
            run.parent.map(|id| id.to_string()).unwrap_or_default(),
        ),
    ]
}

/// What a run was given, what it used and what it left.
fn kept(run: &Run) -> Vec<(&str, String)> {
    let mut lines = Vec::new();
    for (name, value) in &run.parameters {
        lines.push(("parameter", format!("{name} = {value}")));
    }
    for (name, value) in &run.tags {
        lines.push(match value.is_empty() {
            true => ("tag", name.clone()),
            false => ("tag", format!("{name} = {value}")),
        });
    }
    if let Some(usage) = &run.usage {
        let memory = size::bytes(usage.peak_memory_bytes);
        let seconds = usage.cpu_seconds;
        let used = format!("{memory} of memory, {seconds:.1} s of processor time");
        lines.extend([("used", used), ("nodes", usage.nodes.clone())]);
    }
    for output in &run.outputs {
        let place = match &output.local_path {
            Some(path) => path.clone(),
            None => format!("{}/{}", output.datastore, output.path),
        };
        lines.push(("output", format!("{}: {place}", output.name)));
    }
    lines
}

fn step_table(steps: &[Run], now: Timestamp, style: Style) -> String {
    let mut table = Table::new(&["#", "STEP", "STATUS", "TIME", "MEMORY", "RUN"]);
    for step in steps {
        let memory = step
            .usage
            .as_ref()
            .map(|usage| size::bytes(usage.peak_memory_bytes));
        table.row([
            number(step).to_string().into(),
            step.display_name.clone().into(),
            status::cell(step),
            took(now, step.started_at.as_deref(), step.ended_at.as_deref()).into(),
            memory.unwrap_or_default().into(),
            Cell::new(short(step.id), Paint::Faint),
        ]);
    }
    table.render(style)
}

/// Why a run or step failed, and what to do.
fn failure_text(name: &str, failure: &RunFailure, style: Style) -> String {
    let heading = style.paint(Paint::Red, &format!("{name}: {}", failure.message));
    let mut text = format!("{heading}\n");
    for line in failure.detail.lines() {
        let _ = writeln!(text, "    {line}");
    }
    if !failure.hint.is_empty() {
        let _ = writeln!(text, "hint: {}", failure.hint);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;
    use stepwell_api::{MetricKind, MetricPoint, MetricSeries};

    #[test]
    fn runs_are_listed_with_their_short_ids() {
        let text = list(&[example::pipeline()], example::now(), Style::PLAIN);
        insta::assert_snapshot!(text, @"
        RUN       EXPERIMENT   STATUS  CREATED    TIME        NAME
        55556666  diabetes #3  Failed  5 min ago  1 min 12 s  nightly
        ");
    }

    #[test]
    fn a_failed_run_is_shown_with_its_steps_and_the_reason() {
        let metrics = vec![Logged {
            run: example::steps()[1].id,
            step: Some("train logistic".to_owned()),
            series: vec![MetricSeries {
                name: "accuracy".to_owned(),
                points: vec![MetricPoint {
                    name: "accuracy".to_owned(),
                    kind: MetricKind::Scalar,
                    value: serde_json::json!(0.91),
                    step: None,
                    at_ms: 0,
                    description: String::new(),
                }],
            }],
        }];
        let shown = Shown {
            run: example::pipeline(),
            steps: example::steps(),
            metrics,
            models: vec![example::model()],
            trials: None,
        };
        let text = show(&shown, example::now(), Style::PLAIN);
        insta::assert_snapshot!(text, @r#"
        run         0192f5c4-1111-7222-8333-444455556666
        pipeline    diabetes #3
        name        nightly
        status      Failed
        created     5 min ago
        time        1 min 12 s
        parameter   rate = 0.1
        tag         team = risk
        model       churn:3 (ScikitLearn 1.7)

        #  STEP            STATUS      TIME        MEMORY  RUN
        1  prepare         Completed   12.4 s      48 MB   55550001
        2  train logistic  Running     4 min 59 s          55550002
        3  train trees     Failed      12.4 s      48 MB   55550003
        4  compare         NotStarted                      55550004

        STEP            METRIC    LAST VALUE  VALUES
        train logistic  accuracy  0.91        1

        train trees: `train.py` exited with code 1
            Traceback (most recent call last):
              File "train.py", line 3
            ValueError: no rows
        hint: the whole log is shown by `stepwell logs last`
        "#);
    }
}
