//! Writes a text that the crate carries to a file: `cargo run --release -p
//! trm-data --example export -- shakespeare FILE`.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, file] = arguments.as_slice() else {
        return Err("usage: export shakespeare FILE".into());
    };
    if name != "shakespeare" {
        return Err(format!("no text is called {name}; there is `shakespeare`").into());
    }
    let file = Path::new(file);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, trm_data::shakespeare())
        .map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(())
}
