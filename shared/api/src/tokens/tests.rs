//! Which access tokens are valid, and for how long.

use ring::signature::Ed25519KeyPair;
use serde_json::json;
use taskbell_test::{
    ManualClock, SeededRandom,
    fixtures::{NOW, now, user},
};

use super::*;
use crate::keys::HANDOVER;

const STACK: &str = "taskbell/test";

fn identity() -> Identity {
    let session = SessionId::generate(&ManualClock::at(NOW), &SeededRandom::new(5));
    Identity { user: user(1).id, session, issued_at: now() }
}

/// The public key that a ring is using.
fn public_key(ring: &KeyRing) -> String {
    ring.public_keys().current(now()).unwrap().clone()
}

fn header(ring: &KeyRing) -> serde_json::Value {
    json!({"typ": "JWT", "alg": "EdDSA", "kid": key_id(&public_key(ring))})
}

fn encoded(header: &serde_json::Value, claims: &serde_json::Value, ring: &KeyRing) -> String {
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(header), part(claims));
    let documents = ring.published(|key| key.document().to_vec());
    let document = documents.current(now()).unwrap();
    let signature = Ed25519KeyPair::from_pkcs8(document).unwrap().sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn claims(identity: Identity) -> serde_json::Value {
    json!({
        "iss": STACK, "aud": AUDIENCE, "sub": identity.user, "sid": identity.session,
        "iat": now().as_second(), "exp": now().as_second() + 900, "jti": "1",
    })
}

#[test]
fn a_token_identifies_its_bearer_until_it_expires() {
    let key = KeyRing::parse(&KeyRing::generate("1").unwrap().to_text()).unwrap();
    let token = Issuer::new(STACK.to_owned(), &key).issue(identity(), &SeededRandom::new(1)).unwrap();
    let verifier = Verifier::new(STACK, &key.public_keys().to_string()).unwrap();
    assert_eq!(verifier.verify(&token, now()), Some(identity()));
    assert_eq!(verifier.verify(&token, now() + LIFETIME), None);
    assert_eq!(verifier.verify(&token, now() - SignedDuration::from_mins(1)), None);
}

fn pair() -> (Issuer, Verifier) {
    let key = KeyRing::generate("1").unwrap();
    let verifier = Verifier::new(STACK, &key.public_keys().to_string()).unwrap();
    (Issuer::new(STACK.to_owned(), &key), verifier)
}

#[test]
fn only_a_complete_token_of_this_issuer_for_this_api_is_valid() {
    let key = KeyRing::generate("1").unwrap();
    let verifier = Verifier::new(STACK, &key.public_keys().to_string()).unwrap();
    let eddsa = header(&key);
    let good = encoded(&eddsa, &claims(identity()), &key);
    assert_eq!(
        verifier.verify(&good, now()),
        Some(identity()),
        "each of the others differs in one part"
    );

    let altered = |member: &str, value: serde_json::Value| {
        let mut header = eddsa.clone();
        header[member] = value;
        header
    };
    let mut bad = vec![
        ("no kid", encoded(&json!({"typ": "JWT", "alg": "EdDSA"}), &claims(identity()), &key)),
        ("unknown kid", encoded(&altered("kid", json!("other")), &claims(identity()), &key)),
        ("another key", encoded(&eddsa, &claims(identity()), &KeyRing::generate("1").unwrap())),
        ("alg none", encoded(&altered("alg", json!("none")), &claims(identity()), &key)),
        ("alg HS256", encoded(&altered("alg", json!("HS256")), &claims(identity()), &key)),
        ("no signature", good.rsplit_once('.').unwrap().0.to_owned() + "."),
        ("nothing", String::new()),
    ];
    for (claim, value) in [
        ("aud", json!("another-api")),
        ("iss", json!("taskbell/other")),
        ("sub", json!("tsk_01JQ0000000000000000000000")),
        ("exp", json!(now().as_second())),
        ("iat", json!(now().as_second() + 60)),
    ] {
        let mut altered = claims(identity());
        altered[claim] = value;
        bad.push((claim, encoded(&eddsa, &altered, &key)));
        altered.as_object_mut().unwrap().remove(claim);
        bad.push((claim, encoded(&eddsa, &altered, &key)));
    }
    for (what, token) in bad {
        assert_eq!(verifier.verify(&token, now()), None, "{what}");
    }
    // Changing any character of the signed part makes it invalid.
    let (signed, _) = good.rsplit_once('.').unwrap();
    for index in 0..signed.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        assert_eq!(verifier.verify(&String::from_utf8(bytes).unwrap(), now()), None, "at {index}");
    }
}

#[test]
fn a_cached_token_expires() {
    let (issuer, verifier) = pair();
    let token = issuer.issue(identity(), &SeededRandom::new(1)).unwrap();
    assert_eq!(verifier.verify(&token, now()), Some(identity()));
    assert_eq!(verifier.verify(&token, now()), Some(identity()));
    assert_eq!(verifier.verify(&token, now() + LIFETIME), None);
}

