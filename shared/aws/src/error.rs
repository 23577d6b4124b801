//! What the SDK answers, in the words of the ports.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use taskbell_domain::ports::{PortError, UnusableItem};

/// The service's own error code, or what kept it from answering.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Answer(String);

/// Error codes that tell to come back later: throttling, faults of the service, and transactions that met
/// another one. A transaction that failed its conditions, or has an item that is refused, never gets here.
const TRANSIENT: &[&str] = &[
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

/// Error codes, and codes of reasons why a transaction was cancelled, that tell of the item in the request: it is too
/// large, or a value of it is not allowed where it stands
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html>).
const ABOUT_ITEM: &[&str] = &[
    "ValidationException",
    "ValidationError",
    "ItemCollectionSizeLimitExceeded",
    "ItemCollectionSizeLimitExceededException",
];

/// Turns an SDK error into a [`PortError`]. Only the code is kept: messages can quote values.
pub(crate) fn port_error<E: ProvideErrorMetadata>(
    operation: &'static str,
) -> impl Fn(SdkError<E, HttpResponse>) -> PortError {
    move |error| {
        let (answer, transient) = match &error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("UnknownError");
                if let Some(refused) = refused_item(operation, code) {
                    return refused;
                }
                // A proxy or load balancer on the way answers without a code of the service.
                let at_fault = service.raw().status().is_server_error();
                (code.to_owned(), at_fault || TRANSIENT.contains(&code))
            }
            SdkError::TimeoutError(_) => ("timeout".to_owned(), true),
            SdkError::DispatchFailure(_) => ("no connection".to_owned(), true),
            SdkError::ResponseError(_) => ("broken answer".to_owned(), true),
            _ => ("request could not be built".to_owned(), false),
        };
        PortError { operation, transient, source: Box::new(Answer(answer)) }
    }
}

/// The error for a code that tells of the item in the request, if it does.
pub(crate) fn refused_item(operation: &'static str, code: &str) -> Option<PortError> {
    let source = || Box::new(UnusableItem(code.to_owned()));
    ABOUT_ITEM.contains(&code).then(|| PortError { operation, transient: false, source: source() })
}

/// The same request is being carried out elsewhere; a moment later its outcome is known.
pub(crate) fn elsewhere(operation: &'static str) -> PortError {
    let source = Box::new(Answer("the same request is being carried out elsewhere".to_owned()));
    PortError { operation, transient: true, source }
}

/// Something stored is not what this program stores.
pub(crate) fn corrupt(operation: &'static str, what: impl std::fmt::Display) -> PortError {
    let source = Box::new(UnusableItem(format!("corrupt item: {what}")));
    PortError { operation, transient: false, source }
}

/// A list is to go on behind a place that is not in it. DynamoDB would refuse that as well (ValidationException).
pub(crate) fn outside(operation: &'static str) -> PortError {
    unbuildable(operation, "a place outside the list")
}

/// A request could not be put together.
pub(crate) fn unbuildable(operation: &'static str, what: impl std::fmt::Display) -> PortError {
    PortError { operation, transient: false, source: Box::new(Answer(what.to_string())) }
}
