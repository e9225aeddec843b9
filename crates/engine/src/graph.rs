//! What comes before what: an order of nodes along their dependencies, and who may begin when.
//!
//! Nodes are numbers; what they stand for is the caller's to know. Everything here is linear in nodes and edges.

/// Nodes and what each depends on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    dependencies: Vec<Vec<usize>>,
}

/// A circle of nodes, each of which depends on the next, and the last on the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Circle(pub(crate) Vec<usize>);

/// What to do when a circle is met.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Circles {
    /// Answer it.
    Fault,
    /// Leave out the edge that closes it.
    Break,
}

impl Graph {
    /// So many nodes without dependencies.
    pub(crate) fn new(nodes: usize) -> Self {
        Self { dependencies: vec![Vec::new(); nodes] }
    }

    /// One node more; answers its number.
    pub(crate) fn add_node(&mut self) -> usize {
        self.dependencies.push(Vec::new());
        self.dependencies.len() - 1
    }

    /// `dependent` comes after `dependency`.
    pub(crate) fn add_edge(&mut self, dependent: usize, dependency: usize) {
        self.dependencies[dependent].push(dependency);
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.dependencies.len()
    }

    /// What a node depends on directly.
    pub(crate) fn dependencies(&self, node: usize) -> &[usize] {
        &self.dependencies[node]
    }

    /// The same nodes with every edge the other way round.
    pub(crate) fn reversed(&self) -> Self {
        let mut reversed = Self::new(self.len());
        for (dependent, dependencies) in self.dependencies.iter().enumerate() {
            for dependency in dependencies {
                reversed.add_edge(*dependency, dependent);
            }
        }
        reversed
    }

    /// All nodes, dependencies before dependents, and apart from that in the order of their numbers.
    pub(crate) fn order(&self) -> Result<Vec<usize>, Circle> {
        self.visit(0..self.len(), Circles::Fault)
    }

    /// The same, where an edge that closes a circle does not count.
    pub(crate) fn order_without_circles(&self) -> Vec<usize> {
        self.visit(0..self.len(), Circles::Break).unwrap_or_default()
    }

    /// The same nodes without the edges that close circles.
    pub(crate) fn without_circles(self) -> Self {
        if self.order().is_ok() {
            return self;
        }
        let mut rank = vec![0; self.len()];
        for (place, node) in self.order_without_circles().into_iter().enumerate() {
            rank[node] = place;
        }
        let mut graph = Self::new(self.len());
        for (dependent, dependencies) in self.dependencies.iter().enumerate() {
            for dependency in dependencies.iter().filter(|before| rank[**before] < rank[dependent]) {
                graph.add_edge(dependent, *dependency);
            }
        }
        graph
    }

    /// These nodes and everything that they depend on, dependencies before dependents.
    pub(crate) fn closure(&self, roots: impl Iterator<Item = usize>) -> Vec<usize> {
        self.visit(roots, Circles::Break).unwrap_or_default()
    }

    /// Depth first with a stack of its own, since a chain of dependencies may be longer than the program's stack.
    fn visit(&self, roots: impl Iterator<Item = usize>, circles: Circles) -> Result<Vec<usize>, Circle> {
        #[derive(Clone, Copy, PartialEq, Eq)]
        enum Mark {
            New,
            Open,
            Done,
        }
        let mut marks = vec![Mark::New; self.len()];
        let mut order = Vec::with_capacity(self.len());
        let mut path: Vec<(usize, usize)> = Vec::new();
        for root in roots {
            if marks[root] != Mark::New {
                continue;
            }
            marks[root] = Mark::Open;
            path.push((root, 0));
            while let Some((node, next)) = path.last_mut() {
                let node = *node;
                let Some(dependency) = self.dependencies[node].get(*next).copied() else {
                    marks[node] = Mark::Done;
                    order.push(node);
                    path.pop();
                    continue;
                };
                *next += 1;
                match marks[dependency] {
                    Mark::New => {
                        marks[dependency] = Mark::Open;
                        path.push((dependency, 0));
                    }
                    Mark::Open if circles == Circles::Fault => {
                        let begin = path.iter().position(|(on, _)| *on == dependency).unwrap_or(0);
                        return Err(Circle(path[begin..].iter().map(|(on, _)| *on).collect()));
                    }
                    Mark::Open | Mark::Done => {}
                }
            }
        }
        Ok(order)
    }
}

