//! The tests of the stack once more, in a program whose thread-locals take 24 KiB: with glibc and musl they come out
//! of each stack.

use std::cell::RefCell;

#[path = "pool/stack.rs"]
mod stack;
mod support;

// Three quarters of the least stack. Without a use they would not be in the program.
thread_local!(static LARGE: RefCell<[u8; 24 * 1024]> = const { RefCell::new([0; 24 * 1024]) });

#[test]
fn the_thread_locals_are_there() {
    LARGE.with_borrow_mut(|bytes| bytes.fill(1));
}
