//! The owner's side: links for mails, the state of the topics, the choices made through a link.

use std::sync::Arc;

use super::error::{EngineError, InvalidRequest};
use super::validate;
use super::write::{MAX_WRITE, check_count};
use super::writer::Target;
use super::{Engine, Shared};
use crate::authorize::{Operation, authorize, permit};
use crate::catalog::{Brand, Catalog, Topic};
use crate::decide::decide;
use crate::model::actor::Caller;
use crate::model::address::Address;
use crate::model::campaign::{Campaign, CampaignId, Channel, Purpose};
use crate::model::command::{Choice, Command, Proof, Wish};
use crate::model::day::Today;
use crate::model::event::Event;
use crate::model::evidence::Evidence;
use crate::model::fact::Erasure;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::scope::{BrandId, ControllerId, Scope};
use crate::model::verdict::{Verdict, WriteOutcome};
use crate::profile::Profile;
use crate::token::{PREFERENCES_LIFETIME_DAYS, Token, TokenKind, Verified};

/// Events that are looked through for the address itself. Beyond them it counts as unknown, which
/// masks nothing and asks no base: who clicks one link for ever must not make each click slower.
const NAME_LOOKS_BACK: usize = 1_000;

/// What a mail program says with one click (RFC 8058).
const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

/// The links of one recipient. All but the tokens are empty where the server knows no public one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Links {
    /// Says no, for ever.
    pub unsubscribe_token: String,
    /// For the footer.
    pub unsubscribe_url: String,
    /// The owner's proof, until it expires.
    pub preferences_token: String,
    /// For the footer.
    pub preferences_url: String,
    /// The value of the header List-Unsubscribe, on one line (RFC 2369).
    pub list_unsubscribe: String,
    /// The value of the header List-Unsubscribe-Post (RFC 8058).
    pub list_unsubscribe_post: String,
}

/// The topics of a controller, as they stand for one owner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Preferences {
    /// `j***@example.com`; empty where no write carried the address.
    pub masked_address: String,
    /// Every topic of the controller's brands.
    pub topics: Vec<Preference>,
}

/// One topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// The topic.
    pub scope: Scope,
    /// Its name for people.
    pub title: String,
    /// Whether the owner's own word lets it through.
    pub subscribed: bool,
    /// Whether it is sent, blocks included.
    pub verdict: Verdict,
    /// What it would be by the owner's own word alone: `Blocked` where the owner asked us to stop.
    pub own: Verdict,
}

/// Choices made through a preferences link.
#[derive(Debug, Clone)]
pub struct PreferencesUpdate {
    /// The link's token.
    pub token: String,
    /// What was chosen.
    pub choices: Vec<Choice>,
    /// What proves it.
    pub evidence: Option<Arc<Evidence>>,
    /// The caller's own name for the call; empty: none.
    pub request_id: Arc<str>,
    /// The request as it came.
    pub body: Vec<u8>,
}

/// What became of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreferencesUpdated {
    /// As it stands now.
    pub preferences: Preferences,
    /// The revision that holds it.
    pub revision: Revision,
    /// One for each choice.
    pub outcomes: Vec<WriteOutcome>,
}

impl Engine {
    /// The links of each recipient of a campaign; none for what is no address.
    ///
    /// # Errors
    /// No or too many addresses; an unknown or retired campaign.
    pub async fn mint_links(
        &self,
        caller: &Caller,
        brand: &str,
        campaign: &str,
        addresses: &[Box<[u8]>],
    ) -> Result<Vec<Option<Links>>, EngineError> {
        permit(caller, Operation::MintLinks)?;
        check_count(addresses.len(), MAX_WRITE)?;
        let campaign = self.catalog().campaign_named(brand, campaign)?.clone();
        let (addresses, public_url) = (addresses.to_vec(), self.public_url.clone());
        self.blocking(move |shared| {
            let (minted, day) = (shared.head(), shared.moment().today.day());
            let keys = shared.token_keys();
            let token = |kind, asked, address: &Address| {
                keys.mint(&Token {
                    kind,
                    fingerprint: shared.fingerprinter.fingerprint(address.as_str().as_bytes()),
                    tagged: address.base().is_some(),
                    asked,
                    scopes: vec![campaign.scope()],
                    minted,
                    day,
                })
            };
            let asked = campaign.purpose == Purpose::ConsentRequest;
            let url = |path: &str, token: &str| link(public_url.as_deref(), path, token);
            let links = |address: Address| {
                let unsubscribe_token = token(TokenKind::Unsubscribe, false, &address);
                let preferences_token = token(TokenKind::Preferences, asked, &address);
                let unsubscribe_url = url("u", &unsubscribe_token);
                let (list_unsubscribe, list_unsubscribe_post) = match unsubscribe_url.as_str() {
                    "" => Default::default(),
                    url => (format!("<{url}>"), ONE_CLICK.to_owned()),
                };
                Links {
                    unsubscribe_url,
                    preferences_url: url(if asked { "r" } else { "p" }, &preferences_token),
                    unsubscribe_token,
                    preferences_token,
                    list_unsubscribe,
                    list_unsubscribe_post,
                }
            };
            Ok(addresses.iter().map(|raw| Address::parse(raw).ok().map(links)).collect())
        })
        .await
    }

