//! A form from a generated kind's own schema: which fields, in which order, with which widgets; texts to JSON and back.
//!
//! Nothing is checked here: the API's dry run checks, and [`errors`] puts its words beside the field. Start with [`read`].

pub(crate) mod errors;
pub(crate) mod sizes;
#[cfg(test)]
mod tests;

use crate::model::query::Query;
use serde_json::{Map, Value};
use sizes::Card;
use windlass_api::template::TemplateSpec;

/// Objects within objects are laid out field by field down to this depth; deeper ones are written as YAML.
const DEPTH: usize = 4;
/// More fields than this are not drawn.
const FIELDS: usize = 200;
/// How many fields are in view, sizes apart, where neither the Template nor "required" says which.
const IN_VIEW: usize = 2;

/// A form.
#[derive(Debug, Default)]
pub(crate) struct Form {
    /// Fields in view.
    pub(crate) first: Vec<Field>,
    /// Fields that are folded away.
    pub(crate) more: Vec<Field>,
}

impl Form {
    /// All fields, in order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.first.iter().chain(&self.more)
    }
}

/// One field.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Keys from `spec` down.
    pub(crate) path: Vec<String>,
    /// Name for people.
    pub(crate) title: String,
    /// What it is for.
    pub(crate) hint: String,
    /// Whether it must be given.
    pub(crate) is_required: bool,
    /// What is taken where nothing is given.
    pub(crate) default: Option<Value>,
    /// What stands in an empty field.
    pub(crate) placeholder: String,
    /// How it is drawn and read.
    pub(crate) widget: Widget,
}

/// How a field is drawn and read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Widget {
    /// One line of text.
    Text,
    /// Several lines of text.
    Paragraph,
    /// A whole number, between bounds where they are known.
    Integer {
        /// At least.
        least: Option<i64>,
        /// At most.
        most: Option<i64>,
    },
    /// A number.
    Number,
    /// A whole number or a text.
    IntegerOrText,
    /// Yes or no.
    Flag,
    /// One of a few.
    Choice(Vec<String>),
    /// One of the Template's sizes.
    Sizes(Vec<Card>),
    /// Texts, one a line.
    Lines,
    /// Texts by name, `name=value` a line.
    Pairs,
    /// Anything else, as YAML.
    Yaml,
}

impl Field {
    /// Name in the form and in the API's messages, as `spec.port`.
    pub(crate) fn name(&self) -> String {
        format!("spec.{}", self.path.join("."))
    }

    /// Id in the page.
    pub(crate) fn id(&self) -> String {
        format!("f-{}", self.path.join("-"))
    }
}

/// Makes the form of a kind from the schema of its `spec` and what its Template says about it.
pub(crate) fn read(schema: &Value, template: &TemplateSpec) -> Form {
    let mut fields = Vec::new();
    collect(schema, &[], true, 0, &mut fields);
    let wishes = template.form.as_ref().unwrap_or(&Value::Null);
    for field in &mut fields {
        dress(field, template, wishes);
    }
    let names = |key: &str| -> Option<Vec<String>> {
        Some(wishes.get(key)?.as_array()?.iter().filter_map(|name| Some(name.as_str()?.trim_start_matches("spec.").to_owned())).collect())
    };
    if let Some(order) = names("order") {
        fields.sort_by_key(|field| order.iter().position(|name| is_within(field, name)).unwrap_or(usize::MAX));
    }
    split(fields, names("first").as_deref())
}

