//! Template → [`Graph`]: read, order, check, publish. A Template is accepted whole or refused with everything that is wrong.

mod check;
mod conform;
mod link;
mod nodes;
mod publish;
mod read;
mod status;

pub use crate::graph::{Graph, Node};

use crate::expression::Strictness;
use crate::nesting;
use crate::sizes::SizeTable;
use serde_json::Value;
use windlass_api::Diagnostic;
use windlass_api::template::TemplateSpec;

/// Schemas of kinds that others define, given from outside so that compiling stays pure.
pub trait Schemas {
    /// The schema of a kind, without references; `None` where it is not known.
    fn schema(&self, api_version: &str, kind: &str) -> Option<SchemaEntry>;

    /// Whether a kind that is not known does not exist.
    fn is_complete(&self) -> bool {
        false
    }
}

/// What is known of a kind.
#[derive(Clone, Debug, PartialEq)]
pub struct SchemaEntry {
    /// OpenAPI v3 schema of the whole object, without references.
    pub openapi: Value,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
}

/// No schemas at all: fields of foreign kinds are not checked, which is said.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSchemas;

impl Schemas for NoSchemas {
    fn schema(&self, _: &str, _: &str) -> Option<SchemaEntry> {
        None
    }
}

/// An accepted Template.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The graph.
    pub graph: Graph,
    /// What may surprise.
    pub warnings: Vec<Diagnostic>,
}

/// Compiles a whole Template object, or kro's ResourceGraphDefinition.
///
/// # Errors
/// Everything that is wrong, with path, and with the column inside the text where that is known.
pub fn compile(template: &Value, schemas: &dyn Schemas) -> Result<Compiled, Vec<Diagnostic>> {
    let mut findings = Vec::new();
    let compiled = compile_all(template, schemas, &mut findings);
    let (errors, warnings): (Vec<_>, Vec<_>) = findings.into_iter().partition(Diagnostic::is_error);
    match compiled {
        Some(graph) if errors.is_empty() => Ok(Compiled { graph, warnings }),
        _ if errors.is_empty() => Err(vec![Diagnostic::error("Invalid", "", "the Template cannot be compiled")]),
        _ => Err(errors),
    }
}

fn compile_all(template: &Value, schemas: &dyn Schemas, findings: &mut Vec<Diagnostic>) -> Option<Graph> {
    let source = read::read(template, findings)?;
    let strictness = if source.kro { Strictness::Kro } else { Strictness::Windlass };
    let sizes = source.sizes.and_then(|sizes| SizeTable::read(sizes, "spec.sizes", findings));
    let published = publish::kind(&source, findings)?;
    let openapi = publish::spec_schema(&source, sizes.as_ref(), findings);
    let mut nodes: Vec<Node> = Vec::new();
    for raw in &source.nodes {
        nodes.extend(nodes::read(raw, &published, schemas, strictness, findings));
    }
    let complete = nodes.len() == source.nodes.len() && openapi.is_some() && (source.sizes.is_none() || sizes.is_some());
    findings.extend(nesting::between(&published, &nodes, |_| Vec::new()));
    let order = link::link(&mut nodes, strictness, findings);
    // Names of nodes that could not be read would be reported as unknown: what is known to be wrong is said first.
    if !complete {
        return None;
    }
    let openapi = openapi?;
    let mut status = status::read(&source, strictness, findings);
    let known = check::Known::new(&openapi, sizes.as_ref(), &nodes, schemas, &published, strictness);
    check::check(&mut nodes, &known, schemas, findings);
    let status_schema = status::check(&mut status, &known, findings);
    let rules = publish::checked_rules(&source, &openapi, findings);
    let order = order?;
    link::note_reads(&mut nodes, &status);
    let spec: Option<TemplateSpec> = if source.kro { None } else { template_spec(&source, findings) };
    let definition = publish::definition(&source, &published, &openapi, &status_schema, findings);
    Some(Graph {
        name: source.name,
        strictness,
        published,
        openapi,
        definition,
        sizes,
        nodes,
        order,
        rules,
        status: status.fields,
        conditions: status.conditions,
        spec,
    })
}

fn template_spec(source: &read::Source<'_>, findings: &mut Vec<Diagnostic>) -> Option<TemplateSpec> {
    match serde_json::from_value(Value::Object(source.spec.clone())) {
        Ok(spec) => Some(spec),
        Err(error) => {
            // Everything else was read above; what is left is the policy.
            let finding = Diagnostic::error("WrongType", "spec.policy", format!("the policy is not understood: {error}"));
            findings.push(finding.with_hint(
                "its fields are: approval (never, destructive, always), drift (correct, report, ignore), deletionPolicy (Delete, Orphan)",
            ));
            None
        }
    }
}

#[cfg(test)]
mod tests;
