//! Markdown that people wrote, as safe markup: no raw HTML, and links only to where a link may lead.

use maud::{Markup, PreEscaped};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, html};

/// Longer texts are cut: nobody reads them, and they are hostile input.
const LONGEST: usize = 64 * 1024;

/// Renders Markdown. Headings move down by one level and a half, so that the page keeps its one `h1`.
pub(crate) fn render(text: &str) -> Markup {
    let end = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= LONGEST).last().unwrap_or(0);
    let text = if text.len() > LONGEST { &text[..end] } else { text };
    let events = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).map(tame);
    let mut out = String::with_capacity(text.len() * 3 / 2);
    html::push_html(&mut out, events);
    PreEscaped(out)
}

fn tame(event: Event<'_>) -> Event<'_> {
    match event {
        // Shown as the text it is.
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Link { link_type, dest_url: safe(dest_url), title, id })
        }
        Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
            Event::Start(Tag::Image { link_type, dest_url: safe(dest_url), title, id })
        }
        Event::Start(Tag::Heading { level, id: _, classes: _, attrs: _ }) => {
            Event::Start(Tag::Heading { level: lower(level), id: None, classes: Vec::new(), attrs: Vec::new() })
        }
        Event::End(pulldown_cmark::TagEnd::Heading(level)) => Event::End(pulldown_cmark::TagEnd::Heading(lower(level))),
        other => other,
    }
}

fn lower(level: pulldown_cmark::HeadingLevel) -> pulldown_cmark::HeadingLevel {
    use pulldown_cmark::HeadingLevel::{H1, H2, H3, H4, H5, H6};
    match level {
        H1 | H2 => H3,
        H3 => H4,
        H4 => H5,
        H5 | H6 => H6,
    }
}

fn safe(address: CowStr<'_>) -> CowStr<'_> {
    if is_safe(&address) { address } else { CowStr::Borrowed("#") }
}

/// Only `http`, `https`, `mailto` and addresses within the portal.
pub(crate) fn is_safe(address: &str) -> bool {
    let address: String = address.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect();
    let scheme_end = address.find([':', '/', '?', '#']);
    match scheme_end.map(|at| (&address[..at], address[at..].starts_with(':'))) {
        Some((scheme, true)) => ["http", "https", "mailto"].iter().any(|known| scheme.eq_ignore_ascii_case(known)),
        _ => !address.starts_with("//"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_markdown_is_only_text() {
        let shown = render("# Hi\n<script>alert(1)</script> [x](javascript:alert(1)) ![y](data:text/html,z) [ok](https://example.org)")
            .into_string();
        insta::assert_snapshot!(shown, @r##"
        <h3>Hi</h3>
        &lt;script&gt;alert(1)&lt;/script&gt; [x](javascript:alert(1)) ![y](data:text/html,z) [ok](https://example.org)
        "##);
        let links =
            render("[x](javascript:alert(1)) [y](java\tscript:1) [z](/templates) [w](//evil.example) [v](JaVaScRiPt:x)").into_string();
        assert!(!links.to_lowercase().contains("href=\"javascript"), "{links}");
        assert!(links.contains("href=\"/templates\""), "{links}");
        assert!(!links.contains("evil.example\""), "{links}");
    }

    #[test]
    fn long_text_is_cut_at_a_character() {
        let shown = render(&"ä".repeat(LONGEST)).into_string();
        assert!(shown.len() < LONGEST * 2);
    }
}
