//! What runs logged: the last value of each metric, or all values of one.

use serde::Serialize;
use stepwell_api::{MetricKind, MetricPoint, MetricSeries};
use uuid::Uuid;

use super::moment::local;
use super::style::{Paint, Style};
use super::table::{Cell, Table};

/// The longest value that is shown whole.
const VALUE_MAX: usize = 60;

/// What one run logged.
#[derive(Debug, Serialize)]
pub(crate) struct Logged {
    /// The run.
    pub(crate) run: Uuid,
    /// Of a step: its name.
    pub(crate) step: Option<String>,
    /// The metrics.
    pub(crate) series: Vec<MetricSeries>,
}

/// The last value of each metric, `rows` at most; empty when there is none.
pub(crate) fn table(logged: &[Logged], rows: usize, style: Style) -> String {
    let all = logged
        .iter()
        .flat_map(|logged| logged.series.iter().map(move |series| (logged, series)));
    let mut table = Table::new(&["STEP", "METRIC", "LAST VALUE", "VALUES"]);
    let mut count = 0;
    for (logged, series) in all {
        let Some(last) = series.points.last() else {
            continue;
        };
        count += 1;
        if count > rows {
            continue;
        }
        table.row([
            logged.step.clone().unwrap_or_default().into(),
            series.name.clone().into(),
            value(last).into(),
            Cell::new(series.points.len().to_string(), Paint::Faint),
        ]);
    }
    if count == 0 {
        return String::new();
    }
    let mut text = table.render(style);
    if count > rows {
        text.push_str(&format!(
            "and {} more: `stepwell metrics RUN`\n",
            count - rows
        ));
    }
    text
}

/// Every value of the metrics; empty when there is none.
pub(crate) fn series(logged: &[Logged], style: Style) -> String {
    let mut table = Table::new(&["STEP", "TIME", "EPOCH", "VALUE"]);
    let mut count = 0;
    for logged in logged {
        for point in logged.series.iter().flat_map(|series| &series.points) {
            count += 1;
            table.row([
                logged.step.clone().unwrap_or_default().into(),
                Cell::new(local(point.at_ms), Paint::Faint),
                point
                    .step
                    .map(|step| step.to_string())
                    .unwrap_or_default()
                    .into(),
                value(point).into(),
            ]);
        }
    }
    match count {
        0 => String::new(),
        _ => table.render(style),
    }
}

/// A value on one line.
pub(crate) fn value(point: &MetricPoint) -> String {
    let text = match (point.kind, &point.value) {
        (MetricKind::Scalar, serde_json::Value::String(text)) => text.clone(),
        (MetricKind::Image, value) => match value.get("path").and_then(|path| path.as_str()) {
            Some(path) => path.to_owned(),
            None => "an image".to_owned(),
        },
        (_, value) => value.to_string(),
    };
    match text.char_indices().nth(VALUE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged() -> Vec<Logged> {
        let point = |value, step| MetricPoint {
            name: "loss".to_owned(),
            kind: MetricKind::Scalar,
            value,
            step,
            at_ms: 1_772_366_700_000,
            description: String::new(),
        };
        let points = vec![
            point(serde_json::json!(0.5), Some(1)),
            point(serde_json::json!(0.25), Some(2)),
        ];
        let series = MetricSeries {
            name: "loss".to_owned(),
            points,
        };
        let one = |step: Option<&str>| Logged {
            run: Uuid::nil(),
            step: step.map(str::to_owned),
            series: vec![series.clone()],
        };
        vec![one(None), one(Some("train"))]
    }

    #[test]
    fn the_last_value_of_each_metric_is_shown_with_its_step() {
        insta::assert_snapshot!(table(&logged(), 9, Style::PLAIN), @"
        STEP   METRIC  LAST VALUE  VALUES
               loss    0.25        2
        train  loss    0.25        2
        ");
        assert!(
            table(&logged(), 1, Style::PLAIN).ends_with("and 1 more: `stepwell metrics RUN`\n")
        );
        assert_eq!(table(&[], 9, Style::PLAIN), "");
    }

    #[test]
    fn every_value_of_one_metric_is_shown_in_its_order() {
        let text = series(&logged()[1..], Style::PLAIN);
        // The time is that of the machine's zone.
        let text = text.replace(&local(1_772_366_700_000), "2026-03-01 12:05:00");
        insta::assert_snapshot!(text, @"
        STEP   TIME                 EPOCH  VALUE
        train  2026-03-01 12:05:00  1      0.5
        train  2026-03-01 12:05:00  2      0.25
        ");
    }
}
