//! `explain`: what a kind's fields mean, from the server's `OpenAPI` v3 documents.

use super::Place;
use super::api;
use super::arguments::ExplainArguments;
use super::discovery::{Kinds, Resource};
use super::failure::Failure;
use super::go_json;
use serde_json::Value;
use std::io::Write as _;

/// How deep `--recursive` goes; schemas that refer to themselves end earlier.
const DEPTH: usize = 64;

/// Runs it.
pub(crate) async fn run(place: &Place, arguments: &ExplainArguments) -> Result<(), Failure> {
    match arguments.output.as_str() {
        "plaintext" => {}
        other => return Err(Failure::Usage(format!("`--output={other}` is not supported\n  hint: use --output=plaintext, or kubectl"))),
    }
    let what = match arguments.what.as_slice() {
        [] => return Err(Failure::Raw("error: You must specify the type of resource to explain. Use \"kubectl api-resources\" for a complete list of supported resources.".into())),
        [what] => what,
        _ => return Err(Failure::text("We accept only this format: explain RESOURCE\nSee 'kubectl explain -h' for help and examples")),
    };
    let kinds = Kinds::read(&place.api).await?;
    let (resource, fields) = parse(&kinds, what).map_err(|failure| Failure::Raw(failure.message()))?;
    let mut resource = resource.clone();
    if let Some(wanted) = &arguments.api_version {
        let found = kinds.all().iter().find(|other| other.plural == resource.plural && other.api_version() == *wanted);
        resource = found
            .cloned()
            .ok_or_else(|| Failure::text(format!("couldn't find resource for \"{}, Resource={}\"", versioned(wanted), resource.plural)))?;
    }
    let root = if resource.group.is_empty() { "api" } else { "apis" };
    let path = format!("/openapi/v3/{root}/{}", resource.api_version());
    let document = place.api.get(&path, &[], api::JSON).await?;
    let text = Explanation { document: &document, recursive: arguments.recursive }.text(&resource, &fields)?;
    Ok(write!(std::io::stdout(), "{text}")?)
}

fn versioned(version: &str) -> String {
    if version.contains('/') { version.to_owned() } else { format!("/{version}") }
}

/// The kind and the path of fields: `deployments.spec`, `widgets.example.com.spec`.
fn parse<'a>(kinds: &'a Kinds, what: &str) -> Result<(&'a Resource, Vec<String>), Failure> {
    let what = what.trim_end_matches('.');
    for resource in kinds.all().iter().filter(|resource| !resource.group.is_empty()) {
        for name in [&resource.plural, &resource.singular] {
            if let Some(rest) =
                what.strip_prefix(&format!("{name}.{}", resource.group)).filter(|rest| rest.is_empty() || rest.starts_with('.'))
            {
                return Ok((resource, fields(rest)));
            }
        }
    }
    let (name, rest) = what.split_once('.').unwrap_or((what, ""));
    Ok((kinds.of_argument(name)?, fields(rest)))
}

fn fields(rest: &str) -> Vec<String> {
    rest.split('.').filter(|field| !field.is_empty()).map(str::to_owned).collect()
}

struct Explanation<'a> {
    document: &'a Value,
    recursive: bool,
}

