//! Queries: filters, joins, groups, sets, windows, arrays.

use crate::rig::{LOG, Rig, query};

/// awk: sum and count by the third column.
#[test]
fn groups_are_summed_filtered_and_ordered() {
    let rows = query(
        "SELECT Region, COUNT(*) AS n, SUM(Duration) AS total FROM @log GROUP BY Region HAVING COUNT(*) > 1",
        "total DESC",
    );
    assert_eq!(rows, "en-us,16,8291\nen-gb,2,688\n");
}

#[test]
fn an_aggregate_without_groups_has_one_row() {
    let rows = query(
        "SELECT COUNT(*) AS n, MIN(Duration) AS low, MAX(Duration) AS high, AVG((double)Duration) AS mean, COUNT(DISTINCT Region) AS regions FROM @log WHERE Region == \"en-gb\"",
        "n",
    );
    assert_eq!(rows, "2,74,614,344,1\n");
    let none = query(
        "SELECT COUNT(*) AS n, SUM(Duration) AS total FROM @log WHERE Duration < 0",
        "n",
    );
    assert_eq!(none, "0,\n");
}

/// awk: `$3 ~ /^en-g/ && $5 > 100 {n = split($6, urls, ";"); print toupper($4), int($5 / 60), n}`
#[test]
fn expressions_are_csharp() {
    let rows = query(
        "SELECT Query.ToUpper() AS q, Start.ToString(\"yyyy-MM-dd HH:mm\") AS day, Duration / 60 AS minutes, Urls.Split(';').Length AS urls FROM @log WHERE Region.StartsWith(\"en-g\") && Duration > 100",
        "q",
    );
    assert_eq!(
        rows,
        "BEST SKI RESORTS,2012-02-15 11:53,10,3\nMICROSOFT,2012-02-16 12:11,5,3\n"
    );
}

#[test]
fn rows_are_chosen_by_order() {
    let rows = query(
        "SELECT Query, Duration FROM @log ORDER BY Duration DESC OFFSET 1 ROWS FETCH 2 ROWS",
        "Duration DESC",
    );
    assert_eq!(rows, "xbox,1220\ncosmos,1213\n");
    // The key is written as in the source of the rows, whose name the column has not.
    let rows = query(
        "SELECT l.Query AS q, l.Duration / 10 AS d FROM @log AS l ORDER BY l.Duration / 10 DESC, l.Query FETCH 1 ROWS",
        "q",
    );
    assert_eq!(rows, "yelp,127\n");
}

#[test]
fn arrays_are_exploded() {
    let rows = query(
        "SELECT l.Query, u.Url FROM (SELECT Query, new SQL.ARRAY<string>(Urls.Split(';')) AS all FROM @log WHERE UserId == 399266) AS l CROSS APPLY EXPLODE (l.all) AS u(Url)",
        "Url",
    );
    assert_eq!(
        rows,
        "how to make nachos,www.nachos.com\nhow to make nachos,www.wikipedia.com\n"
    );
}

const PEOPLE: &str = r#"
@a = SELECT * FROM (VALUES (1, "ann"), (2, "bob"), (3, (string)null)) AS v(id, name);
@b = SELECT * FROM (VALUES (1, 10), (1, 11), (4, 40)) AS v(id, amount);
"#;

fn people(query: &str, order: &str) -> String {
    Rig::new().output(&format!(
        "{PEOPLE} @r = {query}; OUTPUT @r TO \"/out.csv\" ORDER BY {order} USING Outputters.Csv();"
    ))
}

#[test]
fn every_kind_of_join_keeps_what_it_should() {
    let joined = |kind: &str| {
        let query = format!(
            "SELECT a.id AS i, a.name, b.amount FROM @a AS a {kind} JOIN @b AS b ON a.id == b.id"
        );
        people(&query, "i, amount")
    };
    assert_eq!(joined("INNER"), "1,\"ann\",10\n1,\"ann\",11\n");
    assert_eq!(
        joined("LEFT OUTER"),
        "1,\"ann\",10\n1,\"ann\",11\n2,\"bob\",\n3,,\n"
    );
    assert_eq!(joined("RIGHT OUTER"), ",,40\n1,\"ann\",10\n1,\"ann\",11\n");
    assert_eq!(
        joined("FULL OUTER"),
        ",,40\n1,\"ann\",10\n1,\"ann\",11\n2,\"bob\",\n3,,\n"
    );
    let semi = |word: &str| {
        people(
            &format!("SELECT a.id FROM @a AS a LEFT {word} @b AS b ON a.id == b.id"),
            "id",
        )
    };
    assert_eq!(semi("SEMIJOIN"), "1\n");
    assert_eq!(semi("ANTISEMIJOIN"), "2\n3\n");
    assert_eq!(
        people(
            "SELECT a.id, b.amount FROM @a AS a CROSS JOIN @b AS b",
            "id, amount"
        )
        .lines()
        .count(),
        9
    );
}

