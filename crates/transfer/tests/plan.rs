//! The rules of a copy, one line each: what is at the two ends, and what follows.

use stepwell_transfer::EntryType::{self, Directory, File};
use stepwell_transfer::listing::{Item, Listing};
use stepwell_transfer::pattern::Patterns;
use stepwell_transfer::plan::{Options, Side, plan};

fn item(text: &str) -> Item {
    let mut words = text.split(':');
    let name = words.next().unwrap_or_default().to_owned();
    let mut number = || words.next().and_then(|word| word.parse().ok());
    Item {
        size: number().unwrap_or(1),
        modified_ms: number()
            .and_then(|time| i64::try_from(time).ok())
            .unwrap_or(0),
        etag: text.to_owned(),
        name,
    }
}

/// What is at an end: `-` nothing, `file`, `dir(a b/c)`, or both with a space between. An item is
/// `name:size:time`.
fn listing(text: &str) -> Listing {
    let below = text.split_once("dir(").map(|(_, names)| {
        let names = names.trim_end_matches(')').split_whitespace();
        names.map(item).collect()
    });
    let file = text
        .split_whitespace()
        .find(|word| word.starts_with("file"));
    Listing {
        file: file.map(|file| item(&file[4..])),
        below,
    }
}

struct Case {
    options: Options,
    is_local: bool,
    from: &'static str,
    to: &'static str,
}

fn case() -> Case {
    Case {
        options: Options::default(),
        is_local: false,
        from: "src/in",
        to: "dst/out",
    }
}

impl Case {
    fn typed(mut self, source: Option<EntryType>, destination: Option<EntryType>) -> Self {
        self.options.source_type = source;
        self.options.destination_type = destination;
        self
    }

    fn local(mut self) -> Self {
        self.is_local = true;
        self
    }

    fn between(self, from: &'static str, to: &'static str) -> Self {
        Self { from, to, ..self }
    }

    /// What is decided, in one line.
    fn decides(self, source: &str, destination: &str) -> String {
        let (source, destination) = (listing(source), listing(destination));
        let side = |at: &'static str, listing| Side {
            shown: format!("`{at}`"),
            identity: format!("store:{at}"),
            path: at.split_once('/').map_or("", |(_, path)| path),
            is_local: self.is_local,
            listing,
        };
        let (from, to) = (side(self.from, &source), side(self.to, &destination));
        let plan = match plan(&from, &to, &self.options) {
            Ok(plan) => plan,
            Err(refusal) => return format!("refused: {refusal}"),
        };
        let mut said = Vec::new();
        for (verb, files) in [
            ("copy", &plan.files),
            ("keep", &plan.unchanged),
            ("compare", &plan.to_compare),
        ] {
            for file in files {
                let name = |name: &str| if name.is_empty() { "." } else { name }.to_owned();
                said.push(format!(
                    "{verb} {} -> {}",
                    name(&file.source.name),
                    name(&file.target)
                ));
            }
        }
        if plan.left_out > 0 {
            said.push(format!("leave out {}", plan.left_out));
        }
        said.join(", ")
    }
}

#[test]
fn a_file_is_copied_under_the_destinations_name_or_into_its_directory() {
    assert_eq!(case().decides("file", "-"), "copy . -> .");
    assert_eq!(case().decides("file", "file"), "copy . -> .");
    assert_eq!(case().decides("file", "dir(x)"), "copy . -> in");
    assert_eq!(
        case().typed(None, Some(Directory)).decides("file", "-"),
        "copy . -> in"
    );
}

#[test]
fn a_directory_is_merged_into_the_destination() {
    let copied = "copy a -> a, copy b/c -> b/c";
    assert_eq!(case().decides("dir(a b/c)", "-"), copied);
    assert_eq!(case().decides("dir(a b/c)", "dir(z)"), copied);
    assert_eq!(case().decides("dir()", "-"), "");
}

#[test]
fn a_directory_is_not_copied_onto_a_file() {
    let refused = "refused: `src/in` is a directory and cannot be copied onto the file `dst/out`";
    assert_eq!(case().decides("dir(a)", "file"), refused);
    assert_eq!(
        case().typed(None, Some(File)).decides("dir(a)", "-"),
        refused
    );
}

#[test]
fn a_source_that_is_not_there_is_refused() {
    assert_eq!(
        case().decides("-", "dir(a)"),
        "refused: there is nothing to copy: `src/in` is not there"
    );
}

#[test]
fn a_type_says_which_of_a_file_and_a_directory_is_meant() {
    let both = "file dir(a)";
    assert_eq!(
        case().decides(both, "-"),
        "refused: `src/in` is a file and a directory of that name as well"
    );
    assert_eq!(
        case().typed(Some(File), None).decides(both, "-"),
        "copy . -> ."
    );
    assert_eq!(
        case().typed(Some(Directory), None).decides(both, "-"),
        "copy a -> a"
    );
    assert_eq!(case().decides("file", both), "copy . -> .");
    assert_eq!(case().decides("dir(z)", both), "copy z -> z");
}

