//! Tables: what `kubectl get` prints, decided by the server.
//!
//! Columns with a priority above 0 are shown by `-o wide` only. Start with [`columns`] and [`row`] for built-in kinds,
//! [`custom_columns`] for custom resources. Source: `pkg/printers/internalversion` and
//! `apiextensions-apiserver/pkg/registry/customresource/tableconvertor`.

use super::age::age;
use super::documents;
use super::json_path::JsonPath;
use super::kinds::Kind;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::LazyLock;

/// One column of a Table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Heading.
    pub name: String,
    /// OpenAPI type of the cells.
    pub json_type: String,
    /// OpenAPI format; `name` marks the column with the object's name.
    pub format: String,
    /// What the column shows.
    pub description: String,
    /// 0 for always, 1 for `-o wide`.
    pub priority: i64,
}

/// How custom resources of one version are printed.
#[derive(Clone, Debug)]
pub struct Printer {
    /// The columns; the first is the name.
    pub columns: Vec<Column>,
    paths: Vec<(JsonPath, String)>,
}

impl Column {
    fn new(name: &str, json_type: &str, description: String) -> Self {
        let (name, json_type) = (name.to_owned(), json_type.to_owned());
        Self { name, json_type, format: String::new(), description, priority: 0 }
    }

    /// The form in `columnDefinitions`.
    pub fn to_json(&self) -> Value {
        json!({
            "name": self.name, "type": self.json_type, "format": self.format,
            "description": self.description, "priority": self.priority
        })
    }
}

/// What the OpenAPI says about a field.
fn said(component: &str, field: &str) -> String {
    let schema = documents::component_json(component).and_then(|(json, _)| serde_json::from_str::<Value>(json).ok()).unwrap_or_default();
    schema["properties"][field]["description"].as_str().unwrap_or_default().to_owned()
}

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

fn name_column() -> Column {
    Column { format: "name".to_owned(), ..Column::new("Name", "string", said(META, "name")) }
}

fn age_column() -> Column {
    Column::new("Age", "string", said(META, "creationTimestamp"))
}

fn wide(column: Column) -> Column {
    Column { priority: 1, ..column }
}

/// The name under which [`columns`] has those of a custom resource's scale; they differ in words only.
pub const CUSTOM_SCALE: &str = "Scale of a custom resource";

static COLUMNS: LazyLock<HashMap<&'static str, Vec<Column>>> = LazyLock::new(|| {
    let text = |name: &str, component: &str, field: &str| Column::new(name, "string", said(component, field));
    let told = |name: &str, words: &str| Column::new(name, "string", words.to_owned());
    let core = |kind: &str| format!("io.k8s.api.core.v1.{kind}");
    let (event, reference) = (core("Event"), core("ObjectReference"));
    HashMap::from([
        ("Namespace", vec![name_column(), told("Status", "The status of the namespace"), age_column()]),
        ("ConfigMap", vec![name_column(), text("Data", &core("ConfigMap"), "data"), age_column()]),
        ("Secret", vec![name_column(), text("Type", &core("Secret"), "type"), text("Data", &core("Secret"), "data"), age_column()]),
        ("ServiceAccount", vec![name_column(), age_column()]),
        (
            "ResourceQuota",
            vec![
                name_column(),
                told("Request", "Request represents a minimum amount of cpu/memory that a container may consume."),
                told(
                    "Limit",
                    "Limits control the maximum amount of cpu/memory that a container may use independent of contention on the node.",
                ),
                age_column(),
            ],
        ),
        (
            "Event",
            vec![
                text("Last Seen", &event, "lastTimestamp"),
                text("Type", &event, "type"),
                text("Reason", &event, "reason"),
                text("Object", &event, "involvedObject"),
                wide(text("Subobject", &reference, "fieldPath")),
                wide(text("Source", &event, "source")),
                text("Message", &event, "message"),
                wide(text("First Seen", &event, "firstTimestamp")),
                wide(text("Count", &event, "count")),
                wide(name_column()),
            ],
        ),
        ("Lease", vec![name_column(), text("Holder", "io.k8s.api.coordination.v1.LeaseSpec", "holderIdentity"), age_column()]),
        (
            "Deployment",
            vec![
                name_column(),
                told("Ready", "Number of the pod with ready state"),
                told("Up-to-date", "Total number of non-terminated pods targeted by this deployment that have the desired template spec."),
                told("Available", "Total number of available pods (ready for at least minReadySeconds) targeted by this deployment."),
                age_column(),
                wide(told("Containers", "Names of each container in the template.")),
                wide(told("Images", "Images referenced by each container in the template.")),
                wide(told(
                    "Selector",
                    "Label selector for pods. Existing ReplicaSets whose pods are selected by this will be the ones affected by this deployment.",
                )),
            ],
        ),
        (
            "Scale",
            vec![
                Column { format: String::new(), ..name_column() },
                Column::new("Desired", "integer", said("io.k8s.api.autoscaling.v1.ScaleSpec", "replicas")),
                Column::new("Available", "integer", said("io.k8s.api.autoscaling.v1.ScaleStatus", "replicas")),
                age_column(),
            ],
        ),
        (
            CUSTOM_SCALE,
            vec![
                name_column(),
                Column::new("Desired", "integer", "Number of desired replicas".to_owned()),
                Column::new("Available", "integer", "Number of actual replicas".to_owned()),
                Column::new("Age", "date", said(META, "creationTimestamp")),
            ],
        ),
        ("", vec![name_column(), Column::new("Created At", "date", said(META, "creationTimestamp"))]),
    ])
});

