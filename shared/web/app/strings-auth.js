import { text as texts } from "./strings.js";

/** Texts of log-in, registration and what belongs to them, with those of the frame. */
export const text = {
  ...texts,
  logInTitle: "Log in", registerTitle: "Create an account", register: "Create account", noAccount: "No account yet?", haveAccount: "You have an account?",
  forgotLink: "Forgot your password?", sessionEnded: "Your session has ended. Log in again.", loggedOut: "You are logged out.",
  secondFactorTitle: "Enter your code", secondFactorText: "Enter the code of your authenticator app, or a recovery code.", startAgain: "Use another account",
  lostFactor: "You lost your app and your recovery codes?",
  lostFactorTitle: "Remove a lost second factor", lostFactorText: "A code is sent to your address. It works from 24 to 72 hours after this request. A log-in with the second factor cancels the request.",
  lostFactorSend: "Send code", lostFactorCode: "You have the code already?", lostFactorRemove: "Remove second factor", lostFactorRemoved: "The second factor was removed. Log in.",
  registered: "Check your mailbox", registeredText: (email) => `An email was sent to ${email}. Open the link in it, or enter its code here. If the address has an account already, the email says so.`,
  registeredHint: "No email? Look in the spam folder, or register again.",
  verifyTitle: "Verify your email address", verifyText: "Enter the code of the email that was sent to you.", verify: "Verify",
  verified: "Your address is verified. Log in to begin.",
  forgotTitle: "Reset your password", forgotText: "Enter the address of your account. A code for a new password is sent there.", forgotSend: "Send code",
  forgotSent: "If the address has an account, a code was sent to it. It is valid for an hour.",
  resetTitle: "Set a new password", reset: "Set password", resetDone: "The password was changed, and all sessions were ended. Log in with the new one.",
  accountDeleted: "Your account was deleted.",
  invitationTitle: "Accept an invitation", invitationText: "You were invited to a shared space. Accept the invitation to become a member.",
  invitationLogIn: "Log in or create an account first. Then the invitation continues.", acceptInvitation: "Accept invitation", invitationDecline: "Not now",
  invitationAs: (email) => `You are logged in as ${email}.`,
  invitationAccepted: (space) => `You are a member of “${space}” now.`, invitationCode: "Code of the invitation", invitationPending: "An invitation is waiting. Log in or create an account to accept it.",
  undoEmailTitle: "Undo a change of the address", undoEmailText: "This restores the previous address of your account, ends all sessions, deletes all API tokens and locks the password. Then you set a new password.",
  undoEmail: "Restore the address", undoEmailDone: "The address was restored. Set a new password now.",
};
