//! U-SQL scripts, between the wire and the model.

use stepwell_api as api;
use stepwell_model::{Setting, UsqlTask};
use stepwell_workspace::names::is_relative;

use super::task::TaskContext;
use crate::error::Result;

/// Checks and converts a script.
pub(super) fn task(task: api::UsqlTask, cx: &TaskContext<'_>) -> Result<UsqlTask> {
    if !is_relative(&task.script) {
        let what = format!(
            "the script `{}` is not inside the source directory",
            task.script
        );
        return Err(cx.refuse(what));
    }
    if task.degree_of_parallelism == Some(0) {
        return Err(cx.refuse("its degree of parallelism is 0; it must be at least 1"));
    }
    let Some(snapshot) = cx.snapshot(Some(task.snapshot))? else {
        return Err(cx.refuse("it has no snapshot"));
    };
    let mut parameters = std::collections::BTreeMap::new();
    for (name, setting) in task.parameters {
        let is_port = (cx.is_input)(&name) || cx.is_output(&name);
        if is_port {
            return Err(cx.refuse(format!("`@@{name}@@` is a parameter and a port")));
        }
        let setting = match setting {
            api::Setting::Literal(text) => Setting::Literal(text),
            api::Setting::Parameter(name) if cx.parameters.contains_key(&name) => {
                Setting::Parameter(name)
            }
            api::Setting::Parameter(other) => {
                return Err(cx.refuse(format!(
                    "`@@{name}@@` names the pipeline parameter `{other}`, which there is not"
                )));
            }
        };
        parameters.insert(name, setting);
    }
    Ok(UsqlTask {
        script: task.script,
        snapshot,
        parameters,
        degree_of_parallelism: task.degree_of_parallelism,
    })
}

/// A script as clients see it.
pub(super) fn shown(task: &UsqlTask) -> api::UsqlTask {
    let setting = |(name, setting): (&String, &Setting)| {
        let setting = match setting {
            Setting::Literal(text) => api::Setting::Literal(text.clone()),
            Setting::Parameter(name) => api::Setting::Parameter(name.clone()),
        };
        (name.clone(), setting)
    };
    api::UsqlTask {
        script: task.script.clone(),
        snapshot: task.snapshot.to_string(),
        parameters: task.parameters.iter().map(setting).collect(),
        degree_of_parallelism: task.degree_of_parallelism,
    }
}
