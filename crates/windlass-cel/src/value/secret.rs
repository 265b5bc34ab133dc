//! A value that is passed on and never looked at.

use super::Value;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// A secret: what may be shown of it, and the value itself where it is known.
#[derive(Clone, PartialEq)]
pub struct Secret {
    /// Where it can be read, such as `Secret/NAMESPACE/NAME/KEY`; `None` if it was computed.
    pub reference: Option<String>,
    /// Equal for equal secrets. The caller gives a keyed one for what it reads; the ones of computed secrets follow from it.
    pub fingerprint: String,
    value: Option<Arc<Value>>,
}

impl Secret {
    /// A secret of which only the fingerprint is known here.
    pub fn unknown(reference: Option<String>, fingerprint: impl Into<String>) -> Self {
        Self { reference, fingerprint: fingerprint.into(), value: None }
    }

    /// A secret with its value.
    pub fn known(reference: Option<String>, fingerprint: impl Into<String>, value: Value) -> Self {
        Self { reference, fingerprint: fingerprint.into(), value: Some(Arc::new(value)) }
    }

    /// The value, for effects only: never to be shown.
    pub fn reveal(&self) -> Option<&Value> {
        self.value.as_deref()
    }

    /// The same secret, its value as a type wants it.
    pub(crate) fn into_type(self, ty: &crate::types::Type) -> Self {
        let value = self.value.map(|value| Arc::new(value.as_ref().clone().into_type(ty)));
        Self { value, ..self }
    }

    /// The secret that a function makes of its arguments, of which at least one is a secret.
    pub(crate) fn computed(function: &str, arguments: &[Value], value: Option<Value>) -> Self {
        let mut hash = Sha256::new();
        absorb(&mut hash, function.as_bytes());
        for argument in arguments {
            absorb_value(&mut hash, argument);
        }
        let fingerprint = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { reference: None, fingerprint, value: value.map(Arc::new) }
    }
}

/// With its length before it, so that two texts never run into each other.
fn absorb(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

fn absorb_value(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Secret(secret) => absorb(hash, format!("secret:{}", secret.fingerprint).as_bytes()),
        Value::List(items) => {
            absorb(hash, format!("list:{}", items.len()).as_bytes());
            items.iter().for_each(|item| absorb_value(hash, item));
        }
        Value::Map(entries) => {
            absorb(hash, format!("map:{}", entries.len()).as_bytes());
            for (key, value) in entries.iter() {
                absorb_value(hash, &key.to_value());
                absorb_value(hash, value);
            }
        }
        Value::Optional(Some(inner)) => {
            absorb(hash, b"some");
            absorb_value(hash, inner);
        }
        other => absorb(hash, format!("{other:?}").as_bytes()),
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("reference", &self.reference).field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}
