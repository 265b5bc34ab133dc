//! Every path that is answered, in one table; and the way of a request for a resource: who, what, may they, then the verb.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use http::header;

use crate::access::{Attributes, Decision};
use crate::answer::{self, Accept};
use crate::api::Api;
use crate::request::{Call, Place, Query};
use crate::{Caller, Status, discovery, health, metrics, openapi, verbs};

/// The largest body that is read.
pub(crate) const BODY_LIMIT: usize = 3 * 1024 * 1024;

pub(crate) fn router(api: Arc<Api>) -> Router {
    Router::new()
        .route("/", get(discovery::paths))
        .route("/api", get(discovery::core))
        .route("/api/", get(discovery::core))
        .route("/api/{version}", get(discovery::core_version))
        .route("/api/{version}/{*rest}", any(core_resource))
        .route("/apis", get(discovery::all))
        .route("/apis/", get(discovery::all))
        .route("/apis/{group}", get(discovery::group))
        .route("/apis/{group}/{version}", get(discovery::group_version))
        .route("/apis/{group}/{version}/{*rest}", any(group_resource))
        .route("/openapi/v2", get(openapi::v2))
        .route("/openapi/v3", get(openapi::index))
        .route("/openapi/v3/{*document}", get(openapi::document))
        .route("/version", get(health::version))
        .route("/healthz", get(health::healthz))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::show))
        .route("/{endpoint}/{*check}", get(health::check))
        .fallback(|| async { answer::no_such_page() })
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&api), common))
        .with_state(api)
}

/// What holds for every request: a caller, and rights on paths that are no resource.
async fn common(State(api): State<Arc<Api>>, mut request: Request, next: axum::middleware::Next) -> Response {
    let caller = request.extensions().get::<Caller>().cloned().unwrap_or_else(|| api.options.default_caller.clone());
    request.extensions_mut().insert(caller.clone());
    let query = match Query::parse(request.uri()) {
        Ok(query) => query,
        Err(status) => return status.into_response(),
    };
    let timeout = match query.check_timeout() {
        Ok(timeout) => timeout,
        Err(status) => return status.into_response(),
    };
    let path = request.uri().path();
    let is_resource = path.split('/').nth(1).is_some_and(|first| {
        first == "api" && path.split('/').nth(3).is_some_and(|rest| !rest.is_empty())
            || first == "apis" && path.split('/').nth(4).is_some_and(|rest| !rest.is_empty())
    });
    if !is_resource {
        let attributes =
            Attributes { verb: request.method().as_str().to_ascii_lowercase(), path: path.to_owned(), ..Attributes::default() };
        if let Decision::Denied { reason } = api.options.authorizer.authorize(&caller, &attributes) {
            return forbidden(&caller, &attributes, &reason).into_response();
        }
    }
    let watch = query.flag("watch") == Some(true);
    match timeout.filter(|seconds| *seconds > 0.0 && !watch) {
        None => next.run(request).await,
        Some(seconds) => match tokio::time::timeout(Duration::from_secs_f64(seconds), next.run(request)).await {
            Ok(response) => response,
            Err(_) => Status::new(504, "Timeout", "Timeout: request did not complete within the allotted timeout").into_response(),
        },
    }
}

async fn core_resource(State(api): State<Arc<Api>>, Path((version, rest)): Path<(String, String)>, request: Request) -> Response {
    resource(api, String::new(), version, rest, request).await
}

