//! What pages show, as plain values: rows of lists, forms, plans as letters, commands. Nothing here draws or calls.

pub(crate) mod commands;
pub(crate) mod form;
pub(crate) mod letter;
pub(crate) mod needs;
pub(crate) mod query;
pub(crate) mod rows;
pub(crate) mod tone;
