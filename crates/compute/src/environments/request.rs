//! What is asked of uv: a [`PythonSpec`] in one normal form.
//!
//! Requirements keep the user's order; comments go, conda packages are said in pip's words, and
//! what Stepwell provides itself is left out. No I/O. Invariant: two specs that ask for the same
//! have the same text and so the same key, whatever they are called.

use std::collections::BTreeMap;

use stepwell_model::PythonSpec;

use super::interpreter::Asked;
use super::{brought, conda, names};

/// Options of pip that say how to install, not what: uv has no use for them.
const IDLE_OPTIONS: &[&str] = &[
    "--disable-pip-version-check",
    "--no-cache-dir",
    "--no-warn-script-location",
    "--quiet",
    "--upgrade",
    "--user",
    "-U",
    "-q",
];

/// What uv shall resolve, and what the user should know about it.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    /// The name the user gave, for messages.
    pub(super) name: String,
    /// The version of Python that was asked for.
    pub(super) python_version: Option<String>,
    /// The version that is taken if it is installed, when none was asked for.
    pub(super) python_preferred: Option<String>,
    /// Whether a folder among the local files is a project that has to be built.
    pub(super) builds_local_projects: bool,
    /// Options that a requirements file may hold, one line each.
    pub(super) options: Vec<String>,
    /// Requirements in the user's order, pip's before conda's.
    pub(super) requirements: Vec<String>,
    /// The digest of the local files that requirements and options name; empty for none.
    pub(super) content: String,
    /// Options that uv takes as variables only.
    pub(super) variables: BTreeMap<&'static str, String>,
    /// What was changed or left out, as sentences without a full stop.
    pub(super) notices: Vec<String>,
}

impl Request {
    /// The normal form of `spec`.
    pub(super) fn new(spec: &PythonSpec) -> Self {
        let mut request = Self {
            name: spec.name.clone(),
            python_version: spec.python_version.clone(),
            python_preferred: spec.python_preferred.clone(),
            ..Self::default()
        };
        request.add_options(&spec.pip_options.join(" "));
        let mut azureml = Vec::new();
        for line in spec.pip.iter().flat_map(|entry| lines(entry)) {
            azureml.extend(request.add_line(line));
        }
        for package in &spec.conda {
            let translation = conda::translate(package);
            request.notices.extend(translation.notice);
            for line in translation.requirement.iter().flat_map(|text| lines(text)) {
                azureml.extend(request.add_line(line));
            }
        }
        request.add_brought(&azureml);
        request
    }

