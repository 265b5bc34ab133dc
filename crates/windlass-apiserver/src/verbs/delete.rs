//! DELETE of an object or of a collection: finalizers, propagation, preconditions.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use windlass_schema::structural::FieldError;
use windlass_store::{Change, Expect, StoreError, Write};

use super::body;
use super::get::object_response;
use super::list::{self, Selection};
use super::write::Writer;
use crate::api::Api;
use crate::request::{Call, check_dry_run};
use crate::{Operation, Status, answer, crd, namespaces, object, stored};

/// The finalizer that keeps an owner until its dependents are gone.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// The finalizer that keeps an owner until its dependents have forgotten it.
pub(crate) const ORPHAN: &str = "orphan";

/// What becomes of the dependents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Propagation {
    Background,
    Foreground,
    Orphan,
}

/// What a client says with a deletion.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) dry_run: bool,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
    pub(crate) propagation: Option<Propagation>,
}

impl DeleteOptions {
    fn of(call: &Call) -> Result<DeleteOptions, Status> {
        let given = body::delete_options(call)?;
        let policy = given["propagationPolicy"].as_str().unwrap_or_else(|| call.query.text("propagationPolicy"));
        let orphan = given["orphanDependents"].as_bool().or_else(|| call.query.flag("orphanDependents"));
        let dry_run: Vec<&str> = match given["dryRun"].as_array() {
            Some(values) => values.iter().filter_map(Value::as_str).collect(),
            None => call.query.all("dryRun").filter(|value| !value.is_empty()).collect(),
        };
        check_dry_run(&dry_run, "DeleteOptions")?;
        let refused = |error| Status::invalid("meta.k8s.io", "DeleteOptions", "", &[error]);
        let propagation = match (policy, orphan) {
            ("", None) => None,
            ("", Some(true)) | ("Orphan", None) => Some(Propagation::Orphan),
            ("", Some(false)) | ("Background", None) => Some(Propagation::Background),
            ("Foreground", None) => Some(Propagation::Foreground),
            (_, Some(_)) => {
                let why = "orphanDependents and deletionPropagation cannot be both set";
                return Err(refused(FieldError::invalid("propagationPolicy", policy, why)));
            }
            (other, None) => {
                let supported = ["Foreground", "Background", "Orphan", "nil"];
                return Err(refused(FieldError::not_supported("propagationPolicy", other, &supported)));
            }
        };
        let text = |field: &str| given["preconditions"][field].as_str().map(str::to_owned);
        Ok(DeleteOptions { dry_run: !dry_run.is_empty(), uid: text("uid"), resource_version: text("resourceVersion"), propagation })
    }
}

/// What a deletion came to.
pub(crate) enum Deleted {
    /// The object is gone; its last state.
    Gone(Value),
    /// The object waits for its finalizers.
    Waiting(Value),
}

pub(crate) async fn one(api: &Api, call: &Call) -> Result<Response, Status> {
    let options = DeleteOptions::of(call)?;
    let writer = writer(api, call, options.dry_run);
    let resource = &call.resource;
    match writer.delete(&call.name, &options).await? {
        Deleted::Waiting(object) => Ok(object_response(call, StatusCode::OK, &object)),
        Deleted::Gone(object) if resource.returns_deleted => Ok(object_response(call, StatusCode::OK, &object)),
        Deleted::Gone(object) => {
            let mut details = json!({"name": call.name});
            if !resource.group.is_empty() {
                details["group"] = resource.group.clone().into();
            }
            details["kind"] = resource.plural.clone().into();
            details["uid"] = object::uid(&object).into();
            let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
            Ok(answer::value(StatusCode::OK, answer::Accept { view: answer::View::Object, ..call.accept }, &status))
        }
    }
}

pub(crate) async fn collection(api: &Api, call: &Call) -> Result<Response, Status> {
    let options = DeleteOptions::of(call)?;
    let selection = Selection::of(call)?;
    let page = list::page(api, call, &selection)?;
    let writer = writer(api, call, options.dry_run);
    let mut deleted = Vec::new();
    for item in page.items {
        match writer.delete(item.key.name(), &options).await {
            Ok(Deleted::Gone(object) | Deleted::Waiting(object)) => deleted.push(object),
            // Somebody else was faster.
            Err(status) if status.reason == "NotFound" => {}
            Err(status) => return Err(status),
        }
    }
    let meta = json!({"resourceVersion": api.store.version().to_string()});
    Ok(answer::value(StatusCode::OK, call.accept, &list::list_value(call, deleted, meta)))
}

fn writer<'a>(api: &'a Api, call: &'a Call, dry_run: bool) -> Writer<'a> {
    Writer {
        api,
        registry: &call.registry,
        resource: &call.resource,
        caller: &call.caller,
        namespace: &call.namespace,
        subresource: "",
        manager: "",
        dry_run,
    }
}

