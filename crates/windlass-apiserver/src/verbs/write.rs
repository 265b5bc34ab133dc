//! Every change of an object goes through here: create and update, from the object that a client wants to what is stored.
//!
//! The order is the real server's: what clients cannot set is put right, defaults, admission, validation, ownership of fields,
//! and only then the store. A change that turns out to be none is not stored and moves no resourceVersion.

use serde_json::Value;
use windlass_store::{Change, Expect, Guard, StoreError, Write};

use super::strategy;
use crate::api::Api;
use crate::registry::{Generation, Registry, Resource};
use crate::{AdmissionRequest, Caller, Operation, Status, builtin, fields, namespaces, object, ownership, stored};

/// How often a change is tried again when somebody else was faster.
const ATTEMPTS: usize = 64;
/// How often a name is generated until one is free.
const NAMES: usize = 8;

/// Who owns what after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// The manager owns what it changed.
    Track,
    /// Server-side apply has settled it already.
    Settled,
}

/// Who changes which resource, and how.
#[derive(Clone, Copy)]
pub(crate) struct Writer<'a> {
    pub(crate) api: &'a Api,
    pub(crate) registry: &'a Registry,
    pub(crate) resource: &'a Resource,
    pub(crate) caller: &'a Caller,
    /// Empty for cluster-wide resources.
    pub(crate) namespace: &'a str,
    pub(crate) subresource: &'a str,
    pub(crate) manager: &'a str,
    pub(crate) dry_run: bool,
}

