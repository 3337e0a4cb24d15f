//! What people see: pipelines as SVG and as text.

use insta::assert_snapshot;
use stepwell_layout::{Drawing, Edge, EdgeKind, Node, NodeState, STYLE, svg, text};

/// A graph from lines such as `prepare -> train -> compare` and `clean ~> compare` (order only).
fn graph(chains: &[&str]) -> Drawing {
    let mut drawing = Drawing::default();
    for chain in chains {
        let mut from: Option<(u32, EdgeKind)> = None;
        for word in chain.split_inclusive('>') {
            let label = word.trim_end_matches(['-', '~', '>']).trim();
            let known = drawing.nodes.iter().position(|node| node.label == label);
            let to = known.unwrap_or_else(|| {
                let label = label.to_owned();
                drawing.nodes.push(Node {
                    label,
                    ..Node::default()
                });
                drawing.nodes.len() - 1
            }) as u32;
            if let Some((from, kind)) = from {
                drawing.edges.push(Edge {
                    from,
                    to,
                    kind,
                    label: String::new(),
                });
            }
            let kind = if word.ends_with("~>") {
                EdgeKind::Order
            } else {
                EdgeKind::Data
            };
            from = Some((to, kind));
        }
    }
    drawing
}

fn example() -> Drawing {
    let mut drawing = graph(&[
        "prepare -> train logistic regression -> compare and register",
        "prepare -> train gradient boosting -> compare and register",
    ]);
    drawing.title = "digits".to_owned();
    drawing.edges[0].label = "data".to_owned();
    // Nodes are numbered as they are named, so the comparison is the third.
    let states = [
        (NodeState::Succeeded, "1.2 s"),
        (NodeState::Succeeded, "3.4 s"),
        (NodeState::Waiting, ""),
        (NodeState::Running, "12.3 s"),
    ];
    for (node, (state, note)) in drawing.nodes.iter_mut().zip(states) {
        node.state = state;
        node.note = note.to_owned();
        node.detail = "python · cpu".to_owned();
    }
    drawing
}

