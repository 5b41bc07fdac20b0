//! Devices: lists the GPUs, selects one for `--device` and opens it.

use std::fmt;
use std::str::FromStr;

use burn::tensor::Device;
use serde::Serialize;

use crate::terminal::report::usage;

/// The value of `--device`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// A hardware GPU if there is one, else the CPU.
    #[default]
    Auto,
    Cpu,
    /// The n-th adapter that `trm-native devices` lists, counted from 0.
    Gpu(usize),
}

impl FromStr for DeviceChoice {
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
                Err("CUDA is not supported; `gpu` uses the same card through WebGPU".into())
            }
            _ => Err("must be auto, cpu, gpu or gpu:N".into()),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu(number) => write!(f, "gpu:{number}"),
        }
    }
}

/// The value of `--devices`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceList {
    /// So many hardware GPUs; without one, so many copies on the CPU.
    Count(usize),
    Named(Vec<DeviceChoice>),
}

impl FromStr for DeviceList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(count) = text.parse() {
            return if count > 0 { Ok(Self::Count(count)) } else { Err("must be above 0".into()) };
        }
        let choices: Result<Vec<DeviceChoice>, _> = text.split(',').map(str::parse).collect();
        let choices = choices.map_err(|_| "write a number, or a list: cpu,cpu or gpu:0,gpu:1")?;
        if choices.contains(&DeviceChoice::Auto) {
            return Err("auto is one device; write a number, or name each device".into());
        }
        Ok(Self::Named(choices))
    }
}

impl fmt::Display for DeviceList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Named(choices) => {
                let names: Vec<_> = choices.iter().map(ToString::to_string).collect();
                f.write_str(&names.join(","))
            }
        }
    }
}

/// The kind of an adapter. `auto` uses all but software adapters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdapterKind {
    Discrete,
    Integrated,
    Virtual,
    /// Emulated on the CPU, slower than the CPU device.
    Software,
}

/// A graphics adapter that can compute.
#[derive(Clone, Debug, Serialize)]
pub struct Adapter {
    pub name: String,
    /// Graphics API through which it is used.
    pub api: String,
    pub kind: AdapterKind,
    /// Its number among the adapters of its kind, by which Burn addresses it.
    #[serde(skip)]
    pub index: usize,
    /// Bytes of the largest buffer that it gives a shader.
    #[serde(skip)]
    pub largest_buffer: u64,
    #[cfg(feature = "gpu")]
    #[serde(skip)]
    pub backend: wgpu::Backend,
}

/// The device that a command runs on.
pub struct OpenDevice {
    pub device: Device,
    pub name: String,
    /// Why it was selected.
    pub reason: String,
    pub is_gpu: bool,
    /// Bytes of the largest tensor, where the device has a limit.
    pub largest_buffer: Option<u64>,
}

/// Prevents two error messages of the Vulkan driver that have nothing to do with this
/// program. Mesa's device-selection layer asks the Wayland compositor for its GPU
/// whenever an instance supports Wayland windows (wgpu's always do), and libwayland
/// prints an error if `XDG_RUNTIME_DIR` is unset or no absolute path. With any existing
/// folder there, the connection fails silently, as it should where no compositor runs.
///
/// Call this first in `main`: no other thread may exist.
pub fn quiet_wayland() {
    // The library refuses a relative folder as it does none.
    let usable = std::env::var_os("XDG_RUNTIME_DIR")
        .is_some_and(|folder| std::path::Path::new(&folder).is_absolute());
    if cfg!(target_os = "linux") && !usable {
        // SAFETY: only the main thread exists, so nobody reads the environment meanwhile.
        unsafe { std::env::set_var("XDG_RUNTIME_DIR", std::env::temp_dir()) };
    }
}

/// Number of threads of the CPU device.
pub fn threads() -> usize {
    rayon::current_num_threads()
}

/// The CPU device's name, as shown to people.
pub fn cpu_name() -> String {
    match threads() {
        1 => "CPU, 1 thread".into(),
        threads => format!("CPU, {threads} threads"),
    }
}

