//! `stepwell doctor`: what is installed, which server serves this folder, what is wrong and how
//! to fix it; or, of a program or a folder, what of Azure ML it uses and whether that works here. It
//! starts no server and changes nothing.

use std::io;
use std::process::Command;

use camino::{Utf8Path, Utf8PathBuf};
use serde::Serialize;

use crate::doctor::{self, Finding, Verdict};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::python;
use crate::render::style::{Paint, Style};
use crate::session::Context;

/// The module of the SDK that reads programs.
const READER: &str = "stepwell._compatibility";

/// Check the installation and the server of this folder, or what of Azure ML a program uses
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell doctor
  stepwell doctor --folder my-project --json
  stepwell doctor train.py
  stepwell doctor my-repository

It ends with code 1 when something is wrong, or when a program uses what is missing. Programs are
read, not run.")]
pub(crate) struct Args {
    /// A Python program, a notebook, or a folder of them: list what of Azure ML it uses
    program: Option<Utf8PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report<'a> {
    healthy: bool,
    findings: &'a [Finding],
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    if let Some(program) = &args.program {
        return read_program(program, args.json);
    }
    let findings = doctor::examine(context)?;
    let healthy = !findings
        .iter()
        .any(|finding| finding.verdict == Verdict::Wrong);
    if args.json {
        output::json(&Report {
            healthy,
            findings: &findings,
        })?;
    } else {
        output::print(&render(&findings, Style::of(&io::stdout())))?;
    }
    Ok(if healthy { Exit::Success } else { Exit::Failed })
}

/// Lets the SDK read a program; its output and exit code are those of the command.
fn read_program(program: &Utf8Path, json: bool) -> Result<Exit, Failure> {
    if !program.exists() {
        let message = format!("there is no file or folder `{program}`");
        return Err(Failure::new(
            Exit::NotFound,
            message,
            "give the path of a program, a notebook or a folder of them",
        ));
    }
    let python = python::find()?;
    let mut command = Command::new(&python);
    command.args(["-m", READER]).arg(program);
    if json {
        command.arg("--json");
    }
    let status = command.status().map_err(|error| {
        let message = format!("`{python}` cannot be started: {error}");
        Failure::new(Exit::Refused, message, "")
    })?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(match code {
        Some(0) => Exit::Success,
        Some(code) => Exit::Program(code),
        None => Exit::Interrupted,
    })
}

fn render(findings: &[Finding], style: Style) -> String {
    let width = findings
        .iter()
        .map(|finding| finding.subject.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for finding in findings {
        let (mark, paint) = match finding.verdict {
            Verdict::Fine => ("ok   ", Paint::Green),
            Verdict::Note => ("note ", Paint::Yellow),
            Verdict::Wrong => ("WRONG", Paint::Red),
        };
        let mark = style.paint(paint, mark);
        text.push_str(&format!(
            "{mark}  {:<width$}  {}\n",
            finding.subject, finding.what
        ));
        if !finding.hint.is_empty() {
            text.push_str(&format!("{:7}{:width$}  {}\n", "", "", finding.hint));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_listed_with_what_to_do() {
        let findings = [
            Finding::fine("stepwell", "0.1.0"),
            Finding::note("uv", "not found", "`pip install uv`"),
            Finding::wrong(
                "data folder",
                "`/p/.stepwell` cannot be written",
                "make it writable",
            ),
        ];
        insta::assert_snapshot!(render(&findings, Style::PLAIN), @"
        ok     stepwell     0.1.0
        note   uv           not found
                            `pip install uv`
        WRONG  data folder  `/p/.stepwell` cannot be written
                            make it writable
        ");
    }
}
