import { h, replace, skeleton, uniqueId } from "./dom.js";
import { readObject, tab } from "./storage.js";

const routes = [];
let main = null;
let allowed = () => true;
let notFound = null;
let failure = null;
let cleanup = null;
let visit = 0;
const SCROLLED = "scrolled";
const positions = new Map(); // how far each page of the history was scrolled
let shown = null; // the entry of the history that is shown

/** Registers a page: `route("/space/:id", async (params, query, main) => cleanup)`. With `load`, the handler is the function of this
 *  name in a module that is loaded when the page is opened. */
export function route(pattern, handler, { isPublic = false, load = null } = {}) {
  const names = [];
  const source = pattern.replace(/:(\w+)/g, (_, name) => {
    names.push(name);
    return "([^/]+)";
  });
  routes.push({ regex: new RegExp(`^${source}$`), names, handler, isPublic, load });
}

/** Opens a page: `go("#/today")`. */
export function go(hash, { replace: instead = false } = {}) {
  if (instead) {
    history.replaceState(null, "", hash);
    render();
  } else if (location.hash === hash) render();
  else location.hash = hash;
}

/** Returns the current page as {path, query}. */
export function current() {
  const [path, search = ""] = location.hash.slice(1).split(/\?(.*)/s);
  return { path: path || "/", query: new URLSearchParams(search) };
}

/** Shows pages in `element` from now on. `isAllowed(route)` returns false if another page has to be opened instead. */
export function startRouter(element, { isAllowed, missing, failed }) {
  main = element;
  allowed = isAllowed;
  notFound = missing;
  failure = failed;
  addEventListener("hashchange", render);
  history.scrollRestoration = "manual"; // pages fill themselves later than the browser scrolls
  for (const [entry, place] of Object.entries(readObject(SCROLLED, tab) ?? {})) positions.set(entry, place);
  addEventListener("pagehide", () => tab.set(SCROLLED, JSON.stringify(Object.fromEntries([...positions.set(shown, scrollY)].slice(-50)))));
  render();
}

/** Shows the current page again. */
export async function render() {
  const { hash } = location;
  const { path, query } = current();
  const secret = query.has("token") || query.has("code");
  // Nobody shall read a code in the address bar or in the history.
  if (secret) history.replaceState(null, "", `#${path}`);
  const { params, handler, isPublic, load } = find(path);
  if (!allowed({ path, hash, isPublic })) return;
  visit += 1;
  const mine = visit;
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close(); // it belongs to the page before
  try {
    cleanup?.();
  } catch (error) {
    console.error(error);
  }
  cleanup = null;
  positions.set(shown, scrollY);
  shown = history.state?.entry;
  const place = positions.get(shown);
  if (!shown) history.replaceState({ entry: shown = uniqueId("page") + Date.now() }, "");
  replace(main);
  scrollTo(0, 0);
  document.dispatchEvent(new CustomEvent("taskbell:page", { detail: { path } }));
  let page = handler;
  if (load) {
    replace(main, skeleton());
    try {
      page = (await load())[handler];
    } catch {
      if (mine === visit) failure(main);
      return;
    }
    if (mine !== visit) return;
  }
  const result = await page(params, query, main);
  if (place && mine === visit) scrollBack(place, mine);
  if (typeof result !== "function") return;
  if (mine === visit) cleanup = result;
  else result();
}

/** Scrolls to where the reader was, as soon as the page is long enough again. */
function scrollBack(place, mine) {
  const until = performance.now() + 2000, stop = new AbortController();
  for (const type of ["wheel", "touchstart", "pointerdown", "keydown"]) addEventListener(type, () => stop.abort(), { signal: stop.signal, passive: true });
  (function step() {
    if (mine !== visit || stop.signal.aborted) return stop.abort();
    scrollTo(0, place);
    if (scrollY >= place - 1 || performance.now() > until) stop.abort();
    else requestAnimationFrame(step);
  })();
}

function find(path) {
  for (const { regex, names, ...found } of routes) {
    const match = regex.exec(path);
    if (match) return { params: Object.fromEntries(names.map((name, i) => [name, decode(match[i + 1])])), ...found };
  }
  return { params: {}, handler: notFound, isPublic: true };
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Shows the heading of a page in `main`, names the document, and moves the focus there. Returns the heading. */
export function heading(element, title, ...actions) {
  const h1 = h("h1", { tabindex: "-1", dir: "auto" }, title);
  replace(element, h("div", { class: "page-head" }, h1, actions.length ? h("div", { class: "actions" }, actions) : null));
  document.title = `${title} – Taskbell`;
  h1.focus({ preventScroll: true });
  return h1;
}
