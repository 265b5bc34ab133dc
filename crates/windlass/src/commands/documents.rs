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
        std::io::stdin().take(LARGEST + 1).read_to_string(&mut text).map_err(|error| unreadable("standard input", error))?
    } else {
        let file = fs_err::File::open(name).map_err(|error| not_there(name, error))?;
        if Path::new(name).is_dir() {
            return Err(failed(
                Exit::Usage,
                format!("`{name}` is a directory\n  hint: name a file in it; `windlass apply -f DIRECTORY` takes all of them"),
            ));
        }
        file.take(LARGEST + 1).read_to_string(&mut text).map_err(|error| unreadable(name, error))?
    };
    if u64::try_from(read).unwrap_or(u64::MAX) > LARGEST {
        return Err(failed(Exit::Usage, format!("`{name}` is larger than {} MiB", LARGEST >> 20)));
    }
    Ok(text)
}

fn unreadable(name: &str, error: std::io::Error) -> anyhow::Error {
    anyhow::Error::new(error)
        .context(format!("`{name}` cannot be read\n  hint: it has to be a text file, in UTF-8, that this user may read"))
}

/// A file that cannot be opened; where it is not there, with the name beside it that was probably meant.
fn not_there(name: &str, error: std::io::Error) -> anyhow::Error {
    if error.kind() != std::io::ErrorKind::NotFound {
        return unreadable(name, error);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_said_with_the_way_out() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).display().to_string();
        fs_err::create_dir(path("folder")).expect("made");
        fs_err::write(path("web.yaml"), "kind: WebApp").expect("written");
        fs_err::write(path("picture"), [0xff, 0xd8]).expect("written");
        let said = |name: &str| crate::exit::text(&text(name).expect_err(name)).replace(&path(""), "");
        insta::assert_snapshot!([said(&path("folder")), said(&path("wep.yaml")), said(&path("picture"))].join("\n"), @r"
        error: `folder` is a directory
          hint: name a file in it; `windlass apply -f DIRECTORY` takes all of them
        error: there is no file `wep.yaml`
          hint: did you mean `web.yaml`?
        error: `picture` cannot be read: stream did not contain valid UTF-8
          hint: it has to be a text file, in UTF-8, that this user may read
        ");
    }
}
