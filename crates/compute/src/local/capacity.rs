//! What this machine has, and whether what a step needs can ever fit.

use std::num::NonZero;
use std::thread::available_parallelism;

use stepwell_model::Resources;

/// What a machine has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Machine {
    cores: u32,
    /// In bytes; `None` where the kernel does not say.
    memory: Option<u64>,
    gpus: u32,
}

impl Machine {
    /// The one that this process runs on.
    pub(super) fn this() -> Self {
        let cores = available_parallelism().map_or(1, NonZero::get);
        let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        Self {
            cores: u32::try_from(cores).unwrap_or(u32::MAX),
            memory: total_memory(&meminfo),
            gpus: gpus(),
        }
    }

    /// Why such a request can never be met; `None` when it can. Several steps share what there is.
    pub(super) fn refuses(&self, needs: &Resources) -> Option<String> {
        let cores = needs.cores.filter(|cores| *cores > self.cores);
        let memory = needs
            .memory_bytes
            .zip(self.memory)
            .filter(|(needs, has)| needs > has);
        if let Some(cores) = cores {
            let has = self.cores;
            return Some(format!("it needs {cores} cores; this machine has {has}"));
        }
        if let Some((needs, has)) = memory {
            let (needs, has) = (needs.div_ceil(1_000_000), has / 1_000_000);
            return Some(format!(
                "it needs {needs} MB of memory; this machine has {has}"
            ));
        }
        (needs.gpus > self.gpus).then(|| {
            let (needs, has) = (needs.gpus, self.gpus);
            format!("it needs {needs} GPUs; this machine has {has}")
        })
    }
}

/// The memory in the kernel's list, in bytes.
fn total_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The GPUs for which their driver has made devices: `/dev/nvidia0`.
fn gpus() -> u32 {
    let devices = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let is_gpu = |name: &str| {
        let number = name.strip_prefix("nvidia");
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    };
    let count = devices.filter(|device| device.file_name().to_str().is_some_and(is_gpu));
    u32::try_from(count.count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_never_fit_is_refused_with_what_is_there() {
        let machine = Machine {
            cores: 8,
            memory: Some(16_000_000_000),
            gpus: 1,
        };
        let one = Resources::default();
        let fits = Resources {
            cores: Some(8),
            memory_bytes: Some(16_000_000_000),
            gpus: 1,
            ..one
        };
        assert_eq!(machine.refuses(&fits), None);
        let too_much = [
            Resources {
                cores: Some(9),
                ..one
            },
            Resources {
                memory_bytes: Some(16_000_000_001),
                ..one
            },
            Resources { gpus: 2, ..one },
        ];
        let said: Vec<String> = too_much
            .iter()
            .map(|needs| machine.refuses(needs).expect("a refusal"))
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        it needs 9 cores; this machine has 8
        it needs 16001 MB of memory; this machine has 16000
        it needs 2 GPUs; this machine has 1
        ");
        let this = Machine::this();
        assert!(this.cores > 0 && this.memory.is_some_and(|bytes| bytes > 1 << 20));
    }
}
