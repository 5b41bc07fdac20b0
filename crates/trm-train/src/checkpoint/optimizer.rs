//! The second file of a run: what only training needs. For every parameter,
//! flattened: `m.<name>` and `v.<name>` of AdamW, `muon.<name>` of Muon, and
//! `ema.<name>` where weights are averaged. A task may add what it carries from
//! one update to the next, under `carry.`. The header counts the updates, and under `times`
//! those of the parameters that have had fewer.

use std::collections::{BTreeMap, HashMap};

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;
use serde_json::{Map, Value};
use trm_data::checkpoint::{DAMAGED, metadata, refused, to_bytes, values};
use trm_spec::Failure;

use crate::optim::{Average, Moments, Updates};
use crate::parameters::collect;
use crate::transfer::host;

const FORMAT: &str = "trm-optim/1";
const CARRY: &str = "carry.";
const TIMES: &str = "times";

/// What training keeps beside the weights.
pub(crate) struct OptimizerState {
    /// Moments of the optimizer.
    pub updates: Updates,
    /// Averaged weights, where they are kept.
    pub average: Option<Average>,
}

/// The file of `step`.
pub(crate) async fn write(
    updates: &Updates,
    average: Option<&Average>,
    carry: Vec<(&str, Tensor<1>)>,
    step: usize,
) -> Result<Vec<u8>, Failure> {
    let (moments, time) = updates.state();
    let carry = carry.into_iter().map(|(name, value)| (format!("{CARRY}{name}"), value));
    let mut named: Vec<(String, Tensor<1>)> = carry.collect();
    let mut fewer = Map::new();
    for (name, moments) in moments {
        match moments.clone() {
            Moments::Adam { m, v, time: own } => {
                if own != time {
                    fewer.insert(name.clone(), own.into());
                }
                named.extend([(format!("m.{name}"), m), (format!("v.{name}"), v)]);
            }
            Moments::Muon { velocity } => named.push((format!("muon.{name}"), velocity)),
        }
    }
    for (name, value) in average.iter().flat_map(|average| average.values()) {
        named.push((format!("ema.{name}"), value.clone()));
    }
    let mut tensors = Vec::with_capacity(named.len());
    for (name, value) in named {
        let values = host(value).await?;
        tensors.push((name, vec![values.len()], values));
    }
    let pairs = [("format", FORMAT.into()), ("step", step.to_string()), ("time", time.to_string())];
    let pairs = pairs.into_iter().map(|(key, value)| (key.to_string(), value));
    let mut pairs: HashMap<_, _> = pairs.collect();
    if !fewer.is_empty() {
        pairs.insert(TIMES.into(), Value::Object(fewer).to_string());
    }
    to_bytes(&tensors, pairs)
}

/// Reads the file that belongs to `step` of `module`. A parameter that was never
/// updated has no moments in it.
pub(crate) fn read<M: Module>(
    bytes: &[u8],
    module: &M,
    step: usize,
    device: &Device,
) -> Result<OptimizerState, Failure> {
    let pairs = metadata(bytes, FORMAT)?;
    let number = |key: &str| {
        pairs
            .get(key)
            .and_then(|text| text.parse::<usize>().ok())
            .ok_or_else(|| refused(format!("the optimizer file has no `{key}`"), DAMAGED))
    };
    if number("step")? != step {
        return Err(refused(
            format!(
                "the optimizer file is of step {}, but the model is of step {step}",
                number("step")?
            ),
            "Use the two files of the same save, or continue without the optimizer file.",
        ));
    }
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|error| refused(format!("the optimizer file is not whole ({error})"), DAMAGED))?;
    let has = |name: &str| tensors.tensor(name).is_ok();
    let time = number("time")?;
    let fewer = fewer_updates(&pairs, time)?;
    let averaged = tensors.names().iter().any(|name| name.starts_with("ema."));
    let mut moments = BTreeMap::new();
    let mut average = BTreeMap::new();
    for named in collect(module) {
        let length = named.shape.iter().product::<usize>();
        let read = |kind: &str| {
            let name = format!("{kind}.{}", named.name);
            let values = values(&tensors, &name, &[length])?;
            Ok::<_, Failure>(Tensor::from_data(TensorData::new(values, [length]), device))
        };
        let name = &named.name;
        if has(&format!("muon.{name}")) {
            moments.insert(name.clone(), Moments::Muon { velocity: read("muon")? });
        } else if has(&format!("m.{name}")) || has(&format!("v.{name}")) {
            let time = fewer.get(name).copied().unwrap_or(time);
            moments.insert(name.clone(), Moments::Adam { m: read("m")?, v: read("v")?, time });
        }
        if averaged && named.trained {
            average.insert(name.clone(), read("ema")?);
        }
    }
    if time > 0 && moments.is_empty() {
        return Err(refused("the optimizer file belongs to another model", DAMAGED));
    }
    Ok(OptimizerState {
        updates: Updates::resume(moments, time),
        average: averaged.then(|| Average::resume(average)),
    })
}

/// Updates of the parameters that have had fewer than the model's `time`; files of earlier
/// versions state none.
fn fewer_updates(
    pairs: &HashMap<String, String>,
    time: usize,
) -> Result<BTreeMap<String, usize>, Failure> {
    let Some(text) = pairs.get(TIMES) else { return Ok(BTreeMap::new()) };
    let fewer: BTreeMap<String, usize> = serde_json::from_str(text)
        .map_err(|error| refused(format!("`{TIMES}` of the optimizer file: {error}"), DAMAGED))?;
    match fewer.iter().find(|(_, own)| !(1..=time).contains(*own)) {
        None => Ok(fewer),
        Some((name, own)) => Err(refused(
            format!("the optimizer file has {own} updates of {name}, but {time} in all"),
            DAMAGED,
        )),
    }
}

/// The numbers that a task carries under `name`, where there are any.
pub(crate) fn carried(bytes: &[u8], name: &str) -> Result<Option<Vec<f32>>, Failure> {
    let tensors = SafeTensors::deserialize(bytes)
        .map_err(|error| refused(format!("the optimizer file is not whole ({error})"), DAMAGED))?;
    let name = format!("{CARRY}{name}");
    let Ok(view) = tensors.tensor(&name) else { return Ok(None) };
    values(&tensors, &name, view.shape()).map(Some)
}
