//! Server-side apply: what an applied configuration makes of an object and of who owns its fields.
//!
//! Steps: lay the configuration over the live object, take away what the applier owned before and left out (unless
//! somebody else owns it), find fields of others that change, move ownership. Start with [`apply`].

use super::conflict::{Conflict, Conflicts};
use super::last_applied;
use super::managed::{FieldOwner, Managed, Owned, bare};
use super::path::equal;
use super::set::FieldSet;
use super::track::owners_after;
use super::typed::Type;
use serde_json::{Value, json};

const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// How to apply.
#[derive(Clone, Debug, Default)]
pub struct ApplyOptions {
    /// Take fields of others over instead of failing.
    pub force: bool,
    /// `status`, or empty for the object itself.
    pub subresource: String,
    /// The moment of the request, RFC 3339 in seconds (`2026-01-02T03:04:05Z`).
    pub now: String,
    /// Fields that this endpoint ignores (`status` where it is a subresource); see [`super::reset_paths`].
    pub ignored: FieldSet,
}

/// Why nothing was applied.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ApplyError {
    /// Others own fields with other values. Status 409.
    #[error("{0}")]
    Conflicts(Conflicts),
    /// The configuration carries `metadata.managedFields`. Status 400.
    #[error("metadata.managedFields must be nil")]
    ManagedFields,
    /// The configuration has another version than the request. Status 400.
    #[error("Incorrect version specified in apply patch. Specified patch version: {found}, expected: {expected}")]
    Version {
        /// Version of the configuration.
        found: String,
        /// Version of the request.
        expected: String,
    },
    /// The configuration does not fit the schema. Status 500, as Kubernetes answers.
    #[error("failed to create typed patch object ({object}): {problems}")]
    Typed {
        /// `namespace/name; group/version, Kind=kind`
        object: String,
        /// One problem, or `errors:` and one a line.
        problems: String,
    },
    /// Stored `managedFields` cannot be read.
    #[error("failed to decode managed fields: {0}")]
    Managed(String),
}

/// Applies a configuration as `manager`. Without a live object, one is made.
///
/// The answer has its `managedFields`; defaults and validation are the caller's. An apply that changes nothing answers
/// with the live object and its times.
///
/// # Errors
/// See [`ApplyError`].
pub fn apply(live: Option<&Value>, applied: &Value, ty: Type<'_>, manager: &str, options: &ApplyOptions) -> Result<Value, ApplyError> {
    if !applied["metadata"]["managedFields"].is_null() {
        return Err(ApplyError::ManagedFields);
    }
    let api_version = applied["apiVersion"].as_str().unwrap_or_default();
    let empty = ty.empty(&applied["apiVersion"], &applied["kind"]);
    let current = live.map_or_else(|| empty.clone(), bare);
    if current["apiVersion"] != applied["apiVersion"] {
        let expected = current["apiVersion"].as_str().unwrap_or_default().to_owned();
        return Err(ApplyError::Version { found: api_version.to_owned(), expected });
    }
    check(applied, ty)?;
    let mut managed = match live {
        Some(live) => Managed::decode(&live["metadata"]["managedFields"]).map_err(ApplyError::Managed)?,
        None => Managed::default(),
    };
    if managed.managers.is_empty() && live.is_some() {
        let before = FieldOwner::updater(BEFORE_FIRST_APPLY, api_version, &options.subresource);
        let first = ty.compare(&empty, &current);
        let set = first.added.union(&first.modified).recursive_difference(&options.ignored);
        managed.managers.insert(before.clone(), Owned { set, api_version: api_version.to_owned(), time: Some(options.now.clone()) });
        managed.strip(&before);
    }
    let request = Request { current: &current, applied, ty, api_version, options };
    let me = FieldOwner::applier(manager, &options.subresource);
    let (merged, mut managed) = match request.run(managed.clone(), &me, options.force) {
        Err(conflicts) if manager == last_applied::MANAGER => {
            let Some(allowed) = last_applied::own_fields(&current, ty, api_version) else {
                return Err(ApplyError::Conflicts(conflicts));
            };
            let left = conflicts.beyond(&allowed);
            if !left.is_empty() {
                return Err(ApplyError::Conflicts(Conflicts(left)));
            }
            request.run(managed, &me, true).map_err(ApplyError::Conflicts)?
        }
        other => other.map_err(ApplyError::Conflicts)?,
    };
    let changed = !equal(&merged, &current);
    if changed && let Some(owned) = managed.managers.get_mut(&me) {
        owned.time = Some(options.now.clone());
    }
    let mut object = if changed { merged } else { current };
    if manager == last_applied::MANAGER {
        last_applied::refresh(&mut object, applied);
    }
    managed.store(&mut object);
    Ok(object)
}

