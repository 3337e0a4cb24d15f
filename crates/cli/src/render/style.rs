//! Whether and how text is coloured. Colour never carries meaning alone.

use std::io::IsTerminal;

/// A colour, or weight, of a piece of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Paint {
    /// As it is.
    #[default]
    Plain,
    /// Less important.
    Faint,
    /// Good.
    Green,
    /// Bad.
    Red,
    /// Under way.
    Cyan,
    /// Neither good nor bad.
    Yellow,
    /// A heading.
    Bold,
}

/// Whether text is painted at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    colour: bool,
}

impl Style {
    /// Text without colour.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { colour: false };

    /// Coloured if the stream is a terminal that wants it.
    pub(crate) fn of(stream: &impl IsTerminal) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            colour: stream.is_terminal() && !set("NO_COLOR") && !dumb,
        }
    }

    /// The text in its colour.
    pub(crate) fn paint(self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Plain => return text.to_owned(),
            Paint::Faint => "2",
            Paint::Green => "32",
            Paint::Red => "31",
            Paint::Cyan => "36",
            Paint::Yellow => "33",
            Paint::Bold => "1",
        };
        if self.colour && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}
