import { confirmDialog, toast, undoNewest } from "./dialog.js";
import { brand, h, icon, replace, skeleton } from "./dom.js";
import { describe } from "./api.js";
import { hasDrafts, stored } from "./cache.js";
import { key, showKeys } from "./keys.js";
import { send } from "./outbox.js";
import { registerTaskPages } from "./pages-tasks.js";
import { current, go, heading, route, startRouter } from "./router.js";
import { hadSession, logOut, mayGoOn, onChange, pendingInvitation, start, user } from "./session.js";
import { onSpaces, spacesList } from "./spaces-store.js";
import { PREFIX, tab } from "./storage.js";
import { text } from "./strings.js";
import { changes } from "./tasks-store.js";

// The pages that the first list does not need are loaded when they are opened.
const auth = () => import("./pages-auth.js");
const profile = () => import("./pages-profile.js");
const security = () => import("./pages-security.js");
const spacePages = () => import("./pages-spaces.js");
const LATER = [
  ["/login", "logInPage", auth],
  ["/register", "registerPage", auth],
  ["/verify", "verifyPage", auth],
  ["/forgot", "forgotPage", auth],
  ["/reset", "resetPage", auth],
  ["/remove-second-factor", "lostFactorPage", auth],
  ["/invitation", "invitationPage", auth],
  ["/undo-email", "undoEmailPage", auth],
  ["/profile", "profilePage", profile],
  ["/profile/security", "securityPage", security],
  ["/confirm-email", "confirmEmailPage", security],
  ["/spaces", "spacesPage", spacePages],
  ["/space/:id/members", "membersPage", spacePages],
  ["/statistics", "statisticsPage", () => import("./pages-stats.js")],
  ["/operators", "operatorsPage", () => import("./pages-operators.js")],
];

const RETURN = "return";
const app = document.getElementById("app");
const main = h("main", { id: "main", tabindex: "-1" });
const spaceLinks = h("ul", { class: "nav-list" });
const offline = h("div", { class: "offline", role: "status" });
const content = h("div", { class: "content" }, offline, main);
const menuButton = h("button", { type: "button", class: "icon-button menu-button", "aria-expanded": "false", "aria-controls": "nav", "aria-label": text.menu, onclick: () => showMenu(!app.classList.contains("menu-open")) }, icon("menu"));

function link(hash, symbol, label, props) {
  return h("li", null, h("a", { href: hash, class: "nav-link", ...props }, icon(symbol), h("span", { dir: "auto" }, label)));
}

const operatorItem = link("#/operators", "operators", text.operators);
const nav = h("nav", { id: "nav", class: "nav", "aria-label": text.mainNavigation },
  h("ul", { class: "nav-list" },
    link("#/today", "today", text.today), link("#/upcoming", "upcoming", text.upcoming), link("#/overdue", "overdue", text.overdue),
    link("#/all", "all", text.all), link("#/assigned", "assigned", text.assigned)),
  h("h2", { class: "nav-title" }, h("a", { href: "#/spaces" }, text.spaces),
    h("a", { href: "#/spaces", class: "icon-button small", "aria-label": text.manageSpaces, title: text.manageSpaces }, icon("settings"))),
  spaceLinks,
  h("ul", { class: "nav-list nav-end" },
    link("#/statistics", "statistics", text.statistics), operatorItem, link("#/profile", "profile", text.profile),
    h("li", { class: "of-keys" }, h("button", { type: "button", class: "nav-link", onclick: showKeys }, icon("keyboard"), text.keys)),
    h("li", null, h("button", { type: "button", class: "nav-link", onclick: leave }, icon("logout"), text.logOut))));

const header = h("header", { class: "top" }, menuButton, h("a", { href: "#/today", class: "home" }, brand()));

function showMenu(open) {
  app.classList.toggle("menu-open", open);
  menuButton.setAttribute("aria-expanded", String(open));
  content.inert = open; // it is behind the menu
  menuButton.setAttribute("aria-label", open ? text.close : text.menu);
  replace(menuButton, icon(open ? "close" : "menu"));
}

// Another tab can have left changes, which are stored.
const unsent = async () => changes.length || (await stored("changes")).length || hasDrafts();

async function leave() {
  if (await unsent()) {
    await send({ now: true });
    if ((await unsent()) && !(await confirmDialog({ title: text.unsentTitle, text: text.unsentText, action: text.logOut }))) return;
  }
  try {
    await logOut();
  } catch (error) {
    toast(`${describe(error)} ${text.stillLoggedIn}`);
  }
}

function showFrame(inside = Boolean(user())) {
  app.classList.toggle("inside", inside);
  menuButton.hidden = !inside;
  nav.hidden = !inside;
  operatorItem.hidden = user()?.role !== "operator";
}

async function showSpaces() {
  if (!user()) return replace(spaceLinks);
  try {
    const spaces = await spacesList();
    replace(spaceLinks, spaces.map((space) => link(`#/space/${space.id}`, space.personal ? "folder" : "spaces", space.name)));
    markCurrent();
  } catch {
    // The page itself says that there is no connection. The next page tries again.
  }
}

