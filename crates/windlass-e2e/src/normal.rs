//! What differs from run to run is written as a word in angle brackets: identifiers, versions, times, ages, addresses.
//!
//! Only that. What a server decides (words, order, columns, numbers) stays as it is, or the comparison would be worth nothing.

use regex::Regex;

/// The rules, compiled once.
pub struct Normal {
    rules: Vec<(Regex, &'static str)>,
    discovery: Option<Regex>,
}

/// What kubectl's discovery says about a group whose kinds went away while it was asked.
const DISCOVERY: &str = r"^E\d{4} .* memcache\.go:\d+\] couldn't get resource list for ([^/\s]+)/";

/// Pattern and replacement, in order: what is more exact comes first.
const RULES: [(&str, &str); 15] = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "<time>"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ [+-]\d{4}", "<time>"),
    (r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "<time>"),
    (r#"((?:resourceVersion|Resource Version)"?:\s+"?)\d+"#, "${1}<version>"),
    (r#"((?:resourceVersion)=)\d+"#, "${1}<version>"),
    (r#"(\b(?:uid)="?)[0-9a-f-]{36}"#, "${1}<uid>"),
    (r"https://(127\.0\.0\.1|localhost|\[::1\]):\d+", "<server>"),
    (r"(127\.0\.0\.1|localhost):\d+", "<address>"),
    (r"(/tmp|\S*/tmp\.\S*?)/(LIVE|MERGED)-\d+", "<dir>/$2"),
    (r"kubectl(\S*)-edit-\S+\.yaml", "kubectl-edit.yaml"),
    (r"\b(generated-)[bcdfghjklmnpqrstvwxz2456789]{5}\b", "${1}<random>"),
    (r"\b\d+[smhd](\d+[smh])? \(x(\d+) over \d+[smhd](\d+[smh])?\)", "<age> (x$2 over <age>)"),
    (r"(^|\s{2,})(?:\d+[smhd](?:\d+[smh])?|<unknown>|<invalid>)(?:(\s)\s+|$)", "$1<age>$2$2$2"),
    (r"\b(\d+[smhd](\d+[smh])?) ago\b", "<age> ago"),
];

impl Default for Normal {
    fn default() -> Self {
        let rules = RULES.iter().filter_map(|(pattern, replacement)| Some((Regex::new(pattern).ok()?, *replacement))).collect();
        Normal { rules, discovery: Regex::new(DISCOVERY).ok() }
    }
}

impl Normal {
    /// One line, with `names` (unique to this run) replaced first.
    #[must_use]
    pub fn line(&self, line: &str, names: &[(String, &str)]) -> String {
        let mut text = line.trim_end().to_owned();
        for (name, replacement) in names {
            text = text.replace(name.as_str(), replacement);
        }
        for (rule, replacement) in &self.rules {
            text = rule.replace_all(&text, *replacement).into_owned();
        }
        text.trim_end().to_owned()
    }

    /// Whether this line of kubectl is about the kinds of another case, which came or went beside this one on the same server.
    #[must_use]
    pub fn is_about_a_neighbour(&self, line: &str, group: &str) -> bool {
        let named = self.discovery.as_ref().and_then(|rule| rule.captures(line)).and_then(|found| found.get(1));
        named.is_some_and(|named| named.as_str().ends_with(".example.com") && !named.as_str().ends_with(group))
    }
}

#[cfg(test)]
mod tests {
    use super::{Normal, RULES};

    fn check(line: &str, expected: &str) {
        assert_eq!(Normal::default().line(line, &[("case-x1y2".to_owned(), "<ns>")]), expected);
    }

    #[test]
    fn every_rule_is_a_valid_pattern() {
        assert_eq!(Normal::default().rules.len(), RULES.len());
    }

    #[test]
    fn what_differs_from_run_to_run_is_replaced() {
        check("  uid: 2b1c0c6e-6b0e-4f6e-9d5b-7a4d6d0f8b1a", "  uid: <uid>");
        check("  creationTimestamp: \"2026-01-02T03:04:05Z\"", "  creationTimestamp: \"<time>\"");
        check("  resourceVersion: \"4711\"", "  resourceVersion: \"<version>\"");
        check("a     1      12s", "a     1      <age>");
        check("329d (x2 over 330d)   Warning   Broken", "<age> (x2 over <age>)   Warning   Broken");
        check("3m2s       Normal   Started   web/a   hello", "<age>   Normal   Started   web/a   hello");
        check("configmap/generated-x7b2q created in case-x1y2", "configmap/generated-<random> created in <ns>");
        check("--- /tmp/LIVE-12345/v1.ConfigMap.x.a\t2026-11-24 16:15:00.123456789 +0000", "--- <dir>/LIVE/v1.ConfigMap.x.a\t<time>");
    }

    #[test]
    fn discovery_of_a_neighbour_is_nobodys_difference() {
        let line = |group: &str| format!("E1125 19:18:08.850607   11862 memcache.go:287] couldn't get resource list for {group}/v1: gone");
        let normal = Normal::default();
        assert!(normal.is_about_a_neighbour(&line("crd-validation-xhpa.example.com"), "errors-x1y2.example.com"));
        assert!(!normal.is_about_a_neighbour(&line("errors-x1y2.example.com"), "errors-x1y2.example.com"));
        assert!(!normal.is_about_a_neighbour(&line("apps"), "errors-x1y2.example.com"));
        assert!(!normal.is_about_a_neighbour("error: the server doesn't have a resource type", "errors-x1y2.example.com"));
    }

    #[test]
    fn what_a_server_decides_stays() {
        check("configmap/a created", "configmap/a created");
        check("a   2   5m-limit", "a   2   5m-limit");
        check(
            "The ConfigMap \"A\" is invalid: metadata.name: Invalid value",
            "The ConfigMap \"A\" is invalid: metadata.name: Invalid value",
        );
    }
}
