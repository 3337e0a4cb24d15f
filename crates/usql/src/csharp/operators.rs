//! Operators: which types they take, and in which type they compute.

use super::bind::{Binder, Bound, common_type, convert, converted, invalid, is_null, resolve};
use super::{Node, Typed};
use crate::ast::{BinaryOp, Case, Expr, TypeRef, UnaryOp};
use crate::source::Span;
use crate::types::{Base, Type, promoted};

fn boolean(node: Node, span: Span) -> Typed {
    Typed::new(node, Type::of(Base::Bool), span)
}

fn negated_if(value: Typed, negated: bool) -> Typed {
    if !negated {
        return value;
    }
    let span = value.span;
    boolean(Node::Not(Box::new(value)), span)
}

impl Binder<'_> {
    pub(super) fn unary(&mut self, op: UnaryOp, operand: &Expr, span: Span) -> Bound {
        let operand = self.bind(operand)?;
        let mismatch = |word: &str| {
            Err(invalid(
                span,
                format!("`{word}` does not take a value of type `{}`", operand.ty),
            ))
        };
        match op {
            UnaryOp::Not | UnaryOp::SqlNot => {
                if operand.ty.base != Base::Bool {
                    return mismatch("!");
                }
                let ty = operand.ty.clone();
                Ok(Typed::new(Node::Not(Box::new(operand)), ty, span))
            }
            UnaryOp::Plus | UnaryOp::Minus | UnaryOp::Complement => {
                if operand.ty.base == Base::TimeSpan && op == UnaryOp::Minus {
                    let ty = operand.ty.clone();
                    return Ok(Typed::new(
                        Node::Negate(Base::TimeSpan, Box::new(operand)),
                        ty,
                        span,
                    ));
                }
                let allowed = match op {
                    UnaryOp::Complement => operand.ty.is_integer(),
                    _ => operand.ty.is_numeric(),
                };
                if !allowed {
                    return mismatch(if op == UnaryOp::Complement { "~" } else { "-" });
                }
                Ok(self.numeric_unary(op, operand, span))
            }
        }
    }

    /// Small integers are computed as `int`, a negated `uint` as `long`.
    fn numeric_unary(&self, op: UnaryOp, operand: Typed, span: Span) -> Typed {
        let mut base = promoted(&operand.ty.base, &operand.ty.base).unwrap_or(Base::Int);
        if op == UnaryOp::Minus && base == Base::UInt {
            base = Base::Long;
        }
        let nullable = operand.ty.nullable;
        let ty = Type {
            base: base.clone(),
            nullable,
        };
        let operand = if operand.ty.base == base {
            operand
        } else {
            converted(operand, &ty, span)
        };
        let node = match op {
            UnaryOp::Minus => Node::Negate(base, Box::new(operand)),
            UnaryOp::Complement => Node::Complement(base, Box::new(operand)),
            _ => return Typed { span, ..operand },
        };
        folded(Typed::new(node, ty, span))
    }

    pub(super) fn binary(&mut self, op: BinaryOp, left: &Expr, right: &Expr, span: Span) -> Bound {
        let (left, right) = (self.bind(left)?, self.bind(right)?);
        match op {
            BinaryOp::And | BinaryOp::Or => logical(op, left, right, span),
            BinaryOp::Coalesce => coalesce(left, right, span),
            BinaryOp::Equal
            | BinaryOp::NotEqual
            | BinaryOp::Less
            | BinaryOp::LessEqual
            | BinaryOp::Greater
            | BinaryOp::GreaterEqual => compare(op, left, right, span),
            _ => arithmetic(op, left, right, span),
        }
    }

    pub(super) fn cast(&mut self, written: &TypeRef, operand: &Expr, span: Span) -> Bound {
        let target = resolve(written)?;
        let value = self.bind(operand)?;
        let numeric = |ty: &Type| ty.is_numeric() || ty.base == Base::DayOfWeek;
        let enumerated = value.ty.base == Base::Option && target.is_integer();
        if value.ty.converts_to(&target) || enumerated {
            return convert(
                Typed {
                    ty: if enumerated {
                        Type::of(Base::Int)
                    } else {
                        value.ty.clone()
                    },
                    ..value
                },
                &target,
            );
        }
        if value.ty.base == target.base {
            let node = Node::NonNull(Box::new(value));
            return Ok(Typed::new(node, target, span));
        }
        if numeric(&value.ty) && numeric(&target) {
            return Ok(converted(value, &target, span));
        }
        if matches!(
            (&value.ty.base, &target.base),
            (Base::Array(_), Base::Array(_))
        ) {
            return convert(value, &target);
        }
        let error = invalid(
            span,
            format!("there is no cast from `{}` to `{target}`", value.ty),
        );
        Err(if value.ty.is_string() && target.is_numeric() {
            error.with_help(format!("use `{target}.Parse(…)`"))
        } else if target.is_string() {
            error.with_help("use `.ToString()`")
        } else {
            error
        })
    }

    pub(super) fn conditional(
        &mut self,
        condition: &Expr,
        then: &Expr,
        otherwise: &Expr,
        span: Span,
    ) -> Bound {
        let condition = self.condition(condition)?;
        let (then, otherwise) = (self.bind(then)?, self.bind(otherwise)?);
        let ty = branch_type(&then.ty, &otherwise.ty, span)?;
        let (then, otherwise) = (convert(then, &ty)?, convert(otherwise, &ty)?);
        let node = Node::Conditional(Box::new(condition), Box::new(then), Box::new(otherwise));
        Ok(Typed::new(node, ty, span))
    }

    pub(super) fn is_type(&mut self, operand: &Expr, written: &TypeRef, span: Span) -> Bound {
        let target = resolve(written)?;
        let value = self.bind(operand)?;
        if value.ty.base != target.base {
            let never = crate::value::Value::Bool(false);
            return Ok(Typed::literal(never, Type::of(Base::Bool), span));
        }
        Ok(is_null(value, true, span))
    }

    pub(super) fn is_in(
        &mut self,
        operand: &Expr,
        values: &[Expr],
        negated: bool,
        span: Span,
    ) -> Bound {
        let value = self.bind(operand)?;
        let mut found: Option<Typed> = None;
        for each in values {
            let each = self.bind(each)?;
            let equal = compare(BinaryOp::Equal, value.clone(), each, span)?;
            found = Some(match found {
                None => equal,
                Some(before) => boolean(Node::Or(Box::new(before), Box::new(equal)), span),
            });
        }
        let found = found.ok_or_else(|| invalid(span, "`IN` needs at least one value"))?;
        Ok(negated_if(found, negated))
    }

    pub(super) fn between(
        &mut self,
        value: &Expr,
        low: &Expr,
        high: &Expr,
        negated: bool,
        span: Span,
    ) -> Bound {
        let (value, low, high) = (self.bind(value)?, self.bind(low)?, self.bind(high)?);
        let from = compare(BinaryOp::GreaterEqual, value.clone(), low, span)?;
        let to = compare(BinaryOp::LessEqual, value, high, span)?;
        let both = boolean(Node::And(Box::new(from), Box::new(to)), span);
        Ok(negated_if(both, negated))
    }

    pub(super) fn like(
        &mut self,
        value: &Expr,
        pattern: &Expr,
        negated: bool,
        span: Span,
    ) -> Bound {
        let text = Type::of(Base::String);
        let (value, pattern) = (self.bind_as(value, &text)?, self.bind_as(pattern, &text)?);
        let like = boolean(Node::Like(Box::new(value), Box::new(pattern)), span);
        Ok(negated_if(like, negated))
    }

    pub(super) fn case(&mut self, case: &Case, span: Span) -> Bound {
        let operand = case
            .operand
            .as_ref()
            .map(|operand| self.bind(operand))
            .transpose()?;
        let mut branches = Vec::new();
        for (condition, result) in &case.branches {
            let condition = match &operand {
                None => self.condition(condition)?,
                Some(operand) => {
                    let value = self.bind(condition)?;
                    compare(BinaryOp::Equal, operand.clone(), value, span)?
                }
            };
            branches.push((condition, self.bind(result)?));
        }
        let otherwise = case
            .otherwise
            .as_ref()
            .map(|each| self.bind(each))
            .transpose()?;
        let null = || Typed::literal(crate::value::Value::Null, Type::of(Base::Null), span);
        let otherwise = otherwise.unwrap_or_else(null);
        let ty = branches
            .iter()
            .try_fold(otherwise.ty.clone(), |ty, (_, result)| {
                branch_type(&ty, &result.ty, span)
            })?;
        let mut value = convert(otherwise, &ty)?;
        for (condition, result) in branches.into_iter().rev() {
            let result = convert(result, &ty)?;
            let node = Node::Conditional(Box::new(condition), Box::new(result), Box::new(value));
            value = Typed::new(node, ty.clone(), span);
        }
        Ok(value)
    }
}

