//! The second factor of an account.

use serde::Serialize;
use utoipa::ToSchema;

/// The password of the account, which permits a second factor.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartSecondFactorRequest {
    /// Password of the account.
    #[schema(format = Password, examples("correct horse battery staple"))]
    pub password: String,
}

/// What an authenticator app needs to know (TOTP, RFC 6238).
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StartedSecondFactor {
    /// Secret in base32, for users who cannot scan a QR code.
    #[schema(pattern = "^[A-Z2-7]{32}$", examples("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"))]
    pub secret: String,
    /// Text of the QR code that an authenticator app scans.
    #[schema(examples(
        "otpauth://totp/Taskbell:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Taskbell&algorithm=SHA1&digits=6&period=30"
    ))]
    pub uri: String,
}

/// A code that proves that the authenticator app has the secret.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmSecondFactorRequest {
    /// Code of the authenticator app.
    #[schema(examples("287082"))]
    pub code: String,
}

/// Codes that replace the authenticator app.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecoveryCodes {
    /// Recovery codes. Each works once. They are in this response only.
    #[schema(min_items = 10, max_items = 10)]
    pub recovery_codes: Vec<String>,
}

/// Password and code, which permit removing the second factor.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteSecondFactorRequest {
    /// Password of the account.
    #[schema(format = Password, examples("correct horse battery staple"))]
    pub password: String,
    /// Code of the authenticator app, or a recovery code.
    #[schema(examples("287082"))]
    pub code: String,
}

/// Either address and password, to have a code mailed, or that code.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveSecondFactorRequest {
    /// Address of the account. Required without a code.
    #[schema(nullable = false, examples("ada@example.com"))]
    pub email: Option<String>,
    /// Password of the account. Required without a code.
    #[schema(nullable = false, format = Password, examples("correct horse battery staple"))]
    pub password: Option<String>,
    /// Code from the email. It works once, from 24 to 72 hours after the request.
    pub code: Option<String>,
}
