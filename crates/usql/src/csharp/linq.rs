//! LINQ on arrays: `Where`, `Select` and their kin, with lambdas.

use super::bind::{Binder, Bound, Local, convert, invalid};
use super::{Node, Typed};
use crate::ast::{Argument, Call, Comprehension, Expr, ExprKind, Ident};
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::types::{Base, Type};
use crate::value::Value;

/// What is done with the elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Where,
    Select,
    SelectMany,
    Distinct,
    First,
    FirstOrDefault,
    Last,
    LastOrDefault,
    Count,
    Min,
    Max,
    Sum,
    Average,
    Any,
    All,
    Contains,
    ContainsKey,
    Concat,
    Union,
    Skip,
    Take,
    SkipWhile,
    TakeWhile,
    Reverse,
    OrderBy,
    OrderByDescending,
    Keys,
    Values,
    Range,
    /// The entries of a map, each as a map of one.
    Pairs,
    /// One map of many; of several entries with one key the last stays.
    Merge,
    /// One map of many, whose keys all differ.
    Dictionary,
}

impl Operator {
    /// The operator that a method of arrays stands for.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "Where" => Self::Where,
            "Select" => Self::Select,
            "SelectMany" => Self::SelectMany,
            "Distinct" => Self::Distinct,
            "First" => Self::First,
            "FirstOrDefault" => Self::FirstOrDefault,
            "Last" => Self::Last,
            "LastOrDefault" => Self::LastOrDefault,
            "Count" => Self::Count,
            "Min" => Self::Min,
            "Max" => Self::Max,
            "Sum" => Self::Sum,
            "Average" => Self::Average,
            "Any" => Self::Any,
            "All" => Self::All,
            "Contains" => Self::Contains,
            "Concat" => Self::Concat,
            "Union" => Self::Union,
            "Skip" => Self::Skip,
            "Take" => Self::Take,
            "SkipWhile" => Self::SkipWhile,
            "TakeWhile" => Self::TakeWhile,
            "Reverse" => Self::Reverse,
            "OrderBy" => Self::OrderBy,
            "OrderByDescending" => Self::OrderByDescending,
            _ => return None,
        })
    }

    /// Whether it takes exactly one argument.
    const fn needs_argument(self) -> bool {
        matches!(
            self,
            Self::Where
                | Self::Select
                | Self::SelectMany
                | Self::All
                | Self::Contains
                | Self::Concat
                | Self::Union
                | Self::Skip
                | Self::Take
                | Self::SkipWhile
                | Self::TakeWhile
                | Self::OrderBy
                | Self::OrderByDescending
        )
    }

    /// Whether its lambda is a condition.
    const fn takes_condition(self) -> bool {
        matches!(
            self,
            Self::Where
                | Self::SkipWhile
                | Self::TakeWhile
                | Self::Any
                | Self::All
                | Self::Count
                | Self::First
                | Self::FirstOrDefault
                | Self::Last
                | Self::LastOrDefault
        )
    }
}

/// An argument: a lambda over elements, or a value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Operand {
    /// The body, and the slot of its first parameter.
    Lambda(Typed, usize),
    Value(Typed),
}

impl Operand {
    pub(super) const fn body(&self) -> &Typed {
        match self {
            Self::Lambda(body, _) | Self::Value(body) => body,
        }
    }

    pub(super) const fn body_mut(&mut self) -> &mut Typed {
        match self {
            Self::Lambda(body, _) | Self::Value(body) => body,
        }
    }
}

fn linq(operator: Operator, source: Typed, operands: Vec<Operand>, ty: Type, span: Span) -> Typed {
    Typed::new(Node::Linq(operator, Box::new(source), operands), ty, span)
}

/// The element type of what can be enumerated.
fn element_of(ty: &Type) -> Option<Type> {
    match &ty.base {
        Base::Array(element) => Some((**element).clone()),
        _ => None,
    }
}

/// `Count`, `Length`, `Keys` and `Values` of arrays and maps.
pub(super) fn property(value: &Typed, name: &str, span: Span) -> Option<Typed> {
    let int = Type::of(Base::Int);
    let apply = |operator, ty| Some(linq(operator, value.clone(), Vec::new(), ty, span));
    match (&value.ty.base, name) {
        (Base::Array(_) | Base::Map(..) | Base::Bytes, "Count" | "Length") => {
            apply(Operator::Count, int)
        }
        (Base::Map(key, _), "Keys") => apply(Operator::Keys, Type::array((**key).clone())),
        (Base::Map(_, value), "Values") => apply(Operator::Values, Type::array((**value).clone())),
        (Base::Map(key, _), "Key") => {
            let keys = property(value, "Keys", span)?;
            Some(only(keys, (**key).clone(), span))
        }
        (Base::Map(_, each), "Value") => {
            let values = property(value, "Values", span)?;
            Some(only(values, (**each).clone(), span))
        }
        _ => None,
    }
}

