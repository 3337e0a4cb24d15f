//! Conda packages said in pip's words.
//!
//! There is no conda solver and no conda channel here: most packages of a conda section are
//! Python packages that pip knows by the same name, some by another name, and the rest are system
//! libraries that wheels carry themselves. This module knows which is which; it does not look
//! anything up. Invariant: whatever is changed or left out comes with a notice.

/// One conda package in pip's words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Translation {
    /// The requirement, or `None` for what is no Python package.
    pub(super) requirement: Option<String>,
    /// What a person should know, when the requirement is not the text that was given.
    pub(super) notice: Option<String>,
}

/// Conda names whose Python package has another name on a Python index.
const RENAMED: &[(&str, &str)] = &[
    ("bokeh-base", "bokeh"),
    ("dask-core", "dask"),
    ("matplotlib-base", "matplotlib"),
    ("msgpack-python", "msgpack"),
    ("numpy-base", "numpy"),
    ("opencv", "opencv-python"),
    ("pandas-base", "pandas"),
    ("psycopg2", "psycopg2-binary"),
    ("py-opencv", "opencv-python"),
    ("py-xgboost", "xgboost"),
    ("py-xgboost-cpu", "xgboost"),
    ("py-xgboost-gpu", "xgboost"),
    ("pytables", "tables"),
    ("python-graphviz", "graphviz"),
    ("pytorch", "torch"),
    ("pytorch-cpu", "torch"),
    ("pytorch-gpu", "torch"),
    ("ray-default", "ray[default]"),
    ("ray-tune", "ray[tune]"),
    ("ruamel_yaml", "ruamel.yaml"),
    ("seaborn-base", "seaborn"),
    ("tensorflow-base", "tensorflow"),
    ("tensorflow-cpu", "tensorflow"),
    ("tensorflow-gpu", "tensorflow"),
    ("tensorflow-mkl", "tensorflow"),
    ("torchvision-cpu", "torchvision"),
];

/// Conda packages that are no Python packages, and that wheels bring along or do not need.
const SYSTEM: &str = "\
    anaconda arrow-cpp binutils blas boost-cpp bzip2 ca-certificates cmake compilers cpuonly \
    cudatoolkit cudatoolkit-dev cudnn curl ffmpeg freetype gcc geos git graphviz gxx hdf5 icu \
    intel-openmp jpeg libblas libcblas libcurl libffi libiconv liblapack libpng libprotobuf \
    libsodium libtiff libuuid libxgboost libxml2 llvm-openmp make mkl mkl-service mkl_fft \
    mkl_random mpi mpich nccl ncurses nodejs nomkl openblas openjdk openmpi openssl proj \
    python python_abi pytorch-cuda pytorch-mutex readline snappy sqlite tk unixodbc wget xz \
    zeromq zlib";

/// Families of such packages by the beginning of their names.
const SYSTEM_FAMILIES: &[&str] = &[
    "_",
    "cuda-",
    "gcc_",
    "gfortran",
    "gxx_",
    "libcu",
    "libgcc",
    "libgfortran",
    "libgomp",
    "libopenblas",
    "libstdcxx",
    "r-",
    "sysroot",
];

/// Says `package`, which is in conda's syntax, in pip's words.
pub(super) fn translate(package: &str) -> Translation {
    let spec = strip(package);
    let (name, constraint) = split(&spec);
    let name = name.to_ascii_lowercase();
    if name == "pip" {
        return left_out(package, "uv installs the packages");
    }
    if name == "python" {
        return left_out(package, "the version of Python is chosen for itself");
    }
    if is_system(&name) {
        return left_out(package, "it is no Python package");
    }
    let pip_name = RENAMED
        .iter()
        .find_map(|(conda, pip)| (*conda == name).then_some(*pip))
        .unwrap_or(&name);
    let Some(constraint) = constrain(constraint) else {
        return Translation {
            requirement: Some(pip_name.to_owned()),
            notice: Some(format!(
                "conda package `{package}` is taken as `{pip_name}` of any version: pip cannot \
                 say its condition"
            )),
        };
    };
    let requirement = format!("{pip_name}{constraint}");
    Translation {
        notice: (requirement != package)
            .then(|| format!("conda package `{package}` is taken as `{requirement}`")),
        requirement: Some(requirement),
    }
}

fn left_out(package: &str, why: &str) -> Translation {
    Translation {
        requirement: None,
        notice: Some(format!("conda package `{package}` is left out: {why}")),
    }
}

fn is_system(name: &str) -> bool {
    SYSTEM.split_whitespace().any(|system| system == name)
        || SYSTEM_FAMILIES
            .iter()
            .any(|family| name.starts_with(family))
}

