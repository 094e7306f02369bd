//! A few threads and a bounded queue of work: what a plugin asks of the appliance is done here, so that one
//! plugin can keep only its own threads busy.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

type Work = Box<dyn FnOnce() + Send>;

/// Threads that wait for work. Dropping it ends them after the work that is queued.
pub struct Pool {
    queue: Option<SyncSender<Work>>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// So many threads with a queue of so many pieces of work.
    pub fn new(name: &str, threads: usize, queue: usize) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel::<Work>(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        let spawn = |_| {
            let receiver = Arc::clone(&receiver);
            Builder::new().name(name.to_owned()).spawn(move || work(&receiver))
        };
        let threads = (0..threads).map(spawn).collect::<Result<_, _>>()?;
        Ok(Self { queue: Some(sender), threads })
    }

    /// Takes a piece of work; false when the queue is full.
    pub fn take(&self, work: impl FnOnce() + Send + 'static) -> bool {
        let Some(queue) = &self.queue else { return false };
        !matches!(queue.try_send(Box::new(work)), Err(TrySendError::Full(_) | TrySendError::Disconnected(_)))
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue = None;
        let own = std::thread::current().id();
        for thread in self.threads.drain(..).filter(|thread| thread.thread().id() != own) {
            if thread.join().is_err() {
                log::error!("a thread that answered a plugin panicked");
            }
        }
    }
}

/// Takes one piece after another until the pool is dropped.
fn work(queue: &Mutex<Receiver<Work>>) {
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(next) = next else { return };
        next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn work_over_the_bound_is_turned_away_and_the_rest_is_done() {
        let pool = Pool::new("test", 1, 2).unwrap();
        let (release, wait) = channel::<()>();
        let (done, finished) = channel();
        let (began, begun) = channel();
        assert!(pool.take(move || {
            began.send(()).unwrap();
            wait.recv().unwrap();
        }));
        begun.recv().unwrap();
        for n in 0..2 {
            let done = done.clone();
            assert!(pool.take(move || done.send(n).unwrap()));
        }
        assert!(!pool.take(|| {}));
        release.send(()).unwrap();
        drop(pool);
        assert_eq!(finished.try_iter().collect::<Vec<_>>(), [0, 1]);
    }
}
