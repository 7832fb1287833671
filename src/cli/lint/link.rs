//! Links that may be ours: where they stand, and what the server's answer says of them.

use super::Recipient;
use crate::cli::point::Point;
use crate::cli::scope;
use crate::grpc::api::{InspectLinkResponse, LinkKind};

/// Tokens of a text that the server is asked about: each is a call.
const MOST: usize = 8;

/// Characters below which no token is; the shortest has 64. A cut one is still told as such.
const SHORTEST: usize = 40;

/// What stands before the token of an unsubscribe link, a preferences link, that of a consent
/// request, and that of a double opt-in.
const PATHS: [&str; 4] = ["u", "p", "r", "c"];

/// A link that has the form of ours: `https://mail.example/u/TOKEN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link<'a> {
    path: &'a str,
    pub(super) token: &'a str,
}

impl Link<'_> {
    /// Whether it is of the page that one click is posted to.
    pub(super) fn takes_one_click(self) -> bool {
        self.path == "u"
    }
}

/// The link that a URI is, if it has the form of one.
pub(super) fn of_uri(uri: &str) -> Option<Link<'_>> {
    let (_, place) = uri.split_once("://")?;
    let place = place.split(['?', '#']).next().unwrap_or_default();
    let (before, token) = place.rsplit_once('/')?;
    let (_, path) = before.rsplit_once('/')?;
    (PATHS.contains(&path) && !token.is_empty()).then_some(Link { path, token })
}

/// The tokens of all links that a reader can follow out of these texts, each once.
pub(super) fn tokens(texts: &[String]) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for token in texts.iter().flat_map(|text| in_text(text)) {
        if tokens.len() == MOST {
            break;
        }
        if !tokens.iter().any(|known| known == token) {
            tokens.push(token.to_owned());
        }
    }
    tokens
}

fn in_text(text: &str) -> impl Iterator<Item = &str> {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | '(' | ')');
    let is_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.split(is_end).filter_map(move |word| {
        let Link { path, token } = of_uri(word)?;
        // Behind it a sentence may end.
        let token = token.split(|c| !is_token(c)).next()?;
        (path != "c" && token.len() >= SHORTEST).then_some(token)
    })
}

const TEXT: &str = "text";

/// The text is not what the header says of it.
pub(super) fn unreadable() -> Point {
    Point::warning(
        TEXT,
        "cannot be read: a part is not encoded as its header says, or has none",
        "see what wrote it: its readers may not see all of it either",
    )
}

/// A link is for one.
pub(super) fn several_recipients(number: usize) -> Point {
    Point::problem(
        "recipient",
        format!("the To header names {number}, who share what the links of one may do"),
        "send each a message with links of its own",
    )
}

/// What the answer says of the token in List-Unsubscribe; none where the server did not make it.
pub(super) fn of_header(
    answer: Option<&InspectLinkResponse>,
    recipient: Recipient<'_>,
) -> Vec<Point> {
    const NAME: &str = "link";
    let Some(answer) = answer else {
        return vec![Point::problem(
            NAME,
            "this server did not make it: it is another's, or was cut or altered",
            "take list_unsubscribe of MintLinks as it is, from the server that takes the clicks",
        )];
    };
    let take = "take list_unsubscribe of MintLinks";
    let kind = match answer.kind() {
        LinkKind::Unsubscribe => {
            Point::ok(NAME, format!("unsubscribes from {}", scope::text(answer.scopes.first())))
        }
        LinkKind::Preferences => Point::problem(
            NAME,
            "is a preferences link: whatever follows this header could say yes with it",
            take,
        ),
        LinkKind::Confirm => {
            Point::problem(NAME, "is the link of a double opt-in: it says yes", take)
        }
        LinkKind::Unspecified => {
            Point::problem(NAME, "is of a kind that this program does not know", take)
        }
    };
    let whose = match recipient {
        Recipient::Several(_) => None,
        Recipient::One(_) if answer.is_for_address => {
            Some(Point::ok("recipient", "the link is for the one whom the message goes to"))
        }
        Recipient::One(_) => Some(Point::problem(
            "recipient",
            "the link is for somebody else: a click would unsubscribe the wrong one",
            "do not send; merge links[i] with addresses[i] of MintLinks",
        )),
    };
    [Some(kind), whose].into_iter().flatten().collect()
}

