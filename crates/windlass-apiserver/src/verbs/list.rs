//! GET of a collection: selectors, pages, and the versions that a list may be asked for.
//!
//! Every page shows the version of the first one: the store's history makes that possible. So a watch may begin at the
//! version of any page, and nothing is missed or seen twice.

use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Map, Value, json};
use windlass_schema::structural::FieldError;
use windlass_store::{List, StoreError, Stored};

use crate::answer::{self, Format, View};
use crate::api::Api;
use crate::object::Outline;
use crate::request::Call;
use crate::selector::{FieldSelector, LabelSelector};
use crate::{Status, table};

/// Which objects of a collection are meant.
pub(crate) struct Selection {
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
}

impl Selection {
    pub(crate) fn of(call: &Call) -> Result<Selection, Status> {
        let labels = LabelSelector::parse(call.query.text("labelSelector"))?;
        let mut fields = FieldSelector::parse(call.query.text("fieldSelector"), &call.resource.selectable)?;
        // A watch of one object, in the old form of a path with its name.
        if !call.name.is_empty() {
            fields.0.push(crate::selector::FieldTerm { path: "metadata.name".to_owned(), value: call.name.clone(), negated: false });
        }
        Ok(Selection { labels, fields })
    }

    /// Whether an object is meant. Parses as little of it as the selectors need.
    pub(crate) fn takes(&self, api: &Api, call: &Call, key: &windlass_store::Key, version: u64, bytes: &Bytes) -> Result<bool, Status> {
        if !self.fields.matches_key(key.namespace(), key.name()) {
            return Ok(false);
        }
        if !self.labels.is_empty() {
            let plain = api.plain(&call.resource, key, bytes)?;
            let outline: Outline = serde_json::from_slice(&plain).map_err(Status::internal)?;
            if !self.labels.matches(outline.metadata.labels.as_ref()) {
                return Ok(false);
            }
        }
        if self.fields.needs_object() {
            return Ok(self.fields.matches(&api.value(&call.resource, key, version, bytes)?));
        }
        Ok(true)
    }
}

/// Where a page begins.
struct Continue {
    version: u64,
    /// The key after which it begins.
    after: String,
}

impl Continue {
    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(json!({"v": "meta.k8s.io/v1", "rv": self.version, "start": self.after}).to_string())
    }

    fn decode(text: &str) -> Result<Continue, Status> {
        let refused = |why: String| Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
        let trimmed = text.trim_end_matches('=');
        let bytes =
            URL_SAFE_NO_PAD.decode(trimmed).map_err(|_| refused(format!("illegal base64 data at input byte {}", first_wrong(trimmed))))?;
        let token: Value = serde_json::from_slice(&bytes).map_err(|error| refused(error.to_string()))?;
        match (token["v"].as_str(), token["rv"].as_u64(), token["start"].as_str()) {
            (Some("meta.k8s.io/v1"), Some(version), Some(after)) => Ok(Continue { version, after: after.to_owned() }),
            _ => Err(refused("incorrect or missing version, position or start".to_owned())),
        }
    }
}

/// The byte that Go's decoder stops at: the first that is none of the alphabet, else where the last group is too short.
fn first_wrong(text: &str) -> usize {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.bytes().position(|byte| !known(byte)).unwrap_or(text.len() - text.len() % 4)
}

/// Part of a collection.
pub(crate) struct Page {
    pub(crate) version: u64,
    pub(crate) items: Vec<Stored>,
    next: Option<Continue>,
    remaining: Option<usize>,
}

