//! PATCH in its four forms: JSON patch, merge patch, strategic merge patch, server-side apply.

use axum::response::Response;
use http::StatusCode;
use serde_json::Value;
use windlass_schema::structural::FieldError;

use super::get::object_response;
use super::write::{Ownership, Writer};
use super::{body, create};
use crate::api::Api;
use crate::fields::{self, ApplyError, ApplyOptions, PatchError, StrategicError, Type};
use crate::registry::Resource;
use crate::request::{Call, FieldValidation};
use crate::{Status, answer, builtin, object, ownership};

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// Which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl Form {
    pub(crate) fn of(call: &Call) -> Result<Form, Status> {
        match call.content_type().as_str() {
            JSON => Ok(Form::Json),
            MERGE => Ok(Form::Merge),
            APPLY => Ok(Form::Apply),
            STRATEGIC if call.resource.custom.is_none() => Ok(Form::Strategic),
            STRATEGIC => Err(Status::unsupported_patch(&format!("{JSON}, {MERGE}, {APPLY}"))),
            _ => Err(Status { details: Some(Box::default()), ..Status::new(415, "UnsupportedMediaType", "415: Unsupported Media Type") }),
        }
    }
}

pub(crate) async fn run(api: &Api, call: &Call) -> Result<Response, Status> {
    let dry_run = call.query.dry_run("PatchOptions")?;
    let validation = call.query.field_validation("PatchOptions")?;
    let manager = call.manager("PatchOptions")?;
    let form = Form::of(call)?;
    let writer = Writer {
        api,
        registry: &call.registry,
        resource: &call.resource,
        caller: &call.caller,
        namespace: &call.namespace,
        subresource: &call.subresource,
        manager: &manager,
        dry_run,
    };
    if form == Form::Apply {
        return apply(&writer, call, validation).await;
    }
    if call.query.flag("force").is_some() {
        let error = FieldError::forbidden("force", "may not be specified for non-apply patch");
        return Err(Status::invalid("meta.k8s.io", "PatchOptions", "", &[error]));
    }
    let decoded = patch_body(call)?;
    let mut warnings = Vec::new();
    let patched = writer
        .update(&call.name, |live| {
            let mut new = changed(form, live, &decoded.value, &call.resource)?;
            fits(&call.resource, &new)?;
            fits_kind(call, &new)?;
            check_identity(call, &new)?;
            warnings = settle(call, &mut new, &decoded.problems, validation)?;
            Ok((new, Ownership::Track))
        })
        .await?;
    let mut response = object_response(call, StatusCode::OK, &patched);
    answer::warn(&mut response, &warnings);
    Ok(response)
}

pub(crate) fn patch_body(call: &Call) -> Result<fields::Decoded, Status> {
    fields::decode_strict(&call.body, "application/json").map_err(|error| {
        let said = error.to_string();
        let said = if said.contains("EOF while parsing") { "unexpected end of JSON input".to_owned() } else { said };
        // The real server puts nothing before what is wrong with a strategic merge patch.
        let is_strategic = call.content_type() == STRATEGIC;
        Status::bad_request(if is_strategic { said } else { format!("error decoding patch: {said}") })
    })
}

/// Unknown fields of a patch are told with the words for a patch.
fn settle(call: &Call, new: &mut Value, problems: &[String], validation: FieldValidation) -> Result<Vec<String>, Status> {
    let shown = shown(new);
    let unknown = call.resource.schema().prune_listing(new);
    match validation {
        FieldValidation::Ignore => Ok(Vec::new()),
        FieldValidation::Warn => {
            Ok(problems.iter().cloned().chain(unknown.iter().map(|path| format!("unknown field \"{path}\""))).collect())
        }
        FieldValidation::Strict => match fields::strict_error(problems, &unknown) {
            None => Ok(Vec::new()),
            Some(why) => Err(Status::invalid("", "", "", &[FieldError::invalid("patch", shown, why)])),
        },
    }
}

/// A patched object as messages show it: its fields in order, its metadata in that of the Go type.
fn shown(object: &Value) -> String {
    let mut shown = object.clone();
    if let Some(map) = shown.as_object_mut() {
        map.sort_keys();
        if let Some(meta) = map.get_mut("metadata").and_then(Value::as_object_mut)
            && let Some(version) = meta.shift_remove("resourceVersion")
        {
            let behind = meta.keys().position(|key| key == "uid").map_or(0, |at| at + 1);
            meta.shift_insert(behind, "resourceVersion".to_owned(), version);
        }
    }
    shown.to_string()
}

/// The object after the patch.
pub(crate) fn changed(form: Form, live: &Value, patch: &Value, resource: &Resource) -> Result<Value, Status> {
    let mut new = live.clone();
    match form {
        Form::Json => fields::json_patch(&mut new, patch).map_err(|error| match error {
            PatchError::DoesNotApply(_) => {
                let message = "the server rejected our request due to an error in our request";
                Status { details: Some(Box::default()), ..Status::new(422, "Invalid", message) }
            }
            other => Status::bad_request(other.to_string()),
        })?,
        Form::Merge if patch.is_object() => fields::merge_patch(&mut new, patch),
        Form::Strategic if patch.is_object() => {
            fields::strategic_merge(&mut new, patch, Type::of(&resource.schema())).map_err(|error| match error {
                StrategicError::UnknownDirective { .. } => Status::new(500, "", error.to_string()),
                other => Status::bad_request(other.to_string()),
            })?;
        }
        Form::Merge | Form::Strategic | Form::Apply => {
            let given = fields::go_type(patch);
            let why = format!("error decoding patch: json: cannot unmarshal {given} into Go value of type map[string]interface {{}}");
            return Err(Status::bad_request(why));
        }
    }
    if new.is_object() { Ok(new) } else { Err(Status::bad_request("the patched object is no object")) }
}

