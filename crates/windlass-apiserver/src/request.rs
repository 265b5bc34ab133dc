//! From an HTTP request to a [`Call`]: which resource, which object, which options. Refuses what cannot be understood.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, header};
use serde_json::Value;
use windlass_schema::structural::FieldError;

use crate::answer::Accept;
use crate::metrics::Asked;
use crate::registry::{Registry, Resource};
use crate::{Caller, Status, verbs};

/// The longest that a request may ask to be worked on.
const LONGEST_TIMEOUT_SECONDS: f64 = 34.0 * 60.0;

/// What a path under a group and version names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) resource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) subresource: String,
    /// The old form of a watch, `/watch/...`.
    pub(crate) watch: bool,
}

impl Place {
    /// From the segments behind the version. None where there can be no resource.
    pub(crate) fn of(rest: &str) -> Option<Place> {
        let mut segments: Vec<&str> = rest.split('/').filter(|segment| !segment.is_empty()).collect();
        let watch = segments.first() == Some(&"watch");
        if watch {
            segments.remove(0);
        }
        let owned = |text: &str| text.to_owned();
        let place = |namespace: &str, rest: &[&str]| match rest {
            [resource] => Some((owned(resource), owned(namespace), String::new(), String::new())),
            [resource, name] => Some((owned(resource), owned(namespace), owned(name), String::new())),
            [resource, name, subresource] => Some((owned(resource), owned(namespace), owned(name), owned(subresource))),
            _ => None,
        };
        let (resource, namespace, name, subresource) = match segments.as_slice() {
            ["namespaces", namespace, own @ ("status" | "finalize")] => place("", &["namespaces", namespace, own])?,
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => place(namespace, rest)?,
            rest => place("", rest)?,
        };
        Some(Place { resource, namespace, name, subresource, watch })
    }
}

/// What to do about fields that the schema does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

/// The options in a request's query, as far as they are the same for all verbs.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    pub(crate) fn parse(uri: &http::Uri) -> Result<Query, Status> {
        let pairs =
            axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|error| Status::bad_request(error.to_string()))?;
        Ok(Query { pairs: pairs.0 })
    }

    /// The first value of a parameter; empty where it is absent.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }

    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All parameters with their values.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Booleans as the real server reads them: present and empty is true.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        let value = self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())?;
        Some(!matches!(value.to_ascii_lowercase().as_str(), "false" | "0"))
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Status> {
        match self.text(name) {
            "" => Ok(None),
            text => {
                text.parse().map(Some).map_err(|_| Status::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax")))
            }
        }
    }

    /// `resourceVersion`; none where it is absent, zero for "any".
    pub(crate) fn resource_version(&self) -> Result<Option<u64>, Status> {
        match self.text("resourceVersion") {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                let why = format!("strconv.ParseUint: parsing \"{text}\": invalid syntax");
                Status::bad_request(format!("invalid resource version: resourceVersion: Invalid value: \"{text}\": {why}"))
            }),
        }
    }

    /// The same for one object and for watches, where the real server puts nothing before the decoder's words.
    pub(crate) fn one_resource_version(&self) -> Result<Option<u64>, Status> {
        let refused = |status: Status| Status::new(500, "", status.message.trim_start_matches("invalid resource version: "));
        self.resource_version().map_err(refused)
    }

    /// What the rows of a table carry: `Metadata`, `Object` or `None`.
    pub(crate) fn include_object(&self) -> Result<&str, Status> {
        match self.text("includeObject") {
            given @ ("" | "Metadata" | "Object" | "None") => Ok(given),
            other => {
                let error = FieldError::invalid("includeObject", other, "must be 'Metadata', 'Object', 'None', or empty");
                Err(Status::bad_request(format!("Unable to convert to Table as requested: {error}")))
            }
        }
    }

    /// `options` is the kind that messages name (`CreateOptions`).
    pub(crate) fn dry_run(&self, options: &str) -> Result<bool, Status> {
        let values: Vec<&str> = self.all("dryRun").filter(|value| !value.is_empty()).collect();
        check_dry_run(&values, options)?;
        Ok(!values.is_empty())
    }

    pub(crate) fn field_validation(&self, options: &str) -> Result<FieldValidation, Status> {
        match self.text("fieldValidation") {
            "" | "Warn" => Ok(FieldValidation::Warn),
            "Ignore" => Ok(FieldValidation::Ignore),
            "Strict" => Ok(FieldValidation::Strict),
            other => {
                let error = FieldError::not_supported("fieldValidation", other, &["", "Ignore", "Strict", "Warn"]);
                Err(Status::invalid("meta.k8s.io", options, "", &[error]))
            }
        }
    }

    /// Refuses a bad `timeout`, as the real server does for every request.
    pub(crate) fn check_timeout(&self) -> Result<Option<f64>, Status> {
        match self.text("timeout") {
            "" => Ok(None),
            text => duration(text).map(|seconds| Some(seconds.min(LONGEST_TIMEOUT_SECONDS))).ok_or_else(|| {
                Status::bad_request(format!("invalid timeout specified in the request URL - time: invalid duration \"{text}\""))
            }),
        }
    }
}

pub(crate) fn check_dry_run(values: &[&str], options: &str) -> Result<(), Status> {
    if values.iter().any(|value| *value != "All") {
        let error = FieldError::not_supported("dryRun", Value::from(values.to_vec()), &["All"]);
        return Err(Status::invalid("meta.k8s.io", options, "", &[error]));
    }
    Ok(())
}

