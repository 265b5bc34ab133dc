//! Bad input is answered with place, cause and way out, the same at every door, while a healthy neighbour is left alone.
//!
//! Each case has one snapshot, in which what the command line, the object in the API and the portal say stands side by side.
//! Start with `templates`.

mod held;
mod instances;
mod neighbour;
mod running;
mod templates;
mod text_of_page;

use serde_json::Value;

/// The conditions of an object, a line each.
fn conditions(object: &Value) -> String {
    let text = |condition: &Value, key: &str| condition[key].as_str().unwrap_or_default().to_owned();
    let lines = object["status"]["conditions"].as_array().into_iter().flatten().map(|condition| {
        let [kind, status, reason, message] = ["type", "status", "reason", "message"].map(|key| text(condition, key));
        format!("{kind}={status} {reason}: {message}\n")
    });
    lines.collect()
}
