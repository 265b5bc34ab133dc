//! How a node and its parts are, in words and facts; no times and no counters in sentences.

use super::driver::with_clause;
use super::gateway::Gateway;
use super::part::Part;
use super::records::{NodeKey, NodeView, Record, SlotView, What};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use windlass_api::driver::{Health, Observation, PartHealth};

/// What is there of a node; [`Observation::Absent`] if nothing is.
pub(super) fn of_node(view: &NodeView, key: &NodeKey, gateway: &Gateway, apps: SocketAddr) -> Observation {
    if view.is_empty() {
        return Observation::Absent;
    }
    let slots = view.newest().map(|slot| of_slot(view, slot, key));
    let records = view.records.keys().map(|part| of_record(part, key, gateway));
    let parts: Vec<PartHealth> = slots.chain(records).collect();
    Observation::Present { outputs: outputs(view, apps), sensitive: Vec::new(), health: summary(parts), uid: None }
}

/// What is there of one part.
pub(super) fn of_part(view: &NodeView, part: &Part, key: &NodeKey, gateway: &Gateway, apps: SocketAddr) -> Observation {
    let (found, uid) = if let Some(slot) = view.slot(part) {
        (of_slot(view, slot, key), Some(slot.config.uid.clone()))
    } else if view.records.contains_key(part) {
        (of_record(part, key, gateway), None)
    } else {
        return Observation::Absent;
    };
    Observation::Present { outputs: outputs(view, apps), sensitive: Vec::new(), health: summary(vec![found]), uid }
}

fn summary(parts: Vec<PartHealth>) -> Health {
    let first = parts.iter().find(|part| !part.ready);
    let (reason, message) = first.map_or(("Ready".to_owned(), String::new()), |part| (part.reason.clone(), part.message.clone()));
    Health { ready: first.is_none(), reason, message, parts }
}

/// `url`, `address` and `ports`, as far as there are such: the bare outputs, which the graph shows below `NODE.outputs`.
fn outputs(view: &NodeView, apps: SocketAddr) -> Value {
    let mut found = Map::new();
    let route = view.records.values().find_map(|record| url(record, apps));
    let mut ports = Map::new();
    let mut address = None;
    for (part, record) in &view.records {
        if let (Part::Listener(name), What::Listener { port, http, primary }) = (part, &record.what) {
            ports.insert(name.clone(), json!(port));
            if *primary {
                address = Some((format!("127.0.0.1:{port}"), *http));
            }
        }
    }
    let plain = address.as_ref().filter(|(_, http)| *http).map(|(address, _)| format!("http://{address}"));
    found.extend(route.or(plain).map(|url| ("url".to_owned(), json!(url))));
    found.extend(address.map(|(address, _)| ("address".to_owned(), json!(address))));
    found.insert("ports".into(), Value::Object(ports));
    Value::Object(found)
}

/// The URL of a route.
pub(super) fn url(record: &Record, apps: SocketAddr) -> Option<String> {
    let What::Route { host, path, .. } = &record.what else { return None };
    let path = if path == "/" { "" } else { path };
    Some(format!("http://{host}:{}{path}", apps.port()))
}

fn of_record(part: &Part, key: &NodeKey, gateway: &Gateway) -> PartHealth {
    let fault = match part {
        Part::Listener(name) => gateway.fault(key, name),
        Part::Files(_) | Part::Process(..) | Part::Route(_) => None,
    };
    PartHealth {
        key: part.key(&key.node),
        ready: fault.is_none(),
        reason: if fault.is_none() { "Ready".into() } else { "PortTaken".into() },
        message: fault.unwrap_or_default(),
        facts: BTreeMap::new(),
    }
}

fn of_slot(view: &NodeView, slot: &SlotView, key: &NodeKey) -> PartHealth {
    let mut facts = BTreeMap::new();
    for (name, port) in &slot.config.ports {
        let only = slot.config.ports.len() == 1;
        facts.insert(if only { "port".to_owned() } else { format!("port {name}") }, port.to_string());
    }
    if let Some(files) = slot.config.environment.get("WINDLASS_FILES") {
        facts.insert("files".into(), format!("below {files}, which stands for / (absolute paths cannot be honoured on this machine)"));
    }
    let (reason, message) = match &slot.state {
        Some(state) if slot.held => {
            facts.extend(state.child.as_ref().map(|child| ("pid".to_owned(), child.pid.to_string())));
            facts.insert("restarts".into(), state.restarts.to_string());
            facts.extend(state.limits.iter().map(|(name, said)| (format!("{name} limit"), said.clone())));
            (state.reason.clone(), state.message.clone())
        }
        _ => (
            "NotRunning".to_owned(),
            "its process does not run\n  hint: it is started again by itself; if not, `windlass down` and `windlass up` do".to_owned(),
        ),
    };
    if let Some(state) = &slot.state {
        facts.extend(state.last_exit.map(|exit| ("last exit".to_owned(), exit.phrase())));
        facts.extend(state.last_line.as_ref().map(|line| ("last line".to_owned(), line.clone())));
    }
    let message = if view.is_served_by_older(slot) && !message.is_empty() {
        with_clause(&message, "the one before it goes on serving")
    } else {
        message
    };
    PartHealth { key: slot.part.key(&key.node), ready: slot.is_ready(), reason, message, facts }
}
