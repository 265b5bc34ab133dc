//! A plan as a letter, and the bar that says what pressing does.

use crate::model::letter::{self, Field, Item, Letter, Shown};
use crate::model::tone::{self, Tone};
use crate::views::parts::{note, words};
use maud::{Markup, html};
use windlass_api::plan::Plan;

/// The letter.
pub(crate) fn letter(plan: &Plan) -> Markup {
    let letter = letter::write(plan);
    html! {
        @if let Some(warning) = &letter.warning { (note(Tone::Warning, warning, &html! {})) }
        @for warning in &letter.warnings { (note(Tone::Warning, warning, &html! {})) }
        @if letter.changing.is_empty() {
            (note(Tone::Good, "Nothing would change.", &html! { span.small { "Everything is as it should be." } }))
        } @else {
            section.card aria-labelledby="summary" {
                header { h2 #summary { (letter.summary) } }
                @for (index, entry) in letter.changing.iter().enumerate() { (item(entry, index < 6)) }
            }
        }
        (unchanged(&letter))
        (quantities(&letter))
    }
}

fn unchanged(letter: &Letter) -> Markup {
    html! {
        @if !letter.unchanged.is_empty() {
            details #unchanged .card {
                summary { span.sign.same { "=" } span { (letter.unchanged.len()) " unchanged" } span {} }
                ul.plain.in.stack.tight { @for entry in &letter.unchanged { li { strong { (entry.key) } " " span.small { (entry.place) @if !entry.note.is_empty() { " · " (words(&entry.note)) } } } } }
            }
        }
    }
}

fn quantities(letter: &Letter) -> Markup {
    html! {
        @if !letter.quantities.is_empty() {
            section.card aria-label="Cost and quantities" { div.in.row.quantities {
                @for quantity in &letter.quantities {
                    span { strong { (if quantity.name == "price" { "Cost".to_owned() } else { crate::model::form::title(&quantity.name) }) } " " (amount(&quantity.name, quantity.before.as_deref(), quantity.after.as_deref())) }
                }
            } }
        }
    }
}

fn amount(name: &str, before: Option<&str>, after: Option<&str>) -> Markup {
    let say = |text: &str| if name == "price" { letter_money(text) } else { crate::model::form::sizes::bytes(text) };
    html! {
        @match (before, after) {
            (Some(before), Some(after)) => { (say(before)) " → " (say(after)) }
            (None, Some(after)) => { (say(after)) }
            (Some(before), None) => { (say(before)) " → none" }
            (None, None) => { "–" }
        }
    }
}

fn letter_money(text: &str) -> String {
    crate::model::form::sizes::money(text)
}

fn item(item: &Item, open: bool) -> Markup {
    let (sign, class) = tone::of_action(item.action);
    let is_empty = item.fields.is_empty() && item.parts.is_empty() && item.rendered.is_empty() && item.note.is_empty();
    html! {
        details id={ "node-" (item.key) } open[open && !is_empty && item.rendered.is_empty()] {
            summary {
                span class={ "sign " (class) } aria-hidden="true" { (sign) }
                span { strong { (item.key) } " " span.word { (item.action.word()) } " " span.small { (item.place) } }
                span.small { (item.cause) }
            }
            div.in {
                @if is_empty { p.small { "No more to say about it." } }
                @if !item.note.is_empty() { p { (words(&item.note)) } }
                @if !item.fields.is_empty() { table.diff { tbody { @for field in &item.fields { (row(field)) } } } }
                @if item.more > 0 { p.small { (item.more) " more fields" } }
                @if !item.parts.is_empty() {
                    ul.plain.stack.tight {
                        @for part in &item.parts {
                            @let (sign, class) = tone::of_action(part.action);
                            li.part { span class={ "sign " (class) } aria-hidden="true" { (sign) } span { span.word { (part.action.word()) } " " (part.what) @if !part.detail.is_empty() { " " span.small { (part.detail) } } } }
                        }
                    }
                }
                @if !item.rendered.is_empty() { pre tabindex="0" aria-label={ "What " (item.key) " will be" } { (item.rendered) } }
            }
        }
    }
}

fn row(field: &Field) -> Markup {
    html! {
        tr {
            td.key { (field.path) }
            td {
                @match (&field.before, &field.after) {
                    (Some(Shown::Secret), Some(Shown::Secret)) => { "changes " span.tag.quiet { "secret" } }
                    (Some(before), Some(after)) => { del { (value(before)) } " → " (new(after)) }
                    (None, Some(after)) => { (new(after)) }
                    (Some(before), None) => { del { (value(before)) } " → " span.small { "taken away" } }
                    (None, None) => { "–" }
                }
            }
            td.why { (words(&field.cause)) }
        }
    }
}

fn new(shown: &Shown) -> Markup {
    html! { @if let Shown::Text(text) = shown { ins { (text) } } @else { (value(shown)) } }
}

fn value(shown: &Shown) -> Markup {
    html! {
        @match shown {
            Shown::Text(text) => { (text) }
            Shown::After(node) => { span.tag.waits { "known after " (node) } }
            Shown::Secret => { span.tag.quiet { "secret" } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hostile_names_and_values_are_text() {
        let evil = "<img src=x onerror=alert(1)>";
        let plan: Plan = serde_json::from_value(json!({
            "instance": {"apiVersion": "a/v1", "kind": "WebApp", "name": evil},
            "nodes": [{"key": evil, "node": evil, "block": "template", "target": evil, "action": "update", "wave": 0, "desired": {}, "note": evil,
                "changes": [{"path": evil, "before": evil, "after": {"$later": {"because": [evil]}}, "because": [evil], "driftBy": evil}]}],
            "warnings": [{"code": "X", "message": evil}],
            "quantities": [{"name": evil, "before": evil, "after": "2"}],
        }))
        .expect("a plan");
        let shown = letter(&plan).into_string();
        assert!(!shown.contains("<img"), "{shown}");
        assert!(shown.contains("&lt;img src=x onerror=alert(1)&gt;"));
    }

    #[test]
    fn no_change_is_said() {
        let plan: Plan = serde_json::from_value(json!({"instance": {"apiVersion": "a/v1", "kind": "WebApp", "name": "web"}, "nodes": []}))
            .expect("a plan");
        assert!(letter(&plan).into_string().contains("Nothing would change."));
    }
}
