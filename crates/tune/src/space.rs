//! The space that is searched: parameters by name, each with an expression that draws its values.
//!
//! The formulas of the expressions are those that Azure ML documents for its parameter expressions.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::Random;

/// The values of one trial, by parameter, in the order of the space.
pub type Values = Vec<(String, Value)>;

/// What is wrong with a space.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SpaceError {
    /// An expression that is not known or has other arguments.
    #[error("parameter `{parameter}`: {reason}")]
    Expression {
        /// The parameter.
        parameter: String,
        /// What is wrong.
        reason: String,
    },
    /// A space without parameters.
    #[error("the space has no parameters")]
    Empty,
}

/// How the values of a parameter are drawn. `U` is uniform, `N` normal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "(String, Vec<Value>)", try_from = "(String, Vec<Value>)")]
pub enum Expression {
    /// One of the values, each as likely as another.
    Choice(Vec<Value>),
    /// A whole number from 0 up to but not the bound.
    RandInt(u64),
    /// `U(low, high)`.
    Uniform(f64, f64),
    /// `round(U(low, high) / q) * q`.
    QUniform(f64, f64, f64),
    /// `exp(U(low, high))`.
    LogUniform(f64, f64),
    /// `round(exp(U(low, high)) / q) * q`.
    QLogUniform(f64, f64, f64),
    /// `N(mu, sigma)`.
    Normal(f64, f64),
    /// `round(N(mu, sigma) / q) * q`.
    QNormal(f64, f64, f64),
    /// `exp(N(mu, sigma))`.
    LogNormal(f64, f64),
    /// `round(exp(N(mu, sigma)) / q) * q`.
    QLogNormal(f64, f64, f64),
}

impl Expression {
    /// Draws a value.
    #[must_use]
    pub fn draw(&self, random: &mut Random) -> Value {
        let mut uniform = |low: &f64, high: &f64| low + (high - low) * random.unit();
        match self {
            Self::Choice(values) => {
                let count = u64::try_from(values.len()).unwrap_or(u64::MAX);
                let index = usize::try_from(random.below(count)).unwrap_or(0);
                values.get(index).cloned().unwrap_or(Value::Null)
            }
            Self::RandInt(bound) => Value::from(random.below(*bound)),
            Self::Uniform(low, high) => number(uniform(low, high)),
            Self::QUniform(low, high, q) => number(rounded(uniform(low, high), *q)),
            Self::LogUniform(low, high) => number(uniform(low, high).exp()),
            Self::QLogUniform(low, high, q) => number(rounded(uniform(low, high).exp(), *q)),
            Self::Normal(mu, sigma) => number(mu + sigma * random.normal()),
            Self::QNormal(mu, sigma, q) => number(rounded(mu + sigma * random.normal(), *q)),
            Self::LogNormal(mu, sigma) => number((mu + sigma * random.normal()).exp()),
            Self::QLogNormal(mu, sigma, q) => {
                number(rounded((mu + sigma * random.normal()).exp(), *q))
            }
        }
    }

    /// The word for it on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Choice(_) => "choice",
            Self::RandInt(_) => "randint",
            Self::Uniform(..) => "uniform",
            Self::QUniform(..) => "quniform",
            Self::LogUniform(..) => "loguniform",
            Self::QLogUniform(..) => "qloguniform",
            Self::Normal(..) => "normal",
            Self::QNormal(..) => "qnormal",
            Self::LogNormal(..) => "lognormal",
            Self::QLogNormal(..) => "qlognormal",
        }
    }
}

impl From<Expression> for (String, Vec<Value>) {
    fn from(expression: Expression) -> Self {
        let name = expression.name().to_owned();
        let arguments = match expression {
            Expression::Choice(values) => vec![Value::Array(values)],
            Expression::RandInt(bound) => vec![Value::from(bound)],
            Expression::Uniform(a, b)
            | Expression::LogUniform(a, b)
            | Expression::Normal(a, b)
            | Expression::LogNormal(a, b) => vec![number(a), number(b)],
            Expression::QUniform(a, b, q)
            | Expression::QLogUniform(a, b, q)
            | Expression::QNormal(a, b, q)
            | Expression::QLogNormal(a, b, q) => vec![number(a), number(b), number(q)],
        };
        (name, arguments)
    }
}

