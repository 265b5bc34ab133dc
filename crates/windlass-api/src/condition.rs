//! Conditions as Kubernetes defines them, and the one way to set one so that it does not flap.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One observation about an object (shape of `metav1.Condition`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What is observed; see [`crate::names::condition_type`].
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// A constant for programs.
    #[serde(default)]
    pub reason: String,
    /// A full sentence with the way out; no times, no counters.
    #[serde(default)]
    pub message: String,
    /// When `status` last changed, RFC 3339 in whole seconds.
    #[serde(default)]
    pub last_transition_time: String,
    /// The generation it was observed at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

impl Condition {
    /// A condition without a time; [`set`] gives it one.
    pub fn new(type_: &str, status: bool, reason: &str, message: impl Into<String>) -> Self {
        Self {
            type_: type_.into(),
            status: if status { "True" } else { "False" }.into(),
            reason: reason.into(),
            message: message.into(),
            ..Self::default()
        }
    }

    /// Whether the status is `True`.
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }
}

/// Sets a condition in a list. The time moves only when the status does. `now` is RFC 3339 in whole seconds.
pub fn set(conditions: &mut Vec<Condition>, mut condition: Condition, now: &str) {
    if let Some(known) = conditions.iter_mut().find(|c| c.type_ == condition.type_) {
        condition.last_transition_time = if known.status == condition.status { known.last_transition_time.clone() } else { now.to_owned() };
        *known = condition;
    } else {
        condition.last_transition_time = now.to_owned();
        conditions.push(condition);
    }
}

/// The condition of this type, if it was set.
pub fn get<'a>(conditions: &'a [Condition], type_: &str) -> Option<&'a Condition> {
    conditions.iter().find(|c| c.type_ == type_)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_moves_only_with_the_status() {
        let mut conditions = Vec::new();
        set(&mut conditions, Condition::new("Ready", false, "Waiting", "waits for `db`"), "2026-01-01T00:00:00Z");
        set(&mut conditions, Condition::new("Ready", false, "Waiting", "waits for `app`"), "2026-01-01T00:00:05Z");
        assert_eq!(conditions[0].last_transition_time, "2026-01-01T00:00:00Z");
        set(&mut conditions, Condition::new("Ready", true, "Ready", "ready"), "2026-01-01T00:00:09Z");
        assert_eq!(conditions[0].last_transition_time, "2026-01-01T00:00:09Z");
        assert_eq!(conditions.len(), 1);
    }
}
