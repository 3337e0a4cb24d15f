//! A scan that says about how large it is, so that a join keeps its smaller side in memory.
//!
//! It does nothing else: rows come from the scan that it holds. Invariant: what it says is an
//! estimate and is marked as one, so no result depends on it.

use std::fmt;
use std::sync::Arc;

use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Statistics, internal_err};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PhysicalExpr, PlanProperties,
};

/// About how many bytes a value has in a file, its separator included.
const VALUE_BYTES: u64 = 8;

/// A leaf of a plan with an estimate of its size.
#[derive(Debug)]
pub(super) struct SizedScan {
    scan: Arc<dyn ExecutionPlan>,
    statistics: Arc<Statistics>,
}

impl SizedScan {
    /// A scan of files of `length` bytes together, whose rows have `columns` values.
    pub(super) fn new(scan: Arc<dyn ExecutionPlan>, length: u64, columns: usize) -> Self {
        let columns = columns.max(1) as u64;
        let rows = length / (columns * VALUE_BYTES);
        let bytes = length / columns * scan.schema().fields().len() as u64;
        let about = |number| Precision::Inexact(usize::try_from(number).unwrap_or(usize::MAX));
        let mut statistics = Statistics::new_unknown(&scan.schema());
        statistics.num_rows = about(rows);
        statistics.total_byte_size = about(bytes);
        Self {
            scan,
            statistics: Arc::new(statistics),
        }
    }
}

impl DisplayAs for SizedScan {
    fn fmt_as(&self, form: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.scan.fmt_as(form, f)
    }
}

impl ExecutionPlan for SizedScan {
    fn name(&self) -> &'static str {
        "SizedScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.scan.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children.is_empty() {
            true => Ok(self),
            false => internal_err!("a scan has no children"),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        self.replace_children(children, options)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.scan.execute(partition, context)
    }

    fn fetch(&self) -> Option<usize> {
        self.scan.fetch()
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        _args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(Arc::clone(&self.statistics))
    }
}
