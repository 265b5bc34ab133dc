//! `--sort-by`: objects in the order of one of their fields.

use super::failure::Failure;
use super::jsonpath::{self, Template};
use serde_json::Value;
use std::cmp::Ordering;

/// Sorts what `object_of` finds in each item. Objects without the field come first.
///
/// # Errors
/// The path is none, or no object has the field.
pub(crate) fn sort<T>(items: &mut Vec<T>, path: &str, object_of: impl Fn(&T) -> &Value) -> Result<(), Failure> {
    let template = Template::relaxed(path).map_err(Failure::Text)?;
    let mut keyed: Vec<(Option<Value>, T)> = Vec::with_capacity(items.len());
    for item in items.drain(..) {
        let found = template.results(object_of(&item), true).map_err(Failure::Text)?;
        let key = found.into_iter().flatten().next().map(std::borrow::Cow::into_owned);
        keyed.push((key, item));
    }
    if !keyed.is_empty() && keyed.iter().all(|(key, _)| key.is_none()) {
        let shown = jsonpath::relaxed(path).map_err(Failure::Text)?;
        return Err(Failure::text(format!("couldn't find any field with path \"{shown}\" in the list of objects")));
    }
    keyed.sort_by(|a, b| compare(a.0.as_ref(), b.0.as_ref()));
    items.extend(keyed.into_iter().map(|(_, item)| item));
    Ok(())
}

fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(Value::Number(a)), Some(Value::Number(b))) => {
            a.as_f64().unwrap_or_default().partial_cmp(&b.as_f64().unwrap_or_default()).unwrap_or(Ordering::Equal)
        }
        (Some(Value::String(a)), Some(Value::String(b))) => natural(a, b),
        (Some(a), Some(b)) => a.to_string().cmp(&b.to_string()),
    }
}

/// Runs of digits by their number, the rest letter by letter.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (x, y) = (digits(a), digits(b));
        if x > 0 && y > 0 {
            let (first, second) = (a[..x].trim_start_matches('0'), b[..y].trim_start_matches('0'));
            let order = first.len().cmp(&second.len()).then_with(|| first.cmp(second)).then(x.cmp(&y));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (&a[x..], &b[y..]);
            continue;
        }
        let (mut left, mut right) = (a.chars(), b.chars());
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x != y => return x.cmp(&y),
            (Some(_), Some(_)) => (a, b) = (left.as_str(), right.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_with_numbers_are_in_natural_order() {
        let mut items = vec![json!({"n": "a10"}), json!({"n": "a9"}), json!({}), json!({"n": "a1"})];
        sort(&mut items, ".n", |item| item).expect("sorted");
        assert_eq!(items, [json!({}), json!({"n": "a1"}), json!({"n": "a9"}), json!({"n": "a10"})]);
        let error = sort(&mut vec![json!({})], "x.y", |item| item).expect_err("no such field");
        assert_eq!(error.printed(), "error: couldn't find any field with path \"{.x.y}\" in the list of objects");
    }
}
