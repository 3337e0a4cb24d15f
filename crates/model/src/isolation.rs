//! What a step on an isolated target sees of the file system beside its own files.
//!
//! The setting alone: what becomes of it is decided where steps are staged. Invariant: every path
//! is absolute and names no folder above itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The most folders that may be named, of each sort.
const FOLDERS_MAX: usize = 64;

/// The folders of the machine that isolated steps reach, beside those of the system and their own.
/// Whatever is named, the data folder is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Isolation {
    /// What they may read and execute.
    pub readable: Vec<String>,
    /// What they may also write.
    pub writable: Vec<String>,
}

/// Why a target cannot be isolated like that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IsolationError {
    /// It is no object of two lists of paths.
    #[error(
        "`isolation` does not fit: {0}; it is an object with the lists `readable` and `writable`, \
         both of which may be left out"
    )]
    Form(String),
    /// A path that is not absolute, or leads upwards.
    #[error("`{0}` in `isolation` is no absolute path without `..`")]
    Path(String),
    /// More folders than can be useful.
    #[error("`isolation` names more than {FOLDERS_MAX} folders")]
    TooMany,
}

impl Isolation {
    /// The setting of a target that holds it.
    pub const SETTING: &str = "isolation";

    /// What the settings of a target ask for; `None` for a target that hides nothing.
    ///
    /// # Errors
    /// When the setting does not fit.
    pub fn of_settings(settings: &Value) -> Result<Option<Self>, IsolationError> {
        let asked = settings.get(Self::SETTING).filter(|value| !value.is_null());
        let Some(asked) = asked else {
            return Ok(None);
        };
        if !asked.is_object() {
            return Err(IsolationError::Form(format!("it is {asked}")));
        }
        let isolation: Self = serde_json::from_value(asked.clone())
            .map_err(|error| IsolationError::Form(error.to_string()))?;
        let fits = |path: &String| {
            path.starts_with('/')
                && path.split('/').all(|part| part != "..")
                && !path.contains('\0')
        };
        for list in [&isolation.readable, &isolation.writable] {
            if list.len() > FOLDERS_MAX {
                return Err(IsolationError::TooMany);
            }
            if let Some(path) = list.iter().find(|path| !fits(path)) {
                return Err(IsolationError::Path(path.clone()));
            }
        }
        Ok(Some(isolation))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_target_is_isolated_by_an_object_of_absolute_paths() {
        let parse = |settings| Isolation::of_settings(&settings);
        assert_eq!(parse(json!({"vm_size": "x"})), Ok(None));
        assert_eq!(parse(json!({"isolation": null})), Ok(None));
        assert_eq!(
            parse(json!({"isolation": {}})),
            Ok(Some(Isolation::default()))
        );
        let named = parse(json!({"isolation": {"readable": ["/data"]}}));
        assert_eq!(
            named.expect("fits").expect("is isolated").readable,
            ["/data"]
        );
        for wrong in [
            json!(true),
            json!([]),
            json!({"readable": "/data"}),
            json!({"readble": []}),
            json!({"writable": ["data"]}),
            json!({"readable": ["/data/../home"]}),
            json!({"readable": vec!["/a"; FOLDERS_MAX + 1]}),
        ] {
            assert!(parse(json!({"isolation": wrong})).is_err());
        }
    }
}
