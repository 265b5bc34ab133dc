//! `wait`: until a condition holds, a field has a value, or an object is there or gone. It watches; it does not poll,
//! except for `create`, as kubectl does.

use super::Place;
use super::api;
use super::arguments::WaitArguments;
use super::discovery::{Kinds, Resource};
use super::failure::Failure;
use super::jsonpath::{self, Template};
use super::output::{self, Format};
use super::select::{self, Choice, Target};
use serde_json::Value;
use std::io::Write as _;
use std::time::Duration;
use tokio::time::Instant;

/// How often `create` looks.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug)]
enum Condition {
    Gone,
    There,
    Named { name: String, status: String },
    Path { template: Template, value: Option<String> },
}

/// Runs it.
pub(crate) async fn run(place: &Place, arguments: &WaitArguments) -> Result<(), Failure> {
    let mut conditions = Vec::new();
    for text in &arguments.condition {
        conditions.push(Condition::read(text)?);
    }
    if conditions.is_empty() {
        return Err(Failure::text("unrecognized condition: []"));
    }
    let format = arguments.output.as_deref().map(|text| Format::read(Some(text), false)).transpose()?;
    let seconds = super::duration("timeout", &arguments.timeout)?;
    let until = Instant::now() + super::span(seconds);
    let kinds = Kinds::read(&place.api).await?;
    let choice = Choice::new(place, &arguments.what, &arguments.selection, arguments.all);
    let (targets, failures) = select::targets(&kinds, choice.request())?;
    Failure::all(failures)?;
    let waiting = Waiting { place, choice, until, once: seconds == 0.0 };
    if conditions.iter().any(|condition| matches!(condition, Condition::There)) {
        waiting.created(&targets).await?;
    }
    waiting.all(&targets, &conditions, format.as_ref()).await
}

impl Condition {
    fn read(text: &str) -> Result<Self, Failure> {
        if text.eq_ignore_ascii_case("delete") {
            return Ok(Self::Gone);
        }
        if text.eq_ignore_ascii_case("create") {
            return Ok(Self::There);
        }
        if let Some(rest) = text.strip_prefix("condition=") {
            let (name, status) = rest.split_once('=').unwrap_or((rest, "true"));
            return Ok(Self::Named { name: name.to_owned(), status: status.to_owned() });
        }
        if let Some(rest) = text.strip_prefix("jsonpath=") {
            return Self::path(rest);
        }
        Err(Failure::text(format!("unrecognized condition: {text:?}")))
    }

    fn path(text: &str) -> Result<Self, Failure> {
        let parts = split(text);
        let [path, value @ ..] = parts.as_slice() else { return Err(Failure::text("jsonpath expression cannot be empty")) };
        if value.len() > 1 {
            return Err(Failure::text(
                "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'",
            ));
        }
        let path = jsonpath::relaxed(path).map_err(Failure::Text)?;
        if path.is_empty() {
            return Err(Failure::text("jsonpath expression cannot be empty"));
        }
        let template = Template::parse(&path).map_err(Failure::Text)?;
        let value = value.first().map(|value| value.trim_matches(['\'', '"']).to_owned());
        if value.as_deref() == Some("") {
            return Err(Failure::text(
                "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3",
            ));
        }
        Ok(Self::Path { template, value })
    }

    fn holds(&self, object: &Value) -> Result<bool, Failure> {
        match self {
            Self::Gone => Ok(false),
            Self::There => Ok(true),
            Self::Named { name, status } => Ok(condition_holds(object, name, status)),
            Self::Path { template, value } => {
                let found = template.results(object, true).map_err(Failure::Text)?;
                let Some(values) = found.first().filter(|values| !values.is_empty()) else { return Ok(false) };
                if found.len() > 1 {
                    return Err(Failure::text("given jsonpath expression matches more than one list"));
                }
                let [only] = values.as_slice() else {
                    return Err(Failure::text("given jsonpath expression matches more than one value"));
                };
                let Some(value) = value else { return Ok(true) };
                if only.is_object() || only.is_array() {
                    return Err(Failure::text("jsonpath leads to a nested object or list which is not supported"));
                }
                Ok(super::go_json::display(only).trim() == value.trim())
            }
        }
    }
}

/// At a single `=`; two of them belong to a filter.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        if c == '=' && characters.next_if_eq(&'=').is_none() {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
            if c == '=' {
                part.push(c);
            }
        }
    }
    parts
}