/// Selects a device for `choice`: the number of an adapter in the list, or `None`
/// for the CPU, and the reason.
///
/// # Errors
/// If a GPU was requested that does not exist.
pub fn select(
    choice: DeviceChoice,
    adapters: &[Adapter],
) -> anyhow::Result<(Option<usize>, String)> {
    match choice {
        DeviceChoice::Cpu => Ok((None, "requested".into())),
        DeviceChoice::Gpu(number) => {
            if number < adapters.len() {
                return Ok((Some(number), "requested".into()));
            }
            if adapters.is_empty() {
                return Err(usage!("there is no GPU here; use --device cpu"));
            }
            let there = adapters.iter().enumerate();
            let there: Vec<_> = there.map(|(n, adapter)| format!("gpu:{n} {adapter}")).collect();
            Err(usage!(
                "there is no gpu:{number} here; give one of these devices: cpu, {}",
                there.join(", ")
            ))
        }
        DeviceChoice::Auto => Ok(match adapters.first() {
            Some(adapter) if adapter.kind != AdapterKind::Software => {
                (Some(0), "the first hardware GPU".into())
            }
            Some(_) => {
                (None, "all GPUs here are software adapters, which are slower than the CPU".into())
            }
            None => (None, "no GPU was found".into()),
        }),
    }
}

/// Opens the device for `choice`.
///
/// # Errors
/// If a GPU was requested that does not exist or cannot be opened.
pub fn open(choice: DeviceChoice) -> anyhow::Result<OpenDevice> {
    let adapters = if choice == DeviceChoice::Cpu { Vec::new() } else { adapters() };
    let (number, reason) = select(choice, &adapters)?;
    match number.and_then(|number| adapters.get(number)) {
        Some(adapter) => Ok(OpenDevice {
            device: open_gpu(adapter)?,
            name: adapter.to_string(),
            reason,
            is_gpu: true,
            largest_buffer: Some(adapter.largest_buffer),
        }),
        None => Ok(OpenDevice {
            device: Device::flex(),
            name: cpu_name(),
            reason,
            is_gpu: false,
            largest_buffer: None,
        }),
    }
}

/// Opens the devices of `list`, at least one.
///
/// # Errors
/// If a GPU was requested that does not exist or cannot be opened.
pub fn open_all(list: &DeviceList) -> anyhow::Result<Vec<OpenDevice>> {
    let choices = match list {
        DeviceList::Named(choices) => choices.clone(),
        DeviceList::Count(count) => count_of(*count, &adapters())?,
    };
    choices.into_iter().map(open).collect()
}

/// `count` hardware GPUs of `adapters`, which come first; without one, copies on the CPU.
fn count_of(count: usize, adapters: &[Adapter]) -> anyhow::Result<Vec<DeviceChoice>> {
    match adapters.iter().filter(|adapter| adapter.kind != AdapterKind::Software).count() {
        0 => Ok(vec![DeviceChoice::Cpu; count]),
        gpus if gpus < count => Err(usage!(
            "--devices {count}: there are {gpus} hardware GPUs here; name the devices instead, for example --devices gpu:0,cpu"
        )),
        _ => Ok((0..count).map(DeviceChoice::Gpu).collect()),
    }
}

impl fmt::Display for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.api)
    }
}

/// The GPUs of this machine, hardware ones first: the order in which `gpu:N` counts.
#[cfg(feature = "gpu")]
pub fn adapters() -> Vec<Adapter> {
    // The first API with a hardware GPU is used; the others would list the same
    // cards again.
    let mut found = Vec::new();
    for api in [wgpu::Backend::Metal, wgpu::Backend::Vulkan, wgpu::Backend::Dx12] {
        let mut adapters = adapters_of(api);
        adapters.sort_by_key(|adapter| adapter.kind);
        if adapters.first().is_some_and(|adapter| adapter.kind != AdapterKind::Software) {
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
            wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
            wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
            wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
            wgpu::DeviceType::Cpu => AdapterKind::Software,
            // Burn cannot address it.
            wgpu::DeviceType::Other => continue,
        };
        let index = counts[kind as usize];
        counts[kind as usize] += 1;
        let limits = adapter.limits();
        let largest_buffer = limits.max_buffer_size.min(limits.max_storage_buffer_binding_size);
        adapters.push(Adapter {
            name: info.name,
            api: api.to_string(),
            kind,
            index,
            largest_buffer,
            backend: api,
        });
    }
    adapters
}

#[cfg(feature = "gpu")]
fn open_gpu(adapter: &Adapter) -> anyhow::Result<Device> {
    use anyhow::Context;
    use burn::tensor::DeviceKind;
    use burn::tensor::wgpu::WgpuBackend;

    let kind = match adapter.kind {
        AdapterKind::Discrete => DeviceKind::DiscreteGpu(adapter.index),
        AdapterKind::Integrated => DeviceKind::IntegratedGpu(adapter.index),
        AdapterKind::Virtual => DeviceKind::VirtualGpu(adapter.index),
        AdapterKind::Software => DeviceKind::Cpu,
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
mod tests;
