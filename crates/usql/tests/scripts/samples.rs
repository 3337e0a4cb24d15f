//! The formats of the sample library `Microsoft.Analytics.Samples.Formats`: its documentation
//! (Azure/usql, Examples/DataFormats) says what they read and write.

use crate::rig::Rig;

const JSON: &str = "REFERENCE ASSEMBLY [Newtonsoft.Json];
    REFERENCE ASSEMBLY [Microsoft.Analytics.Samples.Formats];
    USING Microsoft.Analytics.Samples.Formats.Json;\n";

fn read(rig: &Rig, columns: &str, file: &str, extractor: &str) -> Result<String, String> {
    rig.try_run(&format!(
        "{JSON} @t = EXTRACT {columns} FROM \"/{file}\" USING new {extractor};
        OUTPUT @t TO \"/out.csv\" ORDER BY n USING Outputters.Csv(quoting: false);"
    ))?;
    Ok(rig.read("out.csv"))
}

#[test]
fn json_objects_are_rows_wherever_they_stand() {
    let rig = Rig::new();
    rig.write(
        "array.json",
        r#"[{"n": 1, "t": "a", "f": 1.5}, 7, {"t": null, "n": "2", "x": 0}]"#,
    );
    rig.write(
        "lines.json",
        "{\"n\": 3, \"t\": true}\r\n{\"n\": 4, \"t\": 1e2}\n",
    );
    rig.write(
        "deep.json",
        r#"{"data": {"rows": [{"n": 5}, {"n": 6, "t": {"b": [1], "a": 2}}]}}"#,
    );
    let columns = "n int, t string, f double?";
    assert_eq!(
        read(&rig, columns, "array.json", "JsonExtractor()").as_deref(),
        Ok("1,a,1.5\n2,,\n")
    );
    let full = "Microsoft.Analytics.Samples.Formats.Json.MultiLineJsonExtractor()";
    assert_eq!(
        read(&rig, columns, "lines.json", full).as_deref(),
        Ok("3,true,\n4,100.0,\n")
    );
    // What is nested is a text, indented as JSON.NET does.
    assert_eq!(
        read(
            &rig,
            columns,
            "deep.json",
            "JsonExtractor(\"data.rows[*]\")"
        )
        .as_deref(),
        Ok("5,,\n6,{\n  \"b\": [\n    1\n  ],\n  \"a\": 2\n},\n")
    );
    let sets = read(
        &rig,
        "n int, name string",
        "{name}.json",
        "JsonExtractor(rowpath: \"$..rows[0]\")",
    );
    assert_eq!(sets.as_deref(), Ok("5,deep\n"));
}

#[test]
fn a_column_is_looked_for_around_its_row() {
    let rig = Rig::new();
    rig.write(
        "d.json",
        r#"{"device": "d1", "days": [{"day": "mon", "at": [{"v": 1}, {"v": 2}]}, {"day": "tue", "at": [{"v": 3, "day": "x"}]}]}"#,
    );
    let run = |bypass: &str, last: &str| {
        let extractor = format!(
            "MultiLevelJsonExtractor(\"days[*].at[*]\", {bypass}, \"v\", \"day\", \"{last}\")"
        );
        read(
            &rig,
            "n int, day string, device string",
            "d.json",
            &extractor,
        )
    };
    assert_eq!(
        run("false", "device").as_deref(),
        Ok("1,mon,d1\n2,mon,d1\n3,x,d1\n")
    );
    assert_eq!(run("true", "none").as_deref(), Ok("1,mon,\n2,mon,\n3,x,\n"));
    let refused = run("false", "none").expect_err("a fault");
    assert!(
        refused.contains("d.json, record 1, column `device`: nothing is at `none`"),
        "{refused}"
    );
}

