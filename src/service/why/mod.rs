//! Why a machine hangs, or failed: what it does, what it waits for, since when, until when, and what next.
//!
//! ```text
//!   node, work, ports, leases, events (store) ─┐
//!   what was seen of it lately (trace) ────────┴─► Facts ─► rows (condition → sentence) ─► Document
//! ```
//! [`explain`] is pure: the same facts give the same document. The rows are tables, tried from the top; what is nearest
//! to the machine's goal stands first. `boot` has those of a machine that comes up, `waits` those of work that goes on or
//! waits, `rest` those of a node to which nothing is owed. A test goes through all waits of the engine and all states.

pub mod allocation;
mod boot;
mod facts;
mod next;
mod rest;
pub mod stranger;
#[cfg(test)]
mod tests;
mod waits;

use serde_json::{Value, json};

pub use facts::{Facts, Sight, Stumbles, Stumbling, gather};
pub use next::{after, with_next};
pub use waits::diagnosis;

use crate::clock::Timestamp;
use crate::model::Phase;
use crate::model::record::words;
use crate::trace::{Kind, Seen};

words! {
    /// How things stand, in a word.
    pub enum Verdict {
        AtRest = "at rest",
        Working = "working",
        Waiting = "waiting",
        Held = "held",
        Locked = "locked",
        Failed = "failed",
        /// It waits or works, and something is not as it should be.
        Stuck = "stuck",
    }
}

/// What a row tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Sentences: what is the matter.
    pub why: String,
    /// What the service will do, without a subject: "goes on as soon as the agent calls".
    pub we: String,
    /// What a person can do, each a sentence or a command.
    pub you: Vec<String>,
    /// Whether something is not as it should be.
    pub trouble: bool,
    /// Since when, if that is not for the row of work to say.
    pub since: Option<Timestamp>,
}

impl Said {
    /// All is well.
    fn fine(why: impl Into<String>, we: impl Into<String>) -> Self {
        Said { why: why.into(), we: we.into(), ..Said::default() }
    }

    /// Something is wrong, and this is what can be done about it.
    fn wrong<T: Into<String>>(why: impl Into<String>, you: impl IntoIterator<Item = T>) -> Self {
        let you = you.into_iter().map(Into::into).collect();
        Said { why: why.into(), you, trouble: true, ..Said::default() }
    }

    fn and_we(self, we: impl Into<String>) -> Self {
        Said { we: we.into(), ..self }
    }

    fn and_you(mut self, you: impl Into<String>) -> Self {
        self.you.push(you.into());
        self
    }

    fn since(self, since: Timestamp) -> Self {
        Said { since: Some(since), ..self }
    }
}

/// A rule.
struct Row<F: ?Sized + 'static> {
    /// What it is about, unique in its table.
    name: &'static str,
    when: fn(&F) -> bool,
    tell: fn(&F) -> Said,
}

/// The first row that applies.
fn first<'r, F: ?Sized>(rows: &'r [Row<F>], facts: &F) -> Option<&'r Row<F>> {
    rows.iter().find(|row| (row.when)(facts))
}

/// The whole answer.
#[derive(Clone, Debug)]
pub struct Document {
    pub verdict: Verdict,
    pub doing: String,
    pub waiting_for: Option<String>,
    pub said: Said,
    /// The rule that told it.
    pub rule: &'static str,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// What happens at `until`.
    pub then: Option<String>,
}

