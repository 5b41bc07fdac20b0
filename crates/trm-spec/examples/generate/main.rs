//! Writes the front end's generated files: `cargo run --release -p trm-spec
//! --example generate`. A test compares what is checked in with what this writes.

mod presets;
mod render;

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = render::web_gen();
    std::fs::create_dir_all(&folder)?;
    let folder = folder.canonicalize()?;
    for (name, text) in render::files()? {
        std::fs::write(folder.join(name), text)?;
        println!("{}", folder.join(name).display());
    }
    Ok(())
}
