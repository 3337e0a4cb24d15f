//! Aggregates that DataFusion lacks: exact percentiles as windows, and `MAP_AGG`.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, MapArray, StructArray};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::compute::{concat, kernels};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Float64Type};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};
use datafusion::scalar::ScalarValue;

/// `PERCENTILE_CONT` or `PERCENTILE_DISC` over all values of a window.
pub(super) fn percentile(continuous: bool) -> Arc<AggregateUDF> {
    let signature = Signature::any(2, Volatility::Immutable);
    Arc::new(AggregateUDF::from(Percentile {
        continuous,
        signature,
    }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Percentile {
    continuous: bool,
    signature: Signature,
}

impl AggregateUDFImpl for Percentile {
    fn name(&self) -> &str {
        if self.continuous {
            "percentile_cont"
        } else {
            "percentile_disc"
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(arguments[0].clone())
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(PercentileState {
            continuous: self.continuous,
            ty: args.return_type().clone(),
            fraction: 0.0,
            parts: Vec::new(),
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let item = Arc::new(Field::new(
            "item",
            args.return_field.data_type().clone(),
            true,
        ));
        Ok(vec![
            Arc::new(Field::new("values", DataType::List(item), true)),
            Arc::new(Field::new("fraction", DataType::Float64, true)),
        ])
    }
}

#[derive(Debug)]
struct PercentileState {
    continuous: bool,
    ty: DataType,
    fraction: f64,
    parts: Vec<ArrayRef>,
}

impl PercentileState {
    fn all(&self) -> Result<Option<ArrayRef>> {
        if self.parts.is_empty() {
            return Ok(None);
        }
        let parts: Vec<_> = self.parts.iter().map(AsRef::as_ref).collect();
        let values = concat(&parts)?;
        let present = kernels::boolean::is_not_null(&values)?;
        let values = kernels::filter::filter(&values, &present)?;
        Ok((!values.is_empty()).then_some(values))
    }
}

impl Accumulator for PercentileState {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if let Some(fraction) = values[1].as_primitive_opt::<Float64Type>()
            && !fraction.is_empty()
        {
            self.fraction = fraction.value(0);
        }
        self.parts.push(Arc::clone(&values[0]));
        Ok(())
    }

    /// By the definition of SQL:2003, 10.9: the discrete one is the first value whose cumulative
    /// distribution reaches the fraction, the continuous one interpolates between neighbours.
    fn evaluate(&mut self) -> Result<ScalarValue> {
        let Some(values) = self.all()? else {
            return ScalarValue::try_from(&self.ty);
        };
        let sorted = kernels::sort::sort(&values, None)?;
        let count = sorted.len();
        if !self.continuous {
            let at = (self.fraction * count as f64).ceil().max(1.0) as usize - 1;
            return ScalarValue::try_from_array(&sorted, at.min(count - 1));
        }
        let position = self.fraction * (count - 1) as f64;
        let (low, high) = (position.floor() as usize, position.ceil() as usize);
        let numbers = sorted.as_primitive_opt::<Float64Type>().ok_or_else(|| {
            DataFusionError::Internal("a continuous percentile is one of doubles".to_owned())
        })?;
        let (a, b) = (numbers.value(low), numbers.value(high));
        Ok(ScalarValue::Float64(Some(
            a + (b - a) * (position - low as f64),
        )))
    }

    fn size(&self) -> usize {
        let parts: usize = self
            .parts
            .iter()
            .map(|part| part.get_array_memory_size())
            .sum();
        size_of::<Self>() + parts
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = match self.all()? {
            Some(values) => (0..values.len())
                .map(|at| ScalarValue::try_from_array(&values, at))
                .collect::<Result<Vec<_>>>()?,
            None => Vec::new(),
        };
        Ok(vec![
            ScalarValue::List(ScalarValue::new_list_nullable(&values, &self.ty)),
            ScalarValue::Float64(Some(self.fraction)),
        ])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists = states[0].as_list::<i32>();
        for list in lists.iter().flatten() {
            self.parts.push(list);
        }
        if let Some(fraction) = states[1].as_primitive_opt::<Float64Type>()
            && !fraction.is_empty()
        {
            self.fraction = fraction.value(0);
        }
        Ok(())
    }
}

/// `MAP_AGG(key, value)`; of equal keys the first stays.
pub(super) fn map_agg() -> Arc<AggregateUDF> {
    let signature = Signature::any(2, Volatility::Immutable);
    Arc::new(AggregateUDF::from(MapAgg { signature }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct MapAgg {
    signature: Signature,
}

fn map_type(key: &DataType, value: &DataType) -> DataType {
    let fields = Fields::from(vec![
        Field::new("keys", key.clone(), false),
        Field::new("values", value.clone(), true),
    ]);
    DataType::Map(
        Arc::new(Field::new("entries", DataType::Struct(fields), false)),
        false,
    )
}

impl AggregateUDFImpl for MapAgg {
    fn name(&self) -> &str {
        "map_agg"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        Ok(map_type(&arguments[0], &arguments[1]))
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(MapState {
            ty: args.return_type().clone(),
            entries: Vec::new(),
        }))
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let ty = args.return_field.data_type().clone();
        Ok(vec![Arc::new(Field::new("map", ty, true))])
    }
}

#[derive(Debug)]
struct MapState {
    ty: DataType,
    entries: Vec<(ScalarValue, ScalarValue)>,
}

impl MapState {
    fn add(&mut self, keys: &ArrayRef, values: &ArrayRef) -> Result<()> {
        for row in 0..keys.len() {
            let key = ScalarValue::try_from_array(keys, row)?;
            if !key.is_null() && self.entries.iter().all(|(known, _)| *known != key) {
                self.entries
                    .push((key, ScalarValue::try_from_array(values, row)?));
            }
        }
        Ok(())
    }
}

impl Accumulator for MapState {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.add(&values[0], &values[1])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let DataType::Map(entries, sorted) = &self.ty else {
            return Err(DataFusionError::Internal("MAP_AGG makes a map".to_owned()));
        };
        let DataType::Struct(fields) = entries.data_type() else {
            return Err(DataFusionError::Internal(
                "the entries of a map are a struct".to_owned(),
            ));
        };
        if self.entries.is_empty() {
            return ScalarValue::try_from(&self.ty);
        }
        let (keys, values): (Vec<_>, Vec<_>) = self.entries.iter().cloned().unzip();
        let columns = vec![
            ScalarValue::iter_to_array(keys)?,
            ScalarValue::iter_to_array(values)?,
        ];
        let length = self.entries.len();
        let structs = StructArray::try_new(fields.clone(), columns, None)?;
        let offsets = OffsetBuffer::from_lengths([length]);
        let map = MapArray::try_new(Arc::clone(entries), offsets, structs, None, *sorted)?;
        Ok(ScalarValue::Map(Arc::new(map)))
    }

    fn size(&self) -> usize {
        let entries: usize = self
            .entries
            .iter()
            .map(|(key, value)| key.size() + value.size())
            .sum();
        size_of::<Self>() + entries
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let maps = states[0].as_map();
        for row in 0..maps.len() {
            let entries = maps.value(row);
            self.add(entries.column(0), entries.column(1))?;
        }
        Ok(())
    }
}
