//! Functions that kro adds: JSON, hashes, numbers and texts that look random but are not, merging of maps.
//!
//! Source: kro's `pkg/cel/library`; the golden values of its documentation are in the tests of fixtures.

use super::conversions::first;
use super::{Failure, Outcome, Row, failed, global, member};
use crate::value::{Key, Value};
use indexmap::IndexMap;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

pub(super) const ROWS: &[Row] = &[
    global("json.marshal", &["A -> string"], |arguments| match first(arguments)?.to_json() {
        Ok(json) => Ok(json.to_string().into()),
        Err(problem) => failed(problem.to_string()),
    }),
    global("json.unmarshal", &["string -> dyn"], |arguments| match serde_json::from_str(text(arguments, 0)?) {
        Ok(json) => Ok(Value::from_json(&json)),
        Err(problem) => failed(format!("the text is no JSON: {problem}")),
    }),
    global("hash.sha256", &["string -> bytes", "bytes -> bytes"], |arguments| {
        Ok(Value::Bytes(Sha256::digest(bytes(arguments)?).as_slice().into()))
    }),
    global("hash.fnv64a", &["string -> bytes", "bytes -> bytes"], |arguments| {
        Ok(Value::Bytes(fnv64a(bytes(arguments)?).to_be_bytes().as_slice().into()))
    }),
    global("random.seededString", &["int, string -> string"], seeded_string),
    global("random.seededInt", &["int, int, string -> int"], seeded_int),
    member("merge", &["map(A, B), map(A, B) -> map(A, B)"], |arguments| merged(arguments, false)),
    member("deepMerge", &["map(A, B), map(A, B) -> map(A, B)"], |arguments| merged(arguments, true)),
];

/// Characters of seeded texts.
const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// The longest seeded text.
const LONGEST: i64 = 1024;

fn text(arguments: &[Value], at: usize) -> Result<&str, Failure> {
    match arguments.get(at) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(Failure::NoOverload),
    }
}

fn bytes(arguments: &[Value]) -> Result<&[u8], Failure> {
    match first(arguments)? {
        Value::String(text) => Ok(text.as_bytes()),
        Value::Bytes(bytes) => Ok(bytes),
        _ => Err(Failure::NoOverload),
    }
}

fn fnv64a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

fn seeded_string(arguments: &[Value]) -> Outcome {
    let Value::Int(length) = first(arguments)? else { return Err(Failure::NoOverload) };
    if !(1..=LONGEST).contains(length) {
        return failed(format!("the length must be from 1 to {LONGEST}, not {length}"));
    }
    let seed = text(arguments, 1)?;
    let mut made = String::new();
    let mut round = Sha256::digest(seed.as_bytes());
    while (made.len() as i64) < *length {
        for byte in round {
            if (made.len() as i64) < *length {
                made.push(char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
            }
        }
        round = Sha256::digest(round);
    }
    Ok(made.into())
}

fn seeded_int(arguments: &[Value]) -> Outcome {
    let (Some(Value::Int(least)), Some(Value::Int(most))) = (arguments.first(), arguments.get(1)) else { return Err(Failure::NoOverload) };
    if least >= most {
        return failed(format!("the least number {least} must be below {most}"));
    }
    let hash = Sha256::digest(text(arguments, 2)?.as_bytes());
    let mut eight = [0; 8];
    eight.copy_from_slice(&hash[..8]);
    let span = (i128::from(*most) - i128::from(*least)) as u128;
    let value = i128::from(*least) + (u128::from(u64::from_be_bytes(eight)) % span) as i128;
    i64::try_from(value).map(Value::Int).map_err(|_| Failure::TooLarge)
}

fn merged(arguments: &[Value], deep: bool) -> Outcome {
    match (arguments.first(), arguments.get(1)) {
        (Some(Value::Map(a)), Some(Value::Map(b))) => Ok(Value::Map(Arc::new(merge(a, b, deep)))),
        _ => Err(Failure::NoOverload),
    }
}

fn merge(a: &IndexMap<Key, Value>, b: &IndexMap<Key, Value>, deep: bool) -> IndexMap<Key, Value> {
    let mut merged = a.clone();
    for (key, value) in b {
        let value = match (merged.get(key), value) {
            (Some(Value::Map(known)), Value::Map(new)) if deep => Value::Map(Arc::new(merge(known, new, true))),
            _ => value.clone(),
        };
        merged.insert(key.clone(), value);
    }
    merged
}
