//! What the grammar takes, and where it says what is wrong.

use proptest::prelude::*;

use crate::ast::StatementKind;
use crate::diagnostic::Diagnostics;
use crate::source::Source;

fn parse(text: &str) -> (Vec<StatementKind>, String) {
    let mut diagnostics = Diagnostics::default();
    let statements = super::script(text, &mut diagnostics);
    let source = Source::new("s.usql", text);
    let rendered = diagnostics.into_sorted();
    let rendered = rendered.iter().map(|each| each.render(&source));
    let kinds = statements.into_iter().map(|statement| statement.kind);
    (kinds.collect(), rendered.collect())
}

fn accepts(text: &str) {
    let (statements, errors) = parse(text);
    assert_eq!(errors, "", "{text}");
    assert!(!statements.is_empty());
}

#[test]
fn every_form_of_a_query_is_read() {
    for text in [
        "@r = EXTRACT a int, b string?, u = FILE.URI() FROM \"/a.tsv\", @p USING Extractors.Tsv(skipFirstNRows: 1);",
        "@r = SELECT DISTINCT a, b AS c, t.*, @s.x FROM @s AS t WHERE a == 1 && b != null OR NOT (c > 3);",
        "@r = SELECT k, COUNT(*) AS n, SUM(DISTINCT v) AS s FROM @s GROUP BY k HAVING COUNT(*) > 1 ORDER BY n DESC FETCH 10 ROWS;",
        "@r = SELECT a.x FROM @a AS a INNER JOIN @b AS b ON a.x == b.x LEFT OUTER JOIN @c AS c ON b.y == c.y;",
        "@r = SELECT a.x FROM @a AS a LEFT SEMIJOIN @b AS b ON a.x == b.x;",
        "@r = SELECT a.x FROM @a AS a ANTISEMIJOIN (SELECT x FROM @b) AS b ON a.x == b.x;",
        "@r = SELECT x, y FROM @a CROSS JOIN @b;",
        "@r = SELECT w FROM @a AS a CROSS APPLY EXPLODE (a.words) AS t(w string);",
        "@r = SELECT * FROM (VALUES (1, \"a\"), (2, (string)null)) AS v(n, s);",
        "@r = SELECT * FROM @a UNION ALL SELECT * FROM @b EXCEPT BY NAME ON (x, *) SELECT * FROM @c;",
        "@r = (SELECT * FROM @a) OUTER UNION ALL BY NAME ON (x) (SELECT * FROM @b);",
        "@r = SELECT x, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS n FROM @a;",
        "@r = SELECT PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY v) OVER (PARTITION BY k) AS m FROM @a;",
        "@r = SELECT * FROM @a PIVOT (SUM(v) FOR k IN (\"x\" AS x, \"y\" AS y)) AS p;",
        "@r = SELECT * FROM @a UNPIVOT INCLUDE NULLS (v FOR k IN (x, y)) AS p;",
        "@r = dbo.F(@a, 1 + 2, DEFAULT);",
        "@r = SELECT * FROM db..T SAMPLE ANY (10);",
        "OUTPUT (SELECT a FROM @r) TO @\"/out/{*}.csv\" ORDER BY a USING Outputters.Csv(outputHeader: true);",
        "@r = REDUCE @a PRESORT x ON k PRODUCE k int, n long USING new My.Reducer();",
        "@r = PROCESS @a PRODUCE k, n long, t READONLY k, t REQUIRED * USING new My.Processor();",
        "(@a, @b) = dbo.F(@c, DEFAULT);",
    ] {
        accepts(text);
    }
}

#[test]
fn every_form_of_an_expression_is_read() {
    for expression in [
        "a ? b : c ?? d",
        "(int?) null",
        "(decimal) -x",
        "new SQL.ARRAY<string>(s.Split(';')).Where(x => x != \"\").ToArray()",
        "new SqlArray<int>{1, 2, 3}",
        "new SQL.MAP<string, SQL.ARRAY<int>>{{\"k\", null}}",
        "new [] {1, 2}",
        "(from x in xs where x > 1 select x * 2)",
        "(from x in xs where x > 1 orderby x.Length descending select x)",
        "x is string",
        "a IN (1, 2) AND b NOT IN (3)",
        "a BETWEEN 1 AND 2 AND c",
        "s LIKE \"a%\"",
        "CASE WHEN a > 1 THEN \"x\" ELSE \"y\" END",
        "CASE a WHEN 1 THEN 2 END",
        "(a, b) => a + b",
        "a < b && c > (d)",
        "1 << 2 >> 1",
        "m[\"k\"][0]",
        "Enumerable.Range(0, 3).Select<int, int>(i => i)",
        "string.Format(\"{0}\", a)",
        "Encoding.[ASCII]",
        "-x.Length % 3",
    ] {
        accepts(&format!("@r = SELECT {expression} AS v FROM @s;"));
    }
}

