//! How a struct and a table row are the same thing.
//!
//! [`record!`] defines a struct and implements [`Record`]: its column names and the conversion of each field to and from
//! a [`Cell`]. The store's generic insert, load and update work on that; no noun has hand-written column lists.

use std::borrow::Cow;

use jiff::Timestamp;
use uuid::Uuid;

/// A database value, without a database.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    Null,
    Int(i64),
    Text(Cow<'a, str>),
    /// What no column of ours holds: bytes that are no text, a fraction.
    Foreign,
}

/// A cell that does not hold what its column should.
#[derive(Debug, thiserror::Error)]
#[error("column {column} holds {found}, which is not a {expected}")]
pub struct BadCell {
    pub column: &'static str,
    pub found: String,
    pub expected: &'static str,
}

/// A type that fits in one column.
pub trait Column: Sized {
    /// What a reader is told was expected when [`Column::from_cell`] gives `None`.
    const EXPECTED: &'static str;
    fn cell(&self) -> Cell<'_>;
    fn from_cell(cell: Cell<'_>) -> Option<Self>;
    /// Applies to `self` what changed between `base` and `work`. Whole values replace; a JSON object is merged by key,
    /// so that two writers of different keys do not undo each other.
    fn merge(&mut self, base: &Self, work: Self)
    where
        Self: PartialEq,
    {
        if *base != work {
            *self = work;
        }
    }
}

/// A struct whose fields are a table's columns.
pub trait Record: Sized + Clone {
    const TABLE: &'static str;
    const COLUMNS: &'static [&'static str];
    fn cells(&self) -> Vec<Cell<'_>>;
    /// Builds the struct from cells asked for by their position in [`Record::COLUMNS`].
    fn from_cells<'c>(cell: impl FnMut(usize) -> Cell<'c>) -> Result<Self, BadCell>;
    /// Applies to `self` the fields that differ between `base` and `work`.
    fn merge(&mut self, base: &Self, work: Self);
}

/// Defines a noun. `record! { "table" => pub struct Noun { field: Type, … } }`
macro_rules! record {
    ($table:literal => $(#[$meta:meta])* pub struct $Noun:ident { $( $(#[$fmeta:meta])* pub $field:ident : $ty:ty ),* $(,)? }) => {
        $(#[$meta])*
        pub struct $Noun { $( $(#[$fmeta])* pub $field: $ty ),* }

        impl $crate::model::record::Record for $Noun {
            const TABLE: &'static str = $table;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),*];

            fn cells(&self) -> Vec<$crate::model::record::Cell<'_>> {
                vec![$($crate::model::record::Column::cell(&self.$field)),*]
            }

            fn from_cells<'c>(
                mut cell: impl FnMut(usize) -> $crate::model::record::Cell<'c>,
            ) -> Result<Self, $crate::model::record::BadCell> {
                let mut position = 0;
                Ok($Noun { $( $field: {
                    let value = cell(position);
                    position += 1;
                    match <$ty as $crate::model::record::Column>::from_cell(value.clone()) {
                        Some(value) => value,
                        None => return Err($crate::model::record::BadCell {
                            column: Self::COLUMNS[position - 1],
                            found: format!("{value:?}"),
                            expected: <$ty as $crate::model::record::Column>::EXPECTED,
                        }),
                    }
                } ),* })
            }

            fn merge(&mut self, base: &Self, work: Self) {
                $( $crate::model::record::Column::merge(&mut self.$field, &base.$field, work.$field); )*
            }
        }
    };
}
pub(crate) use record;

impl Column for String {
    const EXPECTED: &'static str = "text";
    fn cell(&self) -> Cell<'_> {
        Cell::Text(Cow::Borrowed(self))
    }
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Some(text.into_owned()),
            _ => None,
        }
    }
}

impl Column for i64 {
    const EXPECTED: &'static str = "integer";
    fn cell(&self) -> Cell<'_> {
        Cell::Int(*self)
    }
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(value) => Some(value),
            _ => None,
        }
    }
}

impl Column for bool {
    const EXPECTED: &'static str = "boolean";
    fn cell(&self) -> Cell<'_> {
        Cell::Int(i64::from(*self))
    }
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(value) => Some(value != 0),
            _ => None,
        }
    }
}

impl Column for Uuid {
    const EXPECTED: &'static str = "UUID";
    fn cell(&self) -> Cell<'_> {
        Cell::Text(Cow::Owned(self.to_string()))
    }
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Text(text) => Uuid::try_parse(&text).ok(),
            _ => None,
        }
    }
}

/// Times are kept as microseconds since 1970.
impl Column for Timestamp {
    const EXPECTED: &'static str = "time in microseconds";
    fn cell(&self) -> Cell<'_> {
        Cell::Int(self.as_microsecond())
    }
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Int(value) => Timestamp::from_microsecond(value).ok(),
            _ => None,
        }
    }
}

impl<T: Column + PartialEq> Column for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    fn cell(&self) -> Cell<'_> {
        self.as_ref().map_or(Cell::Null, T::cell)
    }
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        match cell {
            Cell::Null => Some(None),
            cell => T::from_cell(cell).map(Some),
        }
    }
    fn merge(&mut self, base: &Self, work: Self) {
        if *base == work {
            return;
        }
        match (self, base, work) {
            (Some(now), Some(base), Some(work)) => now.merge(base, work),
            (now, _, work) => *now = work,
        }
    }
}

/// A [`Column`] that is one of a closed set of strings: `words! { State { Enroll = "enroll", … } }` makes the enum, its
/// text form, its parser and the list of all.
macro_rules! words {
    ($(#[$meta:meta])* pub enum $Name:ident { $( $(#[$vmeta:meta])* $Variant:ident = $word:literal ),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $Name { $( $(#[$vmeta])* $Variant ),* }

        impl $Name {
            pub const ALL: &'static [$Name] = &[$($Name::$Variant),*];

            /// The word that clients and rows use.
            pub const fn as_str(self) -> &'static str {
                match self { $($Name::$Variant => $word),* }
            }

            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some($Name::$Variant),)* _ => None }
            }
        }

        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl $crate::model::record::Column for $Name {
            const EXPECTED: &'static str = stringify!($Name);
            fn cell(&self) -> $crate::model::record::Cell<'_> {
                $crate::model::record::Cell::Text(std::borrow::Cow::Borrowed(self.as_str()))
            }
            fn from_cell(cell: $crate::model::record::Cell<'_>) -> Option<Self> {
                match cell {
                    $crate::model::record::Cell::Text(word) => Self::parse(&word),
                    _ => None,
                }
            }
        }
    };
}
pub(crate) use words;
