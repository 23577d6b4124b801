//! Errors of the SDK as errors of the ports.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use taskbell_domain::ports::{PortError, UnusableItem};

/// The error code of the service, or the reason why there is none.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Cause(String);

/// Error codes of failures that can pass: throttling, faults of the service, and conflicts of transactions. Transactions
/// that failed for a condition or an item are handled before.
///
/// Source: "Error handling with DynamoDB", Amazon DynamoDB developer guide.
const TRANSIENT_CODES: &[&str] = &[
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "Throttling",
    "InternalServerError",
    "ServiceUnavailable",
    "TransactionCanceledException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// Error codes, and codes of cancellation reasons, that concern an item in the request: it is too large, or has an invalid
/// value.
///
/// Source: <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>.
const ITEM_CODES: &[&str] = &[
    "ValidationException",
    "ValidationError",
    "ItemCollectionSizeLimitExceeded",
    "ItemCollectionSizeLimitExceededException",
];

/// Turns an SDK error into a [`PortError`]. Keeps only the code, since messages can quote stored values.
pub(crate) fn port_error<E: ProvideErrorMetadata>(
    operation: &'static str,
) -> impl Fn(SdkError<E, HttpResponse>) -> PortError {
    move |error| {
        let (cause, transient) = match &error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("UnknownError");
                if let Some(error) = item_error(operation, code) {
                    return error;
                }
                // A proxy or load balancer answers without a code of the service.
                let is_server_error = service.raw().status().is_server_error();
                (code.to_owned(), is_server_error || TRANSIENT_CODES.contains(&code))
            }
            SdkError::TimeoutError(_) => ("timeout".to_owned(), true),
            SdkError::DispatchFailure(_) => ("connection failed".to_owned(), true),
            SdkError::ResponseError(_) => ("invalid response".to_owned(), true),
            _ => ("invalid request".to_owned(), false),
        };
        PortError { operation, transient, source: Box::new(Cause(cause)) }
    }
}

/// The error for a code of [`ITEM_CODES`].
pub(crate) fn item_error(operation: &'static str, code: &str) -> Option<PortError> {
    let source = || Box::new(UnusableItem(code.to_owned()));
    ITEM_CODES.contains(&code).then(|| PortError { operation, transient: false, source: source() })
}

/// The same request is in progress in another invocation. Transient: its result will be known shortly.
pub(crate) fn in_progress(operation: &'static str) -> PortError {
    let source = Box::new(Cause("the same request is in progress".to_owned()));
    PortError { operation, transient: true, source }
}

/// A stored item is not valid.
pub(crate) fn corrupt(operation: &'static str, what: impl std::fmt::Display) -> PortError {
    let source = Box::new(UnusableItem(format!("corrupt item: {what}")));
    PortError { operation, transient: false, source }
}

/// The start position is outside the list. DynamoDB would answer with a ValidationException.
pub(crate) fn start_outside_list(operation: &'static str) -> PortError {
    invalid_request(operation, "the start position is outside the list")
}

/// The request could not be built.
pub(crate) fn invalid_request(operation: &'static str, what: impl std::fmt::Display) -> PortError {
    PortError { operation, transient: false, source: Box::new(Cause(what.to_string())) }
}
