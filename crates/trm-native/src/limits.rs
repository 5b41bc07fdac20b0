//! When a run stops before its last step: someone asked, or its time is up.

use std::time::{Duration, Instant};

use crate::interrupt::Interrupt;

/// What may stop a run that would go on.
pub struct Limits {
    interrupt: Interrupt,
    deadline: Option<Instant>,
}

/// Why a run stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Asked,
    TimeUp,
}

impl Limits {
    /// `time` counts from now on.
    pub fn new(interrupt: Interrupt, time: Option<Duration>) -> Self {
        Self { interrupt, deadline: time.and_then(|time| Instant::now().checked_add(time)) }
    }

    /// Why to stop now, if there is a reason.
    pub fn reached(&self) -> Option<Reason> {
        if self.interrupt.asked() {
            return Some(Reason::Asked);
        }
        self.left().is_some_and(|left| left.is_zero()).then_some(Reason::TimeUp)
    }

    /// Time until the deadline, where there is one.
    pub fn left(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_up_only_where_there_is_a_deadline() {
        let limits = |seconds: Option<u64>| {
            Limits::new(Interrupt::default(), seconds.map(Duration::from_secs))
        };
        assert_eq!(limits(None).reached(), None);
        assert_eq!(limits(Some(1000)).reached(), None);
        assert_eq!(limits(Some(0)).reached(), Some(Reason::TimeUp));
        // A deadline beyond the end of time is none.
        assert_eq!(limits(Some(u64::MAX)).left(), None);
    }
}
