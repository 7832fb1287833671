//! What the mail of a double opt-in says where the brand has no words of its own, English and German
//! side by side. It holds no advertising (VwGH 2012/03/0089): who asks, for what, the link, how long
//! it holds, and that nothing happens to whoever does nothing.

use crate::model::language::Language;

pub(super) const fn subject(language: Language) -> &'static str {
    language.pick(
        "Please confirm your sign-up with {brand}",
        "Bitte bestätigen Sie Ihre Anmeldung bei {brand}",
    )
}

pub(super) const fn text(language: Language) -> &'static str {
    language.pick(
        "Hello,\n\
         \n\
         somebody, probably you, has given {brand} this e-mail address\n\
         to get e-mails about: {topics}.\n\
         \n\
         If that was you, please confirm it here:\n\
         \n\
         {link}\n\
         \n\
         The link is valid for seven days. If you do nothing, nothing happens:\n\
         without your confirmation the sign-up has no effect.\n",
        "Guten Tag,\n\
         \n\
         jemand, wahrscheinlich Sie selbst, hat {brand} diese E-Mail-Adresse\n\
         genannt, um E-Mails zu bekommen über: {topics}.\n\
         \n\
         Wenn Sie das waren, bestätigen Sie es bitte hier:\n\
         \n\
         {link}\n\
         \n\
         Der Link gilt sieben Tage. Wenn Sie nichts tun, geschieht nichts:\n\
         Ohne Ihre Bestätigung bleibt die Anmeldung ohne Wirkung.\n",
    )
}

/// The titles as a list in a sentence. None at all stands for all that the brand has.
pub(super) fn list(language: Language, titles: &[&str]) -> String {
    match titles {
        [] => language.pick("all topics", "alle Themen").to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => {
            format!("{} {} {last}", first.join(", "), language.pick("and", "und"))
        }
    }
}
