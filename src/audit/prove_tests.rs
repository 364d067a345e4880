use super::nodes::Run;
use super::*;

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
}

/// RFC 6962 section 2.1, as written there.
fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Frontier::default().root(),
        [one] => *one,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            super::super::tree::node_hash(&root_of(&leaves[..split]), &root_of(&leaves[split..]))
        }
    }
}

/// PATH of section 2.1.1, as written there.
fn path_of(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let split = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(split);
    let (mut path, other) = if index < split {
        (path_of(index, left), root_of(right))
    } else {
        (path_of(index - split, right), root_of(left))
    };
    path.push(other);
    path
}

/// SUBPROOF of section 2.1.2, as written there.
fn subproof(old: usize, leaves: &[Hash], is_old_tree: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if is_old_tree { Vec::new() } else { vec![root_of(leaves)] };
    }
    let split = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(split);
    let (mut path, other) = if old <= split {
        (subproof(old, left, is_old_tree), root_of(right))
    } else {
        (subproof(old - split, right, false), root_of(left))
    };
    path.push(other);
    path
}

fn found(runs: &[Run], leaves: &[Hash]) -> Vec<Hash> {
    let mut wanted = Wanted::default();
    wanted.add(runs);
    let mut tree = Growing::new(&mut wanted);
    for leaf in leaves {
        tree.push(*leaf);
    }
    hashes(&wanted, runs).unwrap()
}

/// Every proof that is not the right one: another hash, one more, one less, two exchanged.
fn spoilt(path: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = vec![[path, &[[7; 32]]].concat(), [&[[7; 32]], path].concat()];
    for at in 0..path.len() {
        let mut other = path.to_vec();
        other[at][at % 32] ^= 1;
        all.push(other);
        all.push([&path[..at], &path[at + 1..]].concat());
        if at > 0 && path[at] != path[at - 1] {
            let mut swapped = path.to_vec();
            swapped.swap(at, at - 1);
            all.push(swapped);
        }
    }
    all
}

#[test]
fn every_inclusion_is_that_of_the_definition_and_checks() {
    for size in 1..=70_u64 {
        let leaves = leaves(size);
        let root = root_of(&leaves);
        for index in 0..size {
            let path = found(&inclusion(index, size), &leaves);
            let at = usize::try_from(index).unwrap();
            assert_eq!(path, path_of(at, &leaves), "{index} of {size}");
            let leads = |leaf, index, size, path: &[Hash]| {
                inclusion_root(leaf, index, size, path) == Some(root)
            };
            assert!(leads(leaves[at], index, size, &path));
            for other in spoilt(&path) {
                assert!(!leads(leaves[at], index, size, &other), "{index} of {size}");
            }
            let near = if size > 24 { index.saturating_sub(2)..=index + 2 } else { 0..=size + 2 };
            for other in near.filter(|other| *other != index) {
                assert!(!leads(leaves[at], other, size, &path), "{other} for {index} of {size}");
            }
            assert!(!leads([9; 32], index, size, &path));
        }
    }
}

#[test]
fn every_consistency_is_that_of_the_definition_and_checks() {
    let all = leaves(70);
    let roots: Vec<Hash> = (0..=70).map(|size| root_of(&all[..size])).collect();
    for new in 1..=70_usize {
        for old in 1..=new {
            let (from, to) = (old as u64, new as u64);
            let path = found(&consistency(from, to), &all[..new]);
            assert_eq!(path, subproof(old, &all[..new], true), "{old} to {new}");
            assert!(continues(from, &roots[old], to, &roots[new], &path), "{old} to {new}");
            for other in spoilt(&path) {
                assert!(!continues(from, &roots[old], to, &roots[new], &other), "{old} to {new}");
            }
            assert!(!continues(from, &[7; 32], to, &roots[new], &path));
            assert!(!continues(from, &roots[old], to, &[7; 32], &path));
            if old < new {
                assert!(!continues(to, &roots[new], from, &roots[old], &path), "backwards");
                assert!(!continues(from - 1, &roots[old], to, &roots[new], &path) || from == 1);
            }
        }
        assert!(continues(0, &roots[0], new as u64, &roots[new], &[]));
        assert!(!continues(0, &roots[0], new as u64, &roots[new], &[[1; 32]]));
    }
}

/// The examples of RFC 6962 section 2.1.3: a tree of seven leaves.
#[test]
fn the_examples_of_the_rfc() {
    assert_eq!(inclusion(0, 7), [(1, 2), (2, 4), (4, 7)]);
    assert_eq!(inclusion(3, 7), [(2, 3), (0, 2), (4, 7)]);
    assert_eq!(inclusion(4, 7), [(5, 6), (6, 7), (0, 4)]);
    assert_eq!(inclusion(6, 7), [(4, 6), (0, 4)]);
    assert_eq!(consistency(3, 7), [(2, 3), (3, 4), (0, 2), (4, 7)]);
    assert_eq!(consistency(4, 7), [(4, 7)]);
    assert_eq!(consistency(6, 7), [(4, 6), (6, 7), (0, 4)]);
}
