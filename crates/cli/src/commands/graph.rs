//! `stepwell graph`: the picture of a run's graph, or of the pipeline a program would submit.

use std::io;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_api::{DataPlace, GraphView, SubmitRun};
use stepwell_layout::{Drawing, Edge, EdgeKind, Node, NodeState};

use crate::capture::{Snapshots, capture};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::terminal;
use crate::session::{Context, Session};
use crate::{output, select};

/// Draw the graph of a run, or of the pipeline a program submits
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stepwell graph last
  stepwell graph train_pipeline.py -o pipeline.svg

A program is run up to its first submission, and nothing is submitted.")]
pub(crate) struct Args {
    /// A Python program, or a run: its id, its first or last eight digits, or `last`
    #[arg(value_name = "FILE.py|RUN")]
    subject: String,
    /// Draw SVG; the default when the output's name ends in `.svg`
    #[arg(long, conflicts_with = "text")]
    svg: bool,
    /// Draw text; the default otherwise
    #[arg(long)]
    text: bool,
    /// Write to this file
    #[arg(long, short, value_name = "FILE")]
    output: Option<Utf8PathBuf>,
}

/// Does it.
pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let named_svg = args
        .output
        .as_ref()
        .is_some_and(|file| file.extension() == Some("svg"));
    let svg = args.svg || (named_svg && !args.text);
    let picture = if is_program(&args.subject) {
        draw(&of_program(Utf8Path::new(&args.subject), context)?, svg)
    } else {
        of_run(&context.existing_session()?, &args.subject, svg)?
    };
    match &args.output {
        Some(file) => fs_err::write(file, picture)?,
        None => output::print(&picture)?,
    }
    Ok(Exit::Success)
}

fn is_program(subject: &str) -> bool {
    Utf8Path::new(subject).extension() == Some("py")
}

fn draw(drawing: &Drawing, svg: bool) -> String {
    if svg {
        stepwell_layout::svg(drawing)
    } else {
        stepwell_layout::text(drawing, terminal::size(&io::stdout()).0)
    }
}

/// The picture of a run. The SVG is the server's own, the same as on the run's page.
fn of_run(session: &Session, subject: &str, svg: bool) -> Result<String, Failure> {
    let run = select::run(session, subject)?;
    if svg {
        let bytes = session.call(|client| client.graph_svg(run.id))?;
        return Ok(String::from_utf8_lossy(&bytes).into_owned());
    }
    let view = session.call(|client| client.graph(run.id))?;
    Ok(draw(&of_view(&view, &run.experiment), false))
}

fn of_view(view: &GraphView, title: &str) -> Drawing {
    let nodes = view.nodes.iter().map(|node| Node {
        label: node.name.clone(),
        detail: node.kind.clone(),
        state: state(&node.status),
        note: String::new(),
    });
    let edges = view.edges.iter().map(|edge| Edge {
        from: edge.from,
        to: edge.to,
        kind: match edge.output {
            Some(_) => EdgeKind::Data,
            None => EdgeKind::Order,
        },
        label: edge.output.clone().unwrap_or_default(),
    });
    Drawing {
        title: title.to_owned(),
        nodes: nodes.collect(),
        edges: edges.collect(),
    }
}

fn state(status: &str) -> NodeState {
    match status {
        "NotStarted" => NodeState::Waiting,
        "Queued" => NodeState::Queued,
        "Preparing" => NodeState::Preparing,
        "Running" | "CancelRequested" => NodeState::Running,
        "Completed" => NodeState::Succeeded,
        "Failed" => NodeState::Failed,
        "Canceled" => NodeState::Cancelled,
        _ => NodeState::Plain,
    }
}

/// The picture of what a program would submit.
fn of_program(program: &Utf8Path, context: &Context) -> Result<Drawing, Failure> {
    Ok(of_submission(&capture(program, context, Snapshots::Leave)?))
}

fn of_submission(submission: &SubmitRun) -> Drawing {
    let nodes = submission.steps.iter().map(|step| Node {
        label: step.name.clone(),
        detail: step.target.clone(),
        ..Node::default()
    });
    let mut edges = Vec::new();
    for (to, step) in submission.steps.iter().enumerate() {
        let to = u32::try_from(to).expect("a submission has fewer steps");
        for input in &step.inputs {
            if let DataPlace::Step(source) = &input.source {
                edges.push(Edge {
                    from: source.step,
                    to,
                    kind: EdgeKind::Data,
                    label: source.output.clone(),
                });
            }
        }
        edges.extend(step.after.iter().map(|from| Edge {
            from: *from,
            to,
            kind: EdgeKind::Order,
            label: String::new(),
        }));
    }
    Drawing {
        title: submission.experiment.clone(),
        nodes: nodes.collect(),
        edges,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submission_is_drawn_with_its_data_and_its_order() {
        let step = |name: &str, inputs: serde_json::Value, after: &[u32]| {
            serde_json::json!({
                "name": name, "kind": "PythonScriptStep", "target": "aml-cluster",
                "task": {
                    "type": "process",
                    "program": {"script": "a.py"},
                    "environment": {"kind": "interpreter", "python": "/usr/bin/python3"},
                },
                "inputs": inputs, "after": after,
            })
        };
        let input = serde_json::json!([{"name": "data", "source": {"step": {"step": 0, "output": "clean"}}}]);
        let none = serde_json::json!([]);
        let submission = serde_json::json!({
            "experiment": "churn",
            "steps": [step("prepare", none.clone(), &[]), step("train", input, &[]), step("report", none, &[1])],
        });
        let submission = serde_json::from_value(submission).expect("a submission");
        let drawing = of_submission(&submission);
        let edges: Vec<_> = drawing
            .edges
            .iter()
            .map(|edge| (edge.from, edge.to, edge.kind, edge.label.as_str()))
            .collect();
        assert_eq!(
            edges,
            [(0, 1, EdgeKind::Data, "clean"), (1, 2, EdgeKind::Order, "")]
        );
    }
}