/// A Go duration (`1m30s`, `500ms`) in seconds.
fn duration(text: &str) -> Option<f64> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    let mut seconds = 0.0;
    if rest == "0" {
        return Some(0.0);
    }
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|character: char| character.is_ascii_digit() || character == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let factor = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * factor;
        rest = tail;
    }
    Some(seconds)
}

/// A request for a resource, understood.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) resource: Arc<Resource>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) namespace: String,
    /// Empty for collections.
    pub(crate) name: String,
    pub(crate) subresource: String,
    pub(crate) method: Method,
    pub(crate) query: Query,
    pub(crate) accept: Accept,
    pub(crate) caller: Caller,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) watch: bool,
}

impl Call {
    /// The media type of the body, without parameters; JSON where nothing is said.
    pub(crate) fn content_type(&self) -> String {
        let value = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media.is_empty() { "application/json".to_owned() } else { media }
    }

    /// `fieldManager`, or the name of the program that the User-Agent header gives.
    pub(crate) fn manager(&self, options: &str) -> Result<String, Status> {
        let given = self.query.text("fieldManager");
        if !given.is_empty() {
            let mut errors = Vec::new();
            if given.len() > 128 {
                errors.push(FieldError::too_long("fieldManager", 128));
            }
            if given.chars().any(char::is_control) {
                errors.push(FieldError::invalid("fieldManager", given, "should only contain printable characters"));
            }
            if errors.is_empty() {
                return Ok(given.to_owned());
            }
            return Err(Status::invalid("meta.k8s.io", options, "", &errors));
        }
        let agent = self.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let program = agent.split('/').next().unwrap_or_default();
        let program: String = program.chars().filter(|character| !character.is_control()).take(128).collect();
        Ok(if program.is_empty() { "unknown".to_owned() } else { program })
    }

    /// What is counted of it.
    pub(crate) fn asked(&self) -> Asked {
        Asked {
            verb: self.verb().unwrap_or_default(),
            group: self.resource.group.clone(),
            version: self.resource.version.clone(),
            resource: self.resource.plural.clone(),
            subresource: self.subresource.clone(),
        }
    }

    /// The verb as authorizers see it; none where the resource does not have it.
    pub(crate) fn verb(&self) -> Option<&'static str> {
        let collection = self.name.is_empty();
        let verb = match self.method.as_str() {
            "GET" | "HEAD" if self.watch => "watch",
            "GET" | "HEAD" if collection => "list",
            "GET" | "HEAD" => "get",
            "POST" if collection => "create",
            "PUT" if !collection => "update",
            "PATCH" if !collection => "patch",
            "DELETE" if collection => "deletecollection",
            "DELETE" => "delete",
            _ => return None,
        };
        if self.subresource == verbs::log::SUBRESOURCE {
            return Some(verb).filter(|verb| *verb == "get");
        }
        if !self.subresource.is_empty() {
            let (_, verbs) = self.resource.subresources().into_iter().find(|(name, _)| *name == self.subresource)?;
            return verbs.contains(&verb).then_some(verb);
        }
        let all_namespaces = self.resource.namespaced && self.namespace.is_empty();
        if all_namespaces && !matches!(verb, "list" | "watch" | "get") {
            return None;
        }
        self.resource.verbs.contains(&verb).then_some(verb)
    }
}

#[cfg(test)]
mod tests {
    //! Paths, booleans and durations.

    use super::*;

    fn place(rest: &str) -> (String, String, String, String) {
        let place = Place::of(rest).unwrap();
        (place.resource, place.namespace, place.name, place.subresource)
    }

    #[test]
    fn paths_name_places() {
        let text = |resource: &str, namespace: &str, name: &str, subresource: &str| {
            (resource.to_owned(), namespace.to_owned(), name.to_owned(), subresource.to_owned())
        };
        assert_eq!(place("configmaps"), text("configmaps", "", "", ""));
        assert_eq!(place("namespaces"), text("namespaces", "", "", ""));
        assert_eq!(place("namespaces/a"), text("namespaces", "", "a", ""));
        assert_eq!(place("namespaces/a/status"), text("namespaces", "", "a", "status"));
        assert_eq!(place("namespaces/a/finalize"), text("namespaces", "", "a", "finalize"));
        assert_eq!(place("namespaces/a/configmaps"), text("configmaps", "a", "", ""));
        assert_eq!(place("namespaces/a/deployments/b/scale"), text("deployments", "a", "b", "scale"));
        assert!(Place::of("watch/namespaces/a/configmaps/x").unwrap().watch);
        assert_eq!(Place::of("a/b/c/d"), None);
        assert_eq!(Place::of(""), None);
    }

    #[test]
    fn durations_are_read_as_go_does() {
        assert_eq!(duration("1m30s"), Some(90.0));
        assert_eq!(duration("500ms"), Some(0.5));
        assert_eq!(duration("0"), Some(0.0));
        for bad in ["zz", "5", "1y", "", "s"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn flags_are_true_when_present() {
        let query = Query::parse(&"/x?watch=1&a=false&b&c=true".parse().unwrap()).unwrap();
        let flags: Vec<Option<bool>> = ["watch", "a", "b", "c", "d"].iter().map(|name| query.flag(name)).collect();
        assert_eq!(flags, [Some(true), Some(false), Some(true), Some(true), None]);
    }
}
