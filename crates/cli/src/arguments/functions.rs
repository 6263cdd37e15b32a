//! What can be typed about the device set?

use std::path::PathBuf;

use clap::Args;

/// `data functions`.
#[derive(Args, Debug)]
pub struct FunctionsArguments {
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// A TOML file of settings; default: their defaults.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The seed; default: the settings'.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Training items; default: the settings'.
    #[arg(long, value_name = "N")]
    pub train: Option<usize>,
    /// The share of training items whose offers hold invented functions, 0 to 1; default: the settings'.
    #[arg(long, value_name = "SHARE")]
    pub invented: Option<f64>,
    /// Test items; default: the settings'.
    #[arg(long, value_name = "N")]
    pub test: Option<usize>,
}
