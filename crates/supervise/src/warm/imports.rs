//! Which modules are loaded for a script before it asks for them: those that it imports at its top
//! level, as read from its text, those that it had imported when it ran before, and those that the
//! user names. The first two only if they may be there before a fork.
//!
//! The list is short on purpose. On it is what takes long to load, and was seen to work in a fork
//! (`tests/e2e/test_warm.py` imports each both ways): it starts no threads that a fork would lack,
//! or ends them before one; it keeps no file open; it reads nothing of the working directory; and
//! what it keeps of chance or of the process is made anew after the fork (`_refresh` in `zygote.py`).
//! The interpreter looks for threads, open files and printed lines itself, and refuses.

use std::collections::BTreeSet;
use std::io::Read;

use camino::{Utf8Path, Utf8PathBuf};
use stepwell_model::is_module;

use super::remembered::{self, Script};
use crate::spec::Spec;

/// The packages, with the reason for each that needs one.
const SAFE: [&str; 19] = [
    // Its global generator is seeded anew in a fork.
    "numpy",
    "pandas",
    // OpenBLAS ends its threads before a fork, and starts them when they are next needed.
    "scipy",
    // OpenMP starts its threads with the first parallel loop.
    "sklearn",
    "joblib",
    "threadpoolctl",
    "cloudpickle",
    // Its thread pools start with their first work.
    "pyarrow",
    // The settings in a `matplotlibrc` of the working directory are looked for first.
    "matplotlib",
    "PIL",
    "requests",
    "urllib3",
    "yaml",
    "dateutil",
    "pytz",
    "networkx",
    "jinja2",
    // The SDK opens nothing and asks nothing before it is used.
    "azureml",
    "stepwell",
];

/// Scripts are read so far, and what they report.
const TEXT_MAX: u64 = 256 << 10;

/// How many modules are loaded of what a script was seen to import, and how deep in a package.
const LEARNED_MAX: usize = 96;
const DEPTH_MAX: usize = 2;

/// How many scripts are remembered.
const SCRIPTS_MAX: usize = 64;

/// The variable with the file in which a script's interpreter names, at its end, what it has loaded
/// (`start/sitecustomize.py`).
pub(crate) const IMPORTED: &str = "STEPWELL_IMPORTED";

/// The module of the SDK that every worker of a parallel step runs.
const WORKER: &str = "stepwell._parallel._worker";

/// What scripts have imported when they ran, whatever it was by: their own modules, a condition, a
/// name that is made up. Known once for each script, from a run that succeeded, and remembered in the
/// data folder.
#[derive(Default)]
pub(super) struct Learned(Vec<(Script, Vec<String>)>);

impl Learned {
    /// The file in which a step is to name its modules; `None` if they are known, or it has no
    /// files by which it could be known again.
    pub(super) fn report_of(&mut self, spec: &Spec) -> Option<Utf8PathBuf> {
        let script = script(spec)?;
        let mut is_known = self.0.iter().any(|(known, _)| *known == script);
        if !is_known && let Some(modules) = remembered::recall(&spec.objects, &script) {
            // Anybody may have written to the file.
            self.keep(script, loadable(modules.iter().map(String::as_str)));
            is_known = true;
        }
        let folder = spec.work_dir.parent()?;
        (!is_known).then(|| folder.join("imported"))
    }

    /// Reads what a step that has succeeded has named, if it was asked.
    pub(super) fn learn(&mut self, spec: &Spec) {
        let (Some(script), Some(path)) = (script(spec), spec.variables.get(IMPORTED)) else {
            return;
        };
        // A script may end without its interpreter's end.
        let Some(text) = read(path.as_ref()) else {
            return;
        };
        let _ = std::fs::remove_file(path);
        let found = loadable(text.lines());
        remembered::remember(&spec.objects, &script, &found);
        self.keep(script, found);
    }

    fn keep(&mut self, script: Script, modules: Vec<String>) {
        if self.0.len() >= SCRIPTS_MAX {
            self.0.remove(0);
        }
        self.0.push((script, modules));
    }

    fn of(&self, spec: &Spec) -> &[String] {
        let script = script(spec);
        let known = self
            .0
            .iter()
            .find(|(known, _)| Some(known) == script.as_ref());
        known.map_or(&[], |(_, modules)| modules)
    }

    /// What may be loaded for the script of a step, which is in its place: the most first, and
    /// nothing last.
    pub(super) fn choices(&self, spec: &Spec) -> Vec<Vec<String>> {
        let mut read = of_script(spec);
        if spec.workers.is_some() {
            read.push(WORKER.to_owned());
        }
        let all = |lists: &[&[String]]| -> Vec<String> {
            let modules = lists.iter().flat_map(|list| list.iter().cloned());
            let modules: BTreeSet<String> = modules.collect();
            modules.into_iter().collect()
        };
        let named = spec.warm_imports.as_slice();
        let mut learned = self.of(spec).to_vec();
        remove_configured(&mut learned, spec);
        let mut choices = vec![
            all(&[&learned, &read, named]),
            all(&[&read, named]),
            all(&[&read]),
            Vec::new(),
        ];
        choices.dedup();
        choices
    }
}

fn script(spec: &Spec) -> Option<Script> {
    let (python, script) = spec.interpreted()?;
    Some(Script {
        snapshot: spec.snapshot?,
        script: script.to_owned(),
        python: python.to_owned(),
    })
}