#[test]
fn a_text_of_json_is_taken_apart_in_an_expression() {
    let rows = Rig::new().output(&format!(
        r#"{JSON} @t = SELECT * FROM (VALUES ("{{\"id\": 1, \"a\": {{\"zip\": \"z\"}}}}"), ("")) AS v(j);
        @r = SELECT JsonFunctions.JsonTuple(j)["id"] ?? "none" AS id,
                    Microsoft.Analytics.Samples.Formats.Json.JsonFunctions.JsonTuple(j, "$.a.zip", "id")["a.zip"] AS zip,
                    Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(j)).Length AS n
             FROM @t;
        OUTPUT @r TO "/out.csv" ORDER BY id USING Outputters.Csv(quoting: false);"#
    ));
    assert_eq!(rows, "1,z,28\nnone,,0\n");
    let refused = Rig::new().try_run(&format!(
        "{JSON} @r = SELECT JsonFunctions.JsonTuple(\"{{\" + t).Count AS n FROM (VALUES (\"x\")) AS v(t);
        OUTPUT @r TO \"/out.csv\" USING Outputters.Csv();"
    ));
    assert!(refused.expect_err("a fault").contains("this is not JSON"));
}

#[test]
fn json_is_written_without_nulls() {
    let write = |class: &str| {
        let rig = Rig::new();
        rig.run(&format!(
            r#"{JSON} @t = SELECT * FROM (VALUES (1, "a\"b", (double?)2.0, 1.25m, new DateTime(2012, 2, 15)),
                (2, (string)null, (double?)null, 1m, new DateTime(2012, 2, 15, 1, 2, 3))) AS v(n, t, f, m, d);
            @e = SELECT n FROM @t WHERE n > 2;
            OUTPUT @t TO "/out.json" ORDER BY n USING new {class}();
            OUTPUT @e TO "/empty.json" USING new {class}();"#
        ));
        (rig.read("out.json"), rig.read("empty.json"))
    };
    let first = r#"{"n":1,"t":"a\"b","f":2.0,"m":1.25,"d":"2012-02-15T00:00:00"}"#;
    let second = r#"{"n":2,"m":1.0,"d":"2012-02-15T01:02:03"}"#;
    assert_eq!(
        write("JsonOutputter"),
        (format!("[{first},{second}]"), String::new())
    );
    assert_eq!(
        write("JsonLinesOutputter"),
        (format!("{first}\n{second}\n"), String::new())
    );
}

const XML: &str = "USING xml = Microsoft.Analytics.Samples.Formats.Xml;\n";