/// The columns of a built-in kind (`Scale` included); any other kind has the name and when it was made.
pub fn columns(kind: &str) -> &'static [Column] {
    COLUMNS.get(kind).or_else(|| COLUMNS.get("")).map(Vec::as_slice).unwrap_or_default()
}

/// The cells of one object under [`columns`].
pub fn row(kind: &str, object: &Value, now: Timestamp) -> Vec<Value> {
    let name = object["metadata"]["name"].clone();
    let made = age(object["metadata"]["creationTimestamp"].as_str(), now);
    let text = |value: &Value| json!(value.as_str().unwrap_or_default());
    let count = |value: &Value| value.as_i64().unwrap_or_default();
    let size = |value: &Value| value.as_object().map_or(0, serde_json::Map::len);
    match kind {
        "Namespace" => vec![name, text(&object["status"]["phase"]), json!(made)],
        "ConfigMap" => vec![name, json!(size(&object["data"]) + size(&object["binaryData"])), json!(made)],
        "Secret" => vec![name, text(&object["type"]), json!(size(&object["data"])), json!(made)],
        "ServiceAccount" => vec![name, json!(made)],
        "ResourceQuota" => {
            let [requests, limits] = quota(&object["status"]);
            vec![name, json!(requests), json!(limits), json!(made)]
        }
        "Event" => event(object, now),
        "Lease" => vec![name, text(&object["spec"]["holderIdentity"]), json!(made)],
        "Deployment" => {
            let status = &object["status"];
            let ready = format!("{}/{}", count(&status["readyReplicas"]), count(&object["spec"]["replicas"]));
            let containers = &object["spec"]["template"]["spec"]["containers"];
            let listed = |field: &str| {
                let texts: Vec<&str> =
                    containers.as_array().into_iter().flatten().map(|one| one[field].as_str().unwrap_or_default()).collect();
                json!(texts.join(","))
            };
            vec![
                name,
                json!(ready),
                json!(count(&status["updatedReplicas"])),
                json!(count(&status["availableReplicas"])),
                json!(made),
                listed("name"),
                listed("image"),
                json!(selector(&object["spec"]["selector"])),
            ]
        }
        "Scale" | CUSTOM_SCALE => {
            vec![name, json!(count(&object["spec"]["replicas"])), json!(count(&object["status"]["replicas"])), json!(made)]
        }
        _ => vec![name, object["metadata"]["creationTimestamp"].clone()],
    }
}

/// What a quota counts: requests, and limits.
fn quota(status: &Value) -> [String; 2] {
    let mut columns = [Vec::new(), Vec::new()];
    let mut hard: Vec<(&String, &Value)> = status["hard"].as_object().into_iter().flatten().collect();
    hard.sort_by_key(|(name, _)| *name);
    for (name, amount) in hard {
        let used = status["used"][name].as_str().unwrap_or("0");
        columns[usize::from(name.starts_with("limits."))].push(format!("{name}: {used}/{}", amount.as_str().unwrap_or_default()));
    }
    columns.map(|column| column.join(", "))
}

