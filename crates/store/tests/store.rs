//! Ring 3: the database on real files.

use std::collections::BTreeMap;

use camino::Utf8PathBuf;
use stepwell_model::{
    Event, Failure, FailureKind, Outcome, RunId, RunKind, RunStatus, StepIndex, Timestamp, Usage,
    WaitReason,
};
use stepwell_store::runs::{Filter, NewRun};
use stepwell_store::{
    Connection, Error, IdDigits, NamedPart, Store, catalog, experiments, journal, metrics,
    retention, runs,
};
use uuid::Uuid;

const NOW: Timestamp = Timestamp::from_millis(1_000);

fn folder() -> (camino_tempfile::Utf8TempDir, Utf8PathBuf) {
    let folder = camino_tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("stepwell.db");
    (folder, path)
}

fn run(number: u128, parent: Option<u128>, experiment: Uuid) -> NewRun {
    let id = |number| RunId::new(Uuid::from_u128(number));
    NewRun {
        id: id(number),
        kind: if parent.is_some() {
            RunKind::Step
        } else {
            RunKind::Pipeline
        },
        experiment,
        display_name: format!("run {number}"),
        description: String::new(),
        status: RunStatus::NotStarted,
        parent: parent.map(id),
        root: id(parent.unwrap_or(number)),
        step: parent.map(|_| 0),
        step_kind: None,
        target: None,
        snapshot: None,
        user: "ann".to_owned(),
        tags: BTreeMap::new(),
        properties: BTreeMap::new(),
        parameters: BTreeMap::new(),
        outputs: Vec::new(),
        created: NOW,
        idempotency_key: None,
        published: None,
    }
}

/// A pipeline run 1 with its one step, run 2.
async fn with_pipeline(store: &Store) -> (RunId, RunId) {
    let made = store.write_durable(|db| {
        let experiment = experiments::ensure(db, "e", Uuid::from_u128(9), NOW)?;
        runs::insert(db, &run(1, None, experiment.id))?;
        runs::insert(db, &run(2, Some(1), experiment.id))
    });
    made.await.expect("inserted");
    (
        RunId::new(Uuid::from_u128(1)),
        RunId::new(Uuid::from_u128(2)),
    )
}

#[tokio::test]
async fn facts_that_were_read_before_learn_of_newer_runs_and_references_only() {
    let (_folder, path) = folder();
    let store = Store::open(&path).expect("opens");
    let (root, _) = with_pipeline(&store).await;
    let mut facts = store.read(retention::facts).await.expect("read");
    let work = store.write(move |db| {
        assert_eq!((facts.refresh(db)?, facts.runs.len()), (false, 2));
        let finished = Event::Finished {
            status: RunStatus::Completed,
        };
        journal::append(db, root, root, &finished, NOW)?;
        assert!(!facts.refresh(db)?, "a run that ends refers to nothing new");
        assert!(!facts.runs[0].over, "it stays as it was read");
        let experiment = experiments::ensure(db, "e", Uuid::from_u128(9), NOW)?;
        runs::insert(db, &run(3, None, experiment.id))?;
        assert_eq!((facts.refresh(db)?, facts.runs.len()), (true, 3));
        assert!(!facts.refresh(db)?, "once");
        let view = "blob/.views/0192f5c4111172228333444455556666/x";
        let compute = "INSERT INTO computes (name, kind, settings_json) VALUES ('c', 'local', ?)";
        db.execute(compute, [view])?;
        assert!(facts.refresh(db)?, "a table that is not known names a path");
        Ok(())
    });
    work.await.expect("worked");
}

