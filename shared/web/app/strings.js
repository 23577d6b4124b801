// All texts of the app, in the order of its parts. Dates are not here: `Intl` writes them. To translate the app, replace these texts, the
// attribute `lang` of index.html, and the words that quick-add.js reads.

/** The language of the texts. */
export const LANGUAGE = "en";

function locale() {
  try {
    return `${LANGUAGE}-${new Intl.Locale(navigator.language).maximize().region}`;
  } catch {
    return LANGUAGE; // no browser, or one with a language such as "en-US@posix"
  }
}

/** Their language as it is written in the region of the browser: 23:00 or 11:00 PM, the day or the month first. */
export const LOCALE = locale();

const count = (n, one, many) => `${n.toLocaleString(LOCALE)} ${n === 1 ? one : many}`;

const UNIT = { HOURLY: "hour", DAILY: "day", WEEKLY: "week", MONTHLY: "month", YEARLY: "year" };

/** Texts of the frame and of the account pages. */
export const text = {
  // Frame
  skip: "Skip to content", menu: "Menu", mainNavigation: "Main", close: "Close", cancel: "Cancel", loading: "Loading", tryAgain: "Try again",
  today: "Today", upcoming: "Upcoming", overdue: "Overdue", all: "All", assigned: "Assigned to me", spaces: "Spaces", manageSpaces: "Manage spaces",
  statistics: "Statistics", profile: "Profile", operators: "Operators", logOut: "Log out", logIn: "Log in",
  keys: "Keyboard shortcuts", keysOn: "Use keyboard shortcuts", keyHelp: "Show the keyboard shortcuts", keyUndo: "Undo, while it is offered", openPage: (page) => `Open “${page}”`,

  unsentTitle: "Log out and lose changes?", unsentText: "Some changes were not saved, or not sent yet. They are lost.",
  newVersion: "A new version is available.", reload: "Reload",
  offline: "No connection. You see what was stored on this device.", stillLoggedIn: "You are still logged in.",
  noPage: "This page could not be loaded: the connection is interrupted, or there is a new version.",
  notFound: "Page not found", notFoundText: "This page does not exist.", toToday: "Open Today",
  mailStopped: (reason) => `No email is sent to your address, because ${reason === "complained" ? "an email was marked as spam" : "an email was returned"}.`,

  // Errors
  noConnection: "There is no connection to the server. Check your network, and try again.",
  unexpected: "Something went wrong. Try again.",
  checkFields: "Some fields are not valid. Check the marked ones.",
  tooManyRequests: (seconds) => `There were too many requests. Try again in ${seconds < 120 ? count(seconds, "second", "seconds") : count(Math.ceil(seconds / 60), "minute", "minutes")}.`,
  serverError: (id) => `The server could not do this. Try again later.${id ? ` Request: ${id}` : ""}`,
  required: "This field is required.",
  errors: {
    unauthorized: "Your session has ended. Log in again.",
    invalid_credentials: "The email address or the password is wrong, or the address is not verified yet.",
    invalid_second_factor: "This code is wrong, or it was used before. Enter the next one.",
    invalid_code: "This code is not valid, has expired or was used already.",
    invalid_token: "This link or code is not valid or has expired.",
    invalid_invitation: "This invitation is not valid, has expired, was revoked or was used already.",
    account_disabled: "An operator has blocked this account.",
    registration_refused: "This address cannot register here without an invitation. Ask the operator of this service to invite it.",
    registration_closed: "This service accepts no registrations.",
    second_factor_missing: "Operators need a second factor. Add one in your profile, and try again.",
    forbidden: "Your role does not allow this.",
    not_found: "This does not exist any more, or you have no access to it.",
    already_member: "You are a member of this space already.",
    email_taken: "Another account has this address.",
    invited_recently: "This address was invited recently. Wait before you invite it again.",
    last_owner: "A space needs an owner. Make another member an owner first.",
    personal_space: "Your personal space cannot be shared, renamed or deleted.",
    space_full: "The space has the maximum number of members.",
    own_account: "You cannot block yourself or change your own role.",
    stack_operator: "The first operator of this service cannot be blocked or demoted.",
    too_many_api_tokens: "You have the maximum number of API tokens. Delete one first.",
    too_many_invitations: "The space has the maximum number of open invitations.",
    too_many_spaces: "You are in the maximum number of spaces.",
    busy: "Other changes were made at the same time. Try again.",
    unavailable: "The service is not available at the moment. Try again.",
  },

  // Fields
  email: "Email address", password: "Password", newPassword: "New password", name: "Name", timeZone: "Time zone",
  code: "Code", codeHelp: "Copy the code from the email.", show: "Show", hide: "Hide", showPassword: "Show the password", hidePassword: "Hide the password",
  passwordHelp: "At least 12 characters. A sentence of several words is good.", nameHelp: "Members of shared spaces see this name.",
  zoneHelp: "Days and reminders follow this time zone.",
  copy: "Copy", copied: "Copied.", 
  copyFailed: "The text could not be copied. Select it, and copy it yourself.",
};

