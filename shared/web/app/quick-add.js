// One line of text as a task. The parser is pure: the same line, instant and zone give the same result.
//
// line       = words; each of the following is taken out, the rest is the title
// date       = [on|by|before|until|due] (today | tonight | tomorrow | weekday | this weekday | next weekday | next week | next month
//              | in N days|weeks|months | 1 Jan [2027] | Jan 1 [2027] | 2027-01-01 | 24.12.[2027] | 24/12[/2027])
//              Without a year, the next such date. A weekday is 1 to 7 days ahead, `this friday` 0 to 6; `next monday` is in the
//              week after this one; `next week` is its Monday, `next month` its first day. `3/4` is ambiguous, so it is not understood.
// time       = [at|by|before|until] (9am | 9:30pm | 21:00 | noon) | at 9 | in N minutes|hours
//              | a date, then morning (09:00), afternoon (15:00) or evening (18:00), or `this` before one of them; tonight is 20:00
//              Without a date, the next such time.
// priority   = !low | !medium | !high | !urgent, or !1 (low) to !4 (urgent)
// tag        = #home | #"two words"         category = @Work | @"two words"
// recurrence = [*]every day|weekday|week|month|year[*] | every 2 weeks | every [other] monday, wed
//              | every 1st|15th|last day|2nd tuesday|last friday [of the month] | every [3] month[s] on [the] 1st|last day|2nd tuesday
//              [until date]
//              Without asterisks, the longest sequence of words that is one.
// reminder   = ^30m | ^1h30m | ^2d | remind 30m before       (only with a date or time)
// escape     = \ before one of these keeps it in the title
//
// The first date, time, priority, category and recurrence count; later ones stay in the title. Abbreviated weekdays (`sun`)
// count only after on, by, due or next, or before a time, a marker or the end of the line.

import { addDays, addMonths, instantOf, wall, weekday } from "./dates.js";
import { DAYS } from "./recurrence.js";

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const MONTH = /^(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sept?(ember)?|oct(ober)?|nov(ember)?|dec(ember)?)$/;
const WEEKDAY = /^(mon(day)?|tue(s|sday)?|wed(nesday)?|thu(rs?|rsday)?|fri(day)?|sat(urday)?|sun(day)?)$/;
const DAYTIMES = { __proto__: null, morning: "09:00", afternoon: "15:00", evening: "18:00" };
const PRIORITIES = ["low", "medium", "high", "urgent"];
const two = (number) => String(number).padStart(2, "0");

const monthOf = (word) => (MONTH.test(word) ? MONTHS.indexOf(word.slice(0, 3)) + 1 : 0);
const weekdayOf = (word) => (WEEKDAY.test(word) ? DAYS.findIndex((day) => word.toUpperCase().startsWith(day)) : -1);

function dateOf(year, month, day) {
  const date = `${year}-${two(month)}-${two(day)}`;
  const at = new Date(`${date}T00:00:00Z`);
  return year >= 1970 && year <= 2199 && !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 10) === date ? date : null;
}

/** The date in the given or else the next fitting year: 29 Feb can be years ahead. */
function nextDate(month, day, year, today) {
  if (year) return dateOf(Number(year), month, day);
  const first = Number(today.slice(0, 4));
  for (let candidate = first; candidate < first + 9; candidate++) {
    const date = dateOf(candidate, month, day);
    if (date && date >= today) return date;
  }
  return null;
}

function clock(word) {
  if (word === "noon") return "12:00";
  const match = /^(\d{1,2})(?:[:.](\d\d))?(am|pm)$/.exec(word);
  if (match) {
    const hour = Number(match[1]), minute = Number(match[2] ?? 0);
    return hour >= 1 && hour <= 12 && minute < 60 ? `${two((hour % 12) + (match[3] === "pm" ? 12 : 0))}:${two(minute)}` : null;
  }
  const plain = /^(\d{1,2}):(\d\d)$/.exec(word);
  return plain && Number(plain[1]) < 24 && Number(plain[2]) < 60 ? `${two(plain[1])}:${plain[2]}` : null;
}