#[test]
fn a_type_that_is_not_what_is_there_is_refused() {
    assert_eq!(
        case().typed(Some(File), None).decides("dir(a)", "-"),
        "refused: `src/in` is a directory, not a file"
    );
    assert_eq!(
        case().typed(Some(Directory), None).decides("file", "-"),
        "refused: `src/in` is a file, not a directory"
    );
    assert_eq!(
        case()
            .local()
            .typed(None, Some(File))
            .decides("file", "dir(a)"),
        "refused: `dst/out` is a directory, not a file"
    );
    assert_eq!(
        case()
            .between("src/in", "dst")
            .typed(None, Some(File))
            .decides("file", "dir()"),
        "refused: `dst` is a datastore's root, not a file"
    );
}

#[test]
fn an_object_store_has_a_file_beside_a_directory_of_its_name() {
    let into = case().typed(None, Some(Directory));
    assert_eq!(into.decides("file", "file"), "copy . -> in");
    assert_eq!(
        case().typed(None, Some(File)).decides("file", "dir(a)"),
        "copy . -> ."
    );
}

#[test]
fn nothing_is_copied_onto_itself_or_into_itself() {
    let itself = "refused: `src/in` would be copied onto itself";
    assert_eq!(
        case().between("src/in", "src/in").decides("file", "file"),
        itself
    );
    assert_eq!(
        case().between("src/in", "src").decides("file", "dir(in)"),
        itself
    );
    assert_eq!(
        case()
            .between("src/in", "src/in/below")
            .decides("dir(a)", "-"),
        "refused: `src/in/below` is inside of `src/in`: the copy would contain itself"
    );
    assert_eq!(
        case().between("src/in", "src/in2").decides("dir(a)", "-"),
        "copy a -> a"
    );
    assert_eq!(
        case()
            .between("src/in/a", "src/in")
            .decides("dir(x)", "dir(a/x)"),
        "copy x -> x"
    );
}

#[test]
fn on_a_file_system_a_name_is_a_file_or_a_directory() {
    assert_eq!(
        case().local().decides("dir(a)", "dir(a/b)"),
        "refused: `a` at `dst/out` is a directory: a file cannot be put there"
    );
    assert_eq!(
        case().local().decides("dir(a/b)", "dir(a)"),
        "refused: `a` at `dst/out` is a file: a directory cannot be put there"
    );
    assert_eq!(
        case().local().decides("dir(a a/b)", "-"),
        "refused: `a` at `dst/out` is a file: a directory cannot be put there"
    );
    assert_eq!(
        case().decides("dir(a a/b)", "-"),
        "copy a -> a, copy a/b -> a/b"
    );
}

#[test]
fn a_name_that_the_destination_cannot_have_is_refused() {
    let long: &'static str = Box::leak(format!("dir({})", "ü".repeat(128)).into_boxed_str());
    assert!(
        case()
            .local()
            .decides(long, "-")
            .contains("at most 255 bytes")
    );
    assert!(case().decides(long, "-").starts_with("copy"));
    assert!(
        case()
            .decides("dir(a/../b)", "-")
            .contains("stand for folders")
    );
    assert!(
        case()
            .decides("dir(a\u{1}b)", "-")
            .contains("no control characters")
    );
    assert!(
        case()
            .local()
            .decides("dir(a\u{1}b)", "-")
            .starts_with("copy")
    );
}

#[test]
fn patterns_choose_the_files_of_a_directory() {
    let mut chosen = case();
    chosen.options.patterns = Patterns::new(vec!["*.csv".to_owned()], vec!["tmp/**".to_owned()]);
    assert_eq!(
        chosen.decides("dir(a.csv b.txt tmp/c.csv x/d.csv)", "-"),
        "copy a.csv -> a.csv, copy x/d.csv -> x/d.csv, leave out 2"
    );
}

#[test]
fn an_incremental_copy_keeps_what_is_unchanged() {
    let (source, destination) = (
        "dir(a:3:1500 b:3:1500 c:3:1500)",
        "dir(a:3:1000 b:3:900 c:4:2000)",
    );
    assert_eq!(
        case().decides(source, destination),
        "copy a -> a, copy b -> b, copy c -> c"
    );
    let mut incremental = case();
    incremental.options.incremental = true;
    assert_eq!(
        incremental.decides(source, destination),
        "copy b -> b, copy c -> c, keep a -> a"
    );
    let mut compared = case();
    compared.options.incremental = true;
    compared.options.checksum = true;
    assert_eq!(
        compared.decides(source, destination),
        "copy c -> c, compare a -> a, compare b -> b"
    );
}
