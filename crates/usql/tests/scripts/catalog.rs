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
