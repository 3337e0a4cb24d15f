//! How a program ends by itself, and what it leaves.

use std::collections::BTreeMap;

use stepwell_compute::{InputPlace, OutputPlace};
use stepwell_data::cas::Cas;
use stepwell_data::snapshot::{ScanOptions, scan, store};
use stepwell_model::{FailureKind, Outcome, Program};

use crate::rig::{Rig, failure, file, log, until};

#[tokio::test]
async fn a_failed_script_shows_its_traceback() {
    let mut rig = Rig::local();
    let job = rig.command(&[
        "python3",
        "-c",
        "print('start'); raise ValueError('no data')",
    ]);
    let failure = failure(rig.run(&job).await);
    assert_eq!(failure.summary, "the script exited with status 1");
    assert!(
        failure
            .detail
            .starts_with("Traceback (most recent call last):")
            && failure.detail.ends_with("ValueError: no data"),
        "{failure:?}"
    );
    assert!(log(&job).starts_with("start\nTraceback"));
}

#[tokio::test]
async fn a_missing_program_and_a_broken_environment_are_told() {
    let mut rig = Rig::local();
    let job = rig.command(&["no-such-program", "x"]);
    let failure = rig.refused(&job).await;
    assert_eq!(failure.kind, FailureKind::Environment);
    assert_eq!(
        failure.summary,
        "the program `no-such-program` was not found"
    );
    let mut job = rig.shell("true");
    job.environment = stepwell_model::EnvironmentSpec::Interpreter {
        python: "broken".to_owned(),
    };
    assert_eq!(rig.refused(&job).await.summary, "no such package");
}

#[tokio::test]
async fn a_signal_from_elsewhere_is_named() {
    let mut rig = Rig::local();
    let job = rig.shell("kill -SEGV $$");
    let outcome = rig.run(&job).await;
    assert_eq!(outcome.usage().signal, Some(11));
    let failure = failure(outcome);
    assert_eq!(failure.kind, FailureKind::Signal);
    assert_eq!(failure.summary, "the script was ended by SIGSEGV");
}

#[tokio::test]
async fn a_script_runs_on_its_snapshot_and_its_folders_are_kept() {
    let mut rig = Rig::local();
    let source = rig.root().join("source");
    fs_err::create_dir(&source).expect("a folder");
    let script = "import os, sys\n\
                  open('outputs/model', 'w').write(os.environ['RATE'])\n\
                  open('logs/epochs', 'w').write(' '.join(sys.argv[1:]))\n\
                  open('scratch', 'w').write('gone')\n";
    fs_err::write(source.join("train.py"), script).expect("a script");
    let cas = Cas::open(&rig.root().join("objects")).expect("a store");
    let tree = scan(&source, ScanOptions::default()).expect("a scan");
    let mut job = rig.command(&["", "--epochs", "3"]);
    job.program = Program::Script("train.py".to_owned());
    job.snapshot = Some(store(&cas, &tree).expect("a snapshot"));
    job.variables = BTreeMap::from([("RATE".to_owned(), "0.1".to_owned())]);

    let outcome = rig.run(&job).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{}", log(&job));
    assert_eq!(file(&job, "outputs/model"), "0.1");
    assert_eq!(file(&job, "logs/epochs"), "--epochs 3");
    let usage = outcome.usage();
    assert_eq!(usage.exit_code, Some(0));
    assert!(usage.started.is_some() && usage.started <= usage.ended);
    assert!(usage.peak_memory_bytes > 1_000_000);
    let work = job.folder.join("attempt-1/work");
    until("the working folder is removed", || !work.exists()).await;
}

#[tokio::test]
async fn declared_outputs_have_their_place() {
    let mut rig = Rig::local();
    let place = |name: &str, make_folder, upload_from: Option<&str>| OutputPlace {
        path: rig.root().join("store").join(name),
        make_folder,
        upload_from: upload_from.map(str::to_owned),
        ..OutputPlace::default()
    };
    let outputs = vec![
        place("made/here", true, None),
        place("parent/only", false, None),
        place("moved", false, Some("result.csv")),
        place("copied", false, Some("outputs/report")),
    ];
    let mut job = rig.shell(
        "touch $STORE/made/here/a && touch $STORE/parent/only && \
         echo 1 > result.csv && echo 2 > outputs/report",
    );
    let store = rig.root().join("store");
    job.variables = BTreeMap::from([("STORE".to_owned(), store.to_string())]);
    job.outputs = outputs;
    let outcome = rig.run(&job).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    let read = |name: &str| fs_err::read_to_string(store.join(name)).expect("an output");
    assert_eq!(read("moved"), "1\n");
    assert_eq!(read("copied"), "2\n");
    assert_eq!(file(&job, "outputs/report"), "2\n");

    let mut job = rig.shell("true");
    job.outputs = vec![place_of(&store.join("never"), "forgotten")];
    let failure = failure(rig.run(&job).await);
    assert_eq!(failure.kind, FailureKind::Storage);
    assert!(failure.summary.contains("`forgotten`"), "{failure:?}");
}

fn place_of(path: &camino::Utf8Path, upload_from: &str) -> OutputPlace {
    OutputPlace {
        path: path.to_owned(),
        make_folder: false,
        upload_from: Some(upload_from.to_owned()),
        ..OutputPlace::default()
    }
}

