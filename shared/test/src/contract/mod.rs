//! The store contract: what every store must do. [`contract_tests!`] turns each function into a test of one store.
//!
//! [`contract_tests!`]: crate::contract_tests

mod account_changes;
mod account_deletions;
mod accounts;
mod api_tokens;
mod comments;
mod feeds;
mod idempotency;
mod lists;
mod live;
mod moves;
mod notifications;
mod pages;
mod rate_limits;
mod registrations;
mod second_factors;
mod sessions;
mod spaces;
mod statistics;
mod tasks;
mod timers;

use taskbell_domain::{
    credential::Credential, ports::*, statistics::Contribution, task::Task, user::User,
};

pub use account_changes::*;
pub use account_deletions::*;
pub use accounts::*;
pub use api_tokens::*;
pub use comments::*;
pub use feeds::*;
pub use idempotency::*;
pub use lists::*;
pub use live::*;
pub use moves::*;
pub use notifications::*;
pub use pages::*;
pub use rate_limits::*;
pub use registrations::*;
pub use second_factors::*;
pub use sessions::*;
pub use spaces::*;
pub use statistics::*;
pub use tasks::*;
pub use timers::*;

/// The limit of pages that a test reads, so that a cursor that does not advance fails the test.
const MAX_PAGES: usize = 1_000;

/// All store ports together.
pub trait Store:
    Accounts
    + AccountStates
    + AccountDeletions
    + ApiTokens
    + ApiTokenChanges
    + SecondFactorChanges
    + Redemptions
    + PasswordChanges
    + EmailChanges
    + Registrations
    + RegistrationInvitations
    + Credentials
    + SuppressedAddresses
    + Sessions
    + RateLimits
    + SpaceChanges
    + Comments
    + TaskCreation
    + TaskMoves
    + TaskImports
    + StatisticsUpdates
    + StatisticsReads
    + Notifications
    + Digests
    + Timers
    + FeedChanges
    + FeedReads
    + LiveConnections
{
}
impl<T> Store for T where
    T: Accounts
        + AccountStates
        + AccountDeletions
        + ApiTokens
        + ApiTokenChanges
        + SecondFactorChanges
        + Redemptions
        + PasswordChanges
        + EmailChanges
        + Registrations
        + RegistrationInvitations
        + Credentials
        + SuppressedAddresses
        + Sessions
        + RateLimits
        + SpaceChanges
        + Comments
        + TaskCreation
        + TaskMoves
        + TaskImports
        + StatisticsUpdates
        + StatisticsReads
        + Notifications
        + Digests
        + Timers
        + FeedChanges
        + FeedReads
        + LiveConnections
{
}

async fn register(store: &impl Store, user: &User) -> Registered {
    let credential = Credential { user: user.id, password_hash: "a hash".to_owned() };
    store.register(user, &credential, None).await.expect("an answer")
}

async fn create(store: &impl Store, task: &Task) {
    assert_eq!(store.create(task, None, None).await.expect("an answer"), Created::Stored);
}

/// Turns each function of the contract into a test. `$store` is an async expression for a store and a value that is dropped
/// after the test.
#[macro_export]
macro_rules! contract_tests {
    ($store:expr) => {
        $crate::contract_tests!($store =>
            a_registered_account_is_read_back
            an_email_address_belongs_to_one_account
            an_account_is_created_together_with_its_first_mail
            a_code_is_redeemed_together_with_its_effect
            a_password_is_changed_together_with_its_session
            an_address_is_moved_and_the_previous_one_reserved
            an_address_is_moved_only_to_a_free_one
            an_address_is_restored_once
            reserved_addresses_are_free_once_the_account_is_deleted
            a_session_opens_only_with_the_password_that_was_verified
            an_address_without_an_account_can_be_suppressed
            a_profile_is_replaced_only_at_the_expected_version
            requests_are_counted_per_key_limit_and_window
            accounts_are_found_by_the_prefix_of_their_address
            a_request_that_is_taken_back_is_not_counted
            a_user_is_blocked_and_unblocked
            a_refresh_token_works_until_its_successor_is_used
            an_account_is_deleted_with_its_password_and_leaves_a_record
            what_belongs_to_a_user_and_to_no_space_is_deleted
            a_second_factor_is_replaced_only_at_the_expected_version
            a_second_factor_is_confirmed_and_removed_together_with_the_profile
            a_session_opens_only_with_the_second_factor_that_was_checked
            all_sessions_but_one_are_closed
            sessions_are_listed_and_all_but_one_are_closed
            an_api_token_is_stored_with_its_notifications
            api_tokens_are_listed_with_the_day_of_their_last_use
            a_task_is_read_back_with_all_fields
            a_task_is_replaced_and_deleted_only_at_the_expected_revision
            a_completion_and_the_next_occurrence_are_stored_together
            a_task_moves_only_while_both_spaces_and_the_members_remain
            a_moved_task_is_listed_and_counted_in_its_new_space_only
            a_purge_leaves_tasks_that_have_moved
            a_task_is_imported_unless_it_exists
            a_task_is_counted_once_in_its_latest_version
            tasks_are_counted_together_as_each_by_itself
            statistics_of_a_deleted_space_stay_deleted
            an_idempotency_key_creates_one_task
            a_change_with_an_idempotency_key_happens_once
            a_refused_creation_does_not_use_up_its_idempotency_key
            an_idempotency_key_creates_one_resource_of_any_kind
            lists_are_sorted_filtered_and_paged
            a_list_starts_only_after_a_position_inside_it
            assigned_tasks_are_found_across_spaces
            a_space_is_visible_to_its_members_only
            members_join_change_roles_and_leave
            an_address_is_invited_until_its_invitations_have_ended
            the_inviters_of_an_address_begin_with_an_operator
            a_purge_deletes_one_space_and_nothing_of_others
            comments_are_paged_changed_and_deleted_with_their_task
            a_notification_is_read_back_and_has_a_timer
            a_digest_is_rescheduled_with_the_profile_and_stored_with_its_notification
            timers_are_found_up_to_a_time_and_change_with_their_task
            a_shard_with_more_timers_than_one_page_is_read_completely
            pages_contain_every_item_once
            a_slow_clock_does_not_restart_a_window
            a_feed_has_every_change_once_and_in_order
            a_feed_is_followed_from_before_its_newest_entries
            a_feed_is_not_followed_from_before_a_long_pause
            a_position_in_a_feed_expires_with_the_entries_after_it
            a_feed_that_has_ended_takes_no_more_changes
            connections_are_replaced_at_the_expected_version_only
            connections_of_several_users_are_found
            the_user_of_a_connection_is_known_until_it_is_forgotten
        );
    };
    ($store:expr => $($name:ident)+) => {
        $(#[tokio::test]
        async fn $name() {
            let (store, _alive) = $store.await;
            $crate::contract::$name(&store).await;
        })+
    };
}

/// Records the contribution of one task.
///
/// # Errors
/// Those of the store.
pub async fn record_one(
    store: &impl StatisticsUpdates,
    contribution: &Contribution,
) -> Result<(), PortError> {
    store.record_contributions(std::slice::from_ref(contribution)).await
}
