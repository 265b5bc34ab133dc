//! Finding instances: `KIND/NAME` to an object of a kind that a Template publishes, and Runs to their instance.

use crate::connection::Connection;
use crate::exit::{Exit, failed};
use kube::api::{DynamicObject, ListParams};
use kube::{Api, ResourceExt};
use windlass_api::did_you_mean;
use windlass_api::run::Run;
use windlass_api::template::{PublishedKind, Template};
use windlass_client::objects::{self, Kind};

/// `KIND/NAME` as given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// Kind, plural, or name of the Template; in any case.
    pub(crate) kind: String,
    /// Name.
    pub(crate) name: String,
}

impl std::str::FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((kind, name)) if !kind.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self { kind: kind.into(), name: name.into() })
            }
            Some(_) | None => Err(format!("`{text}` is not of the form KIND/NAME, as in `webapp/shop`")),
        }
    }
}

/// The Template that people mean by this word: its name, or the kind or plural that it publishes.
///
/// # Errors
/// There is none; the hint names the nearest.
pub(crate) async fn template(connection: &Connection, word: &str) -> anyhow::Result<Template> {
    let templates: Vec<Template> = Api::all(connection.client.clone()).list(&ListParams::default()).await?.items;
    let published = |template: &Template| template.status.as_ref().and_then(|status| status.kind.clone()).unwrap_or_default();
    let is_meant = |template: &&Template| {
        let kind = published(template);
        let group = format!("{}.{}", kind.plural, kind.group);
        [template.name_any(), kind.kind, kind.plural, group].iter().any(|name| name.eq_ignore_ascii_case(word))
    };
    if let Some(found) = templates.iter().find(is_meant) {
        return Ok(found.clone());
    }
    let names: Vec<String> = templates.iter().map(ResourceExt::name_any).collect();
    let hint = did_you_mean(word, names.iter().map(String::as_str))
        .unwrap_or_else(|| "no Template is installed; apply one with `windlass apply -f FILE`".into());
    Err(failed(Exit::NotFound, format!("there is no Template `{word}`\n  hint: {hint}")))
}

/// The kind that a Template publishes.
///
/// # Errors
/// It publishes none yet; its conditions say why.
pub(crate) fn published(template: &Template) -> anyhow::Result<PublishedKind> {
    let status = template.status.as_ref();
    status.and_then(|status| status.kind.clone()).ok_or_else(|| {
        let why = status
            .and_then(|status| status.diagnostics.first().map(ToString::to_string))
            .unwrap_or_else(|| "it was not looked at yet".into());
        let name = template.name_any();
        failed(Exit::Failure, format!("the Template `{name}` publishes no kind: {why}\n  hint: `windlass describe template {name}`"))
    })
}

/// The instance `KIND/NAME` in the connection's namespace.
///
/// # Errors
/// There is no such kind or no such object.
pub(crate) async fn find(connection: &Connection, named: &Named) -> anyhow::Result<(Kind, DynamicObject)> {
    let kind = Kind::from(&published(&template(connection, &named.kind).await?)?);
    let api = kind.api(&connection.client, Some(&connection.namespace));
    match objects::get(&api, &named.name).await? {
        Some(object) => Ok((kind, object)),
        None => {
            let place = if kind.namespaced { format!(" in the namespace `{}`", connection.namespace) } else { String::new() };
            let hint = if kind.namespaced { "name another namespace with -n" } else { "`windlass get` lists what is there" };
            Err(failed(Exit::NotFound, format!("there is no {} `{}`{place}\n  hint: {hint}", kind.resource.kind, named.name)))
        }
    }
}

/// A Run in the connection's namespace.
///
/// # Errors
/// There is none of this name.
pub(crate) async fn run(connection: &Connection, name: &str) -> anyhow::Result<(Api<Run>, Run)> {
    let api: Api<Run> = Api::namespaced(connection.client.clone(), &connection.namespace);
    match objects::optional(api.get(name).await)? {
        Some(run) => Ok((api, run)),
        None => Err(failed(
            Exit::NotFound,
            format!(
                "there is no Run `{name}` in the namespace `{}`\n  hint: `windlass run list -A` lists all of them",
                connection.namespace
            ),
        )),
    }
}

/// Namespace that the Runs of an object live in.
pub(crate) fn run_namespace(object: &DynamicObject) -> &str {
    object.metadata.namespace.as_deref().unwrap_or(windlass_api::names::SYSTEM_NAMESPACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_and_name_are_told_apart() {
        assert_eq!("webapp/shop".parse(), Ok(Named { kind: "webapp".into(), name: "shop".into() }));
        for wrong in ["shop", "webapp/", "/shop", "a/b/c"] {
            assert!(wrong.parse::<Named>().is_err(), "{wrong}");
        }
    }
}
