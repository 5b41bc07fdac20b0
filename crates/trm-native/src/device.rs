//! Which device computes: what there is, what `auto` takes and why.

use std::fmt;
use std::str::FromStr;

use anyhow::Context;
use burn::tensor::Device;
use serde::Serialize;

/// `--device` as typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// A real GPU if there is one, else the CPU.
    #[default]
    Auto,
    Cpu,
    /// The n-th adapter that `devices` lists.
    Gpu(usize),
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "auto" => Ok(Self::Auto),
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "gpu" => Ok(Self::Gpu(0)),
            Some(("gpu", number)) => number
                .parse()
                .map(Self::Gpu)
                .map_err(|_| format!("`{number}` is not the number of a GPU")),
            _ if text.starts_with("cuda") => {
                Err("CUDA is not built in; `gpu` reaches the same card through WebGPU".into())
            }
            _ => Err("must be auto, cpu, gpu or gpu:N".into()),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu(number) => write!(f, "gpu:{number}"),
        }
    }
}

/// What an adapter is; only software ones are passed over by `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Discrete,
    Integrated,
    Virtual,
    /// Renders on the CPU, more slowly than the CPU device itself.
    Software,
}

/// A graphics adapter that can compute.
#[derive(Clone, Debug, Serialize)]
pub struct Adapter {
    pub name: String,
    /// Graphics API it is reached through.
    pub api: String,
    pub kind: Kind,
    /// Its number among the adapters of its kind, by which the runtime knows it.
    #[serde(skip)]
    pub index: usize,
    #[cfg(feature = "gpu")]
    #[serde(skip)]
    pub backend: wgpu::Backend,
}

/// A device that was decided for.
pub struct Chosen {
    pub device: Device,
    pub name: String,
    /// Why it was taken.
    pub reason: String,
    pub is_gpu: bool,
}

/// Threads that the CPU device computes with.
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// The CPU device's name, as shown to people.
pub fn cpu_name() -> String {
    match threads() {
        1 => "CPU, one thread".into(),
        threads => format!("CPU, {threads} threads"),
    }
}

/// What `choice` comes to on this machine: the number of an adapter in the
/// list, or `None` for the CPU, and why.
pub fn decide(choice: Choice, adapters: &[Adapter]) -> anyhow::Result<(Option<usize>, String)> {
    match choice {
        Choice::Cpu => Ok((None, "asked for".into())),
        Choice::Gpu(number) => {
            adapters.get(number).with_context(|| match adapters.len() {
                0 => "there is no GPU here; use --device cpu".to_owned(),
                count => format!("there is no gpu:{number}; `devices` lists {count}"),
            })?;
            Ok((Some(number), "asked for".into()))
        }
        Choice::Auto => Ok(match adapters.first() {
            Some(adapter) if adapter.kind != Kind::Software => {
                (Some(0), "the first real GPU".into())
            }
            Some(_) => {
                (None, "there are only software adapters, slower than the CPU itself".into())
            }
            None => (None, "no GPU was found".into()),
        }),
    }
}

/// Opens the device that `choice` comes to.
pub fn open(choice: Choice) -> anyhow::Result<Chosen> {
    let adapters = if choice == Choice::Cpu { Vec::new() } else { adapters() };
    let (number, reason) = decide(choice, &adapters)?;
    match number.and_then(|number| adapters.get(number)) {
        Some(adapter) => Ok(Chosen {
            device: open_gpu(adapter)?,
            name: adapter.to_string(),
            reason,
            is_gpu: true,
        }),
        None => Ok(Chosen { device: Device::flex(), name: cpu_name(), reason, is_gpu: false }),
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.api)
    }
}

/// Adapters, real ones first: the order in which `gpu:N` counts.
#[cfg(feature = "gpu")]
pub fn adapters() -> Vec<Adapter> {
    // The first API with a real GPU speaks for the machine; the others would
    // list the same cards again.
    let mut found = Vec::new();
    for api in [wgpu::Backend::Metal, wgpu::Backend::Vulkan, wgpu::Backend::Dx12] {
        let mut adapters = adapters_of(api);
        adapters.sort_by_key(|adapter| adapter.kind);
        if adapters.first().is_some_and(|adapter| adapter.kind != Kind::Software) {
            return adapters;
        }
        if found.is_empty() {
            found = adapters;
        }
    }
    found
}

