//! Which words can name a node, and which cannot because the expression language or Windlass uses them.

use windlass_api::Diagnostic;

/// Words of Templates that no node and no forEach variable may take, beside those of the expression language.
const RESERVED: [&str; 34] = [
    "apiVersion",
    "context",
    "dependency",
    "dependencies",
    "each",
    "externalRef",
    "externalReference",
    "externalRefs",
    "externalReferences",
    "graph",
    "instance",
    "item",
    "items",
    "kind",
    "kro",
    "metadata",
    "object",
    "resource",
    "resourcegraphdefinition",
    "resourceGraphDefinition",
    "resources",
    "root",
    "runtime",
    "schema",
    "self",
    "serviceAccountName",
    "spec",
    "status",
    "this",
    "variables",
    "vars",
    "version",
    "targets",
    "windlass",
];

/// How long a name may be.
const LONGEST: usize = 63;

/// Whether a text is a name in expressions.
pub(crate) fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    text.len() <= LONGEST
        && characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What is wrong with the name of a node or of a forEach variable.
pub(crate) fn check(name: &str, has_sizes: bool, kro: bool, at: &str) -> Option<Diagnostic> {
    let lower_camel =
        name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= LONGEST && name.chars().all(|c| c.is_ascii_alphanumeric());
    if !lower_camel {
        let finding = Diagnostic::error("InvalidName", at, format!("`{name}` cannot be a name here"));
        return Some(finding.with_hint(match suggestion(name) {
            Some(better) => format!("names are lowerCamelCase, as `{better}`"),
            None => "names are lowerCamelCase: a lower-case letter, then letters and digits".to_owned(),
        }));
    }
    let ours_only = matches!(name, "targets" | "windlass");
    let reserved = windlass_cel::is_reserved(name) || (RESERVED.contains(&name) && !(kro && ours_only)) || (name == "size" && has_sizes);
    reserved.then(|| {
        let finding = Diagnostic::error("ReservedName", at, format!("`{name}` is a word of Templates and cannot be a name"));
        finding.with_hint(format!("choose another, such as `my{}{}`", name[..1].to_ascii_uppercase(), &name[1..]))
    })
}

/// The lowerCamelCase form of a name with other characters in it.
fn suggestion(name: &str) -> Option<String> {
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let first = words.next()?;
    let mut better = format!("{}{}", first[..1].to_ascii_lowercase(), &first[1..]);
    for word in words {
        better.push_str(&word[..1].to_ascii_uppercase());
        better.push_str(&word[1..]);
    }
    (better.starts_with(|c: char| c.is_ascii_lowercase()) && better.len() <= LONGEST).then_some(better)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_better_ones() {
        let said = |name: &str| check(name, true, false, "").map(|found| format!("{}: {}", found.code, found.hint.unwrap_or_default()));
        assert_eq!(said("db"), None);
        assert_eq!(said("my-db").as_deref(), Some("InvalidName: names are lowerCamelCase, as `myDb`"));
        assert_eq!(said("schema").as_deref(), Some("ReservedName: choose another, such as `mySchema`"));
        assert_eq!(said("size").as_deref(), Some("ReservedName: choose another, such as `mySize`"));
        assert_eq!(said("ä").as_deref(), Some("InvalidName: names are lowerCamelCase: a lower-case letter, then letters and digits"));
        assert_eq!(said("while").as_deref(), Some("ReservedName: choose another, such as `myWhile`"));
    }
}
