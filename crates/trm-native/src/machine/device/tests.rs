//! Which device is chosen.

use super::*;

fn adapter(kind: AdapterKind) -> Adapter {
    Adapter {
        name: "a card".into(),
        api: "vulkan".into(),
        kind,
        index: 0,
        largest_buffer: 1 << 30,
        backend: wgpu::Backend::Vulkan,
    }
}

#[test]
fn auto_uses_a_hardware_gpu_but_no_software_adapter() {
    let select = |adapters: &[Adapter]| select(DeviceChoice::Auto, adapters).expect("selected");
    assert_eq!(
        select(&[adapter(AdapterKind::Integrated), adapter(AdapterKind::Software)]).0,
        Some(0)
    );
    let (number, reason) = select(&[adapter(AdapterKind::Software)]);
    assert!(number.is_none() && reason.contains("software"), "{reason}");
    let (number, reason) = select(&[]);
    assert!(number.is_none() && reason.contains("no GPU"), "{reason}");
}

#[test]
fn a_requested_device_is_selected_or_refused() {
    let adapters = [adapter(AdapterKind::Software)];
    assert_eq!(select(DeviceChoice::Gpu(0), &adapters).expect("there").0, Some(0));
    assert_eq!(select(DeviceChoice::Cpu, &adapters).expect("there").0, None);
    let refused = |number, adapters: &[Adapter]| {
        let error = select(DeviceChoice::Gpu(number), adapters).expect_err("not there");
        assert_eq!(crate::terminal::report::code(&error), 2, "{error}");
        error.to_string()
    };
    let error = refused(1, &adapters);
    assert!(error.starts_with("there is no gpu:1 here"), "{error}");
    assert!(error.ends_with("these devices: cpu, gpu:0 a card (vulkan)"), "{error}");
    let error = refused(0, &[]);
    assert!(error.contains("--device cpu"), "{error}");
}

#[test]
fn lists_of_devices() {
    assert_eq!("2".parse(), Ok(DeviceList::Count(2)));
    let named = DeviceList::Named(vec![DeviceChoice::Gpu(0), DeviceChoice::Gpu(1)]);
    assert_eq!("gpu:0,gpu:1".parse(), Ok(named.clone()));
    assert_eq!(named.to_string().parse(), Ok(named));
    for text in ["0", "-1", "auto", "cpu,auto", "cpu,,cpu", "two", ""] {
        assert!(text.parse::<DeviceList>().is_err(), "{text}");
    }
}

#[test]
fn spellings() {
    assert_eq!("gpu".parse(), Ok(DeviceChoice::Gpu(0)));
    assert_eq!("gpu:3".parse(), Ok(DeviceChoice::Gpu(3)));
    for choice in [DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Gpu(2)] {
        assert_eq!(choice.to_string().parse(), Ok(choice));
    }
    for text in ["gpu:x", "tpu", "cuda:0", "cpu:1", ""] {
        assert!(text.parse::<DeviceChoice>().is_err(), "{text}");
    }
}

/// An emulated adapter is no GPU to share updates with.
#[test]
fn a_number_of_devices_counts_hardware() {
    let [card, software] = [AdapterKind::Discrete, AdapterKind::Software].map(adapter);
    let all = [card.clone(), software.clone()];
    assert_eq!(count_of(1, &all).expect("one"), [DeviceChoice::Gpu(0)]);
    let refused = count_of(2, &all).expect_err("one card").to_string();
    assert!(refused.contains("there are 1 hardware GPUs"), "{refused}");
    assert_eq!(count_of(2, &[software]).expect("copies"), [DeviceChoice::Cpu; 2]);
    let two = [card.clone(), card];
    assert_eq!(count_of(2, &two).expect("two"), [0, 1].map(DeviceChoice::Gpu));
}
