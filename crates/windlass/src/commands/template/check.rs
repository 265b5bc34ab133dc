//! `windlass template check FILE...`: compiles without a server. Exit 0 if all are accepted, 1 if one is refused.

use super::given::{self, Given, SchemaSources};
use crate::commands::documents;
use crate::exit::Exit;
use crate::terminal::{Ink, Stream, has_colour, paint, put, say};
use crate::text::counted;
use crate::up::announce::Form;
use windlass_api::Diagnostic;
use windlass_graph::document::Document;

/// Flags.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckArguments {
    /// Files with Templates; `-` is standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// How findings are printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,
    #[command(flatten)]
    sources: SchemaSources,
}

/// Checks them.
pub(super) async fn run(arguments: &CheckArguments) -> anyhow::Result<Exit> {
    let mut findings = Vec::new();
    let mut given = Vec::new();
    for file in &arguments.files {
        read(file, &mut given, &mut findings);
    }
    for (given, verdict) in given.iter().zip(given::compile_all(&given, &arguments.sources).await?) {
        let found = match verdict {
            Ok(compiled) => compiled.warnings,
            Err(diagnostics) => diagnostics,
        };
        findings.extend(given.document.locate_all(found).into_iter().map(|finding| finding.in_file(&given.file)));
    }
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    match arguments.output {
        Form::Json => put(&json(&findings)?)?,
        Form::Text => {
            let colour = has_colour(Stream::Out);
            for finding in &findings {
                let ink = if finding.is_error() { Ink::Red } else { Ink::Yellow };
                put(&paint(colour, ink, &crate::text::safe(&finding.to_string())))?;
            }
            let warnings = findings.len() - errors;
            say(&format!("{} checked, {}, {}", counted(given.len(), "Template"), counted(errors, "error"), counted(warnings, "warning")));
        }
    }
    Ok(if errors == 0 { Exit::Success } else { Exit::Failure })
}

/// A file that cannot be read is a finding like any other.
fn read(file: &str, given: &mut Vec<Given>, findings: &mut Vec<Diagnostic>) {
    let text = match documents::text(file) {
        Ok(text) => text,
        Err(error) => {
            let said = error.to_string();
            let (message, hint) = said.split_once("\n  hint: ").unwrap_or((&said, "name a file that can be read"));
            findings.push(Diagnostic::error("NotReadable", "", message).with_hint(hint).in_file(file));
            return;
        }
    };
    let documents = match Document::read_all(&text) {
        Ok(documents) => documents,
        Err(finding) => {
            findings.push(finding.in_file(file));
            return;
        }
    };
    let before = given.len();
    given.extend(
        documents
            .into_iter()
            .filter(|document| given::is_template(&document.value))
            .map(|document| Given { file: file.to_owned(), document }),
    );
    if given.len() == before {
        let finding = Diagnostic::error("NoTemplate", "", "the file holds no Template");
        findings.push(finding.with_hint("it begins with `apiVersion: windlass.dev/v1alpha1` and `kind: Template`").in_file(file));
    }
}

/// Every field in every finding, so that programs need not ask which are there.
fn json(findings: &[Diagnostic]) -> serde_json::Result<String> {
    let rows: Vec<serde_json::Value> = findings
        .iter()
        .map(|finding| {
            serde_json::json!({
                "file": finding.file, "code": finding.code, "severity": finding.severity, "path": finding.path,
                "line": finding.line, "column": finding.column, "message": finding.message, "hint": finding.hint,
            })
        })
        .collect();
    serde_json::to_string_pretty(&rows)
}
