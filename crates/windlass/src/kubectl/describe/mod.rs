//! `describe`: one object for a person, with its events. [`core`] has what kubectl writes for some built-in kinds,
//! [`generic`] what it writes for every other; which built-in kinds are described generically here stands in
//! `docs/commands-like-kubectl.md`.

mod core;
mod generic;
mod labels;

use super::Place;
use super::api;
use super::arguments::DescribeArguments;
use super::discovery::{Kinds, Resource};
use super::failure::Failure;
use super::select::{self, Request, Target};
use super::tabwriter::TabWriter;
use serde_json::Value;
use std::io::Write as _;

/// Runs it.
pub(crate) async fn run(place: &Place, arguments: &DescribeArguments) -> Result<(), Failure> {
    let selection = &arguments.selection;
    if arguments.what.is_empty() && selection.files.filename.is_empty() {
        return Err(Failure::Raw("error: You must specify the type of resource to describe. Use \"kubectl api-resources\" for a complete list of supported resources.\n".trim_end().into()));
    }
    let kinds = Kinds::read(&place.api).await?;
    let namespace = (!selection.all_namespaces).then_some(place.namespace.as_str());
    let request = Request {
        arguments: &arguments.what,
        files: &selection.files.filename,
        recursive: selection.files.recursive,
        selects: selection.selector.is_some(),
        all: true,
        namespace,
        namespace_is_asked: place.namespace_is_asked,
    };
    let (targets, mut failures) = select::targets(&kinds, request)?;
    let describe = Describe { place, arguments };
    let mut first = true;
    for target in &targets {
        let objects = match describe.objects(target, namespace).await {
            Ok(objects) => objects,
            Err(failure) => {
                failures.push(failure);
                continue;
            }
        };
        for object in objects {
            let text = describe.text(target.resource(), &object).await?;
            let gap = if std::mem::take(&mut first) { "" } else { "\n\n" };
            // What was found by the beginning of its name ends with an empty line.
            let by_beginning = matches!(target, Target::Named { name, .. } if object["metadata"]["name"] != name.as_str());
            let end = if by_beginning { "\n" } else { "" };
            write!(std::io::stdout(), "{gap}{text}{end}")?;
        }
    }
    if first && failures.is_empty() {
        crate::terminal::say(&match namespace {
            Some(namespace) if targets.iter().all(|target| target.resource().namespaced) => {
                format!("No resources found in {namespace} namespace.")
            }
            _ => "No resources found".to_owned(),
        });
    }
    Failure::all(failures)
}

struct Describe<'a> {
    place: &'a Place,
    arguments: &'a DescribeArguments,
}

