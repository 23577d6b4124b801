// The lists of tasks.

import { NetworkError, describe } from "./api.js";
import { failed } from "./dialog.js";
import { h, icon, replace, say, skeleton } from "./dom.js";
import { addDays, dayOf, dayWords, instantOf, isOverdue, today } from "./dates.js";
import { key } from "./keys.js";
import { onLive } from "./live.js";
import { quickAdd } from "./quick-add-form.js";
import { current, go, heading, route } from "./router.js";
import { user } from "./session.js";
import { LOCALE, spaceText, taskText as text } from "./strings.js";
import { groupsView, removeTask, reschedule, skip, snooze, taskMenu, timeMark, toggle } from "./task-view.js";
import { startTasks } from "./tasks-start.js";
import { fromEarlier, get, mayChange, openList, plain, spaceOf, spaces, subscribe, zone } from "./tasks-store.js";

const FIRST = 40, STEP = 100; // rows at first, and rows that are added as the reader comes to the end
const settings = new Map(); // by page, as long as the app is open

const each = (list, query) => list.map((space) => ({ space: space.id, ...query }));
/** The server reads open tasks from an index by status, so years of completed ones cost nothing. */
const byStatus = (queries, { completed }) =>
  completed ? queries : queries.flatMap((query) => [{ ...query, status: "pending" }, { ...query, status: "in_progress" }]);

function dueGroups(tasks) {
  const now = today(zone()), week = addDays(now, 7), groups = new Map();
  const groupOf = (task) => {
    const day = dayOf(task, zone());
    if (task.status === "completed") return ["done", text.statuses.completed];
    if (!day) return ["none", text.noDue];
    if (isOverdue(task, zone())) return ["late", text.overdue];
    if (day <= addDays(now, 1)) return [day, dayWords(day, zone())];
    return day <= week ? ["week", text.week] : ["later", text.later];
  };
  for (const task of [...tasks.filter(({ status }) => status !== "completed"), ...tasks.filter(({ status }) => status === "completed")]) {
    const [name, title] = groupOf(task);
    if (!groups.has(name)) groups.set(name, { key: name, title, tasks: [], late: name === "late" });
    groups.get(name).tasks.push(task);
  }
  return [...groups.values()];
}

function dayGroups(tasks) {
  const groups = new Map();
  for (const task of tasks) {
    const day = dayOf(task, zone());
    if (!groups.has(day)) groups.set(day, { key: day, title: dayWords(day, zone(), { long: true }), tasks: [] });
    groups.get(day).tasks.push(task);
  }
  return [...groups.values()];
}

const flat = (tasks) => (tasks.length ? [{ key: "all", title: "", tasks }] : []);

