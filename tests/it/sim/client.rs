//! Clients know the service by its API alone, and write into the book what they asked for and were told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bessemer::net::{Net, http};
use bessemer::random::Random;
use hyper::Method;
use serde_json::Value;

use super::book::{Ended, Kind};
use super::world::World;

/// How long a request waits for a node that somebody works on.
const PATIENCE: Duration = Duration::from_secs(3);

/// What became of a request.
pub enum Told {
    Answer(u16, Value),
    /// Nobody was asked.
    Nobody,
    /// Somebody may have acted on it.
    Unknown,
}

impl Told {
    pub fn ended(&self) -> Ended {
        match self {
            Told::Answer(200..=299, _) => Ended::Accepted,
            Told::Answer(..) | Told::Nobody => Ended::Refused,
            Told::Unknown => Ended::Unknown,
        }
    }
}

pub struct Client {
    pub world: Arc<World>,
    http: http::Client,
    pub chance: Random,
}

impl Client {
    pub fn new(world: Arc<World>, salt: u64) -> Self {
        let net = Net::memory(world.network.host());
        let http = http::Client::new(net, world.clock.clone());
        let chance = world.chance(100 + salt);
        Client { world, http, chance }
    }

    pub async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Told {
        let at: SocketAddr = self.world.admin();
        let Ok(url) = http::Url::parse(&format!("http://{at}{path}")) else { return Told::Nobody };
        let mut request = http::Request::new(method.clone(), url);
        if let Some(body) = body {
            request.body = body.to_string().into();
        }
        request.headers.insert("x-openstack-ironic-api-version", hyper::header::HeaderValue::from_static("latest"));
        let (asked_at, deletes) = (self.world.clock.instant(), method == Method::DELETE);
        let answer = async {
            let response = self.http.send(request).await?;
            let status = response.status.as_u16();
            let comes_back = response.headers.contains_key(hyper::header::RETRY_AFTER);
            Ok::<_, http::HttpError>((status, comes_back, response.bytes().await?))
        };
        match answer.await {
            Ok((status, comes_back, bytes)) => {
                let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                let mut book = self.world.book.open();
                *book.answers.entry(status).or_default() += 1;
                // What the world does to the service is a reason to come back later, and none to break.
                if status >= 500 && (status != 503 || !comes_back) {
                    book.breach(format!("{method} {path} was answered {status}: {answer}"));
                }
                if let Some(secret) = book.shown_in(&bytes) {
                    book.breach(format!("{method} {path} was answered with a secret, {secret}"));
                }
                // Who deletes waits for whoever works there; only what takes long is told.
                let locked = status == 409 && answer.to_string().contains("is locked by host");
                if locked && deletes && self.world.clock.instant() < asked_at + PATIENCE {
                    book.breach(format!("I4: {method} {path} did not wait: {answer}"));
                }
                Told::Answer(status, answer)
            }
            Err(error) if error.maybe_acted_on() => Told::Unknown,
            Err(_) => Told::Nobody,
        }
    }

    /// Asks for something that touches a machine, and writes down that it did.
    pub async fn ask_for(&self, machine: &str, kinds: &[Kind], path: &str, body: Value) -> Told {
        let book = self.world.book.clone();
        let times = |kinds: &[Kind]| {
            let mut book = book.open();
            let asked = book.asked(machine);
            let seen = kinds.iter().filter_map(|kind| match kind {
                Kind::Verb(event) if *event != bessemer::provision::Event::Abort => Some(asked.times_seen(*event)),
                _ => None,
            });
            seen.collect::<Vec<u64>>()
        };
        kinds.iter().for_each(|kind| book.open().asked(machine).ask(*kind));
        let (before, asked_at) = (times(kinds), self.world.clock.instant());
        let told = self.ask(Method::PUT, path, Some(body.clone())).await;
        if told.ended() == Ended::Accepted && times(kinds).iter().zip(before).any(|(after, before)| *after == before) {
            book.breach(format!("{path} {body} was acknowledged, and nothing came of it"));
        }
        let expected = book.open().asked(machine).expected;
        if told.ended() == Ended::Accepted && path.ends_with("/power") && expected.is_none_or(|at| at < asked_at) {
            book.breach(format!("{path} {body} was acknowledged, and no change of power was expected"));
        }
        let now = self.world.clock.instant();
        kinds.iter().for_each(|kind| book.open().asked(machine).told(*kind, told.ended(), now));
        told
    }

    /// Asks until somebody answers.
    pub async fn get(&self, path: &str) -> Option<(u16, Value)> {
        while !self.is_over() {
            if let Told::Answer(status, answer) = self.ask(Method::GET, path, None).await {
                return Some((status, answer));
            }
            self.pause(5).await;
        }
        None
    }

    pub fn is_over(&self) -> bool {
        self.world.calm.is_cancelled()
    }

    pub async fn pause(&self, secs: u64) {
        let pause = Duration::from_millis(100 + self.chance.below(secs * 1000));
        let _ = self.world.calm.run_until_cancelled(self.world.clock.sleep(pause)).await;
    }

    pub fn one_in(&self, n: u64) -> bool {
        self.chance.below(n) == 0
    }

    pub fn pick<T: Copy>(&self, choices: &[T]) -> T {
        choices[self.chance.below(choices.len() as u64) as usize]
    }
}
