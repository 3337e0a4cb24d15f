//! How the watched runs stand: a fold of messages, and its two texts.
//!
//! Invariant: a status never goes back, so that events that are sent again, as a stream does from
//! its start, change nothing.

use jiff::Timestamp;
use stepwell_api::{ParallelProgress, Run, RunEvent, RunStatus};
use uuid::Uuid;

use crate::render::moment::{parse, span};
use crate::render::size;
use crate::render::status::{has_begun, paint, title};
use crate::render::style::{Paint, Style};
use crate::select::short;

/// Beyond this width a long name pushes its times out of their column.
const NAME_MAX: usize = 40;

/// One run or step.
#[derive(Debug)]
struct Row {
    id: Uuid,
    name: String,
    status: RunStatus,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    message: Option<String>,
    /// How far a parallel step is.
    progress: Option<String>,
}

/// A run with its steps.
#[derive(Debug)]
struct Tree {
    run: Row,
    steps: Vec<Row>,
}

/// All that is watched.
#[derive(Debug, Default)]
pub(super) struct Board {
    trees: Vec<Tree>,
}

impl Row {
    /// A row before anything happened; events say what did.
    fn new(run: &Run, name: String) -> Self {
        Self {
            id: run.id,
            name,
            status: RunStatus::NotStarted,
            started: None,
            ended: None,
            message: None,
            progress: None,
        }
    }

    fn of(run: &Run, name: String) -> Self {
        Self {
            status: run.status,
            started: run.started_at.as_deref().and_then(parse),
            ended: run.ended_at.as_deref().and_then(parse),
            message: run.error.as_ref().map(|error| error.message.clone()),
            ..Self::new(run, name)
        }
    }

    /// Whether the event was news.
    fn apply(&mut self, event: &RunEvent) -> bool {
        if rank(event.status) <= rank(self.status) {
            return false;
        }
        let at = parse(&event.at);
        if event.status == RunStatus::Running {
            self.started = at;
        }
        if event.status.is_over() {
            self.ended = at;
        }
        self.status = event.status;
        self.message.clone_from(&event.message);
        true
    }

    /// A pipeline runs from its first step's start; no event says so.
    fn begin(&mut self, at: Option<Timestamp>) {
        self.started = self.started.or(at);
        self.status = self.status.max(RunStatus::Running);
    }

    fn took(&self, now: Timestamp) -> String {
        self.started.map_or_else(String::new, |started| {
            let ended = self.ended.unwrap_or(now);
            span(ended.as_millisecond() - started.as_millisecond())
        })
    }
}

/// How far a status is on the way from submission to end; all ends are as far.
fn rank(status: RunStatus) -> RunStatus {
    status.min(RunStatus::Canceled)
}

impl Board {
    /// A run was found; the line that says so.
    pub(super) fn found(&mut self, run: &Run, steps: &[Run]) -> String {
        let row = |step: &Run| Row::new(step, step.display_name.clone());
        let name = title(run);
        let mut line = format!("{name}: run {}", short(run.id));
        if !steps.is_empty() {
            line.push_str(&format!(" with {}", size::count(steps.len(), "step")));
        }
        let top = match run.kind.as_str() {
            // No event is sent for a run that a program ends itself.
            "interactive" => Row::of(run, name),
            _ => Row::new(run, name),
        };
        self.trees.push(Tree {
            run: top,
            steps: steps.iter().map(row).collect(),
        });
        line
    }

    /// Something changed; the line that says so, if it is news.
    pub(super) fn changed(&mut self, root: Uuid, event: &RunEvent) -> Option<String> {
        let tree = self.trees.iter_mut().find(|tree| tree.run.id == root)?;
        let top = tree.run.name.clone();
        if event.run != tree.run.id && event.status == RunStatus::Running {
            tree.run.begin(parse(&event.at));
        }
        let is_top = tree.run.id == event.run;
        let row = match is_top {
            true => &mut tree.run,
            false => tree.steps.iter_mut().find(|step| step.id == event.run)?,
        };
        if !row.apply(event) {
            return None;
        }
        let mut line = match is_top {
            true => format!("{top}: {}", row.status),
            false => format!("{top}: {}: {}", row.name, row.status),
        };
        if let (Some(ended), Some(_)) = (row.ended, row.started) {
            line.push_str(&format!(" after {}", row.took(ended)));
        }
        if let Some(message) = &row.message {
            line.push_str(&format!(": {message}"));
        }
        Some(line)
    }

