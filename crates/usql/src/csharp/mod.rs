//! C# expressions: their meaning, checked against types, and their evaluation.
//!
//! [`bind`] turns the syntax into a [`Typed`] expression or says why it has no meaning; [`eval`]
//! computes it for a row. Semantics are C# 5's, not SQL's: `null == null` is true, a comparison with
//! null is false, `&&` stops early, a method of a null text fails the job.

pub(crate) mod arithmetic;
pub(crate) mod bind;
pub(crate) mod convert;
pub(crate) mod datetime;
mod enumerate;
pub(crate) mod eval;
pub(crate) mod format;
mod linq;
mod members;
mod methods;
pub(crate) mod numbers;
mod operators;
mod regular;
mod system;
mod texts;

#[cfg(test)]
mod tests;

pub(crate) use self::members::{constant, declared};
use crate::ast::BinaryOp;
use crate::source::Span;
use crate::types::{Base, Type};
use crate::value::Value;

/// An expression with its type.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Typed {
    pub(crate) node: Node,
    pub(crate) ty: Type,
    pub(crate) span: Span,
}

/// What an expression does. Operands have been converted to the type they are computed in.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Literal(Value),
    /// A column of the row, by its index.
    Column(usize),
    /// A parameter of a lambda, by its number from the outermost.
    Local(usize),
    Arithmetic(BinaryOp, Base, Box<Typed>, Box<Typed>),
    /// `==`, `!=` and the orders; false where null is compared but with null.
    Compare(BinaryOp, Box<Typed>, Box<Typed>),
    And(Box<Typed>, Box<Typed>),
    Or(Box<Typed>, Box<Typed>),
    Not(Box<Typed>),
    Negate(Base, Box<Typed>),
    Complement(Base, Box<Typed>),
    /// Texts put together; null counts as empty.
    Concat(Box<Typed>, Box<Typed>),
    Convert(Base, Box<Typed>),
    Conditional(Box<Typed>, Box<Typed>, Box<Typed>),
    Coalesce(Box<Typed>, Box<Typed>),
    Call(&'static methods::Method, Vec<Typed>),
    IsNull(Box<Typed>),
    /// `value` of `T?`, which fails for null.
    NonNull(Box<Typed>),
    Element(Box<Typed>, Box<Typed>),
    Lookup(Box<Typed>, Box<Typed>),
    NewArray(Vec<Typed>),
    NewMap(Vec<(Typed, Typed)>),
    Like(Box<Typed>, Box<Typed>),
    Linq(linq::Operator, Box<Typed>, Vec<linq::Operand>),
    Format(Vec<Typed>),
    ToText(Box<Typed>, Option<Box<Typed>>),
}

/// The expressions right within a node: `iter`, `body` and `as_deref` for shared references, the same
/// with `mut` for others.
macro_rules! parts {
    ($node:expr, $iter:ident, $body:ident, $deref:ident $(, $mutable:tt)?) => {
        match $node {
            Node::Literal(_) | Node::Column(_) | Node::Local(_) => Vec::new(),
            Node::Arithmetic(_, _, a, b)
            | Node::Compare(_, a, b)
            | Node::And(a, b)
            | Node::Or(a, b)
            | Node::Concat(a, b)
            | Node::Coalesce(a, b)
            | Node::Element(a, b)
            | Node::Lookup(a, b)
            | Node::Like(a, b) => vec![a, b],
            Node::Not(a)
            | Node::Negate(_, a)
            | Node::Complement(_, a)
            | Node::Convert(_, a)
            | Node::IsNull(a)
            | Node::NonNull(a) => vec![a],
            Node::Conditional(a, b, c) => vec![a, b, c],
            Node::Call(_, values) | Node::NewArray(values) | Node::Format(values) => {
                values.$iter().collect()
            }
            Node::NewMap(entries) => entries.$iter().flat_map(|(a, b)| [a, b]).collect(),
            Node::Linq(_, source, operands) => {
                let operands = operands.$iter().map(linq::Operand::$body);
                std::iter::once(&$($mutable)? **source).chain(operands).collect()
            }
            Node::ToText(a, format) => {
                std::iter::once(&$($mutable)? **a).chain(format.$deref()).collect()
            }
        }
    };
}

impl Typed {
    pub(crate) fn new(node: Node, ty: Type, span: Span) -> Self {
        Self { node, ty, span }
    }

    pub(crate) fn literal(value: Value, ty: Type, span: Span) -> Self {
        Self::new(Node::Literal(value), ty, span)
    }

    pub(crate) fn column(index: usize, ty: Type, span: Span) -> Self {
        Self::new(Node::Column(index), ty, span)
    }

