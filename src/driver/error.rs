//! Why hardware did not do what it was asked.

/// The text is a sentence for the operator: it names the machine's part and what to do, and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DriverError {
    /// The interface cannot do this at all.
    #[error("{0}")]
    Unsupported(String),
    /// A setting of the node is missing or wrong; the field is named.
    #[error("{0}")]
    Misconfigured(String),
    /// The machine, its BMC or its agent answered, and said no.
    #[error("{0}")]
    Refused(String),
    /// Nothing answers.
    #[error("{0}")]
    Unreachable(String),
    /// Nothing was asked: it did not answer before, and periodic reading leaves it alone for a while.
    #[error("{0}")]
    LeftAlone(String),
    /// It answered, but did not get there in time.
    #[error("{0}")]
    TimedOut(String),
    /// Nothing was asked, because this process ends. It says nothing about the machine.
    #[error("{0}")]
    Stopping(String),
}

impl DriverError {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            DriverError::Unreachable(_)
                | DriverError::LeftAlone(_)
                | DriverError::TimedOut(_)
                | DriverError::Stopping(_)
        )
    }

    pub fn unsupported(what: impl Into<String>) -> Self {
        DriverError::Unsupported(what.into())
    }

    /// The node's interface has no such thing. `what` is the name that Ironic gives it.
    pub fn lacks(task: &super::Task, what: &str) -> Self {
        let driver = &task.node.driver;
        DriverError::Unsupported(format!("Driver {driver} does not support {what} (disabled or not implemented)."))
    }

    pub fn misconfigured(what: impl Into<String>) -> Self {
        DriverError::Misconfigured(what.into())
    }
}
