//! Errors in kubectl's words: what stands on standard error, and with which code the program ends.
//!
//! A server's `Status` is kept as it came, because the wording depends on its reason, its details and where it happened.

use serde_json::{Value, json};

/// Why a verb failed.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// The server answered with a `Status`.
    Status(Value),
    /// Something on this side; printed behind `error: `.
    Text(String),
    /// Printed as it is.
    Raw(String),
    /// A wrong use of the command that kubectl does not have; ends with 2.
    Usage(String),
    /// Several of them; each is printed.
    Several(Vec<Failure>),
    /// One with ways out below it.
    WithHints(Box<Failure>, Vec<String>),
    /// The reader of standard output is gone.
    ClosedPipe,
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe { Self::ClosedPipe } else { Self::Text(error.to_string()) }
    }
}

impl Failure {
    /// Something on this side.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Several, or the single one; nothing when there is none.
    pub(crate) fn all(failures: Vec<Failure>) -> Result<(), Failure> {
        let mut flat = Vec::new();
        failures.into_iter().for_each(|failure| failure.flatten(&mut flat));
        match flat.len() {
            0 => Ok(()),
            1 => Err(flat.remove(0)),
            _ => Err(Self::Several(flat)),
        }
    }

    fn flatten(self, into: &mut Vec<Failure>) {
        match self {
            Self::Several(failures) => failures.into_iter().for_each(|failure| failure.flatten(into)),
            other => into.push(other),
        }
    }

    /// Whether the server says that it is not there.
    pub(crate) fn is_not_found(&self) -> bool {
        self.has_reason("NotFound")
    }

    /// Whether the server speaks of this reason.
    pub(crate) fn has_reason(&self, reason: &str) -> bool {
        match self {
            Self::Status(status) => status["reason"] == reason,
            Self::WithHints(failure, _) => failure.has_reason(reason),
            Self::Text(_) | Self::Raw(_) | Self::Usage(_) | Self::Several(_) | Self::ClosedPipe => false,
        }
    }

    /// Says where it happened: `error when VERB "SOURCE": ...`.
    pub(crate) fn at(self, verb: &str, source: &str) -> Self {
        match self {
            Self::Status(mut status) => {
                status["message"] = json!(format!("error when {verb} {}: {}", quote(source), text(&status["message"])));
                Self::Status(status)
            }
            Self::Text(text) => Self::Text(format!("error when {verb} {}: {text}", quote(source))),
            Self::WithHints(failure, hints) => Self::WithHints(Box::new(failure.at(verb, source)), hints),
            other => other,
        }
    }

    /// The bare message.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Status(status) => text(&status["message"]).to_owned(),
            Self::Text(text) | Self::Raw(text) | Self::Usage(text) => text.clone(),
            Self::Several(failures) => format!("[{}]", failures.iter().map(Self::message).collect::<Vec<_>>().join(", ")),
            Self::WithHints(failure, _) => failure.message(),
            Self::ClosedPipe => String::new(),
        }
    }

    /// All that is printed, without the last newline.
    pub(crate) fn printed(&self) -> String {
        match self {
            Self::Status(status) if status["reason"] == "Invalid" => invalid(status),
            Self::Status(status) => of_server(status),
            Self::Text(text) if text.starts_with("error: ") => text.clone(),
            Self::Text(text) | Self::Usage(text) => format!("error: {text}"),
            Self::Raw(text) => text.clone(),
            Self::Several(failures) => failures.iter().map(Self::in_list).collect::<Vec<_>>().join("\n"),
            Self::WithHints(failure, hints) => below(failure.printed(), hints),
            Self::ClosedPipe => String::new(),
        }
    }

    fn in_list(&self) -> String {
        match self {
            Self::Status(status) => of_server(status),
            Self::WithHints(failure, hints) => below(failure.in_list(), hints),
            other => other.message(),
        }
    }

    /// How the program ends.
    pub(crate) fn exit(&self) -> crate::exit::Exit {
        match self {
            Self::Usage(_) => crate::exit::Exit::Usage,
            Self::ClosedPipe => crate::exit::Exit::Success,
            Self::WithHints(failure, _) => failure.exit(),
            Self::Status(_) | Self::Text(_) | Self::Raw(_) | Self::Several(_) => crate::exit::Exit::Failure,
        }
    }
}

fn below(said: String, hints: &[String]) -> String {
    hints.iter().fold(said, |said, hint| format!("{said}\n  hint: {hint}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// As Go's `%q`, for the names and paths that occur here.
pub(crate) fn quote(text: &str) -> String {
    format!("{text:?}")
}

fn of_server(status: &Value) -> String {
    let message = text(&status["message"]);
    match text(&status["reason"]) {
        "Unauthorized" => format!("error: You must be logged in to the server ({message})"),
        "" => format!("Error from server: {message}"),
        reason => format!("Error from server ({reason}): {message}"),
    }
}

/// `The ConfigMap "a" is invalid: ...`, a list where there are several causes.
fn invalid(status: &Value) -> String {
    let details = &status["details"];
    let message = text(&status["message"]);
    let mut said = String::from("The request is invalid");
    if details.is_null() {
        return if message.is_empty() { said } else { format!("{said}: {message}") };
    }
    let mut causes: Vec<String> = Vec::new();
    for cause in details["causes"].as_array().into_iter().flatten() {
        let cause = format!("{}: {}", text(&cause["field"]), text(&cause["message"]));
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    let (kind, name) = (text(&details["kind"]), text(&details["name"]));
    if !kind.is_empty() || !name.is_empty() {
        said = format!("The {kind} {} is invalid", quote(name));
    } else if !message.is_empty() && causes.is_empty() {
        said = format!("{said}: {message}");
    }
    match causes.as_slice() {
        [] => said,
        [only] => format!("{said}: {only}"),
        several => {
            let mut text = format!("{said}: ");
            for cause in several {
                text.push_str("\n* ");
                text.push_str(cause);
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_worded_by_its_reason() {
        let check = |status: Value, expected: &str| assert_eq!(Failure::Status(status).printed(), expected);
        check(
            json!({"reason": "NotFound", "message": "configmaps \"x\" not found"}),
            "Error from server (NotFound): configmaps \"x\" not found",
        );
        check(json!({"message": "no"}), "Error from server: no");
        check(json!({"reason": "Unauthorized", "message": "Unauthorized"}), "error: You must be logged in to the server (Unauthorized)");
        let cause = |field: &str| json!({"field": field, "message": "Required value"});
        let details = |causes: Vec<Value>| json!({"reason": "Invalid", "details": {"kind": "Foo", "name": "a", "causes": causes}});
        check(details(vec![cause("spec"), cause("spec")]), "The Foo \"a\" is invalid: spec: Required value");
        check(details(vec![cause("a"), cause("b")]), "The Foo \"a\" is invalid: \n* a: Required value\n* b: Required value");
    }

    #[test]
    fn several_are_printed_below_each_other() {
        let status = json!({"reason": "NotFound", "message": "gone"});
        let failures = vec![Failure::Status(status.clone()), Failure::Several(vec![Failure::text("plain")])];
        assert_eq!(Failure::all(failures).expect_err("two").printed(), "Error from server (NotFound): gone\nplain");
        let at = Failure::Status(status).at("creating", "a.yaml").printed();
        assert_eq!(at, "Error from server (NotFound): error when creating \"a.yaml\": gone");
    }
}
