//! The rules of C# that differ from SQL's, each with where it comes from.

use super::bind::{Binder, NoColumns, Variable, Variables};
use super::convert;
use crate::ast::StatementKind;
use crate::diagnostic::Diagnostics;

/// The value of an expression as a text, or why it has none.
fn value(text: &str) -> String {
    let script = format!("DECLARE @v = {text};");
    let mut diagnostics = Diagnostics::default();
    let statements = crate::parser::script(&script, &mut diagnostics);
    if let Some(first) = diagnostics.into_sorted().first() {
        return format!("syntax: {}", first.message);
    }
    let Some(StatementKind::Declare(declare)) = statements.first().map(|each| &each.kind) else {
        return "no expression".to_owned();
    };
    let mut variables = Variables::new();
    let square = crate::parser::script("DECLARE @f = x => x * x;", &mut Diagnostics::default());
    if let Some(StatementKind::Declare(declare)) = square.first().map(|each| &each.kind)
        && let crate::ast::ExprKind::Lambda(parameters, body) = &declare.value.kind
    {
        let lambda = Variable::Lambda(parameters.clone(), (**body).clone());
        variables.insert("square".to_owned(), lambda);
    }
    let bound = Binder::new(&NoColumns, &variables, 0).bind(&declare.value);
    match bound {
        Err(error) => format!("compile: {}", error.message),
        Ok(bound) => match bound.constant() {
            Err(error) => format!("fails: {}", error.message),
            Ok(crate::value::Value::Null) => "null".to_owned(),
            Ok(crate::value::Value::Array(values)) => {
                let element = match &bound.ty.base {
                    crate::types::Base::Array(element) => element.base.clone(),
                    other => other.clone(),
                };
                let texts = values.iter().map(|each| convert::text(each, &element));
                format!("[{}]", texts.collect::<Vec<_>>().join(" "))
            }
            Ok(value) => convert::text(&value, &bound.ty.base),
        },
    }
}

#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(value(text), *expected, "{text}");
    }
}

// C# language specification, 12.10 and 12.8.20: integers divide towards zero and wrap unchecked.
#[test]
fn integers_truncate_and_wrap() {
    check(&[
        ("7 / 2", "3"),
        ("-7 / 2", "-3"),
        ("-7 % 3", "-1"),
        ("2147483647 + 1", "-2147483648"),
        ("2147483648 + 1", "2147483649"),
        ("(int)3.99", "3"),
        ("(byte)300", "44"),
        ("1 / 0", "fails: attempted to divide by zero"),
        ("1.0 / 0", "Infinity"),
        ("1m / 0m", "fails: attempted to divide by zero"),
        ("1 << 33", "2"),
        ("'a' + 1", "98"),
    ]);
}

// C# language specification, 12.12.10 and 12.4.8: null equals null; orders with null are false; an
// operator on null gives null. 12.15: `??`.
#[test]
fn null_is_a_value_in_comparisons() {
    check(&[
        ("(int?)null == (int?)null", "True"),
        ("(int?)null != 1", "True"),
        ("(int?)null < 1", "False"),
        ("(int?)null >= (int?)null", "False"),
        ("(string)null == null", "True"),
        ("(int?)null + 1", "null"),
        ("(int?)null ?? 5", "5"),
        ("1 == null", "False"),
    ]);
}

// C# language specification, 12.14: the right side is evaluated only if it matters.
#[test]
fn logic_stops_early() {
    check(&[
        ("false && 1 / 0 == 1", "False"),
        ("true || 1 / 0 == 1", "True"),
        ("true && 1 / 0 == 1", "fails: attempted to divide by zero"),
        (
            "(bool?)null && true",
            "compile: `&&` takes `bool`, not `bool?`",
        ),
        ("NOT false AND true", "True"),
    ]);
}

// C# language specification, 12.10.5: `+` with a text; .NET: ToString in the invariant culture.
#[test]
fn texts_are_put_together_and_null_is_empty() {
    check(&[
        ("\"a\" + null", "a"),
        ("\"a\" + 1 + 2", "a12"),
        ("1 + 2 + \"a\"", "3a"),
        ("\"x\" + 0.5", "x0.5"),
        ("\"x\" + 1.10m", "x1.10"),
        ("\"x\" + true", "xTrue"),
    ]);
}

