//! Reading and writing objects whose kind is known only at run time.

use crate::errors;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions, ValidationDirective};
use kube::{Api, Client};
use serde_json::{Value, json};
use windlass_api::plan::Identity;
use windlass_api::template::PublishedKind;

/// How often a write is tried that only a new status of the object is in the way of.
const ATTEMPTS: usize = 8;

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

/// What people looked at when they decided: an object with the wish that it had then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its UID.
    pub uid: &'a str,
    /// Its `metadata.generation`, which every change of its wish raises and no change of its status does.
    pub generation: i64,
}

/// Writes over an object that people looked at. `write` is called with the object as it is now, and binds what it sends to
/// its version; it is called again where only a status came in between, as it does all the time while something goes on.
/// `None` if the wish is no longer the one that was looked at: the write would take back somebody's work.
///
/// # Errors
/// It is gone, the API refuses the write or does not answer, or it never was quiet enough.
pub async fn write_over<W, F>(api: &Api<DynamicObject>, seen: Seen<'_>, write: W) -> Result<Option<DynamicObject>, kube::Error>
where
    W: Fn(DynamicObject) -> F,
    F: Future<Output = Result<DynamicObject, kube::Error>>,
{
    let mut left = ATTEMPTS;
    loop {
        let live = api.get(seen.name).await?;
        if live.metadata.uid.as_deref() != Some(seen.uid) || live.metadata.generation != Some(seen.generation) {
            return Ok(None);
        }
        left -= 1;
        match write(live).await {
            Err(error) if errors::is_conflict(&error) && left > 0 => {}
            answer => return answer.map(Some),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use kube::client::Body;
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    /// An API whose one object gets a new version at every reading, and a new generation at the reading `changed_at`.
    fn busy(changed_at: i64) -> Api<DynamicObject> {
        let reads = Arc::new(AtomicI64::new(0));
        let service = tower::service_fn(move |_: http::Request<Body>| {
            let read = reads.fetch_add(1, Ordering::Relaxed) + 1;
            let generation = if read >= changed_at { 2 } else { 1 };
            let object = json!({"apiVersion": "a/v1", "kind": "A", "metadata":
                {"name": "a", "uid": "u", "resourceVersion": read.to_string(), "generation": generation}});
            let answer = http::Response::new(Body::from(object.to_string().into_bytes()));
            async move { Ok::<_, Infallible>(answer) }
        });
        let resource =
            ApiResource { group: "a".into(), version: "v1".into(), api_version: "a/v1".into(), kind: "A".into(), plural: "as".into() };
        Api::default_namespaced_with(Client::new(service, "default"), &resource)
    }

    /// Writes where a status comes in between until version `quiet`; gives the version that was written over.
    async fn written(changed_at: i64, quiet: i64) -> Result<Option<String>, kube::Error> {
        let seen = Seen { name: "a", uid: "u", generation: 1 };
        let write = |live: DynamicObject| async move {
            let version: i64 = live.metadata.resource_version.as_deref().unwrap_or_default().parse().expect("a number");
            if version < quiet {
                let status = kube::core::Status::failure("the object has been modified", "Conflict").with_code(409);
                return Err(kube::Error::Api(Box::new(status)));
            }
            Ok(live)
        };
        let found = write_over(&busy(changed_at), seen, write).await?;
        Ok(found.and_then(|object| object.metadata.resource_version))
    }

    #[tokio::test]
    async fn a_new_status_is_no_other_wish() {
        assert_eq!(written(i64::MAX, 3).await.expect("written"), Some("3".into()));
    }

    #[tokio::test]
    async fn over_another_wish_nothing_is_written() {
        assert_eq!(written(3, 5).await.expect("read"), None, "somebody changed a value");
        assert_eq!(written(1, 0).await.expect("read"), None, "it was changed before the first attempt");
    }

    #[tokio::test]
    async fn what_never_is_quiet_ends_with_the_conflict() {
        assert!(errors::is_conflict(&written(i64::MAX, i64::MAX).await.expect_err("it gives up")));
    }
}
