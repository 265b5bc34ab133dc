//! Template → typed Graph → Plan. Pure: nothing here reads a file, a clock or an API; whatever is needed from outside is
//! asked for as a value and answered as a value.
//!
//! A Template is compiled once ([`compile::compile`]); [`decide::decide`] then says what is needed next or what would be
//! done. [`refine`] compares plans, [`approval`] says who must look at one first, [`deletion`] plans without any Template,
//! [`document`] reads files with places.

pub mod approval;
mod body;
pub mod compile;
pub mod decide;
pub mod deletion;
pub mod document;
mod expression;
mod graph;
mod identifier;
pub mod nesting;
mod order;
pub mod path;
pub mod quantity;
pub mod refine;
pub mod render;
pub mod sizes;
mod value;
