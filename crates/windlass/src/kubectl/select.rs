//! Which objects are meant: `TYPE`, `TYPE NAME...`, `TYPE/NAME...`, `TYPE,TYPE`, categories, selectors, `--all`, and files.

use super::Place;
use super::api;
use super::arguments::Selection;
use super::discovery::{Kinds, Resource};
use super::failure::Failure;
use super::manifests::{self, Manifest};
use serde_json::Value;

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// The objects of a kind.
    Collection(Resource),
    /// One object.
    Named {
        /// Its kind.
        resource: Resource,
        /// Its namespace; none for kinds without.
        namespace: Option<String>,
        /// Its name.
        name: String,
        /// The manifest that named it.
        manifest: Option<Box<Manifest>>,
    },
}

impl Target {
    /// Its kind.
    pub(crate) fn resource(&self) -> &Resource {
        match self {
            Self::Collection(resource) | Self::Named { resource, .. } => resource,
        }
    }
}

/// What a command says about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// Positional arguments.
    pub(crate) arguments: &'a [String],
    /// `-f`.
    pub(crate) files: &'a [String],
    /// `-R`.
    pub(crate) recursive: bool,
    /// `-l` or `--field-selector` is given.
    pub(crate) selects: bool,
    /// `--all`, or a command for which a kind alone means all of it.
    pub(crate) all: bool,
    /// The namespace; all of them where none.
    pub(crate) namespace: Option<&'a str>,
    /// The namespace was named by a flag.
    pub(crate) namespace_is_asked: bool,
}

/// What `delete` and `wait` were told about their objects: by kind and name, by file, by selector, or all of a kind.
pub(crate) struct Choice<'a> {
    place: &'a Place,
    arguments: &'a [String],
    selection: &'a Selection,
    all: bool,
}

impl<'a> Choice<'a> {
    /// Out of the flags.
    pub(crate) fn new(place: &'a Place, arguments: &'a [String], selection: &'a Selection, all: bool) -> Self {
        Self { place, arguments, selection, all }
    }

    fn namespace(&self) -> Option<&'a str> {
        (!self.selection.all_namespaces).then_some(self.place.namespace.as_str())
    }

    /// As [`targets`] wants it.
    pub(crate) fn request(&self) -> Request<'a> {
        let selection = self.selection;
        Request {
            arguments: self.arguments,
            files: &selection.files.filename,
            recursive: selection.files.recursive,
            selects: selection.selector.is_some() || selection.field_selector.is_some() || self.all,
            all: self.all,
            namespace: self.namespace(),
            namespace_is_asked: self.place.namespace_is_asked,
        }
    }

    /// Namespace and name of each object that a target means. One that was named is taken at its word.
    pub(crate) async fn objects(&self, target: &Target) -> Result<Vec<(Option<String>, String)>, Failure> {
        let resource = match target {
            Target::Named { namespace, name, .. } => return Ok(vec![(namespace.clone(), name.clone())]),
            Target::Collection(resource) => resource,
        };
        let mut query = Vec::new();
        query.extend(self.selection.selector.iter().map(|selector| ("labelSelector", selector.clone())));
        query.extend(self.selection.field_selector.iter().map(|selector| ("fieldSelector", selector.clone())));
        let list = super::list(&self.place.api, &resource.path(self.namespace()), query, 500, api::JSON).await?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let items = super::items(list);
        Ok(items.iter().map(|item| (text(&item["metadata"]["namespace"]), text(&item["metadata"]["name"]).unwrap_or_default())).collect())
    }
}

