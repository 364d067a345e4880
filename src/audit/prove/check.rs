//! Checking proofs, by the algorithms of RFC 9162 sections 2.1.3.2 and 2.1.4.2: another way than the one
//! by which they are made.

use crate::audit::tree::{Hash, node_hash};

/// The root that a path leads to from `leaf` at `index` in a tree of `size`; `None` when no tree has such a path.
#[must_use]
pub fn inclusion_root(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut here, mut last) = (index, size - 1);
    let mut root = leaf;
    for hash in path {
        if last == 0 {
            return None;
        }
        if here & 1 == 1 || here == last {
            root = node_hash(hash, &root);
            while here & 1 == 0 && here != 0 {
                here >>= 1;
                last >>= 1;
            }
        } else {
            root = node_hash(&root, hash);
        }
        here >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(root)
}

/// Whether `path` shows that the tree of `new` leaves and root `new_root` continues that of `old` leaves and
/// `old_root`. From the tree without leaves every other one goes on, by the empty path.
#[must_use]
pub fn continues(old: u64, old_root: &Hash, new: u64, new_root: &Hash, path: &[Hash]) -> bool {
    if old == 0 || old == new {
        return path.is_empty() && (old == 0 || old_root == new_root);
    }
    if old > new {
        return false;
    }
    // Where the old tree is a complete subtree of the new one, the path leaves its root out.
    let own = old.is_power_of_two().then_some(old_root);
    let mut hashes = own.into_iter().chain(path);
    let Some(first) = hashes.next() else { return false };
    let (mut here, mut last) = (old - 1, new - 1);
    while here & 1 == 1 {
        here >>= 1;
        last >>= 1;
    }
    let (mut left, mut whole) = (*first, *first);
    for hash in hashes {
        if last == 0 {
            return false;
        }
        if here & 1 == 1 || here == last {
            left = node_hash(hash, &left);
            whole = node_hash(hash, &whole);
            while here & 1 == 0 && here != 0 {
                here >>= 1;
                last >>= 1;
            }
        } else {
            whole = node_hash(&whole, hash);
        }
        here >>= 1;
        last >>= 1;
    }
    last == 0 && left == *old_root && whole == *new_root
}
