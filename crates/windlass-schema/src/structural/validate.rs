//! Whether a value fulfils a schema, in the words that Kubernetes uses.
//!
//! Order and choice of messages follow kube-openapi's validator: type, then logic (`anyOf`, ...), then what fits the
//! value's type; of failed alternatives the one that matched most speaks. With an old value, what did not change is not
//! judged again (ratcheting). Start with [`Schema::validate`].

use super::error::{FieldError, index};
use super::{JsonType, ListType, Node, Rules, Schema, formats, lists};
use serde_json::{Map, Number, Value};

impl Schema {
    /// Everything wrong with `value`; with `old`, parts that equal their old counterpart are taken as they are.
    ///
    /// Includes duplicates in lists of type set and map, but nothing about `metadata` beyond its types.
    pub fn validate(&self, value: &Value, old: Option<&Value>) -> Vec<FieldError> {
        let mut errors = self.judge(self.root(), value, old, "").errors;
        errors.extend(self.duplicates(value));
        errors
    }

    /// Everything wrong with `value` at `node`, which stands at `path`.
    pub fn validate_at(&self, node: &Node, value: &Value, path: &str) -> Vec<FieldError> {
        self.judge(node, value, None, path).errors
    }

    fn judge(&self, node: &Node, value: &Value, old: Option<&Value>, path: &str) -> Outcome {
        let mut outcome = Outcome::default();
        if old == Some(value) {
            outcome.matched = 1;
            return outcome;
        }
        let rules = node.rules.as_deref();
        if value.is_null() {
            outcome.merge(check_type(node, value, path));
            outcome.merge(check_enum(rules, value, path));
            return outcome;
        }
        if node.json_type.is_some() || node.int_or_string {
            outcome.merge(check_type(node, value, path));
            outcome.matched += 1;
        }
        outcome.merge(self.check_logic(rules, value, path));
        outcome.matched += 1;
        match value {
            Value::String(text) => {
                outcome.merge(check_text(rules, text, path));
                outcome.merge(check_format(node, text, path));
                outcome.matched += 1;
            }
            Value::Number(number) => {
                outcome.merge(check_number(rules, number, path));
                outcome.matched += 1;
            }
            Value::Array(list) => {
                outcome.merge(self.check_list(node, list, old, path));
                outcome.matched += 1;
            }
            Value::Null | Value::Bool(_) | Value::Object(_) => {}
        }
        outcome.merge(check_enum(rules, value, path));
        outcome.matched += 1;
        if let Value::Object(map) = value {
            outcome.merge(self.check_object(node, map, old, path));
            outcome.matched += 1;
        }
        outcome.matched += 1;
        outcome
    }

    fn check_logic(&self, rules: Option<&Rules>, value: &Value, path: &str) -> Outcome {
        let mut outcome = Outcome { errors: Vec::new(), matched: 1 };
        let Some(rules) = rules else { return outcome };
        let judged =
            |ids: &[super::NodeId]| -> Vec<Outcome> { ids.iter().map(|id| self.judge(self.node(*id), value, None, path)).collect() };
        let whole = |detail: String| FieldError::invalid("<nil>", "", detail);
        let quoted = super::error::quote(path);

        let any = judged(&rules.any_of);
        if let Some(valid) = any.iter().position(Outcome::is_valid) {
            outcome.matched += any[valid].matched;
        } else if let Some(best) = best_failure(any) {
            outcome.errors.push(whole(format!("{quoted} must validate at least one schema (anyOf)")));
            outcome.merge(best);
        }
        let one = judged(&rules.one_of);
        let valid = one.iter().filter(|alternative| alternative.is_valid()).count();
        if valid == 1 {
            outcome.matched += one.iter().find(|alternative| alternative.is_valid()).map_or(0, |first| first.matched);
        } else if !one.is_empty() {
            let found = if valid == 0 { "Found none valid".to_owned() } else { format!("Found {valid} valid alternatives") };
            outcome.errors.push(whole(format!("{quoted} must validate one and only one schema (oneOf). {found}")));
            if valid == 0 {
                outcome.merge_some(best_failure(one));
            }
        }
        let all = judged(&rules.all_of);
        let valid = all.iter().filter(|member| member.is_valid()).count();
        let expected = all.len();
        all.into_iter().for_each(|member| outcome.merge(member));
        if valid < expected {
            let none = if valid == 0 { ". None validated" } else { "" };
            outcome.errors.push(whole(format!("{quoted} must validate all the schemas (allOf){none}")));
        }
        if rules.not.is_some_and(|id| self.judge(self.node(id), value, None, path).is_valid()) {
            outcome.errors.push(whole(format!("{quoted} must not validate the schema (not)")));
        }
        outcome
    }