#[test]
fn an_expired_token_is_not_cached() {
    let (issuer, verifier) = pair();
    let token = issuer.issue(identity(), &SeededRandom::new(1)).unwrap();
    assert_eq!(verifier.verify(&token, now() + LIFETIME), None);
    assert!(verifier.cache().is_empty());
}

#[test]
fn a_forgery_of_a_cached_token_is_not_valid() {
    let (issuer, verifier) = pair();
    let token = issuer.issue(identity(), &SeededRandom::new(1)).unwrap();
    assert!(verifier.verify(&token, now()).is_some());
    for index in [10, token.len() / 2, token.len() - 10] {
        let mut forged = token.clone().into_bytes();
        forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        assert_eq!(verifier.verify(&forged, now()), None, "changed at {index}");
    }
    assert_eq!(verifier.cache().len(), 1, "only valid tokens are cached");
}

#[test]
fn the_cache_of_tokens_is_bounded() {
    let (issuer, verifier) = pair();
    let tokens: Vec<_> = (0..MAX_CACHED as u64 + 10)
        .map(|seed| issuer.issue(identity(), &SeededRandom::new(seed)).unwrap())
        .collect();
    assert!(tokens.iter().all(|token| verifier.verify(token, now()).is_some()));
    assert_eq!(verifier.cache().len(), MAX_CACHED);
    let later = now() + LIFETIME;
    let fresh =
        issuer.issue(Identity { issued_at: later, ..identity() }, &SeededRandom::new(7)).unwrap();
    assert!(verifier.verify(&fresh, later).is_some());
    assert_eq!(verifier.cache().len(), 1, "expired tokens are removed");
}

#[test]
fn an_hs256_token_signed_with_the_public_key_is_not_valid() {
    let key = KeyRing::generate("1").unwrap();
    let public = URL_SAFE_NO_PAD.decode(public_key(&key)).unwrap();
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!(
        "{}.{}",
        part(json!({"alg": "HS256", "typ": "JWT", "kid": key_id(&public_key(&key))})),
        part(claims(identity()))
    );
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &public);
    let signature = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&secret, message.as_bytes()));
    let verifier = Verifier::new(STACK, &key.public_keys().to_string()).unwrap();
    assert_eq!(verifier.verify(&format!("{message}.{signature}"), now()), None);
}

#[test]
fn an_invalid_key_is_refused() {
    let key = public_key(&KeyRing::generate("1").unwrap());
    for bad in ["", "AAAA", "AAAA@0", "not base64!@0", &key, &format!("{key}@0,")] {
        assert!(Verifier::new(STACK, bad).is_err(), "{bad}");
    }
}

/// The `kid` of a token.
fn key_of(token: &str) -> Option<String> {
    jsonwebtoken::decode_header(token).unwrap().kid
}

#[test]
fn tokens_of_both_keys_are_valid_during_a_rotation() {
    let mut ring = KeyRing::generate("1").unwrap();
    let before = public_key(&ring);
    ring.rotate("2", now()).unwrap();
    let verifier = Verifier::new(STACK, &ring.public_keys().to_string()).unwrap();
    let issuer = Issuer::new(STACK.to_owned(), &ring);
    let issue = |at, seed| {
        issuer.issue(Identity { issued_at: at, ..identity() }, &SeededRandom::new(seed)).unwrap()
    };
    let begins = now() + HANDOVER;
    let last = issue(begins - SignedDuration::from_secs(1), 1);
    let first = issue(begins, 2);
    assert_eq!(key_of(&last), Some(key_id(&before)));
    assert_ne!(key_of(&first), key_of(&last));
    for token in [&last, &first] {
        for at in [begins, begins + LIFETIME - SignedDuration::from_secs(2)] {
            let verified = verifier.verify(token, at).expect("a valid token");
            assert_eq!((verified.user, verified.session), (identity().user, identity().session));
        }
    }
}

#[test]
fn a_replaced_key_signs_no_valid_token_once_its_last_tokens_have_expired() {
    let mut ring = KeyRing::generate("1").unwrap();
    let stolen = KeyRing::parse(&ring.to_text()).unwrap();
    ring.rotate("2", now()).unwrap();
    let verifier = Verifier::new(STACK, &ring.public_keys().to_string()).unwrap();
    let thief = Issuer::new(STACK.to_owned(), &stolen);
    let end = now() + HANDOVER + LIFETIME + LEEWAY;
    let forge =
        |at| thief.issue(Identity { issued_at: at, ..identity() }, &SeededRandom::new(1)).unwrap();
    let early = forge(end - SignedDuration::from_secs(1));
    assert!(verifier.verify(&early, end - SignedDuration::from_secs(1)).is_some());
    assert_eq!(verifier.verify(&early, end), None, "cached no longer than the key is trusted");
    assert_eq!(verifier.verify(&forge(end), end), None);
}
