//! `get`: lists and single objects, as tables or as they are, once or with every change.

use super::Place;
use super::api;
use super::arguments::GetArguments;
use super::discovery::Kinds;
use super::failure::Failure;
use super::output::{self, Format};
use super::select::{self, Request, Target};
use super::table::{self, Printer, Shown};
use super::tabwriter::TabWriter;
use serde_json::Value;
use std::io::Write as _;

const MISSING: &str = "You must specify the type of resource to get. Use \"kubectl api-resources\" for a complete list of supported resources.\n\nerror: Required resource not specified.\nUse \"kubectl explain <resource>\" for a detailed description of that resource (e.g. kubectl explain pods).\nSee 'kubectl get -h' for help and examples";

/// Runs it.
pub(crate) async fn run(place: &Place, arguments: &GetArguments) -> Result<(), Failure> {
    let format = Format::read(arguments.output.as_deref(), arguments.no_headers)?;
    if arguments.what.is_empty() && arguments.selection.files.filename.is_empty() {
        return Err(Failure::Raw(MISSING.into()));
    }
    let kinds = Kinds::read(&place.api).await?;
    let selection = &arguments.selection;
    let namespace = (!selection.all_namespaces).then_some(place.namespace.as_str());
    let request = Request {
        arguments: &arguments.what,
        files: &selection.files.filename,
        recursive: selection.files.recursive,
        selects: selection.selector.is_some() || selection.field_selector.is_some(),
        all: true,
        namespace,
        namespace_is_asked: place.namespace_is_asked,
    };
    let (targets, failures) = select::targets(&kinds, request)?;
    let get = Get { place, arguments, format, namespace, single: is_single(arguments, &targets) };
    if arguments.watch || arguments.watch_only {
        Failure::all(failures)?;
        return get.watch(&targets).await;
    }
    match get.format {
        Format::Table { wide } => get.table(&targets, failures, wide).await,
        _ => get.objects(&targets, failures).await,
    }
}

fn is_single(arguments: &GetArguments, targets: &[Target]) -> bool {
    let from_files = arguments.selection.files.filename.as_slice();
    let one_file = from_files.is_empty() || matches!(from_files, [only] if only != "-" && !std::path::Path::new(only).is_dir());
    one_file && matches!(targets, [Target::Named { .. }])
}

struct Get<'a> {
    place: &'a Place,
    arguments: &'a GetArguments,
    format: Format,
    namespace: Option<&'a str>,
    single: bool,
}

