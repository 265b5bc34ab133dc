//! The way out inside a message: on a line of its own at a terminal, after a semicolon in an object, where a message is one line.
//!
//! Start with [`parts`], which reads both.

/// Between what is wrong and the way out, at a terminal.
const ON_A_LINE: &str = "\n  hint: ";
/// The same in one line.
const IN_A_LINE: &str = "; hint: ";

/// The message on one line, as conditions and tables hold it.
pub fn one_line(message: &str) -> String {
    message.replace(ON_A_LINE, IN_A_LINE)
}

/// What is wrong, and each way out.
pub fn parts(message: &str) -> (&str, Vec<&str>) {
    let mut all = message.split(ON_A_LINE).flat_map(|part| part.split(IN_A_LINE)).map(str::trim_end);
    let what = all.next().unwrap_or_default();
    (what, all.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let long = "it ended\n  hint: look into its logs; it is started again\n  hint: or not";
        assert_eq!(one_line(long), "it ended; hint: look into its logs; it is started again; hint: or not");
        let wanted = ("it ended", vec!["look into its logs; it is started again", "or not"]);
        assert_eq!(parts(long), wanted);
        assert_eq!(parts(&one_line(long)), wanted);
        assert_eq!(parts("nothing to do"), ("nothing to do", vec![]));
    }
}
