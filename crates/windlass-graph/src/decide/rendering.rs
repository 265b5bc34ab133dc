//! Renders one item of a node, and says what its variable is for others: as planned, and as it is now.

use super::names::external_reference;
use super::planner::Decided;
use super::{ExternalReference, Inputs};
use crate::expression::{Scope, Strictness};
use crate::graph::{Graph, Node, Parts};
use crate::path;
use crate::value::{Rendered, Secret};
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use windlass_api::Diagnostic;
use windlass_api::driver::Observation;
use windlass_api::plan::{Action, Block, Identity};
use windlass_api::planned::{Planned, SecretReference};

/// How many replicas a workload may have.
const MOST_REPLICAS: u64 = 1000;
/// How long the name of a workload may be.
const LONGEST_NAME: usize = 63;

/// One item of a node with the names that its expressions see.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) key: String,
    pub(super) index: Option<usize>,
    pub(super) scope: Scope,
}

/// A rendered item.
#[derive(Debug)]
pub(super) struct Desired {
    pub(super) key: String,
    pub(super) target: String,
    pub(super) body: Rendered,
    /// The body with secrets filled in, where all is known.
    pub(super) effect: Option<Value>,
    /// What it is; absent for what is only read.
    pub(super) identity: Option<Identity>,
    pub(super) read: Read,
}

/// Whether it is only read.
#[derive(Debug)]
pub(super) enum Read {
    /// It is made.
    No,
    /// This is read.
    External(ExternalReference),
}

/// A deferred node as far as it is known.
pub(super) struct Sketch {
    pub(super) target: String,
    pub(super) body: Rendered,
    pub(super) namespace: Option<String>,
}

/// Renders one item. `Err` says what its identity waits for.
pub(super) fn render(
    graph: &Graph,
    inputs: &Inputs<'_>,
    node: &Node,
    item: &Item,
    findings: &mut Vec<Diagnostic>,
) -> Result<Desired, Vec<String>> {
    let target = match &node.target {
        None => default_target(inputs, node),
        Some(body) => match body.render(&item.scope, findings) {
            Rendered::Known(Value::String(target)) if !target.is_empty() => target,
            Rendered::Later(later) => return Err(later.because),
            _ => {
                findings.push(Diagnostic::error("WrongType", path::child(&node.path, "target"), "`target` must be the name of a Target"));
                default_target(inputs, node)
            }
        },
    };
    match &node.parts {
        Parts::Object(body) => object(graph, inputs, node, item, body.render(&item.scope, findings), target, findings),
        Parts::Reference { name, selector, namespace } => {
            let at = path::child(&path::child(&node.path, "externalRef"), "metadata");
            let mut part = |part: &Option<crate::body::Body>| part.as_ref().map(|part| part.render(&item.scope, findings));
            let (name, selector, namespace) = (part(name), part(selector), part(namespace));
            let waits: Vec<String> =
                [&name, &selector, &namespace].into_iter().flatten().flat_map(|part| part.planned().waits_for()).collect();
            if !waits.is_empty() {
                return Err(waits);
            }
            let text = |part: Option<Rendered>| part.and_then(|part| part.text(&[])).filter(|text| !text.is_empty());
            let selector = selector.and_then(|selector| selector.revealed());
            let name = text(name);
            if name.is_none() && selector.is_none() {
                findings.push(
                    Diagnostic::error("WrongType", path::child(&at, "name"), "the name is empty")
                        .with_hint("give the name of the object that is read"),
                );
            }
            let own = inputs.reference.namespace.clone();
            let foreign_allowed = graph.strictness == Strictness::Kro;
            let given = text(namespace);
            // With kro a selector without namespace reads all namespaces.
            let namespace = if selector.is_some() && given.is_none() && foreign_allowed { None } else { given.or_else(|| own.clone()) };
            if node.namespaced && !foreign_allowed {
                foreign_namespace(namespace.as_deref(), own.as_deref(), &path::child(&at, "namespace"), findings);
            }
            let reference = external_reference(node, name, selector.as_ref(), namespace);
            let body = json!({
                "apiVersion": reference.api_version, "kind": reference.kind,
                "metadata": {"name": reference.name, "namespace": reference.namespace, "selector": reference.selector},
            });
            Ok(Desired {
                key: item.key.clone(),
                target,
                body: Rendered::Known(without_nulls(body)),
                effect: None,
                identity: None,
                read: Read::External(reference),
            })
        }
        Parts::Workload { replicas, directory, score } => {
            let replicas = replicas.as_ref().map_or(Rendered::Known(json!(1)), |body| body.render(&item.scope, findings));
            check_replicas(node, &replicas, findings)?;
            let directory = directory.as_ref().map(|body| body.render(&item.scope, findings));
            let score = score.render(&item.scope, findings);
            Ok(workload(inputs, node, item, &Workload { replicas, directory, score, target }, findings))
        }
    }
}