/// Whether a field is the named one or lies in it.
fn is_within(field: &Field, name: &str) -> bool {
    let path = field.path.join(".");
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn split(fields: Vec<Field>, wanted: Option<&[String]>) -> Form {
    let is_size = |field: &Field| matches!(field.widget, Widget::Sizes(_));
    let left = IN_VIEW.saturating_sub(fields.iter().filter(|field| field.is_required && !is_size(field)).count());
    // A server may keep fields in the order of their names, so that order says little: short texts come first.
    let mut likely: Vec<&Field> = fields.iter().filter(|field| field.path.len() == 1 && !field.is_required && !is_size(field)).collect();
    likely.sort_by_key(|field| match field.widget {
        Widget::Text if field.default.is_none() => 0,
        Widget::Text | Widget::Choice(_) | Widget::Integer { .. } => 1,
        _ => 2,
    });
    let likely: Vec<String> = likely.into_iter().take(left).map(Field::name).collect();
    let (mut first, mut more) = (Vec::new(), Vec::new());
    for field in fields {
        let in_view = match wanted {
            _ if is_size(&field) || field.is_required => true,
            Some(wanted) => wanted.iter().any(|name| is_within(&field, name)),
            None => likely.contains(&field.name()),
        };
        if in_view { first.push(field) } else { more.push(field) }
    }
    // Sizes last: they are large, and say what the rest will cost.
    first.sort_by_key(is_size);
    Form { first, more }
}

fn collect(schema: &Value, path: &[String], is_required: bool, depth: usize, fields: &mut Vec<Field>) {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        if fields.len() >= FIELDS {
            return;
        }
        let mut below = path.to_vec();
        below.push(key.clone());
        let must = is_required && required.contains(&key.as_str()) && property.get("default").is_none();
        let has_fields = property["properties"].as_object().is_some_and(|properties| !properties.is_empty());
        if has_fields && depth + 1 < DEPTH {
            collect(property, &below, must, depth + 1, fields);
        } else {
            let text = |key: &str| property[key].as_str().unwrap_or_default().to_owned();
            fields.push(Field {
                title: if text("title").is_empty() {
                    below.iter().map(|part| title(part)).collect::<Vec<_>>().join(", ")
                } else {
                    text("title")
                },
                hint: text("description"),
                is_required: must,
                default: property.get("default").cloned(),
                placeholder: String::new(),
                widget: widget(property),
                path: below,
            });
        }
    }
}

fn widget(property: &Value) -> Widget {
    let choices: Option<Vec<String>> =
        property["enum"].as_array().and_then(|all| all.iter().map(|value| value.as_str().map(str::to_owned)).collect());
    if let Some(choices) = choices.filter(|choices| !choices.is_empty()) {
        return Widget::Choice(choices);
    }
    if property["x-kubernetes-int-or-string"] == true {
        return Widget::IntegerOrText;
    }
    let items = |type_: &str| property["items"]["type"] == type_ && property["items"].get("enum").is_none();
    match property["type"].as_str().unwrap_or_default() {
        "string" if property["maxLength"].as_u64().is_some_and(|most| most > 1000) => Widget::Paragraph,
        "string" => Widget::Text,
        "integer" => Widget::Integer { least: property["minimum"].as_i64(), most: property["maximum"].as_i64() },
        "number" => Widget::Number,
        "boolean" => Widget::Flag,
        "array" if items("string") => Widget::Lines,
        "object" if property["additionalProperties"]["type"] == "string" => Widget::Pairs,
        _ => Widget::Yaml,
    }
}

/// What the Template says: sizes, titles, placeholders, widgets.
fn dress(field: &mut Field, template: &TemplateSpec, wishes: &Value) {
    if let Some(sizes) = template.sizes.as_ref().filter(|_| field.path == ["size"]) {
        field.widget = Widget::Sizes(sizes::cards(sizes));
        let default = sizes.default.clone().or_else(|| sizes.values.keys().next().cloned());
        field.default = field.default.take().or(default.map(Value::String));
        field.is_required = false;
    }
    let wish = &wishes["fields"][field.path.join(".")];
    if let Some(title) = wish["title"].as_str() {
        title.clone_into(&mut field.title);
    }
    if let Some(hint) = wish["hint"].as_str() {
        hint.clone_into(&mut field.hint);
    }
    if let Some(placeholder) = wish["placeholder"].as_str() {
        placeholder.clone_into(&mut field.placeholder);
    }
    if wish["widget"] == "paragraph" && field.widget == Widget::Text {
        field.widget = Widget::Paragraph;
    }
}

/// `minReplicas` becomes `Min replicas`.
pub(crate) fn title(key: &str) -> String {
    if ["cpu", "url", "id", "api", "tls", "dns", "ip"].contains(&key) {
        return key.to_uppercase();
    }
    let mut out = String::with_capacity(key.len() + 4);
    let mut before_lower = false;
    for letter in key.chars() {
        if letter == '_' || letter == '-' {
            out.push(' ');
        } else if letter.is_uppercase() && before_lower {
            out.push(' ');
            out.extend(letter.to_lowercase());
        } else if out.is_empty() {
            out.extend(letter.to_uppercase());
        } else {
            out.push(letter);
        }
        before_lower = letter.is_lowercase() || letter.is_ascii_digit();
    }
    out
}

