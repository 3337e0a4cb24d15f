//! What is asked of uv: a [`PythonSpec`] in one normal form.
//!
//! Requirements keep the user's order; comments go, conda packages are said in pip's words, and
//! what Stepwell provides itself is left out. No I/O. Invariant: two specs that ask for the same
//! have the same text and so the same key, whatever they are called.

use std::collections::BTreeMap;

use stepwell_model::PythonSpec;

use super::conda;

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
    /// Options that a requirements file may hold, one line each.
    pub(super) options: Vec<String>,
    /// Requirements in the user's order, pip's before conda's.
    pub(super) requirements: Vec<String>,
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
            ..Self::default()
        };
        request.add_options(&spec.pip_options.join(" "));
        let mut stand_ins = Vec::new();
        for line in spec.pip.iter().flat_map(|entry| entry.lines()) {
            stand_ins.extend(request.add_line(line));
        }
        for package in &spec.conda {
            let translation = conda::translate(package);
            request.notices.extend(translation.notice);
            if let Some(requirement) = translation.requirement {
                stand_ins.extend(request.add_line(&requirement));
            }
        }
        for stand_in in stand_ins {
            request.add_stand_in(stand_in);
        }
        request
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
        Key::of(&["stepwell request 1", python, &variables, &self.text()])
    }

    /// Takes one line of a requirements file; gives the stand-in for what Stepwell provides.
    fn add_line(&mut self, line: &str) -> Option<&'static StandIn> {
        let line = without_comment(line);
        if line.is_empty() {
            return None;
        }
        if line.starts_with('-') {
            self.add_options(line);
            return None;
        }
        let name = package_name(line);
        if name != "azureml" && !name.starts_with("azureml-") {
            self.requirements.push(line.to_owned());
            return None;
        }
        self.notices.push(format!(
            "`{line}` is left out: Stepwell takes the place of `azureml-*`"
        ));
        STAND_INS
            .iter()
            .find(|stand_in| stand_in.covers(&name, line))
    }

    fn add_stand_in(&mut self, stand_in: &StandIn) {
        let asked = self.requirements.iter().map(|line| package_name(line));
        if asked
            .clone()
            .any(|name| stand_in.unless.contains(&name.as_str()))
        {
            return;
        }
        self.notices.push(format!(
            "`{}` is added, since `{}` would have brought it",
            stand_in.package, stand_in.of
        ));
        self.requirements.push(stand_in.package.to_owned());
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
            _ if IDLE_OPTIONS.contains(&flag) => {
                self.notices
                    .push(format!("option `{line}` means nothing to uv"));
            }
            _ => self.options.push(line),
        }
    }
}

/// A package that came along with one that Stepwell takes the place of, and that scripts import.
struct StandIn {
    of: &'static str,
    extra: &'static str,
    package: &'static str,
    /// Packages whose presence makes the stand-in needless or harmful.
    unless: &'static [&'static str],
}

const STAND_INS: &[StandIn] = &[
    StandIn {
        of: "azureml-dataset-runtime",
        extra: "pandas",
        package: "pandas",
        unless: &["pandas"],
    },
    StandIn {
        of: "azureml-mlflow",
        extra: "",
        package: "mlflow-skinny",
        unless: &["mlflow", "mlflow-skinny"],
    },
];

impl StandIn {
    fn covers(&self, name: &str, line: &str) -> bool {
        let extras = line
            .split_once('[')
            .and_then(|(_, rest)| rest.split_once(']'))
            .map_or("", |(extras, _)| extras);
        let mut extras = extras.split(',').map(str::trim);
        self.of == name && (self.extra.is_empty() || extras.any(|extra| extra == self.extra))
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

/// A comment starts at the line's beginning or after a blank: `#egg=` in a URL is none.
fn without_comment(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with('#') {
        return "";
    }
    let end = line.find(" #").or_else(|| line.find("\t#"));
    end.map_or(line, |end| line[..end].trim_end())
}

/// The name of a requirement in its normal form: lower case, words joined by `-`.
fn package_name(requirement: &str) -> String {
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
                "azureml-defaults~=1.30",
                "AzureML_Dataset.Runtime[fuse,pandas]==1.30  # for frames",
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
                "-U",
            ],
        );
        insta::assert_snapshot!(request.text(), @r"
        --index-url https://mirror.example.org/simple
        --extra-index-url https://example.org/simple
        requests ; python_version > '3'
        git+https://example.org/tool#egg=tool
        torch==1.4.*
        pandas
        ");
        insta::assert_snapshot!(request.notices.join("\n"), @r"
        option `-U` means nothing to uv
        `azureml-defaults~=1.30` is left out: Stepwell takes the place of `azureml-*`
        `AzureML_Dataset.Runtime[fuse,pandas]==1.30` is left out: Stepwell takes the place of `azureml-*`
        conda package `pytorch=1.4` is taken as `torch==1.4.*`
        conda package `pip` is left out: uv installs the packages
        `pandas` is added, since `azureml-dataset-runtime` would have brought it
        ");
        insta::assert_debug_snapshot!(request.variables, @r#"
        {
            "UV_INSECURE_HOST": "a b",
            "UV_PRERELEASE": "allow",
        }
        "#);
    }

    #[test]
    fn mlflow_stands_in_for_its_azureml_plugin_unless_it_is_asked_for() {
        assert_eq!(
            request(&["azureml-mlflow"], &[], &[]).text(),
            "mlflow-skinny\n"
        );
        assert_eq!(
            request(&["azureml-mlflow", "mlflow==1.20"], &[], &[]).text(),
            "mlflow==1.20\n"
        );
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
