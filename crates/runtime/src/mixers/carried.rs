//! The state of a mixer that steps in constant memory.

use bantam_core::{Error, Result};

use super::MixerState;

/// Numbers whose count the mixer's sizes fix; each mixer says how they lie.
#[derive(Clone, Debug)]
pub struct CarriedState {
    /// All of them.
    pub values: Vec<f32>,
}

impl CarriedState {
    /// So many zeros.
    pub fn zeros(n: usize) -> Self {
        Self { values: vec![0.0; n] }
    }
}

impl MixerState for CarriedState {
    fn state_bytes(&self) -> usize {
        self.values.len() * size_of::<f32>()
    }

    fn reserve(&mut self, _: usize) {}

    fn save(&self, out: &mut Vec<u8>) {
        out.extend(self.values.iter().flat_map(|v| v.to_le_bytes()));
    }

    fn load(&mut self, _: usize, bytes: &mut &[u8]) -> Result<()> {
        take_numbers(bytes, &mut self.values)
    }
}

/// Fills `values` from the front of `bytes`. An input error, and nothing changed, when there are too few.
pub(super) fn take_numbers(bytes: &mut &[u8], values: &mut [f32]) -> Result<()> {
    let Some((content, rest)) = bytes.split_at_checked(size_of_val(values)) else {
        return Err(Error::input("state", "shorter than its tokens ask for", "save it again"));
    };
    for (value, bytes) in values.iter_mut().zip(content.as_chunks::<4>().0) {
        *value = f32::from_le_bytes(*bytes);
    }
    *bytes = rest;
    Ok(())
}
