//! The words of Windlass: its kinds, the Plan and what drivers answer as plain values, names and labels, and diagnostics.
//!
//! Everything here is data with serde; nothing acts. Other crates agree by sharing these types, so a change here is a
//! change of the contract in `ARCHITECTURE.md`. Start with [`template`], then [`plan`], [`run`] and [`inventory`].

pub mod condition;
pub mod diagnostic;
pub mod driver;
pub mod hint;
pub mod instance;
pub mod inventory;
pub mod names;
mod nearest;
pub mod plan;
pub mod planned;
pub mod run;
pub mod target;
pub mod template;
pub mod template_revision;
pub mod workload;

pub use diagnostic::{Diagnostic, Severity};
pub use nearest::{did_you_mean, nearest};

/// The CustomResourceDefinitions of Windlass' own kinds, in the order in which they are installed.
pub fn definitions() -> Vec<k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition> {
    use kube_core::CustomResourceExt as _;
    vec![
        template::Template::crd(),
        template_revision::TemplateRevision::crd(),
        target::Target::crd(),
        run::Run::crd(),
        inventory::Inventory::crd(),
    ]
}
