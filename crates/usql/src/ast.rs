//! The script as it is written: statements, queries and expressions, each with its place.
//!
//! Nothing here has been looked up or checked against types; that is the binder's part.

use crate::source::{Span, Spanned};

/// A name of one part, as it is written, without brackets.
pub(crate) type Ident = Spanned<String>;

/// A name of one to three parts: database, schema, name. A missing part is empty, as in `db..t`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ObjectName {
    pub(crate) parts: Vec<Ident>,
    pub(crate) span: Span,
}

impl ObjectName {
    /// The name as it is written.
    pub(crate) fn text(&self) -> String {
        let parts = self.parts.iter().map(|part| part.value.as_str());
        parts.collect::<Vec<_>>().join(".")
    }
}

/// A type as it is written: `int?`, `SQL.ARRAY<string>`, `byte[]`, `Dictionary<string, int>`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TypeRef {
    /// The dotted name without arguments.
    pub(crate) name: String,
    pub(crate) arguments: Vec<TypeRef>,
    /// Whether `?` follows.
    pub(crate) nullable: bool,
    /// How many `[]` follow.
    pub(crate) array_rank: usize,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ExprKind {
    Null,
    Bool(bool),
    Text(String),
    Char(char),
    Number(String, crate::lexer::NumberSuffix),
    /// A column, a type, a namespace or a lambda's parameter.
    Name(String),
    Variable(String),
    SystemVariable(String),
    Member(Box<Expr>, Ident),
    Index(Box<Expr>, Vec<Expr>),
    Call(Box<Call>),
    /// `new T(arguments) { elements }`, `new T[] { elements }` or `new [] { elements }`.
    New(Box<NewObject>),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    Cast(TypeRef, Box<Expr>),
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    Lambda(Vec<Ident>, Box<Expr>),
    /// `x is T`.
    Is(Box<Expr>, TypeRef),
    /// `x as T`.
    As(Box<Expr>, TypeRef),
    /// `x [NOT] IN (a, b)`.
    In(Box<Expr>, Vec<Expr>, bool),
    /// `x [NOT] BETWEEN a AND b`.
    Between(Box<Expr>, Box<Expr>, Box<Expr>, bool),
    /// `x [NOT] LIKE "pattern"`.
    Like(Box<Expr>, Box<Expr>, bool),
    /// `x IS [NOT] NULL`.
    IsNull(Box<Expr>, bool),
    Case(Box<Case>),
    /// `f(x) OVER (window)`.
    Over(Box<Call>, Box<Window>),
    /// `from x in source [where c] select y`.
    Comprehension(Box<Comprehension>),
    /// A type where a value is expected, such as `SQL.ARRAY<string>`, before a member or a call.
    Type(TypeRef),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Call {
    pub(crate) function: Expr,
    pub(crate) type_arguments: Vec<TypeRef>,
    /// `COUNT(DISTINCT x)`.
    pub(crate) distinct: bool,
    /// `COUNT(*)`.
    pub(crate) star: bool,
    pub(crate) arguments: Vec<Argument>,
    /// `WITHIN GROUP (ORDER BY …)`.
    pub(crate) within_group: Vec<SortKey>,
    pub(crate) span: Span,
}

/// An argument, by position or by name, as in `Extractors.Text(delimiter: '|')`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Argument {
    pub(crate) name: Option<Ident>,
    pub(crate) value: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NewObject {
    /// `None` for `new [] { … }`.
    pub(crate) ty: Option<TypeRef>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) elements: Option<Vec<Element>>,
}

