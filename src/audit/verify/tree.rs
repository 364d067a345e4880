//! The tree of RFC 6962 section 2.1, kept as the roots of its complete subtrees.

use crate::audit::format::{LEAF_PREFIX, NODE_PREFIX};
use sha2::block_api::compress256;
use sha2::{Digest, Sha256};
use std::io::Write as _;

/// A SHA-256 digest.
pub(super) type Hash = [u8; 32];

/// Hash of a line, its line feed left out: the leaf of the tree and the `prev` of the next line.
pub(super) fn leaf(line: &[u8]) -> Hash {
    // What has no place on the stack is rare.
    let mut small = [[0; BLOCK]; SMALL];
    let count = (1 + line.len() + PADDING).div_ceil(BLOCK);
    match small.get_mut(..count) {
        Some(blocks) => hash(blocks, [&[LEAF_PREFIX], line, &[]]),
        None => Sha256::new().chain_update([LEAF_PREFIX]).chain_update(line).finalize().into(),
    }
}

pub(super) fn node(left: &Hash, right: &Hash) -> Hash {
    hash(&mut [[0; BLOCK]; 2], [&[NODE_PREFIX], left, right])
}

/// Bytes of a block of SHA-256.
const BLOCK: usize = 64;
/// Least number of bytes after the text: a bit, and the length (FIPS 180-4 section 5.1.1).
const PADDING: usize = 9;
/// Blocks of a line that is not long.
const SMALL: usize = 16;
/// FIPS 180-4 section 5.3.3.
const START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// SHA-256 of `parts` together, laid out in as many `blocks` as they need, which are zero. Most of what is hashed is
/// short, and takes a good part of its time where it is put together piece by piece.
fn hash(blocks: &mut [[u8; BLOCK]], parts: [&[u8]; 3]) -> Hash {
    let mut rest = blocks.as_flattened_mut();
    for part in parts.into_iter().chain([&[0x80][..]]) {
        // Writing into memory that is large enough.
        let _ = rest.write_all(part);
    }
    let bits = parts.map(|part| part.len() as u64 * 8).iter().sum::<u64>();
    if let Some(length) = rest.last_chunk_mut() {
        *length = bits.to_be_bytes();
    }
    let mut state = START;
    compress256(&mut state, blocks);
    let mut hash = [0; 32];
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    hash
}

/// The roots of the complete subtrees, largest first: one per bit set in the number of leaves. This
/// is all that later roots need.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Frontier {
    size: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The tree whose complete subtrees are given; `None` if they are not as many as there are for that size.
    pub(super) fn of(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Self { size, peaks })
    }

    /// Takes over what `other` holds, in the memory that there is.
    pub(super) fn copy(&mut self, other: &Self) {
        self.size = other.size;
        self.peaks.clone_from(&other.peaks);
    }

    /// Number of leaves.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf.
    pub(super) fn push(&mut self, leaf: Hash) {
        let mut right = leaf;
        // Like a carry in binary addition: each trailing 1 is a subtree as large as `right` is now.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                right = node(&left, &right);
            }
        }
        self.peaks.push(right);
        self.size += 1;
    }

    /// Root over all leaves; the hash of nothing for an empty tree.
    pub(super) fn root(&self) -> Hash {
        let mut smallest_first = self.peaks.iter().rev();
        let Some(last) = smallest_first.next() else { return Sha256::digest(b"").into() };
        smallest_first.fold(*last, |right, left| node(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The recursive definition, word for word: MTH of RFC 6962 section 2.1.
    fn by_definition(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Sha256::digest(b"").into(),
            [one] => *one,
            many => {
                let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
                node(&by_definition(left), &by_definition(right))
            }
        }
    }

    fn hex(hash: Hash) -> String {
        hash.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }

    /// Roots published with Certificate Transparency's own tests, for sizes 0 to 8.
    #[test]
    fn published_roots() {
        let leaves: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Frontier::default();
        assert_eq!(hex(tree.root()), roots[0]);
        for (data, root) in leaves.iter().zip(&roots[1..]) {
            tree.push(leaf(data));
            assert_eq!(hex(tree.root()), *root, "size {}", tree.size());
        }
    }

    /// Every length up to where other code takes over, and some beyond it.
    #[test]
    fn hashes_as_the_library_does() {
        let text: Vec<u8> = (0..2_000_u32).map(|n| u8::try_from(n * n % 251).unwrap()).collect();
        for length in 0..text.len() {
            let expected: Hash = Sha256::new()
                .chain_update([LEAF_PREFIX])
                .chain_update(&text[..length])
                .finalize()
                .into();
            assert_eq!(leaf(&text[..length]), expected, "{length}");
        }
        for at in 0..100 {
            let (left, right) = (leaf(&text[at..]), leaf(&text[..at]));
            let expected: Hash =
                Sha256::digest([&[NODE_PREFIX][..], &left, &right].concat()).into();
            assert_eq!(node(&left, &right), expected);
        }
    }

    #[test]
    fn agrees_with_the_definition() {
        let leaves: Vec<Hash> = (0..100_u8).map(|n| leaf(&[n])).collect();
        let mut tree = Frontier::default();
        for (size, hash) in leaves.iter().enumerate() {
            assert_eq!(tree.root(), by_definition(&leaves[..size]), "size {size}");
            tree.push(*hash);
        }
    }
}
