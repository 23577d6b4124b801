import { request } from "./api.js";
import { h, replace, svg } from "./dom.js";
import { field, loaded } from "./form.js";
import { spacesList } from "./spaces-store.js";
import { heading } from "./router.js";
import { LOCALE, statsText as text } from "./strings.js";
import { showDate } from "./zones.js";

const number = (value) => value.toLocaleString(LOCALE);

function duration(seconds) {
  const [size, unit] = [[86_400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]].find(([size]) => seconds >= size) ?? [1, "second"];
  return (seconds / size).toLocaleString(undefined, { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: seconds / size < 10 ? 1 : 0 });
}

function figure(label, value, kind = "") {
  return h("div", { class: `figure ${kind}` }, h("dt", null, label), h("dd", { class: "number" }, value));
}

// The plot is decoration for those who see it. The table below has the same numbers.
function plot(points, space) {
  const width = Math.min(720, Math.max(260, space)), height = 200, left = 36, bottom = 24, top = 10;
  const max = Math.max(4, ...points.map(([, value]) => value));
  const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 20_000].find((size) => max / size <= 4) ?? Math.ceil(max / 4);
  const limit = Math.ceil(max / step) * step;
  const y = (value) => top + (height - top - bottom) * (1 - value / limit);
  const slot = (width - left) / points.length;
  const bar = Math.min(28, slot * .68);
  const every = Math.ceil(points.length * 90 / (width - left));
  const element = svg("svg", { class: "plot", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" });
  for (let value = 0; value <= limit; value += step) {
    element.append(svg("line", { x1: left, x2: width, y1: y(value), y2: y(value), class: "grid" }),
      svg("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, number(value)));
  }
  points.forEach(([label, value], i) => {
    const x = left + slot * (i + .5);
    if (value) {
      element.append(svg("rect", { x: x - bar / 2, width: bar, y: y(value), height: y(0) - y(value), rx: Math.min(4, bar / 3) },
        svg("title", null, `${label}: ${number(value)}`)));
    }
    if ((points.length - 1 - i) % every === 0) element.append(svg("text", { x: Math.min(x, width - 18), y: height - 6, "text-anchor": "middle" }, label));
  });
  return element;
}

function show(stats, byWeek, space) {
  const short = (date) => new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", timeZone: "UTC" }).format(new Date(date));
  const rows = byWeek ? stats.completed_by_week.map((week) => [week.week_of, week.completed]) : stats.completed_by_day.map((day) => [day.date, day.completed]);
  const total = rows.reduce((sum, [, value]) => sum + value, 0);
  const title = byWeek ? text.byWeek : text.byDay;
  return [
    h("dl", { class: "figures" },
      figure(text.open, number(stats.open)), figure(text.inProgress, number(stats.in_progress)), figure(text.overdue, number(stats.overdue), stats.overdue ? "danger" : ""),
      figure(text.completed, number(stats.completed)),
      figure(text.rate, stats.completion_rate === null ? text.none : stats.completion_rate.toLocaleString(undefined, { style: "percent" }), stats.completion_rate === null ? "words" : ""),
      figure(text.median, stats.median_seconds_to_complete === null ? text.none : duration(stats.median_seconds_to_complete), "words")),
    h("section", { class: "card" },
      h("h2", null, title), h("p", { class: "soft" }, text.total(total)),
      total ? [plot(rows.map(([date, value]) => [short(date), value]), space), h("details", null, h("summary", null, text.asTable),
        h("table", { class: "table" }, h("caption", { class: "visually-hidden" }, title),
          h("thead", null, h("tr", null, h("th", { scope: "col" }, byWeek ? text.weekOf : text.day), h("th", { scope: "col", class: "end" }, text.completed))),
          h("tbody", null, [...rows].reverse().map(([date, value]) => h("tr", null, h("th", { scope: "row" }, showDate(date)), h("td", { class: "end number" }, number(value)))))))] : null),
  ];
}

export async function statisticsPage(params, query, main) {
  heading(main, text.statistics);
  const place = h("div", null);
  const filter = h("form", { class: "filters" });
  filter.addEventListener("submit", (event) => event.preventDefault());
  main.append(filter, place);
  let latest = 0;
  const load = () => {
    latest += 1;
    const mine = latest;
    const { space, days } = Object.fromEntries(new FormData(filter));
    return loaded(place, async () => {
      const { body } = await request("GET", "v1/stats", { query: { space, days } });
      // A later choice has replaced this one.
      if (mine !== latest) throw new DOMException("", "AbortError");
      return body;
    }, (stats) => show(stats, Number(days) > 31, main.clientWidth - 60));
  };
  await loaded(place, spacesList, (spaces) => {
    replace(filter,
      field({ name: "space", label: text.space, options: spaces.map(({ id, name }) => [id, name]), value: query.get("space") ?? spaces.find(({ personal }) => personal)?.id, onchange: load }),
      field({ name: "days", label: text.period, options: [7, 14, 30, 92].map((days) => [days, text.days(days)]), value: "30", onchange: load }));
    return h("div", null);
  });
  if (filter.firstChild) load();
}
