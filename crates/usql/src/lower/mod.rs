//! From rowsets to DataFusion's logical plans.
//!
//! The columns of every plan are named `c0`, `c1` and so on, so that no name of the script can clash
//! with another. An expression that DataFusion computes just as C# does becomes one of its own;
//! every other is a function that evaluates C# row by row.

mod aggregate;
mod compare;
mod evaluate;
mod expression;
mod percentile;
mod window;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::catalog::TableProvider;
use datafusion::common::{Column as PlanColumn, NullEquality, NullHandling, UnnestOptions};
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::error::Result;
use datafusion::logical_expr::{
    Expr, JoinType, LogicalPlan, LogicalPlanBuilder, SortExpr, cast, lit,
};
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use datafusion::scalar::ScalarValue;

pub(crate) use self::evaluate::Fault;
use self::expression::{is_native, lower};
use crate::catalog::TableFiles;
use crate::csharp::Typed;
use crate::formats::scan::{FileTable, Progress, schema_of};
use crate::formats::{Extraction, FieldSource, Reading};
use crate::python::{ReducedTable, Reducer};
use crate::rowset::{Column, Join, Operator, Rowset, Set, SortKey};
use crate::value;

/// A plan on its way.
type Lowered<'a> = Pin<Box<dyn Future<Output = Result<LogicalPlanBuilder>> + Send + 'a>>;

/// Lowers the rowsets of one script.
pub(crate) struct Lowering<'a> {
    context: &'a SessionContext,
    progress: Arc<Progress>,
    scans: AtomicUsize,
}

/// The column of an index, as every plan here names it.
fn column(index: usize) -> Expr {
    Expr::Column(PlanColumn::new_unqualified(format!("c{index}")))
}

fn named(prefix: &str, index: usize) -> Expr {
    Expr::Column(PlanColumn::new_unqualified(format!("{prefix}{index}")))
}

/// Gives the columns of a plan, in their order, the names of every plan here.
fn renamed(plan: LogicalPlanBuilder) -> Result<LogicalPlanBuilder> {
    renamed_to(plan, "c")
}

fn renamed_to(plan: LogicalPlanBuilder, prefix: &str) -> Result<LogicalPlanBuilder> {
    let columns = plan.schema().columns();
    let items = columns.into_iter().enumerate();
    let items = items.map(|(at, column)| Expr::Column(column).alias(format!("{prefix}{at}")));
    plan.project(items.collect::<Vec<_>>())
}

