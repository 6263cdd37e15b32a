//! The one error type: what went wrong, where, how to mend it, and with which exit code the binary ends.

use std::fmt;
use std::path::Path;

/// `Result` with Bantam's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who has to act on an error. It alone decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// A check or gate said no (exit code 1): the input was readable, the result is not acceptable.
    Check,
    /// The user's input is wrong or the environment refuses (exit code 2).
    Input,
    /// Bantam broke one of its own rules (exit code 3).
    Internal,
}

/// An error that prints as one line: place, what, remedy.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    place: String,
    what: String,
    remedy: String,
}

impl Error {
    /// The user's mistake. `place` is a file, `file:line`, key or flag; `remedy` says how to mend it.
    pub fn input(place: impl fmt::Display, what: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Input, place, what, remedy)
    }

    /// A check or gate that failed, with what to do about it.
    pub fn check(place: impl fmt::Display, what: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Check, place, what, remedy)
    }

    /// A broken invariant of Bantam itself. Says where; the remedy is to report it.
    pub fn internal(place: impl fmt::Display, what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Internal, place, what, "this is a bug in Bantam: please report it")
    }

    /// An operating-system error on `path` while doing `action` ("read", "write", "create").
    /// All of them are [`ErrorKind::Input`]: a missing file, a full disk and a forbidden folder are the caller's to mend.
    pub fn io(path: &Path, action: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        let remedy = match error.kind() {
            Io::NotFound => "check the path",
            Io::PermissionDenied | Io::ReadOnlyFilesystem => "check the permissions or choose another path",
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge => "free space or choose another disk",
            Io::NotADirectory | Io::IsADirectory => "choose a path of the right kind",
            Io::InvalidData => "the file is not UTF-8 text",
            _ => "check the path and the disk",
        };
        Self::new(ErrorKind::Input, path.display(), format_args!("cannot {action}: {error}"), remedy)
    }

    fn new(kind: ErrorKind, place: impl fmt::Display, what: impl fmt::Display, remedy: impl fmt::Display) -> Self {
        Self { kind, place: one_line(place), what: one_line(what), remedy: one_line(remedy) }
    }

    /// Who has to act.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The process's exit code: 1 check failed, 2 input wrong, 3 internal.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            ErrorKind::Check => 1,
            ErrorKind::Input => 2,
            ErrorKind::Internal => 3,
        }
    }

    /// Where it went wrong: a file, `file:line`, key or flag.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// The same error with another place: where a library names a key, its caller knows the file and line.
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = one_line(place);
        self
    }

    /// The same error seen from further out: `place` is put before the present place.
    pub fn within(mut self, place: impl fmt::Display) -> Self {
        self.place = one_line(format_args!("{place}: {}", self.place));
        self
    }
}

/// Messages of other libraries span lines; ours never do.
fn one_line(text: impl fmt::Display) -> String {
    text.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.place, self.what, self.remedy)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_with_place_what_and_remedy() {
        let e = Error::input("recipe.toml:3", "unknown key\n\n   `stepz`", "did you mean `steps`?");
        assert_eq!(e.to_string(), "recipe.toml:3: unknown key `stepz`; did you mean `steps`?");
        assert_eq!((e.exit_code(), e.place()), (2, "recipe.toml:3"));
        assert_eq!(e.clone().at("r:9").to_string(), "r:9: unknown key `stepz`; did you mean `steps`?");
        assert_eq!(e.within("run").to_string(), "run: recipe.toml:3: unknown key `stepz`; did you mean `steps`?");
    }

    #[test]
    fn kinds_map_to_exit_codes() {
        assert_eq!(Error::check("a", "b", "c").exit_code(), 1);
        assert_eq!(Error::internal("a", "b").exit_code(), 3);
        let e = Error::io(Path::new("x"), "read", &std::io::Error::from(std::io::ErrorKind::NotFound));
        assert_eq!(e.exit_code(), 2);
    }
}
