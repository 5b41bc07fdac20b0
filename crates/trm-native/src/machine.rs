//! The computer: devices, memory, and signals such as Ctrl-C.

pub mod allocator;
pub mod device;
pub mod interrupt;
pub mod memory;
