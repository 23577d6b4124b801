//! The stack's keys: their storage, the secrets derived from them, and their rotation.
//!
//! A new key is published before it is used: functions are updated one after the other, and those that verify must know the
//! key before others sign with it. The previous key stays published, so that its signatures remain valid.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::{
    hmac,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde::{Deserialize, Serialize};

/// How long a new key is published before it is used. Updating all functions of a stack takes a few minutes.
pub const HANDOVER: SignedDuration = SignedDuration::from_mins(10);

/// A key or a list of keys is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key")]
pub struct InvalidKey;

/// A key pair (Ed25519).
pub struct SigningKey {
    document: Vec<u8>,
    pair: Ed25519KeyPair,
}

impl SigningKey {
    /// Generates a key pair with the operating system's random number generator.
    ///
    /// # Errors
    /// [`InvalidKey`] if the random number generator fails.
    pub fn generate() -> Result<Self, InvalidKey> {
        let document =
            Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).map_err(|_| InvalidKey)?;
        Self::from_document(document.as_ref().to_vec())
    }

    /// Parses PKCS#8 in base64url.
    fn parse(text: &str) -> Result<Self, InvalidKey> {
        Self::from_document(URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidKey)?)
    }

    fn from_document(document: Vec<u8>) -> Result<Self, InvalidKey> {
        let pair = Ed25519KeyPair::from_pkcs8(&document).map_err(|_| InvalidKey)?;
        Ok(Self { document, pair })
    }

    /// The key pair as PKCS#8, including the private key.
    pub(crate) fn document(&self) -> &[u8] {
        &self.document
    }

    /// The public key, in base64url.
    pub fn public_key(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.pair.public_key())
    }

    /// Derives a secret for another purpose, in base64url. It changes with the key pair.
    fn derive(&self, purpose: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.document);
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, purpose.as_bytes()))
    }
}

/// Keys, newest first, each with the time from which it is used. There is at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation<T>(Vec<(T, Timestamp)>);

impl<T> Rotation<T> {
    /// Parses a list like `KEY@1772352000,KEY@1760000000`, with seconds since 1970.
    ///
    /// # Errors
    /// [`InvalidKey`] if a key is not valid, or there is none.
    pub fn parse(text: &str, read: impl Fn(&str) -> Result<T, InvalidKey>) -> Result<Self, InvalidKey> {
        let one = |part: &str| {
            let (key, from) = part.split_once('@').ok_or(InvalidKey)?;
            let from = from.parse().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
            Ok((read(key)?, from.ok_or(InvalidKey)?))
        };
        text.split(',').map(one).collect::<Result<_, _>>().map(Self)
    }

    /// The key to sign with: the newest one that is in use, otherwise the oldest one.
    pub fn current(&self, now: Timestamp) -> Option<&T> {
        let in_use = self.0.iter().find(|(_, from)| *from <= now);
        in_use.or(self.0.last()).map(|(key, _)| key)
    }

    /// Every key, and when the next one replaces it.
    pub fn all(&self) -> impl Iterator<Item = (&T, Option<Timestamp>)> {
        let newer = std::iter::once(None).chain(self.0.iter().map(|(_, from)| Some(*from)));
        self.0.iter().map(|(key, _)| key).zip(newer)
    }
}

impl fmt::Display for Rotation<String> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> =
            self.0.iter().map(|(key, from)| format!("{key}@{}", from.as_second())).collect();
        f.write_str(&parts.join(","))
    }
}

/// How many keys are published: the newest and the previous one.
const PUBLISHED: usize = 2;

/// How many keys are stored: one more, which a rollback restores.
const STORED: usize = PUBLISHED + 1;

/// How long after a new key the previous version is treated as a rollback of the stack's update. Later it is treated as a
/// new version, so that an old key is not restored by mistake.
const ROLLBACK: SignedDuration = SignedDuration::from_hours(1);

