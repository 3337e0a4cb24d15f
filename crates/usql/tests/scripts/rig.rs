//! Runs a script in a folder of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use stepwell_usql::job::{self, Failed, Options, Stage, Stop, Summary};
use stepwell_usql::paths::Paths;
use stepwell_usql::source::Source;
use tempfile::TempDir;

/// A store with `SearchLog.tsv` in it.
pub(crate) struct Rig {
    folder: TempDir,
    pub(crate) parameters: BTreeMap<String, String>,
    pub(crate) memory_bytes: Option<usize>,
    pub(crate) cores: usize,
    pub(crate) python: Option<PathBuf>,
}

/// The schema of `SearchLog.tsv`, and its rows as `@log`.
pub(crate) const LOG: &str = r#"
@log =
    EXTRACT UserId int, Start DateTime, Region string, Query string, Duration int,
            Urls string, ClickedUrls string
    FROM "/SearchLog.tsv"
    USING Extractors.Tsv();
"#;

impl Rig {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = include_bytes!("../data/SearchLog.tsv");
        std::fs::write(folder.path().join("SearchLog.tsv"), data).expect("a file");
        Self {
            folder,
            parameters: BTreeMap::new(),
            memory_bytes: None,
            cores: 2,
            python: None,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        std::fs::write(path, text).expect("a file");
    }

    pub(crate) fn options(&self) -> Options {
        Options {
            paths: Paths {
                root: self.folder.path().to_owned(),
                stores: BTreeMap::new(),
            },
            catalog: self.path(".usql"),
            parameters: self.parameters.clone(),
            python: self.python.clone(),
            cores: Some(self.cores),
            memory_bytes: self.memory_bytes,
        }
    }

    pub(crate) fn try_run(&self, script: &str) -> Result<Summary, String> {
        self.run_until(script, &mut |_| false)
    }

    /// Runs a script, and stops it when a report says so.
    pub(crate) fn run_until(
        &self,
        script: &str,
        done: &mut (dyn FnMut(&Stage) -> bool + Send),
    ) -> Result<Summary, String> {
        let source = Source::new("script.usql", script);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let stop = Stop::default();
        let mut report = |stage: &Stage| {
            if done(stage) {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let options = self.options();
        let job = job::run(&source, &options, &stop, &mut report);
        runtime.block_on(job).map_err(|failed| match failed {
            Failed::Script(all) => all.iter().map(|each| each.render(&source)).collect(),
            Failed::Run(one) => one.render(&source),
            Failed::Stopped => "stopped".to_owned(),
        })
    }

    pub(crate) fn run(&self, script: &str) -> Summary {
        self.try_run(script)
            .unwrap_or_else(|error| panic!("{script}\n{error}"))
    }

    /// What a script writes to `/out.csv`.
    pub(crate) fn output(&self, script: &str) -> String {
        self.run(script);
        self.read("out.csv")
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name))
            .expect("an output")
            .replace("\r\n", "\n")
    }
}

/// What a query over `@log` gives, with its columns in `order`.
pub(crate) fn query(query: &str, order: &str) -> String {
    Rig::new().output(&format!(
        "{LOG} @r = {query}; OUTPUT @r TO \"/out.csv\" ORDER BY {order} USING Outputters.Csv(quoting: false);"
    ))
}
