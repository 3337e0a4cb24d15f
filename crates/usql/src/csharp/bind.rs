//! Gives expressions their meaning: names become columns, variables or members; operands get the
//! types they are computed in; what C# would not compile is one diagnostic.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::{Node, Typed};
use crate::ast::{Argument, Call, Expr, ExprKind, NewObject, TypeRef, Window};
use crate::diagnostic::{Code, Diagnostic, closest};
use crate::lexer::NumberSuffix;
use crate::source::Span;
use crate::types::{Base, Type};
use crate::value::Value;

/// An expression, or why it has no meaning.
pub(crate) type Bound = Result<Typed, Diagnostic>;

/// What names of an expression may stand for.
pub(crate) trait Scope {
    /// The column of a name, by itself or behind an alias; `None` if there is none.
    ///
    /// # Errors
    /// When several columns have the name.
    fn column(
        &self,
        qualifier: Option<&str>,
        name: &str,
        span: Span,
    ) -> Result<Option<Typed>, Diagnostic>;

    /// The names that an unknown one is compared with.
    fn names(&self) -> Vec<String>;

    /// The meaning of an aggregate or a window function, where there may be one.
    fn special(
        &self,
        _binder: &mut Binder<'_>,
        _call: &Call,
        _window: Option<&Window>,
    ) -> Option<Bound> {
        None
    }
}

/// A scope without columns: what `DECLARE`, paths and `VALUES` see.
pub(crate) struct NoColumns;

impl Scope for NoColumns {
    fn column(&self, _: Option<&str>, _: &str, _: Span) -> Result<Option<Typed>, Diagnostic> {
        Ok(None)
    }

    fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A scalar variable: its value, or a lambda that is bound where it is called.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Variable {
    Scalar(Typed),
    Lambda(Vec<crate::ast::Ident>, Expr),
}

pub(crate) type Variables = BTreeMap<String, Variable>;

/// A name within a lambda.
#[derive(Debug, Clone)]
pub(super) struct Local {
    pub(super) name: String,
    /// Its slot, or the expression that it stands for.
    pub(super) value: Typed,
}

/// Binds the expressions of one scope.
pub(crate) struct Binder<'a> {
    pub(super) scope: &'a dyn Scope,
    pub(super) variables: &'a Variables,
    /// The time of the job in microseconds, so that `DateTime.Now` is one moment.
    pub(super) now: i64,
    pub(super) locals: Vec<Local>,
}

pub(super) fn invalid(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::InvalidExpression, span, message)
}

impl<'a> Binder<'a> {
    pub(crate) const fn new(scope: &'a dyn Scope, variables: &'a Variables, now: i64) -> Self {
        Self {
            scope,
            variables,
            now,
            locals: Vec::new(),
        }
    }

