//! What a step's Python environment must hold, as the user asked for it.
//!
//! It does not say how the environment is built; that is `stepwell-compute`.

use serde::{Deserialize, Serialize};

/// The Python a step runs with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EnvironmentSpec {
    /// An interpreter that exists already: the submitting one, or one the user manages.
    Interpreter {
        /// Absolute path of the interpreter on the machine the step runs on.
        python: String,
    },
    /// An environment that Stepwell builds, once for equal content.
    Python(PythonSpec),
}

/// The content of an environment to build.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct PythonSpec {
    /// The name the user gave, for messages only: not part of the identity.
    pub name: String,
    /// A Python version such as `3.11`; `None` means the base interpreter's.
    pub python_version: Option<String>,
    /// The Python version to take if it is installed, when no `python_version` is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub python_preferred: Option<String>,
    /// The interpreter to build from, used when no `python_version` is asked for.
    pub base_python: String,
    /// Requirements in pip's syntax, in the user's order.
    pub pip: Vec<String>,
    /// Packages of the conda section in conda's syntax, without `python` and `pip`.
    pub conda: Vec<String>,
    /// Extra arguments of pip such as `--index-url https://…` and `--extra-index-url`.
    pub pip_options: Vec<String>,
}

impl EnvironmentSpec {
    /// The interpreter that is used or built from.
    #[must_use]
    pub fn base_python(&self) -> &str {
        match self {
            Self::Interpreter { python } => python,
            Self::Python(spec) => &spec.base_python,
        }
    }
}
