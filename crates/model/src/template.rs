//! A pipeline with its parameters left open, and how a submission closes them.
//!
//! A published pipeline is a [`Template`] that is kept; a pipeline that is submitted at once is one
//! that is bound on the spot. Nothing here knows what exists: whether a dataset or a datastore is
//! there is looked up before a value comes here.
//!
//! Invariant: what [`Template::bind`] gives names no parameter that has no value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Graph, Input, InputSource, Parameter, Place, RunSpec, StepIndex, StepSpec, Value};

/// An input of a step whose place a parameter chooses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenInput {
    /// The step.
    pub step: StepIndex,
    /// The name of the port.
    pub name: String,
    /// The parameter: a data path or a dataset.
    pub parameter: String,
    /// Whether the step gets a copy of its own.
    #[serde(default)]
    pub download: bool,
    /// Where the step finds it, relative to its working directory.
    #[serde(default)]
    pub path_on_compute: Option<String>,
}

/// A pipeline with its parameters left open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Template {
    /// The parameters by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// The steps, without the inputs that are open.
    pub steps: Vec<StepSpec>,
    /// The inputs that are open.
    #[serde(default)]
    pub open_inputs: Vec<OpenInput>,
    /// Outputs of steps that the pipeline itself names: the name, the step and its output.
    #[serde(default)]
    pub outputs: Vec<(String, StepIndex, String)>,
    /// The folder with the packages of the publishing SDK, on the server's own machine.
    #[serde(default)]
    pub sdk_path: Option<String>,
    /// Whether steps that do not depend on a failed step still run.
    #[serde(default)]
    pub continue_on_step_failure: bool,
    /// Properties of every run of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

/// The property in which the SDK keeps which datasets the steps of a pipeline are given.
const INPUT_DATASETS: &str = "stepwell.input_datasets";

/// Those of a run's properties that tell of its pipeline, and so belong to every run of that.
#[must_use]
pub fn properties_of_pipeline(properties: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let kept = properties.get_key_value(INPUT_DATASETS);
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .into_iter()
        .collect()
}

/// A template whose parameters all have values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound {
    /// The parameters with their values in the place of the defaults.
    pub parameters: BTreeMap<String, Parameter>,
    /// The values as text: what arguments and variables are given.
    pub texts: BTreeMap<String, String>,
    /// The steps with all their inputs.
    pub steps: Vec<StepSpec>,
}

