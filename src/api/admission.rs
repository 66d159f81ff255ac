//! How many requests may be in progress, by what they are. What is beyond waits a little, then is told to come back, before
//! everything slows to a crawl together.
//!
//! | class | what | why its own bound |
//! |---|---|---|
//! | machines | lookup, heartbeat, inspection reports, boot scripts | a machine that waits is a deployment that waits; one address has a part of them |
//! | lists | pages | each may read a thousand rows; a few at once keep both readers of clients busy, more only share them |
//! | reads | single objects | |
//! | changes | everything else | may wait for a node or a BMC, so many may be in progress |
//!
//! The classes have nothing in common, so that none of them can starve another here; behind them machines have a reader of
//! their own and go first in the writer's queue (`store`).

use std::net::IpAddr;
use std::time::Duration;

use super::Fault;
use super::fair::{Fair, Line, Share};
use super::surface::route::{Gives, Method};
use super::surface::{Reach, Route};

/// What large answers may hold together until they are taken.
pub const ANSWER_BYTES: usize = 128 << 20;
/// How long one of them waits for memory.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// What a request is to the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Machine,
    List,
    Read,
    Change,
}

impl Class {
    pub fn of(route: &Route) -> Self {
        match (route.reach, route.method, route.gives) {
            (Reach::Public, ..) => Class::Machine,
            (_, Method::Get, Gives::Page(_)) => Class::List,
            (_, Method::Get, _) => Class::Read,
            _ => Class::Change,
        }
    }
}

/// See the head of this file.
pub struct Admission {
    /// Memory of answers that have not been taken yet, in bytes.
    pub answers: Line,
    machines: Line,
    lists: Line,
    reads: Line,
    changes: Line,
}

impl Default for Admission {
    fn default() -> Self {
        let line = |places, secs| Line::new(places, Duration::from_secs(secs));
        Admission {
            answers: Line::new(Fair::shared(ANSWER_BYTES), ANSWER_WITHIN),
            machines: line(Fair::new(256, 64), 2),
            lists: line(Fair::shared(4), 5),
            reads: line(Fair::shared(128), 2),
            changes: line(Fair::shared(512), 2),
        }
    }
}

impl Admission {
    /// A place for a request of this class, held until the answer is made. Errors: 503, with Retry-After.
    pub async fn enter(&self, class: Class, source: IpAddr) -> Result<Share, Fault> {
        let line = match class {
            Class::Machine => &self.machines,
            Class::List => &self.lists,
            Class::Read => &self.reads,
            Class::Change => &self.changes,
        };
        line.enter(source, 1).await.map_err(|secs| {
            tracing::debug!(?class, %source, secs, "a request was sent away: too many are in progress");
            Fault::later("Too many requests are in progress. Nothing was done. Try again.", secs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::surface::routes;
    use super::*;

    #[test]
    fn every_route_has_the_class_that_its_row_says() {
        let class = |method: &str, path: &str| match routes::find(method, &routes::segments(path), false) {
            routes::Found::Route(route) => Some(Class::of(route)),
            _ => None,
        };
        for (method, path, expected) in [
            ("GET", "/v1/nodes", Class::List),
            ("GET", "/v1/nodes/detail", Class::List),
            ("GET", "/v1/nodes/x", Class::Read),
            ("PUT", "/v1/nodes/x/states/power", Class::Change),
            ("POST", "/v1/heartbeat/x", Class::Machine),
            ("GET", "/v1/lookup", Class::Machine),
            ("POST", "/v1/continue_inspection", Class::Machine),
        ] {
            assert_eq!(class(method, path), Some(expected), "{method} {path}");
        }
    }

    /// Takes what one address can have of a class.
    async fn fill(admission: &Admission, class: Class, client: IpAddr) -> Vec<Share> {
        let mut held = Vec::new();
        while let Ok(share) = admission.enter(class, client).await {
            held.push(share);
            assert!(held.len() < 10_000, "{class:?} has no bound");
        }
        held
    }

    #[tokio::test(start_paused = true)]
    async fn lists_that_fill_their_class_keep_no_machine_and_no_change_out() {
        let (admission, client) = (Admission::default(), IpAddr::from([127, 0, 0, 1]));
        let held = fill(&admission, Class::List, client).await;
        assert_eq!(held.len(), 4);
        for class in [Class::Machine, Class::Read, Class::Change] {
            assert!(admission.enter(class, client).await.is_ok(), "{class:?}");
        }
        let machines = fill(&admission, Class::Machine, client).await;
        assert_eq!(machines.len(), 64, "one address has a part");
        assert!(admission.enter(Class::Machine, IpAddr::from([127, 0, 0, 2])).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_longer_the_line_before_a_class_the_later_a_client_shall_come_back() {
        let (admission, client) = (Arc::new(Admission::default()), IpAddr::from([127, 0, 0, 1]));
        let held = fill(&admission, Class::List, client).await;
        let told = |fault: Option<Fault>| match fault {
            Some(Fault::Later { secs, .. }) => secs,
            _ => 0,
        };
        assert_eq!(told(admission.enter(Class::List, client).await.err()), 5, "nobody else waits");
        let mut line = tokio::task::JoinSet::new();
        for _ in 0..40 {
            let admission = admission.clone();
            line.spawn(async move {
                // Behind the first.
                tokio::time::sleep(Duration::from_secs(1)).await;
                admission.enter(Class::List, client).await.is_ok()
            });
        }
        let first = admission.enter(Class::List, client).await;
        assert_eq!(told(first.err()), 60, "forty stand there, and nobody was let in");
        assert!(line.join_all().await.iter().all(|entered| !entered));
        drop(held);
        assert!(admission.enter(Class::List, client).await.is_ok());
        assert_eq!(admission.lists.waiting(), 0);
    }
}
