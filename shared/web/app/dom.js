import { text } from "./strings.js";

const SVG = "http://www.w3.org/2000/svg";

/** Makes an element. Children are nodes, texts, arrays of them, or null. */
export function h(tag, props, ...children) {
  const element = document.createElement(tag);
  add(element, children);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    // The value of a select or textarea is a property only, and needs the options to be there.
    else if (name === "value" && tag !== "option" && tag !== "li") element.value = value ?? "";
    else if (typeof value === "boolean" && !name.startsWith("aria-")) element.toggleAttribute(name, value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  return element;
}

/** Replaces the content of a node. */
export function replace(node, ...children) {
  node.replaceChildren();
  add(node, children);
  return node;
}

/** Replaces the content of a node that is read out when it changes, so only if the content is another. */
export function say(node, ...children) {
  const next = replace(document.createElement("div"), ...children);
  const old = [...node.childNodes], isSame = old.length === next.childNodes.length && old.every((child, i) => child.isEqualNode(next.childNodes[i]));
  if (!isSame) node.replaceChildren(...next.childNodes);
}

function add(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined && child !== false) node.append(child);
  }
}

/** Makes an SVG element. */
export function svg(tag, props, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(props ?? {})) element.setAttribute(name, value);
  add(element, children);
  return element;
}

// Paths on a grid of 24 by 24, drawn as lines.
const icons = {
  add: "M12 5v14M5 12h14",
  all: "M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01",
  assigned: "M10 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8M3 21v-1a6 6 0 0 1 6-6h2M14.5 18.5l2 2 4-4.5",
  back: "M19 12H5M11 6l-6 6 6 6",
  bell: "M6 10a6 6 0 0 1 12 0c0 5 2 6.5 2 6.5H4S6 15 6 10M10 20a2.2 2.2 0 0 0 4 0",
  calendar: "M5 5h14a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1M4 10h16M8 3v4M16 3v4",
  check: "M5 12.5l4.5 4.5L19 7.5",
  clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7v5l3.5 2",
  close: "M6 6l12 12M18 6L6 18",
  comment: "M4 5h16v11H11l-4.5 4V16H4z",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  down: "M6 9l6 6 6-6",
  edit: "M4 20l1-4.5L16.5 4l3.5 3.5L8.5 19zM14 6.5l3.5 3.5",
  error: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7.5v5.5M12 16.5h.01",
  flag: "M6 21V4h12l-2.5 4.5L18 13H6",
  folder: "M3 6h6l2 2h10v11H3z",
  keyboard: "M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M17.5 10h.01M8 14h8",
  list: "M4 6h16M4 12h16M4 18h10",
  logout: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  mail: "M3 6h18v12H3zM3 7l9 6 9-6",
  menu: "M4 7h16M4 12h16M4 17h16",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  move: "M4 7h9M4 17h9M14 12h6M17 9l3 3-3 3M4 12h6",
  next: "M9 6l6 6-6 6",
  operators: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4",
  overdue: "M12 4l9 16H3zM12 10v4.5M12 17h.01",
  profile: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21v-1a7 7 0 0 1 7-6h2a7 7 0 0 1 7 6v1",
  repeat: "M4 11V9a3 3 0 0 1 3-3h12M16 3l3 3-3 3M20 13v2a3 3 0 0 1-3 3H5M8 21l-3-3 3-3",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14M16.5 16.5L21 21",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M16 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5M8 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5",
  skip: "M5 6l8 6-8 6zM18 6v12",
  spaces: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  statistics: "M4 20h16M7 16v-5M12 16V5M17 16v-8",
  tag: "M4 4h8l8 8-8 8-8-8zM8.5 8.5h.01",
  today: "M5 5h14a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1M4 10h16M8 3v4M16 3v4M9 15l2 2 4-4",
  trash: "M5 7h14M10 11v6M14 11v6M7 7l1 13h8l1-13M9 7V4h6v3",
  undo: "M9 7L4 12l5 5M4 12h10a5 5 0 0 1 5 5v1",
  upcoming: "M5 5h14a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1M4 10h16M8 3v4M16 3v4M8 15h7M13 13l2 2-2 2",
  offline: "M3 3l18 18M5 10a11 11 0 0 1 4-2.5M13 7a11 11 0 0 1 6 3M8.5 14a6 6 0 0 1 3-1.5M12 18h.01",
};

/** Makes an icon that assistive technology ignores. */
export function icon(name) {
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    svg("path", { d: icons[name] ?? icons.all }));
}

/** Makes the name of the product with its symbol. */
export function brand() {
  return h("span", { class: "brand" },
    svg("svg", { class: "brand-mark", viewBox: "0 0 32 32", "aria-hidden": "true", focusable: "false" },
      svg("rect", { width: 32, height: 32, rx: 8 }),
      svg("path", { d: "M8.5 21.5c1.7-1.600 2-3.7 2-7a5.5 5.5 0 0 1 11 0c0 3.300.3 5.400 2 7zM13.800 24.200a2.400 2.400 0 0 0 4.400 0M13.200 15.7l2.100 2.100 3.7-4" })),
    "Taskbell");
}

/** Makes the placeholder of what is being loaded. */
export const skeleton = () => h("div", { class: "skeleton", role: "status", "aria-label": text.loading }, h("i"), h("i"), h("i"));

let ids = 0;

/** Returns an id that is unique in the document. */
export function uniqueId(prefix = "id") {
  ids += 1;
  return `${prefix}-${ids}`;
}