/// What a client asked for that no list can give.
fn check_options(call: &Call) -> Result<(), Status> {
    let matching = call.query.text("resourceVersionMatch");
    let version = call.query.text("resourceVersion");
    let token = call.query.text("continue");
    let mut errors = Vec::new();
    if call.query.flag("sendInitialEvents").is_some() {
        errors.push(FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    if !matching.is_empty() {
        if version.is_empty() {
            errors.push(FieldError::forbidden(
                "resourceVersionMatch",
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            ));
        }
        if !token.is_empty() {
            errors.push(FieldError::forbidden("resourceVersionMatch", "resourceVersionMatch is forbidden when continue is provided"));
        }
        if !["Exact", "NotOlderThan"].contains(&matching) {
            let supported = ["Exact", "NotOlderThan", ""];
            errors.push(FieldError::not_supported("resourceVersionMatch", matching, &supported));
        }
        if matching == "Exact" && version == "0" {
            let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
            errors.push(FieldError::forbidden("resourceVersionMatch", why));
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Status::invalid("meta.k8s.io", "ListOptions", "", &errors)) }
}

/// The objects that a list request means.
pub(crate) fn page(api: &Api, call: &Call, selection: &Selection) -> Result<Page, Status> {
    let token = match call.query.text("continue") {
        "" => None,
        text => Some(Continue::decode(text)?),
    };
    let wanted = call.query.resource_version()?;
    if token.is_some() && wanted.is_some_and(|version| version != 0) {
        return Err(Status::bad_request("specifying resource version is not allowed when using continue"));
    }
    let namespace = (!call.namespace.is_empty()).then_some(call.namespace.as_str());
    let collection = &call.resource.collection;
    let limit = call.query.number("limit")?.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
    let List { version, items } = match (&token, wanted) {
        (Some(token), _) => api.store.list_at(collection, namespace, token.version).map_err(|error| expired_token(error, call))?,
        (None, Some(version)) if call.query.text("resourceVersionMatch") == "Exact" => {
            api.store.list_at(collection, namespace, version).map_err(|error| Status::from_store(error, &call.resource, ""))?
        }
        (None, wanted) => {
            let newest = api.store.version();
            if let Some(wanted) = wanted.filter(|wanted| *wanted > newest) {
                return Err(Status::version_not_reached(wanted, newest));
            }
            api.store.list(collection, namespace)
        }
    };
    let start = token.map_or(0, |token| items.partition_point(|item| *item.key.as_path() <= *token.after));
    let total = items.len();
    let mut page = Page { version, items: Vec::new(), next: None, remaining: None };
    for (position, item) in items.into_iter().enumerate().skip(start) {
        if limit.is_some_and(|limit| page.items.len() == limit) {
            let after = page.items.last().map(|item: &Stored| item.key.as_path().to_owned()).unwrap_or_default();
            page.next = Some(Continue { version, after });
            let everything = selection.labels.is_empty() && selection.fields.is_empty();
            page.remaining = everything.then_some(total - position);
            break;
        }
        if selection.takes(api, call, &item.key, item.version, &item.value)? {
            page.items.push(item);
        }
    }
    Ok(page)
}

fn expired_token(error: StoreError, call: &Call) -> Status {
    match error {
        StoreError::Expired { .. } => Status::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
        ),
        other => Status::from_store(other, &call.resource, ""),
    }
}

pub(crate) fn run(api: &Api, call: &Call) -> Result<Response, Status> {
    check_options(call)?;
    let selection = Selection::of(call)?;
    let page = page(api, call, &selection)?;
    let mut meta = Map::new();
    meta.insert("resourceVersion".to_owned(), page.version.to_string().into());
    if let Some(next) = &page.next {
        meta.insert("continue".to_owned(), next.encode().into());
    }
    if let Some(remaining) = page.remaining {
        meta.insert("remainingItemCount".to_owned(), remaining.into());
    }
    let resource = &call.resource;
    if call.accept.view == View::Object && call.accept.format == Format::Json {
        let mut out = format!(
            "{{\"kind\":\"{}\",\"apiVersion\":\"{}\",\"metadata\":{},\"items\":[",
            resource.list_kind,
            resource.api_version(),
            Value::Object(meta)
        )
        .into_bytes();
        for (position, item) in page.items.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&api.wire(resource, &item.key, item.version, &item.value)?);
        }
        out.extend_from_slice(b"]}");
        return Ok(answer::json_bytes(StatusCode::OK, Bytes::from(out)));
    }
    let objects: Vec<Value> =
        page.items.iter().map(|item| api.value(resource, &item.key, item.version, &item.value)).collect::<Result<_, _>>()?;
    Ok(answer::value(StatusCode::OK, call.accept, &list_value(call, objects, Value::Object(meta))))
}

/// Parsed objects as the list that the client wants.
pub(crate) fn list_value(call: &Call, objects: Vec<Value>, meta: Value) -> Value {
    let resource = &call.resource;
    match call.accept.view {
        View::Object => json!({"kind": resource.list_kind, "apiVersion": resource.api_version(), "metadata": meta, "items": objects}),
        View::Metadata => {
            let items: Vec<Value> = objects.iter().map(answer::partial).collect();
            json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": meta, "items": items})
        }
        View::Table => table::of(resource, &objects, call.query.text("includeObject"), meta, true),
    }
}
