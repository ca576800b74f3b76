//! When a failed call may be tried again. Pure: jitter comes from the workflow's seed.

use std::time::Duration;

use mcp_orchestrator_domain::{CallNo, FailureClass, Retry, Timestamp};
use mcp_orchestrator_providers::Backoff;

/// How often a call waits for a service that is left alone because it keeps failing, beside its tries: with the pauses a
/// circuit breaker has by default, five minutes.
pub(crate) const PAUSES_MAX: u32 = 5;

/// A failed call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailedCall {
    pub(crate) class: FailureClass,
    pub(crate) retry_after: Option<Duration>,
    /// Failures of this call so far that count, this one included.
    pub(crate) failures: u32,
    pub(crate) retries_max: u16,
    pub(crate) seed: u64,
    pub(crate) call: CallNo,
}

/// When the call may be tried again, or `None`: never. A pause that ends after the deadline is never.
pub(crate) fn retry_at(failed: FailedCall, now: Timestamp, deadline: Option<Timestamp>) -> Option<Timestamp> {
    match failed.class.retry() {
        Retry::Never => return None,
        Retry::Backoff if failed.failures > u32::from(failed.retries_max) => return None,
        Retry::Pause if failed.failures > PAUSES_MAX => return None,
        Retry::Backoff | Retry::Pause | Retry::Park => {}
    }
    let luck = failed.seed ^ u64::from(failed.call.value()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let at = now.after(Backoff::default().pause(failed.failures, failed.retry_after, luck));
    deadline.is_none_or(|deadline| at < deadline).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(class: FailureClass, failures: u32) -> FailedCall {
        FailedCall { class, retry_after: None, failures, retries_max: 2, seed: 7, call: CallNo::new(3) }
    }

    #[test]
    fn a_rate_limit_waits_as_long_as_the_service_asks_and_never_gives_up_before_the_deadline() {
        let now = Timestamp::from_millis(1_000_000);
        let asked = FailedCall { retry_after: Some(Duration::from_secs(7)), ..failed(FailureClass::RateLimited, 50) };
        assert!(retry_at(asked, now, None).is_some_and(|at| at.since(now) >= Duration::from_secs(7)));
        assert_eq!(retry_at(asked, now, Some(now.after(Duration::from_secs(6)))), None);
    }

    #[test]
    fn no_pause_ends_at_the_deadline_or_after_it_and_none_is_shorter_than_was_asked() {
        let classes =
            [FailureClass::RateLimited, FailureClass::Overloaded, FailureClass::Network, FailureClass::Unavailable];
        let now = Timestamp::from_millis(1_000_000);
        for number in 0..20_000_u64 {
            let spread = |factor: u64, below: u64| number.wrapping_mul(factor) % below;
            let retry_after = (number % 3 > 0).then(|| Duration::from_millis(spread(7_919, 100_000)));
            let failures = u32::try_from(spread(31, 40)).unwrap_or(1) + 1;
            let class = classes[usize::try_from(number % 4).unwrap_or(0)];
            let call = FailedCall { retry_after, seed: number, ..failed(class, failures) };
            let deadline = now.after(Duration::from_millis(spread(104_729, 120_000)));
            let Some(at) = retry_at(call, now, Some(deadline)) else { continue };
            assert!(at < deadline && at.since(now) >= retry_after.unwrap_or(Duration::from_millis(500)), "{call:?}");
            assert_eq!(retry_at(call, now, Some(deadline)), Some(at), "the same in every run");
        }
    }

    #[test]
    fn network_errors_are_tried_again_only_so_often() {
        let now = Timestamp::from_millis(0);
        assert!(retry_at(failed(FailureClass::Network, 2), now, None).is_some());
        assert_eq!(retry_at(failed(FailureClass::Network, 3), now, None), None);
        assert_eq!(retry_at(failed(FailureClass::Auth, 1), now, None), None);
    }

    #[test]
    fn a_service_that_is_left_alone_is_waited_for_as_told_five_times() {
        let now = Timestamp::from_millis(0);
        let told = |failures| FailedCall {
            retry_after: Some(Duration::from_secs(60)),
            ..failed(FailureClass::Unavailable, failures)
        };
        assert!(retry_at(told(5), now, None).is_some_and(|at| at.since(now) >= Duration::from_secs(60)));
        assert_eq!(retry_at(told(6), now, None), None);
    }
}
