//! The controllers against an API server: the embedded one, or the one that `WINDLASS_TEST_KUBECONFIG` names.
//!
//! Tests speak to a `kube::Client` only. Start with [`platform`].

mod approval;
mod crash;
mod deletion;
mod effects;
mod events;
mod later;
mod operations;
mod platform;
mod runs;
mod settled;
mod templates;