fn check_replicas(node: &Node, replicas: &Rendered, findings: &mut Vec<Diagnostic>) -> Result<(), Vec<String>> {
    match replicas {
        Rendered::Known(value) if value.as_u64().is_none_or(|count| count > MOST_REPLICAS) => {
            let at = path::child(&path::child(&node.path, "workload"), "replicas");
            let message = format!("`{value}` is not a number of replicas from 0 to {MOST_REPLICAS}");
            findings.push(Diagnostic::error("InvalidValue", at, message));
            Err(Vec::new())
        }
        _ => Ok(()),
    }
}

/// A reference without the fields that are not given.
fn without_nulls(mut value: Value) -> Value {
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|_, field| !field.is_null());
    }
    value
}

fn default_target(inputs: &Inputs<'_>, node: &Node) -> String {
    match (&inputs.context.target, node.block) {
        (Some(target), Block::Workload) => target.clone(),
        _ => node.default_target().to_owned(),
    }
}

/// Objects of another namespace need rights that an instance has not.
fn foreign_namespace(namespace: Option<&str>, own: Option<&str>, at: &str, findings: &mut Vec<Diagnostic>) {
    if let (Some(namespace), Some(own)) = (namespace, own)
        && namespace != own
    {
        let finding =
            Diagnostic::error("ForeignNamespace", at, format!("the namespace `{namespace}` is not that of the instance, `{own}`"));
        findings.push(finding.with_hint("leave `namespace` out: what an instance makes and reads lives beside it"));
    }
}

fn object(
    graph: &Graph,
    inputs: &Inputs<'_>,
    node: &Node,
    item: &Item,
    mut body: Rendered,
    target: String,
    findings: &mut Vec<Diagnostic>,
) -> Result<Desired, Vec<String>> {
    let at = path::child(&path::child(&node.path, "template"), "metadata");
    let metadata = body.get("metadata").unwrap_or(Rendered::Known(Value::Null));
    let name = identity_part(&metadata, "name")?;
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        findings.push(Diagnostic::error("WrongType", path::child(&at, "name"), "the object's name is empty"));
        return Err(Vec::new());
    };
    let mut namespace = identity_part(&metadata, "namespace")?.filter(|namespace| !namespace.is_empty());
    if node.namespaced {
        let own = inputs.reference.namespace.as_deref();
        namespace = namespace.or_else(|| own.map(str::to_owned));
        if graph.strictness == Strictness::Windlass {
            foreign_namespace(namespace.as_deref(), own, &path::child(&at, "namespace"), findings);
        }
        if let Some(namespace) = &namespace {
            body.put(&["metadata", "namespace"], Rendered::Known(json!(namespace)));
        }
    }
    if is_secret(node) {
        let fingerprints = Fingerprints { key: &inputs.context.fingerprint_key, uid: &inputs.reference.uid };
        for key in ["data", "stringData"] {
            if let Some(values) = body.get(key) {
                body.put(&[key], seal(values, None, &fingerprints));
            }
        }
    }
    let identity = Identity {
        kind: node.kind.clone(),
        api_version: Some(node.api_version.clone()),
        namespace: namespace.filter(|_| node.namespaced),
        name,
    };
    let effect = body.revealed();
    Ok(Desired { key: item.key.clone(), target, body, effect, identity: Some(identity), read: Read::No })
}

/// A part of an object's identity; `Err` where it comes later.
fn identity_part(metadata: &Rendered, key: &str) -> Result<Option<String>, Vec<String>> {
    if let Rendered::Later(later) = metadata {
        return Err(later.because.clone());
    }
    match metadata.get(key) {
        Some(Rendered::Later(later)) => Err(later.because),
        Some(Rendered::Known(Value::String(text))) => Ok(Some(text)),
        Some(Rendered::Known(Value::Number(number))) => Ok(Some(number.to_string())),
        Some(_) | None => Ok(None),
    }
}

fn is_secret(node: &Node) -> bool {
    node.kind == "Secret" && node.api_version == "v1"
}

struct Workload {
    replicas: Rendered,
    directory: Option<Rendered>,
    score: Rendered,
    target: String,
}

