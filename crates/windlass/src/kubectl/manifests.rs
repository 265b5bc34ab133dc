//! Objects from files, folders and standard input: YAML with several documents, JSON, and lists of objects.

use super::failure::{Failure, quote};
use serde_json::Value;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use windlass_graph::document::Document;

/// The most that is read from one file.
const LONGEST: u64 = 64 << 20;

/// An object that somebody wrote down.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    /// The object.
    pub(crate) object: Value,
    /// Where it stands, as it was named.
    pub(crate) source: String,
}

/// Reads what `-f` names. What cannot be read is reported beside what can.
pub(crate) fn read(names: &[String], recursive: bool) -> Result<(Vec<Manifest>, Vec<Failure>), Failure> {
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for name in names {
        if name == "-" {
            let mut text = String::new();
            std::io::stdin().take(LONGEST).read_to_string(&mut text)?;
            collect(&text, "STDIN", &mut found, &mut failures);
            continue;
        }
        if name.starts_with("http://") || name.starts_with("https://") {
            return Err(Failure::Usage(format!("`{name}`: manifests are not fetched\n  hint: curl -sL {name} | windlass apply -f -")));
        }
        let path = Path::new(name);
        if !path.exists() {
            return Err(Failure::text(format!("the path {} does not exist", quote(name))));
        }
        for file in files(path, recursive)? {
            let text = fs_err::read_to_string(&file)?;
            collect(&text, &file.to_string_lossy(), &mut found, &mut failures);
        }
    }
    Ok((found, failures))
}

fn files(path: &Path, recursive: bool) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut entries: Vec<PathBuf> = fs_err::read_dir(path)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            if recursive {
                found.extend(files(&entry, true)?);
            }
        } else if entry.extension().is_some_and(|extension| ["json", "yaml", "yml"].iter().any(|known| extension == *known)) {
            found.push(entry);
        }
    }
    Ok(found)
}

fn collect(text: &str, source: &str, found: &mut Vec<Manifest>, failures: &mut Vec<Failure>) {
    for document in documents(text) {
        let value = match parse(&document) {
            Ok(Value::Null) => continue,
            Ok(value) => value,
            Err(error) => {
                failures.push(broken(text, source, &error));
                return;
            }
        };
        unpack(value, source, found, failures);
    }
}

/// Text that is no YAML: kubectl's words, with the line in the whole file, and the way out.
fn broken(text: &str, source: &str, error: &str) -> Failure {
    let said = |why: &str| Failure::text(format!("error parsing {source}: error converting YAML to JSON: yaml: {why}"));
    match Document::read_all(text) {
        Err(finding) => {
            let why = finding.message.trim_start_matches("this is not YAML: ");
            let why =
                finding.line.map_or_else(|| why.to_owned(), |line| format!("line {line}, column {}: {why}", finding.column.unwrap_or(1)));
            Failure::WithHints(Box::new(said(&why)), finding.hint.into_iter().collect())
        }
        Ok(_) => said(error.lines().next().unwrap_or_default()),
    }
}

fn unpack(value: Value, source: &str, found: &mut Vec<Manifest>, failures: &mut Vec<Failure>) {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let problem = match (text("kind"), text("apiVersion")) {
        ("", _) => "Object 'Kind' is missing in",
        (_, "") => "Object 'apiVersion' is missing in",
        (kind, _) if kind.ends_with("List") && value["items"].is_array() => {
            let items = value["items"].as_array().cloned().unwrap_or_default();
            items.into_iter().for_each(|item| unpack(item, source, found, failures));
            return;
        }
        _ => {
            found.push(Manifest { object: value, source: source.to_owned() });
            return;
        }
    };
    let shown = super::go_json::compact(&value);
    failures.push(Failure::text(format!("unable to decode {}: {problem} '{shown}'", quote(source))));
}

/// The documents of a stream, apart at lines `---`.
fn documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.lines() {
        if line.starts_with("---") && line[3..].trim_start().is_empty() || line.starts_with("--- #") {
            documents.push(String::new());
        } else if let Some(document) = documents.last_mut() {
            document.push_str(line);
            document.push('\n');
        }
    }
    documents.retain(|document| !document.trim().is_empty());
    documents
}

fn parse(document: &str) -> Result<Value, String> {
    if document.trim_start().starts_with('{')
        && let Ok(value) = serde_json::from_str(document)
    {
        return Ok(value);
    }
    let options = serde_saphyr::options! { duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins };
    serde_saphyr::from_str_with_options(document, options).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_and_lists_are_taken_apart() {
        let text = "---\nkind: A\napiVersion: v1\n---\n# nothing\n---\nkind: List\napiVersion: v1\nitems:\n- {kind: B, apiVersion: v1}\n";
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        collect(text, "x.yaml", &mut found, &mut failures);
        assert_eq!(found.iter().map(|manifest| manifest.object["kind"].clone()).collect::<Vec<_>>(), ["A", "B"]);
        assert!(failures.is_empty());
        collect("apiVersion: v1\n", "x.yaml", &mut found, &mut failures);
        collect("kind: A\napiVersion: v1\n---\na: [1, 2\n", "x.yaml", &mut found, &mut failures);
        insta::assert_snapshot!(failures[1].printed(), @"
        error: error parsing x.yaml: error converting YAML to JSON: yaml: line 4, column 4: unclosed bracket '['
          hint: indent with spaces, close every quote and bracket, and quote texts that begin with a special character
        ");
        assert_eq!(failures[0].message(), "unable to decode \"x.yaml\": Object 'Kind' is missing in '{\"apiVersion\":\"v1\"}'");
    }
}