#[tokio::test]
async fn digits_of_an_id_find_runs_at_any_depth_by_either_end() {
    let (_folder, path) = folder();
    let store = Store::open(&path).expect("opens");
    let insert = store.write(|db| {
        let experiment = experiments::ensure(db, "e", Uuid::from_u128(9), NOW)?;
        let ids = [
            (0x0192f5c4_1111_7222_8333_4444aaaaaaaa, None),
            (
                0x0192f5c4_1111_7222_8333_4444bbbbbbbb,
                Some(0x0192f5c4_1111_7222_8333_4444aaaaaaaa),
            ),
            (0x0192ffff_1111_7222_8333_0192f5c40000, None),
        ];
        for (id, parent) in ids {
            runs::insert(db, &run(id, parent, experiment.id))?;
        }
        Ok(())
    });
    insert.await.expect("inserted");
    let found = async |digits: &'static str, limit| {
        let digits = IdDigits::parse(digits).expect("digits");
        let read = move |db: &_| runs::find_abbreviated(db, &digits, limit);
        let found = store.read(read).await.expect("read");
        let names = found.iter().map(|run| run.id.to_string()[28..].to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found("bbbbbbbb", 9).await, "bbbbbbbb");
    assert_eq!(found("4444AAAAAAAA", 9).await, "aaaaaaaa");
    assert_eq!(found("5555aaaaaaaa", 9).await, "");
    assert_eq!(found("0192f5c", 9).await, "aaaaaaaa", "not its step");
    assert_eq!(found("0192-f", 9).await, "aaaaaaaa f5c40000");
    assert_eq!(found("0192f", 1).await, "aaaaaaaa");
    assert_eq!(
        found("0192f5c4-1111-7222-8333-4444bbbbbbbb", 9).await,
        "bbbbbbbb"
    );
    assert_eq!(found("bbbb", 9).await, "", "a short ending finds nothing");
}

#[tokio::test]
async fn rows_follow_the_journal() {
    let (_folder, path) = folder();
    let store = Store::open(&path).expect("opens");
    let (root, step) = with_pipeline(&store).await;
    let failure = Failure::new(FailureKind::UserCode, "the script exited with status 1");
    let first = StepIndex(0);
    let events = [
        Event::Submitted,
        Event::Assigned {
            step: first,
            attempt: 1,
            key: None,
        },
        Event::Began,
        Event::Started {
            step: first,
            attempt: 1,
        },
        Event::Ended {
            step: first,
            attempt: 1,
            outcome: Outcome::Failed(failure, Usage::default()),
        },
        Event::Finished {
            status: RunStatus::Failed,
        },
    ];
    let append = store.write(move |db| {
        let append = |event| journal::append(db, root, step, event, NOW);
        events.iter().map(append).collect::<Result<Vec<_>, _>>()
    });
    let live: Vec<_> = append
        .await
        .expect("appended")
        .into_iter()
        .flatten()
        .collect();

    let read = store.read(move |db| {
        Ok((
            runs::find(db, root)?,
            runs::find(db, step)?,
            journal::changes_after(db, root, 0)?,
        ))
    });
    let (pipeline, step_row, replayed) = read.await.expect("read");
    let pipeline = pipeline.expect("the pipeline");
    assert_eq!(pipeline.status, RunStatus::Failed);
    let message = pipeline.failure.expect("a failure").message;
    assert_eq!(
        message,
        "step `run 2` failed: the script exited with status 1"
    );
    assert_eq!(step_row.expect("the step").status, RunStatus::Failed);
    assert_eq!(live, replayed, "a late reader sees what a live one saw");
}

#[tokio::test]
async fn what_was_written_is_there_after_reopening() {
    let (_folder, path) = folder();
    let store = Store::open(&path).expect("opens");
    let (root, _) = with_pipeline(&store).await;
    let again = Store::open(&path).expect("opens a second time");
    let found = again
        .read(move |db| runs::find(db, root))
        .await
        .expect("read");
    assert_eq!(found.expect("the run").number, 1);
}

#[tokio::test]
async fn a_failed_change_leaves_nothing_and_harms_no_neighbour() {
    let (_folder, path) = folder();
    let store = Store::open(&path).expect("opens");
    let bad = store.write(|db| {
        experiments::ensure(db, "half", Uuid::from_u128(5), NOW)?;
        Err::<(), _>(Error::Conflict("no".to_owned()))
    });
    let good = store.write(|db| experiments::ensure(db, "whole", Uuid::from_u128(6), NOW));
    let (bad, good) = tokio::join!(bad, good);
    assert!(matches!(bad, Err(Error::Conflict(_))));
    good.expect("the neighbour is kept");
    let names = store.read(|db| {
        Ok(experiments::list(db, &NamedPart::default())?
            .into_iter()
            .map(|e| e.name)
            .collect::<Vec<_>>())
    });
    assert_eq!(names.await.expect("read"), vec!["whole".to_owned()]);
}