/// Who may begin when, while a graph without circles is worked through.
#[derive(Debug)]
pub(crate) struct Schedule {
    dependents: Graph,
    missing: Vec<usize>,
    ready: std::collections::BTreeSet<usize>,
}

impl Schedule {
    pub(crate) fn new(graph: &Graph) -> Self {
        let missing: Vec<usize> = graph.dependencies.iter().map(Vec::len).collect();
        let ready = (0..graph.len()).filter(|node| missing[*node] == 0).collect();
        Self { dependents: graph.reversed(), missing, ready }
    }

    /// The next node all of whose dependencies are done: the one with the lowest number. Each is answered once.
    pub(crate) fn next(&mut self) -> Option<usize> {
        self.ready.pop_first()
    }

    /// A node is done; those that waited only for it are ready.
    pub(crate) fn done(&mut self, node: usize) {
        for dependent in self.dependents.dependencies(node) {
            self.missing[*dependent] -= 1;
            if self.missing[*dependent] == 0 {
                self.ready.insert(*dependent);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn graph(nodes: usize, edges: &[(usize, usize)]) -> Graph {
        let mut graph = Graph::new(nodes);
        for (dependent, dependency) in edges {
            graph.add_edge(*dependent, *dependency);
        }
        graph
    }

    fn is_before(order: &[usize], graph: &Graph) -> bool {
        let mut place = vec![usize::MAX; graph.len()];
        for (i, node) in order.iter().enumerate() {
            place[*node] = i;
        }
        (0..graph.len())
            .all(|node| graph.dependencies(node).iter().all(|before| place[*before] < place[node]))
    }

    proptest! {
        #[test]
        fn every_node_comes_once_and_after_all_that_it_depends_on(
            nodes in 1_usize..60,
            edges in prop::collection::vec((0_usize..60, 0_usize..60), 0..200),
            names in any::<prop::sample::Index>(),
        ) {
            // Edges from higher to lower ranks make no circle; ranks are numbers turned round, so that order is not numbering.
            let turn = names.index(nodes);
            let edges: Vec<_> = edges
                .into_iter()
                .filter(|(a, b)| a < &nodes && b < &nodes && a != b)
                .map(|(a, b)| ((a.max(b) + turn) % nodes, (a.min(b) + turn) % nodes))
                .collect();
            let graph = graph(nodes, &edges);
            let order = graph.order().unwrap();
            prop_assert_eq!(order.len(), nodes);
            prop_assert!(is_before(&order, &graph));
            prop_assert!(is_before(&graph.order_without_circles(), &graph));
            let mut schedule = Schedule::new(&graph);
            let mut scheduled = Vec::new();
            while let Some(node) = schedule.next() {
                scheduled.push(node);
                schedule.done(node);
            }
            prop_assert_eq!(scheduled.len(), nodes);
            prop_assert!(is_before(&scheduled, &graph));
        }

        #[test]
        fn a_circle_is_answered_whole_or_broken(
            nodes in 1_usize..40,
            edges in prop::collection::vec((0_usize..40, 0_usize..40), 0..120),
        ) {
            let edges: Vec<_> = edges.into_iter().filter(|(a, b)| a < &nodes && b < &nodes).collect();
            let graph = graph(nodes, &edges);
            prop_assert_eq!(graph.order_without_circles().len(), nodes);
            prop_assert!(graph.clone().without_circles().order().is_ok());
            match graph.order() {
                Ok(order) => prop_assert!(is_before(&order, &graph)),
                Err(Circle(circle)) => {
                    for (i, node) in circle.iter().enumerate() {
                        let next = circle[(i + 1) % circle.len()];
                        prop_assert!(graph.dependencies(*node).contains(&next));
                    }
                }
            }
        }
    }

    #[test]
    fn a_chain_of_a_hundred_thousand_is_no_trouble() {
        let edges: Vec<_> = (1..100_000).map(|i| (i - 1, i)).collect();
        assert_eq!(graph(100_000, &edges).order().unwrap()[0], 99_999);
    }
}
