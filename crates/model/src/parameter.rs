//! The parameters of a pipeline, and the values that a submission gives them.
//!
//! Invariant: a value that [`Parameter::with`] lets through has the type of the default.

use serde::{Deserialize, Serialize};

/// A place on a datastore.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The datastore's name.
    pub datastore: String,
    /// The path below its root, with `/` between the parts.
    pub path: String,
}

/// A saved dataset, and the place that holds its files and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DatasetValue {
    /// The dataset's id.
    pub id: String,
    /// `None` when its files are on no datastore: only a script that reads it by its id can use it.
    #[serde(default)]
    pub place: Option<Place>,
}

/// A parameter as a pipeline declares it: the type of its values, and the value it has when a
/// submission sets none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "default", rename_all = "snake_case")]
pub enum Parameter {
    /// Text.
    String(String),
    /// A whole number, as text.
    Int(String),
    /// A number, as text.
    Float(String),
    /// A truth value, as text: `True` or `False`.
    Bool(String),
    /// A place on a datastore.
    DataPath(Place),
    /// A saved dataset.
    Dataset(DatasetValue),
}

/// A value that a submission gives a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Of a text, a number or a truth value: its text.
    Text(String),
    /// Of a data path.
    Place(Place),
    /// Of a dataset.
    Dataset(DatasetValue),
}

impl Parameter {
    /// What it takes, for messages.
    #[must_use]
    pub const fn expected(&self) -> &'static str {
        match self {
            Self::String(_) => "a text",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Bool(_) => "True or False",
            Self::DataPath(_) => "a data path",
            Self::Dataset(_) => "a dataset",
        }
    }

    /// The value as arguments and variables are given it.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::String(text) | Self::Int(text) | Self::Float(text) | Self::Bool(text) => {
                text.clone()
            }
            Self::DataPath(place) => format!("{}/{}", place.datastore, place.path),
            Self::Dataset(dataset) => dataset.id.clone(),
        }
    }

    /// The place of its data, if its data has one.
    #[must_use]
    pub const fn place(&self) -> Option<&Place> {
        match self {
            Self::DataPath(place) => Some(place),
            Self::Dataset(dataset) => dataset.place.as_ref(),
            Self::String(_) | Self::Int(_) | Self::Float(_) | Self::Bool(_) => None,
        }
    }

    /// The same parameter with another value; `None` when the value is of another type.
    ///
    /// A whole number and a truth value stand for each other, because v1 asks for whole numbers
    /// first and Python's truth values are some.
    #[must_use]
    pub fn with(&self, value: &Value) -> Option<Self> {
        let number = |text: &str| is_whole(text) || is_truth(text);
        match (self, value) {
            (Self::String(_), Value::Text(text)) => Some(Self::String(text.clone())),
            (Self::Int(_), Value::Text(text)) => number(text).then(|| Self::Int(as_python(text))),
            (Self::Bool(_), Value::Text(text)) => number(text).then(|| Self::Bool(as_python(text))),
            (Self::Float(_), Value::Text(text)) => {
                is_number(text).then(|| Self::Float(text.trim().to_owned()))
            }
            (Self::DataPath(_), Value::Place(place)) => Some(Self::DataPath(place.clone())),
            (Self::Dataset(_), Value::Dataset(dataset)) => Some(Self::Dataset(dataset.clone())),
            _ => None,
        }
    }
}

fn is_whole(text: &str) -> bool {
    let digits = text.trim().trim_start_matches(['-', '+']);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_number(text: &str) -> bool {
    text.trim().parse::<f64>().is_ok()
}

fn is_truth(text: &str) -> bool {
    let text = text.trim();
    text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false")
}

/// A truth value as Python writes it; anything else as it is.
fn as_python(text: &str) -> String {
    match text.trim() {
        text if text.eq_ignore_ascii_case("true") => "True".to_owned(),
        text if text.eq_ignore_ascii_case("false") => "False".to_owned(),
        text => text.to_owned(),
    }
}

impl Value {
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Text(text) => format!("`{text}`"),
            Self::Place(_) => "a data path".to_owned(),
            Self::Dataset(_) => "a dataset".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(parameter: &Parameter, texts: &[&str]) -> Vec<bool> {
        let text = |text: &&str| parameter.with(&Value::Text((*text).to_owned())).is_some();
        texts.iter().map(text).collect()
    }

    #[test]
    fn a_value_has_the_type_of_the_default() {
        let place = Place {
            datastore: "store".to_owned(),
            path: "a".to_owned(),
        };
        let texts = ["a", "1", "-1", "1.5", "True", "false", ""];
        let text = String::new;
        let all = [true; 7];
        assert_eq!(fits(&Parameter::String(text()), &texts), all);
        let whole = [false, true, true, false, true, true, false];
        assert_eq!(fits(&Parameter::Int(text()), &texts), whole);
        assert_eq!(fits(&Parameter::Bool(text()), &texts), whole);
        let number = [false, true, true, true, false, false, false];
        assert_eq!(fits(&Parameter::Float(text()), &texts), number);
        assert_eq!(fits(&Parameter::DataPath(place), &texts), [false; 7]);
        let truth = Parameter::Bool(text()).with(&Value::Text("true".to_owned()));
        assert_eq!(truth, Some(Parameter::Bool("True".to_owned())));
    }
}
