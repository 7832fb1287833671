//! Where a declaration applies: everything, a controller, a brand, a topic.
//!
//! Identifiers are small numbers that the ledger hands out once and never again (`catalog::Names`
//! maps them to the words of the catalog file). Each carries its path, so that "inside" is
//! arithmetic and needs no catalog.

/// A legal entity with brands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ControllerId(u16);

/// A brand of one controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BrandId {
    controller: ControllerId,
    index: u16,
}

/// One subscription type of a brand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId {
    brand: BrandId,
    index: u16,
}

impl ControllerId {
    /// The controller with this number.
    #[must_use]
    pub const fn new(index: u16) -> Self {
        Self(index)
    }

    /// Its number, unique among controllers.
    #[must_use]
    pub const fn index(self) -> u16 {
        self.0
    }
}

impl BrandId {
    /// The brand with this number.
    #[must_use]
    pub const fn new(controller: ControllerId, index: u16) -> Self {
        Self { controller, index }
    }

    /// Its number, unique among the brands of all controllers.
    #[must_use]
    pub const fn index(self) -> u16 {
        self.index
    }

    /// The legal entity behind the brand.
    #[must_use]
    pub const fn controller(self) -> ControllerId {
        self.controller
    }
}

impl TopicId {
    /// The topic with this number.
    #[must_use]
    pub const fn new(brand: BrandId, index: u16) -> Self {
        Self { brand, index }
    }

    /// Its number, unique among the topics of all brands.
    #[must_use]
    pub const fn index(self) -> u16 {
        self.index
    }

    /// The brand that mails it.
    #[must_use]
    pub const fn brand(self) -> BrandId {
        self.brand
    }
}

/// Where a declaration applies. The order is from broad to narrow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Every controller, those to come included.
    Everything,
    /// A legal entity and all its brands.
    Controller(ControllerId),
    /// A brand and all its topics.
    Brand(BrandId),
    /// One subscription type of a brand.
    Topic(TopicId),
}

impl Scope {
    /// The next broader scope; none above everything.
    #[must_use]
    pub const fn parent(self) -> Option<Self> {
        match self {
            Self::Everything => None,
            Self::Controller(_) => Some(Self::Everything),
            Self::Brand(brand) => Some(Self::Controller(brand.controller())),
            Self::Topic(topic) => Some(Self::Brand(topic.brand())),
        }
    }

    /// This scope and all broader ones, narrowest first.
    pub fn upwards(self) -> impl Iterator<Item = Self> {
        std::iter::successors(Some(self), |scope| scope.parent())
    }

    /// Whether `inner` is this scope or lies inside it.
    #[must_use]
    pub fn covers(self, inner: Self) -> bool {
        inner.upwards().any(|scope| scope == self)
    }

    /// Whether one of the two covers the other: at, above or inside.
    #[must_use]
    pub fn touches(self, other: Self) -> bool {
        self.covers(other) || other.covers(self)
    }

    /// The brand of a brand or topic scope.
    #[must_use]
    pub const fn brand(self) -> Option<BrandId> {
        match self {
            Self::Brand(brand) => Some(brand),
            Self::Topic(topic) => Some(topic.brand()),
            Self::Everything | Self::Controller(_) => None,
        }
    }
}