#[test]
fn xml_is_read_by_names_and_by_paths_and_written() {
    let rig = Rig::new();
    rig.write(
        "in.xml",
        r#"<?xml version="1.0"?><feed xmlns:q="urn:q"><doc k="1"><title>A &amp; B</title><in><link>l<b>1</b></link></in></doc>
        <doc k="2"><title/><q:x>y</q:x></doc></feed>"#,
    );
    let run = |columns: &str, extractor: &str| {
        rig.output(&format!(
            "{XML} @t = EXTRACT {columns} FROM \"/in.xml\" USING new xml.{extractor};
            OUTPUT @t TO \"/out.csv\" ORDER BY {} USING Outputters.Csv(nullEscape: \"null\");",
            columns.split(' ').next().expect("a column")
        ))
    };
    assert_eq!(
        run(
            "title string, url string",
            "XmlExtractor(\"doc\", new SQL.MAP<string, string>{{\"link\", \"url\"}})"
        ),
        "\"\",null\n\"A &amp; B\",\"l<b>1</b>\"\n"
    );
    assert_eq!(
        run(
            "k string, title string, x string",
            "XmlDomExtractor(\"/feed/doc\", new SQL.MAP<string, string>{{\"@k\", \"k\"}, {\"p:x\", \"x\"}},
                new SQL.MAP<string, string>{{\"p\", \"urn:q\"}})"
        ),
        "\"1\",\"A &amp; B\",null\n\"2\",\"\",\"y\"\n"
    );
    rig.run(&format!(
        "{XML} @t = SELECT * FROM (VALUES (\"1\", \"<\"), (\"2\", \"\"), (\"3\", (string)null)) AS v(a, b);
        OUTPUT @t TO \"/out.xml\" ORDER BY a USING new xml.XmlOutputter(\"row\", new SqlMap<string, string>{{{{\"b\", \"c\"}}}});"
    ));
    assert_eq!(
        rig.read("out.xml"),
        "<row><a>1</a><c>&lt;</c></row><row><a>2</a><c /></row><row><a>3</a></row>"
    );
    rig.write("in.xml", "<feed><doc><title>x</title>");
    let refused = rig.try_run(&format!(
        "{XML} @t = EXTRACT title string FROM \"/in.xml\" USING new xml.XmlExtractor(\"doc\", null);
        OUTPUT @t TO \"/out.csv\" USING Outputters.Csv();"
    ));
    let refused = refused.expect_err("a fault");
    assert!(
        refused.contains("in.xml, record 1: the document ends within an element"),
        "{refused}"
    );
}

/// A whole number as Avro writes it: the sign in the lowest bit, seven bits in each byte (Apache Avro
/// specification, "Binary Encoding").
fn long(value: i64) -> Vec<u8> {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    let mut out = Vec::new();
    while rest > 0x7f {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    out
}

fn bytes(value: &[u8]) -> Vec<u8> {
    [long(value.len() as i64), value.to_vec()].concat()
}

const SCHEMA: &str = r#"{"type": "record", "name": "r", "fields": [{"name": "n", "type": "long"},
    {"name": "t", "type": ["null", "string"]}, {"name": "b", "type": "bytes"},
    {"name": "m", "type": {"type": "map", "values": "string"}}, {"name": "f", "type": "double"}]}"#;

/// A file of two records (the specification's "Object Container Files").
fn container(codec: &str) -> Vec<u8> {
    let first = [
        long(-3),
        long(1),
        bytes("ü".as_bytes()),
        bytes(b"xy"),
        long(1),
        bytes(b"k"),
        bytes(b"v"),
        long(0),
        0.5_f64.to_le_bytes().to_vec(),
    ];
    let second = [
        long(1 << 40),
        long(0),
        bytes(b""),
        long(0),
        2_f64.to_le_bytes().to_vec(),
    ];
    let mut data = [first.concat(), second.concat()].concat();
    if codec == "deflate" {
        use std::io::Read as _;
        let mut packed = Vec::new();
        flate2::read::DeflateEncoder::new(&*data, flate2::Compression::fast())
            .read_to_end(&mut packed)
            .expect("packed");
        data = packed;
    }
    let sync = [7_u8; 16];
    [
        b"Obj\x01".to_vec(),
        long(2),
        bytes(b"avro.schema"),
        bytes(SCHEMA.as_bytes()),
        bytes(b"avro.codec"),
        bytes(codec.as_bytes()),
        long(0),
        sync.to_vec(),
        long(2),
        bytes(&data),
        sync.to_vec(),
    ]
    .concat()
}

#[test]
fn avro_records_are_rows() {
    let rig = Rig::new();
    for codec in ["null", "deflate"] {
        rig.write("in.avro", container(codec));
        for schema in [SCHEMA.replace('"', "\"\""), String::new()] {
            let rows = rig.output(&format!(
                "@t = EXTRACT n long, t string, b byte[], m SQL.MAP<string, string>, f double FROM \"/in.avro\"
                    USING new Microsoft.Analytics.Samples.Formats.ApacheAvro.AvroExtractor(@\"{schema}\");
                @r = SELECT n, t ?? \"none\" AS t, Encoding.UTF8.GetString(b) AS b, m[\"k\"] AS v, f FROM @t;
                OUTPUT @r TO \"/out.csv\" ORDER BY n USING Outputters.Csv(quoting: false);"
            ));
            assert_eq!(rows, "-3,ü,xy,v,0.5\n1099511627776,none,,,2\n", "{codec}");
        }
    }
    let refused = |columns: &str| {
        rig.try_run(&format!(
            "USING Microsoft.Analytics.Samples.Formats.Avro;
            @t = EXTRACT {columns} FROM \"/in.avro\" USING new AvroExtractor(null, true);
            OUTPUT @t TO \"/out.csv\" USING Outputters.Csv();"
        ))
        .expect_err("a fault")
    };
    assert!(refused("x int").contains("in.avro, column `x`: the records have no field `x`"));
    assert!(refused("n int").contains("column `n`"));
    rig.write("in.avro", "Obj");
    assert!(refused("n long").contains("in.avro, record 1"));
    // However a file is damaged, it is read or refused.
    let whole = container("null");
    for at in (0..whole.len()).step_by(whole.len() / 24) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x55;
        rig.write("in.avro", damaged);
        let read = rig.try_run(
            "@t = EXTRACT n long FROM \"/in.avro\"
                USING new Microsoft.Analytics.Samples.Formats.Avro.AvroExtractor(null, true);
            OUTPUT @t TO \"/out.csv\" USING Outputters.Csv();",
        );
        if let Err(refused) = read {
            assert!(refused.contains("in.avro"), "{refused}");
        }
    }
}

#[test]
fn arguments_of_a_format_are_checked_before_anything_runs() {
    for (columns, extractor, said) in [
        (
            "n int",
            "JsonExtractor(\"a[\")",
            "`a[` is not a path into JSON",
        ),
        (
            "n int",
            "MultiLevelJsonExtractor(\"a\", true, \"x\", \"y\")",
            "more paths than the 1 columns",
        ),
        (
            "n int",
            "JsonExtractor(path: \"a\")",
            "there is no argument `path`",
        ),
        (
            "n int",
            "Microsoft.Analytics.Samples.Formats.Xml.XmlExtractor(\"a\", null)",
            "XML has columns of type `string`",
        ),
        (
            "n string",
            "Microsoft.Analytics.Samples.Formats.Xml.XmlDomExtractor(\"a[\", null)",
            "`a[` is not a path into XML",
        ),
        (
            "n int",
            "Microsoft.Analytics.Samples.Formats.Avro.AvroExtractor(\"{\")",
            "this is not JSON",
        ),
        (
            "n int",
            "My.JsonExtractor()",
            "an extractor of the user's own is C#",
        ),
    ] {
        let rig = Rig::new();
        rig.write("in", "");
        let refused = read(&rig, columns, "in", extractor).expect_err(extractor);
        assert!(refused.contains(said), "{refused}");
    }
}

/// What Python makes of groups is tested where there is a pandas: `python/tests/run/test_usql_python.py`.
#[test]
fn python_is_given_texts_and_numbers_and_must_be_there() {
    let mut rig = Rig::new();
    rig.write("other.py", "");
    let script = |value: &str| {
        format!(
            "@t = SELECT * FROM (VALUES ({value})) AS v(d);
            @m = REDUCE @t ALL PRODUCE n int USING new Extension.Python.Reducer(pyScript: \"x\");
            OUTPUT @m TO \"/out.csv\" USING Outputters.Csv();"
        )
    };
    let refused = rig.try_run(&script("new DateTime(2012, 1, 1)"));
    let refused = refused.expect_err("refused");
    assert!(
        refused.contains("Python takes and gives texts, numbers and `bool`"),
        "{refused}"
    );
    for (produce, using, said) in [
        ("d, n int", "\"x\", pyVersion: \"3.5.1\"", ""),
        (
            "e",
            "\"x\"",
            "the input has no column `e`, and it has no type",
        ),
        (
            "d",
            "\"code.usql.py\"",
            "no file `code.usql.py` is deployed",
        ),
    ] {
        let refused = rig.try_run(&format!(
            "DEPLOY RESOURCE \"/other.py\";
            @t = SELECT * FROM (VALUES (1)) AS v(d);
            @m = REDUCE @t ALL PRODUCE {produce} USING new Extension.Python.Reducer({using});"
        ));
        match refused {
            Ok(_) => assert_eq!(said, ""),
            Err(refused) => assert!(!said.is_empty() && refused.contains(said), "{refused}"),
        }
    }
    rig.python = Some("/none/python3".into());
    let refused = rig.try_run(&script("1")).expect_err("no Python");
    assert!(
        refused.contains("Python (`/none/python3`) cannot be started"),
        "{refused}"
    );
}

/// The classes of the sample library are built in: registering it needs no file.
#[test]
fn the_sample_library_may_be_registered() {
    let rows = Rig::new().output(
        r#"CREATE ASSEMBLY IF NOT EXISTS [Newtonsoft.Json] FROM "/none/Newtonsoft.Json.dll";
        CREATE ASSEMBLY dbo.[Microsoft.Analytics.Samples.Formats] FROM @"/none/Formats.dll";
        REFERENCE ASSEMBLY [Microsoft.Analytics.Samples.Formats];
        USING Microsoft.Analytics.Samples.Formats.Json;
        @r = SELECT JsonFunctions.JsonTuple("{\"a\": 1}")["a"] AS a FROM (VALUES (1)) AS v(x);
        OUTPUT @r TO "/out.csv" USING Outputters.Csv(quoting: false);"#,
    );
    assert_eq!(rows, "1\n");
}