    pub(crate) const fn variables(&self) -> &'a Variables {
        self.variables
    }

    pub(crate) const fn now(&self) -> i64 {
        self.now
    }

    pub(crate) fn bind(&mut self, expr: &Expr) -> Bound {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Null => Ok(Typed::literal(Value::Null, Type::of(Base::Null), span)),
            ExprKind::Bool(value) => Ok(Typed::literal(
                Value::Bool(*value),
                Type::of(Base::Bool),
                span,
            )),
            ExprKind::Text(text) => {
                let ty = Type {
                    base: Base::String,
                    nullable: true,
                };
                Ok(Typed::literal(Value::text(text), ty, span))
            }
            ExprKind::Char(c) => {
                let unit = c.encode_utf16(&mut [0; 2])[0];
                Ok(Typed::literal(
                    Value::Int(unit.into()),
                    Type::of(Base::Char),
                    span,
                ))
            }
            ExprKind::Number(text, suffix) => number(text, *suffix, span),
            ExprKind::Name(name) => self.name(name, span),
            ExprKind::Variable(name) => self.variable(name, span),
            ExprKind::SystemVariable(name) => {
                Err(invalid(span, format!("`@@{name}` has no value here"))
                    .with_help("parameters of a pipeline step are written `@@name@@`"))
            }
            ExprKind::Member(object, member) => self.member(object, member, span),
            ExprKind::Index(object, index) => self.index(object, index, span),
            ExprKind::Call(call) => self.call(call),
            ExprKind::New(new) => self.new_object(new, span),
            ExprKind::Unary(op, operand) => self.unary(*op, operand, span),
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, span),
            ExprKind::Cast(ty, operand) => self.cast(ty, operand, span),
            ExprKind::Conditional(condition, then, otherwise) => {
                self.conditional(condition, then, otherwise, span)
            }
            ExprKind::Lambda(..) => Err(invalid(span, "a lambda stands only in an argument")),
            ExprKind::Is(operand, ty) => self.is_type(operand, ty, span),
            ExprKind::As(operand, ty) => self.cast(ty, operand, span),
            ExprKind::In(operand, values, negated) => self.is_in(operand, values, *negated, span),
            ExprKind::Between(value, low, high, negated) => {
                self.between(value, low, high, *negated, span)
            }
            ExprKind::Like(value, pattern, negated) => self.like(value, pattern, *negated, span),
            ExprKind::IsNull(operand, negated) => {
                let operand = self.bind(operand)?;
                Ok(is_null(operand, *negated, span))
            }
            ExprKind::Case(case) => self.case(case, span),
            ExprKind::Over(call, window) => self.special(call, Some(window), span),
            ExprKind::Comprehension(comprehension) => self.comprehension(comprehension, span),
            ExprKind::Type(ty) => Err(invalid(
                span,
                format!("`{}` is a type, not a value", ty.name),
            )),
        }
    }

    /// Binds an expression that must be true or false, and never null.
    pub(crate) fn condition(&mut self, expr: &Expr) -> Bound {
        let bound = self.bind(expr)?;
        if bound.ty == Type::of(Base::Bool) {
            return Ok(bound);
        }
        let help = if bound.ty.base == Base::Bool {
            "a `bool?` may be null; compare it, as in `x == true`"
        } else {
            ""
        };
        let message = format!("a condition is a `bool`, not `{}`", bound.ty);
        Err(invalid(expr.span, message).with_help(help))
    }

    /// Binds an expression and converts it implicitly.
    pub(crate) fn bind_as(&mut self, expr: &Expr, ty: &Type) -> Bound {
        let bound = self.bind(expr)?;
        convert(bound, ty)
    }

    fn special(&mut self, call: &Call, window: Option<&Window>, span: Span) -> Bound {
        let scope = self.scope;
        scope.special(self, call, window).unwrap_or_else(|| {
            Err(invalid(
                span,
                "a window function stands only in the list behind `SELECT`",
            ))
        })
    }

    fn name(&mut self, name: &str, span: Span) -> Bound {
        if let Some(local) = self.local(name) {
            return Ok(Typed { span, ..local });
        }
        if let Some(column) = self.scope.column(None, name, span)? {
            return Ok(column);
        }
        if Type::named(name).is_some() {
            return Err(invalid(span, format!("`{name}` is a type, not a value")));
        }
        Err(self.unknown_column(name, span))
    }

    pub(super) fn local(&self, name: &str) -> Option<Typed> {
        let found = self.locals.iter().rev().find(|local| local.name == name);
        found.map(|local| local.value.clone())
    }

    pub(super) fn unknown_column(&self, name: &str, span: Span) -> Diagnostic {
        let names = self.scope.names();
        let error = invalid(span, format!("there is no column `{name}`"));
        if let Some(close) = closest(name, names.iter().map(String::as_str)) {
            return error.with_help(format!("did you mean `{close}`?"));
        }
        if names.is_empty() {
            return error;
        }
        error.with_help(format!("the columns are {}", names.join(", ")))
    }

    fn variable(&self, name: &str, span: Span) -> Bound {
        match self.variables.get(name) {
            Some(Variable::Scalar(value)) => Ok(Typed {
                span,
                ..value.clone()
            }),
            Some(Variable::Lambda(..)) => Err(invalid(
                span,
                format!("`@{name}` is a function; call it, as in `@{name}(x)`"),
            )),
            None => {
                let written = if name.contains('@') {
                    name.to_owned()
                } else {
                    format!("@{name}")
                };
                let error = invalid(span, format!("the variable `{written}` is not declared"));
                let known = self.variables.keys().map(String::as_str);
                Err(match closest(name, known) {
                    Some(close) => error.with_help(format!("did you mean `@{close}`?")),
                    None => error,
                })
            }
        }
    }

    /// Calls a lambda variable: its body with the arguments in place of its parameters.
    pub(super) fn call_lambda(&mut self, name: &str, arguments: &[Argument], span: Span) -> Bound {
        let Some(Variable::Lambda(parameters, body)) = self.variables.get(name) else {
            return Err(invalid(span, format!("`@{name}` is not a function")));
        };
        if parameters.len() != arguments.len() {
            let message = format!(
                "`@{name}` takes {} arguments, not {}",
                parameters.len(),
                arguments.len()
            );
            return Err(invalid(span, message));
        }
        let mut given = Vec::new();
        for (parameter, argument) in parameters.iter().zip(arguments) {
            let name = parameter.value.clone();
            let value = self.bind(&argument.value)?;
            given.push(Local { name, value });
        }
        let outer = std::mem::replace(&mut self.locals, given);
        let bound = self.bind(body);
        self.locals = outer;
        bound
    }

    fn index(&mut self, object: &Expr, index: &[Expr], span: Span) -> Bound {
        let object = self.bind(object)?;
        let [index] = index else {
            return Err(invalid(span, "there are arrays of one dimension only"));
        };
        match object.ty.base.clone() {
            Base::Map(key, value) => {
                let index = self.bind_as(index, &key.or_null())?;
                let node = Node::Lookup(Box::new(object), Box::new(index));
                Ok(Typed::new(node, value.or_null(), span))
            }
            base => {
                let element = match base {
                    Base::Array(element) => *element,
                    Base::String => Type::of(Base::Char),
                    Base::Bytes => Type::of(Base::Byte),
                    _ => {
                        let message = format!("a value of type `{}` has no elements", object.ty);
                        return Err(invalid(span, message));
                    }
                };
                let index = self.bind_as(index, &Type::of(Base::Int))?;
                let node = Node::Element(Box::new(object), Box::new(index));
                Ok(Typed::new(node, element, span))
            }
        }
    }

    fn new_object(&mut self, new: &NewObject, span: Span) -> Bound {
        let Some(written) = &new.ty else {
            let elements = self.elements(new)?;
            let Some(first) = elements.first().map(|each| each.ty.clone()) else {
                return Err(invalid(span, "`new []` without elements has no type"));
            };
            let ty = elements.iter().try_fold(first, |ty, each| {
                common_type(&ty, &each.ty).ok_or_else(|| {
                    invalid(each.span, "the elements of `new []` have no common type")
                })
            })?;
            return new_array(elements, ty, span);
        };
        let ty = if written.name == "List" || written.name.ends_with(".List") {
            Type::array(resolve(written.arguments.first().unwrap_or(written))?)
        } else {
            resolve(written)?
        };
        match ty.base.clone() {
            Base::Array(element) if new.arguments.is_empty() => {
                new_array(self.elements(new)?, *element, span)
            }
            Base::Array(_) => {
                let [argument] = new.arguments.as_slice() else {
                    return Err(invalid(span, "an array is made from one collection"));
                };
                self.bind_as(&argument.value, &ty)
            }
            Base::Map(key, value) => self.new_map(new, *key, *value, ty, span),
            Base::Bytes => Err(invalid(
                span,
                "`byte[]` is made by `Convert` or read from files",
            )),
            base => {
                let owner = Type::of(base).to_string();
                self.call_static(&owner, "new", &new.arguments, span)
            }
        }
    }

    fn elements(&mut self, new: &NewObject) -> Result<Vec<Typed>, Diagnostic> {
        let elements = new.elements.as_deref().unwrap_or_default();
        elements
            .iter()
            .flat_map(|element| &element.0)
            .map(|each| self.bind(each))
            .collect()
    }

    /// A map of its entries, over those of another map or of pairs; `KeyValuePair` of its two
    /// arguments.
    fn new_map(&mut self, new: &NewObject, key: Type, value: Type, ty: Type, span: Span) -> Bound {
        let pair = new
            .ty
            .as_ref()
            .is_some_and(|ty| ty.name.ends_with("KeyValuePair"));
        let mut entries = Vec::new();
        if let ([first, second], true) = (new.arguments.as_slice(), pair) {
            let second = self.bind_as(&second.value, &value.clone().or_null())?;
            entries.push((self.bind_as(&first.value, &key)?, second));
        }
        for element in new.elements.as_deref().unwrap_or_default() {
            let [first, second] = element.0.as_slice() else {
                return Err(invalid(span, "an entry of a map is `{key, value}`"));
            };
            let second = self.bind_as(second, &value.clone().or_null())?;
            entries.push((self.bind_as(first, &key)?, second));
        }
        let given = Typed::new(Node::NewMap(entries), ty.clone(), span);
        match new.arguments.as_slice() {
            [] => Ok(given),
            [_, _] if pair => Ok(given),
            [from] if !pair => {
                let from = self.bind(&from.value)?;
                let all = super::linq::merged(vec![from, given], span)?;
                convert(all, &ty)
            }
            _ => Err(invalid(
                span,
                "a map is made from one collection, a pair from two values",
            )),
        }
    }
}

