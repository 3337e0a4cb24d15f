//! What a client of MLflow asks: the fields of its query and of its body, by name.
//!
//! A field that is missing or of another kind is refused with the words that MLflow's own server has
//! for it, which programs look for. Unknown fields are ignored: each version of the client sends more.

use axum::extract::{FromRequest, Query, Request};
use axum::http::Method;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use stepwell_api::mlflow::whole_of;
use stepwell_model::RunId;

use crate::error::{ApiError, Body, Result};

/// The fields of a request.
pub(super) struct Asked(Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Asked {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let mut fields = of_query(&request)?;
        let is_empty = crate::limits::declared_size(&request) == Some(0);
        if *request.method() != Method::GET && !is_empty {
            let Body(value) = Body::<Value>::from_request(request, state).await?;
            let Value::Object(body) = value else {
                return Err(ApiError::invalid("the body is no object"));
            };
            fields.extend(body);
        }
        Ok(Self(fields))
    }
}

/// The fields of the query; one that is given several times is a list.
fn of_query(request: &Request) -> Result<Map<String, Value>> {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(request.uri());
    let Query(pairs) = pairs.map_err(|rejection| ApiError::invalid(rejection.body_text()))?;
    let mut fields = Map::new();
    for (name, value) in pairs {
        match fields.get_mut(&name) {
            None => {
                fields.insert(name, value.into());
            }
            Some(Value::Array(list)) => list.push(value.into()),
            Some(first) => *first = Value::Array(vec![first.take(), value.into()]),
        }
    }
    Ok(fields)
}

impl Asked {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// The text of a field, if it is there.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(value) => Err(invalid(name, value)),
        }
    }

    /// The text of a field that must be there, and say something.
    pub(super) fn needed(&self, name: &str) -> Result<String> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| missing(name))
    }

    /// A whole number, if it is there.
    pub(super) fn whole(&self, name: &str) -> Result<Option<i64>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let number = whole_of(value).ok_or_else(|| invalid(name, value))?;
        Ok(Some(number))
    }

    /// Whether a field is there and says yes.
    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) => Ok(text == "true"),
            Some(value) => Err(invalid(name, value)),
        }
    }

    /// The items of a list, none when it is missing; one that is alone needs no list.
    pub(super) fn list<T: DeserializeOwned>(&self, name: &str) -> Result<Vec<T>> {
        let items = match self.get(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items.clone(),
            Some(single) => vec![single.clone()],
        };
        let item = |item: Value| {
            T::deserialize(&item).map_err(|error| {
                let refused = invalid(name, &item);
                refused.hint(error.to_string())
            })
        };
        items.into_iter().map(item).collect()
    }

    /// All that was sent, as a record of what lists hold.
    pub(super) fn record<T: DeserializeOwned>(&self) -> Result<T> {
        let value = Value::Object(self.0.clone());
        serde_path_to_error::deserialize(&value).map_err(|error| {
            let name = error.path().to_string();
            let value = self.get(&name).cloned().unwrap_or_default();
            invalid(&name, &value)
        })
    }

    /// The run that is meant; old clients say `run_uuid`.
    pub(super) fn run(&self) -> Result<RunId> {
        let text = match self.text("run_id")?.filter(|text| !text.is_empty()) {
            Some(text) => Some(text),
            None => self.text("run_uuid")?.filter(|text| !text.is_empty()),
        };
        run_of(&text.ok_or_else(|| missing("run_id"))?)
    }

    /// How many are wanted at most, and after how many others.
    pub(super) fn part(&self, default: usize, most: usize) -> Result<(u64, usize)> {
        let limit = match self.whole("max_results")? {
            None => default,
            Some(wanted) => usize::try_from(wanted)
                .ok()
                .filter(|wanted| (1..=most).contains(wanted))
                .ok_or_else(|| {
                    let message = format!(
                        "Invalid value {wanted} for parameter 'max_results' supplied: it must be 1 \
                         to {most}"
                    );
                    ApiError::invalid(message)
                })?,
        };
        let token = self.text("page_token")?.filter(|token| !token.is_empty());
        let offset = match token {
            None => 0,
            Some(token) => token
                .parse()
                .map_err(|_| ApiError::invalid("Invalid page token, could not decode it"))?,
        };
        Ok((offset, limit))
    }
}

/// The run of an id.
pub(super) fn run_of(text: &str) -> Result<RunId> {
    let run = text.parse();
    run.map_err(|_| ApiError::not_found(format!("Run with id={text} not found")))
}

pub(super) fn missing(name: &str) -> ApiError {
    ApiError::invalid(format!(
        "Missing value for required parameter '{name}'. See the API docs for more information \
         about request parameters."
    ))
}

fn invalid(name: &str, value: &Value) -> ApiError {
    ApiError::invalid(format!(
        "Invalid value {value} for parameter '{name}' supplied"
    ))
}
