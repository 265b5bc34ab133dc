//! OpenAPI of the built-in kinds, assembled from `assets/` without parsing it.
//!
//! Start with [`openapi`] for whole documents and [`schema`] for one kind's parsed schema.

use super::kinds::Kind;
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use windlass_schema::structural::Schema;

const SCHEMAS: &str = include_str!("../../assets/schemas.tsv");
const PATHS: &str = include_str!("../../assets/paths.tsv");

/// A schema of the assets.
struct Component {
    refers: &'static str,
    json: &'static str,
}

static COMPONENTS: LazyLock<HashMap<&'static str, Component>> = LazyLock::new(|| {
    SCHEMAS
        .lines()
        .filter_map(|line| {
            let mut parts = line.splitn(3, '\t');
            Some((parts.next()?, Component { refers: parts.next()?, json: parts.next()? }))
        })
        .collect()
});

static PARSED: LazyLock<Mutex<HashMap<&'static str, Arc<Schema>>>> = LazyLock::new(Mutex::default);

/// The version of Kubernetes that the documents come from: `v1.35.4`.
pub fn info() -> &'static str {
    PATHS.lines().find_map(|line| line.strip_prefix("#\t")).unwrap_or_default()
}

/// The OpenAPI v3 document of a group and version (`v1`, `apps/v1`) as JSON; none when no built-in kind is in it.
pub fn openapi(group_version: &str) -> Option<String> {
    let items = path_items(group_version);
    if items.is_empty() {
        return None;
    }
    let paths: Vec<String> = items.iter().map(|(path, item)| format!("{}:{item}", Value::from(*path))).collect();
    let mut names = BTreeSet::new();
    items.iter().for_each(|(_, item)| references(item, &mut names));
    let schemas: Vec<String> = with_references(names)
        .into_iter()
        .filter_map(|name| Some(format!("{}:{}", Value::from(name), COMPONENTS.get(name)?.json)))
        .collect();
    Some(format!(
        r#"{{"openapi":"3.0.0","info":{{"title":"Kubernetes","version":"{}"}},"paths":{{{}}},"components":{{"schemas":{{{}}},"securitySchemes":{{"BearerToken":{{"type":"apiKey","description":"Bearer Token authentication","name":"authorization","in":"header"}}}}}}}}"#,
        info(),
        paths.join(","),
        schemas.join(",")
    ))
}

/// The paths of a group and version with their items as JSON.
pub fn path_items(group_version: &str) -> Vec<(&'static str, String)> {
    let mut parameters: Vec<&str> = Vec::new();
    let mut items = Vec::new();
    for line in PATHS.lines() {
        let mut parts = line.splitn(3, '\t');
        let (Some(first), Some(second), Some(json)) = (parts.next(), parts.next(), parts.next()) else { continue };
        if first == "@" {
            parameters.push(json);
        } else if first == group_version {
            items.push((second, unfolded(json, &parameters)));
        }
    }
    items
}

/// Puts parameters in the place of their numbers.
fn unfolded(item: &str, parameters: &[&str]) -> String {
    let mut out = String::with_capacity(item.len() * 4);
    let mut parts = item.split("\"@");
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let (number, rest) = part.split_once('"').unwrap_or((part, ""));
        out.push_str(number.parse::<usize>().ok().and_then(|number| parameters.get(number)).copied().unwrap_or("null"));
        out.push_str(rest);
    }
    out
}

fn references(json: &str, names: &mut BTreeSet<&'static str>) {
    for part in json.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap_or_default();
        if let Some((name, _)) = COMPONENTS.get_key_value(name) {
            names.insert(name);
        }
    }
}

/// The names and all that they refer to, sorted.
fn with_references(mut names: BTreeSet<&'static str>) -> BTreeSet<&'static str> {
    let mut open: Vec<&str> = names.iter().copied().collect();
    while let Some(name) = open.pop() {
        let refers = COMPONENTS.get(name).map(|component| component.refers).unwrap_or_default();
        open.extend(refers.split(' ').filter(|name| !name.is_empty()).filter(|name| names.insert(name)));
    }
    names
}

/// One schema of the documents as JSON (`io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta`), and the names it refers to.
pub fn component_json(name: &str) -> Option<(&'static str, Vec<&'static str>)> {
    let (name, component) = COMPONENTS.get_key_value(name)?;
    let all = with_references(BTreeSet::from([*name]));
    Some((component.json, all.into_iter().filter(|other| other != name).collect()))
}

/// The schemas of these names and all that they refer to, as JSON, sorted by name.
pub fn components<'a>(names: impl Iterator<Item = &'a str>) -> Vec<(&'static str, &'static str)> {
    let names = names.filter_map(|name| COMPONENTS.get_key_value(name).map(|(name, _)| *name)).collect();
    with_references(names).into_iter().filter_map(|name| Some((name, COMPONENTS.get(name)?.json))).collect()
}

/// The parsed schema of a kind; kept after the first use.
pub fn schema(kind: &Kind) -> Arc<Schema> {
    schema_for_component(kind.component).unwrap_or_else(|| Arc::new(Schema::object_meta()))
}

/// The parsed schema of any component, such as `io.k8s.api.autoscaling.v1.Scale`.
pub fn schema_for_component(name: &str) -> Option<Arc<Schema>> {
    let (name, _) = COMPONENTS.get_key_value(name)?;
    let mut parsed = PARSED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(schema) = parsed.get(name) {
        return Some(Arc::clone(schema));
    }
    let components: Map<String, Value> = with_references(BTreeSet::from([*name]))
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), serde_json::from_str(COMPONENTS.get(name)?.json).ok()?)))
        .collect();
    let schema = Arc::new(Schema::from_components(&components, name)?);
    parsed.insert(name, Arc::clone(&schema));
    Some(schema)
}
