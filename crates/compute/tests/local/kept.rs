//! How a program ends by itself, and what it leaves.

use std::collections::BTreeMap;

use stepwell_compute::{Job, JobInput, JobOutput, Work};
use stepwell_data::cas::Cas;
use stepwell_data::snapshot::{ScanOptions, scan, store};
use stepwell_datastore::definition::Place;
use stepwell_datastore::{Credentials, Datastore};
use stepwell_model::{FailureKind, Outcome, Program};

use crate::rig::{Rig, environment, failure, input, output, until};

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
    assert!(rig.log(&job).starts_with("start\nTraceback"));
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
    *environment(&mut job) = "broken".to_owned();
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

/// A job that runs a script of its snapshot.
pub(crate) fn scripted(rig: &Rig, script: &str, arguments: &[&str]) -> Job {
    let source = rig.root().join("source");
    fs_err::create_dir_all(&source).expect("a folder");
    fs_err::write(source.join("train.py"), script).expect("a script");
    let cas = Cas::open(&rig.root().join("objects")).expect("a store");
    let tree = scan(&source, ScanOptions::default()).expect("a scan");
    let words: Vec<&str> = [""].iter().chain(arguments).copied().collect();
    let mut job = rig.command(&words);
    let Work::Program {
        program, snapshot, ..
    } = &mut job.work
    else {
        panic!("it is a program");
    };
    *program = Program::Script("train.py".to_owned());
    *snapshot = Some(store(&cas, &tree).expect("a snapshot"));
    job
}

#[tokio::test]
async fn a_script_runs_on_its_snapshot_and_its_folders_are_kept() {
    let mut rig = Rig::local();
    let script = "import os, sys\n\
                  open('outputs/model', 'w').write(os.environ['RATE'])\n\
                  open('logs/epochs', 'w').write(' '.join(sys.argv[1:]))\n\
                  open('scratch', 'w').write('gone')\n";
    let mut job = scripted(&rig, script, &["--epochs", "3"]);
    job.variables = BTreeMap::from([("RATE".to_owned(), "0.1".to_owned())]);

    let outcome = rig.run(&job).await;
    assert!(
        matches!(outcome, Outcome::Succeeded(_)),
        "{}",
        rig.log(&job)
    );
    assert_eq!(rig.file(&job, "outputs/model"), "0.1");
    assert_eq!(rig.file(&job, "logs/epochs"), "--epochs 3");
    let usage = outcome.usage();
    assert_eq!(usage.exit_code, Some(0));
    assert!(usage.started.is_some() && usage.started <= usage.ended);
    assert!(usage.peak_memory_bytes > 1_000_000);
    let work = rig.run_folder(&job).join("work");
    until("the working folder is removed", || !work.exists()).await;
}

#[tokio::test]
async fn declared_outputs_have_their_place() {
    let mut rig = Rig::local();
    let uploaded = |name: &str, from: &str| JobOutput {
        upload_from: Some(from.to_owned()),
        ..output(name, name)
    };
    let mut job = rig.shell(
        "touch $AZUREML_DATAREFERENCE_folder/a && touch $AZUREML_DATAREFERENCE_file && \
         echo 1 > result.csv && echo 2 > outputs/report",
    );
    job.outputs = vec![
        JobOutput {
            make_folder: true,
            ..output("folder", "made/here")
        },
        output("file", "parent/only"),
        uploaded("moved", "result.csv"),
        uploaded("copied", "outputs/report"),
    ];
    let outcome = rig.run(&job).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    let read = |name: &str| fs_err::read_to_string(rig.store().join(name)).expect("an output");
    assert_eq!(
        (read("made/here/a"), read("parent/only")),
        Default::default()
    );
    assert_eq!(read("moved"), "1\n");
    assert_eq!(read("copied"), "2\n");
    assert_eq!(rig.file(&job, "outputs/report"), "2\n");

    let mut job = rig.shell("true");
    job.outputs = vec![uploaded("never", "forgotten")];
    let failure = failure(rig.run(&job).await);
    assert_eq!(failure.kind, FailureKind::Storage);
    assert!(failure.summary.contains("`forgotten`"), "{failure:?}");
}

