//! Steps on an isolated target: what they see, what they do not, and what is refused.

use stepwell_compute::{Job, JobOutput, Work, Worker};
use stepwell_model::{ComputeKind, EnvironmentSpec, FailureKind, Isolation, Outcome};

use crate::rig::{Rig, failure, flag, input, output};

fn isolated(mut job: Job, readable: &[&str], writable: &[&str]) -> Job {
    let owned = |list: &[&str]| list.iter().map(|&path| path.to_owned()).collect();
    job.compute = ComputeKind::Isolated(Isolation {
        readable: owned(readable),
        writable: owned(writable),
    });
    job
}

async fn succeeds(rig: &mut Rig, job: &Job) {
    let outcome = rig.run(job).await;
    assert!(
        matches!(outcome, Outcome::Succeeded(_)),
        "{outcome:?}\n{}",
        rig.log(job)
    );
}

#[tokio::test]
async fn an_isolated_step_has_its_data_and_no_way_to_the_data_folder() {
    let mut rig = Rig::local();
    fs_err::create_dir_all(rig.store().join("raw")).expect("made");
    fs_err::write(rig.store().join("raw/one"), "1\n").expect("written");
    fs_err::write(rig.store().join("other"), "not its own").expect("written");
    let secret = flag(&rig, "token");
    fs_err::write(&secret, "secret").expect("written");
    let line = format!(
        r#"cat $AZUREML_DATAREFERENCE_raw/one work-in 2>/dev/null
        echo 2 > $AZUREML_DATAREFERENCE_own/two && echo 3 > $AZUREML_DATAREFERENCE_aside
        echo kept > outputs/kept && python3 -c 'import tempfile; tempfile.mkdtemp()' && touch $HOME/x
        for way in {root}/token {root}/../*/token /proc/$PPID/cwd/token $HOME/../../{root}/token; do
            cat $way && echo "seen by $way"
        done
        ls {root} && echo listed
        cat {store}/other && echo seen
        cat ../claim.json && echo seen
        echo x > {root}/token && echo written; rm -f {root}/token && echo removed
        true > {store}/other && echo emptied; echo x > $AZUREML_DATAREFERENCE_raw/one && echo changed
        ln {root}/token ./stolen && echo linked; mv {root}/token . && echo moved
        kill -CONT $PPID && echo signalled; true"#,
        root = rig.root(),
        store = rig.store(),
    );
    let mut job = isolated(rig.shell(&line), &[], &[]);
    job.inputs = vec![input("raw", "raw")];
    job.outputs = vec![
        JobOutput {
            make_folder: true,
            ..output("own", "made/own")
        },
        output("aside", "made/aside"),
    ];
    succeeds(&mut rig, &job).await;
    let log = rig.log(&job);
    // A refusal names its program; some shells end theirs with an empty line.
    let is_refusal = |line: &&str| line.is_empty() || line.contains(": ");
    let read: Vec<&str> = log.lines().filter(|line| !is_refusal(line)).collect();
    assert_eq!(read, ["1"], "{log}");
    assert!(log.contains("ermission denied"), "{log}");
    assert_eq!(rig.file(&job, "outputs/kept"), "kept\n");
    let made = |path: &str| fs_err::read_to_string(rig.store().join(path)).expect("made");
    assert_eq!(
        (made("made/own/two"), made("made/aside")),
        ("2\n".into(), "3\n".into())
    );
    assert_eq!(fs_err::read_to_string(&secret).expect("there"), "secret");
    assert_eq!(made("other"), "not its own");
    assert_eq!(made("raw/one"), "1\n");
}

#[tokio::test]
async fn an_isolated_step_sees_of_the_machine_what_its_target_names() {
    let mut rig = Rig::local();
    let beside = tempfile::tempdir().expect("a folder");
    fs_err::write(beside.path().join("a"), "a").expect("written");
    let path = beside.path().to_str().expect("UTF-8").to_owned();
    let read = format!("cat {path}/a; touch {path}/b");
    let job = isolated(rig.shell(&read), &[], &[]);
    failure(rig.run(&job).await);
    let job = isolated(
        rig.shell(&format!("cat {path}/a && ! touch {path}/b")),
        &[&path],
        &[],
    );
    succeeds(&mut rig, &job).await;
    let job = isolated(rig.shell(&read), &[], &[&path]);
    succeeds(&mut rig, &job).await;
    // A target that names everything names the data folder no more than any other.
    let token = flag(&rig, "token");
    fs_err::write(&token, "secret").expect("written");
    let line = format!("cat {path}/a && ! cat {token} && ! rm {token}");
    let job = isolated(rig.shell(&line), &[], &["/"]);
    succeeds(&mut rig, &job).await;
}

#[tokio::test]
async fn a_program_that_an_isolated_step_cannot_see_is_a_failure_with_what_to_do() {
    let mut rig = Rig::local();
    let program = flag(&rig, "program");
    fs_err::copy("/bin/true", &program).expect("copied");
    let job = isolated(rig.command(&[program.as_str()]), &[], &[]);
    let refusal = rig.refused(&job).await;
    assert_eq!(refusal.kind, FailureKind::Environment);
    assert!(refusal.hint.contains("isolated target"), "{refusal:?}");
}

#[tokio::test]
async fn work_that_opens_datastores_itself_is_not_isolated_but_refused() {
    let mut rig = Rig::local();
    let mut job = isolated(rig.shell(""), &[], &[]);
    job.work = Work::Native {
        worker: Worker::Module("stepwell._spark".to_owned()),
        request: serde_json::Value::Null,
        python: Some(EnvironmentSpec::Interpreter {
            python: "python3".to_owned(),
        }),
        snapshot: None,
    };
    job.stages_data = false;
    let refusal = rig.refused(&job).await;
    assert!(
        refusal.summary.contains("cannot be isolated"),
        "{refusal:?}"
    );
}

#[tokio::test]
async fn an_input_that_a_link_makes_the_data_folder_is_no_way_to_it() {
    let mut rig = Rig::local();
    fs_err::create_dir_all(rig.store()).expect("made");
    std::os::unix::fs::symlink(rig.root(), rig.store().join("all")).expect("linked");
    fs_err::write(flag(&rig, "token"), "secret").expect("written");
    let mut job = isolated(rig.shell("cat $AZUREML_DATAREFERENCE_raw/token"), &[], &[]);
    job.inputs = vec![input("raw", "all")];
    let refusal = rig.refused(&job).await;
    assert!(refusal.detail.contains("reached by a link"), "{refusal:?}");
}
