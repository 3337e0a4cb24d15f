//! The years of each Python, and the day whose packages fit a program that was written for one.
//!
//! A Python that has to be replaced by a newer one still gets packages of its time: pandas as of
//! the last year of Python 3.6 has `DataFrame.append`, and scikit-learn of that year reads the
//! pickles of then. The last days are those of security support (devguide.python.org/versions); the
//! first days are when numpy, pandas and scikit-learn all had wheels for a Python. Pure.

/// A Python's years: the first day that its packages were there, and the last of its support.
struct Years {
    minor: u32,
    first: &'static str,
    last: &'static str,
}

const fn years(minor: u32, first: &'static str, last: &'static str) -> Years {
    Years { minor, first, last }
}

const PYTHON_3: &[Years] = &[
    years(5, "2016-01-31", "2020-09-30"),
    years(6, "2017-03-31", "2021-12-31"),
    years(7, "2018-10-31", "2023-06-30"),
    years(8, "2020-01-31", "2024-10-31"),
    years(9, "2021-01-31", "2025-10-31"),
    years(10, "2022-02-28", "2026-10-31"),
    years(11, "2022-12-15", "2027-10-31"),
    years(12, "2024-01-31", "2028-10-31"),
    years(13, "2025-01-31", "2029-10-31"),
    years(14, "2026-01-31", "2030-10-31"),
];
/// Python 2 and older ended together.
const PYTHON_2_LAST: &str = "2020-01-01";

/// The day whose packages a program for Python `asked` gets when `taken` runs it: the last of
/// `asked`, or the first that has packages for `taken` if that is later. `None` when `taken` is as
/// old as what was asked for.
pub(super) fn packages_as_of(asked: &str, taken: &str) -> Option<&'static str> {
    let (asked, taken) = (series(asked)?, series(taken)?);
    if taken <= asked {
        return None;
    }
    let last = match asked.0 {
        0..3 => PYTHON_2_LAST,
        _ => years_of(asked).map_or(PYTHON_3[0].last, |years| years.last),
    };
    // Days of this form sort as text.
    Some(years_of(taken).map_or(last, |years| last.max(years.first)))
}

/// The first day on which numpy, pandas and scikit-learn had wheels for a Python.
pub(super) fn first_day(version: &str) -> Option<&'static str> {
    years_of(series(version)?).map(|years| years.first)
}

fn years_of(series: (u32, u32)) -> Option<&'static Years> {
    let known = PYTHON_3.iter().find(|years| years.minor == series.1);
    known.filter(|_| series.0 == 3)
}

/// The first two numbers of a version.
pub(super) fn series(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Some((major, minor)),
        (Some(Ok(major)), None) => Some((major, 0)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_python_gets_packages_of_its_last_year_or_the_first_that_fit() {
        assert_eq!(packages_as_of("3.6.2", "3.8.18"), Some("2021-12-31"));
        assert_eq!(packages_as_of("3.6", "3.11.7"), Some("2022-12-15"));
        assert_eq!(packages_as_of("3.5", "3.7.16"), Some("2020-09-30"));
        assert_eq!(packages_as_of("2.7", "3.8.18"), Some("2020-01-31"));
        assert_eq!(packages_as_of("3.7", "3.10.13"), Some("2023-06-30"));
        assert_eq!(packages_as_of("3.8.1", "3.8.18"), None);
        assert_eq!(packages_as_of("3.99", "3.11.7"), None);
    }
}
