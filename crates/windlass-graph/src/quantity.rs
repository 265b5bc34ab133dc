//! Amounts with a unit: Kubernetes quantities (`500m`, `2Gi`) and money per time (`5 EUR/month`). Exact: no floating point.

use std::fmt;

const NANO: i128 = 1_000_000_000;
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
const DECIMAL: [(&str, i128); 7] = [
    ("n", 1),
    ("u", 1_000),
    ("m", 1_000_000),
    ("k", 1_000 * NANO),
    ("M", 1_000_000 * NANO),
    ("G", 1_000_000_000 * NANO),
    ("T", 1_000_000_000_000 * NANO),
];

/// How a quantity was written, and so how a sum of such is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Notation {
    /// A bare number.
    Plain,
    /// With `n`, `u` or `m`: parts of one.
    Parts,
    /// With `k`, `M`, `G` or `T`.
    Decimal,
    /// With `Ki`, `Mi`, `Gi`, ...
    Binary,
}

/// A Kubernetes quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// Billionths.
    nano: i128,
    /// How it was written.
    pub notation: Notation,
}

impl Quantity {
    /// Reads `2`, `0.5`, `500m`, `128Mi`, `1.5G`.
    pub fn parse(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let (factor, notation) = if unit.is_empty() {
            (NANO, Notation::Plain)
        } else if let Some((_, bits)) = BINARY.iter().find(|(name, _)| *name == unit) {
            (NANO << bits, Notation::Binary)
        } else {
            let (name, factor) = DECIMAL.iter().find(|(name, _)| *name == unit)?;
            (*factor, if matches!(*name, "n" | "u" | "m") { Notation::Parts } else { Notation::Decimal })
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || whole.len() > 27 || fraction.len() > 9 {
            return None;
        }
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let mut nano = whole.checked_mul(factor)?;
        if !fraction.is_empty() {
            let digits: i128 = fraction.parse().ok()?;
            let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
            nano = nano.checked_add(digits.checked_mul(factor)? / scale)?;
        }
        Some(Self { nano, notation })
    }

    /// In thousandths of one, rounded up; `None` where it is negative or too large.
    pub fn thousandths(self) -> Option<u64> {
        u64::try_from(self.nano.checked_add(NANO / 1000 - 1)? / (NANO / 1000)).ok()
    }

    /// As many of it as `count`.
    pub fn times(self, count: u32) -> Option<Self> {
        Some(Self { nano: self.nano.checked_mul(i128::from(count))?, ..self })
    }

    /// Both together.
    pub fn plus(self, other: Self) -> Option<Self> {
        Some(Self { nano: self.nano.checked_add(other.nano)?, notation: self.notation.max(other.notation) })
    }

    /// Whether it is smaller than this many whole units.
    pub fn is_below(self, units: i128) -> bool {
        self.nano < units.saturating_mul(NANO)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.notation == Notation::Binary {
            for (name, bits) in BINARY.iter().rev() {
                if self.nano != 0 && self.nano % (NANO << bits) == 0 {
                    return write!(f, "{}{name}", self.nano / (NANO << bits));
                }
            }
        }
        if self.notation == Notation::Decimal {
            for (name, factor) in DECIMAL.iter().rev() {
                if self.nano != 0 && *factor > NANO && self.nano % factor == 0 {
                    return write!(f, "{}{name}", self.nano / factor);
                }
            }
        }
        if self.nano % NANO == 0 {
            return write!(f, "{}", self.nano / NANO);
        }
        match DECIMAL.iter().take(3).rev().find(|(_, factor)| self.nano % factor == 0) {
            Some((name, factor)) => write!(f, "{}{name}", self.nano / factor),
            None => write!(f, "{}n", self.nano),
        }
    }
}

/// Money per time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// Hundredths.
    cents: i128,
    /// Currency and period, as `EUR/month`.
    pub unit: String,
}

/// The periods that a price can be given for.
const PERIODS: [&str; 5] = ["hour", "day", "week", "month", "year"];

impl Money {
    /// Reads `5 EUR/month` and `0.12 USD/hour`.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, unit) = text.split_once(' ')?;
        let (currency, period) = unit.split_once('/')?;
        if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) || !PERIODS.contains(&period) {
            return None;
        }
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |part: &str| !part.is_empty() && part.len() <= 15 && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 2 {
            return None;
        }
        let cents: i128 = format!("{fraction:0<2}").parse().ok()?;
        Some(Self { cents: whole.parse::<i128>().ok()? * 100 + cents, unit: unit.to_owned() })
    }

    /// Both together, where the units are the same.
    pub fn plus(&self, other: &Self) -> Option<Self> {
        (self.unit == other.unit).then(|| Self { cents: self.cents + other.cents, unit: self.unit.clone() })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cents % 100 {
            0 => write!(f, "{} {}", self.cents / 100, self.unit),
            cents => write!(f, "{}.{cents:02} {}", self.cents / 100, self.unit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sum(parts: &[(&str, u32)]) -> String {
        let mut total: Option<Quantity> = None;
        for (text, count) in parts {
            let part = Quantity::parse(text).and_then(|found| found.times(*count)).expect("a quantity");
            total = Some(total.map_or(part, |total| total.plus(part).expect("a small sum")));
        }
        total.map(|total| total.to_string()).unwrap_or_default()
    }

    #[test]
    fn sums_are_exact_and_written_as_people_write_them() {
        assert_eq!(sum(&[("500m", 2)]), "1");
        assert_eq!(sum(&[("100m", 1), ("2", 1)]), "2100m");
        assert_eq!(sum(&[("512Mi", 4)]), "2Gi");
        assert_eq!(sum(&[("1.5Gi", 1)]), "1536Mi");
        assert_eq!(sum(&[("1G", 1), ("500M", 1)]), "1500M");
        assert_eq!(sum(&[("0.5", 3)]), "1500m");
        for wrong in ["", "m", "4gb", "1.2.3", "-1", "1e3", "1 Gi"] {
            assert_eq!(Quantity::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn money() {
        let total = |a: &str, b: &str| Money::parse(a)?.plus(&Money::parse(b)?).map(|sum| sum.to_string());
        assert_eq!(total("5 EUR/month", "0.5 EUR/month").as_deref(), Some("5.50 EUR/month"));
        assert_eq!(total("5 EUR/month", "5 EUR/year"), None);
        for wrong in ["5", "5 eur/month", "5 EUR", "EUR/month", "5 EUR/lunch", "1.234 EUR/month"] {
            assert_eq!(Money::parse(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(text in "[0-9]{1,9}(\\.[0-9]{1,3})?(m|k|M|G|Ki|Mi|Gi|Ti)?") {
            let quantity = Quantity::parse(&text).expect("a quantity");
            let again = Quantity::parse(&quantity.to_string()).expect("what is written is a quantity");
            prop_assert_eq!(again.nano, quantity.nano);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            drop((Quantity::parse(&text), Money::parse(&text)));
        }
    }
}
