//! The value validations of one schema node: what a value must fulfil beyond its type.
//!
//! Only data; [`super::validate`] applies it. Start with [`Rules`].

use super::NodeId;
use regex::Regex;
use serde_json::{Number, Value};

/// Validations of one node. Bounds are inclusive unless said otherwise.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// `enum`
    pub allowed: Vec<Value>,
    /// `minimum`
    pub minimum: Option<Number>,
    /// `exclusiveMinimum`: the bound itself is not allowed.
    pub exclusive_minimum: bool,
    /// `maximum`
    pub maximum: Option<Number>,
    /// `exclusiveMaximum`: the bound itself is not allowed.
    pub exclusive_maximum: bool,
    /// `multipleOf`
    pub multiple_of: Option<Number>,
    /// `minLength`, in characters.
    pub min_length: Option<u64>,
    /// `maxLength`, in characters.
    pub max_length: Option<u64>,
    /// `pattern` as written.
    pub pattern: Option<String>,
    /// `pattern` compiled; none when it does not compile.
    pub expression: Option<Regex>,
    /// `minItems`
    pub min_items: Option<u64>,
    /// `maxItems`
    pub max_items: Option<u64>,
    /// `uniqueItems`
    pub unique_items: bool,
    /// `minProperties`
    pub min_properties: Option<u64>,
    /// `maxProperties`
    pub max_properties: Option<u64>,
    /// `required`
    pub required: Vec<String>,
    /// `allOf`
    pub all_of: Vec<NodeId>,
    /// `anyOf`
    pub any_of: Vec<NodeId>,
    /// `oneOf`
    pub one_of: Vec<NodeId>,
    /// `not`
    pub not: Option<NodeId>,
}

impl Rules {
    /// Whether nothing is demanded.
    pub(super) fn is_empty(&self) -> bool {
        let numbers = [&self.minimum, &self.maximum, &self.multiple_of];
        let counts = [self.min_length, self.max_length, self.min_items, self.max_items, self.min_properties, self.max_properties];
        let logic = [&self.all_of, &self.any_of, &self.one_of];
        self.allowed.is_empty()
            && numbers.iter().all(|bound| bound.is_none())
            && counts.iter().all(Option::is_none)
            && logic.iter().all(|list| list.is_empty())
            && self.pattern.is_none()
            && !self.unique_items
            && self.required.is_empty()
            && self.not.is_none()
    }
}
