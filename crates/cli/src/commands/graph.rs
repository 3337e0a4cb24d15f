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
  stepwell graph train_pipeline.py --epochs 3

The name of the output decides the format: SVG for `.svg`, text for `.txt`. What follows a program's
name and is no option of this command is the program's own. A program is run up to its first submission, and nothing is submitted.")]
pub(crate) struct Args {
    /// A Python program, or a run: its id, its first or last eight digits, or `last`
    #[arg(value_name = "FILE.py|RUN")]
    subject: String,
    /// The program's arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
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
    let svg = is_svg(args)?;
    let picture = if is_program(&args.subject) {
        let program = Utf8Path::new(&args.subject);
        let submission = capture(program, &args.args, context, Snapshots::Leave)?;
        draw(&of_submission(&submission), svg)
    } else {
        if let Some(argument) = args.args.first() {
            let message = format!("`{argument}` is an argument, which a run does not take");
            let hint = "only a program takes arguments: `stepwell graph FILE.py ARGS`";
            return Err(Failure::new(Exit::Usage, message, hint));
        }
        of_run(&context.existing_session()?, &args.subject, svg)?
    };
    match &args.output {
        Some(file) => fs_err::write(file, picture)?,
        None => output::print(&picture)?,
    }
    Ok(Exit::Success)
}

/// Whether SVG is drawn: as an option says, else as the output is named.
fn is_svg(args: &Args) -> Result<bool, Failure> {
    let extension = args.output.as_ref().and_then(|file| file.extension());
    let named = match extension.map(str::to_ascii_lowercase).as_deref() {
        Some("svg") => Some(true),
        Some("txt" | "text" | "md") | None => Some(false),
        Some(_) => None,
    };
    match (args.svg, args.text, named) {
        (true, ..) => Ok(true),
        (_, true, _) => Ok(false),
        (.., Some(svg)) => Ok(svg),
        (.., None) => {
            let file = args.output.as_ref().map_or("", |file| file.as_str());
            let message = format!("a picture named `{file}` cannot be drawn: it is SVG or text");
            let hint = "name the output `.svg`, which browsers and image programs read, or `.txt`";
            Err(Failure::new(Exit::Usage, message, hint))
        }
    }
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
        state: state(&node.state),
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

/// How a step of a run is drawn; a word that is not known is drawn without a state.
fn state(word: &str) -> NodeState {
    let known = NodeState::ALL
        .into_iter()
        .find(|state| state.as_str() == word);
    known.unwrap_or_default()
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
