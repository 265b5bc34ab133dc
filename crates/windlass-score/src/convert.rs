//! A checked Score document → the workload that a target runs.

use crate::placeholder::{descend, substitute};
use crate::rules::{Place, check};
use crate::shape::{self, Shape, child};
use serde_json::{Value, json};
use windlass_api::Diagnostic;
use windlass_api::planned::Planned;

/// What is to be made a workload.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The Score document.
    pub document: &'a Planned,
    /// Where it stands.
    pub place: Place,
    /// Path of the document in its file, for findings.
    pub path: &'a str,
    /// Name of the workload where the document gives none; in a Template the instance's name and the node's id.
    pub name: &'a str,
    /// How many replicas.
    pub replicas: Planned,
    /// Directory that programs run in; an empty text counts as none.
    pub directory: Option<Planned>,
}

/// The workload, as a planned [`windlass_api::workload::Workload`].
///
/// # Errors
/// Everything that breaks the format's rules, names what is not there, or has no provider yet.
pub fn workload(request: &Request<'_>) -> Result<Planned, Vec<Diagnostic>> {
    let mut findings = check(request.document, request.place, request.path);
    if !findings.is_empty() {
        return Err(findings);
    }
    let converter = Converter::new(request);
    let directory = request.directory.clone().filter(|directory| shape::text(directory) != Some(""));
    let mut fields = vec![("name".to_owned(), Planned::Known(json!(request.name))), ("replicas".to_owned(), request.replicas.clone())];
    let containers = converter.containers(directory.is_some(), &mut findings);
    fields.extend(directory.map(|directory| ("directory".to_owned(), directory)));
    fields.push(("containers".to_owned(), containers));
    let ports = converter.ports.clone();
    if !ports.is_empty() {
        fields.push(("ports".to_owned(), Planned::map(ports)));
    }
    let routes = converter.routes(&mut findings);
    if !routes.is_empty() {
        fields.push(("routes".to_owned(), Planned::map(routes)));
    }
    if findings.is_empty() { Ok(Planned::map(fields)) } else { Err(findings) }
}

struct Converter<'a> {
    request: &'a Request<'a>,
    metadata: Planned,
    resources: Vec<(String, Planned)>,
    ports: Vec<(String, Planned)>,
}

impl<'a> Converter<'a> {
    fn new(request: &'a Request<'a>) -> Self {
        let mut metadata = request.document.get("metadata").map(|found| shape::fields(&found)).unwrap_or_default();
        if !metadata.iter().any(|(key, _)| key == "name") {
            metadata.push(("name".into(), Planned::Known(json!(request.name))));
        }
        let ports = request.document.get("service").and_then(|service| service.get("ports"));
        let resources = request.document.get("resources");
        Self {
            request,
            metadata: Planned::map(metadata),
            resources: resources.as_ref().map(shape::fields).unwrap_or_default(),
            ports: ports.as_ref().map(shape::fields).unwrap_or_default(),
        }
    }

    fn path(&self, keys: &[&str]) -> String {
        keys.iter().fold(self.request.path.to_owned(), |path, key| child(&path, key))
    }

    /// The value of a placeholder.
    fn lookup(&self, keys: &[String]) -> Result<Planned, String> {
        let Some((root, rest)) = keys.split_first() else { return Err("it is empty".into()) };
        match (root.as_str(), rest) {
            ("metadata", []) => Err("name a key of the metadata, such as `${metadata.name}`".into()),
            ("metadata", keys) => descend(&self.metadata, keys),
            ("resources", []) => Err("name a resource and one of its outputs".into()),
            ("resources", [name, keys @ ..]) => self.output(name, keys),
            _ => Err(format!("`{root}` is neither `metadata` nor `resources`; write `$${{...}}` for text that is not a placeholder")),
        }
    }

    fn output(&self, name: &str, keys: &[String]) -> Result<Planned, String> {
        let Some((_, resource)) = self.resources.iter().find(|(known, _)| known == name) else {
            let names: Vec<&str> = self.resources.iter().map(|(name, _)| name.as_str()).collect();
            return Err(if names.is_empty() {
                "there are no resources".into()
            } else {
                format!("the resources are: {}", names.join(", "))
            });
        };
        let Some(key) = keys.first() else { return Err(format!("name one of its outputs, such as `${{resources.{name}.host}}`")) };
        // Only routes have a provider; others are refused where they are declared.
        let parameter = resource.get("params").and_then(|params| params.get(key));
        match (key.as_str(), parameter) {
            ("host" | "path" | "port", Some(value)) if keys.len() == 1 => Ok(value),
            ("path", None) => Ok(Planned::Known(json!("/"))),
            ("host", None) => Err("the target gives the host when it runs; name one in `params.host` to use it here".into()),
            _ => Err(format!("a route has no output `{}`; it has host, path and port", keys.join("."))),
        }
    }

