//! Steps that copy data, between the wire and the model.

use stepwell_api as api;
use stepwell_model as model;

use super::task::TaskContext;
use crate::error::Result;

/// Checks and converts a copy: its ports must be there, and what is said of rows must make sense.
pub(super) fn task(task: api::TransferTask, cx: &TaskContext<'_>) -> Result<model::TransferTask> {
    for port in [&task.source, &task.destination] {
        if !(cx.is_input)(port) {
            return Err(cx.refuse(format!(
                "the copy names the input `{port}`, which there is not"
            )));
        }
    }
    if task.source == task.destination {
        let port = &task.source;
        return Err(cx.refuse(format!("the input `{port}` cannot be copied onto itself")));
    }
    if !cx.is_output(&task.output) {
        let port = &task.output;
        return Err(cx.refuse(format!(
            "the copy names the output `{port}`, which there is not"
        )));
    }
    if !task.keys.is_empty() && task.mode != Some(api::WriteMode::Upsert) {
        return Err(cx
            .refuse("the copy has keys, which tell the rows apart that it updates".to_owned())
            .hint("give the mode `upsert`, or no keys"));
    }
    if let Some(api::Selection::Query { query }) = &task.select
        && query.trim().is_empty()
    {
        return Err(cx.refuse("the query of the copy is empty".to_owned()));
    }
    Ok(model::TransferTask {
        source: task.source,
        destination: task.destination,
        output: task.output,
        source_type: task.source_type.map(entry_type),
        destination_type: task.destination_type.map(entry_type),
        select: task.select.map(selection),
        mode: task.mode.map(mode),
        keys: task.keys,
        create: task.create,
    })
}

/// A copy as clients see it.
pub(super) fn shown(task: &model::TransferTask) -> api::TransferTask {
    api::TransferTask {
        source: task.source.clone(),
        destination: task.destination.clone(),
        output: task.output.clone(),
        source_type: task.source_type.map(shown_type),
        destination_type: task.destination_type.map(shown_type),
        select: task.select.clone().map(shown_selection),
        mode: task.mode.map(shown_mode),
        keys: task.keys.clone(),
        create: task.create,
    }
}

const fn entry_type(given: api::EntryType) -> model::EntryType {
    match given {
        api::EntryType::File => model::EntryType::File,
        api::EntryType::Directory => model::EntryType::Directory,
    }
}

const fn shown_type(known: model::EntryType) -> api::EntryType {
    match known {
        model::EntryType::File => api::EntryType::File,
        model::EntryType::Directory => api::EntryType::Directory,
    }
}

fn selection(given: api::Selection) -> model::Selection {
    match given {
        api::Selection::Query { query } => model::Selection::Query { query },
        api::Selection::Procedure { name, parameters } => model::Selection::Procedure {
            name,
            parameters: parameters.into_iter().map(parameter).collect(),
        },
    }
}

fn parameter(given: api::ProcedureParameter) -> model::ProcedureParameter {
    model::ProcedureParameter {
        name: given.name,
        value: given.value,
        kind: parameter_type(given.kind),
    }
}

const fn parameter_type(given: api::ProcedureType) -> model::ProcedureType {
    match given {
        api::ProcedureType::String => model::ProcedureType::String,
        api::ProcedureType::Int => model::ProcedureType::Int,
        api::ProcedureType::Decimal => model::ProcedureType::Decimal,
        api::ProcedureType::Guid => model::ProcedureType::Guid,
        api::ProcedureType::Boolean => model::ProcedureType::Boolean,
        api::ProcedureType::Date => model::ProcedureType::Date,
    }
}

const fn mode(given: api::WriteMode) -> model::WriteMode {
    match given {
        api::WriteMode::Append => model::WriteMode::Append,
        api::WriteMode::Replace => model::WriteMode::Replace,
        api::WriteMode::Upsert => model::WriteMode::Upsert,
    }
}

fn shown_selection(given: model::Selection) -> api::Selection {
    match given {
        model::Selection::Query { query } => api::Selection::Query { query },
        model::Selection::Procedure { name, parameters } => api::Selection::Procedure {
            name,
            parameters: parameters.into_iter().map(shown_parameter).collect(),
        },
    }
}

fn shown_parameter(given: model::ProcedureParameter) -> api::ProcedureParameter {
    api::ProcedureParameter {
        name: given.name,
        value: given.value,
        kind: shown_parameter_type(given.kind),
    }
}

const fn shown_parameter_type(given: model::ProcedureType) -> api::ProcedureType {
    match given {
        model::ProcedureType::String => api::ProcedureType::String,
        model::ProcedureType::Int => api::ProcedureType::Int,
        model::ProcedureType::Decimal => api::ProcedureType::Decimal,
        model::ProcedureType::Guid => api::ProcedureType::Guid,
        model::ProcedureType::Boolean => api::ProcedureType::Boolean,
        model::ProcedureType::Date => api::ProcedureType::Date,
    }
}

const fn shown_mode(given: model::WriteMode) -> api::WriteMode {
    match given {
        model::WriteMode::Append => api::WriteMode::Append,
        model::WriteMode::Replace => api::WriteMode::Replace,
        model::WriteMode::Upsert => api::WriteMode::Upsert,
    }
}