// C# language specification, 12.6.6: invoking a member of null throws NullReferenceException; 10.6.1:
// so does converting a nullable without a value, with InvalidOperationException, as does
// `Nullable<T>.Value` (.NET API reference).
#[test]
fn methods_of_null_fail() {
    check(&[
        (
            "((string)null).Length",
            "fails: `Length` was called on a null",
        ),
        (
            "((string)null).ToUpper()",
            "fails: `ToUpper` was called on a null",
        ),
        ("string.IsNullOrEmpty(null)", "True"),
        (
            "((int?)null).Value",
            "fails: a nullable without a value has none to give",
        ),
        ("((int?)null).HasValue", "False"),
        (
            "(int)(int?)null",
            "fails: a nullable without a value has none to give",
        ),
    ]);
}

// .NET API reference: String.Substring (ArgumentOutOfRangeException beyond the end), String.Split,
// String.Join, String.TrimStart, String.Equals, Int32.Parse (white space around, FormatException);
// "Composite formatting"; "Substitutions in Regular Expressions".
#[test]
fn texts_have_the_methods_of_dotnet() {
    check(&[
        ("\"abc\".Substring(1)", "bc"),
        (
            "\"abc\".Substring(2, 5)",
            "fails: Substring(2, 5) is out of the range of a text of length 3",
        ),
        ("\"a;b;;c\".Split(';')", "[a b  c]"),
        (
            "\"a;b;;c\".Split(new char[]{';'}, StringSplitOptions.RemoveEmptyEntries)",
            "[a b c]",
        ),
        ("string.Join(\"-\", \"a b\".Split(' '))", "a-b"),
        ("string.Join(\"-\", new SQL.ARRAY<int>{1, 2})", "1-2"),
        ("String.Format(\"{0:N1}|{1}\", 1234.56, null)", "1,234.6|"),
        ("\" x \".Trim() + \"!\"", "x!"),
        ("\"xxa\".TrimStart('x')", "a"),
        ("\"aBc\".ToUpperInvariant().ToLower()", "abc"),
        ("\"abc\".IndexOf('c')", "2"),
        (
            "\"abc\".Equals(\"ABC\", StringComparison.OrdinalIgnoreCase)",
            "True",
        ),
        ("\"7\".PadLeft(3, '0')", "007"),
        ("\"abc\"[1].ToString()", "b"),
        ("int.Parse(\" 42 \")", "42"),
        ("Int32.Parse(\"x\")", "fails: `x` is not of type `int`"),
        (
            "Regex.Replace(\"a1b22\", \"[0-9]+\", \"<$0>\")",
            "a<1>b<22>",
        ),
        (
            "System.Text.RegularExpressions.Regex.Match(\"a12\", \"[0-9]+\").Value",
            "12",
        ),
    ]);
}

// .NET API reference: DateTime.AddMonths (the last valid day of the month), DateTime.Subtract,
// DateTime.DayOfWeek (Sunday is 0), the constructors (ArgumentOutOfRangeException for no day),
// TimeSpan.ToString (the format "c"); "Standard date and time format strings".
#[test]
fn times_are_computed_as_dotnet_does() {
    check(&[
        (
            "new DateTime(2012, 1, 31).AddMonths(1).ToString(\"yyyy-MM-dd\")",
            "2012-02-29",
        ),
        (
            "(new DateTime(2012, 3, 1) - new DateTime(2012, 2, 1)).TotalDays",
            "29",
        ),
        ("DateTime.Parse(\"2/15/2012 11:53:16 AM\").Hour", "11"),
        (
            "new DateTime(2012, 2, 15).DayOfWeek.ToString()",
            "Wednesday",
        ),
        ("(int)new DateTime(2012, 2, 15).DayOfWeek", "3"),
        (
            "new DateTime(2012, 2, 30)",
            "fails: year, month, day or time is out of range",
        ),
        (
            "DateTime.Parse(\"2012-02-15\") > DateTime.Parse(\"2012-02-14\")",
            "True",
        ),
        (
            "new DateTime(2012, 2, 15, 1, 2, 3).ToShortDateString()",
            "2/15/2012",
        ),
        ("TimeSpan.FromHours(25).ToString()", "1.01:00:00"),
    ]);
}

