//! The flags of the verbs, as kubectl has them. A flag that stands here is compared with kubectl byte for byte;
//! any other is refused with a hint that names kubectl.

use crate::connection::ConnectionArguments;
use clap::Args;

/// `get`.
#[derive(Clone, Debug, Args)]
pub(crate) struct GetArguments {
    /// TYPE, TYPE NAME..., TYPE/NAME..., or TYPE,TYPE
    #[arg(value_name = "TYPE[/NAME]")]
    pub(crate) what: Vec<String>,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// json, yaml, name, wide, jsonpath=..., jsonpath-file=..., jsonpath-as-json=..., custom-columns=..., custom-columns-file=...
    #[arg(short, long, value_name = "FORMAT")]
    pub(crate) output: Option<String>,
    /// After the list, wait for changes
    #[arg(short, long)]
    pub(crate) watch: bool,
    /// Wait for changes without the list
    #[arg(long)]
    pub(crate) watch_only: bool,
    /// Say with each change what it is
    #[arg(long)]
    pub(crate) output_watch_events: bool,
    /// Sort by a field, as JSONPath
    #[arg(long, value_name = "PATH")]
    pub(crate) sort_by: Option<String>,
    /// Show labels as the last column
    #[arg(long)]
    pub(crate) show_labels: bool,
    /// Show these labels as columns
    #[arg(short = 'L', long, value_name = "LABELS", value_delimiter = ',')]
    pub(crate) label_columns: Vec<String>,
    /// Do not print headers
    #[arg(long)]
    pub(crate) no_headers: bool,
    /// Print the kind before each name
    #[arg(long)]
    pub(crate) show_kind: bool,
    /// Keep managedFields in JSON and YAML
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    pub(crate) show_managed_fields: bool,
    /// Do not fail when the object is not there
    #[arg(long)]
    pub(crate) ignore_not_found: bool,
    #[command(flatten)]
    pub(crate) pages: Pages,
    /// A subresource instead of the object, such as status or scale
    #[arg(long, value_name = "NAME")]
    pub(crate) subresource: Option<String>,
    /// Let the server choose the columns
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) server_print: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
}

/// What stands in files.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Files {
    /// Files, folders, or - for standard input
    #[arg(short, long, value_name = "FILE", value_delimiter = ',')]
    pub(crate) filename: Vec<String>,
    /// Folders with what is in them
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,
}

/// Whether it is done.
#[derive(Clone, Debug, Args)]
pub(crate) struct Rehearsal {
    /// none, client, server
    #[arg(long, value_name = "MODE", default_value = "none", num_args = 0..=1, require_equals = true, default_missing_value = "unchanged")]
    pub(crate) dry_run: String,
}

/// How long lists are read.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Pages {
    /// How many objects a page has; 0 for all at once
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub(crate) chunk_size: u32,
}

/// Which objects.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Selection {
    #[command(flatten)]
    pub(crate) files: Files,
    /// Labels, as key=value,key!=value,key in (a,b)
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(crate) selector: Option<String>,
    /// Fields, as metadata.name=x
    #[arg(long, value_name = "SELECTOR")]
    pub(crate) field_selector: Option<String>,
    /// In all namespaces
    #[arg(short = 'A', long)]
    pub(crate) all_namespaces: bool,
}

/// `describe`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DescribeArguments {
    /// TYPE, TYPE NAME..., TYPE/NAME...
    #[arg(value_name = "TYPE[/NAME]")]
    pub(crate) what: Vec<String>,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// Show events
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) show_events: bool,
    #[command(flatten)]
    pub(crate) pages: Pages,
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
}

/// `apply`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ApplyArguments {
    #[command(flatten)]
    pub(crate) files: Files,
    /// Only objects with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(crate) selector: Option<String>,
    /// Let the server merge, by who owns which field
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = false, action = clap::ArgAction::Set)]
    pub(crate) server_side: bool,
    /// Take over fields that others own (with --server-side)
    #[arg(long)]
    pub(crate) force_conflicts: bool,
    /// Who owns the fields [default: windlass-cli with --server-side, else kubectl-client-side-apply]
    #[arg(long, value_name = "NAME")]
    pub(crate) field_manager: Option<String>,
    #[command(flatten)]
    pub(crate) rehearsal: Rehearsal,
    /// Unknown fields: strict, warn, ignore
    #[arg(long, value_name = "MODE", default_value = "strict", num_args = 0..=1, require_equals = true, default_missing_value = "strict")]
    pub(crate) validate: String,
    /// json, yaml, name, jsonpath=...
    #[arg(short, long, value_name = "FORMAT")]
    pub(crate) output: Option<String>,
    /// Keep managedFields in JSON and YAML
    #[arg(long)]
    pub(crate) show_managed_fields: bool,
    /// Wait until every applied object is ready (Windlass' own)
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long --wait waits (Windlass' own)
    #[arg(long, value_name = "TIME", default_value = "5m")]
    pub(crate) timeout: String,
    /// Not supported
    #[arg(long, hide = true)]
    pub(crate) prune: bool,
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
}

