//! Which kinds a server has: read once a command, from aggregated discovery or, where a server lacks it, group by group.

use super::api::Api;
use super::failure::{Failure, quote};
use serde_json::Value;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// A kind as it is served in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Group; empty for the core.
    pub(crate) group: String,
    /// Version.
    pub(crate) version: String,
    /// Plural name, as in addresses.
    pub(crate) plural: String,
    /// Singular name.
    pub(crate) singular: String,
    /// Kind.
    pub(crate) kind: String,
    /// Whether its objects are in namespaces.
    pub(crate) namespaced: bool,
    /// What may be done.
    pub(crate) verbs: Vec<String>,
    /// Short names.
    pub(crate) short_names: Vec<String>,
    /// Categories.
    pub(crate) categories: Vec<String>,
}

impl Resource {
    /// `apiVersion`.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The address of the collection; of all namespaces where none is given.
    pub(crate) fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() { "/api" } else { "/apis" };
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => {
                format!("{root}/{}/namespaces/{}/{}", self.api_version(), super::api::escaped(namespace), self.plural)
            }
            None => format!("{root}/{}/{}", self.api_version(), self.plural),
        }
    }

    /// The address of one object.
    pub(crate) fn object_path(&self, namespace: Option<&str>, name: &str) -> String {
        format!("{}/{}", self.path(namespace), super::api::escaped(name))
    }

    /// `deployment.apps`, as it stands before a name in output.
    pub(crate) fn qualified_singular(&self) -> String {
        qualified(&self.kind.to_lowercase(), &self.group)
    }

    /// `deployments.apps`.
    pub(crate) fn qualified_plural(&self) -> String {
        qualified(&self.plural, &self.group)
    }
}

fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

/// All kinds of a server, the preferred version of each group first.
#[derive(Debug, Default)]
pub(crate) struct Kinds {
    resources: Vec<Resource>,
}

impl Kinds {
    /// Asks the server.
    pub(crate) async fn read(api: &Api) -> Result<Self, Failure> {
        let mut resources = Vec::new();
        for root in ["/api", "/apis"] {
            let answer = api.get(root, &[], AGGREGATED).await?;
            match answer["kind"].as_str() {
                Some("APIGroupDiscoveryList") => aggregated(&answer, &mut resources),
                _ => one_by_one(api, root, &answer, &mut resources).await?,
            }
        }
        Ok(Self { resources })
    }

    /// Those of the groups in a document of aggregated discovery.
    #[cfg(test)]
    pub(crate) fn of_groups(groups: &[Value]) -> Self {
        let mut resources = Vec::new();
        aggregated(&serde_json::json!({"items": groups}), &mut resources);
        Self { resources }
    }

    /// The kind of an argument such as `cm`, `deployments.apps` or `widgets.v1.example.com`.
    pub(crate) fn of_argument(&self, argument: &str) -> Result<&Resource, Failure> {
        let lower = argument.to_lowercase();
        self.warn(&lower);
        self.matching(&lower).ok_or_else(|| Failure::text(format!("the server doesn't have a resource type {}", quote(split(argument).0))))
    }

    /// Says it when a short name is that of several kinds; the first is meant.
    fn warn(&self, lower: &str) {
        let named = |resource: &Resource| resource.plural == lower || resource.singular == lower || resource.kind.to_lowercase() == lower;
        if self.resources.iter().any(named) {
            return;
        }
        let mut meant: Vec<String> = Vec::new();
        for name in self.resources.iter().filter(|resource| is_short(resource, lower)).map(Resource::qualified_plural) {
            if !meant.contains(&name) {
                meant.push(name);
            }
        }
        for other in meant.iter().skip(1) {
            crate::terminal::say(&format!("Warning: short name {} could also match lower priority resource {other}", quote(lower)));
        }
    }

    fn matching(&self, lower: &str) -> Option<&Resource> {
        let named =
            |resource: &&Resource, name: &str| resource.plural == name || resource.singular == name || resource.kind.to_lowercase() == name;
        let (name, rest) = split(lower);
        if let Some((version, group)) = rest.and_then(|rest| rest.split_once('.'))
            && let Some(found) =
                self.resources.iter().find(|resource| named(resource, name) && resource.version == version && resource.group == group)
        {
            return Some(found);
        }
        match rest {
            Some(group) => {
                let exact = self.resources.iter().find(|resource| named(resource, name) && resource.group == group);
                let short = || self.resources.iter().find(|resource| is_short(resource, name) && resource.group == group);
                let prefix = || self.resources.iter().find(|resource| named(resource, name) && resource.group.starts_with(group));
                exact.or_else(short).or_else(prefix)
            }
            None => {
                let exact = self.resources.iter().find(|resource| named(resource, name));
                exact.or_else(|| self.resources.iter().find(|resource| is_short(resource, name)))
            }
        }
    }