    /// A parallel step has come further.
    pub(super) fn progressed(&mut self, root: Uuid, step: Uuid, progress: &ParallelProgress) {
        let tree = self.trees.iter_mut().find(|tree| tree.run.id == root);
        let row = tree.and_then(|tree| tree.steps.iter_mut().find(|row| row.id == step));
        if let Some(row) = row.filter(|row| !row.status.is_over()) {
            row.progress = Some(how_far(progress));
        }
    }

    /// How a run stands at the end, events or not.
    pub(super) fn finally(&mut self, run: &Run, steps: &[Run]) {
        let row = |step: &Run| Row::of(step, step.display_name.clone());
        if let Some(tree) = self.trees.iter_mut().find(|tree| tree.run.id == run.id) {
            tree.run = Row::of(run, title(run));
            tree.steps = steps.iter().map(row).collect();
        }
    }

    /// The live picture in at most `lines_max` lines; `frame` turns the spinners.
    pub(super) fn lines(
        &self,
        now: Timestamp,
        lines_max: usize,
        frame: usize,
        style: Style,
    ) -> Vec<String> {
        let per_tree = (lines_max / self.trees.len().max(1)).max(1);
        let mut lines = Vec::new();
        // The newest runs are the ones waited for.
        let hidden = self.trees.len().saturating_sub(lines_max);
        for tree in &self.trees[hidden..] {
            lines.push(tree.head(now, frame, style));
            lines.extend(tree.body(now, per_tree - 1, frame, style));
        }
        lines
    }
}

impl Tree {
    fn head(&self, now: Timestamp, frame: usize, style: Style) -> String {
        let mark = mark(self.run.status, frame);
        let status = style.paint(
            paint(self.run.status),
            &format!("{mark} {}", self.run.status),
        );
        let name = style.paint(Paint::Bold, &self.run.name);
        let done = self.count(RunStatus::Completed);
        let steps = match self.steps.len() {
            0 => String::new(),
            count => format!("  {done}/{count} steps"),
        };
        let mut line = format!("{name}  {status}{steps}  {}", self.run.took(now));
        if let Some(message) = self.run.message.as_ref().filter(|_| self.steps.is_empty()) {
            line.push_str(&format!("  {message}"));
        }
        line.trim_end().to_owned()
    }

    fn count(&self, status: RunStatus) -> usize {
        self.steps
            .iter()
            .filter(|step| step.status == status)
            .count()
    }

    /// All steps if there is room; else those that fail or run, and how many others there are.
    fn body(&self, now: Timestamp, lines_max: usize, frame: usize, style: Style) -> Vec<String> {
        if lines_max == 0 {
            return Vec::new();
        }
        let names = self.steps.iter().map(|step| step.name.chars().count());
        let width = names.max().unwrap_or(0).min(NAME_MAX);
        let line = |step: &&Row| step_line(step, width, now, frame, style);
        if self.steps.len() <= lines_max {
            return self.steps.iter().map(|step| line(&step)).collect();
        }
        let telling = |step: &&Row| has_begun(step.status) && step.status != RunStatus::Completed;
        let shown = self.steps.iter().filter(telling).take(lines_max - 1);
        let mut lines: Vec<String> = shown.map(|step| line(&step)).collect();
        let hidden = self.steps.len() - lines.len();
        let done = self.count(RunStatus::Completed);
        let waiting = self
            .steps
            .iter()
            .filter(|step| !has_begun(step.status))
            .count();
        let rest = format!("  … {hidden} more: {done} completed, {waiting} waiting");
        lines.push(style.paint(Paint::Faint, &rest));
        lines
    }
}

/// `12/40 mini-batches, 1 failed, 31 items/s, 20 s left`.
fn how_far(progress: &ParallelProgress) -> String {
    let tally = &progress.tally;
    let more = if progress.all_planned { "" } else { "+" };
    let mut text = format!("{}/{}{more} mini-batches", tally.done, tally.planned);
    if tally.failed > 0 {
        text.push_str(&format!(", {} failed", tally.failed));
    }
    text.push_str(&format!(", {:.0} items/s", progress.items_per_s));
    if let Some(left) = progress.left_s {
        text.push_str(&format!(", {:.0} s left", left.ceil()));
    }
    text
}

fn step_line(step: &Row, width: usize, now: Timestamp, frame: usize, style: Style) -> String {
    let colour = paint(step.status);
    let mark = style.paint(colour, mark(step.status, frame));
    let mut line = format!("  {mark} {:width$}  {:>8}", step.name, step.took(now));
    if let Some(message) = &step.message {
        line.push_str(&style.paint(colour, &format!("  {message}")));
    } else if let Some(progress) = step.progress.as_ref().filter(|_| !step.status.is_over()) {
        line.push_str(&format!("  {progress}"));
    }
    line.trim_end().to_owned()
}

