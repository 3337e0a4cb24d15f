//! A parallel task: one script over many mini-batches on many workers, and its settings.
//!
//! Settings travel as text, since each may be a pipeline parameter whose value is known only when
//! the run is submitted. [`ParallelSettings::parse`] is the one place that gives them meaning.
//! It does not decide what fits the input: that is the planner's part.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{EnvironmentSpec, ProcessTask, References, Resources, Spread, TaskKind};

/// One script over many mini-batches on many workers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParallelTask {
    /// What each worker runs: the entry script with its arguments, files and environment. The
    /// timeout is that of the whole step.
    pub worker: ProcessTask,
    /// The inputs that are cut into mini-batches, by order. All others are side inputs.
    pub inputs: Vec<ParallelInput>,
    /// The output port that keeps the file of rows; `None` when rows are only counted.
    #[serde(default)]
    pub output: Option<String>,
    /// The settings by name, as text or as the name of a pipeline parameter.
    #[serde(default)]
    pub settings: BTreeMap<String, Setting>,
}

/// An input that is cut into mini-batches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParallelInput {
    /// The step's input port.
    pub port: String,
    /// What a mini-batch of it is.
    pub form: InputForm,
    /// The saved dataset that says how its files are read; always there for a table.
    #[serde(default)]
    pub dataset: Option<String>,
}

impl TaskKind for ParallelTask {
    fn environment(&self) -> Option<&EnvironmentSpec> {
        self.worker.environment()
    }

    fn references(&self) -> References {
        let mut references = self.worker.references();
        let read = self.inputs.iter().filter_map(|input| input.dataset.clone());
        references.datasets.extend(read);
        references
    }

    fn reads_files(&self, port: &str) -> bool {
        let cut = |input: &ParallelInput| input.port == port && input.form == InputForm::Files;
        self.worker.reads_files(port) || self.inputs.iter().any(cut)
    }

    fn resumes(&self) -> bool {
        true
    }

    fn spread(&self) -> Option<Spread> {
        let count = |name: &str| match self.settings.get(name)? {
            Setting::Literal(text) => text.trim().parse().ok(),
            Setting::Parameter(_) => None,
        };
        Some(Spread {
            nodes: count("node_count").unwrap_or(1),
            per_node: count("process_count_per_node"),
        })
    }

    fn bind_counts(
        &mut self,
        values: &BTreeMap<String, String>,
        _resources: &mut Resources,
    ) -> Result<(), String> {
        for name in ["node_count", "process_count_per_node"] {
            if let Some(setting) = self.settings.get_mut(name)
                && let Some(text) = setting.resolve(values)
            {
                *setting = Setting::Literal(text.to_owned());
            }
        }
        Ok(())
    }

    fn bind_dataset(&mut self, port: &str, dataset: &str) {
        let cut = self.inputs.iter_mut();
        for input in cut.filter(|input| input.port == port && input.dataset.is_some()) {
            input.dataset = Some(dataset.to_owned());
        }
    }

    fn check(&self, parameters: &BTreeMap<String, String>) -> Result<(), String> {
        let parsed = ParallelSettings::parse(&self.resolved_settings(parameters));
        parsed.map(drop).map_err(|error| error.to_string())
    }
}

impl ParallelTask {
    /// The settings as text, with the values of the pipeline's parameters.
    #[must_use]
    pub fn resolved_settings(
        &self,
        parameters: &BTreeMap<String, String>,
    ) -> BTreeMap<String, String> {
        let settings = self.settings.iter();
        let settings = settings.filter_map(|(name, setting)| {
            let text = setting.resolve(parameters)?;
            Some((name.clone(), text.to_owned()))
        });
        settings.collect()
    }
}

/// What a mini-batch of an input is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputForm {
    /// A list of paths.
    Files,
    /// A data frame.
    Table,
}

/// A value that is known when the pipeline is made, or when it is submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Text as it is.
    Literal(String),
    /// The value of the named pipeline parameter.
    Parameter(String),
}

impl Setting {
    /// The text it stands for; `None` if there is no parameter of the name.
    #[must_use]
    pub fn resolve<'a>(&'a self, parameters: &'a BTreeMap<String, String>) -> Option<&'a str> {
        match self {
            Self::Literal(text) => Some(text),
            Self::Parameter(name) => parameters.get(name).map(String::as_str),
        }
    }
}

/// What becomes of the rows that `run` returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputAction {
    /// All go to one file in the output's folder.
    AppendRow,
    /// They are counted.
    SummaryOnly,
}