/// Why a submission's values do not fit its pipeline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssignmentError {
    /// The pipeline has no such parameter.
    #[error("the pipeline has no parameter `{name}`")]
    Unknown {
        /// The name that was given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The value is of another type.
    #[error("parameter `{name}` takes {expected}, not {given}")]
    WrongType {
        /// The parameter.
        name: String,
        /// What it takes.
        expected: &'static str,
        /// What was given.
        given: String,
    },
    /// A step reads the files of a dataset that has none in one place.
    #[error(
        "step `{step}` reads the files of parameter `{name}`, and the files of dataset {dataset} are in no place of their own"
    )]
    NoPlace {
        /// The parameter.
        name: String,
        /// The dataset.
        dataset: String,
        /// The step.
        step: String,
    },
    /// What a step does makes no sense with these values.
    #[error("step `{step}`: {reason}")]
    Setting {
        /// The step.
        step: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Template {
    /// The template that a run was made from, with the run's values as the defaults.
    #[must_use]
    pub fn of_run(spec: RunSpec, graph: &Graph) -> Self {
        let mut parameters = spec.declared;
        for (name, text) in spec.parameters {
            let declared = parameters.entry(name);
            declared.or_insert(Parameter::String(text));
        }
        let mut steps: Vec<StepSpec> = graph.steps().iter().map(|step| step.spec.clone()).collect();
        for open in &spec.open_inputs {
            if let Some(step) = steps.get_mut(open.step.get()) {
                step.inputs.retain(|input| input.name != open.name);
            }
        }
        Self {
            parameters,
            steps,
            open_inputs: spec.open_inputs,
            outputs: Vec::new(),
            sdk_path: spec.sdk_path,
            continue_on_step_failure: spec.continue_on_step_failure,
            properties: BTreeMap::new(),
        }
    }

    /// The same with other defaults.
    ///
    /// # Errors
    /// The first value, by name, that does not fit.
    pub fn with_defaults(
        mut self,
        values: &BTreeMap<String, Value>,
    ) -> Result<Self, AssignmentError> {
        self.parameters = self.bind(values)?.parameters;
        Ok(self)
    }

    /// Gives every parameter its value: the assigned one, or its default.
    ///
    /// # Errors
    /// The first value, by name, that does not fit.
    pub fn bind(&self, values: &BTreeMap<String, Value>) -> Result<Bound, AssignmentError> {
        let mut parameters = self.parameters.clone();
        for (name, value) in values {
            let Some(parameter) = parameters.get_mut(name) else {
                return Err(AssignmentError::Unknown {
                    name: name.clone(),
                    known: self.parameters.keys().cloned().collect(),
                });
            };
            *parameter = parameter.with(value).ok_or_else(|| {
                let name = name.clone();
                let (expected, given) = (parameter.expected(), value.describe());
                AssignmentError::WrongType {
                    name,
                    expected,
                    given,
                }
            })?;
        }
        let mut steps = self.steps.clone();
        for open in &self.open_inputs {
            if let (Some(step), Some(parameter)) = (
                steps.get_mut(open.step.get()),
                parameters.get(&open.parameter),
            ) {
                close(step, open, parameter)?;
            }
        }
        steps.iter_mut().for_each(place_outputs);
        let texts = parameters.iter();
        let texts = texts.map(|(name, value)| (name.clone(), value.text()));
        let texts = texts.collect();
        for step in &mut steps {
            let bound = step.task.kind_mut();
            let bound = bound.bind_counts(&texts, &mut step.resources);
            bound.map_err(|reason| AssignmentError::Setting {
                step: step.name.clone(),
                reason,
            })?;
        }
        if !values.is_empty() {
            for step in &steps {
                let checked = step.task.kind().check(&texts);
                checked.map_err(|reason| AssignmentError::Setting {
                    step: step.name.clone(),
                    reason,
                })?;
            }
        }
        Ok(Bound {
            texts,
            parameters,
            steps,
        })
    }
}

/// Gives outputs that are the place of an input that place.
fn place_outputs(step: &mut StepSpec) {
    for output in &mut step.outputs {
        let Some(port) = step.task.kind().output_at(&output.name) else {
            continue;
        };
        let place = step.inputs.iter().find(|input| input.name == port);
        if let Some(InputSource::Datastore { datastore, path }) = place.map(|input| &input.source) {
            output.datastore.clone_from(datastore);
            output.path = Some(path.clone());
        }
    }
}

/// Gives a step the input that a parameter chooses. Data in no place is no input: a script reads
/// it by its id, unless it counts on the files.
fn close(
    step: &mut StepSpec,
    open: &OpenInput,
    parameter: &Parameter,
) -> Result<(), AssignmentError> {
    if let Parameter::Dataset(dataset) = parameter {
        let kind = step.task.kind_mut();
        kind.bind_dataset(&open.name, &dataset.id);
    }
    match parameter.place() {
        Some(Place { datastore, path }) => {
            let (datastore, path) = (datastore.clone(), path.clone());
            step.inputs.push(Input {
                name: open.name.clone(),
                source: InputSource::Datastore { datastore, path },
                download: open.download,
                path_on_compute: open.path_on_compute.clone(),
            });
            Ok(())
        }
        None if step.task.kind().reads_files(&open.name) => Err(AssignmentError::NoPlace {
            name: open.parameter.clone(),
            dataset: parameter.text(),
            step: step.name.clone(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Arg, DatasetValue, ProcessTask, Program, testing};

    fn step(arguments: Vec<Arg>) -> StepSpec {
        let script = testing::process(Program::Script("train.py".to_owned()));
        StepSpec {
            name: "train".to_owned(),
            allow_reuse: true,
            ..testing::step(ProcessTask {
                arguments,
                ..script
            })
        }
    }

    fn place(path: &str) -> Place {
        Place {
            datastore: "store".to_owned(),
            path: path.to_owned(),
        }
    }

    fn dataset(place: Option<Place>) -> DatasetValue {
        let id = "d1".to_owned();
        DatasetValue { id, place }
    }

    fn template(arguments: Vec<Arg>) -> Template {
        let parameters = [
            ("depth", Parameter::Int("3".to_owned())),
            ("data", Parameter::Dataset(dataset(Some(place("a"))))),
        ];
        let named = |(name, parameter): (&str, _)| (name.to_owned(), parameter);
        Template {
            parameters: parameters.into_iter().map(named).collect(),
            steps: vec![step(arguments)],
            open_inputs: vec![OpenInput {
                step: StepIndex(0),
                name: "input".to_owned(),
                parameter: "data".to_owned(),
                download: false,
                path_on_compute: None,
            }],
            ..Template::default()
        }
    }

    fn values(name: &str, value: Value) -> BTreeMap<String, Value> {
        BTreeMap::from([(name.to_owned(), value)])
    }

    #[test]
    fn of_a_runs_properties_only_those_of_its_pipeline_go_on() {
        let named = |name: &str| (name.to_owned(), "{}".to_owned());
        let properties = BTreeMap::from(["azureml.parameters", INPUT_DATASETS].map(named));
        let kept = properties_of_pipeline(&properties);
        assert_eq!(kept.keys().collect::<Vec<_>>(), [INPUT_DATASETS]);
    }

    #[test]
    fn what_is_not_assigned_keeps_its_default() {
        let bound = template(Vec::new())
            .bind(&values("depth", Value::Text("7".to_owned())))
            .expect("it fits");
        assert_eq!(bound.texts["depth"], "7");
        assert_eq!(bound.texts["data"], "d1");
        let source = InputSource::Datastore {
            datastore: "store".to_owned(),
            path: "a".to_owned(),
        };
        assert_eq!(bound.steps[0].inputs[0].source, source);
    }

    #[test]
    fn what_does_not_fit_is_told_by_name() {
        let refusal = |value| {
            let error = template(Vec::new())
                .bind(&value)
                .expect_err("it does not fit");
            error.to_string()
        };
        let text = || Value::Text("x".to_owned());
        assert_eq!(
            refusal(values("dept", text())),
            "the pipeline has no parameter `dept`"
        );
        assert_eq!(
            refusal(values("depth", text())),
            "parameter `depth` takes a whole number, not `x`"
        );
        assert_eq!(
            refusal(values("data", Value::Place(place("b")))),
            "parameter `data` takes a dataset, not a data path"
        );
    }

    #[test]
    fn a_dataset_without_a_place_is_no_input_unless_its_files_are_read() {
        let scattered = values("data", Value::Dataset(dataset(None)));
        let by_id = template(vec![Arg::Parameter("data".to_owned())]).bind(&scattered);
        assert_eq!(by_id.expect("it is read by its id").steps[0].inputs, []);
        let by_place = template(vec![Arg::Input("input".to_owned())]).bind(&scattered);
        assert!(matches!(by_place, Err(AssignmentError::NoPlace { .. })));
    }

    #[test]
    fn a_run_gives_its_template_back_with_its_own_values() {
        let made = template(vec![Arg::Input("input".to_owned())]);
        let bound = made
            .bind(&values("depth", Value::Text("9".to_owned())))
            .expect("it fits");
        let run = crate::RunId::new(uuid::Uuid::nil());
        let step = |spec| crate::Step { run, spec };
        let graph = Graph::new(bound.steps.into_iter().map(step).collect()).expect("a graph");
        let spec = RunSpec {
            parameters: bound.texts,
            declared: bound.parameters,
            open_inputs: made.open_inputs.clone(),
            ..testing::run(run)
        };
        let again = Template::of_run(spec, &graph);
        let nine = values("depth", Value::Text("9".to_owned()));
        assert_eq!(again, made.with_defaults(&nine).expect("it fits"));
    }
}
