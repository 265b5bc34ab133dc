//! Objects in files, as people write them: YAML or JSON, several in one file, `-` for standard input.

use crate::exit::{Exit, failed};
use serde_json::Value;
use std::io::Read as _;
use std::path::Path;
use windlass_api::nearest;
use windlass_graph::document::Document;

/// Larger files are not read.
const LARGEST: u64 = 16 << 20;

/// The text of a file, or of standard input.
///
/// # Errors
/// It cannot be read, or is too large.
pub(crate) fn text(name: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = if name == "-" {
        std::io::stdin().take(LARGEST + 1).read_to_string(&mut text)?
    } else {
        let file = fs_err::File::open(name).map_err(|error| not_there(name, error))?;
        file.take(LARGEST + 1).read_to_string(&mut text)?
    };
    if u64::try_from(read).unwrap_or(u64::MAX) > LARGEST {
        return Err(failed(Exit::Usage, format!("`{name}` is larger than {} MiB", LARGEST >> 20)));
    }
    Ok(text)
}

/// A file that cannot be opened; where it is not there, with the name beside it that was probably meant.
fn not_there(name: &str, error: std::io::Error) -> anyhow::Error {
    if error.kind() != std::io::ErrorKind::NotFound {
        return error.into();
    }
    let path = Path::new(name);
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside: Vec<String> =
        fs_err::read_dir(directory).into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    let asked = path.file_name().and_then(|name| name.to_str()).unwrap_or(name);
    let hint = match nearest(asked, beside.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{}`?", path.with_file_name(near).display()),
        None => "a relative path starts where the command runs; `-` is standard input".to_owned(),
    };
    failed(Exit::NotFound, format!("there is no file `{name}`\n  hint: {hint}"))
}

/// The objects in a file, with the places of their values; lists are taken apart by [`objects`].
///
/// # Errors
/// It cannot be read, or is no YAML; with line and column.
pub(crate) fn documents(name: &str) -> anyhow::Result<Vec<Document>> {
    Document::read_all(&text(name)?).map_err(|finding| failed(Exit::Usage, finding.in_file(name).to_string()))
}

/// The objects in a file.
///
/// # Errors
/// As [`documents`].
pub(crate) fn objects(name: &str) -> anyhow::Result<Vec<Value>> {
    let mut found = Vec::new();
    for document in documents(name)? {
        match document.value {
            Value::Object(mut fields) if fields.get("kind").is_some_and(|kind| kind == "List") => {
                if let Some(Value::Array(items)) = fields.remove("items") {
                    found.extend(items);
                }
            }
            object @ Value::Object(_) => found.push(object),
            _ => {
                return Err(failed(
                    Exit::Usage,
                    format!("`{name}` holds a document that is no object\n  hint: each object needs apiVersion, kind and metadata.name"),
                ));
            }
        }
    }
    Ok(found)
}