fn branch_type(
    left: &Type,
    right: &Type,
    span: Span,
) -> Result<Type, crate::diagnostic::Diagnostic> {
    let is_null = |ty: &Type| ty.base == Base::Null;
    let value_with_null = is_null(left) && !right.nullable || is_null(right) && !left.nullable;
    match common_type(left, right) {
        Some(ty) if !value_with_null => Ok(ty),
        _ if value_with_null => {
            let ty = if is_null(left) { right } else { left };
            let message = format!("one branch is null and the other a `{ty}`, which takes no null");
            Err(invalid(span, message).with_help(format!("write `({ty}?)null`")))
        }
        _ => Err(invalid(
            span,
            format!("the branches have the types `{left}` and `{right}`, and no common one"),
        )),
    }
}

fn logical(op: BinaryOp, left: Typed, right: Typed, span: Span) -> Bound {
    for side in [&left, &right] {
        if side.ty != Type::of(Base::Bool) {
            let message = format!("`{}` takes `bool`, not `{}`", op.symbol(), side.ty);
            return Err(invalid(side.span, message));
        }
    }
    let (left, right) = (Box::new(left), Box::new(right));
    let node = if op == BinaryOp::And {
        Node::And(left, right)
    } else {
        Node::Or(left, right)
    };
    Ok(boolean(node, span))
}

