//! `apply`: creates or changes what files say, by a three-way patch from here or by the server.

use super::Place;
use super::api::{self, Payload};
use super::arguments::ApplyArguments;
use super::delete::DryRun;
use super::discovery::{Kinds, Resource};
use super::failure::Failure;
use super::manifests::Manifest;
use super::output::{self, Format};
use super::select::{self, Request, Target};
use super::three_way::{self, Schema};
use super::{go_json, refused, values, wait};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::io::Write as _;

/// The annotation that remembers what was applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const MERGE: &str = "application/merge-patch+json";
const CONFLICT: &str = "
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts";

/// Runs it.
pub(crate) async fn run(place: &Place, arguments: &ApplyArguments) -> Result<(), Failure> {
    let options = Options::read(arguments)?;
    let kinds = Kinds::read(&place.api).await?;
    let request = Request {
        arguments: &[],
        files: &arguments.files.filename,
        recursive: arguments.files.recursive,
        selects: arguments.selector.is_some(),
        all: false,
        namespace: Some(&place.namespace),
        namespace_is_asked: place.namespace_is_asked,
    };
    let (targets, mut failures) = select::targets(&kinds, request)?;
    if targets.is_empty() && failures.is_empty() {
        return Err(Failure::text("no objects passed to apply"));
    }
    let mut apply = Apply { place, arguments, options, documents: HashMap::new() };
    let mut applied: Vec<(Resource, Value)> = Vec::new();
    let mut templates: Vec<(Value, &str)> = Vec::new();
    for target in &targets {
        let Target::Named { resource, namespace, manifest: Some(manifest), .. } = target else { continue };
        if !matches(&manifest.object, arguments.selector.as_deref())? {
            continue;
        }
        match apply.one(resource, namespace.as_deref(), manifest).await {
            Ok(object) => {
                if refused::is_template(resource) {
                    templates.push((object.clone(), &manifest.source));
                }
                applied.push((resource.clone(), object));
            }
            Err(failure) => failures.push(values::with_hints(place, resource, manifest, failure).await),
        }
    }
    apply.print(&applied)?;
    if apply.options.dry_run == DryRun::None {
        let refused = refused::say(place, &kinds, &templates).await;
        if arguments.wait {
            failures.extend(refused.iter().map(|name| Failure::text(format!("the Template `{name}` is refused"))));
        }
    }
    Failure::all(failures)?;
    if arguments.wait && apply.options.dry_run == DryRun::None {
        return apply.wait_for(&applied).await;
    }
    Ok(())
}

/// Equality selectors over labels of a file's object.
fn matches(object: &Value, selector: Option<&str>) -> Result<bool, Failure> {
    let labels = &object["metadata"]["labels"];
    for part in selector.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (key, value, wanted) = if let Some((key, value)) = part.split_once("!=") {
            (key, value, false)
        } else if let Some((key, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
            (key, value, true)
        } else {
            return Err(Failure::Usage(format!("`-l {part}` is not supported by apply\n  hint: use key=value or key!=value, or kubectl")));
        };
        if (labels[key.trim()] == value.trim()) != wanted {
            return Ok(false);
        }
    }
    Ok(true)
}

struct Options {
    dry_run: DryRun,
    validation: &'static str,
    manager: String,
    format: Option<Format>,
    timeout: f64,
}

impl Options {
    fn read(arguments: &ApplyArguments) -> Result<Self, Failure> {
        if arguments.prune {
            return Err(Failure::Usage("`--prune` is not supported: it deletes by guess\n  hint: Windlass prunes by inventory; for plain manifests use kubectl apply --prune".into()));
        }
        if arguments.files.filename.is_empty() {
            return Err(Failure::text("must specify one of -f and -k"));
        }
        if arguments.force_conflicts && !arguments.server_side {
            return Err(Failure::text("--force-conflicts only works with --server-side"));
        }
        let dry_run = DryRun::read(&arguments.rehearsal.dry_run)?;
        if arguments.server_side && dry_run == DryRun::Client {
            return Err(Failure::text("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)"));
        }
        let validation = match arguments.validate.as_str() {
            "true" | "strict" => "Strict",
            "warn" => "Warn",
            "false" | "ignore" => "Ignore",
            other => {
                return Err(Failure::text(format!(
                    "invalid - validate option {other:?}; must be one of: strict (or true), warn, ignore (or false)"
                )));
            }
        };
        let default = if arguments.server_side { "windlass-cli" } else { "kubectl-client-side-apply" };
        Ok(Self {
            dry_run,
            validation,
            manager: arguments.field_manager.clone().unwrap_or_else(|| default.to_owned()),
            format: arguments.output.as_deref().map(|text| Format::read(Some(text), false)).transpose()?,
            timeout: super::duration("timeout", &arguments.timeout)?,
        })
    }
}