fn new_array(elements: Vec<Typed>, element: Type, span: Span) -> Bound {
    let converted = elements.into_iter().map(|each| {
        let target = element.clone();
        convert(each, &target)
    });
    let node = Node::NewArray(converted.collect::<Result<_, _>>()?);
    Ok(Typed::new(node, Type::array(element), span))
}

/// The type that a reference to one means.
pub(crate) fn resolve(written: &TypeRef) -> Result<Type, Diagnostic> {
    let unknown = || {
        let known = [
            "string", "int", "long", "double", "float", "decimal", "bool", "DateTime",
        ];
        let error = invalid(
            written.span,
            format!("`{}` is not a type that is known here", written.name),
        );
        match closest(&written.name, known) {
            Some(close) => error.with_help(format!("did you mean `{close}`?")),
            None => error.with_help("types of the user's own need C#, which does not run here"),
        }
    };
    let argument = |at: usize| {
        written
            .arguments
            .get(at)
            .ok_or_else(unknown)
            .and_then(resolve)
    };
    let name = written
        .name
        .rsplit("Types.Sql.")
        .next()
        .unwrap_or(&written.name);
    let mut ty = match name {
        "SQL.ARRAY" | "SqlArray" | "IEnumerable" | "List" => Type::array(argument(0)?),
        // A pair is a map of one entry here.
        "SQL.MAP" | "SqlMap" | "Dictionary" | "IDictionary" | "KeyValuePair" => {
            Type::of(Base::Map(Box::new(argument(0)?), Box::new(argument(1)?)))
        }
        "Nullable" => argument(0)?.or_null(),
        name => Type::named(name).ok_or_else(unknown)?,
    };
    if written.nullable {
        if Type::of(ty.base.clone()).nullable {
            let message = format!("`{ty}` takes null already; `?` is for value types");
            return Err(invalid(written.span, message));
        }
        ty.nullable = true;
    }
    for _ in 0..written.array_rank {
        ty = match ty.base {
            Base::Byte => Type::of(Base::Bytes),
            _ => Type::array(ty),
        };
    }
    Ok(ty)
}

