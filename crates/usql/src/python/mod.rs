//! The Python extension: `REDUCE … USING new Extension.Python.Reducer(pyScript: …)`.
//!
//! A process of Python gets one group of rows after the other as a pandas frame and gives back another;
//! memory is bounded by the largest group. Strings and numbers go over as they are, null as pandas' NA
//! ("Extend U-SQL scripts with Python code in Azure Data Lake Analytics").

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, LogicalPlan, TableType};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures_util::StreamExt as _;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::csharp::EvalError;
use crate::csharp::convert::text;
use crate::json::Json;
use crate::lower::Fault;
use crate::rowset::Column;
use crate::source::Span;
use crate::types::{Base, Type};
use crate::value::{self, Value};

const WORKER: &str = include_str!("worker.py");
/// How many batches wait for the operators behind.
const BATCHES_AHEAD: usize = 2;

/// What a script's Python does with groups of rows.
#[derive(Debug, Clone)]
pub(crate) struct Reducer {
    /// The interpreter.
    pub(crate) python: PathBuf,
    pub(crate) script: String,
    /// Files that it finds in its working directory.
    pub(crate) resources: Vec<PathBuf>,
    pub(crate) input: Vec<Column>,
    pub(crate) output: Vec<Column>,
    /// The columns of the input that make a group; all rows are one when there are none.
    pub(crate) keys: Vec<usize>,
    pub(crate) span: Span,
}

/// Whether values of a type go to Python and back.
pub(crate) const fn is_exchanged(ty: &Type) -> bool {
    matches!(ty.base, Base::String | Base::Bool)
        || ty.is_numeric() && !matches!(ty.base, Base::Char)
}

/// The interpreter that is used when none is named: the one of the environment that this program is
/// installed in, or else the first on the path.
pub(crate) fn interpreter() -> PathBuf {
    let own = std::env::current_exe().ok();
    let beside = own.and_then(|own| Some(own.parent()?.join("python3")));
    beside
        .filter(|python| python.is_file())
        .unwrap_or_else(|| PathBuf::from("python3"))
}

/// The groups of a plan, whose rows are ordered by group, as a table of what Python makes of them.
#[derive(Debug)]
pub(crate) struct ReducedTable {
    reducer: Arc<Reducer>,
    plan: LogicalPlan,
    schema: SchemaRef,
}

impl ReducedTable {
    pub(crate) fn new(reducer: Reducer, plan: LogicalPlan) -> Self {
        let schema = crate::formats::scan::schema_of(&reducer.output);
        let reducer = Arc::new(reducer);
        Self {
            reducer,
            plan,
            schema,
        }
    }
}

#[async_trait::async_trait]
impl TableProvider for ReducedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let input = state.create_physical_plan(&self.plan).await?;
        let groups = Groups {
            reducer: Arc::clone(&self.reducer),
            input,
            schema: Arc::clone(&self.schema),
        };
        let schema = Arc::clone(&self.schema);
        let plan = StreamingTableExec::try_new(
            schema,
            vec![Arc::new(groups)],
            projection,
            [],
            false,
            limit,
        )?;
        Ok(Arc::new(plan))
    }
}

#[derive(Debug)]
struct Groups {
    reducer: Arc<Reducer>,
    input: Arc<dyn ExecutionPlan>,
    schema: SchemaRef,
}

impl PartitionStream for Groups {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut builder =
            RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), BATCHES_AHEAD);
        let sender = builder.tx();
        let (reducer, schema) = (Arc::clone(&self.reducer), Arc::clone(&self.schema));
        let input = execute_stream(Arc::clone(&self.input), context);
        builder.spawn(async move {
            let mut input = input?;
            let mut python = Python::start(&reducer, schema).await?;
            let mut group: Vec<Vec<Value>> = Vec::new();
            while let Some(batch) = input.next().await {
                for row in rows(&batch?, &reducer.input) {
                    let same = |first: &Vec<Value>| {
                        reducer.keys.iter().all(|key| first[*key] == row[*key])
                    };
                    if !group.first().is_none_or(same) {
                        let reduced = python.reduce(&std::mem::take(&mut group)).await?;
                        if sender.send(Ok(reduced)).await.is_err() {
                            // Nobody wants more rows.
                            return Ok(());
                        }
                    }
                    group.push(row);
                }
            }
            if !group.is_empty() {
                let reduced = python.reduce(&group).await?;
                // Nobody may want it.
                let _ = sender.send(Ok(reduced)).await;
            }
            Ok(())
        });
        builder.build()
    }
}

