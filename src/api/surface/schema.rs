//! What a JSON value looks like: of a field, a parameter, a body, an answer.
//!
//! The rows of the other tables say it in these words. Query parameters are judged by them; the API's description for
//! people (`reference`) and for programs (`openapi`) is made of them.

use super::field::Noun;
use super::verbs::VERBS;
use crate::model::{Fault, PowerState, PowerTarget, State};

/// See the head of this file.
#[derive(Clone, Copy)]
pub enum Schema {
    /// Whatever JSON can say.
    Any,
    Text,
    /// Text of a form: what it is called, and a regular expression.
    Like(&'static str, &'static str),
    Uuid,
    /// ISO 8601 with zone.
    Time,
    Integer,
    /// An integer from 1.
    Positive,
    Number,
    Boolean,
    /// An object with whatever is in it.
    Map,
    /// One of a closed set of words.
    Words(fn() -> Vec<&'static str>),
    /// It, or null.
    Maybe(&'static Schema),
    List(&'static Schema),
    /// A list with something in it.
    Filled(&'static Schema),
    /// An object with these keys, and others whose values are all alike.
    Dictionary(&'static [Key], &'static Schema),
    /// An object with these keys; those whose row says so may be absent.
    Object(&'static [Key]),
    /// An object of a noun, or a part of it.
    Noun(&'static Noun),
    /// One of these.
    Either(&'static [Schema]),
    /// Where the object is to be found: as it is, and without the version.
    Links,
}

/// A key of an object.
#[derive(Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    pub schema: Schema,
    pub optional: bool,
}

/// A key that is always there.
pub const fn key(name: &'static str, schema: Schema) -> Key {
    Key { name, schema, optional: false }
}

/// A key that may be absent.
pub const fn optional(name: &'static str, schema: Schema) -> Key {
    Key { name, schema, optional: true }
}

/// What most things are addressed by.
pub const NAME: Schema = Schema::Like("name or uuid", "^[A-Za-z0-9._~-]{1,255}$");
pub const MAC: Schema = Schema::Like("mac", "^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$");
pub const SOME_TEXT: Schema = Schema::Like("text that is not empty", r"[\s\S]");
/// The interfaces that have steps.
pub const STEPPED: Schema =
    Schema::Words(|| vec!["vendor", "power", "management", "firmware", "deploy", "bios", "raid"]);
pub const DIRECTION: Schema = Schema::Words(|| vec!["asc", "desc"]);
pub const BOOT_MODE: Schema = Schema::Words(|| vec!["uefi", "bios"]);
pub const MEDIA: Schema = Schema::Words(|| vec!["cdrom", "disk", "floppy"]);
pub const FAULT: Schema = Schema::Words(|| Fault::ALL.iter().map(|fault| fault.as_str()).collect());
pub const VERB: Schema = Schema::Words(|| VERBS.iter().map(|verb| verb.target).collect());
pub const MAYBE_TEXT: Schema = Schema::Maybe(&Schema::Text);
pub const MAYBE_UUID: Schema = Schema::Maybe(&Schema::Uuid);
pub const MAYBE_TIME: Schema = Schema::Maybe(&Schema::Time);
pub const MAYBE_BOOLEAN: Schema = Schema::Maybe(&Schema::Boolean);
pub const TEXTS: Schema = Schema::List(&Schema::Text);
pub const PROVISION_STATE: Schema = Schema::Words(|| State::ALL.iter().map(|state| state.as_str()).collect());
pub const MAYBE_PROVISION_STATE: Schema = Schema::Maybe(&PROVISION_STATE);
const POWER: Schema = Schema::Words(|| PowerState::ALL.iter().map(|state| state.as_str()).collect());
pub const MAYBE_POWER_STATE: Schema = Schema::Maybe(&POWER);
pub const POWER_TARGET: Schema = Schema::Words(|| PowerTarget::ALL.iter().map(|target| target.as_str()).collect());
pub const MAYBE_POWER_TARGET: Schema = Schema::Maybe(&POWER_TARGET);

impl Schema {
    /// The word for it in a table for people.
    pub fn word(&self) -> String {
        match self {
            Schema::Any => "any".to_owned(),
            Schema::Text => "text".to_owned(),
            Schema::Like(word, _) => (*word).to_owned(),
            Schema::Uuid => "uuid".to_owned(),
            Schema::Time => "time".to_owned(),
            Schema::Integer => "integer".to_owned(),
            Schema::Positive => "integer from 1".to_owned(),
            Schema::Number => "number".to_owned(),
            Schema::Boolean => "boolean".to_owned(),
            Schema::Map => "object".to_owned(),
            Schema::Words(words) => words().iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join("|"),
            Schema::Maybe(schema) => format!("{} or null", schema.word()),
            Schema::List(schema) => format!("list of {}", schema.word()),
            Schema::Filled(schema) => format!("list of one {} or more", schema.word()),
            Schema::Dictionary(known, others) => {
                let others = format!("*: {}", others.word());
                format!("{{{}}}", keys(known).chain([others]).collect::<Vec<_>>().join(", "))
            }
            Schema::Object(known) => format!("{{{}}}", keys(known).collect::<Vec<_>>().join(", ")),
            Schema::Noun(noun) => noun.name.to_lowercase(),
            Schema::Either(schemas) => schemas.iter().map(Schema::word).collect::<Vec<_>>().join(" or "),
            Schema::Links => "links".to_owned(),
        }
    }
}

fn keys(keys: &[Key]) -> impl Iterator<Item = String> {
    keys.iter().map(|key| format!("{}{}: {}", key.name, if key.optional { "?" } else { "" }, key.schema.word()))
}
