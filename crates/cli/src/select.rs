//! Which run or step a person means: `last`, an id, or a few digits of one.
//!
//! Ids begin with the time, so runs of one minute share their first digits: the tables show the
//! last eight, which are random, and both ends are accepted.

use std::fmt::Write as _;

use stepwell_api::Run;
use uuid::Uuid;

use crate::client::RunFilter;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::status;
use crate::session::Session;

/// How many digits the tables show of an id, and the fewest to end a suffix with.
const SUFFIX_DIGITS: usize = 8;

/// The fewest digits that are taken for the beginning of an id.
const PREFIX_DIGITS: usize = 4;

/// How alike two names are, of 1, that one may be a slip of the other.
const LIKENESS_MIN: f64 = 0.8;

/// How many candidates an error lists.
const CANDIDATES_MAX: usize = 6;

/// The form of an id in tables.
pub(crate) fn short(run: Uuid) -> String {
    let digits = run.simple().to_string();
    digits[digits.len() - SUFFIX_DIGITS..].to_owned()
}

/// The run that `text` means.
pub(crate) fn run(session: &Session, text: &str) -> Result<Run, Failure> {
    if let Ok(id) = Uuid::parse_str(text) {
        return session.call(|client| client.run(id));
    }
    if text == "last" {
        let filter = RunFilter {
            page: Some(1),
            ..RunFilter::default()
        };
        return match session.client().runs(&filter).next() {
            Some(run) => Ok(run?),
            None => Err(Failure::new(
                Exit::NotFound,
                "there are no runs yet",
                "start one with `stepwell run FILE.py`",
            )),
        };
    }
    let Some(digits) = digits(text) else {
        return Err(unknown(text));
    };
    // One more than are listed, to know whether there are more.
    let found = session.call(|client| client.runs_by_digits(&digits, CANDIDATES_MAX + 1))?;
    the_one(text, found)
}

/// The digits of an abbreviated id; `None` for anything else.
fn digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|digit| *digit != '-').collect();
    let hexadecimal = digits.chars().all(|digit| digit.is_ascii_hexdigit());
    (digits.len() >= PREFIX_DIGITS && hexadecimal).then(|| digits.to_ascii_lowercase())
}

fn fits(digits: &str, run: Uuid) -> bool {
    let id = run.simple().to_string();
    id.starts_with(digits) || (digits.len() >= SUFFIX_DIGITS && id.ends_with(digits))
}

/// Whether `text` is an abbreviation of an id.
pub(crate) fn is_short_for(text: &str, id: Uuid) -> bool {
    digits(text).is_some_and(|digits| fits(&digits, id))
}

fn the_one(text: &str, mut candidates: Vec<Run>) -> Result<Run, Failure> {
    match candidates.len() {
        0 => Err(unknown(text)),
        1 => Ok(candidates.remove(0)),
        count => {
            let many = match count > CANDIDATES_MAX {
                true => format!("more than {CANDIDATES_MAX}"),
                false => count.to_string(),
            };
            let mut message = format!("`{text}` could be any of {many} runs:");
            for run in candidates.iter().take(CANDIDATES_MAX) {
                let title = status::title(run);
                let _ = write!(message, "\n  {}  {title} ({})", run.id, run.status);
            }
            if count > CANDIDATES_MAX {
                message.push_str("\n  …");
            }
            let hint = "give more digits: from the beginning, or the last eight";
            Err(Failure::new(Exit::Usage, message, hint))
        }
    }
}

/// The known name that is nearest to `text`, if one is near enough to be what was meant.
pub(crate) fn meant<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = text.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&lower, &name.to_lowercase());
    known
        .into_iter()
        .map(|name| (likeness(name), name))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

fn unknown(text: &str) -> Failure {
    Failure::new(
        Exit::NotFound,
        format!("there is no run `{text}`"),
        "`stepwell runs` lists them; a run is named by its id, its last eight digits, or `last`",
    )
}