fn workload(inputs: &Inputs<'_>, node: &Node, item: &Item, parts: &Workload, findings: &mut Vec<Diagnostic>) -> Desired {
    let name = workload_name(&inputs.reference.name, &node.id, item.index);
    let at = path::child(&path::child(&node.path, "workload"), "score");
    let convert = |document: &Planned, replicas: Planned, directory: Option<Planned>| {
        let request =
            windlass_score::Request { document, place: windlass_score::Place::Template, path: &at, name: &name, replicas, directory };
        windlass_score::workload(&request)
    };
    let planned = convert(&parts.score.planned(), parts.replicas.planned(), parts.directory.as_ref().map(Rendered::planned));
    let body = match planned {
        Ok(body) => body,
        Err(found) => {
            findings.extend(found);
            Planned::Known(Value::Null)
        }
    };
    let directory = parts.directory.as_ref().map(|directory| directory.revealed());
    let effect = match (parts.score.revealed(), parts.replicas.revealed(), directory) {
        (Some(score), Some(replicas), directory) if !matches!(directory, Some(None)) => {
            let directory = directory.flatten().map(Planned::Known);
            let whole = convert(&Planned::Known(score), Planned::Known(replicas), directory);
            whole.ok().and_then(|whole| whole.known().cloned())
        }
        _ => None,
    };
    let identity =
        Identity { kind: "Workload".into(), api_version: None, namespace: inputs.reference.namespace.clone(), name: name.clone() };
    Desired {
        key: item.key.clone(),
        target: parts.target.clone(),
        body: Rendered::from_planned(&body),
        effect,
        identity: Some(identity),
        read: Read::No,
    }
}

/// `shop-app` for the node `app` of `shop`; a DNS label also where names are long.
fn workload_name(instance: &str, id: &str, index: Option<usize>) -> String {
    let mut name = instance.replace('.', "-");
    name.push('-');
    for c in id.chars() {
        if c.is_ascii_uppercase() {
            name.push('-');
        }
        name.push(c.to_ascii_lowercase());
    }
    if let Some(index) = index {
        name.push_str(&format!("-{index}"));
    }
    if name.len() <= LONGEST_NAME {
        return name;
    }
    let mark: String = Fingerprints { key: b"", uid: "" }.of(name.as_bytes()).chars().take(8).collect();
    let kept: String = name.chars().take(LONGEST_NAME - 9).collect();
    format!("{}-{mark}", kept.trim_end_matches('-'))
}

/// A deferred node as far as it is known: for people, and for its envelope.
pub(super) fn sketch(graph: &Graph, inputs: &Inputs<'_>, node: &Node, scope: &Scope) -> Sketch {
    // Findings here would come again when it is decided.
    let mut findings = Vec::new();
    let mut scope = scope.clone();
    for (variable, _) in &node.for_each {
        scope.bind(variable, &Rendered::later("dyn", [node.id.clone()]));
    }
    let target = node
        .target
        .as_ref()
        .and_then(|target| target.render(&scope, &mut findings).text(&[]))
        .unwrap_or_else(|| default_target(inputs, node));
    let own = inputs.reference.namespace.clone();
    let (body, namespace) = match &node.parts {
        Parts::Object(body) => {
            let body = body.render(&scope, &mut findings);
            let given = body.text(&["metadata", "namespace"]).filter(|_| graph.strictness == Strictness::Kro);
            (body, given.or(own).filter(|_| node.namespaced))
        }
        Parts::Reference { .. } => (Rendered::Known(json!({"apiVersion": node.api_version, "kind": node.kind})), own),
        Parts::Workload { score, .. } => (score.render(&scope, &mut findings), own),
    };
    let body = if is_secret(node) {
        let mut body = body;
        let fingerprints = Fingerprints { key: &inputs.context.fingerprint_key, uid: &inputs.reference.uid };
        for key in ["data", "stringData"] {
            if let Some(values) = body.get(key) {
                body.put(&[key], seal(values, None, &fingerprints));
            }
        }
        body
    } else {
        body
    };
    Sketch { target, body, namespace }
}

/// What a node's variable is in a plan: as if the plan had been carried out.
pub(super) fn planned_value(node: &Node, item: &Decided, fingerprints: &Fingerprints<'_>) -> Rendered {
    let made = || {
        let mut value = match node.block {
            Block::Workload => Rendered::Known(json!({"outputs": {}})),
            Block::Template | Block::ExternalRef => item.body.clone(),
        };
        node.read.iter().for_each(|keys| value.open_later(keys, &node.id));
        value
    };
    if item.conflict.is_some() {
        return Rendered::later("dyn", [node.id.clone()]);
    }
    match (&item.observation, item.plan.action, node.block) {
        (Observation::Present { .. }, Action::Replace, _) | (Observation::Absent, _, Block::Template | Block::Workload) => made(),
        (Observation::Present { .. }, Action::Update | Action::Adopt, Block::Template) => {
            present_value(node, item, fingerprints).overlaid(&item.body)
        }
        _ => present_value(node, item, fingerprints),
    }
}

