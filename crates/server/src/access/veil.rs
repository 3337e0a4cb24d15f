//! What readers do not see of pipelines, environments and modules: values that were given to programs
//! and not printed.
//!
//! Environment variables, the options of package installers and the logins of URLs are often
//! passwords. Whoever may start runs needs them to start the pipeline again, and could print them
//! anyway.
//!
//! Invariant: no value of a variable, no option and no login reaches a caller who may only look.

use serde::Serialize;
use serde_json::Value;
use stepwell_api::Role;
use stepwell_model::without_logins;

use super::Caller;

/// What stands for a value that is not shown.
const HIDDEN: &str = "(hidden)";

/// What holds values by name, none of which is shown.
const VARIABLES: &[&str] = &["environmentVariables", "spark_env_variables", "variables"];

/// What holds texts, none of which is shown.
const TEXTS: &[&str] = &["password", "pip_options"];

/// The parts of a key whose values are not shown, by how their names begin.
const PARTS: &[&str] = &["variable ", "pip option ", "Spark options"];

/// A pipeline or a definition, as a caller may see it.
pub(crate) fn shown_to(caller: &Caller, pipeline: &impl Serialize) -> Value {
    let mut shown = serde_json::to_value(pipeline).unwrap_or_default();
    if caller.role < Role::Submitter {
        hide(&mut shown);
    }
    shown
}

/// Why a step ran, as a caller may see it: that a variable differs, and not how.
pub(crate) fn reasons_shown_to(caller: &Caller, reasons: &mut [String]) {
    if caller.role >= Role::Submitter {
        return;
    }
    for reason in reasons {
        if PARTS.iter().any(|part| reason.starts_with(part)) {
            let value = [" was `", " is new: `", " is gone: it was `"];
            let ends = value.iter().filter_map(|words| reason.find(words)).min();
            if let Some(end) = ends {
                reason.truncate(end);
                reason.push_str(" differs");
            }
        } else {
            *reason = without_logins(reason);
        }
    }
}

fn hide(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                match (name.as_str(), &mut *field) {
                    (name, Value::Object(variables)) if VARIABLES.contains(&name) => {
                        variables.values_mut().for_each(hide_all);
                    }
                    (name, field) if TEXTS.contains(&name) => hide_all(field),
                    _ => hide(field),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::String(text) if text.contains("://") => *text = without_logins(text),
        _ => {}
    }
}

fn hide_all(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(hide_all),
        Value::Array(items) => items.iter_mut().for_each(hide_all),
        Value::Null => {}
        value => *value = HIDDEN.into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::access::Who;

    #[test]
    fn a_reader_sees_the_names_of_variables_and_no_value() {
        let pipeline = json!({"steps": [{"name": "s", "task": {
            "variables": {"PASSWORD": "secret"},
            "environment": {"pip_options": ["--index-url", "http://u:secret@host"],
                "pip": ["tool @ git+https://secret@host/tool"]},
        }}]});
        let as_seen = |role| {
            let who = Who::Folder;
            shown_to(&Caller { role, who }, &pipeline)
        };
        let seen = as_seen(Role::Reader);
        assert!(!seen.to_string().contains("secret"), "{seen}");
        assert_eq!(seen["steps"][0]["task"]["variables"]["PASSWORD"], HIDDEN);
        assert_eq!(as_seen(Role::Submitter), pipeline);
    }

    #[test]
    fn a_reader_is_told_that_a_variable_differs_and_not_how() {
        let reasons = [
            "argument 1 was `a` and is `b`",
            "variable P was `secret` and is `secret was `2`",
            "variable Q is new: `secret`",
            "pip option --index-url is gone: it was `--index-url http://secret@host`",
            "package tool is new: `tool @ https://secret@host/tool`",
        ]
        .map(str::to_owned);
        let as_seen = |role| {
            let (who, mut seen) = (Who::Folder, reasons.clone());
            reasons_shown_to(&Caller { role, who }, &mut seen);
            seen
        };
        let seen = [
            "argument 1 was `a` and is `b`",
            "variable P differs",
            "variable Q differs",
            "pip option --index-url differs",
            "package tool is new: `tool @ https://(hidden)@host/tool`",
        ];
        assert_eq!(as_seen(Role::Reader), seen);
        assert_eq!(as_seen(Role::Submitter), reasons);
    }
}
