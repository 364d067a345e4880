//! Which nodes of the tree a proof needs, and their hashes, found in one walk over the leaves.
//!
//! Source: RFC 6962 sections 2.1.1 and 2.1.2.

use crate::audit::tree::{Hash, node_hash};
use std::collections::BTreeMap;

/// A run of leaves: the first, and the one after the last.
pub(super) type Run = (u64, u64);

/// A complete subtree: its height, and its place among those of that height.
type Node = (u32, u64);

/// The largest power of two below `n`, for `n` of at least 2.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// The runs whose roots are the audit path of leaf `index` in the tree of `size`, from the leaf's sibling up.
pub(super) fn inclusion(index: u64, size: u64) -> Vec<Run> {
    let (mut begin, mut end) = (0, size);
    let mut path = Vec::new();
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            path.push((middle, end));
            end = middle;
        } else {
            path.push((begin, middle));
            begin = middle;
        }
    }
    path.reverse();
    path
}

/// The runs whose roots show that the tree of `new` continues that of `old`.
pub(super) fn consistency(old: u64, new: u64) -> Vec<Run> {
    let mut path = Vec::new();
    if old == 0 || old >= new {
        return path;
    }
    let (mut begin, mut end) = (0, new);
    // SUBPROOF(m, D[n], b): the run of all old leaves is left out while it is the old tree itself.
    let mut is_old_tree = true;
    while end != old {
        let middle = begin + split(end - begin);
        if old <= middle {
            path.push((middle, end));
            end = middle;
        } else {
            path.push((begin, middle));
            begin = middle;
            is_old_tree = false;
        }
    }
    if !is_old_tree {
        path.push((begin, end));
    }
    path.reverse();
    path
}

/// The complete subtrees that make up a run, left to right.
fn parts((begin, end): Run) -> impl Iterator<Item = Node> {
    let mut begin = begin;
    std::iter::from_fn(move || {
        let left = end.checked_sub(begin).filter(|left| *left > 0)?;
        let height = left.ilog2();
        let node = (height, begin >> height);
        begin += 1 << height;
        Some(node)
    })
}

/// Nodes that are wanted, and their hashes as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Wanted(BTreeMap<Node, Option<Hash>>);

impl Wanted {
    /// Asks for the roots of runs.
    pub(super) fn add(&mut self, runs: &[Run]) {
        for run in runs {
            self.0.extend(parts(*run).map(|node| (node, None)));
        }
    }

    /// Root of a run that was asked for, once its leaves were seen.
    pub(super) fn root(&self, run: Run) -> Option<Hash> {
        let known: Option<Vec<Hash>> =
            parts(run).map(|node| self.0.get(&node).copied().flatten()).collect();
        let known = known?;
        let (last, before) = known.split_last()?;
        Some(before.iter().rev().fold(*last, |right, left| node_hash(left, &right)))
    }

    fn note(&mut self, node: Node, hash: Hash) {
        if let Some(wanted) = self.0.get_mut(&node) {
            *wanted = Some(hash);
        }
    }
}

/// A tree that grows leaf by leaf and remembers only what is wanted, and its right edge.
#[derive(Debug)]
pub(super) struct Growing<'a> {
    size: u64,
    peaks: Vec<Hash>,
    wanted: &'a mut Wanted,
}

impl<'a> Growing<'a> {
    /// A tree without leaves.
    pub(super) fn new(wanted: &'a mut Wanted) -> Self {
        Self { size: 0, peaks: Vec::new(), wanted }
    }

    /// Appends a leaf.
    pub(super) fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        self.wanted.note((0, self.size), hash);
        for height in 1..=self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node_hash(&left, &hash);
                self.wanted.note((height, self.size >> height), hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }
}
