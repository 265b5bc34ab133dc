//! PUT of an object or of its status.

use axum::response::Response;
use http::StatusCode;
use windlass_schema::structural::FieldError;

use super::get::object_response;
use super::write::{Ownership, Writer};
use super::{body, create};
use crate::api::Api;
use crate::request::Call;
use crate::{Status, answer, object};

pub(crate) async fn run(api: &Api, call: &Call) -> Result<Response, Status> {
    let dry_run = call.query.dry_run("UpdateOptions")?;
    let validation = call.query.field_validation("UpdateOptions")?;
    let manager = call.manager("UpdateOptions")?;
    let (mut wanted, warnings) = body::object(call, validation)?;
    create::check_namespace(call, &mut wanted)?;
    let (name, given) = (call.name.as_str(), object::name(&wanted));
    if given.is_empty() {
        return Err(Status::bad_request(format!("the name of the object ({name} based on URL) was undeterminable: name must be provided")));
    }
    if given != name {
        return Err(Status::bad_request(format!("the name of the object ({given}) does not match the name on the URL ({name})")));
    }
    let resource = &call.resource;
    let writer = Writer {
        api,
        registry: &call.registry,
        resource,
        caller: &call.caller,
        namespace: &call.namespace,
        subresource: &call.subresource,
        manager: &manager,
        dry_run,
    };
    let exists = api.store.get(&resource.key(&call.namespace, name)).is_some();
    let versioned = !matches!(object::meta(&wanted, "resourceVersion"), "" | "0");
    let (code, updated) = if !exists && resource.create_on_update && call.subresource.is_empty() {
        (StatusCode::CREATED, writer.create(wanted, Ownership::Track).await?)
    } else {
        if exists && !versioned && !resource.unconditional_update {
            let error = FieldError::invalid("metadata.resourceVersion", 0, "must be specified for an update");
            return Err(Status::invalid(&resource.group, &resource.plural, name, &[error]));
        }
        let updated = writer
            .update(name, |live| {
                writer.check_uid(name, live, &wanted)?;
                Ok((wanted.clone(), Ownership::Track))
            })
            .await?;
        (StatusCode::OK, updated)
    };
    let mut response = object_response(call, code, &updated);
    answer::warn(&mut response, &warnings);
    Ok(response)
}
