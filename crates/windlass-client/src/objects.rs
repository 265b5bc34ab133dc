//! Reading and writing objects whose kind is known only at run time.

use crate::errors;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions, ValidationDirective};
use kube::{Api, Client};
use serde_json::{Value, json};
use windlass_api::plan::Identity;
use windlass_api::template::PublishedKind;

/// A kind with its plural and scope, enough to address objects.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Kind {
    /// API resource in `kube`'s words.
    pub resource: ApiResource,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

impl From<&PublishedKind> for Kind {
    fn from(published: &PublishedKind) -> Self {
        Self {
            resource: ApiResource {
                group: published.group.clone(),
                version: published.version.clone(),
                api_version: published.api_version(),
                kind: published.kind.clone(),
                plural: published.plural.clone(),
            },
            namespaced: published.namespaced,
        }
    }
}

impl Kind {
    /// The API of this kind; `namespace` is ignored for a cluster-scoped kind, and `None` means all namespaces.
    pub fn api(&self, client: &Client, namespace: Option<&str>) -> Api<DynamicObject> {
        match namespace {
            Some(namespace) if self.namespaced => Api::namespaced_with(client.clone(), namespace, &self.resource),
            _ => Api::all_with(client.clone(), &self.resource),
        }
    }

    /// URL path of an object of this kind, or of the list without a name.
    pub fn path(&self, namespace: Option<&str>, name: Option<&str>) -> String {
        let namespace = namespace.filter(|_| self.namespaced);
        let mut path = DynamicObject::url(&self.resource, namespace);
        if let Some(name) = name {
            path.push('/');
            path.push_str(name);
        }
        path
    }
}

trait Url {
    fn url(resource: &ApiResource, namespace: Option<&str>) -> String;
}

impl Url for DynamicObject {
    fn url(resource: &ApiResource, namespace: Option<&str>) -> String {
        <Self as kube::Resource>::url_path(resource, namespace)
    }
}

/// Finds a kind by discovery.
///
/// # Errors
/// The API does not serve it, or does not answer.
pub async fn discover(client: &Client, api_version: &str, kind: &str) -> Result<Kind, kube::Error> {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let path = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    let list: Value = client.request(http::Request::get(path).body(Vec::new()).map_err(kube::Error::HttpError)?).await?;
    let found = list["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|resource| resource["kind"] == kind && !resource["name"].as_str().unwrap_or_default().contains('/'));
    let Some(found) = found else {
        return Err(kube::Error::Api(Box::new(
            kube::core::Status::failure(&format!("the server serves no kind `{kind}` in `{api_version}`"), "NotFound").with_code(404),
        )));
    };
    Ok(Kind {
        resource: ApiResource {
            group: group.into(),
            version: version.into(),
            api_version: api_version.into(),
            kind: kind.into(),
            plural: found["name"].as_str().unwrap_or_default().into(),
        },
        namespaced: found["namespaced"] == true,
    })
}

/// Applies an object server-side.
///
/// # Errors
/// A conflict unless `force`, or the API refuses it or does not answer.
pub async fn apply(
    api: &Api<DynamicObject>,
    name: &str,
    object: &Value,
    manager: &str,
    force: bool,
    dry_run: bool,
) -> Result<DynamicObject, kube::Error> {
    let parameters = PatchParams { field_manager: Some(manager.to_owned()), force, dry_run, ..PatchParams::default() };
    api.patch(name, &parameters, &Patch::Apply(object)).await
}

/// The object as the API would store it, with its defaults; nothing is written. What the kind does not know is refused, not
/// dropped: what is planned would otherwise be something else than what was asked.
///
/// # Errors
/// The API refuses it ([`errors::is_refused`]) or does not answer.
pub async fn dry_run(
    client: &Client,
    kind: &Kind,
    namespace: Option<&str>,
    object: &Value,
    present: bool,
    manager: &str,
) -> Result<DynamicObject, kube::Error> {
    if present {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let field_validation = Some(ValidationDirective::Strict);
        let parameters = PatchParams { field_manager: Some(manager.to_owned()), force: true, dry_run: true, field_validation };
        return kind.api(client, namespace).patch(name, &parameters, &Patch::Apply(object)).await;
    }
    // A creation is refused field by field, where an apply only says that the whole does not fit.
    let path = format!("{}?dryRun=All&fieldValidation=Strict&fieldManager={manager}", kind.path(namespace, None));
    let body = serde_json::to_vec(object).map_err(kube::Error::SerdeError)?;
    let request = http::Request::post(path).header("content-type", "application/json").body(body).map_err(kube::Error::HttpError)?;
    client.request(request).await
}

/// Reads an object; absent is `None`.
///
/// # Errors
/// The API does not answer, or refuses to show it.
pub async fn get(api: &Api<DynamicObject>, name: &str) -> Result<Option<DynamicObject>, kube::Error> {
    optional(api.get(name).await)
}

/// Turns `404` into `None`.
///
/// # Errors
/// Every other error.
pub fn optional<T>(result: Result<T, kube::Error>) -> Result<Option<T>, kube::Error> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if errors::is_not_found(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Deletes an object if it still has this UID; absent, or another of the same name, is success.
///
/// # Errors
/// The API refuses it or does not answer.
pub async fn delete_exactly(api: &Api<DynamicObject>, name: &str, uid: Option<&str>) -> Result<(), kube::Error> {
    let parameters = DeleteParams {
        preconditions: uid.map(|uid| Preconditions { uid: Some(uid.to_owned()), resource_version: None }),
        ..DeleteParams::background()
    };
    match api.delete(name, &parameters).await {
        Ok(_) => Ok(()),
        Err(error) if errors::is_not_found(&error) || errors::is_conflict(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Adds or removes a finalizer, bound to the version that was read.
///
/// # Errors
/// Somebody else wrote first, or the API refuses it or does not answer.
pub async fn set_finalizer(
    api: &Api<DynamicObject>,
    object: &DynamicObject,
    finalizer: &str,
    present: bool,
) -> Result<DynamicObject, kube::Error> {
    let mut finalizers = object.metadata.finalizers.clone().unwrap_or_default();
    if finalizers.iter().any(|known| known == finalizer) == present {
        return Ok(object.clone());
    }
    if present {
        finalizers.push(finalizer.to_owned());
    } else {
        finalizers.retain(|known| known != finalizer);
    }
    let patch = json!({"metadata": {"finalizers": finalizers, "resourceVersion": object.metadata.resource_version}});
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let parameters = PatchParams { field_manager: Some(windlass_api::names::MANAGER_SYSTEM.into()), ..PatchParams::default() };
    api.patch(name, &parameters, &Patch::Merge(&patch)).await
}

/// The identity of an object, as plans and inventories name it.
pub fn identity(object: &Value) -> Identity {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    Identity {
        kind: text("/kind").unwrap_or_default(),
        api_version: text("/apiVersion"),
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name").unwrap_or_default(),
    }
}