#[tokio::test]
async fn a_place_that_others_know_sees_whole_outputs_only() {
    let mut rig = Rig::local();
    let place = rig.store().join("shared");
    let run = |line: &str| {
        let mut job = rig.shell(&format!("OUT=$AZUREML_DATAREFERENCE_out; {line}"));
        job.outputs = vec![JobOutput {
            make_folder: true,
            is_own: false,
            ..output("out", "shared")
        }];
        job
    };
    let jobs = [
        run("echo half > $OUT/a; exit 1"),
        run("echo whole > $OUT/a; mkdir $OUT/b; echo whole > $OUT/b/c"),
        run("echo other > $OUT/a; kill -9 $$"),
    ];
    let at = |file: &str| fs_err::read_to_string(place.join(file)).ok();
    let aside = rig.run_folder(&jobs[0]).join("staged/out");
    failure(rig.run(&jobs[0]).await);
    assert!(!place.exists(), "a failed step leaves nothing there");
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
    let place = rig.store().join("made");
    let upload = |globs: &[&str], keep_existing| JobOutput {
        upload_from: Some("made".to_owned()),
        keep_existing,
        source_globs: globs.iter().map(|&glob| glob.to_owned()).collect(),
        ..output("out", "made")
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
    let data = rig.store().join("raw");
    fs_err::create_dir_all(&data).expect("a folder");
    fs_err::write(data.join("x"), "data").expect("a file");
    let put = |to: &str, download| JobInput {
        download,
        path_on_compute: Some(to.to_owned()),
        ..input(to, "raw")
    };
    let mut job = rig.shell(
        "cat copied/deep/x linked/x > outputs/seen; echo scribble > copied/deep/x; \
         touch linked/new",
    );
    job.inputs = vec![put("copied/deep", true), put("linked", false)];
    let outcome = rig.run(&job).await;
    assert!(
        matches!(outcome, Outcome::Succeeded(_)),
        "{}",
        rig.log(&job)
    );
    assert_eq!(rig.file(&job, "outputs/seen"), "datadata");
    let text = fs_err::read_to_string(data.join("x")).expect("there");
    assert_eq!(text, "data", "the copy was written to, not the data");
    assert!(data.join("new").exists(), "a link is the data itself");

    let mut job = rig.shell("true");
    job.inputs = vec![JobInput {
        path: "raw/never".to_owned(),
        ..put("here", true)
    }];
    let failure = rig.refused(&job).await;
    assert_eq!(failure.kind, FailureKind::Storage);
    assert!(failure.summary.contains("is not there"), "{failure:?}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let mut rig = Rig::local();
    let job = rig.shell("true");
    let folder = rig.run_folder(&job);
    fs_err::create_dir_all(folder.parent().expect("a folder")).expect("a folder");
    fs_err::write(&folder, "in the way").expect("a file");
    let failure = rig.refused(&job).await;
    assert_eq!(failure.kind, FailureKind::Storage);
    assert!(failure.summary.contains(folder.as_str()), "{failure:?}");
}

#[tokio::test]
async fn both_streams_are_in_the_log_in_the_order_of_writing() {
    let mut rig = Rig::local();
    let job = rig.shell("for i in 1 2 3; do echo out $i; echo err $i >&2; done");
    rig.run(&job).await;
    assert_eq!(rig.log(&job), "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n");
}

/// Runs a line whose output goes to `precious` on a datastore that has files; afterwards, its
/// failure and what is there.
async fn clash(rig: &mut Rig, line: &str, path: &str, staged: bool) -> (String, Vec<String>) {
    let store = rig.store();
    fs_err::create_dir_all(store.join("precious")).expect("a folder");
    for file in ["precious/a", "precious/b", "other"] {
        fs_err::write(store.join(file), "data").expect("a file");
    }
    let mut job = rig.shell(&format!("OUT=$AZUREML_DATAREFERENCE_out; {line}"));
    job.outputs = vec![JobOutput {
        make_folder: staged,
        is_own: false,
        upload_from: (!staged).then(|| "made".to_owned()),
        ..output("out", path)
    }];
    let failure = failure(rig.run(&job).await);
    assert_eq!(failure.kind, FailureKind::Storage, "{failure:?}");
    assert!(!failure.hint.is_empty());
    let mut left: Vec<String> = store
        .read_dir_utf8()
        .expect("the store is there")
        .chain(store.join("precious").read_dir_utf8().expect("a folder"))
        .map(|entry| entry.expect("an entry").file_name().to_owned())
        .collect();
    left.sort();
    (failure.summary, left)
}

#[tokio::test]
async fn an_output_that_is_a_file_destroys_no_folder_and_no_datastore() {
    let mut rig = Rig::local();
    let file_instead = "rmdir $OUT; echo hi > $OUT";
    let all = ["a", "b", "other", "precious"];
    for (line, path, staged) in [
        (file_instead, "precious", true),
        (file_instead, "", true),
        ("echo hi > made", "precious", false),
        ("echo hi > made", "", false),
        ("mkdir -p made/precious/a", "", false),
        ("mkdir made; touch made/x", "other", false),
        ("mkdir made; touch made/precious", "", false),
    ] {
        let (summary, left) = clash(&mut rig, line, path, staged).await;
        assert_eq!(left, all, "after `{line}` to `{path}`: {summary}");
    }
}

#[tokio::test]
async fn what_cannot_be_kept_fails_its_step() {
    let mut rig = Rig::local();
    for line in [
        "rmdir outputs; ln -s /tmp outputs",
        "rmdir logs; touch logs",
    ] {
        let job = rig.shell(line);
        let failure = failure(rig.run(&job).await);
        assert_eq!(failure.kind, FailureKind::Storage, "{failure:?}");
        assert!(failure.summary.contains("only a folder is kept"));
    }
}

#[tokio::test]
async fn an_output_on_another_file_system_appears_complete() {
    let other = camino_tempfile::tempdir_in("/dev/shm").expect("a folder on another file system");
    let mut rig = Rig::local();
    let place = other.path();
    let mut job = rig.shell("mkdir -p made/sub && echo 1 > made/a && echo 2 > made/sub/b");
    let root = place.to_owned();
    let elsewhere = Datastore::new("elsewhere", Place::Local { root }, Credentials::new());
    rig.datastores.put(elsewhere);
    job.outputs = vec![JobOutput {
        datastore: "elsewhere".to_owned(),
        upload_from: Some("made".to_owned()),
        ..output("out", "res/big")
    }];
    let outcome = rig.run(&job).await;
    assert!(matches!(outcome, Outcome::Succeeded(_)), "{outcome:?}");
    let read = |name: &str| fs_err::read_to_string(place.join(name)).expect("an output");
    assert_eq!(
        (read("res/big/a"), read("res/big/sub/b")),
        ("1\n".into(), "2\n".into())
    );
    let left = place.join("res").read_dir_utf8().expect("a folder").count();
    assert_eq!(left, 1, "no copy is left beside it");
}
