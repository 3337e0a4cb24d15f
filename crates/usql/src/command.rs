//! The command line of `stepwell-usql`.

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::{CommandFactory as _, Parser, Subcommand};
use stepwell_model::WorkerRequest;
use stepwell_usql::diagnostic::{Diagnostic, Severity};
use stepwell_usql::job::{self, Failed, Options, Stage, Stop, Summary};
use stepwell_usql::layout;
use stepwell_usql::paths::Paths;
use stepwell_usql::source::Source;

/// Success.
const SUCCESS: u8 = 0;
/// The script ran and failed.
const FAILED: u8 = 1;
/// The script or the command line is wrong; nothing ran.
const WRONG: u8 = 2;
/// Stopped by a signal.
const STOPPED: u8 = 130;

/// Run U-SQL scripts of Azure Data Lake Analytics on this machine
#[derive(Debug, Parser)]
#[command(
    name = "stepwell-usql",
    version,
    after_help = "Exit codes: 0 done, 1 the job failed, 2 the script or a flag is wrong, 130 stopped."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a script
    #[command(
        after_help = "Examples:\n  stepwell-usql run job.usql --root data\n  stepwell-usql run job.usql --param in=/logs/a.tsv --param out=/a.csv\n  stepwell-usql run job.usql --store adl://lake.azuredatalakestore.net=/mnt/lake\n\nAll outputs are committed together when the script has succeeded, or none is."
    )]
    Run(Job),
    /// Report everything that is wrong with a script, without running it
    #[command(after_help = "Example:\n  stepwell-usql check job.usql")]
    Check(Job),
    /// Show the plan of each output
    #[command(after_help = "Example:\n  stepwell-usql explain job.usql --root data")]
    Explain(Job),
    /// Lay scripts out: indentation by what a line is in, even spaces; line ends and comments stay
    #[command(
        after_help = "Examples:\n  stepwell-usql fmt job.usql\n  stepwell-usql fmt --check *.usql"
    )]
    Fmt {
        /// The scripts, which are changed in place
        #[arg(required = true)]
        scripts: Vec<PathBuf>,
        /// Change nothing; name the scripts that would change, and end with 1
        #[arg(long)]
        check: bool,
    },
    /// Print completion for a shell
    #[command(after_help = "Example:\n  source <(stepwell-usql completions bash)")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// A script and what it is given.
#[derive(Debug, clap::Args)]
struct Job {
    /// The script
    script: PathBuf,
    /// A variable of the script, over its `DECLARE EXTERNAL`; also replaces `@@NAME@@`
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// The folder of the default store: what `/a/b.tsv` is below
    #[arg(long, default_value = ".")]
    root: PathBuf,
    /// The folder of another store, by the beginning of its addresses
    #[arg(long = "store", value_name = "ADDRESS=DIR", value_parser = pair)]
    stores: Vec<(String, String)>,
    /// The folder of databases and tables; `.usql` below the root when absent
    #[arg(long)]
    catalog: Option<PathBuf>,
    /// The interpreter of the Python extension, which needs pandas; the one beside this program, or
    /// else on the path, when absent
    #[arg(long)]
    python: Option<PathBuf>,
    /// How many cores to use; all when absent
    #[arg(long)]
    cores: Option<usize>,
    /// How much memory operators may use before they spill to disk, such as 2GB (2^30 bytes each)
    #[arg(long, value_parser = size)]
    memory: Option<usize>,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.trim_start_matches('@').to_owned(), value.to_owned()))
}

fn size(text: &str) -> Result<usize, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        _ => return Err("write a number with KB, MB or GB".to_owned()),
    };
    let number: usize = digits
        .parse()
        .map_err(|_| "write a number with KB, MB or GB".to_owned())?;
    number
        .checked_mul(unit)
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "this is no size".to_owned())
}

