//! Field tables for protobuf bodies, read from the struct tags of Kubernetes' Go types.
//!
//! The tags tell what the `.proto` files do not: JSON names, what is inline, and whether a zero value means "not set".
//! A line `message NAME` is followed by one line a field: `number, JSON name, type, flags`, with tabs between. Types are
//! `bool`, `bytes`, `double`, `int`, `string`, or a message. Flags: `i` inline, `m` map from texts, `o` left out when zero,
//! `p` pointer (zero is a value), `r` repeated. Start with [`generate`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};

/// Kinds that are decoded, with all that they refer to.
const ROOTS: [&str; 19] = [
    "core/v1.Namespace",
    "core/v1.ConfigMap",
    "core/v1.Secret",
    "core/v1.ServiceAccount",
    "core/v1.Event",
    "core/v1.LimitRange",
    "core/v1.ResourceQuota",
    "apps/v1.Deployment",
    "autoscaling/v1.Scale",
    "coordination/v1.Lease",
    "apiextensions/v1.CustomResourceDefinition",
    "events/v1.Event",
    "authorization/v1.SelfSubjectAccessReview",
    "authorization/v1.SelfSubjectRulesReview",
    "authentication/v1.SelfSubjectReview",
    "meta/v1.DeleteOptions",
    "meta/v1.PatchOptions",
    "meta/v1.CreateOptions",
    "meta/v1.UpdateOptions",
];

/// Groups of `k8s.io/api` whose `v1` is read.
const GROUPS: [&str; 7] = ["core", "apps", "autoscaling", "coordination", "events", "authorization", "authentication"];

/// Messages that the decoder knows by heart.
const SPECIAL: [&str; 11] = [
    "meta/v1.Time",
    "meta/v1.MicroTime",
    "meta/v1.Duration",
    "meta/v1.FieldsV1",
    "resource.Quantity",
    "intstr.IntOrString",
    "runtime.RawExtension",
    "apiextensions/v1.JSON",
    "apiextensions/v1.JSONSchemaPropsOrArray",
    "apiextensions/v1.JSONSchemaPropsOrBool",
    "apiextensions/v1.JSONSchemaPropsOrStringArray",
];

struct Field {
    number: u32,
    name: String,
    type_name: String,
    flags: String,
}

/// What a Go type name stands for.
#[derive(Clone)]
enum Named {
    Struct,
    Alias(String),
}

#[derive(Default)]
struct Types {
    named: BTreeMap<String, Named>,
    /// Lines with tags of each struct: `(field type, tag)`.
    fields: BTreeMap<String, Vec<(String, String)>>,
}

/// Reads the types and writes the tables.
pub(super) fn generate(api: &Path, machinery: &Path, extensions: &Path) -> Result<String> {
    let mut types = Types::default();
    for group in GROUPS {
        types.read(&format!("{group}/v1"), &api.join(group).join("v1"))?;
    }
    types.read("meta/v1", &machinery.join("pkg/apis/meta/v1"))?;
    types.read("apiextensions/v1", &extensions.join("pkg/apis/apiextensions/v1"))?;
    let mut out = String::new();
    let mut open: Vec<String> = ROOTS.iter().rev().map(|root| (*root).to_owned()).collect();
    let mut done: BTreeSet<String> = BTreeSet::new();
    while let Some(name) = open.pop() {
        if SPECIAL.contains(&name.as_str()) || !done.insert(name.clone()) {
            continue;
        }
        out.push_str(&format!("message {name}\n"));
        for field in types.table(&name)? {
            out.push_str(&format!("{}\t{}\t{}\t{}\n", field.number, field.name, field.type_name, field.flags));
            if field.type_name.contains('.') {
                open.push(field.type_name);
            }
        }
    }
    Ok(out)
}

impl Types {
    fn read(&mut self, package: &str, folder: &Path) -> Result<()> {
        let mut files: Vec<_> = fs_err::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.sort();
        for file in files {
            let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.ends_with(".go") && !name.ends_with("_test.go") && !name.starts_with("zz_") && !name.contains("generated") {
                self.read_file(package, &fs_err::read_to_string(&file)?);
            }
        }
        Ok(())
    }

    fn read_file(&mut self, package: &str, text: &str) {
        let imports: BTreeMap<String, String> = text.lines().filter_map(import).collect();
        let mut current: Option<String> = None;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("type ") {
                let (name, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                let key = format!("{package}.{name}");
                if rest.starts_with("struct") {
                    self.named.insert(key.clone(), Named::Struct);
                    self.fields.insert(key.clone(), Vec::new());
                    current = (!rest.ends_with("{}")).then_some(key);
                } else {
                    let target = rest.trim_start_matches("= ").split("//").next().unwrap_or_default().trim();
                    self.named.insert(key, Named::Alias(qualify(target, package, &imports)));
                }
            } else if line.starts_with('}') {
                current = None;
            } else if let Some(key) = &current
                && !line.trim_start().starts_with("//")
                && let Some((before, tag)) = line.split_once('`')
                && let Some(type_name) = before.split_whitespace().last()
            {
                let field = (qualify(type_name, package, &imports), tag.split('`').next().unwrap_or_default().to_owned());
                self.fields.entry(key.clone()).or_default().push(field);
            }
        }
    }