impl TryFrom<(String, Vec<Value>)> for Expression {
    type Error = String;

    fn try_from((name, arguments): (String, Vec<Value>)) -> Result<Self, String> {
        if name == "choice" {
            return choice(&arguments);
        }
        let numbers: Option<Vec<f64>> = arguments.iter().map(Value::as_f64).collect();
        let numbers = numbers.ok_or_else(|| format!("`{name}` takes numbers"))?;
        match (name.as_str(), numbers.as_slice()) {
            ("randint", [_]) => match arguments[0].as_u64() {
                Some(bound) if bound > 0 => Ok(Self::RandInt(bound)),
                _ => Err("`randint` takes a whole number above 0".to_owned()),
            },
            ("uniform", &[a, b]) => Ok(Self::Uniform(a, b)),
            ("loguniform", &[a, b]) => Ok(Self::LogUniform(a, b)),
            ("normal", &[a, b]) => Ok(Self::Normal(a, b)),
            ("lognormal", &[a, b]) => Ok(Self::LogNormal(a, b)),
            ("quniform", &[a, b, q]) => Ok(Self::QUniform(a, b, q)),
            ("qloguniform", &[a, b, q]) => Ok(Self::QLogUniform(a, b, q)),
            ("qnormal", &[a, b, q]) => Ok(Self::QNormal(a, b, q)),
            ("qlognormal", &[a, b, q]) => Ok(Self::QLogNormal(a, b, q)),
            _ => Err(format!(
                "there is no expression `{name}` of {} arguments",
                numbers.len()
            )),
        }
    }
}

fn choice(arguments: &[Value]) -> Result<Expression, String> {
    match arguments {
        [Value::Array(values)] if !values.is_empty() => Ok(Expression::Choice(values.clone())),
        _ => Err("`choice` takes a list of at least one value".to_owned()),
    }
}

/// `value` rounded to a multiple of `q`, halves to the even one; unchanged when `q` is 0.
fn rounded(value: f64, q: f64) -> f64 {
    match q == 0.0 {
        true => value,
        false => (value / q).round_ties_even() * q,
    }
}

/// A number; what JSON cannot write is the largest or smallest that it can.
fn number(value: f64) -> Value {
    let finite = if value.is_nan() {
        0.0
    } else {
        value.clamp(f64::MIN, f64::MAX)
    };
    Number::from_f64(finite).map_or(Value::Null, Value::Number)
}

/// The parameters with their expressions, in the order in which the program wrote them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Space(Vec<(String, Expression)>);

impl Space {
    /// A space of parameters in their order.
    ///
    /// # Errors
    /// [`SpaceError::Empty`] without parameters.
    pub fn new(parameters: Vec<(String, Expression)>) -> Result<Self, SpaceError> {
        match parameters.is_empty() {
            true => Err(SpaceError::Empty),
            false => Ok(Self(parameters)),
        }
    }

    /// The parameters in their order.
    #[must_use]
    pub fn parameters(&self) -> &[(String, Expression)] {
        &self.0
    }

    /// Draws the values of a trial; the same for equal seeds and trials.
    #[must_use]
    pub fn draw(&self, seed: u64, trial: u64) -> Values {
        let mut random = Random::of(seed, trial);
        let draw = |(name, expression): &(String, Expression)| {
            (name.clone(), expression.draw(&mut random))
        };
        self.0.iter().map(draw).collect()
    }

