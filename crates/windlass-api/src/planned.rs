//! A value of a plan: known, known later, or secret.
//!
//! In JSON a later value is `{"$later": {"type": ..., "because": [...]}}` and a secret one is
//! `{"$secret": {"reference": ..., "fingerprint": ...}}`; everything else is plain. A plan never holds a secret itself.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A value that is known once the nodes in `because` are there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    /// Its type in the words of the expression language, such as `string`.
    #[serde(rename = "type", default)]
    pub type_: String,
    /// What it comes from, as `node.path`.
    #[serde(default)]
    pub because: Vec<String>,
}

/// A value that is passed on and never shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretReference {
    /// Where it can be read, as `Secret/NAMESPACE/NAME/KEY`; absent if it was computed from others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// HMAC of the value with the installation's key: equal secrets have equal fingerprints.
    #[serde(default)]
    pub fingerprint: String,
}

/// A planned value.
#[derive(Clone, Debug, PartialEq)]
pub enum Planned {
    /// Known now, all of it.
    Known(Value),
    /// A list of which some item is not known now.
    List(Vec<Planned>),
    /// An object of which some field is not known now; in the author's order.
    Map(Vec<(String, Planned)>),
    /// Known once other nodes are there.
    Later(Later),
    /// Never shown.
    Secret(SecretReference),
}

impl Planned {
    /// Whether all of it is known and none of it secret.
    pub fn known(&self) -> Option<&Value> {
        match self {
            Self::Known(value) => Some(value),
            Self::List(_) | Self::Map(_) | Self::Later(_) | Self::Secret(_) => None,
        }
    }

    /// Builds a list, folded into a known value where every item is known.
    pub fn list(items: Vec<Self>) -> Self {
        if items.iter().all(|item| item.known().is_some()) {
            Self::Known(items.into_iter().filter_map(Self::into_known).collect())
        } else {
            Self::List(items)
        }
    }

    /// Builds an object, folded into a known value where every field is known.
    pub fn map(fields: Vec<(String, Self)>) -> Self {
        if fields.iter().all(|(_, field)| field.known().is_some()) {
            Self::Known(fields.into_iter().filter_map(|(key, field)| Some((key, field.into_known()?))).collect::<Map<_, _>>().into())
        } else {
            Self::Map(fields)
        }
    }

    fn into_known(self) -> Option<Value> {
        match self {
            Self::Known(value) => Some(value),
            Self::List(_) | Self::Map(_) | Self::Later(_) | Self::Secret(_) => None,
        }
    }

    /// The value at a field, where this is an object that has it.
    pub fn get(&self, key: &str) -> Option<Self> {
        match self {
            Self::Known(value) => value.get(key).cloned().map(Self::Known),
            Self::Map(fields) => fields.iter().find(|(name, _)| name == key).map(|(_, field)| field.clone()),
            Self::List(_) | Self::Later(_) | Self::Secret(_) => None,
        }
    }

    /// The form for people and programs; see the module head.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Known(value) => value.clone(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(fields) => Value::Object(fields.iter().map(|(key, field)| (key.clone(), field.to_json())).collect()),
            Self::Later(later) => json!({ "$later": later }),
            Self::Secret(secret) => json!({ "$secret": secret }),
        }
    }

    /// Reads the form that [`Self::to_json`] writes.
    pub fn from_json(value: &Value) -> Self {
        match value {
            Value::Object(fields) => {
                if fields.len() == 1
                    && let Some(later) = fields.get("$later").and_then(|v| serde_json::from_value(v.clone()).ok())
                {
                    return Self::Later(later);
                }
                if fields.len() == 1
                    && let Some(secret) = fields.get("$secret").and_then(|v| serde_json::from_value(v.clone()).ok())
                {
                    return Self::Secret(secret);
                }
                Self::map(fields.iter().map(|(key, field)| (key.clone(), Self::from_json(field))).collect())
            }
            Value::Array(items) => Self::list(items.iter().map(Self::from_json).collect()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Self::Known(value.clone()),
        }
    }

    /// Whether `actual` keeps what this value promised: known parts equal, secrets of the same fingerprint, later parts anything.
    pub fn admits(&self, actual: &Self) -> bool {
        match (self, actual) {
            (Self::Later(_), _) => true,
            (Self::Known(promised), Self::Known(found)) => promised == found,
            (Self::Secret(promised), Self::Secret(found)) => promised.fingerprint.is_empty() || promised.fingerprint == found.fingerprint,
            (Self::List(promised), Self::List(found)) => {
                promised.len() == found.len() && promised.iter().zip(found).all(|(a, b)| a.admits(b))
            }
            (Self::List(promised), Self::Known(Value::Array(found))) => {
                promised.len() == found.len() && promised.iter().zip(found).all(|(a, b)| a.admits(&Self::Known(b.clone())))
            }
            (Self::Map(promised), Self::Known(_) | Self::Map(_)) => {
                promised.len() == actual.len() && promised.iter().all(|(key, a)| actual.get(key).is_some_and(|b| a.admits(&b)))
            }
            (Self::Known(_) | Self::List(_) | Self::Map(_) | Self::Secret(_), _) => false,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Known(Value::Object(fields)) => fields.len(),
            Self::Known(Value::Array(items)) => items.len(),
            Self::List(items) => items.len(),
            Self::Map(fields) => fields.len(),
            Self::Known(_) | Self::Later(_) | Self::Secret(_) => 0,
        }
    }

    /// Everything that this value waits for, as `node.path`, sorted, each once.
    pub fn waits_for(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.collect_because(&mut found);
        found.sort();
        found.dedup();
        found
    }

    fn collect_because(&self, found: &mut Vec<String>) {
        match self {
            Self::Later(later) => found.extend(later.because.iter().cloned()),
            Self::List(items) => items.iter().for_each(|item| item.collect_because(found)),
            Self::Map(fields) => fields.iter().for_each(|(_, field)| field.collect_because(found)),
            Self::Known(_) | Self::Secret(_) => {}
        }
    }
}

impl Serialize for Planned {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Planned {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from_json(&Value::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(node: &str) -> Planned {
        Planned::Later(Later { type_: "string".into(), because: vec![node.into()] })
    }

    #[test]
    fn survives_json() {
        let value = Planned::map(vec![
            ("host".into(), later("db.outputs.host")),
            ("port".into(), Planned::Known(json!(5432))),
            ("password".into(), Planned::Secret(SecretReference { reference: None, fingerprint: "ab".into() })),
        ]);
        assert_eq!(Planned::from_json(&value.to_json()), value);
        assert_eq!(value.waits_for(), ["db.outputs.host"]);
    }

    #[test]
    fn later_admits_anything_and_known_only_itself() {
        let promised = Planned::map(vec![("host".into(), later("db")), ("port".into(), Planned::Known(json!(1)))]);
        assert!(promised.admits(&Planned::Known(json!({"host": "x", "port": 1}))));
        assert!(!promised.admits(&Planned::Known(json!({"host": "x", "port": 2}))));
        assert!(!promised.admits(&Planned::Known(json!({"host": "x", "port": 1, "more": true}))));
    }
}
