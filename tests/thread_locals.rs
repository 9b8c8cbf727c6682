//! The tests of the stack once more, in a program whose thread-locals take 24 KiB: with glibc and musl they come out
//! of each stack.

use std::cell::RefCell;

#[path = "pool/stack.rs"]
mod stack;

/// The least, the recipe's, the default.
const STACKS: [usize; 3] = [32_768, 65_536, 2 * 1024 * 1024];

// Three quarters of the least stack. Without a use they would not be in the program.
thread_local!(static LARGE: RefCell<[u8; 24 * 1024]> = const { RefCell::new([0; 24 * 1024]) });

#[test]
fn the_thread_locals_are_there() {
    LARGE.with_borrow_mut(|bytes| bytes.fill(1));
}
