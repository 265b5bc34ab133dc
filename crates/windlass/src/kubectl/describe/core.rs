//! Built-in kinds that kubectl writes in their own way.

use super::{Page, sorted};
use base64::Engine as _;
use serde_json::Value;

fn head(page: &mut Page, object: &Value, namespaced: bool) {
    let metadata = &object["metadata"];
    page.write(0, &format!("Name:\t{}\n", text(&metadata["name"])));
    if namespaced {
        page.write(0, &format!("Namespace:\t{}\n", text(&metadata["namespace"])));
    }
    page.labels("Labels", &metadata["labels"]);
    page.annotations(&metadata["annotations"]);
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// How many bytes a base64 text stands for.
fn length(value: &str) -> usize {
    base64::engine::general_purpose::STANDARD.decode(value).map_or(0, |bytes| bytes.len())
}

/// Names and lengths; never a value, but for the token of a service account, as kubectl does.
pub(super) fn secret(page: &mut Page, object: &Value) {
    head(page, object, true);
    page.write(0, &format!("\nType:\t{}\n", text(&object["type"])));
    page.write(0, "\nData\n====\n");
    let is_token = object["type"] == "kubernetes.io/service-account-token";
    for (key, value) in sorted(&object["data"]) {
        if is_token && key == "token" {
            let token = base64::engine::general_purpose::STANDARD.decode(value).unwrap_or_default();
            page.write(0, &format!("{key}:\t{}\n", String::from_utf8_lossy(&token)));
        } else {
            page.write(0, &format!("{key}:\t{} bytes\n", length(value)));
        }
    }
}

pub(super) fn config_map(page: &mut Page, object: &Value) {
    head(page, object, true);
    page.write(0, "\nData\n====\n");
    for (key, value) in sorted(&object["data"]) {
        page.write(0, &format!("{key}:\n----\n{value}\n\n"));
    }
    page.write(0, "\nBinaryData\n====\n");
    for (key, value) in sorted(&object["binaryData"]) {
        page.write(0, &format!("{key}: {} bytes\n", length(value)));
    }
    page.write(0, "\n");
}

pub(super) fn service_account(page: &mut Page, object: &Value) {
    head(page, object, true);
    names(page, "Image pull secrets:", &object["imagePullSecrets"]);
    names(page, "Mountable secrets:", &object["secrets"]);
    page.write(0, "Tokens:\t<none>\n");
}

fn names(page: &mut Page, title: &str, references: &Value) {
    let references = references.as_array().map(Vec::as_slice).unwrap_or_default();
    if references.is_empty() {
        page.write(0, &format!("{title}\t<none>\n"));
    }
    for (index, reference) in references.iter().enumerate() {
        let title = if index == 0 { title } else { "                   " };
        page.write(0, &format!("{title}\t{}\n", text(&reference["name"])));
    }
}

pub(super) fn namespace(page: &mut Page, object: &Value, quotas: Option<&[Value]>, ranges: Option<&[Value]>) {
    head(page, object, false);
    page.write(0, &format!("Status:\t{}\n", text(&object["status"]["phase"])));
    let conditions = object["status"]["conditions"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !conditions.is_empty() {
        page.write(0, "Conditions:\n");
        page.write(1, "Type\tStatus\tLastTransitionTime\tReason\tMessage\n");
        page.write(1, "----\t------\t------------------\t------\t-------\n");
    }
    for condition in conditions {
        let time = text(&condition["lastTransitionTime"]).parse::<jiff::Timestamp>();
        let time = time.map_or_else(|_| String::new(), |time| time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string());
        let field = |name: &str| text(&condition[name]).to_owned();
        page.write(1, &format!("{}\t{}\t{time}\t{}\t{}\n", field("type"), field("status"), field("reason"), field("message")));
    }
    if let Some(quotas) = quotas {
        page.write(0, "\n");
        resource_quotas(page, quotas);
    }
    if let Some(ranges) = ranges {
        page.write(0, "\n");
        limit_ranges(page, ranges);
    }
}

fn resource_quotas(page: &mut Page, quotas: &[Value]) {
    if quotas.is_empty() {
        return page.write(0, "No resource quota.\n");
    }
    page.write(0, "Resource Quotas\n");
    for quota in quotas {
        page.write(1, &format!("Name:\t{}\n", text(&quota["metadata"]["name"])));
        page.write(1, "Resource\tUsed\tHard\n");
        page.write(1, "--------\t---\t---\n");
        for (name, hard) in sorted(&quota["status"]["hard"]) {
            let used = quota["status"]["used"][name].as_str().unwrap_or("0");
            page.write(1, &format!("{name}\t{used}\t{hard}\n"));
        }
    }
}

fn limit_ranges(page: &mut Page, ranges: &[Value]) {
    if ranges.is_empty() {
        return page.write(0, "No LimitRange resource.\n");
    }
    page.write(0, "Resource Limits\n Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n");
    page.write(0, " ----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n");
    for limit in ranges.iter().flat_map(|range| range["spec"]["limits"].as_array().into_iter().flatten()) {
        let parts = ["min", "max", "defaultRequest", "default", "maxLimitRequestRatio"];
        let mut names: Vec<&str> = parts.iter().flat_map(|part| sorted(&limit[*part])).map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let cells: Vec<&str> = parts.iter().map(|part| limit[*part][name].as_str().unwrap_or("-")).collect();
            page.write(0, &format!(" {}\t{name}\t{}\n", text(&limit["type"]), cells.join("\t")));
        }
    }
}