/** What a search means: `#home` is a tag and `@Money` a category, as in the quick add. */
function wanted(q) {
  const [, mark, name] = /^([#@])"?([^"]*\p{L}[^"]*)"?$/u.exec(q.normalize("NFC")) ?? [];
  if (!mark) return { q };
  return mark === "#" ? { tag: name.toLowerCase() } : { category: name };
}

let opened = null; // the task that was opened from a list: its row gets the focus when one comes back
let searched = false; // from the field, so the focus goes back there

const pages = {
  today: {
    queries: (list) => [...each(list, { due: "today" }), ...each(list, { overdue: "true" })],
    keep: (task) => dayOf(task, zone()) === today(zone()) || fromEarlier(task, today(zone())),
    groups: (tasks) => {
      const late = tasks.filter((task) => isOverdue(task, zone())), rest = tasks.filter((task) => !late.includes(task));
      return [{ key: "late", title: text.overdue, tasks: late, late: true }, { key: "today", title: late.length ? text.today : "", tasks: rest }].filter(({ tasks }) => tasks.length);
    },
    subtitle: () => new Intl.DateTimeFormat(LOCALE, { timeZone: zone(), weekday: "long", day: "numeric", month: "long" }).format(),
    defaults: () => ({ due: today(zone()) }),
  },
  upcoming: {
    queries: (list) => each(list, { due_after: `${instantOf(today(zone()), "00:00", zone()).toISOString().slice(0, 19)}Z` }),
    keep: (task) => dayOf(task, zone()) >= today(zone()), groups: dayGroups, sorts: [],
  },
  overdue: { queries: (list) => each(list, { overdue: "true" }), keep: (task) => isOverdue(task, zone()), groups: dayGroups, noCompleted: true },
  all: { queries: (list, options) => byStatus(each(list, {}), options), keep: () => true, groups: dueGroups },
  assigned: {
    queries: (list, options) => byStatus([{ assigned_to: "me" }], options), keep: (task) => task.assigned_to === user()?.id, groups: dueGroups, sorts: [],
    defaults: () => ({ assigned_to: user().id }),
  },
  space: {
    title: ({ id }) => spaceOf(id)?.name ?? text.space, queries: (list, options, { id }) => byStatus([{ space: id }], options),
    keep: (task, { id }) => task.space === id, groups: dueGroups, space: ({ id }) => id,
    actions: ({ id }) => (spaceOf(id) && !spaceOf(id).personal ? [h("a", { class: "button", href: `#/space/${id}/members` }, icon("profile"), text.members)] : []),
  },
  tag: {
    title: ({ name }) => text.tag(name), queries: (list, options, { name }) => byStatus(each(list, { tag: name }), options),
    keep: (task, { name }) => task.tags.includes(name.toLowerCase()), groups: dueGroups, defaults: ({ name }) => ({ tags: [name] }),
  },
  category: {
    title: ({ name }) => text.category(name), queries: (list, options, { name }) => byStatus(each(list, { category: name }), options),
    keep: (task, { name }) => task.category === name, groups: dueGroups, defaults: ({ name }) => ({ category: name }),
  },
  search: {
    queries: (list, options, { q }) => byStatus(each(list, wanted(q)), options), groups: flat,
    keep: (task, { q }, found) => {
      const { tag, category } = wanted(q);
      if (tag || category) return tag ? task.tags.includes(tag) : task.category === category;
      return found.has(task.id) || plain(`${task.title}\n${task.description}`).includes(plain(q));
    },
  },
};

const select = (label, options, value, onchange, className = "") => h("label", { class: `compact ${className}` }, h("span", null, label),
  h("select", { value, onchange: ({ target }) => onchange(target.value) }, options.map(([content, name]) => h("option", { value: content }, name))));

/** Shows a list and returns its cleanup. */
function showList(name, params, main) {
  const page = pages[name], path = current().path;
  const options = settings.get(path) ?? { sort: "due", priority: "", completed: false };
  settings.set(path, options);
  const title = () => page.title?.(params) ?? text[name];
  const h1 = heading(main, title(), ...(page.actions?.(params) ?? []));
  const count = h("span", { class: "list-count", role: "status" });
  const date = page.subtitle ? h("span", null, page.subtitle()) : null;
  h1.after(h("p", { class: "soft subtitle" }, date, count));
  const body = h("div", { class: "groups" }), foot = h("div", { class: "sentinel soft" }), message = h("div", { class: "list-message", role: "status" });
  const several = !["space"].includes(name);
  const view = groupsView(body, { showSpace: several, showDay: page.groups !== dayGroups && name !== "today", mark: timeMark });
  let list = null, limit = FIRST, closed = false, near = false, allowed, searching = name !== "search" || params.q;

  const search = h("input", { type: "search", name: "q", "aria-label": text.searchTasks, placeholder: text.searchTasks, value: params.q ?? "", maxlength: 100, enterkeyhint: "search" });
  search.addEventListener("keydown", (event) => { if (event.key === "Escape" && !search.value) search.blur(); });
  search.addEventListener("search", () => { if (!search.value && params.q) searchNow(); });
  function searchNow() {
    const q = search.value.trim();
    if (!q && name !== "search") return search.focus();
    searched = true;
    go(q ? `#/search?q=${encodeURIComponent(q)}` : "#/search");
  }

  const filters = h("button", { type: "button", class: "icon-button filter-toggle", "aria-label": text.filters, title: text.filters, "aria-expanded": "false", onclick: () => filters.setAttribute("aria-expanded", String(tools.classList.toggle("open"))) }, icon("settings"));
  const tools = h("div", { class: "tools" },
    h("form", { role: "search", class: "search", onsubmit: (event) => { event.preventDefault(); searchNow(); } }, search, h("button", { type: "submit", class: "icon-button", "aria-label": text.search }, icon("search"))), filters,
    page.sorts ? null : select(text.sort, Object.entries(text.sorts), options.sort, (sort) => open({ sort })),
    select(text.priorityFilter, [["", text.anyPriority], ...Object.entries(text.priorities).reverse()], options.priority, (priority) => open({ priority }), "of-priority"),
    page.noCompleted ? null : h("label", { class: "switch" }, h("input", { type: "checkbox", role: "switch", checked: options.completed, onchange: ({ target }) => open({ completed: target.checked }) }), h("span", null, text.showCompleted)));
  const add = name === "search" ? null : quickAdd({ defaults: () => page.defaults?.(params) ?? {}, space: () => page.space?.(params) ?? null, seen: (id) => body.querySelector(`[data-id="${CSS.escape(id)}"]`) });
  if (options.priority || options.completed || options.sort !== "due") filters.click(); // what narrows the list must be seen
  main.append(add?.element ?? "", tools, message, body, foot);
  if (searching) replace(message, skeleton());

  function keep(task, found) {
    return (options.completed || task.status !== "completed") && (!options.priority || task.priority === options.priority) && page.keep(task, params, found);
  }

  async function open(more = {}) {
    Object.assign(options, more);
    limit = FIRST;
    list?.close();
    if (!searching) return replace(message, h("div", { class: "empty" }, h("p", null, text.nothing.query), h("p", { class: "small-text" }, text.searchHelp)));
    let known, error;
    try {
      known = await spaces();
    } catch (failure) {
      error = failure;
    }
    if (closed) return;
    if (known && h1.textContent !== title()) {
      h1.textContent = title();
      document.title = `${title()} – Taskbell`;
    }
    const links = (known && !h1.parentElement.querySelector(".actions") && page.actions?.(params)) || [];
    if (links.length) h1.after(h("div", { class: "actions" }, links));
    const missing = name === "space" && known && !spaceOf(params.id);
    tools.hidden = missing;
    if (missing) {
      add.element.hidden = true;
      view([]);
      return replace(message, h("div", { class: "empty" }, h("p", null, spaceText.missing), h("p", null, h("a", { href: "#/spaces" }, spaceText.toSpaces))));
    }
    const queries = known ? page.queries(known, options, params).map((query) => ({ ...query, priority: options.priority })) : [];
    list = openList({ queries, sort: page.sorts ? "due" : options.sort, keep, changed: show });
    list.error = error ?? null;
    add?.refresh();
    show();
    list.more();
  }

  function show() {
    if (!list || closed) return;
    if (allowed !== mayAdd()) {
      allowed = mayAdd();
      add?.refresh();
    }
    const items = list.items(), part = items.slice(0, limit);
    const groups = page.groups === flat || (!page.sorts && options.sort !== "due") ? flat(part) : page.groups(part);
    view(groups);
    if (opened && document.activeElement === h1) body.querySelector(`[data-id="${CSS.escape(opened)}"] .task-title`)?.focus({ preventScroll: true });
    if (items.length) opened = null;
    body.setAttribute("aria-busy", String(list.loading));
    const more = items.length > limit || (!list.done && !list.error);
    // While the first tasks are loaded, those on the device are probably all.
    say(count, items.length ? text.tasksShown(part.length, items.length > limit || (more && list.loaded)) : "");
    // What comes and goes below the rows must not move: the end of the list is empty, and is there with rows only.
    foot.hidden = !items.length;
    replace(foot, more && list.loading ? text.more : "");
    showMessage(items.length);
    // The end may still be in view: the observer reports it again.
    if (near && more && !list.loading) {
      watch.unobserve(foot);
      watch.observe(foot);
    }
  }

  function showMessage(length) {
    if (list.error && !list.loaded && !length) {
      say(message, h("div", { class: "empty" }, h("p", null, describe(list.error)), h("button", { type: "button", class: "button", onclick: () => open() }, icon("repeat"), text.tryAgain)));
    } else if (list.error && navigator.onLine) {
      say(message, h("p", { class: "notice warn" }, h("span", null, describe(list.error)), h("button", { type: "button", class: "button small", onclick: () => list.more() }, text.tryAgain)));
    } else if (!length && !list.error && (list.loading || !list.done)) {
      if (!message.querySelector(".skeleton")) replace(message, skeleton());
      if (!list.loading) list.more();
    } else if (!length && !list.error) {
      const all = () => {
        tools.querySelector(".of-priority select").value = "";
        open({ priority: "" });
      };
      say(message, h("div", { class: "empty" }, h("span", { class: "empty-mark" }, icon(name === "search" ? "search" : "check")), h("p", null, options.priority ? text.nothing.filtered : text.nothing[name]),
        options.priority ? h("button", { type: "button", class: "button", onclick: all }, text.anyPriority) : name === "search" ? h("p", { class: "small-text" }, text.searchHelp) : name !== "overdue" && mayAdd() ? h("p", { class: "small-text" }, text.nothingHelp, h("span", { class: "of-keys" }, ` ${text.nothingKey}`)) : null));
    } else replace(message);
  }

  const mayAdd = () => name !== "space" || mayChange(params.id);

  foot.hidden = true;
  const watch = new IntersectionObserver((entries) => {
    near = entries.at(-1).isIntersecting;
    if (!near || !list || list.error || list.loading) return;
    if (list.items().length > limit) {
      limit += STEP;
      show();
    } else if (!list.done) list.more();
  }, { rootMargin: "800px" });
  watch.observe(foot);

  const taskAt = (node) => get(node?.closest(".task")?.dataset.id ?? "");
  const focused = () => taskAt(document.activeElement);
  const act = (task, run) => task && mayChange(task.space) && run(task);
  const actions = { complete: toggle, due: reschedule, snooze, skip, delete: removeTask, menu: taskMenu };
  body.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-action]");
    if (button) act(taskAt(button), actions[button.dataset.action]);
  });
  const move = (step) => {
    const links = [...body.querySelectorAll(".task-title")];
    const at = links.indexOf(document.activeElement?.closest(".task")?.querySelector(".task-title"));
    const next = links[at < 0 ? (step > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + step))];
    next?.focus();
    next?.closest(".task").scrollIntoView({ block: "nearest" });
  };
  body.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) move(step);
    else if (event.key === " " && event.target.matches(".task-title")) act(focused(), toggle);
    else return;
    event.preventDefault();
  });
  const ends = [
    key("n", text.keys.new, () => add?.focus()), key("/", text.keys.search, () => search.focus()),
    key("j", text.keys.next, () => move(1)), key("k", text.keys.previous, () => move(-1)),
    key("x", text.keys.complete, () => act(focused(), toggle)), key("s", text.keys.snooze, () => act(focused(), (task) => task.status !== "completed" && snooze(task))),
    key("d", text.dueTitle, () => act(focused(), (task) => task.status !== "completed" && reschedule(task))),
    key("e", text.keys.edit, () => { const task = focused(); if (task) go(`#/task/${task.id}`); }), key("Delete", text.keys.delete, () => act(focused(), removeTask)),
    subscribe(show), onLive(({ type }) => type === "reload" && open()),
  ];
  // What was loaded before is in the store, so after a loss of the network the rest is loaded again.
  const online = () => (list?.error ? open() : show());
  addEventListener("online", online);
  addEventListener("offline", show);
  let day = today(zone());
  // After midnight the server is asked again: tasks of the new day may not be on this device.
  const tick = () => {
    if (document.hidden) return;
    if (day === today(zone())) return show();
    day = today(zone());
    if (date) replace(date, page.subtitle());
    open();
  };
  const clock = setInterval(tick, 60_000);
  document.addEventListener("visibilitychange", tick);
  if (name === "search" && (searched || !params.q)) search.focus();
  searched = false;
  open();
  return () => {
    closed = true;
    opened = current().path.split("/task/")[1] ?? null;
    list?.close();
    watch.disconnect();
    clearInterval(clock);
    document.removeEventListener("visibilitychange", tick);
    removeEventListener("online", online);
    removeEventListener("offline", show);
    for (const end of ends) end();
  };
}

async function openEditor(params, query, main) {
  try {
    const { showTask } = await import("./task-editor.js");
    if (current().path === `/task/${params.id}`) return showTask(params.id, main);
  } catch (error) {
    console.warn(error);
    heading(main, text.task);
    main.append(failed(new NetworkError(), () => location.reload()));
  }
}

/** Registers the pages of tasks, and keeps tasks up to date during a session. */
export function registerTaskPages() {
  for (const name of ["today", "upcoming", "overdue", "all", "assigned"]) route(`/${name}`, (params, query, main) => showList(name, params, main));
  route("/space/:id", (params, query, main) => showList("space", params, main));
  route("/tag/:name", (params, query, main) => showList("tag", params, main));
  route("/category/:name", (params, query, main) => showList("category", params, main));
  route("/search", (params, query, main) => showList("search", { q: (query.get("q") ?? "").trim() }, main));
  route("/task/:id", openEditor);
  // These are not needed for the first list, and must be there without a connection.
  setTimeout(() => Promise.all([import("./task-editor.js"), import("./conflict.js")]).catch(() => {}), 3000);
  startTasks();
}