    /// The topics behind a preferences token, as they stand. Changes nothing.
    ///
    /// # Errors
    /// `BadToken`, also for one of a retired key: who stole it must learn nothing.
    pub async fn preferences(
        &self,
        caller: &Caller,
        token: &str,
    ) -> Result<(Preferences, Revision), EngineError> {
        permit(caller, Operation::OwnerWrite)?;
        let Verified { token, retired } = self.verified(token, &[TokenKind::Preferences])?;
        if retired {
            return Err(EngineError::BadToken);
        }
        let revision = self.head();
        let preferences = self.blocking(move |shared| shared.preferences(&token)).await?;
        Ok((preferences, revision))
    }

    /// Records choices made through a preferences link. One of a retired key says no and shows
    /// nothing.
    ///
    /// # Errors
    /// `BadToken`; a scope that the link is not for; a yes without its evidence.
    pub async fn update_preferences(
        &self,
        caller: &Caller,
        update: PreferencesUpdate,
    ) -> Result<PreferencesUpdated, EngineError> {
        let PreferencesUpdate { token, choices, evidence, request_id, body } = update;
        permit(caller, Operation::OwnerWrite)?;
        let Verified { token, retired } = self.verified(&token, &[TokenKind::Preferences])?;
        check_choices(&token, &choices)?;
        let expired = self.has_expired(&token, PREFERENCES_LIFETIME_DAYS);
        let asked = token.scopes.first().copied().filter(|_| token.asked);
        let proof = Proof::PreferencesToken {
            minted: token.minted,
            may_grant: !expired && !retired,
            asked,
        };
        let command = Command::OwnerChoice { choices, proof, evidence };
        let written = self.owner_write(caller, &token, command, &request_id, &body).await?;
        let (revision, outcomes) = (written.revision, written.outcomes);
        let preferences =
            if retired { Preferences::default() } else { self.read_back(token).await? };
        Ok(PreferencesUpdated { preferences, revision, outcomes })
    }

    /// Records the no of an unsubscribe or preferences token, at its own scope or at a broader one.
    ///
    /// # Errors
    /// `BadToken`; a scope that does not cover the token's.
    pub async fn unsubscribe(
        &self,
        caller: &Caller,
        token: &str,
        scope: Option<Scope>,
        evidence: Option<Arc<Evidence>>,
    ) -> Result<Revision, EngineError> {
        permit(caller, Operation::OwnerWrite)?;
        let kinds = [TokenKind::Unsubscribe, TokenKind::Preferences];
        let token = self.verified(token, &kinds)?.token;
        let own = token.scopes.first().copied().unwrap_or(Scope::Everything);
        let own = self.catalog().still_there(own);
        let scope = scope.unwrap_or(own);
        if !scope.covers(own) {
            let problem = "is not the scope of the token or a broader one";
            return Err(InvalidRequest::one("scope", problem).into());
        }
        let choices = vec![Choice { scope, wish: Wish::Unsubscribe }];
        let command = Command::OwnerChoice { choices, proof: Proof::UnsubscribeToken, evidence };
        let written = self.owner_write(caller, &token, command, &"".into(), &[]).await?;
        Ok(written.revision)
    }

    /// What stands after a write. Where the past is damaged nothing is shown: it is recorded all
    /// the same, which an error would deny.
    pub(super) async fn read_back(&self, token: Token) -> Result<Preferences, EngineError> {
        match self.blocking(move |shared| shared.preferences(&token)).await {
            Err(EngineError::Damaged { .. }) => Ok(Preferences::default()),
            read => read,
        }
    }

    pub(super) fn verified(
        &self,
        token: &str,
        kinds: &[TokenKind],
    ) -> Result<Verified, EngineError> {
        let names = self.catalog().names.clone();
        let verified = self.shared.token_keys().verify(token, kinds, &names);
        verified.map_err(|error| {
            tracing::debug!(%error, "a token is refused");
            EngineError::BadToken
        })
    }

    /// Whether a token is too old to say yes. Under a clock in doubt every one is.
    pub(super) fn has_expired(&self, token: &Token, lifetime_days: u16) -> bool {
        match self.shared.moment().today {
            Today::Known(today) => token.has_expired(today, lifetime_days),
            Today::InDoubt(_) => true,
        }
    }

    pub(super) async fn owner_write(
        &self,
        caller: &Caller,
        token: &Token,
        command: Command,
        request_id: &Arc<str>,
        body: &[u8],
    ) -> Result<super::write::Written, EngineError> {
        validate::command(&command, self.shared.clock.now())?;
        let fingerprint = token.fingerprint;
        let address = match self.blocking(move |shared| shared.address_of(fingerprint)).await {
            // A no is taken whatever cannot be read; the writer reads again for the yeses.
            Err(EngineError::Damaged { .. }) => None,
            address => address?,
        };
        validate::notice_is_impersonal(&command, &address.iter().collect::<Vec<_>>())?;
        let target = Target {
            fingerprint,
            base: address.as_ref().and_then(|address| self.shared.base_of(address)),
            // The address itself stays out of the event: this write did not carry it.
            address: None,
            tagged: token.tagged,
        };
        let command = authorize(caller, command)?;
        self.submit(command, vec![Some(target)], request_id, body).await
    }
}

