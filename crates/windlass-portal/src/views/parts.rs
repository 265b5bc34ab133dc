//! Small parts that pages share: icons, tags, times, notes, forms of one button.

use crate::model::tone::{Mark, Tone};
use crate::views::layout::Frame;
use jiff::Timestamp;
use maud::{Markup, html};

/// Shapes on a 16×16 grid, drawn as lines.
fn shape(name: &str) -> &'static str {
    match name {
        "check" => "M3 8.5 6.5 12 13 4.5",
        "cross" => "m4 4 8 8M12 4l-8 8",
        "turn" => "M8 2a6 6 0 1 1-6 6",
        "clock" => "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2M8 4.6V8l2.3 1.6",
        "warn" => "M8 2 1.5 13.5h13zM8 6.5v3.2M8 11.6v.4",
        "search" => "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9m3.4 7.9 3.4 3.4",
        "home" => "m2 7.5 6-5 6 5M3.6 6.4v7.1h8.8V6.4",
        "plus" => "M8 3v10M3 8h10",
        "boxes" => "M2.5 2.5h4.2v4.2H2.5zM9.3 2.5h4.2v4.2H9.3zM2.5 9.3h4.2v4.2H2.5zM9.3 9.3h4.2v4.2H9.3z",
        "play" => "M4.5 3v10l8-5z",
        "out" => "M6.5 3H3v10h10V9.5M9 2.5h4.5V7M13.2 2.8 7.5 8.5",
        _ => "M8 5.4a2.6 2.6 0 1 1 0 5.2 2.6 2.6 0 0 1 0-5.2",
    }
}

/// An icon; the word beside it says the same.
pub(crate) fn icon(name: &str) -> Markup {
    html! {
        svg.icon.spin[name == "turn"] viewBox="0 0 16 16" aria-hidden="true" { path d=(shape(name)) {} }
    }
}

/// Class and icon of a tone.
pub(crate) fn tone(tone: Tone) -> (&'static str, &'static str) {
    match tone {
        Tone::Good => ("good", "check"),
        Tone::Going => ("going", "turn"),
        Tone::Waits => ("waits", "clock"),
        Tone::Warning => ("warning", "warn"),
        Tone::Bad => ("bad", "cross"),
        Tone::Quiet => ("quiet", "dot"),
    }
}

/// A state as icon, colour and word.
pub(crate) fn tag(mark: &Mark) -> Markup {
    let (class, sign) = tone(mark.tone);
    html! { span class={ "tag " (class) } { (icon(sign)) (mark.word) } }
}

/// A sentence that matters now, with what helps below it.
pub(crate) fn note(feeling: Tone, headline: &str, rest: &Markup) -> Markup {
    let (class, sign) = tone(feeling);
    html! {
        div class={ "note " (class) } {
            (icon(sign))
            div.stack.tight { strong { (words(headline)) } (rest) }
        }
    }
}

/// Text with `code` between back quotes; each way out in it stands on a line of its own.
pub(crate) fn words(text: &str) -> Markup {
    let (what, ways) = windlass_api::hint::parts(text);
    html! {
        (code(what))
        @for way in ways { br; span.hint { "Hint: " (code(way)) } }
    }
}

