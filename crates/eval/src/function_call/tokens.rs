//! Which tokens is a Python expression made of?
//!
//! What CPython's tokenizer does for one expression: names, numbers, strings with their escapes, operators. Line breaks
//! count only outside brackets.

use super::literal::Literal;

/// Why a text is no list of calls, and at which byte of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallError {
    /// Offset in bytes from the start of the text that was read.
    pub offset: usize,
    /// What is wrong there.
    pub what: &'static str,
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at byte {}", self.what, self.offset)
    }
}

/// One token.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    /// A keyword of the language, which no name can be.
    Keyword(&'static str),
    /// A number.
    Number(Literal),
    /// A string; adjacent ones are joined by the parser. Bytes are `Literal::Other`.
    Text(Literal),
    /// An f-string, whose value is not a literal.
    Formatted,
    Operator(&'static str),
    Newline,
    End,
}

/// Deepest nesting of brackets, CPython's own.
const MAX_BRACKETS: usize = 200;

const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// Longest first, so that `**` is not read as `*`.
const OPERATORS: [&str; 48] = [
    "...", "**=", "//=", ">>=", "<<=", "->", "**", "//", "<<", ">>", "<=", ">=", "==", "!=", ":=", "+=", "-=", "*=",
    "/=", "%=", "&=", "|=", "^=", "@=", "(", ")", "[", "]", "{", "}", ",", ":", ".", ";", "@", "=", "+", "-", "*", "/",
    "%", "&", "|", "^", "~", "<", ">", "!",
];

/// All tokens with the places they begin at.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, CallError> {
    let mut lexer = Lexer { text, at: 0, depth: 0 };
    let mut found = Vec::new();
    loop {
        let (start, token) = lexer.next()?;
        let end = token == Token::End;
        found.push((start, token));
        if end {
            return Ok(found);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error<T>(&self, what: &'static str) -> Result<T, CallError> {
        Err(CallError { offset: self.at, what })
    }

    fn next(&mut self) -> Result<(usize, Token), CallError> {
        loop {
            let rest = self.rest();
            let Some(c) = rest.chars().next() else { return Ok((self.at, Token::End)) };
            match c {
                ' ' | '\t' | '\x0c' => self.at += 1,
                '\r' | '\n' if self.depth > 0 => self.at += 1,
                '\r' | '\n' => {
                    self.at += 1;
                    return Ok((self.at - 1, Token::Newline));
                }
                '#' => self.at += rest.find(['\n', '\r']).unwrap_or(rest.len()),
                '\\' if rest[1..].starts_with('\n') => self.at += 2,
                '\\' if rest[1..].starts_with("\r\n") => self.at += 3,
                _ => break,
            }
        }
        let start = self.at;
        let rest = self.rest();
        let first = rest.chars().next().unwrap_or(' ');
        let after_point = rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        let token = if first.is_ascii_digit() || (first == '.' && after_point) {
            Token::Number(self.number()?)
        } else if let Some(prefix) = string_prefix(rest) {
            self.at += prefix.len();
            self.string(prefix)?
        } else if first == '_' || first.is_alphabetic() {
            let end = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
            self.at += end;
            match KEYWORDS.into_iter().find(|k| *k == &rest[..end]) {
                Some(keyword) => Token::Keyword(keyword),
                None => Token::Name(rest[..end].to_owned()),
            }
        } else if let Some(operator) = OPERATORS.into_iter().find(|o| rest.starts_with(o)) {
            self.at += operator.len();
            match operator {
                "(" | "[" | "{" if self.depth >= MAX_BRACKETS => return self.error("too many nested brackets"),
                "(" | "[" | "{" => self.depth += 1,
                ")" | "]" | "}" => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            Token::Operator(operator)
        } else {
            return self.error("a character that no expression has");
        };
        Ok((start, token))
    }

    fn number(&mut self) -> Result<Literal, CallError> {
        let rest = self.rest();
        let lower = rest.get(..2).unwrap_or("").to_ascii_lowercase();
        let radix = match lower.as_str() {
            "0x" => 16,
            "0o" => 8,
            "0b" => 2,
            _ => 10,
        };
        let value = if radix == 10 {
            self.decimal()?
        } else {
            self.at += 2;
            let digits = &self.rest();
            let digits = digits.strip_prefix('_').unwrap_or(digits);
            self.at = self.text.len() - digits.len();
            let run = self.digits(radix)?;
            i128::from_str_radix(&run, radix).map_or(Literal::Other, Literal::Int)
        };
        if self.rest().starts_with(|c: char| c == '_' || c.is_alphanumeric()) {
            return self.error("a number that ends in a letter");
        }
        Ok(value)
    }

    fn decimal(&mut self) -> Result<Literal, CallError> {
        let start = self.at;
        let mut text = String::new();
        let mut float = false;
        if !self.rest().starts_with('.') {
            text.push_str(&self.digits(10)?);
        }
        if self.rest().starts_with('.') {
            float = true;
            self.at += 1;
            text.push('.');
            if self.rest().starts_with(|c: char| c.is_ascii_digit()) {
                text.push_str(&self.digits(10)?);
            }
        }
        let rest = self.rest();
        let exponent = rest.strip_prefix(['e', 'E']).map(|r| r.strip_prefix(['+', '-']).unwrap_or(r));
        if exponent.is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit())) {
            float = true;
            let sign = rest.as_bytes().get(1) == Some(&b'-');
            self.at = self.text.len() - exponent.map_or(0, str::len);
            text.push_str(if sign { "e-" } else { "e" });
            text.push_str(&self.digits(10)?);
        }
        if self.rest().starts_with(['j', 'J']) {
            self.at += 1;
            return Ok(Literal::Other);
        }
        if float {
            return Ok(text.parse().map_or(Literal::Other, Literal::Float));
        }
        if text.starts_with('0') && text.bytes().any(|b| b != b'0') {
            return Err(CallError { offset: start, what: "an integer with leading zeros" });
        }
        Ok(text.parse().map_or(Literal::Other, Literal::Int))
    }

    /// Digits with single underscores between them, without those.
    fn digits(&mut self, radix: u32) -> Result<String, CallError> {
        let mut run = String::new();
        let mut after_digit = false;
        loop {
            match self.rest().chars().next() {
                Some(c) if c.is_digit(radix) => {
                    run.push(c);
                    after_digit = true;
                }
                Some('_') if after_digit => after_digit = false,
                _ if after_digit => return Ok(run),
                _ => return self.error("expected a digit"),
            }
            self.at += 1;
        }
    }

    /// A string after its prefix.
    fn string(&mut self, prefix: &str) -> Result<Token, CallError> {
        let has = |letter: char| prefix.chars().any(|c| c.eq_ignore_ascii_case(&letter));
        let (raw, bytes, formatted) = (has('r'), has('b'), has('f'));
        let rest = self.rest();
        let one = &rest[..1];
        let triple = rest.get(..3).is_some_and(|t| t == "\"\"\"" || t == "'''");
        let quote = if triple { &rest[..3] } else { one };
        self.at += quote.len();
        let mut out = String::new();
        loop {
            let rest = self.rest();
            if rest.starts_with(quote) {
                self.at += quote.len();
                break;
            }
            let Some(c) = rest.chars().next() else { return self.error("a string without end") };
            if matches!(c, '\n' | '\r') && !triple {
                return self.error("a string without end");
            }
            if c != '\\' {
                if bytes && !c.is_ascii() {
                    return self.error("bytes hold ASCII only");
                }
                out.push(c);
                self.at += c.len_utf8();
            } else if raw {
                out.push(c);
                self.at += 1;
                // A quote after a backslash does not end a raw string either.
                if let Some(c) = self.rest().chars().next() {
                    out.push(c);
                    self.at += c.len_utf8();
                }
            } else {
                self.escape(bytes, &mut out)?;
            }
        }
        Ok(match (formatted, bytes) {
            (true, _) => Token::Formatted,
            (_, true) => Token::Text(Literal::Other),
            _ => Token::Text(Literal::Str(out)),
        })
    }

    fn escape(&mut self, bytes: bool, out: &mut String) -> Result<(), CallError> {
        self.at += 1;
        let Some(c) = self.rest().chars().next() else { return self.error("a string without end") };
        let code = match c {
            'x' => self.hex(2)?,
            'u' if !bytes => self.hex(4)?,
            'U' if !bytes => self.hex(8)?,
            'N' if !bytes => return self.error("characters by name are not read"),
            '0'..='7' => {
                let digits: String = self.rest().chars().take(3).take_while(|c| c.is_digit(8)).collect();
                self.at += digits.len();
                u32::from_str_radix(&digits, 8).unwrap_or(0)
            }
            _ => {
                self.at += c.len_utf8();
                match c {
                    '\n' => {}
                    '\r' => self.at += usize::from(self.rest().starts_with('\n')),
                    '\\' | '\'' | '"' => out.push(c),
                    'a' => out.push('\x07'),
                    'b' => out.push('\x08'),
                    'f' => out.push('\x0c'),
                    'n' => out.push('\n'),
                    'r' => out.push('\r'),
                    't' => out.push('\t'),
                    'v' => out.push('\x0b'),
                    // An unknown escape stands for itself, backslash included.
                    c => out.extend(['\\', c]),
                }
                return Ok(());
            }
        };
        if code > 0x10FFFF {
            return self.error("no such character");
        }
        // Python keeps lone surrogates; no gold has one, so any other character does as well.
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        Ok(())
    }

    fn hex(&mut self, digits: usize) -> Result<u32, CallError> {
        self.at += 1;
        let code = self.rest().get(..digits).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(code) = code.and_then(|d| u32::from_str_radix(d, 16).ok()) else {
            return self.error("a broken escape");
        };
        self.at += digits;
        Ok(code)
    }
}

/// The letters before a string's quote, if a string begins here.
fn string_prefix(rest: &str) -> Option<&str> {
    // Only the first three bytes are looked at: the rest may be long.
    let end = rest.bytes().take(3).position(|b| b == b'\'' || b == b'"')?;
    let prefix = rest.get(..end)?;
    let known = ["", "r", "u", "b", "f", "br", "rb", "fr", "rf"];
    known.into_iter().any(|k| k.eq_ignore_ascii_case(prefix)).then_some(prefix)
}