/** Texts of log-in, registration and what belongs to them, with those of the frame. */
export const authText = {
  ...text,
  logInTitle: "Log in", registerTitle: "Create an account", register: "Create account", noAccount: "No account yet?", haveAccount: "Already have an account?",
  forgotLink: "Forgot your password?", sessionEnded: "Your session has ended. Log in again.", loggedOut: "You are logged out.",
  secondFactorTitle: "Enter your code", secondFactorText: "Enter the code from the app on your phone, or a recovery code.", startAgain: "Use another account",
  lostFactor: "Lost your app and your recovery codes?",
  lostFactorTitle: "Remove a lost second factor", lostFactorText: "A code is sent to your address. So that nobody else can do this unnoticed, it works only from 24 to 72 hours after this request, and a log-in with the second factor cancels it.", lostFactorLink: "Log-ins need only your password after this, and no code from an app.",
  lostFactorSend: "Send code", lostFactorCode: "Already have the code?", lostFactorRemove: "Remove second factor", lostFactorRemoved: "The second factor was removed. Log in.",
  registered: "Check your mailbox", registeredText: (email) => `An email was sent to ${email}. Open the link in it, or enter its code here. If the address has an account already, the email says so.`,
  registeredHint: "No email? Look in the spam folder, or", registerAgain: "register again", verifiedAlready: "Already verified?",
  verifyTitle: "Verify your email address", verifyText: "Open the link in the email that was sent to you, or enter its code here.", verifyLink: "This confirms that the address is yours. Then you can log in.", verify: "Verify",
  verified: "Your address is verified. Log in to begin.", addressVerified: "Your address is verified.",
  forgotTitle: "Reset your password", forgotText: "Enter the address of your account. An email with a link and a code for a new password is sent there.", forgotSend: "Send code", forgotAgain: "Send a new code",
  forgotSent: "If the address has an account, a code was sent to it. Open the link in the email, or enter its code here. Both work for an hour.",
  resetTitle: "Set a new password", resetText: "Choose a new password. All devices that use this account are logged out.", reset: "Set password", resetDone: "The password was changed, and all sessions were ended. Log in with the new one.",
  accountDeleted: "Your account was deleted.",
  invitationTitle: "Accept an invitation", invitationText: "You were invited to a shared space. The email names the space and who invited you. Accept the invitation to become a member.",
  invitationLogIn: "You were invited to a shared space. The email names the space and who invited you. Log in or create an account first. Then the invitation continues.", acceptInvitation: "Accept invitation", invitationDecline: "Not now",
  invitationAs: (email) => `You are logged in as ${email}.`,
  invitationAccepted: (space) => `You are a member of “${space}” now.`, invitationCode: "Code of the invitation", invitationPending: "An invitation is waiting. Log in or create an account to accept it.",
  undoEmailTitle: "Undo a change of the address", undoEmailText: "Your account gets its previous address back. All devices are logged out, API tokens are deleted, and the password stops working. Then you set a new one.",
  undoEmail: "Restore the address", undoEmailDone: "The address was restored. Set a new password now.",
};

