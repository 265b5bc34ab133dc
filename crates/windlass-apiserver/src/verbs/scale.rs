//! The `scale` subresource: `autoscaling/v1.Scale` as a view on an object's replicas.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use windlass_schema::structural::FieldError;

use super::patch::{Form, changed, patch_body};
use super::write::{Ownership, Writer};
use crate::answer::View;
use crate::api::Api;
use crate::registry::{Resource, Scale};
use crate::request::Call;
use crate::{Status, answer, fields, object, table};

pub(crate) async fn run(api: &Api, call: &Call) -> Result<Response, Status> {
    let resource = &call.resource;
    let scale = resource.scale.as_ref().ok_or_else(Status::no_such_resource)?;
    let verb = call.verb().ok_or_else(Status::method_not_allowed)?;
    if verb == "get" {
        let (_, object) = api.require(resource, &call.namespace, &call.name)?;
        return Ok(respond(call, &shown(resource, scale, &object)));
    }
    let options = if verb == "patch" { "PatchOptions" } else { "UpdateOptions" };
    let form = if verb == "patch" { Some(Form::of(call)?) } else { None };
    let decoded = match form {
        Some(Form::Apply) => {
            fields::decode_strict(&call.body, "application/yaml").map_err(|error| Status::bad_request(error.to_string()))?
        }
        Some(_) => patch_body(call)?,
        None => super::body::decode(&call.body, &call.content_type(), "Scale")?,
    };
    let manager = call.manager(options)?;
    let writer = Writer {
        api,
        registry: &call.registry,
        resource,
        caller: &call.caller,
        namespace: &call.namespace,
        subresource: "scale",
        manager: &manager,
        dry_run: call.query.dry_run(options)?,
    };
    let updated = writer
        .update(&call.name, |live| {
            let before = shown(resource, scale, live);
            let wanted = match form {
                None => decoded.value.clone(),
                // A scale has one field: applying it is merging it.
                Some(Form::Apply | Form::Strategic) => changed(Form::Merge, &before, &decoded.value, resource)?,
                Some(form) => changed(form, &before, &decoded.value, resource)?,
            };
            Ok((scaled(scale, live, &wanted, &call.name)?, Ownership::Track))
        })
        .await?;
    Ok(respond(call, &shown(resource, scale, &updated)))
}

/// A scale in the form that the client wants.
fn respond(call: &Call, scale: &Value) -> Response {
    match call.accept.view {
        View::Object => answer::value(StatusCode::OK, call.accept, scale),
        View::Metadata => answer::value(StatusCode::OK, call.accept, &answer::partial(scale)),
        View::Table => {
            answer::value(StatusCode::OK, call.accept, &table::of_scale(&call.resource, scale, call.query.text("includeObject")))
        }
    }
}

fn at<'a>(object: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(object, |value, step| &value[step])
}

/// The object's scale.
fn shown(resource: &Resource, scale: &Scale, object: &Value) -> Value {
    let mut meta = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object["metadata"].get(field) {
            meta[field] = value.clone();
        }
    }
    let number = |path: &str| at(object, path).as_i64().unwrap_or(0);
    let mut status = json!({"replicas": number(&scale.status_replicas)});
    let selector = match &scale.selector {
        Some(path) => at(object, path).as_str().unwrap_or_default().to_owned(),
        None if resource.custom.is_none() => selector_text(&object["spec"]["selector"]),
        None => String::new(),
    };
    if !selector.is_empty() {
        status["selector"] = selector.into();
    }
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": {"replicas": number(&scale.spec_replicas)}, "status": status})
}

/// A `LabelSelector` of equalities as text.
fn selector_text(selector: &Value) -> String {
    let labels = selector["matchLabels"].as_object();
    let mut terms: Vec<String> =
        labels.into_iter().flatten().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    terms.sort();
    terms.join(",")
}

/// The object with the replicas of a wanted scale.
fn scaled(scale: &Scale, live: &Value, wanted: &Value, name: &str) -> Result<Value, Status> {
    let refused = |error| Status::invalid("autoscaling", "Scale", name, &[error]);
    let given = object::name(wanted);
    if !given.is_empty() && given != name {
        return Err(Status::bad_request(format!("the name of the object ({given}) does not match the name on the URL ({name})")));
    }
    let replicas = match &wanted["spec"]["replicas"] {
        Value::Null => 0,
        value => value
            .as_i64()
            .filter(|replicas| i32::try_from(*replicas).is_ok())
            .ok_or_else(|| refused(FieldError::type_invalid("spec.replicas", value.clone(), "must be an integer")))?,
    };
    if replicas < 0 {
        let why = "must be greater than or equal to 0";
        return Err(refused(FieldError::invalid("spec.replicas", replicas, why)));
    }
    let mut new = live.clone();
    for field in ["uid", "resourceVersion"] {
        if let Some(value) = wanted["metadata"][field].as_str().filter(|value| !value.is_empty()) {
            object::meta_mut(&mut new).insert(field.to_owned(), value.into());
        }
    }
    let mut steps = scale.spec_replicas.split('.').peekable();
    let mut place = &mut new;
    while let Some(step) = steps.next() {
        place = object::child_mut(place, step);
        if steps.peek().is_none() {
            *place = replicas.into();
            break;
        }
    }
    Ok(new)
}
