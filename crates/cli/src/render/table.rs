//! A plain table: aligned columns, two spaces between them, nothing else.

use super::style::{Paint, Style};

/// One cell.
#[derive(Debug, Clone)]
pub(crate) struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    /// A cell in a colour.
    pub(crate) fn new(text: impl Into<String>, paint: Paint) -> Self {
        // A line break or an escape sequence in a name must not break the table.
        let text = text.into().replace(|found: char| found.is_control(), " ");
        Self { text, paint }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(text, Paint::Plain)
    }
}

/// Rows under headings.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows yet.
    pub(crate) fn new(headings: &[&str]) -> Self {
        let headings = headings.iter().map(|text| Cell::new(*text, Paint::Faint));
        Self {
            rows: vec![headings.collect()],
        }
    }

    /// Adds a row, a cell for each heading.
    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }

    /// The table as text, one line a row.
    pub(crate) fn render(&self, style: Style) -> String {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell| cell.text.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut gap = 0;
            for (cell, width) in row.iter().zip(&widths) {
                if !cell.text.is_empty() {
                    text.extend(std::iter::repeat_n(' ', gap));
                    text.push_str(&style.paint(cell.paint, &cell.text));
                    gap = 0;
                }
                gap += width - cell.text.chars().count() + 2;
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_with_their_text() {
        let mut table = Table::new(&["RUN", "NAME", "STATUS"]);
        table.row([
            "1".into(),
            "a\nlong name".into(),
            Cell::new("Failed", Paint::Red),
        ]);
        table.row(["22".into(), "".into(), "Queued".into()]);
        table.row(["3".into(), "b".into(), "".into()]);
        insta::assert_snapshot!(table.render(Style::PLAIN), @"
        RUN  NAME         STATUS
        1    a long name  Failed
        22                Queued
        3    b
        ");
    }
}