/// The settings of a parallel task, understood and within their limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParallelSettings {
    /// How many files, or for a table about how many bytes, a mini-batch has; `None` for 10 files
    /// or 1 MiB.
    pub mini_batch_size: Option<u64>,
    /// How many items may fail; `None` for any number.
    pub error_threshold: Option<u64>,
    /// How many mini-batches may fail; `None` for any number.
    pub allowed_failed_count: Option<u64>,
    /// How many of a hundred mini-batches may fail; `None` for all.
    pub allowed_failed_percent: Option<f64>,
    /// What becomes of rows.
    pub output_action: OutputAction,
    /// The name of the file of rows.
    pub append_row_file_name: String,
    /// How often a mini-batch is tried, from 1.
    pub run_max_try: u32,
    /// The longest that one call of `run` may take, in seconds.
    pub run_invocation_timeout_s: u64,
    /// The longest that no mini-batch may come to an end, in seconds; `None` for what follows
    /// from the other limits.
    pub progress_update_timeout_s: Option<u64>,
    /// On how many nodes workers run.
    pub node_count: u32,
    /// How many workers run on each; `None` for what the node has.
    pub process_count_per_node: Option<u32>,
    /// The level of the logger that the entry script is given.
    pub logging_level: String,
    /// The columns whose combinations of values are the mini-batches; empty to cut by size.
    pub partition_keys: Vec<String>,
}

/// A setting that is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The name stands for nothing.
    #[error("there is no setting `{0}`")]
    Unknown(String),
    /// The value is out of its limits or of another kind.
    #[error("the setting `{name}` is `{value}`; it must be {expected}")]
    Invalid {
        /// Which.
        name: String,
        /// Its text.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
}

/// The longest duration that a setting may name, in seconds: a year.
const SECONDS_MAX: u64 = 366 * 24 * 3600;
/// The most workers of one step.
const WORKERS_MAX: u64 = 10_000;

impl ParallelSettings {
    /// The names of all settings.
    pub const NAMES: [&str; 13] = [
        "mini_batch_size",
        "error_threshold",
        "allowed_failed_count",
        "allowed_failed_percent",
        "output_action",
        "append_row_file_name",
        "run_max_try",
        "run_invocation_timeout",
        "progress_update_timeout",
        "node_count",
        "process_count_per_node",
        "logging_level",
        "partition_keys",
    ];

    /// Reads settings; one that is not there has its default.
    ///
    /// # Errors
    /// When a name is not known, or a value is not what it should be.
    pub fn parse(texts: &BTreeMap<String, String>) -> Result<Self, SettingError> {
        if let Some(name) = texts
            .keys()
            .find(|name| !Self::NAMES.contains(&name.as_str()))
        {
            return Err(SettingError::Unknown(name.clone()));
        }
        let texts = Texts(texts);
        Ok(Self {
            mini_batch_size: texts.read("mini_batch_size", BYTES, size)?,
            error_threshold: texts.read("error_threshold", COUNT, threshold)?.flatten(),
            allowed_failed_count: texts
                .read("allowed_failed_count", COUNT, threshold)?
                .flatten(),
            allowed_failed_percent: texts
                .read("allowed_failed_percent", "a number from 0 to 100", percent)?
                .filter(|percent| *percent < 100.0),
            output_action: texts
                .read("output_action", "`append_row` or `summary_only`", action)?
                .unwrap_or(OutputAction::AppendRow),
            append_row_file_name: texts
                .read("append_row_file_name", FILE_NAME, file_name)?
                .unwrap_or_else(|| "parallel_run_step.txt".to_owned()),
            run_max_try: texts
                .read("run_max_try", ONE_OR_MORE, |text| {
                    at_most(text, u64::from(u32::MAX))
                })?
                .map_or(3, narrow),
            run_invocation_timeout_s: texts
                .read("run_invocation_timeout", SECONDS, |text| {
                    at_most(text, SECONDS_MAX)
                })?
                .unwrap_or(60),
            progress_update_timeout_s: texts.read("progress_update_timeout", SECONDS, |text| {
                at_most(text, SECONDS_MAX)
            })?,
            node_count: texts
                .read("node_count", WORKERS, |text| at_most(text, WORKERS_MAX))?
                .map_or(1, narrow),
            process_count_per_node: texts
                .read("process_count_per_node", WORKERS, |text| {
                    at_most(text, WORKERS_MAX)
                })?
                .map(narrow),
            logging_level: texts
                .read("logging_level", LEVEL, level)?
                .unwrap_or_else(|| "INFO".to_owned()),
            partition_keys: texts
                .read("partition_keys", "a JSON list of column names", keys)?
                .unwrap_or_default(),
        })
    }
}

const BYTES: &str = "a whole number from 1, or one with KB, MB or GB";
const COUNT: &str = "a whole number, or -1 for no limit";
const ONE_OR_MORE: &str = "a whole number from 1";
const SECONDS: &str = "a whole number of seconds from 1 to a year";
const WORKERS: &str = "a whole number from 1 to 10000";
const LEVEL: &str = "`DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`";
const FILE_NAME: &str = "a file name without the characters ~\"#%&*:<>?/\\{|}";

struct Texts<'a>(&'a BTreeMap<String, String>);

