-- What the follower keeps. Applied at each start; it changes nothing that is there.

-- One row for each address that maysend knows and that is not erased.
CREATE TABLE IF NOT EXISTS recipients (
    subject  text PRIMARY KEY,      -- maysend's name of the address, the same until its erasure
    address  text NOT NULL,         -- in canonical form
    base     text,                  -- of anna+news@example.org: anna@example.org
    active   boolean NOT NULL,      -- whether the campaign might go there
    verdict  text NOT NULL,         -- why
    revision bigint NOT NULL        -- the verdict is of this revision or a later one
);

CREATE INDEX IF NOT EXISTS recipients_base ON recipients (base) WHERE base IS NOT NULL;
CREATE INDEX IF NOT EXISTS recipients_active ON recipients (address) WHERE active;

-- How far the table is. One row.
CREATE TABLE IF NOT EXISTS progress (
    one            boolean PRIMARY KEY DEFAULT true CHECK (one),
    after_revision bigint NOT NULL
);

INSERT INTO progress (after_revision) VALUES (0) ON CONFLICT DO NOTHING;