/// C#: null equals null, so rows without a key meet each other.
#[test]
fn null_joins_null() {
    let rows = people(
        "SELECT a.id FROM @a AS a INNER JOIN (SELECT (string)null AS n FROM @b WHERE id == 4) AS x ON a.name == x.n",
        "id",
    );
    assert_eq!(rows, "3\n");
}

#[test]
fn sets_count_their_rows() {
    let set = |op: &str| {
        Rig::new().output(&format!(
            "@a = SELECT * FROM (VALUES (1), (1), (1), (2)) AS v(x); @b = SELECT * FROM (VALUES (1), (3)) AS v(x);
             @r = SELECT * FROM @a {op} SELECT * FROM @b;
             OUTPUT @r TO \"/out.csv\" ORDER BY x USING Outputters.Csv();"
        ))
        .replace('\n', " ")
    };
    assert_eq!(set("UNION"), "1 2 3 ");
    assert_eq!(set("UNION ALL"), "1 1 1 1 2 3 ");
    assert_eq!(set("INTERSECT"), "1 ");
    assert_eq!(set("INTERSECT ALL"), "1 ");
    assert_eq!(set("EXCEPT"), "2 ");
    assert_eq!(set("EXCEPT ALL"), "1 1 2 ");
}

#[test]
fn an_outer_union_has_the_columns_of_both() {
    let rows = people(
        "(SELECT * FROM @a) OUTER UNION ALL BY NAME ON (id) (SELECT * FROM @b)",
        "id, name",
    );
    assert_eq!(
        rows,
        "1,,10\n1,,11\n1,\"ann\",0\n2,\"bob\",0\n3,,0\n4,,40\n"
    );
}

#[test]
fn windows_see_their_partition_and_their_frame() {
    let rows = Rig::new().output(
        r#"@t = SELECT * FROM (VALUES ("a", 1), ("a", 2), ("a", 4), ("b", 7)) AS v(k, v);
        @r = SELECT k, v,
                ROW_NUMBER() OVER (PARTITION BY k ORDER BY v DESC) AS n,
                SUM(v) OVER (PARTITION BY k) AS total,
                SUM(v) OVER (PARTITION BY k ORDER BY v ROWS UNBOUNDED PRECEDING) AS running,
                LAG(v, 1) OVER (PARTITION BY k ORDER BY v) AS before,
                FIRST_VALUE(v) OVER (PARTITION BY k ORDER BY v) AS first,
                PERCENTILE_DISC(0.5) WITHIN GROUP (ORDER BY v) OVER (PARTITION BY k) AS median,
                PERCENTILE_CONT(0.25) WITHIN GROUP (ORDER BY v) OVER (PARTITION BY k) AS quarter,
                PERCENT_RANK() OVER (PARTITION BY k ORDER BY v) AS p
             FROM @t;
        OUTPUT @r TO "/out.csv" ORDER BY k, v USING Outputters.Csv(quoting: false);"#,
    );
    assert_eq!(
        rows,
        "a,1,3,7,1,,1,2,1.5,0\na,2,2,7,3,1,1,2,1.5,0.5\na,4,1,7,7,2,1,2,1.5,1\nb,7,1,7,7,,7,7,7,0\n"
    );
}

#[test]
fn collections_are_aggregated() {
    let rows = Rig::new().output(
        r#"@t = SELECT * FROM (VALUES ("a", "x", 1), ("a", "y", 2), ("b", "z", 3)) AS v(k, n, v);
        @g = SELECT k, ARRAY_AGG(n) AS names, MAP_AGG(n, v) AS map FROM @t GROUP BY k;
        @r = SELECT k, string.Join("|", names.OrderBy(x => x)) AS names, map["y"] AS y FROM @g;
        OUTPUT @r TO "/out.csv" ORDER BY k USING Outputters.Csv(quoting: false);"#,
    );
    assert_eq!(rows, "a,x|y,2\nb,z,\n");
}

