const count = (n, one, many) => `${n.toLocaleString()} ${n === 1 ? one : many}`;

/** Texts of the frame and of the account pages. */
export const text = {
  // Frame
  skip: "Skip to content", menu: "Menu", mainNavigation: "Main", close: "Close", cancel: "Cancel", loading: "Loading", tryAgain: "Try again",
  today: "Today", upcoming: "Upcoming", overdue: "Overdue", all: "All", assigned: "Assigned to me", spaces: "Spaces", manageSpaces: "Manage spaces",
  statistics: "Statistics", profile: "Profile", operators: "Operators", logOut: "Log out", logIn: "Log in",
  keys: "Keyboard shortcuts", keysOn: "Use keyboard shortcuts", keyHelp: "Show the keyboard shortcuts",

  unsentTitle: "Log out without sending everything?", unsentText: "Changes that were not sent yet are lost.",
  newVersion: "A new version is available.", reload: "Reload",
  offline: "No connection. You see what was stored on this device.", stillLoggedIn: "You are still logged in, because there is no connection.",
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
    invalid_token: "This link is not valid or has expired.",
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
  email: "Email address", password: "Password", newPassword: "New password", currentPassword: "Current password", name: "Name", timeZone: "Time zone",
  code: "Code", role: "Role", show: "Show", hide: "Hide", showPassword: "Show the password",
  passwordHelp: "At least 12 characters. A sentence of several words is good.", nameHelp: "Members of shared spaces see this name.",
  zoneHelp: "Days and reminders follow this time zone.",
  saved: "Saved.", copy: "Copy", copied: "Copied.", delete: "Delete", create: "Create", send: "Send",
  copyFailed: "The text could not be copied. Select it, and copy it yourself.",
};
