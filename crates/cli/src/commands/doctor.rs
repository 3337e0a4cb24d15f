//! `stepwell doctor`: what is installed, which server serves this folder, what is wrong and how
//! to mend it. It starts nothing and changes nothing.

use std::io;

use serde::Serialize;

use crate::doctor::{self, Finding, Verdict};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::render::style::{Paint, Style};
use crate::session::Context;

/// Check the installation and the server of this folder
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell doctor
  stepwell doctor --folder my-project --json

It ends with code 1 when something is wrong.")]
pub(crate) struct Args {
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
