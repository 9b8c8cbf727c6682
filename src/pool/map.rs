//! What `map` returns: a [`Map`] that submits inputs while results are asked for.

use std::collections::VecDeque;
use std::fmt;
use std::iter::Fuse;

use super::error::TaskError;
use super::handle::ScopedHandle;

/// The iterator that [`Executor::map`](super::Executor::map) returns: a result for each input, in the order of the
/// inputs.
///
/// Dropping it cancels what has not started. A panic in what is left is never seen: to drop the iterator is to decide
/// not to look.
///
/// # Examples
///
/// ```
/// let pool = pool_recipes::Executor::new(2)?;
/// let mut inverses = pool.map([1_u32, 0, 2], |n| 100 / n);
/// assert_eq!(inverses.next().unwrap()?, 100);
/// assert!(inverses.next().unwrap().is_err()); // the division by zero; the rest follow
/// assert_eq!(inverses.next().unwrap()?, 50);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a map submits nothing until its results are asked for"]
pub struct Map<'pool, 'scope, I: Iterator, T> {
    /// What has not been submitted.
    inputs: Fuse<I>,
    /// Submits one input to the pool.
    submit: Box<dyn Fn(I::Item) -> ScopedHandle<'scope, T> + Send + Sync + 'pool>,
    /// What has been submitted and not yielded, in the order of the inputs.
    in_flight: VecDeque<ScopedHandle<'scope, T>>,
    /// How many `in_flight` may hold.
    buffer_size: usize,
}

impl<'pool, 'scope, I: Iterator, T> Map<'pool, 'scope, I, T> {
    pub(crate) fn new(
        inputs: I,
        buffer_size: usize,
        submit: impl Fn(I::Item) -> ScopedHandle<'scope, T> + Send + Sync + 'pool,
    ) -> Self {
        Self { inputs: inputs.fuse(), submit: Box::new(submit), in_flight: VecDeque::new(), buffer_size }
    }

    /// Set how many inputs may be submitted whose results are not yet yielded.
    ///
    /// The default is twice the number of workers: while one result is looked at, every worker has something to do
    /// next. But the results come in order, so while one input takes a long time, at most `n - 1` others are submitted
    /// after it. Give uneven work a larger buffer. The input that the caller waits for is always submitted, so 0 is as
    /// good as 1.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = pool_recipes::Executor::new(4)?;
    /// // At most 16 results are in memory, however slowly they are looked at.
    /// let lengths = pool.map(0..1000, |n| vec![n; 100_000]).buffer_size(16).take(20);
    /// assert_eq!(lengths.filter_map(Result::ok).count(), 20);
    /// # Ok::<(), pool_recipes::BuildError>(())
    /// ```
    pub fn buffer_size(mut self, n: usize) -> Self {
        self.buffer_size = n;
        self
    }
}

impl<I: Iterator, T> Iterator for Map<'_, '_, I, T> {
    type Item = Result<T, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.in_flight.len() < self.buffer_size.max(1) {
            let Some(input) = self.inputs.next() else { break };
            self.in_flight.push_back((self.submit)(input));
        }
        self.in_flight.pop_front().map(ScopedHandle::result)
    }
}

impl<I: Iterator, T> fmt::Debug for Map<'_, '_, I, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map").field("buffer_size", &self.buffer_size).finish_non_exhaustive()
    }
}

/// Nobody will read what is still in flight.
impl<I: Iterator, T> Drop for Map<'_, '_, I, T> {
    fn drop(&mut self) {
        for handle in &self.in_flight {
            handle.cancel();
        }
    }
}
