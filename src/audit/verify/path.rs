//! Proofs of inclusion and of consistency in the tree.
//!
//! Source: RFC 6962 sections 2.1.1 and 2.1.2; checked as RFC 9162 sections 2.1.3.2 and 2.1.4.2 say.

use super::tree::{Hash, node};

/// Whether `path` leads from the leaf at `index` to the root of a tree of `size` leaves.
pub(super) fn includes(leaf: Hash, index: u64, path: &[Hash], size: u64, root: Hash) -> bool {
    if index >= size {
        return false;
    }
    let mut walk = Walk { at: index, last: size - 1 };
    let mut hash = leaf;
    for sibling in path {
        let Some(is_right) = walk.step() else { return false };
        hash = if is_right { node(sibling, &hash) } else { node(&hash, sibling) };
    }
    walk.last == 0 && hash == root
}

/// The root over the leaves before the one at `index`, by its `path` in a tree of `size` leaves: what lies left of the
/// way up are the full subtrees of these leaves, the smallest first. `None` where no leaf is before it, or no tree has
/// such a path. It is of that tree only where [`includes`] holds.
pub(super) fn root_before(index: u64, path: &[Hash], size: u64) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let mut walk = Walk { at: index, last: size - 1 };
    let mut root = None;
    for sibling in path {
        if walk.step()? {
            root = Some(root.map_or(*sibling, |root| node(sibling, &root)));
        }
    }
    root
}

/// Whether `path` shows that a tree of `size` leaves begins with the one of `old_size` leaves.
pub(super) fn continues(
    old_size: u64,
    old_root: Hash,
    size: u64,
    root: Hash,
    path: &[Hash],
) -> bool {
    if old_size == 0 || old_size > size {
        return false;
    }
    if old_size == size {
        return path.is_empty() && old_root == root;
    }
    let mut walk = Walk { at: old_size - 1, last: size - 1 };
    // Where the old tree is itself a subtree of the new one, its root is left out of the path.
    let own = old_size.is_power_of_two().then_some(&old_root);
    let mut hashes = own.into_iter().chain(path);
    let Some(first) = hashes.next() else { return false };
    let skipped = walk.at.trailing_ones();
    walk.shift(skipped);
    let (mut old, mut new) = (*first, *first);
    for sibling in hashes {
        let Some(is_right) = walk.step() else { return false };
        if is_right {
            old = node(sibling, &old);
            new = node(sibling, &new);
        } else {
            new = node(&new, sibling);
        }
    }
    walk.last == 0 && old == old_root && new == root
}

/// A way up the tree: the node it passes, and the last one at that height.
struct Walk {
    at: u64,
    last: u64,
}

impl Walk {
    /// Goes up to the next node that has a sibling; whether it is the right one of the two. `None` at the root.
    fn step(&mut self) -> Option<bool> {
        if self.last == 0 {
            return None;
        }
        let is_right = self.at & 1 == 1 || self.at == self.last;
        if is_right {
            // The last node of a row may have no sibling there, but further up.
            self.shift(self.at.trailing_zeros());
        }
        self.shift(1);
        Some(is_right)
    }

    fn shift(&mut self, by: u32) {
        self.at = self.at.checked_shr(by).unwrap_or(0);
        self.last = self.last.checked_shr(by).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::verify::tree::{Frontier, leaf};

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|n| leaf(&n.to_be_bytes())).collect()
    }

    fn root(leaves: &[Hash]) -> Hash {
        let mut tree = Frontier::default();
        for leaf in leaves {
            tree.push(*leaf);
        }
        tree.root()
    }

    /// PATH(m, D[n]) of RFC 6962 section 2.1.1, word for word.
    fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() < 2 {
            return Vec::new();
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        let (mut path, other) = if index < left.len() {
            (path(index, left), right)
        } else {
            (path(index - left.len(), right), left)
        };
        path.push(root(other));
        path
    }

    /// SUBPROOF(m, D[n], b) of RFC 6962 section 2.1.2, word for word.
    fn subproof(old: usize, leaves: &[Hash], is_whole: bool) -> Vec<Hash> {
        if old == leaves.len() {
            return if is_whole { Vec::new() } else { vec![root(leaves)] };
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        let (mut path, other) = if old <= left.len() {
            (subproof(old, left, is_whole), right)
        } else {
            (subproof(old - left.len(), right, false), left)
        };
        path.push(root(other));
        path
    }

    /// Paths with one hash changed, missing, or too many.
    fn spoiled(path: &[Hash]) -> Vec<Vec<Hash>> {
        let mut others = Vec::new();
        for at in 0..path.len() {
            let mut other = path.to_vec();
            other[at][at % 32] ^= 1;
            others.push(other);
            let mut other = path.to_vec();
            other.remove(at);
            others.push(other);
            let mut other = path.to_vec();
            other.insert(at, path[at]);
            others.push(other);
        }
        others.push([path, &[[7; 32]]].concat());
        others
    }

    #[test]
    fn inclusion_by_definition_and_nothing_else() {
        for size in 1..=33_u64 {
            let leaves = leaves(size);
            let root = root(&leaves);
            for index in 0..size {
                let at = usize::try_from(index).unwrap();
                let (leaf, path) = (leaves[at], path(at, &leaves));
                assert!(includes(leaf, index, &path, size, root), "{index} of {size}");
                let before = (index > 0).then(|| self::root(&leaves[..at]));
                assert_eq!(root_before(index, &path, size), before, "{index} of {size}");
                for other in spoiled(&path) {
                    assert!(!includes(leaf, index, &other, size, root), "{index} of {size}");
                }
                for other in (0..size + 2).filter(|other| *other != index) {
                    assert!(!includes(leaf, other, &path, size, root), "{other} for {index}");
                }
                assert!(!includes(leaf, index, &path, size, leaf) || size == 1);
                assert!(!includes([1; 32], index, &path, size, root));
            }
        }
        assert!(!includes([0; 32], 0, &[], 0, [0; 32]));
        assert_eq!(root_before(3, &[[0; 32]], 3), None);
        assert!(!includes([0; 32], u64::MAX, &[[0; 32]; 70], u64::MAX, [0; 32]));
    }

    #[test]
    fn consistency_by_definition_and_nothing_else() {
        for size in 1..=33_u64 {
            let leaves = leaves(size);
            let new = root(&leaves);
            for old_size in 1..=size {
                let at = usize::try_from(old_size).unwrap();
                let (old, path) = (root(&leaves[..at]), subproof(at, &leaves, true));
                assert!(continues(old_size, old, size, new, &path), "{old_size} of {size}");
                for other in spoiled(&path) {
                    assert!(!continues(old_size, old, size, new, &other), "{old_size} of {size}");
                }
                assert!(!continues(old_size, [1; 32], size, new, &path));
                assert!(!continues(old_size, old, size, [1; 32], &path));
                for other in (0..size + 2).filter(|other| *other != old_size) {
                    assert!(!continues(other, old, size, new, &path), "{other} for {old_size}");
                }
            }
        }
        assert!(!continues(1, [0; 32], u64::MAX, [0; 32], &[[0; 32]; 70]));
    }
}
