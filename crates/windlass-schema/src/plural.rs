//! The plural of a kind, as in `/apis/GROUP/VERSION/namespaces/NS/PLURAL`: English rules with a table of exceptions, the
//! same that kro uses. Where it guesses wrong, a Template says `plural` itself.

/// Words whose plural follows no rule.
const IRREGULAR: [(&str, &str); 26] = [
    ("alumnus", "alumni"),
    ("analysis", "analyses"),
    ("axis", "axes"),
    ("basis", "bases"),
    ("child", "children"),
    ("corpus", "corpora"),
    ("crisis", "crises"),
    ("criterion", "criteria"),
    ("datum", "data"),
    ("diagnosis", "diagnoses"),
    ("foot", "feet"),
    ("half", "halves"),
    ("hero", "heroes"),
    ("index", "indices"),
    ("leaf", "leaves"),
    ("life", "lives"),
    ("man", "men"),
    ("matrix", "matrices"),
    ("mouse", "mice"),
    ("person", "people"),
    ("potato", "potatoes"),
    ("quiz", "quizzes"),
    ("shelf", "shelves"),
    ("thesis", "theses"),
    ("vertex", "vertices"),
    ("woman", "women"),
];

/// Words that are their own plural.
const UNCHANGED: [&str; 16] = [
    "bias",
    "data",
    "equipment",
    "fish",
    "hardware",
    "information",
    "media",
    "metadata",
    "money",
    "news",
    "redis",
    "rice",
    "series",
    "sheep",
    "software",
    "species",
];

/// The plural of a kind, in lower case. A kind that is a plural already stays as it is.
pub fn plural(kind: &str) -> String {
    let word = kind.to_lowercase();
    if UNCHANGED.contains(&word.as_str()) {
        return word;
    }
    if let Some((_, plural)) = IRREGULAR.iter().find(|(singular, _)| *singular == word) {
        return (*plural).to_owned();
    }
    // A compound, such as `userindex`, ends as its last word does, where that word is long enough to be meant.
    let compound = IRREGULAR.iter().find(|(singular, _)| singular.len() >= 5 && word.ends_with(singular));
    if let Some((singular, plural)) = compound {
        return format!("{}{plural}", &word[..word.len() - singular.len()]);
    }
    let before_last = word.chars().rev().nth(1);
    let ends = |ending: &str| word.ends_with(ending);
    if ends("y") && before_last.is_some_and(|c| !"aeiou".contains(c)) {
        return format!("{}ies", &word[..word.len() - 1]);
    }
    // `TestJobs` is one already; `Status`, `Ingress` and `Canvas` are not.
    if ends("s") && !before_last.is_some_and(|c| "suia".contains(c)) {
        return word;
    }
    if ends("s") || ends("x") || ends("z") || ends("ch") || ends("sh") {
        return format!("{word}es");
    }
    format!("{word}s")
}

#[cfg(test)]
mod tests {
    use super::plural;

    #[test]
    fn kinds_get_the_plural_that_kro_gives_them() {
        for (kind, wanted) in [
            ("WebApp", "webapps"),
            ("Policy", "policies"),
            ("Gateway", "gateways"),
            ("Redis", "redis"),
            ("Status", "statuses"),
            ("Analysis", "analyses"),
            ("Index", "indices"),
            ("Matrix", "matrices"),
            ("Data", "data"),
            ("Media", "media"),
            ("Child", "children"),
            ("Person", "people"),
            ("Hero", "heroes"),
            ("Photo", "photos"),
            ("Leaf", "leaves"),
            ("Fish", "fish"),
            ("Series", "series"),
            ("Bias", "bias"),
            ("Corpus", "corpora"),
            ("TestWatch", "testwatches"),
            ("Ingress", "ingresses"),
            ("StaticSite", "staticsites"),
            ("DNS", "dns"),
            ("TestJobs", "testjobs"),
            ("Box", "boxes"),
            ("UserIndex", "userindices"),
        ] {
            assert_eq!(plural(kind), wanted, "{kind}");
        }
    }
}