/// Whether the object has the condition, and not from before its last change.
pub(crate) fn condition_holds(object: &Value, name: &str, status: &str) -> bool {
    let conditions = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let equal = |value: &Value, text: &str| value.as_str().is_some_and(|value| value.eq_ignore_ascii_case(text));
    let Some(condition) = conditions.iter().find(|condition| equal(&condition["type"], name)) else { return false };
    let observed = condition["observedGeneration"].as_i64().or_else(|| object["status"]["observedGeneration"].as_i64());
    if let (Some(observed), Some(generation)) = (observed, object["metadata"]["generation"].as_i64())
        && observed < generation
    {
        return false;
    }
    equal(&condition["status"], status)
}

struct Waiting<'a> {
    place: &'a Place,
    choice: Choice<'a>,
    until: Instant,
    once: bool,
}

impl Waiting<'_> {
    /// The objects that a target means now; a named one must be there.
    async fn objects(&self, target: &Target) -> Result<Vec<(Option<String>, String)>, Failure> {
        if let Target::Named { resource, namespace, name, .. } = target {
            self.place.api.get(&resource.object_path(namespace.as_deref(), name), &[], api::JSON).await?;
        }
        self.choice.objects(target).await
    }

    async fn created(&self, targets: &[Target]) -> Result<(), Failure> {
        loop {
            let mut found = false;
            for target in targets {
                match self.objects(target).await {
                    Ok(objects) => found |= !objects.is_empty(),
                    Err(failure) if failure.is_not_found() => {
                        found = false;
                        break;
                    }
                    Err(failure) => return Err(failure),
                }
            }
            if found {
                return Ok(());
            }
            if self.once || Instant::now() + LOOK > self.until {
                return Err(Failure::text("timed out waiting for the condition"));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn all(&self, targets: &[Target], conditions: &[Condition], format: Option<&Format>) -> Result<(), Failure> {
        let for_deletion = conditions.iter().any(|condition| matches!(condition, Condition::Gone));
        let (mut seen, mut documents) = (0, 0);
        let mut failures = Vec::new();
        for target in targets {
            let objects = match self.objects(target).await {
                Err(failure) if failure.is_not_found() && for_deletion => continue,
                Err(failure) => {
                    failures.push(failure);
                    continue;
                }
                Ok(objects) => objects,
            };
            for (namespace, name) in objects {
                seen += 1;
                for condition in conditions {
                    match self.one(target.resource(), namespace.as_deref(), &name, condition).await {
                        Ok(object) => print(target.resource(), &name, object, format, &mut documents)?,
                        Err(failure) => {
                            failures.push(failure);
                            break;
                        }
                    }
                }
            }
        }
        Failure::all(failures)?;
        if seen == 0 && !for_deletion {
            return Err(Failure::text("no matching resources found"));
        }
        Ok(())
    }

    async fn one(&self, resource: &Resource, namespace: Option<&str>, name: &str, condition: &Condition) -> Result<Value, Failure> {
        let path = resource.object_path(namespace, name);
        if let Condition::Gone = condition {
            let object = match self.place.api.get(&path, &[], api::JSON).await {
                Err(failure) if failure.is_not_found() => Value::Null,
                other => other?,
            };
            if self.once && !object.is_null() {
                return Err(Failure::text(format!("condition not met for {}/{name}", resource.plural)));
            }
            until_gone(self.place, resource, namespace, name, None, self.until).await?;
            return Ok(object);
        }
        let object = self.place.api.get(&path, &[], api::JSON).await?;
        if condition.holds(&object)? {
            return Ok(object);
        }
        if self.once {
            return Err(Failure::text(format!("condition not met for {}/{name}", resource.plural)));
        }
        let mut met = None;
        let watched = follow(self.place, resource, namespace, name, &object, self.until, |event| {
            if event["type"] == "ADDED" || event["type"] == "MODIFIED" {
                met = condition.holds(&event["object"])?.then(|| event["object"].clone());
            }
            Ok(met.is_some())
        });
        watched.await?;
        met.ok_or_else(|| timed_out(resource, name))
    }
}

fn timed_out(resource: &Resource, name: &str) -> Failure {
    Failure::text(format!("timed out waiting for the condition on {}/{name}", resource.plural))
}

fn print(resource: &Resource, name: &str, mut object: Value, format: Option<&Format>, documents: &mut usize) -> Result<(), Failure> {
    let text = match format {
        None => format!("{}/{name} condition met\n", resource.qualified_singular()),
        Some(Format::Name) => format!("{}/{name}\n", resource.qualified_singular()),
        Some(format) => {
            output::without_managed_fields(&mut object);
            format.print(&object, documents)?
        }
    };
    Ok(write!(std::io::stdout(), "{text}").and_then(|()| std::io::stdout().flush())?)
}

/// Watches one object from where it was seen, until `each` says to stop or time is up. A watch that ends is taken up again.
pub(super) async fn follow(
    place: &Place,
    resource: &Resource,
    namespace: Option<&str>,
    name: &str,
    seen: &Value,
    until: Instant,
    mut each: impl FnMut(&Value) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let mut version = seen["metadata"]["resourceVersion"].as_str().unwrap_or("0").to_owned();
    let mut stop = false;
    while !stop && Instant::now() < until {
        let query = [
            ("watch", "true".to_owned()),
            ("fieldSelector", format!("metadata.name={name}")),
            ("resourceVersion", version.clone()),
            ("allowWatchBookmarks", "true".to_owned()),
        ];
        let mut renew = false;
        let path = resource.path(namespace);
        let watching = place.api.watch(&path, &query, api::JSON, |event| {
            if event["type"] == "ERROR" {
                renew = true;
                return Ok(true);
            }
            if let Some(next) = event["object"]["metadata"]["resourceVersion"].as_str() {
                next.clone_into(&mut version);
            }
            stop = event["type"] != "BOOKMARK" && each(&event)?;
            Ok(stop)
        });
        match tokio::time::timeout_at(until, watching).await {
            Ok(result) => result?,
            Err(_) => return Ok(()),
        }
        if renew {
            // The history does not reach back so far: look anew.
            let object = place.api.get(&resource.object_path(namespace, name), &[], api::JSON).await?;
            object["metadata"]["resourceVersion"].as_str().unwrap_or("0").clone_into(&mut version);
            stop = each(&serde_json::json!({"type": "MODIFIED", "object": object}))?;
        }
    }
    Ok(())
}

/// Waits until an object has the condition `Ready` or `Available`; one without either is ready as it is.
pub(crate) async fn until_ready(place: &Place, resource: &Resource, object: &Value, until: Instant) -> Result<(), Failure> {
    let metadata = &object["metadata"];
    let (namespace, name) = (metadata["namespace"].as_str(), metadata["name"].as_str().unwrap_or_default());
    let own_kind = resource.group.ends_with("windlass.dev");
    let ready = |object: &Value| condition_holds(object, "Ready", "True") || condition_holds(object, "Available", "True");
    let waits = |object: &Value| {
        let conditions = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
        own_kind || conditions.iter().any(|condition| condition["type"] == "Ready" || condition["type"] == "Available")
    };
    let now = place.api.get(&resource.object_path(namespace, name), &[], api::JSON).await?;
    if ready(&now) || !waits(&now) {
        return Ok(());
    }
    let mut met = false;
    let watching = follow(place, resource, namespace, name, &now, until, |event| {
        met = ready(&event["object"]);
        Ok(met)
    });
    watching.await?;
    if met { Ok(()) } else { Err(timed_out(resource, name)) }
}

/// Waits until an object is gone, or another stands in its place.
pub(crate) async fn until_gone(
    place: &Place,
    resource: &Resource,
    namespace: Option<&str>,
    name: &str,
    uid: Option<&str>,
    until: Instant,
) -> Result<(), Failure> {
    let object = match place.api.get(&resource.object_path(namespace, name), &[], api::JSON).await {
        Err(failure) if failure.is_not_found() || failure.has_reason("Forbidden") || failure.has_reason("MethodNotAllowed") => {
            return Ok(());
        }
        other => other?,
    };
    if uid.is_some_and(|uid| object["metadata"]["uid"] != uid) {
        return Ok(());
    }
    let mut gone = false;
    let result = follow(place, resource, namespace, name, &object, until, |event| {
        gone = event["type"] == "DELETED";
        Ok(gone)
    });
    match result.await {
        Err(failure) if failure.is_not_found() => Ok(()),
        Err(failure) => Err(failure),
        Ok(()) if gone => Ok(()),
        Ok(()) => Err(timed_out(resource, name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn conditions_are_read() {
        assert_eq!(split("{.a[?(@.b==\"c\")].d}=x"), ["{.a[?(@.b==\"c\")].d}", "x"]);
        let error = |text: &str| Condition::read(text).expect_err(text).message();
        assert_eq!(error("foo"), "unrecognized condition: \"foo\"");
        assert_eq!(error("jsonpath="), "jsonpath expression cannot be empty");
        assert_eq!(
            error("jsonpath={.a}="),
            "jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3"
        );
    }

    #[test]
    fn a_condition_from_before_a_change_does_not_count() {
        let object = |observed: i64| json!({"metadata": {"generation": 2}, "status": {"conditions": [{"type": "Ready", "status": "True", "observedGeneration": observed}]}});
        assert!(condition_holds(&object(2), "ready", "true"));
        assert!(!condition_holds(&object(1), "ready", "true"));
        let path = Condition::read("jsonpath=.metadata.generation=2").expect("read");
        assert!(path.holds(&object(1)).expect("looked"));
    }
}
