//! CustomResourceDefinitions: what one may say, serving the kinds that they define, and taking a kind away with its objects.
//!
//! Start at [`CustomVersion`], one served version of a kind; `establish.rs` has the loop that keeps the registry true.

mod definition;
pub(crate) mod document;
mod establish;
mod replicas;
mod rules;

use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;
use windlass_schema::structural::{ErrorKind, FieldError, Schema};

use crate::api::Api;
use crate::builtin::object_meta;
use crate::builtin::{Printer, names::NameRule};
use crate::registry::Scale;
use crate::{Status, object};

pub(crate) use definition::{prepare, validate};

/// The finalizer under which the objects of a definition are deleted before it.
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// One served version of a kind that a definition defines.
pub(crate) struct CustomVersion {
    /// The schema as its author wrote it, for OpenAPI; null where there is none.
    pub(crate) openapi: Value,
    pub(crate) schema: Arc<Schema>,
    namespaced: bool,
    rules: rules::Rules,
    /// Where `/scale` finds its values.
    scale: Option<Scale>,
    /// What `kubectl get` prints.
    pub(crate) printer: Option<Printer>,
    /// Objects stored before this version of the store may not follow the schema: they are pruned and defaulted when read.
    pub(crate) since: u64,
    /// Cancelled when this version is no longer served as it is: watches end.
    pub(crate) gone: CancellationToken,
}

impl CustomVersion {
    /// Takes away what the schema does not know, puts in its defaults.
    pub(crate) fn normalize(&self, value: &mut Value) {
        self.schema.prune(value);
        self.schema.apply_defaults(value);
    }

    /// Schema, then replicas, then rules.
    pub(crate) fn validate(&self, new: &Value, old: Option<&Value>, subresource: &str) -> Vec<FieldError> {
        let of_status = subresource == "status";
        let mut errors = object_meta::check(new, old, self.namespaced, NameRule::Subdomain);
        // A status is not held responsible for what else is wrong.
        let judged = self.schema.validate(new, old).into_iter();
        errors.extend(judged.filter(|error| !of_status || error.path == "status" || error.path.starts_with("status.")));
        if let Some(scale) = &self.scale {
            errors.extend(replicas::check(scale, new, of_status));
        }
        errors.extend(self.schema.duplicates(new));
        // Rules may rely on what the schema demands.
        if !errors.iter().any(blocks_rules) {
            errors.extend(self.rules.check(new, old));
        } else if self.rules.exist() {
            let detail =
                "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
            errors.push(FieldError::invalid("<nil>", Value::Null, detail));
        }
        errors
    }
}

/// Whether an error leaves an object of which the rules cannot be asked.
fn blocks_rules(error: &FieldError) -> bool {
    matches!(error.kind, ErrorKind::NotSupported | ErrorKind::Required | ErrorKind::TooLong | ErrorKind::TooMany | ErrorKind::TypeInvalid)
}

/// Serves what is stored already, before the first request.
pub(crate) fn serve_stored(api: &Api) -> Result<establish::Definitions, Status> {
    let mut definitions = establish::Definitions::default();
    definitions.serve(api)?;
    Ok(definitions)
}

/// Starts the loop that follows the definitions.
pub(crate) fn start(api: &Arc<Api>, definitions: establish::Definitions) {
    let api = Arc::clone(api);
    tokio::spawn(async move {
        let stop = api.stop.clone();
        tokio::select! {
            () = stop.cancelled() => {}
            () = establish::run(&api, definitions) => {}
        }
    });
}

/// Notes on a definition that its objects are about to go.
pub(crate) fn mark_terminating(definition: &mut Value) {
    let message = "CustomResource deletion is pending";
    set_condition(definition, "Terminating", "True", "InstanceDeletionPending", message);
}

/// Sets a condition in `status`; its time moves only when its status does.
fn set_condition(definition: &mut Value, kind: &str, status: &str, reason: &str, message: &str) {
    let conditions = object::child_mut(object::child_mut(definition, "status"), "conditions");
    let mut all = conditions.as_array().cloned().unwrap_or_default();
    let found = all.iter_mut().find(|condition| condition["type"] == kind);
    let since = match &found {
        Some(condition) if condition["status"] == status => condition["lastTransitionTime"].clone(),
        _ => object::now().into(),
    };
    let new = serde_json::json!({"type": kind, "status": status, "lastTransitionTime": since, "reason": reason, "message": message});
    match found {
        Some(condition) => *condition = new,
        None => all.push(new),
    }
    *conditions = all.into();
}

/// Whether a condition of an object is `True`.
fn has_condition(object: &Value, kind: &str) -> bool {
    object["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == kind && condition["status"] == "True")
}