impl Writer<'_> {
    /// Makes an object.
    pub(crate) async fn create(&self, wanted: Value, ownership: Ownership) -> Result<Value, Status> {
        let generated = object::name(&wanted).is_empty() && !object::meta(&wanted, "generateName").is_empty();
        for attempt in 1.. {
            let mut new = wanted.clone();
            if generated {
                let prefix: String = object::meta(&wanted, "generateName").chars().take(58).collect();
                object::meta_mut(&mut new).insert("name".to_owned(), format!("{prefix}{}", object::random_suffix()).into());
            }
            match self.create_once(new, ownership).await {
                Err(status) if status.reason == "AlreadyExists" && generated && attempt < NAMES => {}
                Err(status) if status.reason == "Conflict" && attempt < ATTEMPTS => {}
                other => return other,
            }
        }
        unreachable!("the loop returns on its last attempt")
    }

    async fn create_once(&self, mut new: Value, ownership: Ownership) -> Result<Value, Status> {
        let resource = self.resource;
        if resource.terminating {
            let why = "create not allowed while custom resource definition is terminating";
            return Err(Status::new(405, "MethodNotAllowed", why));
        }
        let guard = self.namespace_guard(object::name(&new))?;
        self.fill_new(&mut new);
        self.default(&mut new);
        if ownership == Ownership::Track {
            self.track(None, &mut new);
        }
        let before_hooks = new.clone();
        self.admit(Operation::Create, object::name(&before_hooks), None, &mut new)?;
        if new != before_hooks {
            self.track(Some(&before_hooks), &mut new);
        }
        // Last: nobody owns what the kind's own logic puts in.
        strategy::prepare(resource, &mut new, None, "");
        self.validate(&new, None)?;
        let name = object::name(&new).to_owned();
        let key = resource.key(self.namespace, &name);
        if self.dry_run {
            if self.api.store.get(&key).is_some() {
                return Err(Status::already_exists(resource, &name));
            }
            return Ok(new);
        }
        let body = self.body(&key, &new);
        let write = Write { key, expect: Expect::Absent, guards: guard.into_iter().collect(), change: Change::Put(body) };
        let version = self.api.store.write(write).await.map_err(|error| Status::from_store(error, resource, &name))?;
        Ok(with_version(new, version))
    }

    /// What the server alone decides about a new object.
    fn fill_new(&self, new: &mut Value) {
        let resource = self.resource;
        new["apiVersion"] = resource.api_version().into();
        new["kind"] = resource.kind.clone().into();
        let meta = object::meta_mut(new);
        for field in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"] {
            meta.shift_remove(field);
        }
        if resource.namespaced {
            meta.insert("namespace".to_owned(), self.namespace.into());
        } else {
            meta.shift_remove("namespace");
        }
        meta.insert("uid".to_owned(), object::new_uid().into());
        meta.insert("creationTimestamp".to_owned(), object::now().into());
        if resource.generation != Generation::Never {
            meta.insert("generation".to_owned(), 1.into());
        }
        if resource.has_status {
            object::remove(new, "status");
        }
        drop_nulls(new);
    }

    /// Changes an object: `make` makes the wanted object of the stored one. It is called again when somebody else was faster.
    pub(crate) async fn update<F>(&self, name: &str, mut make: F) -> Result<Value, Status>
    where
        F: FnMut(&Value) -> Result<(Value, Ownership), Status>,
    {
        for _ in 0..ATTEMPTS {
            let (version, live) = self.api.require(self.resource, self.namespace, name)?;
            let (wanted, ownership) = make(&live)?;
            if let Some(done) = self.update_once(name, version, &live, wanted, ownership).await? {
                return Ok(done);
            }
        }
        Err(Status::modified(self.resource, name))
    }

    /// None where somebody else was faster.
    async fn update_once(
        &self,
        name: &str,
        version: u64,
        live: &Value,
        mut new: Value,
        ownership: Ownership,
    ) -> Result<Option<Value>, Status> {
        let resource = self.resource;
        self.check_version(name, live, &new)?;
        self.keep_fixed(live, &mut new);
        self.default(&mut new);
        if ownership == Ownership::Track {
            self.track(Some(live), &mut new);
        }
        strategy::prepare(resource, &mut new, Some(live), self.subresource);
        // What changes nothing is neither admitted nor validated; ownership may still move.
        if !ownership::keeps_content(live, &new) {
            let before_hooks = new.clone();
            self.admit(Operation::Update, name, Some(live), &mut new)?;
            if new != before_hooks {
                self.track(Some(&before_hooks), &mut new);
            }
            self.count_generation(live, &mut new);
            self.validate(&new, Some(live))?;
        }
        fields::keep_unchanged_times(live, &mut new);
        if *live == new && !done_terminating(resource, &new) {
            return Ok(Some(live.clone()));
        }
        if self.dry_run {
            return Ok(Some(new));
        }
        let key = resource.key(self.namespace, name);
        let change = if done_terminating(resource, &new) { Change::Delete } else { Change::Put(self.body(&key, &new)) };
        let write = Write { key, expect: Expect::Version(version), guards: Vec::new(), change };
        match self.api.store.write(write).await {
            Ok(version) => Ok(Some(with_version(new, version))),
            Err(StoreError::Conflict { .. }) => Ok(None),
            Err(error) => Err(Status::from_store(error, resource, name)),
        }
    }

    /// A client that puts an object with a uid means that one and no other.
    pub(crate) fn check_uid(&self, name: &str, live: &Value, new: &Value) -> Result<(), Status> {
        let (wanted, found) = (object::uid(new), object::uid(live));
        if !wanted.is_empty() && wanted != found {
            let place = if self.namespace.is_empty() { name.to_owned() } else { format!("{}/{name}", self.namespace) };
            let why = format!(
                "StorageError: invalid object, Code: 4, Key: /registry/{}/{place}, ResourceVersion: 0, AdditionalErrorMsg: \
                 Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}",
                self.resource.plural
            );
            return Err(Status::conflict(self.resource, name, &why));
        }
        Ok(())
    }

    /// A client that names a version means that one and no other.
    fn check_version(&self, name: &str, live: &Value, new: &Value) -> Result<(), Status> {
        let (wanted, found) = (object::meta(new, "resourceVersion"), object::meta(live, "resourceVersion"));
        if wanted.is_empty() || wanted == "0" || wanted == found {
            return Ok(());
        }
        if wanted.parse::<u64>().is_err() {
            return Err(Status::new(500, "", format!("strconv.ParseUint: parsing \"{wanted}\": invalid syntax")));
        }
        Err(Status::modified(self.resource, name))
    }

    /// What a client cannot change.
    fn keep_fixed(&self, live: &Value, new: &mut Value) {
        let resource = self.resource;
        new["apiVersion"] = resource.api_version().into();
        new["kind"] = resource.kind.clone().into();
        if !self.subresource.is_empty() {
            strategy::keep_all_but(resource, self.subresource, live, new);
        } else if resource.has_status {
            object::take_over(new, live, "status");
        }
        let meta = object::meta_mut(new);
        meta.shift_remove("selfLink");
        meta.insert("resourceVersion".to_owned(), live["metadata"]["resourceVersion"].clone());
        for field in ["uid", "creationTimestamp", "namespace", "name"] {
            let given = meta.get(field).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
            match live["metadata"].get(field) {
                Some(value) if !given => drop(meta.insert(field.to_owned(), value.clone())),
                _ => {}
            }
        }
        for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "generation"] {
            match live["metadata"].get(field) {
                Some(value) => drop(meta.insert(field.to_owned(), value.clone())),
                None => drop(meta.shift_remove(field)),
            }
        }
        drop_nulls(new);
    }

    fn count_generation(&self, live: &Value, new: &mut Value) {
        let differs = |field: &str| live.get(field) != new.get(field);
        let moved = match self.resource.generation {
            Generation::Never => false,
            Generation::Spec => differs("spec"),
            Generation::SpecOrAnnotations => differs("spec") || live["metadata"]["annotations"] != new["metadata"]["annotations"],
            Generation::Content => {
                let names = |object: &Value| object.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
                let apart = ["apiVersion", "kind", "metadata"];
                names(live)
                    .into_iter()
                    .chain(names(new))
                    .filter(|field| !apart.contains(&field.as_str()) && (field != "status" || !self.resource.has_status))
                    .any(|field| differs(&field))
            }
        };
        if moved {
            let generation = live["metadata"]["generation"].as_i64().unwrap_or(0) + 1;
            object::meta_mut(new).insert("generation".to_owned(), generation.into());
        }
    }

    fn default(&self, new: &mut Value) {
        if let Some(custom) = &self.resource.custom {
            custom.normalize(new);
        }
        if let Some(kind) = self.resource.builtin {
            builtin::normalize(kind, new);
            builtin::defaults(kind, new);
        }
    }

    /// Runs the hooks of the server's owner.
    pub(crate) fn admit(&self, operation: Operation, name: &str, old: Option<&Value>, new: &mut Value) -> Result<(), Status> {
        let request = AdmissionRequest {
            caller: self.caller,
            operation,
            group: &self.resource.group,
            version: &self.resource.version,
            resource: &self.resource.plural,
            kind: &self.resource.kind,
            subresource: self.subresource,
            namespace: self.namespace,
            name,
            old,
            dry_run: self.dry_run,
            stored: self.api,
        };
        self.api.options.admission.iter().try_for_each(|hook| hook(&request, new))
    }

    fn validate(&self, new: &Value, old: Option<&Value>) -> Result<(), Status> {
        let errors = strategy::validate(self.resource, new, old, self.subresource);
        if errors.is_empty() {
            return Ok(());
        }
        Err(Status::invalid(&self.resource.group, &self.resource.kind, object::name(new), &errors))
    }

    fn track(&self, live: Option<&Value>, new: &mut Value) {
        ownership::track(self.resource, live, new, self.manager, self.subresource);
    }

    /// The namespace must be there and stay as it is until the object is stored.
    fn namespace_guard(&self, name: &str) -> Result<Option<Guard>, Status> {
        if !self.resource.namespaced {
            return Ok(None);
        }
        namespaces::guard(self.api, self.registry, self.resource, self.namespace, name).map(Some)
    }

    fn body(&self, key: &windlass_store::Key, new: &Value) -> windlass_store::Body {
        let stored_form;
        let object = if self.resource.is_view() {
            stored_form = super::events::stored(new);
            &stored_form
        } else {
            new
        };
        stored::body(self.resource, key, object, &self.api.options.encryption)
    }
}

/// Whether deletion has been asked for and nothing holds the object any more.
fn done_terminating(resource: &Resource, object: &Value) -> bool {
    object::is_terminating(object)
        && object::finalizers(object).is_empty()
        && !(resource.is("", "namespaces") && object["spec"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty()))
}

fn with_version(mut object: Value, version: u64) -> Value {
    object::meta_mut(&mut object).insert("resourceVersion".to_owned(), version.to_string().into());
    object
}

/// `metadata` fields that clients send as null are absent.
fn drop_nulls(object: &mut Value) {
    object::meta_mut(object).retain(|_, value| !value.is_null());
}
