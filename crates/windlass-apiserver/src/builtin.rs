//! The kinds that the API server has without any CustomResourceDefinition: their OpenAPI, defaults, validation, tables
//! and protobuf form.
//!
//! Pure tables and functions: nothing here stores or serves. OpenAPI and protobuf tables lie in `assets/`, written by
//! `cargo xtask codegen` from Kubernetes 1.35; they are read in place and parsed kind by kind on first use.
//! Start with [`kinds()`]; then [`openapi`], [`schema`], [`defaults()`], [`validate()`], [`columns`] and [`protobuf::decode`].

mod age;
mod defaults;
mod documents;
mod go_decode;
mod json_path;
mod kinds;
pub mod names;
pub mod object_meta;
pub mod protobuf;
mod table;
mod validate;

#[cfg(test)]
mod tests;

pub use age::human_duration;
pub use defaults::defaults;
pub use documents::{component_json, components, info, openapi, path_items, schema, schema_for_component};
pub use go_decode::{decode_problem, meta_problem, normalize, normalize_applied, normalize_meta};
pub use json_path::JsonPath;
pub use kinds::{Kind, Subresource, find, find_kind, kinds};
pub use table::{CUSTOM_SCALE, Column, Printer, columns, custom_columns, row};
pub use validate::{Endpoint, validate};
