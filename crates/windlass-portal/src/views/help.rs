//! Help: keys, how to get in, the other doors, version.

use crate::views::layout::{Frame, Page, Section};
use crate::views::parts::{self, command};
use maud::html;

/// The page.
pub(crate) fn page(frame: &Frame, version: &str) -> Page {
    let keys = [
        ("/  or  Ctrl K", "search"),
        ("g  then  h", "home"),
        ("g  then  c", "create: the templates"),
        ("g  then  i", "instances"),
        ("g  then  r", "runs"),
        ("?", "this page"),
    ];
    let live = html! {
        div.head { h1 { "Help" } span.small { "Windlass " (version) } }
        div.columns.even {
            section.card {
                header { h2 { "Keys" } }
                div.in { dl.facts { @for (key, what) in keys { dt { kbd { (key) } } dd { (what) } } } }
            }
            section.card {
                header { h2 { "How it works" } }
                div.in { dl.facts {
                    dt { "Template" } dd { "what a platform team wrote once: it says what you can ask for" }
                    dt { "Instance" } dd { "one thing that was asked for, with its values" }
                    dt { "Plan" } dd { "what a change would do; nothing beyond it is done" }
                    dt { "Run" } dd { "one change: its plan, who asked, its steps, its result" }
                } }
            }
        }
        section.card {
            header { h2 { "The other doors" } }
            div.in.stack {
                p { "Everything here is an object of the Kubernetes API; the command line and kubectl see and do the same." }
                (command(&format!("export KUBECONFIG={}", crate::model::commands::quote(&frame.kubeconfig))))
                (command("windlass get templates"))
                (command("kubectl get runs -A"))
            }
        }
        section.card {
            header { h2 { "This session" } }
            div.in.stack {
                p { "It ends after 7 days. A new login link for another browser: run " code { "windlass up" } " again; it works once, for 60 seconds." }
                div.row { (parts::button(frame, "/logout", "", "Log out", &[])) }
            }
        }
    };
    Page::new("Help", Section::Help, live)
}
