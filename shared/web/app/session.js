import { ApiError, request, useTokens } from "./api.js";
import { PREFIX, canStore, local, readObject, tab } from "./storage.js";

// The profile holds no secret. It lets the app open without a connection.
const PROFILE = "profile";
const REFRESHING = "refreshing";
const REFRESH_TIME = 3000;
const SLOW = 4000; // how long the app waits for its session before it shows what is stored
const LOCK = `${PREFIX} refresh`;
const NO_SESSION = ["unauthorized", "invalid_refresh_token", "account_disabled", "cross_site"];
const channel = new BroadcastChannel(`${PREFIX} session`);
const listeners = new Set();

const pause = (time) => new Promise((done) => setTimeout(done, time));

let profile = null;
let access = null; // {token, until}: kept in memory only
let refreshing = null;
let ends = 0; // how often a session has ended here

/** Returns the profile of the user, or null without a session. */
export function user() {
  return profile;
}

/** Says whether a session that ended for this reason may go on after the next log-in, and its data stays. */
export const mayGoOn = (reason) => reason === "expired" || reason === "none";

/** Calls f(profile, reason) when the session begins, changes or ends. Returns a function that stops it. What `f` does at the end of a
 *  session is awaited before the page is loaded again. */
export function onChange(f) {
  listeners.add(f);
  return () => listeners.delete(f);
}

/** Replaces the profile, such as after a change of it. */
export function setUser(next, reason = "profile") {
  profile = next;
  if (next) local.set(PROFILE, JSON.stringify(next));
  else local.remove(PROFILE);
  return tell(reason);
}

function tell(reason) {
  return Promise.allSettled([...listeners].map((f) => f(profile, reason)));
}

const lastProfile = () => readObject(PROFILE);

/** Says whether somebody was logged in when the app was open last. */
export function hadSession() {
  return Boolean(lastProfile());
}

function accept(session, reason) {
  access = { token: session.access_token, until: Date.now() + session.expires_in * 1000 };
  setUser(session.user, reason);
  return profile;
}

async function end(reason) {
  ends += 1;
  access = null;
  await Promise.race([setUser(null, reason), pause(5000)]); // a frozen tab can keep the storage open
  if (!mayGoOn(reason)) location.reload(); // no module keeps anything of the user
}

// Refreshing exchanges the cookie, and of several exchanges of one cookie only the last counts, so tabs take turns. A page that is
// reloaded meanwhile gives up the lock, but its request goes on (`keepalive`), so the next page waits for it, not for ever.
async function exchange(refreshToken) {
  const before = ends;
  return navigator.locks.request(LOCK, async () => {
    if (ends !== before) throw noSession();
    const wait = Number(local.get(REFRESHING)) + REFRESH_TIME - Date.now();
    if (wait > 0 && wait <= REFRESH_TIME) await pause(wait);
    local.set(REFRESHING, Date.now());
    const body = { cookie: true };
    if (refreshToken) body.refresh_token = refreshToken;
    const sent = request("POST", "v1/auth/refresh", { body, auth: false, keepalive: true });
    const { body: session } = await sent.finally(() => local.remove(REFRESHING));
    if (ends !== before) throw noSession(); // a log-out came first
    const last = lastProfile() ?? profile;
    if (!refreshToken && last && last.id !== session.user.id) {
      // Another site of the domain can set cookies, too. A session that nobody began here is not used.
      await request("POST", "v1/auth/logout", { auth: false, token: session.access_token });
      throw noSession();
    }
    if (profile && profile.id !== session.user.id) {
      // Another user has logged in in another tab.
      location.reload();
      return new Promise(() => {});
    }
    return accept(session, "refresh");
  });
}

/** Continues with the refresh token of a new session, which moves into the cookie. */
export async function adopt(refreshToken) {
  await exchange(refreshToken);
}

/** Gets a new access token. Ends the session if the server has ended it. */
export async function refresh() {
  refreshing ??= exchange().finally(() => { refreshing = null; });
  try {
    await refreshing;
  } catch (error) {
    if (profile && isNoSession(error)) end("expired");
    throw error;
  }
  return access?.token;
}

const noSession = () => new ApiError(401, { code: "invalid_refresh_token" }, new Headers());

function isNoSession({ status, code }) {
  return (status === 401 || status === 403) && NO_SESSION.includes(code);
}

/** Returns a valid access token. */
export async function token() {
  if (!profile) return null;
  if (access && access.until - Date.now() > 30_000) return access.token;
  return refresh();
}

/** Continues the session of the browser. Resolves to the profile or null; without a connection to the last known profile. */
export async function start() {
  // Without a profile nobody has logged in here, and no request is needed to know that.
  if (!hadSession() && canStore()) {
    tell("none");
    return null;
  }
  try {
    refreshing ??= exchange().finally(() => { refreshing = null; });
    const done = await Promise.race([refreshing, ...(lastProfile() ? [pause(SLOW)] : [])]);
    if (done) return done;
    // What is stored is shown until the server answers.
    refreshing?.catch((error) => profile && isNoSession(error) && end("expired"));
  } catch (error) {
    if (isNoSession(error)) {
      end("none");
      return null;
    }
    if (!lastProfile()) throw error;
  }
  const last = lastProfile();
  if (last) setUser(last, "offline");
  else end("none"); // another tab has logged out meanwhile
  return last;
}

/** Logs in. */
export async function logIn({ email, password, code }) {
  const body = { email, password, cookie: true };
  if (code) body.code = code;
  const response = await navigator.locks.request(LOCK, () =>
    request("POST", "v1/auth/login", { body, auth: false }));
  const result = accept(response.body, "login");
  channel.postMessage({ type: "login", user: result.id });
  return result;
}

/** Logs out in all tabs. Throws NetworkError without a connection, because the cookie would stay. */
export async function logOut(reason = "logout") {
  try {
    await request("POST", "v1/auth/logout");
  } catch (error) {
    if (profile && !isNoSession(error)) throw error;
  }
  forget(reason);
}

/** Ends the session in all tabs when the server has ended it already. */
export function forget(reason) {
  end(reason);
  channel.postMessage({ type: "logout", reason });
}

channel.addEventListener("message", ({ data }) => {
  if (data.type === "logout") {
    if (profile) end(data.reason);
    else ends += 1; // a refresh at the start may be on its way
  }
  if (data.type === "login") {
    if (profile && profile.id !== data.user) location.reload();
    else if (!profile) exchange().catch(() => {});
  }
});

useTokens({
  user,
  token,
  // Another request may have refreshed already.
  refresh: (used) => (access && access.token !== used ? access.token : refresh()),
});

const INVITATION = "invitation";

const INVITATION_KEPT = 86_400_000;

/** Returns the code of the invitation that is accepted after the log-in, or null. The mail that confirms an address opens another tab. */
export function pendingInvitation() {
  const kept = readObject(INVITATION);
  return kept?.until > Date.now() ? kept.code : null;
}

/** Keeps the code of an invitation for a day, or forgets it without a code. */
export const keepInvitation = (code) =>
  (code ? local.set(INVITATION, JSON.stringify({ code, until: Date.now() + INVITATION_KEPT })) : local.remove(INVITATION));
