//! A rendered workload: what `windlass-score` makes of a Score file and what a target runs. No placeholders are left in it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A workload that a target can run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Name of the workload, a DNS label; for a node of a Template the instance's name and the node's id.
    pub name: String,
    /// How many replicas.
    pub replicas: u32,
    /// Absolute directory that programs run in, where a container's image is `.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// Containers by name.
    pub containers: BTreeMap<String, Container>,
    /// Service ports by name.
    #[serde(default)]
    pub ports: BTreeMap<String, ServicePort>,
    /// Routes by resource name.
    #[serde(default)]
    pub routes: BTreeMap<String, Route>,
}

/// One container, or the process that stands for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Image, or `.` for the workload's directory.
    pub image: String,
    /// Program; empty takes the Procfile's or the image's.
    #[serde(default)]
    pub command: Vec<String>,
    /// Arguments.
    #[serde(default)]
    pub args: Vec<String>,
    /// Environment, placeholders resolved.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Files by absolute target path.
    #[serde(default)]
    pub files: BTreeMap<String, File>,
    /// What it may use.
    #[serde(default)]
    pub limits: Resources,
    /// What it asks for.
    #[serde(default)]
    pub requests: Resources,
    /// Whether it is alive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liveness_probe: Option<Probe>,
    /// Whether it is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub readiness_probe: Option<Probe>,
}

/// A file put in place before the program starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct File {
    /// Content, placeholders resolved.
    pub content: String,
    /// Mode in octal, as `0644`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
}

/// Kubernetes quantities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// As `500m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// As `128Mi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
}

/// How health is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Probe {
    /// An HTTP GET that must answer 200-399.
    HttpGet {
        /// Path with a leading slash.
        path: String,
        /// Port that the program listens on.
        port: u16,
        /// `HTTP` or `HTTPS`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        scheme: Option<String>,
        /// Host header.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<String>,
        /// Headers to send.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        headers: Vec<(String, String)>,
    },
    /// A program that must exit with 0.
    Exec {
        /// Program and arguments.
        command: Vec<String>,
    },
}

/// A port of the workload's service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePort {
    /// Port that clients use.
    pub port: u16,
    /// Port that the program listens on; the same if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_port: Option<u16>,
    /// `TCP` or `UDP`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
}

/// An HTTP route to one of the ports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Route {
    /// Host name; the target gives one if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Path prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Service port it leads to.
    pub port: u16,
}
