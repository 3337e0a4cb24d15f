//! Members and calls: columns behind an alias, properties, static members, methods and their
//! overloads.

use super::bind::{Binder, Bound, NoColumns, convert, invalid, resolve};
use super::methods::{METHODS, Method, OPTIONS, P};
use super::{Node, Typed};
use crate::ast::{Argument, Call, Expr, ExprKind, Ident};
use crate::diagnostic::{Code, Diagnostic, closest};
use crate::source::Span;
use crate::types::{Base, Type};
use crate::value::Value;

/// Namespaces that may stand before the name of a class.
const NAMESPACES: [&str; 9] = [
    "Microsoft.Analytics.Samples.Formats.Json.",
    "System.Text.RegularExpressions.",
    "System.Text.",
    "System.Linq.",
    "System.IO.",
    "System.Globalization.",
    "System.Collections.Generic.",
    "System.",
    "global::System.",
];

/// `a.b.c` as its parts, if it is nothing but names.
fn dotted(expr: &Expr) -> Option<Vec<&str>> {
    match &expr.kind {
        ExprKind::Name(name) => Some(vec![name]),
        ExprKind::Variable(_) => None,
        ExprKind::Member(object, member) => {
            let mut parts = dotted(object)?;
            parts.push(&member.value);
            Some(parts)
        }
        _ => None,
    }
}

/// The class that a dotted name means: C#'s keyword for types that have one.
fn class_of(parts: &[&str]) -> Option<String> {
    let name = parts.join(".");
    let short = NAMESPACES
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(&name);
    if let Some(ty) = Type::named(short) {
        return Some(ty.to_string());
    }
    let known = METHODS.iter().any(|method| method.owner == short)
        || OPTIONS.iter().any(|(owner, _, _)| *owner == short)
        || matches!(
            short,
            "Enumerable" | "Encoding" | "Extractors" | "Outputters" | "SqlMap" | "SqlArray"
        );
    known.then(|| short.to_owned())
}

