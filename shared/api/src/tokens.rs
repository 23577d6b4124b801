//! Access tokens: EdDSA JWTs (RFC 7519, RFC 8037) that are valid for 15 minutes.
//!
//! Functions that issue tokens have the private key. All others have the public key only: they verify tokens without a call,
//! and cannot issue any.

mod provider;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use taskbell_domain::{
    clock::Random,
    id::{SessionId, UserId},
    secret::link_token,
    user::REVOKED_AHEAD,
};

use crate::keys::{InvalidKey, KeyRing, Rotation, SigningKey};

/// How long an access token is valid.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(15);

/// How far in the future a token may be issued: as far as tokens are revoked ahead, plus the tolerated clock skew between
/// functions.
const LEEWAY: SignedDuration = SignedDuration::from_secs(REVOKED_AHEAD.as_secs() + 5);

/// The audience of the tokens.
const AUDIENCE: &str = "taskbell-api";

/// The caller, as authenticated by an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// The session in which the token was issued.
    pub session: SessionId,
    /// When the token was issued, to the second.
    pub issued_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    exp: i64,
    jti: String,
}

/// The `kid` of a key: the thumbprint of the public key (RFC 7638 §3, RFC 8037 §2).
fn key_id(public_key: &str) -> String {
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public_key}"}}"#);
    URL_SAFE_NO_PAD.encode(Sha256::digest(members))
}

/// Issues access tokens.
pub struct Issuer {
    name: String,
    keys: Rotation<(String, EncodingKey)>,
}

impl Issuer {
    /// Issues tokens with `name` as their issuer.
    pub fn new(name: String, keys: &KeyRing) -> Self {
        provider::install();
        let key =
            |key: &SigningKey| (key_id(&key.public_key()), EncodingKey::from_ed_der(key.document()));
        Self { name, keys: keys.published(key) }
    }

    /// Issues a token for a user in a session. It expires [`LIFETIME`] after [`Identity::issued_at`].
    ///
    /// # Errors
    /// If signing fails, which does not happen with a valid key.
    pub fn issue(
        &self,
        identity: Identity,
        random: &dyn Random,
    ) -> Result<String, jsonwebtoken::errors::Error> {
        let now = identity.issued_at;
        let claims = Claims {
            iss: self.name.clone(),
            aud: AUDIENCE.to_owned(),
            sub: identity.user,
            sid: identity.session,
            iat: now.as_second(),
            nbf: None,
            exp: (now + LIFETIME).as_second(),
            jti: link_token(random),
        };
        let Some((id, key)) = self.keys.current(now) else {
            return Err(ErrorKind::InvalidEddsaKey.into());
        };
        let header = Header { kid: Some(id.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, &claims, key)
    }
}

/// The most verified tokens in the cache of a function.
const MAX_CACHED: usize = 256;

/// The claims of a token whose signature is valid.
#[derive(Clone, Copy)]
struct Verified {
    identity: Identity,
    not_before: Timestamp,
    expires: Timestamp,
}

/// A key whose signatures are accepted.
struct TrustedKey {
    id: String,
    key: DecodingKey,
    /// Until when: all tokens that it signed before it was replaced have expired by then.
    until: Option<Timestamp>,
}

/// Verifies access tokens.
pub struct Verifier {
    keys: Vec<TrustedKey>,
    rules: Validation,
    /// Valid tokens that were verified before. Clients send a token many times, and verifying its signature takes three
    /// times as many instructions as the rest of a handler. Whole tokens are looked up with a randomly keyed hash, so the
    /// time of a lookup reveals nothing about them.
    cache: Mutex<HashMap<String, Verified>>,
}

impl Verifier {
    /// Accepts tokens of this issuer that are signed with one of the keys ([`KeyRing::public_keys`]), each until the tokens
    /// that it signed have expired.
    ///
    /// # Errors
    /// [`InvalidKey`] unless each key is 32 bytes in base64url.
    pub fn new(issuer: &str, public_keys: &str) -> Result<Self, InvalidKey> {
        provider::install();
        let keys = Rotation::parse(public_keys, |text| {
            let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidKey)?;
            if bytes.len() != ring::signature::ED25519_PUBLIC_KEY_LEN {
                return Err(InvalidKey);
            }
            Ok((key_id(text), DecodingKey::from_ed_der(&bytes)))
        })?;
        let keys = keys.all().map(|((id, key), superseded)| TrustedKey {
            id: id.clone(),
            key: key.clone(),
            until: superseded.map(|at| at + LIFETIME + LEEWAY),
        });
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_audience(&[AUDIENCE]);
        rules.set_issuer(&[issuer]);
        rules.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // Checked with the function's clock in `verify`.
        rules.validate_exp = false;
        Ok(Self { keys: keys.collect(), rules, cache: Mutex::default() })
    }

    /// The user and session that the token was issued for; none if it is not valid.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<Identity> {
        let is_valid =
            |verified: &Verified| verified.not_before <= now + LEEWAY && now < verified.expires;
        let cached = self.cache().get(token).copied();
        if let Some(verified) = cached {
            return is_valid(&verified).then_some(verified.identity);
        }
        let verified = self.check(token).filter(is_valid)?;
        let mut cache = self.cache();
        if cache.len() >= MAX_CACHED {
            cache.retain(|_, other| now < other.expires);
        }
        if cache.len() < MAX_CACHED {
            cache.insert(token.to_owned(), verified);
        }
        Some(verified.identity)
    }

    fn cache(&self) -> MutexGuard<'_, HashMap<String, Verified>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The claims of the token, if its signature is valid.
    fn check(&self, token: &str) -> Option<Verified> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        // No critical extension is supported (RFC 7515 §4.1.11).
        if header.crit.is_some() {
            return None;
        }
        let id = header.kid?;
        let trusted = self.keys.iter().find(|trusted| trusted.id == id)?;
        let claims = jsonwebtoken::decode::<Claims>(token, &trusted.key, &self.rules).ok()?.claims;
        let expires = Timestamp::from_second(claims.exp).ok()?;
        let issued_at = Timestamp::from_second(claims.iat).ok()?;
        let not_before = claims.nbf.map_or(Some(issued_at), |at| Timestamp::from_second(at).ok())?;
        Some(Verified {
            identity: Identity { user: claims.sub, session: claims.sid, issued_at },
            not_before: not_before.max(issued_at),
            expires: trusted.until.map_or(expires, |until| until.min(expires)),
        })
    }
}

#[cfg(test)]
mod tests;
