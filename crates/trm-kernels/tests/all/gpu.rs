//! Every fused operation and its gradient on a GPU device, against the general
//! formulation on the CPU. A software adapter will do: Debian's
//! `mesa-vulkan-drivers` brings one.

use std::sync::LazyLock;

use burn::tensor::{Device, Int, Tensor, TensorData};
use trm_kernels::general;

use crate::support;

/// The first adapter there is. Without one there is nothing to test, and a test
/// that says so beats one that passes.
static GPU: LazyLock<Device> = LazyLock::new(|| {
    Device::wgpu_options().init().unwrap_or_else(|error| {
        panic!("no graphics adapter (Debian: install mesa-vulkan-drivers): {error}")
    })
});

/// Numbers in −1..1 that look random and are the same everywhere.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    support::numbers(count, seed).into_iter().map(|x| x / 2.0).collect()
}

/// The value of `f` and its gradient for each input, weighted so that no two
/// outputs count alike.
fn value_and_grads<const N: usize, const D: usize, const O: usize>(
    inputs: &[TensorData; N],
    device: &Device,
    f: impl Fn([Tensor<D>; N]) -> Tensor<O>,
) -> Vec<Vec<f32>> {
    let device = device.clone().autodiff();
    let tensors = inputs.clone().map(|data| Tensor::<D>::from_data(data, &device).require_grad());
    let y = f(tensors.clone());
    let weights = TensorData::new(numbers(y.dims().iter().product(), 99), y.dims());
    let grads = (y.clone() * Tensor::from_data(weights, &device)).sum().backward();
    let mut found = vec![vector(y.into_data())];
    for tensor in tensors {
        found.push(vector(tensor.grad(&grads).expect("a gradient").into_data()));
    }
    found
}

fn vector(data: TensorData) -> Vec<f32> {
    data.try_to_vec().expect("f32")
}

fn assert_close(gpu: &[Vec<f32>], cpu: &[Vec<f32>], what: &str) {
    for (part, (gpu, cpu)) in gpu.iter().zip(cpu).enumerate() {
        assert_eq!(gpu.len(), cpu.len(), "{what}, part {part}");
        let scale = cpu.iter().fold(1e-3f32, |top, x| top.max(x.abs()));
        for (i, (g, c)) in gpu.iter().zip(cpu).enumerate() {
            assert!(
                (g - c).abs() <= 2e-5 * scale.max(c.abs()),
                "{what}, part {part} (0 is the value, then the gradients), number {i}: \
                 {g} on the GPU, {c} on the CPU"
            );
        }
    }
}

fn data<const D: usize>(shape: [usize; D], seed: u64) -> TensorData {
    TensorData::new(numbers(shape.iter().product(), seed), shape)
}

#[test]
fn linear() {
    let sizes = [
        (1, 1, 1),
        (3, 5, 7),
        (4, 4, 4),
        (12, 64, 65),
        (33, 65, 128),
        (64, 128, 384),
        (70, 12, 20),
        (129, 36, 130),
    ];
    for (rows, input, output) in sizes {
        let inputs = [data([rows, input], 1), data([output, input], 2)];
        let gpu =
            value_and_grads(&inputs, &GPU, |[x, w]: [Tensor<2>; 2]| trm_kernels::linear(x, w));
        let cpu = value_and_grads(&inputs, &Device::flex(), |[x, w]: [Tensor<2>; 2]| {
            general::linear(x, w)
        });
        assert_close(&gpu, &cpu, &format!("linear {rows}×{input} → {output}"));
    }
}

#[test]
fn linear_of_three_axes() {
    let inputs = [data([2, 9, 24], 3)];
    let weight = data([10, 24], 4);
    let run = |device: &Device, fused: bool| {
        let w = Tensor::<2>::from_data(weight.clone(), device);
        value_and_grads(&inputs, device, |[x]: [Tensor<3>; 1]| {
            if fused { trm_kernels::linear(x, w.clone()) } else { general::linear(x, w.clone()) }
        })
    };
    assert_close(&run(&GPU, true), &run(&Device::flex(), false), "linear of three axes");
}

/// Operands that are views, not rows in memory.
#[test]
fn linear_of_views() {
    let inputs = [data([24, 18], 3), data([30, 10], 4)];
    let run = |device: &Device, fused: bool| {
        value_and_grads(&inputs, device, |[x, w]: [Tensor<2>; 2]| {
            let (x, w) = (x.transpose().slice([2..17, 0..20]), w.slice([4..24, 0..10]).transpose());
            if fused { trm_kernels::linear(x, w) } else { general::linear(x, w) }
        })
    };
    assert_close(&run(&GPU, true), &run(&Device::flex(), false), "linear of views");
}

