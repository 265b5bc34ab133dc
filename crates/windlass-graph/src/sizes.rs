//! T-shirt sizes: one table whose rows have the same keys, with types that are inferred and units that are checked.

use crate::path;
use crate::quantity::{Money, Notation, Quantity};
use serde_json::{Map, Value, json};
use windlass_api::Diagnostic;

/// How many sizes a table may have.
const MOST_SIZES: usize = 32;
/// How many keys a size may have.
const MOST_KEYS: usize = 64;

/// The table of a Template.
#[derive(Clone, Debug, PartialEq)]
pub struct SizeTable {
    /// The size taken where none is named.
    pub default: String,
    /// In the author's order.
    pub sizes: Vec<Size>,
    /// Keys and their types, in the order of the first size.
    pub columns: Vec<(String, ColumnType)>,
}

/// One size.
#[derive(Clone, Debug, PartialEq)]
pub struct Size {
    /// Such as `S`.
    pub name: String,
    /// Key → value, as expressions see it.
    pub values: Map<String, Value>,
    /// Such as `5 EUR/month`.
    pub price: Option<String>,
    /// What it means for people, part by part, as `2 replicas`, `500m cpu`; without the price.
    pub description: Vec<String>,
}

/// Type of a key, the same in every size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// A number of processors, bytes, or another Kubernetes quantity; a string in expressions.
    Quantity,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// A text.
    Text,
    /// True or false.
    Boolean,
    /// Money per time; a string in expressions.
    Money,
}

/// What a key must count, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Processors,
    Bytes,
    Price,
    Free,
}

impl Meaning {
    fn of(key: &str) -> Self {
        let key = key.to_ascii_lowercase();
        let ends = |words: &[&str]| words.iter().any(|word| key.ends_with(word));
        if ends(&["cpu", "cpus"]) {
            Self::Processors
        } else if ends(&["memory", "ram", "storage", "disk"]) {
            Self::Bytes
        } else if key == "price" {
            Self::Price
        } else {
            Self::Free
        }
    }
}

impl SizeTable {
    /// Reads `spec.sizes`.
    pub(crate) fn read(value: &Value, at: &str, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        let before = findings.len();
        let rows = rows(value, at, findings)?;
        let columns = columns(&rows, at, findings);
        let default = default(value, &rows, at, findings);
        if findings.len() > before {
            return None;
        }
        let sizes = rows.iter().map(|(name, row)| size(name, row, &columns)).collect();
        Some(Self { default: default?, sizes, columns })
    }

    /// The size of this name.
    pub fn get(&self, name: &str) -> Option<&Size> {
        self.sizes.iter().find(|size| size.name == name)
    }

    /// The schema of the field `size`.
    pub(crate) fn field_schema(&self) -> Value {
        let names: Vec<&str> = self.sizes.iter().map(|size| size.name.as_str()).collect();
        json!({"type": "string", "enum": names, "default": self.default, "description": "How large it is."})
    }
}

type Row<'v> = (&'v String, &'v Map<String, Value>);

fn rows<'v>(value: &'v Value, at: &str, findings: &mut Vec<Diagnostic>) -> Option<Vec<Row<'v>>> {
    let Some(table) = value.as_object() else {
        findings.push(wrong(at, "`sizes` must be an object with `default` and `values`"));
        return None;
    };
    for key in table.keys().filter(|key| !matches!(key.as_str(), "default" | "values")) {
        findings.push(
            Diagnostic::error("UnknownField", path::child(at, key), format!("`sizes` has no field `{key}`"))
                .with_hint("its fields are: default, values"),
        );
    }
    let at = path::child(at, "values");
    let values = table.get("values").and_then(Value::as_object).filter(|values| !values.is_empty());
    let Some(values) = values else {
        findings.push(
            wrong(&at, "`sizes.values` must be an object with at least one size")
                .with_hint("as `values: {S: {replicas: 1}, M: {replicas: 2}}`"),
        );
        return None;
    };
    if values.len() > MOST_SIZES {
        findings.push(wrong(&at, format!("there are {} sizes; at most {MOST_SIZES} are possible", values.len())));
        return None;
    }
    let mut found = Vec::new();
    for (name, row) in values {
        let at = path::child(&at, name);
        let ok = !name.is_empty() && name.len() <= 32 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !ok {
            findings.push(wrong(&at, format!("`{name}` cannot name a size")).with_hint("use letters, digits and `-`, as `XL`"));
        }
        match row.as_object() {
            Some(row) if row.len() <= MOST_KEYS => found.push((name, row)),
            Some(_) => findings.push(wrong(&at, format!("a size has at most {MOST_KEYS} keys"))),
            None => findings.push(wrong(&at, "a size must be an object, as `{replicas: 1, cpu: 100m}`")),
        }
    }
    Some(found)
}

