//! Columns of text that line up, by the rule of "elastic tabstops": a cell ends with a tab, and a column is as wide as
//! the widest of the cells that stand below each other without a gap. The last cell of a line is in no column.
//!
//! Widths count characters. Text is collected until [`TabWriter::flush`].

/// Collects lines and lines them up.
#[derive(Debug)]
pub(crate) struct TabWriter {
    narrowest: usize,
    padding: usize,
    /// Widths of earlier flushes, where a stream of tables is to keep its columns.
    remembered: Option<Vec<usize>>,
    text: String,
}

impl TabWriter {
    /// For tables of objects: three spaces between columns, widths kept from flush to flush.
    pub(crate) fn table() -> Self {
        Self { narrowest: 6, padding: 3, remembered: Some(Vec::new()), text: String::new() }
    }

    /// For descriptions of one object: two spaces between columns.
    pub(crate) fn description() -> Self {
        Self { narrowest: 0, padding: 2, remembered: None, text: String::new() }
    }

    /// Adds text; a tab ends a cell, a newline ends a line.
    pub(crate) fn write(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Everything that was written since the last flush, lined up.
    pub(crate) fn flush(&mut self) -> String {
        let text = std::mem::take(&mut self.text);
        if text.is_empty() {
            return text;
        }
        let lines: Vec<Vec<&str>> = text.split('\n').map(|line| line.split('\t').collect()).collect();
        let mut out = String::with_capacity(text.len() * 2);
        self.block(&lines, 0..lines.len(), &mut Vec::new(), &mut out);
        out
    }

    /// Writes the lines of `range`, whose first `widths.len()` columns are decided.
    fn block(&mut self, lines: &[Vec<&str>], range: std::ops::Range<usize>, widths: &mut Vec<usize>, out: &mut String) {
        let column = widths.len();
        let has_cell = |line: usize| column + 1 < lines[line].len();
        let mut written = range.start;
        let mut line = range.start;
        while line < range.end {
            if !has_cell(line) {
                line += 1;
                continue;
            }
            write_lines(lines, written..line, widths, out);
            let start = line;
            let mut width = self.narrowest;
            while line < range.end && has_cell(line) {
                width = width.max(lines[line][column].chars().count() + self.padding);
                line += 1;
            }
            widths.push(self.remember(column, width));
            self.block(lines, start..line, widths, out);
            widths.pop();
            written = line;
        }
        write_lines(lines, written..range.end, widths, out);
    }

    fn remember(&mut self, column: usize, width: usize) -> usize {
        let Some(known) = &mut self.remembered else { return width };
        if known.len() <= column {
            known.resize(column + 1, 0);
        }
        known[column] = known[column].max(width);
        known[column]
    }
}

fn write_lines(lines: &[Vec<&str>], range: std::ops::Range<usize>, widths: &[usize], out: &mut String) {
    for line in range {
        for (column, cell) in lines[line].iter().enumerate() {
            out.push_str(cell);
            if let Some(width) = widths.get(column).filter(|_| column + 1 < lines[line].len()) {
                out.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
            }
        }
        if line + 1 < lines.len() {
            out.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_the_last_cell_is_free() {
        let mut writer = TabWriter::table();
        writer.write("NAME\tDATA\tAGE\nkube-root-ca.crt\t1\t5m\nx\t12\t1h\n");
        assert_eq!(writer.flush(), "NAME               DATA   AGE\nkube-root-ca.crt   1      5m\nx                  12     1h\n");
    }

    #[test]
    fn a_table_keeps_its_widths_and_a_description_does_not() {
        let mut writer = TabWriter::table();
        writer.write("NAME\tAGE\nlong-long-name\t1s\n");
        drop(writer.flush());
        writer.write("x\t1s\n");
        assert_eq!(writer.flush(), "x                1s\n");
        let mut writer = TabWriter::description();
        writer.write("Name:\tx\nLabels:\ta=b\n\tc=d\nno cells\nA:\tb\n");
        assert_eq!(writer.flush(), "Name:    x\nLabels:  a=b\n         c=d\nno cells\nA:  b\n");
    }
}