/// A value as it stands in its field.
pub(crate) fn text(widget: &Widget, value: Option<&Value>) -> String {
    let Some(value) = value else { return String::new() };
    match (widget, value) {
        (_, Value::Null) => String::new(),
        (Widget::Yaml, value) => serde_json::to_string_pretty(value).unwrap_or_default(),
        (Widget::Lines, Value::Array(items)) => items.iter().map(scalar).collect::<Vec<_>>().join("\n"),
        (Widget::Pairs, Value::Object(fields)) => {
            fields.iter().map(|(key, value)| format!("{key}={}", scalar(value))).collect::<Vec<_>>().join("\n")
        }
        (_, value) => scalar(value),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What a text means; `None` where the field is empty. What has the wrong shape stays a text, for the API to refuse.
pub(crate) fn value(widget: &Widget, text: &str) -> Option<Value> {
    let text = text.replace("\r\n", "\n");
    if text.trim().is_empty() {
        return None;
    }
    let word = text.trim();
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    Some(match widget {
        Widget::Text | Widget::Paragraph | Widget::Choice(_) | Widget::Sizes(_) => Value::String(text),
        Widget::Integer { .. } | Widget::IntegerOrText => word.parse::<i64>().map_or_else(|_| Value::String(word.to_owned()), Value::from),
        Widget::Number => number(word).unwrap_or_else(|| Value::String(word.to_owned())),
        Widget::Flag => read(word).filter(Value::is_boolean).unwrap_or_else(|| Value::String(word.to_owned())),
        Widget::Lines => text.lines().filter(|line| !line.trim().is_empty()).map(|line| Value::String(line.to_owned())).collect(),
        Widget::Pairs => {
            let pairs = text.lines().filter(|line| !line.trim().is_empty()).map(|line| line.split_once('=').unwrap_or((line, "")));
            pairs.map(|(key, value)| (key.trim().to_owned(), Value::String(value.to_owned()))).collect::<Map<_, _>>().into()
        }
        Widget::Yaml => read(&text).or_else(|| serde_saphyr::from_str(&text).ok()).unwrap_or(Value::String(text)),
    })
}

/// A number, exactly as written.
fn number(word: &str) -> Option<Value> {
    let whole = word.parse::<i64>().ok().map(Value::from);
    whole.or_else(|| serde_json::Number::from_f64(word.parse().ok()?).map(Value::Number))
}

/// The value at a path.
pub(crate) fn at<'a>(spec: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(spec, |value, key| value.get(key))
}

/// As [`at`], from an object's fields.
pub(crate) fn within<'a>(spec: &'a Map<String, Value>, path: &[String]) -> Option<&'a Value> {
    let (key, below) = path.split_first()?;
    at(spec.get(key)?, below)
}

/// What was sent, over what was there before: a field whose text did not change keeps its value exactly, a field that the
/// form does not know is kept, and a value that is the default anyway is not written.
pub(crate) fn spec(form: &Form, sent: &Query, base: &Value) -> Map<String, Value> {
    let mut spec = base.as_object().cloned().unwrap_or_default();
    for field in form.fields() {
        let Some(sent) = sent.last(&field.name()) else { continue };
        let sent = sent.replace("\r\n", "\n");
        let before = at(base, &field.path);
        let drawn = before.or(field.default.as_ref());
        let unchanged = text(&field.widget, drawn) == sent && (before.is_some() || field.default.is_some());
        if unchanged {
            continue;
        }
        let value = value(&field.widget, &sent);
        // "No" to a question that has no default is the same as no answer.
        let value =
            value.filter(|value| !(before.is_none() && field.default.is_none() && *value == Value::Bool(false) && !field.is_required));
        put(&mut spec, &field.path, value);
    }
    spec
}

fn put(spec: &mut Map<String, Value>, path: &[String], value: Option<Value>) {
    let Some((key, below)) = path.split_first() else { return };
    if below.is_empty() {
        match value {
            Some(value) => spec.insert(key.clone(), value),
            None => spec.shift_remove(key),
        };
        return;
    }
    if value.is_none() && !spec.get(key).is_some_and(Value::is_object) {
        return;
    }
    let child = spec.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()));
    if !child.is_object() {
        *child = Value::Object(Map::new());
    }
    if let Value::Object(fields) = child {
        put(fields, below, value);
        if fields.is_empty() {
            spec.shift_remove(key);
        }
    }
}