struct Apply<'a> {
    place: &'a Place,
    arguments: &'a ApplyArguments,
    options: Options,
    /// `OpenAPI` documents by group and version.
    documents: HashMap<String, Value>,
}

impl Apply<'_> {
    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = vec![("fieldManager", self.options.manager.clone()), ("fieldValidation", self.options.validation.into())];
        if self.options.dry_run == DryRun::Server {
            query.push(("dryRun", "All".into()));
        }
        query
    }

    async fn one(&mut self, resource: &Resource, namespace: Option<&str>, manifest: &Manifest) -> Result<Value, Failure> {
        let name = manifest.object["metadata"]["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            let generated = manifest.object["metadata"]["generateName"].as_str().filter(|name| !name.is_empty());
            return Err(Failure::text(match generated {
                Some(generated) => format!("from {generated}: cannot use generate name with apply"),
                None => format!(
                    "error when retrieving current configuration of:\n{}\nfrom server for: {:?}: resource name may not be empty",
                    description(resource, namespace, name),
                    manifest.source
                ),
            }));
        }
        let path = resource.object_path(namespace, name);
        if self.arguments.server_side {
            return self.server_side(resource, &path, manifest).await;
        }
        let modified = with_annotation(&manifest.object);
        let current = match self.place.api.get(&path, &[], api::JSON).await {
            Ok(current) => current,
            Err(failure) if failure.is_not_found() => return self.create(resource, namespace, manifest, &modified).await,
            Err(failure) => {
                let verb = format!("retrieving current configuration of:\n{}\nfrom server for:", description(resource, namespace, name));
                return Err(failure.at(&verb, &manifest.source));
            }
        };
        self.change(resource, namespace, manifest, &modified, current).await
    }

    async fn create(&self, resource: &Resource, namespace: Option<&str>, manifest: &Manifest, modified: &Value) -> Result<Value, Failure> {
        let mut object = modified.clone();
        without_nulls(&mut object);
        if self.options.dry_run != DryRun::Client {
            let payload = Payload { media_type: "application/json", bytes: go_json::compact(&object).into_bytes() };
            let created = self.place.api.request("POST", &resource.path(namespace), &self.query(), api::JSON, Some(payload)).await;
            object = created.map_err(|failure| failure.at("creating", &manifest.source))?;
        }
        self.say(&object, "created")?;
        Ok(object)
    }

    async fn change(
        &mut self,
        resource: &Resource,
        namespace: Option<&str>,
        manifest: &Manifest,
        modified: &Value,
        current: Value,
    ) -> Result<Value, Failure> {
        if self.options.dry_run == DryRun::Client {
            self.say(&current, "configured")?;
            return Ok(current);
        }
        let name = manifest.object["metadata"]["name"].as_str().unwrap_or_default();
        let remembered = current["metadata"]["annotations"][LAST_APPLIED].as_str();
        if remembered.is_none() {
            crate::terminal::say(&format!(
                "Warning: resource {}/{name} is missing the {LAST_APPLIED} annotation which is required by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create --save-config or kubectl apply. The missing annotation will be patched automatically.",
                resource.plural
            ));
        }
        let original: Value = remembered.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        let document = self.document(resource).await?;
        let schema = Schema::of(document, &resource.group, &resource.version, &resource.kind);
        let media_type = if schema.is_some() { STRATEGIC } else { MERGE };
        let patch = three_way::patch(&original, modified, &current, schema);
        if patch.as_object().is_none_or(Map::is_empty) {
            warn_if_deleting(&current);
            self.say(&current, "unchanged")?;
            return Ok(current);
        }
        let text = go_json::compact(&patch);
        let payload = Payload { media_type, bytes: text.clone().into_bytes() };
        let path = resource.object_path(namespace, name);
        let answer = self.place.api.request("PATCH", &path, &self.query(), api::JSON, Some(payload)).await;
        let patched = answer.map_err(|failure| {
            let verb = format!("applying patch:\n{text}\nto:\n{}\nfor:", description(resource, namespace, name));
            failure.at(&verb, &manifest.source)
        })?;
        warn_if_deleting(&patched);
        self.say(&patched, "configured")?;
        Ok(patched)
    }

    async fn server_side(&self, resource: &Resource, path: &str, manifest: &Manifest) -> Result<Value, Failure> {
        let mut query = self.query();
        query.push(("force", self.arguments.force_conflicts.to_string()));
        let payload = Payload { media_type: "application/apply-patch+yaml", bytes: go_json::compact(&manifest.object).into_bytes() };
        let answer = self.place.api.request("PATCH", path, &query, api::JSON, Some(payload)).await;
        let object = answer.map_err(|failure| match failure.has_reason("Conflict") {
            true => Failure::text(format!("{}{CONFLICT}", failure.message())),
            false => failure,
        })?;
        warn_if_deleting(&object);
        self.say_kind(resource, &object, "serverside-applied")?;
        Ok(object)
    }

    /// The `OpenAPI` document of the kind's group; null where the server has none.
    async fn document(&mut self, resource: &Resource) -> Result<&Value, Failure> {
        let key = resource.api_version();
        if !self.documents.contains_key(&key) {
            let root = if resource.group.is_empty() { "api" } else { "apis" };
            let document = self.place.api.get(&format!("/openapi/v3/{root}/{key}"), &[], api::JSON).await;
            let document = match document {
                Err(failure) if failure.is_not_found() => Value::Null,
                other => other?,
            };
            self.documents.insert(key.clone(), document);
        }
        Ok(self.documents.get(&key).unwrap_or(&Value::Null))
    }

    fn say(&self, object: &Value, word: &str) -> Result<(), Failure> {
        self.say_line(&output::name(object), word)
    }

    fn say_kind(&self, resource: &Resource, object: &Value, word: &str) -> Result<(), Failure> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        self.say_line(&format!("{}/{name}", resource.qualified_singular()), word)
    }

    fn say_line(&self, name: &str, word: &str) -> Result<(), Failure> {
        match self.options.format {
            None => crate::terminal::put(&format!("{name} {word}{}", self.options.dry_run.suffix()))?,
            Some(Format::Name) => crate::terminal::put(name)?,
            Some(_) => {}
        }
        Ok(())
    }

    fn print(&self, applied: &[(Resource, Value)]) -> Result<(), Failure> {
        let Some(format) = self.options.format.as_ref().filter(|format| !matches!(format, Format::Name)) else { return Ok(()) };
        let mut objects: Vec<Value> = applied.iter().map(|(_, object)| object.clone()).collect();
        if objects.is_empty() {
            return Ok(());
        }
        let mut object = if objects.len() == 1 { objects.remove(0) } else { output::list(objects) };
        if applied.len() > 1 {
            object["metadata"] = json!({});
        }
        if !self.arguments.show_managed_fields {
            output::without_managed_fields(&mut object);
        }
        if let (Format::Json, true) = (format, applied.len() > 1) {
            // Here kubectl prints the list's own fields in the order of its type.
            let items = go_json::indented(&object["items"]).replace('\n', "\n    ");
            let text =
                format!("{{\n    \"kind\": \"List\",\n    \"apiVersion\": \"v1\",\n    \"metadata\": {{}},\n    \"items\": {items}\n}}");
            return Ok(crate::terminal::put(&text)?);
        }
        Ok(write!(std::io::stdout(), "{}", format.print(&object, &mut 0)?)?)
    }

    /// Windlass' own `--wait`: until each object that has conditions is ready.
    async fn wait_for(&self, applied: &[(Resource, Value)]) -> Result<(), Failure> {
        let until = tokio::time::Instant::now() + super::span(self.options.timeout);
        for (resource, object) in applied {
            wait::until_ready(self.place, resource, object, until).await?;
        }
        Ok(())
    }
}

