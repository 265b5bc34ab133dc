//! Forms for new instances and for changes of existing ones. Sending one makes a preview, never the thing itself.

use crate::errors::Failure;
use crate::handlers::preview::{self, Proposal};
use crate::handlers::{Answer, Asked, Posted};
use crate::model::commands::{self, Door, Reach};
use crate::model::form::errors::{self, Findings};
use crate::model::form::{self, Form};
use crate::model::query::{Query, escape};
use crate::model::rows::{TemplateRow, instance_path};
use crate::state::{self, Portal};
use crate::views::form::Drawn;
use crate::views::layout::{Frame, Page, Section};
use crate::views::{self, templates::owner};
use axum::extract::Path;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use kube::api::{DynamicObject, ListParams};
use maud::html;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use windlass_api::names;
use windlass_api::template::{PublishedKind, Template};
use windlass_client::objects::{Kind, optional};
use windlass_client::schemas;

/// Namespaces that are offered.
const NAMESPACES: usize = 500;

/// What a form is about.
struct Subject {
    row: Arc<TemplateRow>,
    kind: PublishedKind,
    form: Form,
    /// The object as it is, for a change.
    live: Option<DynamicObject>,
}

impl Subject {
    fn base(&self) -> Value {
        self.live.as_ref().and_then(|live| live.data.get("spec").cloned()).unwrap_or_else(|| json!({}))
    }
}

/// Name, namespace and values that a form holds.
struct Filled {
    name: String,
    namespace: String,
    spec: Map<String, Value>,
}

/// `GET /templates/{name}/new`. Values may stand in the address, so that a filled form can be shared.
pub(crate) async fn new(Path(name): Path<String>, asked: Asked) -> Answer {
    let subject = of_template(&asked.portal, &name).await?;
    let proposal = proposal(&asked).await?;
    let text = |pointer: &str| proposal.as_ref().and_then(|object| object.pointer(pointer)?.as_str());
    let filled = Filled {
        name: asked.query.word("name").or(text("/metadata/name")).unwrap_or_default().to_owned(),
        namespace: asked.query.word("namespace").or(text("/metadata/namespace")).unwrap_or("default").to_owned(),
        spec: from(&subject, proposal.as_ref(), &asked.query),
    };
    draw(&asked, &subject, &filled, &asked.query, &errors::unknown_in_address(&subject.form, &asked.query), StatusCode::OK).await
}

/// `POST /templates/{name}/new`.
pub(crate) async fn create(Path(name): Path<String>, posted: Posted) -> Answer {
    let subject = of_template(&posted.asked.portal, &name).await?;
    let word = |name: &str| posted.sent.word(name).unwrap_or_default().to_owned();
    let filled = Filled { name: word("name"), namespace: word("namespace"), spec: form::spec(&subject.form, &posted.sent, &json!({})) };
    take(posted, &subject, filled).await
}

/// `GET …/edit`.
pub(crate) async fn edit(Path((group, kind, namespace, name)): Path<(String, String, String, String)>, asked: Asked) -> Answer {
    let subject = of_instance(&asked.portal, &group, &kind, &namespace, &name).await?;
    let proposal = proposal(&asked).await?;
    let filled = Filled { name, namespace, spec: from(&subject, proposal.as_ref(), &asked.query) };
    draw(&asked, &subject, &filled, &asked.query, &errors::unknown_in_address(&subject.form, &asked.query), StatusCode::OK).await
}

/// `POST …/edit`.
pub(crate) async fn change(Path((group, kind, namespace, name)): Path<(String, String, String, String)>, posted: Posted) -> Answer {
    let subject = of_instance(&posted.asked.portal, &group, &kind, &namespace, &name).await?;
    let spec = form::spec(&subject.form, &posted.sent, &subject.base());
    take(posted, &subject, Filled { name, namespace, spec }).await
}

