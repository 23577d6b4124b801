const count = (n, one, many) => `${n.toLocaleString()} ${n === 1 ? one : many}`;

/** Texts of the lists, the editor, and changes that wait. */
export const text = {
  // Lists
  today: "Today", upcoming: "Upcoming", overdue: "Overdue", all: "All", assigned: "Assigned to me", search: "Search", personal: "Personal",
  tag: (name) => `#${name}`, category: (name) => name, earlier: "Overdue", noDue: "No due date", week: "Next 7 days", later: "Later",
  loading: "Loading", more: "Loading more tasks", tryAgain: "Try again",
  add: "Add a task", addButton: "Add", addHint: "Try: Pay rent 1 Jan 9am !high #home @Money *every month* ^30m", addTo: "Space of the new task",
  added: "Task added.", open: "Open", titleMissing: "A task needs a title.", notAdded: (title) => `“${title}” was not added.`,
  searchTasks: "Search tasks", sort: "Sort by", priorityFilter: "Priority", anyPriority: "Any priority", showCompleted: "Show completed",
  sorts: { due: "Due time", "-priority": "Priority", "-created": "Newest first", "-updated": "Last changed", title: "Title" },
  members: "Members", tasksShown: (n, more) => `${more ? "More than " : ""}${count(n, "task", "tasks")}`,
  nothing: {
    today: "Nothing is due today.", upcoming: "Nothing is planned.", overdue: "Nothing is overdue.", all: "There are no open tasks.",
    assigned: "No open task is assigned to you.", space: "This space has no open tasks.", tag: "No open task has this tag.",
    category: "No open task is in this category.", search: "Nothing was found.", query: "Enter what to search for.",
  },
  nothingHelp: "Add a task above. Press N from anywhere on this page.", missingSpace: "This space does not exist, or you are not a member.",

  // Rows
  complete: (title) => `Complete “${title}”`, reopen: (title) => `Reopen “${title}”`, snooze: "Snooze", skip: "Skip", remove: "Delete", edit: "Edit",
  actionsFor: (title) => `Actions for “${title}”`, waiting: "Waiting to be sent", steps: (done, all) => `${done} of ${all} done`, inProgress: "In progress",
  snoozedUntil: (words) => `Snoozed until ${words}`, assignee: (name) => name || "Another member",
  priorities: { low: "Low", medium: "Medium", high: "High", urgent: "Urgent" },
  priority: (name) => `${name} priority`,
  statuses: { pending: "Open", in_progress: "In progress", completed: "Completed" },

  // Actions
  completed: (title) => `“${title}” is completed.`, reopened: (title) => `“${title}” is open again.`, deleted: (title) => `“${title}” is deleted.`,
  skipped: (title) => `“${title}” moves to its next occurrence.`, snoozed: (title, words) => `“${title}” is snoozed until ${words}.`,
  undo: "Undo", tooLate: "It was sent already.", refused: (title, reason) => `“${title}”: ${reason}`,
  snoozeTitle: "Snooze until", snoozeHelp: "No reminder is sent before. Then you get one.", snoozeHour: "In 1 hour", snoozeEvening: "This evening",
  snoozeTomorrow: "Tomorrow morning", snoozeWeek: "Next Monday", snoozeOther: "Another time", pastTime: "Choose a time that is still to come.",
  keys: { new: "Add a task", search: "Search", next: "Next task", previous: "Previous task", complete: "Complete or reopen the task", edit: "Open the task", snooze: "Snooze the task", delete: "Delete the task", save: "Save" },

  // Editor
  back: "Back", task: "Task", title: "Title", description: "Description", status: "Status", priorityLabel: "Priority", categoryLabel: "Category", tagsLabel: "Tags",
  tagsHelp: "Separate tags by commas.", due: "Due date", time: "Time", timeHelp: "Without a time, the task is due all day.", zone: "Time zone", clear: "Clear",
  repeat: "Repeat", noRepeat: "Does not repeat", freqs: { HOURLY: "Hourly", DAILY: "Daily", WEEKLY: "Weekly", MONTHLY: "Monthly", YEARLY: "Yearly" }, customRule: "Custom rule",
  every: "Every", units: { HOURLY: "hours", DAILY: "days", WEEKLY: "weeks", MONTHLY: "months", YEARLY: "years" }, onDays: "On", monthlyOn: "On which day", ends: "Ends",
  endNever: "Never", endCount: "After a number of times", endUntil: "On a date", times: "Number of times", rule: "Rule (RRULE)", from: "The next one counts from",
  fromDue: "its due time", fromCompletion: "its completion",
  reminders: "Reminders", addReminder: "Add a reminder", reminderKind: "Kind of reminder", before: "before it is due", at: "at a time", amount: "Amount", unit: "Unit", reminderTime: "Time of the reminder",
  minutes: "minutes", hours: "hours", days: "days", weeks: "weeks", beforeWords: (words) => `${words} before`, atDue: "At the due time", removeReminder: "Remove this reminder",
  reminderHelp: "For a task without a time, reminders count back from 09:00.",
  checklist: "Checklist", addItem: "Add an item", item: "Item", itemDone: (title) => `Done: ${title}`, removeItem: "Remove this item", moveUp: "Move up", moveDown: "Move down",
  assignedTo: "Assigned to", nobody: "Nobody", space: "Space", autoComplete: "Complete by itself", autoCompleteAfter: "After", autoHelp: "Counts from the last change; in a series from the due time.",
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

  // Conflicts and waiting changes
  conflictTitle: "This task has changed meanwhile", conflictHelp: "You and somebody else changed the same fields. Choose which version to keep.", myVersion: "Yours", theirVersion: "Theirs",
  empty: "Empty", saveChoice: "Save", decideLater: "Decide later", keepTask: "Leave the task as it is",
  changedMeanwhile: { delete: (title) => `“${title}” has changed since you deleted it.`, skip: (title) => `“${title}” has changed since you skipped it.` },
  anyway: { delete: "Delete anyway", skip: "Skip anyway" },
  fields: {
    title: "Title", description: "Description", status: "Status", priority: "Priority", category: "Category", tags: "Tags", due: "Due", recurrence: "Repeat", recurrence_from: "Repeat counts from",
    reminders: "Reminders", checklist: "Checklist", assigned_to: "Assigned to", auto_complete_after: "Completes by itself",
  },
  waitingChanges: (n) => `${count(n, "change is", "changes are")} waiting to be sent.`, decisions: (n) => `${count(n, "change needs", "changes need")} your attention.`, show: "Show",
  waitingTitle: "Changes that are not sent yet", retry: "Try again", decide: "Decide", discardChange: "Discard", nothingWaiting: "Everything was sent.",
  kinds: { create: "New task", patch: "Changed", complete: "Completed", reopen: "Reopened", snooze: "Snoozed", skip: "Skipped", move: "Moved", delete: "Deleted", comment: "Comment" },
  discardText: "What you entered is lost.", loggedOut: "You are logged out.",
};
