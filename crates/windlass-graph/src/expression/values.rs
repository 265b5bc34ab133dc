//! Values from and to the expression language.

use crate::value::{Rendered, Secret};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use windlass_api::planned::{Later, SecretReference};
use windlass_cel::Type;
use windlass_cel::Value as Cel;
use windlass_cel::value::{Later as CelLater, Secret as CelSecret};

/// A rendered value for the expression language.
pub(super) fn to_cel(value: &Rendered) -> Cel {
    match value {
        Rendered::Known(value) => Cel::from_json(value),
        Rendered::List(items) => items.iter().map(to_cel).collect::<Vec<_>>().into(),
        Rendered::Map(fields) => fields.iter().map(|(key, field)| (key.clone(), to_cel(field))).collect(),
        Rendered::Later(later) => match later.because.as_slice() {
            [path] => Cel::Later(CelLater::at(path.clone(), Type::Dyn)),
            several => Cel::Later(CelLater::from_all(several.to_vec(), Type::Dyn)),
        },
        Rendered::Secret(secret) => {
            let SecretReference { reference, fingerprint } = secret.reference.clone();
            Cel::Secret(match &secret.value {
                Some(value) => CelSecret::known(reference, fingerprint, Cel::from_json(value)),
                None => CelSecret::unknown(reference, fingerprint),
            })
        }
    }
}

/// A value of the expression language; the error says what has no form in JSON. Bytes become base64, as the API has them.
pub(super) fn from_cel(value: &Cel) -> Result<Rendered, String> {
    Ok(match value {
        Cel::List(items) => Rendered::list(items.iter().map(from_cel).collect::<Result<_, _>>()?),
        Cel::Map(entries) => {
            Rendered::map(entries.iter().map(|(key, value)| Ok((key.to_string(), from_cel(value)?))).collect::<Result<_, String>>()?)
        }
        Cel::Optional(Some(inner)) => from_cel(inner)?,
        Cel::Bytes(bytes) => Rendered::Known(Value::String(BASE64_STANDARD.encode(bytes))),
        Cel::Later(later) => Rendered::Later(Later { type_: later.ty.to_string(), because: later.because.clone() }),
        Cel::Secret(secret) => {
            let reference = SecretReference { reference: secret.reference.clone(), fingerprint: secret.fingerprint.clone() };
            let value = match secret.reveal() {
                Some(value) => from_cel(value)?.revealed(),
                None => None,
            };
            Rendered::Secret(Secret { reference, value })
        }
        other => Rendered::Known(other.to_json().map_err(|error| error.to_string())?),
    })
}

/// Joins the pieces of a text: later where one is later, else secret where one is secret.
pub(crate) fn join(parts: &[Rendered]) -> Rendered {
    let mut because: Vec<String> = parts.iter().flat_map(|part| part.planned().waits_for()).collect();
    if !because.is_empty() {
        because.sort();
        because.dedup();
        return Rendered::later("string", because);
    }
    if let Some(known) = parts.iter().map(known_text).collect::<Option<String>>() {
        return Rendered::Known(Value::String(known));
    }
    let mut hash = Sha256::new();
    let mut value = Some(String::new());
    for part in parts {
        let (kind, shown, text) = match part {
            Rendered::Secret(secret) => (1_u8, secret.reference.fingerprint.clone(), secret.value.as_ref().map(plain)),
            known => {
                let text = known_text(known).unwrap_or_default();
                (0_u8, text.clone(), Some(text))
            }
        };
        hash.update([kind]);
        // With its length before it, so that two texts never run into each other.
        hash.update((shown.len() as u64).to_le_bytes());
        hash.update(shown.as_bytes());
        value = value.zip(text).map(|(whole, text)| whole + &text);
    }
    let fingerprint = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Rendered::Secret(Secret { reference: SecretReference { reference: None, fingerprint }, value: value.map(Value::String) })
}

fn known_text(part: &Rendered) -> Option<String> {
    match part {
        Rendered::Known(value) => Some(plain(value)),
        Rendered::List(_) | Rendered::Map(_) | Rendered::Later(_) | Rendered::Secret(_) => None,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
