//! The answer as a person reads it: labels to the left, sentences wrapped, times as a clock's and as how long ago.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use serde_json::Value;

use crate::clock::Timestamp;

/// How the terminal is.
pub struct Look {
    pub colour: bool,
    pub columns: usize,
}

const LABEL: usize = 11;
/// Events that are shown.
const EVENTS: usize = 14;

impl Look {
    pub fn of_terminal() -> Self {
        let terminal = std::io::stdout().is_terminal();
        let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(100);
        Look { colour: terminal && std::env::var_os("NO_COLOR").is_none(), columns: usize::clamp(columns, 50, 120) }
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// The whole text, ending with a line break.
pub fn render(asked: &str, document: &Value, look: &Look) -> String {
    let mut out = String::new();
    let text = |key: &str| document[key].as_str().filter(|text| !text.is_empty());
    let now = time(&document["now"]);
    head(&mut out, asked, document, look);
    let mut field = |label: &str, value: &str| line(&mut out, label, value, look);
    field("doing", text("doing").unwrap_or_default());
    if let Some(waiting) = text("waiting_for") {
        field("waits for", waiting);
    }
    if let Some(since) = time(&document["since"]) {
        field("since", &when(since, now));
    }
    if let Some(until) = time(&document["until"]) {
        let then = text("then").map(|then| format!("; then {then}")).unwrap_or_default();
        field("until", &format!("{}{then}", when(until, now)));
    }
    field("why", text("why").unwrap_or_default());
    if let Some(we) = document["next"]["we"].as_str().filter(|we| !we.is_empty()) {
        field("next", &format!("the service {we}"));
    }
    for (at, you) in document["next"]["you"].as_array().into_iter().flatten().filter_map(Value::as_str).enumerate() {
        field(if at == 0 { "you can" } else { "" }, &format!("- {you}"));
    }
    events(&mut out, document, now, look);
    out
}

fn head(out: &mut String, asked: &str, document: &Value, look: &Look) {
    let text = |key: &str| document[key].as_str();
    let name = text("name").or(text("card")).or(text("node")).or(text("allocation")).unwrap_or(asked);
    let verdict = text("verdict").unwrap_or_default();
    let colour = if document["trouble"] == true { "1;31" } else { "1;32" };
    let mut parts = vec![look.paint(colour, verdict)];
    parts.extend(text("state").map(|state| match text("target_state") {
        Some(target) => format!("{state} (to {target})"),
        None => state.to_owned(),
    }));
    parts.extend(text("power").map(str::to_owned));
    parts.extend((document["maintenance"] == true).then(|| look.paint("33", "maintenance")));
    parts.extend(text("locked_by").map(|holder| format!("held by {holder}")));
    let _ = writeln!(out, "{}  {}", look.paint("1", name), parts.join(" · "));
}

/// A label and its text, wrapped beside it.
fn line(out: &mut String, label: &str, text: &str, look: &Look) {
    let room = look.columns.saturating_sub(LABEL);
    // What continues an item stands below its text.
    let indent = if text.starts_with("- ") { LABEL + 2 } else { LABEL };
    for (at, part) in wrap(text, room).iter().enumerate() {
        let _ = match at {
            0 => writeln!(out, "{}{part}", look.paint("2", &format!("{label:<LABEL$}"))),
            _ => writeln!(out, "{:indent$}{part}", ""),
        };
    }
}

/// Lines of at most `room` characters, broken at blanks.
fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(last) = lines.last_mut() else { break };
        if last.is_empty() {
            last.push_str(word);
        } else if last.chars().count() + 1 + word.chars().count() > room.saturating_sub(2) {
            lines.push(word.to_owned());
        } else {
            last.push(' ');
            last.push_str(word);
        }
    }
    lines
}

