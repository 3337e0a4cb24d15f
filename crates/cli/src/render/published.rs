//! Published pipelines and endpoints: the texts of `published`.

use std::fmt::Write as _;

use jiff::Timestamp;
use stepwell_api::{Parameter, PipelineEndpoint, PublishedPipeline, PublishedStatus};

use super::moment::wire_ago;
use super::style::{Paint, Style};
use super::table::{Cell, Table};
use crate::select::short;

/// The list of published pipelines, newest first.
pub(crate) fn list(pipelines: &[PublishedPipeline], now: Timestamp, style: Style) -> String {
    if pipelines.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[
        "PIPELINE",
        "NAME",
        "VERSION",
        "STATUS",
        "STEPS",
        "PUBLISHED",
    ]);
    for pipeline in pipelines {
        table.row([
            short(pipeline.id).into(),
            pipeline.name.clone().into(),
            pipeline.version.clone().unwrap_or_default().into(),
            status(pipeline.status),
            pipeline.steps.to_string().into(),
            wire_ago(now, &pipeline.created_at).into(),
        ]);
    }
    table.render(style)
}

/// One published pipeline with its parameters.
pub(crate) fn show(pipeline: &PublishedPipeline, now: Timestamp, style: Style) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            let label = style.paint(Paint::Faint, &format!("{label:<12}"));
            let _ = writeln!(text, "{label}{value}");
        }
    };
    line("pipeline", &pipeline.id.to_string());
    line("name", &pipeline.name);
    line("version", pipeline.version.as_deref().unwrap_or_default());
    line("description", &pipeline.description);
    line(
        "status",
        match pipeline.status {
            PublishedStatus::Active => "active",
            PublishedStatus::Disabled => "disabled",
        },
    );
    line("steps", &pipeline.steps.to_string());
    line("published", &wire_ago(now, &pipeline.created_at));
    if !pipeline.parameters.is_empty() {
        let mut table = Table::new(&["PARAMETER", "TYPE", "DEFAULT"]);
        for (name, parameter) in &pipeline.parameters {
            let (kind, default) = described(parameter);
            table.row([name.clone().into(), kind.into(), default.into()]);
        }
        let _ = write!(text, "\n{}", table.render(style));
    }
    text
}

fn described(parameter: &Parameter) -> (&'static str, String) {
    match parameter {
        Parameter::String(text) => ("text", text.clone()),
        Parameter::Int(text) => ("int", text.clone()),
        Parameter::Float(text) => ("float", text.clone()),
        Parameter::Bool(text) => ("bool", text.clone()),
        Parameter::DataPath(place) => ("path", format!("{}/{}", place.datastore, place.path)),
        Parameter::Dataset(dataset) => ("dataset", dataset.id.to_string()),
    }
}

/// The list of endpoints, newest first.
pub(crate) fn endpoints(endpoints: &[PipelineEndpoint], now: Timestamp, style: Style) -> String {
    if endpoints.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&[
        "ENDPOINT", "NAME", "STATUS", "DEFAULT", "VERSIONS", "CHANGED",
    ]);
    for endpoint in endpoints {
        table.row([
            short(endpoint.id).into(),
            endpoint.name.clone().into(),
            status(endpoint.status),
            endpoint.default_version.clone().into(),
            endpoint.versions.len().to_string().into(),
            wire_ago(now, &endpoint.changed_at).into(),
        ]);
    }
    table.render(style)
}

fn status(status: PublishedStatus) -> Cell {
    match status {
        PublishedStatus::Active => Cell::new("active", Paint::Green),
        PublishedStatus::Disabled => Cell::new("disabled", Paint::Faint),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_pipeline_is_shown_with_what_can_be_set() {
        let parameters = BTreeMap::from([
            ("rate".to_owned(), Parameter::Float("0.5".to_owned())),
            ("name".to_owned(), Parameter::String("a".to_owned())),
        ]);
        let pipeline = PublishedPipeline {
            id: Uuid::from_u128(0x0192_f5c4),
            name: "nightly".to_owned(),
            description: String::new(),
            version: Some("1.0".to_owned()),
            status: PublishedStatus::Active,
            continue_on_step_failure: None,
            steps: 4,
            parameters,
            run: None,
            user: "ann".to_owned(),
            created_at: "2026-11-23T12:00:00.000Z".to_owned(),
            changed_at: "2026-11-23T12:00:00.000Z".to_owned(),
        };
        let now: Timestamp = "2026-11-23T13:00:00Z".parse().expect("a time");
        insta::assert_snapshot!(show(&pipeline, now, Style::PLAIN), @"
        pipeline    00000000-0000-0000-0000-00000192f5c4
        name        nightly
        version     1.0
        status      active
        steps       4
        published   1 h ago

        PARAMETER  TYPE   DEFAULT
        name       text   a
        rate       float  0.5
        ");
        insta::assert_snapshot!(list(&[pipeline], now, Style::PLAIN), @"
        PIPELINE  NAME     VERSION  STATUS  STEPS  PUBLISHED
        0192f5c4  nightly  1.0      active  4      1 h ago
        ");
    }
}
