//! GET of one object.

use axum::response::Response;
use http::StatusCode;

use crate::answer::{self, Format, View};
use crate::api::Api;
use crate::request::Call;
use crate::{Status, table};

pub(crate) fn run(api: &Api, call: &Call) -> Result<Response, Status> {
    let key = call.resource.key(&call.namespace, &call.name);
    let stored = api.store.get(&key).ok_or_else(|| Status::not_found(&call.resource, &call.name))?;
    if let Some(wanted) = call.query.one_resource_version()?
        && wanted > api.store.version()
    {
        return Err(Status::version_not_reached(wanted, api.store.version()));
    }
    if call.accept.view == View::Object && call.accept.format == Format::Json {
        return Ok(answer::json_bytes(StatusCode::OK, api.wire(&call.resource, &key, stored.version, &stored.value)?));
    }
    let object = api.value(&call.resource, &key, stored.version, &stored.value)?;
    Ok(object_response(call, StatusCode::OK, &object))
}

/// One object in the form that the client wants.
pub(crate) fn object_response(call: &Call, code: StatusCode, object: &serde_json::Value) -> Response {
    match call.accept.view {
        View::Object => answer::value(code, call.accept, object),
        View::Metadata => answer::value(code, call.accept, &answer::partial(object)),
        View::Table => {
            let include = call.query.text("includeObject");
            let version = object["metadata"]["resourceVersion"].clone();
            let table =
                table::of(&call.resource, std::slice::from_ref(object), include, serde_json::json!({"resourceVersion": version}), true);
            answer::value(code, call.accept, &table)
        }
    }
}
