//! How long functions are. The list of those over the budget is committed and may only get shorter.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::Source;

/// Lines of a function; up to clippy's hard limit of 120 one may stand in the list.
const LONGEST: usize = 70;
const LIST: &str = "xtask/long-functions.txt";

pub(super) fn check(root: &Path, sources: &[Source], shrink: bool, findings: &mut Vec<String>) -> Result<()> {
    let mut long: BTreeMap<String, usize> = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let Ok(file) = syn::parse_file(&source.text) else {
            findings.push(format!("{}:1: is no Rust that can be read", source.path));
            continue;
        };
        let mut visitor = Visitor { path: &source.path, product: source.product_lines(), long: &mut long };
        visitor.visit_file(&file);
    }
    let listed = read(&fs_err::read_to_string(root.join(LIST))?);
    if shrink {
        let kept: Vec<String> =
            long.iter().filter(|(name, _)| listed.contains_key(*name)).map(|(name, lines)| format!("{lines} {name}\n")).collect();
        fs_err::write(root.join(LIST), kept.concat())?;
        return Ok(());
    }
    for (name, lines) in &long {
        match listed.get(name) {
            Some(allowed) if lines <= allowed => {}
            Some(allowed) => {
                findings.push(format!("{name}: grew from {allowed} to {lines} lines\n  hint: it stands in {LIST}, which may only shrink"))
            }
            None => findings.push(format!("{name}: {lines} lines, at most {LONGEST}\n  hint: name its parts and make them functions")),
        }
    }
    for name in listed.keys().filter(|name| !long.contains_key(*name)) {
        findings.push(format!("{LIST}: `{name}` is no longer too long\n  hint: `cargo xtask tidy --shrink`"));
    }
    Ok(())
}

fn read(text: &str) -> BTreeMap<String, usize> {
    text.lines().filter_map(|line| line.split_once(' ')).filter_map(|(lines, name)| Some((name.to_owned(), lines.parse().ok()?))).collect()
}

struct Visitor<'a> {
    path: &'a str,
    product: usize,
    long: &'a mut BTreeMap<String, usize>,
}

impl Visitor<'_> {
    fn note(&mut self, name: &syn::Ident, block: &syn::Block) {
        let (start, end) = (block.span().start().line, block.span().end().line);
        let lines = (end + 1).saturating_sub(start);
        if lines > LONGEST && start <= self.product {
            self.long.insert(format!("{}::{name}", self.path), lines);
        }
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.note(&item.sig.ident, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.note(&item.sig.ident, &item.block);
        visit::visit_impl_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::Visitor;
    use std::collections::BTreeMap;
    use syn::visit::Visit as _;

    #[test]
    fn long_functions_are_found() {
        let text = format!("fn short() {{}}\nimpl X {{ fn long() {{\n{}}} }}\n", "let _x = 1;\n".repeat(80));
        let mut long = BTreeMap::new();
        let file = syn::parse_file(&text).expect("the sample is Rust");
        Visitor { path: "a.rs", product: 1000, long: &mut long }.visit_file(&file);
        assert_eq!(long.into_iter().collect::<Vec<_>>(), [("a.rs::long".to_owned(), 82)]);
    }
}
