//! The API's refusal, beside the fields that it is about, with the likely right value.

use super::{Field, Form, Widget};
use crate::errors::sentence;
use crate::model::query::Query;
use kube::core::Status;
use std::collections::BTreeMap;

/// What is wrong, by field name (`name`, `namespace`, `spec.port`), and what belongs to no field.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// By field name.
    pub(crate) fields: BTreeMap<String, String>,
    /// The rest.
    pub(crate) rest: Vec<String>,
}

impl Findings {
    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.rest.is_empty()
    }

    /// What is wrong with a field.
    pub(crate) fn of(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

/// Sorts the API's answer to a dry run by field. `name` and `namespace` are those that were sent.
pub(crate) fn sort(status: &Status, form: &Form, name: &str, namespace: &str) -> Findings {
    let mut findings = Findings::default();
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    for cause in causes.iter().filter(|cause| !windlass_client::errors::is_aside(cause)) {
        let place = cause.field.trim_start_matches('.');
        let found = form.fields().filter(|field| is_at(place, &field.name())).max_by_key(|field| field.path.len());
        match found {
            Some(field) => add(&mut findings, field.name(), &cause.message, hint(field, &cause.message)),
            None if place.starts_with("metadata.name") && place != "metadata.namespace" => {
                add(&mut findings, "name".into(), &cause.message, name_hint(name));
            }
            None if place == "metadata.namespace" => add(&mut findings, "namespace".into(), &cause.message, None),
            // The name of a missing field stands in the message where its parent is named.
            None => match form
                .fields()
                .find(|field| cause.message.contains(&format!("\"{}\"", field.name())) || cause.message.contains(&field.name()))
            {
                Some(field) => add(&mut findings, field.name(), &cause.message, hint(field, &cause.message)),
                None if place.is_empty() => findings.rest.push(sentence(&cause.message)),
                None => findings.rest.push(sentence(&format!("`{place}`: {}", cause.message))),
            },
        }
    }
    if causes.is_empty() {
        without_causes(status, &mut findings, name, namespace);
    }
    findings
}

/// What was sent and belongs to no field: dropped silently, it would be missed only when it is too late.
pub(crate) fn unknown(form: &Form, sent: &Query, is_new: bool) -> Findings {
    let own: &[&str] = if is_new { &["name", "namespace"] } else { &[] };
    let names = sent.names();
    // Those with an underscore are the page's own.
    Findings { fields: BTreeMap::new(), rest: strangers(form, own, names.filter(|name| !name.starts_with('_'))) }
}

/// As [`unknown`], of values in an address, where other names may stand for whoever made the link.
pub(crate) fn unknown_in_address(form: &Form, query: &Query) -> Findings {
    Findings { fields: BTreeMap::new(), rest: strangers(form, &[], query.names().filter(|name| name.starts_with("spec."))) }
}

fn strangers<'n>(form: &Form, own: &[&str], names: impl Iterator<Item = &'n str>) -> Vec<String> {
    let fields: Vec<String> = form.fields().map(Field::name).collect();
    let known: Vec<&str> = own.iter().copied().chain(fields.iter().map(String::as_str)).collect();
    let mut said = Vec::new();
    for name in names.filter(|name| !known.contains(name)) {
        let hint = windlass_api::did_you_mean(name, known.iter().copied()).unwrap_or_else(|| "this form has no fields".to_owned());
        let text = format!("There is no field `{name}`, so its value would be lost. {}", sentence(&hint));
        if !said.contains(&text) {
            said.push(text);
        }
    }
    said
}

fn without_causes(status: &Status, findings: &mut Findings, name: &str, namespace: &str) {
    let is_namespace =
        status.message.starts_with("namespaces ") || status.details.as_ref().is_some_and(|details| details.kind == "namespaces");
    if status.code == 404 && is_namespace {
        let text = format!("There is no namespace `{namespace}`. Make it: kubectl create namespace {namespace}");
        findings.fields.insert("namespace".into(), text);
    } else if status.code == 409 {
        findings.fields.insert("name".into(), format!("`{name}` exists already. Take another name, or change that one."));
    } else {
        findings.rest.push(sentence(&status.message));
    }
}

fn is_at(place: &str, name: &str) -> bool {
    place.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn add(findings: &mut Findings, name: String, message: &str, hint: Option<String>) {
    // The API's explanation of DNS names ends in the regular expression; the words before it say enough.
    let message = message.split_once(" (e.g. '").map_or(message, |(words, _)| words);
    let said = match hint {
        Some(hint) => format!("{} {hint}", sentence(message)),
        None => sentence(message),
    };
    let text = findings.fields.entry(name).or_default();
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(&said);
}

/// The likely right value.
fn hint(field: &Field, message: &str) -> Option<String> {
    match &field.widget {
        Widget::Integer { least: Some(least), most: Some(most) } => Some(format!("A whole number from {least} to {most} is right.")),
        Widget::Integer { least: Some(least), most: None } => Some(format!("A whole number of at least {least} is right.")),
        Widget::Integer { least: None, most: Some(most) } => Some(format!("A whole number of at most {most} is right.")),
        Widget::Integer { least: None, most: None } => Some("A whole number is right.".into()),
        Widget::Choice(choices) => choice(message, choices.iter().map(String::as_str).collect()),
        Widget::Sizes(cards) => choice(message, cards.iter().map(|card| card.name.as_str()).collect()),
        _ if message.contains("Required") => Some("Fill it in.".into()),
        _ => None,
    }
}

fn name_hint(name: &str) -> Option<String> {
    let likely = label(name);
    (likely != name && !likely.is_empty()).then(|| format!("Did you mean `{likely}`?"))
}

/// The nearest DNS label.
fn label(name: &str) -> String {
    let lower: String = name.trim().to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let mut label = lower.trim_matches('-').to_owned();
    label.truncate(63);
    label
}

fn quoted(message: &str) -> Option<&str> {
    message.split('"').nth(1)
}

/// The choice that was probably meant, else all of them.
fn choice(message: &str, choices: Vec<&str>) -> Option<String> {
    let hint = windlass_api::did_you_mean(quoted(message).unwrap_or_default(), choices)?;
    Some(sentence(&hint))
}
