//! What people wish in a trial: two Templates written for it, and the rounds of creates, updates and deletes.
//!
//! Each start of a program appends one line to a file: an effect that counts. Nothing here knows of kills.

use serde_json::{Value, json};
use std::path::Path;

/// Namespace of all instances.
pub(crate) const NAMESPACE: &str = "trial";
/// Those that start slowly take longer than one call of the driver waits, and so do those that stop slowly.
const SLOW_SECONDS: u32 = 4;
/// In a trial of many instances, where each kill shall have its chance to come meanwhile.
const LONG_SLOW_SECONDS: u32 = 7;

/// What happens to one instance.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wish {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// The instance's values; `None` deletes it.
    pub(crate) spec: Option<Value>,
}

/// The kinds of the trial, by name and plural.
pub(crate) const KINDS: [(&str, &str); 2] = [("Server", "servers"), ("Worker", "workers")];

/// The Templates: `Server` has files, a port, a route and a page that waits for its address, and is replaced without a gap;
/// `Worker` has none of these, is changed in place, and may stop slowly.
pub(crate) fn templates(counter: &Path) -> [Value; 2] {
    let count = format!("echo \"$NAME $WORD\" >> {}", counter.display());
    let variables = json!({"NAME": "${schema.metadata.name}", "WORD": "${schema.spec.word}", "SLOW": "${schema.spec.slow}"});
    let serve = format!("{count}; sleep \"$SLOW\"; exec windlass files --directory /no-such-site --port $PORT");
    let work = format!("{count}; trap 'sleep \"$SLOW\"; exit 0' TERM; while true; do sleep 1000 & wait; done");
    let schema = |kind: &str| {
        json!({"apiVersion": "v1alpha1", "kind": kind, "spec": {
            "word": "string | required=true", "replicas": "integer | default=1", "slow": "string | default=\"0\""}})
    };
    let server = json!({
        "id": "app", "workload": {"replicas": "${schema.spec.replicas}", "score": {
            "containers": {"main": {"image": ".", "command": ["sh", "-c", serve], "variables": variables,
                "files": {"/no-such-site/index.html": {"content": "${schema.spec.word}"}}}},
            "service": {"ports": {"http": {"port": 8080}}},
            "resources": {"url": {"type": "route", "params": {"port": "http"}}},
        }},
    });
    let page = json!({
        "id": "page", "template": {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "${schema.metadata.name}-page"},
            "data": {"address": "${app.outputs.address}", "word": "${schema.spec.word}"}},
    });
    let worker = json!({
        "id": "app", "workload": {"replicas": "${schema.spec.replicas}", "score": {
            "containers": {"main": {"image": ".", "command": ["sh", "-c", work], "variables": variables}}}},
    });
    let template = |kind: &str, resources: Value| {
        json!({"apiVersion": "windlass.dev/v1alpha1", "kind": "Template", "metadata": {"name": kind.to_lowercase()},
            "spec": {"schema": schema(kind), "resources": resources}})
    };
    [template("Server", json!([server, page])), template("Worker", json!([worker]))]
}

/// The rounds of some lives of all instances: after each, everything is as it was wished. The last of a life deletes all; the
/// one before it leaves them all standing.
pub(crate) fn rounds(instances: usize, lives: usize) -> Vec<Vec<Wish>> {
    (0..lives).flat_map(|_| life(instances)).collect()
}

/// How many rounds a life has.
pub(crate) const ROUNDS_OF_A_LIFE: usize = 5;

fn life(instances: usize) -> Vec<Vec<Wish>> {
    let of = |index: usize, word: &str, replicas: u32| {
        let seconds = if instances > 10 { LONG_SLOW_SECONDS } else { SLOW_SECONDS };
        let slow = if index.is_multiple_of(5) { seconds.to_string() } else { "0".into() };
        wish(index, Some(json!({"word": word, "replicas": replicas, "slow": slow})))
    };
    let all = || 0..instances;
    let quarter = |index: usize| index / 2 % 2 == 1;
    let first = |index: usize| if index.is_multiple_of(3) { 2 } else { 1 };
    vec![
        all().map(|index| of(index, "one", first(index))).collect(),
        all().map(|index| if quarter(index) { of(index, "one", 3 - first(index)) } else { of(index, "two", first(index)) }).collect(),
        all().map(|index| if quarter(index) { wish(index, None) } else { of(index, "three", 1) }).collect(),
        all().map(|index| if quarter(index) { of(index, "four", 1) } else { of(index, "three", 2) }).collect(),
        all().map(|index| wish(index, None)).collect(),
    ]
}

fn wish(index: usize, spec: Option<Value>) -> Wish {
    let (kind, _) = KINDS[index % 2];
    Wish { kind, name: format!("{}-{index}", kind.to_lowercase()), spec }
}
