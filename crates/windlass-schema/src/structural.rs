//! Structural schemas: what a CustomResourceDefinition or an OpenAPI document says about an object, parsed once.
//!
//! A [`Schema`] validates, prunes and defaults objects as a Kubernetes API server does, names unknown fields, and tells
//! server-side apply and strategic merge patch how lists and maps are merged. It does not evaluate
//! `x-kubernetes-validations` (CEL) and resolves references only inside one OpenAPI document.
//! Start with [`Schema::from_crd`] and [`Schema::from_components`]; messages are in [`error`].
//!
//! Sources: "Extend the Kubernetes API with CustomResourceDefinitions" (structural schemas, pruning, defaulting,
//! ratcheting) and the OpenAPI 3.0 specification. Wording follows Kubernetes 1.35.

mod check;
mod defaults;
pub mod error;
mod formats;
mod lists;
mod meta;
mod parse;
mod prune;
pub(crate) mod regular_expression;
mod rules;
mod validate;

#[cfg(test)]
mod tests;

use indexmap::IndexMap;
use serde_json::{Map, Value};

pub use error::{ErrorKind, FieldError};
pub use formats::format_is_known;
pub use rules::Rules;

/// Deepest nesting of schemas that is accepted; deeper ones are refused rather than risk the stack.
pub const MAX_DEPTH: usize = 64;

/// Place of a node in its [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(u32);

/// A parsed schema: nodes that refer to each other by [`NodeId`], so that recursive types need no special care.
#[derive(Clone, Debug)]
pub struct Schema {
    nodes: Vec<Node>,
    root: NodeId,
}

/// JSON types as OpenAPI names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonType {
    /// `object`
    Object,
    /// `array`
    Array,
    /// `string`
    String,
    /// `integer`
    Integer,
    /// `number`
    Number,
    /// `boolean`
    Boolean,
}

/// How the elements of a list are told apart (`x-kubernetes-list-type`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListType {
    /// Nothing is said: as atomic, but strategic merge patch looks at its own markers.
    #[default]
    Unsaid,
    /// The list is one value.
    Atomic,
    /// Each scalar stands for itself.
    Set,
    /// Elements are objects known by the values of these keys.
    Map(Vec<String>),
}

/// What an object may hold beside its named properties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Additional {
    /// `additionalProperties` is absent.
    #[default]
    Unsaid,
    /// `additionalProperties: true`
    Any,
    /// `additionalProperties: false`
    Nothing,
    /// Each value has this schema.
    Schema(NodeId),
}

/// `x-kubernetes-patch-strategy` and `x-kubernetes-patch-merge-key`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatchStrategy {
    /// Lists are merged (by [`PatchStrategy::merge_key`], or as sets of scalars).
    pub merge: bool,
    /// `$retainKeys` applies: keys that a patch does not list are cleared.
    pub retain_keys: bool,
    /// The whole value is replaced.
    pub replace: bool,
    /// Key that names an element of a merged list.
    pub merge_key: Option<String>,
}

/// One schema among those of a [`Schema`].
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// The component that this node is, where it was parsed from one (`io.k8s.api.core.v1.PodSpec`).
    pub component: Option<Box<str>>,
    /// `type`; none means any.
    pub json_type: Option<JsonType>,
    /// `format`
    pub format: Option<Box<str>>,
    /// `nullable`
    pub nullable: bool,
    /// `x-kubernetes-int-or-string`
    pub int_or_string: bool,
    /// `x-kubernetes-preserve-unknown-fields`
    pub preserve_unknown: bool,
    /// `x-kubernetes-embedded-resource`, and the root of a custom resource.
    pub embedded_resource: bool,
    /// A raw extension: any JSON, owned and merged as one value.
    pub opaque: bool,
    /// `default`
    pub default: Option<Value>,
    /// `properties`, in the order of the document.
    pub properties: IndexMap<String, NodeId>,
    /// `additionalProperties`
    pub additional: Additional,
    /// `items`
    pub items: Option<NodeId>,
    /// `x-kubernetes-list-type` with `x-kubernetes-list-map-keys`
    pub list_type: ListType,
    /// `x-kubernetes-map-type: atomic`
    pub atomic_map: bool,
    /// How strategic merge patch treats the value.
    pub patch: PatchStrategy,
    /// Value validations, where there are any.
    pub rules: Option<Box<Rules>>,
}

impl Schema {
    /// Parses the `openAPIV3Schema` of a CustomResourceDefinition version; `path` is where it stands in the definition
    /// (`spec.versions[0].schema.openAPIV3Schema`) and begins every problem's path.
    ///
    /// The root gets `apiVersion`, `kind` and `metadata` as every object has them.
    ///
    /// # Errors
    /// Everything for which Kubernetes would refuse the definition, as far as the schema alone tells (CEL rules apart).
    pub fn from_crd(openapi: &Value, path: &str) -> Result<Self, Vec<FieldError>> {
        let problems = check::check(openapi, path);
        if !problems.is_empty() {
            return Err(problems);
        }
        let schema = Self::from_openapi(openapi);
        let problems = schema.check_defaults(openapi, path);
        if problems.is_empty() { Ok(schema) } else { Err(problems) }
    }

    /// Parses a schema without judging it: what cannot be understood allows anything.
    /// Use it for definitions that were accepted before.
    pub fn from_openapi(openapi: &Value) -> Self {
        parse::custom_resource(openapi)
    }

    /// Parses component `name` of an OpenAPI v3 document (`components.schemas`) with all that it refers to.
    pub fn from_components(components: &Map<String, Value>, name: &str) -> Option<Self> {
        parse::component(components, name)
    }

    /// The schema of an object's `metadata` alone.
    pub fn object_meta() -> Self {
        parse::object_meta()
    }

    /// The schema of the whole object.
    pub fn root(&self) -> &Node {
        self.node(self.root)
    }

    /// Where the root stands.
    pub fn root_id(&self) -> NodeId {
        self.root
    }

    /// The node that `id` names.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The schema of `node`'s field `key`, whether it is a property or an additional one.
    pub fn field<'a>(&'a self, node: &'a Node, key: &str) -> Option<&'a Node> {
        self.field_id(node, key).map(|id| self.node(id))
    }

    /// Like [`Schema::field`], but where it stands.
    pub fn field_id(&self, node: &Node, key: &str) -> Option<NodeId> {
        node.properties.get(key).copied().or(match node.additional {
            Additional::Schema(id) => Some(id),
            Additional::Unsaid | Additional::Any | Additional::Nothing => None,
        })
    }

    /// Follows property names, `*` for the items of a list or the values of a map.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self.root(), |node, step| match (*step, node.items) {
            ("*", Some(items)) => Some(self.node(items)),
            (key, _) => self.field(node, key),
        })
    }
}

impl JsonType {
    /// The word that OpenAPI uses.
    pub fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
        }
    }

    /// Reads that word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Object, Self::Array, Self::String, Self::Integer, Self::Number, Self::Boolean]
            .into_iter()
            .find(|json_type| json_type.name() == name)
    }
}