impl Describe<'_> {
    async fn objects(&self, target: &Target, namespace: Option<&str>) -> Result<Vec<Value>, Failure> {
        match target {
            Target::Named { resource, namespace, name, manifest } => {
                let namespace = namespace.as_deref();
                match self.place.api.get(&resource.object_path(namespace, name), &[], api::JSON).await {
                    Ok(object) => Ok(vec![object]),
                    // A name may be the beginning of names.
                    Err(failure) if failure.is_not_found() && manifest.is_none() && self.arguments.what.len() <= 2 => {
                        let mut all = self.list(resource, namespace).await?;
                        all.retain(|object| object["metadata"]["name"].as_str().is_some_and(|own| own.starts_with(name.as_str())));
                        if all.is_empty() { Err(failure) } else { Ok(all) }
                    }
                    Err(failure) => Err(failure),
                }
            }
            Target::Collection(resource) => self.list(resource, namespace).await,
        }
    }

    async fn list(&self, resource: &Resource, namespace: Option<&str>) -> Result<Vec<Value>, Failure> {
        let selector = self.arguments.selection.selector.iter().map(|selector| ("labelSelector", selector.clone())).collect();
        let list = super::list(&self.place.api, &resource.path(namespace), selector, self.arguments.pages.chunk_size, api::JSON).await?;
        Ok(super::items(list))
    }

    async fn text(&self, resource: &Resource, object: &Value) -> Result<String, Failure> {
        let mut page = Page::default();
        let events = match (resource.group.as_str(), resource.kind.as_str()) {
            ("", "Secret") => {
                core::secret(&mut page, object);
                return Ok(page.finish());
            }
            ("", "Namespace") => {
                let name = object["metadata"]["name"].as_str().unwrap_or_default();
                let quotas = self.inside(name, "resourcequotas").await?;
                let ranges = self.inside(name, "limitranges").await?;
                core::namespace(&mut page, object, quotas.as_deref(), ranges.as_deref());
                return Ok(page.finish());
            }
            ("", "ConfigMap") => {
                core::config_map(&mut page, object);
                self.events(object).await
            }
            ("", "ServiceAccount") => {
                core::service_account(&mut page, object);
                self.events(object).await
            }
            _ => {
                generic::object(&mut page, object);
                self.events(object).await
            }
        };
        if let Some(events) = events {
            page.events(events);
        }
        Ok(page.finish())
    }

    /// What is in a namespace; none where the server has no such kind.
    async fn inside(&self, namespace: &str, plural: &str) -> Result<Option<Vec<Value>>, Failure> {
        let path = format!("/api/v1/namespaces/{}/{plural}", api::escaped(namespace));
        match super::list(&self.place.api, &path, Vec::new(), self.arguments.pages.chunk_size, api::JSON).await {
            Ok(list) => Ok(Some(super::items(list))),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// None where nobody asked, or where they cannot be read.
    async fn events(&self, object: &Value) -> Option<Vec<Value>> {
        if !self.arguments.show_events {
            return None;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = &object["metadata"];
        let (namespace, name) = (text(&metadata["namespace"]), text(&metadata["name"]));
        let selector = format!(
            "involvedObject.name={name},involvedObject.namespace={namespace},involvedObject.kind={},involvedObject.uid={}",
            text(&object["kind"]),
            text(&metadata["uid"])
        );
        let path =
            if namespace.is_empty() { "/api/v1/events".into() } else { format!("/api/v1/namespaces/{}/events", api::escaped(&namespace)) };
        let list = super::list(&self.place.api, &path, vec![("fieldSelector", selector)], self.arguments.pages.chunk_size, api::JSON)
            .await
            .ok()?;
        Some(super::items(list))
    }
}

/// A description: lines with indentation, columns lined up.
pub(super) struct Page {
    writer: TabWriter,
    out: String,
}

impl Default for Page {
    fn default() -> Self {
        Self { writer: TabWriter::description(), out: String::new() }
    }
}

impl Page {
    /// Text behind two spaces a level.
    fn write(&mut self, level: usize, text: &str) {
        self.writer.write(&("  ".repeat(level) + &super::table::safe(text)));
    }

    fn labels(&mut self, title: &str, labels: &Value) {
        self.write(0, &format!("{title}:\t"));
        let labels = sorted(labels);
        if labels.is_empty() {
            self.write(0, "<none>\n");
        }
        for (index, (key, value)) in labels.iter().enumerate() {
            self.write(0, &format!("{}{key}={value}\n", if index > 0 { "\t" } else { "" }));
        }
    }

    fn annotations(&mut self, annotations: &Value) {
        const LONGEST: usize = 140;
        self.write(0, "Annotations:\t");
        let mut annotations = sorted(annotations);
        annotations.retain(|(key, _)| *key != "kubectl.kubernetes.io/last-applied-configuration");
        if annotations.is_empty() {
            self.write(0, "<none>\n");
        }
        for (index, (key, value)) in annotations.iter().enumerate() {
            let indent = if index > 0 { "\t" } else { "" };
            let value = value.strip_suffix('\n').unwrap_or(value);
            if value.len() + key.len() + 2 > LONGEST || value.contains('\n') {
                self.write(0, &format!("{indent}{key}:\n"));
                for line in value.split('\n') {
                    self.write(0, &format!("\t  {}\n", shortened(line, LONGEST - 2)));
                }
            } else {
                self.write(0, &format!("{indent}{key}: {value}\n"));
            }
        }
    }

    fn events(&mut self, mut events: Vec<Value>) {
        if events.is_empty() {
            return self.write(0, "Events:\t<none>\n");
        }
        self.out.push_str(&self.writer.flush());
        super::events::sort(&mut events);
        self.write(0, "Events:\n  Type\tReason\tAge\tFrom\tMessage\n");
        self.write(1, "----\t------\t----\t----\t-------\n");
        let now = jiff::Timestamp::now();
        for event in &events {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let mut source = text(&event["source"]["component"]);
            if source.is_empty() {
                source = text(&event["reportingComponent"]);
            }
            let mut message = text(&event["message"]).trim().to_owned();
            if let Some(field) = event["involvedObject"]["fieldPath"].as_str().filter(|field| !field.is_empty()) {
                message = format!("{field}: {message}");
            }
            let interval = super::events::interval(event, now);
            self.write(1, &format!("{}\t{}\t{interval}\t{source}\t{message}\n", text(&event["type"]), text(&event["reason"])));
        }
    }

    fn finish(mut self) -> String {
        self.out.push_str(&self.writer.flush());
        self.out
    }
}

fn sorted(map: &Value) -> Vec<(&str, &str)> {
    let mut pairs: Vec<(&str, &str)> =
        map.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default())).collect();
    pairs.sort_unstable();
    pairs
}

fn shortened(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    let mut end = longest;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}...", &text[..end])
}
