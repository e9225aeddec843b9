//! Sequences beside each other: which elements are the same, which changed, which are new and which are gone.

use value::{Kind, Value};

/// Sequences up to this length are compared in the best way; beyond it place by place, since the best way takes time by the square of
/// the length.
const BEST_WAY_MAX: usize = 400;

/// An element before and after: one of them is missing where it is new or gone.
pub type Pair<'v> = (Option<&'v Value>, Option<&'v Value>);

/// Elements beside each other, in the order of both. `by_place`: sequences of one length are compared place by place.
#[must_use]
pub fn pairs<'v>(before: &'v [Value], after: &'v [Value], by_place: bool) -> Vec<Pair<'v>> {
    if by_place && before.len() == after.len() {
        return before.iter().zip(after).flat_map(at_one_place).collect();
    }
    if before.len() > BEST_WAY_MAX || after.len() > BEST_WAY_MAX {
        let longest = before.len().max(after.len());
        return (0..longest).map(|at| (before.get(at), after.get(at))).collect();
    }
    let is_one = |a: &Value, b: &Value| is_composite(a) && is_composite(b);
    aligned(before, after, &is_one)
        .into_iter()
        .map(|(i, j)| (i.map(|i| &before[i]), j.map(|j| &after[j])))
        .collect()
}

/// Two values of one sort are one that changed; of two sorts, one that went and one that came.
fn at_one_place<'v>((before, after): (&'v Value, &'v Value)) -> Vec<Pair<'v>> {
    if before == after || sort(before) == sort(after) {
        vec![(Some(before), Some(after))]
    } else {
        vec![(Some(before), None), (None, Some(after))]
    }
}

fn sort(value: &Value) -> u8 {
    match value.kind() {
        Kind::Null(_) | Kind::Unknown(_) => 0,
        Kind::Bool(_) => 1,
        Kind::Number(_) => 2,
        Kind::String(_) => 3,
        Kind::List(..) | Kind::Set(..) | Kind::Tuple(_) => 4,
        Kind::Map(..) | Kind::Object(_) => 5,
    }
}

fn is_composite(value: &Value) -> bool {
    matches!(value.kind(), Kind::Object(_) | Kind::Map(..))
}

/// Lines beside each other, in the order of both.
#[must_use]
pub fn lines<'t>(before: &[&'t str], after: &[&'t str]) -> Vec<(Option<&'t str>, Option<&'t str>)> {
    aligned(before, after, &|_, _| false)
        .into_iter()
        .map(|(i, j)| (i.map(|i| before[i]), j.map(|j| after[j])))
        .collect()
}

/// The places of elements beside each other, by the longest sequence that both have in common. `is_one`: whether two that are not the
/// same are one that changed.
fn aligned<T: PartialEq>(
    before: &[T],
    after: &[T],
    is_one: &dyn Fn(&T, &T) -> bool,
) -> Vec<(Option<usize>, Option<usize>)> {
    let (rows, columns) = (before.len() + 1, after.len() + 1);
    let mut lengths = vec![0_usize; rows * columns];
    for i in (0..before.len()).rev() {
        for j in (0..after.len()).rev() {
            lengths[i * columns + j] = if before[i] == after[j] {
                lengths[(i + 1) * columns + j + 1] + 1
            } else {
                lengths[(i + 1) * columns + j].max(lengths[i * columns + j + 1])
            };
        }
    }
    let mut out = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < before.len() || j < after.len() {
        let both = i < before.len() && j < after.len();
        if both && before[i] == after[j] {
            out.push((Some(i), Some(j)));
            (i, j) = (i + 1, j + 1);
        } else if j >= after.len() || (both && lengths[(i + 1) * columns + j] >= lengths[i * columns + j + 1])
        {
            let goes_on = lengths.get((i + 1) * columns + j + 1);
            if both && is_one(&before[i], &after[j]) && lengths.get((i + 1) * columns + j) == goes_on {
                out.push((Some(i), Some(j)));
                (i, j) = (i + 1, j + 1);
            } else {
                out.push((Some(i), None));
                i += 1;
            }
        } else {
            out.push((None, Some(j)));
            j += 1;
        }
    }
    out
}
