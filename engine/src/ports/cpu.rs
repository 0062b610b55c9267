//! Where heavy decisions are computed: away from the threads that carry everybody else's commands.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

/// Something to compute.
pub type Work = Box<dyn FnOnce() + Send>;

/// Where work is done. What it hands back is the work's own business; how much may wait is the engine's
/// ([`Limits::heavy_max`](crate::Limits::heavy_max)).
pub trait Cpu: Send + Sync + 'static {
    /// Does `work` as soon as there is a processor for it.
    fn run(&self, work: Work);
}

/// Does the work at once, on the thread that asks: simulations, tests, and hosts that have few heavy commands.
#[derive(Debug, Default)]
pub struct Inline;

impl Cpu for Inline {
    fn run(&self, work: Work) {
        work();
    }
}

/// How much the threads stand back, on the scale of nice(2): a flood of heavy commands must not hold up those who only
/// read. Measured by the readers' 99th percentile in `benches/load/run sign-in`.
#[cfg(target_os = "linux")]
const NICE: i32 = 8;

/// Threads of the engine's own. They end when this is dropped and all work is done. On Linux they leave the processors
/// to other threads first; elsewhere there is no such thing for one thread.
#[derive(Debug)]
pub struct CpuThreads {
    queue: Sender<Work>,
}

impl CpuThreads {
    /// So many threads; at least one.
    ///
    /// # Errors
    /// The operating system's, if a thread cannot be started.
    pub fn new(threads: usize) -> io::Result<Self> {
        let (queue, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for n in 0..threads.max(1) {
            let waiting = waiting.clone();
            thread::Builder::new().name(format!("strongroom-cpu-{n}")).spawn(move || serve(&waiting))?;
        }
        Ok(Self { queue })
    }
}

fn serve(waiting: &Mutex<Receiver<Work>>) {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::warn!(%error, "threads for heavy commands do not stand back");
    }
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            Ok(work) => work(),
            Err(_) => return,
        }
    }
}

impl Cpu for CpuThreads {
    fn run(&self, work: Work) {
        // The threads end only after this.
        let _ = self.queue.send(work);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_done_in_order_and_elsewhere() {
        let cpu = CpuThreads::new(1).unwrap();
        let (done, finished) = channel();
        for n in 0..100 {
            let done = done.clone();
            cpu.run(Box::new(move || done.send((n, thread::current().id())).unwrap()));
        }
        drop((cpu, done));
        let order: Vec<_> = finished.iter().collect();
        assert!(order.iter().map(|(n, _)| *n).eq(0..100));
        assert!(order.iter().all(|(_, id)| *id != thread::current().id()));
    }
}
