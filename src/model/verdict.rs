//! The answer to "may we send?", and the outcome of a write.

/// Whether a message may go to an address, and why. One octet on the wire: below 64 is a deny, and
/// a zero that nobody set is among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Verdict {
    /// The text is no e-mail address.
    InvalidAddress = 1,
    /// Nobody registered it with this controller.
    UnknownAddress = 2,
    /// Known, never asked.
    NotRequested = 3,
    /// Asked, not answered.
    Pending = 4,
    /// The owner refused or withdrew.
    Refused = 5,
    /// The consent has lapsed.
    Expired = 6,
    /// The owner is out of everything.
    OptedOutEverything = 7,
    /// The owner is out of all brands of the controller.
    OptedOutController = 8,
    /// The owner is out of the brand.
    OptedOutBrand = 9,
    /// The owner is out of the topic.
    OptedOutTopic = 10,
    /// Staff stopped the brand, at the owner's wish or on their own.
    Blocked = 11,
    /// The mailbox does not exist.
    HardBounce = 12,
    /// The owner reported our mail as spam.
    Complaint = 13,
    /// An erasure is requested.
    ErasurePending = 14,
    /// The address was erased.
    Erased = 15,
    /// The brand's policy forbids asking by mail.
    RequestForbidden = 16,
    /// Asked within the cool-down.
    RecentlyAsked = 17,
    /// There is nothing to ask for.
    AlreadyGranted = 18,
    /// The owner consents.
    AllowedConsent = 64,
    /// A customer, on the legal basis of UWG section 7(3).
    AllowedExistingCustomer = 65,
    /// Opt-out regime, and nothing speaks against it.
    AllowedNoObjection = 66,
    /// Not advertising.
    AllowedTransactional = 67,
    /// Not advertising.
    AllowedOneToOne = 68,
    /// May be asked for consent.
    AllowedConsentRequest = 69,
    /// May get a letter.
    AllowedPost = 70,
}

impl Verdict {
    /// Every verdict, in the order of its code.
    pub const ALL: [Self; 25] = [
        Self::InvalidAddress,
        Self::UnknownAddress,
        Self::NotRequested,
        Self::Pending,
        Self::Refused,
        Self::Expired,
        Self::OptedOutEverything,
        Self::OptedOutController,
        Self::OptedOutBrand,
        Self::OptedOutTopic,
        Self::Blocked,
        Self::HardBounce,
        Self::Complaint,
        Self::ErasurePending,
        Self::Erased,
        Self::RequestForbidden,
        Self::RecentlyAsked,
        Self::AlreadyGranted,
        Self::AllowedConsent,
        Self::AllowedExistingCustomer,
        Self::AllowedNoObjection,
        Self::AllowedTransactional,
        Self::AllowedOneToOne,
        Self::AllowedConsentRequest,
        Self::AllowedPost,
    ];

    /// The lowest code that allows.
    pub const FIRST_ALLOWED: u8 = 64;

    /// The number on the wire, from 1 to 127.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "reads the discriminant of a repr(u8) enum")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The verdict with this number; none where there is none.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.code() == code)
    }

    /// Whether the message may go.
    #[must_use]
    pub const fn allows(self) -> bool {
        self.code() >= Self::FIRST_ALLOWED
    }
}

/// What became of a write for one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum WriteOutcome {
    /// Recorded, and in force.
    Applied = 1,
    /// It stood so already, and the write brought no new proof.
    Unchanged = 2,
    /// The text is no e-mail address.
    InvalidAddress = 3,
    /// Only the owner may lift it.
    OptedOut = 4,
    /// Only the owner may lift it.
    Refused = 5,
    /// A block of the brand stands in the way.
    Blocked = 6,
    /// The owner reported our mail as spam.
    Complaint = 7,
    /// The policy forbids it.
    Policy = 8,
    /// Asked within the cool-down, or mailed too often today.
    RecentlyAsked = 9,
    /// Nobody registered it with this controller.
    UnknownAddress = 10,
    /// An erasure is requested.
    ErasurePending = 11,
    /// The address was erased.
    Erased = 12,
    /// There is nothing to ask for.
    AlreadyGranted = 13,
    /// Needs proof through the mailbox or a logged-in session.
    Proof = 14,
}

impl WriteOutcome {
    /// Every outcome, in the order of its code.
    pub const ALL: [Self; 14] = [
        Self::Applied,
        Self::Unchanged,
        Self::InvalidAddress,
        Self::OptedOut,
        Self::Refused,
        Self::Blocked,
        Self::Complaint,
        Self::Policy,
        Self::RecentlyAsked,
        Self::UnknownAddress,
        Self::ErasurePending,
        Self::Erased,
        Self::AlreadyGranted,
        Self::Proof,
    ];

    /// The number on the wire and on disk.
    #[must_use]
    #[expect(clippy::as_conversions, reason = "reads the discriminant of a repr(u8) enum")]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The outcome with this number; none where there is none.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.code() == code)
    }
}