    /// The value of a literal.
    pub(crate) const fn as_literal(&self) -> Option<&Value> {
        match &self.node {
            Node::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// Calls `visit` for the expression and everything in it.
    pub(crate) fn walk(&self, visit: &mut dyn FnMut(&Self)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    fn children(&self) -> Vec<&Self> {
        parts!(&self.node, iter, body, as_deref)
    }

    fn children_mut(&mut self) -> Vec<&mut Self> {
        parts!(&mut self.node, iter_mut, body_mut, as_deref_mut, mut)
    }

    /// The indexes of the columns it reads, each once, in order.
    pub(crate) fn columns(&self) -> Vec<usize> {
        let mut found = Vec::new();
        self.walk(&mut |each| {
            if let Node::Column(index) = each.node {
                found.push(index);
            }
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The same with every column replaced.
    pub(crate) fn map_columns(&self, replace: &dyn Fn(usize) -> Self) -> Self {
        self.rewrite(&|each| match each.node {
            Node::Column(index) => Some(replace(index)),
            _ => None,
        })
    }

    /// The same with every part replaced for which `replace` gives another; what it gives is not
    /// looked into again.
    pub(crate) fn rewrite(&self, replace: &dyn Fn(&Self) -> Option<Self>) -> Self {
        if let Some(other) = replace(self) {
            return other;
        }
        let mut copy = self.clone();
        for child in copy.children_mut() {
            *child = child.rewrite(replace);
        }
        copy
    }

    /// The same without places, so that two expressions can be compared.
    pub(crate) fn without_spans(&self) -> Self {
        let mut copy = self.clone();
        copy.span = Span::default();
        for child in copy.children_mut() {
            *child = child.without_spans();
        }
        copy
    }
}

/// Why an expression failed for a row, and where in the script it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EvalError {
    pub(crate) message: String,
    pub(crate) span: Span,
}

/// What computing gives: a value, or one sentence that says why there is none.
pub(crate) type Outcome = Result<Value, String>;

/// The aggregates and window functions of U-SQL.
pub(crate) const AGGREGATES: [&str; 24] = [
    "ANY_VALUE",
    "ARRAY_AGG",
    "AVG",
    "COUNT",
    "MAP_AGG",
    "MAX",
    "MIN",
    "SUM",
    "STDEV",
    "STDEVP",
    "VAR",
    "VARP",
    "ROW_NUMBER",
    "RANK",
    "DENSE_RANK",
    "NTILE",
    "FIRST_VALUE",
    "LAST_VALUE",
    "LAG",
    "LEAD",
    "CUME_DIST",
    "PERCENT_RANK",
    "PERCENTILE_CONT",
    "PERCENTILE_DISC",
];

/// A random GUID of version 4.
pub(crate) fn random_guid() -> u128 {
    use std::hash::{BuildHasher as _, RandomState};
    // A system that gives none: the keys that the standard library draws for its hash maps.
    let other = |_| RandomState::new().hash_one(std::time::Instant::now());
    let draw = || u128::from(getrandom::u64().unwrap_or_else(other));
    let random = draw() << 64 | draw();
    (random & !(0xF << 76 | 0x3 << 62)) | 0x4 << 76 | 0x2 << 62
}

/// The default of a type: null, or zero where null is not possible.
pub(crate) fn default_of(ty: &Type) -> Value {
    if ty.nullable {
        return Value::Null;
    }
    members::default_value(&ty.base)
}

/// A condition that holds for this fraction of the rows, drawn for each of them.
pub(crate) fn chance(fraction: f64) -> Typed {
    static RANDOM: methods::Method = methods::Method {
        owner: "Random",
        name: "NextDouble",
        instance: false,
        property: false,
        parameters: &[],
        result: methods::P::Double,
        run: |_| {
            Ok(Value::Double(
                (random_guid() >> 75) as f64 / (1_u64 << 53) as f64,
            ))
        },
    };
    let (span, double) = (Span::default(), Type::of(Base::Double));
    let drawn = Typed::new(Node::Call(&RANDOM, Vec::new()), double.clone(), span);
    let limit = Typed::literal(Value::Double(fraction), double, span);
    let node = Node::Compare(BinaryOp::Less, Box::new(drawn), Box::new(limit));
    Typed::new(node, Type::of(Base::Bool), span)
}

/// `left == right`, with the conversions that it needs.
pub(crate) fn equals(left: Typed, right: Typed, span: Span) -> bind::Bound {
    operators::compare(BinaryOp::Equal, left, right, span)
}

/// The keys or the values of a map as an array; of null none.
pub(crate) fn map_part(map: &Typed, keys: bool) -> Typed {
    let name = if keys { "Keys" } else { "Values" };
    let part = linq::property(map, name, map.span);
    let part = part.unwrap_or_else(|| map.clone());
    let (span, ty) = (map.span, part.ty.clone());
    let missing = Typed::new(
        Node::IsNull(Box::new(map.clone())),
        Type::of(Base::Bool),
        span,
    );
    let null = Typed::literal(Value::Null, ty.clone(), span);
    Typed::new(
        Node::Conditional(Box::new(missing), Box::new(null), Box::new(part)),
        ty,
        span,
    )
}
