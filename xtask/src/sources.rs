//! What is asked of each source file: its length, that of its functions, and what a file says at its top.

use std::path::Path;

use crate::files::read;

/// A file without its tests should not be longer; one idea seldom needs it.
const LINES_MAX: usize = 600;

/// A file longer than this says at its top what it is for.
const GUIDE_FROM: usize = 80;

/// Lines of code of one function, without blank lines and comments. 40 is what we aim at.
const FUNCTION_MAX: usize = 60;

pub(super) fn check_rust(path: &Path, faults: &mut Vec<String>) {
    let text = read(path);
    let shown = path.display();
    check_length(path, &text, faults);
    check_functions(path, &text, faults);
    if text.lines().count() > GUIDE_FROM && !text.starts_with("//!") {
        faults.push(format!("{shown}: does not say at its top what it is for"));
    }
    let in_tests = path.components().any(|part| part.as_os_str() == "tests");
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        if code.contains("#[allow(") || code.contains("#![allow(") {
            faults.push(format!(
                "{shown}:{number}: `#[expect(…, reason)]` instead of `#[allow]`"
            ));
        }
        if code.contains("#[ignore") || code.contains("#[should_panic") {
            faults.push(format!("{shown}:{number}: no ignored or panicking tests"));
        }
        if in_tests && code.contains("thread::sleep(") {
            faults.push(format!(
                "{shown}:{number}: a test waits for a value, not for a time"
            ));
        }
    }
}

pub(super) fn check_length(path: &Path, text: &str, faults: &mut Vec<String>) {
    let lines = text
        .lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
        .count();
    if lines > LINES_MAX {
        faults.push(format!(
            "{}: {lines} lines; the limit is {LINES_MAX}",
            path.display()
        ));
    }
}

/// The functions of a file's code that are over the limit.
fn check_functions(path: &Path, text: &str, faults: &mut Vec<String>) {
    if path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests") {
        return;
    }
    let shown = path.display();
    for (name, lines) in long_functions(text) {
        faults.push(format!(
            "{shown}: function `{name}` has {lines} lines; the limit is {FUNCTION_MAX}"
        ));
    }
}

/// Name and lines of each function over the limit; rustfmt's indentation shows where one ends.
fn long_functions(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut open: Option<(String, usize, usize)> = None;
    for line in text
        .lines()
        .take_while(|line| !line.starts_with("#[cfg(test)]"))
    {
        let code = line.trim_start();
        let indent = line.len() - code.len();
        if let Some((name, from, lines)) = &mut open {
            if indent == *from && code.starts_with('}') {
                if *lines > FUNCTION_MAX {
                    found.push((name.clone(), *lines));
                }
                open = None;
            } else if !code.is_empty() && !code.starts_with("//") {
                *lines += 1;
            }
        } else if let Some(name) = function_name(code)
            && !code.ends_with('}')
            && !code.ends_with(';')
        {
            open = Some((name.to_owned(), indent, 0));
        }
    }
    found
}

fn function_name(code: &str) -> Option<&str> {
    let (before, after) = code.split_once("fn ")?;
    let is_head = before.split_whitespace().all(|word| {
        word.starts_with("pub")
            || word.ends_with(')')
            || ["async", "const", "extern"].contains(&word)
    });
    let name = after.split(['(', '<']).next()?;
    (is_head && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_function_is_found_with_its_name() {
        let body = "        step();\n".repeat(FUNCTION_MAX + 1);
        let text =
            format!("impl A {{\n    pub(super) async fn long<T>(a: T) {{\n{body}    }}\n}}\n");
        assert_eq!(
            long_functions(&text),
            [("long".to_owned(), FUNCTION_MAX + 1)]
        );
    }

    #[test]
    fn blank_lines_and_comments_are_not_counted() {
        let body = "    // why\n\n".repeat(FUNCTION_MAX);
        let text = format!("fn short() {{\n{body}    step();\n}}\n");
        assert_eq!(long_functions(&text), []);
    }
}