fn coalesce(left: Typed, right: Typed, span: Span) -> Bound {
    if !left.ty.nullable {
        let message = format!(
            "`??` is for values that may be null, and `{}` never is",
            left.ty
        );
        return Err(invalid(left.span, message));
    }
    let plain = Type {
        nullable: Type::of(left.ty.base.clone()).nullable,
        ..left.ty.clone()
    };
    let ty = if right.ty.converts_to(&plain) {
        plain
    } else {
        common_type(&left.ty, &right.ty).ok_or_else(|| {
            invalid(
                span,
                format!("`{}` and `{}` have no common type", left.ty, right.ty),
            )
        })?
    };
    let left_ty = ty.clone().or_null();
    let (left, right) = (convert(left, &left_ty)?, convert(right, &ty)?);
    Ok(Typed::new(
        Node::Coalesce(Box::new(left), Box::new(right)),
        ty,
        span,
    ))
}

/// A comparison; both sides get one type.
pub(super) fn compare(op: BinaryOp, left: Typed, right: Typed, span: Span) -> Bound {
    let equality = matches!(op, BinaryOp::Equal | BinaryOp::NotEqual);
    let is_null_literal = |side: &Typed| side.ty.base == Base::Null;
    if equality && (is_null_literal(&left) || is_null_literal(&right)) {
        let operand = if is_null_literal(&left) { right } else { left };
        return Ok(is_null(operand, op == BinaryOp::NotEqual, span));
    }
    let ordered = |ty: &Type| {
        !matches!(
            ty.base,
            Base::Bool | Base::String | Base::Bytes | Base::Array(_) | Base::Map(..)
        )
    };
    let mismatch = || {
        let message = format!(
            "`{}` does not compare `{}` with `{}`",
            op.symbol(),
            left.ty,
            right.ty
        );
        let error = invalid(span, message);
        if left.ty.is_string() && right.ty.is_string() {
            return error.with_help("use `string.Compare(a, b) < 0`");
        }
        error
    };
    let base = if left.ty.is_numeric() && right.ty.is_numeric() {
        promoted(&left.ty.base, &right.ty.base).ok_or_else(mismatch)?
    } else if left.ty.base == right.ty.base {
        left.ty.base.clone()
    } else {
        return Err(mismatch());
    };
    let sortable = ordered(&Type::of(base.clone()));
    if !equality && !sortable {
        return Err(mismatch());
    }
    let side = |value: Typed| {
        let ty = Type {
            base: base.clone(),
            nullable: value.ty.nullable,
        };
        let span = value.span;
        if value.ty.base == base {
            value
        } else {
            converted(value, &ty, span)
        }
    };
    let node = Node::Compare(op, Box::new(side(left)), Box::new(side(right)));
    Ok(folded(boolean(node, span)))
}