fn code(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// A time, relative; exact on hover. The script keeps it moving.
pub(crate) fn ago(now: Timestamp, time: &str) -> Markup {
    let Ok(at) = time.parse::<Timestamp>() else {
        return html! { "–" };
    };
    let seconds = now.as_second() - at.as_second();
    html! { time datetime=(at) title=(exact(at)) data-ago { (relative(seconds)) } }
}

fn exact(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `just now`, `12 s ago`, `4 min ago`, `3 h ago`, `21 d ago`, `in 2 min`.
fn relative(seconds: i64) -> String {
    let said = span(seconds.abs());
    match seconds {
        -1..=1 => "just now".into(),
        2.. => format!("{said} ago"),
        _ => format!("in {said}"),
    }
}

fn span(seconds: i64) -> String {
    match seconds {
        ..=89 => format!("{seconds} s"),
        90..=5399 => format!("{} min", (seconds + 30) / 60),
        5400..=129_599 => format!("{} h", (seconds + 1800) / 3600),
        _ => format!("{} d", (seconds + 43_200) / 86_400),
    }
}

/// How long something took, or takes until now: `0.4 s`, `14 s`, `1 m 52 s`, `2 h 4 m`.
pub(crate) fn took(started: Option<&str>, finished: Option<&str>, now: Timestamp) -> String {
    let read = |time: Option<&str>| time.and_then(|time| time.parse::<Timestamp>().ok());
    let Some(started) = read(started) else { return String::new() };
    let end = read(finished).unwrap_or(now);
    let milliseconds = (end.as_millisecond() - started.as_millisecond()).max(0);
    let seconds = milliseconds / 1000;
    match seconds {
        0..=9 => format!("{seconds}.{} s", (milliseconds % 1000) / 100),
        10..=59 => format!("{seconds} s"),
        60..=3599 => format!("{} m {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} m", seconds / 3600, (seconds % 3600) / 60),
    }
}

/// A form of one button.
pub(crate) fn button(frame: &Frame, action: &str, class: &str, words: &str, fields: &[(&str, &str)]) -> Markup {
    html! {
        form.inline method="post" action=(action) {
            (token(frame))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button class={ "button " (class) } type="submit" { (words) }
        }
    }
}

/// What every form carries.
pub(crate) fn token(frame: &Frame) -> Markup {
    html! { input type="hidden" name="_token" value=(frame.form_token); }
}

/// A command to paste, with a button that copies it (only where there is a script).
pub(crate) fn command(text: &str) -> Markup {
    html! {
        div.command { code tabindex="0" { (text) } button.button.plain.copy type="button" data-copy=(text) hidden { "Copy" } }
    }
}

/// A link to another site, only where the address is one.
pub(crate) fn outside(address: &str) -> Markup {
    if !address.starts_with("http://") && !address.starts_with("https://") {
        return html! { code { (address) } };
    }
    html! { a href=(address) rel="noreferrer" target="_blank" { (address) " " (icon("out")) span.sr { " (opens in a new tab)" } } }
}

/// Says that the first lists are still being read, or that rows were left out.
pub(crate) fn partial(is_complete: bool, has_more: bool) -> Markup {
    html! {
        @if !is_complete { (note(Tone::Going, "Still reading.", &html! { span.small { "What is here is right; more may come in a moment." } })) }
        @if has_more { (note(Tone::Warning, "Not everything is shown.", &html! { span.small { "There is too much for one list. Use the command line for the rest: " code { "windlass get" } "." } })) }
    }
}

/// A count with its noun: `1 run`, `3 runs`.
pub(crate) fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// Links to the pages of a long list.
pub(crate) fn pages(query: &crate::model::query::Query, page: usize, all: usize, each: usize) -> Markup {
    let last = all.saturating_sub(1) / each;
    let link = |to: usize| {
        format!(
            "?{}",
            query
                .with("page", "")
                .split('&')
                .filter(|pair| !pair.is_empty())
                .chain([format!("page={to}").as_str()])
                .collect::<Vec<_>>()
                .join("&")
        )
    };
    html! {
        @if last > 0 {
            nav.row.apart aria-label="Pages" {
                span.small { (page * each + 1) "–" (((page + 1) * each).min(all)) " of " (all) }
                span.row {
                    @if page > 0 { a.button href=(link(page - 1)) rel="prev" { "Newer" } }
                    @if page < last { a.button href=(link(page + 1)) rel="next" { "Older" } }
                }
            }
        }
    }
}

/// Text that may hold control characters, harmless.
pub(crate) fn harmless(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            // Colours and cursor moves of terminals: `ESC [ … letter`.
            '\u{1b}' if letters.peek() == Some(&'[') => {
                while letters.next().is_some_and(|c| !('\u{40}'..='\u{7e}').contains(&c) || c == '[') {}
            }
            '\t' => out.push(letter),
            // Also the marks that turn the direction of text around.
            c if c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let said = [0, 12, 200, 4000, 200_000, -120].map(relative);
        assert_eq!(said, ["just now", "12 s ago", "3 min ago", "67 min ago", "2 d ago", "in 2 min"]);
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(took(Some("1969-12-31T23:58:08.5Z"), None, now), "1 m 51 s");
        assert_eq!(took(Some("1970-01-01T00:00:00Z"), Some("1970-01-01T00:00:00.450Z"), now), "0.4 s");
        assert_eq!(took(None, None, now), "");
    }

    #[test]
    fn output_cannot_move_the_cursor() {
        assert_eq!(harmless("\u{1b}[31mred\u{1b}[0m\u{7}\u{202e}x"), "red\u{fffd}\u{fffd}x");
    }

    #[test]
    fn hostile_text_stays_text() {
        let shown = words("a `<b>` <script>").into_string();
        assert_eq!(shown, "a <code>&lt;b&gt;</code> &lt;script&gt;");
        assert_eq!(outside("javascript:alert(1)").into_string(), "<code>javascript:alert(1)</code>");
    }
}