/** Texts of the lists, the editor, and changes that wait. */
export const taskText = {
  // Lists
  today: "Today", upcoming: "Upcoming", overdue: "Overdue", all: "All", assigned: "Assigned to me", search: "Search", personal: "Personal",
  tag: (name) => `#${name}`, category: (name) => name, noDue: "No due date", week: "Next 7 days", later: "Later",
  more: "Loading more tasks", tryAgain: "Try again",
  add: "Add a task", addButton: "Add", addHint: "Try: Pay rent 1 Jan 9am every month !high #home @Money ^30m", addTo: "Space of the new task",
  added: (title, space) => `“${title}” was added to ${space}.`, open: "Open", titleMissing: "A task needs a title.", incomplete: "Complete the date or the time, or clear it.", notAdded: (title) => `“${title}” was not added.`,
  searchTasks: "Search tasks", sort: "Sort by", priorityFilter: "Priority", anyPriority: "Any priority", showCompleted: "Show completed",
  sorts: { due: "Due time", "-priority": "Priority", "-created": "Newest first", "-updated": "Last changed", title: "Title" },
  members: "Members", tasksShown: (n, more) => `${more ? "More than " : ""}${count(n, "task", "tasks")}`,
  nothing: {
    today: "Nothing is due today.", upcoming: "Nothing is planned.", overdue: "Nothing is overdue.", all: "There are no open tasks.",
    assigned: "No open task is assigned to you.", space: "This space has no open tasks.", tag: "No open task has this tag.",
    category: "No open task is in this category.", search: "Nothing was found.", filtered: "No task here has this priority.", query: "Enter what to search for.",
  },
  nothingHelp: "Add a task above.", nothingKey: "Or press N.", filters: "Sort and filter", searchHelp: "Titles and descriptions are searched. #home finds a tag, @Money a category.",

  // Rows
  complete: (title) => `Complete “${title}”`, reopen: (title) => `Reopen “${title}”`, snooze: "Snooze", skip: "Skip", remove: "Delete", edit: "Edit",
  actionsFor: (title) => `Actions for “${title}”`, waiting: "Waiting to be sent", undecided: "Needs your decision", hasReminder: "Has a reminder", steps: (done, all) => `${done} of ${all} done`, inProgress: "In progress",
  snoozedUntil: (words) => `Snoozed until ${words}`, assignedTo: "Assigned to", assignee: (name) => name || "Another member",
  priorities: { low: "Low", medium: "Medium", high: "High", urgent: "Urgent" },
  statuses: { pending: "Open", in_progress: "In progress", completed: "Completed" },

  // Actions
  completed: (title, again) => `“${title}” is completed.${again ? " The next one is planned." : ""}`, reopened: (title) => `“${title}” is open again.`, deleted: (title) => `“${title}” is deleted.`,
  skipped: (title) => `“${title}” moves to its next occurrence.`, snoozeMissed: (title) => `“${title}” could not be snoozed in time.`, snoozed: (title, words) => `“${title}” is snoozed until ${words}.`,
  undo: "Undo", tooLate: "It is too late to undo this.", refused: (title, reason) => `“${title}”: ${reason}`,
  snoozeTitle: "Snooze until", snoozeHelp: "You get a reminder at that time, and none before. The due time stays.", snoozeHour: "In 1 hour", snoozeEvening: "This evening",
  snoozeTomorrow: "Tomorrow morning", nextMonday: "Next Monday", snoozeOther: "Another time", pastTime: "Choose a time that is still to come.",
  dueTitle: "Change the due date", dueOther: "Another day", dueMissing: "Choose a day.", set: "Set", tomorrow: "Tomorrow", dueSet: (title, day) => `“${title}” is due ${day}.`, dueNone: (title) => `“${title}” has no due date now.`,
  keys: { new: "Add a task", search: "Search", next: "Next task", previous: "Previous task", complete: "Complete or reopen the task", edit: "Open the task", snooze: "Snooze the task", delete: "Delete the task", save: "Save" },

  // Values
  task: "Task", fromDue: "its due time", fromCompletion: "its completion", beforeWords: (words) => `${words} before`, atDue: "At the due time", nobody: "Nobody", space: "Space",

  // Waiting changes
  waitingChanges: (n) => `${count(n, "change is", "changes are")} waiting to be sent.`, decisions: (n) => `${count(n, "change needs", "changes need")} your attention.`, show: "Show",
  loggedOut: "You are logged out.", perhapsSent: "It may have been sent already. Look for it before you try again.",
};

