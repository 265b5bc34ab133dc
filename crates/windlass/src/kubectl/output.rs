//! `-o`: in which form objects are printed.

use super::custom_columns::Columns;
use super::failure::Failure;
use super::jsonpath::Template;
use super::{go_json, go_yaml};
use serde_json::{Value, json};

/// A form.
#[derive(Debug)]
pub(crate) enum Format {
    /// Columns that the server chooses; all of them where `wide`.
    Table {
        /// Less important columns too.
        wide: bool,
    },
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// `kind/name`.
    Name,
    /// A template's text.
    Template(Template),
    /// A template's values as JSON lists.
    TemplateAsJson(Template),
    /// Columns that the user chooses.
    Columns(Columns),
}

/// The formats that `get` names when it knows none such.
const KNOWN: &str = "custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,wide,yaml";

impl Format {
    /// Reads `-o`. `no_headers` counts for columns.
    pub(crate) fn read(text: Option<&str>, no_headers: bool) -> Result<Self, Failure> {
        let text = text.unwrap_or_default();
        let (name, rest) = text.split_once('=').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let template = |rest: Option<&str>| {
            let text =
                rest.filter(|text| !text.is_empty()).ok_or_else(|| Failure::text("template format specified but no template given"))?;
            Template::parse(text).map_err(|error| Failure::text(format!("error parsing jsonpath {text}, {error}")))
        };
        let file = |rest: Option<&str>| -> Result<String, Failure> {
            let path = rest.ok_or_else(|| Failure::text("template format specified but no template given"))?;
            fs_err::read_to_string(path)
                .map_err(|_| Failure::text(format!("error reading --template {path}, open {path}: no such file or directory")))
        };
        Ok(match name {
            "" => Self::Table { wide: false },
            "wide" => Self::Table { wide: true },
            "json" => Self::Json,
            "yaml" => Self::Yaml,
            "name" => Self::Name,
            "jsonpath" => Self::Template(template(rest)?),
            "jsonpath-as-json" => Self::TemplateAsJson(template(rest)?),
            "jsonpath-file" => Self::Template(template(Some(&file(rest)?))?),
            "custom-columns" => Self::Columns(Columns::read(rest.unwrap_or_default(), no_headers)?),
            "custom-columns-file" => Self::Columns(Columns::of_file(&file(rest)?, no_headers)?),
            "go-template" | "go-template-file" | "template" | "templatefile" => {
                return Err(Failure::Usage(format!("`-o {name}` is not supported\n  hint: use -o jsonpath, or kubectl")));
            }
            _ => {
                return Err(Failure::text(format!(
                    "unable to match a printer suitable for the output format \"{text}\", allowed formats are: {KNOWN}"
                )));
            }
        })
    }

    /// One object or list as text. `documents` counts what was printed before: YAML documents stand apart.
    pub(crate) fn print(&self, object: &Value, documents: &mut usize) -> Result<String, Failure> {
        *documents += 1;
        Ok(match self {
            Self::Json => go_json::indented(object) + "\n",
            Self::Yaml => (if *documents > 1 { "---\n" } else { "" }).to_owned() + &go_yaml::document(object),
            Self::Name => match object["items"].as_array().filter(|_| is_list(object)) {
                Some(items) => items.iter().map(|item| name(item) + "\n").collect(),
                None => name(object) + "\n",
            },
            Self::Template(template) => template.text(object, true).map_err(|error| template_failure(&error))?,
            Self::TemplateAsJson(template) => template.json(object, true).map_err(|error| template_failure(&error))?,
            Self::Columns(columns) => columns.print(object, *documents == 1)?,
            Self::Table { .. } => String::new(),
        })
    }
}

fn template_failure(error: &str) -> Failure {
    Failure::text(format!("error executing jsonpath: {error}"))
}

/// Whether it is a list of objects.
pub(crate) fn is_list(object: &Value) -> bool {
    object["kind"].as_str().is_some_and(|kind| kind.ends_with("List")) && object["items"].is_array()
}

/// `configmap/a`, `deployment.apps/a`.
pub(crate) fn name(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    match object["apiVersion"].as_str().and_then(|version| version.split_once('/')) {
        Some((group, _)) => format!("{kind}.{group}/{name}"),
        None => format!("{kind}/{name}"),
    }
}

/// Takes managedFields away, from an object or from those of a list.
pub(crate) fn without_managed_fields(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    if let Some(items) = object.get_mut("items").and_then(Value::as_array_mut) {
        items.iter_mut().for_each(without_managed_fields);
    }
}

/// A list of objects, as kubectl makes it out of several answers.
pub(crate) fn list(items: Vec<Value>) -> Value {
    json!({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}})
}
