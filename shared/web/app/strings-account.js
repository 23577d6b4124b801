const count = (n, one, many) => `${n.toLocaleString()} ${n === 1 ? one : many}`;

/** Texts of the pages of spaces. */
export const spaceText = {
  spaces: "Spaces", spacesText: "Your personal space is yours alone. Tasks of a shared space are seen by all of its members.",
  newSpace: "New space", create: "Create space", name: "Name", nameHelp: "No web addresses.", save: "Save", delete: "Delete",
  personal: "Only you see it", personalOnly: "This is your personal space. It cannot be shared, renamed or deleted.",
  members: (n) => count(n, "member", "members"), manage: "Manage", manageNamed: (name) => `Manage ${name}`, membersTitle: "Members", tasks: "Tasks",
  you: "You", since: (date) => `Since ${date}`, until: (date) => `Open until ${date}`,
  role: "Role", roleOf: (name) => `Role of ${name}`, roleChanged: (name, role) => `${name}: ${role}.`,
  roles: { viewer: "Viewer", member: "Member", admin: "Admin", owner: "Owner" }, rolesTitle: "Roles",
  roleHelp: {
    viewer: "Sees tasks, comments and members.", member: "Also creates, changes, completes and deletes tasks.",
    admin: "Also manages members and renames the space.", owner: "Also manages owners and deletes the space.",
  },
  remove: "Remove", removeNamed: (name) => `Remove ${name}`, removeTitle: (name) => `Remove ${name}?`,
  removeText: "The access ends at once. Open tasks of this member are unassigned.", removed: (name) => `${name} was removed.`,
  inviteTitle: "Invite a person", invite: "Invite", email: "Email address", invited: (email) => `An invitation was sent to ${email}.`,
  openInvitations: "Open invitations", revoke: "Revoke", revokeNamed: (email) => `Revoke the invitation of ${email}`, revoked: "The invitation was revoked.",
  thisSpace: "This space", rename: "Rename space", renameAction: "Rename", renameText: "All members see the new name.",
  leave: "Leave space", leaveAction: "Leave", leaveText: "You lose the access to its tasks. Your open tasks in it are unassigned.", leaveTitle: (name) => `Leave “${name}”?`, left: (name) => `You left “${name}”.`,
  deleteSpace: "Delete space", deleteSpaceText: "All of its tasks and comments are deleted, for all members.", deleteTitle: (name) => `Delete “${name}”?`,
  deleteConfirm: "All tasks and comments are deleted, for all members. This cannot be undone. Enter the name of the space to confirm it.",
  deleted: (name) => `“${name}” was deleted.`,
};

