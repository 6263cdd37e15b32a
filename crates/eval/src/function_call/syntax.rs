//! How is a Python expression built from its tokens?
//!
//! As much of the grammar as a text can have whose calls the published decoder accepts. What it never accepts as a value
//! (comparisons, conditions, f-strings, sets) is read as [`Expression::Other`], because it may stand where values are
//! not looked at; comprehensions, lambdas and `await` are errors.

use super::literal::Literal;
use super::tokens::{CallError, Token, tokens};

/// Nesting of expressions, brackets or not.
const MAX_DEPTH: usize = 220;

/// An expression.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    Constant(Literal),
    Ellipsis,
    Name(String),
    Attribute(Box<Expression>, String),
    /// Function, positional arguments (not looked at, but spelled), keyword arguments (no name: `**mapping`).
    Call(Box<Expression>, Vec<Expression>, Vec<(Option<String>, Expression)>),
    Subscript(Box<Expression>, Box<Expression>),
    /// Lower bound, upper bound, step.
    Slice(Vec<Option<Expression>>),
    Unary(&'static str, Box<Expression>),
    Binary(Box<Expression>, &'static str, Box<Expression>),
    List(Vec<Expression>),
    Tuple(Vec<Expression>),
    /// No key: `**mapping`.
    Dict(Vec<(Option<Expression>, Expression)>),
    Set(Vec<Expression>),
    Starred(Box<Expression>),
    Other,
}

use Expression as E;

/// Reads a text that is one expression (a bare tuple included) and nothing else.
pub(super) fn parse(text: &str) -> Result<Expression, CallError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let body = parser.expressions()?;
    while parser.peek() == &Token::Newline {
        parser.at += 1;
    }
    if parser.peek() == &Token::End { Ok(body) } else { parser.error("something follows the expression") }
}

struct Parser {
    /// Ends with [`Token::End`], which is never passed.
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
}

/// How tightly a binary operator binds; `**` binds to the right.
fn precedence(token: &Token) -> Option<(u8, &'static str)> {
    let level = |operator| match operator {
        "|" => Some(6),
        "^" => Some(7),
        "&" => Some(8),
        "<<" | ">>" => Some(9),
        "+" | "-" => Some(10),
        "*" | "/" | "//" | "%" | "@" => Some(11),
        "**" => Some(13),
        "<" | ">" | "<=" | ">=" | "==" | "!=" | "in" | "is" | "not" => Some(5),
        "and" => Some(3),
        "or" => Some(2),
        _ => None,
    };
    match token {
        Token::Operator(o) | Token::Keyword(o) => level(*o).map(|level| (level, *o)),
        _ => None,
    }
}