/// A literal number: the first of `int`, `uint`, `long`, `ulong` that holds it (C# language
/// specification, 6.4.5.3).
fn number(text: &str, suffix: NumberSuffix, span: Span) -> Bound {
    let literal = |value: Value, base: Base| Ok(Typed::literal(value, Type::of(base), span));
    let malformed = || invalid(span, format!("`{text}` is too large for its type"));
    let is_real = text.contains(['.', 'e', 'E']);
    let double = || text.parse::<f64>().map_err(|_| malformed());
    match suffix {
        NumberSuffix::Float => literal(Value::Float(double()? as f32), Base::Float),
        NumberSuffix::Double => literal(Value::Double(double()?), Base::Double),
        NumberSuffix::Decimal => {
            let value: Decimal = text.parse().map_err(|_| malformed())?;
            literal(Value::Decimal(value), Base::Decimal)
        }
        _ if is_real => literal(Value::Double(double()?), Base::Double),
        suffix => {
            let value: u64 = text.parse().map_err(|_| malformed())?;
            let unsigned = matches!(suffix, NumberSuffix::Unsigned | NumberSuffix::UnsignedLong);
            let long = matches!(suffix, NumberSuffix::Long | NumberSuffix::UnsignedLong);
            let signed = i64::try_from(value);
            match signed {
                Ok(value) if !unsigned && !long && i32::try_from(value).is_ok() => {
                    literal(Value::Int(value), Base::Int)
                }
                Ok(value) if !long && u32::try_from(value).is_ok() => {
                    literal(Value::Int(value), Base::UInt)
                }
                Ok(value) if !unsigned => literal(Value::Int(value), Base::Long),
                _ => literal(Value::ULong(value), Base::ULong),
            }
        }
    }
}