/** Texts of the editor, of comments and of the delivery log, with those of the lists. */
export const editorText = {
  ...taskText,
  back: "Back", title: "Title", description: "Description", status: "Status", priorityLabel: "Priority", categoryLabel: "Category", tagsLabel: "Tags",
  tagsHelp: "Separate tags by commas.", due: "Due date", time: "Time", timeHelp: "Without a time, the task is due all day.", zone: "Time zone", clear: "Remove due date",
  repeat: "Repeat", noRepeat: "Does not repeat", freqs: { HOURLY: "Hourly", DAILY: "Daily", WEEKLY: "Weekly", MONTHLY: "Monthly", YEARLY: "Yearly" }, customRule: "Custom rule",
  every: "Every", unitOf: (freq, n) => `${UNIT[freq]}${n === 1 ? "" : "s"}`, onDays: "On", monthlyOn: "On which day", ends: "Ends",
  endNever: "Never", endCount: "After a number of times", endUntil: "On a date", times: "Number of times", rule: "Rule in the iCalendar format (RRULE)", from: "The next date counts from",

  reminders: "Reminders", addReminder: "Add a reminder", reminderKind: "Kind of reminder", before: "before it is due", at: "at a time", amount: "Amount", unit: "Unit", reminderTime: "Time of the reminder",
  minutes: "minutes", hours: "hours", days: "days", weeks: "weeks", removeReminder: "Remove this reminder",
  reminderHelp: "For a task without a time, reminders count back from 09:00.",
  checklist: "Checklist", addItem: "Add an item", item: "Item", itemDone: (title) => `Done: ${title}`, removeItem: "Remove this item", moveUp: "Move up", moveDown: "Move down",
  autoComplete: "Complete automatically", autoCompleteAfter: "After", autoHelp: "That long after the last change, or after the due time of a task that repeats.",
  autoAt: (words) => `Completes automatically: ${words}.`, planning: "Planning", organize: "Details",
  save: "Save", discard: "Discard changes", unsaved: "Unsaved changes", saved: "Saved.", savedHere: "Saved on this device. It is sent when there is a connection.", keptHere: "Kept on this device. It is not sent yet.",
  draftKept: (title) => `“${title}” has changes that are not saved. They are kept.`, restored: "Your unsaved changes of this task were restored.", changedByOther: "Somebody else has changed this task. What you have changed is kept.",
  gone: "This task does not exist any more, or you have no access to it.", readOnly: "You can read this space, but not change its tasks.", checkFields: "Some fields are not valid.",
  deleteTask: "Delete task", completeTask: "Complete", reopenTask: "Reopen", created: (words, name) => `Created ${words}${name ? ` by ${name}` : ""}`, updated: (words) => `changed ${words}`,
  completedAt: (words, timer) => `completed ${words}${timer ? " automatically" : ""}`,
  comments: "Comments", noComments: "There are no comments.", comment: "Comment", addComment: "Add comment", commentEmpty: "Write something first.", editComment: "Edit", deleteComment: "Delete",
  deleteCommentText: "The comment is deleted for everybody.", edited: "edited", cancel: "Cancel", olderComments: "Show more",
  occurrences: "Next occurrences", noOccurrences: "This is the last one.", nextTask: "Open the next occurrence", log: "Reminder history", noLog: "No reminder is planned.",

  // Reminder history: the delivery log of the API
  logStatus: { scheduled: "Planned for", claimed: "Is being sent", sent: "Sent", skipped: "Not sent", failed: "Could not be sent", uncertain: "May have been sent" },
  feedback: { delivered: "delivered", bounced: "returned by the mail server of the recipient", complained: "marked as spam by the recipient" },
  attempts: (n) => `after ${n} attempts`, twice: "it may have arrived more than once",
  reasons: {
    past_when_set: "its time had passed already", task_completed: "the task was completed", too_old: "it could not be sent within a day", mail_off: "the recipient has turned off these emails",
    unverified: "the address is not verified", bounced: "an earlier email was returned", complained: "an earlier email was marked as spam", snoozed: "the task was snoozed", no_recipient: "the account does not exist any more",
    account_disabled: "the account is blocked", refused: "the mail service refused it", replaced: "the task was changed", no_access: "the recipient has no access to the task", nothing_due: "nothing was due",
    too_many_mails: "the daily limit of emails was reached", not_delivered: "only the recipient sees why",
  },
  autoLog: { scheduled: "Automatic completion planned for", done: "Completed automatically", skipped: "Automatic completion not needed: a person completed the task" },
};