fn warn_if_deleting(object: &Value) {
    if object["metadata"]["deletionTimestamp"].is_string() {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        crate::terminal::say(&format!("Warning: Detected changes to resource {name} which is currently being deleted."));
    }
}

fn description(resource: &Resource, namespace: Option<&str>, name: &str) -> String {
    let (group, version) = (&resource.group, &resource.version);
    format!(
        "Resource: \"{group}/{version}, Resource={}\", GroupVersionKind: \"{group}/{version}, Kind={}\"\nName: {name:?}, Namespace: {:?}",
        resource.plural,
        resource.kind,
        namespace.unwrap_or_default()
    )
}

/// The object with itself, as JSON, in its annotation.
fn with_annotation(object: &Value) -> Value {
    let mut object = object.clone();
    let Some(metadata) = object.as_object_mut().map(|object| object.entry("metadata").or_insert_with(|| json!({}))) else { return object };
    let mut annotations = metadata["annotations"].as_object().cloned().unwrap_or_default();
    annotations.shift_remove(LAST_APPLIED);
    metadata["annotations"] = Value::Object(annotations.clone());
    let text = go_json::compact(&object) + "\n";
    annotations.insert(LAST_APPLIED.into(), text.into());
    object["metadata"]["annotations"] = Value::Object(annotations);
    object
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