/// What was sent: text beside the form while somebody types, another door, errors, or a preview.
async fn take(posted: Posted, subject: &Subject, filled: Filled) -> Answer {
    let Posted { asked, sent } = posted;
    let is_live = asked.query.first("fragment") == Some("live");
    let wants_plan = sent.word("_do") == Some("plan");
    let unknown = errors::unknown(&subject.form, &sent, subject.live.is_none());
    if !is_live && !wants_plan {
        return draw(&asked, subject, &filled, &sent, &unknown, StatusCode::OK).await;
    }
    let mut object = object(subject, &filled);
    let (mut findings, checked) = check(&asked.portal, subject, &filled, &object).await?;
    findings.rest.extend(unknown.rest);
    if is_live {
        // Nobody is told about a field that is still empty.
        findings.fields.retain(|name, _| sent.last(name).is_some_and(|text| !text.trim().is_empty()));
        let drawn = drawn(&asked, subject, &filled, &sent, &findings, &[]);
        return Ok(views::form::live(&drawn).into_response());
    }
    if !findings.is_empty() {
        return draw(&asked, subject, &filled, &sent, &findings, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    // With the API's defaults: the preview is bound to the hash of the values as they will be stored.
    if let Some(spec) = checked.get("spec") {
        object["spec"] = spec.clone();
    }
    let title = match &subject.live {
        None => "new".to_owned(),
        Some(_) => preview::difference(&subject.base(), &object["spec"]),
    };
    let metadata = subject.live.as_ref().map(|live| &live.metadata);
    let proposal = Proposal {
        object,
        uid: metadata.and_then(|metadata| metadata.uid.clone()).unwrap_or_default(),
        generation: metadata.and_then(|metadata| metadata.generation).unwrap_or_default(),
        title,
        deletes: false,
    };
    Ok(Redirect::to(&preview::open(&asked.portal, proposal).await?).into_response())
}

/// The object as it would be written.
fn object(subject: &Subject, filled: &Filled) -> Value {
    match &subject.live {
        None => commands::instance(&subject.kind, &filled.namespace, &filled.name, filled.spec.clone()),
        Some(live) => {
            let mut object = commands::instance(&subject.kind, &filled.namespace, &filled.name, filled.spec.clone());
            if let Some(annotations) = &live.metadata.annotations {
                let kept: Map<String, Value> = annotations
                    .iter()
                    .filter(|(key, _)| {
                        key.starts_with("windlass.dev/") && *key != names::ANNOTATION_EXPECTED_PLAN && *key != names::ANNOTATION_CHANGED_BY
                    })
                    .map(|(key, value)| (key.clone(), Value::String(value.clone())))
                    .collect();
                if !kept.is_empty() {
                    object["metadata"]["annotations"] = kept.into();
                }
            }
            object
        }
    }
}

/// The API's own check, as if it were written; also gives the object as it would be stored.
async fn check(portal: &Portal, subject: &Subject, filled: &Filled, object: &Value) -> Result<(Findings, Value), Failure> {
    let kind = Kind::from(&subject.kind);
    let namespace = Some(filled.namespace.as_str()).filter(|namespace| subject.kind.namespaced && !namespace.is_empty());
    if subject.kind.namespaced && namespace.is_none() {
        let fields = [("namespace".to_owned(), "A namespace is needed, such as `default`.".to_owned())];
        return Ok((Findings { fields: fields.into(), rest: Vec::new() }, Value::Null));
    }
    let (method, path, body) = match &subject.live {
        None => ("POST", kind.path(namespace.map(escape).as_deref(), None), object.clone()),
        Some(live) => ("PUT", kind.path(namespace, Some(&filled.name)), replaced(live, object)),
    };
    let path = format!("{path}?dryRun=All&fieldValidation=Strict&fieldManager={}", names::MANAGER_PORTAL);
    let request = http::Request::builder().method(method).uri(path).header("Content-Type", "application/json");
    let request = request.body(body.to_string().into_bytes()).map_err(|error| Failure::Invalid { message: error.to_string() })?;
    match portal.client.request::<Value>(request).await {
        Ok(checked) => Ok((Findings::default(), checked)),
        Err(kube::Error::Api(status)) if matches!(status.code, 400 | 404 | 409 | 422) => {
            Ok((errors::sort(&status, &subject.form, &filled.name, &filled.namespace), Value::Null))
        }
        Err(error) => Err(Failure::Api { doing: "check these values".into(), source: error }),
    }
}

/// A live object with another spec.
fn replaced(live: &DynamicObject, object: &Value) -> Value {
    let mut live = serde_json::to_value(live).unwrap_or_default();
    live["spec"] = object["spec"].clone();
    live
}

/// Values of a preview (`?from=NAMESPACE/NAME`), else those that are there; over them what stands in the address.
fn from(subject: &Subject, proposal: Option<&Value>, query: &Query) -> Map<String, Value> {
    let base = proposal.map_or_else(|| subject.base(), |object| object["spec"].clone());
    form::spec(&subject.form, query, &base)
}

async fn proposal(asked: &Asked) -> Result<Option<Value>, Failure> {
    let Some((namespace, name)) = asked.query.word("from").and_then(|from| from.split_once('/')) else { return Ok(None) };
    let run =
        optional(state::runs().api(&asked.portal.client, Some(namespace)).get(name).await).map_err(Failure::api("read the preview"))?;
    // A preview lives for an hour; without it the form is simply empty.
    Ok(run.and_then(|run| run.data.pointer("/spec/proposal").cloned()))
}

async fn of_template(portal: &Portal, name: &str) -> Result<Subject, Failure> {
    let row = portal.cache.template(name).ok_or_else(|| Failure::absent(format!("template `{name}`")))?;
    let kind = row.kind.clone().filter(|_| row.is_served);
    let kind = kind.ok_or_else(|| Failure::absent(format!("kind of template `{name}` yet; its page says why")))?;
    let form = read_form(portal, &row.name, &kind).await?;
    Ok(Subject { row, kind, form, live: None })
}

async fn of_instance(portal: &Portal, group: &str, kind: &str, namespace: &str, name: &str) -> Result<Subject, Failure> {
    let found = portal.kind(group, kind)?;
    let row = portal.cache.template_of(&(group.to_owned(), kind.to_owned()));
    let row = row.ok_or_else(|| Failure::absent(format!("template for kind `{kind}`")))?;
    let published = row.kind.clone().ok_or_else(|| Failure::absent(format!("template for kind `{kind}`")))?;
    let live = found.api(&portal.client, Some(namespace)).get(name).await.map_err(Failure::api(format!("read {kind} `{name}`")))?;
    let form = read_form(portal, &row.name, &published).await?;
    Ok(Subject { row, kind: published, form, live: Some(live) })
}

/// The form from the generated kind's own schema and the Template's wishes.
async fn read_form(portal: &Portal, template: &str, kind: &PublishedKind) -> Result<Form, Failure> {
    let definitions = definition_kind().api(&portal.client, None);
    let definition = format!("{}.{}", kind.plural, kind.group);
    let templates = state::templates().api(&portal.client, None);
    let (definition, object) = futures::join!(definitions.get(&definition), templates.get(template));
    let definition = definition.map_err(Failure::api(format!("read the schema of {}", kind.kind)))?;
    let object = object.map_err(Failure::api(format!("read template `{template}`")))?;
    let template: Template =
        object.try_parse().map_err(|error| Failure::Invalid { message: format!("template `{template}` has another shape: {error}") })?;
    let schema = schemas::spec_in_definition(&definition.data, &kind.version).unwrap_or(&Value::Null);
    Ok(form::read(schema, &template.spec))
}

fn definition_kind() -> Kind {
    let resource = kube::api::ApiResource {
        group: "apiextensions.k8s.io".into(),
        version: "v1".into(),
        api_version: "apiextensions.k8s.io/v1".into(),
        kind: "CustomResourceDefinition".into(),
        plural: "customresourcedefinitions".into(),
    };
    Kind { resource, namespaced: false }
}

async fn namespaces(portal: &Portal) -> Vec<String> {
    let kind = Kind {
        resource: kube::api::ApiResource {
            group: String::new(),
            version: "v1".into(),
            api_version: "v1".into(),
            kind: "Namespace".into(),
            plural: "namespaces".into(),
        },
        namespaced: false,
    };
    let list = kind.api(&portal.client, None).list_metadata(&ListParams::default().limit(500)).await;
    // Only an offer: without it the name can still be typed.
    let names = list.map(|list| list.items.into_iter().filter_map(|item| item.metadata.name).collect::<Vec<_>>()).unwrap_or_default();
    names.into_iter().filter(|name| !name.starts_with("kube-") && name != names::SYSTEM_NAMESPACE).take(NAMESPACES).collect()
}

fn drawn<'a>(
    asked: &Asked,
    subject: &'a Subject,
    filled: &'a Filled,
    sent: &'a Query,
    findings: &'a Findings,
    namespaces: &'a [String],
) -> Drawn<'a> {
    let is_new = subject.live.is_none();
    let door = Door::read(sent.word("_door").or(sent.word("_as")));
    let host = asked.frame().host;
    let reach = Reach { kubeconfig: &asked.portal.kubeconfig, host: &host };
    let path = instance_path(&subject.kind.group, &subject.kind.kind, &filled.namespace, &filled.name);
    Drawn {
        action: if is_new { format!("{}/new", subject.row.path()) } else { format!("{path}/edit") },
        form: &subject.form,
        values: &filled.spec,
        sent,
        name: is_new.then_some(filled.name.as_str()),
        namespace: Some(filled.namespace.as_str()).filter(|_| is_new && subject.kind.namespaced),
        namespaces,
        findings,
        door,
        same: commands::same(door, &object(subject, filled), &subject.row.name, &subject.kind, &reach),
    }
}

