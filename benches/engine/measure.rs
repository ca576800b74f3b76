//! CPU and wall time of a piece of work.

use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};

/// What a piece of work took, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) cpu_us: f64,
    pub(crate) wall_us: f64,
}

/// Starts measuring; [`Watch::stop`] says what happened since.
pub(crate) struct Watch {
    cpu_us: f64,
    wall: Instant,
}

impl Watch {
    pub(crate) fn start() -> Self {
        Self { cpu_us: process_cpu_us(), wall: Instant::now() }
    }

    pub(crate) fn stop(&self) -> Cost {
        Cost { cpu_us: process_cpu_us() - self.cpu_us, wall_us: self.wall.elapsed().as_secs_f64() * 1e6 }
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds and nanoseconds of one process")]
fn process_cpu_us() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}