/// What the answers say of the tokens in the text, in their order.
pub(super) fn of_text(answers: &[Option<InspectLinkResponse>], recipient: Recipient<'_>) -> Point {
    let ours: Vec<_> = answers.iter().flatten().collect();
    let is_one = matches!(recipient, Recipient::One(_));
    let no_longer =
        |link: &&InspectLinkResponse| link.kind() == LinkKind::Preferences && !link.grants;
    if is_one && ours.iter().any(|link| !link.is_for_address) {
        Point::problem(
            TEXT,
            "has a link that is for somebody else, whose choices it would show and change",
            "do not send; merge links[i] with addresses[i] of MintLinks",
        )
    } else if answers.is_empty() {
        Point::warning(
            TEXT,
            "has no link to unsubscribe or to the preferences that can be seen",
            "put unsubscribe_url or preferences_url of MintLinks there; behind a redirect that \
             counts clicks it cannot be seen",
        )
    } else if ours.len() < answers.len() {
        Point::warning(
            TEXT,
            "has a link that looks like ours, and that this server did not make",
            "see whether it was cut at the end of a line",
        )
    } else if ours.iter().any(no_longer) {
        Point::warning(
            TEXT,
            "has a preferences link that no longer says yes: it is too old, or its key is retired",
            "mint links for each mailing",
        )
    } else {
        Point::ok(TEXT, "has a link to unsubscribe or to the preferences")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::point::State;

    const TOKEN: &str = "AQEiAAECAwQFBgcICQoLDA0ODwcAAAAAAAAAIE4DAQCfGULwO9bdGu8tfpVSi6fV";

    #[track_caller]
    fn link(uri: &str, expect: Option<(&str, &str)>) {
        let expect = expect.map(|(path, token)| Link { path, token });
        assert_eq!(of_uri(uri), expect, "{uri}");
    }

    #[test]
    fn a_link_of_ours_ends_with_its_path_and_token() {
        link("https://mail.example/u/T", Some(("u", "T")));
        link("https://example.org/mail/p/T?utm=1#top", Some(("p", "T")));
        link("https://mail.example/u/T==", Some(("u", "T==")));
        link("https://mail.example/x/T", None);
        link("https://mail.example/u/", None);
        link("https://u/T", None);
        link("mailto:u/T", None);
    }

    #[track_caller]
    fn finds(text: &str, expect: &[&str]) {
        assert_eq!(tokens(&[text.to_owned()]), expect, "{text}");
    }

    #[test]
    fn links_of_a_text_are_found_wherever_they_stand() {
        finds(&format!("Bye: https://mail.example/u/{TOKEN}."), &[TOKEN]);
        finds(&format!("<a href='https://mail.example/p/{TOKEN}?x=1'>bye</a>"), &[TOKEN]);
        finds(&format!("<https://m/u/{TOKEN}> (https://m/r/{TOKEN})"), &[TOKEN]);
        finds(&format!("https://m/u/{} https://m/u/{TOKEN}", &TOKEN[1..]), &[&TOKEN[1..], TOKEN]);
        finds(&format!("https://m/c/{TOKEN}"), &[]);
        finds("https://example.org/u/anna and https://example.org/p/", &[]);
        let many: String = (10..90).map(|i| format!("https://m/u/{}{i}\n", &TOKEN[2..])).collect();
        assert_eq!(tokens(&[many]).len(), MOST);
    }

    fn answer(kind: LinkKind, is_for_address: bool, grants: bool) -> Option<InspectLinkResponse> {
        let (brand, scopes) = ("opera".to_owned(), vec![scope::parse("brand:opera").unwrap()]);
        Some(InspectLinkResponse { kind: kind.into(), is_for_address, grants, brand, scopes })
    }

    const ONE: Recipient<'_> = Recipient::One("");
    const TWO: Recipient<'_> = Recipient::Several(2);
    const NO: LinkKind = LinkKind::Unsubscribe;
    const YES: LinkKind = LinkKind::Preferences;

    #[test]
    fn the_header_holds_an_unsubscribe_link_for_the_recipient_and_nothing_else() {
        use State::{Ok, Problem};
        for (answer, recipient, states) in [
            (answer(NO, true, false), ONE, &[Ok, Ok][..]),
            (answer(NO, false, false), ONE, &[Ok, Problem]),
            (answer(NO, false, false), TWO, &[Ok]),
            (answer(YES, true, true), ONE, &[Problem, Ok]),
            (answer(YES, false, false), ONE, &[Problem, Problem]),
            (answer(LinkKind::Confirm, true, true), ONE, &[Problem, Ok]),
            (answer(LinkKind::Unspecified, true, true), ONE, &[Problem, Ok]),
            (None, ONE, &[Problem]),
        ] {
            let points = of_header(answer.as_ref(), recipient);
            let found: Vec<State> = points.iter().map(|point| point.state).collect();
            assert_eq!(found, states, "{answer:?}");
        }
        let [link, _] = &of_header(answer(NO, true, false).as_ref(), ONE)[..] else { panic!() };
        assert_eq!(link.found, "unsubscribes from brand:opera");
    }

    #[test]
    fn the_text_holds_links_for_the_recipient_that_are_whole_and_fresh() {
        use State::{Ok, Problem, Warning};
        let (no, yes) = (answer(NO, true, false), answer(YES, true, true));
        for (answers, recipient, state, words) in [
            (vec![no.clone(), yes.clone()], ONE, Ok, "has a link to"),
            (vec![answer(NO, false, false)], TWO, Ok, "has a link to"),
            (vec![], ONE, Warning, "has no link"),
            (vec![None], ONE, Warning, "did not make"),
            (vec![yes.clone(), None], ONE, Warning, "did not make"),
            (vec![no, answer(YES, true, false)], ONE, Warning, "no longer says yes"),
            (vec![yes, None, answer(YES, false, true)], ONE, Problem, "somebody else"),
        ] {
            let point = of_text(&answers, recipient);
            assert_eq!(point.state, state, "{answers:?}");
            assert!(point.found.contains(words), "{point:?}");
        }
    }
}