    fn check_list(&self, node: &Node, list: &[Value], old: Option<&Value>, path: &str) -> Outcome {
        let mut outcome = Outcome { errors: Vec::new(), matched: 1 };
        if let Some(items) = node.items.map(|id| self.node(id)) {
            let previous = self.counterparts(node, old);
            for (position, item) in list.iter().enumerate() {
                let old = previous.as_ref().and_then(|find| find(item));
                outcome.merge(self.judge(items, item, old, &index(path, position)));
            }
        }
        let Some(rules) = node.rules.as_deref() else { return outcome };
        if let Some(min) = rules.min_items.filter(|min| (list.len() as u64) < *min) {
            let detail = format!("{} should have at least {min} items", in_body(path));
            outcome.errors.push(FieldError::invalid(named(path), list.len(), detail));
        }
        if let Some(max) = rules.max_items.filter(|max| list.len() as u64 > *max) {
            outcome.errors.push(FieldError::too_many(named(path), list.len(), max));
        }
        if rules.unique_items && list.iter().enumerate().any(|(position, item)| list[..position].contains(item)) {
            outcome.errors.push(FieldError::invalid(named(path), "", format!("{} shouldn't contain duplicates", in_body(path))));
        }
        outcome
    }

    /// Finds the old element of a list of type map by its keys.
    fn counterparts<'a>(&'a self, node: &'a Node, old: Option<&'a Value>) -> Option<impl Fn(&Value) -> Option<&'a Value> + 'a> {
        let (ListType::Map(keys), Some(Value::Array(old))) = (&node.list_type, old) else { return None };
        Some(move |item: &Value| {
            let identity = lists::item_key(self, node, keys, item);
            old.iter().find(|candidate| lists::item_key(self, node, keys, candidate) == identity)
        })
    }

    fn check_object(&self, node: &Node, map: &Map<String, Value>, old: Option<&Value>, path: &str) -> Outcome {
        let mut outcome = Outcome::default();
        let rules = node.rules.as_deref();
        let count = map.len();
        if let Some(min) = rules.and_then(|rules| rules.min_properties).filter(|min| (count as u64) < *min) {
            let detail = format!("{} should have at least {min} properties", in_body(path));
            outcome.errors.push(FieldError::invalid(named(path), count, detail));
        }
        if let Some(max) = rules.and_then(|rules| rules.max_properties).filter(|max| count as u64 > *max) {
            outcome.errors.push(FieldError::too_many(named(path), count, max));
        }
        for (key, value) in map {
            let old = old.and_then(|old| old.get(key));
            let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            if let Some(field) = self.field(node, key) {
                outcome.merge(self.judge(field, value, old, &below));
            }
        }
        for key in rules.map(|rules| rules.required.as_slice()).unwrap_or_default() {
            if !map.contains_key(key) {
                outcome.errors.push(FieldError::required(named(&super::error::child(path, key)), ""));
            }
        }
        outcome
    }
}

/// What a part of a schema found: its errors, and how many checks passed (to choose among failed alternatives).
#[derive(Default)]
struct Outcome {
    errors: Vec<FieldError>,
    matched: usize,
}

impl Outcome {
    fn error(error: FieldError) -> Self {
        Self { errors: vec![error], matched: 0 }
    }

    fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }

    fn merge(&mut self, other: Self) {
        self.errors.extend(other.errors);
        self.matched += other.matched;
    }

    fn merge_some(&mut self, other: Option<Self>) {
        if let Some(other) = other {
            self.merge(other);
        }
    }
}

/// The first among the failures that matched most.
fn best_failure(alternatives: Vec<Outcome>) -> Option<Outcome> {
    alternatives.into_iter().reduce(|best, next| if next.matched > best.matched { next } else { best })
}

/// How messages name a field.
fn in_body(path: &str) -> String {
    format!("{path} in body")
}

