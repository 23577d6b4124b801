import { ApiError, request, useTokens } from "./api.js";

// The profile holds no secret. It lets the app open without a connection.
const PROFILE = "taskbell.profile";
const REFRESHING = "taskbell.refreshing";
const REFRESH_TIME = 3000;
const channel = new BroadcastChannel("taskbell-session");
const listeners = new Set();

let profile = null;
let access = null; // {token, until}: kept in memory only
let refreshing = null;

/** Returns the profile of the user, or null without a session. */
export function user() {
  return profile;
}

/** Calls f(profile, reason) when the session begins, changes or ends. Returns a function that stops it. */
export function onChange(f) {
  listeners.add(f);
  return () => listeners.delete(f);
}

/** Replaces the profile, such as after a change of it. */
export function setUser(next, reason = "profile") {
  profile = next;
  try {
    if (next) localStorage.setItem(PROFILE, JSON.stringify(next));
    else localStorage.removeItem(PROFILE);
  } catch {
    // Storage can be full or forbidden. The app works without it.
  }
  for (const f of listeners) f(next, reason);
}

function lastProfile() {
  try {
    return JSON.parse(localStorage.getItem(PROFILE));
  } catch {
    return null;
  }
}

/** Says whether somebody was logged in when the app was open last. */
export function hadSession() {
  return Boolean(lastProfile());
}

function accept(session, reason) {
  access = { token: session.access_token, until: Date.now() + session.expires_in * 1000 };
  setUser(session.user, reason);
  return profile;
}

function end(reason) {
  access = null;
  setUser(null, reason);
}

// Refreshing exchanges the cookie, so tabs must not do it at the same time. A page that is reloaded meanwhile gives up the
// lock, but its request goes on (`keepalive`). The next page waits for it: it would send the cookie a second time, which ends
// the session.
async function exchange(refreshToken) {
  return navigator.locks.request("taskbell-refresh", async () => {
    const wait = Number(localStorage.getItem(REFRESHING)) + REFRESH_TIME - Date.now();
    if (wait > 0 && wait <= REFRESH_TIME) await new Promise((done) => setTimeout(done, wait));
    localStorage.setItem(REFRESHING, Date.now());
    const body = { cookie: true };
    if (refreshToken) body.refresh_token = refreshToken;
    const sent = request("POST", "v1/auth/refresh", { body, auth: false, keepalive: true });
    const response = await sent.finally(() => localStorage.removeItem(REFRESHING));
    return accept(response.body, "refresh");
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
    if (isNoSession(error)) end("expired");
    throw error;
  }
  return access.token;
}

function isNoSession(error) {
  return error instanceof ApiError && error.status < 500 && error.status !== 429;
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
  if (!hadSession()) {
    end("none");
    return null;
  }
  try {
    refreshing ??= exchange().finally(() => { refreshing = null; });
    return await refreshing;
  } catch (error) {
    if (isNoSession(error)) {
      end("none");
      return null;
    }
    const last = lastProfile();
    if (!last) throw error;
    setUser(last, "offline");
    return last;
  }
}

/** Logs in. */
export async function logIn({ email, password, code }) {
  const body = { email, password, cookie: true };
  if (code) body.code = code;
  const response = await navigator.locks.request("taskbell-refresh", () =>
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
    if (!isNoSession(error)) throw error;
  }
  forget(reason);
}

/** Ends the session in all tabs when the server has ended it already. */
export function forget(reason) {
  end(reason);
  channel.postMessage({ type: "logout", reason });
}

channel.addEventListener("message", ({ data }) => {
  if (data.type === "logout" && profile) end(data.reason);
  if (data.type === "login") {
    if (profile && profile.id !== data.user) location.reload();
    else if (!profile) start().catch(() => {});
  }
});

useTokens({
  token,
  // Another request may have refreshed already.
  refresh: (used) => (access && access.token !== used ? access.token : refresh()),
});

/** The key of an invitation that is accepted after the log-in, in the storage of the tab. */
export const INVITATION = "taskbell.invitation";

/** Returns the code of the invitation that waits for the log-in, or null. */
export function pendingInvitation() {
  return sessionStorage.getItem(INVITATION);
}