/// An event in either of its forms.
fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    let field = |old: &str, new: &str| if object[old].is_null() { &object[new] } else { &object[old] };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let time = |value: &Value| value.as_str().filter(|time| !time.is_empty()).map(str::to_owned);
    let made = time(&object["eventTime"]);
    let first = age(time(field("firstTimestamp", "deprecatedFirstTimestamp")).or(made).as_deref(), now);
    let last = time(field("lastTimestamp", "deprecatedLastTimestamp")).map_or_else(|| first.clone(), |last| age(Some(&last), now));
    let series = &object["series"];
    let count = field("count", "deprecatedCount").as_i64().filter(|count| *count != 0).unwrap_or(1);
    let (last, count) = match series {
        Value::Null => (last, count),
        series => (age(series["lastObservedTime"].as_str(), now), series["count"].as_i64().unwrap_or_default()),
    };
    let about = field("involvedObject", "regarding");
    let kind = text(&about["kind"]).to_lowercase();
    let name = text(&about["name"]);
    let target = if name.is_empty() { kind } else { format!("{kind}/{name}") };
    let source = field("source", "deprecatedSource");
    let or = |first: String, second: &Value| if first.is_empty() { text(second) } else { first };
    let component = or(text(&source["component"]), field("reportingComponent", "reportingController"));
    let instance = or(text(&source["host"]), &object["reportingInstance"]);
    let origin = if instance.is_empty() { component } else { format!("{component}, {instance}") };
    vec![
        json!(last),
        json!(text(&object["type"])),
        json!(text(&object["reason"])),
        json!(target),
        json!(text(&about["fieldPath"])),
        json!(origin),
        json!(text(field("message", "note")).trim()),
        json!(first),
        json!(count),
        object["metadata"]["name"].clone(),
    ]
}

/// A label selector as one text: `app=web,tier in (a,b)`.
fn selector(selector: &Value) -> String {
    let mut parts: Vec<(String, String)> = Vec::new();
    for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
        parts.push((key.clone(), format!("{key}={}", value.as_str().unwrap_or_default())));
    }
    for requirement in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = requirement["key"].as_str().unwrap_or_default();
        let mut values: Vec<&str> = requirement["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let words = match requirement["operator"].as_str().unwrap_or_default() {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        };
        parts.push((key.to_owned(), words));
    }
    if parts.is_empty() && selector.is_null() {
        return "<none>".to_owned();
    }
    parts.sort();
    parts.into_iter().map(|(_, words)| words).collect::<Vec<_>>().join(",")
}

/// The printer for `additionalPrinterColumns` of a definition's version; without any there is a column with the age.
///
/// # Errors
/// A column's path is not understood.
pub fn custom_columns(list: &Value) -> Result<Printer, String> {
    let default =
        [json!({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": said(META, "creationTimestamp")})];
    let list = list.as_array().map(Vec::as_slice).filter(|list| !list.is_empty()).unwrap_or(&default);
    let mut printer = Printer { columns: vec![name_column()], paths: Vec::new() };
    for column in list {
        let text = |key: &str| column[key].as_str().unwrap_or_default();
        let path = text("jsonPath");
        let parsed = JsonPath::parse(path).map_err(|_| format!("unrecognized column definition \"{path}\""))?;
        let description = match text("description") {
            "" => format!("Custom resource definition column (in JSONPath format): {path}"),
            own => own.to_owned(),
        };
        printer.columns.push(Column {
            format: text("format").to_owned(),
            priority: column["priority"].as_i64().unwrap_or_default(),
            ..Column::new(text("name"), text("type"), description)
        });
        printer.paths.push((parsed, text("type").to_owned()));
    }
    Ok(printer)
}

impl Printer {
    /// The cells of one object.
    pub fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let cells =
            self.paths.iter().map(|(path, json_type)| path.find(object).first().map_or(Value::Null, |value| cell(json_type, value, now)));
        std::iter::once(object["metadata"]["name"].clone()).chain(cells).collect()
    }
}

fn cell(json_type: &str, value: &Value, now: Timestamp) -> Value {
    match (json_type, value) {
        (_, Value::Null) => Value::Null,
        ("string", Value::String(_)) => value.clone(),
        ("string", other) => json!(other.to_string()),
        ("integer", Value::Number(number)) =>
        {
            #[expect(clippy::cast_possible_truncation, reason = "a cell shows whole numbers, as the real server does")]
            number.as_i64().or_else(|| number.as_f64().map(|float| float as i64)).map_or(Value::Null, Value::from)
        }
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => value.clone(),
        ("date", Value::String(time)) => json!(age(Some(time), now)),
        _ => Value::Null,
    }
}

impl Kind {
    /// The columns of this kind.
    pub fn columns(&self) -> &'static [Column] {
        columns(self.kind)
    }

    /// The cells of one object of this kind.
    pub fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        row(self.kind, object, now)
    }
}
