//! The `log` facade and panics, as lines in the host's log. A thread belongs to the plugin that started it;
//! in a process of its own, where there is one plugin only, so do all other threads.

use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::sync::{Arc, Once, PoisonError, RwLock};

use crate::shared::Shared;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Shared>>> = const { RefCell::new(None) };
}
static PROCESS: RwLock<Option<Arc<Shared>>> = RwLock::new(None);
static LINES: Lines = Lines;

struct Lines;

impl log::Log for Lines {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &log::Record<'_>) {
        if let Some(shared) = current() {
            shared.log(record.level(), record.target(), &record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// Until dropped, this thread's lines go to that plugin's host.
pub struct Entered(Option<Arc<Shared>>);

/// Begins that.
pub fn enter(shared: &Arc<Shared>) -> Entered {
    Entered(CURRENT.replace(Some(Arc::clone(shared))))
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// Makes that plugin the process's only one.
pub fn own_process(shared: &Arc<Shared>) {
    *PROCESS.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(shared));
}

/// Ends that.
pub fn leave_process() {
    *PROCESS.write().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Takes over lines and panics, once in a process.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A test that brought a logger of its own keeps it.
        if log::set_logger(&LINES).is_ok() {
            log::set_max_level(log::LevelFilter::Info);
        }
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| match current() {
            Some(shared) => shared.log(log::Level::Error, "panic", &described(panic)),
            None => before(panic),
        }));
    });
}

fn current() -> Option<Arc<Shared>> {
    // The cell is gone while its thread ends.
    let of_thread = CURRENT.try_with(|current| current.borrow().clone()).ok().flatten();
    of_thread.or_else(|| PROCESS.read().unwrap_or_else(PoisonError::into_inner).clone())
}

fn described(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
    let payload = panic.payload();
    let said =
        payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    format!("the plugin's code panicked{place}: {}", said.unwrap_or("without a text"))
}