#[test]
fn every_other_statement_is_read() {
    for text in [
        "USE DATABASE d; USE SCHEMA s; USE d.s;",
        "SET @@FeaturePreviews = \"GZipOutput:on\";",
        "DECLARE @a string = \"x\"; DECLARE EXTERNAL @b = 1; DECLARE CONST @c int = 2;",
        "DECLARE @f Func<string, int> = s => s.Length;",
        "CREATE DATABASE IF NOT EXISTS d; DROP DATABASE IF EXISTS d; CREATE SCHEMA d.s;",
        "CREATE TABLE IF NOT EXISTS d.dbo.T (a int, b string, INDEX i CLUSTERED (a ASC) PARTITIONED BY (b) DISTRIBUTED BY HASH (a) INTO 4);",
        "CREATE TABLE T (INDEX i CLUSTERED (a) DISTRIBUTED BY ROUND ROBIN) AS SELECT * FROM @r;",
        "CREATE CLUSTERED INDEX i ON s.T (a ASC, b) PARTITIONED BY HASH (a); DROP INDEX i ON s.T;",
        "CREATE STATISTICS IF NOT EXISTS st ON s.T (a) WITH FULLSCAN; DROP STATISTICS IF EXISTS st ON s.T;",
        "CREATE TYPE TT AS TABLE (a int, b string);",
        "CREATE VIEW V AS SELECT a FROM T;",
        "CREATE FUNCTION F(@a int, @t TABLE (x int), @d string = \"z\") RETURNS @r TABLE (x int) AS BEGIN @r = SELECT x FROM @t; END;",
        "CREATE FUNCTION F() RETURNS (@a, @b dbo.TT) AS BEGIN @a = SELECT x FROM T; @b = SELECT x FROM T; RETURN; END;",
        "CREATE PROCEDURE P(@t dbo.TT) AS BEGIN OUTPUT @t TO \"/o.csv\" USING Outputters.Csv(); END;",
        "P(1, @b); CALL d.dbo.P();",
        "INSERT INTO T (a, b) VALUES (1, \"x\"), (2, \"y\"); INSERT T SELECT a FROM @r; INSERT INTO T PARTITION (\"x\") SELECT a FROM @r;",
        "TRUNCATE TABLE T; ALTER TABLE T ADD PARTITION (1), PARTITION (2); ALTER TABLE T REBUILD;",
        "IF @a == 1 THEN @r = SELECT a FROM @s; ELSEIF true THEN RAISE WARNING \"w\"; ELSE RAISE ERROR \"e\"; END;",
        "REFERENCE ASSEMBLY [Newtonsoft.Json]; USING Microsoft.Analytics.Samples.Formats.Json; USING J = A.B;",
        "CREATE ASSEMBLY IF NOT EXISTS x FROM @\"/a.dll\"; DEPLOY RESOURCE \"/a.py\";",
    ] {
        accepts(text);
    }
}

#[test]
fn each_bad_statement_is_one_error_and_the_next_is_read() {
    let (statements, errors) = parse("@r = SELECT FROM @s;\nUSE d;\n@q = SELECT a FROM;\n");
    assert_eq!(statements.len(), 1);
    insta::assert_snapshot!(errors, @r"
    error[E_CSC_USER_SYNTAXERROR]: expected an expression, found `FROM`
     --> s.usql:1:13
      |
    1 | @r = SELECT FROM @s;
      |             ^^^^
    error[E_CSC_USER_SYNTAXERROR]: expected a name, found `;`
     --> s.usql:3:19
      |
    3 | @q = SELECT a FROM;
      |                   ^
    ");
}

/// What the language has and this program does not is one error, and no fault of the grammar.
#[test]
fn what_is_not_there_is_refused_by_name() {
    let block = "(d) => { DateTime t; var ok = DateTime.TryParse(d, out t); return ok; }";
    for (text, said) in [
        (
            format!("DECLARE @f Func<string, bool> = {block};"),
            "a block of C# statements",
        ),
        (
            format!("@r = SELECT ((Func<string, bool>)({block}))(a) AS v FROM @s;"),
            "a block of C# statements",
        ),
        (
            format!("CREATE PACKAGE p() BEGIN EXPORT @f Func<string, bool> = {block}; EXPORT @a = 1; END; USE d;"),
            "a block of C# statements",
        ),
        (
            "@r = SELECT double.Parse(a, new NumberFormatInfo { NumberDecimalSeparator = \".\" }) AS v FROM @s;".to_owned(),
            "members are set one by one",
        ),
        (
            "@r = SELECT a FROM EXTERNAL s LOCATION \"dbo.t\";".to_owned(),
            "(`EXTERNAL`) cannot be read",
        ),
    ] {
        let (_, errors) = parse(&text);
        assert!(
            errors.starts_with("error[SW_UNSUPPORTED]") && errors.contains(said),
            "{errors}"
        );
        assert_eq!(errors.matches("error[").count(), 1, "{errors}");
    }
}

#[test]
fn a_reserved_word_says_how_to_use_it_as_a_name() {
    let (_, errors) = parse("@r = SELECT a AS GROUP FROM @s;");
    assert!(
        errors.contains("write `[GROUP]` to use it as a name"),
        "{errors}"
    );
}

#[test]
fn deep_nesting_is_an_error_and_no_crash() {
    let text = format!(
        "@r = SELECT {}1{} AS a FROM @s;",
        "(".repeat(5000),
        ")".repeat(5000)
    );
    assert!(parse(&text).1.contains("nested more than"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,120}") {
        parse(&text);
    }

    #[test]
    fn no_order_of_words_makes_the_parser_panic(words in proptest::collection::vec(
        prop_oneof![
            Just("SELECT"), Just("FROM"), Just("@r"), Just("="), Just("("), Just(")"), Just(","),
            Just("JOIN"), Just("ON"), Just("a"), Just("=="), Just("GROUP BY"), Just("OVER"),
            Just("CASE"), Just("WHEN"), Just("END"), Just("IF"), Just("THEN"), Just(";"),
            Just("\"t\""), Just("1"), Just("<"), Just(">"), Just("?"), Just(":"), Just("=>"),
            Just("new"), Just("["), Just("]"), Just("{"), Just("}"), Just("."), Just("EXTRACT"),
            Just("USING"), Just("VALUES"), Just("CREATE"), Just("TABLE"), Just("BEGIN"),
        ], 0..60)) {
        let text = words.join(" ");
        let mut diagnostics = Diagnostics::default();
        super::script(&text, &mut diagnostics);
        for each in diagnostics.into_sorted() {
            prop_assert!(each.span.end <= text.len());
        }
    }
}
