//! Nonblocking messages. MPI reads and writes their buffers in the background, so each message
//! owns its buffer until it is complete.

use std::mem::ManuallyDrop;
use std::os::raw::c_int;
use std::ptr::from_ref;
use std::sync::Arc;

use ::mpi::ffi::{self, MPI_Request};
use ::mpi::traits::{AsRaw, Equivalence};
use trm_train::Shard;

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum Tag {
    /// Where a rank runs.
    Peer = 1,
    /// From rank 0: what to do.
    Command,
    /// To rank 0: the fingerprint that it asked for.
    Reply,
    /// From rank 0: a saved run.
    State,
    /// All of a shard but its gradients.
    Header,
    Gradients,
    /// Why the sender stopped.
    Failure,
}

/// Most elements of one call: MPI counts in `int`, and messages of over 2 GiB are where
/// implementations have defects.
const PART: usize = 1 << 28;

/// A nonblocking send or receive, and its buffer.
pub struct InFlight<B> {
    requests: Vec<MPI_Request>,
    buffer: ManuallyDrop<B>,
}

impl InFlight<Vec<u8>> {
    /// Sends bytes.
    pub fn bytes(bytes: Vec<u8>, to: usize, tag: Tag) -> Self {
        let requests = send(&bytes, to, tag);
        Self { requests, buffer: ManuallyDrop::new(bytes) }
    }
}

impl InFlight<Arc<Vec<u8>>> {
    /// Sends bytes that are sent to several ranks.
    pub fn shared(bytes: Arc<Vec<u8>>, to: usize, tag: Tag) -> Self {
        let requests = send(&bytes, to, tag);
        Self { requests, buffer: ManuallyDrop::new(bytes) }
    }
}

impl InFlight<Arc<Shard>> {
    /// Sends the gradients of a shard.
    pub fn gradients(shard: Arc<Shard>, to: usize) -> Self {
        let requests = send(&shard.gradients, to, Tag::Gradients);
        Self { requests, buffer: ManuallyDrop::new(shard) }
    }
}

impl<T: Equivalence + Copy + Default> InFlight<Vec<T>> {
    /// Receives a message of `length` elements.
    pub fn receive(length: usize, from: usize, tag: Tag) -> Self {
        let mut buffer = vec![T::default(); length];
        let parts = buffer.chunks_mut(PART);
        let requests = parts
            .map(|part| {
                // SAFETY: requests are handles, plain data of C.
                let mut request = unsafe { std::mem::zeroed() };
                // SAFETY: the part is valid memory of that many elements of that type. The
                // buffer is kept until the request is complete (see `Drop`), and nobody else
                // can reach it before.
                unsafe {
                    ffi::MPI_Irecv(
                        part.as_mut_ptr().cast(),
                        count(part.len()),
                        T::equivalent_datatype().as_raw(),
                        count(from),
                        tag as c_int,
                        ffi::RSMPI_COMM_WORLD,
                        &raw mut request,
                    );
                }
                request
            })
            .collect();
        Self { requests, buffer: ManuallyDrop::new(buffer) }
    }
}

impl<B> InFlight<B> {
    /// Whether the message was received or its buffer may be reused by the sender (`MPI_Test`,
    /// which also makes progress).
    pub fn is_complete(&mut self) -> bool {
        let mut done: c_int = 0;
        self.requests.retain_mut(|request| {
            // SAFETY: the request is active: complete ones are removed.
            unsafe {
                ffi::MPI_Test(&raw mut *request, &raw mut done, ffi::RSMPI_STATUS_IGNORE);
            }
            done == 0
        });
        self.requests.is_empty()
    }

    /// What was received, once it [is complete](Self::is_complete).
    pub fn buffer(mut self) -> Option<B> {
        if !self.requests.is_empty() {
            return None;
        }
        // SAFETY: `self` is forgotten, so the buffer is taken once.
        let buffer = unsafe { ManuallyDrop::take(&mut self.buffer) };
        std::mem::forget(self);
        Some(buffer)
    }
}

impl<B> Drop for InFlight<B> {
    fn drop(&mut self) {
        // Otherwise MPI may still use the buffer, whose memory is never given back then.
        if self.is_complete() {
            // SAFETY: taken nowhere else: `buffer` forgets `self`.
            unsafe { ManuallyDrop::drop(&mut self.buffer) }
        }
    }
}

fn send<T: Equivalence>(data: &[T], to: usize, tag: Tag) -> Vec<MPI_Request> {
    data.chunks(PART)
        .map(|part| {
            // SAFETY: requests are handles, plain data of C.
            let mut request = unsafe { std::mem::zeroed() };
            // SAFETY: the part is valid memory of that many elements of that type, on the heap;
            // the caller keeps its owner, unchanged, until the request is complete.
            unsafe {
                ffi::MPI_Isend(
                    from_ref(part).cast(),
                    count(part.len()),
                    T::equivalent_datatype().as_raw(),
                    count(to),
                    tag as c_int,
                    ffi::RSMPI_COMM_WORLD,
                    &raw mut request,
                );
            }
            request
        })
        .collect()
}

/// A number of MPI's, of at most [`PART`] elements or a rank.
fn count(number: usize) -> c_int {
    c_int::try_from(number).expect("parts and ranks are small")
}
