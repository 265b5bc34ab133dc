//! What the terminal can: colour, questions, progress. Data goes to standard output, talk to standard error.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// Which stream something is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    /// Data.
    Out,
    /// Talk.
    Error,
}

/// Whether a stream takes colour: `NO_COLOR`, `TERM=dumb` and a pipe say no, `CLICOLOR_FORCE` and `FORCE_COLOR` say yes.
pub(crate) fn has_colour(stream: Stream) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if set("NO_COLOR") {
        return false;
    }
    let forced = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    if forced("CLICOLOR_FORCE") || forced("FORCE_COLOR") {
        return true;
    }
    if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
        return false;
    }
    match stream {
        Stream::Out => io::stdout().is_terminal(),
        Stream::Error => io::stderr().is_terminal(),
    }
}

/// Whether a person can be asked: both ends must be a terminal.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Colours that also read without colour, since the words beside them say the same.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ink {
    /// Something is made or is well.
    Green,
    /// Something changes or waits.
    Yellow,
    /// Something is lost or failed.
    Red,
    /// Headings and names.
    Bold,
    /// What matters less.
    Dim,
}

/// Text in a colour, where the stream takes it.
pub(crate) fn paint(colour: bool, ink: Ink, text: &str) -> String {
    if !colour {
        return text.to_owned();
    }
    let code = match ink {
        Ink::Green => 32,
        Ink::Yellow => 33,
        Ink::Red => 31,
        Ink::Bold => 1,
        Ink::Dim => 2,
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// A line of talk.
pub(crate) fn say(text: &str) {
    // Nobody may be listening any more; then there is nobody to tell.
    drop(writeln!(io::stderr(), "{text}"));
}

/// A line of data.
///
/// # Errors
/// The reader is gone.
pub(crate) fn put(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

/// Asks a question on a terminal; an empty answer is the default.
///
/// # Errors
/// The terminal is gone, or the input ended.
pub(crate) fn ask(question: &str, default: Option<&str>) -> io::Result<String> {
    let shown = default.filter(|text| !text.is_empty()).map(|text| format!(" [{text}]")).unwrap_or_default();
    write!(io::stderr(), "{question}{shown}: ")?;
    io::stderr().flush()?;
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the input ended before an answer\n  hint: where nobody can answer, give a name, values with --set, and --yes",
        ));
    }
    let answer = line.trim();
    Ok(if answer.is_empty() { default.unwrap_or_default().to_owned() } else { answer.to_owned() })
}

/// Asks for yes or no; no is the default.
///
/// # Errors
/// As [`ask`].
pub(crate) fn confirm(question: &str) -> io::Result<bool> {
    let answer = ask(&format!("{question} (y/N)"), None)?;
    Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
}
