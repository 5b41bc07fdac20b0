//! The front end's generated files are what this crate says today.

#[path = "../examples/generate/presets.rs"]
mod presets;
#[path = "../examples/generate/render.rs"]
mod render;

#[test]
fn checked_in_files_are_fresh() {
    for (name, fresh) in render::files().expect("the presets resolve") {
        let path = render::web_gen().join(name);
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == fresh,
            "web/src/gen/{name} is stale; run `cargo run --release -p trm-spec --example generate`"
        );
    }
}

#[test]
fn no_other_file_lies_beside_them() {
    let known = render::files().expect("the presets resolve").map(|(name, _)| name.to_owned());
    for entry in std::fs::read_dir(render::web_gen()).expect("the folder exists") {
        let name = entry.expect("readable").file_name().into_string().expect("UTF-8");
        assert!(known.contains(&name), "web/src/gen/{name} is written by nobody");
    }
}

#[test]
fn types_use_numbers_and_optional_fields() {
    let [(_, types), ..] = render::files().expect("the presets resolve");
    assert!(!types.contains("bigint"), "64-bit integers cross as numbers");
    for declaration in [
        "attention?: Array<Array<Array<Array<number>>>>",
        "checkpoint: Uint8Array",
        "optimizer: Uint8Array | null",
        "data: DataSource | null",
        "top?: Array<",
        "logits?: Array<Array<Array<number>>>, }",
        "halt: Array<number> | null",
        r#"{ "variant": "chat_trm" } & ChatTrmSpec"#,
    ] {
        assert!(types.contains(declaration), "types.ts lacks `{declaration}`");
    }
}
