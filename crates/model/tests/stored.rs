//! Rows of the journal, damaged anywhere: refused, or read as something that is written back equal.
//! Nothing panics.
//!
//! More of it: `PROPTEST_CASES=1000000 cargo test -p stepwell-model --test stored`.

use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stepwell_model::{ComputeKind, Event, Graph, RunSpec, Template, WorkerRequest};

/// A graph of one step.
const GRAPH: &str = r#"{"steps":[{"run":"0192f5c4-1111-7222-8333-444455556666","name":"a","kind":"k","target":"local","task":{"task":"process","program":{"command":"true"},"arguments":[],"environment":{"kind":"interpreter","python":"p"},"snapshot":null,"variables":{}},"inputs":[],"outputs":[],"after":[],"allow_reuse":true}]}"#;

/// Rows as servers have written them.
const ROWS: &[&str] = &[
    r#"{"e":"submitted"}"#,
    r#"{"e":"assigned","step":3,"attempt":1,"key":"0000000000000000000000000000000000000000000000000000000000000000"}"#,
    r#"{"e":"reused","step":0,"source":"0192f5c4-1111-7222-8333-444455556666","key":"00ff000000000000000000000000000000000000000000000000000000000000"}"#,
    r#"{"e":"waiting","step":1,"attempt":2,"for":"cluster_queue","detail":"x"}"#,
    r#"{"e":"interrupted","step":0,"attempt":1,"failure":{"kind":"lost","summary":"s"},"usage":{}}"#,
    r#"{"e":"fail_asked","step":0,"failure":{"kind":"user_code","summary":"s"},"stops":true}"#,
    r#"{"e":"skipped","step":0,"because":{"said_to_fail":{"kind":"user_code","summary":"s"}}}"#,
    r#"{"e":"finished","status":"Completed"}"#,
    r#"{"kind":"isolated","readable":["/data"],"writable":[]}"#,
    GRAPH,
    r#"{"version":1,"run":"0192f5c4-1111-7222-8333-444455556666","task":{},"inputs":{},"outputs":{},"state":"s","files":"f","record":"r"}"#,
];

fn judge<T: DeserializeOwned + Serialize>(text: &str) -> Result<(), TestCaseError> {
    let Ok(read) = serde_json::from_str::<T>(text) else {
        return Ok(());
    };
    let written = serde_json::to_string(&read).expect("what was read can be written");
    let again: T = serde_json::from_str(&written).expect("what was written can be read");
    prop_assert_eq!(serde_json::to_string(&again).expect("JSON"), written);
    Ok(())
}

fn judge_all(text: &str) -> Result<(), TestCaseError> {
    judge::<Event>(text)?;
    judge::<RunSpec>(text)?;
    judge::<Graph>(text)?;
    judge::<Template>(text)?;
    judge::<WorkerRequest>(text)?;
    judge::<ComputeKind>(text)
}

#[test]
fn a_row_as_it_was_written_is_read() {
    for row in ROWS {
        let errors = [
            serde_json::from_str::<Event>(row).err(),
            serde_json::from_str::<Graph>(row).err(),
            serde_json::from_str::<WorkerRequest>(row).err(),
            serde_json::from_str::<ComputeKind>(row).err(),
        ];
        assert!(errors.iter().any(Option::is_none), "{row}: {errors:?}");
    }
}

#[test]
fn a_stored_graph_with_impossible_edges_is_refused() {
    let read = |after: &str| {
        let row = GRAPH.replace(r#""after":[]"#, &format!(r#""after":[{after}]"#));
        serde_json::from_str::<Graph>(&row).map_err(|error| error.to_string())
    };
    assert_eq!(read("").err(), None);
    let circle = read("0").expect_err("it waits for itself");
    assert!(circle.contains("in a circle: a -> a"), "{circle}");
    let nowhere = read("7").expect_err("there is one step");
    assert!(nowhere.contains("step number 7"), "{nowhere}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_row_is_refused_or_read(
        row in prop::sample::select(ROWS),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = row.as_bytes().to_vec();
        for (place, byte) in places {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if is_cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        judge_all(&String::from_utf8_lossy(&bytes))?;
    }

    #[test]
    fn any_text_is_refused_or_read(text in "[\\[\\]{}\":,a-z0-9 ]{0,60}|.{0,60}") {
        judge_all(&text)?;
    }
}