/// The stack's key pairs as they are stored, newest first.
pub struct KeyRing {
    keys: Vec<(SigningKey, Timestamp)>,
    /// For each key, the version in the template that it was created for.
    versions: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredKey {
    version: String,
    /// Seconds since 1970.
    from: i64,
    key: String,
}

impl KeyRing {
    /// A ring with one new key, which is used immediately.
    ///
    /// # Errors
    /// [`InvalidKey`] if the random number generator fails.
    pub fn generate(version: &str) -> Result<Self, InvalidKey> {
        let keys = vec![(SigningKey::generate()?, Timestamp::UNIX_EPOCH)];
        Ok(Self { keys, versions: vec![version.to_owned()] })
    }

    /// Parses the result of [`Self::to_text`].
    ///
    /// # Errors
    /// [`InvalidKey`].
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let stored: Vec<StoredKey> = serde_json::from_str(text).map_err(|_| InvalidKey)?;
        let one = |one: &StoredKey| {
            let from = Timestamp::from_second(one.from).map_err(|_| InvalidKey)?;
            Ok((SigningKey::parse(&one.key)?, from))
        };
        let keys: Vec<_> = stored.iter().map(one).collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(InvalidKey);
        }
        let versions = stored.into_iter().map(|one| one.version).collect();
        Ok(Self { keys, versions })
    }

    /// The ring as it is stored, including the private keys.
    pub fn to_text(&self) -> String {
        let keys = self.keys.iter().zip(&self.versions);
        let stored: Vec<_> = keys
            .map(|((key, from), version)| StoredKey {
                version: version.clone(),
                from: from.as_second(),
                key: URL_SAFE_NO_PAD.encode(&key.document),
            })
            .collect();
        // Strings and numbers always serialize.
        serde_json::to_string(&stored).unwrap_or_default()
    }

    /// Brings the ring to a version. A new version adds a new key, which is used after [`HANDOVER`]. The previous version,
    /// requested within an hour, restores the previous key: an update of the stack was rolled back. Returns whether the ring
    /// has changed.
    ///
    /// # Errors
    /// [`InvalidKey`] if the random number generator fails.
    pub fn rotate(&mut self, version: &str, now: Timestamp) -> Result<bool, InvalidKey> {
        let Some((_, used_from)) = self.keys.first() else { return Err(InvalidKey) };
        let created_at = *used_from - HANDOVER;
        if self.versions.first().is_some_and(|present| present == version) {
            return Ok(false);
        }
        let is_previous = self.versions.get(1).is_some_and(|previous| previous == version);
        if is_previous && now < created_at + ROLLBACK {
            self.keys.remove(0);
            self.versions.remove(0);
            return Ok(true);
        }
        self.keys.insert(0, (SigningKey::generate()?, now + HANDOVER));
        self.keys.truncate(STORED);
        self.versions.insert(0, version.to_owned());
        self.versions.truncate(STORED);
        Ok(true)
    }

    /// `make` of each published key.
    pub(crate) fn published<T>(&self, make: impl Fn(&SigningKey) -> T) -> Rotation<T> {
        let keys = self.keys.iter().take(PUBLISHED);
        Rotation(keys.map(|(key, from)| (make(key), *from)).collect())
    }

    /// The public keys, for [`Verifier::new`](crate::tokens::Verifier::new).
    pub fn public_keys(&self) -> Rotation<String> {
        self.published(SigningKey::public_key)
    }

    /// The secrets that sign links, for [`LinkKeys::parse`](crate::links::LinkKeys::parse).
    pub fn link_keys(&self) -> Rotation<String> {
        self.published(|key| key.derive("taskbell links"))
    }

    /// The key that signs cursors, for [`CursorKey::parse`](crate::http::CursorKey::parse): only that of the newest key
    /// pair, because clients can start a list again.
    pub fn cursor_key(&self) -> String {
        self.keys.first().map(|(key, _)| key.derive("taskbell cursors")).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use taskbell_test::fixtures::now;

    use super::*;

    fn public_keys(ring: &KeyRing) -> Vec<String> {
        ring.public_keys().all().map(|(key, _)| key.clone()).collect()
    }

    #[test]
    fn a_ring_reads_back_from_its_text() {
        let mut ring = KeyRing::generate("1").unwrap();
        assert!(ring.rotate("2", now()).unwrap());
        let read = KeyRing::parse(&ring.to_text()).unwrap();
        assert_eq!(read.public_keys(), ring.public_keys());
        assert_eq!((read.cursor_key(), read.link_keys()), (ring.cursor_key(), ring.link_keys()));
        for bad in ["", "[]", "{}", "null", r#"[{"version": "1", "from": 0, "key": "AAAA"}]"#] {
            assert!(KeyRing::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_new_version_brings_a_key_that_is_used_after_the_handover() {
        let mut ring = KeyRing::generate("1").unwrap();
        let old = public_keys(&ring);
        assert!(!ring.rotate("1", now()).unwrap());
        assert!(ring.rotate("2", now()).unwrap());
        let new = public_keys(&ring);
        assert_eq!((new.len(), &new[1]), (2, &old[0]));
        let keys = ring.public_keys();
        assert_eq!(keys.current(now()), Some(&old[0]));
        assert_eq!(keys.current(now() + HANDOVER - SignedDuration::from_secs(1)), Some(&old[0]));
        assert_eq!(keys.current(now() + HANDOVER), Some(&new[0]));
        assert!(!ring.rotate("2", now()).unwrap());
        assert_eq!(public_keys(&ring), new);
    }

    #[test]
    fn a_third_key_ends_the_first_one() {
        let mut ring = KeyRing::generate("1").unwrap();
        let first = public_keys(&ring);
        ring.rotate("2", now()).unwrap();
        ring.rotate("3", now()).unwrap();
        let keys = public_keys(&ring);
        assert_eq!(keys.len(), 2);
        assert!(!keys.contains(&first[0]));
        // Neither is in use yet; the older one is used.
        assert_eq!(ring.public_keys().current(now()), Some(&keys[1]));
    }

    #[test]
    fn a_rolled_back_update_restores_the_published_keys() {
        let mut ring = KeyRing::generate("1").unwrap();
        for (version, next) in [("1", "2"), ("2", "3"), ("3", "4")] {
            let before = ring.public_keys();
            ring.rotate(next, now()).unwrap();
            assert!(ring.rotate(version, now() + SignedDuration::from_mins(59)).unwrap());
            assert_eq!(ring.public_keys(), before, "{next}");
            ring.rotate(next, now()).unwrap();
        }
    }

    #[test]
    fn an_old_version_that_is_requested_later_restores_no_old_key() {
        let mut ring = KeyRing::generate("1").unwrap();
        let stolen = public_keys(&ring);
        ring.rotate("2", now()).unwrap();
        let later = now() + SignedDuration::from_mins(61);
        assert!(ring.rotate("1", later).unwrap());
        assert_ne!(public_keys(&ring)[0], stolen[0]);
        assert!(!public_keys(&ring).contains(&stolen[0]));
    }

    #[test]
    fn derived_secrets_differ_by_key_and_by_purpose() {
        let (one, other) = (KeyRing::generate("1").unwrap(), KeyRing::generate("1").unwrap());
        let link = |ring: &KeyRing| ring.link_keys().to_string();
        assert_ne!(link(&one), link(&other));
        assert_ne!(one.cursor_key(), other.cursor_key());
        assert!(!link(&one).contains(&one.cursor_key()));
    }

    #[test]
    fn a_list_of_keys_reads_back_from_its_text() {
        let read = |text: &str| Rotation::parse(text, |key| Ok(key.to_owned()));
        for text in ["a@0", "b@1772352000,a@0"] {
            assert_eq!(read(text).unwrap().to_string(), text);
        }
        for bad in ["", "a", "a@", "a@x", "a@1,", ",a@1", "a@99999999999999999999"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
