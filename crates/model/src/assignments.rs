//! What a run of a published pipeline is to be: kept with schedules, so its form only grows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{DatasetValue, Place, RunId};

/// A run of a published pipeline, as it is asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Assignments {
    /// The experiment; made if it does not exist.
    pub experiment: String,
    /// A description of the run; the pipeline's when absent.
    pub description: Option<String>,
    /// A name of the run for people; the pipeline's when absent.
    pub display_name: Option<String>,
    /// Values of parameters that are texts, numbers or truth values, as such or as text.
    pub parameters: BTreeMap<String, Json>,
    /// Values of parameters that are data paths.
    pub data_paths: BTreeMap<String, Place>,
    /// Values of parameters that are datasets.
    pub datasets: BTreeMap<String, DatasetValue>,
    /// Whether steps that do not depend on a failed step still run; as published when absent.
    pub continue_on_step_failure: Option<bool>,
    /// Tags of the run.
    pub tags: BTreeMap<String, String>,
    /// Properties of the run; they cannot be changed later.
    pub properties: BTreeMap<String, String>,
    /// What starts it, such as `SDK` or `API`.
    pub run_source: Option<String>,
    /// The run this one belongs to.
    pub parent: Option<RunId>,
    /// The user's login name.
    pub user: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_with_the_form_of_a_request_is_read() {
        let text = r#"{"experiment":"e","description":null,"display_name":"d","parameters":
            {"rate":0.5,"name":"n","on":true},"data_paths":{"p":{"datastore":"blob","path":"a"}},
            "datasets":{"d":{"id":"0192f5c4-1111-7222-8333-444455556666","place":null}},
            "continue_on_step_failure":null,"tags":{"a":"b"},"properties":{},"run_source":"SDK",
            "parent":"0192f5c4-1111-7222-8333-444455556666","user":"ann","unknown":1}"#;
        let read: Assignments = serde_json::from_str(text).expect("read");
        assert_eq!(read.parameters["rate"], 0.5);
        assert_eq!(read.data_paths["p"].path, "a");
        assert_eq!(
            read.datasets["d"].id,
            read.parent.expect("a run").to_string()
        );
        let again = serde_json::to_string(&read).expect("written");
        assert_eq!(serde_json::from_str::<Assignments>(&again).ok(), Some(read));
    }
}