/// The only element of an array.
fn only(array: Typed, element: Type, span: Span) -> Typed {
    let at = Typed::literal(Value::Int(0), Type::of(Base::Int), span);
    Typed::new(Node::Element(Box::new(array), Box::new(at)), element, span)
}

/// The entries of a map as an array; what is no map stays as it is.
pub(super) fn pairs(value: Typed) -> Typed {
    if !matches!(value.ty.base, Base::Map(..)) {
        return value;
    }
    let (ty, span) = (Type::array(value.ty.clone()), value.span);
    linq(Operator::Pairs, value, Vec::new(), ty, span)
}

/// One map of maps and of arrays of pairs; the entries of the last win.
pub(super) fn merged(parts: Vec<Typed>, span: Span) -> Bound {
    let mut all: Option<Typed> = None;
    for part in parts.into_iter().map(pairs) {
        let element = element_of(&part.ty).map(|element| element.base);
        let Some(Base::Map(..)) = element else {
            return Err(invalid(
                part.span,
                "a map is made from another, or from `KeyValuePair`s",
            ));
        };
        all = Some(match all {
            None => part,
            Some(all) => {
                let part = convert(part, &all.ty)?;
                let ty = all.ty.clone();
                linq(Operator::Concat, all, vec![Operand::Value(part)], ty, span)
            }
        });
    }
    let all = all.ok_or_else(|| invalid(span, "an argument is missing"))?;
    let ty = element_of(&all.ty).unwrap_or_else(|| all.ty.clone());
    Ok(linq(Operator::Merge, all, Vec::new(), ty, span))
}

/// Every element as a text; a pair is `[key, value]`, as .NET writes it.
pub(super) fn texts(array: Typed) -> Typed {
    map(array, Type::of(Base::String), |element| {
        let span = element.span;
        if let (Some(key), Some(value)) = (
            property(&element, "Key", span),
            property(&element, "Value", span),
        ) {
            let text = Type::of(Base::String);
            let form = Typed::literal(Value::text("[{0}, {1}]"), text.clone(), span);
            return Typed::new(Node::Format(vec![form, key, value]), text, span);
        }
        Typed::new(
            Node::ToText(Box::new(element), None),
            Type::of(Base::String),
            span,
        )
    })
}

/// Converts the elements of an array.
pub(super) fn convert_elements(array: Typed, target: &Type) -> Bound {
    let (Some(from), Some(to)) = (element_of(&array.ty), element_of(target)) else {
        return Err(invalid(array.span, "this is no array"));
    };
    if !from.converts_to(&to) {
        let message = format!("elements of type `{from}` are not `{to}`");
        return Err(invalid(array.span, message));
    }
    Ok(map(array, to.clone(), |element| {
        let span = element.span;
        super::bind::converted(element, &to, span)
    }))
}

fn map(array: Typed, to: Type, body: impl FnOnce(Typed) -> Typed) -> Typed {
    let span = array.span;
    let element = element_of(&array.ty).unwrap_or_else(|| Type::of(Base::Null));
    if element == to {
        return array;
    }
    // A slot above all others, so that it hides no parameter.
    const SLOT: usize = 1 << 16;
    let local = Typed::new(Node::Local(SLOT), element, span);
    let body = body(local);
    let operands = vec![Operand::Lambda(body, SLOT)];
    linq(Operator::Select, array, operands, Type::array(to), span)
}