const NTH = { 1: "first", 2: "second", 3: "third", 4: "fourth", "-1": "last" };
const ordinal = (number) => `${number}${{ one: "st", two: "nd", few: "rd", other: "th" }[new Intl.PluralRules(LANGUAGE, { type: "ordinal" }).select(number)]}`;

/** Texts of recurrence rules: "Every 2 weeks on Monday and Thursday, 10 times". `freq` is that of the rule, -1 is the last day. */
export const ruleText = {
  custom: (rule) => `Custom rule: ${rule}`,
  every: (freq, n) => (n === 1 ? `Every ${UNIT[freq]}` : `Every ${n} ${UNIT[freq]}s`), everyWeekday: "Every weekday", onWeekdays: "on weekdays",
  onDays: (days) => `on ${new Intl.ListFormat(LANGUAGE).format(days)}`, onDay: (day) => (day === -1 ? "on the last day" : `on the ${ordinal(day)}`),
  onNth: (nth, weekday) => `on the ${NTH[nth]} ${weekday}`,
  times: (words, n) => `${words}, ${count(n, "time", "times")}`, until: (words, day) => `${words} until ${day}`,
};

/** Texts of conflicts and of the list of waiting changes. */
export const waitingText = {
  conflictTitle: "This task has changed meanwhile", conflictHelp: "The same fields were changed elsewhere. Choose which version to keep.", myVersion: "Yours", theirVersion: "Theirs",
  empty: "Empty", saveChoice: "Save", decideLater: "Decide later", keepTask: "Leave the task as it is",
  changedMeanwhile: {
    complete: (title) => `“${title}” has changed since you completed it.`, skip: (title) => `“${title}” has changed since you skipped it.`,
    move: (title) => `“${title}” has changed since you moved it.`, delete: (title) => `“${title}” has changed since you deleted it.`,
  },
  anyway: { complete: "Complete anyway", skip: "Skip anyway", move: "Move anyway", delete: "Delete anyway" },
  fields: {
    title: "Title", description: "Description", status: "Status", priority: "Priority", category: "Category", tags: "Tags", due: "Due", recurrence: "Repeat", recurrence_from: "Repeat counts from",
    reminders: "Reminders", checklist: "Checklist", assigned_to: "Assigned to", auto_complete_after: "Completes automatically",
  },
  waitingTitle: "Changes that are not sent yet", retry: "Try again", decide: "Decide", discardChange: "Discard", nothingWaiting: "Everything was sent.",
  kinds: { create: "New task", patch: "Changed", complete: "Completed", reopen: "Reopened", snooze: "Snoozed", skip: "Skipped", move: "Moved", delete: "Deleted", comment: "Comment" },
  discardText: "What you entered is lost.",
};