    /// How many points a grid over the space has.
    ///
    /// # Errors
    /// [`SpaceError::Expression`] if a parameter is no choice.
    pub fn grid_size(&self) -> Result<u64, SpaceError> {
        let mut size: u64 = 1;
        for (name, expression) in &self.0 {
            let Expression::Choice(values) = expression else {
                return Err(SpaceError::Expression {
                    parameter: name.clone(),
                    reason: format!("a grid needs `choice`, not `{}`", expression.name()),
                });
            };
            size = size.saturating_mul(u64::try_from(values.len()).unwrap_or(u64::MAX));
        }
        Ok(size)
    }

    /// A point of the grid; the last parameter changes fastest. `None` beyond the last point.
    #[must_use]
    pub fn grid_point(&self, index: u64) -> Option<Values> {
        let mut rest = index;
        let mut point = Vec::with_capacity(self.0.len());
        for (name, expression) in self.0.iter().rev() {
            let Expression::Choice(values) = expression else {
                return None;
            };
            let count = u64::try_from(values.len()).ok()?;
            let value = values.get(usize::try_from(rest % count).ok()?)?;
            point.push((name.clone(), value.clone()));
            rest /= count;
        }
        point.reverse();
        (rest == 0).then_some(point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn space(text: &Value) -> Space {
        serde_json::from_value(text.clone()).expect("a space")
    }

    #[test]
    fn an_expression_reads_back_as_it_was_written() {
        let written = json!([
            ["a", ["choice", [[1, "x", null, true]]]],
            ["b", ["randint", [3]]],
            ["c", ["quniform", [0.0, 1.0, 2.0]]],
            ["d", ["lognormal", [0.0, 1.0]]]
        ]);
        let read = space(&written);
        assert_eq!(serde_json::to_value(&read).expect("JSON"), written);
    }

    #[test]
    fn what_is_no_expression_says_why() {
        for (text, reason) in [
            (json!(["choice", [[]]]), "at least one value"),
            (json!(["randint", [0]]), "above 0"),
            (
                json!(["uniform", [1]]),
                "no expression `uniform` of 1 arguments",
            ),
            (json!(["uniform", ["a", 1]]), "takes numbers"),
            (json!(["smoke", [1, 2]]), "no expression `smoke`"),
        ] {
            let error = serde_json::from_value::<Expression>(text).expect_err("no expression");
            assert!(error.to_string().contains(reason), "{error}");
        }
    }

    #[test]
    fn every_point_of_a_grid_comes_once_and_the_last_parameter_changes_fastest() {
        let grid = space(&json!([
            ["a", ["choice", [[1, 2]]]],
            ["b", ["choice", [["x", "y", "z"]]]]
        ]));
        assert_eq!(grid.grid_size(), Ok(6));
        let points: Vec<String> = (0..7)
            .map_while(|index| grid.grid_point(index))
            .map(|point| format!("{}{}", point[0].1, point[1].1))
            .collect();
        assert_eq!(points.join(" "), r#"1"x" 1"y" 1"z" 2"x" 2"y" 2"z""#);
        let other = space(&json!([["a", ["uniform", [0, 1]]]]));
        assert!(other.grid_size().is_err());
    }

    #[test]
    fn drawn_values_keep_to_their_formulas() {
        let drawn = space(&json!([
            ["u", ["uniform", [2, 3]]],
            ["q", ["quniform", [1, 100, 10]]],
            ["l", ["loguniform", [-3, 0]]],
            ["n", ["qnormal", [50, 10, 5]]],
            ["i", ["randint", [4]]]
        ]));
        for trial in 0..500 {
            let values = drawn.draw(11, trial);
            let number = |index: usize| values[index].1.as_f64().expect("a number");
            assert!((2.0..3.0).contains(&number(0)));
            assert!(number(1) % 10.0 == 0.0 && (0.0..=100.0).contains(&number(1)));
            assert!((0.049..1.0).contains(&number(2)));
            assert!(number(3) % 5.0 == 0.0);
            assert!(values[4].1.as_u64().is_some_and(|value| value < 4));
            assert_eq!(values, drawn.draw(11, trial));
        }
    }
}
