//! What the platform adds to `/metrics`: the process, and how Templates, instances and Runs stand. See `docs/metrics.md`.
//!
//! All of it is read when somebody asks, out of what is stored; nothing is counted in between.

use super::authors::Authors;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Error;
use windlass_api::names;
use windlass_apiserver::{MetricSource, StoredObjects};

/// See the module head.
pub(crate) struct Metrics {
    authors: Authors,
    /// Seconds since the epoch.
    started: f64,
}

impl Metrics {
    /// To be made when the process starts.
    pub(crate) fn new(authors: Authors) -> Self {
        Self { authors, started: jiff::Timestamp::now().as_duration().as_secs_f64() }
    }

    fn process(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let build = encoder.encode_descriptor("windlass_build", "The version that runs", None, MetricType::Info)?;
        prometheus_client::metrics::info::Info::new([("version", env!("CARGO_PKG_VERSION"))]).encode(build)?;
        let start = encoder.encode_descriptor(
            "process_start_time",
            "When the process started, since the epoch",
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        ConstGauge::new(self.started).encode(start)?;
        let Some((resident, processor)) = own_use() else { return Ok(()) };
        let memory = encoder.encode_descriptor(
            "process_resident_memory",
            "Memory of the process, without those of apps",
            Some(&Unit::Bytes),
            MetricType::Gauge,
        )?;
        ConstGauge::new(resident).encode(memory)?;
        let seconds =
            encoder.encode_descriptor("process_cpu", "Processor time of the process", Some(&Unit::Seconds), MetricType::Counter)?;
        ConstCounter::new(processor).encode(seconds)
    }
}

impl MetricSource for Metrics {
    fn encode(&self, stored: &dyn StoredObjects, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        self.process(encoder)?;
        self.stand(stored, encoder)
    }
}

impl Metrics {
    /// How Templates, instances and Runs stand.
    fn stand(&self, stored: &dyn StoredObjects, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let ready = |template: &Value| {
            let conditions = template.pointer("/status/conditions").and_then(Value::as_array);
            let is_ready = conditions.is_some_and(|all| all.iter().any(|one| one["type"] == "Ready" && one["status"] == "True"));
            [("ready", is_ready.to_string())]
        };
        let templates = read(stored, names::GROUP, "templates").iter().map(ready).collect::<Vec<_>>();
        family(encoder, "windlass_templates", "Templates, by whether they serve their kind", templates)?;
        let mut instances = Vec::new();
        for name in self.authors.published() {
            let Some((plural, group)) = name.split_once('.') else { continue };
            instances.extend(
                read(stored, group, plural)
                    .iter()
                    .map(|instance| [("kind", text(instance, "/kind")), ("state", text(instance, "/status/state"))]),
            );
        }
        family(encoder, "windlass_instances", "Instances, by kind and state", instances)?;
        let runs = read(stored, names::GROUP, "runs");
        let carried_out = runs.iter().filter(|run| run["spec"]["mode"] != "Plan");
        let runs = carried_out.map(|run| [("cause", text(run, "/spec/cause")), ("state", text(run, "/status/state"))]).collect();
        family(encoder, "windlass_runs", "Runs that are kept, by cause and state", runs)
    }
}

/// What cannot be read is said by other doors; here it is not there.
fn read(stored: &dyn StoredObjects, group: &str, plural: &str) -> Vec<Value> {
    stored.list(group, plural, "").unwrap_or_default()
}

fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or("Pending").to_owned()
}

/// One gauge for each combination of labels: how often it is there.
fn family<const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    all: Vec<[(&'static str, String); N]>,
) -> Result<(), Error> {
    let mut counted: BTreeMap<[(&str, String); N], i64> = BTreeMap::new();
    for labels in all {
        *counted.entry(labels).or_default() += 1;
    }
    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    counted.into_iter().try_for_each(|(labels, count)| ConstGauge::new(count).encode(metric.encode_family(&labels)?))
}

/// Resident memory in bytes and processor time in seconds of this process (`proc_pid_stat(5)`); none without `/proc`.
fn own_use() -> Option<(i64, f64)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name in brackets may hold anything; the fields are counted behind it.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |index: usize| fields.get(index)?.parse::<i64>().ok();
    let ticks = rustix::param::clock_ticks_per_second();
    let page = i64::try_from(rustix::param::page_size()).ok()?;
    #[expect(clippy::cast_precision_loss, reason = "ticks of a process's life are far below 2^52")]
    let seconds = (field(11)? + field(12)?) as f64 / ticks as f64;
    Some((field(21)? * page, seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::up::deletions::tests::Stored;
    use prometheus_client::collector::Collector;
    use prometheus_client::registry::Registry;
    use serde_json::json;

    #[derive(Debug)]
    struct Counted;

    impl Collector for Counted {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
            let run = |cause: &str, state: &str| json!({"spec": {"mode": "Execute", "cause": cause}, "status": {"state": state}});
            let mut stored = Stored::default();
            stored.put("runs/team/a", run("Spec", "Succeeded"));
            stored.put("runs/team/b", run("Spec", "Succeeded"));
            stored.put("runs/other/c", run("Drift", "Failed"));
            stored.put("runs/other/d", json!({"spec": {"mode": "Plan"}}));
            stored.put("templates//web-app", json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}}));
            stored.put("templates//broken", json!({}));
            stored.put("webapps/team/shop", json!({"kind": "WebApp", "status": {"state": "Ready"}}));
            stored.put("webapps/team/new", json!({"kind": "WebApp"}));
            let metrics = Metrics { authors: Authors::of(["webapps.platform.windlass.dev"]), started: 0.0 };
            metrics.stand(&stored, &mut encoder)
        }
    }

    #[test]
    fn what_is_stored_is_counted_by_how_it_stands() {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Counted));
        let mut said = String::new();
        prometheus_client::encoding::text::encode(&mut said, &registry).expect("text");
        insta::assert_snapshot!(said, @r#"
        # HELP windlass_templates Templates, by whether they serve their kind
        # TYPE windlass_templates gauge
        windlass_templates{ready="false"} 1
        windlass_templates{ready="true"} 1
        # HELP windlass_instances Instances, by kind and state
        # TYPE windlass_instances gauge
        windlass_instances{kind="WebApp",state="Pending"} 1
        windlass_instances{kind="WebApp",state="Ready"} 1
        # HELP windlass_runs Runs that are kept, by cause and state
        # TYPE windlass_runs gauge
        windlass_runs{cause="Drift",state="Failed"} 1
        windlass_runs{cause="Spec",state="Succeeded"} 2
        # EOF
        "#);
    }

    #[test]
    fn own_use_is_read_from_the_kernel() {
        let (resident, seconds) = own_use().expect("/proc is there");
        assert!(resident > 1_000_000, "{resident}");
        assert!(seconds >= 0.0, "{seconds}");
    }
}
