//! Functions: one table of names, signatures and what they do, put together from one module per library.
//!
//! A function here sees only known values without secrets: what comes later and what is secret is the evaluator's business.
//! Start with [`find`]; to add a function, add a row to the table of its module.

pub(crate) mod conversions;
mod encoders;
mod kro;
pub(crate) mod lists;
pub(crate) mod network;
pub(crate) mod operators;
mod optionals;
mod quantities;
mod regexes;
pub(crate) mod semver;
pub(crate) mod signature;
mod strings;
pub(crate) mod time;

use crate::syntax::node::Node;
use crate::types::Type;
use crate::value::Value;
use signature::Signature;
use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

/// Why a function gives no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It cannot be computed.
    Failed(String),
    /// It does not take values of these types.
    NoOverload,
    /// The result is larger than allowed.
    TooLarge,
}

pub(crate) type Outcome = Result<Value, Failure>;

pub(crate) fn failed<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Failed(message.into()))
}

/// What a function does with its arguments; a member function's target is the first.
pub(crate) type Body = fn(&[Value]) -> Outcome;

/// A row of a library's table.
pub(crate) struct Row {
    name: &'static str,
    member: bool,
    /// As `string, string -> bool`; capital letters stand for any type.
    signatures: &'static [&'static str],
    body: Body,
}

/// `name(a, b)`, also with a dotted name.
const fn global(name: &'static str, signatures: &'static [&'static str], body: Body) -> Row {
    Row { name, member: false, signatures, body }
}

/// `a.name(b)`.
const fn member(name: &'static str, signatures: &'static [&'static str], body: Body) -> Row {
    Row { name, member: true, signatures, body }
}

/// A function that can be called.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) signatures: Vec<Signature>,
    pub(crate) body: Body,
}

type Table = HashMap<(&'static str, bool), Function>;

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let libraries = [
            conversions::ROWS,
            encoders::ROWS,
            kro::ROWS,
            lists::ROWS,
            network::ROWS,
            optionals::ROWS,
            quantities::ROWS,
            regexes::ROWS,
            semver::ROWS,
            strings::ROWS,
            time::ROWS,
        ];
        let mut table = Table::new();
        for row in libraries.into_iter().flatten() {
            // Rows of one name share one body: it looks at what it is given.
            let signatures = row.signatures.iter().map(|text| Signature::read(text));
            table
                .entry((row.name, row.member))
                .or_insert_with(|| Function { signatures: Vec::new(), body: row.body })
                .signatures
                .extend(signatures);
        }
        table
    })
}

/// The function of a name.
pub(crate) fn find(name: &str, member: bool) -> Option<&'static Function> {
    // The key's lifetime is that of the table, so a borrowed name cannot be looked up directly.
    let (key, function) = table().get_key_value(&(name_of(name)?, member))?;
    (key.0 == name).then_some(function)
}

/// The table's own copy of a name.
fn name_of(name: &str) -> Option<&'static str> {
    static NAMES: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    NAMES.get_or_init(|| table().keys().map(|(name, _)| (*name, *name)).collect()).get(name).copied()
}

/// Every name of functions of either kind, for hints.
pub(crate) fn names(member: bool) -> Vec<&'static str> {
    table().keys().filter(|(_, of)| *of == member).map(|(name, _)| *name).collect()
}

/// Whether `target.function(...)` is one function with a dotted name, such as `base64.encode`.
pub(crate) fn is_namespaced(target: &Node, function: &str) -> bool {
    namespaced(target, function).is_some()
}

/// That function.
pub(crate) fn namespaced(target: &Node, function: &str) -> Option<(&'static Function, String)> {
    let name = format!("{}.{function}", target.dotted()?);
    Some((find(&name, false)?, name))
}

/// A value of one of the Kubernetes libraries.
#[derive(Clone, Debug, PartialEq)]
pub enum Extension {
    /// An IP address.
    Ip(std::net::IpAddr),
    /// A range of IP addresses.
    Cidr(network::Cidr),
    /// A semantic version.
    Semver(semver::Semver),
}

impl Extension {
    /// Its type.
    pub(crate) fn type_of(&self) -> Type {
        match self {
            Self::Ip(_) => Type::Ip,
            Self::Cidr(_) => Type::Cidr,
            Self::Semver(_) => Type::Semver,
        }
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => write!(f, "{address}"),
            Self::Cidr(range) => write!(f, "{range}"),
            Self::Semver(version) => write!(f, "{version}"),
        }
    }
}
