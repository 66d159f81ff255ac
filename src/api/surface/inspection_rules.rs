//! The fields of an inspection rule.

use super::field::Write::Always;
use super::field::{Field, Noun};
use super::schema::{Schema, key, optional};

pub static INSPECTION_RULE: Noun = Noun {
    name: "Rule",
    table: "inspection_rules",
    collection: "inspection_rules",
    ident: "uuid",
    fields: FIELDS,
    listed: &["uuid", "priority", "phase", "description"],
    needed: &["actions"],
    firm: &["priority", "phase", "conditions"],
    links_selectable: true,
};

/// Where the links of rules lead, in Ironic as here. There it is nowhere.
pub const LINKED: &str = "inspection";

#[rustfmt::skip]
static FIELDS: &[Field] = &[
    Field::uuid("uuid", 96).filled().written(super::field::Write::Create),
    Field::text("description", 96).written(Always),
    Field::integer("priority", 96).written(Always),
    Field::boolean("sensitive", 96).written(Always),
    Field::text("phase", 96).of(PHASE).written(Always),
    Field::json("conditions", 96).of(CONDITIONS).written(Always),
    Field::json("actions", 96).of(ACTIONS).written(Always),
    Field::time("created_at", 96).filled(),
    Field::time("updated_at", 96),
    Field::links(),
];

const PHASE: Schema = Schema::Words(|| vec!["main"]);
/// Arguments by name or in their order.
const ARGS: Schema = Schema::Either(&[Schema::Map, ITEMS]);
const ITEMS: Schema = Schema::List(&Schema::Any);
const MULTIPLE: Schema = Schema::Words(|| vec!["any", "all", "first", "last"]);
/// Null if the rule is sensitive.
const CONDITIONS: Schema = Schema::Maybe(&Schema::List(&Schema::Dictionary(
    &[key("op", Schema::Text), key("args", ARGS), optional("loop", ARGS), optional("multiple", MULTIPLE)],
    &Schema::Any,
)));
const ACTIONS: Schema = Schema::Maybe(&Schema::Filled(&Schema::Dictionary(
    &[key("op", Schema::Text), key("args", ARGS), optional("loop", ARGS)],
    &Schema::Any,
)));
