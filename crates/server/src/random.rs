//! Randomness for secrets.

use uuid::Uuid;

/// Two UUIDs of version 4 are 244 bits from the operating system's source for secrets.
pub fn secret_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    let (first, second) = bytes.split_at_mut(16);
    first.copy_from_slice(Uuid::new_v4().as_bytes());
    second.copy_from_slice(Uuid::new_v4().as_bytes());
    bytes
}