    fn substitute(&self, value: &Planned, path: &str, findings: &mut Vec<Diagnostic>) -> Planned {
        let Some(text) = shape::text(value) else { return value.clone() };
        match substitute(text, &|keys| self.lookup(keys)) {
            Ok(found) => found,
            Err(reason) => {
                findings.push(Diagnostic::error("UnknownName", path, reason).with_hint("write `$$` for a dollar sign"));
                value.clone()
            }
        }
    }

    fn containers(&self, has_directory: bool, findings: &mut Vec<Diagnostic>) -> Planned {
        let containers = self.request.document.get("containers").map(|found| shape::fields(&found)).unwrap_or_default();
        let converted = containers.into_iter().map(|(name, container)| {
            let path = self.path(&["containers", &name]);
            (name, self.container(&container, has_directory, &path, findings))
        });
        Planned::map(converted.collect())
    }

    fn container(&self, container: &Planned, has_directory: bool, path: &str, findings: &mut Vec<Diagnostic>) -> Planned {
        let mut fields = Vec::new();
        let command = container.get("command").filter(|command| !matches!(shape::open(command), Shape::List(items) if items.is_empty()));
        if container.get("image").as_ref().and_then(shape::text) == Some(".") && !has_directory && command.is_none() {
            let finding =
                Diagnostic::error("NothingToRun", child(path, "image"), "there is neither an image, nor a directory, nor a command to run");
            findings.push(finding.with_hint("give an image, a directory with a Procfile, or a command"));
        }
        for key in ["image", "args"] {
            fields.extend(container.get(key).map(|value| (key.to_owned(), value)));
        }
        fields.extend(command.map(|value| ("command".to_owned(), value)));
        if let Some(variables) = container.get("variables") {
            let path = child(path, "variables");
            let resolved = shape::fields(&variables).into_iter().map(|(name, value)| {
                let value = self.substitute(&value, &child(&path, &name), findings);
                (name, value)
            });
            fields.push(("variables".into(), Planned::map(resolved.collect())));
        }
        if let Some(files) = container.get("files") {
            fields.push(("files".into(), self.files(&files, &child(path, "files"), findings)));
        }
        for key in ["limits", "requests"] {
            let amounts = container.get("resources").and_then(|resources| resources.get(key));
            fields.extend(amounts.map(|value| (key.to_owned(), value)));
        }
        for key in ["livenessProbe", "readinessProbe"] {
            let probe = container.get(key).map(|value| probe(&value, &child(path, key), findings));
            fields.extend(probe.map(|value| (key.to_owned(), value)));
        }
        for (key, hint) in [
            ("volumes", "let the program write into its directory, or make the volume a node of its own"),
            ("before", "let the program wait for what it needs, or make the first step a node of its own"),
        ] {
            if container.get(key).is_some_and(|found| !shape::fields(&found).is_empty() || !shape::items(&found).is_empty()) {
                findings.push(unsupported(child(path, key), format!("`{key}` is not supported yet"), hint));
            }
        }
        Planned::map(fields)
    }

    fn files(&self, files: &Planned, path: &str, findings: &mut Vec<Diagnostic>) -> Planned {
        let named = shape::fields(files).into_iter().map(|(target, file)| (target.clone(), child(path, &target), file));
        let listed = shape::items(files).into_iter().enumerate().filter_map(|(index, file)| {
            let target = file.get("target")?;
            Some((shape::text(&target)?.to_owned(), format!("{path}[{index}]"), file))
        });
        let mut converted: Vec<(String, Planned)> = Vec::new();
        for (target, path, file) in named.chain(listed) {
            if converted.iter().any(|(known, _)| *known == target) {
                findings.push(Diagnostic::error("InvalidScore", &path, format!("the file `{target}` stands here twice")));
                continue;
            }
            let Some(content) = file.get("content") else {
                let hint = "put the text in `content`";
                findings.push(unsupported(path, "only files with `content` are supported yet".into(), hint));
                continue;
            };
            let at = child(&path, "content");
            let verbatim = file.get("noExpand").and_then(|found| found.known().and_then(Value::as_bool)) == Some(true);
            let content = join_lines(content);
            let content = if verbatim { content } else { self.substitute(&content, &at, findings) };
            let mut fields = vec![("content".to_owned(), content)];
            fields.extend(file.get("mode").map(|mode| ("mode".to_owned(), mode)));
            converted.push((target, Planned::map(fields)));
        }
        Planned::map(converted)
    }

