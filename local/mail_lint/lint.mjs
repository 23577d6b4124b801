// make lint-mail: the HTML of every kind of mail, against what mail programs support (the data of caniemail.com, which
// come with the package) and against the HTML standard. Exits with 1 and one line for each finding.
//
//   node lint.mjs FOLDER        FOLDER has one .html file per kind of mail

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { caniemail } from "caniemail";
import { HtmlValidate, StaticConfigLoader } from "html-validate";

// Programs for which the package has data about all that the mails use.
const CLIENTS = [
  "aol.*",
  "apple-mail.*",
  "fastmail.desktop-webmail",
  "gmail.*",
  "outlook.*",
  "protonmail.*",
  "samsung-email.android",
  "thunderbird.macos",
  "yahoo.*",
];

// What some of them do not support, and why the mails use it nevertheless: without it they must still be readable.
const ACCEPTED = {
  "<body> element": "Replaced by a div; the colours of the page are repeated on the outermost table.",
  "<style> element": "It holds only the colours of dark mode.",
  "@media": "Only around the colours of dark mode: programs without it show the light ones.",
  "border-radius": "Corners are square without it.",
  "color-scheme CSS property": "Programs without it choose the colours by themselves.",
  "color-scheme meta tag": "The same.",
  "display:none": "Hides the preview text; where it is not supported, that text is one more line above the mail.",
  "max-height property": "Hides the preview text, in addition to display:none, which Word supports.",
  overflow: "The same.",
  "role attribute": "For screen readers; without it they announce tables.",
  "system-ui, ui-serif, ui-sans-serif, ui-rounded, ui-monospace": "Named fonts follow it; Word has a style of its own.",
  "text-decoration": "Links are underlined without it.",
  "white-space": "Keeps runs of spaces. Line breaks are <br> elements.",
  "word-break": "A word that is wider than the screen widens the mail without it.",
};

// Rules of html-validate:recommended that mails have to break.
const RULES = {
  "doctype-style": "off", // Spelling; the rest of the project writes it in lower case.
  "no-conditional-comment": "off", // Outlook on Windows reads them: the table that sets its width is in one.
  "no-deprecated-attr": "off", // Word reads width, align, bgcolor, border, cellpadding and cellspacing, and not their CSS.
  "no-inline-style": "off", // Some programs drop style elements.
  "prefer-tbody": "off", // The tables are for layout and have no head.
};

const folder = process.argv[2];
const files = folder ? readdirSync(folder).filter((name) => name.endsWith(".html")) : [];
if (files.length === 0) {
  console.error("lint.mjs: no .html file: give the folder that the mails were written to");
  process.exit(1);
}
const validator = new HtmlValidate(new StaticConfigLoader({ extends: ["html-validate:recommended"], rules: RULES }));
const findings = [];
const met = new Set();
for (const file of files.sort()) {
  const html = readFileSync(join(folder, file), "utf8");
  const report = await validator.validateString(html, file);
  for (const { line, message, ruleId } of report.results.flatMap((result) => result.messages)) {
    findings.push(`${file}:${line}: ${message} (${ruleId})`);
  }
  const unsupported = new Map();
  for (const [client, issues] of caniemail({ clients: CLIENTS, html }).issues.errors) {
    for (const { title } of issues) unsupported.set(title, [...(unsupported.get(title) ?? []), client]);
  }
  for (const [title, clients] of unsupported) {
    met.add(title);
    if (!(title in ACCEPTED)) findings.push(`${file}: ${title} is not supported by ${clients.join(", ")}`);
  }
}
for (const title of Object.keys(ACCEPTED)) {
  if (!met.has(title)) findings.push(`lint.mjs: no mail needs the exception for ${title} any more: remove it`);
}
findings.forEach((finding) => console.error(finding));
console.log(`${files.length} mails, ${findings.length} findings`);
process.exit(findings.length === 0 ? 0 : 1);
