//! The body of a request as an object, checked against kind and schema as far as decoding goes.

use serde_json::Value;

use crate::Status;
use crate::builtin;
use crate::builtin::protobuf::{self, ProtobufError};
use crate::fields::{self, DecodeError, Decoded};
use crate::request::{Call, FieldValidation};

/// The object in the body, and the warnings that go with the answer.
pub(crate) fn object(call: &Call, validation: FieldValidation) -> Result<(Value, Vec<String>), Status> {
    let kind = &call.resource.kind;
    let Decoded { mut value, problems } = decode(&call.body, &call.content_type(), kind)?;
    check_kind(call, &value)?;
    let warnings = settle(call, &mut value, &problems, validation)?;
    Ok((value, warnings))
}

/// Decodes any body. `kind` is what messages say was expected.
pub(crate) fn decode(body: &[u8], media: &str, kind: &str) -> Result<Decoded, Status> {
    if media == protobuf::CONTENT_TYPE {
        let value = protobuf::decode(body).map_err(|error| match error {
            ProtobufError::Kind(_) => Status::new(415, "UnsupportedMediaType", error.to_string()),
            ProtobufError::Magic | ProtobufError::Malformed(_) => Status::bad_request(error.to_string()),
        })?;
        return Ok(Decoded { value, problems: Vec::new() });
    }
    let decoded = fields::decode_strict(body, media).map_err(|error| match error {
        DecodeError::MediaType(_) => Status::unsupported_body(),
        DecodeError::Json(why) => {
            let shown = summary(body);
            let why = if body.is_empty() || why.contains("EOF") { "unexpected end of JSON input".to_owned() } else { why };
            let message = format!(
                "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: {why} ({shown})"
            );
            Status::bad_request(message)
        }
        DecodeError::Yaml(_) => Status::bad_request(error.to_string()),
    })?;
    if decoded.value.is_object() {
        return Ok(decoded);
    }
    Err(Status::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: json: cannot unmarshal into an object"
    )))
}

/// A body as messages show it: what looks like JSON as text, anything else as numbers.
fn summary(body: &[u8]) -> String {
    const MOST: usize = 30;
    let more = if body.len() > MOST { " ..." } else { "" };
    let start = &body[..body.len().min(MOST)];
    match body.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(start)),
        Some(_) => format!("{}{more}", start.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

/// The body's kind must be the resource's; built-in kinds may leave it out.
pub(crate) fn check_kind(call: &Call, value: &Value) -> Result<(), Status> {
    let resource = &call.resource;
    let (given_version, given_kind) = (value["apiVersion"].as_str().unwrap_or_default(), value["kind"].as_str().unwrap_or_default());
    let expected = resource.api_version();
    if resource.custom.is_some() && given_kind.is_empty() {
        return Err(Status::bad_request(format!("Object 'Kind' is missing in '{}'", shortened(value))));
    }
    if resource.custom.is_some() && given_version.is_empty() {
        return Err(Status::bad_request(format!("Object 'apiVersion' is missing in '{}'", shortened(value))));
    }
    let same = (given_version.is_empty() || given_version == expected) && (given_kind.is_empty() || *given_kind == resource.kind);
    if same {
        return Ok(());
    }
    let kind = &resource.kind;
    let named = if given_kind.is_empty() { kind } else { given_kind };
    let version = given_version.rsplit('/').next().unwrap_or_default();
    let why = if call.registry.find_kind(given_version, named).is_some() {
        let home = if resource.group.is_empty() { "core" } else { resource.group.split('.').next().unwrap_or_default() };
        format!("converting ({version}.{named}) to ({home}.{kind}): unknown conversion")
    } else {
        format!("no kind \"{named}\" is registered for version \"{given_version}\" in scheme \"pkg/runtime/scheme.go:111\"")
    };
    Err(Status::bad_request(format!("{named} in version \"{version}\" cannot be handled as a {kind}: {why}")))
}

fn shortened(value: &Value) -> String {
    value.to_string().chars().take(256).collect()
}

/// Prunes what the schema does not know and says so as the client wishes: not at all, as warnings, as an error.
pub(crate) fn settle(call: &Call, value: &mut Value, problems: &[String], validation: FieldValidation) -> Result<Vec<String>, Status> {
    settle_by(call, value, problems, validation, builtin::normalize)
}

/// The same for what is applied: who leaves a field out does not own it, also where Go always writes one.
pub(crate) fn settle_applied(
    call: &Call,
    value: &mut Value,
    problems: &[String],
    validation: FieldValidation,
) -> Result<Vec<String>, Status> {
    settle_by(call, value, problems, validation, builtin::normalize_applied)
}

fn settle_by(
    call: &Call,
    value: &mut Value,
    problems: &[String],
    validation: FieldValidation,
    normalize: fn(&builtin::Kind, &mut Value),
) -> Result<Vec<String>, Status> {
    let resource = &call.resource;
    let unknown = resource.schema().prune_listing(value);
    if let Some(kind) = resource.builtin {
        if let Some(problem) = builtin::decode_problem(kind, value) {
            return Err(Status::bad_request(problem));
        }
        normalize(kind, value);
    }
    match validation {
        FieldValidation::Ignore => Ok(Vec::new()),
        FieldValidation::Warn => {
            Ok(problems.iter().cloned().chain(unknown.iter().map(|path| format!("unknown field \"{path}\""))).collect())
        }
        FieldValidation::Strict => match fields::strict_error(problems, &unknown) {
            None => Ok(Vec::new()),
            Some(why) => {
                let (kind, version) = (&resource.kind, &resource.version);
                Err(Status::bad_request(format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {why}")))
            }
        },
    }
}

/// The `DeleteOptions` in the body of a DELETE; null where there is none.
pub(crate) fn delete_options(call: &Call) -> Result<Value, Status> {
    if call.body.is_empty() {
        return Ok(Value::Null);
    }
    Ok(decode(&call.body, &call.content_type(), "DeleteOptions")?.value)
}
