//! What people see of a parallel step while it runs and afterwards: lines in the step's log, the
//! files below `logs/`, and `progress.json`, which the server hands out.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use camino::{Utf8Path, Utf8PathBuf};
use serde::{Deserialize, Serialize};

use crate::core::{Micros, SECOND, Tally, WorkerView};

/// The name of the file in the state folder.
pub const PROGRESS: &str = "progress.json";

/// How many failed tries are reported in full; afterwards they are only counted.
const ERRORS_SHOWN_MAX: u64 = 2_000;
/// How many names of items are reported of a mini-batch.
const ITEMS_SHOWN_MAX: usize = 100;

/// How far a parallel step is. Stored; only grows, with defaults.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// `running`, `completed`, `failed` or `cancelled`.
    pub state: String,
    /// The counts.
    pub tally: Tally,
    /// Whether `planned` is the number of all mini-batches.
    pub all_planned: bool,
    /// Mini-batches that are with a worker or wait for one.
    pub in_flight: u64,
    /// Items a second over the last half minute.
    pub items_per_s: f64,
    /// How much longer, in seconds, if all are planned and the pace is known.
    pub left_s: Option<f64>,
    /// How long this attempt has run, in milliseconds.
    pub elapsed_ms: u64,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The workers.
    pub workers: Vec<WorkerView>,
}

/// Writes reports.
pub(crate) struct Reporter {
    logs: Utf8PathBuf,
    state: Utf8PathBuf,
    overview: fs_err::File,
    errors: Option<fs_err::File>,
    errors_shown: u64,
    pace: Pace,
    next_line: Micros,
    line_pause: Micros,
}

impl Reporter {
    /// Reports into the folders of a run; `stamp` marks this attempt's overview.
    pub(crate) fn new(
        files: &Utf8Path,
        state: &Utf8Path,
        stamp: &str,
        tally: &Tally,
    ) -> io::Result<Self> {
        let logs = files.join("logs");
        fs_err::create_dir_all(logs.join("user"))?;
        fs_err::create_dir_all(state)?;
        let path = logs.join(format!("job_progress_overview.{stamp}.txt"));
        let overview = fs_err::OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)?;
        Ok(Self {
            logs,
            state: state.to_owned(),
            overview,
            errors: None,
            errors_shown: 0,
            pace: Pace::new(tally.items),
            next_line: 2 * SECOND,
            line_pause: 2 * SECOND,
        })
    }

    /// A line for the step's log.
    pub(crate) fn say(line: &str) {
        // There is nobody to report to if the log cannot be written.
        let _ = writeln!(io::stdout(), "{line}");
    }

    /// A failed try: a line in the step's log, and with the items in `logs/user/error.txt`.
    pub(crate) fn failed(&mut self, what: &str, items: &[String], detail: &str) {
        self.errors_shown += 1;
        if self.errors_shown > ERRORS_SHOWN_MAX {
            if self.errors_shown == ERRORS_SHOWN_MAX + 1 {
                Self::say("more failures follow; they are only counted");
            }
            return;
        }
        Self::say(what);
        let mut text = format!("{what}\n");
        for item in items.iter().take(ITEMS_SHOWN_MAX) {
            let _ = writeln!(text, "    {item}");
        }
        if items.len() > ITEMS_SHOWN_MAX {
            let _ = writeln!(text, "    and {} more", items.len() - ITEMS_SHOWN_MAX);
        }
        text.push_str(detail);
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push('\n');
        if self.errors.is_none() {
            let path = self.logs.join("user").join("error.txt");
            let opened = fs_err::OpenOptions::new()
                .append(true)
                .create(true)
                .open(path);
            self.errors = opened.ok();
        }
        if let Some(errors) = &mut self.errors {
            let _ = errors.write_all(text.as_bytes());
        }
    }

    /// Called about twice a second: writes `progress.json`, and lines further and further apart.
    pub(crate) fn progress(&mut self, mut progress: Progress, now: Micros) {
        self.pace.note(now, progress.tally.items);
        progress.items_per_s = self.pace.items_per_s();
        let settled = progress.tally.done + progress.tally.failed;
        let open = progress.tally.planned.saturating_sub(settled);
        let per_batch = progress.tally.items as f64 / settled.max(1) as f64;
        if progress.all_planned && progress.items_per_s > 0.0 {
            progress.left_s = Some(open as f64 * per_batch / progress.items_per_s);
        }
        if now >= self.next_line {
            self.line_pause = (self.line_pause * 3 / 2).min(30 * SECOND);
            self.next_line = now + self.line_pause;
            let line = line(&progress);
            let _ = writeln!(self.overview, "{} {line}", jiff::Timestamp::now());
            Self::say(&line);
        }
        self.write(&progress);
    }

    /// The end: the last state of everything, and `logs/job_result.txt`.
    pub(crate) fn ended(&mut self, mut progress: Progress) {
        progress.items_per_s =
            progress.tally.items as f64 * 1000.0 / progress.elapsed_ms.max(1) as f64;
        let mut text = format!("{}\n{}\n", progress.state, line(&progress));
        if let Some(reason) = &progress.reason {
            let _ = writeln!(text, "{reason}");
        }
        let _ = writeln!(
            self.overview,
            "{} {}",
            jiff::Timestamp::now(),
            line(&progress)
        );
        let _ = fs_err::write(self.logs.join("job_result.txt"), text);
        self.write(&progress);
        Self::say(&line(&progress));
    }

    /// A full disk must not stop the step for want of a report.
    fn write(&self, progress: &Progress) {
        let aside = self.state.join(format!("{PROGRESS}.new"));
        let written = serde_json::to_vec(progress)
            .map_err(io::Error::from)
            .and_then(|text| std::fs::write(&aside, text));
        if written.is_ok() {
            let _ = std::fs::rename(aside, self.state.join(PROGRESS));
        }
    }
}

