//! What a dataset is: the locations of its data, and how their files are read.
//!
//! The definition is the SDK's own JSON and is kept as it came, since an id may follow from its
//! text; here is what others than the SDK need to know of it. It is parsed once, where it comes in.
//!
//! Invariant: a definition that was let in by [`DatasetDefinition::parse`] has a known form. One
//! that was stored by an older program may have none; then nothing is known of what it refers to,
//! and [`DatasetDefinition::locations`] says so instead of giving an empty list.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Place;

/// What a dataset gives to those who read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatasetKind {
    /// Files.
    File,
    /// A table.
    Tabular,
}

impl DatasetKind {
    /// The word that is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Tabular => "tabular",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn find(word: &str) -> Option<Self> {
        [Self::File, Self::Tabular]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// Where data of a dataset is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataLocation {
    /// A path on a datastore; it may have wildcards.
    Datastore(Place),
    /// A path on the machine of the program that made the dataset.
    Local(String),
    /// What a query on a database gives.
    Query {
        /// The database.
        datastore: String,
        /// The query.
        query: String,
    },
    /// An address on the web.
    Url(String),
    /// An input of the step that reads it.
    Input(String),
}

/// Which files become rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// Only files whose names end so.
    pub extension: Option<String>,
    /// Only files that match, below the location.
    pub glob: Option<String>,
}

/// The definition of a dataset.
///
/// ```
/// use stepwell_model::DatasetDefinition;
///
/// let text = r#"{"places":[{"datastore":"blob","path":"a/*.csv"}],"reading":null}"#;
/// let definition = DatasetDefinition::parse(text).expect("a definition");
/// assert_eq!(definition.locations().map(<[_]>::len), Some(1));
/// assert!(DatasetDefinition::parse(r#"{"places":[{"drawer":"top"}]}"#).is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct DatasetDefinition {
    text: String,
    form: Option<Form>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Form {
    locations: Vec<DataLocation>,
    reading: Option<Reading>,
    has_steps: bool,
    is_file: bool,
}

/// Why a text is no definition of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// It is no JSON.
    #[error("the definition is no JSON: {0}")]
    Json(String),
    /// A field has another form.
    #[error("`{field}` of the definition must be {expected}")]
    Field {
        /// The field, such as `places[2]`.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
}

impl DatasetDefinition {
    /// A definition that comes in.
    ///
    /// # Errors
    /// When it is no JSON, or a field that Stepwell itself reads has an unknown form.
    pub fn parse(text: &str) -> Result<Self, DefinitionError> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| DefinitionError::Json(error.to_string()))?;
        let form = Some(Form::of(&value)?);
        let text = text.to_owned();
        Ok(Self { text, form })
    }

    /// A definition that was stored; one that cannot be parsed is kept all the same.
    #[must_use]
    pub fn stored(text: String) -> Self {
        match Self::parse(&text) {
            Ok(definition) => definition,
            Err(_) => Self { text, form: None },
        }
    }

    /// The JSON.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where its data is; `None` when that is not known.
    #[must_use]
    pub fn locations(&self) -> Option<&[DataLocation]> {
        self.form.as_ref().map(|form| &form.locations[..])
    }

    /// The only location of its data, when that is on a datastore.
    #[must_use]
    pub fn only_place(&self) -> Option<&Place> {
        match self.locations()? {
            [DataLocation::Datastore(place)] => Some(place),
            _ => None,
        }
    }

    /// How files become rows; `None` for a dataset of files.
    #[must_use]
    pub fn reading(&self) -> Option<&Reading> {
        self.form.as_ref()?.reading.as_ref()
    }

    /// Whether files or rows are left out or changed after they were read.
    #[must_use]
    pub fn has_steps(&self) -> bool {
        self.form.as_ref().is_none_or(|form| form.has_steps)
    }

    /// Whether a single file is given as the file rather than as its folder.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.form.as_ref().is_some_and(|form| form.is_file)
    }

    /// The same with another only location.
    #[must_use]
    pub fn at(&self, place: Place) -> Self {
        let mut fields: serde_json::Map<String, Value> =
            serde_json::from_str(&self.text).unwrap_or_default();
        let location = serde_json::json!([{"datastore": place.datastore, "path": place.path}]);
        fields.insert("places".to_owned(), location);
        Self::stored(Value::from(fields).to_string())
    }
}

impl From<String> for DatasetDefinition {
    fn from(text: String) -> Self {
        Self::stored(text)
    }
}

impl From<DatasetDefinition> for String {
    fn from(definition: DatasetDefinition) -> Self {
        definition.text
    }
}

