//! `bantam doctor`: what does this machine offer, and which kernels are used on it?

use std::path::Path;

use bantam_core::host::{self, Host};
use bantam_core::{Result, files};
use bantam_kernels::inference::Isa;
use bantam_kernels::training::panels::Precision;
use bantam_train::DeviceChoice;
use bantam_train::device::ACCELERATORS;
use serde::Serialize;

use crate::output::Output;

#[derive(Serialize)]
struct Facts {
    version: &'static str,
    #[serde(flatten)]
    host: Host,
    memory_available_bytes: Option<u64>,
    disk_free_bytes: Option<u64>,
    writable: bool,
    kernels: &'static str,
    kernels_available: Vec<&'static str>,
    bf16_products: &'static str,
    devices: Vec<DeviceFact>,
}

/// What is known of a device that training could use.
#[derive(Serialize)]
struct DeviceFact {
    device: &'static str,
    /// Whether this build has the cargo feature for it.
    built: bool,
    /// What it calls itself, where it is there.
    name: Option<String>,
}

/// Prints the facts.
pub fn run(output: &Output) -> Result<()> {
    let here = Path::new(".");
    let facts = Facts {
        version: env!("CARGO_PKG_VERSION"),
        host: Host::detect(),
        memory_available_bytes: host::memory_available_bytes(),
        disk_free_bytes: disk_free_bytes(here),
        writable: is_writable(here),
        kernels: Isa::best().name(),
        kernels_available: Isa::available().into_iter().map(Isa::name).collect(),
        bf16_products: Precision::bf16_products(),
        devices: ACCELERATORS.into_iter().map(device).collect(),
    };
    output.text(&for_people(&facts))?;
    output.object(&facts)
}

fn device(choice: DeviceChoice) -> DeviceFact {
    let opened = if choice.is_built() { choice.open("doctor").ok() } else { None };
    DeviceFact { device: choice.name(), built: choice.is_built(), name: opened.and_then(|d| d.name) }
}

fn for_people(facts: &Facts) -> String {
    let gib =
        |bytes: Option<u64>| bytes.map_or("unknown".into(), |b| format!("{:.1} GiB", b as f64 / (1u64 << 30) as f64));
    let host = &facts.host;
    let device = |d: &DeviceFact| match &d.name {
        Some(name) => format!("; {}: {name}", d.device),
        None if d.built => format!("; {}: not found", d.device),
        None => format!("; {}: not in this build", d.device),
    };
    let devices: String = facts.devices.iter().map(device).collect();
    let rows = [
        ("bantam", facts.version.to_owned()),
        ("cpu", host.cpu.clone()),
        ("features", if host.cpu_features.is_empty() { "none known".into() } else { host.cpu_features.join(" ") }),
        ("cores", host.cores.to_string()),
        ("memory", format!("{}, {} available", gib(host.memory_bytes), gib(facts.memory_available_bytes))),
        ("os", host.os.clone()),
        (
            "disk here",
            format!(
                "{} free, {}",
                gib(facts.disk_free_bytes),
                if facts.writable { "writable" } else { "NOT writable" }
            ),
        ),
        ("kernels", format!("{} (of {})", facts.kernels, facts.kernels_available.join(", "))),
        ("bf16 by", facts.bf16_products.to_owned()),
        ("devices", format!("cpu{devices}")),
    ];
    rows.map(|(name, value)| format!("{name:>10}  {value}\n")).concat()
}

/// Tried, not asked: permissions, quotas and read-only mounts all count.
fn is_writable(dir: &Path) -> bool {
    let probe = dir.join(format!(".bantam-doctor-{}", std::process::id()));
    let written = files::write(&probe, b"probe").is_ok();
    let _ = std::fs::remove_file(&probe);
    written
}

#[cfg(unix)]
fn disk_free_bytes(dir: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(dir).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

#[cfg(not(unix))]
fn disk_free_bytes(_: &Path) -> Option<u64> {
    None
}
