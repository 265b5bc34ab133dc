//! The grammar: precedence climbing over the words, macros kept as nodes of their own.

use super::SyntaxError;
use super::lexer::{Spanned, Token, tokens};
use super::node::{Binding, Comprehension, Entry, Iteration, Kind, Literal, Logic, Node, NodeId, Operator};

/// The longest accepted source, in bytes.
pub const MAXIMUM_LENGTH: usize = 64 * 1024;
/// The highest accepted tree, and the deepest nesting while reading.
pub const MAXIMUM_HEIGHT: usize = 160;

/// Words that are neither variables nor functions. They may be fields. Source: cel-spec, `RESERVED`.
const RESERVED: [&str; 18] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Whether a word belongs to the language, so that no variable can have this name.
pub fn is_reserved(word: &str) -> bool {
    matches!(word, "true" | "false" | "null") || RESERVED.contains(&word)
}

/// Reads a tree; the number is how many nodes it has.
pub(crate) fn parse_tree(source: &str) -> Result<(Node, usize), SyntaxError> {
    if source.len() > MAXIMUM_LENGTH {
        return Err(SyntaxError::at(source, MAXIMUM_LENGTH, format!("an expression has at most {MAXIMUM_LENGTH} bytes")));
    }
    let mut parser = Parser { source, tokens: tokens(source)?, at: 0, nodes: 0, depth: 0 };
    let root = parser.expression()?;
    match &parser.tokens[parser.at].token {
        Token::End => Ok((root, parser.nodes)),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Spanned>,
    at: usize,
    nodes: usize,
    depth: usize,
}

type Parsed<T = Node> = Result<T, SyntaxError>;

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].token
    }

    fn offset(&self) -> usize {
        self.tokens[self.at].offset
    }

    fn next(&mut self) -> Token {
        let token = self.tokens[self.at].token.clone();
        // The last word is the end, which stays.
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Token::Symbol(found) if *found == symbol)
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        if found {
            self.next();
        }
        found
    }

    fn need(&mut self, symbol: &str) -> Parsed<()> {
        if self.take(symbol) { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    fn fail<T>(&self, offset: usize, message: impl Into<String>) -> Parsed<T> {
        Err(SyntaxError::at(self.source, offset, message))
    }

    fn unexpected(&self, wanted: &str) -> SyntaxError {
        let found = match self.peek() {
            Token::Name(name) => format!("`{name}`"),
            Token::QuotedName(name) => format!("`{name}` in back-quotes"),
            Token::Literal(Literal::String(_)) => "a text".to_owned(),
            Token::Literal(Literal::Bytes(_)) => "bytes".to_owned(),
            Token::Literal(_) | Token::Digits { .. } => "a number".to_owned(),
            Token::Symbol(symbol) => format!("`{symbol}`"),
            Token::End if self.at == 0 => return SyntaxError::at(self.source, 0, "the expression is empty"),
            Token::End => "the end".to_owned(),
        };
        SyntaxError::at(self.source, self.offset(), format!("expected {wanted}, found {found}"))
    }

    /// Makes a node; `below` is the height of what is under it.
    fn node(&mut self, offset: usize, kind: Kind) -> Parsed {
        let id: NodeId = self.nodes;
        self.nodes += 1;
        let mut node = Node { id, offset, height: 0, kind };
        node.height = 1 + node.children().iter().map(|child| child.height).max().unwrap_or(0);
        if node.height > MAXIMUM_HEIGHT {
            return self.fail(offset, format!("the expression is nested more than {MAXIMUM_HEIGHT} levels deep"));
        }
        Ok(node)
    }

    fn expression(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > MAXIMUM_HEIGHT {
            return self.fail(self.offset(), format!("the expression is nested more than {MAXIMUM_HEIGHT} levels deep"));
        }
        let condition = self.logic(Logic::Or)?;
        let offset = self.offset();
        let result = if self.take("?") {
            let then = self.logic(Logic::Or)?;
            self.need(":")?;
            let otherwise = self.expression()?;
            let kind = Kind::Conditional { condition: Box::new(condition), then: Box::new(then), otherwise: Box::new(otherwise) };
            self.node(offset, kind)?
        } else {
            condition
        };
        self.depth -= 1;
        Ok(result)
    }

    fn logic(&mut self, logic: Logic) -> Parsed {
        let first = self.logic_side(logic)?;
        let offset = self.offset();
        if !self.is(logic.symbol()) {
            return Ok(first);
        }
        let mut sides = vec![first];
        while self.take(logic.symbol()) {
            sides.push(self.logic_side(logic)?);
        }
        self.node(offset, Kind::Logic { logic, sides })
    }

    fn logic_side(&mut self, logic: Logic) -> Parsed {
        match logic {
            Logic::Or => self.logic(Logic::And),
            Logic::And => self.binary(0),
        }
    }

    /// The operator here and how strongly it binds.
    fn operator(&self) -> Option<(Operator, u8)> {
        Some(match self.peek() {
            Token::Name(name) if name == "in" => (Operator::In, 1),
            Token::Symbol(symbol) => match *symbol {
                "==" => (Operator::Equal, 1),
                "!=" => (Operator::NotEqual, 1),
                "<" => (Operator::Less, 1),
                "<=" => (Operator::LessOrEqual, 1),
                ">" => (Operator::Greater, 1),
                ">=" => (Operator::GreaterOrEqual, 1),
                "+" => (Operator::Add, 2),
                "-" => (Operator::Subtract, 2),
                "*" => (Operator::Multiply, 3),
                "/" => (Operator::Divide, 3),
                "%" => (Operator::Remainder, 3),
                _ => return None,
            },
            _ => return None,
        })
    }

    fn binary(&mut self, weakest: u8) -> Parsed {
        let mut left = self.unary()?;
        while let Some((operator, strength)) = self.operator().filter(|(_, strength)| *strength > weakest) {
            let offset = self.offset();
            self.next();
            let right = self.binary(strength)?;
            left = self.node(offset, Kind::Binary { operator, left: Box::new(left), right: Box::new(right) })?;
        }
        Ok(left)
    }

    /// Signs in front. As the grammar has it, `!!a` and `--a` are pairs of one sign, never a mixture.
    fn unary(&mut self) -> Parsed {
        let offset = self.offset();
        let mut count = 0_usize;
        let sign = ["!", "-"].into_iter().find(|sign| self.is(sign));
        let Some(sign) = sign else { return self.member() };
        while self.take(sign) {
            count += 1;
        }
        if sign == "-"
            && count == 1
            && let Some(number) = self.negative_number(offset)?
        {
            return self.members_of(number);
        }
        let mut node = self.member()?;
        // Two signs undo each other, but one pair is kept so that the type is still checked.
        for _ in 0..if count % 2 == 1 { 1 } else { 2 } {
            let operand = Box::new(node);
            node = self.node(offset, if sign == "!" { Kind::Not(operand) } else { Kind::Negate(operand) })?;
        }
        Ok(node)
    }

    fn negative_number(&mut self, offset: usize) -> Parsed<Option<Node>> {
        let literal = match self.peek() {
            Token::Digits { text, radix } => match i64::from_str_radix(&format!("-{text}"), *radix) {
                Ok(value) => Literal::Int(value),
                Err(_) => return self.fail(offset, format!("`-{text}` is too small for an int")),
            },
            Token::Literal(Literal::Double(value)) => Literal::Double(-value),
            _ => return Ok(None),
        };
        self.next();
        self.node(offset, Kind::Literal(literal)).map(Some)
    }

    fn member(&mut self) -> Parsed {
        let primary = self.primary()?;
        self.members_of(primary)
    }

    fn members_of(&mut self, mut node: Node) -> Parsed {
        loop {
            let offset = self.offset();
            if self.is(".") || self.is(".?") {
                let optional = self.next() == Token::Symbol(".?");
                let name_offset = self.offset();
                let (field, quoted) = self.field()?;
                node = if !optional && !quoted && self.is("(") {
                    self.call(Some(node), field, name_offset)?
                } else {
                    self.node(name_offset, Kind::Select { operand: Box::new(node), field, optional })?
                };
            } else if self.is("[") || self.is("[?") {
                let optional = self.next() == Token::Symbol("[?");
                let index = self.expression()?;
                self.need("]")?;
                node = self.node(offset, Kind::Index { operand: Box::new(node), index: Box::new(index), optional })?;
            } else if self.is("{")
                && let Some(name) = node.dotted()
            {
                node = self.message(name, node.offset)?;
            } else {
                return Ok(node);
            }
        }
    }

    fn field(&mut self) -> Parsed<(String, bool)> {
        match self.peek().clone() {
            Token::Name(name) if !matches!(name.as_str(), "true" | "false" | "null" | "in") => {
                self.next();
                Ok((name, false))
            }
            Token::QuotedName(name) => {
                self.next();
                Ok((name, true))
            }
            _ => Err(self.unexpected("the name of a field or function")),
        }
    }

    fn primary(&mut self) -> Parsed {
        let offset = self.offset();
        match self.peek().clone() {
            Token::Literal(literal) => {
                self.next();
                self.node(offset, Kind::Literal(literal))
            }
            Token::Digits { text, radix } => {
                self.next();
                match i64::from_str_radix(&text, radix) {
                    Ok(value) => self.node(offset, Kind::Literal(Literal::Int(value))),
                    Err(_) => self.fail(offset, format!("`{text}` is too large for an int")),
                }
            }
            Token::Name(name) => self.name(name, offset),
            Token::Symbol("(") => {
                self.next();
                let inner = self.expression()?;
                self.need(")")?;
                Ok(inner)
            }
            Token::Symbol("[" | "[?") => self.list(offset),
            Token::Symbol("{") => self.map(offset),
            Token::Symbol(".") => {
                self.next();
                let Token::Name(name) = self.peek().clone() else { return Err(self.unexpected("a name")) };
                let offset = self.offset();
                let node = self.name(name, offset)?;
                Ok(node.absolute())
            }
            Token::QuotedName(_) | Token::Symbol(_) | Token::End => Err(self.unexpected("a value")),
        }
    }

    fn name(&mut self, name: String, offset: usize) -> Parsed {
        let literal = match name.as_str() {
            "true" => Some(Literal::Bool(true)),
            "false" => Some(Literal::Bool(false)),
            "null" => Some(Literal::Null),
            _ => None,
        };
        if let Some(literal) = literal {
            self.next();
            return self.node(offset, Kind::Literal(literal));
        }
        if RESERVED.contains(&name.as_str()) {
            return self.fail(offset, format!("`{name}` is a reserved word"));
        }
        self.next();
        if self.is("(") { self.call(None, name, offset) } else { self.node(offset, Kind::Identifier(name)) }
    }

    fn list(&mut self, offset: usize) -> Parsed {
        // `[?` is one word: it opens the list and makes its first item optional.
        let mut optional = self.next() == Token::Symbol("[?");
        let mut items = Vec::new();
        while optional || !self.is("]") {
            optional = optional || self.take("?");
            items.push((self.expression()?, optional));
            optional = false;
            if !self.take(",") {
                break;
            }
        }
        self.need("]")?;
        self.node(offset, Kind::List(items))
    }

    fn map(&mut self, offset: usize) -> Parsed {
        self.need("{")?;
        let mut entries = Vec::new();
        while !self.is("}") {
            let optional = self.take("?");
            let key = self.expression()?;
            self.need(":")?;
            let value = self.expression()?;
            entries.push(Entry { key, value, optional });
            if !self.take(",") {
                break;
            }
        }
        self.need("}")?;
        self.node(offset, Kind::Map(entries))
    }

    fn message(&mut self, name: String, offset: usize) -> Parsed {
        self.need("{")?;
        let mut values = Vec::new();
        while !self.is("}") {
            self.take("?");
            self.field()?;
            self.need(":")?;
            values.push(self.expression()?);
            if !self.take(",") {
                break;
            }
        }
        self.need("}")?;
        self.node(offset, Kind::Message { name, values })
    }

    fn call(&mut self, target: Option<Node>, function: String, offset: usize) -> Parsed {
        self.need("(")?;
        let mut arguments = Vec::new();
        while !self.is(")") {
            arguments.push(self.expression()?);
            if !self.take(",") {
                break;
            }
        }
        self.need(")")?;
        match target {
            None if function == "has" && arguments.len() == 1 => self.has(arguments.remove(0), offset),
            None => self.node(offset, Kind::Call { target: None, function, arguments }),
            Some(target) => self.method(target, function, arguments, offset),
        }
    }

    fn has(&mut self, argument: Node, offset: usize) -> Parsed {
        match argument.kind {
            Kind::Select { operand, field, optional } => {
                // `has(a.?b)` asks the same as `has(a.b)`, of an optional value.
                let operand = if optional {
                    Box::new(self.node(offset, Kind::Select { operand, field, optional })?)
                } else {
                    return self.node(offset, Kind::Has { operand, field });
                };
                let call = Kind::Call { target: Some(operand), function: "hasValue".to_owned(), arguments: Vec::new() };
                self.node(offset, call)
            }
            _ => self.fail(argument.offset, "has() takes a field, such as has(a.b)"),
        }
    }

    fn method(&mut self, target: Node, function: String, arguments: Vec<Node>, offset: usize) -> Parsed {
        let binding = match function.as_str() {
            "optMap" => Some(Binding::OptionalMap),
            "optFlatMap" => Some(Binding::OptionalFlatMap),
            _ => None,
        };
        if let Some(binding) = binding
            && arguments.len() == 2
        {
            let [variable, body] = pair(arguments);
            let variable = self.variable(&variable, &function)?;
            return self.node(offset, Kind::Binding { binding, value: Box::new(target), variable, body: Box::new(body) });
        }
        if function == "bind" && arguments.len() == 3 && matches!(&target.kind, Kind::Identifier(name) if name == "cel") {
            let mut arguments = arguments.into_iter();
            let (Some(variable), Some(value), Some(body)) = (arguments.next(), arguments.next(), arguments.next()) else {
                return self.fail(offset, "cel.bind() takes a name, a value and a body");
            };
            let variable = self.variable(&variable, "cel.bind")?;
            let kind = Kind::Binding { binding: Binding::Bind, value: Box::new(value), variable, body: Box::new(body) };
            return self.node(offset, kind);
        }
        match iteration(&function, arguments.len()) {
            Some(iteration) => self.comprehension(iteration, target, &function, arguments, offset),
            None => self.node(offset, Kind::Call { target: Some(Box::new(target)), function, arguments }),
        }
    }

    fn comprehension(&mut self, iteration: Iteration, range: Node, function: &str, mut arguments: Vec<Node>, offset: usize) -> Parsed {
        let two = match iteration {
            Iteration::All | Iteration::Exists | Iteration::ExistsOne => arguments.len() == 3,
            Iteration::TransformList | Iteration::TransformMap | Iteration::TransformMapEntry => true,
            Iteration::Map | Iteration::Filter | Iteration::SortBy => false,
        };
        let variable = self.variable(&arguments.remove(0), function)?;
        let second = if two { Some(self.variable(&arguments.remove(0), function)?) } else { None };
        if second.as_ref() == Some(&variable) {
            return self.fail(offset, format!("{function}() needs two different variables, both are `{variable}`"));
        }
        let filter = if arguments.len() == 2 { Some(arguments.remove(0)) } else { None };
        let body = arguments.remove(0);
        self.node(offset, Kind::Comprehension(Box::new(Comprehension { iteration, range, variable, second, filter, body })))
    }

    fn variable(&self, node: &Node, function: &str) -> Parsed<String> {
        match &node.kind {
            Kind::Identifier(name) if !name.starts_with('.') => Ok(name.clone()),
            _ => self.fail(node.offset, format!("{function}() needs the name of a variable here")),
        }
    }
}

/// The macro of a name with so many arguments.
fn iteration(function: &str, arguments: usize) -> Option<Iteration> {
    Some(match (function, arguments) {
        ("all", 2 | 3) => Iteration::All,
        ("exists", 2 | 3) => Iteration::Exists,
        ("exists_one", 2) | ("existsOne", 2 | 3) => Iteration::ExistsOne,
        ("map", 2 | 3) => Iteration::Map,
        ("filter", 2) => Iteration::Filter,
        ("transformList", 3 | 4) => Iteration::TransformList,
        ("transformMap", 3 | 4) => Iteration::TransformMap,
        ("transformMapEntry", 3 | 4) => Iteration::TransformMapEntry,
        ("sortBy", 2) => Iteration::SortBy,
        _ => return None,
    })
}

fn pair(arguments: Vec<Node>) -> [Node; 2] {
    arguments.try_into().expect("the caller counted two arguments")
}
