//! The order of nodes: what depends on what, which wave a node belongs to, and the ring where there is one.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

/// An order in which every node comes after what it depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Order {
    /// Indices; independent nodes keep the author's order.
    pub(crate) sequence: Vec<usize>,
    /// Wave of each node: 0 for nodes that depend on nothing.
    pub(crate) waves: Vec<usize>,
}

/// Orders nodes by their dependencies (`dependencies[i]` are the nodes that `i` needs).
///
/// # Errors
/// A ring of nodes that need each other, closed: its first node is also its last.
pub(crate) fn order(dependencies: &[BTreeSet<usize>]) -> Result<Order, Vec<usize>> {
    let count = dependencies.len();
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (node, needed) in dependencies.iter().enumerate() {
        needed.iter().for_each(|needed| dependents[*needed].push(node));
    }
    let mut open: Vec<usize> = dependencies.iter().map(BTreeSet::len).collect();
    let mut waves = vec![0; count];
    let mut free: BinaryHeap<Reverse<usize>> = (0..count).filter(|node| open[*node] == 0).map(Reverse).collect();
    let mut sequence = Vec::with_capacity(count);
    while let Some(Reverse(node)) = free.pop() {
        sequence.push(node);
        for &dependent in &dependents[node] {
            waves[dependent] = waves[dependent].max(waves[node] + 1);
            open[dependent] -= 1;
            if open[dependent] == 0 {
                free.push(Reverse(dependent));
            }
        }
    }
    if sequence.len() == count { Ok(Order { sequence, waves }) } else { Err(ring(dependencies, &open)) }
}

/// A ring among the nodes that could not be ordered: follow needs until a node comes again.
fn ring(dependencies: &[BTreeSet<usize>], open: &[usize]) -> Vec<usize> {
    let mut walked: Vec<usize> = Vec::new();
    let mut here = open.iter().position(|left| *left > 0).unwrap_or(0);
    loop {
        if let Some(start) = walked.iter().position(|known| *known == here) {
            let mut ring = walked.split_off(start);
            ring.push(here);
            return ring;
        }
        walked.push(here);
        match dependencies[here].iter().find(|needed| open[**needed] > 0) {
            Some(next) => here = *next,
            None => return walked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sets(edges: &[&[usize]]) -> Vec<BTreeSet<usize>> {
        edges.iter().map(|needed| needed.iter().copied().collect()).collect()
    }

    #[test]
    fn keeps_the_authors_order_and_names_the_ring() {
        let diamond = order(&sets(&[&[1, 2], &[3], &[3], &[]])).expect("there is no ring");
        assert_eq!((diamond.sequence, diamond.waves), (vec![3, 1, 2, 0], vec![2, 1, 1, 0]));
        assert_eq!(order(&sets(&[&[], &[], &[]])).expect("there is no ring").sequence, [0, 1, 2]);
        assert_eq!(order(&sets(&[&[], &[3], &[1], &[2]])), Err(vec![1, 3, 2, 1]));
        assert_eq!(order(&sets(&[&[0]])), Err(vec![0, 0]));
    }

    proptest! {
        #[test]
        fn every_node_comes_after_what_it_needs(edges in proptest::collection::vec(proptest::collection::btree_set(0_usize..12, 0..4), 12)) {
            match order(&edges) {
                Ok(found) => {
                    let place = |node: usize| found.sequence.iter().position(|known| *known == node);
                    for (node, needed) in edges.iter().enumerate() {
                        for needed in needed {
                            prop_assert!(place(*needed) < place(node) && found.waves[*needed] < found.waves[node]);
                        }
                    }
                }
                Err(ring) => {
                    prop_assert!(ring.len() >= 2 && ring.first() == ring.last());
                    prop_assert!(ring.windows(2).all(|pair| edges[pair[0]].contains(&pair[1])));
                }
            }
        }
    }
}