function numericDate(word, today) {
  let match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(word);
  if (match) return dateOf(Number(match[1]), Number(match[2]), Number(match[3]));
  match = /^(\d{1,2})\.(\d{1,2})\.(\d{4})?$/.exec(word);
  if (match) return nextDate(Number(match[2]), Number(match[1]), match[3], today);
  match = /^(\d{1,2})\/(\d{1,2})(?:\/(\d{4}))?$/.exec(word);
  if (!match) return null;
  const [first, second] = [Number(match[1]), Number(match[2])];
  if (first === second || first > 12) return nextDate(second, first, match[3], today);
  return second > 12 ? nextDate(first, second, match[3], today) : null;
}

/** Reads `words` from the first on as a date or a span from now: `{count, date, time}` or null. */
function readDate(words, now, zone) {
  const { date: today } = wall(now, zone);
  const [first, second = "", third = ""] = words;
  const numeric = numericDate(first, today);
  if (numeric) return { count: 1, date: numeric };
  if (first === "today") return { count: 1, date: today };
  if (first === "tonight") return { count: 1, date: today, daytime: "20:00" };
  if (first === "tomorrow") return { count: 1, date: addDays(today, 1) };
  if (first === "this" && DAYTIMES[second]) return { count: 2, date: today, daytime: DAYTIMES[second] };
  if (first === "this" && weekdayOf(second) >= 0) return { count: 2, date: addDays(today, (weekdayOf(second) - weekday(today) + 7) % 7) };
  const day = weekdayOf(first);
  if (day >= 0) return { count: 1, date: addDays(today, ((day - weekday(today) + 6) % 7) + 1), short: first.length <= 4 };
  if (first === "next") {
    const monday = addDays(today, 7 - weekday(today)), next = weekdayOf(second);
    if (next >= 0) return { count: 2, date: addDays(monday, next) };
    if (second === "week") return { count: 2, date: monday };
    if (second === "month") return { count: 2, date: `${addMonths(today, 1).slice(0, 8)}01` };
  }
  if (first === "in" && /^(\d{1,3}|an?)$/.test(second)) {
    const number = /\d/.test(second) ? Number(second) : 1;
    const unit = /^(minute|min|hour|day|week|month)s?$/.exec(third)?.[1];
    if (unit === "day" || unit === "week") return { count: 3, date: addDays(today, number * (unit === "week" ? 7 : 1)) };
    if (unit === "month") return { count: 3, date: addMonths(today, number) };
    if (unit) {
      const at = new Date(Math.ceil(now.getTime() / 60_000) * 60_000 + number * (unit === "hour" ? 3_600_000 : 60_000));
      return { count: 3, ...wall(at, zone) };
    }
  }
  const dayFirst = /^(\d{1,2})(st|nd|rd|th|\.)?$/.exec(first), monthSecond = monthOf(second);
  const year = /^\d{4}$/.test(third) ? third : undefined;
  if (dayFirst && monthSecond) {
    const date = nextDate(monthSecond, Number(dayFirst[1]), year, today);
    return date && { count: year ? 3 : 2, date };
  }
  const dayLast = /^(\d{1,2})(st|nd|rd|th)?,?$/.exec(second);
  if (monthOf(first) && dayLast) {
    const date = nextDate(monthOf(first), Number(dayLast[1]), year, today);
    return date && { count: year ? 3 : 2, date };
  }
  return null;
}

function readTime(words) {
  const [first, second = ""] = words;
  if (/^\d{1,2}([:.]\d\d)?$/.test(first) && /^(am|pm)$/.test(second)) {
    const time = clock(first + second);
    return time && { count: 2, time };
  }
  const time = clock(first);
  return time && { count: 1, time };
}

