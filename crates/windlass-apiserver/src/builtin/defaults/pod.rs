//! Defaults of a pod template.
//!
//! Start with [`spec`]. Source: `pkg/apis/core/v1/defaults.go` and the declared defaults of `k8s.io/api/core/v1`.

use super::{objects_in, set, set_text};
use serde_json::{Map, Value, json};

/// Mode of files in volumes: 0644.
const FILE_MODE: i64 = 420;

/// Fills in a pod's specification.
pub(super) fn spec(pod: &mut Map<String, Value>) {
    set_text(pod, "restartPolicy", "Always");
    set(pod, "terminationGracePeriodSeconds", 30);
    set_text(pod, "dnsPolicy", "ClusterFirst");
    set(pod, "securityContext", json!({}));
    set_text(pod, "schedulerName", "default-scheduler");
    // The old name of the field goes with the new one.
    for (from, to) in [("serviceAccountName", "serviceAccount"), ("serviceAccount", "serviceAccountName")] {
        if let Some(name) = pod.get(from).and_then(Value::as_str).filter(|name| !name.is_empty()).map(str::to_owned) {
            set_text(pod, to, &name);
        }
    }
    let host_network = pod.get("hostNetwork").is_some_and(|flag| flag == true);
    for list in ["initContainers", "containers"] {
        objects_in(pod, list).for_each(|one| container(one, host_network));
    }
    objects_in(pod, "volumes").for_each(volume);
}

fn container(one: &mut Map<String, Value>, host_network: bool) {
    set_text(one, "terminationMessagePath", "/dev/termination-log");
    set_text(one, "terminationMessagePolicy", "File");
    let policy = match one.get("image").and_then(Value::as_str) {
        Some(image) if tag(image).is_some_and(|tag| tag != "latest") => "IfNotPresent",
        _ => "Always",
    };
    set_text(one, "imagePullPolicy", policy);
    set(one, "resources", json!({}));
    for port in objects_in(one, "ports") {
        set_text(port, "protocol", "TCP");
        if host_network && let Some(number) = port.get("containerPort").cloned() {
            set(port, "hostPort", number);
        }
    }
    for variable in objects_in(one, "env") {
        if let Some(field) = variable.get_mut("valueFrom").and_then(|from| from.get_mut("fieldRef")).and_then(Value::as_object_mut) {
            set_text(field, "apiVersion", "v1");
        }
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = one.get_mut(name).and_then(Value::as_object_mut) {
            for (key, value) in [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)] {
                if probe.get(key).and_then(Value::as_i64).unwrap_or_default() == 0 {
                    probe.insert(key.to_owned(), json!(value));
                }
            }
            handler(probe);
        }
    }
    for moment in ["postStart", "preStop"] {
        if let Some(one) = one.get_mut("lifecycle").and_then(|lifecycle| lifecycle.get_mut(moment)).and_then(Value::as_object_mut) {
            handler(one);
        }
    }
}

fn handler(probe: &mut Map<String, Value>) {
    if let Some(http) = probe.get_mut("httpGet").and_then(Value::as_object_mut) {
        set_text(http, "path", "/");
        set_text(http, "scheme", "HTTP");
    }
    if let Some(grpc) = probe.get_mut("grpc").and_then(Value::as_object_mut) {
        set(grpc, "service", "");
    }
}

fn volume(volume: &mut Map<String, Value>) {
    if volume.keys().all(|key| key == "name") {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    for name in ["secret", "configMap", "downwardAPI", "projected"] {
        let Some(source) = volume.get_mut(name).and_then(Value::as_object_mut) else { continue };
        set(source, "defaultMode", FILE_MODE);
        fields(source);
        for part in objects_in(source, "sources") {
            if let Some(token) = part.get_mut("serviceAccountToken").and_then(Value::as_object_mut) {
                set(token, "expirationSeconds", 3600);
            }
            if let Some(downward) = part.get_mut("downwardAPI").and_then(Value::as_object_mut) {
                fields(downward);
            }
        }
    }
    if let Some(path) = volume.get_mut("hostPath").and_then(Value::as_object_mut) {
        set(path, "type", "");
    }
}

fn fields(source: &mut Map<String, Value>) {
    for item in objects_in(source, "items") {
        if let Some(field) = item.get_mut("fieldRef").and_then(Value::as_object_mut) {
            set_text(field, "apiVersion", "v1");
        }
    }
}

/// The tag of an image: `latest` when it has neither tag nor digest, none when only a digest.
fn tag(image: &str) -> Option<&str> {
    let (name, digest) = image.split_once('@').map_or((image, false), |(name, _)| (name, true));
    let last = name.rsplit('/').next().unwrap_or(name);
    match last.split_once(':') {
        Some((_, tag)) => Some(tag),
        None if digest => Some(""),
        None => Some("latest"),
    }
}