#[test]
fn the_example_as_svg() {
    let picture = svg(&example());
    assert_snapshot!(picture.replace(STYLE, "…\n"), @r##"
    <svg xmlns="http://www.w3.org/2000/svg" class="stepwell-graph" role="img" aria-label="digits" width="532" height="350" viewBox="0 0 532 350">
    <title>digits</title>
    <style>
    …
    </style>
    <defs><g id="sw-marks"><circle class="sw-dot" r="3"/><path class="sw-hands" d="M0-4V.2L2.6 1.8"/><path class="sw-tick" d="M-3.4 .3L-1.1 2.7L3.4-2.4"/><path class="sw-cross" d="M-2.6-2.6L2.6 2.6M2.6-2.6L-2.6 2.6"/><path class="sw-dash" d="M-3.2 0H3.2"/><path class="sw-stop" d="M-1.8-1.8H1.8V1.8H-1.8Z"/></g></defs>
    <path class="edge data" data-from="0" data-to="1" d="M266 80C266 110 136 110 136 140"><title>data</title></path>
    <path class="edge data" data-from="1" data-to="2" d="M136 203C136 233 266 233 266 263"/>
    <path class="edge data" data-from="0" data-to="3" d="M266 80C266 110 396 110 396 140"/>
    <path class="edge data" data-from="3" data-to="2" d="M396 203C396 233 266 233 266 263"/>
    <path class="head" d="M132 140h8L136 147Z"/>
    <path class="head" d="M392 140h8L396 147Z"/>
    <path class="head" d="M262 263h8L266 270Z"/>
    <g class="node succeeded" data-step="0" transform="translate(154 24)"><title>prepare · python · cpu · Completed · 1.2 s</title><rect class="card" width="224" height="56" rx="10"/><circle class="ring" cx="22" cy="28" r="8"/><use class="mark" href="#sw-marks" x="22" y="28"/><text class="label" x="42" y="25">prepare</text><text class="detail" x="42" y="42">python · cpu</text><text class="note" x="208" y="42">1.2 s</text></g>
    <g class="node succeeded" data-step="1" transform="translate(24 147)"><title>train logistic regression · python · cpu · Completed · 3.4 s</title><rect class="card" width="224" height="56" rx="10"/><circle class="ring" cx="22" cy="28" r="8"/><use class="mark" href="#sw-marks" x="22" y="28"/><text class="label" x="42" y="25">train logistic regression</text><text class="detail" x="42" y="42">python · cpu</text><text class="note" x="208" y="42">3.4 s</text></g>
    <g class="node waiting" data-step="2" transform="translate(154 270)"><title>compare and register · python · cpu · NotStarted</title><rect class="card" width="224" height="56" rx="10"/><circle class="ring" cx="22" cy="28" r="8"/><use class="mark" href="#sw-marks" x="22" y="28"/><text class="label" x="42" y="25">compare and register</text><text class="detail" x="42" y="42">python · cpu</text><text class="note" x="208" y="42"></text></g>
    <g class="node running" data-step="3" transform="translate(284 147)"><title>train gradient boosting · python · cpu · Running · 12.3 s</title><rect class="card" width="224" height="56" rx="10"/><circle class="ring" cx="22" cy="28" r="8"/><use class="mark" href="#sw-marks" x="22" y="28"/><text class="label" x="42" y="25">train gradient boosting</text><text class="detail" x="42" y="42">python · cpu</text><text class="note" x="208" y="42">12.3 s</text></g>
    </svg>
    "##);
}

#[test]
fn the_example_as_text() {
    assert_snapshot!(text(&example(), 80), @r##"
    ✓    prepare                    python · cpu  Completed   1.2 s
    ├─✓  train logistic regression  python · cpu  Completed   3.4 s
    ├─●  train gradient boosting    python · cpu  Running     12.3 s
    ◌    compare and register       python · cpu  NotStarted
    "##);
}

#[test]
fn a_narrow_terminal_loses_details_first_and_names_last() {
    assert_snapshot!(text(&example(), 48), @r##"
    ✓    prepare                  Completed   1.2 s
    ├─✓  train logistic regress…  Completed   3.4 s
    ├─●  train gradient boosting  Running     12.3 s
    ◌    compare and register     NotStarted
    "##);
    assert_snapshot!(text(&example(), 24), @r##"
    ✓    prepare
    ├─✓  train logis…
    ├─●  train gradi…
    ◌    compare and…
    "##);
}

#[test]
fn rails_branch_join_and_pass_under_each_other() {
    let drawing = graph(&[
        "ingest -> clean -> features -> train -> evaluate -> deploy",
        "ingest -> profile -> report",
        "clean -> report",
        "labels -> train",
        "features -> evaluate",
        "approve ~> deploy",
    ]);
    assert_snapshot!(text(&drawing, 80), @r##"
    ○        ingest
    ├─╮
    ○ │      clean
    ├─│─╮
    ○ │ │    features
    ├─│─│─╮
    │ ○ │ │  profile
    │ ╰─┤ │
    │   ○ │  report
    │ ○   │  labels
    ├─╯   │
    ○     │  train
    ╰─────┤
          ○  evaluate
    ○     │  approve
    ╰─────┤
          ○  deploy
    "##);
}

#[test]
fn steps_without_edges_do_not_look_like_a_chain() {
    let mut drawing = graph(&["a -> b"]);
    for label in ["c", "d", "e"] {
        drawing.nodes.push(Node {
            label: label.to_owned(),
            ..Node::default()
        });
    }
    assert_snapshot!(text(&drawing, 80), @r##"
    ○    a
    ○    b

      ○  c
      ○  d
      ○  e
    "##);
}

#[test]
fn where_rails_find_no_room_the_steps_before_are_named() {
    let mut chains: Vec<String> = (0..6)
        .map(|part| format!("split -> train {part} -> test {part} -> choose"))
        .collect();
    chains.push("choose -> publish".to_owned());
    let chains: Vec<&str> = chains.iter().map(String::as_str).collect();
    assert_snapshot!(text(&graph(&chains), 30), @r##"
    ○  split
    ○  train 0  ← split
    ○  test 0   ← train 0
    ○  train 1  ← split
    ○  test 1   ← train 1
    ○  train 2  ← split
    ○  test 2   ← train 2
    ○  train 3  ← split
    ○  test 3   ← train 3
    ○  train 4  ← split
    ○  test 4   ← train 4
    ○  train 5  ← split
    ○  test 5   ← train 5
    ○  choose   ← test 0, test 1,…
    ○  publish  ← choose
    "##);
}

#[test]
fn an_empty_pipeline_says_so() {
    assert_eq!(text(&Drawing::default(), 80), "(no steps)\n");
    assert!(svg(&Drawing::default()).contains(">no steps</text>"));
}

#[test]
fn words_of_a_step_cannot_become_markup_or_steer_the_terminal() {
    let mut drawing = graph(&["a -> b"]);
    drawing.title = "\"><script>".to_owned();
    drawing.nodes[0].label = "</title><script>&\u{1b}[2J".to_owned();
    drawing.edges[0].label = "<b>".to_owned();
    let picture = svg(&drawing);
    assert!(!picture.contains("<script") && !picture.contains("<b>"));
    assert!(picture.contains("&lt;/title&gt;&lt;script&gt;&amp; [2J"));
    assert!(!picture.contains('\u{1b}') && !text(&drawing, 80).contains('\u{1b}'));
}

#[test]
fn every_state_has_its_own_glyph_and_a_rule_in_the_style() {
    for (index, state) in NodeState::ALL.into_iter().enumerate() {
        let rule = format!(".stepwell-graph .{} ", state.as_str());
        assert!(STYLE.contains(&rule), "no rule for {rule}");
        let others = &NodeState::ALL[index + 1..];
        assert!(
            others.iter().all(|other| other.glyph() != state.glyph()),
            "{state:?}"
        );
    }
}