/** Texts of the pages of spaces. */
export const spaceText = {
  yourself: "You are a member already.",
  spaces: "Spaces", spacesText: "Your personal space is yours alone. Tasks of a shared space are seen by all of its members.",
  newSpace: "New space", create: "Create space", name: "Name", nameHelp: "Such as “Family”. It cannot contain a web address.", save: "Save", delete: "Delete",
  personal: "Only you see it", personalOnly: "This is your personal space. It cannot be shared, renamed or deleted.",
  members: (n) => count(n, "member", "members"), manage: "Manage", manageNamed: (name) => `Manage ${name}`, membersTitle: "Members", tasks: "Tasks",
  missing: "This space does not exist, or you are not a member of it.", toSpaces: "Open your spaces",
  you: "You", since: (date) => `Since ${date}`, until: (date) => `Open until ${date}`,
  role: "Role", roleOf: (name) => `Role of ${name}`, roleChanged: (name, role) => `${name}: ${role}.`,
  roles: { viewer: "Viewer", member: "Member", admin: "Admin", owner: "Owner" }, rolesTitle: "Roles",
  roleHelp: {
    viewer: "Sees tasks, comments and members.", member: "Also creates, changes, completes and deletes tasks.",
    admin: "Also manages members and renames the space.", owner: "Also manages owners and deletes the space.",
  },
  remove: "Remove", removeNamed: (name) => `Remove ${name}`, removeTitle: (name) => `Remove ${name}?`,
  removeText: "This person no longer sees the space. Open tasks that were assigned to this person are assigned to nobody.", removed: (name) => `${name} was removed.`,
  inviteTitle: "Invite a person", invite: "Invite", email: "Email address", invited: (email) => `An invitation was sent to ${email}.`,
  openInvitations: "Open invitations", revoke: "Revoke", revokeNamed: (email) => `Revoke the invitation of ${email}`, revoked: "The invitation was revoked.",
  thisSpace: "This space", rename: "Rename space", renameAction: "Rename", renameText: "All members see the new name.",
  leave: "Leave space", leaveAction: "Leave", leaveText: "You no longer see its tasks. Those that were assigned to you are assigned to nobody.", leaveTitle: (name) => `Leave “${name}”?`, left: (name) => `You left “${name}”.`,
  deleteSpace: "Delete space", deleteSpaceText: "All of its tasks and comments are deleted, for all members.", deleteTitle: (name) => `Delete “${name}”?`,
  deleteConfirm: "All tasks and comments are deleted, for all members. This cannot be undone. Enter the name of the space to confirm it.",
  deleted: (name) => `“${name}” was deleted.`,
};

/** Texts of the page of statistics. */
export const statsText = {
  statistics: "Statistics", space: "Space", period: "Period", days: (n) => `Last ${n} days`, open: "Open", inProgress: "In progress", overdue: "Overdue",
  completed: "Completed", rate: "Share completed", median: "Usual time to complete a task", byDay: "Completed by day", byWeek: "Completed by week",
  total: (n) => (n ? `${count(n, "task", "tasks")} in this period.` : "No task was completed in this period."), none: "Not known yet", asTable: "Show as a table", day: "Day", weekOf: "Week of",
};

