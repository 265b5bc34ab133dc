//! The same thing through the other doors: as YAML and as commands that can be pasted into a shell.

use serde_json::{Map, Value, json};
use windlass_api::template::PublishedKind;

/// A way to say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// The object itself.
    Yaml,
    /// Windlass' command line.
    Windlass,
    /// kubectl.
    Kubectl,
    /// The API.
    Curl,
}

impl Door {
    /// All of them, in the order in which they are offered.
    pub(crate) const ALL: [Self; 4] = [Self::Yaml, Self::Windlass, Self::Kubectl, Self::Curl];

    /// Name in forms and addresses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Yaml => "yaml",
            Self::Windlass => "windlass",
            Self::Kubectl => "kubectl",
            Self::Curl => "curl",
        }
    }

    /// Name for people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Yaml => "YAML",
            other => other.name(),
        }
    }

    /// Reads a name; anything else is YAML.
    pub(crate) fn read(name: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|door| Some(door.name()) == name).unwrap_or(Self::Yaml)
    }
}

/// Where commands go.
pub(crate) struct Reach<'a> {
    /// Path of the kubeconfig.
    pub(crate) kubeconfig: &'a str,
    /// Host and port of the API.
    pub(crate) host: &'a str,
}

/// The same object through a door.
pub(crate) fn same(door: Door, object: &Value, template: &str, kind: &PublishedKind, reach: &Reach<'_>) -> String {
    match door {
        Door::Yaml => yaml(object),
        Door::Windlass => windlass_new(object, template),
        Door::Kubectl => format!("kubectl --kubeconfig {} apply -f - <<'EOF'\n{}EOF\n", quote(reach.kubeconfig), heredoc(&yaml(object))),
        Door::Curl => curl(object, kind, reach),
    }
}

fn windlass_new(object: &Value, template: &str) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let mut command = format!("windlass new {} {}", quote(template), quote(text("/metadata/name")));
    if let Some(namespace) = object.pointer("/metadata/namespace").and_then(Value::as_str) {
        command.push_str(&format!(" -n {}", quote(namespace)));
    }
    for (key, value) in object.get("spec").and_then(Value::as_object).into_iter().flatten() {
        match value {
            Value::String(size) if key == "size" => command.push_str(&format!(" \\\n  --size {}", quote(size))),
            Value::String(text) => command.push_str(&format!(" \\\n  --set {}", quote(&format!("{key}={text}")))),
            other => command.push_str(&format!(" \\\n  --set {}", quote(&format!("{key}={other}")))),
        }
    }
    command.push('\n');
    command
}

fn curl(object: &Value, kind: &PublishedKind, reach: &Reach<'_>) -> String {
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
    let path = windlass_client::objects::Kind::from(kind).path(namespace, None);
    format!(
        "# ca.crt, client.crt and client.key: the three base64 fields of\n# {}\ncurl --cacert ca.crt --cert client.crt --key client.key \\\n  -H 'Content-Type: application/json' \\\n  https://{}{path} \\\n  -d {}\n",
        reach.kubeconfig,
        reach.host,
        quote(&object.to_string())
    )
}

/// A value as YAML.
pub(crate) fn yaml(value: &Value) -> String {
    // A JSON value always has a YAML form; if the writer ever disagrees, JSON is YAML too.
    let mut text = serde_saphyr::to_string(value).unwrap_or_else(|_| value.to_string());
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// An object as people want to read it: without what only the server needs.
pub(crate) fn tidy(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.shift_remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    object
}

/// An instance with these values.
pub(crate) fn instance(kind: &PublishedKind, namespace: &str, name: &str, spec: Map<String, Value>) -> Value {
    let mut metadata = Map::new();
    metadata.insert("name".into(), name.into());
    if kind.namespaced {
        metadata.insert("namespace".into(), namespace.into());
    }
    json!({"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": metadata, "spec": spec})
}

/// A word for a POSIX shell.
pub(crate) fn quote(text: &str) -> String {
    let is_plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A line that would end the document early is indented; YAML does not mind inside the block it stands in.
fn heredoc(text: &str) -> String {
    if text.lines().any(|line| line == "EOF") { text.replace("\nEOF\n", "\n EOF\n") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind() -> PublishedKind {
        PublishedKind {
            group: "platform.windlass.dev".into(),
            version: "v1alpha1".into(),
            kind: "WebApp".into(),
            plural: "webapps".into(),
            namespaced: true,
        }
    }

    #[test]
    fn every_door_says_the_same() {
        let spec = json!({"source": "/srv/it's here", "port": 8080, "size": "M"});
        let object = instance(&kind(), "shop", "web", spec.as_object().cloned().unwrap_or_default());
        let reach = Reach { kubeconfig: "/data/kubeconfig", host: "127.0.0.1:7400" };
        let all: Vec<String> = Door::ALL.into_iter().map(|door| same(door, &object, "web-app", &kind(), &reach)).collect();
        insta::assert_snapshot!(all.join("---\n"), @r#"
        apiVersion: platform.windlass.dev/v1alpha1
        kind: WebApp
        metadata:
          name: web
          namespace: shop
        spec:
          source: /srv/it's here
          port: 8080
          size: M
        ---
        windlass new web-app web -n shop \
          --set 'source=/srv/it'\''s here' \
          --set port=8080 \
          --size M
        ---
        kubectl --kubeconfig /data/kubeconfig apply -f - <<'EOF'
        apiVersion: platform.windlass.dev/v1alpha1
        kind: WebApp
        metadata:
          name: web
          namespace: shop
        spec:
          source: /srv/it's here
          port: 8080
          size: M
        EOF
        ---
        # ca.crt, client.crt and client.key: the three base64 fields of
        # /data/kubeconfig
        curl --cacert ca.crt --cert client.crt --key client.key \
          -H 'Content-Type: application/json' \
          https://127.0.0.1:7400/apis/platform.windlass.dev/v1alpha1/namespaces/shop/webapps \
          -d '{"apiVersion":"platform.windlass.dev/v1alpha1","kind":"WebApp","metadata":{"name":"web","namespace":"shop"},"spec":{"source":"/srv/it'\''s here","port":8080,"size":"M"}}'
        "#);
    }

    #[test]
    fn a_word_cannot_leave_its_quotes() {
        assert_eq!(quote("a'; rm -rf / #"), r"'a'\''; rm -rf / #'");
        assert_eq!(quote(""), "''");
        assert_eq!(quote("$(x)"), "'$(x)'");
    }
}
