/** Texts of conflicts and of the list of waiting changes. */
export const text = {
  conflictTitle: "This task has changed meanwhile", conflictHelp: "You and somebody else changed the same fields. Choose which version to keep.", myVersion: "Yours", theirVersion: "Theirs",
  empty: "Empty", saveChoice: "Save", decideLater: "Decide later", keepTask: "Leave the task as it is",
  changedMeanwhile: {
    complete: (title) => `“${title}” has changed since you completed it.`, skip: (title) => `“${title}” has changed since you skipped it.`,
    move: (title) => `“${title}” has changed since you moved it.`, delete: (title) => `“${title}” has changed since you deleted it.`,
  },
  anyway: { complete: "Complete anyway", skip: "Skip anyway", move: "Move anyway", delete: "Delete anyway" },
  fields: {
    title: "Title", description: "Description", status: "Status", priority: "Priority", category: "Category", tags: "Tags", due: "Due", recurrence: "Repeat", recurrence_from: "Repeat counts from",
    reminders: "Reminders", checklist: "Checklist", assigned_to: "Assigned to", auto_complete_after: "Completes by itself",
  },
  waitingTitle: "Changes that are not sent yet", retry: "Try again", decide: "Decide", discardChange: "Discard", nothingWaiting: "Everything was sent.",
  kinds: { create: "New task", patch: "Changed", complete: "Completed", reopen: "Reopened", snooze: "Snoozed", skip: "Skipped", move: "Moved", delete: "Deleted", comment: "Comment" },
  discardText: "What you entered is lost.",
};
