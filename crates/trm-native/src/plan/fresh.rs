//! Plans a new run: preset < configuration file < flags, and possibly the weights of
//! a checkpoint.

use std::path::{Path, PathBuf};

use trm_data::{ARC, OpenedSource};
use trm_spec::{Failure, RunConfig, Setting, differences};
use trm_train::checkpoint::{self, Header};

use super::config::{file_for_flags, with_flags};
use super::notes;
use super::types::{Start, Train};
use crate::args;
use crate::inputs::dataset;
use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device::OpenDevice;
use crate::presets;
use crate::run_dir::read_checkpoint;
use crate::terminal::report::usage;

/// The settings and the data of a new run.
pub struct Base {
    pub config: RunConfig,
    /// Name of the preset, file or model, after which the run's folder is named.
    pub name: String,
    /// Where the settings come from, for people to read.
    pub origin: String,
    pub data: OpenedSource,
    /// The frozen model that the run is trained on top of.
    pub frozen: Option<BaseOnDisk>,
    /// The checkpoint whose weights the run starts from, if any.
    initial: Option<(Header, Vec<u8>)>,
}

/// Combines preset, configuration file and flags.
///
/// # Errors
/// If a file cannot be read or the settings do not fit together.
pub fn base(typed: &args::Train, device: &OpenDevice) -> anyhow::Result<Base> {
    let initial = typed.init.as_deref().map(read_checkpoint).transpose()?;
    let default = if device.is_gpu { presets::ON_GPU } else { presets::ON_CPU };
    let (base, name, origin) = match (&typed.preset, &typed.config, &initial) {
        (Some(name), ..) => (presets::config(name)?, name.clone(), format!("preset {name}")),
        (None, Some(path), _) => {
            let config = file_for_flags(path, typed)?;
            (config, stem(path), path.display().to_string())
        }
        (None, None, Some((header, _))) => {
            (header.config.clone(), "run".into(), "settings of the checkpoint".into())
        }
        (None, None, None) => (
            presets::config(default)?,
            default.into(),
            format!("preset {default} (the default for {})", device.name),
        ),
    };
    let mut config = with_flags(&base, typed)?;
    let (name, origin) = match of_other_model(&base, &config, typed, &origin) {
        Some(origin) => (config.model.name().to_owned(), origin),
        None => (name, origin),
    };
    let frozen = match (&typed.base, &initial, &typed.init) {
        (Some(path), ..) => Some(BaseOnDisk::read(path)?),
        (None, Some((header, _)), Some(init)) if on_bases_alike(&header.config, &config) => {
            BaseOnDisk::of(header, init, None)?
        }
        _ => None,
    };
    if let Some(base) = &frozen {
        let fitted = trm_train::on_base(&config, &base.file())?;
        // `vit_depth 0` means all blocks of the base.
        let typed = |setting: &&Setting| {
            setting.key != "vit_depth" && typed.settings.iter().any(|(s, _)| s.key == setting.key)
        };
        if let Some(setting) = differences(&config, &fitted).find(typed) {
            return Err(usage!(
                "--{}: {} decides this setting; leave it out",
                setting.key.replace('_', "-"),
                base.path().display()
            ));
        }
        config = fitted;
    }
    let mut data = dataset::open(&config, typed.data.as_deref(), typed.as_text)?;
    let tokenizer = typed.settings.iter().any(|(setting, _)| setting.key == "tokenizer");
    data.complete(&mut config, tokenizer).map_err(Failure::from)?;
    Ok(Base { config, name, origin, data, frozen, initial })
}

/// Where the settings of `config` come from if `--variant` names another model than that of
/// `base`, whose settings are then those of no preset and no file.
fn of_other_model(
    base: &RunConfig,
    config: &RunConfig,
    typed: &args::Train,
    origin: &str,
) -> Option<String> {
    let (model, other) = (config.model.name(), base.model.name());
    let asked_for = typed.preset.is_some() || typed.config.is_some();
    (model != other).then(|| match asked_for {
        true => format!("defaults of `{model}` ({origin} describes `{other}`)"),
        false => format!("defaults of `{model}`"),
    })
}

/// Plans a run that starts at step 0.
///
/// # Errors
/// As [`base`]; also if the weights do not fit the settings.
pub fn fresh(typed: &args::Train, device: &OpenDevice) -> anyhow::Result<Train> {
    let Base { config, name, origin, data, frozen, initial } = base(typed, device)?;
    let mut notes: Vec<String> = notes::of_schedule(&config).into_iter().collect();
    if let Some(base) = &frozen
        && let Ok(header) = checkpoint::read_header(base.file().bytes)
    {
        notes.extend(notes::of_base(&header.config, &config, base.path()));
    }
    let out = typed.out.clone().unwrap_or_else(|| free_folder(&name));
    let (start, origin) = match initial {
        None => (Start::Fresh, origin),
        Some((header, bytes)) => {
            same_shape(&header.config, &config)?;
            let init = typed.init.as_deref().unwrap_or(Path::new(""));
            // Test grids of ARC are never learned from.
            let listed = data.path().is_some_and(Path::is_file) && data.name() != ARC;
            notes.extend(notes::of_held_out(&header.config, &config, listed, init));
            (Start::Init { checkpoint: bytes }, format!("{origin}, weights of {}", init.display()))
        }
    };
    let inputs = [&typed.config, &typed.data, &typed.init];
    let inputs = inputs.into_iter().flatten().map(PathBuf::as_path);
    let inputs = inputs.chain(frozen.as_ref().map(BaseOnDisk::path)).map(Path::to_owned).collect();
    Ok(Train { start, origin, config, data, base: frozen, out, inputs, notes })
}

/// Whether both are models on a frozen base, of one kind.
fn on_bases_alike(one: &RunConfig, other: &RunConfig) -> bool {
    let (one, other) = (&one.model, &other.model);
    one.name() == other.name() && one.reads_base() && other.reads_base()
}

/// Refuses settings whose model has other weights than the checkpoint.
fn same_shape(checkpoint: &RunConfig, config: &RunConfig) -> anyhow::Result<()> {
    let (from, to) = (&checkpoint.model, &config.model);
    if from.name() != to.name() {
        return Err(usage!(
            "--init: the checkpoint holds a `{}` model, but the settings describe a `{}` model; without a preset the checkpoint's settings are used",
            from.name(),
            to.name()
        ));
    }
    let differing: Vec<_> = (from.sizes().into_iter().zip(to.sizes()))
        .filter(|((_, from), (_, to))| from != to)
        .map(|((key, from), (_, to))| format!("{key} {from}, not {to}"))
        .collect();
    if !differing.is_empty() {
        return Err(usage!(
            "--init: the checkpoint has {}; without a preset the checkpoint's settings are used",
            differing.join(", ")
        ));
    }
    Ok(())
}

/// The first folder of that name under `runs` that does not exist yet.
fn free_folder(name: &str) -> PathBuf {
    let runs = Path::new("runs");
    let numbered = (2..).map(|number| runs.join(format!("{name}-{number}")));
    std::iter::once(runs.join(name))
        .chain(numbered)
        .find(|path| !path.exists())
        .unwrap_or_else(|| runs.join(name))
}

fn stem(path: &Path) -> String {
    path.file_stem().map_or_else(|| "run".into(), |stem| stem.to_string_lossy().into_owned())
}