/// The columns of an input, and expressions over them behind, by a prefix.
fn with_extra(
    plan: LogicalPlanBuilder,
    width: usize,
    prefix: &str,
    extra: &[Typed],
) -> Result<LogicalPlanBuilder> {
    let mut items: Vec<Expr> = (0..width).map(column).collect();
    for (at, value) in extra.iter().enumerate() {
        items.push(lower(value)?.alias(format!("{prefix}{at}")));
    }
    plan.project(items)
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(context: &'a SessionContext, progress: Arc<Progress>) -> Self {
        let scans = AtomicUsize::new(0);
        Self {
            context,
            progress,
            scans,
        }
    }

    /// The plan of a rowset.
    pub(crate) fn plan<'b>(&'b self, rowset: &'b Rowset) -> Lowered<'b> {
        Box::pin(async move {
            match &*rowset.operator {
                Operator::Extract(extraction) => self.extract(extraction).await,
                Operator::Table(files) => self.table(files).await,
                Operator::Values(rows) => self.values(rows, &rowset.columns),
                Operator::Project(input, values) => {
                    let plan = self.plan(input).await?;
                    let mut items = Vec::new();
                    for (at, value) in values.iter().enumerate() {
                        items.push(lower(value)?.alias(format!("c{at}")));
                    }
                    plan.project(items)
                }
                Operator::Filter(input, condition) => {
                    filtered(self.plan(input).await?, input.columns.len(), condition)
                }
                Operator::Distinct(input) => self.plan(input).await?.distinct(),
                Operator::Aggregate {
                    input,
                    groups,
                    aggregates,
                } => aggregate::plan(self.plan(input).await?, groups, aggregates, &rowset.columns),
                Operator::Window { input, functions } => {
                    window::plan(self.plan(input).await?, input.columns.len(), functions)
                }
                Operator::Join {
                    kind,
                    left,
                    right,
                    on,
                } => self.join(*kind, left, right, on).await,
                Operator::Set { kind, left, right } => self.set(*kind, left, right).await,
                Operator::Sort {
                    input,
                    keys,
                    offset,
                    fetch,
                } => {
                    let plan = self.plan(input).await?;
                    sorted(plan, input.columns.len(), keys, *offset, *fetch)
                }
                Operator::Explode {
                    input,
                    arrays,
                    outer,
                } => {
                    let plan = self.plan(input).await?;
                    explode(plan, input.columns.len(), arrays, *outer)
                }
                Operator::Reduce {
                    input,
                    order,
                    reducer,
                } => self.reduce(input, order, reducer).await,
                Operator::Limit(input, rows) => {
                    let rows = usize::try_from(*rows).unwrap_or(usize::MAX);
                    self.plan(input).await?.limit(0, Some(rows))
                }
            }
        })
    }

    /// The plan of a rowset with the exact types of its columns, in an order.
    pub(crate) async fn output(
        &self,
        rowset: &Rowset,
        order: &[SortKey],
        offset: u64,
        fetch: Option<u64>,
    ) -> Result<LogicalPlan> {
        let mut plan = self.plan(rowset).await?;
        if !order.is_empty() {
            plan = sorted(plan, rowset.columns.len(), order, offset, fetch)?;
        }
        exact(plan, &rowset.columns)?.build()
    }

    fn scan(&self, provider: Arc<dyn TableProvider>) -> Result<LogicalPlanBuilder> {
        let name = format!("scan{}", self.scans.fetch_add(1, Ordering::Relaxed));
        renamed(LogicalPlanBuilder::scan(
            name,
            provider_as_source(provider),
            None,
        )?)
    }

    fn values(&self, rows: &[Vec<value::Value>], columns: &[Column]) -> Result<LogicalPlanBuilder> {
        let schema = schema_of(columns);
        let array = |at: usize| {
            let values: Vec<_> = rows.iter().map(|row| row[at].clone()).collect();
            value::column(&values, &columns[at].ty)
        };
        let arrays = (0..columns.len()).map(array).collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
        self.scan(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
    }

    fn empty(&self, columns: &[Column]) -> Result<LogicalPlanBuilder> {
        self.scan(Arc::new(MemTable::try_new(
            schema_of(columns),
            vec![Vec::new()],
        )?))
    }

    async fn extract(&self, extraction: &Extraction) -> Result<LogicalPlanBuilder> {
        if extraction.files.is_empty() {
            return self.empty(&extraction.columns);
        }
        match &extraction.format {
            Reading::Parquet => self.extract_parquet(extraction).await,
            _ => {
                let progress = Arc::clone(&self.progress);
                self.scan(Arc::new(FileTable::new(extraction.clone(), progress)))
            }
        }
    }

    /// The files one by one, as each has values of its own for the columns that its name gives.
    async fn extract_parquet(&self, extraction: &Extraction) -> Result<LogicalPlanBuilder> {
        let mut united: Option<LogicalPlanBuilder> = None;
        for file in &extraction.files {
            let plan = self
                .parquet(&[file.path.display().to_string()], None)
                .await?;
            let mut items = Vec::new();
            let columns = extraction
                .columns
                .iter()
                .zip(&extraction.sources)
                .zip(&file.values);
            for (at, ((column, source), value)) in columns.enumerate() {
                let item = match source {
                    FieldSource::Field(_) => {
                        let name = PlanColumn::from_name(column.name.clone());
                        cast(Expr::Column(name), column.ty.arrow())
                    }
                    _ => literal(value, column)?,
                };
                items.push(item.alias(format!("c{at}")));
            }
            let plan = plan.project(items)?;
            united = Some(match united {
                None => plan,
                Some(before) => before.union(plan.build()?)?,
            });
        }
        match united {
            Some(plan) => renamed(plan),
            None => self.empty(&extraction.columns),
        }
    }

    async fn table(&self, files: &TableFiles) -> Result<LogicalPlanBuilder> {
        if files.paths.is_empty() {
            return self.empty(&files.columns);
        }
        let field = |column: &Column| Field::new(&column.name, column.ty.arrow(), true);
        let schema = Schema::new(files.columns.iter().map(field).collect::<Vec<_>>());
        let paths: Vec<String> = files
            .paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        renamed(self.parquet(&paths, Some(&schema)).await?)
    }

    async fn parquet(
        &self,
        paths: &[String],
        schema: Option<&Schema>,
    ) -> Result<LogicalPlanBuilder> {
        let options = ParquetReadOptions {
            file_extension: "",
            schema,
            ..ParquetReadOptions::default()
        };
        let frame = self.context.read_parquet(paths.to_vec(), options).await?;
        Ok(LogicalPlanBuilder::new(frame.into_unoptimized_plan()))
    }

    async fn reduce(
        &self,
        input: &Rowset,
        order: &[SortKey],
        reducer: &Reducer,
    ) -> Result<LogicalPlanBuilder> {
        let plan = self.plan(input).await?;
        let plan = grouped(plan, &input.columns, &reducer.keys, order)?;
        let plan = exact(plan, &input.columns)?.build()?;
        self.scan(Arc::new(ReducedTable::new(reducer.clone(), plan)))
    }

    async fn join(
        &self,
        kind: Join,
        left: &Rowset,
        right: &Rowset,
        on: &[(usize, usize)],
    ) -> Result<LogicalPlanBuilder> {
        let (left, right) = (self.plan(left).await?, self.plan(right).await?);
        let right = renamed_to(right, "r")?.build()?;
        if on.is_empty() && kind == Join::Inner {
            return renamed(left.cross_join(right)?);
        }
        let kind = match kind {
            Join::Inner => JoinType::Inner,
            Join::Left => JoinType::Left,
            Join::Right => JoinType::Right,
            Join::Full => JoinType::Full,
            Join::LeftSemi => JoinType::LeftSemi,
            Join::LeftAnti => JoinType::LeftAnti,
        };
        let keys = |prefix: &str, indexes: Vec<usize>| -> Vec<PlanColumn> {
            let name = |at: usize| PlanColumn::new_unqualified(format!("{prefix}{at}"));
            indexes.into_iter().map(name).collect()
        };
        let left_keys = keys("c", on.iter().map(|(left, _)| *left).collect());
        let right_keys = keys("r", on.iter().map(|(_, right)| *right).collect());
        let equality = NullEquality::NullEqualsNull;
        renamed(left.join_detailed(right, kind, (left_keys, right_keys), None, equality)?)
    }

    async fn set(&self, kind: Set, left: &Rowset, right: &Rowset) -> Result<LogicalPlanBuilder> {
        let columns = &left.columns;
        let (left, right) = (self.plan(left).await?, self.plan(right).await?);
        let (left, right) = (exact(left, columns)?, exact(right, columns)?);
        let plan = match kind {
            Set::UnionAll => left.union(right.build()?)?.build()?,
            Set::Intersect => LogicalPlanBuilder::intersect(left.build()?, right.build()?, false)?,
            Set::Except => LogicalPlanBuilder::except(left.build()?, right.build()?, false)?,
        };
        renamed(LogicalPlanBuilder::new(plan))
    }
}

/// Casts the columns whose Arrow type is not the one of their C# type.
fn exact(plan: LogicalPlanBuilder, columns: &[Column]) -> Result<LogicalPlanBuilder> {
    let types: Vec<_> = plan
        .schema()
        .fields()
        .iter()
        .map(|field| field.data_type().clone())
        .collect();
    let item = |(at, each): (usize, &Column)| {
        let wanted = each.ty.arrow();
        match types.get(at) {
            Some(found) if *found == wanted => column(at),
            _ => cast(column(at), wanted).alias(format!("c{at}")),
        }
    };
    let items: Vec<Expr> = columns.iter().enumerate().map(item).collect();
    plan.project(items)
}

fn literal(value: &value::Value, column: &Column) -> Result<Expr> {
    let array = value::column(std::slice::from_ref(value), &column.ty);
    Ok(lit(ScalarValue::try_from_array(&array, 0)?))
}

/// Null comes first, and last where the order is descending: C#'s comparer puts it below all.
fn sort_expr(value: Expr, descending: bool) -> SortExpr {
    SortExpr::new(value, !descending, !descending)
}

fn sorted(
    plan: LogicalPlanBuilder,
    width: usize,
    keys: &[SortKey],
    offset: u64,
    fetch: Option<u64>,
) -> Result<LogicalPlanBuilder> {
    let values: Vec<Typed> = keys.iter().map(|key| key.value.clone()).collect();
    let plan = with_extra(plan, width, "k", &values)?;
    let order: Vec<SortExpr> = keys
        .iter()
        .enumerate()
        .map(|(at, key)| sort_expr(named("k", at), key.descending))
        .collect();
    let size = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
    let mut plan = plan.sort(order)?;
    if offset > 0 || fetch.is_some() {
        plan = plan.limit(size(offset), fetch.map(size))?;
    }
    plan.project((0..width).map(column).collect::<Vec<_>>())
}

/// The rows group by group, each in an order.
fn grouped(
    plan: LogicalPlanBuilder,
    columns: &[Column],
    keys: &[usize],
    order: &[SortKey],
) -> Result<LogicalPlanBuilder> {
    let key = |at: &usize| SortKey {
        value: Typed::column(*at, columns[*at].ty.clone(), Default::default()),
        descending: false,
    };
    let all: Vec<SortKey> = keys.iter().map(key).chain(order.to_vec()).collect();
    if all.is_empty() {
        return Ok(plan);
    }
    sorted(plan, columns.len(), &all, 0, None)
}

/// The rows for which a condition holds. One that may fail is a column first: DataFusion makes one
/// filter of two, in an order of its own, and would take it before the one that protects it.
fn filtered(
    plan: LogicalPlanBuilder,
    width: usize,
    condition: &Typed,
) -> Result<LogicalPlanBuilder> {
    if is_native(condition) {
        return plan.filter(lower(condition)?);
    }
    let plan = with_extra(plan, width, "f", std::slice::from_ref(condition))?;
    plan.filter(evaluate::in_place(named("f", 0)))?
        .project((0..width).map(column).collect::<Vec<_>>())
}

fn explode(
    plan: LogicalPlanBuilder,
    width: usize,
    arrays: &[Typed],
    outer: bool,
) -> Result<LogicalPlanBuilder> {
    let plan = with_extra(plan, width, "u", arrays)?;
    let columns = (0..arrays.len()).map(|at| PlanColumn::new_unqualified(format!("u{at}")));
    let null_handling = if outer {
        NullHandling::PreserveAndExpandEmpty
    } else {
        NullHandling::Drop
    };
    let options = UnnestOptions {
        null_handling,
        recursions: Vec::new(),
    };
    renamed(plan.unnest_columns_with_options(columns.collect(), options)?)
}
