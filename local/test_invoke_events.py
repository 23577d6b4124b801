"""Tests that make events signs links like the functions do (shared/api/src/links.rs)."""

import base64
import hashlib
import unittest

from invoke_events import link, link_key


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """HMAC by its definition (RFC 2104, section 2)."""
    block = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()


class Links(unittest.TestCase):
    def test_a_link_is_signed_with_the_stacks_key_and_the_users_secret(self):
        key, secret, user = bytes(range(32)), "the user's secret", "01JQZ3V8W0000000000000000A"
        for action, until in (("verify", 1_772_352_000), ("unsubscribe-reminders", 0)):
            signed, _, signature = link(key, secret, user, action, until).rpartition(".")
            self.assertEqual(signed, f"{user}.{action}.{until}")
            expected = hmac_sha256(hmac_sha256(key, secret.encode()), signed.encode())
            self.assertEqual(base64.urlsafe_b64decode(signature + "="), expected)
            self.assertEqual(len(signature), 43, "without padding")

    def test_the_newest_key_that_is_in_use_signs(self):
        new, old = bytes(range(32)), b"\xff" * 32
        keys = ",".join(f"{base64.urlsafe_b64encode(key).decode().rstrip('=')}@{since}" for key, since in ((new, 2000), (old, 1000)))
        self.assertEqual([link_key(keys, now) for now in (500, 1000, 1999.9, 2000, 3000)], [old, old, old, new, new])


if __name__ == "__main__":
    unittest.main()
