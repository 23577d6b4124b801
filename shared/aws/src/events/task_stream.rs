//! The stream of the tasks table, as Lambda delivers it.
//!
//! Source: "Using AWS Lambda with Amazon DynamoDB", AWS Lambda developer guide.

use serde::Deserialize;
use taskbell_domain::{ports::PortError, task::Task};

use crate::dynamodb::task_of;

/// A batch of records, in order of the changes of each item.
#[derive(Deserialize)]
pub struct TaskStream {
    /// In order of their sequence numbers.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// One change of an item.
#[derive(Deserialize)]
pub struct Record {
    dynamodb: StreamRecordImages,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamRecordImages {
    sequence_number: String,
    old_image: Option<serde_dynamo::Item>,
    new_image: Option<serde_dynamo::Item>,
}

impl Record {
    /// The sequence number, which identifies a failed record in the answer to Lambda.
    pub fn sequence(&self) -> &str {
        &self.dynamodb.sequence_number
    }

    /// The task before and after the change.
    ///
    /// # Errors
    /// [`PortError`] if an image is not a valid task.
    pub fn tasks(self) -> Result<(Option<Task>, Option<Task>), PortError> {
        let StreamRecordImages { old_image, new_image, .. } = self.dynamodb;
        Ok((old_image.map(task_of).transpose()?, new_image.map(task_of).transpose()?))
    }
}