    fn routes(&self, findings: &mut Vec<Diagnostic>) -> Vec<(String, Planned)> {
        let mut routes = Vec::new();
        for (name, resource) in &self.resources {
            let path = self.path(&["resources", name]);
            let Some(kind) = resource.get("type") else { continue };
            match shape::text(&kind) {
                Some("route") => routes.extend(self.route(resource, &path, findings).map(|route| (name.clone(), route))),
                Some(other) => findings.push(no_provider(other, child(&path, "type"))),
                None => {}
            }
        }
        routes
    }

    fn route(&self, resource: &Planned, path: &str, findings: &mut Vec<Diagnostic>) -> Option<Planned> {
        let path = child(path, "params");
        let parameters = resource.get("params").map(|found| shape::fields(&found)).unwrap_or_default();
        let mut fields = Vec::new();
        let mut has_port = false;
        for (key, value) in parameters {
            let at = child(&path, &key);
            let value = self.substitute(&value, &at, findings);
            match key.as_str() {
                "host" | "path" => fields.push((key, value)),
                "port" => {
                    has_port = true;
                    fields.push((key, self.port(&value, &at, findings)?));
                }
                _ => {
                    let finding = Diagnostic::error("UnknownField", at, format!("a route has no parameter `{key}`"));
                    findings.push(finding.with_hint("its parameters are: host, path, port"));
                }
            }
        }
        if !has_port {
            match self.ports.as_slice() {
                [(_, only)] => fields.extend(only.get("port").map(|port| ("port".to_owned(), port))),
                _ => {
                    let finding = Diagnostic::error("InvalidScore", path, "`port` is missing");
                    findings.push(finding.with_hint("name one of `service.ports`"));
                    return None;
                }
            }
        }
        Some(Planned::map(fields))
    }

    /// The number of a service port that is given by name or by number.
    fn port(&self, value: &Planned, path: &str, findings: &mut Vec<Diagnostic>) -> Option<Planned> {
        if matches!(shape::open(value), Shape::Later(_) | Shape::Secret) {
            return Some(value.clone());
        }
        let wanted = match value.known() {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let number_of = |port: &Planned| port.get("port");
        let by_name = self.ports.iter().find(|(name, _)| *name == wanted).and_then(|(_, port)| number_of(port));
        let by_number = || {
            let numbers = self.ports.iter().filter_map(|(_, port)| number_of(port));
            numbers.into_iter().find(|number| {
                number
                    .known()
                    .is_none_or(|number| *number == wanted.as_str() || number.as_u64().map(|n| n.to_string()).as_ref() == Some(&wanted))
            })
        };
        if let Some(found) = by_name.or_else(by_number) {
            return Some(found);
        }
        let names: Vec<&str> = self.ports.iter().map(|(name, _)| name.as_str()).collect();
        let finding = Diagnostic::error("UnknownName", path, format!("the service has no port `{wanted}`"));
        let hint = if names.is_empty() { "add it to `service.ports`".to_owned() } else { format!("its ports are: {}", names.join(", ")) };
        findings.push(finding.with_hint(hint));
        None
    }
}

fn probe(value: &Planned, path: &str, findings: &mut Vec<Diagnostic>) -> Planned {
    match (value.get("httpGet"), value.get("exec")) {
        (Some(_), Some(_)) => {
            findings.push(unsupported(
                path.to_owned(),
                "a probe with both `httpGet` and `exec` is not supported yet".into(),
                "keep one of them",
            ));
            value.clone()
        }
        (Some(http), None) => {
            let fields = shape::fields(&http).into_iter().map(|(key, value)| match key.as_str() {
                "httpHeaders" => {
                    let pairs = shape::items(&value).into_iter().map(|header| {
                        let of = |key| header.get(key).unwrap_or(Planned::Known(Value::Null));
                        Planned::list(vec![of("name"), of("value")])
                    });
                    ("headers".to_owned(), Planned::list(pairs.collect()))
                }
                _ => (key, value),
            });
            Planned::map(vec![("httpGet".to_owned(), Planned::map(fields.collect()))])
        }
        (None, _) => value.clone(),
    }
}

/// The old form of content is a list of lines.
fn join_lines(content: Planned) -> Planned {
    let Some(Value::Array(lines)) = content.known() else { return content };
    let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
    Planned::Known(json!(lines.join("\n")))
}

fn unsupported(path: String, message: String, hint: &str) -> Diagnostic {
    Diagnostic::error("NotSupported", path, message).with_hint(hint)
}

fn no_provider(kind: &str, path: String) -> Diagnostic {
    let hint = match kind {
        "environment" => "give the value in `variables`, from a field of the Template",
        "service-port" => "name the other workload's address in `variables`, such as `${other.outputs.address}`",
        "volume" => "let the program write into its directory",
        _ => "make it a node of its own and pass its outputs in `variables`, such as `${db.outputs.url}`",
    };
    unsupported(path, format!("resources of type `{kind}` are not supported yet"), hint)
}

#[cfg(test)]
mod tests;
