//! A rendered value: known, later or secret, with the secret itself where it is known. It never prints a secret; a Plan
//! gets [`Rendered::planned`], an effect [`Rendered::revealed`].

use serde_json::{Map, Value};
use std::fmt;
use windlass_api::planned::{Later, Planned, SecretReference};

/// A rendered value.
#[derive(Clone, PartialEq)]
pub(crate) enum Rendered {
    /// Known, all of it.
    Known(Value),
    /// A list of which some item is later or secret.
    List(Vec<Rendered>),
    /// An object of which some field is later or secret.
    Map(Vec<(String, Rendered)>),
    /// Known once other nodes are there.
    Later(Later),
    /// Never shown.
    Secret(Secret),
}

/// A secret, with its value where it is known.
#[derive(Clone, PartialEq)]
pub(crate) struct Secret {
    /// What may be shown of it.
    pub(crate) reference: SecretReference,
    /// The value; for effects only.
    pub(crate) value: Option<Value>,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.planned().to_json())
    }
}

impl Rendered {
    /// Known later, because of these.
    pub(crate) fn later(type_: &str, because: impl IntoIterator<Item = String>) -> Self {
        Self::Later(Later { type_: type_.to_owned(), because: because.into_iter().collect() })
    }

    /// A planned value, whose secrets have no value here.
    pub(crate) fn from_planned(planned: &Planned) -> Self {
        match planned {
            Planned::Known(value) => Self::Known(value.clone()),
            Planned::List(items) => Self::list(items.iter().map(Self::from_planned).collect()),
            Planned::Map(fields) => Self::map(fields.iter().map(|(key, field)| (key.clone(), Self::from_planned(field))).collect()),
            Planned::Later(later) => Self::Later(later.clone()),
            Planned::Secret(reference) => Self::Secret(Secret { reference: reference.clone(), value: None }),
        }
    }

    /// An object, folded where all of it is known.
    pub(crate) fn map(fields: Vec<(String, Self)>) -> Self {
        if fields.iter().all(|(_, field)| matches!(field, Self::Known(_))) {
            Self::Known(Value::Object(fields.into_iter().filter_map(|(key, field)| Some((key, field.into_known()?))).collect()))
        } else {
            Self::Map(fields)
        }
    }

    /// A list, folded where all of it is known.
    pub(crate) fn list(items: Vec<Self>) -> Self {
        if items.iter().all(|item| matches!(item, Self::Known(_))) {
            Self::Known(items.into_iter().filter_map(Self::into_known).collect())
        } else {
            Self::List(items)
        }
    }

    fn into_known(self) -> Option<Value> {
        match self {
            Self::Known(value) => Some(value),
            Self::List(_) | Self::Map(_) | Self::Later(_) | Self::Secret(_) => None,
        }
    }

    /// What may be shown and is hashed.
    pub(crate) fn planned(&self) -> Planned {
        match self {
            Self::Known(value) => Planned::Known(value.clone()),
            Self::List(items) => Planned::list(items.iter().map(Self::planned).collect()),
            Self::Map(fields) => Planned::map(fields.iter().map(|(key, field)| (key.clone(), field.planned())).collect()),
            Self::Later(later) => Planned::Later(later.clone()),
            Self::Secret(secret) => Planned::Secret(secret.reference.clone()),
        }
    }

    /// The whole value with secrets filled in; `None` while some of it is not known. Only for effects.
    pub(crate) fn revealed(&self) -> Option<Value> {
        match self {
            Self::Known(value) => Some(value.clone()),
            Self::List(items) => items.iter().map(Self::revealed).collect::<Option<Vec<_>>>().map(Value::Array),
            Self::Map(fields) => {
                let fields = fields.iter().map(|(key, field)| Some((key.clone(), field.revealed()?)));
                fields.collect::<Option<Map<_, _>>>().map(Value::Object)
            }
            Self::Later(_) => None,
            Self::Secret(secret) => secret.value.clone(),
        }
    }

