//! Numbers of recorded events as texts.
//!
//! The parser of JSON that the workspace uses may miss the last digit of a double. An event that read
//! back differently would fold to another state, and a trial that is started again after a crash
//! would be asked for with other values. Texts are read by the standard library, which is exact.

pub(crate) mod history {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::History;

    pub(crate) fn serialize<S: Serializer>(
        values: &[f64],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(f64::to_string))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<History, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let numbers = texts.iter().map(|text| text.parse());
        numbers
            .collect::<Result<_, _>>()
            .map_err(serde::de::Error::custom)
    }
}

pub(crate) mod values {
    use serde::{Deserialize, Deserializer, Serializer};
    use serde_json::{Number, Value};

    use crate::Values;

    pub(crate) fn serialize<S: Serializer>(
        values: &[(String, Value)],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = |(name, value): &(String, Value)| (name.clone(), value.to_string());
        serializer.collect_seq(values.iter().map(text))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Values, D::Error> {
        let texts = Vec::<(String, String)>::deserialize(deserializer)?;
        let value = |(name, text): (String, String)| Ok((name, read(&text)?));
        let values: Result<Values, serde_json::Error> = texts.into_iter().map(value).collect();
        values.map_err(serde::de::Error::custom)
    }

    fn read(text: &str) -> Result<Value, serde_json::Error> {
        let value: Value = serde_json::from_str(text)?;
        let is_double = matches!(&value, Value::Number(number) if number.is_f64());
        let exact = text.parse().ok().filter(|_| is_double);
        let exact = exact.and_then(Number::from_f64).map(Value::Number);
        Ok(exact.unwrap_or(value))
    }
}
