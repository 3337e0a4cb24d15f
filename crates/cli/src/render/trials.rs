//! The trials of a search of hyperparameters as a table, best first.

use serde_json::Value;
use stepwell_api::{Run, Trial, Trials};

use super::status;
use super::style::{Paint, Style};
use super::table::{Cell, Table};
use crate::select::short;

/// The tag of a search that names what its trials are compared by.
const METRIC_TAG: &str = "primary_metric_config";

/// How many trials are shown.
const TRIALS_MAX: usize = 50;

/// Whether a run is a search of hyperparameters.
pub(crate) fn is_search(run: &Run) -> bool {
    run.tags.contains_key(METRIC_TAG)
}

/// The table of the trials, in their order.
pub(crate) fn table(search: &Trials, style: Style) -> String {
    let mut table = Table::new(&["TRIAL", "STATUS", &search.metric, "VALUES", "RUN"]);
    for trial in search.trials.iter().take(TRIALS_MAX) {
        let best = trial.best.map(|best| best.to_string()).unwrap_or_default();
        table.row([
            trial.name.clone().into(),
            status::cell_of(trial.status),
            best.into(),
            values(trial).into(),
            Cell::new(short(trial.run), Paint::Faint),
        ]);
    }
    let mut text = table.render(style);
    if search.trials.len() > TRIALS_MAX {
        text.push_str(&format!(
            "and {} more: --json shows all\n",
            search.trials.len() - TRIALS_MAX
        ));
    }
    text
}

/// The values of a trial in one line.
fn values(trial: &Trial) -> String {
    let pair = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}={text}"),
        value => format!("{name}={value}"),
    };
    trial.values.iter().map(pair).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;
    use serde_json::json;

    #[test]
    fn a_line_says_what_a_trial_had_and_what_came_of_it() {
        let trial = |number: usize, best: Option<f64>| {
            let run = example::steps().swap_remove(number);
            Trial {
                run: run.id,
                name: run.display_name,
                status: run.status,
                values: [("C", json!(0.5)), ("kernel", json!("rbf"))]
                    .map(|(name, value)| (name.to_owned(), value))
                    .into(),
                best,
            }
        };
        let search = Trials {
            metric: "accuracy".to_owned(),
            is_more_better: true,
            trials: vec![trial(1, Some(0.75)), trial(0, Some(0.5)), trial(3, None)],
        };
        insta::assert_snapshot!(table(&search, Style::PLAIN), @r"
        TRIAL           STATUS      accuracy  VALUES            RUN
        train logistic  Running     0.75      C=0.5 kernel=rbf  55550002
        prepare         Completed   0.5       C=0.5 kernel=rbf  55550001
        compare         NotStarted            C=0.5 kernel=rbf  55550004
        ");
    }
}