/// Converts implicitly, or says that a cast is needed.
pub(crate) fn convert(value: Typed, target: &Type) -> Bound {
    if value.ty == *target {
        return Ok(value);
    }
    let (span, from) = (value.span, value.ty.clone());
    if value.ty.converts_to(target) {
        if value.ty.base == target.base || value.ty.base == Base::Null {
            return Ok(Typed {
                ty: target.clone(),
                ..value
            });
        }
        return Ok(converted(value, target, span));
    }
    if fits_constant(&value, target) {
        return Ok(converted(value, target, span));
    }
    if let (Base::Array(_), Base::Array(_)) = (&from.base, &target.base) {
        return super::linq::convert_elements(value, target);
    }
    let error = invalid(
        span,
        format!("a value of type `{from}` is not of type `{target}`"),
    );
    let nullable = from.nullable && !target.nullable && from.base == target.base;
    Err(if from.base == Base::Null {
        error.with_help(format!("`{target}` takes no null; use `{target}?`"))
    } else if nullable {
        error.with_help("it may be null; use `??` with a value for that case, or `.Value`")
    } else if from.is_numeric() && target.is_numeric() {
        error.with_help(format!("write the cast `({target})`"))
    } else {
        error
    })
}

/// A conversion as a cast makes it.
pub(crate) fn explicit(value: Typed, target: &Type, span: Span) -> Typed {
    converted(value, target, span)
}

/// A conversion, done at once for a literal.
pub(super) fn converted(value: Typed, target: &Type, span: Span) -> Typed {
    if let Some(literal) = value.as_literal()
        && let Ok(folded) = super::convert::cast(literal, &value.ty.base, &target.base)
    {
        return Typed::literal(folded, target.clone(), span);
    }
    let node = Node::Convert(target.base.clone(), Box::new(value));
    Typed::new(node, target.clone(), span)
}

/// Whether a constant `int` fits a smaller type (C# language specification, 10.2.11).
fn fits_constant(value: &Typed, target: &Type) -> bool {
    let Some(Value::Int(number)) = value.as_literal() else {
        return false;
    };
    let constant = value.ty.base == Base::Int || value.ty.base == Base::Long && *number >= 0;
    let in_range = match target.base {
        Base::SByte => i8::try_from(*number).is_ok(),
        Base::Byte => u8::try_from(*number).is_ok(),
        Base::Short => i16::try_from(*number).is_ok(),
        Base::UShort => u16::try_from(*number).is_ok(),
        Base::UInt => u32::try_from(*number).is_ok(),
        Base::ULong => *number >= 0,
        _ => false,
    };
    constant && in_range && (value.ty.base == Base::Int || target.base == Base::ULong)
}

/// The type that two branches share; `None` if C# finds none.
pub(super) fn common_type(left: &Type, right: &Type) -> Option<Type> {
    if left == right || right.converts_to(left) {
        return Some(left.clone());
    }
    if left.converts_to(right) {
        return Some(right.clone());
    }
    // `int?` and `long`: the wider type, with null.
    let (plain_left, plain_right) = (Type::of(left.base.clone()), Type::of(right.base.clone()));
    let wide = if plain_right.converts_to(&plain_left) {
        plain_left
    } else if plain_left.converts_to(&plain_right) {
        plain_right
    } else {
        return None;
    };
    Some(wide.or_null())
}

pub(super) fn is_null(operand: Typed, negated: bool, span: Span) -> Typed {
    let ty = Type::of(Base::Bool);
    let test = Typed::new(Node::IsNull(Box::new(operand)), ty.clone(), span);
    if negated {
        return Typed::new(Node::Not(Box::new(test)), ty, span);
    }
    test
}
