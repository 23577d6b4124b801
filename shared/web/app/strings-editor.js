import { text as texts } from "./strings-tasks.js";

/** Texts of the editor, of comments and of the delivery log, with those of the lists. */
export const text = {
  ...texts,
  back: "Back", title: "Title", description: "Description", status: "Status", priorityLabel: "Priority", categoryLabel: "Category", tagsLabel: "Tags",
  tagsHelp: "Separate tags by commas.", due: "Due date", time: "Time", timeHelp: "Without a time, the task is due all day.", zone: "Time zone", clear: "Clear",
  repeat: "Repeat", noRepeat: "Does not repeat", freqs: { HOURLY: "Hourly", DAILY: "Daily", WEEKLY: "Weekly", MONTHLY: "Monthly", YEARLY: "Yearly" }, customRule: "Custom rule",
  every: "Every", units: { HOURLY: "hours", DAILY: "days", WEEKLY: "weeks", MONTHLY: "months", YEARLY: "years" }, onDays: "On", monthlyOn: "On which day", ends: "Ends",
  endNever: "Never", endCount: "After a number of times", endUntil: "On a date", times: "Number of times", rule: "Rule (RRULE)", from: "The next one counts from",

  reminders: "Reminders", addReminder: "Add a reminder", reminderKind: "Kind of reminder", before: "before it is due", at: "at a time", amount: "Amount", unit: "Unit", reminderTime: "Time of the reminder",
  minutes: "minutes", hours: "hours", days: "days", weeks: "weeks", removeReminder: "Remove this reminder",
  reminderHelp: "For a task without a time, reminders count back from 09:00.",
  checklist: "Checklist", addItem: "Add an item", item: "Item", itemDone: (title) => `Done: ${title}`, removeItem: "Remove this item", moveUp: "Move up", moveDown: "Move down",
  assignedTo: "Assigned to", autoComplete: "Complete by itself", autoCompleteAfter: "After", autoHelp: "Counts from the last change; in a series from the due time.",
  autoAt: (words) => `Completes itself: ${words}.`, planning: "Planning", organize: "Details",
  save: "Save", discard: "Discard changes", unsaved: "Unsaved changes", saved: "Saved.", savedHere: "Saved on this device. It is sent when there is a connection.",
  restored: "Your unsaved changes of this task were restored.", changedByOther: "Somebody else has changed this task. What you have changed is kept.",
  gone: "This task does not exist any more, or you have no access to it.", readOnly: "You can read this space, but not change its tasks.", checkFields: "Some fields are not valid.",
  deleteTask: "Delete task", completeTask: "Complete", reopenTask: "Reopen", created: (words, name) => `Created ${words}${name ? ` by ${name}` : ""}`, updated: (words) => `changed ${words}`,
  completedAt: (words, timer) => `completed ${words}${timer ? " by itself" : ""}`,
  comments: "Comments", noComments: "There are no comments.", comment: "Comment", addComment: "Add comment", commentEmpty: "Write something first.", editComment: "Edit", deleteComment: "Delete",
  deleteCommentText: "The comment is deleted for everybody.", edited: "edited", cancel: "Cancel", olderComments: "Show more",
  occurrences: "Next occurrences", noOccurrences: "This is the last one.", nextTask: "Open the next occurrence", log: "Delivery log", noLog: "No reminder is planned.",

  // Delivery log
  logStatus: { scheduled: "Planned for", claimed: "Is being sent", sent: "Sent", skipped: "Not sent", failed: "Could not be sent", uncertain: "May have been sent" },
  feedback: { delivered: "delivered", bounced: "returned by the mail server of the recipient", complained: "marked as spam by the recipient" },
  attempts: (n) => `after ${n} attempts`, twice: "it may have arrived more than once",
  reasons: {
    past_when_set: "its time had passed when it was set", task_completed: "the task was completed", too_old: "it could not be sent within a day", mail_off: "the recipient has turned off these emails",
    unverified: "the address is not verified", bounced: "an earlier email was returned", complained: "an earlier email was marked as spam", snoozed: "the task was snoozed", no_recipient: "the account does not exist any more",
    account_disabled: "the account is blocked", refused: "the mail service refused it", replaced: "the task was changed", no_access: "the recipient has no access to the task", nothing_due: "nothing was due",
    too_many_mails: "the daily limit of emails was reached", not_delivered: "only the recipient sees why",
  },
  autoLog: { scheduled: "Automatic completion planned for", done: "Completed by itself", skipped: "Automatic completion not needed: a person completed the task" },
};
