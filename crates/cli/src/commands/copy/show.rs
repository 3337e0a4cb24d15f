//! What a copy shows: a bar on a terminal, the plan, the outcome.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use stepwell_transfer::{Outcome, Plan, Snapshot};

use crate::render::size;

/// How often the bar is drawn.
pub(super) const DRAW_EVERY: Duration = Duration::from_millis(100);

/// How many files a plan lists.
const LINES_MAX: usize = 20;

/// The bar; hidden where nobody sees it.
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new(plan: &Plan, is_quiet: bool) -> Self {
        if is_quiet || !io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(plan.bytes());
        let template = "{bar:24} {percent:>3} %  {msg}  {decimal_bytes_per_sec}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self(bar)
    }

    pub(super) fn draw(&mut self, at: &Snapshot) {
        self.0.set_position(at.bytes);
        self.0.set_message(format!(
            "{} of {} files, {} of {}",
            at.files,
            at.files_total,
            size::bytes(at.bytes),
            size::bytes(at.bytes_total)
        ));
    }

    pub(super) fn finish(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What would be done.
pub(super) fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    for file in plan.files.iter().take(LINES_MAX) {
        let name = match file.target.as_str() {
            "" => file.source.name.as_str(),
            target => target,
        };
        let note = match file.replaces {
            Some(_) => " (replaced)",
            None => "",
        };
        let bytes = size::bytes(file.source.size);
        let name = if name.is_empty() { "the file" } else { name };
        let _ = writeln!(text, "{bytes:>9}  {name}{note}");
    }
    if plan.files.len() > LINES_MAX {
        let more = size::count(plan.files.len() - LINES_MAX, "more file");
        let _ = writeln!(text, "{:>9}  {more}; `--json` lists all", "");
    }
    let files = size::count(plan.files.len(), "file");
    let bytes = size::bytes(plan.bytes());
    let _ = writeln!(text, "{files}, {bytes} would be copied{}", rest(plan));
    text
}

/// What was done.
pub(super) fn outcome(outcome: &Outcome, plan: &Plan, seconds: f64) -> String {
    let files = size::count(usize::try_from(outcome.files).unwrap_or(usize::MAX), "file");
    let bytes = size::bytes(outcome.bytes);
    let resumed = match outcome.resumed_bytes {
        0 => String::new(),
        bytes => format!(", of which {} were there from before", size::bytes(bytes)),
    };
    let rest = rest(plan);
    format!("copied {files}, {bytes} in {seconds:.1} s{resumed}{rest}\n")
}

fn rest(plan: &Plan) -> String {
    let mut text = String::new();
    if !plan.unchanged.is_empty() {
        let _ = write!(
            text,
            "; {} unchanged",
            size::count(plan.unchanged.len(), "file")
        );
    }
    if plan.left_out > 0 {
        let _ = write!(text, "; {} left out", size::count(plan.left_out, "file"));
    }
    text
}
