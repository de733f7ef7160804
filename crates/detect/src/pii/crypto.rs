//! Addresses of Bitcoin, and of Ethereum where a word announces one.

use super::{is_announced, stands_alone};
use crate::pattern::{Pattern, compile_ascii, spans};
use sha2::{Digest, Sha256};
use std::ops::Range;
use std::sync::LazyLock;

static WALLET: Pattern = LazyLock::new(|| {
    compile_ascii(r"\b(?:bc1[02-9ac-hj-np-z]{8,87}|[13][1-9A-HJ-NP-Za-km-z]{25,34})\b")
});

const BASE58: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &str = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// The check values of addresses of the first and of later segregated-witness versions.
const BECH32_CHECKS: [u32; 2] = [1, 0x2bc8_30a3];
/// Version, hash and checksum of an address in base 58.
const ADDRESS_BYTES: usize = 25;

static ETHEREUM: Pattern = LazyLock::new(|| compile_ascii(r"\b0x[0-9a-fA-F]{40}\b"));

/// Forty hexadecimal digits can be many things.
const ANNOUNCING: [&str; 7] = [
    "wallet", "address", "eth", "btc", "crypto", "coin", "send to",
];

/// Bitcoin addresses whose checksum is right, and Ethereum addresses that are announced.
pub(super) fn wallets(text: &str) -> Vec<Range<usize>> {
    let mut found = bitcoin(text);
    let ethereum = spans(&ETHEREUM, text).filter(|span| stands_alone(text, span));
    found.extend(ethereum.filter(|span| is_announced(text, span.start, &ANNOUNCING)));
    found
}

fn bitcoin(text: &str) -> Vec<Range<usize>> {
    spans(&WALLET, text)
        .filter(|span| stands_alone(text, span))
        .filter(|span| {
            let address = text.get(span.clone()).unwrap_or_default();
            match address.strip_prefix("bc1") {
                Some(data) => has_bech32_checksum(data),
                None => has_base58_checksum(address),
            }
        })
        .collect()
}

fn has_base58_checksum(address: &str) -> bool {
    let mut bytes = [0_u8; ADDRESS_BYTES];
    for digit in address
        .chars()
        .filter_map(|character| BASE58.find(character))
    {
        let mut carry = digit;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry % 256).unwrap_or_default();
            carry /= 256;
        }
        if carry > 0 {
            return false;
        }
    }
    let (payload, checksum) = bytes.split_at(ADDRESS_BYTES - 4);
    Sha256::digest(Sha256::digest(payload)).starts_with(checksum)
}

fn has_bech32_checksum(data: &str) -> bool {
    // The human-readable part `bc`, expanded as the checksum wants it.
    let prefix = [3, 3, 0, 2, 3].into_iter();
    let values = data
        .chars()
        .filter_map(|character| BECH32.find(character))
        .filter_map(|value| u32::try_from(value).ok());
    BECH32_CHECKS.contains(&prefix.chain(values).fold(1, bech32_step))
}

fn bech32_step(checksum: u32, value: u32) -> u32 {
    const GENERATORS: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    let top = checksum >> 25;
    let shifted = ((checksum & 0x01ff_ffff) << 5) ^ value;
    (0..)
        .zip(GENERATORS)
        .filter(|(bit, _)| top >> bit & 1 == 1)
        .fold(shifted, |sum, (_, generator): (u32, u32)| sum ^ generator)
}