impl<'a> Explanation<'a> {
    fn text(&self, resource: &Resource, fields: &[String]) -> Result<String, Failure> {
        let mut text = String::new();
        if !resource.group.is_empty() {
            text.push_str(&format!("GROUP:      {}\n", resource.group));
        }
        text.push_str(&format!("KIND:       {}\nVERSION:    {}\n\n", resource.kind, resource.version));
        let is_it = |kind: &Value| {
            kind["kind"] == resource.kind.as_str()
                && kind["version"] == resource.version.as_str()
                && kind["group"].as_str().unwrap_or_default() == resource.group
        };
        let schemas = self.document["components"]["schemas"].as_object();
        let mut named: Vec<(&String, &Value)> = schemas.into_iter().flatten().collect();
        named.sort_by_key(|(name, _)| *name);
        let schema = named
            .into_iter()
            .map(|(_, schema)| schema)
            .find(|schema| schema["x-kubernetes-group-version-kind"].as_array().is_some_and(|kinds| kinds.iter().any(is_it)));
        let Some(schema) = schema else {
            return Err(Failure::text(format!(
                "GVR ({}, Resource={}) not found in OpenAPI schema",
                versioned(&resource.api_version()),
                resource.plural
            )));
        };
        let found = self.output(schema, fields, 0);
        let found = found.filter(|found| !found.is_empty()).ok_or_else(|| {
            // kubectl has printed the head by then.
            drop(write!(std::io::stdout(), "{text}"));
            Failure::text(format!("field \"{}\" does not exist", fields.last().map(String::as_str).unwrap_or_default()))
        })?;
        Ok(text + &found + "\n")
    }

    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) else { return schema };
        match &self.document["components"]["schemas"][name] {
            Value::Null => schema,
            found => found,
        }
    }

    /// Follows the fields, then describes what is there.
    fn output(&self, schema: &'a Value, path: &[String], depth: usize) -> Option<String> {
        if depth > DEPTH {
            return None;
        }
        let resolved = self.resolve(schema);
        let Some((first, rest)) = path.split_first() else { return Some(self.page(resolved)) };
        if resolved["properties"][first].is_object() {
            let field = &resolved["properties"][first];
            let mut text = String::new();
            if rest.is_empty() {
                text = format!("FIELD: {first} <{}>\n{}\n\n", self.type_of(field), all_values(field));
            }
            return Some(text + &self.output(field, rest, depth + 1).unwrap_or_default());
        }
        if resolved["items"].is_object() {
            return self.output(&resolved["items"], path, depth + 1);
        }
        if resolved["additionalProperties"].is_object() {
            return self.output(&resolved["additionalProperties"], path, depth + 1);
        }
        let all = resolved["allOf"].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().find_map(|schema| self.output(schema, path, depth + 1).filter(|text| !text.is_empty()))
    }

    fn page(&self, resolved: &'a Value) -> String {
        let mut description = String::new();
        self.description(resolved, 0, &mut description);
        if description.is_empty() {
            description.push_str("<empty>");
        }
        let mut text = format!("DESCRIPTION:\n{}\n", indented(4, &wrapped(76, &description)));
        text.push_str(&external(resolved));
        let mut list = String::new();
        self.list(resolved, 1, &mut Vec::new(), &mut list);
        if !list.is_empty() {
            text.push_str("FIELDS:\n");
            text.push_str(&list);
        }
        text
    }

    fn description(&self, schema: &'a Value, depth: usize, out: &mut String) {
        if depth > DEPTH {
            return;
        }
        let schema = self.resolve(schema);
        if let Some(text) = schema["description"].as_str().filter(|text| !text.is_empty()) {
            out.push_str(text);
            out.push('\n');
        }
        schema["allOf"].as_array().into_iter().flatten().for_each(|part| self.description(part, depth + 1, out));
        for below in ["items", "additionalProperties"] {
            if schema[below].is_object() {
                self.description(&schema[below], depth + 1, out);
            }
        }
    }

    fn list(&self, schema: &'a Value, level: usize, history: &mut Vec<&'a str>, out: &mut String) {
        let reference = schema["$ref"].as_str();
        if level > DEPTH || reference.is_some_and(|reference| history.contains(&reference)) {
            return;
        }
        history.extend(reference);
        let resolved = self.resolve(schema);
        let mut properties: Vec<(&String, &Value)> = resolved["properties"].as_object().into_iter().flatten().collect();
        properties.sort_by_key(|(name, _)| *name);
        for (name, field) in properties {
            self.field(name, field, resolved, level, out);
            if self.recursive {
                self.list(field, level + 1, history, out);
            }
        }
        resolved["allOf"].as_array().into_iter().flatten().for_each(|part| self.list(part, level, history, out));
        for below in ["items", "additionalProperties"] {
            if resolved[below].is_object() {
                self.list(&resolved[below], level, history, out);
            }
        }
        if reference.is_some() {
            history.pop();
        }
    }

    fn field(&self, name: &str, field: &'a Value, parent: &Value, level: usize, out: &mut String) {
        let indent = level * 2;
        out.push_str(&format!("{}\t<{}>", indented(indent, name), self.type_of(field)));
        if parent["required"].as_array().is_some_and(|required| required.iter().any(|other| other == name)) {
            out.push_str(" -required-");
        }
        out.push_str(&first_values(field, indent));
        out.push('\n');
        if self.recursive {
            return;
        }
        let description = field["description"].as_str().filter(|text| !text.is_empty()).unwrap_or("<no description>");
        out.push_str(&indented(indent + 2, &wrapped(78usize.saturating_sub(indent), description)));
        out.push_str("\n\n");
    }

    fn type_of(&self, schema: &'a Value) -> String {
        let named = |schema: &Value| schema["type"].as_str().map(str::to_owned);
        if schema["items"].is_object() {
            return format!("[]{}", self.type_of(&schema["items"]));
        }
        if schema["additionalProperties"].is_object() {
            return format!("map[string]{}", self.type_of(&schema["additionalProperties"]));
        }
        if let Some([only]) = schema["allOf"].as_array().map(Vec::as_slice)
            && schema["properties"].is_null()
        {
            return self.type_of(only);
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.resolve(schema);
            return match named(target).as_deref() {
                None | Some("object") => reference.rsplit(['/', '.']).next().unwrap_or("Object").to_owned(),
                Some(primitive) => primitive.to_owned(),
            };
        }
        match named(schema).as_deref() {
            None | Some("object") => "Object".into(),
            Some(other) => other.to_owned(),
        }
    }
}

