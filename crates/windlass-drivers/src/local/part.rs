//! The parts that a workload consists of on this machine, their keys and identities. An effect is one part.

use std::fmt;
use windlass_api::plan::{Identity, InstanceReference};

/// One thing that can be deleted by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    /// Files of a container.
    Files(String),
    /// A program: replica, and container where a replica has several.
    Process(u32, Option<String>),
    /// The stable listener of a service port.
    Listener(String),
    /// A host name and path on the shared gateway.
    Route(String),
}

impl fmt::Display for Part {
    /// `files-main`, `replica-0`, `replica-0.main`, `port-web`, `route-www`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Files(container) => write!(f, "files-{container}"),
            Self::Process(replica, None) => write!(f, "replica-{replica}"),
            Self::Process(replica, Some(container)) => write!(f, "replica-{replica}.{container}"),
            Self::Listener(port) => write!(f, "port-{port}"),
            Self::Route(route) => write!(f, "route-{route}"),
        }
    }
}

impl Part {
    /// Reads what [`fmt::Display`] writes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('-')?;
        match kind {
            "files" => Some(Self::Files(name.into())),
            "port" => Some(Self::Listener(name.into())),
            "route" => Some(Self::Route(name.into())),
            "replica" => match name.split_once('.') {
                Some((replica, container)) => Some(Self::Process(replica.parse().ok()?, Some(container.into()))),
                None => Some(Self::Process(name.parse().ok()?, None)),
            },
            _ => None,
        }
    }

    /// Node key and part of an effect's key.
    pub(super) fn of_key(key: &str) -> Option<(&str, Self)> {
        let (node, part) = key.split_once('/')?;
        Some((node, Self::parse(part)?))
    }

    /// The effect's key.
    pub(super) fn key(&self, node: &str) -> String {
        format!("{node}/{self}")
    }

    /// What the part is, known before it exists. A route is held by its host and path, everything else belongs to one instance.
    pub(super) fn identity(&self, instance: &InstanceReference, node: &str, place: Option<&str>) -> Identity {
        let kind = match self {
            Self::Files(_) => "Files",
            Self::Process(..) => "Process",
            Self::Listener(_) => "Listener",
            Self::Route(_) => "Route",
        };
        let own = || format!("{}/{}/{}", instance.kind.to_lowercase(), instance.name, self.key(node));
        let name = place.map_or_else(own, str::to_owned);
        Identity { kind: kind.into(), api_version: None, namespace: instance.namespace.clone(), name }
    }

    /// Whether it is a program of this replica.
    pub(super) fn is_of(&self, replica: u32) -> bool {
        matches!(self, Self::Process(of, _) if *of == replica)
    }

    /// When it is made among the parts of its node; deletion goes backwards. Where programs are changed, one follows the
    /// other, so that the rest goes on serving.
    pub(super) fn stage(&self, one_after_another: bool) -> u8 {
        match self {
            Self::Files(_) => 0,
            Self::Process(replica, _) if one_after_another => 2 + u8::try_from((*replica).min(200)).unwrap_or(200),
            Self::Process(..) => 1,
            Self::Listener(_) => 210,
            Self::Route(_) => 211,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part() -> impl Strategy<Value = Part> {
        let name = "[a-z][a-z0-9.-]{0,10}";
        prop_oneof![
            name.prop_map(Part::Files),
            (any::<u32>(), proptest::option::of(name)).prop_map(|(replica, container)| Part::Process(replica, container)),
            name.prop_map(Part::Listener),
            name.prop_map(Part::Route),
        ]
    }

    proptest! {
        #[test]
        fn a_key_names_its_part(part in part()) {
            let key = part.key("app[3]");
            prop_assert_eq!(Part::of_key(&key), Some(("app[3]", part)));
        }

        #[test]
        fn any_text_is_a_part_or_none(text in ".{0,20}") {
            if let Some(part) = Part::parse(&text) {
                prop_assert!(Part::parse(&part.to_string()) == Some(part));
            }
        }
    }
}