#[tokio::test]
async fn tags_of_an_experiment_change_one_by_one() {
    let (_folder, path) = folder();
    let store = Store::open(&path).expect("opens");
    let change = |set: &[(&str, &str)], remove: &[&str]| experiments::TagsChange {
        set: set
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        remove: remove.iter().map(|name| (*name).into()).collect(),
    };
    let (first, second) = (
        change(&[("a", "1"), ("b", "2")], &[]),
        change(&[("a", "3")], &["b", "c"]),
    );
    let changed = store.write(move |db| {
        let nobody = experiments::change_tags(db, "e", first.clone())?;
        assert_eq!(nobody, None, "it must be there");
        experiments::ensure(db, "e", Uuid::from_u128(9), NOW)?;
        experiments::change_tags(db, "e", first)?;
        let changed = experiments::change_tags(db, "e", second)?;
        assert_eq!(changed, experiments::find(db, "e")?, "it is stored");
        Ok(changed.map(|experiment| experiment.tags))
    });
    let tags = changed.await.expect("written").expect("it is there");
    assert_eq!(tags, [("a".to_owned(), "3".to_owned())].into());
}

#[tokio::test]
async fn a_batch_of_metrics_sent_twice_is_logged_once() {
    let (_folder, path) = folder();
    let store = Store::open(&path).expect("opens");
    let (root, _) = with_pipeline(&store).await;
    let point = |value: &str| metrics::Point {
        name: "loss".to_owned(),
        kind: "scalar".to_owned(),
        value_json: value.to_owned(),
        step: None,
        at: NOW,
        description: String::new(),
    };
    let points = vec![point("1"), point("0.5")];
    for new in [2, 0] {
        let points = points.clone();
        let added = store
            .write(move |db| metrics::add(db, root, "w", 0, &points))
            .await;
        assert_eq!(added.expect("added"), new);
    }
    let read = store
        .read(move |db| metrics::list(db, root, Some("loss")))
        .await;
    assert_eq!(read.expect("read"), points);
}

#[tokio::test]
async fn lists_page_newest_first_without_gaps() {
    let (_folder, path) = folder();
    let store = Store::open(&path).expect("opens");
    let insert = store.write(|db| {
        let experiment = experiments::ensure(db, "e", Uuid::from_u128(9), NOW)?;
        (1..=5).try_for_each(|number| runs::insert(db, &run(number, None, experiment.id)))
    });
    insert.await.expect("inserted");
    let mut numbers = Vec::new();
    let mut after = None;
    loop {
        let filter = Filter {
            after,
            top_level: true,
            ..Filter::default()
        };
        let page = store
            .read(move |db| runs::list(db, &filter, 2))
            .await
            .expect("read");
        let Some(last) = page.last() else { break };
        after = Some(last.seq);
        numbers.extend(page.iter().map(|run| run.number));
    }
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn equal_environments_share_a_version() {
    let (_folder, path) = folder();
    let store = Store::open(&path).expect("opens");
    let register = |text: &'static str| {
        store.write(move |db| Ok(catalog::register_environment(db, "env", text, NOW)?.version))
    };
    let versions = [
        register("1").await,
        register("1").await,
        register("2").await,
    ];
    assert_eq!(
        versions.map(|version| version.expect("registered")),
        [1, 1, 2]
    );
}

#[tokio::test]
async fn properties_cannot_be_changed_once_set() {
    let (_folder, path) = folder();
    let store = Store::open(&path).expect("opens");
    let (root, _) = with_pipeline(&store).await;
    let set = |value: &str| {
        let add_properties = BTreeMap::from([("a".to_owned(), value.to_owned())]);
        let change = runs::Change {
            add_properties,
            ..runs::Change::default()
        };
        store.write(move |db| runs::change(db, root, change).map(drop))
    };
    set("1").await.expect("first");
    set("1").await.expect("the same again");
    assert!(matches!(set("2").await, Err(Error::Conflict(_))));
}

#[test]
fn a_file_of_a_newer_format_is_refused() {
    let (_folder, path) = folder();
    drop(Store::open(&path).expect("opens"));
    let file = stepwell_store::Connection::open(&path).expect("opens");
    file.pragma_update(None, "user_version", 99).expect("set");
    drop(file);
    let error = Store::open(&path).expect_err("too new");
    assert!(matches!(error, Error::TooNew { found: 99, .. }), "{error}");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    std::fs::write(
        &path,
        "a shopping list, and not a short one either: ".repeat(50),
    )
    .expect("written");
    let error = Store::open(&path).expect_err("no database");
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
    let kept = std::fs::read_to_string(&path).expect("still there");
    assert!(kept.starts_with("a shopping list"));
}

