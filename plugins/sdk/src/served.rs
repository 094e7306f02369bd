//! Which API request a thread is answering, so that what it writes meanwhile can name it (the treaty's
//! `Statements::request`). A thread of the plugin's own answers none.

use std::cell::RefCell;

thread_local! {
    static SERVED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// The thread answers that request until this is dropped.
pub struct Serving;

/// Notes the request that this thread answers from now on.
pub fn enter(request: &str) -> Serving {
    SERVED.with_borrow_mut(|served| request.clone_into(served));
    Serving
}

/// The request that this thread answers; empty: none.
pub fn current() -> String {
    SERVED.with_borrow(String::clone)
}

impl Drop for Serving {
    fn drop(&mut self) {
        SERVED.with_borrow_mut(String::clear);
    }
}