fn arithmetic(op: BinaryOp, left: Typed, right: Typed, span: Span) -> Bound {
    if op == BinaryOp::Add && (left.ty.is_string() || right.ty.is_string()) {
        let ty = Type::of(Base::String);
        let node = Node::Concat(Box::new(left), Box::new(right));
        return Ok(folded(Typed::new(node, ty, span)));
    }
    let mismatch = || {
        let message = format!(
            "`{}` does not take `{}` and `{}`",
            op.symbol(),
            left.ty,
            right.ty
        );
        let error = invalid(span, message);
        let mixed = left.ty.base == Base::Decimal || right.ty.base == Base::Decimal;
        if mixed && left.ty.is_numeric() && right.ty.is_numeric() {
            return error.with_help("cast one side, as in `(decimal)x`");
        }
        error
    };
    let nullable = left.ty.nullable || right.ty.nullable;
    let (base, result) = operand_and_result(op, &left.ty, &right.ty).ok_or_else(mismatch)?;
    let is_shift = matches!(op, BinaryOp::ShiftLeft | BinaryOp::ShiftRight);
    let keep = is_shift || matches!(base, Base::DateTime | Base::TimeSpan | Base::Bool);
    let side = |value: Typed, keep: bool| {
        let ty = Type {
            base: base.clone(),
            nullable: value.ty.nullable,
        };
        let span = value.span;
        if keep || value.ty.base == base {
            value
        } else {
            converted(value, &ty, span)
        }
    };
    let left = side(left, keep && !is_shift);
    let right = side(right, keep);
    let node = Node::Arithmetic(op, result.clone(), Box::new(left), Box::new(right));
    let ty = Type {
        base: result,
        nullable,
    };
    Ok(folded(Typed::new(node, ty, span)))
}

/// The type of the operands and that of the result.
fn operand_and_result(op: BinaryOp, left: &Type, right: &Type) -> Option<(Base, Base)> {
    let same = |base: Base| Some((base.clone(), base));
    match (op, &left.base, &right.base) {
        (BinaryOp::Subtract, Base::DateTime, Base::DateTime) => {
            Some((Base::DateTime, Base::TimeSpan))
        }
        (BinaryOp::Add | BinaryOp::Subtract, Base::DateTime, Base::TimeSpan) => {
            same(Base::DateTime)
        }
        (BinaryOp::Add | BinaryOp::Subtract, Base::TimeSpan, Base::TimeSpan) => {
            same(Base::TimeSpan)
        }
        (BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor, Base::Bool, Base::Bool)
            if !left.nullable && !right.nullable =>
        {
            same(Base::Bool)
        }
        (BinaryOp::ShiftLeft | BinaryOp::ShiftRight, base, count)
            if left.is_integer() && Type::of(count.clone()).converts_to(&Type::of(Base::Int)) =>
        {
            same(promoted(base, base)?)
        }
        (BinaryOp::BitAnd | BinaryOp::BitOr | BinaryOp::BitXor, a, b)
            if left.is_integer() && right.is_integer() =>
        {
            same(promoted(a, b)?)
        }
        (
            BinaryOp::Add
            | BinaryOp::Subtract
            | BinaryOp::Multiply
            | BinaryOp::Divide
            | BinaryOp::Remainder,
            a,
            b,
        ) if left.is_numeric() && right.is_numeric() => same(promoted(a, b)?),
        _ => None,
    }
}

/// An operator on literals, computed at once; what fails is left for the time it is evaluated.
fn folded(value: Typed) -> Typed {
    let constant = value
        .children()
        .iter()
        .all(|child| child.as_literal().is_some());
    if constant && let Ok(result) = value.constant() {
        return Typed::literal(result, value.ty, value.span);
    }
    value
}

impl BinaryOp {
    /// How a message names it.
    pub(crate) const fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::BitAnd => "&",
            Self::BitXor => "^",
            Self::BitOr => "|",
            Self::And => "&&",
            Self::Or => "||",
            Self::Coalesce => "??",
        }
    }
}