#[tokio::test]
async fn a_change_that_panics_is_undone_and_the_next_ones_go_on() {
    let (_folder, path) = folder();
    let store = Store::open(&path).expect("opened");
    let set = |name: &'static str| move |db: &_| catalog::setting(db, "name", name);
    let half = move |db: &_| -> stepwell_store::Result<()> {
        set("half")(db)?;
        panic!("as a fault in a change would");
    };
    let lost = store.write(half).await.expect_err("it gives no answer");
    assert!(matches!(lost, Error::Closed), "{lost}");
    let name = store
        .write(set("whole"))
        .await
        .expect("the writer is there");
    assert_eq!(name, "whole", "nothing of the first stays");
}

#[tokio::test]
async fn a_number_that_no_column_holds_is_the_askers_fault() {
    let (_folder, path) = folder();
    let store = Store::open(&path).expect("opened");
    let run = RunId::new(Uuid::from_u128(1));
    let point = metrics::Point {
        name: "a".to_owned(),
        kind: "scalar".to_owned(),
        value_json: "1".to_owned(),
        step: None,
        at: NOW,
        description: String::new(),
    };
    let add = move |db: &_| metrics::add(db, run, "w", u64::MAX, &[point.clone(), point]);
    let refused = store.write(add).await.expect_err("it does not fit");
    assert!(refused.is_out_of_range(), "{refused}");
}

#[tokio::test]
async fn the_time_in_a_queue_is_counted_apart_and_a_wait_ends_with_the_start() {
    let (_folder, path) = folder();
    let store = Store::open(&path).expect("opens");
    let (root, step) = with_pipeline(&store).await;
    let first = StepIndex(0);
    let waits = |reason, detail: &str| Event::Waiting {
        step: first,
        attempt: 1,
        reason,
        detail: detail.to_owned(),
    };
    let started = Event::Started {
        step: first,
        attempt: 1,
    };
    let at = |second: i64| Timestamp::from_millis(second * 1_000);
    let moments = [
        (10, waits(WaitReason::Environment, "")),
        (20, waits(WaitReason::ClusterQueue, "Priority")),
        (30, waits(WaitReason::ClusterQueue, "Resources")),
        (65, started),
    ];
    let mut seen = Vec::new();
    for (second, event) in moments {
        let write = move |db: &Connection| {
            journal::append(db, root, step, &event, at(second))?;
            Ok(runs::find(db, step)?.expect("the step"))
        };
        let row = store.write(write).await.expect("appended");
        let wait = row.waiting.map(|wait| (wait.reason, wait.since));
        seen.push((row.status, wait, row.queued_ms));
    }
    let queued = Some((WaitReason::ClusterQueue, at(20)));
    let expected = [
        (
            RunStatus::Preparing,
            Some((WaitReason::Environment, at(10))),
            0,
        ),
        (RunStatus::Queued, queued, 0),
        (RunStatus::Queued, queued, 0),
        (RunStatus::Running, None, 45_000),
    ];
    assert_eq!(seen, expected);
}

/// The bytes that this thread has written to files.
fn written() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/io").expect("read");
    let count = text.lines().find_map(|line| line.strip_prefix("wchar: "));
    count
        .and_then(|count| count.parse().ok())
        .expect("a number")
}

#[tokio::test]
async fn a_change_of_many_pages_writes_nothing_before_it_is_committed() {
    let (_guard, path) = folder();
    let store = Store::open(&path).expect("opened");
    let fill = "CREATE TABLE t (a INTEGER PRIMARY KEY, b);
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
        INSERT INTO t SELECT i, hex(zeroblob(1500)) FROM n";
    let filled = store.write(move |db| Ok(db.execute_batch(fill)?)).await;
    filled.expect("filled");
    let change = |db: &Connection| {
        let before = written();
        db.execute_batch("UPDATE t SET b = hex(zeroblob(1400))")?;
        Ok(written() - before)
    };
    assert_eq!(store.write(change).await.expect("changed"), 0);
}
