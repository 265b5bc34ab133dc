//! Questions about the caller, answered and not stored: who am I, may I do this, what may I do.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use crate::access::{Attributes, Decision};
use crate::answer;
use crate::api::Api;
use crate::request::{Call, FieldValidation};
use crate::verbs::body;
use crate::{Status, object};

pub(crate) fn run(api: &Api, call: &Call) -> Result<Response, Status> {
    if call.accept.view != answer::View::Object {
        return Err(Status::new(406, "NotAcceptable", "only the following media types are accepted: application/json, application/yaml"));
    }
    let (mut review, _) = body::object(call, FieldValidation::Ignore)?;
    let resource = &call.resource;
    review["apiVersion"] = resource.api_version().into();
    review["kind"] = resource.kind.clone().into();
    let meta = object::meta_mut(&mut review);
    if resource.plural == "selfsubjectreviews" {
        meta.insert("creationTimestamp".to_owned(), object::now().into());
    }
    review["status"] = match resource.plural.as_str() {
        "selfsubjectreviews" => json!({"userInfo": {"username": call.caller.name, "groups": call.caller.groups}}),
        "selfsubjectaccessreviews" => access(api, call, &review["spec"])?,
        "selfsubjectrulesreviews" => rules(api, call, &review["spec"]),
        _ => return Err(Status::method_not_allowed()),
    };
    Ok(answer::value(StatusCode::CREATED, call.accept, &review))
}

fn access(api: &Api, call: &Call, spec: &Value) -> Result<Value, Status> {
    let text = |place: &Value, field: &str| place[field].as_str().unwrap_or_default().to_owned();
    let attributes = match (spec.get("resourceAttributes"), spec.get("nonResourceAttributes")) {
        (Some(wanted), None) => Attributes {
            verb: text(wanted, "verb"),
            group: text(wanted, "group"),
            version: text(wanted, "version"),
            resource: text(wanted, "resource"),
            subresource: text(wanted, "subresource"),
            namespace: text(wanted, "namespace"),
            name: text(wanted, "name"),
            path: String::new(),
        },
        (None, Some(wanted)) => Attributes { verb: text(wanted, "verb"), path: text(wanted, "path"), ..Attributes::default() },
        (given, _) => {
            let why = if given.is_some() {
                "cannot be specified in combination with resourceAttributes"
            } else {
                "exactly one of nonResourceAttributes or resourceAttributes must be specified"
            };
            let error = windlass_schema::structural::FieldError::invalid("spec.resourceAttributes", Value::Null, why);
            // The real server leaves the kind out here.
            return Err(Status::invalid(&call.resource.group, "", "", &[error]));
        }
    };
    let (allowed, reason) = match api.options.authorizer.authorize(&call.caller, &attributes) {
        Decision::Allowed { reason } => (true, reason),
        Decision::Denied { reason } => (false, reason),
    };
    let mut status = json!({"allowed": allowed});
    if !reason.is_empty() {
        status["reason"] = reason.into();
    }
    Ok(status)
}

/// Asks the authorizer about every resource and verb that is served: it need not be able to list its rules.
fn rules(api: &Api, call: &Call, spec: &Value) -> Value {
    let namespace = spec["namespace"].as_str().unwrap_or_default();
    let allowed = |verb: &str, group: &str, resource: &str| {
        let attributes = Attributes {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            namespace: namespace.to_owned(),
            ..Attributes::default()
        };
        matches!(api.options.authorizer.authorize(&call.caller, &attributes), Decision::Allowed { .. })
    };
    let mut rules = Vec::new();
    if allowed("*", "*", "*") {
        rules.push(json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}));
    } else {
        for (group, version) in call.registry.group_versions() {
            for resource in call.registry.resources(group, version).into_iter().flatten() {
                let verbs: Vec<&str> = resource.verbs.iter().copied().filter(|verb| allowed(verb, group, &resource.plural)).collect();
                if !verbs.is_empty() {
                    rules.push(json!({"verbs": verbs, "apiGroups": [group], "resources": [resource.plural]}));
                }
            }
        }
    }
    let anywhere = Attributes { verb: "get".to_owned(), path: "/*".to_owned(), ..Attributes::default() };
    let paths = match api.options.authorizer.authorize(&call.caller, &anywhere) {
        Decision::Allowed { .. } => json!([{"verbs": ["*"], "nonResourceURLs": ["*"]}]),
        Decision::Denied { .. } => json!([]),
    };
    json!({"resourceRules": rules, "nonResourceRules": paths, "incomplete": false})
}