    /// Which Python is asked for, and how firmly.
    pub(super) fn asked(&self) -> Asked<'_> {
        match (&self.python_version, &self.python_preferred) {
            (Some(version), _) => Asked::Version(version),
            (None, Some(version)) => Asked::Preferred(version),
            (None, None) => Asked::Base,
        }
    }

    /// The text of a requirements file that asks for this.
    pub(super) fn text(&self) -> String {
        let mut text = self.options_text();
        for line in &self.requirements {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// The options alone, as the first lines of a requirements file.
    pub(super) fn options_text(&self) -> String {
        self.options
            .iter()
            .map(|line| format!("{line}\n"))
            .collect()
    }

    /// The key of this request; `python` says which Python, as exactly as is known before it is
    /// looked for.
    pub(super) fn key(&self, python: &str) -> Key {
        let variables: String = self
            .variables
            .iter()
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect();
        let text = self.text();
        Key::of(&[
            "stepwell request 2",
            python,
            &variables,
            &text,
            &self.content,
        ])
    }

    /// Takes one line of a requirements file; gives it back if it is of the `azureml` family, whose
    /// place Stepwell takes.
    fn add_line(&mut self, line: &str) -> Option<String> {
        let line = without_comment(line);
        if line.is_empty() {
            return None;
        }
        if let Some(project) = editable(line) {
            self.requirements.push(format!("-e {project}"));
            return None;
        }
        if line.starts_with('-') {
            self.add_options(line);
            return None;
        }
        if !brought::is_azureml(line) {
            let corrected = names::corrected(line);
            if let Some(meant) = &corrected {
                self.notices.push(format!("`{line}` is taken as `{meant}`"));
            }
            self.requirements
                .push(corrected.unwrap_or_else(|| line.to_owned()));
            return None;
        }
        self.notices.push(format!(
            "`{line}` is left out: Stepwell takes the place of `azureml-*`"
        ));
        Some(line.to_owned())
    }

    fn add_brought(&mut self, azureml: &[String]) {
        let brought = brought::brought_by(azureml, &self.requirements);
        if !brought.is_empty() {
            self.notices.push(format!(
                "`{}` are added, since `{}` would have brought them",
                brought.join("`, `"),
                azureml.join("`, `")
            ));
            self.requirements.extend(brought);
        }
    }

    /// Takes pip options, however they were cut into arguments.
    fn add_options(&mut self, text: &str) {
        let mut option: Vec<&str> = Vec::new();
        for word in text.split_whitespace() {
            if word.starts_with('-') {
                self.add_option(&std::mem::take(&mut option));
            }
            option.push(word);
        }
        self.add_option(&option);
    }

    fn add_option(&mut self, words: &[&str]) {
        let line = words.join(" ");
        let (flag, value) = line.split_once([' ', '=']).unwrap_or((&line, ""));
        match flag {
            "" => {}
            "--pre" => {
                self.variables.insert("UV_PRERELEASE", "allow".to_owned());
            }
            "--trusted-host" => {
                let hosts = self.variables.entry("UV_INSECURE_HOST").or_default();
                *hosts = format!("{hosts} {value}").trim().to_owned();
            }
            // An option of uv's, which pip does not have: it is the user's choice.
            "--index-strategy" => {
                self.variables.insert("UV_INDEX_STRATEGY", value.to_owned());
            }
            _ if IDLE_OPTIONS.contains(&flag) => {
                self.notices
                    .push(format!("option `{line}` means nothing to uv"));
            }
            _ => self.options.push(line),
        }
    }
}

/// A digest that names a request or an environment in the data folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key(String);

impl Key {
    /// 128 bits: short enough for the first line of a script, which the kernel limits.
    const DIGITS: usize = 32;

    /// The key of some texts in this order.
    pub(super) fn of(parts: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            // The length keeps `ab` + `c` apart from `a` + `bc`.
            hasher.update(&part.len().to_le_bytes());
            hasher.update(part.as_bytes());
        }
        Self(hasher.finalize().to_hex()[..Self::DIGITS].to_owned())
    }

    /// The digits.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The lines of a text, whichever way they end.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', '\r'])
}

/// A comment starts at the line's beginning or after a blank: `#egg=` in a URL is none.
fn without_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with('#') {
        return "";
    }
    let end = line.find(" #").or_else(|| line.find("\t#"));
    end.map_or(line, |end| line[..end].trim_end())
}

/// The project that an editable requirement names.
fn editable(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("--editable")
        .or_else(|| line.strip_prefix("-e"))?;
    let project = rest.trim_start_matches([' ', '=']).trim();
    (!project.is_empty()).then_some(project)
}