/// What a node's variable is now: what is there, else later.
pub(super) fn present_value(node: &Node, item: &Decided, fingerprints: &Fingerprints<'_>) -> Rendered {
    let Observation::Present { outputs, sensitive, .. } = &item.observation else {
        return Rendered::later("dyn", [node.id.clone()]);
    };
    if item.conflict.is_some() {
        return Rendered::later("dyn", [node.id.clone()]);
    }
    let mut paths: Vec<&str> = sensitive.iter().map(String::as_str).collect();
    if is_secret(node) {
        paths.extend(["data", "stringData"]);
    }
    let sealed = |value: &Value| {
        let mut value_sealed = Rendered::Known(value.clone());
        for path in &paths {
            let keys: Vec<&str> = path.split('.').collect();
            let found = keys.iter().try_fold(Rendered::Known(value.clone()), |value, key| value.get(key));
            if let Some(found) = found {
                value_sealed.put(&keys, seal(found, secret_base(value).as_deref(), fingerprints));
            }
        }
        value_sealed
    };
    let value = match outputs {
        Value::Array(items) if node.is_list() => Rendered::list(items.iter().map(sealed).collect()),
        other => sealed(other),
    };
    if node.block == Block::Workload { Rendered::map(vec![("outputs".into(), value)]) } else { value }
}

/// `Secret/NAMESPACE/NAME` of a Secret object.
fn secret_base(object: &Value) -> Option<String> {
    if object.get("kind").and_then(Value::as_str) != Some("Secret") {
        return None;
    }
    let part = |key: &str| object.pointer(&format!("/metadata/{key}")).and_then(Value::as_str);
    Some(format!("Secret/{}/{}", part("namespace")?, part("name")?))
}

/// Makes every scalar below a value a secret.
fn seal(value: Rendered, base: Option<&str>, fingerprints: &Fingerprints<'_>) -> Rendered {
    match value {
        Rendered::Known(Value::Object(fields)) => {
            let fields = fields.into_iter().map(|(key, field)| {
                let below = base.map(|base| format!("{base}/{key}"));
                let field = seal(Rendered::Known(field), below.as_deref(), fingerprints);
                (key, field)
            });
            Rendered::map(fields.collect())
        }
        Rendered::Known(Value::Array(items)) => {
            Rendered::list(items.into_iter().map(|item| seal(Rendered::Known(item), base, fingerprints)).collect())
        }
        Rendered::Known(scalar) => {
            let bytes = scalar.as_str().map_or_else(|| scalar.to_string().into_bytes(), |text| text.as_bytes().to_vec());
            let reference = SecretReference { reference: base.map(str::to_owned), fingerprint: fingerprints.of(&bytes) };
            Rendered::Secret(Secret { reference, value: Some(scalar) })
        }
        Rendered::Map(fields) => Rendered::map(fields.into_iter().map(|(key, field)| (key, seal(field, None, fingerprints))).collect()),
        Rendered::List(items) => Rendered::list(items.into_iter().map(|item| seal(item, None, fingerprints)).collect()),
        other @ (Rendered::Later(_) | Rendered::Secret(_)) => other,
    }
}

/// Makes fingerprints of secrets: equal secrets of one installation have equal ones, and nobody else can test guesses.
pub(super) struct Fingerprints<'a> {
    /// Key of the installation.
    pub(super) key: &'a [u8],
    /// UID of the instance, mixed in where there is no key.
    pub(super) uid: &'a str,
}

impl Fingerprints<'_> {
    /// HMAC-SHA256 in hex.
    pub(super) fn of(&self, bytes: &[u8]) -> String {
        let key = if self.key.is_empty() { self.uid.as_bytes() } else { self.key };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
        mac.update(bytes);
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workload_names_are_labels() {
        assert_eq!(workload_name("shop", "app", None), "shop-app");
        assert_eq!(workload_name("my.shop", "webApp", Some(3)), "my-shop-web-app-3");
        let long = workload_name(&"x".repeat(63), "app", None);
        assert_eq!(long.len(), 63);
        assert_ne!(long, workload_name(&"x".repeat(63), "web", None));
    }
}
