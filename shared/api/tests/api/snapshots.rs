//! The whole response of each function to its event file.

use serde_json::json;

use crate::support::World;

macro_rules! snapshots {
    ($($name:ident = $function:literal,)+) => {
        $(#[tokio::test]
        async fn $name() {
            let (world, ada, task) = World::seeded().await;
            let answer = world.send(&world.event($function, &ada, &task).await).await;
            let mut body = answer.body;
            for secret in ["access_token", "refresh_token"] {
                if let Some(value) = body.get_mut(secret) {
                    *value = json!("(another one each time)");
                }
            }
            let whole = json!({ "status": answer.status, "headers": answer.headers, "body": body });
            insta::assert_snapshot!(serde_json::to_string_pretty(&whole).expect("JSON"));
        })+
    };
}

snapshots! {
    register_user = "register-user",
    log_in = "log-in",
    refresh_session = "refresh-session",
    log_out = "log-out",
    get_profile = "get-profile",
    update_profile = "update-profile",
    unsubscribe = "unsubscribe",
    run_action = "run-action",
    verify_email = "verify-email",
    send_verification = "send-verification",
    forgot_password = "forgot-password",
    reset_password = "reset-password",
    snooze_task = "snooze-task",
    create_task = "create-task",
    list_tasks = "list-tasks",
    get_task = "get-task",
    update_task = "update-task",
    delete_task = "delete-task",
    complete_task = "complete-task",
    reopen_task = "reopen-task",
    list_task_reminders = "list-task-reminders",
    skip_task = "skip-task",
    list_task_occurrences = "list-task-occurrences",
    create_space = "create-space",
    list_spaces = "list-spaces",
    get_space = "get-space",
    update_space = "update-space",
    delete_space = "delete-space",
    list_members = "list-members",
    update_member = "update-member",
    remove_member = "remove-member",
    invite_member = "invite-member",
    accept_invitation = "accept-invitation",
    create_comment = "create-comment",
    list_comments = "list-comments",
    update_comment = "update-comment",
    delete_comment = "delete-comment",
    batch_tasks = "batch-tasks",
    list_invitations = "list-invitations",
    revoke_invitation = "revoke-invitation",
    become_operator = "become-operator",
    list_users = "list-users",
    get_user = "get-user",
    update_user = "update-user",
    create_notification = "create-notification",
    get_notification = "get-notification",
    list_tags = "list-tags",
    list_categories = "list-categories",
    get_stats = "get-stats",
    get_health = "get-health",
}
