//! The Kubernetes API over [`windlass_store`]: what kubectl, kube-rs and server-side apply need, served by an axum router.
//!
//! It knows the built-in kinds that it serves, CustomResourceDefinitions, and the kinds that those define; it knows no
//! Windlass kind. It opens no socket: the owner of [`Server`] serves [`Server::router`] over TCP or calls it in process.
//! Where it differs from a real kube-apiserver (1.35), it is wrong.
//!
//! Start at [`Server::open`]; `routes.rs` is the table of all paths, `verbs/` has one file for each verb, `registry.rs` knows
//! which resources there are.

mod access;
mod admission;
mod answer;
mod api;
pub mod builtin;
mod collector;
mod crd;
mod discovery;
mod encryption;
pub mod fields;
mod health;
mod logs;
mod metrics;
mod namespaces;
mod object;
mod openapi;
mod ownership;
mod registry;
mod request;
mod reviews;
mod routes;
mod selector;
mod server;
mod status;
mod stored;
mod table;
mod verbs;

pub use access::{AllowAll, Attributes, Authorizer, Caller, Decision};
pub use admission::{Admission, AdmissionRequest, Operation, StoredObjects};
pub use encryption::EncryptionKey;
pub use logs::{LogLine, LogLines, LogOptions, LogRequest, LogSource};
pub use metrics::MetricSource;
pub use server::{OpenError, Options, Server};
pub use status::{Cause, Details, Status};
