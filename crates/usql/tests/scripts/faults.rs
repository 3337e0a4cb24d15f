//! What is wrong is said with its place, and changes nothing.

use crate::rig::{LOG, Rig};

fn error(script: &str) -> String {
    Rig::new().try_run(script).expect_err("a fault")
}

#[test]
fn all_faults_of_a_script_are_reported_together() {
    let text = error(&format!(
        "{LOG}@a = SELECT Regoin FROM @log;\n@b = SELECT Region + 1m * 2.0 AS x FROM @log;\n@c = SELECT Region, COUNT(*) AS n FROM @log;\nOUTPUT @d TO \"/out.csv\" USING Outputters.Csv();\nOUTPUT @log TO \"/out.csv\" USING Outputters.Cvs();\n"
    ));
    insta::assert_snapshot!(text, @r#"
    error[E_CSC_USER_INVALIDCSHARP]: there is no column `Regoin`
     --> script.usql:7:13
      |
    7 | @a = SELECT Regoin FROM @log;
      |             ^^^^^^
      = help: did you mean `Region`?
    error[E_CSC_USER_INVALIDCSHARP]: `*` does not take `decimal` and `double`
     --> script.usql:8:22
      |
    8 | @b = SELECT Region + 1m * 2.0 AS x FROM @log;
      |                      ^^^^^^^^
      = help: cast one side, as in `(decimal)x`
    error[E_CSC_USER_INVALIDCSHARP]: `Region` is neither in `GROUP BY` nor within an aggregate
     --> script.usql:9:13
      |
    9 | @c = SELECT Region, COUNT(*) AS n FROM @log;
      |             ^^^^^^
      = help: group by it, or use an aggregate such as `ANY_VALUE(Region)`; the columns are UserId, Start, Region, Query, Duration, Urls, ClickedUrls
    error[E_CSC_USER_INVALIDCSHARP]: the rowset `@d` is not defined
      --> script.usql:10:8
       |
    10 | OUTPUT @d TO "/out.csv" USING Outputters.Csv();
       |        ^^
    error[E_CSC_USER_INVALIDCSHARP]: there is no `Outputters.Cvs`
      --> script.usql:11:33
       |
    11 | OUTPUT @log TO "/out.csv" USING Outputters.Cvs();
       |                                 ^^^^^^^^^^^^^^^^
       = help: there are Outputters.Csv, Tsv, Text and Parquet
    "#);
}

#[test]
fn a_bad_field_names_its_file_line_and_column() {
    let rig = Rig::new();
    rig.write("bad.csv", "1,a\n2,b\nx,c\n");
    let text = rig
        .try_run(
            "@t = EXTRACT n int, t string FROM \"/bad.csv\" USING Extractors.Csv();\nOUTPUT @t TO \"/out.csv\" USING Outputters.Csv();",
        )
        .expect_err("a fault")
        .replace(&rig.path("").display().to_string(), "/");
    insta::assert_snapshot!(text, @r#"
    error[E_RUNTIME_USER_EXTRACT_COLUMN_CONVERSION_INVALID_ERROR]: /bad.csv, line 3, column `n`: `x` is not of type `int`
     --> script.usql:1:52
      |
    1 | @t = EXTRACT n int, t string FROM "/bad.csv" USING Extractors.Csv();
      |                                                    ^^^^^^^^^^^^^^^^
    "#);
}

#[test]
fn a_row_of_another_width_is_an_error_unless_silent() {
    let rig = Rig::new();
    rig.write("bad.csv", "1,a\n2\n");
    let script = |silent: &str| {
        format!(
            "@t = EXTRACT n int, t string FROM \"/bad.csv\" USING Extractors.Csv({silent}); OUTPUT @t TO \"/out.csv\" USING Outputters.Csv();"
        )
    };
    let text = rig.try_run(&script("")).expect_err("a fault");
    assert!(
        text.contains("E_EXTRACT_UNEXPECTED_NUMBER_COLUMNS") && text.contains("line 2"),
        "{text}"
    );
    assert_eq!(rig.output(&script("silent: true")), "1,\"a\"\n");
}

#[test]
fn outputs_are_committed_together_or_not_at_all() {
    let rig = Rig::new();
    rig.write("one.csv", "as it was");
    let text = rig
        .try_run(&format!(
            "{LOG} CREATE TABLE T (x int, INDEX i CLUSTERED (x));
             INSERT INTO T VALUES (1);
             OUTPUT @log TO \"/one.csv\" USING Outputters.Csv();
             @bad = SELECT 1 / (Duration - 10) AS x FROM @log;
             OUTPUT @bad TO \"/two.csv\" USING Outputters.Csv();"
        ))
        .expect_err("a fault");
    assert!(text.contains("attempted to divide by zero"), "{text}");
    assert_eq!(rig.read("one.csv"), "as it was");
    assert!(!rig.path("two.csv").exists());
    assert!(
        rig.try_run("TRUNCATE TABLE T;").is_err(),
        "the table was not made"
    );
    let left: Vec<_> = std::fs::read_dir(rig.path(""))
        .expect("a folder")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with(".usql-"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn code_of_the_users_own_is_refused_by_name() {
    for (script, named) in [
        ("@r = SELECT My.Code.F(Region) AS x FROM @log;", "My.Code.F"),
        (
            "@r = EXTRACT a int FROM \"/SearchLog.tsv\" USING new My.Extractor();",
            "extractor",
        ),
        (
            "@r = PROCESS @log PRODUCE a int USING new My.Processor();",
            "PROCESS",
        ),
        ("CREATE ASSEMBLY a FROM \"/a.dll\";", "CREATE ASSEMBLY"),
        ("@r = SELECT AGG<My.Agg>(Duration) AS x FROM @log;", "AGG"),
    ] {
        let text = error(&format!("{LOG}{script}"));
        assert!(
            text.contains("SW_UNSUPPORTED") && text.contains(named),
            "{script}\n{text}"
        );
    }
}

#[test]
fn a_missing_input_is_known_before_anything_runs() {
    let text = error(
        "@t = EXTRACT a int FROM \"/none.csv\" USING Extractors.Csv(); OUTPUT @t TO \"/o.csv\" USING Outputters.Csv();",
    );
    assert!(
        text.contains("the input `/none.csv` does not exist"),
        "{text}"
    );
}

/// A job that is stopped between two batches has committed nothing.
#[test]
fn a_job_that_is_stopped_changes_nothing() {
    let rig = Rig::new();
    rig.write("one.csv", "as it was");
    let script = format!(
        "{LOG} OUTPUT @log TO \"/one.csv\" USING Outputters.Csv();
        @all = SELECT a.UserId AS u FROM @log AS a CROSS JOIN @log AS b CROSS JOIN @log AS c CROSS JOIN @log AS d
            CROSS JOIN @log AS e;
        OUTPUT @all TO \"/two.csv\" USING Outputters.Csv();"
    );
    let mut stages = Vec::new();
    let stopped = rig.run_until(&script, &mut |stage| {
        stages.push(stage.number);
        stage.number == 2 && stage.rows_written > 0
    });
    assert_eq!(stopped, Err("stopped".to_owned()));
    assert!(stages.contains(&1) && stages.contains(&2));
    assert_eq!(rig.read("one.csv"), "as it was");
    assert!(!rig.path("two.csv").exists());
}
