//! How does Python spell an expression it has read?
//!
//! As `ast.unparse` does: canonical spaces and quotes, only the brackets that are needed.

use super::syntax::Expression;
use super::tokens::CallError;

/// Precedences of `ast.unparse`, loosest first.
const TEST: u8 = 1;
const NOT: u8 = 4;
const EXPRESSION: u8 = 6;
const FACTOR: u8 = 12;
const POWER: u8 = 13;
const ATOM: u8 = 15;

/// The source of an expression.
///
/// # Errors
/// If it holds something whose value was not kept.
pub(super) fn of(expression: &Expression) -> Result<String, CallError> {
    let mut out = String::new();
    write(expression, 0, &mut out)?;
    Ok(out)
}

fn list(items: &[Expression], out: &mut String) -> Result<(), CallError> {
    for (i, item) in items.iter().enumerate() {
        out.push_str(if i > 0 { ", " } else { "" });
        write(item, TEST, out)?;
    }
    Ok(())
}

fn write(expression: &Expression, around: u8, out: &mut String) -> Result<(), CallError> {
    match expression {
        Expression::Constant(value) => {
            let spelled = value.repr();
            // `ast.unparse` has no literal for infinity either.
            out.push_str(
                &spelled.replace("inf", if matches!(value, super::Literal::Float(_)) { "1e309" } else { "inf" }),
            );
        }
        Expression::Ellipsis => out.push_str("..."),
        Expression::Name(name) => out.push_str(name),
        Expression::Attribute(value, name) => {
            write(value, ATOM, out)?;
            if matches!(&**value, Expression::Constant(super::Literal::Int(_))) {
                out.push(' ');
            }
            out.push('.');
            out.push_str(name);
        }
        Expression::Call(function, positional, keywords) => {
            write(function, ATOM, out)?;
            out.push('(');
            list(positional, out)?;
            for (i, (name, value)) in keywords.iter().enumerate() {
                out.push_str(if i > 0 || !positional.is_empty() { ", " } else { "" });
                match name {
                    Some(name) => {
                        out.push_str(name);
                        out.push('=');
                    }
                    None => out.push_str("**"),
                }
                write(value, TEST, out)?;
            }
            out.push(')');
        }
        Expression::Subscript(value, index) => {
            write(value, ATOM, out)?;
            out.push('[');
            match &**index {
                Expression::Tuple(items) if !items.is_empty() => {
                    list(items, out)?;
                    out.push_str(if items.len() == 1 { "," } else { "" });
                }
                index => write(index, TEST, out)?,
            }
            out.push(']');
        }
        Expression::Slice(bounds) => {
            for (i, bound) in bounds.iter().enumerate() {
                if i > 0 && (i < 2 || bound.is_some()) {
                    out.push(':');
                }
                if let Some(bound) = bound {
                    write(bound, TEST, out)?;
                }
            }
        }
        Expression::Unary(operator, operand) => {
            let level = if *operator == "not" { NOT } else { FACTOR };
            bracketed(around > level, out, |out| {
                out.push_str(operator);
                out.push_str(if *operator == "not" { " " } else { "" });
                write(operand, level, out)
            })?;
        }
        Expression::Binary(left, operator, right) => {
            let level = match *operator {
                "|" => EXPRESSION,
                "^" => 7,
                "&" => 8,
                "<<" | ">>" => 9,
                "+" | "-" => 10,
                "**" => POWER,
                _ => 11,
            };
            bracketed(around > level, out, |out| {
                let (before, after) = if level == POWER { (level + 1, FACTOR) } else { (level, level + 1) };
                write(left, before, out)?;
                out.push(' ');
                out.push_str(operator);
                out.push(' ');
                write(right, after, out)
            })?;
        }
        Expression::List(items) => {
            out.push('[');
            list(items, out)?;
            out.push(']');
        }
        Expression::Set(items) => {
            out.push('{');
            list(items, out)?;
            out.push('}');
        }
        Expression::Tuple(items) => {
            out.push('(');
            list(items, out)?;
            out.push_str(if items.len() == 1 { ",)" } else { ")" });
        }
        Expression::Dict(entries) => {
            out.push('{');
            for (i, (key, value)) in entries.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                match key {
                    Some(key) => {
                        write(key, TEST, out)?;
                        out.push_str(": ");
                        write(value, TEST, out)?;
                    }
                    None => {
                        out.push_str("**");
                        write(value, EXPRESSION, out)?;
                    }
                }
            }
            out.push('}');
        }
        Expression::Starred(value) => {
            out.push('*');
            write(value, EXPRESSION, out)?;
        }
        Expression::Other => {
            return Err(CallError { offset: 0, what: "an expression that cannot be spelled" });
        }
    }
    Ok(())
}

fn bracketed(
    needed: bool,
    out: &mut String,
    inner: impl FnOnce(&mut String) -> Result<(), CallError>,
) -> Result<(), CallError> {
    out.push_str(if needed { "(" } else { "" });
    inner(out)?;
    out.push_str(if needed { ")" } else { "" });
    Ok(())
}
