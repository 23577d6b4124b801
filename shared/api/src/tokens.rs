//! Access tokens: EdDSA JWTs (RFC 7519, RFC 8037) that live 15 minutes.
//!
//! Whoever issues them holds the private key; whoever verifies them holds the public one only, needs no
//! call to do so, and cannot make any.

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
    credential::link_token,
    id::{SessionId, UserId},
    user::REVOKED_AHEAD,
};

use crate::keys::{InvalidKey, KeyRing, Rotation, SigningKey};

/// How long an access token is valid.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(15);

/// How far a token may be dated ahead: as much as tokens are revoked ahead, and as the clocks of those who issue and
/// those who verify may be apart.
const LEEWAY: SignedDuration = SignedDuration::from_secs(REVOKED_AHEAD.as_secs() + 5);

/// For whom the tokens are.
const AUDIENCE: &str = "taskbell-api";

/// Who is calling, as proven by an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// The session in which the token was issued.
    pub session: SessionId,
    /// When, to the second.
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

/// The id of a key in the header of a token: the thumbprint of the public half (RFC 7638 §3, RFC 8037 §2).
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
    /// Issues in the name of a stack.
    pub fn new(name: String, keys: &KeyRing) -> Self {
        provider::install();
        let key =
            |key: &SigningKey| (key_id(&key.public_key()), EncodingKey::from_ed_der(key.document()));
        Self { name, keys: keys.announced(key) }
    }

    /// A token for a user in a session, valid for [`LIFETIME`] from when it is issued.
    ///
    /// # Errors
    /// When signing fails, which a valid key does not.
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

/// How many tokens a function remembers that it has verified.
const MAX_KNOWN: usize = 256;

/// What a token says, once its signature is known to hold.
#[derive(Clone, Copy)]
struct Verified {
    identity: Identity,
    not_before: Timestamp,
    expires: Timestamp,
}

/// A key that tokens may be signed with.
struct TrustedKey {
    id: String,
    key: DecodingKey,
    /// Until when: what it had signed before another key took its place has expired by then.
    until: Option<Timestamp>,
}

/// Verifies access tokens.
pub struct Verifier {
    keys: Vec<TrustedKey>,
    rules: Validation,
    /// Whoever uses an application sends one token many times, and verifying its signature takes three times as
    /// many instructions as all else that a handler does. Only what holds gets here; and since whole tokens are
    /// looked up by a hash with a random key, the time that takes tells nothing of them.
    known: Mutex<HashMap<String, Verified>>,
}

impl Verifier {
    /// Accepts tokens that this issuer signed with the private half of one of the `public_keys`
    /// ([`KeyRing::public_keys`]), each until what it had signed has expired.
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
        // Checked against our own clock below.
        rules.validate_exp = false;
        Ok(Self { keys: keys.collect(), rules, known: Mutex::default() })
    }

    /// Who the token was issued to; nothing if it does not hold.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<Identity> {
        let holds = |verified: &Verified| verified.not_before <= now + LEEWAY && now < verified.expires;
        let known = self.known().get(token).copied();
        if let Some(verified) = known {
            return holds(&verified).then_some(verified.identity);
        }
        let verified = self.check(token).filter(holds)?;
        let mut known = self.known();
        if known.len() >= MAX_KNOWN {
            known.retain(|_, other| now < other.expires);
        }
        if known.len() < MAX_KNOWN {
            known.insert(token.to_owned(), verified);
        }
        Some(verified.identity)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Verified>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the token says, if its signature holds.
    fn check(&self, token: &str) -> Option<Verified> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        // What must be understood, and is not (RFC 7515, section 4.1.11).
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