/// `delete`.
#[derive(Clone, Debug, Args)]
pub(crate) struct DeleteArguments {
    /// TYPE NAME..., TYPE/NAME...
    #[arg(value_name = "TYPE[/NAME]")]
    pub(crate) what: Vec<String>,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// All objects of the kind
    #[arg(long)]
    pub(crate) all: bool,
    /// Wait until it is gone
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value_t = true, action = clap::ArgAction::Set)]
    pub(crate) wait: bool,
    /// How long to wait; 0 for as long as it takes
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub(crate) timeout: String,
    /// At once, with a grace period of one second
    #[arg(long)]
    pub(crate) now: bool,
    /// Seconds that it has to end; negative for its own
    #[arg(long, value_name = "SECONDS", default_value_t = -1, allow_negative_numbers = true)]
    pub(crate) grace_period: i64,
    /// Do not wait for its confirmation (with --grace-period=0)
    #[arg(long)]
    pub(crate) force: bool,
    /// What happens to what it owns: background, foreground, orphan
    #[arg(long, value_name = "MODE", default_value = "background", num_args = 0..=1, require_equals = true, default_missing_value = "background")]
    pub(crate) cascade: String,
    #[command(flatten)]
    pub(crate) rehearsal: Rehearsal,
    /// Do not fail when it is not there
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(crate) ignore_not_found: Option<bool>,
    /// name
    #[arg(short, long, value_name = "FORMAT")]
    pub(crate) output: Option<String>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
}

/// `wait`.
#[derive(Clone, Debug, Args)]
pub(crate) struct WaitArguments {
    /// TYPE NAME..., TYPE/NAME...
    #[arg(value_name = "TYPE[/NAME]")]
    pub(crate) what: Vec<String>,
    #[command(flatten)]
    pub(crate) selection: Selection,
    /// All objects of the kind
    #[arg(long)]
    pub(crate) all: bool,
    /// condition=NAME[=VALUE], delete, create, jsonpath=PATH[=VALUE]; may be given several times
    #[arg(long = "for", value_name = "CONDITION")]
    pub(crate) condition: Vec<String>,
    /// How long: 30s, 5m; 0 to look once, negative for a week
    #[arg(long, value_name = "TIME", default_value = "30s", allow_hyphen_values = true)]
    pub(crate) timeout: String,
    /// name, json, yaml
    #[arg(short, long, value_name = "FORMAT")]
    pub(crate) output: Option<String>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
}

/// `explain`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ExplainArguments {
    /// TYPE or TYPE.FIELD.FIELD
    #[arg(value_name = "TYPE[.FIELD]")]
    pub(crate) what: Vec<String>,
    /// All fields below, without their descriptions
    #[arg(long)]
    pub(crate) recursive: bool,
    /// In this version, as group/version
    #[arg(long, value_name = "GROUP/VERSION")]
    pub(crate) api_version: Option<String>,
    /// plaintext
    #[arg(short, long, value_name = "FORMAT", default_value = "plaintext")]
    pub(crate) output: String,
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
}

/// `events`.
#[derive(Clone, Debug, Args)]
pub(crate) struct EventsArguments {
    /// Only of this object, as TYPE/NAME or TYPE NAME (Windlass' own)
    #[arg(value_name = "TYPE/NAME", num_args = 0..=2, conflicts_with_all = ["of", "all_namespaces"])]
    pub(crate) what: Vec<String>,
    /// Only of this object, as TYPE/NAME
    #[arg(long = "for", value_name = "TYPE/NAME")]
    pub(crate) of: Option<String>,
    /// Only of these types: Normal, Warning
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    pub(crate) types: Vec<String>,
    /// Wait for more
    #[arg(short, long)]
    pub(crate) watch: bool,
    /// In all namespaces
    #[arg(short = 'A', long)]
    pub(crate) all_namespaces: bool,
    /// Do not print headers
    #[arg(long)]
    pub(crate) no_headers: bool,
    #[command(flatten)]
    pub(crate) pages: Pages,
    /// json, yaml, name, jsonpath=...
    #[arg(short, long, value_name = "FORMAT")]
    pub(crate) output: Option<String>,
    #[command(flatten)]
    pub(crate) connection: ConnectionArguments,
}
