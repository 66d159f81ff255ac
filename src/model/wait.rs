//! What a flow can wait for. A closed list: who would wait for something else has to give it a name and a sentence
//! (`service::why::waits`) first.

use std::fmt;

use super::record::words;

words! {
    /// The words are those of `work.why`, where a detail may follow them.
    pub enum WaitFor {
        FirstHeartbeat = "the agent's first heartbeat",
        RescueHeartbeat = "the rescue agent's first heartbeat",
        /// The detail says why the agent was not spoken to at once.
        NextHeartbeat = "the agent's next heartbeat",
        Report = "the agent's inspection report",
        /// The detail is the step.
        StepEnd = "the agent to finish step",
        EarlierCommand = "the agent to finish an earlier command",
        RescuePassword = "the agent to set the rescue password",
        /// The detail is the step.
        Return = "the machine to come back after step",
        /// The detail says how it cannot be reached.
        OutOfReach = "the agent, which is out of reach:",
        Unhold = "a client to say unhold",
        /// The detail says how many nodes fit.
        BusyNodes = "a node, as all that fit are reserved:",
    }
}

/// One wait, with what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    pub what: WaitFor,
    pub detail: String,
}

impl WaitFor {
    pub fn with(self, detail: impl Into<String>) -> Wait {
        Wait { what: self, detail: detail.into() }
    }
}

impl From<WaitFor> for Wait {
    fn from(what: WaitFor) -> Self {
        what.with("")
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.detail.as_str() {
            "" => self.what.fmt(f),
            detail => write!(f, "{} {detail}", self.what),
        }
    }
}

impl Wait {
    /// The inverse of its text. None for one that an older version wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let matching = WaitFor::ALL.iter().filter_map(|what| Some((*what, text.strip_prefix(what.as_str())?)));
        let (what, detail) = matching.max_by_key(|(what, _)| what.as_str().len())?;
        Some(what.with(detail.trim_start()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wait_is_read_as_it_was_written() {
        for what in WaitFor::ALL {
            for wait in [Wait::from(*what), what.with("deploy.write_image"), what.with("(it is away: why)")] {
                assert_eq!(Wait::parse(&wait.to_string()), Some(wait));
            }
        }
        assert_eq!(Wait::parse("for Godot"), None);
    }
}
