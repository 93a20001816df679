//! The tree of cancellation.
//!
//! A task has a node as soon as it submits work that belongs to it. Each such subtask holds its
//! task's node and reads one flag of it. A subtask that submits work itself has a node below that
//! node. Cancelling a node sets its flag and those of all nodes below it.
//!
//! A node outlives its task while subtasks hold it. A task that is over is not cancelled any more,
//! so the node stays in the tree only to pass on what is cancelled above it. When its task ends,
//! the node moves below its nearest ancestor that is not over. So a chain of tasks, in which each
//! submits the next and ends, does not become a chain of nodes.

use std::mem;
use std::sync::{Arc, Weak};

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};

/// What the subtasks of a task, or of a request, share: whether it is still wanted.
pub(crate) struct CancelNode {
    cancelled: AtomicBool,
    /// The task or request has ended. A thread that sees this also sees whether the task was cancelled
    /// before. A thread that does not see it yet keeps a longer chain.
    over: AtomicBool,
    links: Mutex<Links>,
}

struct Links {
    parent: Option<Arc<CancelNode>>,
    children: Vec<Weak<CancelNode>>,
}

impl CancelNode {
    /// Makes a node below `parent`. It is cancelled if its parent is.
    pub(crate) fn new(parent: Option<Arc<Self>>) -> Arc<Self> {
        let parent = Self::nearest_open(parent);
        let links = Links { parent: parent.clone(), children: Vec::new() };
        let node = Arc::new(Self {
            cancelled: AtomicBool::new(false),
            over: AtomicBool::new(false),
            links: Mutex::new(links),
        });
        if let Some(parent) = parent {
            parent.adopt(&node);
        }
        node
    }

    /// Returns whether this node, or one above it, was cancelled.
    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Marks this node as cancelled. [`cancel`](Self::cancel) has to follow.
    pub(crate) fn mark(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    pub(crate) fn cancel(self: &Arc<Self>) {
        let mut nodes = vec![Arc::clone(self)];
        while let Some(node) = nodes.pop() {
            let children = {
                let mut links = node.links.lock();
                node.mark();
                mem::take(&mut links.children)
            };
            nodes.extend(children.iter().filter_map(Weak::upgrade));
        }
    }

    /// Notes that the task or request has ended.
    pub(crate) fn end(self: &Arc<Self>) {
        self.over.store(true, Ordering::Release);
        let parent = self.links.lock().parent.clone();
        if !parent.as_ref().is_some_and(|parent| parent.is_over()) {
            return;
        }
        let parent = Self::nearest_open(parent);
        if let Some(parent) = &parent {
            parent.adopt(self);
        }
        let old = mem::replace(&mut self.links.lock().parent, parent);
        // Dropped without the lock: it may be the last reference to a chain.
        drop(old);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Returns the first node, from `node` upwards, that is not over.
    fn nearest_open(mut node: Option<Arc<Self>>) -> Option<Arc<Self>> {
        while let Some(over) = node.take_if(|node| node.is_over() && !node.is_cancelled()) {
            node.clone_from(&over.links.lock().parent);
        }
        node
    }

    fn adopt(&self, child: &Arc<Self>) {
        let cancelled = {
            let mut links = self.links.lock();
            let cancelled = self.is_cancelled();
            if !cancelled {
                if links.children.len() == links.children.capacity() {
                    links.children.retain(|child| child.strong_count() > 0);
                }
                links.children.push(Arc::downgrade(child));
            }
            cancelled
        };
        if cancelled {
            child.cancel();
        }
    }
}

impl Drop for CancelNode {
    /// Drops a chain of nodes one by one, so that a long one does not fill the stack.
    fn drop(&mut self) {
        let mut next = self.links.lock().parent.take();
        while let Some(node) = next.and_then(Arc::into_inner) {
            next = node.links.lock().parent.take();
        }
    }
}

/// Cancels a node when it is dropped, unless the node has ended.
#[cfg(feature = "tower")]
pub(crate) struct CancelOnDrop(pub(crate) Arc<CancelNode>);

#[cfg(feature = "tower")]
impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        if !self.0.is_over() {
            self.0.cancel();
        }
    }
}

#[cfg(all(test, not(millpond_loom)))]
mod tests {
    use super::*;

    fn below(parent: &Arc<CancelNode>) -> Arc<CancelNode> {
        CancelNode::new(Some(Arc::clone(parent)))
    }

    fn cancelled<const N: usize>(nodes: [&Arc<CancelNode>; N]) -> [bool; N] {
        nodes.map(|node| node.is_cancelled())
    }

    #[test]
    fn what_is_below_is_cancelled_and_nothing_else() {
        let root = CancelNode::new(None);
        let (left, right) = (below(&root), below(&root));
        let leaf = below(&left);
        left.cancel();
        assert_eq!(cancelled([&root, &left, &right, &leaf]), [false, true, false, true]);
        assert!(below(&leaf).is_cancelled(), "what comes later too");
        root.cancel();
        assert!(right.is_cancelled());
    }

    #[test]
    fn a_node_that_is_over_passes_on_what_is_cancelled_above() {
        let root = CancelNode::new(None);
        let middle = below(&root);
        let before = below(&middle);
        middle.end();
        let after = below(&middle);
        let later = below(&before);
        before.end();
        assert_eq!(cancelled([&middle, &before, &after, &later]), [false; 4]);
        drop((middle, before));
        root.cancel();
        assert_eq!(cancelled([&after, &later]), [true; 2]);
    }

    #[test]
    fn what_is_cancelled_stays_so_when_it_is_over() {
        let root = CancelNode::new(None);
        root.cancel();
        root.end();
        let child = below(&root);
        child.end();
        drop(root);
        assert!(below(&child).is_cancelled());
    }

    fn ancestors(node: &Arc<CancelNode>) -> usize {
        let mut count = 0;
        let mut next = node.links.lock().parent.clone();
        while let Some(node) = next {
            count += 1;
            next = node.links.lock().parent.clone();
        }
        count
    }

    /// Each task ends before its subtask has a node, or while the subtask runs, or one later.
    #[test]
    fn a_chain_of_tasks_that_end_does_not_become_a_chain_of_nodes() {
        for lag in 0..3 {
            let mut alive = std::collections::VecDeque::from([CancelNode::new(None)]);
            for _ in 0..1_000 {
                let last = alive.back().cloned();
                if alive.len() > lag {
                    alive.pop_front().inspect(CancelNode::end);
                }
                alive.push_back(CancelNode::new(last));
                assert!(ancestors(&alive[alive.len() - 1]) <= lag + 1);
            }
        }
    }

    #[test]
    fn a_task_with_many_subtasks_one_after_another_does_not_keep_them() {
        let root = CancelNode::new(None);
        (0..10_000).for_each(|_| below(&root).end());
        assert!(root.links.lock().children.capacity() <= 8);
    }

    #[test]
    fn a_deep_tree_is_cancelled_and_dropped_without_recursion() {
        let root = CancelNode::new(None);
        let mut leaf = Arc::clone(&root);
        for _ in 0..200_000 {
            leaf = below(&leaf);
        }
        root.cancel();
        assert!(leaf.is_cancelled());
        drop(root);
        drop(leaf);
    }

    #[test]
    fn a_child_that_comes_while_its_parent_is_cancelled_is_cancelled() {
        for _ in 0..1_000 {
            let root = CancelNode::new(None);
            let middle = below(&root);
            let leaf = std::thread::scope(|scope| {
                scope.spawn(|| root.cancel());
                scope.spawn(|| middle.end());
                below(&middle)
            });
            assert!(leaf.is_cancelled());
        }
    }
}
