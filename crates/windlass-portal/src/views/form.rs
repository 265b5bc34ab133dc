//! The form: two or three fields in view, sizes as cards, the rest folded; the same as text beside it.

use crate::model::commands::Door;
use crate::model::form::errors::Findings;
use crate::model::form::{self, Field, Form, Widget};
use crate::model::tone::Tone;
use crate::views::layout::Frame;
use crate::views::parts::{icon, note, token, words};
use maud::{Markup, html};
use serde_json::{Map, Value};

/// What the form shows.
pub(crate) struct Drawn<'a> {
    /// Where it is sent.
    pub(crate) action: String,
    /// The form.
    pub(crate) form: &'a Form,
    /// Values as they stand; over them, what was sent last.
    pub(crate) values: &'a Map<String, Value>,
    /// Texts that were sent, as they were typed, by field name.
    pub(crate) sent: &'a crate::model::query::Query,
    /// Name; `None` where it cannot be changed.
    pub(crate) name: Option<&'a str>,
    /// Namespace; `None` where it cannot be changed or there is none.
    pub(crate) namespace: Option<&'a str>,
    /// Namespaces to choose from.
    pub(crate) namespaces: &'a [String],
    /// What is wrong.
    pub(crate) findings: &'a Findings,
    /// Which door is open.
    pub(crate) door: Door,
    /// The same, through that door.
    pub(crate) same: String,
}

/// The form and, beside it, the same as text.
pub(crate) fn draw(frame: &Frame, drawn: &Drawn<'_>) -> Markup {
    html! {
        form #form .columns.form method="post" action=(drawn.action) data-live-form novalidate {
            div.stack.loose {
                (token(frame))
                (summary(drawn.findings))
                @if let Some(name) = drawn.name { (name_field(name, drawn.findings)) }
                @for field in &drawn.form.first { (one(field, drawn)) }
                @if !drawn.form.more.is_empty() || drawn.namespace.is_some() { (folded(drawn)) }
                div.row { button.button.do type="submit" name="_do" value="plan" { "See the plan" } span.small { "Nothing is made before you have seen the plan." } }
            }
            (beside(drawn))
        }
    }
}

/// Only what the script takes over while somebody types: the text beside the form, and what is wrong.
pub(crate) fn live(drawn: &Drawn<'_>) -> Markup {
    html! {
        (beside(drawn))
        (error("name", drawn.findings))
        (error("namespace", drawn.findings))
        @for field in drawn.form.fields() { (error(&field.name(), drawn.findings)) }
    }
}

fn summary(findings: &Findings) -> Markup {
    let all = findings.fields.len() + findings.rest.len();
    html! {
        @if all > 0 {
            div #wrong tabindex="-1" data-focus {
                (note(Tone::Bad, if all == 1 { "One thing must be put right." } else { "Some things must be put right." }, &html! {
                    ul.plain.stack.tight {
                        @for (name, text) in &findings.fields { li { a href={ "#" (input_id(name)) } { (label_of(name)) } ": " (words(text)) } }
                        @for text in &findings.rest { li { (words(text)) } }
                    }
                }))
            }
        }
    }
}

fn label_of(name: &str) -> String {
    name.trim_start_matches("spec.").split('.').map(form::title).collect::<Vec<_>>().join(", ")
}

/// Id of the input of a field name, as `spec.port`.
fn input_id(name: &str) -> String {
    format!("f-{}", name.trim_start_matches("spec.").replace('.', "-"))
}

fn error(name: &str, findings: &Findings) -> Markup {
    let found = findings.of(name);
    html! {
        span id={ (input_id(name)) "-wrong" } .wrong aria-live="polite" {
            @if let Some(found) = found { (icon("warn")) span { (words(found)) } }
        }
    }
}

fn name_field(name: &str, findings: &Findings) -> Markup {
    html! {
        div.field {
            label for="f-name" { "Name" }
            input #f-name type="text" name="name" value=(name) required autocomplete="off" spellcheck="false" autocapitalize="none"
                aria-invalid=[findings.of("name").map(|_| "true")] aria-describedby="f-name-wrong f-name-hint";
            (error("name", findings))
            span #f-name-hint .hint { "Small letters, digits and “-”. It becomes part of the address." }
        }
    }
}

fn folded(drawn: &Drawn<'_>) -> Markup {
    let more = &drawn.form.more;
    let mut names: Vec<String> = more.iter().take(3).map(|field| field.title.to_lowercase()).collect();
    if drawn.namespace.is_some() {
        names.insert(0, "namespace".into());
    }
    let wrong = more.iter().any(|field| drawn.findings.of(&field.name()).is_some()) || drawn.findings.of("namespace").is_some();
    html! {
        details #more .card open[wrong] {
            summary {
                span {}
                span { "More: " (names.join(", ")) @if more.len() > 3 { ", …" } " " span.small { "sensible defaults" } }
                span.small { (more.len() + usize::from(drawn.namespace.is_some())) " fields" }
            }
            div.in.stack.loose {
                @if let Some(namespace) = drawn.namespace { (namespace_field(namespace, drawn)) }
                @for field in more { (one(field, drawn)) }
            }
        }
    }
}