async fn group_resource(
    State(api): State<Arc<Api>>,
    Path((group, version, rest)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    resource(api, group, version, rest, request).await
}

async fn resource(api: Arc<Api>, group: String, version: String, rest: String, request: Request) -> Response {
    let began = Instant::now();
    match call(&api, &group, &version, &rest, request).await {
        Ok(Some(call)) => {
            let asked = call.asked();
            let goes_on = call.watch || call.subresource == verbs::log::SUBRESOURCE;
            let response = verbs::run(&api, call).await.unwrap_or_else(axum::response::IntoResponse::into_response);
            api.metrics.count(asked, response.status(), (!goes_on).then(|| began.elapsed()));
            response
        }
        Ok(None) => answer::no_such_page(),
        Err(status) => status.into_response(),
    }
}

/// Understands the request; none where the group and version are not served at all.
async fn call(api: &Arc<Api>, group: &str, version: &str, rest: &str, request: Request) -> Result<Option<Call>, Status> {
    let registry = api.registry();
    if registry.resources(group, version).is_none() {
        if group.is_empty() {
            return Err(Status::no_such_resource());
        }
        return Ok(None);
    }
    let place = Place::of(rest).ok_or_else(Status::no_such_resource)?;
    let resource = registry.find(group, version, &place.resource).ok_or_else(Status::no_such_resource)?;
    let (parts, body) = request.into_parts();
    let query = Query::parse(&parts.uri)?;
    let caller = parts.extensions.get::<Caller>().cloned().unwrap_or_else(|| api.options.default_caller.clone());
    let mut call = Call {
        resource: Arc::clone(resource),
        registry: Arc::clone(&registry),
        namespace: place.namespace,
        name: place.name,
        subresource: place.subresource,
        method: parts.method,
        watch: place.watch || query.flag("watch") == Some(true),
        query,
        accept: Accept { view: answer::View::Object, format: answer::Format::Json },
        caller,
        headers: parts.headers,
        body: Bytes::new(),
    };
    let wrong_scope = !call.resource.namespaced && !call.namespace.is_empty();
    let no_namespace = call.resource.namespaced && call.namespace.is_empty() && !call.name.is_empty();
    // Which objects have output is known to the source alone, so that discovery cannot name this one.
    let is_log = call.subresource == verbs::log::SUBRESOURCE && api.options.logs.is_some() && call.resource.is_stored();
    let has_subresource = call.resource.subresources().iter().any(|(name, _)| *name == call.subresource);
    let no_subresource = !call.subresource.is_empty() && !is_log && !has_subresource;
    if wrong_scope || no_namespace || no_subresource {
        return Err(Status::no_such_resource());
    }
    let verb = call.verb().ok_or_else(Status::method_not_allowed)?;
    authorize(api, &call, verb)?;
    if !is_log {
        // Output is text, whatever the client would rather have.
        call.accept = Accept::parse(call.headers.get(header::ACCEPT))?;
    }
    if call.accept.view == answer::View::Table {
        call.query.include_object()?;
    }
    call.body = read(body).await?;
    Ok(Some(call))
}

fn authorize(api: &Api, call: &Call, verb: &str) -> Result<(), Status> {
    let attributes = Attributes {
        verb: verb.to_owned(),
        group: call.resource.group.clone(),
        version: call.resource.version.clone(),
        resource: call.resource.plural.clone(),
        subresource: call.subresource.clone(),
        namespace: call.namespace.clone(),
        name: call.name.clone(),
        path: String::new(),
    };
    match api.options.authorizer.authorize(&call.caller, &attributes) {
        Decision::Allowed { .. } => Ok(()),
        Decision::Denied { reason } => Err(forbidden(&call.caller, &attributes, &reason)),
    }
}

/// The refusal in the words of the real server.
fn forbidden(caller: &Caller, attributes: &Attributes, reason: &str) -> Status {
    let Attributes { verb, group, resource, subresource, namespace, name, path, .. } = attributes;
    let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    let user = &caller.name;
    if resource.is_empty() {
        return Status::new(403, "Forbidden", format!("forbidden: User \"{user}\" cannot {verb} path \"{path}\"{why}"));
    }
    let full = if subresource.is_empty() { resource.clone() } else { format!("{resource}/{subresource}") };
    let scope = if namespace.is_empty() { "at the cluster scope".to_owned() } else { format!("in the namespace \"{namespace}\"") };
    Status::forbidden(
        group,
        resource,
        name,
        &format!("User \"{user}\" cannot {verb} resource \"{full}\" in API group \"{group}\" {scope}{why}"),
    )
}

async fn read(body: Body) -> Result<Bytes, Status> {
    axum::body::to_bytes(body, BODY_LIMIT).await.map_err(|error| {
        let too_large = std::error::Error::source(&error).is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if too_large { Status::too_large(BODY_LIMIT) } else { Status::bad_request(format!("the body cannot be read: {error}")) }
    })
}