impl Texts<'_> {
    fn read<T>(
        &self,
        name: &str,
        expected: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, SettingError> {
        let Some(text) = self.0.get(name) else {
            return Ok(None);
        };
        let value = parse(text.trim());
        value.map(Some).ok_or_else(|| refusal(name, text, expected))
    }
}

fn refusal(name: &str, value: &str, expected: &'static str) -> SettingError {
    SettingError::Invalid {
        name: name.to_owned(),
        value: value.to_owned(),
        expected,
    }
}

/// Units are powers of 1024, as in v1.
fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" => 1,
        "kb" => 1 << 10,
        "mb" => 1 << 20,
        "gb" => 1 << 30,
        _ => return None,
    };
    let bytes = digits.parse::<u64>().ok()?.checked_mul(unit)?;
    (bytes > 0).then_some(bytes)
}

/// -1 is no limit.
fn threshold(text: &str) -> Option<Option<u64>> {
    match text {
        "-1" => Some(None),
        _ => text.parse().ok().map(Some),
    }
}

fn percent(text: &str) -> Option<f64> {
    text.parse()
        .ok()
        .filter(|percent: &f64| (0.0..=100.0).contains(percent))
}

fn at_most(text: &str, most: u64) -> Option<u64> {
    text.parse()
        .ok()
        .filter(|number| (1..=most).contains(number))
}

fn narrow(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn action(text: &str) -> Option<OutputAction> {
    match text.to_ascii_lowercase().as_str() {
        "append_row" => Some(OutputAction::AppendRow),
        "summary_only" => Some(OutputAction::SummaryOnly),
        _ => None,
    }
}

fn file_name(text: &str) -> Option<String> {
    let is_forbidden = |c: char| c.is_control() || "~\"#%&*:<>?/\\{|}".contains(c);
    let fits = !text.is_empty() && text != "." && text != ".." && !text.contains(is_forbidden);
    fits.then(|| text.to_owned())
}

fn level(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
        .contains(&upper.as_str())
        .then_some(upper)
}

/// A list of texts in JSON.
fn keys(text: &str) -> Option<Vec<String>> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Program, testing};

    fn parse(text: &str) -> Result<ParallelSettings, String> {
        let texts = text.split(' ').filter_map(|word| word.split_once('='));
        let texts = texts.map(|(name, value)| (name.to_owned(), value.to_owned()));
        ParallelSettings::parse(&texts.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_has_the_default_of_v1() {
        let settings = parse("").expect("settings");
        assert_eq!(settings.mini_batch_size, None);
        assert_eq!(
            (settings.run_max_try, settings.run_invocation_timeout_s),
            (3, 60)
        );
        assert_eq!(settings.append_row_file_name, "parallel_run_step.txt");
        assert_eq!(settings.error_threshold, None);
    }

    #[test]
    fn a_parameter_gives_the_number_of_nodes() {
        let settings = [
            ("node_count", Setting::Parameter("nodes".to_owned())),
            ("process_count_per_node", Setting::Literal("2".to_owned())),
        ];
        let settings = settings.map(|(name, setting)| (name.to_owned(), setting));
        let mut task = ParallelTask {
            worker: testing::process(Program::Script("score.py".to_owned())),
            inputs: Vec::new(),
            output: None,
            settings: settings.into(),
        };
        let values = BTreeMap::from([("nodes".to_owned(), "3".to_owned())]);
        let mut resources = Resources::default();
        assert_eq!(task.bind_counts(&values, &mut resources), Ok(()));
        assert!(resources.is_default(), "its driver is one process");
        let spread = task.spread().expect("it has workers");
        assert_eq!((spread.nodes, spread.per_node), (3, Some(2)));
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        let size =
            |text: &str| parse(&format!("mini_batch_size={text}")).map(|s| s.mini_batch_size);
        assert_eq!(size("5"), Ok(Some(5)));
        assert_eq!(size("10KB"), Ok(Some(10_240)));
        assert_eq!(size("1mb"), Ok(Some(1_048_576)));
        assert!(size("1.5MB").is_err() && size("0").is_err() && size("KB").is_err());
    }

    #[test]
    fn minus_one_and_a_hundred_percent_are_no_limit() {
        let settings =
            parse("error_threshold=-1 allowed_failed_count=0 allowed_failed_percent=100")
                .expect("settings");
        assert_eq!(settings.error_threshold, None);
        assert_eq!(settings.allowed_failed_count, Some(0));
        assert_eq!(settings.allowed_failed_percent, None);
    }

    #[test]
    fn a_refusal_says_what_it_must_be() {
        let said = |text: &str| parse(text).err().unwrap_or_default();
        insta::assert_snapshot!(
            [said("error_threshold=-2"), said("append_row_file_name=a/b"), said("sped=1")].join("\n"),
            @r##"
        the setting `error_threshold` is `-2`; it must be a whole number, or -1 for no limit
        the setting `append_row_file_name` is `a/b`; it must be a file name without the characters ~"#%&*:<>?/\{|}
        there is no setting `sped`
        "##
        );
    }
}