    /// The field of an object.
    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        match self {
            Self::Known(value) => value.get(key).cloned().map(Self::Known),
            Self::Map(fields) => fields.iter().find(|(name, _)| name == key).map(|(_, field)| field.clone()),
            Self::List(_) | Self::Later(_) | Self::Secret(_) => None,
        }
    }

    /// The known text at keys below this value.
    pub(crate) fn text(&self, keys: &[&str]) -> Option<String> {
        let found = keys.iter().try_fold(self.clone(), |value, key| value.get(key))?;
        match found {
            Self::Known(Value::String(text)) => Some(text),
            Self::Known(_) | Self::List(_) | Self::Map(_) | Self::Later(_) | Self::Secret(_) => None,
        }
    }

    /// Opens an object into its fields.
    fn fields(&self) -> Option<Vec<(String, Self)>> {
        match self {
            Self::Known(Value::Object(fields)) => {
                Some(fields.iter().map(|(key, field)| (key.clone(), Self::Known(field.clone()))).collect())
            }
            Self::Map(fields) => Some(fields.clone()),
            Self::Known(_) | Self::List(_) | Self::Later(_) | Self::Secret(_) => None,
        }
    }

    /// Puts a value at keys below this one, objects on the way made where they are missing. What is no object stays.
    pub(crate) fn put(&mut self, keys: &[&str], value: Self) {
        let Some((key, rest)) = keys.split_first() else {
            *self = value;
            return;
        };
        let Some(mut fields) = self.fields() else { return };
        match fields.iter_mut().find(|(name, _)| name == key) {
            Some((_, field)) => field.put(rest, value),
            None => {
                let mut field = Self::Known(Value::Object(Map::new()));
                field.put(rest, value);
                fields.push(((*key).to_owned(), field));
            }
        }
        *self = Self::map(fields);
    }

    /// Says `later` at the first key on the way that this value has not, so that reading there waits instead of failing.
    pub(crate) fn open_later(&mut self, keys: &[String], root: &str) {
        let mut at = Vec::new();
        let mut here = self.clone();
        for key in keys {
            at.push(key.as_str());
            match here.fields() {
                Some(fields) => match fields.into_iter().find(|(name, _)| name == key) {
                    Some((_, field)) => here = field,
                    None => {
                        let because = format!("{root}.{}", at.join("."));
                        self.put(&at, Self::later("dyn", [because]));
                        return;
                    }
                },
                None => return,
            }
        }
    }

    /// This value with the fields of another put over it, object by object; lists are taken whole.
    pub(crate) fn overlaid(&self, over: &Self) -> Self {
        let (Some(mut fields), Some(others)) = (self.fields(), over.fields()) else { return over.clone() };
        for (key, other) in others {
            match fields.iter_mut().find(|(name, _)| *name == key) {
                Some((_, field)) => *field = field.overlaid(&other),
                None => fields.push((key, other)),
            }
        }
        Self::map(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_revealed_only_on_purpose() {
        let secret = Secret { reference: SecretReference { reference: None, fingerprint: "ab".into() }, value: Some(json!("hunter2")) };
        let value = Rendered::map(vec![("password".into(), Rendered::Secret(secret)), ("user".into(), Rendered::Known(json!("u")))]);
        assert!(!format!("{value:?}").contains("hunter2"));
        assert_eq!(value.revealed(), Some(json!({"password": "hunter2", "user": "u"})));
        assert_eq!(value.planned().known(), None);
    }

    #[test]
    fn what_is_missing_comes_later() {
        let mut value = Rendered::Known(json!({"spec": {"a": 1}, "list": []}));
        value.open_later(&["spec".into(), "a".into()], "db");
        assert_eq!(value, Rendered::Known(json!({"spec": {"a": 1}, "list": []})));
        value.open_later(&["status".into(), "url".into()], "db");
        value.open_later(&["spec".into(), "b".into()], "db");
        value.open_later(&["status".into(), "host".into()], "db");
        assert_eq!(value.planned().waits_for(), ["db.spec.b", "db.status"]);
        assert_eq!(value.revealed(), None);
    }

    #[test]
    fn overlaying_keeps_what_is_not_named() {
        let live = Rendered::Known(json!({"spec": {"a": 1, "b": [1, 2]}, "status": {"x": 1}}));
        let desired = Rendered::Known(json!({"spec": {"a": 2, "b": [3]}}));
        assert_eq!(live.overlaid(&desired), Rendered::Known(json!({"spec": {"a": 2, "b": [3]}, "status": {"x": 1}})));
    }
}