#[test]
fn columns_become_rows_and_rows_columns() {
    let rows = Rig::new().output(
        r#"@t = SELECT * FROM (VALUES ("a", 1, 2), ("b", 3, 4)) AS v(k, x, y);
        @u = SELECT * FROM @t UNPIVOT (value FOR name IN (x, y)) AS u;
        @r = SELECT * FROM @u PIVOT (SUM(value) FOR name IN ("x" AS px, "y" AS py)) AS p;
        OUTPUT @r TO "/out.csv" ORDER BY k USING Outputters.Csv(quoting: false);"#,
    );
    assert_eq!(rows, "a,1,2\nb,3,4\n");
}

/// On one core and on two, as DataFusion plans them differently.
fn guarded(script: &str) -> [String; 2] {
    [1, 2].map(|cores| {
        let mut rig = Rig::new();
        rig.cores = cores;
        rig.output(&format!(
            "{script} OUTPUT @r TO \"/out.csv\" ORDER BY x USING Outputters.Csv();"
        ))
    })
}

/// A guard protects what may fail, in one query or in two.
#[test]
fn a_guard_protects_what_may_fail() {
    let rows = guarded(
        "@t = SELECT * FROM (VALUES (0), (2), (5)) AS v(x);
         @safe = SELECT x FROM @t WHERE x != 0;
         @r = SELECT x, 10 / x AS y FROM @safe WHERE 10 / x > 1 && x < 6;",
    );
    assert_eq!(rows, ["2,5\n5,2\n"; 2]);
}

/// DataFusion takes a projection that has fewer columns in front of a filter.
#[test]
fn a_guard_protects_what_is_computed_from_many_columns() {
    let rows = guarded(
        "@t = SELECT * FROM (VALUES (0, 1, 2), (2, 4, 6), (5, 3, 7)) AS v(x, a, b);
         @r = SELECT x, (a + b) / x AS y FROM @t WHERE x != 0;",
    );
    assert_eq!(rows, ["2,5\n5,2\n"; 2]);
}

#[test]
fn a_join_protects_what_is_computed_behind_it() {
    let rows = guarded(
        "@t = SELECT * FROM (VALUES (0, 0), (2, 0), (5, 1)) AS v(x, s);
         @u = SELECT * FROM (VALUES (2, 1), (5, 1)) AS v(x, z);
         @r = SELECT t.x, 10 / t.x AS y FROM @t AS t INNER JOIN @u AS u ON t.x == u.x
              WHERE 10 / t.x > 2;",
    );
    assert_eq!(rows, ["2,5\n"; 2]);
}

#[test]
fn a_rowset_is_a_value_and_may_be_assigned_again() {
    let rows = Rig::new().output(&format!(
        "{LOG} @log = SELECT Region, Duration FROM @log WHERE Duration > 1000;
         @log = SELECT Region, Duration + 1 AS Duration FROM @log;
         OUTPUT @log TO \"/out.csv\" ORDER BY Duration USING Outputters.Csv();"
    ));
    assert_eq!(rows, "\"en-us\",1214\n\"en-us\",1221\n\"en-us\",1271\n");
}

#[test]
fn work_beyond_the_memory_goes_to_disk() {
    let mut rig = Rig::new();
    rig.memory_bytes = Some(64 << 20);
    let mut text = String::new();
    for row in 0..200_000_u32 {
        text.push_str(&format!(
            "{}\tsome longer text {row}\n",
            row.wrapping_mul(2_654_435_761) % 1_000_003
        ));
    }
    rig.write("big.tsv", text);
    let summary = rig.run(
        "@t = EXTRACT k int, t string FROM \"/big.tsv\" USING Extractors.Tsv();
         OUTPUT @t TO \"/out.csv\" ORDER BY k USING Outputters.Csv(quoting: false);",
    );
    assert_eq!(summary.outputs[0].rows, 200_000);
    let keys: Vec<u32> = rig
        .read("out.csv")
        .lines()
        .map(|line| {
            line.split(',')
                .next()
                .and_then(|key| key.parse().ok())
                .expect("a key")
        })
        .collect();
    assert!(keys.is_sorted());
}