// U-SQL reference, "Complex Built-In U-SQL Types"; C# language specification, 12.20 (query
// expressions); .NET API reference: the methods of Enumerable, of which First throws
// InvalidOperationException when nothing fits; an index out of range throws (12.8.12).
#[test]
fn arrays_and_maps_have_linq() {
    check(&[
        (
            "new SQL.ARRAY<int>{3, 1, 2}.Where(x => x > 1).Select(x => x * 10)",
            "[30 20]",
        ),
        (
            "new [] {\"b\", \"a\", \"b\"}.Distinct().OrderBy(x => x)",
            "[a b]",
        ),
        (
            "(from x in \"a b\".Split(' ') where x != \"a\" select x + \"!\")",
            "[b!]",
        ),
        (
            "(from x in \"bb a ccc\".Split(' ') where x != \"a\" orderby x.Length descending select x + \"!\")",
            "[ccc! bb!]",
        ),
        ("(from x in new [] {2, 1} orderby x select x)", "[1 2]"),
        ("new [] {1, 5, 2}.SkipWhile(x => x < 3)", "[5 2]"),
        ("new [] {1, 5, 2}.TakeWhile(x => x < 3)", "[1]"),
        ("new [] {1}.SkipWhile(x => x < 3).Count()", "0"),
        (
            "string.Join(\";\", new SQL.MAP<string, int?>{{\"a\", 1}, {\"b\", null}}.ToDictionary(k => k.Key + \"!\", v => v.Value))",
            "[a!, 1];[b!, ]",
        ),
        (
            "new [] {\"x\", \"yy\"}.ToDictionary(x => x.Length)[2]",
            "yy",
        ),
        (
            "new [] {1, 1}.ToDictionary(x => x, x => x)",
            "fails: an item with the same key has already been added",
        ),
        ("new SQL.MAP<string, int>{{\"a\", 1}}[\"a\"]", "1"),
        ("new SQL.MAP<string, int>{{\"a\", 1}}[\"b\"]", "null"),
        // The same page's examples of `SQL.MAP`.
        (
            "new SQL.MAP<string, string>(from p in \"a:1,b:2\".Split(',') select new KeyValuePair<string, string>(p.Split(':')[0], p.Split(':')[1]))[\"b\"]",
            "2",
        ),
        (
            "string.Join(\";\", new SqlMap<string, string>(new Dictionary<string, string>{{\"a\", \"1\"}, {\"b\", \"2\"}}) {{\"a\", \"3\"}})",
            "[a, 3];[b, 2]",
        ),
        (
            "SqlMap.Update(SqlMap.Create(new SqlMap<string, int?>{{\"a\", 1}}), new SqlMap<string, int?>{{\"b\", null}}).Count",
            "2",
        ),
        (
            "new SQL.MAP<string, int?>{{\"a\", 1}}.Any(kv => kv.Key == \"a\" && kv.Value > 0)",
            "True",
        ),
        (
            "new SQL.MAP<string, int?>(1)",
            "compile: a map is made from another, or from `KeyValuePair`s",
        ),
        ("Enumerable.Range(1, 3).Sum()", "6"),
        ("new [] {1, 2, 3}.Select((x, i) => x * i)", "[0 2 6]"),
        ("new [] {1, 2}.SelectMany(x => new [] {x, x}).Count()", "4"),
        (
            "new [] {1}.First(x => x > 1)",
            "fails: the sequence contains no elements",
        ),
        (
            "new [] {1, 2}[2]",
            "fails: index 2 is out of range: there are 2 elements",
        ),
        ("@square(3)", "9"),
        ("new [] {1, 2}.Select(@square)", "[1 4]"),
        (
            "new [] {\"a\", \"b\"}.Select(x => new [] {1, 2}.Select(y => x + y).First())",
            "[a1 b1]",
        ),
    ]);
}

