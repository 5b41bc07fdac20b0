//! Whose tensors these are, by their names, and what to say about one that is missing.

use trm_spec::closest;

/// Names that a message lists.
const LISTED: usize = 6;

/// Known projects: names that tell them, what they are called, and the format of
/// `trm-native convert`, if it reads them. The first that fits counts.
const PROJECTS: [(&[&str], &str, Option<&str>); 14] = [
    (&["lora_A", "lora_B"], "a LoRA adapter (peft)", Some("peft")),
    (&["H_level.", "L_level."], "HRM, the Hierarchical Reasoning Model", None),
    (&["L_level.", "H_init"], "the official TRM", Some("samsung-trm")),
    (&["backbone.", "linearIn"], "TRM-ViT's published code", Some("trm-vit")),
    (&["blk.0.", "token_embd"], "llama.cpp (GGUF)", Some("gguf")),
    (&["transformer.h.0.", "transformer.wte"], "GPT-2 or nanoGPT", None),
    (&["h.0.attn.c_attn"], "GPT-2", None),
    (&["gpt_neox."], "GPT-NeoX", None),
    (&["bert."], "BERT", None),
    (&["patch_embeddings."], "a ViT of Hugging Face", Some("hf-vit")),
    (&["cls_token", "patch_embed.proj"], "a ViT of timm", None),
    (&["self_attn.q_proj", "mlp.gate_proj"], "a Llama decoder of Hugging Face", Some("hf-llama")),
    (&["layers.0.attention.wq"], "a Llama decoder of Meta", None),
    (&["conv1.weight", "layer1.0."], "a ResNet", None),
];

/// The project whose tensors have such names, and the format of `convert` that reads it.
pub fn project<'a>(names: &[&'a str]) -> Option<(&'static str, Option<&'static str>)> {
    let has = |part: &&str| names.iter().any(|name: &&'a str| name.contains(*part));
    let found = PROJECTS.iter().find(|(parts, ..)| parts.iter().all(has))?;
    Some((found.1, found.2))
}

/// What tensors there are, and whose they look like.
pub fn described(names: &[&str]) -> String {
    let mut sorted = names.to_vec();
    sorted.sort_unstable();
    let more = sorted.len().saturating_sub(LISTED);
    let listed = sorted.iter().take(LISTED).map(|name| format!("`{name}`"));
    let listed = listed.collect::<Vec<_>>().join(", ");
    let dots = if more > 0 { format!(" and {more} more") } else { String::new() };
    let whose = project(names)
        .map_or_else(String::new, |(name, _)| format!("; by their names they are of {name}"));
    match names.len() {
        0 => "the file has no tensors".into(),
        count => format!("the file has {count} tensors: {listed}{dots}{whose}"),
    }
}

/// That the tensor `name` is missing, the nearest names, and what is there instead.
pub fn missing(name: &str, names: &[&str]) -> String {
    let nearest = closest(name, names.iter().copied())
        .map_or_else(String::new, |near| format!(" (the nearest is `{near}`)"));
    format!("tensor `{name}` is missing{nearest}; {}", described(names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_are_known_by_their_names() {
        let gpt = ["transformer.h.0.attn.c_attn.weight", "transformer.wte.weight"];
        assert_eq!(project(&gpt), Some(("GPT-2 or nanoGPT", None)));
        let llama =
            ["model.layers.0.self_attn.q_proj.weight", "model.layers.0.mlp.gate_proj.weight"];
        assert_eq!(project(&llama).and_then(|(_, format)| format), Some("hf-llama"));
        assert_eq!(project(&["a", "b"]), None);
    }

    #[test]
    fn what_is_missing_comes_with_what_is_there() {
        let text = missing("layers.0.weight", &["layers.0.weights", "b"]);
        for words in
            ["`layers.0.weight` is missing", "nearest is `layers.0.weights`", "2 tensors", "`b`"]
        {
            assert!(text.contains(words), "{text}");
        }
        assert!(missing("a", &[]).contains("no tensors"));
    }
}
