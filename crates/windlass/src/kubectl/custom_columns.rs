//! `-o custom-columns=NAME:.metadata.name,...`: columns that the user chooses.

use super::failure::Failure;
use super::go_json;
use super::jsonpath::Template;
use super::tabwriter::TabWriter;
use serde_json::Value;

/// Headers and what stands below them.
#[derive(Debug)]
pub(crate) struct Columns {
    columns: Vec<(String, Template)>,
    no_headers: bool,
}

impl Columns {
    /// Reads `HEADER:PATH,...`.
    pub(crate) fn read(text: &str, no_headers: bool) -> Result<Self, Failure> {
        if text.is_empty() {
            return Err(Failure::text("custom-columns format specified but no custom columns given"));
        }
        let column = |part: &str| {
            let (header, path) = part
                .split_once(':')
                .ok_or_else(|| Failure::text(format!("unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")))?;
            Ok((header.to_owned(), Template::relaxed(path).map_err(Failure::Text)?))
        };
        Ok(Self { columns: text.split(',').map(column).collect::<Result<_, Failure>>()?, no_headers })
    }

    /// Reads two lines: headers and paths.
    pub(crate) fn of_file(text: &str, no_headers: bool) -> Result<Self, Failure> {
        let mut lines = text.lines();
        let mut line = |what: &str| {
            let line = lines.next().ok_or_else(|| {
                Failure::text(format!("invalid template, missing {what} line. Expected format is one line of space separated headers, one line of space separated column specs."))
            })?;
            Ok::<_, Failure>(line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        };
        let (headers, paths) = (line("header")?, line("spec")?);
        if headers.len() != paths.len() {
            return Err(Failure::text(format!(
                "number of headers ({}) and field specifications ({}) don't match",
                headers.len(),
                paths.len()
            )));
        }
        let column = |(header, path): (String, String)| Ok((header, Template::relaxed(&path).map_err(Failure::Text)?));
        Ok(Self { columns: headers.into_iter().zip(paths).map(column).collect::<Result<_, Failure>>()?, no_headers })
    }

    /// A table of an object or of those in a list.
    pub(crate) fn print(&self, object: &Value, first: bool) -> Result<String, Failure> {
        let mut writer = TabWriter::table();
        if first && !self.no_headers {
            let headers: Vec<&str> = self.columns.iter().map(|(header, _)| header.as_str()).collect();
            writer.write(&(headers.join("\t") + "\n"));
        }
        let single = std::slice::from_ref(object);
        let items = object["items"].as_array().filter(|_| super::output::is_list(object)).map_or(single, Vec::as_slice);
        for item in items {
            let mut cells = Vec::new();
            for (_, template) in &self.columns {
                let found = template.results(item, true).map_err(Failure::Text)?;
                let mut texts: Vec<String> = found.iter().flatten().map(|value| go_json::display(value)).collect();
                if found.first().is_none_or(Vec::is_empty) {
                    texts.insert(0, "<none>".into());
                }
                cells.push(super::table::safe(&texts.join(",")));
            }
            writer.write(&(cells.join("\t") + "\n"));
        }
        Ok(writer.flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_show_what_paths_find() {
        let columns = Columns::read("NAME:.metadata.name,X:.spec.x", false).expect("read");
        let list = super::super::output::list(vec![
            json!({"metadata": {"name": "a"}, "spec": {"x": [1, "b"]}}),
            json!({"metadata": {"name": "b"}}),
        ]);
        assert_eq!(columns.print(&list, true).expect("printed"), "NAME   X\na      [1 b]\nb      <none>\n");
        assert_eq!(
            Columns::read("NAME", false).expect_err("no path").message(),
            "unexpected custom-columns spec: NAME, expected <header>:<json-path-expr>"
        );
    }
}