/// One apply, so that it can be tried twice.
struct Request<'a> {
    current: &'a Value,
    applied: &'a Value,
    ty: Type<'a>,
    api_version: &'a str,
    options: &'a ApplyOptions,
}

impl Request<'_> {
    fn run(&self, mut managed: Managed, me: &FieldOwner, force: bool) -> Result<(Value, Managed), Conflicts> {
        let ty = self.ty;
        for owned in managed.managers.values_mut() {
            owned.set = owned.set.reconciled(ty);
        }
        let merged = ty.merge(Some(self.current), Some(self.applied)).unwrap_or_default();
        let last = managed.managers.get(me).cloned();
        let set = ty.field_set(self.applied).recursive_difference(&self.options.ignored);
        let time = last.as_ref().and_then(|last| last.time.clone());
        managed.managers.insert(me.clone(), Owned { set, api_version: self.api_version.to_owned(), time });
        let merged = match &last {
            Some(last) if !last.set.is_empty() => prune(ty, &merged, &managed, &last.set),
            _ => merged,
        };
        let mut merged = merged;
        if merged.is_null() {
            merged = json!({});
        }
        let comparison = ty.compare(self.current, &merged);
        let change = comparison.modified.union(&comparison.added).recursive_difference(&self.options.ignored);
        if !force {
            let conflicts = conflicts(&managed, me, &change);
            if !conflicts.is_empty() {
                return Err(Conflicts(conflicts));
            }
        }
        owners_after(&mut managed, me, &change, &comparison.removed.recursive_difference(&self.options.ignored));
        managed.strip(me);
        Ok((merged, managed))
    }
}

fn conflicts(managed: &Managed, me: &FieldOwner, change: &FieldSet) -> Vec<Conflict> {
    let others = managed.managers.iter().filter(|(manager, _)| *manager != me);
    others
        .flat_map(|(manager, owned)| {
            owned.set.intersection(change).paths().into_iter().map(|path| Conflict { manager: manager.clone(), path })
        })
        .collect()
}

/// Removes what was applied before and is owned by nobody now.
fn prune(ty: Type<'_>, merged: &Value, managed: &Managed, last: &FieldSet) -> Value {
    let named = |set: &FieldSet| set.with_named_parents(ty);
    let all = named(&ty.field_set(merged));
    let last = named(last);
    // Without everything applied before ...
    let pruned = ty.without(merged, &last);
    // ... but with what anybody (the new configuration included) owns ...
    let owned = managed.managers.values().fold(FieldSet::default(), |all, owned| all.union(&owned.set));
    let kept = named(&ty.field_set(&pruned)).union(&named(&owned));
    let pruned = ty.without(merged, &all.difference(&kept));
    // ... and with what was never applied by us, although it lies inside what was.
    let gone = all.difference(&named(&ty.field_set(&pruned))).intersection(&last);
    ty.without(merged, &gone)
}

fn check(applied: &Value, ty: Type<'_>) -> Result<(), ApplyError> {
    let problems = ty.misfits(applied);
    let problems = match problems.as_slice() {
        [] => return Ok(()),
        [only] => only.clone(),
        several => format!("errors:\n  {}", several.join("\n  ")),
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let api_version = text(&applied["apiVersion"]);
    let group_version = if api_version.contains('/') { api_version } else { format!("/{api_version}") };
    let object = format!(
        "{}/{}; {group_version}, Kind={}",
        text(&applied["metadata"]["namespace"]),
        text(&applied["metadata"]["name"]),
        text(&applied["kind"])
    );
    Err(ApplyError::Typed { object, problems })
}
