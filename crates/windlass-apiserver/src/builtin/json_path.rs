//! JSONPath of printer columns and of kubectl's simple paths: `.a.b`, `['a.b']`, `[0]`, `[-1]`, `[*]`, `..a`,
//! `[1:3]`, and filters such as `[?(@.type=="Ready")]`.
//!
//! Start with [`JsonPath::parse`]. Source: `k8s.io/client-go/util/jsonpath`.

use serde_json::Value;

/// Longest path that is read.
const MAX_LENGTH: usize = 4096;

/// A parsed path.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonPath {
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    /// All values of a map or list.
    All,
    /// The field anywhere below.
    Anywhere(String),
    Index(i64),
    Range(Option<i64>, Option<i64>),
    Filter {
        path: JsonPath,
        operator: Operator,
        value: Option<Value>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Exists,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl JsonPath {
    /// Parses a path, with or without braces around it and a dollar sign before it.
    ///
    /// # Errors
    /// Says what is not understood.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > MAX_LENGTH {
            return Err(format!("the path has more than {MAX_LENGTH} characters"));
        }
        let inner = text.trim();
        let inner = inner.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).unwrap_or(inner);
        let mut rest = inner.strip_prefix('$').unwrap_or(inner);
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = step(rest)?;
            steps.extend(step);
            rest = after;
        }
        Ok(Self { steps })
    }

    /// All values at the path, in order; none where it leads nowhere.
    pub fn find<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![value];
        for step in &self.steps {
            found = found.into_iter().flat_map(|value| step.apply(value)).collect();
        }
        found
    }
}

/// One step from the front, and what is left.
fn step(text: &str) -> Result<(Option<Step>, &str), String> {
    if let Some(rest) = text.strip_prefix("..") {
        let (name, rest) = name(rest)?;
        return Ok((Some(Step::Anywhere(name)), rest));
    }
    if let Some(rest) = text.strip_prefix('[') {
        return bracket(rest).map(|(step, rest)| (Some(step), rest));
    }
    let rest = text.strip_prefix('.').unwrap_or(text);
    if rest.is_empty() || rest.starts_with('[') {
        return Ok((None, rest));
    }
    if let Some(rest) = rest.strip_prefix('*') {
        return Ok((Some(Step::All), rest));
    }
    let (name, rest) = name(rest)?;
    Ok((Some(Step::Field(name)), rest))
}

/// A field's name up to the next dot or bracket; a backslash takes the next character as it is.
fn name(text: &str) -> Result<(String, &str), String> {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => name.extend(characters.next().map(|(_, escaped)| escaped)),
            '.' | '[' => return if name.is_empty() { Err(format!("a name is missing at `{text}`")) } else { Ok((name, &text[at..])) },
            ' ' | '{' | '}' | '(' | ')' => {
                return Err(format!("unrecognized character in action: U+{:04X} '{character}'", character as u32));
            }
            plain => name.push(plain),
        }
    }
    if name.is_empty() { Err("a name is missing".to_owned()) } else { Ok((name, "")) }
}

fn bracket(text: &str) -> Result<(Step, &str), String> {
    if let Some(filter) = text.strip_prefix("?(") {
        let end = closing(filter).ok_or("unterminated filter")?;
        let rest = filter[end..].strip_prefix(")]").ok_or("unterminated filter")?;
        return Ok((self::filter(&filter[..end])?, rest));
    }
    if let Some(quote) = text.chars().next().filter(|first| ['\'', '"'].contains(first)) {
        let inner = &text[1..];
        let end = inner.find(quote).ok_or("unterminated array")?;
        let rest = inner[end + 1..].strip_prefix(']').ok_or("unterminated array")?;
        return Ok((Step::Field(inner[..end].to_owned()), rest));
    }
    let (inner, rest) = text.split_once(']').ok_or("unterminated array")?;
    let number = |text: &str| text.trim().parse::<i64>().map_err(|_| format!("invalid array index {text}"));
    let step = match inner.trim() {
        "*" => Step::All,
        range if range.contains(':') => {
            let mut bounds = range.split(':').map(|bound| if bound.trim().is_empty() { Ok(None) } else { number(bound).map(Some) });
            Step::Range(bounds.next().transpose()?.flatten(), bounds.next().transpose()?.flatten())
        }
        single => Step::Index(number(single)?),
    };
    Ok((step, rest))
}

/// Where the parenthesis that was opened before `text` closes; texts in quotes do not count.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0, None);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), other) => quote = (open != other).then_some(open),
            (None, '\'' | '"') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return Some(at),
            (None, ')') => depth -= 1,
            _ => {}
        }
    }
    None
}

