//! Building blocks and targets: one module each, behind the [`Driver`] trait.
//!
//! A driver plans, applies, observes, cancels and deletes single effects. It decides nothing: which effects are taken,
//! in what order and whether at all is in the Plan. Drivers do not see each other, controllers or the store.
//! Start with [`Driver`], then [`kubernetes_object`] and [`local`].

pub mod driver;
pub mod kubernetes_object;
pub mod local;

pub use driver::{Driver, DriverError, Drivers, RunIdentity, Scope};
