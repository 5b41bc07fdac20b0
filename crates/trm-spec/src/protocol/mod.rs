//! What the page asks of a session, and what it answers. One command is answered by
//! exactly one event; streams are pulled, chunk by chunk.

mod command;
mod event;
mod report;

pub use command::{Command, GenerateOptions};
pub use event::Event;
pub use report::{
    Backend, DepthLoss, DeviceInfo, Generated, Memory, RunSummary, Saved, StepReport,
};
