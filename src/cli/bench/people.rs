//! Invented recipients: the n-th is a function of n, so none of them need be kept.

const FIRST: [&str; 16] = [
    "Anna",
    "Ben",
    "Clara",
    "David",
    "Elisabeth",
    "Felix",
    "Greta",
    "Hannes",
    "Ida",
    "Jakob",
    "Katharina",
    "Leo",
    "Maximilian",
    "Nora",
    "Oskar",
    "Paula",
];

const LAST: [&str; 16] = [
    "Auer", "Bauer", "Berger", "Eder", "Fischer", "Gruber", "Huber", "Leitner", "Mayer", "Moser",
    "Pichler", "Schmid", "Steiner", "Wagner", "Weber", "Winkler",
];

const DOMAINS: [&str; 8] = [
    "Example.com",
    "example.org",
    "mail.example",
    "GMX.example",
    "post.example",
    "web.example",
    "Kabel.example",
    "uni.example",
];

/// Of so many addresses one has a plus tag or an umlaut, as often the one as the other.
const SPECIAL: u64 = 100;

/// Appends the n-th address as somebody typed it: some 30 octets, every other in mixed case.
pub fn write(n: u64, out: &mut String) {
    let bits = scatter(n);
    let pick = |shift: u32, among: &[&'static str]| {
        let count = u64::try_from(among.len()).unwrap_or(1);
        let at = usize::try_from((bits >> shift) % count).unwrap_or(0);
        among.get(at).copied().unwrap_or_default()
    };
    let start = out.len();
    out.push_str(pick(0, &FIRST));
    let special = (bits >> 24).is_multiple_of(SPECIAL);
    out.push(if special && bits >> 63 == 0 { '\u{fc}' } else { '.' });
    out.push_str(pick(8, &LAST));
    out.push_str(&n.to_string());
    if special && bits >> 63 == 1 {
        out.push_str("+news");
    }
    out.push('@');
    out.push_str(pick(16, &DOMAINS));
    if (bits >> 40).is_multiple_of(2)
        && let Some(written) = out.get_mut(start..)
    {
        written.make_ascii_lowercase();
    }
}

/// The n-th address on its own.
#[must_use]
pub fn address(n: u64) -> String {
    let mut address = String::with_capacity(40);
    write(n, &mut address);
    address
}

/// The finisher of splitmix64: neighbors become strangers, none of them twice.
pub(super) const fn scatter(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::model::address::Address;

    #[test]
    fn recipients_are_valid_distinct_and_as_long_as_said() {
        let count = 20_000;
        let typed: Vec<String> = (990_000..990_000 + count).map(address).collect();
        let canonical: HashSet<Address> =
            typed.iter().map(|typed| Address::parse(typed.as_bytes()).unwrap()).collect();
        assert_eq!(canonical.len(), typed.len());
        let octets: usize = typed.iter().map(String::len).sum();
        let mean = octets / typed.len();
        assert!((28..=32).contains(&mean), "{mean}");
        let mixed = typed.iter().filter(|typed| typed.bytes().any(|o| o.is_ascii_uppercase()));
        assert!((9_000..11_000).contains(&mixed.count()));
        let special = |typed: &&String| typed.contains('+') || !typed.is_ascii();
        let special = typed.iter().filter(special).count();
        assert!((100..300).contains(&special), "{special}");
    }
}
