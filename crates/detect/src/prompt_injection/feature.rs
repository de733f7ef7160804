//! What the classifier sees of a text: each token with its neighbours, hashed.
//!
//! The trainer and the detector share this file, so they cannot see different things.

use super::lexicon::{Class, WordId};
use super::token::Token;

/// A row of the table of weights.
pub type Bucket = u32;

/// The table has this many rows: 2 to the power of it.
pub const TABLE_BITS: u32 = 20;

/// How far back a marked token finds partners, in marked tokens and in tokens.
const PARTNERS_MAX: usize = 5;
const PARTNER_DISTANCE_MAX: usize = 24;

/// What a feature is made of; it keeps features of different make apart.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
enum Make {
    Word = 1,
    Words2,
    Words2Apart,
    Words3,
    Stem,
    Stems2,
    Roles2,
    Roles2Apart,
    Roles3,
    Roles4,
    Near,
    Far,
}

/// Calls `take` with the number of each token and each of its features.
pub fn features(tokens: &[Token], mut take: impl FnMut(usize, Bucket)) {
    let mut marked: Vec<(usize, WordId)> = Vec::new();
    let nothing = (0, 0, 0);
    let (mut last, mut second, mut third) = (nothing, nothing, nothing);
    for (place, token) in tokens.iter().enumerate() {
        let this = (token.word, token.stem, token.role);
        let mut feature = |make, parts: [u64; 4]| take(place, bucket(make, parts));
        feature(Make::Word, [this.0, 0, 0, 0]);
        feature(Make::Words2, [last.0, this.0, 0, 0]);
        feature(Make::Words2Apart, [second.0, this.0, 0, 0]);
        feature(Make::Words3, [second.0, last.0, this.0, 0]);
        feature(Make::Stem, [this.1, 0, 0, 0]);
        feature(Make::Stems2, [last.1, this.1, 0, 0]);
        feature(Make::Roles2, [last.2, this.2, 0, 0]);
        feature(Make::Roles2Apart, [second.2, this.2, 0, 0]);
        feature(Make::Roles3, [second.2, last.2, this.2, 0]);
        feature(Make::Roles4, [third.2, second.2, last.2, this.2]);
        if token.class < Class::Other {
            for (partner, role) in marked.iter().rev().take(PARTNERS_MAX) {
                let distance = place - partner;
                if distance > PARTNER_DISTANCE_MAX {
                    break;
                }
                let make = if distance <= 6 { Make::Near } else { Make::Far };
                feature(make, [*role, this.2, 0, 0]);
            }
            marked.push((place, this.2));
        }
        (third, second, last) = (second, last, this);
    }
}

fn bucket(make: Make, parts: [u64; 4]) -> Bucket {
    let mut hash = (make as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for part in parts {
        hash = (hash ^ part).wrapping_mul(0xff51_afd7_ed55_8ccd);
        hash ^= hash >> 32;
    }
    let high = hash >> (u64::BITS - TABLE_BITS);
    u32::try_from(high).unwrap_or_default()
}
