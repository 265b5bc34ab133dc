//! Compiled graphs of TemplateRevisions in use. A revision never changes, so neither does its graph.

use kube::{Api, Client};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use windlass_api::Diagnostic;
use windlass_api::template_revision::TemplateRevision;
use windlass_client::objects::optional;
use windlass_client::schemas::{self, KindSchema};
use windlass_graph::compile::{Compiled, SchemaEntry, Schemas, compile};

/// Foreign schemas that were read before compiling.
#[derive(Default)]
pub struct ReadSchemas(BTreeMap<(String, String), KindSchema>);

impl Schemas for ReadSchemas {
    fn schema(&self, api_version: &str, kind: &str) -> Option<SchemaEntry> {
        let found = self.0.get(&(api_version.to_owned(), kind.to_owned()))?;
        Some(SchemaEntry { openapi: found.openapi.clone(), namespaced: found.namespaced })
    }
}

/// A graph could not be had.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// The API did not answer.
    #[error("cannot read `{what}`")]
    Read {
        /// What was read.
        what: String,
        /// Why.
        #[source]
        source: kube::Error,
    },
    /// There is no such revision.
    #[error("the TemplateRevision `{0}` does not exist\n  hint: apply its Template again, or remove the pin `windlass.dev/revision`")]
    Missing(String),
    /// It does not compile (any more).
    #[error("the Template is refused: {}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Refused(Vec<Diagnostic>),
}

/// Graphs by revision name.
#[derive(Clone)]
pub struct Graphs {
    client: Client,
    known: Arc<Mutex<HashMap<String, Arc<Compiled>>>>,
}

impl Graphs {
    /// An empty set over this API.
    pub fn new(client: Client) -> Self {
        Self { client, known: Arc::default() }
    }

    /// Compiles a Template that is not a revision yet.
    ///
    /// # Errors
    /// The API does not answer, or the Template is refused.
    pub async fn compile(&self, template: &Value) -> Result<Compiled, GraphError> {
        let kinds = schemas::kinds_named(template);
        let read = schemas::read(&self.client, &kinds).await;
        let read = read.map_err(|source| GraphError::Read { what: "/openapi/v3".into(), source })?;
        compile(template, &ReadSchemas(read)).map_err(GraphError::Refused)
    }

    /// The graph of a revision.
    ///
    /// # Errors
    /// It does not exist, cannot be read, or is refused.
    pub async fn of_revision(&self, name: &str) -> Result<Arc<Compiled>, GraphError> {
        if let Some(known) = self.lock().get(name).cloned() {
            return Ok(known);
        }
        let api: Api<TemplateRevision> = Api::all(self.client.clone());
        let revision =
            optional(api.get(name).await).map_err(|source| GraphError::Read { what: format!("TemplateRevision {name}"), source })?;
        let revision = revision.ok_or_else(|| GraphError::Missing(name.to_owned()))?;
        let template = template_of(&revision.spec.template, &revision.spec.content);
        let compiled = Arc::new(self.compile(&template).await?);
        self.lock().insert(name.to_owned(), compiled.clone());
        Ok(compiled)
    }

    /// Forgets a revision that is gone.
    pub fn forget(&self, name: &str) {
        self.lock().remove(name);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Compiled>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A whole Template object of this name and spec, as the compiler wants it.
pub fn template_of(name: &str, spec: &Value) -> Value {
    json!({"apiVersion": windlass_api::names::API_VERSION, "kind": "Template", "metadata": {"name": name}, "spec": spec})
}
