//! The refresh token of a browser: in a cookie, which no script can read.
//!
//! The cookie has no `Path`, so the browser sends it to the folder of the path that set it (RFC 6265 §5.1.4), `/v1/auth`, whatever
//! prefix a custom domain adds. `SameSite=Strict` keeps it out of requests that other sites cause. Two things protect it against
//! other hosts of the same site: scripts there cannot send JSON with cookies, since CORS allows no credentials, and browsers
//! say in `Sec-Fetch-Site` where a request comes from.

use http::{StatusCode, header::SET_COOKIE};
use taskbell_domain::credential::{RefreshToken, SESSION_LIFETIME};

use crate::http::{Call, Problem, Reply};

/// The name of the cookie.
const COOKIE: &str = "taskbell_session";

const ATTRIBUTES: &str = "HttpOnly; Secure; SameSite=Strict";

/// Where a response puts the refresh token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    /// The body: clients that keep it themselves.
    Body,
    /// The cookie: browsers.
    Cookie,
}

impl Carrier {
    /// The carrier that a request asks for with its field `cookie`.
    ///
    /// # Errors
    /// 403 `cross_site` if a browser sends it from a page of another origin (Fetch Metadata Request Headers, W3C).
    pub(super) fn of(call: &Call<'_>, cookie: Option<bool>) -> Result<Self, Problem> {
        if cookie != Some(true) {
            return Ok(Self::Body);
        }
        match call.header("sec-fetch-site")? {
            None | Some("same-origin") => Ok(Self::Cookie),
            Some(_) => {
                let detail =
                    "A page of another origin cannot use the cookie: send `refresh_token` instead.";
                Err(Problem::new(StatusCode::FORBIDDEN, "cross_site", detail))
            }
        }
    }

    /// The response with a new refresh token in the cookie, if it belongs there.
    pub(super) fn attach(self, reply: Reply, token: &RefreshToken) -> Result<Reply, Problem> {
        match self {
            Self::Body => Ok(reply),
            Self::Cookie => {
                let (value, seconds) = (token.to_text(), SESSION_LIFETIME.as_secs());
                reply.with(SET_COOKIE, &format!("{COOKIE}={value}; Max-Age={seconds}; {ATTRIBUTES}"))
            }
        }
    }
}

/// The refresh token in the cookie of a request. `None` with several cookies: another host of the same site may have set one of
/// them, to have the user work in an account that is not theirs.
pub(super) fn token_of<'a>(call: &'a Call<'_>) -> Option<&'a str> {
    match call.cookies(COOKIE)[..] {
        [token] => Some(token),
        _ => None,
    }
}

/// The response with an instruction to delete the cookie, if the request has one.
pub(super) fn without_cookie(call: &Call<'_>, reply: Reply) -> Result<Reply, Problem> {
    if call.cookies(COOKIE).is_empty() {
        return Ok(reply);
    }
    reply.with(SET_COOKIE, &format!("{COOKIE}=; Max-Age=0; {ATTRIBUTES}"))
}