/// Those of the modules that a script has imported that may be loaded ahead.
fn loadable<'a>(modules: impl Iterator<Item = &'a str>) -> Vec<String> {
    let is_shallow = |module: &&str| module.split('.').count() <= DEPTH_MAX;
    let found = modules
        .filter(|module| is_module(module))
        .filter(is_shallow);
    let found = found.filter(|module| is_safe(module)).map(str::to_owned);
    found.take(LEARNED_MAX).collect()
}

fn read(path: &Utf8Path) -> Option<String> {
    let mut text = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(TEXT_MAX).read_to_end(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// The modules that the text of a step's script names.
fn of_script(spec: &Spec) -> Vec<String> {
    // Without a script there is nothing to load for it.
    let text = spec
        .interpreted()
        .and_then(|(_, script)| read(&spec.work_dir.join(script)));
    let mut found: Vec<String> = imported(&text.unwrap_or_default()).into_iter().collect();
    remove_configured(&mut found, spec);
    found
}

/// Leaves out what reads a file of the working directory that is there.
fn remove_configured(modules: &mut Vec<String>, spec: &Spec) {
    if spec.work_dir.join("matplotlibrc").exists() {
        modules.retain(|module| !module.starts_with("matplotlib"));
    }
}

fn is_safe(module: &str) -> bool {
    SAFE.contains(&module.split('.').next().unwrap_or_default())
}

/// The modules that a text imports at its top level, and that are known to be safe.
fn imported(text: &str) -> BTreeSet<String> {
    let modules = text.lines().flat_map(|line| {
        let words = |rest: &str| -> Vec<String> {
            let rest = rest.split(['#', ';']).next().unwrap_or_default();
            named(rest).collect()
        };
        if let Some(rest) = line.strip_prefix("import ") {
            words(rest)
        } else if let Some(rest) = line.strip_prefix("from ") {
            let module = rest.split_once(" import").map_or("", |(module, _)| module);
            words(module)
        } else {
            Vec::new()
        }
    });
    modules.filter(|module| is_safe(module)).collect()
}

/// The modules in a list with commas; what follows a name, as `as np`, is left out.
fn named(list: &str) -> impl Iterator<Item = String> {
    let module = |each: &str| each.split_whitespace().next().map(str::to_owned);
    list.split(',')
        .filter_map(module)
        .filter(|each| is_module(each))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_imports_at_its_top_level_is_read_from_its_text() {
        let text = "import os, numpy as np, pandas  # and more\n\
                    from sklearn.linear_model import (\n    LogisticRegression,\n)\n\
                    from azureml.core import Run; import scipy\n\
                    from . import own\nfrom .sklearn import x\nimport torch\n\
                    if True:\n    import pyarrow\nimported = 1\nimport 9, yaml.-\n";
        let found: Vec<String> = imported(text).into_iter().collect();
        assert_eq!(
            found,
            ["azureml.core", "numpy", "pandas", "sklearn.linear_model"]
        );
    }

    #[test]
    fn what_a_script_has_imported_is_learned_once_from_a_report() {
        let folder = camino_tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        let work = folder.join("work");
        std::fs::create_dir(&work).expect("made");
        std::fs::write(work.join("a.py"), "import yaml\n").expect("written");
        let attempt: stepwell_model::AttemptId = "0192f5c4-1111-7222-8333-444455556666#2"
            .parse()
            .expect("an id");
        let text = serde_json::json!({
            "attempt": attempt,
            "argv": ["/python", "a.py"], "variables": {}, "work_dir": work, "files_dir": "/f",
            "log": "/log", "objects": folder.join("objects"), "grace_ms": 0, "snapshot": "ab".repeat(32),
            "warm_imports": ["own.part"],
        });
        let mut spec: Spec = serde_json::from_value(text).expect("a spec");
        let mut learned = Learned::default();
        let words = |choices: &[Vec<String>]| -> Vec<String> {
            choices.iter().map(|choice| choice.join(" ")).collect()
        };
        let read = ["own.part yaml", "yaml", ""];
        assert_eq!(words(&learned.choices(&spec)), read);
        learned.learn(&spec);
        let report = learned.report_of(&spec).expect("it is asked");
        let named = "os\npandas\npandas.io\npandas.io.api\nown\nmatplotlib\nnot a name\n";
        std::fs::write(&report, named).expect("written");
        let path = report.clone().into_string();
        spec.variables.insert(IMPORTED.to_owned(), path);
        learned.learn(&spec);
        assert!(!report.exists() && learned.report_of(&spec).is_none());
        let all = "matplotlib own.part pandas pandas.io yaml";
        assert_eq!(words(&learned.choices(&spec)), [&[all], &read[..]].concat());
        let mut other = Learned::default();
        assert!(other.report_of(&spec).is_none(), "the folder remembers it");
        assert_eq!(words(&other.choices(&spec)), [&[all], &read[..]].concat());
        std::fs::write(work.join("matplotlibrc"), "").expect("written");
        let all = "own.part pandas pandas.io yaml";
        assert_eq!(words(&learned.choices(&spec))[0], all);
        spec.argv[1] = "b.py".to_owned();
        assert_eq!(words(&learned.choices(&spec)), ["own.part", ""]);
        spec.snapshot = None;
        assert!(learned.report_of(&spec).is_none());
    }
}