impl Job {
    fn options(&self) -> Options {
        let catalog = self
            .catalog
            .clone()
            .unwrap_or_else(|| self.root.join(".usql"));
        let stores = self
            .stores
            .iter()
            .map(|(address, folder)| (address.clone(), folder.into()));
        Options {
            paths: Paths {
                root: self.root.clone(),
                stores: stores.collect(),
            },
            catalog,
            parameters: self.parameters.iter().cloned().collect(),
            python: self.python.clone(),
            cores: self.cores,
            memory_bytes: self.memory,
        }
    }

    fn source(&self) -> Result<Source, String> {
        let text = std::fs::read_to_string(&self.script)
            .map_err(|error| format!("cannot read `{}`: {error}", self.script.display()))?;
        let parameters: BTreeMap<String, String> = self.parameters.iter().cloned().collect();
        Ok(Source::new(
            self.script.display().to_string(),
            job::substituted(&text, &parameters),
        ))
    }
}

pub(crate) fn main() -> ExitCode {
    // Stepwell starts its workers without arguments, with a request in the environment.
    if std::env::args_os().len() == 1 && std::env::var_os(WorkerRequest::VARIABLE).is_some() {
        return crate::step::main();
    }
    let cli = Cli::parse();
    let code = match cli.command {
        Command::Run(job) => with_source(&job, run),
        Command::Check(job) => with_source(&job, check),
        Command::Explain(job) => with_source(&job, explain),
        Command::Fmt { scripts, check } => scripts
            .iter()
            .map(|script| lay_out(script, check))
            .max()
            .unwrap_or(SUCCESS),
        Command::Completions { shell } => {
            clap_complete::generate(
                shell,
                &mut Cli::command(),
                "stepwell-usql",
                &mut std::io::stdout(),
            );
            SUCCESS
        }
    };
    ExitCode::from(code)
}

fn with_source(job: &Job, command: impl Fn(&Job, &Source) -> u8) -> u8 {
    match job.source() {
        Ok(source) => command(job, &source),
        Err(message) => {
            eprintln!("error: {message}");
            WRONG
        }
    }
}

/// Lays a script out in place, or says whether that would change it.
fn lay_out(script: &Path, check: bool) -> u8 {
    let name = script.display();
    let text = match std::fs::read_to_string(script) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("error: cannot read `{name}`: {error}");
            return WRONG;
        }
    };
    let laid_out = match layout::laid_out(&text) {
        Ok(laid_out) => laid_out,
        Err(diagnostics) => {
            report(&diagnostics, &Source::new(name.to_string(), text), false);
            return WRONG;
        }
    };
    if laid_out == text {
        return SUCCESS;
    }
    println!("{name}");
    if check {
        return FAILED;
    }
    match std::fs::write(script, laid_out) {
        Ok(()) => SUCCESS,
        Err(error) => {
            eprintln!("error: cannot write `{name}`: {error}");
            WRONG
        }
    }
}

/// Everything that is waited for runs on a runtime of this program's own.
pub(crate) fn block_on<T>(
    cores: Option<usize>,
    work: impl Future<Output = T>,
) -> std::io::Result<T> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    if let Some(cores) = cores {
        builder.worker_threads(cores.max(1));
    }
    let runtime = builder.enable_all().build()?;
    Ok(runtime.block_on(work))
}

/// A flag that SIGINT and SIGTERM set.
pub(crate) fn stop_flag() -> Stop {
    let stop: Stop = Arc::new(AtomicBool::new(false));
    let set = Arc::clone(&stop);
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        ) else {
            return;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        set.store(true, Ordering::Relaxed);
    });
    stop
}

fn run(job: &Job, source: &Source) -> u8 {
    let options = job.options();
    let mut line = ProgressLine::new(!job.json);
    let outcome = block_on(job.cores, async {
        let stop = stop_flag();
        job::run(source, &options, &stop, &mut |stage| line.show(stage)).await
    });
    line.clear();
    match outcome {
        Ok(Ok(summary)) => {
            report_summary(&summary, source, job.json);
            SUCCESS
        }
        Ok(Err(failed)) => report_failure(&failed, source, job.json),
        Err(error) => {
            eprintln!("error: {error}");
            FAILED
        }
    }
}