/// From here down an operator's value is a comparison or a truth value, which is no literal.
const LOGIC: u8 = 5;
/// Where `not` stands as a prefix.
const NOT: u8 = 4;
const SIGN: u8 = 12;
const POWER: u8 = 13;

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)].1
    }

    fn error<T>(&self, what: &'static str) -> Result<T, CallError> {
        let (offset, token) = &self.tokens[self.at.min(self.tokens.len() - 1)];
        let what = if *token == Token::End { "the text ends too early" } else { what };
        Err(CallError { offset: *offset, what })
    }

    fn take(&mut self, operator: &str) -> bool {
        let found = matches!(self.peek(), Token::Operator(o) | Token::Keyword(o) if *o == operator);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, operator: &str, what: &'static str) -> Result<(), CallError> {
        if self.take(operator) { Ok(()) } else { self.error(what) }
    }

    /// Expressions separated by commas: a tuple if there is a comma.
    fn expressions(&mut self) -> Result<Expression, CallError> {
        let first = self.element()?;
        if !matches!(self.peek(), Token::Operator(",")) {
            return if matches!(first, E::Starred(_)) { self.error("a star without a list") } else { Ok(first) };
        }
        let mut items = vec![first];
        while self.take(",") {
            if matches!(self.peek(), Token::End | Token::Newline | Token::Operator(")" | "]" | "}")) {
                break;
            }
            items.push(self.element()?);
        }
        Ok(E::Tuple(items))
    }

    fn element(&mut self) -> Result<Expression, CallError> {
        if self.take("*") { Ok(E::Starred(Box::new(self.binary(6)?))) } else { self.expression() }
    }

    /// A whole expression, conditions included.
    fn expression(&mut self) -> Result<Expression, CallError> {
        let value = self.binary(0)?;
        if !self.take("if") {
            return Ok(value);
        }
        self.binary(0)?;
        self.expect("else", "expected `else`")?;
        self.deeper(Self::expression)?;
        Ok(E::Other)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, CallError>) -> Result<T, CallError> {
        if self.depth >= MAX_DEPTH {
            return self.error("nested too deeply");
        }
        self.depth += 1;
        let found = read(self);
        self.depth -= 1;
        found
    }

    /// Operators of at least this precedence.
    fn binary(&mut self, least: u8) -> Result<Expression, CallError> {
        let mut left = self.deeper(|p| p.unary(least))?;
        let mut links = 0;
        while let Some((level, operator)) = precedence(self.peek()).filter(|(level, _)| *level >= least) {
            self.at += 1;
            match operator {
                "not" => self.expect("in", "expected `in`")?,
                "is" => {
                    self.take("not");
                }
                _ => {}
            }
            let next = if level == POWER { SIGN } else { level + 1 };
            let right = self.deeper(|p| p.binary(next))?;
            let value = E::Binary(Box::new(left), operator, Box::new(right));
            left = if level <= LOGIC { E::Other } else { value };
            links += 1;
            if links > MAX_DEPTH {
                return self.error("nested too deeply");
            }
        }
        Ok(left)
    }

    fn unary(&mut self, least: u8) -> Result<Expression, CallError> {
        for operator in ["-", "+", "~"] {
            if self.take(operator) {
                // `-2 ** 2` is `-(2 ** 2)`.
                let operand = self.deeper(|p| p.binary(SIGN))?;
                return Ok(E::Unary(operator, Box::new(operand)));
            }
        }
        if least <= NOT && self.take("not") {
            let operand = self.deeper(|p| p.binary(NOT))?;
            return Ok(E::Unary("not", Box::new(operand)));
        }
        self.primary()
    }

    /// An atom with its attributes, calls and subscripts.
    fn primary(&mut self) -> Result<Expression, CallError> {
        let mut value = self.atom()?;
        let mut links = 0;
        loop {
            if self.take(".") {
                let Token::Name(name) = self.peek().clone() else { return self.error("expected a name") };
                self.at += 1;
                value = E::Attribute(Box::new(value), name);
            } else if self.take("(") {
                let (positional, keywords) = self.deeper(Self::arguments)?;
                value = E::Call(Box::new(value), positional, keywords);
            } else if self.take("[") {
                let index = self.deeper(Self::subscript)?;
                value = E::Subscript(Box::new(value), Box::new(index));
            } else {
                return Ok(value);
            }
            // A chain nests to the left; what walks it must not run out of stack.
            links += 1;
            if links > MAX_DEPTH {
                return self.error("nested too deeply");
            }
        }
    }

    #[expect(clippy::type_complexity, reason = "positional and keyword arguments")]
    fn arguments(&mut self) -> Result<(Vec<Expression>, Vec<(Option<String>, Expression)>), CallError> {
        let (mut positional, mut keywords) = (Vec::new(), Vec::new());
        let mut unpacked = false;
        while !self.take(")") {
            let named = matches!(self.tokens.get(self.at + 1), Some((_, Token::Operator("="))));
            match self.peek().clone() {
                Token::Name(name) if named => {
                    self.at += 2;
                    keywords.push((Some(name), self.expression()?));
                }
                Token::Name(_) if matches!(self.tokens.get(self.at + 1), Some((_, Token::Operator(":=")))) => {
                    self.at += 2;
                    self.expression()?;
                    positional.push(E::Other);
                }
                Token::Operator("**") => {
                    self.at += 1;
                    unpacked = true;
                    keywords.push((None, self.expression()?));
                }
                Token::Operator("*") if !unpacked => {
                    self.at += 1;
                    positional.push(E::Starred(Box::new(self.expression()?)));
                }
                _ if keywords.is_empty() => positional.push(self.expression()?),
                _ => return self.error("a positional argument follows a keyword argument"),
            }
            if !self.take(",") {
                self.expect(")", "expected `,` or `)`")?;
                break;
            }
        }
        Ok((positional, keywords))
    }

    fn subscript(&mut self) -> Result<Expression, CallError> {
        let mut items = Vec::new();
        let mut comma = false;
        while !matches!(self.peek(), Token::Operator("]")) {
            items.push(self.slice()?);
            comma = self.take(",");
            if !comma {
                break;
            }
        }
        self.expect("]", "expected `]`")?;
        match items.pop() {
            None => self.error("an empty subscript"),
            Some(only) if items.is_empty() && !comma => Ok(only),
            Some(last) => {
                items.push(last);
                Ok(E::Tuple(items))
            }
        }
    }

    fn slice(&mut self) -> Result<Expression, CallError> {
        let ends = |p: &Self| matches!(p.peek(), Token::Operator(":" | "]" | ","));
        let mut bounds = Vec::new();
        loop {
            bounds.push(if ends(self) { None } else { Some(self.element()?) });
            if bounds.len() == 3 || !self.take(":") {
                break;
            }
        }
        match (bounds.len(), bounds.first_mut()) {
            (1, Some(only)) => only.take().map_or_else(|| self.error("an empty subscript"), Ok),
            _ => Ok(E::Slice(bounds)),
        }
    }

    fn atom(&mut self) -> Result<Expression, CallError> {
        let token = self.peek().clone();
        match token {
            Token::Name(name) => {
                self.at += 1;
                Ok(E::Name(name))
            }
            Token::Number(value) => {
                self.at += 1;
                Ok(E::Constant(value))
            }
            Token::Text(_) | Token::Formatted => self.strings(),
            Token::Keyword(word @ ("None" | "True" | "False")) => {
                self.at += 1;
                let value = if word == "None" { Literal::None } else { Literal::Bool(word == "True") };
                Ok(E::Constant(value))
            }
            Token::Operator("...") => {
                self.at += 1;
                Ok(E::Ellipsis)
            }
            Token::Operator("(") => {
                self.at += 1;
                if self.take(")") {
                    return Ok(E::Tuple(Vec::new()));
                }
                let inner = self.deeper(Self::expressions)?;
                self.expect(")", "expected `,` or `)`")?;
                Ok(inner)
            }
            Token::Operator("[") => {
                self.at += 1;
                let items = self.deeper(|p| p.items("]"))?;
                Ok(E::List(items))
            }
            Token::Operator("{") => {
                self.at += 1;
                self.deeper(Self::braces)
            }
            _ => self.error("expected a value"),
        }
    }

    /// Adjacent strings are one.
    fn strings(&mut self) -> Result<Expression, CallError> {
        let (mut joined, mut texts, mut bytes, mut formatted) = (String::new(), false, false, false);
        loop {
            match self.peek() {
                Token::Text(Literal::Str(part)) => {
                    joined.push_str(part);
                    texts = true;
                }
                Token::Text(_) => bytes = true,
                Token::Formatted => formatted = true,
                _ => break,
            }
            self.at += 1;
        }
        match (texts || formatted, bytes, formatted) {
            (true, true, _) => self.error("bytes and text cannot be joined"),
            (_, true, _) => Ok(E::Constant(Literal::Other)),
            (_, _, true) => Ok(E::Other),
            _ => Ok(E::Constant(Literal::Str(joined))),
        }
    }

    /// Elements up to a closing bracket.
    fn items(&mut self, close: &'static str) -> Result<Vec<Expression>, CallError> {
        let mut items = Vec::new();
        while !self.take(close) {
            items.push(self.element()?);
            if !self.take(",") {
                self.expect(close, "expected `,` or the closing bracket")?;
                break;
            }
        }
        Ok(items)
    }

    fn braces(&mut self) -> Result<Expression, CallError> {
        let mut entries = Vec::new();
        while !self.take("}") {
            if self.take("**") {
                entries.push((None, self.binary(6)?));
            } else {
                let first = self.element()?;
                if !self.take(":") {
                    if !entries.is_empty() {
                        return self.error("expected `:`");
                    }
                    let mut items = vec![first];
                    if self.take(",") {
                        items.extend(self.items("}")?);
                    } else {
                        self.expect("}", "expected `,`, `:` or `}`")?;
                    }
                    return Ok(E::Set(items));
                }
                if matches!(first, E::Starred(_)) {
                    return self.error("a star before a key");
                }
                entries.push((Some(first), self.expression()?));
            }
            if !self.take(",") {
                self.expect("}", "expected `,` or `}`")?;
                break;
            }
        }
        Ok(E::Dict(entries))
    }
}