/** Texts of the pages of operators. */
export const operatorText = {
  operators: "Operators", email: "Email address", search: "Search", searchLabel: "Search by address",
  noUsers: "No account has this address.", more: "Show more", blocked: "Blocked", operator: "Operator", you: "You", registered: (date) => `Registered ${date}`,
  actions: "Manage", actionsNamed: (name) => `Manage ${name}`, block: "Block", unblock: "Unblock",
  blockText: "The sessions and tokens of the account end at once, and it gets no emails.", unblockText: "The user can log in again.",
  blockTitle: (name) => `Block ${name}?`, blockedNow: (name) => `${name} is blocked.`, unblockedNow: (name) => `${name} is not blocked any more.`,
  makeOperator: "Make operator", makeUser: "Make user", makeOperatorText: "Operators manage accounts, and write to their users. They see no tasks.",
  makeUserText: "The account loses the rights of an operator.", roleTitle: (name) => `Change the role of ${name}?`, roleChanged: (name) => `The role of ${name} was changed.`,
  delete: "Delete account", deleteText: "The account is deleted with its personal space. Shared spaces stay. This cannot be undone.", deleteTitle: (name) => `Delete the account of ${name}?`,
  deleted: (name) => `The account of ${name} was deleted.`, id: "Id", zone: "Time zone",
  write: "Write a message", writeText: "The user gets an email.", writeTitle: (name) => `Message to ${name}`, subject: "Subject", text: "Text", send: "Send",
  delivery: "Delivery", refresh: "Refresh",
  status: { scheduled: "Waiting to be sent", claimed: "Being sent", sent: "Sent", skipped: "Not sent", failed: "Failed", uncertain: "Possibly sent" },
  feedback: { delivered: "Delivered", bounced: "Returned by the mail server", complained: "Marked as spam" },
  reasons: {
    unverified: "The address is not verified.", bounced: "The mail server refused an earlier email.", complained: "The recipient marked an email as spam.", too_old: "It could not be sent within 24 hours.",
    no_recipient: "The account does not exist.", account_disabled: "The account is blocked.", refused: "The mail service refused it repeatedly.", too_many_mails: "The daily limit of emails was reached.",
  },
  attempts: (n) => count(n, "attempt", "attempts"),
  invite: "Invite a person to register", inviteText: "An email with a link is sent to this address. It is allowed to register then.", inviteSend: "Send invitation", invited: (email) => `An invitation was sent to ${email}.`,
  become: "Become an operator", becomeText: "Operators manage the accounts of this service. The first one is who set up the service: only that address can use the code that is sent to you.", becomeLink: "Your account gets the rights of an operator: it can manage accounts and write to their users.", becomeSend: "Send code",
  becomeConfirm: "Confirm", became: "You are an operator now.", code: "Code", codeHelp: text.codeHelp, haveCode: "I have a code",
};

