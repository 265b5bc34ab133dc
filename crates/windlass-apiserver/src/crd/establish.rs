//! The loop behind CustomResourceDefinitions: accepts their names, serves their kinds, and empties and removes them.
//!
//! A kind is served before its definition says `Established`: whoever waits for that condition can use it at once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use windlass_schema::structural::Schema;
use windlass_store::{StoreError, Watch};

use super::definition::{storage, versions};
use super::rules::Rules;
use super::{CLEANUP, CustomVersion, has_condition, set_condition};
use crate::api::Api;
use crate::builtin::custom_columns;
use crate::namespaces::server_itself;
use crate::registry::{ALL_VERBS, Generation, Registry, Resource, Scale, api_version};
use crate::verbs::delete::DeleteOptions;
use crate::verbs::write::{Ownership, Writer};
use crate::{Status, object};

const GROUP: &str = "apiextensions.k8s.io";
const PLURAL: &str = "customresourcedefinitions";
const COLLECTION: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// What is served for one definition, kept while its spec does not change.
struct Served {
    generation: i64,
    resources: Vec<Arc<Resource>>,
    gone: CancellationToken,
}

/// The definitions as they are served, by uid.
#[derive(Default)]
pub(crate) struct Definitions {
    served: HashMap<String, Served>,
}

/// A definition, and what its names came to.
struct Judged {
    definition: Value,
    version: u64,
    conflicts: Vec<(&'static str, String)>,
}

impl Definitions {
    /// Puts a registry in place that has all kinds whose names are accepted; tells what each definition came to.
    fn judge(&mut self, api: &Api) -> Result<Vec<Judged>, Status> {
        let registry = api.registry();
        let resource = registry.find(GROUP, "v1", PLURAL).ok_or_else(Status::no_such_resource)?;
        let mut definitions = Vec::new();
        for item in api.store.list(COLLECTION, None).items {
            let definition = api.value(resource, &item.key, item.version, &item.value)?;
            definitions.push((item.version, definition));
        }
        // Who was established first keeps its names.
        definitions.sort_by_key(|(version, definition)| (!has_condition(definition, "Established"), *version));
        let mut taken: BTreeMap<String, HashSet<String>> = BTreeMap::new();
        let mut judged = Vec::new();
        let mut kept = HashMap::new();
        for (version, definition) in definitions {
            let group = definition["spec"]["group"].as_str().unwrap_or_default().to_owned();
            let conflicts = conflicts(&definition["spec"]["names"], taken.entry(group).or_default());
            if conflicts.is_empty() {
                let uid = object::uid(&definition).to_owned();
                let generation = definition["metadata"]["generation"].as_i64().unwrap_or(0);
                let served = match self.served.remove(&uid) {
                    Some(served) if served.generation == generation => served,
                    old => {
                        if let Some(old) = old {
                            old.gone.cancel();
                        }
                        serve(&definition, version, generation)
                    }
                };
                kept.insert(uid, served);
            }
            judged.push(Judged { definition, version, conflicts });
        }
        let removed = std::mem::replace(&mut self.served, kept);
        removed.into_values().for_each(|served| served.gone.cancel());
        let resources: Vec<Arc<Resource>> = self.served.values().flat_map(|served| served.resources.iter().cloned()).collect();
        api.set_registry(Registry::new(resources));
        Ok(judged)
    }

