//! Lists of recipients as files hold them: rows that keep every octet, what their fields say, and
//! what kind of list it is, told from its beginning.

pub(super) mod added;
pub(super) mod fields;
pub(super) mod layout;
pub(super) mod object;
pub(super) mod rows;