impl Writer<'_> {
    /// Deletes an object, or marks it where finalizers hold it.
    pub(crate) async fn delete(&self, name: &str, options: &DeleteOptions) -> Result<Deleted, Status> {
        loop {
            let (version, live) = self.api.require(self.resource, self.namespace, name)?;
            self.check_delete(name, &live, options)?;
            let mut hooked = live.clone();
            self.admit(Operation::Delete, name, Some(&live), &mut hooked)?;
            let marked = self.marked(&live, options);
            let change = match &marked {
                None => Change::Delete,
                Some(marked) if *marked == live => return Ok(Deleted::Waiting(live)),
                Some(marked) => {
                    let key = self.resource.key(self.namespace, name);
                    Change::Put(stored::body(self.resource, &key, &stored_form(self, marked), &self.api.options.encryption))
                }
            };
            if self.dry_run {
                return Ok(marked.map_or(Deleted::Gone(live), Deleted::Waiting));
            }
            let key = self.resource.key(self.namespace, name);
            let write = Write { key, expect: Expect::Version(version), guards: Vec::new(), change };
            match self.api.store.write(write).await {
                Ok(version) => {
                    return Ok(match marked {
                        None => Deleted::Gone(live),
                        Some(mut marked) => {
                            object::meta_mut(&mut marked).insert("resourceVersion".to_owned(), version.to_string().into());
                            Deleted::Waiting(marked)
                        }
                    });
                }
                Err(StoreError::Conflict { .. }) => {}
                Err(error) => return Err(Status::from_store(error, self.resource, name)),
            }
        }
    }

    fn check_delete(&self, name: &str, live: &Value, options: &DeleteOptions) -> Result<(), Status> {
        let kind = &self.resource.kind;
        if let Some(uid) = options.uid.as_deref().filter(|uid| *uid != object::uid(live)) {
            let found = object::uid(live);
            let why = format!(
                "the UID in the precondition ({uid}) does not match the UID in record ({found}). The object might have been deleted and then recreated"
            );
            return Err(Status::precondition(kind, name, &why));
        }
        let found = object::meta(live, "resourceVersion");
        if let Some(wanted) = options.resource_version.as_deref().filter(|wanted| *wanted != found) {
            let why = format!(
                "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({found}). The object might have been modified"
            );
            return Err(Status::precondition(kind, name, &why));
        }
        if self.resource.is("", "namespaces") && namespaces::PROTECTED.contains(&name) {
            return Err(Status::forbidden("", "namespaces", name, "this namespace may not be deleted"));
        }
        Ok(())
    }

    /// The object as it waits for its finalizers; none if nothing holds it.
    fn marked(&self, live: &Value, options: &DeleteOptions) -> Option<Value> {
        let mut finalizers: Vec<String> = object::finalizers(live).into_iter().map(str::to_owned).collect();
        if let Some(propagation) = options.propagation {
            finalizers.retain(|name| name != FOREGROUND && name != ORPHAN);
            match propagation {
                Propagation::Background => {}
                Propagation::Foreground => finalizers.push(FOREGROUND.to_owned()),
                Propagation::Orphan => finalizers.push(ORPHAN.to_owned()),
            }
        }
        let is_namespace = self.resource.is("", "namespaces");
        if self.resource.is_definition() && !finalizers.iter().any(|name| name == crd::CLEANUP) {
            finalizers.push(crd::CLEANUP.to_owned());
        }
        let held = is_namespace && live["spec"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty());
        if finalizers.is_empty() && !held {
            return None;
        }
        let mut marked = live.clone();
        let meta = object::meta_mut(&mut marked);
        if finalizers.is_empty() {
            meta.shift_remove("finalizers");
        } else {
            meta.insert("finalizers".to_owned(), finalizers.into());
        }
        if !object::is_terminating(live) {
            meta.insert("deletionTimestamp".to_owned(), object::now().into());
            // Namespaces and definitions have a way of their own to go.
            if !is_namespace && !self.resource.is_definition() {
                meta.insert("deletionGracePeriodSeconds".to_owned(), 0.into());
            }
            if let Some(generation) = live["metadata"]["generation"].as_i64().filter(|generation| *generation > 0) {
                meta.insert("generation".to_owned(), (generation + 1).into());
            }
        }
        if is_namespace {
            *object::child_mut(object::child_mut(&mut marked, "status"), "phase") = "Terminating".into();
        }
        if self.resource.is_definition() {
            crd::mark_terminating(&mut marked);
        }
        Some(marked)
    }
}

fn stored_form(writer: &Writer<'_>, object: &Value) -> Value {
    if writer.resource.is_view() { super::events::stored(object) } else { object.clone() }
}
