//! Small shapes of text that several commands print: tables, ages, values, and text from elsewhere made safe for a terminal.

use serde_json::Value;
use windlass_api::planned::Planned;

/// Longest value that is printed whole.
const LONGEST_VALUE: usize = 100;

/// Columns below each other, two spaces between; the last one is not padded.
pub(crate) fn table(headers: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([headers[column].chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..headers.len()).map(width).collect();
    let line = |cells: &[String]| {
        let mut text = String::new();
        for (column, cell) in cells.iter().enumerate() {
            text.push_str(cell);
            if column + 1 < cells.len() {
                text.push_str(&" ".repeat(widths[column] + 2 - cell.chars().count()));
            }
        }
        text
    };
    let heads: Vec<String> = headers.iter().map(|header| (*header).to_owned()).collect();
    std::iter::once(line(&heads)).chain(rows.iter().map(|row| line(row))).collect::<Vec<_>>().join("\n")
}

/// Text from elsewhere, without what could move the cursor or change colours.
pub(crate) fn safe(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() && letter != '\n' && letter != '\t' { '\u{fffd}' } else { letter }).collect()
}

/// A planned value in a few words; secrets are never shown.
pub(crate) fn planned(value: Option<&Planned>) -> String {
    match value {
        None => "(none)".into(),
        Some(Planned::Later(later)) if later.because.is_empty() => "(known later)".into(),
        Some(Planned::Later(later)) => format!("(known after {})", later.because.join(", ")),
        Some(Planned::Secret(_)) => "(secret)".into(),
        Some(Planned::Known(value)) => json(value),
        Some(other @ (Planned::List(_) | Planned::Map(_))) => json(&other.to_json()),
    }
}

/// A value as JSON on one line, cut where it is long. JSON escapes control characters.
pub(crate) fn json(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= LONGEST_VALUE {
        return text;
    }
    let cut: String = text.chars().take(LONGEST_VALUE).collect();
    format!("{cut}…")
}

/// `1 error`, `2 errors`, `no errors`.
pub(crate) fn counted(count: usize, word: &str) -> String {
    match count {
        0 => format!("no {word}s"),
        1 => format!("1 {word}"),
        many => format!("{many} {word}s"),
    }
}

/// How long ago, as kubectl says it.
pub(crate) fn age(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    if seconds < 120 {
        format!("{seconds}s")
    } else if minutes < 10 {
        match seconds % 60 {
            0 => format!("{minutes}m"),
            rest => format!("{minutes}m{rest}s"),
        }
    } else if hours < 3 {
        format!("{minutes}m")
    } else if hours < 48 {
        format!("{hours}h")
    } else {
        format!("{days}d")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = vec![vec!["shop".to_owned(), "Ready".to_owned()], vec!["a".to_owned(), "No".to_owned()]];
        assert_eq!(table(&["NAME", "STATE"], &rows), "NAME  STATE\nshop  Ready\na     No");
    }

    #[test]
    fn one_is_not_many() {
        let said = [0, 1, 2].map(|count| counted(count, "error"));
        assert_eq!(said, ["no errors", "1 error", "2 errors"]);
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(safe("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
        assert_eq!(json(&Value::String("\u{1b}[2J".into())), "\"\\u001b[2J\"");
    }
}