/** Texts of the page of statistics. */
export const statsText = {
  statistics: "Statistics", space: "Space", period: "Period", days: (n) => `Last ${n} days`, open: "Open", inProgress: "In progress", overdue: "Overdue",
  completed: "Completed", rate: "Completed share", median: "Median time to complete", byDay: "Completed by day", byWeek: "Completed by week",
  total: (n) => `${count(n, "task", "tasks")} in this period.`, asTable: "Show as a table", day: "Day", weekOf: "Week of",
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
  delivery: "Delivery", refresh: "Update",
  status: { scheduled: "Waiting to be sent", claimed: "Being sent", sent: "Sent", skipped: "Not sent", failed: "Failed", uncertain: "Possibly sent" },
  feedback: { delivered: "Delivered", bounced: "Returned by the mail server", complained: "Marked as spam" },
  reasons: {
    unverified: "The address is not verified.", bounced: "The mail server refused an earlier email.", complained: "The recipient marked an email as spam.", too_old: "It could not be sent within 24 hours.",
    no_recipient: "The account does not exist.", account_disabled: "The account is blocked.", refused: "The mail service refused it repeatedly.", too_many_mails: "The daily limit of emails was reached.",
  },
  attempts: (n) => count(n, "attempt", "attempts"),
  invite: "Invite a person to register", inviteText: "An email with a link is sent to this address. It is allowed to register then.", inviteSend: "Send invitation", invited: (email) => `An invitation was sent to ${email}.`,
  become: "Become an operator", becomeText: "This is possible for the operator address of this service only. A code is sent to your address.", becomeSend: "Send code",
  becomeConfirm: "Confirm", became: "You are an operator now.", code: "Code", haveCode: "I have a code",
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
  digestHour: "Hour of the digest", verifyAgain: "Send a verification email", verifySent: "A verification email was sent.",
  export: "Export", exportText: "Download everything that you may read.", exportJson: "All data (JSON lines)", exportCsv: "Tasks (CSV for spreadsheets)",
  exporting: (n) => `Loading part ${n.toLocaleString()}`, exported: "The file was downloaded.",
  deleteTitle: "Delete account", deleteText: "Your account is deleted with your personal space. This cannot be undone.", deleteAction: "Delete my account",
  deleteConfirm: "Enter your password to delete your account with all tasks of your personal space. This cannot be undone.",
  password: "Password", currentPassword: "Current password", newPassword: "New password", passwordHelp: "At least 12 characters. A sentence of several words is good.",
  changePassword: "Change password", passwordText: "All other sessions end. API tokens stay valid.", passwordChanged: "The password was changed.",
  emailText: (email) => `Your address is ${email}.`, changeEmail: "Change address", newEmail: "New email address",
  emailSent: (email) => `If ${email} can be used, a code was sent to it. Enter the code to change the address.`, confirmEmail: "Confirm the new address", emailChanged: "Your address was changed.",
  haveCode: "I have a code", code: "Code", codeHelp: "The code from the email. It works once, for 24 hours.",
  factor: "Second factor", factorOff: "With a second factor, log-ins also need a code of an authenticator app on your phone.", factorOn: "Log-ins need a code of your authenticator app.",
  on: "On", off: "Off", factorStart: "Set up", factorDelete: "Switch off", factorStartText: "Enter your password to begin.",
  factorSecretText: "Enter this secret in your authenticator app. Then enter the code that the app shows.", factorSecret: "Secret", factorOpen: "Open in an authenticator app on this device",
  factorCode: "Code of the app", factorConfirm: "Switch on", factorDone: "The second factor is on", recoveryText: "Each of these recovery codes replaces the app once. They are never shown again. Store them in a safe place.",
  recoveryCopy: "Copy all codes", recoveryStored: "I have stored them", factorDeleteText: "Enter your password and a code of the app, or a recovery code.", factorDeleted: "The second factor is off.",
  continue: "Continue",
  sessions: "Sessions", sessionsText: "Where you are logged in.", unknownDevice: "Unknown program", thisSession: "This session", loggedIn: (time) => `Logged in ${time}`, lastUsed: (day) => `Last used ${day}`, neverUsed: "Never used",
  end: "End", endNamed: (label) => `End the session of ${label}`, ended: "The session was ended.", endOthers: "End all other sessions", endOthersText: "Other browsers and devices have to log in again.", othersEnded: "All other sessions were ended.",
  tokens: "API tokens", tokensText: "Scripts and integrations use tokens of their own.", noTokens: "There are no API tokens.", newToken: "New API token", tokenName: "Name of the program",
  scopes: "Permissions", scopeError: "Choose at least one permission.", expires: "Valid for", expiryDays: (n) => `${n} days`, aYear: "1 year", tokenSpace: "Space", allSpaces: "All my spaces", create: "Create token",
  scopeNames: { "tasks:read": "Read tasks, comments and statistics", "tasks:write": "Create, change and delete tasks and comments", "spaces:read": "Read spaces, members and invitations", "spaces:write": "Manage spaces, members and invitations", "profile:read": "Read the profile" },
  tokenOnce: "This token is shown only once. Store it now.", done: "Done", deleteToken: "Delete", deleteTokenNamed: (name) => `Delete the token ${name}`, deleteTokenTitle: (name) => `Delete the token “${name}”?`,
  deleteTokenText: "Programs that use it lose their access at once.", tokenDeleted: "The token was deleted.", validUntil: (day) => `Valid until ${day}`, expired: "Expired",
};