/// A step's number for people, from 1.
pub(crate) fn number(step: &Run) -> u32 {
    step.step.map_or(0, |place| place + 1)
}

/// The step that `text` means: its name, or its number in the table.
pub(crate) fn step<'a>(steps: &'a [Run], text: &str) -> Result<&'a Run, Failure> {
    let named: Vec<&Run> = steps
        .iter()
        .filter(|step| step.display_name == text)
        .collect();
    if let [step] = named[..] {
        return Ok(step);
    }
    if named.len() > 1 {
        let numbers: Vec<String> = named.iter().map(|step| number(step).to_string()).collect();
        let message = format!("several steps are named `{text}`");
        let hint = format!("name one by its number: {}", numbers.join(", "));
        return Err(Failure::new(Exit::Usage, message, hint));
    }
    let numbered = text.parse::<u32>().ok();
    let found = steps.iter().find(|step| numbered == Some(number(step)));
    found.ok_or_else(|| {
        let names: Vec<String> = steps
            .iter()
            .take(CANDIDATES_MAX)
            .map(|step| format!("{} {}", number(step), step.display_name))
            .collect();
        let message = format!("there is no step `{text}` in this run");
        let near = meant(text, steps.iter().map(|step| step.display_name.as_str()));
        let more = if steps.len() > CANDIDATES_MAX {
            ", …"
        } else {
            ""
        };
        let hint = match near {
            Some(name) => format!("did you mean `{name}`?"),
            None if steps.is_empty() => "it has no steps".to_owned(),
            None => format!("its steps are: {}{more}", names.join(", ")),
        };
        Failure::new(Exit::NotFound, message, hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::example;

    const OTHER: &str = "0192f5c4-1111-7222-8333-4444aaaaaaaa";

    fn runs() -> Vec<Run> {
        let mut other = example::pipeline();
        other.id = OTHER.parse().expect("a uuid");
        vec![example::pipeline(), other]
    }

    fn check(text: &str) -> String {
        let Some(digits) = digits(text) else {
            return "no id".to_owned();
        };
        let found = runs().into_iter().filter(|run| fits(&digits, run.id));
        match the_one(text, found.collect()) {
            Ok(run) => run.id.to_string(),
            Err(failure) => failure.report(),
        }
    }

    #[test]
    fn the_digits_of_a_table_name_their_run() {
        let pipeline = example::pipeline();
        assert_eq!(check(&short(pipeline.id)), pipeline.id.to_string());
        assert_eq!(check("AAAAAAAA"), OTHER);
        assert_eq!(check("0192f5c4-1111-7222-8333-4444a"), OTHER);
    }

    #[test]
    fn a_short_ending_is_not_enough() {
        assert_eq!(check("aaa"), "no id");
        assert!(check("aaaa").starts_with("error: there is no run `aaaa`"));
        assert_eq!(check("train"), "no id");
    }

    #[test]
    fn digits_that_fit_several_runs_list_them() {
        insta::assert_snapshot!(check("0192f5c4"), @"
        error: `0192f5c4` could be any of 2 runs:
          0192f5c4-1111-7222-8333-444455556666  diabetes #3 (Failed)
          0192f5c4-1111-7222-8333-4444aaaaaaaa  diabetes #3 (Failed)

        hint: give more digits: from the beginning, or the last eight
        ");
    }

    #[test]
    fn a_step_is_named_by_its_name_or_number() {
        let mut steps = example::steps();
        let named = |steps: &[Run], text: &str| match step(steps, text) {
            Ok(found) => found.display_name.clone(),
            Err(failure) => failure.message,
        };
        assert_eq!(named(&steps, "prepare"), "prepare");
        assert_eq!(named(&steps, "2"), "train logistic");
        assert_eq!(named(&steps, "9"), "there is no step `9` in this run");
        steps[1].display_name = "prepare".to_owned();
        assert_eq!(
            named(&steps, "prepare"),
            "several steps are named `prepare`"
        );
        assert_eq!(named(&steps, "1"), "prepare");
    }
}
