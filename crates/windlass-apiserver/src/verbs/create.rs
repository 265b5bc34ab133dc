//! POST to a collection.

use axum::response::Response;
use http::StatusCode;

use super::body;
use super::get::object_response;
use super::write::{Ownership, Writer};
use crate::api::Api;
use crate::request::Call;
use crate::{Status, answer, object};

pub(crate) async fn run(api: &Api, call: &Call) -> Result<Response, Status> {
    let dry_run = call.query.dry_run("CreateOptions")?;
    let validation = call.query.field_validation("CreateOptions")?;
    let manager = call.manager("CreateOptions")?;
    let (mut wanted, warnings) = body::object(call, validation)?;
    check_namespace(call, &mut wanted)?;
    if !object::meta(&wanted, "resourceVersion").is_empty() {
        return Err(Status::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    let writer = Writer {
        api,
        registry: &call.registry,
        resource: &call.resource,
        caller: &call.caller,
        namespace: &call.namespace,
        subresource: "",
        manager: &manager,
        dry_run,
    };
    let created = writer.create(wanted, Ownership::Track).await?;
    let mut response = object_response(call, StatusCode::CREATED, &created);
    answer::warn(&mut response, &warnings);
    Ok(response)
}

/// The object's namespace must be the path's, where it names one.
pub(crate) fn check_namespace(call: &Call, wanted: &mut serde_json::Value) -> Result<(), Status> {
    let given = object::namespace(wanted);
    if !call.resource.namespaced {
        return Ok(());
    }
    if !given.is_empty() && given != call.namespace {
        return Err(Status::bad_request("the namespace of the provided object does not match the namespace sent on the request"));
    }
    object::meta_mut(wanted).insert("namespace".to_owned(), call.namespace.clone().into());
    Ok(())
}