/// How a cause names a field; the whole object has no name.
fn named(path: &str) -> String {
    if path.is_empty() { "<nil>".to_owned() } else { path.to_owned() }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn is_whole(number: &Number) -> bool {
    number.as_f64().is_some_and(|float| float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0)
}

fn check_type(node: &Node, value: &Value, path: &str) -> Outcome {
    let (wanted, fits) = match (node.int_or_string, node.json_type) {
        (true, _) => {
            let fits = value.is_string() || value.as_number().is_some_and(|number| !number.is_f64() || is_whole(number));
            ("integer,string", fits)
        }
        (false, None) => return Outcome { errors: Vec::new(), matched: 1 },
        (false, Some(json_type)) => (json_type.name(), has_type(json_type, node, value)),
    };
    if fits || (value.is_null() && node.nullable) {
        return Outcome { errors: Vec::new(), matched: 1 };
    }
    let found = type_of(value);
    let wanted = enforced_format(node).filter(|_| !value.is_string() && !value.is_array() && !value.is_null()).unwrap_or(wanted);
    let detail = format!("{} must be of type {wanted}: \"{found}\"", in_body(path));
    Outcome::error(FieldError::type_invalid(named(path), found, detail))
}

fn enforced_format(node: &Node) -> Option<&str> {
    node.format.as_deref().filter(|format| formats::format_is_known(format))
}

fn has_type(json_type: JsonType, node: &Node, value: &Value) -> bool {
    match (json_type, value) {
        (JsonType::Object, Value::Object(_))
        | (JsonType::Array, Value::Array(_))
        | (JsonType::String, Value::String(_))
        | (JsonType::Number, Value::Number(_))
        | (JsonType::Boolean, Value::Bool(_)) => true,
        (JsonType::Integer, Value::Number(number)) => !number.is_f64() || is_whole(number),
        // A format makes Kubernetes' validator leave the type of texts and lists to it.
        (JsonType::Object | JsonType::Array | JsonType::String | JsonType::Boolean, Value::String(_) | Value::Array(_)) => {
            enforced_format(node).is_some()
        }
        _ => false,
    }
}

fn check_enum(rules: Option<&Rules>, value: &Value, path: &str) -> Outcome {
    let Some(rules) = rules.filter(|rules| !rules.allowed.is_empty() && !rules.allowed.iter().any(|allowed| same(allowed, value))) else {
        return Outcome::default();
    };
    let words: Vec<String> = rules
        .allowed
        .iter()
        .map(|allowed| match allowed {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        })
        .collect();
    Outcome::error(FieldError::not_supported(named(path), value.clone(), &words))
}

/// Equality where `1` and `1.0` are one number; null never equals, as in Kubernetes.
fn same(allowed: &Value, value: &Value) -> bool {
    match (allowed, value) {
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        _ => allowed == value,
    }
}

fn check_text(rules: Option<&Rules>, text: &str, path: &str) -> Outcome {
    let Some(rules) = rules else { return Outcome::default() };
    let length = text.chars().count() as u64;
    if let Some(max) = rules.max_length.filter(|max| length > *max) {
        return Outcome::error(FieldError::too_long(named(path), max));
    }
    if let Some(min) = rules.min_length.filter(|min| length < *min) {
        let detail = format!("{} should be at least {min} chars long", in_body(path));
        return Outcome::error(FieldError::invalid(named(path), text, detail));
    }
    if let Some(pattern) = &rules.pattern
        && !rules.expression.as_ref().is_some_and(|expression| expression.is_match(text))
    {
        let invalid = if rules.expression.is_some() { "" } else { ", but pattern is invalid" };
        let detail = format!("{} should match '{pattern}{invalid}'", in_body(path));
        return Outcome::error(FieldError::invalid(named(path), text, detail));
    }
    Outcome::default()
}

fn check_format(node: &Node, text: &str, path: &str) -> Outcome {
    match enforced_format(node) {
        Some(format) if !formats::matches(format, text) => {
            let detail = format!("{} must be of type {format}: {}", in_body(path), super::error::quote(text));
            Outcome::error(FieldError::type_invalid(named(path), text, detail))
        }
        _ => Outcome::default(),
    }
}

fn check_number(rules: Option<&Rules>, number: &Number, path: &str) -> Outcome {
    let mut outcome = Outcome { errors: Vec::new(), matched: 1 };
    let Some(rules) = rules else { return outcome };
    let mut report = |words: &str, bound: &Number| {
        let detail = format!("{} should be {words} {}", in_body(path), plain(bound));
        outcome.errors.push(FieldError::invalid(named(path), number.clone(), detail));
    };
    if let Some(factor) = rules.multiple_of.as_ref().filter(|factor| !is_multiple(number, factor)) {
        report("a multiple of", factor);
    }
    let beyond = |bound: &Number, exclusive: bool, wanted: std::cmp::Ordering| {
        compare(number, bound).is_some_and(|order| order == wanted || (exclusive && order.is_eq()))
    };
    if let Some(bound) = rules.minimum.as_ref().filter(|bound| beyond(bound, rules.exclusive_minimum, std::cmp::Ordering::Less)) {
        report(if rules.exclusive_minimum { "greater than" } else { "greater than or equal to" }, bound);
    }
    if let Some(bound) = rules.maximum.as_ref().filter(|bound| beyond(bound, rules.exclusive_maximum, std::cmp::Ordering::Greater)) {
        report(if rules.exclusive_maximum { "less than" } else { "less than or equal to" }, bound);
    }
    outcome
}

fn compare(left: &Number, right: &Number) -> Option<std::cmp::Ordering> {
    match (left.as_i64(), right.as_i64()) {
        (Some(left), Some(right)) => Some(left.cmp(&right)),
        _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
    }
}

fn is_multiple(number: &Number, factor: &Number) -> bool {
    if let (Some(number), Some(factor)) = (number.as_i64(), factor.as_i64()) {
        return factor > 0 && number % factor == 0;
    }
    let (Some(number), Some(factor)) = (number.as_f64(), factor.as_f64()) else { return false };
    factor > 0.0 && (if factor < 1.0 { 1.0 / factor * number } else { number / factor }).fract() == 0.0
}

/// A bound as Go prints it: without `.0`.
fn plain(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => format!("{float:.0}"),
        _ => number.to_string(),
    }
}
