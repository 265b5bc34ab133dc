//! Base64. Source: cel-spec, "Encoders" extension.

use super::conversions::first;
use super::{Failure, Row, failed, global};
use crate::value::Value;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::prelude::BASE64_STANDARD;

pub(super) const ROWS: &[Row] = &[
    global("base64.encode", &["bytes -> string"], |arguments| match first(arguments)? {
        Value::Bytes(bytes) => Ok(BASE64_STANDARD.encode(bytes).into()),
        _ => Err(Failure::NoOverload),
    }),
    global("base64.decode", &["string -> bytes"], |arguments| match first(arguments)? {
        Value::String(text) => match STANDARD_NO_PAD.decode(text.trim_end_matches('=')) {
            Ok(bytes) => Ok(Value::Bytes(bytes.into())),
            Err(_) => failed("the text is no base64"),
        },
        _ => Err(Failure::NoOverload),
    }),
];
