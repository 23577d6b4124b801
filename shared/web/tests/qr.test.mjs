import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { qrCode } from "../app/qr.js";

const lines = (text) => qrCode(text).map((row) => row.map(Number).join(""));

test("a code is the one that another encoder makes", () => {
  // Made with the package qrcode 8.2 of Python, level M, byte mode: versions 8, 8 and 15, the last two full or nearly so.
  const uri = "otpauth://totp/Taskbell:ada%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Taskbell&algorithm=SHA1&digits=6&period=30";
  for (const [text, hash] of [
    [uri, "7b81330ed40ddf34ae9749151a349d0fbb21dfa1d8cdf1a5a9d4d7ef086ab9fa"],
    ["x".repeat(148), "009e74e36c4611a94bb62ad5a026228042f333222e36a2ae1e66b744865ffe79"],
    ["x".repeat(407), "bd1d737649268f6979405e49e0e20f77fd6b3f775fe5ce86ab67c8b8bef460b7"],
    ["x".repeat(412), "1545cdf36ca5be9fd786b19267b7869aed52c0f3228988fca91110946d6d5c88"],
  ]) assert.equal(createHash("sha256").update(lines(text).join("\n")).digest("hex"), hash, text);
});

test("a code is as small as the text allows, and a text that is too long is refused", () => {
  for (const [length, size] of [[0, 21], [14, 21], [15, 25], [213, 57], [214, 61], [412, 77]]) {
    assert.equal(lines("x".repeat(length)).length, size, `${length} bytes`);
  }
  assert.equal(lines("ü".repeat(7)).length, 21);
  assert.equal(qrCode("x".repeat(413)), null);
});