fn external(schema: &Value) -> String {
    let documents = &schema["externalDocs"];
    if !documents.is_object() {
        return String::new();
    }
    let mut text = String::from("\nEXTERNAL DOCS:\n");
    if let Some(description) = documents["description"].as_str() {
        text.push_str(&format!("{}\n", indented(4, &wrapped(76, description))));
    }
    if let Some(url) = documents["url"].as_str() {
        text.push_str(&format!("{}\n", indented(4, &format!("URL: {url}"))));
    }
    text
}

fn value(value: &Value) -> String {
    if value == "" { "\"\"".into() } else { go_json::display(value) }
}

/// All values that a field may have, below each other.
fn all_values(schema: &Value) -> String {
    let values = schema["enum"].as_array().map(Vec::as_slice).unwrap_or_default();
    if values.is_empty() {
        return String::new();
    }
    values.iter().fold("ENUM:".to_owned(), |text, item| format!("{text}\n    {}", value(item)))
}

/// The first values that a field may have, on one line.
fn first_values(schema: &Value, indent: usize) -> String {
    const SHOWN: usize = 4;
    let values = schema["enum"].as_array().map(Vec::as_slice).unwrap_or_default();
    if values.is_empty() {
        return String::new();
    }
    let shown: Vec<String> = values.iter().take(SHOWN).map(value).collect();
    let more = if values.len() > SHOWN { ", ...." } else { "" };
    format!("\n{}enum: {}{more}", " ".repeat(indent), shown.join(", "))
}

fn indented(amount: usize, text: &str) -> String {
    let pad = " ".repeat(amount);
    format!("{pad}{}", text.replace('\n', &format!("\n{pad}")))
}

/// Lines of at most `limit` letters, broken at white space; white space at a break is dropped, elsewhere kept.
fn wrapped(limit: usize, text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let (mut word, mut space) = (String::new(), String::new());
    let mut current = 0;
    let count = |text: &str| text.chars().count();
    for c in text.chars() {
        if c == '\n' {
            if !word.is_empty() || current + count(&space) <= limit {
                out.push_str(&space);
            }
            out.push_str(&word);
            space.clear();
            word.clear();
            out.push(c);
            current = 0;
        } else if c.is_whitespace() && c != '\u{a0}' {
            if space.is_empty() || !word.is_empty() {
                current += count(&space) + count(&word);
                out.push_str(&space);
                out.push_str(&word);
                space.clear();
                word.clear();
            }
            space.push(c);
        } else {
            word.push(c);
            if current + count(&word) + count(&space) > limit && count(&word) < limit {
                out.push('\n');
                current = 0;
                space.clear();
            }
        }
    }
    if !word.is_empty() || current + count(&space) <= limit {
        out.push_str(&space);
    }
    out + &word
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_are_wrapped() {
        assert_eq!(wrapped(10, "one two three four"), "one two\nthree four");
        assert_eq!(wrapped(5, "abcdefgh ij"), "abcdefgh\nij");
        assert_eq!(wrapped(20, "a  b\n\nc\n"), "a  b\n\nc\n");
    }

    #[test]
    fn types_are_guessed() {
        let document = json!({"components": {"schemas": {"io.k8s.Spec": {"type": "object"}, "io.k8s.Text": {"type": "string"}}}});
        let explanation = Explanation { document: &document, recursive: false };
        let reference = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
        for (schema, expected) in [
            (json!({"type": "array", "items": {"type": "string"}}), "[]string"),
            (json!({"type": "object"}), "Object"),
            (json!({"additionalProperties": {"type": "integer"}}), "map[string]integer"),
            (json!({"allOf": [reference("io.k8s.Spec")]}), "Spec"),
            (reference("io.k8s.Text"), "string"),
        ] {
            // Leaked, so that schemas live as long as the document they belong to.
            assert_eq!(explanation.type_of(Box::leak(Box::new(schema))), expected);
        }
    }
}
