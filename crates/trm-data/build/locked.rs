//! Data files of packages that Cargo has locked, fetched and checked, and never
//! compiles. Any other bytes than the expected ones stop the build.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// The file `name` of the package `package`.
pub struct Locked {
    package: &'static str,
    path: PathBuf,
}

impl Locked {
    /// Finds the file; the network is asked only when the package is not here yet.
    pub fn find(package: &'static str, name: &str) -> Result<Self, Box<dyn Error>> {
        let metadata = metadata(&["--locked", "--offline"])
            .or_else(|_| metadata(&["--locked"]))
            .map_err(|error| {
                format!(
                    "cargo does not find the package {package} ({error}); run `cargo fetch` with a network, then build again"
                )
            })?;
        let root = metadata["workspace_root"].as_str().ok_or("cargo names no workspace")?;
        println!("cargo::rerun-if-changed={}", Path::new(root).join("Cargo.lock").display());
        let packages = metadata["packages"].as_array().ok_or("cargo names no packages")?;
        let manifest = packages
            .iter()
            .find(|entry| entry["name"] == package)
            .and_then(|entry| entry["manifest_path"].as_str())
            .ok_or(format!("{package} is not in Cargo.lock"))?;
        Ok(Self { package, path: Path::new(manifest).with_file_name("").join(name) })
    }

    /// The bytes of the file.
    pub fn read(&self) -> Result<Vec<u8>, Box<dyn Error>> {
        Ok(fs::read(&self.path).map_err(|error| format!("{}: {error}", self.path.display()))?)
    }

    /// Refuses `bytes`, which were read from the file, if they have another digest;
    /// `after` says what was done to them.
    pub fn check(&self, bytes: &[u8], sha256: &str, after: &str) -> Result<(), Box<dyn Error>> {
        let found = Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        });
        if found == sha256 {
            return Ok(());
        }
        Err(format!(
            "{} has sha256 {found}{after}, but must have {sha256}; is {} still the locked version?",
            self.path.display(),
            self.package
        )
        .into())
    }
}

/// Writes what the crate includes.
pub fn write(name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    Ok(fs::write(PathBuf::from(env::var("OUT_DIR")?).join(name), bytes)?)
}

/// What Cargo knows of the packages.
fn metadata(options: &[&str]) -> Result<Value, Box<dyn Error>> {
    let manifest = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("Cargo.toml");
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--manifest-path"])
        .arg(manifest)
        .args(options)
        .output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}