#[cfg(feature = "gpu")]
fn adapters_of(api: wgpu::Backend) -> Vec<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: api.into(),
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let mut counts = [0; 4];
    let mut adapters = Vec::new();
    for adapter in pollster::block_on(instance.enumerate_adapters(api.into())) {
        let info = adapter.get_info();
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => Kind::Discrete,
            wgpu::DeviceType::IntegratedGpu => Kind::Integrated,
            wgpu::DeviceType::VirtualGpu => Kind::Virtual,
            wgpu::DeviceType::Cpu => Kind::Software,
            // The runtime has no way to address it.
            wgpu::DeviceType::Other => continue,
        };
        let index = counts[kind as usize];
        counts[kind as usize] += 1;
        adapters.push(Adapter { name: info.name, api: api.to_string(), kind, index, backend: api });
    }
    adapters
}

#[cfg(feature = "gpu")]
fn open_gpu(adapter: &Adapter) -> anyhow::Result<Device> {
    use burn::tensor::DeviceKind;
    use burn::tensor::wgpu::WgpuBackend;

    let kind = match adapter.kind {
        Kind::Discrete => DeviceKind::DiscreteGpu(adapter.index),
        Kind::Integrated => DeviceKind::IntegratedGpu(adapter.index),
        Kind::Virtual => DeviceKind::VirtualGpu(adapter.index),
        Kind::Software => DeviceKind::Cpu,
    };
    let api = match adapter.backend {
        wgpu::Backend::Metal => WgpuBackend::Metal,
        wgpu::Backend::Dx12 => WgpuBackend::Dx12,
        _ => WgpuBackend::Vulkan,
    };
    Device::wgpu_options()
        .device_kind(kind)
        .graphics_api(api)
        .init()
        .with_context(|| format!("{adapter} cannot be opened; use --device cpu"))
}

#[cfg(not(feature = "gpu"))]
pub fn adapters() -> Vec<Adapter> {
    Vec::new()
}

#[cfg(not(feature = "gpu"))]
fn open_gpu(adapter: &Adapter) -> anyhow::Result<Device> {
    anyhow::bail!("{adapter} cannot be opened: this binary was built without the feature `gpu`")
}

#[cfg(all(test, feature = "gpu"))]
mod tests {
    use super::*;

    fn adapter(kind: Kind) -> Adapter {
        Adapter {
            name: "a card".into(),
            api: "vulkan".into(),
            kind,
            index: 0,
            backend: wgpu::Backend::Vulkan,
        }
    }

    #[test]
    fn auto_takes_a_real_gpu_and_passes_over_software() {
        let decide = |adapters: &[Adapter]| decide(Choice::Auto, adapters).expect("decided");
        assert_eq!(decide(&[adapter(Kind::Integrated), adapter(Kind::Software)]).0, Some(0));
        let (number, reason) = decide(&[adapter(Kind::Software)]);
        assert!(number.is_none() && reason.contains("software"), "{reason}");
        let (number, reason) = decide(&[]);
        assert!(number.is_none() && reason.contains("no GPU"), "{reason}");
    }

    #[test]
    fn what_was_asked_for_is_taken_or_refused() {
        let adapters = [adapter(Kind::Software)];
        assert_eq!(decide(Choice::Gpu(0), &adapters).expect("there").0, Some(0));
        assert_eq!(decide(Choice::Cpu, &adapters).expect("there").0, None);
        let error = decide(Choice::Gpu(1), &adapters).expect_err("not there").to_string();
        assert!(error.contains("gpu:1") && error.contains("lists 1"), "{error}");
        let error = decide(Choice::Gpu(0), &[]).expect_err("not there").to_string();
        assert!(error.contains("--device cpu"), "{error}");
    }

    #[test]
    fn spellings() {
        assert_eq!("gpu".parse(), Ok(Choice::Gpu(0)));
        assert_eq!("gpu:3".parse(), Ok(Choice::Gpu(3)));
        for choice in [Choice::Auto, Choice::Cpu, Choice::Gpu(2)] {
            assert_eq!(choice.to_string().parse(), Ok(choice));
        }
        for text in ["gpu:x", "tpu", "cuda:0", "cpu:1", ""] {
            assert!(text.parse::<Choice>().is_err(), "{text}");
        }
    }
}
