//! Which loaded interpreter fits a step, decided by what an interpreter reads when it starts. Pure,
//! but for the variables of this process.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::spec::Spec;

/// The modules that load an interpreter and fork it, with their names. They lie beside the
/// `sitecustomize` that every Python of a step runs first.
pub const ZYGOTE_FILES: [(&str, &str); 2] = [
    ("zygote.py", include_str!("zygote.py")),
    ("quick.py", include_str!("quick.py")),
];

/// The variables of Python that work in a fork as in a fresh interpreter, when they are those that
/// the interpreter was started with. Others print or record something about the start.
const PYTHONS: [&str; 25] = [
    "PYTHONASYNCIODEBUG",
    "PYTHONBREAKPOINT",
    "PYTHONCASEOK",
    "PYTHONCOERCECLOCALE",
    "PYTHONDEVMODE",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONFAULTHANDLER",
    "PYTHONHASHSEED",
    "PYTHONHISTORY",
    "PYTHONHOME",
    "PYTHONINTMAXSTRDIGITS",
    "PYTHONIOENCODING",
    "PYTHONMALLOC",
    "PYTHONNODEBUGRANGES",
    "PYTHONNOUSERSITE",
    "PYTHONOPTIMIZE",
    "PYTHONPATH",
    "PYTHONPYCACHEPREFIX",
    "PYTHONSAFEPATH",
    "PYTHONSTARTUP",
    "PYTHONUNBUFFERED",
    "PYTHONUSERBASE",
    "PYTHONUTF8",
    "PYTHONWARNDEFAULTENCODING",
    "PYTHONWARNINGS",
];

/// Those with an underscore that do not. Images of containers set many others, such as
/// `PYTHON_VERSION`.
const PYTHONS_AT_START: [&str; 2] = ["PYTHON_PERF_JIT_SUPPORT", "PYTHON_PRESITE"];

/// What a loaded interpreter was made from: steps of equal keys may be its forks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) python: String,
    /// The variables on top of this process's own, without those of one step.
    pub(super) variables: BTreeMap<String, String>,
    pub(super) imports: Vec<String>,
}

impl Key {
    /// The interpreter that a step needs, or why there can be none.
    pub(super) fn of(spec: &Spec) -> Result<Self, String> {
        let Some((python, _)) = spec.interpreted() else {
            return Err("it runs no Python script".to_owned());
        };
        let inherited = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let names = spec.variables.keys().cloned().chain(inherited);
        if let Some(name) = { names }.find(|name| acts_at_start(name)) {
            return Err(format!("`{name}` acts on the start of Python"));
        }
        let path = spec.variables.get("PYTHONPATH").cloned();
        let path = path.or_else(|| std::env::var("PYTHONPATH").ok());
        if path.is_some_and(|path| path.split(':').any(|folder| !folder.starts_with('/'))) {
            return Err("`PYTHONPATH` has a folder that depends on the working directory".into());
        }
        let variables = spec.variables.iter();
        let shared = variables.filter(|(name, _)| !is_of_one_step(name));
        Ok(Self {
            python: python.to_owned(),
            variables: shared
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            imports: Vec::new(),
        })
    }

    /// The same interpreter with these modules loaded beside the usual ones.
    pub(super) fn with_imports(&self, imports: Vec<String>) -> Self {
        Self {
            imports,
            ..self.clone()
        }
    }

    /// A short word for it, whatever it imports. Two keys may have the same.
    pub(super) fn word(&self) -> String {
        let mut hasher = DefaultHasher::new();
        (&self.python, &self.variables).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

/// Whether a variable says something to one step only, such as its token. No interpreter and no
/// module reads one when it is loaded.
pub(super) fn is_of_one_step(name: &str) -> bool {
    name.starts_with("STEPWELL_")
        || name.starts_with("AZUREML_")
        || ["MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME"].contains(&name)
}

fn acts_at_start(name: &str) -> bool {
    if name.starts_with("PYTHON_") {
        return PYTHONS_AT_START.contains(&name);
    }
    name.starts_with("PYTHON") && !PYTHONS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RecordForm, Warm};

    fn spec(argv: &[&str], variables: &[(&str, &str)]) -> Spec {
        let text = |text: &&str| (*text).to_owned();
        let variable = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Spec {
            attempt: "0192f5c4-1111-7222-8333-444455556666#2"
                .parse()
                .expect("an id"),
            argv: argv.iter().map(text).collect(),
            variables: variables.iter().map(variable).collect(),
            work_dir: "/work".into(),
            files_dir: "/files".into(),
            log: "/log".into(),
            objects: "/objects".into(),
            snapshot: None,
            inputs: Vec::new(),
            outputs: Vec::new(),
            timeout_s: None,
            grace_ms: 0,
            failure: None,
            warm: Warm::Allowed,
            warm_imports: Vec::new(),
            several: None,
            workers: None,
            view: None,
            record: RecordForm::default(),
        }
    }

    #[test]
    fn steps_share_an_interpreter_if_only_what_is_their_own_differs() {
        let word = |argv: &[&str], variables: &[(&str, &str)]| {
            let word = spec(argv, variables).loaded_word();
            word.expect("it may start warm")
        };
        let first = word(
            &["/python", "a.py", "1"],
            &[("AZUREML_RUN_ID", "1"), ("A", "b")],
        );
        let other = word(&["/python", "b.py"], &[("STEPWELL_TOKEN", "2"), ("A", "b")]);
        assert_eq!(first, other);
        for (argv, variables) in [
            (["/other", "a.py"], [("A", "b")]),
            (["/python", "a.py"], [("A", "c")]),
            (["/python", "a.py"], [("LD_PRELOAD", "b")]),
            (["/python", "a.py"], [("PYTHON_VERSION", "3")]),
        ] {
            assert_ne!(first, word(&argv, &variables), "{argv:?} {variables:?}");
        }
    }

    #[test]
    fn what_an_interpreter_does_when_it_starts_forbids_a_loaded_one() {
        let reason = |argv: &[&str], variables: &[(&str, &str)]| {
            Key::of(&spec(argv, variables)).expect_err("a reason")
        };
        assert_eq!(reason(&["/python"], &[]), "it runs no Python script");
        assert_eq!(reason(&["/python", "-c"], &[]), "it runs no Python script");
        for name in [
            "PYTHONPROFILEIMPORTTIME",
            "PYTHONINSPECT",
            "PYTHONTRACEMALLOC",
        ] {
            let words = format!("`{name}` acts on the start of Python");
            assert_eq!(reason(&["/python", "a.py"], &[(name, "1")]), words);
        }
        for path in ["lib", "/a:lib", "/a:", ":/a"] {
            let words = reason(&["/python", "a.py"], &[("PYTHONPATH", path)]);
            assert!(words.contains("working directory"), "{words}");
        }
    }
}
