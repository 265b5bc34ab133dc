//! Templates in files, and the schemas of other kinds: from files, from the Templates beside them, built in, or from a server.

use crate::commands::documents;
use crate::connection::{Connection, ConnectionArguments, connect};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use windlass_api::Diagnostic;
use windlass_client::schemas::{self, KindSchema};
use windlass_graph::compile::{Compiled, SchemaEntry, Schemas, compile};
use windlass_graph::document::Document;

/// How long a server may take; a check goes on without it.
const PATIENCE: Duration = Duration::from_secs(3);

/// Flags that name schemas.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SchemaSources {
    /// CustomResourceDefinitions or OpenAPI v3 documents: files, or directories of them
    #[arg(long, value_name = "FILE|DIR")]
    schemas: Vec<PathBuf>,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// A Template in a file.
pub(crate) struct Given {
    /// Name of the file.
    pub(crate) file: String,
    /// The document.
    pub(crate) document: Document,
}

/// What became of compiling it.
pub(crate) type Verdict = Result<Compiled, Vec<Diagnostic>>;

/// Whether a document is what these commands are about.
pub(crate) fn is_template(value: &Value) -> bool {
    value["kind"] == "Template" || value["kind"] == "ResourceGraphDefinition"
}

/// Known schemas.
#[derive(Default)]
pub(crate) struct Known(BTreeMap<(String, String), KindSchema>);

impl Schemas for Known {
    fn schema(&self, api_version: &str, kind: &str) -> Option<SchemaEntry> {
        let found = self.0.get(&(api_version.to_owned(), kind.to_owned()))?;
        Some(SchemaEntry { openapi: found.openapi.clone(), namespaced: found.namespaced })
    }
}

impl Known {
    /// Takes up the versions of a CustomResourceDefinition.
    fn add_definition(&mut self, definition: &Value) {
        let spec = &definition["spec"];
        let (Some(group), Some(kind)) = (spec["group"].as_str(), spec["names"]["kind"].as_str()) else { return };
        let namespaced = spec["scope"] != "Cluster";
        for version in spec["versions"].as_array().into_iter().flatten() {
            let Some(name) = version["name"].as_str() else { continue };
            let openapi = version["schema"]["openAPIV3Schema"].clone();
            self.0.entry((format!("{group}/{name}"), kind.to_owned())).or_insert(KindSchema { openapi, namespaced });
        }
    }
}

/// Compiles every Template; each may use the kinds of the others.
///
/// # Errors
/// A file of schemas cannot be read.
pub(crate) async fn compile_all(given: &[Given], sources: &SchemaSources) -> anyhow::Result<Vec<Verdict>> {
    let wanted: Vec<(String, String)> = given.iter().flat_map(|given| schemas::kinds_named(&given.document.value)).collect();
    let mut known = Known::default();
    for path in &sources.schemas {
        read_schemas(path, &wanted, &mut known)?;
    }
    for given in given {
        // What cannot be compiled publishes nothing; why is said below.
        if let Ok(compiled) = compile(&given.document.value, &known) {
            known.add_definition(&compiled.graph.definition());
        }
    }
    ask_servers(&wanted, sources, &mut known).await;
    Ok(given.iter().map(|given| compile(&given.document.value, &known)).collect())
}

fn read_schemas(path: &Path, wanted: &[(String, String)], known: &mut Known) -> anyhow::Result<()> {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> =
            fs_err::read_dir(path)?.collect::<Result<Vec<_>, _>>()?.into_iter().map(|entry| entry.path()).collect();
        entries.sort();
        let readable = |path: &&PathBuf| path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml" || ending == "json");
        for entry in entries.iter().filter(readable) {
            read_schemas(entry, wanted, known)?;
        }
        return Ok(());
    }
    for object in documents::objects(&path.to_string_lossy())? {
        if object["kind"] == "CustomResourceDefinition" {
            known.add_definition(&object);
        } else if object["components"]["schemas"].is_object() {
            for (api_version, kind) in wanted {
                if let Some(found) = schemas::in_document(&object, api_version, kind) {
                    known.0.entry((api_version.clone(), kind.clone())).or_insert(found);
                }
            }
        }
    }
    Ok(())
}

/// Kubernetes' own kinds are built in; the rest is asked of the connected server, if there is one.
async fn ask_servers(wanted: &[(String, String)], sources: &SchemaSources, known: &mut Known) {
    let missing = |known: &Known| -> Vec<(String, String)> { wanted.iter().filter(|pair| !known.0.contains_key(pair)).cloned().collect() };
    if let Ok(client) = crate::up::api::built_in().await
        && let Ok(found) = schemas::read(&client, &missing(known)).await
    {
        known.0.extend(found);
    }
    let missing = missing(known);
    if missing.is_empty() {
        return;
    }
    // Without a server the check goes on: the compiler warns about kinds that it does not know.
    let asked = tokio::time::timeout(PATIENCE, async {
        let Connection { client, .. } = connect(&sources.connection).await.ok()?;
        schemas::read(&client, &missing).await.ok()
    });
    if let Ok(Some(found)) = asked.await {
        known.0.extend(found);
    }
}
