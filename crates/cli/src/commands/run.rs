//! `stepwell run`: runs a program as `python FILE.py` does, and shows the progress of what it
//! submits.
//!
//! The program's input, output and exit code are its own. Only on a terminal does its output
//! pass through here, line by line, so that it scrolls above the live view.

use std::io::{self, IsTerminal as _, Read};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use camino::Utf8Path;
use stepwell_api::Run;

use crate::discover::Place;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lines::Lines;
use crate::progress::{Message, Stream, View, Watch};
use crate::render::status::title;
use crate::select::short;
use crate::session::{Context, Session};
use crate::{interrupt, output, python, service};

/// How long the rest of a program's output is waited for once it has ended.
const REST_MAX: Duration = Duration::from_secs(1);

/// Run a Python program, and show the progress of the pipelines it starts
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "stepwell run [OPTIONS] FILE.py [ARGS]...",
    after_help = "\
Examples:
  stepwell run train_pipeline.py
  stepwell run train_pipeline.py --epochs 3

It does what `python FILE.py` does, and ends with the program's exit code. The progress goes to
standard error: live on a terminal, else as plain lines. A program that asks questions needs
--plain. After Ctrl-C the runs that were started go on, and on a terminal it asks whether to cancel
them; it ends with 130."
)]
pub(crate) struct Args {
    /// Plain lines instead of the live view
    #[arg(long)]
    plain: bool,
    /// The program and its arguments: all that follows the program's name is its own
    #[arg(required = true, trailing_var_arg = true, value_name = "FILE.py")]
    pub(crate) program: Vec<String>,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let file = Utf8Path::new(&args.program[0]);
    if !file.is_file() {
        let message = format!("there is no file `{file}`");
        let hint = "give the path of a Python program";
        return Err(Failure::new(Exit::NotFound, message, hint));
    }
    let python = python::find()?;
    let session = Arc::new(context.session()?);
    let live = !args.plain && io::stderr().is_terminal();
    let (sender, messages) = channel();
    let watch = Watch::start(&session, sender.clone())?;
    let mut program = start(args, &python, live, context)?;
    let interrupts = interrupt::leave_to(&program)?;
    let view = if live { View::live() } else { View::plain() };
    let showing = thread::spawn(move || view.show(&messages));
    let status = follow(&mut program, &sender)?;
    let was_interrupted = interrupts.end() && !status.success();
    let going_on = watch.finish();
    showing.join().expect("the view does not panic");
    for run in &going_on {
        let (title, id) = (title(run), short(run.id));
        output::note(&format!("{title} goes on: `stepwell logs {id} --follow`"));
    }
    if was_interrupted {
        cancel_if_wanted(&session, &going_on)?;
        return Ok(Exit::Interrupted);
    }
    Ok(Exit::Program(code(status)))
}

/// After Ctrl-C, asks on a terminal whether the runs that go on are to be cancelled. Another Ctrl-C
/// is no.
fn cancel_if_wanted(session: &Session, going_on: &[Run]) -> Result<(), Failure> {
    if going_on.is_empty() || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(());
    }
    let them = if going_on.len() == 1 { "it" } else { "them" };
    eprint!("Cancel {them}? [y/N] ");
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if !["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
        return Ok(());
    }
    for run in going_on {
        session.call(|client| client.cancel(run.id))?;
        output::note(&format!("{} is asked to stop", title(run)));
    }
    Ok(())
}

fn start(args: &Args, python: &Utf8Path, live: bool, context: &Context) -> Result<Child, Failure> {
    let piped = |is_terminal: bool| match live && is_terminal {
        true => Stdio::piped(),
        false => Stdio::inherit(),
    };
    let mut command = Command::new(python);
    command.args(&args.program).envs(environment(context)?);
    if live {
        // Python holds back what it writes to a pipe.
        command.env("PYTHONUNBUFFERED", "1");
    }
    let program = command
        .stdout(piped(io::stdout().is_terminal()))
        .stderr(piped(io::stderr().is_terminal()))
        .spawn();
    program.map_err(|error| {
        let message = format!("cannot start `{python}`: {error}");
        Failure::new(Exit::Refused, message, "")
    })
}

/// The environment variables that lead the SDK to this program and to the server of its folder.
pub(crate) fn environment(context: &Context) -> Result<Vec<(&'static str, String)>, Failure> {
    let mut variables = vec![("STEPWELL_BIN", service::program()?.into_string())];
    if let Place::Local(home) = context.place()? {
        variables.push(("STEPWELL_DATA", home.data_folder.into_string()));
    }
    Ok(variables)
}

/// Passes on what the program prints, until it has ended.
fn follow(program: &mut Child, sender: &Sender<Message>) -> Result<ExitStatus, Failure> {
    let (reading, all_read) = channel::<()>();
    if let Some(pipe) = program.stdout.take() {
        pass_on(pipe, Stream::Out, sender.clone(), reading.clone());
    }
    if let Some(pipe) = program.stderr.take() {
        pass_on(pipe, Stream::Err, sender.clone(), reading.clone());
    }
    drop(reading);
    let status = program.wait()?;
    // Something the program left running in the background may hold its pipes open for ever.
    let _ = all_read.recv_timeout(REST_MAX);
    Ok(status)
}

/// Sends the lines of a pipe; `reading` is dropped at its end.
fn pass_on(
    mut pipe: impl Read + Send + 'static,
    stream: Stream,
    sender: Sender<Message>,
    reading: Sender<()>,
) {
    thread::spawn(move || {
        let _reading = reading;
        let mut lines = Lines::default();
        let mut buffer = vec![0; 16 * 1024];
        // Nobody listens any more only when this command is ending.
        let mut send = |line: &str| drop(sender.send(Message::Line(stream, line.to_owned())));
        while let Ok(count @ 1..) = pipe.read(&mut buffer) {
            lines.push(&buffer[..count], &mut send);
        }
        lines.finish(&mut send);
    });
}

/// The code a shell would report.
fn code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok())
        .unwrap_or(u8::MAX)
}
