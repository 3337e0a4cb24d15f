//! One model and many: the texts of `stepwell models`, and the line in `stepwell show`.

use std::fmt::Write as _;

use jiff::Timestamp;
use stepwell_api::Model;

use super::moment::wire_ago;
use super::size;
use super::style::{Paint, Style};
use super::table::{Cell, Table};
use crate::select::short;

/// How many files of a model are shown.
const FILES_MAX: usize = 20;

/// The list of models, newest first.
pub(crate) fn list(models: &[Model], now: Timestamp, style: Style) -> String {
    if models.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["MODEL", "VERSION", "FRAMEWORK", "SIZE", "CREATED", "RUN"]);
    for model in models {
        let run = model.run.map(short).unwrap_or_default();
        table.row([
            model.name.clone().into(),
            model.version.to_string().into(),
            framework(model).into(),
            size::bytes(total(model)).into(),
            wire_ago(now, &model.created_at).into(),
            Cell::new(run, Paint::Faint),
        ]);
    }
    table.render(style)
}

/// One version with its files.
pub(crate) fn show(model: &Model, now: Timestamp, style: Style) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            let label = style.paint(Paint::Faint, &format!("{label:<12}"));
            let _ = writeln!(text, "{label}{value}");
        }
    };
    line("model", &format!("{}:{}", model.name, model.version));
    line("description", &model.description);
    line("framework", &framework(model));
    let by = match model.user.as_str() {
        "" => String::new(),
        user => format!(" by {user}"),
    };
    line(
        "created",
        &format!("{}{by}", wire_ago(now, &model.created_at)),
    );
    if let Some(run) = model.run {
        let experiment = model.experiment.as_deref().unwrap_or_default();
        line("run", format!("{run} {experiment}").trim_end());
    }
    for (name, value) in &model.tags {
        line("tag", format!("{name} = {value}").trim_end_matches(" = "));
    }
    for (name, value) in &model.properties {
        line("property", &format!("{name} = {value}"));
    }
    for used in &model.datasets {
        line("dataset", &format!("{}: {}", used.scenario, used.dataset));
    }
    let files = size::count(model.files.len(), "file");
    line("size", &format!("{} in {files}", size::bytes(total(model))));
    for file in model.files.iter().take(FILES_MAX) {
        line(
            "file",
            &format!("{} ({})", file.name, size::bytes(file.size)),
        );
    }
    if model.files.len() > FILES_MAX {
        line("", &format!("and {} more", model.files.len() - FILES_MAX));
    }
    text
}

/// A model in one line.
pub(crate) fn brief(model: &Model) -> String {
    let mut text = format!("{}:{}", model.name, model.version);
    let framework = framework(model);
    if !framework.is_empty() {
        let _ = write!(text, " ({framework})");
    }
    text
}

fn framework(model: &Model) -> String {
    let version = model.framework_version.as_deref().unwrap_or_default();
    let framework = model.framework.as_deref().unwrap_or_default();
    format!("{framework} {version}").trim_end().to_owned()
}

fn total(model: &Model) -> u64 {
    model.files.iter().map(|file| file.size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    #[test]
    fn models_are_listed_with_the_runs_that_made_them() {
        let text = list(&[example::model()], example::now(), Style::PLAIN);
        insta::assert_snapshot!(text, @"
        MODEL  VERSION  FRAMEWORK        SIZE   CREATED    RUN
        churn  3        ScikitLearn 1.7  48 MB  4 min ago  55550002
        ");
    }

    #[test]
    fn a_model_is_shown_with_its_files_and_its_origin() {
        let text = show(&example::model(), example::now(), Style::PLAIN);
        insta::assert_snapshot!(text, @"
        model       churn:3
        description who leaves
        framework   ScikitLearn 1.7
        created     4 min ago by ada
        run         0192f5c4-1111-7222-8333-444455550002 diabetes
        tag         champion
        property    auc = 0.91
        dataset     training: 0192f5c4-1111-7222-8333-444455550009
        size        48 MB in 2 files
        file        net/labels.txt (120 B)
        file        net/weights.bin (48 MB)
        ");
    }
}