    /// The kinds of a category such as `all`; none when it is no category.
    pub(crate) fn of_category(&self, category: &str) -> Vec<&Resource> {
        let mut found: Vec<&Resource> = Vec::new();
        for resource in self.resources.iter().filter(|resource| resource.categories.iter().any(|name| name == category)) {
            if !found.iter().any(|known| known.plural == resource.plural && known.group == resource.group) {
                found.push(resource);
            }
        }
        found
    }

    /// The kind of an object.
    pub(crate) fn of_object(&self, api_version: &str, kind: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.kind == kind && resource.api_version() == api_version)
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Resource] {
        &self.resources
    }
}

fn is_short(resource: &Resource, name: &str) -> bool {
    resource.short_names.iter().any(|short| short == name)
}

fn split(argument: &str) -> (&str, Option<&str>) {
    argument.split_once('.').map_or((argument, None), |(name, rest)| (name, Some(rest)))
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn aggregated(answer: &Value, into: &mut Vec<Resource>) {
    for group in answer["items"].as_array().into_iter().flatten() {
        for version in group["versions"].as_array().into_iter().flatten() {
            for resource in version["resources"].as_array().into_iter().flatten() {
                into.push(Resource {
                    group: string(&group["metadata"]["name"]),
                    version: string(&version["version"]),
                    plural: string(&resource["resource"]),
                    singular: string(&resource["singularResource"]),
                    kind: string(&resource["responseKind"]["kind"]),
                    namespaced: resource["scope"] == "Namespaced",
                    verbs: strings(&resource["verbs"]),
                    short_names: strings(&resource["shortNames"]),
                    categories: strings(&resource["categories"]),
                });
            }
        }
    }
}

async fn one_by_one(api: &Api, root: &str, answer: &Value, into: &mut Vec<Resource>) -> Result<(), Failure> {
    let mut versions: Vec<(String, String)> = strings(&answer["versions"]).into_iter().map(|version| (String::new(), version)).collect();
    for group in answer["groups"].as_array().into_iter().flatten() {
        let preferred = string(&group["preferredVersion"]["version"]);
        let mut names: Vec<String> =
            group["versions"].as_array().into_iter().flatten().map(|version| string(&version["version"])).collect();
        names.sort_by_key(|name| *name != preferred);
        versions.extend(names.into_iter().map(|version| (string(&group["name"]), version)));
    }
    for (group, version) in versions {
        let path = if group.is_empty() { format!("{root}/{version}") } else { format!("{root}/{group}/{version}") };
        let list = api.get(&path, &[], super::api::JSON).await?;
        for resource in list["resources"].as_array().into_iter().flatten() {
            let plural = string(&resource["name"]);
            if plural.contains('/') {
                continue;
            }
            into.push(Resource {
                group: group.clone(),
                version: version.clone(),
                plural,
                singular: string(&resource["singularName"]),
                kind: string(&resource["kind"]),
                namespaced: resource["namespaced"] == true,
                verbs: strings(&resource["verbs"]),
                short_names: strings(&resource["shortNames"]),
                categories: strings(&resource["categories"]),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(group: &str, plural: &str, short: &str) -> Resource {
        Resource {
            group: group.into(),
            version: "v1".into(),
            plural: plural.into(),
            singular: plural.trim_end_matches('s').into(),
            kind: plural.trim_end_matches('s').into(),
            namespaced: true,
            verbs: Vec::new(),
            short_names: vec![short.into()],
            categories: Vec::new(),
        }
    }

    #[test]
    fn arguments_are_resolved_as_kubectl_does() {
        let kinds = Kinds {
            resources: vec![
                resource("", "events", "ev"),
                resource("apps", "deployments", "deploy"),
                resource("events.k8s.io", "events", "ev"),
            ],
        };
        let check = |argument: &str, expected: &str| {
            let found = kinds.of_argument(argument).map(Resource::qualified_plural);
            assert_eq!(found.unwrap_or_else(|failure| failure.printed()), expected);
        };
        check("ev", "events");
        check("Event", "events");
        check("events.events.k8s.io", "events.events.k8s.io");
        check("events.v1.events.k8s.io", "events.events.k8s.io");
        check("deploy", "deployments.apps");
        check("deploy.apps", "deployments.apps");
        check("foo", "error: the server doesn't have a resource type \"foo\"");
    }
}
