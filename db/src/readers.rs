//! A fixed number of read-only connections, lent to one reader at a time.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::connection;
use crate::error::Error;
use crate::scope::Scoped;
use crate::views::Views;

/// The connections that are not lent at the moment.
pub(crate) struct Readers {
    state: Mutex<State>,
    returned: Condvar,
    patience: Duration,
}

struct State {
    idle: Vec<Scoped>,
    lent: usize,
    is_open: bool,
}

/// A lent connection; it goes back by itself, also when the reader panics.
pub(crate) struct Lease<'p> {
    readers: &'p Readers,
    conn: Option<Scoped>,
}

impl Readers {
    /// Opens `count` connections; a reader waits for `patience` at most to get one.
    pub(crate) fn open(
        file: &Path,
        count: usize,
        patience: Duration,
        views: &Arc<Views>,
    ) -> rusqlite::Result<Self> {
        let open = |_| Scoped::new(connection::reader(file)?, Arc::clone(views));
        let idle = (0..count.max(1)).map(open).collect::<rusqlite::Result<_>>()?;
        Ok(Self {
            state: Mutex::new(State { idle, lent: 0, is_open: true }),
            returned: Condvar::new(),
            patience,
        })
    }

    /// Lends a connection.
    pub(crate) fn lend(&self) -> Result<Lease<'_>, Error> {
        let none_idle = |state: &mut State| state.is_open && state.idle.is_empty();
        let waited = self.returned.wait_timeout_while(self.lock(), self.patience, none_idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        if !state.is_open {
            return Err(Error::Closed);
        }
        let Some(conn) = state.idle.pop() else { return Err(self.too_long()) };
        state.lent += 1;
        Ok(Lease { readers: self, conn: Some(conn) })
    }

    /// Closes what is idle now and what is lent on its return, and waits for that as long as it may: only where the writer's
    /// connection is the last one to close does the file stand alone afterwards.
    pub(crate) fn close(&self, limit: Duration) {
        let mut state = self.lock();
        state.is_open = false;
        state.idle.clear();
        self.returned.notify_all();
        // A read that takes longer loses nothing: the next start finds what it needs all the same.
        drop(self.returned.wait_timeout_while(state, limit, |state| state.lent > 0));
    }

    fn take_back(&self, conn: Scoped) {
        let mut state = self.lock();
        if state.is_open {
            state.idle.push(conn);
        } else {
            // Before it counts as returned.
            drop(conn);
        }
        state.lent -= 1;
        self.returned.notify_all();
    }

    fn too_long(&self) -> Error {
        Error::busy(format_args!(
            "Nothing was read because all readers of the database were occupied for {} s; try again in a moment.",
            self.patience.as_secs()
        ))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lease<'_> {
    /// The connection, with a snapshot begun; the snapshot ends when the lease does.
    pub(crate) fn snapshot(&self) -> Result<&Scoped, Error> {
        let Some(conn) = &self.conn else { return Err(Error::Closed) };
        conn.execute_batch("BEGIN")?;
        Ok(conn)
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        if !conn.is_autocommit()
            && let Err(error) = conn.execute_batch("ROLLBACK")
        {
            log::error!(
                "Ending a read of the database was refused ({error}); restart the service if reads keep failing."
            );
        }
        self.readers.take_back(conn);
    }
}