/// `12 of 40 mini-batches done, 1 failed, 4 in flight; 31.2 items/s; 2 min left`.
fn line(progress: &Progress) -> String {
    let Tally {
        planned,
        done,
        failed,
        failed_items,
        ..
    } = progress.tally;
    let all = if progress.all_planned { "" } else { "+" };
    let mut line = format!("{done} of {planned}{all} mini-batches done, {failed} failed");
    if failed_items > 0 {
        let _ = write!(line, " ({failed_items} items)");
    }
    if progress.state == "running" {
        let _ = write!(line, ", {} in flight", progress.in_flight);
    }
    let _ = write!(line, "; {:.1} items/s", progress.items_per_s);
    if let Some(left) = progress.left_s.filter(|_| progress.state == "running") {
        let _ = match left.ceil() {
            seconds if seconds < 120.0 => write!(line, "; {seconds:.0} s left"),
            seconds => write!(line, "; {:.0} min left", seconds / 60.0),
        };
    }
    line
}

/// Items a second, over a window that moves.
struct Pace {
    /// Moments with the items that were settled then; the first is about half a minute old.
    marks: std::collections::VecDeque<(Micros, u64)>,
}

impl Pace {
    const WINDOW: Micros = 30 * SECOND;

    fn new(items: u64) -> Self {
        Self {
            marks: [(0, items)].into(),
        }
    }

    fn note(&mut self, now: Micros, items: u64) {
        self.marks.push_back((now, items));
        while self.marks.len() > 2 && self.marks[1].0 + Self::WINDOW <= now {
            self.marks.pop_front();
        }
    }

    fn items_per_s(&self) -> f64 {
        match (self.marks.front(), self.marks.back()) {
            (Some((from, before)), Some((to, after))) if to > from => {
                (after - before) as f64 * SECOND as f64 / (to - from) as f64
            }
            _ => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_it_is_and_how_long_it_will_take() {
        let mut progress = Progress {
            state: "running".to_owned(),
            tally: Tally {
                planned: 40,
                done: 12,
                failed: 1,
                failed_items: 10,
                ..Tally::default()
            },
            all_planned: false,
            in_flight: 4,
            items_per_s: 31.25,
            left_s: None,
            elapsed_ms: 4000,
            reason: None,
            workers: Vec::new(),
        };
        insta::assert_snapshot!(line(&progress), @"12 of 40+ mini-batches done, 1 failed (10 items), 4 in flight; 31.2 items/s");
        progress.all_planned = true;
        progress.left_s = Some(150.0);
        insta::assert_snapshot!(line(&progress), @"12 of 40 mini-batches done, 1 failed (10 items), 4 in flight; 31.2 items/s; 2 min left");
    }

    #[test]
    fn the_pace_is_that_of_the_last_half_minute() {
        let mut pace = Pace::new(1000);
        for second in 1..=100 {
            pace.note(
                second * SECOND,
                1000 + second * if second > 50 { 20 } else { 2 },
            );
        }
        assert!(
            (pace.items_per_s() - 20.0).abs() < 0.01,
            "{}",
            pace.items_per_s()
        );
    }
}
