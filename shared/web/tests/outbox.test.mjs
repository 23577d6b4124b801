// Run with: node --test shared/web/tests/outbox.test.mjs

import assert from "node:assert/strict";
import test from "node:test";
import { afterConflict, isTooOld, merge, nextStep, prepare, rebase, retryDelay } from "../app/decisions.js";

const ZONE = "Europe/Berlin";
const task = (more) => ({ version: 3, title: "Water", description: "", due: "2026-07-01", ...more });
const HOUR = 3_600_000;

test("a later change follows the answer of the change before it", () => {
  assert.equal(rebase(3, 3, 4), 4);
  assert.equal(rebase(3, 3, 3), 3, "the change before it changed nothing");
});

test("a later change keeps its version if the answer has changes of others", () => {
  assert.equal(rebase(3, 3, 5), 3);
  assert.equal(rebase(2, 3, 4), 2, "it was made on an older version");
  assert.equal(rebase(undefined, 3, 4), undefined);
});

test("complete, move and skip note the version and the occurrence", () => {
  for (const kind of ["complete", "move", "skip"]) {
    const entry = prepare({ kind }, task(), task());
    assert.equal(entry.version, 3, kind);
    assert.deepEqual(entry.base, { due: "2026-07-01" }, kind);
  }
  for (const kind of ["reopen", "snooze", "comment", "create"]) assert.equal(prepare({ kind, body: {} }, task(), task()).version, undefined, kind);
});

test("complete is sent again for the same occurrence only", () => {
  const entry = prepare({ kind: "complete" }, task(), task());
  assert.equal(afterConflict(entry, task({ version: 4, title: "Water it" }), ZONE), "send");
  assert.equal(afterConflict(entry, task({ version: 4, due: "2026-07-02" }), ZONE), "ask");
});

test("a skip whose response was lost is not sent again", () => {
  const entry = prepare({ kind: "skip" }, task(), task());
  assert.equal(afterConflict(entry, task({ version: 4, due: "2026-07-02" }), ZONE), "done");
  assert.equal(afterConflict(entry, task({ version: 4, title: "Water it" }), ZONE), "ask");
});

test("a change that was stored before it noted the occurrence is asked for", () => {
  for (const kind of ["complete", "skip", "move", "delete"]) assert.equal(afterConflict({ kind }, task(), ZONE), "ask", kind);
});

test("a creation with an unknown result is not repeated once its key may be forgotten", () => {
  const now = Date.now();
  assert.equal(isTooOld({ first: now - 22 * HOUR }, now), false);
  assert.equal(isTooOld({ first: now - 23.5 * HOUR }, now), true);
  assert.equal(isTooOld({ created: now - 100 * HOUR }, now), false, "it was never tried");
});

test("an error of the server blocks its task only", () => {
  for (const status of [500, 503]) assert.equal(nextStep({ status }), "later", status);
  assert.equal(nextStep({ status: 409, code: "busy" }), "later");
});

test("without a connection, a session or an allowance nothing is sent", () => {
  for (const error of [{ noResponse: true }, { status: 401 }, { status: 429 }]) assert.equal(nextStep(error), "pause");
});

test("an error of the app itself is not tried for ever", () => {
  assert.equal(nextStep(new TypeError("x is not a function")), "fail");
  assert.equal(nextStep({ status: 400 }), "refuse");
  assert.equal(nextStep({ status: 412 }), "merge");
});

test("Retry-After is respected", () => {
  assert.equal(retryDelay(1, 120, 0.5), 120_000);
  assert.equal(retryDelay(1, 0, 0), 500);
  assert.ok(retryDelay(50, 0, 1) <= 60_500);
});

test("two edits of one field do not conflict with each other", () => {
  const server = task(), first = prepare({ kind: "patch", body: { title: "Water it" } }, server, server);
  const shown = { ...server, ...first.body };
  const second = prepare({ kind: "patch", body: { title: "Water them" } }, server, shown);
  assert.deepEqual(second.base, { title: "Water it" });
  // The first one was sent, and somebody else changed another field.
  assert.deepEqual(merge(second, { ...shown, version: 5, priority: "high" }, ZONE), { body: { title: "Water them" }, conflicts: [] });
});

test("a field that both sides changed is a conflict", () => {
  const entry = prepare({ kind: "patch", body: { title: "Mine", description: "More" } }, task(), task());
  assert.deepEqual(merge(entry, task({ version: 4, title: "Theirs" }), ZONE), { body: { title: "Mine", description: "More" }, conflicts: ["title"] });
});