/// An element of a collection initializer: a value, or `{ key, value }`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Element(pub(crate) Vec<Expr>);

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Case {
    pub(crate) operand: Option<Expr>,
    pub(crate) branches: Vec<(Expr, Expr)>,
    pub(crate) otherwise: Option<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comprehension {
    pub(crate) variable: Ident,
    pub(crate) source: Expr,
    pub(crate) filter: Option<Expr>,
    pub(crate) select: Expr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UnaryOp {
    Plus,
    Minus,
    /// `!`.
    Not,
    /// `NOT`.
    SqlNot,
    /// `~`.
    Complement,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    ShiftLeft,
    ShiftRight,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    BitAnd,
    BitXor,
    BitOr,
    /// `&&` and `AND`; `AND` is evaluated in order too.
    And,
    /// `||` and `OR`.
    Or,
    Coalesce,
}

/// What is in the parentheses of `OVER`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Window {
    pub(crate) partition_by: Vec<Expr>,
    pub(crate) order_by: Vec<SortKey>,
    pub(crate) rows: Option<(Bound, Bound)>,
}

/// A border of a window frame, in rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    UnboundedPreceding,
    Preceding(u64),
    CurrentRow,
    Following(u64),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SortKey {
    pub(crate) expr: Expr,
    pub(crate) descending: bool,
}

/// `ORDER BY … OFFSET … FETCH …`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Order {
    pub(crate) keys: Vec<SortKey>,
    pub(crate) offset: Option<u64>,
    pub(crate) fetch: Option<u64>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Query {
    pub(crate) kind: QueryKind,
    pub(crate) order: Option<Order>,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum QueryKind {
    Select(Box<Select>),
    Extract(Box<Extract>),
    SetOperation(Box<SetOperation>),
    /// A rowset variable, a table or a view by itself, or a parenthesized one.
    Source(Box<Source>),
    /// `PROCESS`, `REDUCE` and `COMBINE`.
    UserOperator(Box<UserOperator>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Select {
    pub(crate) distinct: bool,
    pub(crate) items: Vec<SelectItem>,
    pub(crate) from: Source,
    pub(crate) filter: Option<Expr>,
    pub(crate) group_by: Vec<Expr>,
    pub(crate) having: Option<Expr>,
    pub(crate) sample: Option<Sample>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SelectItem {
    /// `*`.
    All(Span),
    /// `alias.*`.
    AllOf(Ident),
    Expr(Expr, Option<Ident>),
}

/// `SAMPLE ANY (n)` or `SAMPLE UNIFORM (fraction)`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Sample {
    Any(u64),
    Uniform(f64),
}

/// What stands behind `FROM`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Source {
    pub(crate) kind: SourceKind,
    pub(crate) alias: Option<Ident>,
    /// Names of the columns behind the alias, for `VALUES` and functions.
    pub(crate) columns: Vec<Ident>,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum SourceKind {
    Variable(String),
    Table(ObjectName),
    Function(ObjectName, Vec<Argument>),
    Query(Query),
    Values(Vec<Vec<Expr>>),
    Join(Box<Join>),
    Apply(Box<Apply>),
    Pivot(Box<Source>, Box<Pivot>),
    Unpivot(Box<Source>, Box<Unpivot>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
    LeftSemi,
    RightSemi,
    LeftAnti,
    RightAnti,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Join {
    pub(crate) kind: JoinKind,
    pub(crate) left: Source,
    pub(crate) right: Source,
    pub(crate) on: Option<Expr>,
}

/// `CROSS APPLY EXPLODE (…) AS alias(columns)`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Apply {
    pub(crate) left: Source,
    pub(crate) outer: bool,
    /// `None` for an applier of the user's.
    pub(crate) explode: Option<Expr>,
    /// The applier's expression, for the message.
    pub(crate) applier: Option<Expr>,
    pub(crate) columns: Vec<(Ident, Option<TypeRef>)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pivot {
    pub(crate) aggregate: Expr,
    pub(crate) key: Expr,
    pub(crate) values: Vec<(Expr, Ident)>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unpivot {
    pub(crate) include_nulls: bool,
    pub(crate) value: Ident,
    pub(crate) name: Ident,
    pub(crate) columns: Vec<Ident>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetKind {
    Union,
    Intersect,
    Except,
    OuterUnion,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SetOperation {
    pub(crate) kind: SetKind,
    pub(crate) all: bool,
    pub(crate) by_name: Option<ByName>,
    pub(crate) left: Query,
    pub(crate) right: Query,
}

/// `BY NAME [ON (a, b, *)]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ByName {
    pub(crate) columns: Vec<Ident>,
    pub(crate) star: bool,
    pub(crate) has_on: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Extract {
    pub(crate) columns: Vec<ColumnDef>,
    pub(crate) paths: Vec<Expr>,
    pub(crate) using: Expr,
}

/// A column of a schema.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ColumnDef {
    pub(crate) name: Ident,
    pub(crate) source: ColumnSource,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ColumnSource {
    /// A field of the file, or a part of its path.
    Typed(TypeRef),
    /// `name = FILE.URI()` and its kin.
    File(Ident),
    /// A column that `PRODUCE` names without a type: the input's.
    Input,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct UserOperator {
    /// `PROCESS`, `REDUCE` or `COMBINE`.
    pub(crate) word: Ident,
    pub(crate) input: Source,
    pub(crate) on: Vec<Ident>,
    pub(crate) presort: Vec<SortKey>,
    pub(crate) produce: Vec<ColumnDef>,
    pub(crate) using: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Statement {
    pub(crate) kind: StatementKind,
    pub(crate) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum StatementKind {
    Use {
        what: UseKind,
        name: ObjectName,
    },
    Set {
        variable: Ident,
        value: Expr,
    },
    Declare(Declare),
    Assign {
        name: Ident,
        query: Query,
    },
    /// `(@a, @b) = function(arguments)`: each rowset that the function returns.
    AssignReturned {
        names: Vec<Ident>,
        function: ObjectName,
        arguments: Vec<Argument>,
    },
    Output(Box<Output>),
    Insert(Box<Insert>),
    If(If),
    Call {
        name: ObjectName,
        arguments: Vec<Argument>,
    },
    CreateDatabase {
        name: Ident,
        if_not_exists: bool,
    },
    CreateSchema {
        name: ObjectName,
        if_not_exists: bool,
    },
    CreateTable(Box<CreateTable>),
    CreateType {
        name: ObjectName,
        columns: Vec<ColumnDef>,
        if_not_exists: bool,
    },
    CreateView {
        name: ObjectName,
        query: Query,
        if_not_exists: bool,
    },
    CreateRoutine(Box<Routine>),
    Drop {
        what: Ident,
        name: ObjectName,
        if_exists: bool,
    },
    Truncate {
        name: ObjectName,
        partition: Vec<Expr>,
    },
    AlterTable(Box<AlterTable>),
    Raise {
        error: bool,
        message: Expr,
    },
    Using {
        alias: Option<Ident>,
        name: ObjectName,
    },
    ReferenceAssembly {
        name: ObjectName,
    },
    /// `EXPORT @name = value`, within a package.
    Export(Declare),
    /// `IMPORT PACKAGE name(arguments) AS alias`.
    Import {
        name: ObjectName,
        arguments: Vec<Argument>,
        alias: Option<Ident>,
    },
    /// `DEPLOY RESOURCE path, …`.
    Deploy(Vec<Expr>),
    /// An index or statistics of a table: they change no results.
    Tuning(ObjectName),
    /// A statement that the grammar knows and that cannot run here, by its first words.
    Unsupported {
        words: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UseKind {
    Database,
    Schema,
    /// `USE name`, or `USE db.schema`.
    Either,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Declare {
    pub(crate) name: Ident,
    pub(crate) external: bool,
    pub(crate) constant: bool,
    pub(crate) ty: Option<TypeRef>,
    pub(crate) value: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Output {
    pub(crate) query: Query,
    pub(crate) path: Expr,
    pub(crate) order: Option<Order>,
    pub(crate) using: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Insert {
    pub(crate) table: ObjectName,
    pub(crate) columns: Vec<Ident>,
    pub(crate) partition: Vec<Expr>,
    pub(crate) query: Query,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct If {
    pub(crate) branches: Vec<(Expr, Vec<Statement>)>,
    pub(crate) otherwise: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CreateTable {
    pub(crate) name: ObjectName,
    pub(crate) if_not_exists: bool,
    pub(crate) columns: Vec<ColumnDef>,
    /// The columns of `PARTITIONED BY`.
    pub(crate) partitioned_by: Vec<Ident>,
    pub(crate) query: Option<Query>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AlterTable {
    pub(crate) name: ObjectName,
    pub(crate) action: AlterAction,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AlterAction {
    AddPartition(Vec<Vec<Expr>>),
    DropPartition(Vec<Vec<Expr>>),
    AddColumns(Vec<ColumnDef>),
    DropColumns(Vec<Ident>),
    Rebuild,
}

/// The name among all variables of one that a package exports, by the package's alias.
pub(crate) fn package_variable(package: &str, name: &str) -> String {
    format!("{package}.@{name}")
}

/// Statements with a name and parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoutineKind {
    Function,
    Procedure,
    Package,
}

/// A table-valued function, a procedure or a package.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Routine {
    pub(crate) name: ObjectName,
    pub(crate) if_not_exists: bool,
    pub(crate) parameters: Vec<RoutineParameter>,
    pub(crate) kind: RoutineKind,
    /// What a function returns.
    pub(crate) returns: Vec<Returned>,
    pub(crate) body: Vec<Statement>,
    /// The whole statement, kept by the catalog.
    pub(crate) span: Span,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RoutineParameter {
    pub(crate) name: Ident,
    pub(crate) ty: ParameterType,
    pub(crate) default: Option<Expr>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ParameterType {
    Scalar(TypeRef),
    Table(Vec<ColumnDef>),
    NamedTable(ObjectName),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Returned {
    pub(crate) name: Ident,
    /// What is declared of its columns, if anything is.
    pub(crate) ty: Option<ParameterType>,
}
