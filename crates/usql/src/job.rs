//! A script from its text to its committed outputs.
//!
//! Invariant: outputs and the catalog change together or not at all. Everything is written beside its
//! place under another name, and is renamed when all of the script has succeeded. A crash between
//! two renames leaves the later outputs as they were; running the script again completes them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_optimizer::PhysicalOptimizerRule as _;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_optimizer::projection_pushdown::ProjectionPushdown;
use datafusion::physical_plan::displayable;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures_util::StreamExt as _;
use tempfile::NamedTempFile;

use crate::bind::{self, Action, Bound, Settings};
use crate::catalog::{Catalog, Lock};
use crate::csharp::bind::Variable;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Severity};
use crate::formats::scan::{DataError, Progress};
use crate::formats::{ParquetWriter, Sink, Writing};
use crate::lower::{Fault, Lowering};
use crate::paths::Paths;
use crate::source::{Source, Span};

/// What a job is given beside its script.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where paths lead.
    pub paths: Paths,
    /// The folder of the catalog.
    pub catalog: PathBuf,
    /// Values of variables, by name without `@`, as text: they win over the script's
    /// `DECLARE EXTERNAL`.
    pub parameters: BTreeMap<String, String>,
    /// The interpreter of the Python extension; the one beside this program, or else on the path,
    /// when `None`.
    pub python: Option<PathBuf>,
    /// How many cores are used; all when `None`.
    pub cores: Option<usize>,
    /// How many bytes operators may hold before they spill to disk; without limit when `None`.
    pub memory_bytes: Option<usize>,
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// What is being done, for people.
    pub name: String,
    /// Which of the outputs and inserts it is, from 1.
    pub number: usize,
    /// How many there are.
    pub count: usize,
    /// Rows read from inputs so far, but for those of Parquet and of tables.
    pub rows_read: u64,
    /// Bytes of their text read so far, after decompression.
    pub bytes_read: u64,
    /// Rows written so far.
    pub rows_written: u64,
}

/// What a job has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The outputs with their rows and bytes.
    pub outputs: Vec<Written>,
    /// Rows that were added to tables.
    pub rows_inserted: u64,
    /// Rows that were read from inputs, but for those of Parquet and of tables.
    pub rows_read: u64,
    /// Bytes of their text, after decompression.
    pub bytes_read: u64,
    /// What may be a mistake and is no error.
    pub warnings: Vec<Diagnostic>,
}

/// An output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its file.
    pub path: PathBuf,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}

/// Why a job has not succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// The script is wrong; nothing has run.
    Script(Vec<Diagnostic>),
    /// It failed while it ran; nothing was committed.
    Run(Box<Diagnostic>),
    /// It was stopped.
    Stopped,
}

/// Whether a job shall stop; shared with a signal handler.
pub type Stop = Arc<AtomicBool>;

/// Checks a script without running it. Inputs need not exist.
#[must_use]
pub fn check(source: &Source, options: &Options) -> Vec<Diagnostic> {
    let mut diagnostics = Diagnostics::default();
    let catalog = Catalog::open(&options.catalog).unwrap_or_else(|_| Catalog::empty());
    compile(source, options, catalog, false, &mut diagnostics);
    diagnostics.into_sorted()
}

fn compile(
    source: &Source,
    options: &Options,
    catalog: Catalog,
    check_inputs: bool,
    diagnostics: &mut Diagnostics,
) -> Bound {
    let statements = crate::parser::script(source.text(), diagnostics);
    let settings = Settings {
        now: jiff::Timestamp::now().as_microsecond(),
        paths: options.paths.clone(),
        python: options
            .python
            .clone()
            .unwrap_or_else(crate::python::interpreter),
        check_inputs,
    };
    bind::script(
        &statements,
        source.text(),
        catalog,
        &options.parameters,
        &settings,
        diagnostics,
    )
}