fn filter(text: &str) -> Result<Step, String> {
    const OPERATORS: [(&str, Operator); 6] = [
        ("==", Operator::Equal),
        ("!=", Operator::Unequal),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ];
    let found = OPERATORS
        .iter()
        .filter_map(|(word, operator)| Some((text.find(word)?, word.len(), *operator)))
        .min_by_key(|(at, length, _)| (*at, std::cmp::Reverse(*length)));
    let own = |text: &str| {
        let text = text.trim();
        text.strip_prefix('@').ok_or_else(|| format!("a filter must begin with `@`, not `{text}`")).and_then(JsonPath::parse)
    };
    let Some((at, length, operator)) = found else {
        return Ok(Step::Filter { path: own(text)?, operator: Operator::Exists, value: None });
    };
    let right = text[at + length..].trim();
    let quoted = ['\'', '"'].iter().find_map(|quote| right.strip_prefix(*quote)?.strip_suffix(*quote));
    let value = match quoted {
        Some(text) => Value::String(text.to_owned()),
        None => serde_json::from_str(right).map_err(|_| format!("`{right}` is no value to compare with"))?,
    };
    Ok(Step::Filter { path: own(&text[..at])?, operator, value: Some(value) })
}

impl Step {
    fn apply<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match (self, value) {
            (Self::Field(name), Value::Object(map)) => map.get(name).into_iter().collect(),
            (Self::All, Value::Object(map)) => map.values().collect(),
            (Self::All, Value::Array(list)) => list.iter().collect(),
            (Self::Anywhere(name), value) => anywhere(name, value),
            (Self::Index(index), Value::Array(list)) => at(list, *index).and_then(|at| list.get(at)).into_iter().collect(),
            (Self::Range(from, to), Value::Array(list)) => {
                let bound =
                    |bound: Option<i64>, default: usize| bound.map_or(default, |bound| at(list, bound).unwrap_or(0).min(list.len()));
                list.get(bound(*from, 0)..bound(*to, list.len())).unwrap_or_default().iter().collect()
            }
            (Self::Filter { path, operator, value: wanted }, Value::Array(list)) => {
                list.iter().filter(|item| matches(*operator, path.find(item).first().copied(), wanted.as_ref())).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn at(list: &[Value], index: i64) -> Option<usize> {
    let length = i64::try_from(list.len()).ok()?;
    usize::try_from(if index < 0 { index + length } else { index }).ok()
}

fn anywhere<'a>(name: &str, value: &'a Value) -> Vec<&'a Value> {
    let mut found = Vec::new();
    match value {
        Value::Object(map) => {
            found.extend(map.get(name));
            map.values().for_each(|value| found.extend(anywhere(name, value)));
        }
        Value::Array(list) => list.iter().for_each(|value| found.extend(anywhere(name, value))),
        _ => {}
    }
    found
}

fn matches(operator: Operator, found: Option<&Value>, wanted: Option<&Value>) -> bool {
    let (Some(found), operator) = (found, operator) else { return false };
    let Some(wanted) = wanted else { return operator == Operator::Exists };
    let order = match (found, wanted) {
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        (Value::Number(left), Value::Number(right)) => left.as_f64().partial_cmp(&right.as_f64()),
        (left, right) if left == right => Some(std::cmp::Ordering::Equal),
        _ => None,
    };
    match operator {
        Operator::Exists => true,
        Operator::Equal => order.is_some_and(std::cmp::Ordering::is_eq),
        Operator::Unequal => order.is_none_or(std::cmp::Ordering::is_ne),
        Operator::Less => order.is_some_and(std::cmp::Ordering::is_lt),
        Operator::LessOrEqual => order.is_some_and(std::cmp::Ordering::is_le),
        Operator::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
        Operator::GreaterOrEqual => order.is_some_and(std::cmp::Ordering::is_ge),
    }
}

#[cfg(test)]
mod tests {
    use super::JsonPath;
    use serde_json::{Value, json};

    #[test]
    fn paths_find_values() {
        let object = json!({
            "spec": {"replicas": 3, "list": [1, 2, 3], "a.b": "dotted"},
            "status": {"conditions": [{"type": "Synced", "status": "False"}, {"type": "Ready", "status": "True", "n": 2}]}
        });
        for (path, expected) in [
            (".spec.replicas", json!([3])),
            ("{.spec.replicas}", json!([3])),
            ("$.spec['a.b']", json!(["dotted"])),
            (".spec.a\\.b", json!(["dotted"])),
            (".spec.list[1]", json!([2])),
            (".spec.list[-1]", json!([3])),
            (".spec.list[0:2]", json!([1, 2])),
            (".spec.list[*]", json!([1, 2, 3])),
            (".spec.list[9]", json!([])),
            (".status.conditions[?(@.type==\"Ready\")].status", json!(["True"])),
            (".status.conditions[?(@.type=='Synced')].status", json!(["False"])),
            (".status.conditions[?(@.n>1)].type", json!(["Ready"])),
            (".status.conditions[?(@.n)].type", json!(["Ready"])),
            ("..type", json!(["Synced", "Ready"])),
            (".missing.deep", json!([])),
        ] {
            let parsed = JsonPath::parse(path).unwrap_or_else(|error| panic!("{path}: {error}"));
            assert_eq!(Value::from_iter(parsed.find(&object).into_iter().cloned()), expected, "{path}");
        }
    }

    #[test]
    fn broken_paths_are_refused() {
        for path in [".a[", ".a[x]", ".a[?(@.b==]", "a b", ".a[?(b==1)]", "..", ".a['b]"] {
            assert!(JsonPath::parse(path).is_err(), "{path}");
        }
    }
}
