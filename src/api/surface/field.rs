//! How the fields of a noun are written down.

use super::history::{Version, v};

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
    /// Since when lists take `?detail=`.
    pub detail_since: Version,
    /// Whether `links` may stand in `?fields=`. They are there in any case, but of a node Ironic refuses it.
    pub links_selectable: bool,
}

/// One field of a noun.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub name: &'static str,
    pub since: Version,
    pub source: Source,
    pub write: Write,
    /// Whether lists can be ordered by it.
    pub sortable: bool,
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
    /// Already JSON: copied.
    Json,
    /// Milliseconds become seconds with a fraction.
    Seconds,
    /// A provision state, which older versions name differently.
    State,
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
    const fn new(name: &'static str, since: u16, source: Source, sortable: bool) -> Self {
        Field { name, since: v(since), source, write: Write::Never, sortable }
    }

    pub(super) const fn text(name: &'static str, since: u16) -> Self {
        Field::new(name, since, Source::Column(name, Shape::Text), true)
    }

    #[expect(dead_code, reason = "for the nouns that follow")]
    pub(super) const fn integer(name: &'static str, since: u16) -> Self {
        Field::new(name, since, Source::Column(name, Shape::Integer), true)
    }

    pub(super) const fn boolean(name: &'static str, since: u16) -> Self {
        Field::new(name, since, Source::Column(name, Shape::Boolean), true)
    }

    pub(super) const fn time(name: &'static str, since: u16) -> Self {
        Field::new(name, since, Source::Column(name, Shape::Time), true)
    }

    pub(super) const fn json(name: &'static str, since: u16) -> Self {
        Field::new(name, since, Source::Column(name, Shape::Json), false)
    }

    pub(super) const fn state(name: &'static str, since: u16) -> Self {
        Field::new(name, since, Source::Column(name, Shape::State), true)
    }

    pub(super) const fn links() -> Self {
        Field::new("links", 1, Source::Links, false)
    }

    pub(super) const fn self_link() -> Self {
        Field::new("links", 1, Source::SelfLink, false)
    }

    pub(super) const fn seconds(name: &'static str, since: u16) -> Self {
        Field::new(name, since, Source::Column(name, Shape::Seconds), true)
    }

    pub(super) const fn links_to(name: &'static str, since: u16) -> Self {
        Field::new(name, since, Source::LinksTo(name), false)
    }

    pub(super) const fn special(name: &'static str, since: u16) -> Self {
        Field::new(name, since, Source::Special, false)
    }

    /// Reads the column `name` instead of the one that is called like the field.
    pub(super) const fn column(mut self, name: &'static str) -> Self {
        if let Source::Column(_, shape) = self.source {
            self.source = Source::Column(name, shape);
        }
        self
    }

    pub(super) const fn written(mut self, write: Write) -> Self {
        self.write = write;
        self
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

    /// Whether lists take `?detail=` at this version.
    pub fn has_detail(&self, version: Version) -> bool {
        self.detail_since <= version
    }
}
