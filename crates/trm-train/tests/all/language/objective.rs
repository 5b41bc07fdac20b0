//! What language models are trained for, where two ways of saying it are the same.

use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use trm_core::{Autoregressive, Engine};
use trm_spec::{Objective, RunConfig, TrainSpec};
use trm_train::{checkpointed, gradients};

use super::guards::{BLOCK, batch, collected, said};
use crate::support::expect_same;
use crate::support::kinds::{Check, Tasks, for_each, honest};

/// Cycles that are cut off from the only loss are not recorded; the gradients are those of all
/// cycles on the tape.
#[test]
fn detached_cycles_without_a_loss_change_no_gradient() {
    struct Detached;
    impl Check for Detached {
        fn check<M: Autoregressive>(
            &mut self,
            config: &RunConfig,
            build: &dyn Fn(&Device) -> M,
            new_task: Tasks<'_, M>,
        ) {
            let model = build(&Device::flex().autodiff());
            let batch = batch(2);
            let tensor = |tokens: &[u32]| -> Tensor<2, Int> {
                let tokens: Vec<i32> = tokens.iter().map(|&token| token as i32).collect();
                Tensor::from_data(TensorData::new(tokens, [2, BLOCK]), &model.device())
            };
            let context = model.encode(&tensor(&batch.inputs));
            let start = model.start(&context);
            let end = Engine::detached(3).run(&model, &context, start, |_, _| {});
            let logits = model.read(&end).logits;
            let [rows, length, classes] = logits.dims();
            let logits = logits.reshape([rows * length, classes]);
            let targets = tensor(&batch.targets).reshape([rows * length]);
            let loss = trm_kernels::cross_entropy(logits, targets).mean();
            let expected = GradientsParams::from_grads(loss.backward(), &model);
            let expected = collected(&model, &expected);

            let train = TrainSpec {
                detach_cycles: true,
                objective: Objective::LastCycle,
                ..config.train.clone()
            };
            let task = new_task(config.model.depth(), &train);
            for compute in [gradients::<M>, checkpointed::<M>] {
                let found = compute(&task, &model, &batch, 3, 1.0, &|_| {});
                // Nothing reaches a learned start.
                expect_same(&collected(&model, &found.grads), &expected, &said(config));
            }
        }
    }
    for_each(honest(), &mut Detached);
}
