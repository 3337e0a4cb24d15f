//! An older Python for a program that named none and whose pins have no wheels for the preferred one.
//!
//! uv is asked, without building anything, which Pythons have wheels of what is pinned; `wheels`
//! decides. A program all of whose pins have wheels costs one question. Invariant: an index that
//! does not answer, or a Python that is not to be had, leaves the preferred one.

use std::collections::BTreeSet;

use super::build::Build;
use super::error::Error;
use super::folder::write_private;
use super::interpreter::{Chosen, Interpreter, Search};
use super::wheels::{self, Supply};

/// Which Python is asked about, and as of which day; `None` is the preferred one, and today.
#[derive(Clone, Copy, Default)]
struct Which<'a> {
    series: Option<&'a str>,
    as_of: Option<&'a str>,
}

/// Asks uv what has wheels, for one build.
struct WheelSearch<'a> {
    build: &'a Build<'a>,
    preferred: &'a Interpreter,
}

/// The older Python that runs instead of `preferred`, if its wheels are needed. `of_their_time` says
/// whether it gets packages of the time of what is pinned.
pub(super) async fn older_with_wheels(
    build: &Build<'_>,
    search: &Search<'_>,
    preferred: &Interpreter,
    of_their_time: bool,
) -> Result<Option<Chosen>, Error> {
    let pins = wheels::pins(&build.request.requirements);
    let wheels_of = WheelSearch { build, preferred };
    if wheels_of.has(&pins, Which::default()).await? != Some(false) {
        return Ok(None);
    }
    let lacking = wheels_of.lacking(&pins, Which::default()).await?;
    let older = wheels_of.older(&lacking, &pins).await?;
    for supply in wheels::fitting(&lacking, &older) {
        if let Some(interpreter) = search.of(&supply.series).await? {
            let gained: Vec<&str> = lacking.difference(&supply.lacks).copied().collect();
            let notice = format!(
                "Python {} runs instead of {}, for which there are no wheels of `{}`",
                interpreter.version,
                preferred.version,
                gained.join("`, `")
            );
            build.log.note(&notice)?;
            let as_of = match of_their_time {
                true => wheels_of.as_of(&wheels::had(&pins, supply), supply).await?,
                false => None,
            };
            return Ok(Some(Chosen {
                interpreter,
                notice: Some(notice),
                as_of,
            }));
        }
    }
    build.log.note(format!(
        "there are no wheels of `{}` for Python {}, and no older Python that has them is to be had",
        Vec::from_iter(lacking).join("`, `"),
        preferred.version
    ))?;
    Ok(None)
}

impl WheelSearch<'_> {
    /// Whether all of `pins` have wheels; `None` if that cannot be known.
    async fn has(&self, pins: &[&str], which: Which<'_>) -> Result<Option<bool>, Error> {
        if pins.is_empty() {
            return Ok(Some(true));
        }
        let mut text = self.build.request.options_text();
        text.extend(pins.iter().flat_map(|pin| [*pin, "\n"]));
        let input = self.build.folder.request_file(self.build.key, "pins");
        write_private(&input, text.as_bytes())?;
        let mut arguments = vec![
            "pip",
            "compile",
            "--no-header",
            "--no-annotate",
            "--no-deps",
            "--no-build",
            "--python",
            self.preferred.python.as_str(),
        ];
        if let Some(series) = which.series {
            arguments.extend(["--python-version", series]);
        }
        if let Some(day) = which.as_of {
            arguments.extend(["--exclude-newer", day]);
        }
        arguments.push(input.as_str());
        Ok(match self.build.uv.ask(&arguments).await? {
            Ok(_) => Some(true),
            Err(words) => wheels::is_want_of_wheels(&words).then_some(false),
        })
    }

    /// Those of the pins that, each by itself, have no wheels.
    async fn lacking<'p>(
        &self,
        pins: &[&'p str],
        which: Which<'_>,
    ) -> Result<BTreeSet<&'p str>, Error> {
        let mut lacking = BTreeSet::new();
        for pin in pins {
            if self.has(&[*pin], which).await? == Some(false) {
                lacking.insert(*pin);
            }
        }
        Ok(lacking)
    }

    /// What the older Pythons have.
    async fn older<'p>(
        &self,
        lacking: &BTreeSet<&'p str>,
        pins: &[&'p str],
    ) -> Result<Vec<Supply<'p>>, Error> {
        let (lacking, rest): (Vec<&'p str>, Vec<&'p str>) =
            pins.iter().partition(|pin| lacking.contains(**pin));
        let mut older = Vec::new();
        for series in wheels::older_series(&self.preferred.version) {
            let which = Which {
                series: Some(&series),
                as_of: None,
            };
            older.push(Supply {
                has_the_rest: self.has(&rest, which).await? == Some(true),
                lacks: self.lacking(&lacking, which).await?,
                series,
            });
        }
        Ok(older)
    }

    /// The day whose packages go with `pins`: the first on which all were there is found by halving
    /// the months since there are wheels.
    async fn as_of(&self, pins: &[&str], supply: &Supply<'_>) -> Result<Option<String>, Error> {
        let months = wheels::months(&jiff::Timestamp::now().to_string());
        let (mut low, mut high) = (0, months.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let which = Which {
                series: Some(&supply.series),
                as_of: Some(&months[middle]),
            };
            match self.has(pins, which).await? {
                Some(true) => high = middle,
                _ => low = middle + 1,
            }
        }
        Ok(wheels::packages_as_of(&months, low, &supply.series))
    }
}
