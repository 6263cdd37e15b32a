//! Who is told what happens during training, and may stop it. Printing, clocks and metrics files live behind it.

use bantam_core::Result;

use crate::ending::Weights;
use crate::guards::plausibility::Explained;
use crate::step::StepReport;
use crate::validation::Validation;

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Write a checkpoint and stop.
    Stop,
}

/// Is told what happens, and may stop the run.
pub trait Observer {
    /// Training starts or resumes after `steps` steps. Anything recorded for later steps is to be forgotten.
    fn started(&mut self, steps: u64) -> Result<()>;
    /// Step number `step` (from 1) is done.
    fn stepped(&mut self, step: u64, report: &StepReport) -> Result<Control>;
    /// Validation after step `step`, of the weights named. The last one of a run is of the weights it ends with.
    fn validated(&mut self, step: u64, validation: &Validation, of: Weights) -> Result<()>;
    /// The validation after step `step` was suspiciously good, and found to be honest.
    fn explained(&mut self, _step: u64, _explained: &Explained) -> Result<()> {
        Ok(())
    }
}
