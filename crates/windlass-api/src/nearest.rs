//! The name that was probably meant: the one home of every "did you mean".
//!
//! Start with [`nearest`]; [`did_you_mean`] makes the hint of a [`Diagnostic`](crate::Diagnostic) out of it.

/// Longer names are compared by their beginning only, so that a hostile one costs little.
const LONGEST: usize = 64;

/// The candidate nearest to a wrong name, if it is near enough to be a slip: one slip in a short name, up to three in a long
/// one. Insertions, deletions, replacements and swaps of neighbours count as one each; the letters' case does not count.
pub fn nearest<'n>(wrong: &str, candidates: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let allowed = (wrong.chars().count() / 3).clamp(1, 3);
    let best = candidates.into_iter().map(|candidate| (distance(wrong, candidate), candidate)).min();
    best.filter(|(distance, candidate)| *distance <= allowed && *candidate != wrong).map(|(_, candidate)| candidate)
}

/// The hint about a wrong name: the nearest one, else what there is; none where there is nothing.
pub fn did_you_mean<'n>(wrong: &str, candidates: impl IntoIterator<Item = &'n str>) -> Option<String> {
    let known: Vec<&str> = candidates.into_iter().collect();
    match nearest(wrong, known.iter().copied()) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None if known.is_empty() => None,
        None => Some(format!("there are: {}", known.join(", "))),
    }
}

/// Optimal string alignment distance of two short words.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().take(LONGEST).collect();
    let b: Vec<char> = b.to_lowercase().chars().take(LONGEST).collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replace = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replace.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let check =
            |wrong: &str, known: &[&str], expected: Option<&str>| assert_eq!(nearest(wrong, known.iter().copied()), expected, "{wrong}");
        check("shema", &["schema", "size"], Some("schema"));
        check("szie", &["schema", "size"], Some("size"));
        check("web-ap", &["static-site", "web-app"], Some("web-app"));
        check("l", &["S", "M", "L"], Some("L"));
        check("xyz", &["schema", "size"], None);
        check("database", &["schema", "size"], None);
        check("schema", &["schema"], None);
        check("", &[], None);
    }

    #[test]
    fn without_a_near_one_all_are_named() {
        assert_eq!(did_you_mean("szie", ["schema", "size"]).as_deref(), Some("did you mean `size`?"));
        assert_eq!(did_you_mean("xyz", ["schema", "size"]).as_deref(), Some("there are: schema, size"));
        assert_eq!(did_you_mean("xyz", []), None);
    }
}
