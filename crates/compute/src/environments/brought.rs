//! What the `azureml-*` packages brought along, which Stepwell takes the place of.
//!
//! Scripts import pandas, pyarrow or requests because `azureml-defaults` or
//! `azureml-dataset-runtime[pandas]` had installed them, and rely on the upper bounds that those
//! packages had. The table names what scripts of users import, not all that v1 needed itself; its
//! source are the requirements that releases 1.20 to 1.61 of the packages publish in their metadata.
//! Where no release within a bound has wheels for a newer Python, the bound does not hold there.
//!
//! Pure. Invariant: a package whose version the user says is left to the user.

use super::request::package_name;

/// Packages by the one that brought them; an extra of `""` is there always.
struct Brought {
    by: &'static str,
    extra: &'static str,
    packages: &'static [&'static [&'static str]],
}

const CORE: &[&str] = &[
    "msrest",
    "requests",
    "python-dateutil",
    "pytz",
    "PyYAML",
    "packaging",
    "pathspec",
    "jsonpickle",
    "six",
];
const DATAPREP: &[&str] = &["azure-identity", "cloudpickle<3", "jsonschema", "PyYAML"];
const ARRAYS: &[&str] = &[
    "numpy<2; python_version < '3.13'",
    "numpy; python_version >= '3.13'",
    "pyarrow<21; python_version < '3.14'",
    "pyarrow; python_version >= '3.14'",
];
const PANDAS: &[&str] = &[
    "pandas<2; python_version < '3.12'",
    "pandas; python_version >= '3.12'",
];
const ANY_PANDAS: &[&str] = &["pandas"];
const LEARN: &[&str] = &["scikit-learn", "scipy", "joblib"];
const SCIPY: &[&str] = &["scipy"];
const MLFLOW: &[&str] = &["mlflow-skinny<=3.9.0"];
const INTERPRET: &[&str] = &["interpret-community"];
const WIDGETS: &[&str] = &["ipywidgets"];

const fn brought(
    by: &'static str,
    extra: &'static str,
    packages: &'static [&'static [&'static str]],
) -> Brought {
    Brought {
        by,
        extra,
        packages,
    }
}

const TABLE: &[Brought] = &[
    brought(
        "azureml-automl-core",
        "",
        &[CORE, DATAPREP, ARRAYS, PANDAS, LEARN],
    ),
    brought(
        "azureml-automl-runtime",
        "",
        &[CORE, DATAPREP, ARRAYS, PANDAS, LEARN],
    ),
    brought("azureml-core", "", &[CORE]),
    brought("azureml-dataprep", "", &[DATAPREP, ARRAYS]),
    brought("azureml-dataprep", "pandas", &[ANY_PANDAS]),
    brought("azureml-dataset-runtime", "", &[DATAPREP, ARRAYS]),
    brought("azureml-dataset-runtime", "pandas", &[PANDAS]),
    brought("azureml-defaults", "", &[CORE, DATAPREP, ARRAYS, PANDAS]),
    brought(
        "azureml-interpret",
        "",
        &[CORE, ARRAYS, PANDAS, LEARN, INTERPRET],
    ),
    brought("azureml-mlflow", "", &[CORE, MLFLOW]),
    brought(
        "azureml-opendatasets",
        "",
        &[CORE, DATAPREP, ARRAYS, PANDAS, SCIPY],
    ),
    brought("azureml-pipeline", "", &[CORE]),
    brought("azureml-pipeline-core", "", &[CORE]),
    brought("azureml-pipeline-steps", "", &[CORE]),
    brought("azureml-sdk", "", &[CORE, DATAPREP, ARRAYS]),
    brought("azureml-sdk", "automl", &[PANDAS, LEARN]),
    brought("azureml-sdk", "explain", &[PANDAS, LEARN, INTERPRET]),
    brought("azureml-sdk", "interpret", &[PANDAS, LEARN, INTERPRET]),
    brought("azureml-sdk", "notebooks", &[WIDGETS]),
    brought("azureml-train", "", &[CORE]),
    brought(
        "azureml-train-automl",
        "",
        &[CORE, DATAPREP, ARRAYS, PANDAS, LEARN],
    ),
    brought(
        "azureml-train-automl-client",
        "",
        &[CORE, DATAPREP, ARRAYS, PANDAS],
    ),
    brought(
        "azureml-train-automl-runtime",
        "",
        &[CORE, DATAPREP, ARRAYS, PANDAS, LEARN],
    ),
    brought("azureml-train-core", "", &[CORE]),
    brought("azureml-widgets", "", &[CORE, WIDGETS]),
];

/// Releases of pandas, and the first release of pyarrow that came too late for them.
const PYARROW_BEFORE: &[((u32, u32), &str)] = &[
    ((0, 25), "0.18"),
    ((1, 0), "2"),
    ((1, 1), "4"),
    ((1, 2), "5"),
    ((1, 3), "8"),
    ((1, 4), "11"),
    ((1, 5), "15"),
];

/// The requirements that the left-out `azureml` lines brought, each once and in a fixed order;
/// `asked` are the user's own requirements.
pub(super) fn brought_by(azureml: &[String], asked: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in azureml {
        let name = package_name(line);
        let extras = extras(line);
        let of_line = TABLE.iter().filter(|entry| {
            entry.by == name && (entry.extra.is_empty() || extras.contains(&entry.extra))
        });
        for package in of_line.flat_map(|entry| entry.packages).copied().flatten() {
            if !found.iter().any(|known| known == package) {
                found.push((*package).to_owned());
            }
        }
    }
    found.retain(|package| !is_settled(package, asked));
    // A bound makes the plain name superfluous.
    let bounded = |name: &str| {
        let same = found.iter().filter(|other| package_name(other) == name);
        same.count() > 1
    };
    let plain: Vec<bool> = found
        .iter()
        .map(|line| *line == package_name(line) && bounded(line))
        .collect();
    let mut plain = plain.into_iter();
    found.retain(|_| !plain.next().unwrap_or_default());
    if found.iter().any(|line| package_name(line) == "pyarrow")
        && let Some(before) = pyarrow_for(asked)
    {
        found.push(format!("pyarrow<{before}"));
    }
    found
}

/// Whether a requirement or a pin is of the family whose place Stepwell takes.
pub(super) fn is_azureml(line: &str) -> bool {
    let name = package_name(line);
    name == "azureml" || name.starts_with("azureml-")
}

/// The pins without those of the family, which other packages ask for, and what was left out. All
/// that those had brought is pinned beside them and stays.
pub(super) fn without_azureml(pins: &str) -> (String, Vec<&str>) {
    let mut kept = String::with_capacity(pins.len());
    let mut left_out = Vec::new();
    let mut keeps = true;
    for line in pins.split_inclusive('\n') {
        // The lines of a pin's hashes are indented.
        if !line.starts_with(char::is_whitespace) {
            keeps = !is_azureml(line);
            if !keeps {
                left_out.push(line.trim_end_matches(['\\', '\n', ' ']));
            }
        }
        if keeps {
            kept.push_str(line);
        }
    }
    (kept, left_out)
}

/// Whether the user says which version of the package, or has one that holds it.
fn is_settled(package: &str, asked: &[String]) -> bool {
    let name = package_name(package);
    let holders: &[&str] = match name.as_str() {
        "mlflow-skinny" => &["mlflow", "mlflow-skinny"],
        _ => &[],
    };
    asked.iter().any(|line| {
        let other = package_name(line);
        holders.contains(&other.as_str())
            || (other == name && line.contains(['=', '<', '>', '~', '!', '@']))
    })
}

fn extras(line: &str) -> Vec<&str> {
    let inner = line
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'))
        .map_or("", |(extras, _)| extras);
    inner.split(',').map(str::trim).collect()
}

/// The first pyarrow that does not fit the pandas that is asked for, if that is an old one.
fn pyarrow_for(asked: &[String]) -> Option<&'static str> {
    let line = asked.iter().find(|line| package_name(line) == "pandas")?;
    let version = ["==", "~=", "<=", "<"]
        .iter()
        .find_map(|operator| line.split_once(operator).map(|(_, version)| version))?;
    let mut numbers = version
        .trim()
        .split(['.', ',', ';', ' ', '*'])
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let series = (numbers.next()?, numbers.next().unwrap_or(0));
    let fits = PYARROW_BEFORE.iter().find(|(pandas, _)| series <= *pandas);
    fits.map(|(_, before)| *before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brought(azureml: &[&str], asked: &[&str]) -> String {
        let owned = |list: &[&str]| -> Vec<String> { list.iter().map(|&l| l.to_owned()).collect() };
        brought_by(&owned(azureml), &owned(asked)).join("\n")
    }

    #[test]
    fn each_package_brings_its_own_with_their_bounds() {
        insta::assert_snapshot!(brought(&["azureml-dataset-runtime[fuse,pandas]==1.27"], &[]), @r"
        azure-identity
        cloudpickle<3
        jsonschema
        PyYAML
        numpy<2; python_version < '3.13'
        numpy; python_version >= '3.13'
        pyarrow<21; python_version < '3.14'
        pyarrow; python_version >= '3.14'
        pandas<2; python_version < '3.12'
        pandas; python_version >= '3.12'
        ");
        assert!(!brought(&["azureml-sdk"], &[]).contains("pandas"));
        assert!(brought(&["azureml-sdk[automl]"], &[]).contains("scikit-learn"));
        assert!(brought(&["azureml-core"], &[]).contains("msrest"));
        assert!(brought(&["azureml-dataprep[pandas]"], &[]).contains("\npandas"));
        assert_eq!(brought(&["azureml-unheard-of"], &[]), "");
    }

    #[test]
    fn pins_of_the_family_are_left_out_with_their_hashes_and_what_they_brought_stays() {
        let pins = "# content\nadal==1.2.7 \\\n    --hash=sha256:2a\nazureml-core==1.55.0.post2 \\\n    \
                    --hash=sha256:7b \\\n    --hash=sha256:7c\nazureml-dataprep-rslex==2.22.5\n\
                    azuremlite==1.0\nmsrest==0.7\n";
        let (kept, left_out) = without_azureml(pins);
        assert_eq!(
            kept,
            "# content\nadal==1.2.7 \\\n    --hash=sha256:2a\nazuremlite==1.0\nmsrest==0.7\n"
        );
        assert_eq!(
            left_out,
            [
                "azureml-core==1.55.0.post2",
                "azureml-dataprep-rslex==2.22.5"
            ]
        );
        assert_eq!(without_azureml(&kept), (kept.clone(), Vec::new()));
    }

    #[test]
    fn what_the_user_says_wins() {
        let own = brought(&["azureml-defaults"], &["pandas==2.1.0", "numpy"]);
        assert!(!own.contains("pandas"), "{own}");
        assert!(own.contains("numpy<2"), "{own}");
        assert!(brought(&["azureml-mlflow"], &["mlflow==1.20"]).ends_with("six"));
    }

    #[test]
    fn an_old_pandas_gets_an_old_pyarrow() {
        let old = brought(&["azureml-defaults"], &["pandas==1.1.5"]);
        assert!(old.contains("pyarrow<4"), "{old}");
        let older = brought(&["azureml-defaults"], &["pandas<1"]);
        assert!(older.contains("pyarrow<2"), "{older}");
        assert!(!brought(&["azureml-defaults"], &["pandas==2.0.3"]).contains("pyarrow<4"));
    }
}
