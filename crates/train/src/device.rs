//! Where is a training computed? On the CPU, or on a device that this build has the cargo feature for.

use std::fmt;
use std::str::FromStr;

use bantam_core::{Error, Result};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// What a recipe or `--device` can name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// The processor, with the fused operations.
    #[default]
    Cpu,
    /// A Vulkan adapter; cargo feature `vulkan`.
    Vulkan,
    /// An NVIDIA card; cargo feature `cuda`.
    Cuda,
    /// An Apple GPU; cargo feature `metal`.
    Metal,
    /// The first card found of what this build has features for, or the processor.
    Auto,
}

/// A device ready to compute.
#[derive(Clone, Debug)]
pub struct OpenDevice {
    /// Burn's handle; does not track gradients.
    pub device: Device,
    /// Which one it is; never [`DeviceChoice::Auto`].
    pub choice: DeviceChoice,
    /// What it calls itself; `None` for the processor.
    pub name: Option<String>,
}

impl fmt::Display for OpenDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} ({name})", self.choice),
            None => write!(f, "{}", self.choice),
        }
    }
}

/// Every device but the processor, in the order in which [`DeviceChoice::Auto`] tries them.
pub const ACCELERATORS: [DeviceChoice; 3] = [DeviceChoice::Cuda, DeviceChoice::Metal, DeviceChoice::Vulkan];

impl DeviceChoice {
    /// The name in recipes, on the command line, and of the cargo feature.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Vulkan => "vulkan",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
            Self::Auto => "auto",
        }
    }

    /// Whether this build can use it, if it is there.
    pub fn is_built(self) -> bool {
        match self {
            Self::Cpu | Self::Auto => true,
            Self::Vulkan => cfg!(feature = "vulkan"),
            Self::Cuda => cfg!(feature = "cuda"),
            Self::Metal => cfg!(feature = "metal"),
        }
    }

    /// Opens the device; the second time it is the same one.
    ///
    /// # Errors
    /// One that this build has no feature for, or that is not there; `place` names who asked. [`Self::Auto`] never fails.
    pub fn open(self, place: &str) -> Result<OpenDevice> {
        match self {
            Self::Cpu => Ok(OpenDevice { device: Device::flex(), choice: Self::Cpu, name: None }),
            Self::Auto => {
                let mut there = ACCELERATORS.into_iter().filter(|choice| choice.is_built() && choice.has_card());
                there.find_map(|choice| choice.open(place).ok()).map_or_else(|| Self::Cpu.open(place), Ok)
            }
            choice if choice.is_built() => {
                let (device, name) = accelerator::open(choice).map_err(|what| {
                    let remedy = "install its driver (`bantam doctor` says what is found), or give \"cpu\"";
                    Error::input(place, format_args!("no {choice} device: {what}"), remedy)
                })?;
                Ok(OpenDevice { device, choice, name: Some(name) })
            }
            choice => {
                let remedy = format!("build with `cargo build --release --features {choice}`, or give \"cpu\"");
                Err(Error::input(place, format_args!("this build cannot use {choice} devices"), remedy))
            }
        }
    }

    /// Whether there is hardware behind it: a Vulkan driver that computes on the processor is none.
    fn has_card(self) -> bool {
        accelerator::has_card(self)
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DeviceChoice {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let all = [Self::Cpu, Self::Vulkan, Self::Cuda, Self::Metal, Self::Auto];
        let found = all.into_iter().find(|choice| choice.name() == text);
        found.ok_or_else(|| {
            Error::input("--device", format_args!("`{text}` is unknown"), "give cpu, vulkan, cuda, metal or auto")
        })
    }
}

/// A build for the processor alone.
#[cfg(not(any(feature = "vulkan", feature = "cuda", feature = "metal")))]
mod accelerator {
    use burn::tensor::Device;

    use super::DeviceChoice;

    pub(super) fn open(_: DeviceChoice) -> Result<(Device, String), String> {
        Err("this build has none".into())
    }

    pub(super) fn has_card(_: DeviceChoice) -> bool {
        false
    }
}

#[cfg(any(feature = "vulkan", feature = "cuda", feature = "metal"))]
mod accelerator {
    use std::sync::Mutex;

    use burn::tensor::{Device, DeviceType};

    use super::DeviceChoice;

    /// What was opened. Burn initializes a device once in a process.
    static OPEN: Mutex<Vec<(DeviceChoice, Device, String)>> = Mutex::new(Vec::new());

    pub(super) fn open(choice: DeviceChoice) -> Result<(Device, String), String> {
        let mut open = OPEN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((_, device, name)) = open.iter().find(|o| o.0 == choice) {
            return Ok((device.clone(), name.clone()));
        }
        let device = initialize(choice)?;
        let name = device.identity().map_or_else(|| "without a name".into(), |identity| identity.name);
        open.push((choice, device.clone(), name.clone()));
        Ok((device, name))
    }

    fn initialize(choice: DeviceChoice) -> Result<Device, String> {
        match choice {
            #[cfg(feature = "vulkan")]
            DeviceChoice::Vulkan => graphics(burn::tensor::wgpu::WgpuBackend::Vulkan),
            #[cfg(feature = "metal")]
            DeviceChoice::Metal => graphics(burn::tensor::wgpu::WgpuBackend::Metal),
            #[cfg(feature = "cuda")]
            DeviceChoice::Cuda if has_card(choice) => Ok(Device::cuda(0)),
            _ => Err("none is found".into()),
        }
    }

    /// The adapter that the graphics API thinks best.
    #[cfg(any(feature = "vulkan", feature = "metal"))]
    fn graphics(api: burn::tensor::wgpu::WgpuBackend) -> Result<Device, String> {
        Device::wgpu_options().graphics_api(api).init().map_err(|e| e.to_string())
    }

    pub(super) fn has_card(choice: DeviceChoice) -> bool {
        match choice {
            #[cfg(feature = "vulkan")]
            DeviceChoice::Vulkan => {
                let software = Device::wgpu(burn::tensor::DeviceKind::Cpu);
                Device::enumerate(DeviceType::Wgpu).iter().any(|device| *device != software)
            }
            #[cfg(feature = "metal")]
            DeviceChoice::Metal => {
                let software = Device::metal(burn::tensor::DeviceKind::Cpu);
                Device::enumerate(DeviceType::Metal).iter().any(|device| *device != software)
            }
            #[cfg(feature = "cuda")]
            DeviceChoice::Cuda => Device::enumerate(DeviceType::Cuda).iter().next().is_some(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_built_is_one_line_that_names_the_feature() {
        for choice in ACCELERATORS.into_iter().filter(|c| !c.is_built()) {
            let e = choice.open("train.device").unwrap_err();
            assert!(e.exit_code() == 2 && e.to_string().contains(&format!("--features {choice}")), "{e}");
            assert!(e.to_string().starts_with("train.device: "), "{e}");
        }
    }

    #[test]
    fn names_read_back_and_others_are_refused() {
        for choice in ACCELERATORS.into_iter().chain([DeviceChoice::Cpu, DeviceChoice::Auto]) {
            assert_eq!(choice.name().parse::<DeviceChoice>().unwrap(), choice);
        }
        assert_eq!("gpu".parse::<DeviceChoice>().unwrap_err().exit_code(), 2);
        assert_ne!(DeviceChoice::Auto.open("train.device").unwrap().choice, DeviceChoice::Auto);
    }
}
