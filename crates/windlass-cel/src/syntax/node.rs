//! The tree of an expression as written: operators and macros keep their own shape, each node its number and its place.
//!
//! Nothing here is checked. Numbers run from zero without gaps, so that what the checker learns about a node is a list.

/// Where a node's answers are kept by the checker.
pub(crate) type NodeId = usize;

/// One node of the tree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// Its number.
    pub(crate) id: NodeId,
    /// Byte in the source that best names it: an operator's own place, a call's name, else its first byte.
    pub(crate) offset: usize,
    /// Levels below it, itself included.
    pub(crate) height: usize,
    /// What it is.
    pub(crate) kind: Kind,
}

/// A value written in the source.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
}

/// An operator with two sides, both of which are always needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

impl Operator {
    /// As written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
        }
    }
}

/// `&&` or `||`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logic {
    And,
    Or,
}

impl Logic {
    /// As written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::And => "&&",
            Self::Or => "||",
        }
    }

    /// The answer that settles the whole, whatever the other sides are.
    pub(crate) fn deciding(self) -> bool {
        matches!(self, Self::Or)
    }
}

/// A macro over the items of a list or the entries of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Iteration {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
    TransformList,
    TransformMap,
    TransformMapEntry,
    SortBy,
}

impl Iteration {
    /// As written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Exists => "exists",
            Self::ExistsOne => "exists_one",
            Self::Map => "map",
            Self::Filter => "filter",
            Self::TransformList => "transformList",
            Self::TransformMap => "transformMap",
            Self::TransformMapEntry => "transformMapEntry",
            Self::SortBy => "sortBy",
        }
    }
}

/// `range.all(variable, body)` and its like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comprehension {
    pub(crate) iteration: Iteration,
    pub(crate) range: Node,
    pub(crate) variable: String,
    /// The second one; then the first is the index or key.
    pub(crate) second: Option<String>,
    /// The condition of `map` with three arguments and of the transforms with four.
    pub(crate) filter: Option<Node>,
    pub(crate) body: Node,
}

/// How `optMap`, `optFlatMap` and `cel.bind` name a value for their body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    OptionalMap,
    OptionalFlatMap,
    Bind,
}

/// One entry of a map literal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: Node,
    pub(crate) value: Node,
    pub(crate) optional: bool,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Literal(Literal),
    /// A name. With a dot before it (`.name`) it reaches past the variables of comprehensions.
    Identifier(String),
    /// `operand.field`, `operand.?field`.
    Select {
        operand: Box<Node>,
        field: String,
        optional: bool,
    },
    /// `has(operand.field)`.
    Has {
        operand: Box<Node>,
        field: String,
    },
    /// `operand[index]`, `operand[?index]`.
    Index {
        operand: Box<Node>,
        index: Box<Node>,
        optional: bool,
    },
    Call {
        target: Option<Box<Node>>,
        function: String,
        arguments: Vec<Node>,
    },
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary {
        operator: Operator,
        left: Box<Node>,
        right: Box<Node>,
    },
    /// Two or more sides: a long chain is one node, not a deep tree.
    Logic {
        logic: Logic,
        sides: Vec<Node>,
    },
    Conditional {
        condition: Box<Node>,
        then: Box<Node>,
        otherwise: Box<Node>,
    },
    /// Items and whether each is written with `?`.
    List(Vec<(Node, bool)>),
    Map(Vec<Entry>),
    /// `Name{field: value}`: no such types exist here, the checker says so.
    Message {
        name: String,
        values: Vec<Node>,
    },
    Comprehension(Box<Comprehension>),
    Binding {
        binding: Binding,
        value: Box<Node>,
        variable: String,
        body: Box<Node>,
    },
}

impl Node {
    /// The nodes directly below, in the order of the source.
    pub(crate) fn children(&self) -> Vec<&Self> {
        match &self.kind {
            Kind::Literal(_) | Kind::Identifier(_) => Vec::new(),
            Kind::Select { operand, .. } | Kind::Has { operand, .. } | Kind::Not(operand) | Kind::Negate(operand) => vec![operand],
            Kind::Index { operand, index, .. } => vec![operand, index],
            Kind::Call { target, arguments, .. } => target.iter().map(AsRef::as_ref).chain(arguments).collect(),
            Kind::Binary { left, right, .. } => vec![left, right],
            Kind::Logic { sides, .. } | Kind::Message { values: sides, .. } => sides.iter().collect(),
            Kind::Conditional { condition, then, otherwise } => vec![condition, then, otherwise],
            Kind::List(items) => items.iter().map(|(item, _)| item).collect(),
            Kind::Map(entries) => entries.iter().flat_map(|entry| [&entry.key, &entry.value]).collect(),
            Kind::Comprehension(inner) => [Some(&inner.range), inner.filter.as_ref(), Some(&inner.body)].into_iter().flatten().collect(),
            Kind::Binding { value, body, .. } => vec![value, body],
        }
    }

    /// The same with a dot before it, if it is a name.
    pub(crate) fn absolute(mut self) -> Self {
        if let Kind::Identifier(name) = &mut self.kind {
            name.insert(0, '.');
        }
        self
    }

    /// `a.b.c` where this is nothing but names and plain dots.
    pub(crate) fn dotted(&self) -> Option<String> {
        match &self.kind {
            Kind::Identifier(name) => Some(name.trim_start_matches('.').to_owned()),
            Kind::Select { operand, field, optional: false } => Some(format!("{}.{field}", operand.dotted()?)),
            _ => None,
        }
    }

    /// The name at the left end of `a.b.c`.
    pub(crate) fn root(&self) -> Option<&str> {
        match &self.kind {
            Kind::Identifier(name) => Some(name),
            Kind::Select { operand, .. } => operand.root(),
            _ => None,
        }
    }
}
