//! A parsed expression, and which names it uses.

use crate::check::{self, Checked, Problem};
use crate::environment::Environment;
use crate::syntax::node::{Kind, Literal, Node};
use crate::syntax::{SyntaxError, parse_tree};
use std::sync::Arc;

/// A parsed expression.
#[derive(Clone, Debug)]
pub struct Expression {
    source: Arc<str>,
    pub(crate) root: Arc<Node>,
    pub(crate) nodes: usize,
}

/// A name that an expression uses, with the fields that it reads of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The name.
    pub root: String,
    /// Fields below it, as far as they are written out.
    pub path: Vec<String>,
    /// Whether it is read through `?.`, `[?...]` or `has()`, so that it may be missing.
    pub optional: bool,
    /// Byte in the source.
    pub offset: usize,
    /// Whether the path goes on in a way that is only known when it is evaluated.
    cut: bool,
}

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    /// The text is no expression, or too long or too deep.
    pub fn parse(source: &str) -> Result<Self, SyntaxError> {
        let (root, nodes) = parse_tree(source)?;
        Ok(Self { source: source.into(), root: Arc::new(root), nodes })
    }

    /// The text.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Checks the expression against names and types.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the text.
    pub fn check(&self, environment: &Environment) -> Result<Checked, Vec<Problem>> {
        check::check(self, environment)
    }

    /// The names that it uses; a variable of a comprehension that hides a name is no use of it.
    pub fn uses(&self) -> Vec<Use> {
        let mut found = Vec::new();
        collect(&self.root, &mut Vec::new(), &mut found);
        found
    }
}

fn collect(node: &Node, hidden: &mut Vec<String>, found: &mut Vec<Use>) {
    if let Some(used) = chain(node) {
        if !hidden.contains(&used.root) {
            // `.name` reaches past what hides it.
            let root = used.root.trim_start_matches('.').to_owned();
            found.push(Use { root, ..used });
        }
        indexes(node, hidden, found);
        return;
    }
    match &node.kind {
        Kind::Comprehension(inner) => {
            collect(&inner.range, hidden, found);
            let before = hidden.len();
            hidden.push(inner.variable.clone());
            hidden.extend(inner.second.clone());
            inner.filter.iter().for_each(|filter| collect(filter, hidden, found));
            collect(&inner.body, hidden, found);
            hidden.truncate(before);
        }
        Kind::Binding { value, variable, body, .. } => {
            collect(value, hidden, found);
            hidden.push(variable.clone());
            collect(body, hidden, found);
            hidden.pop();
        }
        // `base64.encode(x)`: the word before the function is no name, unless it is one of the caller's.
        Kind::Call { target: Some(target), function, arguments } if crate::library::is_namespaced(target, function) => {
            arguments.iter().for_each(|argument| collect(argument, hidden, found));
        }
        _ => node.children().into_iter().for_each(|child| collect(child, hidden, found)),
    }
}

/// Expressions inside the brackets of a chain of fields.
fn indexes(node: &Node, hidden: &mut Vec<String>, found: &mut Vec<Use>) {
    match &node.kind {
        Kind::Select { operand, .. } | Kind::Has { operand, .. } => indexes(operand, hidden, found),
        Kind::Index { operand, index, .. } => {
            indexes(operand, hidden, found);
            collect(index, hidden, found);
        }
        _ => {}
    }
}

/// `a.b["c"].?d` as a use; `None` where the node is no chain of fields.
fn chain(node: &Node) -> Option<Use> {
    match &node.kind {
        Kind::Identifier(name) => Some(Use { root: name.clone(), path: Vec::new(), optional: false, offset: node.offset, cut: false }),
        Kind::Select { operand, field, optional } => chain(operand).map(|used| below(used, Some(field), *optional)),
        Kind::Has { operand, field } => chain(operand).map(|used| below(used, Some(field), true)),
        Kind::Index { operand, index, optional } => {
            let key = match &index.kind {
                Kind::Literal(Literal::String(key)) => Some(key),
                _ => None,
            };
            // An index ends the path, and what stands in the brackets is looked at by itself.
            chain(operand).map(|used| below(used, key, *optional))
        }
        _ => None,
    }
}

fn below(mut used: Use, key: Option<&String>, optional: bool) -> Use {
    used.optional |= optional;
    // Below an index that is computed, the path is not known; what is above it is kept.
    match key {
        Some(key) if !used.cut => used.path.push(key.clone()),
        _ => used.cut = true,
    }
    used
}

#[cfg(test)]
mod tests {
    use super::Expression;

    fn uses(source: &str) -> Vec<String> {
        let parsed = Expression::parse(source).expect("the sample parses");
        parsed
            .uses()
            .into_iter()
            .map(|used| {
                format!(
                    "{}{}{}",
                    used.root,
                    if used.optional { "?" } else { "" },
                    used.path.iter().map(|key| format!(".{key}")).collect::<String>()
                )
            })
            .collect()
    }

    #[test]
    fn uses_are_found_with_their_paths() {
        assert_eq!(uses("db.?outputs.?url.orValue('')"), ["db?.outputs.url"]);
        assert_eq!(uses("schema.spec.port + app.status['ready']"), ["schema.spec.port", "app.status.ready"]);
        assert_eq!(uses("has(db.status.x) && a[b.c] == 1"), ["db?.status.x", "a", "b.c"]);
    }

    #[test]
    fn hidden_names_and_words_of_functions_are_no_uses() {
        assert_eq!(uses("items.map(db, db.name)"), ["items"]);
        assert_eq!(uses("items.map(db, .db.name)"), ["items", "db.name"]);
        assert_eq!(uses("base64.encode(secret.data)"), ["secret.data"]);
        assert_eq!(uses("cel.bind(x, a.b, x + y)"), ["a.b", "y"]);
        assert_eq!(uses("'db.name'"), Vec::<String>::new());
    }
}
