//! Databases, tables, views, functions, procedures, and the branches of a script.

use crate::rig::{LOG, Rig};

#[test]
fn tables_outlive_their_script() {
    let rig = Rig::new();
    rig.run(&format!(
        r#"CREATE DATABASE IF NOT EXISTS logs; USE DATABASE logs; CREATE SCHEMA s;
        CREATE TABLE s.T (Region string, Duration int, INDEX i CLUSTERED (Region) DISTRIBUTED BY HASH (Region));
        {LOG}
        INSERT INTO s.T SELECT Region, Duration FROM @log WHERE Region == "en-gb";"#
    ));
    rig.run("INSERT INTO logs.s.T (Duration, Region) VALUES (7, \"en-xx\");");
    let rows = rig.output(
        r#"USE logs; @r = SELECT * FROM s.T; OUTPUT @r TO "/out.csv" ORDER BY Duration USING Outputters.Csv(quoting: false);"#,
    );
    assert_eq!(rows, "en-xx,7\nen-gb,74\nen-gb,614\n");
    rig.run("TRUNCATE TABLE logs.s.T;");
    assert_eq!(
        rig.output(r#"OUTPUT logs.s.T TO "/out.csv" USING Outputters.Csv();"#),
        ""
    );
    let gone = rig.run("DROP TABLE logs.s.T; DROP TABLE IF EXISTS logs.s.T;");
    assert_eq!(gone.outputs, []);
    let missing = rig
        .try_run("TRUNCATE TABLE logs.s.T;")
        .expect_err("dropped");
    assert!(
        missing.contains("E_CSC_USER_DDLENTITYDOESNOTEXIST"),
        "{missing}"
    );
}

#[test]
fn an_index_and_statistics_change_nothing() {
    let rig = Rig::new();
    let rows = rig.output(
        r#"CREATE TABLE T (n int);
        CREATE CLUSTERED INDEX i ON T (n ASC) DISTRIBUTED BY HASH (n);
        CREATE STATISTICS s ON T (n) WITH FULLSCAN;
        OUTPUT T TO "/out.csv" USING Outputters.Csv();"#,
    );
    assert_eq!(rows, "");
    let refused = rig
        .try_run("CREATE CLUSTERED INDEX i ON dbo.U (n);")
        .expect_err("no table");
    assert!(
        refused.contains("`master.dbo.U` does not exist"),
        "{refused}"
    );
}

#[test]
fn partitions_come_and_go_by_their_value() {
    let rig = Rig::new();
    rig.run(
        r#"CREATE TABLE T (day string, n int, INDEX i CLUSTERED (n) PARTITIONED BY (day));
        INSERT INTO T (n) PARTITION ("mon") VALUES (1), (2);
        INSERT INTO T (n) PARTITION ("tue") VALUES (3);"#,
    );
    rig.run(r#"ALTER TABLE T DROP PARTITION ("mon");"#);
    let rows = rig.output(r#"OUTPUT T TO "/out.csv" USING Outputters.Csv();"#);
    assert_eq!(rows, "\"tue\",3\n");
}

#[test]
fn views_functions_and_procedures_keep_their_text() {
    let rig = Rig::new();
    rig.run(
        r#"CREATE TYPE Pair AS TABLE (k string, v int);
        CREATE VIEW V AS EXTRACT UserId int, Start string, Region string, Query string, Duration int, Urls string, Clicked string
            FROM "/SearchLog.tsv" USING Extractors.Tsv();
        CREATE FUNCTION Long(@least int, @extra int = 0) RETURNS @r TABLE (Region string, Duration int) AS
        BEGIN
            @all = SELECT Region, Duration FROM V;
            @r = SELECT Duration, Region FROM @all WHERE Duration > @least + @extra;
        END;
        CREATE PROCEDURE Save(@rows Pair, @path string) AS
        BEGIN
            @sorted = SELECT k, v FROM @rows;
            OUTPUT @sorted TO @path ORDER BY v USING Outputters.Csv(quoting: false);
        END;"#,
    );
    let rows = rig.output(
        r#"@long = SELECT Region AS k, Duration AS v FROM Long(1200, DEFAULT) AS f;
        Save(@long, "/out.csv");"#,
    );
    assert_eq!(rows, "en-us,1213\nen-us,1220\nen-us,1270\n");
}

/// U-SQL reference, "CREATE FUNCTION" and "Table-Valued Function Expression": `RETURN` may end a
/// body, a table type may be named, and a function of several rowsets is assigned to as many.
#[test]
fn a_function_returns_one_rowset_or_more() {
    let rig = Rig::new();
    rig.run(
        r#"CREATE DATABASE d; USE d;
        CREATE TYPE Word AS TABLE (w string);
        CREATE FUNCTION Split() RETURNS (@short Word, @long) AS
        BEGIN
            @all = SELECT * FROM (VALUES ("a"), ("bbb")) AS v(w);
            @short = SELECT w FROM @all WHERE w.Length < 2;
            @long = SELECT w FROM @all WHERE w.Length > 1;
            RETURN;
        END;
        CREATE FUNCTION Wrong() RETURNS @r dbo.Number AS BEGIN @r = SELECT 1 AS n FROM (VALUES (1)) AS v(x); END;"#,
    );
    let rows = rig.output(
        r#"(@a, @b) = d.dbo.Split();
        @r = SELECT w + "1" AS w FROM @a UNION ALL SELECT w + "2" AS w FROM @b;
        OUTPUT @r TO "/out.csv" ORDER BY w USING Outputters.Csv(quoting: false);"#,
    );
    assert_eq!(rows, "a1\nbbb2\n");
    for (script, said) in [
        ("@r = d.dbo.Split();", "`d.dbo.Split` returns 2 rowsets"),
        (
            "(@a) = d.dbo.Split();",
            "`d.dbo.Split` returns 2 rowsets, not 1",
        ),
        (
            "@r = d.dbo.Wrong();",
            "returns the table type `d.dbo.Number`, which does not exist",
        ),
        (
            "DECLARE @a = 1; (@a, @b) = d.dbo.Split();",
            "`@a` is declared already",
        ),
    ] {
        let refused = rig.try_run(script).expect_err(script);
        assert!(refused.contains(said), "{refused}");
    }
}

/// U-SQL reference, "IF": what files there are is known before the job starts.
#[test]
fn a_condition_may_ask_for_files() {
    let rig = Rig::new();
    rig.write("full.csv", "1\n");
    rig.write("empty.csv", "");
    for (name, rows) in [("full", "1\n"), ("empty", "0\n"), ("none", "0\n")] {
        let script = format!(
            r#"DECLARE @path string = "/{name}.csv";
            IF FILE.EXISTS(@path) AND FILE.LENGTH(@path) > 0 THEN
                @r = EXTRACT x int FROM @path USING Extractors.Csv();
            ELSE
                @r = SELECT 0 AS x FROM (VALUES (1)) AS v(one);
            END;
            OUTPUT @r TO "/out.csv" USING Outputters.Csv();"#
        );
        assert_eq!(rig.output(&script), rows, "{name}");
    }
    let refused = rig
        .try_run("IF FILE.LENGTH(\"/none.csv\") > 0 THEN RAISE WARNING \"w\"; END;")
        .expect_err("no file");
    assert!(
        refused.contains("the length of `/none.csv` cannot be read"),
        "{refused}"
    );
}

#[test]
fn conditions_are_decided_before_the_job() {
    let mut rig = Rig::new();
    let script = r#"DECLARE EXTERNAL @mode string = "small"; DECLARE EXTERNAL @limit int = 10;
        @t = SELECT * FROM (VALUES (1), (100)) AS v(x);
        IF @mode == "small" THEN
            @r = SELECT x FROM @t WHERE x < @limit;
        ELSEIF @mode == "none" THEN
            RAISE ERROR "nothing is wanted";
        ELSE
            @r = SELECT x FROM @t;
        END;
        OUTPUT @r TO "/out.csv" ORDER BY x USING Outputters.Csv();"#;
    assert_eq!(rig.output(script), "1\n");
    rig.parameters.insert("limit".to_owned(), "1".to_owned());
    assert_eq!(rig.output(script), "");
    rig.parameters.insert("mode".to_owned(), "all".to_owned());
    assert_eq!(rig.output(script), "1\n100\n");
    rig.parameters.insert("mode".to_owned(), "none".to_owned());
    assert!(
        rig.try_run(script)
            .expect_err("raised")
            .contains("nothing is wanted")
    );
}

#[test]
fn a_table_that_was_added_to_is_not_read_in_the_same_script() {
    let rig = Rig::new();
    rig.run("CREATE TABLE T (x int, INDEX i CLUSTERED (x) DISTRIBUTED BY ROUND ROBIN);");
    let refused = rig
        .try_run("INSERT INTO T VALUES (1); @r = SELECT x FROM T;")
        .expect_err("refused");
    assert!(
        refused.contains("after this script has added rows"),
        "{refused}"
    );
}

/// U-SQL reference, "CREATE PACKAGE" and "IMPORT PACKAGE": the pages' own examples, in short.
#[test]
fn a_package_exports_variables_by_its_parameters() {
    let rig = Rig::new();
    rig.write("conf/x.xml", "<x/>");
    rig.run(
        r#"CREATE DATABASE p; USE p;
        CREATE PACKAGE XmlFiles() BEGIN
            EXPORT @file = "/conf/x.xml";
            DEPLOY RESOURCE @file;
        END;
        CREATE PACKAGE IF NOT EXISTS Either(@format string = "json") AS BEGIN
            USING Microsoft.Analytics.Samples.Formats.Json;
            DECLARE CONST @xml = "xml";
            IF @format == @xml THEN
                IMPORT PACKAGE XmlFiles AS files;
                EXPORT SYSTEM ASSEMBLY [System.Xml];
                EXPORT @file = files.@file;
                EXPORT @name = "xml";
            ELSE
                EXPORT ASSEMBLY [Newtonsoft.Json];
                EXPORT @name = "json";
            END;
        END;"#,
    );
    let rows = rig.output(
        r#"IMPORT PACKAGE p.dbo.Either("xml") AS x; IMPORT PACKAGE p.dbo.Either;
        @r = SELECT x.@name + "|" + x.@file + "|" + @name AS t FROM (VALUES (1)) AS v(one);
        OUTPUT @r TO "/out.csv" USING Outputters.Csv(quoting: false);"#,
    );
    assert_eq!(rows, "xml|/conf/x.xml|json\n");
    for (script, said) in [
        (
            "IMPORT PACKAGE p.dbo.Either() AS x; DECLARE @v = x.@xml;",
            "the variable `x.@xml` is not declared",
        ),
        (
            "IMPORT PACKAGE p.dbo.None;",
            "the package `p.dbo.None` does not exist",
        ),
        ("EXPORT @v = 1;", "`EXPORT` stands only in a package"),
        (
            "CREATE PACKAGE q() BEGIN @r = SELECT 1 AS x FROM (VALUES (1)) AS v(y); END;",
            "this statement does not stand in a package",
        ),
    ] {
        let refused = rig.try_run(script).expect_err(script);
        assert!(refused.contains(said), "{refused}");
    }
    rig.run("USE p; DROP PACKAGE Either; DROP PACKAGE IF EXISTS Either;");
    std::fs::remove_file(rig.path("conf/x.xml")).expect("removed");
    let refused = rig
        .try_run("IMPORT PACKAGE p.dbo.XmlFiles;")
        .expect_err("gone");
    assert!(
        refused.contains("the resource `/conf/x.xml` does not exist"),
        "{refused}"
    );
}