/** The rule of the words after "every", and the first day of it on or after `from`. */
function readRecurrence(text, from) {
  const words = text.toLowerCase().trim().replace(/^every\s+/, "").replace(/ of (the|each|every) month$/, "");
  if (!/^every\s/i.test(text.trim())) return null;
  const often = /^(?:(other|\d{1,3}) )?months? on (?:the )?(.+)$/.exec(words) ?? /^(other) (.+)$/.exec(words);
  const rest = often && !/^(hour|day|week|month|year)s?$/.test(often[2]) && readRecurrence(`every ${often[2]}`, from);
  if (rest && !/INTERVAL|COUNT/.test(rest.rule) && words.includes("month") === rest.rule.startsWith("FREQ=MONTHLY")) {
    const interval = often[1] === "other" ? 2 : Number(often[1] ?? 1);
    return interval && { rule: interval > 1 ? rest.rule.replace(/^FREQ=\w+/, `$&;INTERVAL=${interval}`) : rest.rule, first: rest.first };
  }
  const span = /^(?:(\d{1,3}|other)\s+)?(hour|day|week|month|year)s?$/.exec(words);
  if (span) {
    const interval = span[1] === "other" ? 2 : Number(span[1] ?? 1);
    if (interval === 0) return null;
    const freq = { hour: "HOURLY", day: "DAILY", week: "WEEKLY", month: "MONTHLY", year: "YEARLY" }[span[2]];
    return { rule: `FREQ=${freq}${interval > 1 ? `;INTERVAL=${interval}` : ""}`, first: from };
  }
  const search = (fits) => {
    for (let date = from, tries = 0; tries < 70; date = addDays(date, 1), tries++) if (fits(date)) return date;
    return from;
  };
  const nth = /^(\d{1,2})(st|nd|rd|th)?$/.exec(words);
  if (nth && nth[1] >= 1 && nth[1] <= 31) {
    return { rule: `FREQ=MONTHLY;BYMONTHDAY=${Number(nth[1])}`, first: search((date) => Number(date.slice(8)) === Number(nth[1])) };
  }
  if (words === "last day") return { rule: "FREQ=MONTHLY;BYMONTHDAY=-1", first: search((date) => addDays(date, 1).endsWith("-01")) };
  const nthDay = /^(1st|2nd|3rd|4th|first|second|third|fourth|last) (\p{L}+)$/u.exec(words);
  if (nthDay && weekdayOf(nthDay[2]) >= 0) {
    const day = weekdayOf(nthDay[2]), number = nthDay[1] === "last" ? -1 : Number(nthDay[1][0]) || ["first", "second", "third", "fourth"].indexOf(nthDay[1]) + 1;
    const ofMonth = (date) => (number < 0 ? addDays(date, 7).slice(0, 7) !== date.slice(0, 7) : Math.ceil(Number(date.slice(8)) / 7) === number);
    return { rule: `FREQ=MONTHLY;BYDAY=${number}${DAYS[day]}`, first: search((date) => weekday(date) === day && ofMonth(date)) };
  }
  const names = words === "weekday" || words === "workday" ? ["mon", "tue", "wed", "thu", "fri"] : words.split(/\s*,\s*|\s+and\s+|\s+/);
  const days = names.map((name) => weekdayOf(name.replace(/days$/, "day")));
  if (days.includes(-1)) return null;
  return {
    rule: `FREQ=WEEKLY;BYDAY=${DAYS.filter((_, day) => days.includes(day)).join(",")}`,
    first: search((date) => days.includes(weekday(date))),
  };
}

function readLead(text) {
  const match = /^(?:(\d{1,3})\s*(?:d|days?))?\s*(?:(\d{1,3})\s*(?:h|hours?))?\s*(?:(\d{1,4})\s*(?:m|min|mins|minutes?))?$/.exec(text);
  if (!match?.[0]) return null;
  const [, days, hours, minutes] = match.map((part) => part && Number(part));
  const time = (hours ? `${hours}H` : "") + (minutes ? `${minutes}M` : "");
  const lead = `P${days ? `${days}D` : ""}${time ? `T${time}` : ""}`;
  return lead === "P" ? "PT0M" : lead;
}