/// Without the rule that takes what a query computes in front of its filter, where it may fail for
/// rows that the filter keeps from it.
fn guarded(state: SessionStateBuilder) -> SessionStateBuilder {
    let mut rules = PhysicalOptimizer::default().rules;
    rules.retain(|rule| rule.name() != ProjectionPushdown::new().name());
    state.with_physical_optimizer_rules(rules)
}

fn session(options: &Options) -> Result<SessionContext, DataFusionError> {
    let mut config = SessionConfig::new().with_information_schema(false);
    if let Some(cores) = options.cores {
        config = config.with_target_partitions(cores.max(1));
    }
    config
        .options_mut()
        .execution
        .parquet
        .schema_force_view_types = false;
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::OsTmpDirectory);
    let mut runtime = RuntimeEnvBuilder::new().with_disk_manager_builder(disk);
    if let Some(bytes) = options.memory_bytes {
        runtime = runtime.with_memory_pool(Arc::new(FairSpillPool::new(bytes)));
    }
    let state = SessionStateBuilder::new_with_default_features()
        .with_config(config)
        .with_runtime_env(runtime.build_arc()?);
    Ok(SessionContext::new_with_state(guarded(state).build()))
}

/// The plans of a script's outputs, as text.
///
/// # Errors
/// When the script is wrong.
pub async fn explain(source: &Source, options: &Options) -> Result<String, Failed> {
    let mut diagnostics = Diagnostics::default();
    let catalog = open_catalog(options)?;
    let bound = compile(source, options, catalog, true, &mut diagnostics);
    if diagnostics.has_errors() {
        return Err(Failed::Script(diagnostics.into_sorted()));
    }
    let context = session(options).map_err(|error| engine(&error, Span::default()))?;
    let lowering = Lowering::new(&context, Arc::default());
    let mut text = String::new();
    for action in &bound.actions {
        let (what, span) = describe(action);
        let fault = |error: DataFusionError| engine(&error, span);
        let plan = context
            .state()
            .optimize(&plan_of(action, &lowering).await.map_err(fault)?)
            .map_err(fault)?;
        let physical = context
            .state()
            .create_physical_plan(&plan)
            .await
            .map_err(fault)?;
        let physical = displayable(physical.as_ref()).indent(false);
        text.push_str(&format!(
            "{what}\nlogical plan:\n{}\nphysical plan:\n{physical}\n",
            plan.display_indent()
        ));
    }
    Ok(text)
}

async fn plan_of(action: &Action, lowering: &Lowering<'_>) -> Result<LogicalPlan, DataFusionError> {
    match action {
        Action::Output {
            rowset,
            order,
            offset,
            fetch,
            ..
        } => lowering.output(rowset, order, *offset, *fetch).await,
        Action::Insert { rowset, .. } => lowering.output(rowset, &[], 0, None).await,
    }
}

fn describe(action: &Action) -> (String, Span) {
    match action {
        Action::Output { path, span, .. } => (format!("output {}", path.display()), *span),
        Action::Insert { span, .. } => ("insert".to_owned(), *span),
    }
}

fn open_catalog(options: &Options) -> Result<Catalog, Failed> {
    Catalog::open(&options.catalog).map_err(|error| {
        let message = format!(
            "the catalog in `{}` cannot be read: {error}",
            options.catalog.display()
        );
        Failed::Run(Box::new(Diagnostic::error(
            Code::Storage,
            Span::default(),
            message,
        )))
    })
}

