//! CSV as RFC 4180 has it, in UTF-8, with a header.
//!
//! NULL is an empty field without quotes, an empty text is `""`; this is PostgreSQL's own CSV. What
//! other values look like is in [`crate::text`].

use bytes::Bytes;

use crate::error::{Error, Result};

/// What some programs begin a file with.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// A value: its text, or NULL.
pub(crate) type Field = Option<Bytes>;

/// Reads rows out of pieces that end anywhere.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    file: String,
    record: Vec<Field>,
    field: Vec<u8>,
    state: State,
    is_quoted: bool,
    line: u64,
    /// How many fields each row has, once the header is known.
    width: Option<usize>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    FieldStart,
    Plain,
    Quoted,
    /// After a quote within quotes: the end, or the first of two.
    QuoteInQuoted,
    /// After a carriage return.
    Return,
}

impl Parser {
    /// Reads a file of this name.
    pub(crate) fn new(file: String) -> Self {
        Self {
            file,
            ..Self::default()
        }
    }

    /// Takes some bytes and hands out the rows that end in them.
    pub(crate) fn feed(
        &mut self,
        bytes: &[u8],
        each: &mut impl FnMut(Vec<Field>) -> Result<()>,
    ) -> Result<()> {
        for &byte in bytes {
            self.step(byte, each)?;
        }
        Ok(())
    }

    /// Hands out a row that has no line end.
    pub(crate) fn finish(&mut self, each: &mut impl FnMut(Vec<Field>) -> Result<()>) -> Result<()> {
        match self.state {
            State::Quoted => Err(self.fault("a quote is not closed")),
            State::FieldStart if self.record.is_empty() && self.field.is_empty() => Ok(()),
            _ => self.end_record(each),
        }
    }

    fn step(&mut self, byte: u8, each: &mut impl FnMut(Vec<Field>) -> Result<()>) -> Result<()> {
        if self.state == State::Return {
            self.state = State::FieldStart;
            if byte == b'\n' {
                return Ok(());
            }
        }
        match (self.state, byte) {
            (State::Quoted, b'"') => self.state = State::QuoteInQuoted,
            (State::Quoted, byte) => self.field.push(byte),
            (State::QuoteInQuoted, b'"') => {
                self.field.push(b'"');
                self.state = State::Quoted;
            }
            (State::FieldStart, b'"') => {
                self.is_quoted = true;
                self.state = State::Quoted;
            }
            (_, b',') => self.end_field()?,
            (_, b'\n') => self.end_record(each)?,
            (_, b'\r') => {
                self.end_record(each)?;
                self.state = State::Return;
            }
            (State::QuoteInQuoted, _) => {
                return Err(self.fault("there is text after a closing quote"));
            }
            (_, byte) => {
                self.field.push(byte);
                self.state = State::Plain;
            }
        }
        Ok(())
    }

    fn end_field(&mut self) -> Result<()> {
        let bytes = std::mem::take(&mut self.field);
        let is_null = bytes.is_empty() && !self.is_quoted;
        if std::str::from_utf8(&bytes).is_err() {
            return Err(self.fault("it is not UTF-8"));
        }
        self.record.push((!is_null).then(|| bytes.into()));
        self.is_quoted = false;
        self.state = State::FieldStart;
        Ok(())
    }

    fn end_record(&mut self, each: &mut impl FnMut(Vec<Field>) -> Result<()>) -> Result<()> {
        self.end_field()?;
        self.line += 1;
        let mut record = std::mem::take(&mut self.record);
        let Some(width) = self.width else {
            if let Some(Some(first)) = record.first_mut()
                && first.starts_with(MARK)
            {
                *first = first.slice(MARK.len()..);
            }
            self.width = Some(record.len());
            return each(record);
        };
        if record == [None] && width > 1 {
            return Ok(());
        }
        if record.len() != width {
            let fault = format!("it has {} fields and the header has {width}", record.len());
            return Err(Error::Csv {
                file: self.file.clone(),
                line: self.line,
                fault,
            });
        }
        each(record)
    }

    fn fault(&self, fault: &str) -> Error {
        Error::Csv {
            file: self.file.clone(),
            line: self.line + 1,
            fault: fault.to_owned(),
        }
    }
}

/// Adds a field to a row; a NULL is nothing, and the first has no comma before it.
pub(crate) fn field(out: &mut Vec<u8>, is_first: bool, text: Option<&str>) {
    if !is_first {
        out.push(b',');
    }
    let Some(text) = text else { return };
    let is_plain = |byte: u8| !matches!(byte, b',' | b'"' | b'\n' | b'\r');
    if !text.is_empty() && text.bytes().all(is_plain) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for part in text.split_inclusive('"') {
        out.extend_from_slice(part.as_bytes());
        if part.ends_with('"') {
            out.push(b'"');
        }
    }
    out.push(b'"');
}

/// Ends a row.
pub(crate) fn end_row(out: &mut Vec<u8>) {
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &[u8], piece: usize) -> Result<Vec<Vec<Field>>> {
        let mut rows = Vec::new();
        let mut parser = Parser::new("`rows.csv`".to_owned());
        let mut each = |row| {
            rows.push(row);
            Ok(())
        };
        for piece in text.chunks(piece.max(1)) {
            parser.feed(piece, &mut each)?;
        }
        parser.finish(&mut each)?;
        Ok(rows)
    }

    fn text(text: &str) -> Field {
        Some(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn null_and_an_empty_text_differ() {
        let read = rows(b"a,b\r\n,\"\"\r\n\"x\"\"y\",\"1\n2\"", 3).expect("rows");
        let expected = [
            vec![text("a"), text("b")],
            vec![None, text("")],
            vec![text("x\"y"), text("1\n2")],
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_no_csv_is_refused_with_its_line() {
        let fault = |text: &str| rows(text.as_bytes(), 5).expect_err("refused").to_string();
        assert_eq!(
            fault("a,b\n1,2\n1,2,3\n"),
            "line 3 of `rows.csv` is no row: it has 3 fields and the header has 2"
        );
        assert_eq!(
            fault("a\n\"x"),
            "line 2 of `rows.csv` is no row: a quote is not closed"
        );
        assert_eq!(
            fault("a\n\"x\"y\n"),
            "line 2 of `rows.csv` is no row: there is text after a closing quote"
        );
    }

    proptest! {
        #[test]
        fn rows_come_back_however_they_are_cut(
            table in (1_usize..4).prop_flat_map(|width| prop::collection::vec(
                prop::collection::vec(prop::option::of("[a-z,\"\r\n ü]{0,4}"), width), 1..6)),
            piece in 1_usize..7,
        ) {
            // The first row is the header; a row of one NULL is an empty line.
            let mut out = Vec::new();
            for row in &table {
                for (index, text) in row.iter().enumerate() {
                    field(&mut out, index == 0, text.as_deref());
                }
                end_row(&mut out);
            }
            let table: Vec<Vec<Field>> = table
                .iter()
                .map(|row| row.iter().map(|each| each.as_deref().and_then(text)).collect())
                .collect();
            prop_assert_eq!(rows(&out, piece).expect("rows"), table);
        }
    }
}