/** Texts of the profile. */
export const profileText = {
  profile: "Profile", general: "General", security: "Security", email: "Email address", name: "Name", timeZone: "Time zone",
  nameHelp: "Members of shared spaces see this name.", zoneHelp: "Days, reminders and the digest follow this time zone. Tasks keep their due times.",
  zoneDiffers: (zone) => `This device is in another time zone: ${zone.replaceAll("_", " ")}.`, useZone: "Use it",
  save: "Save", saved: "Saved.", about: "About you",
  reminders: "Default reminders", remindersText: "A new task with a due time gets these reminders, unless you choose others.", noReminders: "New tasks get no reminders.",
  addReminder: "Add a reminder", removeReminder: "Remove this reminder", number: "Number", unit: "Unit", before: "before",
  units: [["M", "minutes"], ["H", "hours"], ["D", "days"], ["W", "weeks"]], numberError: "Enter a whole number of 1 or more.",
  mail: "Emails", mailText: "Which emails you get. Emails that you request are always sent.", mailStoppedText: "Verify it again to get emails.",
  mailReminders: "Reminders", mailRemindersHelp: "When a task is due soon.", mailAssignments: "Assignments", mailAssignmentsHelp: "When others assign a task to you.",
  mailInvitations: "Invitations", mailInvitationsHelp: "When others invite you to their spaces.", mailDigest: "Daily digest", mailDigestHelp: "What is overdue and due, once a day.",
  digestHour: "Time of the digest", verifyAgain: "Send a verification email", verifySent: "A verification email was sent.",
  export: "Export", exportText: "Download a copy of everything that you can see in Taskbell.", exportJson: "Everything (for programs)", exportCsv: "Tasks (for spreadsheets)",
  exporting: (n) => `Loading part ${n.toLocaleString(LOCALE)}`, exported: "The file was downloaded.",
  deleteTitle: "Delete account", deleteText: "Your account is deleted with your personal space. This cannot be undone.", deleteAction: "Delete my account",
  deleteConfirm: "Enter your password to delete your account with all tasks of your personal space. This cannot be undone.",
  password: "Password", currentPassword: "Current password", newPassword: "New password", passwordHelp: "At least 12 characters. A sentence of several words is good.",
  changePassword: "Change password", passwordText: "All other devices have to log in again. API tokens stay valid.", passwordChanged: "The password was changed.",
  emailText: (email) => `Your address is ${email}.`, changeEmail: "Change address", newEmail: "New email address",
  emailSent: (email) => `If ${email} can be used, a code was sent to it. Enter the code to change the address.`, confirmEmail: "Confirm the new address", confirmEmailText: "From then on, you log in with the address that got this email.", emailChanged: "Your address was changed.",
  haveCode: "I have a code", code: "Code", codeHelp: "Copy the code from the email. It works once, for 24 hours.",
  factor: "Second factor", factorOff: "A second factor is a code from an app on your phone, in addition to the password. Nobody can log in with your password alone.", factorOn: "Log-ins need a code from the app on your phone, in addition to the password.",
  on: "On", off: "Off", factorStart: "Set up", factorDelete: "Switch off", factorStartText: "Enter your password to begin. At the end, all other sessions are ended.",
  factorSecretText: "You need an app for log-in codes (an “authenticator”) on your phone. Scan this picture with it, or enter the secret there. Then enter the code that the app shows.", factorQr: "QR code of the secret", factorSecret: "Secret", factorOpen: "Open in an authenticator app on this device",
  factorCode: "Code of the app", factorConfirm: "Switch on", factorDone: "The second factor is on", recoveryText: "If you lose your phone, you log in with one of these recovery codes instead. Each works once. They are never shown again, so store them in a safe place.",
  recoveryCopy: "Copy all codes", copied: text.copied, recoveryStored: "I have stored them", recoveryFirst: "Store the codes first. Without them and without your phone, you cannot log in.", factorDeleteText: "Enter your password and a code of the app, or a recovery code.", factorDeleted: "The second factor is off.",
  continue: "Continue",
  sessions: "Sessions", sessionsText: "Where you are logged in.", unknownDevice: "Unknown program", thisSession: "This session", loggedIn: (time) => `Logged in ${time}`, lastUsed: (day) => `Last used ${day}`, neverUsed: "Never used",
  end: "End", endNamed: (label) => `End the session of ${label}`, ended: "The session was ended.", endOthers: "End all other sessions", endOthersText: "Other browsers and devices have to log in again, some of them in 15 minutes only.", othersEnded: "All other sessions were ended.",
  tokens: "API tokens", tokensText: "An API token lets another program, such as a script, use your account, with the permissions that you choose.", noTokens: "There are no API tokens.", newToken: "New API token", tokenName: "Name of the program",
  scopes: "Permissions", scopeError: "Choose at least one permission.", expires: "Valid for", expiryDays: (n) => `${n} days`, aYear: "1 year", tokenSpace: "Space", allSpaces: "All my spaces", create: "Create token",
  scopeNames: { "tasks:read": "Read tasks, comments and statistics", "tasks:write": "Create, change and delete tasks and comments", "spaces:read": "Read spaces, members and invitations", "spaces:write": "Manage spaces, members and invitations", "profile:read": "Read the profile" },
  tokenOnce: "This token is shown only once. Store it now.", done: "Done", deleteToken: "Delete", deleteTokenNamed: (name) => `Delete the token ${name}`, deleteTokenTitle: (name) => `Delete the token “${name}”?`,
  deleteTokenText: "Programs that use it lose their access at once.", tokenDeleted: "The token was deleted.", validUntil: (day) => `Valid until ${day}`, expired: "Expired",
};
