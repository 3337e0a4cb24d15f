//! Rowsets: what a script computes, with every name resolved and every type known.
//!
//! A rowset is a value: it is shared where a variable is used twice, and nothing runs before it
//! reaches an `OUTPUT` or an `INSERT`. Expressions refer to the columns of their input by index.

use std::sync::Arc;

use crate::catalog::TableFiles;
use crate::csharp::Typed;
use crate::formats::Extraction;
use crate::python::Reducer;
use crate::types::Type;

/// A column of a rowset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) ty: Type,
}

impl Column {
    pub(crate) fn new(name: impl Into<String>, ty: Type) -> Self {
        let name = name.into();
        Self { name, ty }
    }
}

/// A table-shaped value.
#[derive(Debug, Clone)]
pub(crate) struct Rowset {
    pub(crate) columns: Vec<Column>,
    pub(crate) operator: Arc<Operator>,
}

impl Rowset {
    pub(crate) fn new(columns: Vec<Column>, operator: Operator) -> Self {
        let operator = Arc::new(operator);
        Self { columns, operator }
    }

    /// The same rows with expressions over them as columns.
    pub(crate) fn project(self, items: Vec<(String, Typed)>) -> Self {
        let columns = items
            .iter()
            .map(|(name, value)| Column::new(name, value.ty.clone()));
        let columns = columns.collect();
        let values = items.into_iter().map(|(_, value)| value).collect();
        Self::new(columns, Operator::Project(self, values))
    }

    /// The rows for which a condition holds.
    pub(crate) fn filter(self, condition: Typed) -> Self {
        Self::new(self.columns.clone(), Operator::Filter(self, condition))
    }

    pub(crate) fn distinct(self) -> Self {
        Self::new(self.columns.clone(), Operator::Distinct(self))
    }
}

/// How a rowset comes from others.
#[derive(Debug)]
pub(crate) enum Operator {
    Extract(Extraction),
    Table(TableFiles),
    /// Rows of constants.
    Values(Vec<Vec<crate::value::Value>>),
    Project(Rowset, Vec<Typed>),
    Filter(Rowset, Typed),
    Distinct(Rowset),
    /// The groups, then the aggregates, as columns.
    Aggregate {
        input: Rowset,
        groups: Vec<Typed>,
        aggregates: Vec<Aggregate>,
    },
    /// The columns of the input, then the functions.
    Window {
        input: Rowset,
        functions: Vec<WindowFunction>,
    },
    /// The columns of the left, then those of the right; of a semi-join those of one side.
    Join {
        kind: Join,
        left: Rowset,
        right: Rowset,
        /// Pairs of columns that are equal; null equals null.
        on: Vec<(usize, usize)>,
    },
    Set {
        kind: Set,
        left: Rowset,
        right: Rowset,
    },
    Sort {
        input: Rowset,
        keys: Vec<SortKey>,
        offset: u64,
        fetch: Option<u64>,
    },
    /// The columns of the input, then one for each array, element by element.
    Explode {
        input: Rowset,
        arrays: Vec<Typed>,
        /// Whether a row without elements stays, with nulls.
        outer: bool,
    },
    /// What Python makes of groups, within which the rows are in an order.
    Reduce {
        input: Rowset,
        order: Vec<SortKey>,
        reducer: Reducer,
    },
    /// Any so many rows.
    Limit(Rowset, u64),
}

/// A sort key; null comes first unless it is descending.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SortKey {
    pub(crate) value: Typed,
    pub(crate) descending: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Join {
    Inner,
    Left,
    Right,
    Full,
    LeftSemi,
    LeftAnti,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Set {
    UnionAll,
    Intersect,
    Except,
}

/// An aggregate function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AggregateKind {
    AnyValue,
    ArrayAgg,
    Avg,
    Count,
    CountRows,
    MapAgg,
    Max,
    Min,
    Sum,
    StdevSample,
    StdevPopulation,
    VarSample,
    VarPopulation,
    PercentileCont,
    PercentileDisc,
}

/// One aggregate of a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Aggregate {
    pub(crate) kind: AggregateKind,
    pub(crate) distinct: bool,
    pub(crate) arguments: Vec<Typed>,
    pub(crate) ty: Type,
}

/// A function over a window.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WindowFunction {
    pub(crate) kind: WindowKind,
    pub(crate) arguments: Vec<Typed>,
    pub(crate) partition_by: Vec<Typed>,
    pub(crate) order_by: Vec<SortKey>,
    pub(crate) rows: Option<(crate::ast::Bound, crate::ast::Bound)>,
    pub(crate) ty: Type,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WindowKind {
    Aggregate(AggregateKind),
    RowNumber,
    Rank,
    DenseRank,
    Ntile,
    FirstValue,
    LastValue,
    Lag,
    Lead,
    CumeDist,
    PercentRank,
}
