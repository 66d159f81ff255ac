//! Inspection rules, as far as they are pure: what they can say ([`ops`]), how their arguments are filled in ([`text`]),
//! whether their conditions hold ([`conditions`]), and what an action does to a document ([`place`]).

pub mod conditions;
pub mod ops;
pub mod place;
pub mod text;
