//! Puts Tiny Shakespeare where the crate includes it from, if it is asked for.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "shakespeare")]
    if let Err(error) = shakespeare::prepare() {
        eprintln!("error: Tiny Shakespeare could not be prepared: {error}");
        std::process::exit(1);
    }
}

/// Takes the text out of a package that Cargo has locked and checked, and
/// refuses to build with any other bytes.
#[cfg(feature = "shakespeare")]
mod shakespeare {
    use std::error::Error;
    use std::fmt::Write as _;
    use std::path::{Path, PathBuf};
    use std::{env, fs};

    use cargo_metadata::{Metadata, MetadataCommand};
    use sha2::{Digest, Sha256};

    /// A package whose `dataset.txt` is Tiny Shakespeare, four spaces short.
    const PACKAGE: &str = "femto-gpt";

    const SHA256: &str = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed";

    /// The lines that lost their trailing spaces there, and as they are in the corpus.
    const STRIPPED: &str = "hither;\nAnd\nTwice being\nWas";
    const ORIGINAL: &str = "hither;\nAnd  \nTwice being  \nWas";

    pub fn prepare() -> Result<(), Box<dyn Error>> {
        println!("cargo::rustc-env=SHAKESPEARE_SHA256={SHA256}");
        let manifest = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("Cargo.toml");
        let metadata = metadata(&manifest)?;
        println!("cargo::rerun-if-changed={}", metadata.workspace_root.join("Cargo.lock"));

        let source = dataset(&metadata)?;
        let text = fs::read_to_string(&source)
            .map_err(|error| format!("{}: {error}", source.display()))?
            .replacen(STRIPPED, ORIGINAL, 1);
        let found = hex(&Sha256::digest(&text));
        if found != SHA256 {
            return Err(format!(
                "{} has sha256 {found} after the repair of its trailing spaces, but must have {SHA256}; \
                 is {PACKAGE} still the locked version?",
                source.display()
            )
            .into());
        }
        fs::write(PathBuf::from(env::var("OUT_DIR")?).join("shakespeare.txt"), text)?;
        Ok(())
    }

    /// What Cargo knows of the packages; the network is asked only when one is not here yet.
    fn metadata(manifest: &Path) -> Result<Metadata, Box<dyn Error>> {
        let run = |options: &[&str]| {
            MetadataCommand::new()
                .manifest_path(manifest)
                .other_options(options.iter().map(|&option| option.to_owned()).collect::<Vec<_>>())
                .exec()
        };
        run(&["--locked", "--offline"]).or_else(|_| run(&["--locked"])).map_err(|error| {
            format!(
                "cargo does not find the package {PACKAGE} ({error}); run `cargo fetch` with a network, then build again"
            )
            .into()
        })
    }

    fn dataset(metadata: &Metadata) -> Result<PathBuf, String> {
        let package = metadata.packages.iter().find(|package| package.name.as_str() == PACKAGE);
        let manifest = &package.ok_or(format!("{PACKAGE} is not in Cargo.lock"))?.manifest_path;
        Ok(manifest.with_file_name("dataset.txt").into_std_path_buf())
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}