/// Runs a script. `report` hears of every stage, and again as rows are read and written.
///
/// # Errors
/// When the script is wrong, fails, or is stopped; then no output and no table has changed.
pub async fn run(
    source: &Source,
    options: &Options,
    stop: &Stop,
    report: &mut (dyn FnMut(&Stage) + Send),
) -> Result<Summary, Failed> {
    let storage = |error: std::io::Error| {
        Failed::Run(Box::new(Diagnostic::error(
            Code::Storage,
            Span::default(),
            error.to_string(),
        )))
    };
    let _lock = Lock::take(&options.catalog).map_err(storage)?;
    let mut diagnostics = Diagnostics::default();
    let catalog = open_catalog(options)?;
    let bound = compile(source, options, catalog, true, &mut diagnostics);
    if diagnostics.has_errors() {
        return Err(Failed::Script(diagnostics.into_sorted()));
    }
    let progress = Arc::new(Progress::default());
    let context = session(options).map_err(|error| engine(&error, Span::default()))?;
    let lowering = Lowering::new(&context, Arc::clone(&progress));
    let mut summary = Summary {
        warnings: diagnostics.into_sorted(),
        ..Summary::default()
    };
    let mut staged: Vec<(NamedTempFile, PathBuf)> = Vec::new();
    let count = bound.actions.len();
    for (at, action) in bound.actions.iter().enumerate() {
        let (name, span) = describe(action);
        let mut stage = Stage {
            name,
            number: at + 1,
            count,
            rows_read: 0,
            bytes_read: 0,
            rows_written: 0,
        };
        report(&stage);
        let plan = plan_of(action, &lowering)
            .await
            .map_err(|error| engine(&error, span))?;
        let mut watch = Watch {
            stop,
            progress: &progress,
            stage: &mut stage,
            report,
        };
        let (file, rows) = write(&context, plan, action, &mut watch).await?;
        finish(action, file, rows, &mut staged, &mut summary)?;
    }
    summary.rows_read = progress.rows_read.load(Ordering::Relaxed);
    summary.bytes_read = progress.bytes_read.load(Ordering::Relaxed);
    commit(staged, &bound).map_err(storage)?;
    Ok(summary)
}

/// Takes an output into the list of what is committed.
fn finish(
    action: &Action,
    file: NamedTempFile,
    rows: u64,
    staged: &mut Vec<(NamedTempFile, PathBuf)>,
    summary: &mut Summary,
) -> Result<(), Failed> {
    match action {
        Action::Output { path, span, .. } => {
            let about = file.as_file().metadata();
            let bytes = about.map_err(|error| io(&error, *span))?.len();
            let path = path.clone();
            summary.outputs.push(Written {
                path: path.clone(),
                rows,
                bytes,
            });
            staged.push((file, path));
        }
        Action::Insert { table, .. } => {
            summary.rows_inserted += rows;
            staged.push((file, table.clone()));
        }
    }
    Ok(())
}

/// Renames everything into its place, tables and catalog first.
fn commit(staged: Vec<(NamedTempFile, PathBuf)>, bound: &Bound) -> std::io::Result<()> {
    let tables = bound.catalog.tables();
    let (inserted, outputs): (Vec<_>, Vec<_>) = staged
        .into_iter()
        .partition(|(_, path)| path.starts_with(&tables));
    for (file, path) in inserted {
        file.persist(path)?;
    }
    if bound.catalog_changed {
        bound.catalog.commit()?;
    }
    for (file, path) in outputs {
        readable(file.as_file())?;
        file.persist(path)?;
    }
    Ok(())
}

/// A temporary file is its owner's alone; an output has the usual mode.
fn readable(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

/// What is looked at between batches.
struct Watch<'a> {
    stop: &'a Stop,
    progress: &'a Progress,
    stage: &'a mut Stage,
    report: &'a mut (dyn FnMut(&Stage) + Send),
}

impl Watch<'_> {
    /// Reports the rows so far.
    fn batch(&mut self, rows: u64) -> Result<(), Failed> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(Failed::Stopped);
        }
        self.stage.rows_written += rows;
        self.stage.rows_read = self.progress.rows_read.load(Ordering::Relaxed);
        self.stage.bytes_read = self.progress.bytes_read.load(Ordering::Relaxed);
        (self.report)(self.stage);
        Ok(())
    }
}

