//! What is done with a request for a resource: one file for each verb, and what the verbs share.

pub(crate) mod body;
mod create;
pub(crate) mod delete;
pub(crate) mod events;
mod get;
mod list;
pub(crate) mod log;
mod patch;
mod scale;
mod strategy;
mod update;
mod watch;
pub(crate) mod write;

use std::sync::Arc;

use axum::response::Response;

use crate::api::Api;
use crate::request::Call;
use crate::{Status, reviews};

/// Runs a request that is understood and allowed.
pub(crate) async fn run(api: &Arc<Api>, call: Call) -> Result<Response, Status> {
    if call.subresource == "scale" {
        return scale::run(api, &call).await;
    }
    if call.subresource == log::SUBRESOURCE {
        return log::run(api, &call).await;
    }
    match call.verb().ok_or_else(Status::method_not_allowed)? {
        "create" if !call.resource.is_stored() => reviews::run(api, &call),
        "get" => get::run(api, &call),
        "list" => list::run(api, &call),
        "watch" => watch::run(api, &call),
        "create" => create::run(api, &call).await,
        "update" => update::run(api, &call).await,
        "patch" => patch::run(api, &call).await,
        "delete" => delete::one(api, &call).await,
        "deletecollection" => delete::collection(api, &call).await,
        _ => Err(Status::method_not_allowed()),
    }
}