fn check(job: &Job, source: &Source) -> u8 {
    let diagnostics = job::check(source, &job.options());
    report(&diagnostics, source, job.json);
    let errors = diagnostics
        .iter()
        .filter(|each| each.severity == Severity::Error)
        .count();
    if !job.json && errors == 0 {
        println!("{}: no errors", source.name());
    }
    if errors > 0 { WRONG } else { SUCCESS }
}

fn explain(job: &Job, source: &Source) -> u8 {
    let options = job.options();
    match block_on(job.cores, job::explain(source, &options)) {
        Ok(Ok(text)) => {
            print!("{text}");
            SUCCESS
        }
        Ok(Err(failed)) => report_failure(&failed, source, job.json),
        Err(error) => {
            eprintln!("error: {error}");
            FAILED
        }
    }
}

fn report(diagnostics: &[Diagnostic], source: &Source, json: bool) {
    if json {
        let records: Vec<_> = diagnostics.iter().map(|each| each.record(source)).collect();
        println!("{}", serde_json::json!({ "diagnostics": records }));
        return;
    }
    for diagnostic in diagnostics {
        eprint!("{}", diagnostic.render(source));
    }
}

pub(crate) fn report_failure(failed: &Failed, source: &Source, json: bool) -> u8 {
    match failed {
        Failed::Script(diagnostics) => {
            report(diagnostics, source, json);
            WRONG
        }
        Failed::Run(diagnostic) => {
            report(std::slice::from_ref(&**diagnostic), source, json);
            FAILED
        }
        Failed::Stopped => {
            eprintln!("stopped; nothing was committed");
            STOPPED
        }
    }
}

fn report_summary(summary: &Summary, source: &Source, json: bool) {
    if json {
        let outputs = summary.outputs.iter().map(|output| {
            serde_json::json!({ "path": output.path, "rows": output.rows, "bytes": output.bytes })
        });
        let warnings = summary.warnings.iter().map(|each| each.record(source));
        let record = serde_json::json!({
            "outputs": outputs.collect::<Vec<_>>(),
            "rows_read": summary.rows_read,
            "bytes_read": summary.bytes_read,
            "rows_inserted": summary.rows_inserted,
            "diagnostics": warnings.collect::<Vec<_>>(),
        });
        println!("{record}");
        return;
    }
    report(&summary.warnings, source, false);
    for output in &summary.outputs {
        println!(
            "{}: {} rows, {} bytes",
            short(&output.path),
            output.rows,
            output.bytes
        );
    }
    if summary.rows_inserted > 0 {
        println!("{} rows were added to tables", summary.rows_inserted);
    }
}

fn short(path: &Path) -> String {
    path.strip_prefix("./")
        .unwrap_or(path)
        .display()
        .to_string()
}

/// How often the line of progress changes.
const SHOWN_EVERY: Duration = Duration::from_millis(200);

/// One line on the terminal that says how far the job is.
struct ProgressLine {
    shown: bool,
    next: Instant,
    dirty: bool,
}

impl ProgressLine {
    fn new(wanted: bool) -> Self {
        Self {
            shown: wanted && std::io::stderr().is_terminal(),
            next: Instant::now() + SHOWN_EVERY,
            dirty: false,
        }
    }

    fn show(&mut self, stage: &Stage) {
        if !self.shown || Instant::now() < self.next {
            return;
        }
        self.next = Instant::now() + SHOWN_EVERY;
        self.dirty = true;
        let Stage {
            name,
            number,
            count,
            rows_read,
            bytes_read,
            rows_written,
        } = stage;
        let megabytes = bytes_read / 1_000_000;
        // The job does not depend on it.
        let _ = write!(
            std::io::stderr(),
            "\r\x1b[K[{number}/{count}] {name}: {rows_read} rows ({megabytes} MB) read, {rows_written} written"
        );
    }

    fn clear(&mut self) {
        if self.dirty {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}