function markCurrent() {
  const page = `#${current().path}`;
  for (const a of nav.querySelectorAll("a[href]")) {
    const href = a.getAttribute("href");
    if (page === href) a.setAttribute("aria-current", "page");
    else if (page.startsWith(`${href}/`)) a.setAttribute("aria-current", "true");
    else a.removeAttribute("aria-current");
  }
}

// Pages other than those of the account need a session. The page that was asked for opens after the log-in.
function isAllowed({ path, hash, isPublic }) {
  if (path === "/") {
    go(user() ? "#/today" : "#/login", { replace: true });
    return false;
  }
  if (isPublic || user()) return true;
  tab.set(RETURN, hash);
  go("#/login", { replace: true });
  return false;
}

function afterLogIn() {
  const target = tab.get(RETURN);
  tab.remove(RETURN);
  if (pendingInvitation()) go("#/invitation", { replace: true });
  else go(target ?? "#/today", { replace: true });
}

onChange((profile, reason) => {
  showFrame();
  if (reason === "login") afterLogIn();
  if (reason === "refresh" && ["/login", "/register"].includes(current().path)) afterLogIn();
  if (["login", "refresh", "offline"].includes(reason)) showSpaces();
  if (!profile && reason !== "none") {
    replace(spaceLinks);
    if (reason === "expired") tab.set(RETURN, location.hash);
    else tab.remove(RETURN);
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    const page = `#/login?${reason}`;
    if (mayGoOn(reason)) return go(page, { replace: true });
    history.replaceState(null, "", page); // shown when everything has been loaded again
    main.hidden = true;
  }
});

function showOffline() {
  replace(offline, navigator.onLine ? null : [icon("offline"), text.offline]);
}

async function begin() {
  replace(main, skeleton());
  try {
    await start();
  } catch (error) {
    return replace(main, h("div", { class: "empty", role: "alert" }, h("p", null, describe(error)),
      h("button", { type: "button", class: "button", onclick: begin }, text.tryAgain)));
  }
  showFrame();
  startRouter(main, {
    isAllowed,
    missing: (params, query, element) => {
      heading(element, text.notFound);
      element.append(h("p", null, text.notFoundText), h("p", null, h("a", { href: "#/today" }, text.toToday)));
    },
    failed: (element) => replace(element, h("div", { class: "empty", role: "alert" }, h("p", null, text.noPage),
      h("button", { type: "button", class: "button", onclick: () => location.reload() }, text.tryAgain))),
  });
}

async function installWorker() {
  const serviceWorker = navigator.serviceWorker;
  if (!serviceWorker) return;
  let hadWorker = Boolean(serviceWorker.controller);
  const base = new URL("./", document.baseURI);
  const url = new URL("app/sw.js", base).href;
  const policy = globalThis.trustedTypes?.createPolicy("taskbell", { createScriptURL: () => url });
  const release = new URL(".", import.meta.url).pathname.split("/").at(-2);
  serviceWorker.addEventListener("controllerchange", async () => {
    const newest = (await caches.keys()).filter((name) => name.startsWith(`${PREFIX} `)).at(-1);
    if (hadWorker && newest !== `${PREFIX} ${release}`) toast(text.newVersion, { action: text.reload, onAction: () => location.reload(), seconds: 60 });
    hadWorker = true;
  });
  try {
    const registration = await serviceWorker.register(policy ? policy.createScriptURL("") : url, { scope: base.href });
    // Browsers look for a new release at a load only, and a tab can stay open for weeks.
    const update = () => registration.update().catch(() => {});
    let last = Date.now();
    document.addEventListener("visibilitychange", () => {
      if (document.hidden || Date.now() - last < 3_600_000) return;
      last = Date.now();
      update();
    });
    update();
  } catch (error) {
    console.warn(error);
  }
}

replace(app,
  h("a", { href: "#main", class: "skip", onclick: (event) => { event.preventDefault(); main.focus(); } }, text.skip),
  header, nav, content);
// The frame is there at once for who has logged in before, so that nothing moves later.
showFrame(hadSession());
showOffline();
addEventListener("online", showOffline);
addEventListener("offline", showOffline);
addEventListener("keydown", (event) => {
  if (event.key === "Escape" && app.classList.contains("menu-open")) {
    showMenu(false);
    menuButton.focus();
  }
});
// Also a link to the page that is shown closes the menu.
app.addEventListener("click", ({ target }) => { if (target.closest(".nav a, .home")) showMenu(false); });
matchMedia("(min-width: 56rem)").addEventListener("change", () => showMenu(false));
document.addEventListener("taskbell:page", () => {
  showMenu(false);
  markCurrent();
});
onSpaces(showSpaces);
key("?", text.keyHelp, showKeys);
key("z", text.keyUndo, undoNewest);
["today", "upcoming", "overdue", "all", "assigned"].forEach((page, i) => key(String(i + 1), text.openPage(text[page]), () => user() && go(`#/${page}`)));
for (const [pattern, handler, load] of LATER) route(pattern, handler, { load, isPublic: load === auth });
registerTaskPages();
await begin();
installWorker();
