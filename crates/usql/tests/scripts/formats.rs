//! Files: arguments of extractors and outputters, file sets, compression, Parquet.

use std::io::{Read as _, Write as _};

use crate::rig::{LOG, Rig};

#[test]
fn a_file_set_gives_its_names_and_dates() {
    let rig = Rig::new();
    rig.write("logs/2012/02/a_x.csv", "1,one\n");
    rig.write("logs/2012/03/b_y.csv", "2,two\n3,three\n");
    rig.write("logs/2012/03/skipped.tsv", "9\n");
    let rows = rig.output(
        r#"@t = EXTRACT n int, t string, date DateTime, name string FROM "/logs/{date:yyyy}/{date:MM}/{*}_{name}.csv" USING Extractors.Csv();
        @r = SELECT n, name, date.ToString("yyyy-MM") AS month FROM @t WHERE date >= new DateTime(2012, 3, 1);
        OUTPUT @r TO "/out.csv" ORDER BY n USING Outputters.Csv(quoting: false);"#,
    );
    assert_eq!(rows, "2,y,2012-03\n3,y,2012-03\n");
}

#[test]
fn arguments_of_the_text_extractor_are_kept() {
    let rig = Rig::new();
    rig.write("b.txt", "id|n\n1|NULL\nbroken\n2|7\n");
    let rows = rig.output(
        r#"@t = EXTRACT id int, n int? FROM "/b.txt"
              USING Extractors.Text(delimiter: '|', skipFirstNRows: 1, silent: true, nullEscape: "NULL");
        OUTPUT @t TO "/out.csv" ORDER BY id USING Outputters.Text(delimiter: ';', nullEscape: "-", outputHeader: true, rowDelimiter: "\n");"#,
    );
    assert_eq!(rows, "\"id\";\"n\"\n1;-\n2;7\n");
}

#[test]
fn compressed_files_are_read_and_written() {
    let rig = Rig::new();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"1,a\n2,b\n").expect("packed");
    rig.write("in.csv.gz", packed.finish().expect("packed"));
    let script = r#"@t = EXTRACT n int, t string FROM "/in.csv.gz" USING Extractors.Csv();
        OUTPUT @t TO "/out.csv.gz" ORDER BY n USING Outputters.Csv();"#;
    let refused = rig.try_run(script).expect_err("not switched on");
    assert!(refused.contains("GZipOutput:on"), "{refused}");
    rig.run(&format!(
        "SET @@FeaturePreviews = \"GZipOutput:on\"; {script}"
    ));
    let mut text = String::new();
    let file = std::fs::File::open(rig.path("out.csv.gz")).expect("an output");
    flate2::read::GzDecoder::new(file)
        .read_to_string(&mut text)
        .expect("text");
    assert_eq!(text, "1,\"a\"\r\n2,\"b\"\r\n");
}

#[test]
fn parquet_keeps_types_and_nulls() {
    let rig = Rig::new();
    rig.run(&format!(
        r#"{LOG}
        @p = SELECT UserId, Start, Region, Duration > 500 ? (int?)Duration : (int?)null AS d, 1.25m AS m FROM @log;
        OUTPUT @p TO "/p.parquet" USING Outputters.Parquet();"#
    ));
    let rows = rig.output(
        r#"@t = EXTRACT UserId int, Start DateTime, Region string, d int?, m decimal FROM "/p.parquet" USING Extractors.Parquet();
        @r = SELECT Region, Start, d, m FROM @t WHERE Region LIKE "en-g%";
        OUTPUT @r TO "/out.csv" ORDER BY Region, d USING Outputters.Csv();"#,
    );
    assert_eq!(
        rows,
        "\"en-gb\",2012-02-16T11:53:20.0000000,,1.25\n\"en-gb\",2012-02-15T11:53:18.0000000,614,1.25\n\"en-gr\",2012-02-16T12:11:55.0000000,,1.25\n"
    );
}

#[test]
fn other_encodings_are_read_and_written() {
    let rig = Rig::new();
    let text: Vec<u8> = "1\tgrün\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    rig.write("in.tsv", text);
    rig.run(
        r#"@t = EXTRACT n int, t string FROM "/in.tsv" USING Extractors.Tsv(encoding: Encoding.Unicode);
        OUTPUT @t TO "/out.csv" USING Outputters.Csv(encoding: Encoding.GetEncoding(1252));"#,
    );
    assert_eq!(
        std::fs::read(rig.path("out.csv")).expect("an output"),
        b"1,\"gr\xfcn\"\r\n"
    );
}

/// A large file is read in parts; no row is lost or doubled where they meet.
#[test]
fn parts_of_a_file_meet_exactly() {
    let rig = Rig::new();
    let mut text = String::new();
    let mut rows = 0_u64;
    while text.len() < 40 << 20 {
        text.push_str(&format!("{rows}\t{}\r\n", "x".repeat((rows % 97) as usize)));
        rows += 1;
    }
    rig.write("big.tsv", text);
    let counted = rig.output(
        r#"@t = EXTRACT n long, t string FROM "/big.tsv" USING Extractors.Tsv();
        @r = SELECT COUNT(*) AS c, SUM(n) AS s, COUNT(DISTINCT n) AS d FROM @t;
        OUTPUT @r TO "/out.csv" USING Outputters.Csv();"#,
    );
    assert_eq!(
        counted,
        format!("{rows},{},{rows}\n", rows * (rows - 1) / 2)
    );
}