impl Binder<'_> {
    pub(super) fn member(&mut self, object: &Expr, member: &Ident, span: Span) -> Bound {
        if let Some(found) = self.qualified_column(object, member, span)? {
            return Ok(found);
        }
        if let Some(found) = super::system::job_info(object, member, span) {
            return Ok(found);
        }
        if let Some(class) = self.static_class(object) {
            return self.static_property(&class, member, span);
        }
        let value = self.bind(object)?;
        self.property(value, member, span)
    }

    /// `alias.column` or `@rowset.column`.
    fn qualified_column(
        &mut self,
        object: &Expr,
        member: &Ident,
        span: Span,
    ) -> Result<Option<Typed>, Diagnostic> {
        let qualifier = match &object.kind {
            ExprKind::Name(name) if self.local(name).is_none() => name.clone(),
            ExprKind::Variable(name) => format!("@{name}"),
            ExprKind::Member(..) => match dotted(object) {
                Some(parts) => parts.join("."),
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        self.scope.column(Some(&qualifier), &member.value, span)
    }

    /// The class that an expression names, unless its first name is a column or a parameter.
    fn static_class(&self, object: &Expr) -> Option<String> {
        let parts = dotted(object)?;
        let first = parts[0];
        let is_value = self.local(first).is_some()
            || matches!(self.scope.column(None, first, object.span), Ok(Some(_)));
        if is_value {
            return None;
        }
        class_of(&parts)
    }

    fn static_property(&mut self, class: &str, member: &Ident, span: Span) -> Bound {
        let option = OPTIONS
            .iter()
            .find(|(owner, name, _)| *owner == class && *name == member.value);
        if let Some((_, _, number)) = option {
            return Ok(Typed::literal(
                Value::Int(*number),
                Type::of(Base::Option),
                span,
            ));
        }
        if class == "DateTime" {
            let day = super::datetime::DAY;
            let moment = match member.value.as_str() {
                "Now" | "UtcNow" => Some(self.now),
                "Today" => Some(self.now.div_euclid(day) * day),
                _ => None,
            };
            if let Some(moment) = moment {
                return Ok(Typed::literal(
                    Value::DateTime(moment),
                    Type::of(Base::DateTime),
                    span,
                ));
            }
        }
        let found = METHODS.iter().find(|method| {
            method.owner == class
                && method.name == member.value
                && method.property
                && !method.instance
        });
        match found {
            Some(method) => self.invoke(method, Vec::new(), span),
            None => Err(no_member(class, &member.value, member.span)),
        }
    }

    fn property(&mut self, value: Typed, member: &Ident, span: Span) -> Bound {
        let name = member.value.as_str();
        let plain = Type {
            nullable: Type::of(value.ty.base.clone()).nullable,
            ..value.ty.clone()
        };
        let boxed = |value: Typed| Box::new(value);
        match (name, &value.ty.base) {
            ("HasValue", _) if value.ty.nullable && !plain.nullable => {
                return Ok(super::bind::is_null(value, true, span));
            }
            ("Value", base) if value.ty.nullable && !plain.nullable => {
                let ty = Type::of(base.clone());
                return Ok(Typed::new(Node::NonNull(boxed(value)), ty, span));
            }
            // `Regex.Match(…).Value`: the match is its text here.
            ("Value", Base::String) if is_match(&value) => return Ok(value),
            ("Success", Base::String) if is_match(&value) => {
                let empty = Typed::literal(Value::text(""), Type::of(Base::String), span);
                return super::operators::compare(
                    crate::ast::BinaryOp::NotEqual,
                    value,
                    empty,
                    span,
                );
            }
            _ => {}
        }
        if let Some(found) = super::linq::property(&value, name, span) {
            return Ok(found);
        }
        let owner = plain_name(&value.ty);
        let found = METHODS.iter().find(|method| {
            method.owner == owner && method.name == name && method.property && method.instance
        });
        match found {
            Some(method) => {
                let value = unwrapped(value);
                self.invoke(method, vec![value], span)
            }
            None => Err(no_member(&owner, name, member.span)),
        }
    }

    pub(super) fn call(&mut self, call: &Call) -> Bound {
        let span = call.span;
        let scope = self.scope;
        match &call.function.kind {
            ExprKind::Variable(name) => return self.call_lambda(name, &call.arguments, span),
            ExprKind::Name(name) => {
                return match scope.special(self, call, None) {
                    Some(bound) => bound,
                    None => Err(unknown_function(name, call.function.span)),
                };
            }
            _ => {}
        }
        let ExprKind::Member(object, member) = &call.function.kind else {
            return Err(invalid(span, "this cannot be called"));
        };
        if let Some(class) = self.static_class(object) {
            return self.call_static(&class, &member.value, &call.arguments, span);
        }
        if dotted(object).is_some_and(|parts| self.is_foreign(&parts, object)) {
            return Err(foreign(object, member, span));
        }
        let receiver = self.bind(object)?;
        self.call_instance(receiver, member, call)
    }

    /// Whether a dotted name is neither a column, nor a parameter, nor a class that is known.
    fn is_foreign(&self, parts: &[&str], object: &Expr) -> bool {
        let first = parts[0];
        let upper = first.starts_with(char::is_uppercase);
        let column = matches!(self.scope.column(None, first, object.span), Ok(Some(_)));
        let qualified = parts.len() > 1
            && matches!(
                self.scope.column(Some(first), parts[1], object.span),
                Ok(Some(_))
            );
        upper && self.local(first).is_none() && !column && !qualified
    }

    fn call_instance(&mut self, receiver: Typed, member: &Ident, call: &Call) -> Bound {
        let (name, span) = (member.value.as_str(), call.span);
        let text = Type::of(Base::String);
        match (name, call.arguments.as_slice()) {
            ("ToString", []) => {
                return Ok(Typed::new(
                    Node::ToText(Box::new(receiver), None),
                    text,
                    span,
                ));
            }
            ("ToString", [format, ..]) => {
                let bound = self.bind(&format.value)?;
                let format = (bound.ty.base != Base::Option).then(|| Box::new(bound));
                return Ok(Typed::new(
                    Node::ToText(Box::new(receiver), format),
                    text,
                    span,
                ));
            }
            ("Equals", [other]) if !receiver.ty.is_string() => {
                let other = self.bind(&other.value)?;
                let op = crate::ast::BinaryOp::Equal;
                return super::operators::compare(op, receiver, other, span);
            }
            ("GetValueOrDefault", arguments) if receiver.ty.nullable => {
                return self.value_or_default(receiver, arguments.first(), span);
            }
            _ => {}
        }
        if let Some(bound) = self.linq_call(&receiver, name, call) {
            return bound;
        }
        let owner = plain_name(&receiver.ty);
        let receiver = unwrapped(receiver);
        self.overloaded(
            &owner,
            name,
            Some(receiver),
            &call.arguments,
            member.span,
            span,
        )
    }

    fn value_or_default(&mut self, receiver: Typed, given: Option<&Argument>, span: Span) -> Bound {
        let ty = Type::of(receiver.ty.base.clone());
        let default = match given {
            Some(argument) => self.bind_as(&argument.value, &ty)?,
            None => Typed::literal(default_value(&ty.base), ty.clone(), span),
        };
        let node = Node::Coalesce(Box::new(receiver), Box::new(default));
        Ok(Typed::new(node, ty, span))
    }

    pub(super) fn call_static(
        &mut self,
        class: &str,
        name: &str,
        arguments: &[Argument],
        span: Span,
    ) -> Bound {
        match (class, name, arguments) {
            ("string", "Format", arguments) => {
                let mut values = Vec::new();
                for argument in arguments {
                    values.push(self.bind(&argument.value)?);
                }
                return Ok(Typed::new(
                    Node::Format(values),
                    Type::of(Base::String),
                    span,
                ));
            }
            ("Convert", "ToString", [argument, ..]) => {
                let value = self.bind(&argument.value)?;
                if value.ty.is_string() {
                    return Ok(value);
                }
                let node = Node::ToText(Box::new(value), None);
                return Ok(Typed::new(node, Type::of(Base::String), span));
            }
            ("Guid", "NewGuid", []) => return Ok(new_guid(span)),
            ("Guid", "new", [text]) => {
                return self.call_static("Guid", "Parse", std::slice::from_ref(text), span);
            }
            ("SqlMap", "Create" | "Update", [_, ..]) => {
                let maps = arguments.iter().map(|each| self.bind(&each.value));
                return super::linq::merged(maps.collect::<Result<_, _>>()?, span);
            }
            ("SqlArray", "Create", [array]) => return self.bind(&array.value),
            ("Enumerable", _, _) => return self.enumerable(name, arguments, span),
            (_, "TryParse", _) => {
                let message = format!(
                    "`{class}.TryParse` has an `out` argument, which an expression cannot take"
                );
                let help = format!(
                    "use `{class}.Parse`, with a condition in front of it for texts that do not fit"
                );
                return Err(invalid(span, message).with_help(help));
            }
            _ => {}
        }
        self.overloaded(class, name, None, arguments, span, span)
    }

    /// The first overload that takes the arguments.
    fn overloaded(
        &mut self,
        owner: &str,
        name: &str,
        receiver: Option<Typed>,
        arguments: &[Argument],
        name_span: Span,
        span: Span,
    ) -> Bound {
        let instance = receiver.is_some();
        let candidates: Vec<&'static Method> = METHODS
            .iter()
            .filter(|method| {
                let kind = method.instance == instance && !method.property || name == "new";
                method.owner == owner && method.name == name && kind
            })
            .collect();
        if candidates.is_empty() {
            return Err(no_member(owner, name, name_span));
        }
        let mut values: Vec<Typed> = receiver.into_iter().collect();
        for argument in arguments {
            values.push(self.bind(&argument.value)?);
        }
        let mut reason = None;
        for method in &candidates {
            match arranged(method, values.clone(), span) {
                Ok(values) => return self.invoke(method, values, span),
                Err(error) => reason = reason.or(error),
            }
        }
        if let ([_], Some(reason)) = (candidates.as_slice(), reason) {
            return Err(reason);
        }
        let given = values
            .iter()
            .skip(usize::from(instance))
            .map(|each| each.ty.to_string());
        let given = given.collect::<Vec<_>>().join(", ");
        let message = format!("no form of `{owner}.{name}` that is known here takes ({given})");
        let forms = candidates.iter().map(|method| signature(method));
        let help = format!("the forms are {}", forms.collect::<Vec<_>>().join("; "));
        Err(invalid(span, message).with_help(help))
    }

    fn invoke(&self, method: &'static Method, values: Vec<Typed>, span: Span) -> Bound {
        let ty = method.result.ty().unwrap_or_else(|| Type::of(Base::String));
        let constant = values.iter().all(|value| value.as_literal().is_some());
        let call = Typed::new(Node::Call(method, values), ty, span);
        if constant && let Ok(value) = call.constant() {
            return Ok(Typed::literal(value, call.ty, span));
        }
        Ok(call)
    }
}

/// The arguments in the order and the types of a method's parameters; without a reason when it is
/// only their number that does not fit.
fn arranged(
    method: &Method,
    values: Vec<Typed>,
    span: Span,
) -> Result<Vec<Typed>, Option<Diagnostic>> {
    let rest = method.parameters.last().is_some_and(|last| last.is_rest());
    let fixed = method.parameters.len() - usize::from(rest);
    if values.len() < fixed || !rest && values.len() > fixed {
        return Err(None);
    }
    let mut values = values.into_iter();
    let mut out = Vec::new();
    for parameter in &method.parameters[..fixed] {
        let Some(value) = values.next() else {
            return Err(None);
        };
        out.push(match parameter.ty() {
            Some(target) => convert(value, &target)?,
            None => value,
        });
    }
    if let Some(last) = method.parameters.last().filter(|last| last.is_rest()) {
        out.push(rest_array(*last, values.collect(), span)?);
    }
    Ok(out)
}

/// The remaining arguments as one array.
fn rest_array(kind: P, mut values: Vec<Typed>, span: Span) -> Result<Typed, Option<Diagnostic>> {
    let Some(target) = kind.ty() else {
        return Err(None);
    };
    let Base::Array(element) = target.base.clone() else {
        return Err(None);
    };
    if let [only] = values.as_slice()
        && matches!(only.ty.base, Base::Array(_) | Base::Map(..))
    {
        let only = super::linq::pairs(values.remove(0));
        return Ok(if kind == P::RestAny {
            super::linq::texts(only)
        } else {
            convert(only, &target)?
        });
    }
    let mut elements = Vec::new();
    for value in values {
        elements.push(if kind == P::RestAny && !value.ty.is_string() {
            let span = value.span;
            Typed::new(
                Node::ToText(Box::new(value), None),
                Type::of(Base::String),
                span,
            )
        } else {
            convert(value, &element)?
        });
    }
    Ok(Typed::new(Node::NewArray(elements), target, span))
}

/// A `T?` in front of a member is its value, and fails for null.
fn unwrapped(value: Typed) -> Typed {
    let plain = Type::of(value.ty.base.clone());
    if plain == value.ty {
        return value;
    }
    let span = value.span;
    Typed::new(Node::NonNull(Box::new(value)), plain, span)
}

fn plain_name(ty: &Type) -> String {
    let plain = Type {
        nullable: false,
        ..ty.clone()
    };
    plain.to_string()
}

fn is_match(value: &Typed) -> bool {
    matches!(&value.node, Node::Call(method, _) if method.owner == "Regex" && method.name == "Match")
        || matches!(&value.node, Node::Literal(_))
}

pub(super) fn default_value(base: &Base) -> Value {
    match base {
        Base::Bool => Value::Bool(false),
        Base::Float => Value::Float(0.0),
        Base::Double => Value::Double(0.0),
        Base::Decimal => Value::Decimal(rust_decimal::Decimal::ZERO),
        Base::ULong => Value::ULong(0),
        // 0001-01-01.
        Base::DateTime => Value::DateTime(-62_135_596_800 * super::datetime::SECOND),
        Base::TimeSpan => Value::TimeSpan(0),
        Base::Guid => Value::Guid(0),
        Base::String | Base::Bytes | Base::Array(_) | Base::Map(..) | Base::Null => Value::Null,
        _ => Value::Int(0),
    }
}

/// A method without arguments, so that it is never folded and makes a new value for every row.
fn new_guid(span: Span) -> Typed {
    static NEW_GUID: Method = Method {
        owner: "Guid",
        name: "NewGuid",
        instance: false,
        property: false,
        parameters: &[],
        result: P::Guid,
        run: |_| Ok(Value::Guid(super::random_guid())),
    };
    Typed::new(
        Node::Call(&NEW_GUID, Vec::new()),
        Type::of(Base::Guid),
        span,
    )
}

fn signature(method: &Method) -> String {
    let skipped = usize::from(method.instance);
    let parameters = method.parameters.iter().skip(skipped).map(|parameter| {
        let name = parameter
            .ty()
            .map_or_else(|| "any".to_owned(), |ty| ty.to_string());
        if parameter.is_rest() {
            format!("params {name}")
        } else {
            name
        }
    });
    format!(
        "{}({})",
        method.name,
        parameters.collect::<Vec<_>>().join(", ")
    )
}

fn no_member(owner: &str, name: &str, span: Span) -> Diagnostic {
    let members = METHODS
        .iter()
        .filter(|method| method.owner == owner)
        .map(|method| method.name);
    let error = invalid(
        span,
        format!("`{owner}` has no member `{name}` that is known here"),
    );
    match closest(name, members) {
        Some(close) => error.with_help(format!("did you mean `{close}`?")),
        None => error,
    }
}

fn unknown_function(name: &str, span: Span) -> Diagnostic {
    let aggregates = super::AGGREGATES.iter().copied();
    if super::AGGREGATES.contains(&name) {
        let message = format!(
            "the aggregate `{name}` stands only in the list behind `SELECT` or in `HAVING`"
        );
        return invalid(span, message);
    }
    let error = invalid(span, format!("there is no function `{name}`"));
    match closest(name, aggregates) {
        Some(close) => error.with_help(format!("did you mean `{close}`?")),
        None => error,
    }
}

/// Code of the user's own.
fn foreign(object: &Expr, member: &Ident, span: Span) -> Diagnostic {
    let class = dotted(object).unwrap_or_default().join(".");
    let message = format!(
        "`{class}.{}` is C# of the user's own, which does not run here",
        member.value
    );
    Diagnostic::error(Code::Unsupported, span, message).with_help(
        "write it with the methods of C# that U-SQL knows, or do this part in a PythonScriptStep",
    )
}

/// Evaluates an expression that reads no column: `DECLARE`, paths, conditions of `IF`.
pub(crate) fn constant(
    expr: &Expr,
    variables: &super::bind::Variables,
    now: i64,
) -> Result<(Value, Type), Diagnostic> {
    let bound = Binder::new(&NoColumns, variables, now).bind(expr)?;
    let value = bound
        .constant()
        .map_err(|error| Diagnostic::error(Code::NotConstant, error.span, error.message))?;
    Ok((value, bound.ty))
}

/// The type of a `DECLARE`, checked against its value.
pub(crate) fn declared(
    expr: &Expr,
    written: &crate::ast::TypeRef,
    variables: &super::bind::Variables,
    now: i64,
) -> Result<(Value, Type), Diagnostic> {
    let target = resolve(written)?;
    let bound = Binder::new(&NoColumns, variables, now).bind_as(expr, &target)?;
    let value = bound
        .constant()
        .map_err(|error| Diagnostic::error(Code::NotConstant, error.span, error.message))?;
    Ok((value, target))
}
