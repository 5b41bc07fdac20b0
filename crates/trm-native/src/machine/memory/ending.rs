//! An allocation that fails: the folder of the run becomes what it was, and the program
//! ends with a message.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::{Cell, UnsafeCell};
use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use std::{fs, thread};

use trm_train::shown_bytes;

/// A run that has saved no step yet.
pub struct Unbegun {
    folder: PathBuf,
    /// What lay in its folder before; none if there was no folder.
    before: Option<HashSet<OsString>>,
}

/// The run whose traces go if memory runs out.
static UNBEGUN: Mutex<Option<Unbegun>> = Mutex::new(None);

/// Says that a new run writes into its folder, and has saved no step yet.
pub fn begins(run: Unbegun) {
    if let Ok(mut unbegun) = UNBEGUN.lock() {
        *unbegun = Some(run);
    }
}

/// Says that the run has saved a step: its folder is worth keeping.
pub fn has_begun() {
    if let Ok(mut unbegun) = UNBEGUN.lock() {
        *unbegun = None;
    }
}

impl Unbegun {
    /// A run that is about to use `folder`.
    pub fn of(folder: &Path) -> Self {
        let entries = fs::read_dir(folder).ok();
        let names = |entries: fs::ReadDir| entries.flatten().map(|entry| entry.file_name());
        let before = entries.map(|entries| names(entries).collect());
        Self { folder: folder.to_owned(), before }
    }

    /// Removes what the run wrote; says whether all of it is gone.
    fn remove(&self) -> bool {
        let Some(before) = &self.before else {
            return fs::remove_dir_all(&self.folder).is_ok() || !self.folder.exists();
        };
        let Ok(entries) = fs::read_dir(&self.folder) else { return false };
        let new = entries.flatten().filter(|entry| !before.contains(&entry.file_name()));
        // Each of them, also after one that cannot be removed.
        new.filter(|entry| fs::remove_file(entry.path()).is_err()).count() == 0
    }
}

/// How often the traces of a run are removed: other threads may be writing there still.
const TRIES: usize = 20;

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// How long another thread without memory waits for the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// An allocator that ends the program where `A` has no memory left.
pub struct Ending<A>(pub A);

/// Whether the program is ending already.
static ENDING: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread ends the program: then it lives on the [`RESERVE`].
    static ENDS: Cell<bool> = const { Cell::new(false) };
}

/// Bytes that are left for the end: paths, a list of files and a message.
const RESERVED: usize = 1 << 20;

/// Memory for the thread that ends the program. Nothing of it is given back.
struct Reserve {
    bytes: UnsafeCell<[u8; RESERVED]>,
    used: AtomicUsize,
}

// SAFETY: every part of the bytes is given away once only, by `used`.
unsafe impl Sync for Reserve {}

static RESERVE: Reserve =
    Reserve { bytes: UnsafeCell::new([0; RESERVED]), used: AtomicUsize::new(0) };

impl Reserve {
    fn take(&self, layout: Layout) -> *mut u8 {
        let start = self.bytes.get().cast::<u8>();
        let wanted = layout.size() + layout.align();
        let from = self.used.fetch_add(wanted, Ordering::Relaxed);
        if wanted > RESERVED || from > RESERVED - wanted {
            return ptr::null_mut();
        }
        // SAFETY: `from + wanted` bytes lie inside, and the alignment takes less than one.
        unsafe {
            let free = start.add(from);
            free.add(free.align_offset(layout.align()))
        }
    }

    fn holds(&self, pointer: *mut u8) -> bool {
        let start = self.bytes.get() as usize;
        (start..start + RESERVED).contains(&(pointer as usize))
    }
}

/// What is left for an allocation that failed, if the program is ending.
#[cold]
fn without(layout: Layout) -> *mut u8 {
    if ENDS.try_with(Cell::get).unwrap_or(false) {
        return RESERVE.take(layout);
    }
    if ENDING.swap(true, Ordering::SeqCst) {
        // Without memory a thread would break the process before it has ended.
        thread::sleep(PATIENCE);
        return ptr::null_mut();
    }
    let _ = ENDS.try_with(|ends| ends.set(true));
    end(layout.size())
}

fn end(size: usize) -> ! {
    for _ in 0..TRIES {
        let gone =
            UNBEGUN.try_lock().is_ok_and(|unbegun| unbegun.as_ref().is_none_or(Unbegun::remove));
        if gone {
            break;
        }
        thread::sleep(PAUSE);
    }
    crate::terminal::report::line(format_args!(
        "error: out of memory: {} more were needed\nhint: Lower batch_size (--batch-size), or choose a smaller model.",
        shown_bytes(size as f64)
    ));
    std::process::exit(1);
}

// SAFETY: every call goes to `A`, whose results are handed on as they are, but for the
// memory of the reserve, which is never given to `A`.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Ending<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let pointer = unsafe { self.0.alloc(layout) };
        if pointer.is_null() { without(layout) } else { pointer }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if !RESERVE.holds(pointer) {
            // SAFETY: as the caller promises.
            unsafe { self.0.dealloc(pointer, layout) }
        }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as the caller promises.
        let pointer = unsafe { self.0.alloc_zeroed(layout) };
        // The reserve is zeroed, and nothing of it is used twice.
        if pointer.is_null() { without(layout) } else { pointer }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !RESERVE.holds(pointer) {
            // SAFETY: as the caller promises.
            let new = unsafe { self.0.realloc(pointer, layout, size) };
            if !new.is_null() {
                return new;
            }
        }
        let Ok(wanted) = Layout::from_size_align(size, layout.align()) else {
            return ptr::null_mut();
        };
        let new = without(wanted);
        if !new.is_null() {
            // SAFETY: both hold as many bytes, and the new ones are of the reserve.
            unsafe { ptr::copy_nonoverlapping(pointer, new, layout.size().min(size)) };
        }
        new
    }
}
