//! The `bantam` binary: parse arguments, choose a verb, call a library crate, print.
//!
//! One way out: results go to standard output, progress and the one error line to standard error, and the exit code
//! says who has to act (0 done, 1 a check failed, 2 the input is wrong, 3 a bug).

mod arguments;
mod output;
mod verbs;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Mutex;

use clap::Parser;

use arguments::Arguments;
use bantam_core::{Error, Result};

#[global_allocator]
static ALLOCATOR: bantam_kernels::memory::CacheLines = bantam_kernels::memory::CacheLines::of_system();

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    match without_panics(|| verbs::run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::error_line(&error.to_string());
            ExitCode::from(error.exit_code())
        }
    }
}

/// Help and version are results; anything else is one line and exit code 2.
fn usage(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    if matches!(error.kind(), DisplayHelp | DisplayVersion | DisplayHelpOnMissingArgumentOrSubcommand) {
        // A closed pipe leaves nobody to tell.
        let _ = error.print();
        let asked = error.kind() != DisplayHelpOnMissingArgumentOrSubcommand;
        return if asked { ExitCode::SUCCESS } else { ExitCode::from(2) };
    }
    output::error_line(&usage_line(&error.to_string()));
    ExitCode::from(2)
}

/// Clap's message without its usage block, on one line.
fn usage_line(message: &str) -> String {
    let said = message.split("\n\nUsage:").next().unwrap_or_default();
    let said = said.split("\n\nFor more information").next().unwrap_or_default();
    let words: Vec<&str> = said.trim_start_matches("error:").split_whitespace().collect();
    format!("command line: {}; `bantam --help` and `bantam <verb> --help` list what there is", words.join(" "))
}

/// A panic anywhere is a bug of ours: one line, never a trace, and exit code 3.
fn without_panics(work: impl FnOnce() -> Result<()>) -> Result<()> {
    static FIRST: Mutex<Option<(String, String)>> = Mutex::new(None);
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or("unknown place".to_owned(), ToString::to_string);
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let what = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "panic".to_owned());
        let mut first = FIRST.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        first.get_or_insert((place, what));
    }));
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let first = FIRST.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        let (place, what) = first.unwrap_or(("unknown place".into(), "panic".into()));
        Err(Error::internal(place, what))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn usage_errors_are_one_line() {
        for wrong in [&["bantam", "generate"][..], &["bantam", "runn"], &["bantam", "doctor", "--colour"]] {
            let error = Arguments::try_parse_from(wrong).err().unwrap().to_string();
            let line = usage_line(&error);
            assert!(!line.contains('\n') && !line.contains("Usage"), "{line}");
        }
    }

    #[test]
    fn a_panic_becomes_an_internal_error() {
        let error = without_panics(|| panic!("lost\ncount")).unwrap_err();
        let _ = std::panic::take_hook();
        assert_eq!(error.exit_code(), 3);
        assert!(error.to_string().contains("lost count"));
    }
}