#[test]
fn affine() {
    for (rows, input, output) in [(1, 3, 5), (65, 64, 128), (34, 17, 6)] {
        let inputs =
            [data([1, rows, input], 1), data([1, output, input], 2), data([1, 1, output], 3)];
        let run = |device: &Device, f: fn(Tensor<3>, Tensor<2>, Tensor<1>) -> Tensor<3>| {
            value_and_grads(&inputs, device, |[x, w, b]: [Tensor<3>; 3]| {
                f(x, w.reshape([output, input]), b.reshape([output]))
            })
        };
        let (gpu, cpu) =
            (run(&GPU, trm_kernels::affine::<3>), run(&Device::flex(), general::affine::<3>));
        assert_close(&gpu, &cpu, &format!("affine {rows}×{input} → {output}"));
    }
}

#[test]
fn affine_positions() {
    for (batch, input, output, dim) in [(1, 3, 5, 2), (3, 17, 34, 64), (2, 34, 17, 12)] {
        let inputs =
            [data([batch, input, dim], 1), data([1, output, input], 2), data([1, 1, output], 3)];
        let run = |device: &Device, f: fn(Tensor<3>, Tensor<2>, Tensor<1>) -> Tensor<3>| {
            value_and_grads(&inputs, device, |[x, w, b]: [Tensor<3>; 3]| {
                f(x, w.reshape([output, input]), b.reshape([output]))
            })
        };
        let gpu = run(&GPU, trm_kernels::affine_positions);
        let cpu = run(&Device::flex(), general::affine_positions);
        assert_close(&gpu, &cpu, &format!("affine_positions {batch}×{dim}, {input} → {output}"));
    }
}

#[test]
fn layer_norm() {
    for (rows, width) in [(1, 3), (65, 64), (5, 384)] {
        let inputs = [data([1, rows, width], 1), data([1, 1, width], 2), data([1, 1, width], 3)];
        let run = |device: &Device, fused: bool| {
            value_and_grads(&inputs, device, |[x, w, b]: [Tensor<3>; 3]| {
                let (w, b) = (w.reshape([width]), b.reshape([width]));
                if fused {
                    trm_kernels::layer_norm(x, w, b, 1e-5)
                } else {
                    general::layer_norm(x, w, b, 1e-5)
                }
            })
        };
        let what = format!("layer_norm {rows}×{width}");
        assert_close(&run(&GPU, true), &run(&Device::flex(), false), &what);
    }
}

#[test]
fn gelu() {
    let inputs = [data([33, 65], 1)];
    let run = |device: &Device, f: fn(Tensor<2>) -> Tensor<2>| {
        value_and_grads(&inputs, device, |[x]: [Tensor<2>; 1]| f(x * 4.0))
    };
    let gpu = run(&GPU, trm_kernels::gelu::<2>);
    assert_close(&gpu, &run(&Device::flex(), general::gelu::<2>), "gelu");
}

#[test]
fn add_rms_norm() {
    for (rows, width) in [(1, 3), (3, 7), (65, 64), (64, 128), (5, 384), (2, 510)] {
        let inputs = [data([1, rows, width], 1), data([1, rows, width], 2)];
        let gpu = value_and_grads(&inputs, &GPU, |[h, m]: [Tensor<3>; 2]| {
            trm_kernels::add_rms_norm(h, m, 1e-5)
        });
        let cpu = value_and_grads(&inputs, &Device::flex(), |[h, m]: [Tensor<3>; 2]| {
            general::add_rms_norm(h, m, 1e-5)
        });
        assert_close(&gpu, &cpu, &format!("add_rms_norm {rows}×{width}"));
    }
}

#[test]
fn swiglu() {
    for (rows, width) in [(1, 1), (3, 7), (65, 256), (130, 341)] {
        let inputs = [data([rows, 2 * width], 1)];
        let gpu = value_and_grads(&inputs, &GPU, |[x]: [Tensor<2>; 1]| trm_kernels::swiglu(x));
        let cpu =
            value_and_grads(&inputs, &Device::flex(), |[x]: [Tensor<2>; 1]| general::swiglu(x));
        assert_close(&gpu, &cpu, &format!("swiglu {rows}×{width}"));
    }
}

#[test]
fn attention() {
    let sizes = [
        (1, 1, 1, 2),
        (2, 7, 3, 16),
        (1, 64, 4, 32),
        (2, 65, 6, 16),
        (1, 65, 1, 64),
        (3, 13, 2, 10),
        (1, 130, 2, 24),
    ];
    for (batch, seq, heads, head_dim) in sizes {
        for causal in [true, false] {
            let inputs = [data([batch, seq, 3 * heads * head_dim], 5)];
            let run = |device: &Device, fused: bool| {
                // Longer than the sequence, as in a model.
                let rope = trm_kernels::rope_table(seq + 3, head_dim, 10_000.0, device);
                value_and_grads(&inputs, device, |[qkv]: [Tensor<3>; 1]| {
                    if fused {
                        trm_kernels::attention(qkv * 3.0, rope.clone(), heads, causal)
                    } else {
                        general::attention(qkv * 3.0, rope.clone(), heads, causal)
                    }
                })
            };
            assert_close(
                &run(&GPU, true),
                &run(&Device::flex(), false),
                &format!("attention {batch}×{seq}, {heads} heads of {head_dim}, causal {causal}"),
            );
        }
    }
}

