//! What S3 refuses, and how.

use bytes::Bytes;
use http::{Response, StatusCode};

use crate::{escape, xml};

/// An error of S3's.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    status: u16,
    code: &'static str,
    message: String,
}

impl Fault {
    pub(crate) fn new(status: u16, code: &'static str) -> Self {
        Self { status, code, message: String::new() }
    }

    pub(crate) fn because(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// S3's answer to who is not known or may not do it.
    pub(crate) fn denied(message: impl Into<String>) -> Self {
        Self::new(403, "AccessDenied").because(message)
    }

    /// S3 may know it; this one does not.
    pub(crate) fn not_implemented(what: &str) -> Self {
        Self::new(501, "NotImplemented").because(format!("the local S3 does not know {what}"))
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn response(&self, resource: &str) -> Response<Bytes> {
        let Self { status, code, message } = self;
        tracing::debug!(status, code, message, "S3 refuses");
        let (message, resource) = (escape(message), escape(resource));
        xml(
            StatusCode::from_u16(*status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            &format!("<Error><Code>{code}</Code><Message>{message}</Message><Resource>{resource}</Resource></Error>"),
        )
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        tracing::error!(%error, "the local S3 failed");
        Self::new(500, "InternalError")
    }
}
