//! What every store must do, as properties to run against each adapter. Owns the harness and the list; an adapter
//! brings a way to open itself on a clock that is turned by hand.
//!
//! ```ignore
//! mcp_orchestrator_testkit::store_suite!(my_subject); // async fn my_subject(dial: Dial) -> Subject
//! ```
#![expect(clippy::unwrap_used, reason = "a property fails by panicking, as a test does")]

mod append;
mod bucket;
mod create;
mod keep;
mod lease;
mod operate;
mod purge;
mod queue;
mod read;
mod sample;

use std::{
    any::Any,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use mcp_orchestrator_domain::Timestamp;
use mcp_orchestrator_store::{Now, Store};

pub use append::*;
pub use bucket::*;
pub use create::*;
pub use keep::*;
pub use lease::*;
pub use operate::*;
pub use purge::*;
pub use queue::*;
pub use read::*;
pub use sample::*;

/// A clock that is turned by hand, shared by all who have a clone.
#[derive(Clone, Debug)]
pub struct Dial(Arc<AtomicU64>);

impl Dial {
    /// A clock that stands at some moment of 2026.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_790_000_000_000)))
    }

    /// The time it shows.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    /// Turns it on.
    pub fn turn(&self, by: Duration) {
        self.0.fetch_add(mcp_orchestrator_domain::millis(by), Ordering::SeqCst);
    }

    /// As a store takes it.
    #[must_use]
    pub fn clock(&self) -> Now {
        let dial = self.clone();
        Arc::new(move || dial.now())
    }
}

impl Default for Dial {
    fn default() -> Self {
        Self::new()
    }
}

/// A store to be tested.
#[non_exhaustive]
pub struct Subject {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Its clock.
    pub dial: Dial,
    /// The same data as another process sees it, if the adapter can be shared. Dropped like a process that dies.
    pub peer: Option<Arc<dyn Store>>,
    /// Whether the end of a process is known at once, or only by the time its workers were last seen.
    pub notices_ends: bool,
    _keep: Box<dyn Any + Send + Sync>,
}

impl Subject {
    /// A store on a clock. `keep` lives as long as the subject: a folder, a server.
    pub fn new(store: impl Store, dial: Dial, keep: impl Any + Send + Sync) -> Self {
        Self { store: Arc::new(store), dial, peer: None, notices_ends: true, _keep: Box::new(keep) }
    }

    /// With a second handle on the same data.
    #[must_use]
    pub fn with_peer(mut self, peer: impl Store) -> Self {
        self.peer = Some(Arc::new(peer));
        self
    }

    /// Nothing but time tells that a process has ended.
    #[must_use]
    pub const fn with_ends_told_by_time(mut self) -> Self {
        self.notices_ends = false;
        self
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("dial", &self.dial).field("peer", &self.peer.is_some()).finish_non_exhaustive()
    }
}

/// Makes one `#[tokio::test]` of every property, for the adapter that `$subject`, an `async fn(Dial) -> Subject`, opens.
#[macro_export]
macro_rules! store_suite {
    ($subject:path) => {
        $crate::store_suite!(@each $subject;
            a_log_is_dense_from_one
            an_append_is_written_whole_or_not_at_all
            an_append_at_a_position_already_taken_conflicts
            an_append_after_a_position_not_reached_has_regressed
            an_append_after_another_record_than_its_writer_knows_has_regressed
            an_owner_whose_lease_is_lost_is_fenced
            an_ended_workflow_takes_no_append
            an_append_repeated_under_its_name_is_written_once
            an_append_to_an_unknown_workflow_is_refused
            an_append_without_records_is_refused
            concurrent_appends_at_one_position_have_one_winner
            an_outside_append_leaves_the_lease_to_its_owner
            a_workflow_is_created_with_its_records_and_summary
            a_taken_id_is_refused
            a_repeated_creation_answers_with_the_first_workflow
            a_repeated_creation_with_another_body_is_refused
            an_idempotency_key_belongs_to_one_principal
            concurrent_creations_under_one_key_make_one_workflow
            a_full_queue_refuses_a_creation
            a_repeated_creation_is_answered_by_a_full_queue
            overlapping_creations_do_not_exceed_the_bound
            a_page_is_bounded_and_says_where_the_log_ends
            the_heads_of_many_logs_come_in_the_order_asked_for
            the_lineage_of_a_record_is_the_same_wherever_it_is_told
            the_feed_has_one_order_over_all_workflows
            lists_filter_and_page_newest_first
            rows_show_who_runs_a_workflow
            an_append_is_hinted_at_after_it_is_stored
            ephemerals_reach_those_who_watch_and_are_not_stored
            a_lease_ends_by_time_and_is_claimed_with_a_higher_epoch
            a_renewed_lease_outlives_its_first_end
            a_released_workflow_is_claimable_at_once
            a_workflow_released_until_later_waits
            attempts_count_claims_since_there_was_progress
            a_lease_given_back_is_no_attempt
            a_worker_that_ends_is_replaced_at_once
            leases_are_never_given_twice
            a_claim_leaves_no_more_leases_than_it_allows
            leases_of_a_worker_that_ended_do_not_count
            overlapping_claims_do_not_exceed_the_cap
            an_urgent_workflow_is_claimed_first
            equals_are_claimed_in_their_order
            waiting_raises_a_workflow_one_level_a_minute
            late_workflows_are_claimed_before_queued_ones
            a_reserved_workflow_is_claimed_by_its_worker_only
            a_reservation_ends_with_its_worker
            a_claim_takes_only_what_the_worker_can_run
            a_claim_of_named_workflows_takes_those_that_are_ready
            a_waiting_workflow_is_claimable_after_an_append_asks
            a_requeued_workflow_is_claimable_from_its_moment_on
            an_ended_workflow_is_not_claimed
            work_that_comes_wakes_who_waits
            repair_makes_forsaken_workflows_claimable
            blobs_are_kept_once_under_their_hash
            blobs_belong_to_a_tenant
            blobs_that_were_named_before_they_were_put_are_kept
            small_records_are_versioned
            a_small_record_too_large_is_refused
            small_records_expire
            small_records_are_scanned_in_key_order
            a_bucket_gives_what_it_holds_and_refills
            a_bucket_pays_a_large_take_back
            a_bucket_never_gives_more_than_it_holds
            a_bucket_has_a_line_in_which_nobody_is_overtaken
            a_bucket_takes_back_what_was_not_used
            a_bucket_lets_only_the_last_in_line_leave_with_what_he_took
            a_bucket_answers_as_its_model_does
            purge_deletes_what_ended_and_keeps_what_runs
            purge_by_number_keeps_those_that_ended_last
            purge_by_size_keeps_those_that_ended_last
            purge_takes_nothing_that_has_not_ended
            purges_at_once_take_each_workflow_once
            purge_keeps_blobs_that_are_needed
            purge_takes_blobs_with_the_workflow_that_needed_them
            purge_keeps_blobs_a_fork_took_over
            purge_frees_ids_and_keys_and_keeps_the_feed_in_order
            check_finds_nothing_in_a_sound_store
            check_finds_a_blob_that_is_not_there
            standings_say_where_unfinished_workflows_are
            standings_show_that_a_worker_has_ended
            the_store_says_what_it_is
        );
    };
    (@each $subject:path; $($property:ident)*) => {
        $(
            #[tokio::test]
            async fn $property() {
                let dial = $crate::store_suite::Dial::new();
                $crate::store_suite::$property($subject(dial).await).await;
            }
        )*
    };
}
