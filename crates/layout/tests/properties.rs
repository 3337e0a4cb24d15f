//! What holds for every graph, sensible or not.

use std::collections::HashMap;

use proptest::prelude::*;
use stepwell_layout::{Drawing, Edge, EdgeKind, Layout, Node, NodeState, layout, svg, text};

fn drawing(count: usize, ends: impl IntoIterator<Item = (u32, u32)>) -> Drawing {
    let node = |number| Node {
        label: format!("step {number}"),
        ..Node::default()
    };
    let edge = |(from, to)| Edge {
        from,
        to,
        kind: EdgeKind::Data,
        label: String::new(),
    };
    Drawing {
        title: String::new(),
        nodes: (0..count).map(node).collect(),
        edges: ends.into_iter().map(edge).collect(),
    }
}

fn acyclic() -> impl Strategy<Value = Drawing> {
    (2_usize..40).prop_flat_map(|count| {
        let last = count as u32 - 1;
        let ends = (0..last).prop_flat_map(move |from| (Just(from), from + 1..=last));
        prop::collection::vec(ends, 0..90).prop_map(move |ends| drawing(count, ends))
    })
}

fn weird() -> impl Strategy<Value = Drawing> {
    (
        0_usize..20,
        prop::collection::vec((0_u32..24, 0_u32..24), 0..90),
    )
        .prop_map(|(count, ends)| drawing(count, ends))
}

/// Cards of one height lie in rows; within a row they must stand apart.
fn check_apart(layout: &Layout) {
    let mut rows: HashMap<u64, Vec<(f64, f64)>> = HashMap::new();
    for card in &layout.nodes {
        assert!(card.x >= 0.0 && card.x + card.width <= layout.width);
        assert!(card.y >= 0.0 && card.y + card.height <= layout.height);
        rows.entry(card.y.to_bits())
            .or_default()
            .push((card.x, card.x + card.width));
    }
    for row in rows.values_mut() {
        row.sort_by(|a, b| a.0.total_cmp(&b.0));
        for pair in row.windows(2) {
            assert!(
                pair[1].0 - pair[0].1 >= 20.0,
                "cards are too near: {pair:?}"
            );
        }
    }
}

/// Straight pieces of an edge keep clear of every card but those at its ends.
fn check_clear(layout: &Layout) {
    for way in &layout.edges {
        for piece in way.windows(2).filter(|piece| piece[0].x == piece[1].x) {
            for card in &layout.nodes {
                let beside = piece[0].x <= card.x || piece[0].x >= card.x + card.width;
                let apart = piece[1].y <= card.y || piece[0].y >= card.y + card.height;
                assert!(beside || apart, "{piece:?} crosses {card:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cards_stand_apart_and_edges_run_down_between_them(drawing in acyclic()) {
        let layout = layout(&drawing);
        check_apart(&layout);
        check_clear(&layout);
        for (edge, way) in drawing.edges.iter().zip(&layout.edges) {
            let (from, to) = (&layout.nodes[edge.from as usize], &layout.nodes[edge.to as usize]);
            prop_assert!(from.y + from.height < to.y, "{edge:?} does not lead down");
            prop_assert!(way.windows(2).all(|piece| piece[0].y < piece[1].y), "{way:?}");
            if let (Some(first), Some(last)) = (way.first(), way.last()) {
                prop_assert_eq!(first.y, from.y + from.height);
                prop_assert_eq!(last.y, to.y);
            }
        }
    }

    #[test]
    fn any_graph_is_drawn_and_always_in_the_same_way(drawing in weird(), columns in 0_usize..120) {
        check_apart(&layout(&drawing));
        prop_assert_eq!(svg(&drawing), svg(&drawing.clone()));
        let lines = text(&drawing, columns);
        let fits = |line: &str| columns < 40 || line.chars().count() <= columns;
        prop_assert!(lines.lines().all(fits), "{lines}");
        for node in &drawing.nodes {
            let shown = lines.lines().filter(|line| line.ends_with(&format!("  {}", node.label)));
            prop_assert!(columns < 40 || lines.contains('←') || shown.count() == 1, "{lines}");
        }
    }

    #[test]
    fn a_live_picture_does_not_move(
        mut drawing in acyclic(),
        states in prop::collection::vec(0_usize..10, 40),
    ) {
        let before = layout(&drawing);
        for (node, state) in drawing.nodes.iter_mut().zip(states) {
            node.state = NodeState::ALL[state];
            node.note = format!("{state} h 30 min");
        }
        prop_assert_eq!(before, layout(&drawing));
    }
}

#[test]
fn edges_that_make_no_sense_are_left_out() {
    let drawing = drawing(3, [(0, 1), (1, 1), (0, 1), (1, 2), (2, 0), (0, 9)]);
    let drawn: Vec<bool> = layout(&drawing)
        .edges
        .iter()
        .map(|way| !way.is_empty())
        .collect();
    assert_eq!(drawn, [true, false, false, true, false, false]);
}

#[test]
fn a_fork_and_join_is_symmetric() {
    let layout = layout(&drawing(4, [(0, 1), (0, 2), (1, 3), (2, 3)]));
    let [top, left, right, bottom] = layout.nodes.as_slice() else {
        panic!("four cards")
    };
    assert_eq!((left.y, left.x < right.x), (right.y, true));
    assert_eq!((left.x + right.x) / 2.0, top.x);
    assert_eq!(top.x, bottom.x);
}

#[test]
fn a_wide_fan_becomes_a_grid() {
    let layout = layout(&drawing(
        1002,
        (1..=1000).flat_map(|step| [(0, step), (step, 1001)]),
    ));
    check_apart(&layout);
    let ratio = layout.width / layout.height;
    assert!(
        (1.0..2.5).contains(&ratio),
        "{} x {}",
        layout.width,
        layout.height
    );
}

#[test]
fn a_hundred_thousand_steps_are_laid_out() {
    const COUNT: u32 = 100_000;
    let mixed = |step: u32| step.wrapping_mul(0x9E37_79B1) >> 3;
    let shapes: [(&str, Vec<(u32, u32)>); 4] = [
        ("chain", (1..COUNT).map(|step| (step - 1, step)).collect()),
        ("fan", (1..COUNT).map(|step| (0, step)).collect()),
        (
            "lanes",
            (300..COUNT).map(|step| (step - 300, step)).collect(),
        ),
        (
            "web",
            (1..COUNT)
                .flat_map(|step| [(step / 2, step), (mixed(step) % step, step)])
                .collect(),
        ),
    ];
    for (shape, ends) in shapes {
        let drawing = drawing(COUNT as usize, ends);
        check_apart(&layout(&drawing));
        assert!(
            text(&drawing, 80).lines().count() >= COUNT as usize,
            "{shape}"
        );
    }
}
