//! What every source file must have and must not have, and whether the documents' links lead somewhere.

use std::path::Path;

use anyhow::{Context as _, Result};

use super::Source;

/// Lines of a file without its tests.
const LONGEST_FILE: usize = 600;
/// Lines of an inline test module; longer ones go to a file of their own.
const LONGEST_INLINE_TESTS: usize = 150;

/// Crates that must not touch the outside.
const THINKING: [&str; 5] = ["windlass-api", "windlass-schema", "windlass-cel", "windlass-score", "windlass-graph"];
/// What touches it.
const TOUCHES: [&str; 8] =
    ["std::fs", "fs_err", "TcpStream", "UdpSocket", "std::process", "SystemTime::now", "Instant::now", "Timestamp::now"];
/// Names that say nothing.
const EMPTY_WORDS: [&str; 4] = ["Manager", "Helper", "Util", "Data"];

pub(super) fn check(source: &Source, findings: &mut Vec<String>) {
    let mut say = |line: usize, message: &str| findings.push(format!("{}:{line}: {message}", source.path));
    if !source.text.starts_with("//!") {
        say(1, "has no `//!` head\n  hint: say what it is for, what not, where to start");
    }
    let product = source.product_lines();
    if !source.is_test() && product > LONGEST_FILE {
        say(1, &format!("{product} lines without tests, at most {LONGEST_FILE}\n  hint: does it hold more than one thing?"));
    }
    let tests = source.text.lines().count() - product;
    if !source.is_test() && tests > LONGEST_INLINE_TESTS {
        say(product + 1, &format!("{tests} lines of inline tests, at most {LONGEST_INLINE_TESTS}\n  hint: move them to `tests.rs`"));
    }
    let thinking = THINKING.iter().any(|name| source.path.starts_with(&format!("crates/{name}/src/")));
    for (index, line) in source.text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        let product_code = index < product && !source.is_test();
        if code.trim_start().starts_with("#[allow(") || code.trim_start().starts_with("#![allow(") {
            say(index + 1, "`allow` hides a lint for ever\n  hint: `#[expect(..., reason = \"...\")]`");
        }
        if code.trim_start().starts_with("#[ignore") {
            say(index + 1, "an ignored test shows nothing");
        }
        if thinking && product_code && TOUCHES.iter().any(|word| code.contains(word)) {
            say(index + 1, "a thinking crate touches the outside\n  hint: take it as a value");
        }
        if let Some(name) = defined_name(code)
            && EMPTY_WORDS.iter().any(|word| name.ends_with(word))
        {
            say(index + 1, &format!("the name `{name}` says nothing\n  hint: use the field's word for what it is"));
        }
    }
}

/// The name that a line defines as a type, trait or module.
fn defined_name(code: &str) -> Option<&str> {
    let code = code.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ").trim_start_matches("pub ");
    let rest = ["struct ", "enum ", "trait ", "type "].iter().find_map(|word| code.strip_prefix(word))?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    Some(&rest[..end])
}

/// Relative links in the documents lead to files that exist.
pub(super) fn check_links(root: &Path, findings: &mut Vec<String>) -> Result<()> {
    let mut documents = Vec::new();
    for entry in walkdir::WalkDir::new(root)
        .into_iter()
        .filter_entry(|entry| !["target", ".git"].contains(&entry.file_name().to_string_lossy().as_ref()))
    {
        let path = entry.context("the project cannot be listed")?.into_path();
        if path.extension().is_some_and(|extension| extension == "md") && !path.to_string_lossy().contains("/cases/") {
            documents.push(path);
        }
    }
    documents.sort();
    for document in documents {
        let text = fs_err::read_to_string(&document)?;
        let folder = document.parent().unwrap_or(root);
        for (index, line) in text.lines().enumerate() {
            for target in links(line) {
                let file = target.split('#').next().unwrap_or_default();
                if !file.is_empty() && !target.contains("://") && !target.starts_with("mailto:") && !folder.join(file).exists() {
                    let name = document.strip_prefix(root).unwrap_or(&document).display();
                    findings.push(format!("{name}:{}: the link `{target}` leads nowhere", index + 1));
                }
            }
        }
    }
    Ok(())
}

/// Targets of Markdown links in one line.
fn links(line: &str) -> Vec<&str> {
    let outside_code: Vec<&str> = line.split('`').step_by(2).collect();
    outside_code.iter().flat_map(|part| part.split("](").skip(1)).filter_map(|rest| rest.split([')', ' ']).next()).collect()
}

#[cfg(test)]
mod tests {
    use super::{check, defined_name, links};
    use crate::tidy::Source;

    fn said(path: &str, text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        check(&Source { path: path.into(), text: text.into() }, &mut findings);
        findings
    }

    #[test]
    fn heads_budgets_and_purity_are_checked() {
        assert!(said("crates/windlass-graph/src/x.rs", "//! A head.\nfn f() {}\n").is_empty());
        assert_eq!(said("crates/windlass/src/x.rs", "fn f() {}\n").len(), 1);
        assert_eq!(said("crates/windlass-graph/src/x.rs", "//! A head.\nuse std::fs;\n").len(), 1);
        assert_eq!(said("crates/windlass-store/src/x.rs", "//! A head.\nuse std::fs;\n").len(), 0);
        assert_eq!(said("crates/windlass/src/x.rs", &format!("//! A head.\n{}", "\n".repeat(600))).len(), 1);
        assert_eq!(said("crates/windlass/src/x.rs", "//! A head.\npub struct RunManager;\n").len(), 1);
    }

    #[test]
    fn names_and_links_are_read() {
        assert_eq!(defined_name("pub(crate) struct Fields<'a> {"), Some("Fields"));
        assert_eq!(defined_name("let x = 1;"), None);
        assert_eq!(links("see [a](b.md#c) and `[x](y)` and [d](e)"), ["b.md#c", "e"]);
    }
}
