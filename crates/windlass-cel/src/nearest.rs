//! The name that was probably meant.

/// The candidate nearest to a name, if one is near enough to be a slip.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).clamp(1, 3);
    let best = candidates.into_iter().map(|candidate| (distance(name, candidate), candidate)).min();
    best.filter(|(distance, candidate)| *distance <= allowed && *candidate != name).map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours; letters' case does not count.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().take(64).collect();
    let b: Vec<char> = b.to_lowercase().chars().take(64).collect();
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
    use super::nearest;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        assert_eq!(nearest("shema", ["schema", "size"]), Some("schema"));
        assert_eq!(nearest("szie", ["schema", "size"]), Some("size"));
        assert_eq!(nearest("database", ["schema", "size"]), None);
    }
}