#[test]
fn cross_entropy() {
    for (rows, classes) in [(1, 1), (7, 3), (64, 65), (129, 130)] {
        let inputs = [data([rows, classes], 6)];
        // Every fifth row is ignored.
        let targets: Vec<i32> =
            (0..rows).map(|i| if i % 5 == 4 { -100 } else { (i * 7 % classes) as i32 }).collect();
        let run = |device: &Device, fused: bool| {
            let targets = TensorData::new(targets.clone(), [rows]);
            let targets = Tensor::<1, Int>::from_data(targets, device);
            value_and_grads(&inputs, device, |[x]: [Tensor<2>; 1]| {
                let (x, targets) = (x * 20.0, targets.clone());
                if fused {
                    trm_kernels::cross_entropy(x, targets)
                } else {
                    general::cross_entropy(x, targets)
                }
            })
        };
        assert_close(
            &run(&GPU, true),
            &run(&Device::flex(), false),
            &format!("cross_entropy {rows}×{classes}"),
        );
    }
}

#[test]
fn adamw() {
    let step = trm_kernels::AdamWStep {
        learning_rate: 1e-2,
        beta1: 0.9,
        beta2: 0.99,
        eps: 1e-8,
        weight_decay: 0.1,
        time: 3,
    };
    for shape in [[1, 1], [5, 7], [64, 66]] {
        let run = |device: &Device, fused: bool| {
            let tensor =
                |seed: u64, lift: f64| Tensor::<2>::from_data(data(shape, seed), device) + lift;
            // The second moment is a mean of squares.
            let moments = (tensor(3, 0.0), tensor(4, 1.5));
            let scale = Tensor::<1>::from_floats([0.7], device);
            let (p, (m, v)) = if fused {
                trm_kernels::adamw(tensor(1, 0.0), tensor(2, 0.0), moments, scale, step)
            } else {
                general::adamw(tensor(1, 0.0), tensor(2, 0.0), moments, scale, step)
            };
            [p, m, v].map(|t| vector(t.into_data())).to_vec()
        };
        assert_close(&run(&GPU, true), &run(&Device::flex(), false), &format!("adamw {shape:?}"));
    }
}

#[test]
fn adam_atan2() {
    let step = trm_kernels::AdamWStep {
        learning_rate: 1e-2,
        beta1: 0.9,
        beta2: 0.95,
        eps: 1e-8,
        weight_decay: 0.1,
        time: 3,
    };
    for shape in [[1, 1], [5, 7], [64, 66]] {
        let run = |device: &Device, fused: bool| {
            let tensor = |seed: u64| Tensor::<2>::from_data(data(shape, seed), device);
            // Some parameters have never had a gradient: their step is zero.
            let idle = tensor(5).lower_elem(-0.8);
            let moments = (tensor(3), tensor(4).square());
            let moments =
                (moments.0.mask_fill(idle.clone(), 0.0), moments.1.mask_fill(idle.clone(), 0.0));
            let gradient = tensor(2).mask_fill(idle, 0.0);
            let scale = Tensor::<1>::from_floats([0.7], device);
            let (p, (m, v)) = if fused {
                trm_kernels::adam_atan2(tensor(1), gradient, moments, scale, step)
            } else {
                general::adam_atan2(tensor(1), gradient, moments, scale, step)
            };
            [p, m, v].map(|t| vector(t.into_data())).to_vec()
        };
        let what = format!("adam_atan2 {shape:?}");
        assert_close(&run(&GPU, true), &run(&Device::flex(), false), &what);
    }
}

/// The update writes over its inputs only where nothing else holds them.
#[test]
fn adamw_leaves_shared_tensors_alone() {
    let step = trm_kernels::AdamWStep {
        learning_rate: 0.1,
        beta1: 0.9,
        beta2: 0.99,
        eps: 1e-8,
        weight_decay: 0.0,
        time: 1,
    };
    let tensor = |seed: u64| Tensor::<2>::from_data(data([8, 8], seed), &*GPU);
    let (parameter, gradient, moments) = (tensor(1), tensor(2), (tensor(3).abs(), tensor(4).abs()));
    let scale = Tensor::<1>::from_floats([1.0], &GPU);
    let update = || {
        let (p, _) = trm_kernels::adamw(
            parameter.clone(),
            gradient.clone(),
            moments.clone(),
            scale.clone(),
            step,
        );
        vector(p.into_data())
    };
    let first = update();
    assert_eq!(first, update());
    assert_eq!(vector(parameter.into_data()), numbers(64, 1));
    assert_ne!(first, numbers(64, 1));
}