fn rows(batch: &RecordBatch, columns: &[Column]) -> Vec<Vec<Value>> {
    let row = |at: usize| {
        let cells = batch.columns().iter().zip(columns);
        cells
            .map(|(array, column)| Value::read(array, at, &column.ty))
            .collect()
    };
    (0..batch.num_rows()).map(row).collect()
}

/// A process that reduces groups; it ends with this value.
struct Python<'a> {
    reducer: &'a Reducer,
    schema: SchemaRef,
    questions: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    _process: Child,
    _folder: TempDir,
}

impl<'a> Python<'a> {
    async fn start(reducer: &'a Reducer, schema: SchemaRef) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        for resource in &reducer.resources {
            if let Some(name) = resource.file_name() {
                std::fs::copy(resource, folder.path().join(name))?;
            }
        }
        let mut process = Command::new(&reducer.python)
            .args(["-c", WORKER])
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                let python = reducer.python.display();
                reducer.fault(format!("Python (`{python}`) cannot be started: {error}"))
            })?;
        let (Some(questions), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(reducer.fault("Python has no pipes".to_owned()));
        };
        let mut this = Self {
            reducer,
            schema,
            questions,
            answers: BufReader::new(answers).lines(),
            _process: process,
            _folder: folder,
        };
        let kind = |column: &Column| {
            let plain = Type {
                nullable: false,
                ..column.ty.clone()
            };
            serde_json::json!([column.name, plain.to_string()])
        };
        this.ask(&serde_json::json!({
            "script": reducer.script,
            "columns": reducer.input.iter().map(kind).collect::<Vec<_>>(),
            "produced": reducer.output.iter().map(|column| &column.name).collect::<Vec<_>>(),
        }))
        .await?;
        Ok(this)
    }

    /// A process that is gone has said why, and is asked for that.
    async fn ask(&mut self, what: &serde_json::Value) -> Result<()> {
        let line = format!("{what}\n");
        match self.questions.write_all(line.as_bytes()).await {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
            _ => Ok(()),
        }
    }

    async fn reduce(&mut self, group: &[Vec<Value>]) -> Result<RecordBatch> {
        let columns = self.reducer.input.iter().enumerate().map(|(at, column)| {
            let values = group.iter().map(|row| sent(&row[at], &column.ty.base));
            values.collect::<serde_json::Value>()
        });
        let columns: serde_json::Value = columns.collect();
        self.ask(&columns).await?;
        let Some(line) = self.answers.next_line().await? else {
            let message = "Python ended without a word; its output is in the log".to_owned();
            return Err(self.reducer.fault(message));
        };
        let answer = Json::parse(&line).map_err(|error| self.reducer.fault(error))?;
        if let Some(Json::Text(error)) = answer.get("error") {
            return Err(self.reducer.fault(error.clone()));
        }
        let found = answer
            .get("columns")
            .map(Json::children)
            .unwrap_or_default();
        let mut arrays = Vec::new();
        for (column, (_, values)) in self.reducer.output.iter().zip(found) {
            let values = values.children().into_iter();
            let values = values.map(|(_, value)| self.received(value, column));
            arrays.push(value::column(
                &values.collect::<Result<Vec<_>>>()?,
                &column.ty,
            ));
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)
    }

    fn received(&self, json: &Json, column: &Column) -> Result<Value> {
        let value = match json {
            Json::Null if !column.ty.nullable => Err(format!("`{}` takes no null", column.ty)),
            json => json.convert(&column.ty),
        };
        value.map_err(|message| {
            let name = &column.name;
            self.reducer
                .fault(format!("column `{name}` of the result: {message}"))
        })
    }
}

/// A value as the worker takes it: numbers that JSON does not have, and exact ones, are texts.
fn sent(value: &Value, base: &Base) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::ULong(value) => (*value).into(),
        Value::Double(_) | Value::Float(_) => {
            let number = value.as_double();
            serde_json::Number::from_f64(number)
                .map_or_else(|| number.to_string().into(), serde_json::Value::Number)
        }
        value => text(value, base).into(),
    }
}

impl Reducer {
    fn fault(&self, message: String) -> DataFusionError {
        let span = self.span;
        DataFusionError::External(Box::new(Fault(EvalError { message, span })))
    }
}
