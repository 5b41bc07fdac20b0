//! The one device that this module computes on.

use burn::tensor::Device;
use trm_spec::{Backend, DeviceInfo, Failure};

/// A device that works, and what to call it.
pub struct Opened {
    pub device: Device,
    pub info: DeviceInfo,
    /// Bytes of the largest tensor that a GPU holds; none on the CPU.
    pub largest_buffer: Option<u64>,
}

/// The CPU: wasm SIMD on the worker's own thread.
#[cfg(not(feature = "gpu"))]
pub async fn open() -> Result<Opened, Failure> {
    Ok(Opened {
        device: Device::flex(),
        info: DeviceInfo { backend: Backend::Cpu, name: "wasm SIMD, one thread".into() },
        largest_buffer: None,
    })
}

/// WebGPU, on the adapter that the browser prefers.
#[cfg(feature = "gpu")]
pub async fn open() -> Result<Opened, Failure> {
    use trm_spec::FailureKind;

    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(
            FailureKind::Device,
            format!("WebGPU could not be started: {error}"),
            "Use the CPU, or update the browser and its graphics driver.",
        )
    };
    let (device, setup) =
        Device::wgpu_options().init_with_setup_async().await.map_err(|error| failed(&error))?;
    let adapter = setup.adapter.get_info();
    let name = [adapter.name, adapter.driver, adapter.driver_info]
        .into_iter()
        .find(|text| !text.is_empty())
        .unwrap_or_else(|| "WebGPU adapter".into());
    let limits = setup.device.limits();
    Ok(Opened {
        device,
        info: DeviceInfo { backend: Backend::Webgpu, name },
        largest_buffer: Some(limits.max_buffer_size.min(limits.max_storage_buffer_binding_size)),
    })
}
