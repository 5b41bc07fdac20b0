//! The ranks after 0: they load the state of rank 0, and execute its commands.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

use anyhow::Context;
use pollster::block_on;
use serde_json::Value;
use trm_data::OpenedSource;
use trm_spec::{Failure, RunConfig};
use trm_train::{Run, Sharing, checkpoint};

use super::begin::{Begin, Command, Fingerprint};
use super::exchange::{Exchange, Times};
use super::link::{Link, Wait};
use super::transport::{InFlight, Tag};
use crate::args;
use crate::inputs::dataset;
use crate::inputs::frozen_base::BaseOnDisk;
use crate::machine::device::{self, OpenDevice};
use crate::plan;

/// Executes the commands of rank 0 until training is complete.
///
/// # Errors
/// If this rank has other settings or data than rank 0, its run fails, or another rank fails,
/// dies or sends nothing.
pub fn train(typed: &args::Train, link: &Rc<Link>) -> anyhow::Result<()> {
    let device = device::open(typed.device)?;
    let first: Begin = link.recv(0, Tag::Command)?;
    let files = [receive(link)?, receive(link)?];
    let mut run = load(typed, link, &first, &files, &device)?;
    drop(files);
    reply(link, run.as_ref())?;
    loop {
        match link.recv(0, Tag::Command)? {
            Command::Execute(command) => command.execute(run.as_mut())?,
            Command::Fingerprint => reply(link, run.as_ref())?,
            Command::Stop => return Ok(()),
        }
    }
}

/// Plans the run from what was typed here, compares it with rank 0's, and loads its state.
fn load(
    typed: &args::Train,
    link: &Rc<Link>,
    first: &Begin,
    [saved, optimizer]: &[Vec<u8>; 2],
    device: &OpenDevice,
) -> anyhow::Result<Box<dyn Run>> {
    let header = checkpoint::read_header(saved)?;
    let (config, data, base) = plan_here(typed, first, &header, device)?;
    Begin::new(&config, &data, &header.vocab)?.expect(first)?;
    let mut run = dataset::load_run(&data, saved, Some(optimizer), base.as_ref(), device)?;
    let times = Rc::new(Cell::new(Times::default()));
    run.set_sharing(Sharing::whole_batches(Exchange { link: Rc::clone(link), times }))?;
    Ok(run)
}

/// Settings, data and frozen base, as this rank has them.
fn plan_here(
    typed: &args::Train,
    first: &Begin,
    header: &checkpoint::Header,
    device: &OpenDevice,
) -> anyhow::Result<(RunConfig, OpenedSource, Option<BaseOnDisk>)> {
    let Some(folder) = &typed.resume else {
        let plan = plan::fresh(typed, device)?;
        let config = plan::as_decided(&plan.config, &header.config);
        return Ok((config, plan.data, plan.base));
    };
    // Only rank 0 needs the folder of the run.
    let config = plan::with_flags(&first.config, typed)?;
    let data = dataset::open(&config, typed.data.as_deref(), typed.as_text)?;
    let last: &Path = &folder.join("last.safetensors");
    let base = BaseOnDisk::of(header, last, typed.base.as_deref())?;
    Ok((config, data, base))
}

/// One of the two files of rank 0's run.
fn receive(link: &Link) -> anyhow::Result<Vec<u8>> {
    let length: usize = link.recv(0, Tag::State)?;
    let mut file = InFlight::<Vec<u8>>::receive(length, 0, Tag::State);
    link.wait(None, &mut || if file.is_complete() { Wait::Done } else { Wait::Data(0) })?;
    file.buffer().context("a message is not complete")
}

/// Sends rank 0 the fingerprint of this rank's state.
fn reply(link: &Link, run: &dyn Run) -> Result<(), Failure> {
    let saved = block_on(run.save(Value::Null))?;
    link.send(0, Tag::Reply, &Fingerprint::of(&saved)?);
    Ok(())
}
