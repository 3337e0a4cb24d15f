//! The program itself: exit codes, what it prints, its progress and its stop.

use std::process::{Command, Output};

use crate::rig::{LOG, Rig};

fn run(rig: &Rig, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stepwell-usql"))
        .args(arguments)
        .current_dir(rig.path(""))
        .output()
        .expect("the program")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_script_is_run_checked_and_explained() {
    let rig = Rig::new();
    rig.write(
        "job.usql",
        format!("{LOG} @r = SELECT Region, COUNT(*) AS n FROM @log GROUP BY Region; OUTPUT @r TO \"/@@name@@.csv\" ORDER BY n DESC USING Outputters.Csv();"),
    );
    let done = run(&rig, &["run", "job.usql", "--param", "name=out"]);
    assert_eq!(text(&done.stderr), "");
    assert!(done.status.success());
    assert_eq!(rig.read("out.csv").lines().count(), 7);
    let json = run(&rig, &["run", "job.usql", "--param", "name=out", "--json"]);
    let record: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(record["outputs"][0]["rows"], 7);
    assert_eq!(record["rows_read"], 23);
    let size = std::fs::metadata(rig.path("SearchLog.tsv"))
        .expect("a file")
        .len();
    assert_eq!(record["bytes_read"], size);
    let plans = run(&rig, &["explain", "job.usql", "--param", "name=out"]);
    assert!(
        text(&plans.stdout).contains("physical plan"),
        "{}",
        text(&plans.stdout)
    );
}

#[test]
fn a_join_keeps_the_smaller_file_in_memory() {
    let rig = Rig::new();
    rig.write("names.tsv", "en-us\tEnglish\nen-gb\tBritish\n");
    for sides in [("@log", "@names"), ("@names", "@log")] {
        let (left, right) = sides;
        rig.write(
            "job.usql",
            format!(
                "{LOG} @names = EXTRACT Region string, Name string FROM \"/names.tsv\" USING Extractors.Tsv();
                 @r = SELECT n.Name, l.Query FROM {left} AS {} JOIN {right} AS {} ON l.Region == n.Region;
                 OUTPUT @r TO \"/out.csv\" USING Outputters.Csv();",
                &left[1..2],
                &right[1..2],
            ),
        );
        let plans = text(&run(&rig, &["explain", "job.usql"]).stdout);
        let join = plans.split("HashJoinExec").nth(1).expect(&plans);
        assert!(join.starts_with(": mode=CollectLeft"), "{plans}");
        let kept = join.split("StreamingTableExec").nth(1).expect(&plans);
        assert!(kept.contains("projection=[c0, c1]"), "{plans}");
    }
}

#[test]
fn a_wrong_script_is_exit_code_2_with_every_error() {
    let rig = Rig::new();
    rig.write(
        "job.usql",
        "@r = SELECT FROM @s;\nOUTPUT @t TO \"/a\" USING Outputters.Csv();\n",
    );
    let checked = run(&rig, &["check", "job.usql"]);
    assert_eq!(checked.status.code(), Some(2));
    let errors = text(&checked.stderr);
    assert_eq!(errors.matches("error[").count(), 2, "{errors}");
    let json = run(&rig, &["check", "job.usql", "--json"]);
    let record: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(record["diagnostics"][0]["line"], 1);
    assert_eq!(
        record["diagnostics"][0]["errorId"],
        "E_CSC_USER_SYNTAXERROR"
    );
}

#[test]
fn scripts_are_laid_out_in_place() {
    let rig = Rig::new();
    rig.write("a.usql", "USE master ;");
    rig.write("b.usql", "USE master;\n");
    let checked = run(&rig, &["fmt", "--check", "a.usql", "b.usql"]);
    assert_eq!(
        (checked.status.code(), text(&checked.stdout).as_str()),
        (Some(1), "a.usql\n")
    );
    assert_eq!(rig.read("a.usql"), "USE master ;");
    assert!(run(&rig, &["fmt", "a.usql", "b.usql"]).status.success());
    assert_eq!(rig.read("a.usql"), "USE master;\n");
    rig.write("c.usql", "@a = \"");
    let wrong = run(&rig, &["fmt", "c.usql"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        text(&wrong.stderr).contains("c.usql:1:6"),
        "{}",
        text(&wrong.stderr)
    );
}