// C# language specification, 12.18 (one type for both branches), 12.4.7 (`decimal` with no `double`),
// 12.12 (no order of `string`), 12.15 (`??` on what takes null), 12.5 (member lookup), 10.3 (explicit
// conversions); U-SQL reference, "Aggregate Functions".
#[test]
fn what_does_not_compile_says_why() {
    check(&[
        (
            "true ? 1 : null",
            "compile: one branch is null and the other a `int`, which takes no null",
        ),
        (
            "1m + 1.0",
            "compile: `+` does not take `decimal` and `double`",
        ),
        (
            "\"a\" < \"b\"",
            "compile: `<` does not compare `string` with `string`",
        ),
        (
            "1 ?? 2",
            "compile: `??` is for values that may be null, and `int` never is",
        ),
        (
            "\"a\".Foo()",
            "compile: `string` has no member `Foo` that is known here",
        ),
        (
            "My.Code.Run(1)",
            "compile: `My.Code.Run` is C# of the user's own, which does not run here",
        ),
        (
            "int.TryParse(\"1\")",
            "compile: `int.TryParse` has an `out` argument, which an expression cannot take",
        ),
        (
            "(int)\"1\"",
            "compile: there is no cast from `string` to `int`",
        ),
        ("@x + 1", "compile: the variable `@x` is not declared"),
        (
            "COUNT(1)",
            "compile: the aggregate `COUNT` stands only in the list behind `SELECT` or in `HAVING`",
        ),
    ]);
}

// .NET API reference: Math.Round (a midpoint goes to the even neighbour), MidpointRounding,
// Convert.ToInt32 (likewise); Double.ToString, fifteen digits; C# language specification, 12.6.4
// (which overload is called).
#[test]
fn rounding_follows_dotnet() {
    check(&[
        ("Math.Round(2.5)", "2"),
        ("Math.Round(2.5, 0, MidpointRounding.AwayFromZero)", "3"),
        ("Math.Round(1.005m, 2)", "1.00"),
        ("Convert.ToInt32(2.5)", "2"),
        ("Convert.ToInt32(\"12\")", "12"),
        ("Math.Pow(2, 10)", "1024"),
        ("Math.Max(1, 2L)", "2"),
        ("0.1 + 0.2", "0.3"),
    ]);
}

// .NET Framework API reference, Path: names are after the last separator, of either kind.
#[test]
fn paths_are_taken_apart() {
    check(&[
        ("Path.GetFileName(\"/logs/2016/a.tar.gz\")", "a.tar.gz"),
        ("Path.GetExtension(\"/logs/2016/a.tar.gz\")", ".gz"),
        (
            "Path.GetFileNameWithoutExtension(\"/logs/a.tar.gz\")",
            "a.tar",
        ),
        ("Path.GetDirectoryName(\"/logs/2016/a.gz\")", "\\logs\\2016"),
        ("Path.GetDirectoryName(\"/logs/2016/\")", "\\logs\\2016"),
        ("Path.GetDirectoryName(\"/a.gz\")", "\\"),
        ("Path.GetDirectoryName(\"a.gz\")", ""),
        ("Path.GetDirectoryName(\"/\") ?? \"no folder\"", "no folder"),
    ]);
}

// C# language specification, 12.18 (only one branch is evaluated) and 12.12.12 (`is`); U-SQL
// reference, "CASE Expression", "IN", "BETWEEN", "LIKE".
#[test]
fn conditions_choose_one_side() {
    check(&[
        ("1 > 0 ? \"a\" : (1 / 0).ToString()", "a"),
        ("CASE WHEN 1 > 2 THEN 1 WHEN 2 > 1 THEN 2 ELSE 3 END", "2"),
        (
            "CASE \"b\" WHEN \"a\" THEN 1 WHEN \"b\" THEN 2 ELSE 0 END",
            "2",
        ),
        ("2 IN (1, 2)", "True"),
        ("2 NOT BETWEEN 1 AND 3", "False"),
        ("\"abc\" LIKE \"a%\"", "True"),
        ("\"abc\" is string", "True"),
        ("true ? (int?)null : 1", "null"),
        // U-SQL reference, "@@JOBINFO", "Limitations and Notes".
        ("@@JobInfo.Name ?? \"none\"", "none"),
        ("@@JobInfo.Submit.Date", "null"),
    ]);
}