/// Writes the rows of a plan to a temporary file beside their place.
async fn write(
    context: &SessionContext,
    plan: LogicalPlan,
    action: &Action,
    watch: &mut Watch<'_>,
) -> Result<(NamedTempFile, u64), Failed> {
    let (path, span, format, columns) = match action {
        Action::Output {
            path,
            span,
            format,
            rowset,
            ..
        } => (path, *span, format, &rowset.columns),
        Action::Insert {
            table,
            span,
            rowset,
        } => (
            table,
            *span,
            &Writing::Parquet(ParquetWriter),
            &rowset.columns,
        ),
    };
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    std::fs::create_dir_all(folder).map_err(|error| io(&error, span))?;
    let file = tempfile::Builder::new()
        .prefix(".usql-")
        .tempfile_in(folder);
    let file = file.map_err(|error| io(&error, span))?;
    let frame = context
        .execute_logical_plan(plan)
        .await
        .map_err(|error| engine(&error, span))?;
    let mut batches = frame
        .execute_stream()
        .await
        .map_err(|error| engine(&error, span))?;
    let output = file.reopen().map_err(|error| io(&error, span))?;
    let mut sink = Sink::open(format, output, columns).map_err(|error| io(&error, span))?;
    let mut rows = 0;
    loop {
        // A plan that gives no rows for long is stopped all the same.
        let next = tokio::select! {
            next = batches.next() => next,
            () = stopped(watch.stop) => return Err(Failed::Stopped),
        };
        let Some(batch) = next else { break };
        let batch = batch.map_err(|error| engine(&error, span))?;
        sink.write(&batch, columns)
            .map_err(|error| io(&error, span))?;
        rows += batch.num_rows() as u64;
        watch.batch(batch.num_rows() as u64)?;
    }
    sink.close().map_err(|error| io(&error, span))?;
    Ok((file, rows))
}

async fn stopped(stop: &Stop) {
    let every = std::time::Duration::from_millis(100);
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(every).await;
    }
}

fn io(error: &std::io::Error, span: Span) -> Failed {
    Failed::Run(Box::new(Diagnostic::error(
        Code::Storage,
        span,
        error.to_string(),
    )))
}

/// What the engine says, as a diagnostic: faults of data and of expressions keep their own words.
fn engine(error: &DataFusionError, span: Span) -> Failed {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(each) = cause {
        if let Some(fault) = each.downcast_ref::<Fault>() {
            let error = &fault.0;
            return run_error(Code::Evaluation, error.span, error.message.clone());
        }
        if let Some(data) = each.downcast_ref::<DataError>() {
            return run_error(data.code, data.span, data.to_string());
        }
        if let Some(DataFusionError::Shared(shared)) = each.downcast_ref::<DataFusionError>() {
            cause = Some(shared.as_ref());
            continue;
        }
        cause = each.source();
    }
    run_error(Code::Engine, span, error.strip_backtrace())
}

fn run_error(code: Code, span: Span, message: String) -> Failed {
    Failed::Run(Box::new(Diagnostic::error(code, span, message)))
}

/// The variables that a job was given from outside.
pub(crate) fn given(parameters: &BTreeMap<String, String>) -> BTreeMap<String, Variable> {
    let variable = |(name, text): (&String, &String)| {
        let ty = crate::types::Type::of(crate::types::Base::String);
        let value =
            crate::csharp::Typed::literal(crate::value::Value::text(text), ty, Span::default());
        (name.clone(), Variable::Scalar(value))
    };
    parameters.iter().map(variable).collect()
}

impl Summary {
    /// Whether anything is worth a warning.
    #[must_use]
    pub fn has_warnings(&self) -> bool {
        self.warnings
            .iter()
            .any(|each| each.severity == Severity::Warning)
    }
}

/// Replaces every `@@name@@` that is a parameter by its value, as the service did before it
/// compiled a step's script.
#[must_use]
pub fn substituted(text: &str, parameters: &BTreeMap<String, String>) -> String {
    let mut out = text.to_owned();
    for (name, value) in parameters {
        out = out.replace(&format!("@@{name}@@"), value);
    }
    out
}

/// The name of the first `@@name@@` that is left in a script.
#[must_use]
pub fn unreplaced(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(at) = rest.find("@@") {
        rest = &rest[at + 2..];
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        if length > 0 && rest[length..].starts_with("@@") {
            return Some(&rest[..length]);
        }
    }
    None
}