fn default(value: &Value, rows: &[Row<'_>], at: &str, findings: &mut Vec<Diagnostic>) -> Option<String> {
    let names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
    let at = path::child(at, "default");
    match value.get("default") {
        None => {
            let first = names.first().copied().unwrap_or_default();
            let finding = Diagnostic::error("MissingDefault", at, "`sizes.default` is missing: what is taken where nobody names a size?");
            findings.push(finding.with_hint(format!("add `default: {first}`")));
            None
        }
        Some(Value::String(name)) if names.contains(&name.as_str()) => Some(name.clone()),
        Some(other) => {
            let given = other.as_str().map_or_else(|| other.to_string(), str::to_owned);
            let finding = Diagnostic::error("UnknownName", at, format!("`{given}` is not one of the sizes"));
            findings.push(finding.with_hint(format!("the sizes are: {}", names.join(", "))));
            None
        }
    }
}

fn columns(rows: &[Row<'_>], at: &str, findings: &mut Vec<Diagnostic>) -> Vec<(String, ColumnType)> {
    let Some((first, pattern)) = rows.first() else { return Vec::new() };
    let at = path::child(at, "values");
    for (name, row) in &rows[1..] {
        for key in pattern.keys().filter(|key| !row.contains_key(*key)) {
            let finding =
                Diagnostic::error("SizeKeys", path::child(&at, name), format!("the size `{name}` has no `{key}`, which `{first}` has"));
            findings.push(finding.with_hint("every size has the same keys"));
        }
        for key in row.keys().filter(|key| !pattern.contains_key(*key)) {
            let at = path::child(&path::child(&at, name), key);
            let finding = Diagnostic::error("SizeKeys", at, format!("the size `{name}` has `{key}`, which `{first}` has not"));
            findings.push(finding.with_hint("every size has the same keys"));
        }
    }
    let mut columns = Vec::new();
    for key in pattern.keys() {
        let key_at = |name: &str| path::child(&path::child(&at, name), key);
        if key == "name" || !crate::identifier::is_name(key) {
            findings.push(
                wrong(&key_at(first), format!("`{key}` cannot be a key of a size"))
                    .with_hint("`size.name` is the size itself; use letters and digits"),
            );
            continue;
        }
        let cells: Vec<(&str, &Value)> = rows.iter().filter_map(|(name, row)| Some((name.as_str(), row.get(key)?))).collect();
        if let Some(type_) = column(key, &cells, &key_at, findings) {
            columns.push((key.clone(), type_));
        }
    }
    columns
}

fn column(key: &str, cells: &[(&str, &Value)], at: &dyn Fn(&str) -> String, findings: &mut Vec<Diagnostic>) -> Option<ColumnType> {
    match Meaning::of(key) {
        Meaning::Price => {
            for (size, value) in cells {
                if value.as_str().and_then(Money::parse).is_none() {
                    let finding = Diagnostic::error("WrongUnit", at(size), format!("{} is not a price", shown(value)));
                    findings.push(finding.with_hint("write amount, currency and period, as `5 EUR/month`"));
                }
            }
            Some(ColumnType::Money)
        }
        meaning @ (Meaning::Processors | Meaning::Bytes) => {
            for (size, value) in cells {
                findings.extend(amount(key, meaning, value, &at(size)));
            }
            Some(ColumnType::Quantity)
        }
        Meaning::Free => {
            let mut types = cells.iter().map(|(size, value)| (size, value, infer(value)));
            let (_, first_value, first) = types.next()?;
            let mut joined = first;
            for (size, value, found) in types {
                joined = match (joined, found) {
                    (Some(ColumnType::Integer), Some(ColumnType::Number)) | (Some(ColumnType::Number), Some(ColumnType::Integer)) => {
                        Some(ColumnType::Number)
                    }
                    (Some(ColumnType::Quantity), Some(ColumnType::Integer)) | (Some(ColumnType::Integer), Some(ColumnType::Quantity)) => {
                        Some(ColumnType::Quantity)
                    }
                    (Some(ColumnType::Quantity), Some(ColumnType::Text)) | (Some(ColumnType::Text), Some(ColumnType::Quantity)) => {
                        Some(ColumnType::Text)
                    }
                    (known, found) if known == found => known,
                    _ => {
                        let message =
                            format!("{} is of another type than {}, which `{}` has", shown(value), shown(first_value), cells[0].0);
                        findings.push(Diagnostic::error("WrongType", at(size), message).with_hint("a key has one type in all sizes"));
                        return None;
                    }
                };
            }
            if joined.is_none() {
                findings.push(
                    Diagnostic::error("WrongType", at(cells[0].0), format!("{} cannot be a value of a size", shown(first_value)))
                        .with_hint("use a number, a text, a quantity, true or false"),
                );
            }
            joined
        }
    }
}

fn infer(value: &Value) -> Option<ColumnType> {
    match value {
        Value::Bool(_) => Some(ColumnType::Boolean),
        Value::Number(number) if number.is_i64() => Some(ColumnType::Integer),
        Value::Number(_) => Some(ColumnType::Number),
        Value::String(text) if Money::parse(text).is_some() => Some(ColumnType::Money),
        Value::String(text) if Quantity::parse(text).is_some_and(|found| found.notation != Notation::Plain) => Some(ColumnType::Quantity),
        Value::String(_) => Some(ColumnType::Text),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Checks a number of processors or bytes; the hint says the value that was likely meant.
fn amount(key: &str, meaning: Meaning, value: &Value, at: &str) -> Option<Diagnostic> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
    };
    let wrong = |message: String, hint: String| Some(Diagnostic::error("WrongUnit", at, message).with_hint(hint));
    let digits: String = text.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let Some(quantity) = Quantity::parse(&text) else {
        let example = if meaning == Meaning::Processors { "as `500m` or `2`" } else { "as `512Mi` or `2Gi`" };
        let lower = text.to_ascii_lowercase();
        let likely = match (meaning, lower.as_bytes()) {
            (Meaning::Bytes, [.., b'g', b'b'] | [.., b'g', b'i', b'b'] | [.., b'g']) if !digits.is_empty() => {
                format!("did you mean `{digits}Gi`?")
            }
            (Meaning::Bytes, [.., b'm', b'b'] | [.., b'm', b'i', b'b']) if !digits.is_empty() => format!("did you mean `{digits}Mi`?"),
            _ => format!("write it {example}"),
        };
        return wrong(format!("{} is not a quantity", shown(value)), likely);
    };
    match (meaning, quantity.notation) {
        (Meaning::Processors, Notation::Binary | Notation::Decimal) => {
            wrong(format!("`{key}: {text}` counts bytes, but `{key}` counts processors"), format!("did you mean `{key}: \"{digits}\"`?"))
        }
        (Meaning::Bytes, Notation::Parts) => {
            wrong(format!("`{key}: {text}` is a fraction of a byte: `m` means thousandths"), format!("did you mean `{key}: {digits}Mi`?"))
        }
        (Meaning::Bytes, Notation::Plain) if quantity.is_below(1 << 20) => {
            wrong(format!("`{key}: {text}` is {text} bytes"), format!("did you mean `{key}: {digits}Mi`?"))
        }
        _ => None,
    }
}

fn size(name: &str, row: &Map<String, Value>, columns: &[(String, ColumnType)]) -> Size {
    let mut values = Map::new();
    let mut description = Vec::new();
    let mut price = None;
    for (key, type_) in columns {
        let Some(value) = row.get(key) else { continue };
        // What is a string in expressions is one in every size, however it was written.
        let value = match (type_, value) {
            (ColumnType::Quantity | ColumnType::Money | ColumnType::Text, Value::Number(number)) => Value::String(number.to_string()),
            _ => value.clone(),
        };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match (type_, key.as_str(), &value) {
            (ColumnType::Money, "price", _) => price = Some(text),
            (ColumnType::Boolean, _, Value::Bool(true)) => description.push(key.clone()),
            (ColumnType::Boolean, _, _) => description.push(format!("no {key}")),
            (ColumnType::Integer, "replicas", Value::Number(number)) if number.as_i64() == Some(1) => description.push("1 replica".into()),
            _ => description.push(format!("{text} {key}")),
        }
        values.insert(key.clone(), value);
    }
    Size { name: name.to_owned(), values, price, description }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        Value::Null => "an empty value".into(),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
        Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
    }
}

fn wrong(at: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error("InvalidSizes", at, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Document;

    /// The table in short, or what is wrong.
    fn check(yaml: &str) -> String {
        let document = Document::read_all(yaml).expect("the test's text is YAML").remove(0);
        let mut findings = Vec::new();
        match SizeTable::read(&document.value, "", &mut findings) {
            Some(table) => {
                let rows = table
                    .sizes
                    .iter()
                    .map(|size| format!("{}: {} | {}", size.name, size.description.join(", "), size.price.clone().unwrap_or_default()));
                let columns = table.columns.iter().map(|(key, type_)| format!("{key} {type_:?}"));
                format!("default {}\n{}\n{}", table.default, columns.collect::<Vec<_>>().join(", "), rows.collect::<Vec<_>>().join("\n"))
            }
            None => document.locate_all(findings).iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        }
    }

    #[test]
    fn types_are_inferred() {
        insta::assert_snapshot!(check("
default: S
values:
  S: {replicas: 1, cpu: 100m, memory: 128Mi, ratio: 1, backup: false, class: gp3, price: 5 EUR/month}
  L: {replicas: 4, cpu: 2, memory: 2Gi, ratio: 1.5, backup: true, class: io2, price: 110 EUR/month}
"), @r#"
        default S
        replicas Integer, cpu Quantity, memory Quantity, ratio Number, backup Boolean, class Text, price Money
        S: 1 replica, 100m cpu, 128Mi memory, 1 ratio, no backup, gp3 class | 5 EUR/month
        L: 4 replicas, 2 cpu, 2Gi memory, 1.5 ratio, backup, io2 class | 110 EUR/month
        "#);
    }

    #[test]
    fn units_and_keys_are_checked() {
        insta::assert_snapshot!(check("
default: XL
values:
  S: {cpu: 4Gi, memory: 100m, price: 5}
  M: {cpu: two, memory: 512, price: 5 euros}
  L: {cpu: 1, memory: 4GB, disk: 1Gi, price: 5 EUR/month}
"), @r#"
        6:28: error[SizeKeys] values.L.disk: the size `L` has `disk`, which `S` has not
          hint: every size has the same keys
        4:7: error[WrongUnit] values.S.cpu: `cpu: 4Gi` counts bytes, but `cpu` counts processors
          hint: did you mean `cpu: "4"`?
        5:7: error[WrongUnit] values.M.cpu: `two` is not a quantity
          hint: write it as `500m` or `2`
        4:17: error[WrongUnit] values.S.memory: `memory: 100m` is a fraction of a byte: `m` means thousandths
          hint: did you mean `memory: 100Mi`?
        5:17: error[WrongUnit] values.M.memory: `memory: 512` is 512 bytes
          hint: did you mean `memory: 512Mi`?
        6:15: error[WrongUnit] values.L.memory: `4GB` is not a quantity
          hint: did you mean `4Gi`?
        4:31: error[WrongUnit] values.S.price: `5` is not a price
          hint: write amount, currency and period, as `5 EUR/month`
        5:30: error[WrongUnit] values.M.price: `5 euros` is not a price
          hint: write amount, currency and period, as `5 EUR/month`
        2:1: error[UnknownName] default: `XL` is not one of the sizes
          hint: the sizes are: S, M, L
        "#);
        insta::assert_snapshot!(check("
values:
  S: {replicas: 1, name: small, tags: [a]}
  M: {replicas: two, name: medium, tags: [b]}
  'a b': 3
"), @r#"
        5:3: error[InvalidSizes] values["a b"]: `a b` cannot name a size
          hint: use letters, digits and `-`, as `XL`
        5:3: error[InvalidSizes] values["a b"]: a size must be an object, as `{replicas: 1, cpu: 100m}`
        4:7: error[WrongType] values.M.replicas: `two` is of another type than `1`, which `S` has
          hint: a key has one type in all sizes
        3:20: error[InvalidSizes] values.S.name: `name` cannot be a key of a size
          hint: `size.name` is the size itself; use letters and digits
        3:33: error[WrongType] values.S.tags: a list cannot be a value of a size
          hint: use a number, a text, a quantity, true or false
        2:1: error[MissingDefault] default: `sizes.default` is missing: what is taken where nobody names a size?
          hint: add `default: S`
        "#);
    }
}
