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

use hyper::StatusCode;

use super::Fault;
use super::fair::{Fair, Share};
use super::surface::route::{Gives, Method};
use super::surface::{Reach, Route};

/// What large answers may hold together until they are taken.
pub const ANSWER_BYTES: usize = 128 << 20;

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

/// A class's bound, and how long a request stands before it.
struct Door {
    places: Fair,
    within: Duration,
}

/// See the head of this file.
pub struct Admission {
    /// Memory of answers that have not been taken yet, in bytes.
    pub answers: Fair,
    machines: Door,
    lists: Door,
    reads: Door,
    changes: Door,
}

impl Default for Admission {
    fn default() -> Self {
        let door = |places, secs| Door { places, within: Duration::from_secs(secs) };
        Admission {
            answers: Fair::shared(ANSWER_BYTES),
            machines: door(Fair::new(256, 64), 2),
            lists: door(Fair::shared(4), 5),
            reads: door(Fair::shared(128), 2),
            changes: door(Fair::shared(512), 2),
        }
    }
}

impl Admission {
    /// A place for a request of this class, held until the answer is made. Errors: 503, with Retry-After.
    pub async fn enter(&self, class: Class, source: IpAddr) -> Result<Share, Fault> {
        let door = match class {
            Class::Machine => &self.machines,
            Class::List => &self.lists,
            Class::Read => &self.reads,
            Class::Change => &self.changes,
        };
        door.places.take(source, 1, door.within).await.ok_or_else(|| {
            tracing::debug!(?class, %source, "a request was sent away: too many are in progress");
            too_busy("Too many requests are in progress. Nothing was done. Try again.")
        })
    }
}

/// 503 with Retry-After: nothing was done, and trying again helps.
pub fn too_busy(why: &'static str) -> Fault {
    Fault::application(StatusCode::SERVICE_UNAVAILABLE, why)
}

#[cfg(test)]
mod tests {
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

    #[tokio::test(start_paused = true)]
    async fn lists_that_fill_their_class_keep_no_machine_and_no_change_out() {
        let (admission, client) = (Admission::default(), IpAddr::from([127, 0, 0, 1]));
        let mut held = Vec::new();
        while let Ok(share) = admission.enter(Class::List, client).await {
            held.push(share);
        }
        assert_eq!(held.len(), 4);
        for class in [Class::Machine, Class::Read, Class::Change] {
            assert!(admission.enter(class, client).await.is_ok(), "{class:?}");
        }
        let mut machines = Vec::new();
        while let Ok(share) = admission.enter(Class::Machine, client).await {
            machines.push(share);
        }
        assert_eq!(machines.len(), 64, "one address has a part");
        assert!(admission.enter(Class::Machine, IpAddr::from([127, 0, 0, 2])).await.is_ok());
    }
}