impl Binder<'_> {
    /// A LINQ method of an array; `None` if it is not one.
    pub(super) fn linq_call(&mut self, receiver: &Typed, name: &str, call: &Call) -> Option<Bound> {
        if let (Base::Map(key, _), "ContainsKey", [argument]) =
            (&receiver.ty.base, name, call.arguments.as_slice())
        {
            let key = self.bind_as(&argument.value, key);
            let boolean = Type::of(Base::Bool);
            return Some(key.map(|key| {
                linq(
                    Operator::ContainsKey,
                    receiver.clone(),
                    vec![Operand::Value(key)],
                    boolean,
                    call.span,
                )
            }));
        }
        let receiver = pairs(receiver.clone());
        let element = element_of(&receiver.ty)?;
        Some(self.linq_method(receiver, &element, name, call))
    }

    fn linq_method(&mut self, source: Typed, element: &Type, name: &str, call: &Call) -> Bound {
        let (span, arguments) = (call.span, call.arguments.as_slice());
        let (int, boolean) = (Type::of(Base::Int), Type::of(Base::Bool));
        let list = source.ty.clone();
        let operator = match name {
            "ToArray" | "ToList" | "AsEnumerable" => return Ok(source),
            "Cast" | "OfType" => {
                let target = call.type_arguments.first().map(super::bind::resolve);
                let target = target.unwrap_or_else(|| Err(invalid(span, "`Cast` needs a type")))?;
                return convert(source, &Type::array(target));
            }
            "ToDictionary" => return self.dictionary(source, element, arguments, span),
            "ElementAt" => {
                let index = self.bind_as(&first(arguments, span)?.value, &int)?;
                let node = Node::Element(Box::new(source), Box::new(index));
                return Ok(Typed::new(node, element.clone(), span));
            }
            _ => Operator::named(name).ok_or_else(|| {
                let message = format!("arrays have no member `{name}` that is known here");
                invalid(span, message)
            })?,
        };
        let operands = self.operands(operator, element, &list, arguments, span)?;
        let body = operands.first().map(|operand| operand.body().ty.clone());
        let ty = match operator {
            Operator::Count => int,
            Operator::Any | Operator::All | Operator::Contains => boolean,
            Operator::Select => Type::array(body.unwrap_or_else(|| element.clone())),
            Operator::SelectMany => match body.as_ref().and_then(element_of) {
                Some(inner) => Type::array(inner),
                None => return Err(invalid(span, "the lambda of `SelectMany` gives an array")),
            },
            Operator::First | Operator::Last => element.clone(),
            Operator::FirstOrDefault | Operator::LastOrDefault => element.clone(),
            Operator::Min | Operator::Max => body.unwrap_or_else(|| element.clone()),
            Operator::Sum => body.unwrap_or_else(|| element.clone()),
            Operator::Average => Type::of(Base::Double),
            _ => list,
        };
        if matches!(operator, Operator::Sum | Operator::Average) && !ty.is_numeric() {
            return Err(invalid(span, format!("`{name}` needs numbers, not `{ty}`")));
        }
        Ok(linq(operator, source, operands, ty, span))
    }

    /// `ToDictionary(x => key, x => value)`; without the second the elements are the values.
    fn dictionary(
        &mut self,
        source: Typed,
        element: &Type,
        arguments: &[Argument],
        span: Span,
    ) -> Bound {
        let slot = self.locals.len();
        let mut bodies = Vec::new();
        for argument in arguments {
            let ExprKind::Lambda(parameters, body) = &argument.value.kind else {
                let message = "a lambda such as `x => x` is expected";
                return Err(invalid(argument.value.span, message));
            };
            let Operand::Lambda(body, _) = self.lambda(parameters, body, element, span)? else {
                continue;
            };
            bodies.push(body);
        }
        let mut bodies = bodies.into_iter();
        let (Some(key), value, None) = (bodies.next(), bodies.next(), bodies.next()) else {
            let message = "`ToDictionary` takes one or two lambdas, of the key and of the value";
            return Err(invalid(span, message));
        };
        let itself = Typed::new(Node::Local(slot), element.clone(), span);
        let value = value.unwrap_or(itself);
        let base = Base::Map(Box::new(key.ty.clone()), Box::new(value.ty.clone()));
        let (entries, ty) = (vec![(key, value)], Type::of(base));
        let entry = Typed::new(Node::NewMap(entries), ty.clone(), span);
        let each = vec![Operand::Lambda(entry, slot)];
        let maps = Type::array(ty.clone());
        let all = linq(Operator::Select, source, each, maps, span);
        Ok(linq(Operator::Dictionary, all, Vec::new(), ty, span))
    }

    fn operands(
        &mut self,
        operator: Operator,
        element: &Type,
        list: &Type,
        arguments: &[Argument],
        span: Span,
    ) -> Result<Vec<Operand>, Diagnostic> {
        let mut operands = Vec::new();
        for argument in arguments {
            operands.push(match (&argument.value.kind, operator) {
                (ExprKind::Lambda(parameters, body), _) => {
                    self.lambda(parameters, body, element, argument.value.span)?
                }
                (ExprKind::Variable(name), _) if self.is_lambda(name) => {
                    self.named_lambda(name, element, argument.value.span)?
                }
                (_, Operator::Skip | Operator::Take) => {
                    Operand::Value(self.bind_as(&argument.value, &Type::of(Base::Int))?)
                }
                (_, Operator::Contains) => Operand::Value(self.bind_as(&argument.value, element)?),
                (_, Operator::Concat | Operator::Union) => {
                    Operand::Value(self.bind_as(&argument.value, list)?)
                }
                _ => {
                    return Err(invalid(
                        argument.value.span,
                        "a lambda such as `x => x` is expected",
                    ));
                }
            });
        }
        if operator.needs_argument() && operands.len() != 1 {
            return Err(invalid(span, "exactly one argument is expected"));
        }
        if operator.takes_condition()
            && let Some(Operand::Lambda(body, _)) = operands.first()
            && body.ty != Type::of(Base::Bool)
        {
            return Err(invalid(
                body.span,
                format!("the lambda gives a `bool`, not `{}`", body.ty),
            ));
        }
        Ok(operands)
    }

    fn is_lambda(&self, name: &str) -> bool {
        matches!(
            self.variables.get(name),
            Some(super::bind::Variable::Lambda(..))
        )
    }

    fn named_lambda(
        &mut self,
        name: &str,
        element: &Type,
        span: Span,
    ) -> Result<Operand, Diagnostic> {
        match self.variables.get(name) {
            Some(super::bind::Variable::Lambda(parameters, body)) => {
                let (parameters, body) = (parameters.clone(), body.clone());
                self.lambda(&parameters, &body, element, span)
            }
            _ => Err(invalid(span, format!("`@{name}` is not a function"))),
        }
    }

    /// A lambda over an element, and over its position if it has two parameters.
    fn lambda(
        &mut self,
        parameters: &[Ident],
        body: &Expr,
        element: &Type,
        span: Span,
    ) -> Result<Operand, Diagnostic> {
        if parameters.is_empty() || parameters.len() > 2 {
            return Err(invalid(
                span,
                "the lambda takes the element, and its position if it wants to",
            ));
        }
        let slot = self.locals.len();
        let types = [element.clone(), Type::of(Base::Int)];
        for (at, (parameter, ty)) in parameters.iter().zip(types).enumerate() {
            self.locals.push(Local {
                name: parameter.value.clone(),
                value: Typed::new(Node::Local(slot + at), ty, parameter.span),
            });
        }
        let bound = self.bind(body);
        self.locals.truncate(slot);
        Ok(Operand::Lambda(bound?, slot))
    }

    /// `from x in source where condition select value`.
    pub(super) fn comprehension(&mut self, each: &Comprehension, span: Span) -> Bound {
        let mut source = pairs(self.bind(&each.source)?);
        let Some(element) = element_of(&source.ty) else {
            return Err(invalid(
                each.source.span,
                format!("`{}` has no elements", source.ty),
            ));
        };
        let parameters = std::slice::from_ref(&each.variable);
        if let Some(filter) = &each.filter {
            let filter = self.lambda(parameters, filter, &element, filter.span)?;
            let ty = source.ty.clone();
            source = linq(Operator::Where, source, vec![filter], ty, span);
        }
        let select = self.lambda(parameters, &each.select, &element, span)?;
        let ty = Type::array(select.body().ty.clone());
        Ok(linq(Operator::Select, source, vec![select], ty, span))
    }

    /// `Enumerable.Range(start, count)` and methods written as functions of the array.
    pub(super) fn enumerable(&mut self, name: &str, arguments: &[Argument], span: Span) -> Bound {
        let int = Type::of(Base::Int);
        let (head, rest) = arguments
            .split_first()
            .ok_or_else(|| invalid(span, format!("`Enumerable.{name}` needs arguments")))?;
        if name == "Range" {
            let start = self.bind_as(&head.value, &int)?;
            let count = self.bind_as(&first(rest, span)?.value, &int)?;
            let ty = Type::array(int);
            return Ok(linq(
                Operator::Range,
                start,
                vec![Operand::Value(count)],
                ty,
                span,
            ));
        }
        let source = self.bind(&head.value)?;
        let Some(element) = element_of(&source.ty) else {
            return Err(invalid(span, format!("`{}` has no elements", source.ty)));
        };
        let call = Call {
            function: head.value.clone(),
            type_arguments: Vec::new(),
            distinct: false,
            star: false,
            arguments: rest.to_vec(),
            within_group: Vec::new(),
            span,
        };
        self.linq_method(source, &element, name, &call)
    }
}

fn first(arguments: &[Argument], span: Span) -> Result<&Argument, Diagnostic> {
    arguments
        .first()
        .ok_or_else(|| invalid(span, "an argument is missing"))
}