/// Explains how a node stands.
pub fn explain(facts: &Facts) -> Document {
    let (rule, said) = match &facts.work {
        Some(work) => waits::tell(facts, work),
        None => rest::tell(facts),
    };
    // A call that should be over says nothing about when it will be.
    let call_ends = facts.call_ends.filter(|at| *at > facts.now);
    let (mut since, mut until, mut then, mut waiting_for) = (None, None, None, None);
    let mut verdict = rest::verdict(facts);
    if let Some(work) = &facts.work {
        since = Some(work.since);
        waiting_for = work.why.clone().filter(|_| matches!(work.phase, Phase::Waiting | Phase::Held));
        until = work.deadline_at.filter(|_| work.phase == Phase::Waiting && !facts.node.maintenance);
        then = until.map(|_| next::at_deadline(work.flow).to_owned());
        verdict = match work.phase {
            Phase::Held => Verdict::Held,
            Phase::Waiting => Verdict::Waiting,
            Phase::Ready | Phase::Begun => Verdict::Working,
        };
        if matches!(work.phase, Phase::Ready | Phase::Begun) {
            until = call_ends;
        }
        if said.trouble {
            verdict = Verdict::Stuck;
        }
    }
    if facts.work.is_none() && facts.node.reservation.is_some() {
        until = call_ends;
    }
    if until.is_some() && then.is_none() {
        then = Some("the call that is under way is given up, as failed".to_owned());
    }
    let since = said.since.or(since).or(facts.node.provision_updated_at);
    Document { verdict, doing: waits::doing(facts), waiting_for, said, rule, since, until, then }
}

/// The document as it is sent.
pub fn json(facts: &Facts) -> Value {
    let Document { verdict, doing, waiting_for, said, rule, since, until, then } = explain(facts);
    let node = &facts.node;
    json!({
        "node": node.uuid.to_string(),
        "name": node.name,
        "card": null,
        "allocation": null,
        "state": node.provision_state.as_str(),
        "target_state": node.target_provision_state.map(|state| state.as_str()),
        "power": node.power_state.map(|state| state.as_str()),
        "maintenance": node.maintenance,
        "locked_by": node.reservation,
        "verdict": verdict.as_str(),
        "trouble": said.trouble,
        "doing": doing,
        "waiting_for": waiting_for,
        "why": said.why,
        "rule": rule,
        "since": since.map(|at| at.to_string()),
        "until": until.map(|at| at.to_string()),
        "then": then,
        "next": {"we": said.we, "you": said.you},
        "last": last(facts),
        "bmc": facts.stumbling.as_ref().map(|it| json!({
            "since": it.since.to_string(), "failures": it.failures,
            "next_poll_at": it.next_poll_at.to_string(), "reason": it.reason,
        })),
        "now": facts.now.to_string(),
        "trace_since": facts.sight.trace.since().map(|at| at.to_string()),
    })
}

/// The newest events that are shown.
const SHOWN: usize = 40;

fn last(facts: &Facts) -> Vec<Value> {
    let stored = facts.events.iter().map(|event| {
        let (at, source, text) = (event.at, event.event_type.as_str(), event.text.as_str());
        (at, json!({"at": at.to_string(), "first": at.to_string(), "count": 1, "source": "state", "event": source, "text": text}))
    });
    let seen = facts.seen.iter().filter(|seen| !is_told(facts, seen)).map(|seen| (seen.at, event(seen)));
    let mut all: Vec<(Timestamp, Value)> = stored.chain(seen).collect();
    all.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    all.into_iter().take(SHOWN).map(|(_, event)| event).collect()
}

/// As much of a text as tells it from others.
const TELLING: usize = 40;

/// Whether the history has the same failure, in more words.
fn is_told(facts: &Facts, seen: &Seen) -> bool {
    let same = |text: &str| {
        let start: String = text.chars().take(TELLING).collect();
        !start.is_empty() && seen.text.contains(&start)
    };
    seen.kind == Kind::Failed && facts.events.iter().any(|event| same(&event.text))
}

/// Something seen, as it is shown.
fn event(seen: &Seen) -> Value {
    let row = seen.kind.row();
    let text = if seen.text.is_empty() { row.meaning } else { &seen.text };
    json!({
        "at": seen.at.to_string(), "first": seen.first.to_string(), "count": seen.count,
        "source": row.source.as_str(), "event": row.word, "text": text,
    })
}

/// How long ago, or how long, in words.
pub fn long(duration: jiff::SignedDuration) -> String {
    match duration.as_secs().max(0) {
        secs @ 0..120 => format!("{secs} s"),
        secs @ 120..7200 => format!("{} min", secs / 60),
        secs @ 7200..172_800 => format!("{} h", secs / 3600),
        secs => format!("{} days", secs / 86_400),
    }
}