/// Finds out what is meant. What is wrong with single files is reported beside what can be read.
pub(crate) fn targets(kinds: &Kinds, request: Request<'_>) -> Result<(Vec<Target>, Vec<Failure>), Failure> {
    if !request.files.is_empty() {
        if !request.arguments.is_empty() {
            return Err(Failure::text(
                "when paths, URLs, or stdin is provided as input, you may not specify a resource by arguments as well",
            ));
        }
        return of_files(kinds, request);
    }
    let arguments = request.arguments;
    if arguments.iter().any(|argument| argument.contains('/')) {
        return Ok((pairs(kinds, request)?, Vec::new()));
    }
    let Some((types, names)) = arguments.split_first() else {
        let text = if request.selects || request.all {
            "at least one resource must be specified to use a selector"
        } else {
            "You must provide one or more resources by argument or filename.\nExample resource specifications include:\n   '-f rsrc.yaml'\n   '--filename=rsrc.json'\n   '<resource> <name>'\n   '<resource>'"
        };
        return Err(Failure::text(text));
    };
    let mut resources: Vec<&Resource> = Vec::new();
    for part in types.split(',').filter(|part| !part.is_empty()) {
        let category = kinds.of_category(part);
        if category.is_empty() {
            resources.push(kinds.of_argument(part)?);
        } else {
            resources.extend(category);
        }
    }
    if names.is_empty() {
        if !request.selects && !request.all {
            return Err(Failure::text("resource(s) were provided, but no name was specified"));
        }
        return Ok((resources.into_iter().cloned().map(Target::Collection).collect(), Vec::new()));
    }
    if request.selects {
        return Err(Failure::text("name cannot be provided when a selector is specified"));
    }
    let mut found = Vec::new();
    for resource in resources {
        for name in names {
            found.push(named(resource, name, request)?);
        }
    }
    Ok((found, Vec::new()))
}

fn pairs(kinds: &Kinds, request: Request<'_>) -> Result<Vec<Target>, Failure> {
    if request.arguments.iter().any(|argument| !argument.contains('/')) {
        return Err(Failure::text(
            "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'",
        ));
    }
    if request.selects {
        return Err(Failure::text("selectors and the all flag cannot be used when passing resource/name arguments"));
    }
    let mut found = Vec::new();
    for argument in request.arguments {
        let mut parts = argument.split('/');
        let (Some(kind), Some(name), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Failure::text("arguments in resource/name form may not have more than one slash"));
        };
        if kind.is_empty() || name.is_empty() {
            return Err(Failure::text("arguments in resource/name form must have a single resource and name"));
        }
        found.push(named(kinds.of_argument(kind)?, name, request)?);
    }
    Ok(found)
}

fn named(resource: &Resource, name: &str, request: Request<'_>) -> Result<Target, Failure> {
    if resource.namespaced && request.namespace.is_none() {
        return Err(Failure::text("a resource cannot be retrieved by name across all namespaces"));
    }
    let namespace = request.namespace.filter(|_| resource.namespaced).map(str::to_owned);
    Ok(Target::Named { resource: resource.clone(), namespace, name: name.to_owned(), manifest: None })
}

fn of_files(kinds: &Kinds, request: Request<'_>) -> Result<(Vec<Target>, Vec<Failure>), Failure> {
    let (manifests, mut failures) = manifests::read(request.files, request.recursive)?;
    let mut found = Vec::new();
    for mut manifest in manifests {
        match place(kinds, &mut manifest, request) {
            Ok((resource, namespace, name)) => {
                found.push(Target::Named { resource, namespace, name, manifest: Some(Box::new(manifest)) });
            }
            Err(failure) => failures.push(failure),
        }
    }
    Ok((found, failures))
}

/// Kind, namespace and name of an object in a file; its namespace is filled in.
fn place(kinds: &Kinds, manifest: &mut Manifest, request: Request<'_>) -> Result<(Resource, Option<String>, String), Failure> {
    let text = |pointer: &str| manifest.object.pointer(pointer).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let (api_version, kind) = (text("/apiVersion"), text("/kind"));
    let (name, own) = (text("/metadata/name"), text("/metadata/namespace"));
    let Some(resource) = kinds.of_object(&api_version, &kind) else {
        return Err(Failure::text(format!(
            "resource mapping not found for name: {name:?} namespace: {own:?} from {:?}: no matches for kind {kind:?} in version {api_version:?}\nensure CRDs are installed first",
            manifest.source
        )));
    };
    if !resource.namespaced {
        return Ok((resource.clone(), None, name));
    }
    let asked = request.namespace.unwrap_or("default");
    if own.is_empty() {
        if let Some(metadata) = manifest
            .object
            .as_object_mut()
            .and_then(|object| object.entry("metadata").or_insert_with(|| serde_json::json!({})).as_object_mut())
        {
            metadata.insert("namespace".into(), asked.into());
        }
        return Ok((resource.clone(), Some(asked.to_owned()), name));
    }
    if request.namespace_is_asked && own != asked {
        return Err(Failure::text(format!(
            "the namespace from the provided object {own:?} does not match the namespace {asked:?}. You must pass '--namespace={own}' to perform this operation."
        )));
    }
    Ok((resource.clone(), Some(own), name))
}