const TOKEN = /\\?[#@]"[^"]+"|\\?\*[^*\s][^*]*\*(?=\s|$)|\S+/g;
const bare = (word) => word.replace(/[,;]+$/, "");

/**
 * Reads a line. Returns `fields` for POST v1/tasks and `ranges` (`{start, end, kind, value}`) of what was understood. `day` is the
 * due date of a line without one.
 */
export function parseQuickAdd(line, { now = new Date(), zone = "UTC", day = null } = {}) {
  const tokens = [...line.matchAll(TOKEN)].map((match) => ({ text: match[0], start: match.index, end: match.index + match[0].length }));
  const words = tokens.map(({ text }) => bare(text.toLowerCase()));
  let daytime = null;
  const found = {}, tags = [], reminders = [], title = [], ranges = [];
  const today = wall(now, zone).date;

  /** A rule with its words, which tell its first day after any other. */
  const readRule = (rule) => {
    const value = readRecurrence(rule, today);
    return value && { ...value, words: rule };
  };

  function understand(index, count, kind, value) {
    const range = { start: tokens[index].start, end: tokens[index + count - 1].end, kind, value };
    if (kind === "tag") tags.push(value);
    else if (kind === "reminder") reminders.push(range);
    else found[kind] = value;
    ranges.push(range);
    return count;
  }

  /** A rule, with the date after "until". */
  function repeat(index, count, value) {
    const last = words[index + count] === "until" && readDate([...words.slice(index + count + 1), ""], now, zone);
    if (!last || last.time || last.date < value.first) return understand(index, count, "recurrence", value);
    return understand(index, count + 1 + last.count, "recurrence", { ...value, until: `;UNTIL=${last.date.replaceAll("-", "")}` });
  }

  function marker(index) {
    const { text } = tokens[index];
    const name = text.slice(1).replace(/^"|"$/g, "").trim();
    if (text[0] === "!" && !found.priority) {
      const value = PRIORITIES[Number(name) - 1] ?? PRIORITIES.find((word) => word === bare(name.toLowerCase()));
      if (value) return understand(index, 1, "priority", value);
    }
    const clean = name.replace(/[,.;:!?]+$/, "");
    if (text[0] === "#" && /\p{L}/u.test(clean) && !tags.includes(clean.toLowerCase()) && tags.length < 50) {
      return understand(index, 1, "tag", clean.toLowerCase());
    }
    if (text[0] === "@" && /\p{L}/u.test(clean) && !found.category) return understand(index, 1, "category", clean);
    if (text[0] === "*" && text.length > 2 && text.endsWith("*") && !found.recurrence) {
      const value = readRule(text.slice(1, -1));
      if (value) return repeat(index, 1, value);
    }
    if (text[0] === "^") {
      const value = readLead(bare(name.toLowerCase()));
      if (value) return understand(index, 1, "reminder", value);
    }
    return 0;
  }

  /** A rule without asterisks. A number alone is none: "every 2 customers". */
  function every(index) {
    if (words[index] !== "every" || found.recurrence) return 0;
    for (let count = Math.min(10, tokens.length - index); count > 1; count -= 1) {
      const rule = tokens.slice(index, index + count).map(({ text }) => text).join(" ").replace(/[,;]+$/, "");
      const value = /\s\d+$/.test(rule) ? null : readRule(rule);
      if (value) return repeat(index, count, value);
    }
    return 0;
  }

  function reminder(index) {
    if (words[index] !== "remind") return 0;
    const before = words.indexOf("before", index + 1);
    if (before < 0 || before > index + 4) return 0;
    const value = readLead(words.slice(index + 1, before).join(" "));
    return value ? understand(index, before - index + 1, "reminder", value) : 0;
  }

  /** A short weekday is a word of the title unless its neighbours say otherwise: "Buy sun cream". */
  const ends = (index) => index >= tokens.length || /^[!#@*^]/.test(tokens[index].text) || words[index] === "at" || words[index] === "remind" || DAYTIMES[words[index]] || readTime(words.slice(index));

  function dateOrTime(index) {
    const lead = /^(on|by|before|until|due|at)$/.test(words[index]) ? 1 : 0;
    const rest = words.slice(index + lead);
    if (!rest.length) return 0;
    if (words[index] !== "at") {
      const date = !found.date && readDate(rest, now, zone);
      if (date && !(date.time && found.time) && !(date.short && !lead && !ends(index + date.count))) {
        const after = DAYTIMES[rest[date.count]], count = lead + date.count + (after ? 1 : 0);
        understand(index, count, "date", date.date);
        if (date.time) found.time = date.time;
        daytime = date.daytime ?? after; // an exact time counts more
        return count;
      }
    }
    if (found.time || (lead && words[index] === "due")) return 0;
    const hour = words[index] === "at" && /^([01]?\d|2[0-3])$/.test(rest[0]) && !/^(am|pm)$/.test(rest[1] ?? "") && !monthOf(rest[1] ?? "");
    const time = hour ? { count: 1, time: `${two(rest[0])}:00` } : readTime(rest);
    return time ? understand(index, lead + time.count, "time", time.time) : 0;
  }

  const read = (index) => marker(index) || every(index) || reminder(index) || dateOrTime(index);

  for (let index = 0; index < tokens.length; ) {
    const { text } = tokens[index];
    if (text[0] === "\\" && text.length > 1) {
      // The backslash goes only if it has an effect, so that paths such as \share stay as they are.
      const plain = text.slice(1);
      const literal = /^[!#@*^\\]/.test(plain) || /^(morning|afternoon|evening|remind|in|next|this|on|by|before|until|due|at|every)$/i.test(plain)
        || readDate([plain.toLowerCase(), ...words.slice(index + 1)], now, zone) || readTime([plain.toLowerCase(), ...words.slice(index + 1)]);
      const escaped = literal ? Math.max(1, /^\d/.test(plain) && monthOf(words[index + 1] ?? "") ? 2 : 1) : 1;
      title.push({ start: tokens[index].start + (literal ? 1 : 0), end: tokens[index + escaped - 1].end });
      index += escaped;
      continue;
    }
    const count = read(index);
    if (!count) title.push(tokens[index]);
    index += count || 1;
  }

  if (daytime) found.time ??= daytime;
  if (found.recurrence?.rule.startsWith("FREQ=HOURLY") && !found.time) {
    // Hours need a time to count from: the next full hour, which in some zones is none of UTC.
    const hour = wall(new Date(now.getTime() + 3_600_000), zone);
    found.time = `${hour.time.slice(0, 2)}:00`;
    found.date ??= hour.date;
  }
  let date = found.date ?? found.recurrence?.first ?? (found.time ? today : day);
  if (date && found.time && !found.date && instantOf(date, found.time, zone) <= now) {
    const next = addDays(date, 1);
    date = found.recurrence ? readRecurrence(found.recurrence.words, next).first : next;
  }
  if (!date) {
    for (const range of reminders) {
      ranges.splice(ranges.indexOf(range), 1);
      title.push(range);
    }
    title.sort((a, b) => a.start - b.start);
  }
  const fields = { title: title.map(({ start, end }) => line.slice(start, end)).join(" ").replace(/\s+/g, " ").trim() };
  if (date) fields.due = found.time ? `${date}T${found.time}[${zone}]` : date;
  if (found.priority) fields.priority = found.priority;
  if (tags.length) fields.tags = tags;
  if (found.category) fields.category = found.category;
  if (found.recurrence) fields.recurrence = found.recurrence.rule + (found.recurrence.until ?? "");
  if (date && reminders.length) fields.reminders = [...new Set(reminders.map(({ value }) => value))].map((before) => ({ before }));
  return { fields, ranges: ranges.map(({ value, ...range }) => ({ ...range, value: value.rule ? value.rule + (value.until ?? "") : value })) };
}
