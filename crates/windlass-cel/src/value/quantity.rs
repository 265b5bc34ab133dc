//! Amounts as Kubernetes writes them: `500m`, `1.5Gi`, `12e6` (apimachinery `resource.Quantity`).

use std::cmp::Ordering;
use std::fmt;

/// An amount, exact to a billionth.
#[derive(Clone, Copy, Debug)]
pub struct Quantity {
    nanos: i128,
    notation: Notation,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notation {
    /// `Ki`, `Mi`, ...
    Binary,
    /// `m`, `k`, `M`, ...
    Decimal,
    /// `e3`.
    Exponent,
}

/// Billionths in one.
const ONE: i128 = 1_000_000_000;
const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
const DECIMAL: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

impl Quantity {
    /// Reads an amount.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, suffix) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() + fraction.len() > 30 {
            return None;
        }
        let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
        let (factor, power, notation) = scale(suffix)?;
        let power = power - i32::try_from(fraction.len()).ok()? + 9;
        let scaled = digits.checked_mul(factor)?;
        // Less than a billionth rounds up, away from zero.
        let nanos = if power >= 0 {
            scaled.checked_mul(10_i128.checked_pow(u32::try_from(power).ok()?)?)?
        } else {
            let divisor = 10_i128.checked_pow(power.unsigned_abs())?;
            scaled / divisor + i128::from(scaled % divisor != 0)
        };
        Some(Self { nanos: if negative { -nanos } else { nanos }, notation })
    }

    /// A whole number.
    pub(crate) fn whole(value: i64) -> Self {
        Self { nanos: i128::from(value) * ONE, notation: Notation::Decimal }
    }

    /// The whole number that it is, if it is one and small enough.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        (self.nanos % ONE == 0).then(|| i64::try_from(self.nanos / ONE).ok()).flatten()
    }

    /// The nearest double.
    pub(crate) fn as_double(&self) -> f64 {
        self.nanos as f64 / ONE as f64
    }

    /// -1, 0 or 1.
    pub(crate) fn sign(&self) -> i64 {
        self.nanos.signum() as i64
    }

    /// The sum; `None` if it is too large.
    pub(crate) fn plus(&self, other: &Self) -> Option<Self> {
        let notation = if self.nanos == 0 { other.notation } else { self.notation };
        Some(Self { nanos: self.nanos.checked_add(other.nanos)?, notation })
    }

    /// The difference; `None` if it is too large.
    pub(crate) fn minus(&self, other: &Self) -> Option<Self> {
        let notation = if self.nanos == 0 { other.notation } else { self.notation };
        Some(Self { nanos: self.nanos.checked_sub(other.nanos)?, notation })
    }
}

/// A suffix as factor, power of ten and notation.
fn scale(suffix: &str) -> Option<(i128, i32, Notation)> {
    if let Some((_, bits)) = BINARY.iter().find(|(name, _)| *name == suffix) {
        return Some((1_i128 << bits, 0, Notation::Binary));
    }
    if let Some((_, power)) = DECIMAL.iter().find(|(name, _)| *name == suffix) {
        return Some((1, *power, Notation::Decimal));
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    let power: i32 = exponent.parse().ok()?;
    (-30..=30).contains(&power).then_some((1, power, Notation::Exponent))
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.nanos == other.nanos
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        self.nanos.cmp(&other.nanos)
    }
}

impl fmt::Display for Quantity {
    /// The canonical form: the largest suffix without a fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nanos == 0 {
            return f.write_str("0");
        }
        if self.notation == Notation::Binary && self.nanos.unsigned_abs() >= 1024 * ONE.unsigned_abs() {
            let mut value = self.nanos / ONE + i128::from(self.nanos > 0 && self.nanos % ONE != 0);
            let mut power = 0;
            while value % 1024 == 0 && power < BINARY.len() {
                value /= 1024;
                power += 1;
            }
            let suffix = if power == 0 { "" } else { BINARY[power - 1].0 };
            return write!(f, "{value}{suffix}");
        }
        let (mut value, mut power) = (self.nanos, -9);
        while value % 1000 == 0 && power < 18 {
            value /= 1000;
            power += 3;
        }
        if self.notation == Notation::Exponent {
            return if power == 0 { write!(f, "{value}") } else { write!(f, "{value}e{power}") };
        }
        let suffix = DECIMAL.iter().find(|(_, known)| *known == power).map_or("", |(name, _)| name);
        write!(f, "{value}{suffix}")
    }
}

#[cfg(test)]
mod tests {
    use super::Quantity;

    #[test]
    fn amounts_are_read_and_written() {
        let show = |text: &str| Quantity::parse(text).map_or_else(|| "-".to_owned(), |quantity| quantity.to_string());
        for (text, canonical) in [
            ("0.5", "500m"),
            ("1500m", "1500m"),
            ("2048Mi", "2Gi"),
            ("1.5Gi", "1536Mi"),
            ("1000k", "1M"),
            ("12e6", "12e6"),
            ("0.0000000001", "1n"),
            ("-1", "-1"),
            ("20Mo", "-"),
            ("", "-"),
            ("Mi", "-"),
            ("1.2.3", "-"),
            ("100Ki", "100Ki"),
        ] {
            assert_eq!(show(text), canonical, "{text}");
        }
        assert_eq!(Quantity::parse("200M"), Quantity::parse("0.2G"));
    }
}
