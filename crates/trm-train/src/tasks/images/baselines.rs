//! The models that a recursive head is compared with: trained on the same data and
//! features, with the same settings of training.

use trm_spec::{ModelSpec, RunConfig, TrmVitSpec, VitSpec};

use super::probe::ProbeSpec;

/// A model beside the recursive head.
#[derive(Clone, Debug)]
pub enum Baseline {
    /// A linear map of the features.
    LinearProbe(ProbeSpec),
    /// An MLP on the features, with as many parameters as the head.
    MlpProbe(ProbeSpec),
    /// The head with one inner and one outer step: the same parameters without
    /// recursion.
    OneStep(TrmVitSpec),
    /// A plain ViT on the pixels, with as many parameters as the head.
    PlainVit(VitSpec),
}

impl Baseline {
    /// What it is called in tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LinearProbe(_) => "linear probe",
            Self::MlpProbe(_) => "MLP probe",
            Self::OneStep(_) => "head with N = T = 1",
            Self::PlainVit(_) => "plain ViT",
        }
    }

    /// Those of a head of `spec` for `classes` classes.
    pub fn all(spec: &TrmVitSpec, classes: usize) -> Vec<Self> {
        let class_token = spec.vit_depth > 0;
        let input = [spec.patches(), spec.patch_features()];
        let width = if class_token { input[1] } else { input[0] * input[1] };
        let parameters = spec.parameters(classes);
        let hidden = (parameters / (width + classes + 1)).max(1);
        vec![
            Self::LinearProbe(ProbeSpec { input, class_token, hidden: 0 }),
            Self::MlpProbe(ProbeSpec { input, class_token, hidden }),
            Self::OneStep(TrmVitSpec { inner_steps: 1, outer_steps: 1, ..spec.clone() }),
            Self::PlainVit(plain_vit(spec, classes, parameters)),
        ]
    }

    /// The configuration of a run that trains it as `config` trains the head.
    pub fn config(&self, config: &RunConfig) -> RunConfig {
        let model = match self {
            // Probes have no configuration of their own; their runs are not saved.
            Self::LinearProbe(_) | Self::MlpProbe(_) => return one_readout(config.clone()),
            Self::OneStep(spec) => spec.clone().into(),
            Self::PlainVit(spec) => spec.clone().into(),
        };
        one_readout(RunConfig { model, ..config.clone() })
    }
}

/// Without weights for cycles that a model without recursion does not have.
fn one_readout(mut config: RunConfig) -> RunConfig {
    config.train.cycle_weights.clear();
    config.train.backprop_cycles = 0;
    config
}

/// A ViT of up to four blocks with the number of parameters nearest to `parameters`.
fn plain_vit(spec: &TrmVitSpec, classes: usize, parameters: usize) -> VitSpec {
    const HEADS: usize = 4;
    // Heads of an even width.
    let of = |n_layers: usize, half: usize| VitSpec {
        image_size: spec.image_size,
        num_channels: spec.num_channels,
        patch_size: spec.patch_size,
        hidden_size: 2 * HEADS * half,
        n_layers,
        num_heads: HEADS,
        intermediate_size: 4 * HEADS * half,
        ..VitSpec::default()
    };
    (1..=4)
        .rev()
        .flat_map(|layers| (1..=128).map(move |half| (layers, half)))
        .map(|(layers, half)| of(layers, half))
        .min_by_key(|vit| {
            let distance = vit.parameters(classes).abs_diff(parameters);
            // Deeper ones first where they are as near.
            (distance * 50 / parameters.max(1), usize::MAX - vit.n_layers)
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baselines_have_about_as_many_parameters_as_the_head() {
        let spec = TrmVitSpec::default();
        let wanted = spec.parameters(10);
        for baseline in Baseline::all(&spec, 10) {
            let found = match baseline {
                Baseline::LinearProbe(_) => continue,
                Baseline::MlpProbe(probe) => {
                    let input = probe.input[0] * probe.input[1];
                    probe.hidden * (input + 1) + 10 * (probe.hidden + 1)
                }
                Baseline::OneStep(spec) => spec.parameters(10),
                Baseline::PlainVit(vit) => {
                    assert!(vit.n_layers >= 2, "{vit:?}");
                    vit.parameters(10)
                }
            };
            assert!(found.abs_diff(wanted) * 5 <= wanted, "{found}, not {wanted}");
        }
    }
}
