//! A session as text: prose, and indented blocks of commands with what they print.
//!
//! ```text
//! Prose, ignored.
//!
//!     $ kubectl get configmap/a
//!     > -o name
//!     configmap/a
//!     ! a line on stderr
//!     [exit 1]
//! ```
//!
//! A line `[kubectl 1.29]` begins what that release prints instead. Reading and writing again gives the same text:
//! recording changes only what was seen differently.

/// What an empty line of output is written as: a line of blanks alone does not survive editors.
const EMPTY: &str = "(empty line)";
const INDENT: &str = "    ";

/// What one command printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Lines of stdout.
    pub stdout: Vec<String>,
    /// Lines of stderr.
    pub stderr: Vec<String>,
    /// The exit code.
    pub exit: i32,
}

/// One command and what is expected of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The shell text.
    pub command: String,
    /// What every release prints that is not named below.
    pub expected: Output,
    /// What single releases print instead.
    pub variants: Vec<(String, Output)>,
    /// Where the command stands in the file.
    pub line: usize,
}

/// A piece of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Lines that are for readers.
    Prose(String),
    /// A command.
    Step(Step),
}

/// A whole case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// In order.
    pub pieces: Vec<Piece>,
}

/// A case that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line}: {problem}")]
pub struct TranscriptError {
    /// Where.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

impl Step {
    /// What this release is expected to print.
    #[must_use]
    pub fn expected_of(&self, release: &str) -> &Output {
        self.variants.iter().find(|(name, _)| name == release).map_or(&self.expected, |(_, output)| output)
    }
}

impl Output {
    /// As it stands in a case, without indentation.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let written = |line: &String| if line.is_empty() { EMPTY.to_owned() } else { line.clone() };
        let mut lines: Vec<String> = self.stdout.iter().map(written).collect();
        lines.extend(self.stderr.iter().map(|line| format!("! {}", written(line))));
        if self.exit != 0 {
            lines.push(format!("[exit {}]", self.exit));
        }
        lines
    }

    fn push(&mut self, line: &str) {
        let read = |line: &str| if line == EMPTY { String::new() } else { line.to_owned() };
        if let Some(code) = line.strip_prefix("[exit ").and_then(|rest| rest.strip_suffix(']')).and_then(|code| code.parse().ok()) {
            self.exit = code;
        } else if let Some(line) = line.strip_prefix("! ") {
            self.stderr.push(read(line));
        } else {
            self.stdout.push(read(line));
        }
    }
}

impl Transcript {
    /// Reads a case.
    pub fn parse(text: &str) -> Result<Transcript, TranscriptError> {
        let mut pieces: Vec<Piece> = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line_number = index + 1;
            let Some(inner) = line.strip_prefix(INDENT) else {
                match pieces.last_mut() {
                    Some(Piece::Prose(prose)) => {
                        prose.push_str(line);
                        prose.push('\n');
                    }
                    _ => pieces.push(Piece::Prose(format!("{line}\n"))),
                }
                continue;
            };
            if let Some(command) = inner.strip_prefix("$ ") {
                let step = Step { command: command.to_owned(), expected: Output::default(), variants: Vec::new(), line: line_number };
                pieces.push(Piece::Step(step));
                continue;
            }
            let Some(Piece::Step(step)) = pieces.last_mut() else {
                return Err(TranscriptError { line: line_number, problem: "output without a command".to_owned() });
            };
            step.read(inner);
        }
        Ok(Transcript { pieces })
    }

    /// Writes the case.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Prose(prose) => text.push_str(prose),
                Piece::Step(step) => {
                    for line in step.lines() {
                        text.push_str(INDENT);
                        text.push_str(&line);
                        text.push('\n');
                    }
                }
            }
        }
        text
    }

    /// The commands in order.
    pub fn steps_mut(&mut self) -> impl Iterator<Item = &mut Step> {
        self.pieces.iter_mut().filter_map(|piece| match piece {
            Piece::Step(step) => Some(step),
            Piece::Prose(_) => None,
        })
    }
}

impl Step {
    fn read(&mut self, line: &str) {
        let nothing_yet = self.variants.is_empty() && self.expected == Output::default();
        if let Some(more) = line.strip_prefix("> ").or_else(|| (line == ">").then_some("")).filter(|_| nothing_yet) {
            self.command.push('\n');
            self.command.push_str(more);
        } else if let Some(release) = line.strip_prefix("[kubectl ").and_then(|rest| rest.strip_suffix(']')) {
            self.variants.push((release.to_owned(), Output::default()));
        } else {
            self.variants.last_mut().map_or(&mut self.expected, |(_, output)| output).push(line);
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for (index, line) in self.command.split('\n').enumerate() {
            lines.push(if index == 0 { format!("$ {line}") } else { format!("> {line}").trim_end().to_owned() });
        }
        lines.extend(self.expected.lines());
        for (release, output) in &self.variants {
            lines.push(format!("[kubectl {release}]"));
            lines.extend(output.lines());
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::{Piece, Transcript};

    const CASE: &str = "# Title\n\nWords.\n\n    $ kubectl apply -f - <<'END'\n    > a: 1\n    >\n    > END\n    made\n    \
                        (empty line)\n    ! warned\n    [exit 3]\n    [kubectl 1.29]\n    made differently\n\nMore.\n";

    #[test]
    fn reading_and_writing_gives_the_same_text() {
        let transcript = Transcript::parse(CASE).unwrap();
        assert_eq!(transcript.render(), CASE);
    }

    #[test]
    fn parts_are_told_apart() {
        let transcript = Transcript::parse(CASE).unwrap();
        let Piece::Step(step) = &transcript.pieces[1] else { panic!("a step was expected") };
        assert_eq!(step.command, "kubectl apply -f - <<'END'\na: 1\n\nEND");
        assert_eq!(step.line, 5);
        assert_eq!(step.expected.stdout, ["made", ""]);
        assert_eq!(step.expected.stderr, ["warned"]);
        assert_eq!(step.expected.exit, 3);
        assert_eq!(step.expected_of("1.29").stdout, ["made differently"]);
        assert_eq!(step.expected_of("1.33"), &step.expected);
    }

    #[test]
    fn output_without_a_command_is_refused() {
        let error = Transcript::parse("words\n    lost\n").unwrap_err();
        assert_eq!(error.to_string(), "line 2: output without a command");
    }
}
