//! The relay that the mails of sign-ups go to (SMTP, RFC 5321).
//!
//! They wait in memory: a letter that a crash takes is a sign-up that its owner makes again, and one
//! that the relay does not take for some minutes is told and dropped. Nothing here names a person:
//! what a relay answers may quote the address, so only its code is logged.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::engine::Engine;
use crate::model;
use crate::model::scope::Scope;
use crate::web::{Letter, Measures, Post};

/// Letters that wait: some minutes' worth of a brand that is on television.
const WAITING: usize = 1_000;

/// Letters under way.
const UNDER_WAY: usize = 8;

/// How long the relay may take for one, and what is waited between tries.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSES: [Duration; 4] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(120),
];

/// Where mails go, and from whom they are.
#[derive(Debug, Clone)]
pub struct Relay {
    smtp: AsyncSmtpTransport<Tokio1Executor>,
    from: Address,
}

impl Relay {
    /// `smtp://HOST:PORT` or `HOST:PORT`, `smtps://HOST:PORT`, or `smtp://HOST:PORT?tls=required` for
    /// STARTTLS; and the address that the mails are from.
    ///
    /// # Errors
    /// It is no such URL, or no address.
    pub fn new(url: &str, from: &str) -> anyhow::Result<Self> {
        let plain = format!("smtp://{url}");
        let url = if url.contains("://") { url } else { &plain };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
        // The URL may hold a password: it is not repeated.
        let builder =
            builder.ok().context("--smtp-relay is no smtp://HOST:PORT or smtps://HOST:PORT")?;
        let from = from.parse().ok().context("--mail-from is no e-mail address")?;
        Ok(Self { smtp: builder.timeout(Some(PATIENCE)).build(), from })
    }

    /// Takes letters until nobody can put one in any more, and ends when the last is gone or given up.
    pub(super) fn start(
        self,
        engine: Arc<Engine>,
        measures: Arc<Measures>,
        stopped: watch::Receiver<bool>,
    ) -> (Post, JoinHandle<()>) {
        let (post, letters) = Post::queue(WAITING);
        #[expect(clippy::disallowed_methods, reason = "joined on drain")]
        let task = tokio::spawn(self.deliver(engine, measures, letters, stopped));
        (post, task)
    }

    async fn deliver(
        self,
        engine: Arc<Engine>,
        measures: Arc<Measures>,
        mut letters: mpsc::Receiver<Letter>,
        stopped: watch::Receiver<bool>,
    ) {
        let mut under_way = JoinSet::new();
        while let Some(letter) = letters.recv().await {
            if under_way.len() >= UNDER_WAY {
                under_way.join_next().await;
            }
            let (me, engine, measures) = (self.clone(), engine.clone(), measures.clone());
            let stopped = stopped.clone();
            under_way.spawn(async move {
                let sent = match me.written(&engine, &letter) {
                    Some(message) => me.sent(message, stopped).await,
                    None => false,
                };
                if sent { &measures.mails_sent } else { &measures.mails_failed }.add(1);
            });
        }
        while under_way.join_next().await.is_some() {}
    }

    /// The mail of a letter, in the words of its brand. None, and told, where it cannot be written.
    fn written(&self, engine: &Engine, letter: &Letter) -> Option<Message> {
        let catalog = engine.catalog();
        let brand = catalog.brand_of(letter.brand)?;
        let language = letter.language;
        let title = brand.title_in(language);
        let of = |scope: &Scope| brand.topics.iter().find(|topic| Scope::Topic(topic.id) == *scope);
        let topics: Vec<&str> =
            letter.scopes.iter().filter_map(of).map(|topic| topic.title_in(language)).collect();
        let Some(to) = mailed(&letter.to) else {
            tracing::warn!("a confirmation mail cannot be written: its address is none for SMTP");
            return None;
        };
        let mut message = Message::builder()
            .from(Mailbox::new(Some(title.to_owned()), self.from.clone()))
            .to(Mailbox::new(None, to))
            .subject(brand.page.mail_subject(language, title))
            // Ours would end in `@localhost`, which filters of spam count against it.
            .message_id(Some(format!("<{:032x}@{}>", rand::random::<u128>(), self.from.domain())))
            .header(MIME_VERSION_1_0)
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("Content-Language", language.tag()))
            .header(ContentType::TEXT_PLAIN);
        if let Some(list) = brand.page.list_id() {
            message = message.raw_header(header("List-Id", &format!("<{list}>")));
        }
        let text = brand.page.mail_text(language, title, &topics, &letter.link);
        let written = message.body(text);
        if written.is_err() {
            tracing::warn!("a confirmation mail cannot be written");
        }
        written.ok()
    }

    /// Whether the relay took it in the end.
    ///
    /// Once the server is `stopped` it gets one more try, without a pause.
    async fn sent(&self, message: Message, mut stopped: watch::Receiver<bool>) -> bool {
        let mut is_last = false;
        for pause in PAUSES.into_iter().map(Some).chain([None]) {
            let error = match self.smtp.send(message.clone()).await {
                Ok(_) => return true,
                Err(error) => error,
            };
            let code = error.status().map(|code| code.to_string());
            match pause {
                Some(pause) if !is_final(&error) && !is_last => {
                    tracing::debug!(code, "the relay does not take a mail yet");
                    is_last = tokio::select! {
                        () = tokio::time::sleep(pause) => false,
                        _ = stopped.wait_for(|stopped| *stopped) => true,
                    };
                }
                _ => {
                    tracing::warn!(code, "the relay does not take a mail; it is given up");
                    return false;
                }
            }
        }
        false
    }
}

/// Whom a mail goes to: the mailbox as it was typed, at the domain of the address that is recorded.
/// SMTP gets both as they are: what reads them once more could find another person in them.
fn mailed(typed: &str) -> Option<Address> {
    let recorded = model::address::Address::parse(typed.as_bytes()).ok()?;
    let (mailbox, _) = typed.trim().rsplit_once('@')?;
    let (_, domain) = recorded.as_str().rsplit_once('@')?;
    Address::new(mailbox, domain).ok()
}

/// Whether another try would end the same.
fn is_final(error: &smtp::Error) -> bool {
    error.is_permanent() || error.is_client()
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_goes_to_the_address_that_is_recorded() {
        let mailed = |typed: &str| mailed(typed).map(|to| to.to_string());
        assert_eq!(mailed("Jon.Doe@Example.ORG").as_deref(), Some("Jon.Doe@example.org"));
        assert_eq!(mailed("ann@b\u{fc}hne.example").as_deref(), Some("ann@xn--bhne-0ra.example"));
        // Quotes around quotes are part of it, and not taken off twice.
        let odd = r#""\"b\\o\\b\""@example.org"#;
        assert!([None, Some(odd)].contains(&mailed(odd).as_deref()));
        assert_eq!(mailed("nobody"), None);
    }

    #[tokio::test]
    async fn a_relay_is_a_url_and_an_address_and_its_password_is_not_repeated() {
        let relay = |url: &str, from: &str| Relay::new(url, from).err().map(|e| e.to_string());
        assert_eq!(relay("smtp://127.0.0.1:2525", "news@example.org"), None);
        assert_eq!(relay("127.0.0.1:2525", "news@example.org"), None);
        assert_eq!(relay("smtps://relay.example", "news@example.org"), None);
        let told = relay("smpt://user:secret@relay.example", "news@example.org").unwrap();
        assert!(told.contains("--smtp-relay") && !told.contains("secret"), "{told}");
        assert!(relay("smtp://relay.example", "nobody").unwrap().contains("--mail-from"));
    }
}