/// Without comment and channel, and with the long form `name[version='…']` made short.
fn strip(package: &str) -> String {
    let spec = package.split('#').next().unwrap_or_default().trim();
    let spec = spec.rsplit_once("::").map_or(spec, |(_, rest)| rest);
    let Some((name, fields)) = spec.split_once('[') else {
        return spec.to_owned();
    };
    let version = fields
        .split_once("version=")
        .map(|(_, value)| value.trim_start_matches(['\'', '"']))
        .and_then(|value| value.split(['\'', '"', ']']).next());
    format!("{name} {}", version.unwrap_or_default())
}

fn split(spec: &str) -> (&str, &str) {
    let end = spec
        .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
        .unwrap_or(spec.len());
    let (name, constraint) = spec.split_at(end);
    (name, constraint.trim())
}

/// A conda condition as a pip one; `None` when pip has no words for it.
fn constrain(condition: &str) -> Option<String> {
    if condition.contains('|') {
        return None;
    }
    let terms: Vec<String> = condition
        .split(',')
        .map(str::trim)
        .filter(|term| !term.is_empty() && *term != "*")
        .map(constrain_term)
        .collect();
    Some(terms.join(","))
}

fn constrain_term(term: &str) -> String {
    for operator in ["==", ">=", "<=", "!=", "~=", ">", "<"] {
        if let Some(version) = term.strip_prefix(operator) {
            let version = version.trim();
            // Only equality may have a wildcard in pip, while conda does not mind.
            let version = match operator {
                "==" | "!=" => version,
                _ => version.trim_end_matches(".*"),
            };
            return format!("{operator}{version}");
        }
    }
    let fuzzy = term.strip_prefix('=');
    let mut parts = fuzzy
        .unwrap_or(term)
        .split(['=', ' '])
        .filter(|part| !part.is_empty());
    let version = parts.next().unwrap_or_default();
    let has_build = parts.next().is_some_and(|build| build != "*");
    let plain = version.chars().all(|c| c.is_ascii_digit() || c == '.');
    match version.strip_suffix('*') {
        Some("") => String::new(),
        Some(prefix) => format!("=={}.*", prefix.trim_end_matches('.')),
        None if fuzzy.is_some() && plain && !has_build => format!("=={version}.*"),
        None => format!("=={version}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conda_conditions_become_pip_conditions() {
        let cases = [
            ("numpy", "numpy"),
            ("numpy=1.18", "numpy==1.18.*"),
            ("numpy=1.18.*", "numpy==1.18.*"),
            ("numpy=1.18*", "numpy==1.18.*"),
            ("numpy==1.18.5", "numpy==1.18.5"),
            ("numpy=1.18.5=py38_0", "numpy==1.18.5"),
            ("numpy 1.18.5", "numpy==1.18.5"),
            ("numpy 1.18.*", "numpy==1.18.*"),
            ("numpy >=1.18, <2", "numpy>=1.18,<2"),
            ("numpy>=1.18.*", "numpy>=1.18"),
            ("numpy=*", "numpy"),
            ("numpy=1.18rc1", "numpy==1.18rc1"),
            ("conda-forge::numpy~=1.18", "numpy~=1.18"),
            ("numpy[version='>=1.18,<2', build=*]", "numpy>=1.18,<2"),
            ("numpy=1.18  # why not", "numpy==1.18.*"),
        ];
        for (conda, pip) in cases {
            assert_eq!(
                translate(conda).requirement.as_deref(),
                Some(pip),
                "{conda}"
            );
        }
    }

    #[test]
    fn names_that_differ_are_mapped_and_said() {
        let cases = [
            ("pytorch=1.4", "torch==1.4.*"),
            ("py-xgboost", "xgboost"),
            ("tensorflow-gpu>=2", "tensorflow>=2"),
            ("Ruamel_YAML", "ruamel.yaml"),
            ("ray-default=2.0", "ray[default]==2.0.*"),
        ];
        for (conda, pip) in cases {
            let translation = translate(conda);
            assert_eq!(translation.requirement.as_deref(), Some(pip));
            let notice = translation.notice.expect("a change is said");
            assert_eq!(
                notice,
                format!("conda package `{conda}` is taken as `{pip}`")
            );
        }
        assert_eq!(translate("scikit-learn").notice, None);
    }

    #[test]
    fn what_is_no_python_package_is_left_out_with_a_notice() {
        for conda in [
            "pip=20.1",
            "python=3.8",
            "cudatoolkit=10.1",
            "libgcc-ng",
            "_openmp_mutex",
            "r-base",
        ] {
            let translation = translate(conda);
            assert_eq!(translation.requirement, None, "{conda}");
            assert!(
                translation
                    .notice
                    .is_some_and(|notice| notice.contains(conda))
            );
        }
        for python in ["librosa", "setuptools=45", "mpi4py"] {
            assert!(translate(python).requirement.is_some(), "{python}");
        }
    }

    #[test]
    fn a_condition_without_pip_words_is_dropped_and_said() {
        let translation = translate("numpy=1.17|1.18");
        assert_eq!(translation.requirement.as_deref(), Some("numpy"));
        assert!(
            translation
                .notice
                .is_some_and(|notice| notice.contains("any version"))
        );
    }
}
