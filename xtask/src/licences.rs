//! `cargo xtask deny`: licences and sources of every dependency, against `deny.toml`.
//!
//! The file is cargo-deny's, so that cargo-deny itself can be used where it is installed; this reads the three lists that
//! need no advisory database: allowed licences, exceptions, banned crates. Everything must come from the crates registry.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{process, project};

pub(crate) fn run() -> Result<()> {
    let root = project::root()?;
    let rules: toml::Table = fs_err::read_to_string(root.join("deny.toml"))?.parse().context("`deny.toml` cannot be read")?;
    let rules = Rules::read(&rules);
    let mut command = Command::new("cargo");
    command.args(["metadata", "--format-version", "1", "--locked"]).current_dir(&root);
    let metadata: Value = serde_json::from_str(&process::read(&mut command)?).context("`cargo metadata` is not understood")?;
    let mut problems = Vec::new();
    let mut count = 0;
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        if package["source"].is_null() {
            continue;
        }
        count += 1;
        let (name, licence) = (text("name"), text("license"));
        if !text("source").starts_with("registry+") {
            problems.push(format!("{name}: comes from `{}`, not from the crates registry", text("source")));
        }
        if rules.banned.iter().any(|banned| banned == name) {
            problems.push(format!("{name}: is banned in deny.toml"));
        }
        if !rules.allows(name, licence) {
            problems.push(format!("{name}: the licence `{licence}` is not allowed in deny.toml"));
        }
    }
    if problems.is_empty() {
        println!("    licences and sources of {count} dependencies are allowed");
        return Ok(());
    }
    problems.iter().for_each(|problem| println!("{problem}"));
    bail!("deny: {} problems", problems.len())
}

struct Rules {
    allowed: Vec<String>,
    exceptions: BTreeMap<String, Vec<String>>,
    banned: Vec<String>,
}

impl Rules {
    fn read(table: &toml::Table) -> Self {
        let at = |path: &[&str]| -> Vec<toml::Value> {
            let found = path.iter().skip(1).try_fold(table.get(path[0]), |value, key| Some(value?.get(*key)));
            found.flatten().and_then(toml::Value::as_array).cloned().unwrap_or_default()
        };
        let texts = |values: Vec<toml::Value>| values.iter().filter_map(toml::Value::as_str).map(str::to_owned).collect::<Vec<_>>();
        let named = |value: &toml::Value, key: &str| value.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
        let exceptions = at(&["licenses", "exceptions"]);
        Self {
            allowed: texts(at(&["licenses", "allow"])),
            exceptions: exceptions
                .iter()
                .map(|value| {
                    (named(value, "crate"), texts(value.get("allow").and_then(toml::Value::as_array).cloned().unwrap_or_default()))
                })
                .collect(),
            banned: at(&["bans", "deny"]).iter().map(|value| named(value, "crate")).collect(),
        }
    }

    fn allows(&self, name: &str, expression: &str) -> bool {
        let more = self.exceptions.get(name);
        let allowed = |licence: &str| self.allowed.iter().chain(more.into_iter().flatten()).any(|known| known == licence);
        satisfied(expression, &allowed)
    }
}

/// Whether an SPDX expression can be met: `AND` binds stronger than `OR`; `/` is the old spelling of `OR`.
fn satisfied(expression: &str, allowed: &dyn Fn(&str) -> bool) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    let met = any_of(&words, &mut at, allowed);
    met && at == words.len() && !words.is_empty()
}

fn any_of(words: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut met = all_of(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= all_of(words, at, allowed);
    }
    met
}

fn all_of(words: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> bool {
    let mut met = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, allowed);
    }
    met
}

fn one(words: &[&str], at: &mut usize, allowed: &dyn Fn(&str) -> bool) -> bool {
    let Some(word) = words.get(*at) else { return false };
    *at += 1;
    if *word == "(" {
        let met = any_of(words, at, allowed);
        let closed = words.get(*at) == Some(&")");
        *at += 1;
        return met && closed;
    }
    let mut licence = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        licence = format!("{word} WITH {}", words.get(*at + 1).copied().unwrap_or_default());
        *at += 2;
    }
    allowed(&licence)
}

#[cfg(test)]
mod tests {
    use super::satisfied;

    #[test]
    fn licence_expressions_are_understood() {
        let allowed = |licence: &str| ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&licence);
        for (expression, expected) in [
            ("MIT", true),
            ("MIT/Apache-2.0", true),
            ("GPL-3.0", false),
            ("GPL-3.0 OR MIT", true),
            ("ISC AND (MIT OR GPL-3.0)", true),
            ("ISC AND GPL-3.0", false),
            ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
            ("(MIT", false),
            ("", false),
        ] {
            assert_eq!(satisfied(expression, &allowed), expected, "{expression}");
        }
    }
}
