//! The frame of every page: top bar, side bar (bottom bar on narrow screens), crumbs, live part.

use crate::assets;
use crate::model::needs::Counts;
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, html};

/// What every page knows about its request.
pub(crate) struct Frame {
    /// When it is drawn.
    pub(crate) now: Timestamp,
    /// What its forms carry.
    pub(crate) form_token: String,
    /// Numbers in the side bar.
    pub(crate) counts: Counts,
    /// The cache's sequence number when it was drawn.
    pub(crate) sequence: u64,
    /// Path of the kubeconfig, for commands.
    pub(crate) kubeconfig: String,
    /// Host and port under which the portal was reached.
    pub(crate) host: String,
}

/// Where in the portal a page is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// `/`.
    Home,
    /// `/templates`.
    Create,
    /// `/instances`.
    Instances,
    /// `/runs`.
    Runs,
    /// Search.
    Search,
    /// Help.
    Help,
}

/// A page.
pub(crate) struct Page {
    /// Title of the window.
    pub(crate) title: String,
    /// Which entry of the side bar is current.
    pub(crate) section: Section,
    /// Names and addresses of the pages above.
    pub(crate) crumbs: Vec<(String, String)>,
    /// Topics whose changes draw the live part again.
    pub(crate) watch: Vec<String>,
    /// What a screen reader is told when it changes; may be empty.
    pub(crate) say: String,
    /// Whether the page should be loaded again soon where there is no script.
    pub(crate) is_moving: bool,
    /// What changes by itself.
    pub(crate) live: Markup,
    /// What stands still, below; it is never drawn again by the script.
    pub(crate) still: Markup,
}

impl Page {
    /// A page without crumbs, topics and still part.
    pub(crate) fn new(title: impl Into<String>, section: Section, live: Markup) -> Self {
        Self {
            title: title.into(),
            section,
            crumbs: Vec::new(),
            watch: Vec::new(),
            say: String::new(),
            is_moving: false,
            live,
            still: html! {},
        }
    }

    /// Adds a page above.
    #[must_use]
    pub(crate) fn below(mut self, name: impl Into<String>, path: impl Into<String>) -> Self {
        self.crumbs.push((name.into(), path.into()));
        self
    }

    /// Adds a topic.
    #[must_use]
    pub(crate) fn watching(mut self, topic: impl Into<String>) -> Self {
        self.watch.push(topic.into());
        self
    }
}

/// The whole document.
pub(crate) fn document(frame: &Frame, page: &Page) -> Markup {
    let paths = assets::paths();
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&page.title, page.is_moving))
            body {
                a.skip href="#main" { "To the content" }
                header.top {
                    (brand())
                    form.ask role="search" action="/search" method="get" {
                        (super::parts::icon("search"))
                        input id="search" type="search" name="q" aria-label="Search templates, instances and runs" placeholder="Search" autocomplete="off" aria-keyshortcuts="/ Control+K";
                        kbd aria-hidden="true" { "/" }
                    }
                    a.button.plain href="/help" aria-label="Help and keys" title="Help and keys" { "?" }
                }
                (side(frame, page.section))
                main #main tabindex="-1" {
                    @if !page.crumbs.is_empty() {
                        nav.crumbs aria-label="Where you are" {
                            @for (index, (name, path)) in page.crumbs.iter().enumerate() { @if index > 0 { " / " } a href=(path) { (name) } }
                        }
                    }
                    (live(frame, page))
                    (page.still)
                }
                p #said .sr role="status" {}
                p #stale .stale hidden role="status" { (super::parts::icon("warn")) span { "Not live: the portal does not answer. Trying again." } }
                script src=(paths.script) defer {}
            }
        }
    }
}

/// Only what changes by itself: side bar and live part.
pub(crate) fn fragment(frame: &Frame, page: &Page) -> Markup {
    html! { (side(frame, page.section)) (live(frame, page)) }
}

fn live(frame: &Frame, page: &Page) -> Markup {
    html! {
        div #live .stack.loose data-watch=(page.watch.join(" ")) data-since=(frame.sequence) data-say=(page.say) { (page.live) }
    }
}

/// `head` of every document.
pub(crate) fn head(title: &str, is_moving: bool) -> Markup {
    let paths = assets::paths();
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · Windlass" }
            link rel="icon" href=(paths.icon) type="image/svg+xml";
            link rel="stylesheet" href=(paths.style);
            @if is_moving { noscript { meta http-equiv="refresh" content="3"; } }
        }
    }
}

/// Name and sign, leading home.
pub(crate) fn brand() -> Markup {
    html! {
        a.brand href="/" {
            svg viewBox="0 0 24 24" aria-hidden="true" {
                circle cx="11" cy="12" r="5.2" {}
                circle cx="11" cy="12" r="1" fill="currentColor" {}
                path d="M16.2 12H21v-4M11 17.2V22M3.5 12H5.8" {}
            }
            "Windlass"
        }
    }
}

fn side(frame: &Frame, current: Section) -> Markup {
    let counts = frame.counts;
    let entry = |section: Section, path: &str, sign: &str, name: &str, count: usize, what: &str| {
        html! {
            a href=(path) aria-current=[(section == current).then_some("page")] {
                (super::parts::icon(sign))
                span { (name) }
                @if count > 0 { span.count.urgent[section == Section::Home] title=(what) { (count) span.sr { " " (what) } } }
            }
        }
    };
    html! {
        nav #nav .side aria-label="Main" {
            (entry(Section::Home, "/", "home", "Home", counts.needs, "need you"))
            (entry(Section::Create, "/templates", "plus", "Create", 0, ""))
            (entry(Section::Instances, "/instances", "boxes", "Instances", counts.instances, "instances"))
            (entry(Section::Runs, "/runs", "play", "Runs", counts.open_runs, "not finished"))
        }
    }
}