impl Form {
    fn of(value: &Value) -> Result<Self, DefinitionError> {
        let expect = |field: &str, expected| DefinitionError::Field {
            field: field.to_owned(),
            expected,
        };
        let places = value["places"].as_array();
        let places = places.ok_or_else(|| expect("places", "a list of locations"))?;
        let location = |(index, place): (usize, &Value)| {
            let field = format!("places[{index}]");
            location(place).ok_or_else(|| {
                expect(
                    &field,
                    "`{\"datastore\", \"path\"}`, `{\"database\", \"query\"}`, `{\"local\"}`, \
                     `{\"url\"}` or `{\"input\"}`",
                )
            })
        };
        let reading = match &value["reading"] {
            Value::Null => None,
            Value::Object(fields) => {
                let text = |key: &str| fields.get(key)?.as_str().map(str::to_owned);
                Some(Reading {
                    extension: text("extension"),
                    glob: text("glob"),
                })
            }
            _ => return Err(expect("reading", "an object or null")),
        };
        let has_steps = match &value["steps"] {
            Value::Null => false,
            Value::Array(steps) => !steps.is_empty(),
            _ => return Err(expect("steps", "a list")),
        };
        Ok(Self {
            locations: places
                .iter()
                .enumerate()
                .map(location)
                .collect::<Result<_, _>>()?,
            reading,
            has_steps,
            is_file: value["is_file"].as_bool().unwrap_or_default(),
        })
    }
}

fn location(value: &Value) -> Option<DataLocation> {
    let text = |key: &str| value.get(key)?.as_str().map(str::to_owned);
    if let (Some(datastore), Some(path)) = (text("datastore"), text("path")) {
        return Some(DataLocation::Datastore(Place { datastore, path }));
    }
    if let (Some(datastore), Some(query)) = (text("database"), text("query")) {
        return Some(DataLocation::Query { datastore, query });
    }
    let local = text("local").map(DataLocation::Local);
    let local = local.or_else(|| text("url").map(DataLocation::Url));
    local.or_else(|| text("input").map(DataLocation::Input))
}

impl Place {
    /// The folder that holds everything a path with wildcards can match: the parts before the
    /// first wildcard (`*`, `?`, `[` or `{`). A path without any is itself.
    #[must_use]
    pub fn before_wildcard(&self) -> Self {
        let parts = self.path.trim_matches('/').split('/');
        let plain = parts.take_while(|part| !has_wildcard(part));
        Self {
            datastore: self.datastore.clone(),
            path: plain.collect::<Vec<_>>().join("/"),
        }
    }

    /// Whether the path is a pattern rather than a file or folder.
    #[must_use]
    pub fn has_wildcard(&self) -> bool {
        has_wildcard(&self.path)
    }
}

fn has_wildcard(path: &str) -> bool {
    path.contains(['*', '?', '[', '{'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        match DatasetDefinition::parse(text) {
            Ok(_) => "let in".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_definition_that_stepwell_could_not_follow_is_refused() {
        assert_eq!(
            refusal("{}"),
            "`places` of the definition must be a list of locations"
        );
        assert_eq!(
            refusal(r#"{"places":[{"url":"http://h"},{"datastore":"d"}]}"#),
            "`places[1]` of the definition must be `{\"datastore\", \"path\"}`, `{\"database\", \"query\"}`, \
             `{\"local\"}`, `{\"url\"}` or `{\"input\"}`"
        );
        assert_eq!(
            refusal(r#"{"places":[],"steps":3}"#),
            "`steps` of the definition must be a list"
        );
        assert!(refusal("[").starts_with("the definition is no JSON"));
        assert_eq!(refusal(r#"{"places":[],"reading":null}"#), "let in");
    }

    #[test]
    fn what_was_stored_and_cannot_be_parsed_is_kept_and_nothing_is_known_of_it() {
        let definition = DatasetDefinition::stored("{\"old\":".to_owned());
        assert_eq!(definition.locations(), None);
        assert!(definition.has_steps());
        assert_eq!(String::from(definition), "{\"old\":");
    }

    #[test]
    fn another_location_leaves_the_rest_of_the_text() {
        let text = r#"{"places":[{"input":"x"}],"reading":null}"#;
        let place = Place {
            datastore: "blob".to_owned(),
            path: "a/b".to_owned(),
        };
        let moved = DatasetDefinition::stored(text.to_owned()).at(place.clone());
        assert_eq!(
            moved.text(),
            r#"{"places":[{"datastore":"blob","path":"a/b"}],"reading":null}"#
        );
        assert_eq!(moved.only_place(), Some(&place));
    }

    #[test]
    fn a_pattern_lies_in_the_folder_before_its_first_wildcard() {
        let place = |path: &str| Place {
            datastore: "blob".to_owned(),
            path: path.to_owned(),
        };
        let folder = |path: &str| place(path).before_wildcard().path;
        assert_eq!(folder("/a/b/**/*.csv"), "a/b");
        assert_eq!(folder("a/year=20[12]/x"), "a");
        assert_eq!(folder("a/b.csv"), "a/b.csv");
        assert_eq!(folder("*"), "");
    }
}
