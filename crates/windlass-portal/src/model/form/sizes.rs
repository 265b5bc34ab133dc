//! T-shirt sizes as cards: what each means and costs.

use serde_json::Value;
use windlass_api::template::Sizes;

/// One size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Card {
    /// Its name, as `M`.
    pub(crate) name: String,
    /// What it means, as `2 replicas · 500m CPU · 512 MiB`.
    pub(crate) meaning: String,
    /// What it costs, as `25 EUR a month`; empty where nobody said.
    pub(crate) price: String,
}

/// The cards of a size table, in its order.
pub(crate) fn cards(sizes: &Sizes) -> Vec<Card> {
    // A server may keep both in the order of their names, so that the author's order is lost: what is known is put right.
    let mut rows: Vec<_> = sizes.values.iter().collect();
    rows.sort_by_key(|(name, _)| SIZES.iter().position(|known| known.eq_ignore_ascii_case(name)).unwrap_or(SIZES.len()));
    let cards = rows.into_iter().map(|(name, values)| {
        let mut keys: Vec<_> = values.iter().filter(|(key, _)| *key != "price").collect();
        keys.sort_by_key(|(key, _)| KEYS.iter().position(|known| known == key).unwrap_or(KEYS.len()));
        Card {
            name: name.clone(),
            meaning: keys.into_iter().map(|(key, value)| meaning(key, value)).collect::<Vec<_>>().join(" · "),
            price: values.get("price").map(|value| money(&plain(value))).unwrap_or_default(),
        }
    });
    cards.collect()
}

/// Sizes from small to large.
const SIZES: [&str; 7] = ["XS", "S", "M", "L", "XL", "XXL", "XXXL"];
/// What is said first.
const KEYS: [&str; 3] = ["replicas", "cpu", "memory"];

/// One value of a size table in words.
fn meaning(key: &str, value: &Value) -> String {
    let text = plain(value);
    match (key, text.as_str()) {
        ("replicas", "1") => "1 replica".into(),
        ("replicas", _) => format!("{text} replicas"),
        ("cpu", _) => format!("{text} CPU"),
        ("memory" | "storage" | "disk", _) => format!("{}{}", bytes(&text), if key == "memory" { "" } else { " of disk" }),
        (_, "true") => format!("with {}", super::title(key).to_lowercase()),
        (_, "false") => format!("without {}", super::title(key).to_lowercase()),
        _ => format!("{} {text}", super::title(key).to_lowercase()),
    }
}

/// `512Mi` as `512 MiB`.
pub(crate) fn bytes(quantity: &str) -> String {
    let unit_at = quantity.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(quantity.len());
    let (number, unit) = quantity.split_at(unit_at);
    match unit {
        "Ki" | "Mi" | "Gi" | "Ti" => format!("{number} {unit}B"),
        "k" | "M" | "G" | "T" => format!("{number} {unit}B"),
        _ => quantity.to_owned(),
    }
}

/// `25 EUR/month` as `25 EUR a month`.
pub(crate) fn money(price: &str) -> String {
    match price.split_once('/') {
        Some((amount, period)) => format!("{} a {}", amount.trim(), period.trim()),
        None => price.to_owned(),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_size_says_what_it_means_and_costs() {
        let sizes: Sizes = serde_json::from_value(json!({"values": {
            "S": {"replicas": 1, "cpu": "100m", "memory": "128Mi", "price": "5 EUR/month"},
            "L": {"replicas": 4, "cpu": "2", "memory": "2Gi", "highAvailability": true, "price": "110 EUR/month"},
        }}))
        .expect("sizes");
        let cards = cards(&sizes);
        assert_eq!(cards[0].meaning, "1 replica · 100m CPU · 128 MiB");
        assert_eq!(cards[1].meaning, "4 replicas · 2 CPU · 2 GiB · with high availability");
        assert_eq!(cards[1].price, "110 EUR a month");
    }
}