fn events(out: &mut String, document: &Value, now: Option<Timestamp>, look: &Look) {
    let all = document["last"].as_array().map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", look.paint("2", "last seen, newest first"));
    for event in all.iter().take(EVENTS) {
        let text = |key: &str| event[key].as_str().unwrap_or_default();
        let at = time(&event["at"]);
        let ago = at.zip(now).map(|(at, now)| ago(at, now)).unwrap_or_default();
        let times = match event["count"].as_u64() {
            Some(count) if count > 1 => format!(" (×{count})"),
            _ => String::new(),
        };
        let what = format!("{}: {}{times}", text("event"), text("text"));
        let head = format!("{:<9} {ago:>11}  {:<6} ", at.map(clock).unwrap_or_default(), text("source"));
        let room = look.columns.saturating_sub(head.chars().count());
        for (line, part) in wrap(&what, room).iter().enumerate() {
            let lead = if line == 0 { look.paint("2", &head) } else { " ".repeat(head.chars().count()) };
            let _ = writeln!(out, "{lead}{part}");
        }
    }
    if all.len() > EVENTS {
        let _ = writeln!(out, "{}", look.paint("2", &format!("({} more with --json)", all.len() - EVENTS)));
    }
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

/// The time of day, UTC, as logs have it.
fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

fn when(at: Timestamp, now: Option<Timestamp>) -> String {
    let Some(now) = now else { return clock(at) };
    let far = now.duration_since(at).as_secs().abs() > 86_400;
    let shown = if far { at.strftime("%Y-%m-%d %H:%M:%SZ").to_string() } else { clock(at) };
    format!("{shown}, {}", ago(at, now))
}

/// "3 min ago", or "in 3 min".
fn ago(at: Timestamp, now: Timestamp) -> String {
    let secs = now.duration_since(at).as_secs();
    let long = match secs.unsigned_abs() {
        secs @ 0..120 => format!("{secs} s"),
        secs @ 120..7200 => format!("{} min", secs / 60),
        secs @ 7200..172_800 => format!("{} h", secs / 3600),
        secs => format!("{} days", secs / 86_400),
    };
    if secs < 0 { format!("in {long}") } else { format!("{long} ago") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Value {
        json!({
            "node": "u", "name": "m1", "state": "wait call-back", "target_state": "active", "power": "power on",
            "maintenance": false, "locked_by": null, "verdict": "stuck", "trouble": true,
            "doing": "deploying: step deploy.deploy (1 of 6)", "waiting_for": "the agent's first heartbeat",
            "why": "No DHCP request of its cards (52:54:00:12:34:56) was seen in 3 min.",
            "since": "2026-01-02T03:04:05.123456Z", "until": "2026-01-02T03:34:05Z", "then": "the deployment fails",
            "next": {"we": "", "you": ["Is the cable in?", "Is network boot switched on in the firmware for that card, and first in the boot order?"]},
            "last": [{"at": "2026-01-02T03:04:04Z", "first": "2026-01-02T03:04:04Z", "count": 3, "source": "BMC", "event": "ordered", "text": "rebooting"}],
            "now": "2026-01-02T03:07:05Z",
        })
    }

    #[test]
    fn a_person_reads_labels_sentences_and_times_in_lines_that_fit() {
        let text = render("m1", &document(), &Look { colour: false, columns: 60 });
        let expected = "\
m1  stuck · wait call-back (to active) · power on
doing      deploying: step deploy.deploy (1 of 6)
waits for  the agent's first heartbeat
since      03:04:05Z, 2 min ago
until      03:34:05Z, in 27 min; then the deployment fails
why        No DHCP request of its cards
           (52:54:00:12:34:56) was seen in 3 min.
you can    - Is the cable in?
           - Is network boot switched on in the firmware
             for that card, and first in the boot order?

last seen, newest first
03:04:04Z   3 min ago  BMC    ordered: rebooting (×3)
";
        assert_eq!(text, expected, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 60));
        let coloured = render("m1", &document(), &Look { colour: true, columns: 60 });
        assert!(coloured.contains("\x1b[1;31mstuck\x1b[0m") && !text.contains('\x1b'));
    }
}
