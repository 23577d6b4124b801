//! What every store must do, as tests that run against each of them. [`contract_tests!`] makes one test
//! of each function here.
//!
//! [`contract_tests!`]: crate::contract_tests

mod accounts;
mod others;
mod spaces;
mod tasks;

use taskbell_domain::{credential::Credential, ports::*, task::Task, user::User};

pub use accounts::*;
pub use others::*;
pub use spaces::*;
pub use tasks::*;

/// All store ports together.
pub trait Store:
    Accounts
    + AccessChanges
    + Redemptions
    + Registrations
    + Credentials
    + SuppressedAddresses
    + Sessions
    + RateLimits
    + SpaceChanges
    + Comments
    + TaskCreation
    + TaskChanges
    + StatisticsUpdates
    + StatisticsReads
    + Notifications
    + Digests
    + Timers
{
}
impl<T> Store for T where
    T: Accounts
        + AccessChanges
        + Redemptions
        + Registrations
        + Credentials
        + SuppressedAddresses
        + Sessions
        + RateLimits
        + SpaceChanges
        + Comments
        + TaskCreation
        + TaskChanges
        + StatisticsUpdates
        + StatisticsReads
        + Notifications
        + Digests
        + Timers
{
}

async fn register(store: &impl Store, user: &User) -> Registered {
    let credential = Credential { user: user.id, password_hash: "a hash".to_owned() };
    store.register(user, &credential, None).await.expect("an answer")
}

async fn create(store: &impl Store, task: &Task) {
    assert_eq!(store.create(task, None, None).await.expect("an answer"), Created::Stored);
}

/// Makes one test of each function of the contract. `$store` is an async expression that gives a store
/// and whatever must live as long as it does.
#[macro_export]
macro_rules! contract_tests {
    ($store:expr) => {
        $crate::contract_tests!($store =>
            a_registered_account_is_read_back_whole
            an_address_belongs_to_one_account
            an_account_is_made_together_with_its_first_mail
            a_code_is_used_up_together_with_what_it_does
            a_session_opens_if_the_password_is_still_the_one_that_was_checked
            an_address_without_an_account_can_refuse_mail
            a_profile_changes_only_at_the_version_that_was_read
            what_somebody_does_is_counted_in_each_window
            accounts_are_found_by_the_beginning_of_their_address
            what_is_taken_back_does_not_count
            a_user_is_blocked_and_unblocked
            a_refresh_token_works_once
            a_task_is_read_back_whole
            a_task_changes_only_at_the_version_that_was_read
            a_completion_and_the_next_occurrence_are_stored_together
            a_task_is_counted_once_as_it_is_now
            an_idempotency_key_creates_one_task
            a_change_with_a_key_is_made_once
            whatever_is_made_under_a_key_is_made_once
            lists_are_sorted_filtered_and_paged
            a_list_goes_on_only_behind_a_place_in_it
            assigned_tasks_are_found_across_spaces
            a_space_is_known_to_its_members
            members_join_change_and_leave
            a_purge_leaves_nothing_of_a_space_and_all_of_others
            comments_are_paged_changed_and_deleted_with_their_task
            a_notification_is_read_back_whole_and_has_a_timer
            a_digest_moves_with_the_profile_and_changes_with_its_notification
            timers_are_found_until_a_moment_and_move_with_their_task
            a_shard_with_more_timers_than_a_page_holds_is_read_to_its_end
            pages_of_three_hold_everything_once
            a_clock_that_is_behind_begins_no_window_anew
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