fn namespace_field(namespace: &str, drawn: &Drawn<'_>) -> Markup {
    html! {
        div.field {
            label for="f-namespace" { "Namespace" }
            input #f-namespace type="text" name="namespace" value=(namespace) list="namespaces" autocomplete="off" spellcheck="false" autocapitalize="none"
                aria-invalid=[drawn.findings.of("namespace").map(|_| "true")] aria-describedby="f-namespace-wrong f-namespace-hint";
            (error("namespace", drawn.findings))
            span #f-namespace-hint .hint { "Where it lives, together with what belongs to it." }
            datalist #namespaces { @for name in drawn.namespaces { option value=(name) {} } }
        }
    }
}

fn one(field: &Field, drawn: &Drawn<'_>) -> Markup {
    let name = field.name();
    let typed = drawn.sent.last(&name).map(str::to_owned);
    let text = typed.unwrap_or_else(|| form::text(&field.widget, form::within(drawn.values, &field.path).or(field.default.as_ref())));
    match &field.widget {
        Widget::Sizes(cards) => sizes(field, cards, &text, drawn.findings),
        Widget::Flag => flag(field, &text, drawn.findings),
        _ => input(field, &text, drawn.findings),
    }
}

fn sizes(field: &Field, cards: &[form::sizes::Card], text: &str, findings: &Findings) -> Markup {
    html! {
        fieldset id=(field.id()) tabindex="-1" aria-describedby={ (field.id()) "-wrong" } {
            legend { (field.title) }
            div.sizes {
                @for card in cards {
                    label.size {
                        input type="radio" name=(field.name()) value=(card.name) checked[card.name == text];
                        strong { (card.name) }
                        span.small { (card.meaning) }
                        @if !card.price.is_empty() { span.price { (card.price) } }
                    }
                }
            }
            (error(&field.name(), findings))
        }
    }
}

fn flag(field: &Field, text: &str, findings: &Findings) -> Markup {
    html! {
        div.field {
            input type="hidden" name=(field.name()) value="false";
            label.check {
                input id=(field.id()) type="checkbox" name=(field.name()) value="true" checked[text == "true"] aria-describedby={ (field.id()) "-wrong" };
                span { (field.title) @if !field.hint.is_empty() { " " span.small { (field.hint) } } }
            }
            (error(&field.name(), findings))
        }
    }
}

fn input(field: &Field, text: &str, findings: &Findings) -> Markup {
    let (id, name) = (field.id(), field.name());
    let wrong = findings.of(&name).map(|_| "true");
    let about = format!("{id}-wrong {id}-hint");
    let hint = hint(field);
    html! {
        div.field {
            label for=(id) { (field.title) @if !field.is_required { " " span.small { "optional" } } }
            @match &field.widget {
                Widget::Choice(choices) => select id=(id) name=(name) aria-invalid=[wrong] aria-describedby=(about) {
                    @if field.default.is_none() { option value="" { "–" } }
                    @for choice in choices { option value=(choice) selected[choice == text] { (choice) } }
                    @if !text.is_empty() && !choices.iter().any(|choice| choice == text) { option value=(text) selected { (text) } }
                },
                Widget::Paragraph | Widget::Lines | Widget::Pairs | Widget::Yaml => textarea id=(id) name=(name) rows="3" spellcheck="false" placeholder=(field.placeholder) aria-invalid=[wrong] aria-describedby=(about) { "\n" (text) },
                Widget::Integer { .. } | Widget::Number => input id=(id) type="text" inputmode="decimal" name=(name) value=(text) autocomplete="off" placeholder=(field.placeholder) required[field.is_required] aria-invalid=[wrong] aria-describedby=(about);,
                _ => input id=(id) type="text" name=(name) value=(text) autocomplete="off" spellcheck="false" placeholder=(field.placeholder) required[field.is_required] aria-invalid=[wrong] aria-describedby=(about);,
            }
            (error(&name, findings))
            span.hint id={ (id) "-hint" } { (hint) }
        }
    }
}

/// The author's words, and what the widget itself wants.
fn hint(field: &Field) -> Markup {
    let shape = match &field.widget {
        Widget::Lines => "One a line.",
        Widget::Pairs => "One a line, as name=value.",
        Widget::Yaml => "As YAML.",
        _ => "",
    };
    html! {
        (words(&field.hint))
        @if !shape.is_empty() { @if !field.hint.is_empty() { " · " } (shape) }
        @if let Widget::Integer { least: Some(least), most: Some(most) } = &field.widget { @if !field.hint.is_empty() { " · " } "From " (least) " to " (most) }
    }
}

fn beside(drawn: &Drawn<'_>) -> Markup {
    html! {
        aside #same .card aria-label="The same as text" {
            header { h2 { "The same, as" } button.button.plain.copy type="button" data-copy=(drawn.same) hidden { "Copy" } }
            div.tabs {
                input type="hidden" name="_as" value=(drawn.door.name());
                @for door in Door::ALL {
                    button type="submit" name="_door" value=(door.name()) formnovalidate aria-pressed=(if door == drawn.door { "true" } else { "false" }) { (door.title()) }
                }
            }
            pre tabindex="0" aria-label={ "As " (drawn.door.title()) } { (drawn.same) }
        }
    }
}
