//! Changing what a checkpoint says of itself, its weights untouched.

use std::collections::HashMap;

use anyhow::Context;
use safetensors::SafeTensors;
use trm_spec::{RunConfig, Vocab};

/// The weights of `checkpoint` as the beginning of a new run of `config`.
pub fn restart(checkpoint: &[u8], config: &RunConfig) -> anyhow::Result<Vec<u8>> {
    let config = serde_json::to_string(config)?;
    rewrite(checkpoint, &[("config", &config), ("step", "0"), ("metrics", "null")])
}

/// The same model with characters for its tokens.
pub fn with_vocab(checkpoint: &[u8], vocab: &Vocab) -> anyhow::Result<Vec<u8>> {
    rewrite(checkpoint, &[("vocab", &serde_json::to_string(vocab)?)])
}

fn rewrite(checkpoint: &[u8], entries: &[(&str, &str)]) -> anyhow::Result<Vec<u8>> {
    const WHOLE: &str = "the checkpoint is not a whole safetensors file";
    let (_, header) = SafeTensors::read_metadata(checkpoint).context(WHOLE)?;
    let mut pairs: HashMap<String, String> = header.metadata().clone().unwrap_or_default();
    pairs.extend(entries.iter().map(|(key, value)| ((*key).into(), (*value).into())));
    let tensors = SafeTensors::deserialize(checkpoint).context(WHOLE)?;
    Ok(safetensors::serialize(tensors.tensors(), Some(pairs))?)
}

#[cfg(test)]
mod tests {
    use safetensors::Dtype;
    use safetensors::tensor::TensorView;

    use super::*;

    #[test]
    fn entries_change_and_weights_do_not() {
        let weights = [1.0_f32, -2.0].map(f32::to_le_bytes).concat();
        let view = TensorView::new(Dtype::F32, vec![2], &weights).expect("a tensor");
        let pairs = [("format", "trm/1"), ("step", "7"), ("metrics", "{}")];
        let pairs = pairs.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let before = safetensors::serialize([("w", view)], Some(HashMap::from(pairs)))
            .expect("a checkpoint");

        let after = restart(&before, &RunConfig::default()).expect("rewritten");
        let (_, header) = SafeTensors::read_metadata(&after).expect("whole");
        let pairs = header.metadata().as_ref().expect("entries");
        assert_eq!((pairs["format"].as_str(), pairs["step"].as_str()), ("trm/1", "0"));
        let config: RunConfig = serde_json::from_str(&pairs["config"]).expect("a configuration");
        assert_eq!(config, RunConfig::default());
        let tensors = SafeTensors::deserialize(&after).expect("whole");
        assert_eq!(tensors.tensor("w").expect("there").data(), weights);
    }
}
