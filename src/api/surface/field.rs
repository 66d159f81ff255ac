//! How the fields of a noun are written down.

use super::history::{Version, v};
use super::schema::{self, Schema};

/// A kind of object: where it lives in the API and what it consists of.
pub struct Noun {
    /// As error messages name it: `Node`.
    pub name: &'static str,
    /// Its rows.
    pub table: &'static str,
    /// The key of a list and the path segment: `nodes`.
    pub collection: &'static str,
    /// The column that links and markers name the object by.
    pub ident: &'static str,
    pub fields: &'static [Field],
    /// What a list shows if the client does not say, in the order in which a `next` link writes them out. None: all.
    pub listed: &'static [&'static str],
    /// What a new one must be given.
    pub needed: &'static [&'static str],
    /// What else is no null in a new one; elsewhere null stands for the default.
    pub firm: &'static [&'static str],
    /// Whether `links` may stand in `?fields=`. They are there in any case, but of a node Ironic refuses it.
    pub links_selectable: bool,
}

/// One field of a noun.
#[derive(Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub since: Version,
    pub source: Source,
    /// What its value looks like.
    pub schema: Schema,
    pub write: Write,
    /// Whether lists can be ordered by it.
    pub sortable: bool,
    /// Where clients of older versions are refused it.
    pub guard: Guard,
}

/// Where a version that does not have a field yet is told so. Older versions never see it; but Ironic forgets to refuse
/// some, and clients have got used to what works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    Everywhere,
    /// A patch takes it at every version.
    NotInPatches,
    /// Nothing refuses it.
    Nowhere,
}

/// Where the value of a field comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A column of the noun's table, shown in a certain way.
    Column(&'static str, Shape),
    /// The object's own `self` and `bookmark` links.
    Links,
    /// The `self` link alone.
    SelfLink,
    /// Such a pair for something below the object.
    LinksTo(&'static str),
    /// … in a list of its own.
    NestedLinksTo(&'static str),
    /// The handler writes it.
    Special,
}

/// How a cell becomes JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Text,
    Integer,
    Boolean,
    /// Microseconds since 1970 become ISO 8601 with zone.
    Time,
    /// Already JSON: copied. None is an empty object.
    Json,
    /// The same, but none is null.
    NullableJson,
    /// Milliseconds become seconds with a fraction.
    Seconds,
    /// A provision state, which older versions name differently.
    State,
    /// JSON about a cable, which is hidden from versions that do not know all its keys.
    Connection,
}

/// Who may set a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    Never,
    /// Only when the object is created.
    Create,
    /// Only by PATCH.
    Patch,
    /// Both.
    Always,
}

impl Field {
    const fn new(name: &'static str, since: u16, source: Source, schema: Schema) -> Self {
        Field { name, since: v(since), source, schema, write: Write::Never, sortable: false, guard: Guard::Everywhere }
    }

    const fn sorted(name: &'static str, since: u16, shape: Shape, schema: Schema) -> Self {
        Field { sortable: true, ..Field::new(name, since, Source::Column(name, shape), schema) }
    }

    /// Text or null.
    pub(super) const fn text(name: &'static str, since: u16) -> Self {
        Field::sorted(name, since, Shape::Text, schema::MAYBE_TEXT)
    }

    /// A UUID or null.
    pub(super) const fn uuid(name: &'static str, since: u16) -> Self {
        Field::sorted(name, since, Shape::Text, schema::MAYBE_UUID)
    }

    /// A whole number.
    pub(super) const fn integer(name: &'static str, since: u16) -> Self {
        Field::sorted(name, since, Shape::Integer, Schema::Integer)
    }

    /// True or false.
    pub(super) const fn boolean(name: &'static str, since: u16) -> Self {
        Field::sorted(name, since, Shape::Boolean, Schema::Boolean)
    }

    /// A time or null.
    pub(super) const fn time(name: &'static str, since: u16) -> Self {
        Field::sorted(name, since, Shape::Time, Schema::Maybe(&Schema::Time))
    }

    /// An object, unless [`Field::of`] says otherwise.
    pub(super) const fn json(name: &'static str, since: u16) -> Self {
        Field::new(name, since, Source::Column(name, Shape::Json), Schema::Map)
    }

    /// JSON or null.
    pub(super) const fn nullable_json(name: &'static str, since: u16) -> Self {
        Field::new(name, since, Source::Column(name, Shape::NullableJson), Schema::Any)
    }

    pub(super) const fn state(name: &'static str, since: u16) -> Self {
        Field::sorted(name, since, Shape::State, schema::PROVISION_STATE)
    }

    pub(super) const fn links() -> Self {
        Field::new("links", 1, Source::Links, Schema::Links)
    }

    pub(super) const fn self_link() -> Self {
        Field::new("links", 1, Source::SelfLink, Schema::Links)
    }

    /// Seconds with a fraction, or null.
    pub(super) const fn seconds(name: &'static str, since: u16) -> Self {
        Field::sorted(name, since, Shape::Seconds, Schema::Maybe(&Schema::Number))
    }

    pub(super) const fn links_to(name: &'static str, since: u16) -> Self {
        Field::new(name, since, Source::LinksTo(name), Schema::Links)
    }

    pub(super) const fn nested_links_to(name: &'static str, since: u16) -> Self {
        Field::new(name, since, Source::NestedLinksTo(name), Schema::List(&Schema::Links))
    }

    pub(super) const fn special(name: &'static str, since: u16) -> Self {
        Field::new(name, since, Source::Special, Schema::Any)
    }

    /// It is never null.
    pub(super) const fn filled(mut self) -> Self {
        if let Schema::Maybe(schema) = self.schema {
            self.schema = *schema;
        }
        self
    }

    /// No list is ordered by it.
    pub(super) const fn unsorted(self) -> Self {
        Field { sortable: false, ..self }
    }

    /// Its value looks like this.
    pub(super) const fn of(self, schema: Schema) -> Self {
        Field { schema, ..self }
    }

    /// Reads the column `name` instead of the one that is called like the field.
    pub(super) const fn column(mut self, name: &'static str) -> Self {
        if let Source::Column(_, shape) = self.source {
            self.source = Source::Column(name, shape);
        }
        self
    }

    pub(super) const fn connection(name: &'static str, since: u16) -> Self {
        Field::new(name, since, Source::Column(name, Shape::Connection), Schema::Map)
    }

    pub(super) const fn guarded(mut self, guard: Guard) -> Self {
        self.guard = guard;
        self
    }

    pub(super) const fn unsortable(mut self) -> Self {
        self.sortable = false;
        self
    }

    pub(super) const fn written(mut self, write: Write) -> Self {
        self.write = write;
        self
    }

    /// Whether a client of this version may ask for it, order by it, or give it to a new object.
    pub fn is_open(&self, version: Version) -> bool {
        self.at(version) || self.guard == Guard::Nowhere
    }

    /// Whether a patch of this version may be about it.
    pub fn is_patchable(&self, version: Version) -> bool {
        self.at(version) || self.guard != Guard::Everywhere
    }

    /// Whether the field exists at this version.
    pub fn at(&self, version: Version) -> bool {
        self.since <= version
    }
}

impl Noun {
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}
