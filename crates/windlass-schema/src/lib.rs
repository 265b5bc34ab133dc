//! Schemas: SimpleSchema → OpenAPI ([`simple`]), structural schemas as the API server reads them ([`structural`]), what breaks
//! from one schema to the next ([`compat`]), the form of a kind ([`form`]), the way out of a refusal ([`way_out()`]), and plurals
//! ([`plural`]). Pure.

pub mod compat;
pub mod form;
pub mod plural;
pub mod simple;
pub mod structural;
mod way_out;

pub use way_out::way_out;
