//! Markup. Every text from outside goes through maud's escaping or [`crate::markdown`]; nothing here reads or decides.
//!
//! A page is a [`layout::Page`]: what stands still, and a live part that the script fetches again when something changed.

pub(crate) mod form;
pub(crate) mod help;
pub(crate) mod home;
pub(crate) mod instance;
pub(crate) mod instances;
pub(crate) mod layout;
pub(crate) mod parts;
pub(crate) mod plan;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod search;
pub(crate) mod templates;
pub(crate) mod trouble;
