import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

const app = new URL("../app/", import.meta.url);
const modules = readdirSync(app).filter((name) => name.endsWith(".js") && name !== "strings.js");
const texts = await import("../app/strings.js");

test("every text that a module shows exists", () => {
  let uses = 0;
  for (const name of modules) {
    const source = readFileSync(new URL(name, app), "utf8");
    for (const part of /import \{([^}]*)\} from "\.\/strings\.js"/.exec(source)?.[1].split(",") ?? []) {
      const [group, alias = group] = part.trim().split(" as ");
      for (const [, key] of source.matchAll(new RegExp(`(?<![\\w.])${alias}\\.([a-zA-Z]+)`, "g"))) {
        assert.ok(key in texts[group], `${name}: ${group} has no ${key}`);
        uses += 1;
      }
    }
  }
  assert.ok(uses > 400, `${uses} uses`);
});

test("no module imports what the other one does not export", async () => {
  for (const name of modules) {
    const source = readFileSync(new URL(name, app), "utf8");
    for (const [, names, from] of source.matchAll(/import \{([^}]*)\} from "\.\/([^"]+)"/g)) {
      const exporting = readFileSync(new URL(from, app), "utf8");
      for (const each of names.split(",").map((one) => one.trim().split(" as ")[0])) {
        const exported = new RegExp(`export (async )?(function\\*?|const|class|let) ${each}\\b|export const [^;]*, ${each} =`);
        assert.match(exporting, exported, `${name} imports ${each} from ${from}`);
      }
    }
  }
});
