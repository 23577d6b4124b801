//! The head and the entries of a change feed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use taskbell_domain::{
    feed::{Change, FeedEntry, FeedHead, Operation, Subject},
    unknown::Unknown,
};

use super::{InvalidAttribute, unknown};

/// The head. Without a version, the feed has ended.
#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct FeedHeadItem {
    /// The number of the last entry: what an append is conditional on.
    #[serde(rename = "version")]
    sequence: u64,
    appended_at: Timestamp,
    mark: u64,
    marked_at: Timestamp,
    settled: u64,
    #[serde(flatten, deserialize_with = "unknown")]
    pub(in crate::dynamodb) unknown: Unknown,
}

impl FeedHeadItem {
    pub(in crate::dynamodb) fn new(head: &FeedHead, unknown: Unknown) -> Self {
        let FeedHead { sequence, appended_at, mark, marked_at, settled } = *head;
        Self { sequence, appended_at, mark, marked_at, settled, unknown }
    }

    pub(in crate::dynamodb) fn head(&self) -> FeedHead {
        let Self { sequence, appended_at, mark, marked_at, settled, .. } = *self;
        FeedHead { sequence, appended_at, mark, marked_at, settled }
    }
}

/// Changes that were appended together.
#[derive(Serialize, Deserialize)]
pub(in crate::dynamodb) struct FeedItem {
    /// The number of the first one.
    first: u64,
    pub(in crate::dynamodb) appended_at: Timestamp,
    changes: Vec<ChangeForm>,
    /// For the time to live, in seconds since 1970.
    expires_at: i64,
}

/// A change. Names are short, because DynamoDB charges for them.
#[derive(Serialize, Deserialize)]
struct ChangeForm {
    #[serde(rename = "i")]
    id: String,
    #[serde(rename = "s")]
    subject: String,
    #[serde(rename = "o")]
    operation: String,
    #[serde(rename = "v")]
    version: u64,
}

impl FeedItem {
    /// `entries` are consecutive.
    pub(in crate::dynamodb) fn new(
        entries: &[FeedEntry],
        appended_at: Timestamp,
        expires_at: Timestamp,
    ) -> Self {
        let form = |FeedEntry { change, .. }: &FeedEntry| ChangeForm {
            id: change.id.clone(),
            subject: change.subject.to_string(),
            operation: change.operation.as_str().to_owned(),
            version: change.version,
        };
        let first = entries.first().map_or(0, |entry| entry.sequence);
        let changes = entries.iter().map(form).collect();
        Self { first, appended_at, changes, expires_at: expires_at.as_second() }
    }

    /// Whether DynamoDB may have deleted it: it does so at some time after it expires.
    pub(in crate::dynamodb) fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now.as_second()
    }

    pub(in crate::dynamodb) fn entries(self) -> Result<Vec<FeedEntry>, InvalidAttribute> {
        let numbered = (self.first..).zip(self.changes);
        let entries = numbered.map(|(sequence, ChangeForm { id, subject, operation, version })| {
            let subject: Subject = subject.parse().map_err(|_| InvalidAttribute::from("subject"))?;
            let operation = Operation::parse(&operation)?;
            Ok(FeedEntry { sequence, change: Change { id, subject, operation, version } })
        });
        entries.collect()
    }
}