/// A sign for a status; the one of running turns.
fn mark(status: RunStatus, frame: usize) -> &'static str {
    const TURNING: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
    match status {
        RunStatus::Completed => "✓",
        RunStatus::Failed => "✗",
        RunStatus::Canceled => "■",
        RunStatus::Preparing | RunStatus::Running | RunStatus::CancelRequested => {
            TURNING[frame % TURNING.len()]
        }
        RunStatus::NotStarted | RunStatus::Queued => "·",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    fn event(run: &Run, second: u32, status: RunStatus) -> RunEvent {
        RunEvent {
            root: run.root,
            seq: 1,
            at: format!("2026-03-01T12:00:{second:02}Z"),
            run: run.id,
            step: run.step,
            status,
            message: (status == RunStatus::Failed)
                .then(|| "`train.py` exited with code 1".to_owned()),
            logged: None,
        }
    }

    /// A board after some events, and the lines they gave.
    fn board() -> (Board, Vec<String>) {
        let (run, steps) = (example::pipeline(), example::steps());
        let mut board = Board::default();
        let mut lines = vec![board.found(&run, &steps)];
        let events = [
            event(&steps[0], 1, RunStatus::Running),
            event(&steps[0], 4, RunStatus::Completed),
            // Sent again, as after a reconnection.
            event(&steps[0], 1, RunStatus::Running),
            event(&steps[1], 4, RunStatus::Running),
            event(&steps[2], 4, RunStatus::Running),
            event(&steps[2], 9, RunStatus::Failed),
        ];
        lines.extend(
            events
                .iter()
                .filter_map(|event| board.changed(run.id, event)),
        );
        (board, lines)
    }

    fn picture(board: &Board, lines_max: usize) -> String {
        let now = "2026-03-01T12:00:10Z".parse().expect("a time");
        board.lines(now, lines_max, 0, Style::PLAIN).join("\n")
    }

    #[test]
    fn news_are_told_once() {
        insta::assert_snapshot!(board().1.join("\n"), @"
        diabetes #3: run 55556666 with 4 steps
        diabetes #3: prepare: Running
        diabetes #3: prepare: Completed after 3.0 s
        diabetes #3: train logistic: Running
        diabetes #3: train trees: Running
        diabetes #3: train trees: Failed after 5.0 s: `train.py` exited with code 1
        ");
    }

    #[test]
    fn the_picture_shows_every_step_where_there_is_room() {
        insta::assert_snapshot!(picture(&board().0, 20), @"
        diabetes #3  ⠋ Running  1/4 steps  9.0 s
          ✓ prepare            3.0 s
          ⠋ train logistic     6.0 s
          ✗ train trees        5.0 s  `train.py` exited with code 1
          · compare
        ");
    }

    #[test]
    fn a_parallel_step_says_how_far_it_is_while_it_runs() {
        let (mut board, _) = board();
        let (run, steps) = (example::pipeline(), example::steps());
        let progress = serde_json::json!({
            "state": "running",
            "tally": {"planned": 40, "done": 12, "failed": 1, "wavering": 0, "failed_tries": 3,
                "items": 130, "failed_items": 10, "rows": 120},
            "all_planned": false, "in_flight": 4, "items_per_s": 31.2, "left_s": null,
            "elapsed_ms": 4000, "reason": null, "workers": [],
        });
        let mut progress: ParallelProgress = serde_json::from_value(progress).expect("progress");
        board.progressed(run.id, steps[1].id, &progress);
        board.progressed(run.id, steps[0].id, &progress);
        let lines = picture(&board, 20);
        insta::assert_snapshot!(lines.lines().nth(2).unwrap_or_default(), @"  ⠋ train logistic     6.0 s  12/40+ mini-batches, 1 failed, 31 items/s");
        assert!(
            !lines.contains("prepare            3.0 s  12"),
            "it is over"
        );
        (progress.all_planned, progress.left_s) = (true, Some(19.2));
        assert_eq!(
            how_far(&progress),
            "12/40 mini-batches, 1 failed, 31 items/s, 20 s left"
        );
    }

    #[test]
    fn the_picture_of_many_steps_shows_those_that_matter() {
        insta::assert_snapshot!(picture(&board().0, 4), @"
        diabetes #3  ⠋ Running  1/4 steps  9.0 s
          ⠋ train logistic     6.0 s
          ✗ train trees        5.0 s  `train.py` exited with code 1
          … 2 more: 1 completed, 1 waiting
        ");
        assert_eq!(picture(&board().0, 1).lines().count(), 1);
    }
}