    /// Serves what is stored.
    pub(crate) fn serve(&mut self, api: &Api) -> Result<(), Status> {
        self.judge(api).map(drop)
    }
}

/// Names that another definition of the group has: the reason and message of `NamesAccepted`.
fn conflicts(names: &Value, taken: &mut HashSet<String>) -> Vec<(&'static str, String)> {
    let text = |field: &str| names[field].as_str().unwrap_or_default().to_owned();
    let mut wanted = vec![("PluralConflict", text("plural")), ("SingularConflict", text("singular"))];
    wanted.extend(
        names["shortNames"].as_array().into_iter().flatten().filter_map(Value::as_str).map(|name| ("ShortNamesConflict", name.to_owned())),
    );
    // Kinds and resources are apart: a kind may be called as another's plural.
    wanted.extend([("KindConflict", format!("kind {}", text("kind"))), ("ListKindConflict", format!("kind {}", text("listKind")))]);
    let found: Vec<(&'static str, String)> = wanted
        .iter()
        .filter(|(_, name)| taken.contains(name))
        .map(|(reason, name)| (*reason, format!("\"{}\" is already in use", name.strip_prefix("kind ").unwrap_or(name))))
        .collect();
    if found.is_empty() {
        taken.extend(wanted.into_iter().map(|(_, name)| name));
    }
    found
}

fn serve(definition: &Value, version: u64, generation: i64) -> Served {
    let gone = CancellationToken::new();
    let resources = versions(definition)
        .filter(|served| served["served"] == true)
        .map(|served| Arc::new(resource(definition, served, version, gone.clone())))
        .collect();
    Served { generation, resources, gone }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn resource(definition: &Value, served: &Value, since: u64, gone: CancellationToken) -> Resource {
    let (spec, names) = (&definition["spec"], &definition["spec"]["names"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (group, version, kind) = (text(&spec["group"]), text(&served["name"]), text(&names["kind"]));
    let openapi = served["schema"]["openAPIV3Schema"].clone();
    let schema = Arc::new(Schema::from_openapi(&openapi));
    let scale = &served["subresources"]["scale"];
    let path = |field: &str| scale[field].as_str().map(|path| path.trim_start_matches('.').to_owned());
    let scale = scale.is_object().then(|| Scale {
        spec_replicas: path("specReplicasPath").unwrap_or_default(),
        status_replicas: path("statusReplicasPath").unwrap_or_default(),
        selector: path("labelSelectorPath"),
    });
    let custom = CustomVersion {
        rules: Rules::compile(&openapi, &group, &version, &kind),
        openapi,
        scale: scale.clone(),
        schema,
        namespaced: spec["scope"] != "Cluster",
        // A definition with a bad path is refused; one that was stored before that shows the age.
        printer: custom_columns(&served["additionalPrinterColumns"]).or_else(|_| custom_columns(&Value::Null)).ok(),
        since,
        gone,
    };
    Resource {
        stored_as: api_version(&group, storage(definition).unwrap_or(&version)),
        collection: object::name(definition).into(),
        plural: text(&names["plural"]),
        singular: text(&names["singular"]),
        list_kind: text(&names["listKind"]),
        short_names: texts(&names["shortNames"]),
        categories: texts(&names["categories"]),
        namespaced: spec["scope"] != "Cluster",
        verbs: ALL_VERBS,
        has_status: served["subresources"]["status"].is_object(),
        scale,
        generation: Generation::Content,
        create_on_update: false,
        unconditional_update: false,
        returns_deleted: false,
        selectable: served["selectableFields"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|field| field["jsonPath"].as_str())
            .map(|path| path.trim_start_matches('.').to_owned())
            .collect(),
        terminating: object::is_terminating(definition),
        builtin: None,
        custom: Some(Arc::new(custom)),
        group,
        version,
        kind,
    }
}

/// Follows the definitions until the store closes.
pub(crate) async fn run(api: &Api, mut definitions: Definitions) {
    let mut watch = api.store.follow();
    loop {
        // Collections whose objects have to go before their definition can.
        let emptying = match settle(api, &mut definitions).await {
            Ok(emptying) => emptying,
            Err(status) => {
                tracing::warn!(error = %status, "a CustomResourceDefinition could not be settled and is tried again with the next change");
                HashSet::new()
            }
        };
        match wait(&mut watch, &emptying).await {
            Ok(()) | Err(StoreError::Lagged) => {}
            Err(_) => return,
        }
    }
}

/// Waits for a change that matters.
async fn wait(watch: &mut Watch, emptying: &HashSet<String>) -> Result<(), StoreError> {
    loop {
        let event = watch.next().await?;
        let resource = event.key.resource();
        if resource == COLLECTION || emptying.contains(resource) {
            // One round for all that has happened.
            while watch.try_next()?.is_some() {}
            return Ok(());
        }
    }
}

async fn settle(api: &Api, definitions: &mut Definitions) -> Result<HashSet<String>, Status> {
    let caller = server_itself();
    let mut emptying = HashSet::new();
    for Judged { definition, conflicts, version } in definitions.judge(api)? {
        let registry = api.registry();
        let Some(resource) = registry.find(GROUP, "v1", PLURAL) else { continue };
        let name = object::name(&definition).to_owned();
        let writer = |subresource| Writer {
            api,
            registry: &registry,
            resource,
            caller: &caller,
            namespace: "",
            subresource,
            manager: "windlass",
            dry_run: false,
        };
        if object::is_terminating(&definition) {
            if object::finalizers(&definition).contains(&CLEANUP) {
                if empty(api, &registry, &name).await? {
                    writer("").update(&name, without_cleanup).await.map(drop).or_else(gone)?;
                } else {
                    emptying.insert(name.clone());
                }
            }
            continue;
        }
        let mut wanted = definition.clone();
        judge_status(&mut wanted, &conflicts);
        if wanted["status"] != definition["status"] {
            tracing::debug!(name, version, "a CustomResourceDefinition is settled");
            let update = |live: &Value| {
                let mut new = live.clone();
                judge_status(&mut new, &conflicts);
                Ok((new, Ownership::Track))
            };
            writer("status").update(&name, update).await.map(drop).or_else(gone)?;
        }
    }
    Ok(emptying)
}

fn gone(status: Status) -> Result<(), Status> {
    if status.code == 404 { Ok(()) } else { Err(status) }
}

fn without_cleanup(live: &Value) -> Result<(Value, Ownership), Status> {
    let mut new = live.clone();
    if let Some(finalizers) = new["metadata"]["finalizers"].as_array_mut() {
        finalizers.retain(|finalizer| finalizer != CLEANUP);
    }
    Ok((new, Ownership::Track))
}

/// Accepted names and conditions.
fn judge_status(definition: &mut Value, conflicts: &[(&'static str, String)]) {
    if let Some((reason, message)) = conflicts.first() {
        set_condition(definition, "NamesAccepted", "False", reason, message);
        if !has_condition(definition, "Established") {
            set_condition(definition, "Established", "False", "NotAccepted", "not all names are accepted");
        }
        return;
    }
    let mut names = definition["spec"]["names"].clone();
    if let Some(names) = names.as_object_mut() {
        names.retain(|_, value| !value.is_null());
    }
    definition["status"]["acceptedNames"] = if names.is_null() { json!({}) } else { names };
    set_condition(definition, "NamesAccepted", "True", "NoConflicts", "no conflicts found");
    set_condition(definition, "Established", "True", "InitialNamesAccepted", "the initial names have been accepted");
}

/// Deletes the objects of a definition; whether none is left.
async fn empty(api: &Api, registry: &Registry, collection: &str) -> Result<bool, Status> {
    let caller = server_itself();
    let Some(resource) = registry.by_collection(collection) else { return Ok(api.store.count(collection) == 0) };
    for item in api.store.list(collection, None).items {
        let writer = Writer {
            api,
            registry,
            resource,
            caller: &caller,
            namespace: item.key.namespace(),
            subresource: "",
            manager: "windlass",
            dry_run: false,
        };
        match writer.delete(item.key.name(), &DeleteOptions::default()).await {
            Ok(_) => {}
            Err(status) if status.code == 404 => {}
            Err(status) => return Err(status),
        }
    }
    Ok(api.store.count(collection) == 0)
}