/// The name of a requirement in its normal form: lower case, words joined by `-`.
pub(super) fn package_name(requirement: &str) -> String {
    let end = requirement
        .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
        .unwrap_or(requirement.len());
    let mut name = String::with_capacity(end);
    for c in requirement[..end].chars() {
        match c {
            '-' | '_' | '.' if name.ends_with('-') => {}
            '-' | '_' | '.' => name.push('-'),
            c => name.push(c.to_ascii_lowercase()),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn whatever_is_asked_each_line_of_the_request_is_one_thing(
            pip in proptest::collection::vec(".{0,40}|[-=a-z0-9 #@:/\\n\\r]{0,40}", 0..4),
            conda in proptest::collection::vec(".{0,40}|[-=<>,.*|a-z0-9\\n\\r]{0,40}", 0..4),
            options in proptest::collection::vec(".{0,40}|[-=a-z0-9 \\n\\r]{0,40}", 0..4),
        ) {
            let texts = |list: &[String]| list.to_vec();
            let spec = PythonSpec {
                pip: texts(&pip),
                conda: texts(&conda),
                pip_options: texts(&options),
                ..PythonSpec::default()
            };
            let request = Request::new(&spec);
            let lines = request.options.iter().chain(&request.requirements);
            for line in lines {
                proptest::prop_assert!(!line.contains(['\n', '\r']), "{line:?}");
            }
        }
    }

    fn request(pip: &[&str], conda: &[&str], options: &[&str]) -> Request {
        let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
        Request::new(&PythonSpec {
            pip: owned(pip),
            conda: owned(conda),
            pip_options: owned(options),
            ..PythonSpec::default()
        })
    }

    #[test]
    fn a_request_is_one_normal_text_with_notices_for_every_change() {
        let request = request(
            &[
                "# what we need",
                "azureml-telemetry~=1.30",
                "sklearn",
                "requests ; python_version > '3'   # comment",
                "git+https://example.org/tool#egg=tool",
                "--extra-index-url https://example.org/simple",
            ],
            &["pytorch=1.4", "pip"],
            &[
                "--pre",
                "--index-url",
                "https://mirror.example.org/simple",
                "--trusted-host=a b",
                "--index-strategy",
                "first-index",
                "-U",
            ],
        );
        insta::assert_snapshot!(request.text(), @r"
        --index-url https://mirror.example.org/simple
        --extra-index-url https://example.org/simple
        scikit-learn
        requests ; python_version > '3'
        git+https://example.org/tool#egg=tool
        torch==1.4.*
        ");
        insta::assert_snapshot!(request.notices.join("\n"), @r"
        option `-U` means nothing to uv
        `azureml-telemetry~=1.30` is left out: Stepwell takes the place of `azureml-*`
        `sklearn` is taken as `scikit-learn`
        conda package `pytorch=1.4` is taken as `torch==1.4.*`
        conda package `pip` is left out: uv installs the packages
        ");
        insta::assert_debug_snapshot!(request.variables, @r#"
        {
            "UV_INDEX_STRATEGY": "first-index",
            "UV_INSECURE_HOST": "a b",
            "UV_PRERELEASE": "allow",
        }
        "#);
    }

    #[test]
    fn what_azureml_packages_brought_is_added_and_said() {
        let request = request(&["azureml-core==1.27", "requests==2.0"], &[], &[]);
        assert!(
            request.text().starts_with("requests==2.0\nmsrest\n"),
            "{}",
            request.text()
        );
        let last = request.notices.last().map_or("", String::as_str);
        assert!(
            last.ends_with("since `azureml-core==1.27` would have brought them"),
            "{last}"
        );
    }

    #[test]
    fn projects_are_requirements_and_limits_are_options() {
        let request = request(&["-e /src/project[extra]", "-c /limits.txt"], &[], &[]);
        assert_eq!(request.text(), "-c /limits.txt\n-e /src/project[extra]\n");
        assert_eq!(request.requirements.len(), 1);
    }

    #[test]
    fn the_key_depends_on_what_is_asked_and_not_on_how_it_is_written() {
        let key = |pip: &[&str], options: &[&str]| request(pip, &[], options).key("3.11");
        let six = key(&["six"], &[]);
        assert_eq!(six, key(&["  six # again", ""], &[]));
        assert_eq!(
            key(&["six"], &["--index-url", "https://example.org"]),
            key(&["six"], &["--index-url https://example.org"]),
        );
        let all = [
            six,
            key(&["six==1.16"], &[]),
            key(&["six"], &["--pre"]),
            key(&["six", "attrs"], &[]),
            key(&["attrs", "six"], &[]),
            request(&["six"], &[], &[]).key("3.12"),
        ];
        let distinct: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }
}