/// A patch may not make a built-in object one of another kind.
fn fits_kind(call: &Call, new: &Value) -> Result<(), Status> {
    match body::check_kind(call, new) {
        Err(status) if call.resource.builtin.is_some() => {
            let why = status.message.split_once(": ").map_or(status.message.as_str(), |(_, why)| why);
            Err(Status::invalid("", "", "", &[FieldError::invalid("patch", shown(new), why)]))
        }
        other => other,
    }
}

/// A patch may not make the object another one.
fn check_identity(call: &Call, new: &Value) -> Result<(), Status> {
    let given = object::name(new);
    if given != call.name {
        return Err(Status::bad_request(format!("the name of the object ({given}) does not match the name on the URL ({})", call.name)));
    }
    let given = object::namespace(new);
    if call.resource.namespaced && given != call.namespace {
        return Err(Status::bad_request(format!(
            "the namespace of the object ({given}) does not match the namespace on the URL ({})",
            call.namespace
        )));
    }
    Ok(())
}

/// Whether the patched object can be one of its kind at all, before anything is made of it.
fn fits(resource: &Resource, new: &Value) -> Result<(), Status> {
    let problem = resource.builtin.and_then(|kind| builtin::decode_problem(kind, new));
    let why = match problem {
        // The real server shows what the decoder says behind the kind.
        Some(problem) => problem.split_once(": ").map(|(_, why)| why.to_owned()).unwrap_or(problem),
        None if new["metadata"].is_object() => return Ok(()),
        None => "metadata must be an object".to_owned(),
    };
    Err(Status::invalid("", "", "", &[FieldError::invalid("patch", shown(new), why)]))
}

async fn apply(writer: &Writer<'_>, call: &Call, validation: FieldValidation) -> Result<Response, Status> {
    if call.query.text("fieldManager").is_empty() {
        let error = FieldError::required("fieldManager", "is required for apply patch");
        return Err(Status::invalid("meta.k8s.io", "PatchOptions", "", &[error]));
    }
    let decoded = fields::decode_strict(&call.body, APPLY).map_err(|error| Status::bad_request(format!("error decoding YAML: {error}")))?;
    let mut applied = decoded.value;
    let kind = (applied["apiVersion"].as_str().unwrap_or_default(), applied["kind"].as_str().unwrap_or_default());
    if kind.0.is_empty() || kind.1.is_empty() {
        let (group, version) = kind.0.rsplit_once('/').unwrap_or(("", kind.0));
        return Err(Status::bad_request(format!("invalid object type: {group}/{version}, Kind={}", kind.1)));
    }
    body::check_kind(call, &applied)?;
    match object::name(&applied) {
        "" => drop(object::meta_mut(&mut applied).insert("name".to_owned(), call.name.clone().into())),
        given if given != call.name => {
            return Err(Status::bad_request(format!(
                "the name of the object ({given}) does not match the name on the URL ({})",
                call.name
            )));
        }
        _ => {}
    }
    create::check_namespace(call, &mut applied)?;
    let warnings = body::settle_applied(call, &mut applied, &decoded.problems, validation)?;
    let options = ApplyOptions {
        force: call.query.flag("force") == Some(true),
        subresource: call.subresource.clone(),
        now: object::now(),
        ignored: ownership::ignored(&call.resource, &call.subresource),
    };
    let (code, object) = apply_to(writer, &call.name, &applied, &options).await?;
    let mut response = object_response(call, code, &object);
    answer::warn(&mut response, &warnings);
    Ok(response)
}

/// Applies to the object, or makes it.
async fn apply_to(writer: &Writer<'_>, name: &str, applied: &Value, options: &ApplyOptions) -> Result<(StatusCode, Value), Status> {
    let schema = writer.resource.schema();
    let ty = Type::of(&schema);
    let make = |live: Option<&Value>| fields::apply(live, applied, ty, writer.manager, options).map_err(refused);
    // Two attempts: somebody else may make or remove the object in between.
    for _ in 0..8 {
        let updated = writer.update(name, |live| Ok((make(Some(live))?, Ownership::Settled))).await;
        match updated {
            Err(status) if status.code == 404 && writer.subresource.is_empty() => {}
            other => return other.map(|object| (StatusCode::OK, object)),
        }
        if !object::uid(applied).is_empty() {
            let why = format!("uid mismatch: the provided object specified uid {}, and no existing object was found", object::uid(applied));
            return Err(Status::conflict(writer.resource, name, &why));
        }
        match writer.create(make(None)?, Ownership::Settled).await {
            Err(status) if status.reason == "AlreadyExists" => {}
            other => return other.map(|object| (StatusCode::CREATED, object)),
        }
    }
    Err(Status::modified(writer.resource, name))
}

/// What server-side apply refuses, as a Status.
pub(crate) fn refused(error: ApplyError) -> Status {
    match error {
        ApplyError::Conflicts(conflicts) => {
            let mut status = Status::new(409, "Conflict", conflicts.message());
            for (message, field) in conflicts.causes() {
                status = status.with_cause("FieldManagerConflict", message, &field);
            }
            status
        }
        ApplyError::ManagedFields | ApplyError::Version { .. } => Status::bad_request(error.to_string()),
        ApplyError::Typed { .. } | ApplyError::Managed(_) => Status::new(500, "", error.to_string()),
    }
}
