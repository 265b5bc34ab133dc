//! What a person reads of a page of the portal: its main part without markup, a line for each block.
//!
//! For pages that our own portal draws; it is no parser of HTML in general.

/// Elements that stand on lines of their own.
const BLOCKS: [&str; 20] = [
    "br", "p", "div", "h1", "h2", "h3", "li", "ul", "ol", "section", "header", "form", "tr", "table", "dt", "dd", "pre", "fieldset",
    "aside", "legend",
];

/// The lines of the main part.
pub(crate) fn text_of_page(page: &str) -> String {
    let main = page.split_once("<main").map_or(page, |(_, rest)| rest.split_once('>').map_or("", |(_, rest)| rest));
    let main = main.split("</main>").next().unwrap_or_default();
    let mut text = String::new();
    let mut rest = main;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let (tag, after) = after.split_once('>').unwrap_or((after, ""));
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        if BLOCKS.contains(&name) {
            text.push('\n');
        } else if name == "script" || name == "svg" || name == "style" || name == "textarea" {
            rest = after.split_once(&format!("</{name}>")).map_or(after, |(_, after)| after);
            continue;
        }
        rest = after;
    }
    text.push_str(rest);
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
    let lines = plain.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n") + "\n"
}

/// Those lines that come after the first that begins with `from`, up to the first that begins with `to`.
pub(crate) fn between(text: &str, from: &str, to: &str) -> String {
    let lines = text.lines().skip_while(|line| !line.starts_with(from)).skip(1);
    lines.take_while(|line| !line.starts_with(to)).map(|line| format!("{line}\n")).collect()
}

#[test]
fn blocks_become_lines_and_markup_goes() {
    let page = "<body><nav>no</nav><main id=\"main\"><h1>A &amp; B</h1><p>one <code>two</code></p><svg>x</svg></main>after";
    assert_eq!(text_of_page(page), "A & B\none two\n");
    assert_eq!(between("a\nb\nc\nd\n", "a", "d"), "b\nc\n");
}
