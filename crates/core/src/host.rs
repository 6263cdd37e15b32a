//! What machine is this? Facts that explain a measured time, read from the operating system.

use serde::{Deserialize, Serialize};

/// The machine a result was measured on. Never part of a content hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The processor's own name, or its architecture where the system does not tell.
    pub cpu: String,
    /// Instruction sets found at run time that the kernels can use.
    pub cpu_features: Vec<String>,
    /// Cores this process may use.
    pub cores: usize,
    /// Memory in bytes, where the system tells.
    pub memory_bytes: Option<u64>,
    /// Operating system and kernel release.
    pub os: String,
}

impl Host {
    /// Reads the facts of this machine.
    pub fn detect() -> Self {
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        Self {
            cpu: cpu_name(&cpuinfo).unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cpu_features: cpu_features(),
            cores: std::thread::available_parallelism().map_or(1, |n| n.get()),
            memory_bytes: memory_bytes(&meminfo, "MemTotal"),
            os: format!("{} {}", std::env::consts::OS, release.trim()).trim_end().to_owned(),
        }
    }
}

/// Bytes that a new process could use now, where the system tells.
pub fn memory_available_bytes() -> Option<u64> {
    memory_bytes(&std::fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable")
}

/// The most memory this process has held, in bytes, where the system tells.
pub fn peak_memory_bytes() -> Option<u64> {
    memory_bytes(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM")
}

/// The memory this process holds now, in bytes, where the system tells.
pub fn resident_memory_bytes() -> Option<u64> {
    memory_bytes(&std::fs::read_to_string("/proc/self/status").ok()?, "VmRSS")
}

fn cpu_name(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|l| l.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// `/proc/meminfo` counts in KiB and writes "kB".
fn memory_bytes(meminfo: &str, key: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|l| l.strip_prefix(key)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(target_arch = "x86_64")]
fn cpu_features() -> Vec<String> {
    macro_rules! present {
        ($($name:tt),*) => {
            [$(($name, std::is_x86_feature_detected!($name))),*]
        };
    }
    let found =
        present!("avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512vl", "avx512vnni", "avx512bf16", "avxvnni");
    found.iter().filter(|(_, present)| *present).map(|(name, _)| (*name).to_owned()).collect()
}

#[cfg(target_arch = "aarch64")]
fn cpu_features() -> Vec<String> {
    macro_rules! present {
        ($($name:tt),*) => {
            [$(($name, std::arch::is_aarch64_feature_detected!($name))),*]
        };
    }
    let found = present!("neon", "dotprod", "i8mm", "bf16", "sve");
    found.iter().filter(|(_, present)| *present).map(|(name, _)| (*name).to_owned()).collect()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn cpu_features() -> Vec<String> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_are_read_from_the_kernel_tables() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Example 9000\nflags\t: fpu\n";
        assert_eq!(cpu_name(cpuinfo).as_deref(), Some("Example 9000"));
        assert_eq!(cpu_name("Processor : ARMv7"), None);
        let meminfo = "MemTotal:       24575 kB\nMemAvailable:   1 kB\n";
        assert_eq!(memory_bytes(meminfo, "MemTotal"), Some(24575 * 1024));
        assert_eq!(memory_bytes(meminfo, "MemAvailable"), Some(1024));
        assert_eq!(memory_bytes("MemTotal: 99999999999999999999 kB", "MemTotal"), None);
    }

    #[test]
    fn this_host_has_at_least_one_core_and_a_name() {
        let host = Host::detect();
        assert!(host.cores >= 1 && !host.cpu.is_empty() && !host.os.is_empty());
    }
}
