//! HTML and SVG text that cannot be written unescaped: what is not a literal of this crate goes through [`Html::text`]
//! or an attribute's value, and both escape.

use std::fmt::{self, Display, Write};

/// Text under construction.
#[derive(Default)]
pub struct Html(String);

/// Attribute names and values.
pub type Attributes<'a> = &'a [(&'static str, &'a dyn Display)];

impl Html {
    /// A literal of this crate, as it is.
    pub fn raw(&mut self, literal: &'static str) {
        self.0.push_str(literal);
    }

    /// Finished HTML.
    pub fn append(&mut self, other: &Html) {
        self.0.push_str(&other.0);
    }

    /// Any text, escaped.
    pub fn text(&mut self, text: impl Display) {
        // Writing to a String cannot fail.
        let _ = write!(Escaping(&mut self.0), "{text}");
    }

    /// `<name attributes>`.
    pub fn open(&mut self, name: &'static str, attributes: Attributes<'_>) {
        self.0.push('<');
        self.0.push_str(name);
        for (attribute, value) in attributes {
            self.0.push(' ');
            self.0.push_str(attribute);
            self.0.push_str("=\"");
            self.text(value);
            self.0.push('"');
        }
        self.0.push('>');
    }

    /// `</name>`.
    pub fn close(&mut self, name: &'static str) {
        self.0.push_str("</");
        self.0.push_str(name);
        self.0.push('>');
    }

    /// `<name attributes>text</name>`.
    pub fn leaf(&mut self, name: &'static str, attributes: Attributes<'_>, text: impl Display) {
        self.open(name, attributes);
        self.text(text);
        self.close(name);
    }

    /// The text so far.
    pub fn finish(self) -> String {
        self.0
    }
}

struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // Characters that neither HTML nor XML may hold, and those that could reorder the page's text.
                '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => {
                    self.0.push('\u{fffd}')
                }
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_leaves_its_place() {
        let mut h = Html::default();
        h.leaf("td", &[("title", &"\" onload=\"x")], "<script>alert('&')</script>\u{0}\u{202e}");
        let expected = "<td title=\"&quot; onload=&quot;x\">&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;\u{fffd}\u{fffd}</td>";
        assert_eq!(h.finish(), expected);
    }
}