impl Get<'_> {
    /// The answer for a target, all pages of it.
    async fn fetch(&self, target: &Target, accept: &str) -> Result<Value, Failure> {
        let mut query: Vec<(&str, String)> = Vec::new();
        if self.arguments.sort_by.is_some() && accept == api::TABLE {
            query.push(("includeObject", "Object".into()));
        }
        match target {
            Target::Named { resource, namespace, name, .. } => {
                let mut path = resource.object_path(namespace.as_deref(), name);
                if let Some(subresource) = &self.arguments.subresource {
                    path = format!("{path}/{}", api::escaped(subresource));
                }
                self.place.api.get(&path, &query, accept).await
            }
            Target::Collection(resource) => {
                let selection = &self.arguments.selection;
                query.extend(selection.selector.iter().map(|selector| ("labelSelector", selector.clone())));
                query.extend(selection.field_selector.iter().map(|selector| ("fieldSelector", selector.clone())));
                let limit = self.arguments.pages.chunk_size;
                self.pages(&resource.path(self.namespace), query, limit, accept).await
            }
        }
    }

    async fn pages(&self, path: &str, query: Vec<(&str, String)>, limit: u32, accept: &str) -> Result<Value, Failure> {
        super::list(&self.place.api, path, query, limit, accept).await
    }

    async fn table(&self, targets: &[Target], mut failures: Vec<Failure>, wide: bool) -> Result<(), Failure> {
        let accept = if self.arguments.server_print { api::TABLE } else { api::JSON };
        let mut answers: Vec<(&Target, Value)> = Vec::new();
        for target in targets {
            match self.fetch(target, accept).await {
                Ok(answer) => answers.push((target, as_table(answer))),
                Err(failure) if failure.is_not_found() && self.arguments.ignore_not_found => {}
                Err(failure) => failures.push(failure),
            }
        }
        if let Some(path) = &self.arguments.sort_by {
            for (_, answer) in &mut answers {
                if let Some(rows) = answer["rows"].as_array_mut().filter(|rows| rows.len() > 1) {
                    super::sort::sort(rows, path, |row| &row["object"])?;
                }
            }
        }
        let written = self.print_tables(&answers, wide)?;
        if !written && !self.arguments.ignore_not_found && failures.is_empty() {
            let all_namespaced = self.namespace.is_some() && answers.iter().all(|(target, _)| target.resource().namespaced);
            crate::terminal::say(&match self.namespace {
                Some(namespace) if all_namespaced => format!("No resources found in {namespace} namespace."),
                _ => "No resources found".to_owned(),
            });
        }
        Failure::all(failures)
    }

    fn print_tables(&self, answers: &[(&Target, Value)], wide: bool) -> Result<bool, Failure> {
        let mut kinds: Vec<String> = answers.iter().map(|(target, _)| target.resource().qualified_plural()).collect();
        kinds.dedup();
        let with_kind = self.arguments.show_kind || kinds.len() > 1;
        let (mut printer, mut writer) = (Printer::default(), TabWriter::table());
        let mut last: Option<String> = None;
        let (mut written, mut separate) = (false, false);
        let mut put = |text: String| -> Result<bool, Failure> {
            if !text.is_empty() {
                let gap = if std::mem::take(&mut separate) { "\n" } else { "" };
                written = true;
                write!(std::io::stdout(), "{gap}{text}")?;
            }
            Ok(written)
        };
        let mut boundary = false;
        for (target, answer) in answers {
            let resource = target.resource();
            let kind = resource.qualified_plural();
            if last.as_ref() != Some(&kind) {
                let text = writer.flush();
                let text = if boundary && !text.is_empty() { format!("\n{text}") } else { text };
                let some = !text.is_empty();
                let any = put(text)?;
                boundary =
                    if some { !self.arguments.no_headers } else { boundary || (last.is_some() && any && !self.arguments.no_headers) };
                writer = TabWriter::table();
                printer = Printer::default();
                last = Some(kind);
            }
            let shown = self.shown(wide, resource.namespaced, with_kind.then(|| resource.qualified_singular()));
            writer.write(&printer.lines(answer, &shown, ""));
        }
        let text = writer.flush();
        put(if boundary && !text.is_empty() { format!("\n{text}") } else { text })
    }

    fn shown(&self, wide: bool, namespaced: bool, kind: Option<String>) -> Shown {
        Shown {
            wide,
            with_namespace: self.arguments.selection.all_namespaces && namespaced,
            labels: self.arguments.show_labels,
            label_columns: self.arguments.label_columns.clone(),
            no_headers: self.arguments.no_headers,
            kind,
            event: self.arguments.output_watch_events,
        }
    }

    async fn objects(&self, targets: &[Target], mut failures: Vec<Failure>) -> Result<(), Failure> {
        let mut items = Vec::new();
        for target in targets {
            match self.fetch(target, api::JSON).await {
                Ok(answer) if output::is_list(&answer) => items.extend(super::items(answer)),
                Ok(answer) => items.push(answer),
                Err(failure) if failure.is_not_found() && self.arguments.ignore_not_found => {}
                Err(failure) => failures.push(failure),
            }
        }
        if self.single && !failures.is_empty() {
            return Failure::all(failures);
        }
        if items.is_empty() && self.arguments.ignore_not_found && failures.is_empty() {
            return Ok(());
        }
        if let Some(path) = &self.arguments.sort_by {
            super::sort::sort(&mut items, path, |item| item)?;
        }
        let mut object = if self.single && items.len() == 1 { items.remove(0) } else { output::list(items) };
        if !self.arguments.show_managed_fields {
            output::without_managed_fields(&mut object);
        }
        write!(std::io::stdout(), "{}", self.format.print(&object, &mut 0)?)?;
        Failure::all(failures)
    }

    async fn watch(&self, targets: &[Target]) -> Result<(), Failure> {
        let [target] = targets else {
            return Err(Failure::text("you may only specify a single resource type"));
        };
        let (wide, accept) = match self.format {
            Format::Table { wide } => (wide, api::TABLE),
            _ => (false, api::JSON),
        };
        let listed = match self.fetch(target, accept).await {
            Err(failure) if failure.is_not_found() && self.arguments.ignore_not_found => return Ok(()),
            other => other?,
        };
        let resource = target.resource();
        let shown = self.shown(wide, resource.namespaced, self.arguments.show_kind.then(|| resource.qualified_singular()));
        let (mut printer, mut writer, mut documents) = (Printer::default(), TabWriter::table(), 0);
        let mut show = |object: &Value, event: &str| -> Result<(), Failure> {
            let text = if accept == api::TABLE {
                writer.write(&printer.lines(&as_table(object.clone()), &shown, event));
                writer.flush()
            } else {
                self.watched(object, event, &mut documents)?
            };
            Ok(write!(std::io::stdout(), "{text}").and_then(|()| std::io::stdout().flush())?)
        };
        let version = listed["metadata"]["resourceVersion"].as_str().unwrap_or("0").to_owned();
        if !self.arguments.watch_only {
            match listed["items"].as_array().filter(|_| output::is_list(&listed)) {
                Some(items) => items.iter().try_for_each(|item| show(item, "ADDED"))?,
                None => show(&listed, "ADDED")?,
            }
        }
        let mut query = vec![("watch", "true".to_owned())];
        let selection = &self.arguments.selection;
        let (namespace, mut fields) = match target {
            Target::Named { namespace, name, .. } => (namespace.as_deref(), Some(format!("metadata.name={name}"))),
            Target::Collection(_) => (self.namespace, None),
        };
        query.extend(selection.selector.iter().map(|selector| ("labelSelector", selector.clone())));
        fields = fields.or_else(|| selection.field_selector.clone());
        query.extend(fields.into_iter().map(|fields| ("fieldSelector", fields)));
        query.push(("resourceVersion", row_version(&listed).unwrap_or(version)));
        self.place
            .api
            .watch(&resource.path(namespace), &query, accept, |event| {
                match event["type"].as_str().unwrap_or_default() {
                    "BOOKMARK" => {}
                    "ERROR" => return Err(Failure::Status(event["object"].clone())),
                    kind => show(&event["object"], kind)?,
                }
                Ok(false)
            })
            .await
    }

    fn watched(&self, object: &Value, event: &str, documents: &mut usize) -> Result<String, Failure> {
        let mut object = object.clone();
        if !self.arguments.show_managed_fields {
            output::without_managed_fields(&mut object);
        }
        if self.arguments.output_watch_events {
            object = serde_json::json!({"type": event, "object": object});
        }
        self.format.print(&object, documents)
    }
}

/// The version of the only object in a table, to watch on from there.
fn row_version(table: &Value) -> Option<String> {
    let own = table["metadata"]["resourceVersion"].as_str().filter(|version| !version.is_empty());
    own.or_else(|| table["rows"][0]["object"]["metadata"]["resourceVersion"].as_str()).map(str::to_owned)
}

fn as_table(answer: Value) -> Value {
    if answer["kind"] == "Table" {
        return answer;
    }
    if output::is_list(&answer) { table::plain(&super::items(answer)) } else { table::plain(&[answer]) }
}