/// An output that is written aside, for a place that others may know.
fn shared(rig: &Rig) -> OutputPlace {
    OutputPlace {
        path: rig.root().join("store/shared"),
        make_folder: true,
        staged: Some(rig.root().join("aside/out")),
        ..OutputPlace::default()
    }
}

#[tokio::test]
async fn a_place_that_others_know_sees_whole_outputs_only() {
    let mut rig = Rig::local();
    let output = shared(&rig);
    let aside = output.staged.clone().expect("aside");
    let run = |line: &str| {
        let mut job = rig.shell(line);
        job.variables = BTreeMap::from([("OUT".to_owned(), aside.to_string())]);
        job.outputs = vec![output.clone()];
        job
    };
    let jobs = [
        run("echo half > $OUT/a; exit 1"),
        run("echo whole > $OUT/a; mkdir $OUT/b; echo whole > $OUT/b/c"),
        run("echo other > $OUT/a; kill -9 $$"),
    ];
    let at = |file: &str| fs_err::read_to_string(output.path.join(file)).ok();
    failure(rig.run(&jobs[0]).await);
    assert!(!output.path.exists(), "a failed step leaves nothing there");
    assert!(!aside.exists(), "nor aside");
    rig.run(&jobs[1]).await;
    assert_eq!(at("a").as_deref(), Some("whole\n"));
    assert_eq!(at("b/c").as_deref(), Some("whole\n"));
    failure(rig.run(&jobs[2]).await);
    assert_eq!(
        at("a").as_deref(),
        Some("whole\n"),
        "nor takes anything away"
    );
}

#[tokio::test]
async fn an_upload_takes_the_files_that_are_asked_for_and_replaces_only_what_it_may() {
    let mut rig = Rig::local();
    let place = rig.root().join("store/made");
    let upload = |globs: &[&str], keep_existing| OutputPlace {
        path: place.clone(),
        upload_from: Some("made".to_owned()),
        keep_existing,
        source_globs: globs.iter().map(|&glob| glob.to_owned()).collect(),
        ..OutputPlace::default()
    };
    let mut job = rig.shell("mkdir -p made/sub; touch made/a.csv made/a.txt made/sub/b.csv");
    job.outputs = vec![upload(&["**/*.csv"], true)];
    let outcome = rig.run(&job).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    assert!(place.join("a.csv").exists() && place.join("sub/b.csv").exists());
    assert!(!place.join("a.txt").exists());

    let mut job = rig.shell("mkdir made; echo new > made/a.csv; echo new > made/c.csv");
    job.outputs = vec![upload(&[], true)];
    let failure = failure(rig.run(&job).await);
    assert!(
        failure.summary.contains("a.csv` is there already"),
        "{failure:?}"
    );
    assert!(failure.hint.contains("overwrite=True"), "{failure:?}");
    assert!(!place.join("c.csv").exists(), "nothing of it was moved");

    let mut job = rig.shell("mkdir made; echo new > made/a.csv");
    job.outputs = vec![upload(&[], false)];
    rig.run(&job).await;
    let text = fs_err::read_to_string(place.join("a.csv")).expect("there");
    assert_eq!(text, "new\n");
}

#[tokio::test]
async fn a_downloaded_input_is_the_steps_own_and_a_linked_one_is_not() {
    let mut rig = Rig::local();
    let data = rig.root().join("data");
    fs_err::create_dir(&data).expect("a folder");
    fs_err::write(data.join("x"), "data").expect("a file");
    let input = |to: &str, copy| InputPlace {
        from: data.clone(),
        to: to.to_owned(),
        copy,
    };
    let mut job = rig.shell(
        "cat copied/deep/x linked/x > outputs/seen; echo scribble > copied/deep/x; \
         touch linked/new",
    );
    job.inputs = vec![input("copied/deep", true), input("linked", false)];
    let outcome = rig.run(&job).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{}", log(&job));
    assert_eq!(file(&job, "outputs/seen"), "datadata");
    let text = fs_err::read_to_string(data.join("x")).expect("there");
    assert_eq!(text, "data", "the copy was written to, not the data");
    assert!(data.join("new").exists(), "a link is the data itself");

    let mut job = rig.shell("true");
    job.inputs = vec![InputPlace {
        from: data.join("never"),
        ..input("here", true)
    }];
    let failure = rig.refused(&job).await;
    assert_eq!(failure.kind, FailureKind::Storage);
    assert!(failure.summary.contains("is not there"), "{failure:?}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let mut rig = Rig::local();
    let mut job = rig.shell("true");
    job.folder = "/proc/nowhere".into();
    let failure = rig.refused(&job).await;
    assert_eq!(failure.kind, FailureKind::Storage);
    assert!(failure.summary.contains("/proc/nowhere"), "{failure:?}");
}

#[tokio::test]
async fn both_streams_are_in_the_log_in_the_order_of_writing() {
    let mut rig = Rig::local();
    let job = rig.shell("for i in 1 2 3; do echo out $i; echo err $i >&2; done");
    rig.run(&job).await;
    assert_eq!(log(&job), "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
}