/// The address of a token in the owner's pages; empty where the server knows no public one.
pub(super) fn link(public_url: Option<&str>, path: &str, token: &str) -> String {
    let public = public_url.map(|url| url.trim_end_matches('/'));
    public.map(|url| format!("{url}/{path}/{token}")).unwrap_or_default()
}

/// A link is for its controller: yes to its brands and topics, no also to the controller and to
/// everything.
fn check_choices(token: &Token, choices: &[Choice]) -> Result<(), InvalidRequest> {
    let own = token.scopes.first().and_then(|scope| scope.brand());
    let controller = own.map(BrandId::controller);
    for (i, choice) in choices.iter().enumerate() {
        let of = match choice.scope {
            Scope::Everything => continue,
            Scope::Controller(id) => Some(id),
            Scope::Brand(_) | Scope::Topic(_) => {
                choice.scope.brand().map(|brand| brand.controller())
            }
        };
        if of != controller {
            let problem = "belongs to another controller than the link";
            return Err(InvalidRequest::one(format!("choices[{i}].scope"), problem));
        }
    }
    Ok(())
}

impl Catalog {
    /// The scope, or the brand of a topic that has left the catalog.
    pub(super) fn still_there(&self, scope: Scope) -> Scope {
        let Scope::Topic(topic) = scope else { return scope };
        let brand = self.brand_of(topic.brand());
        let is_there = brand.is_some_and(|brand| brand.topics.iter().any(|t| t.id == topic));
        if is_there { scope } else { Scope::Brand(topic.brand()) }
    }
}

impl Shared {
    /// The address behind a fingerprint, if one of its events carried it.
    pub(super) fn address_of(&self, of: Fingerprint) -> Result<Option<Address>, EngineError> {
        let last = self.known(of).map_or(Revision::ZERO, |known| known.last);
        let carried = |event: Result<Event, EngineError>| event.map(|e| e.address).transpose();
        self.walk(last).take(NAME_LOOKS_BACK).find_map(carried).transpose()
    }

    /// The topics of all controllers that the token is about.
    pub(super) fn preferences(&self, token: &Token) -> Result<Preferences, EngineError> {
        let brands = token.scopes.iter().filter_map(|scope| scope.brand());
        let controllers: Vec<ControllerId> = brands.map(BrandId::controller).collect();
        let address = self.address_of(token.fingerprint)?;
        let (profile, base) = match &address {
            Some(address) => self.profiles(address),
            None => (self.known(token.fingerprint).unwrap_or_default().profile, None),
        };
        let catalog = self.catalog();
        let today = self.moment().today;
        let view = View { catalog: &catalog, profile: &profile, base: base.as_ref(), today };
        let topics = view.topics(&controllers);
        let masked_address = address.map(|address| address.masked()).unwrap_or_default();
        Ok(Preferences { masked_address, topics })
    }
}

/// What the owner's topics are computed from.
struct View<'a> {
    catalog: &'a Catalog,
    profile: &'a Profile,
    base: Option<&'a Profile>,
    today: Today,
}

impl View<'_> {
    fn topics(&self, controllers: &[ControllerId]) -> Vec<Preference> {
        let is_of = |brand: &&Brand| controllers.contains(&brand.id.controller());
        let brands = self.catalog.brands.iter().filter(is_of);
        brands.flat_map(|brand| brand.topics.iter().map(|topic| self.topic(brand, topic))).collect()
    }

    fn topic(&self, brand: &Brand, topic: &Topic) -> Preference {
        let Some(id) = CampaignId::parse("preferences") else {
            return Preference {
                scope: Scope::Topic(topic.id),
                title: topic.title.to_string(),
                subscribed: false,
                verdict: Verdict::UnknownAddress,
                own: Verdict::UnknownAddress,
            };
        };
        let campaign = Campaign {
            brand: brand.id,
            id,
            topic: Some(topic.id),
            purpose: Purpose::Marketing,
            channel: Channel::Email,
            retired: false,
        };
        let ruling =
            |profile: &Profile, base| decide(profile, base, &campaign, &brand.policy, self.today);
        // The owner's own word: what would hold if nobody else had stopped anything.
        let own = Profile {
            blocks: std::collections::BTreeSet::new(),
            erasure: Erasure::None,
            ..self.profile.clone()
        };
        let own = ruling(&own, None).verdict;
        Preference {
            scope: Scope::Topic(topic.id),
            title: topic.title.to_string(),
            subscribed: own.allows(),
            verdict: ruling(self.profile, self.base).verdict,
            own,
        }
    }
}
