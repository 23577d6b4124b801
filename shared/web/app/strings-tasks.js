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

  // Values
  task: "Task", fromDue: "its due time", fromCompletion: "its completion", beforeWords: (words) => `${words} before`, atDue: "At the due time", nobody: "Nobody", space: "Space",

  // Waiting changes
  waitingChanges: (n) => `${count(n, "change is", "changes are")} waiting to be sent.`, decisions: (n) => `${count(n, "change needs", "changes need")} your attention.`, show: "Show",
  loggedOut: "You are logged out.", perhapsSent: "It may have been sent already. Look for it before you try again.",
};
