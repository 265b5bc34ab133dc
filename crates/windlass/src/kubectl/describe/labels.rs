//! Names of fields as words: `creationTimestamp` becomes `Creation Timestamp`.

/// What stands before a field's value.
pub(super) fn of_field(field: &str) -> String {
    if field.chars().any(|c| !c.is_alphabetic() && c != '-') {
        return field.to_owned();
    }
    let word = |part: String| match part.to_uppercase().as_str() {
        upper @ ("API" | "URL" | "UID" | "OSB" | "GUID") => upper.to_owned(),
        _ => titled(&part),
    };
    words(field).into_iter().map(word).collect::<Vec<_>>().join(" ")
}

fn titled(part: &str) -> String {
    let mut characters = part.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters.flat_map(char::to_lowercase)).collect(),
        None => String::new(),
    }
}

/// Parts of a name: a new one begins with each change of case, the last capital of several belonging to what follows.
fn words(name: &str) -> Vec<String> {
    let class = |c: char| {
        if c.is_lowercase() {
            1
        } else if c.is_uppercase() {
            2
        } else {
            3
        }
    };
    let mut parts: Vec<String> = Vec::new();
    let mut last = 0;
    for c in name.chars() {
        match parts.last_mut().filter(|_| class(c) == last) {
            Some(part) => part.push(c),
            None => parts.push(c.to_string()),
        }
        last = class(c);
    }
    for index in 1..parts.len() {
        let before_is_upper = parts[index - 1].starts_with(char::is_uppercase);
        if before_is_upper
            && parts[index].starts_with(char::is_lowercase)
            && let Some(capital) = parts[index - 1].pop()
        {
            parts[index].insert(0, capital);
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::of_field;

    #[test]
    fn fields_become_words() {
        let check = |field: &str, expected: &str| assert_eq!(of_field(field), expected);
        check("creationTimestamp", "Creation Timestamp");
        check("apiVersion", "API Version");
        check("uid", "UID");
        check("HTTPServer", "Http Server");
        check("a_b", "a_b");
        check("x1", "x1");
    }
}