    fn table(&self, message: &str) -> Result<Vec<Field>> {
        // A list under a name of its own is a message with one repeated field.
        if let Some(Named::Alias(target)) = self.named.get(message) {
            let item = target.strip_prefix("[]").with_context(|| format!("`{message}` is no list"))?;
            let (type_name, flags) = self.resolve(item)?;
            return Ok(vec![Field { number: 1, name: "items".to_owned(), type_name, flags: format!("{flags}r") }]);
        }
        let mut table = Vec::new();
        for (type_name, tag) in self.fields.get(message).with_context(|| format!("no type `{message}`"))? {
            let Some(number) = tagged(tag, "protobuf").and_then(|tag| tag.split(',').nth(1)?.parse().ok()) else { continue };
            let json = tagged(tag, "json").unwrap_or_default();
            let name = json.split(',').next().unwrap_or_default().to_owned();
            let (type_name, mut flags) = self.resolve(type_name).with_context(|| format!("field `{name}` of `{message}`"))?;
            if name.is_empty() {
                flags.push('i');
            }
            if json.split(',').skip(1).any(|word| word == "omitempty") {
                flags.push('o');
            }
            table.push(Field { number, name: if name.is_empty() { "-".to_owned() } else { name }, type_name, flags });
        }
        Ok(table)
    }

    /// The type and flags of a Go type expression.
    fn resolve(&self, expression: &str) -> Result<(String, String)> {
        if let Some(rest) = expression.strip_prefix('*') {
            let (type_name, flags) = self.resolve(rest)?;
            return Ok((type_name, format!("{flags}p")));
        }
        if expression == "[]byte" {
            return Ok(("bytes".to_owned(), String::new()));
        }
        if let Some(rest) = expression.strip_prefix("[]") {
            let (type_name, _) = self.resolve(rest)?;
            return Ok((type_name, "r".to_owned()));
        }
        if let Some((_, value)) = expression.strip_prefix("map[").and_then(|rest| rest.split_once(']')) {
            // A map's values that are lists have a message of their own.
            if let Some(Named::Alias(target)) = self.named.get(value)
                && target.starts_with("[]")
            {
                return Ok((value.to_owned(), "m".to_owned()));
            }
            let (type_name, _) = self.resolve(value)?;
            return Ok((type_name, "m".to_owned()));
        }
        Ok(match expression {
            "string" | "types.UID" | "types.NodeName" => ("string".to_owned(), String::new()),
            "bool" => ("bool".to_owned(), String::new()),
            "int" | "int32" | "int64" | "uint32" | "uint8" => ("int".to_owned(), String::new()),
            "float64" => ("double".to_owned(), String::new()),
            special if SPECIAL.contains(&special) => (special.to_owned(), String::new()),
            name => match self.named.get(name).with_context(|| format!("no type `{name}`"))? {
                Named::Struct => (name.to_owned(), String::new()),
                Named::Alias(target) => return self.resolve(target),
            },
        })
    }
}

/// A tag's value by its key.
fn tagged<'a>(tag: &'a str, key: &str) -> Option<&'a str> {
    let start = tag.find(&format!("{key}:\""))? + key.len() + 2;
    tag[start..].split('"').next()
}

/// The name under which a line imports a package, and how this module calls it.
fn import(line: &str) -> Option<(String, String)> {
    let (alias, path) =
        line.trim().trim_start_matches("import ").split_once('"').map(|(alias, rest)| (alias.trim(), rest.trim_end_matches('"')))?;
    let last = path.rsplit('/').next()?;
    let package = match path.strip_prefix("k8s.io/api/").or_else(|| path.strip_prefix("k8s.io/apimachinery/pkg/apis/")) {
        Some(group_version) => group_version.to_owned(),
        None => last.to_owned(),
    };
    let alias = if alias.is_empty() { last } else { alias };
    (path.starts_with("k8s.io/")).then(|| (alias.to_owned(), package))
}

/// A Go type expression with packages called as this module calls them.
fn qualify(expression: &str, package: &str, imports: &BTreeMap<String, String>) -> String {
    for prefix in ["*", "[]"] {
        if let Some(rest) = expression.strip_prefix(prefix) {
            let rest = qualify(rest, package, imports);
            return format!("{prefix}{rest}");
        }
    }
    if let Some((key, value)) = expression.strip_prefix("map[").and_then(|rest| rest.split_once(']')) {
        return format!("map[{key}]{}", qualify(value, package, imports));
    }
    match expression.split_once('.') {
        Some((alias, name)) => format!("{}.{name}", imports.get(alias).map_or(alias, String::as_str)),
        None if expression.starts_with(|first: char| first.is_ascii_uppercase()) => format!("{package}.{expression}"),
        None => expression.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Types;

    #[test]
    fn tags_become_fields() {
        let mut types = Types::default();
        types.read_file(
            "core/v1",
            "import (\n\tmetav1 \"k8s.io/apimachinery/pkg/apis/meta/v1\"\n)\ntype Kind string\ntype Extra []string\ntype Thing struct {\n\tmetav1.TypeMeta `json:\",inline\"`\n\tKind *Kind `json:\"kind,omitempty\" protobuf:\"bytes,3,opt,name=kind\"`\n\tExtra map[string]Extra `json:\"extra\" protobuf:\"bytes,4,rep,name=extra\"`\n\tOther `json:\",inline\" protobuf:\"bytes,1,opt,name=other\"`\n}\ntype Other struct {\n}\n",
        );
        let table = types.table("core/v1.Thing").expect("the type was read");
        let lines: Vec<String> =
            table.iter().map(|field| format!("{} {} {} {}", field.number, field.name, field.type_name, field.flags)).collect();
        assert_eq!(lines, ["3 kind string po", "4 extra core/v1.Extra m", "1 - core/v1.Other i"]);
        let extra = types.table("core/v1.Extra").expect("a list is a message");
        assert_eq!((extra[0].type_name.as_str(), extra[0].flags.as_str()), ("string", "r"));
    }
}