async fn draw(
    asked: &Asked,
    subject: &Subject,
    filled: &Filled,
    sent: &Query,
    findings: &Findings,
    status: StatusCode,
) -> Result<Response, Failure> {
    let namespaces = namespaces(&asked.portal).await;
    let frame = asked.frame();
    let drawn = drawn(asked, subject, filled, sent, findings, &namespaces);
    let page = page(&frame, subject, filled, &drawn);
    Ok(asked.render_as(status, &frame, &page))
}

fn page(frame: &Frame, subject: &Subject, filled: &Filled, drawn: &Drawn<'_>) -> Page {
    let row = &subject.row;
    let title = if subject.live.is_some() { format!("Change {}", filled.name) } else { format!("New {}", row.title.to_lowercase()) };
    let head = html! {
        div.head {
            h1 { (title) }
            span.small { @if !row.owner.is_empty() { "by " (owner(&row.owner)) " · " } a href=(row.path()) { "what you get and how it works" } }
        }
    };
    let mut page = Page::new(title, if subject.live.is_some() { Section::Instances } else { Section::Create }, head);
    page.still = views::form::draw(frame, drawn);
    if subject.live.is_some() {
        let path = instance_path(&subject.kind.group, &subject.kind.kind, &filled.namespace, &filled.name);
        page.below("Instances", "/instances").below(filled.name.clone(), path)
    } else {
        page.below("Create", "/templates").below(row.title.clone(), row.path())
    }
}
