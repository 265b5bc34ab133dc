//! Score files (`score.dev/v1b1`) → workloads that a target can run. Pure.
//!
//! A file is checked against the format's rules ([`check`]) and turned into a [`windlass_api::workload::Workload`]
//! ([`workload`]), its `${metadata.*}` and `${resources.*}` resolved. Values may come later or be secret: what comes out is
//! a planned value of the same shape. What has no provider yet is refused with a way out, never left out silently.

mod convert;
pub mod placeholder;
mod rules;
mod shape;
mod text;

pub use convert::{Request, workload};
pub use rules::{Place, check, openapi};
pub use shape::{Expansion, expansion};
