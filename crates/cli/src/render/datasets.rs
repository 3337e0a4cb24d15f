//! One dataset and many: the texts of `stepwell datasets`.

use std::fmt::Write as _;

use jiff::Timestamp;
use stepwell_api::{Dataset, DatasetKind};

use super::moment::wire_ago;
use super::size;
use super::style::{Paint, Style};
use super::table::Table;

/// How many files of a version are shown.
const FILES_MAX: usize = 20;

/// The newest version of each name.
pub(crate) fn list(datasets: &[Dataset], now: Timestamp, style: Style) -> String {
    if datasets.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["DATASET", "VERSION", "KIND", "CREATED", "DESCRIPTION"]);
    for dataset in datasets {
        table.row([
            dataset.name.clone().unwrap_or_default().into(),
            version(dataset).into(),
            kind(dataset).into(),
            wire_ago(now, &dataset.created_at).into(),
            dataset.description.clone().into(),
        ]);
    }
    table.render(style)
}

/// One version with its files.
pub(crate) fn show(dataset: &Dataset, now: Timestamp, style: Style) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            let label = style.paint(Paint::Faint, &format!("{label:<12}"));
            let _ = writeln!(text, "{label}{value}");
        }
    };
    let name = dataset.name.as_deref().unwrap_or("(not registered)");
    let named = format!("{name}:{}", version(dataset));
    line("dataset", named.trim_end_matches(':'));
    line("id", &dataset.id.to_string());
    line("kind", kind(dataset));
    line("description", &dataset.description);
    line("created", &wire_ago(now, &dataset.created_at));
    for (name, value) in &dataset.tags {
        line("tag", format!("{name} = {value}").trim_end_matches(" = "));
    }
    for file in dataset.files.iter().take(FILES_MAX) {
        let size = size::bytes(file.size);
        line("file", &format!("{}/{}  {size}", file.datastore, file.path));
    }
    if dataset.files.len() > FILES_MAX {
        line("", &format!("and {} more", dataset.files.len() - FILES_MAX));
    }
    text
}

fn version(dataset: &Dataset) -> String {
    let version = dataset.version.map(|version| version.to_string());
    version.unwrap_or_default()
}

const fn kind(dataset: &Dataset) -> &'static str {
    match dataset.kind {
        DatasetKind::File => "files",
        DatasetKind::Tabular => "table",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use stepwell_api::DatasetFile;
    use uuid::Uuid;

    use super::*;
    use crate::render::example;

    #[test]
    fn a_dataset_is_shown_with_its_files() {
        let dataset = Dataset {
            id: Uuid::from_u128(7),
            name: Some("people".to_owned()),
            version: Some(2),
            kind: DatasetKind::Tabular,
            definition: serde_json::json!({}),
            files: vec![DatasetFile {
                datastore: "workspaceblobstore".to_owned(),
                path: "people/2026.csv".to_owned(),
                size: 20_400,
                modified_at: String::new(),
                digest: None,
                etag: None,
            }],
            tags: BTreeMap::from([("team".to_owned(), "risk".to_owned())]),
            description: "who is there".to_owned(),
            created_at: "2026-03-01T12:00:00.000Z".to_owned(),
        };
        insta::assert_snapshot!(show(&dataset, example::now(), Style::PLAIN), @"
        dataset     people:2
        id          00000000-0000-0000-0000-000000000007
        kind        table
        description who is there
        created     5 min ago
        tag         team = risk
        file        workspaceblobstore/people/2026.csv  20 KB
        ");
        insta::assert_snapshot!(list(&[dataset], example::now(), Style::PLAIN), @"
        DATASET  VERSION  KIND   CREATED    DESCRIPTION
        people   2        table  5 min ago  who is there
        ");
    }
}
