#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Compaction and archive: every order of the micro-steps, a crash after each, every legal image of what was not synced, and a reader beside it.
Bounds: two finished segments, a checkpoint in a segment of its own, one crash, one reader. Exit code 1: a rule does not hold, or a mutant of it does."""
import itertools
import sys

OPEN, FINISHED = {'run3.open', 'run3.rest'}, {'run1', 'run2'}
FULL = OPEN | FINISHED
SEG = {'seg1': {'run1'}, 'seg2': {'run2', 'run3.open', 'run3.rest'}}


def subsets(items):
    return itertools.chain.from_iterable(itertools.combinations(items, n) for n in range(len(items) + 1))


def images(done):
    """C the checkpoint's group is written, F it is synced, X1 X2 a segment is unlinked, D the folder is synced. -> (segments that are left, what the checkpoint is)"""
    checkpoint = ['none'] if 'C' not in done else ['whole'] if 'F' in done and done.index('F') > done.index('C') else ['none', 'torn', 'whole']
    settled = done[:len(done) - done[::-1].index('D')] if 'D' in done else []
    gone = {x for x in settled if x in ('X1', 'X2')}
    loose = [x for x in done if x in ('X1', 'X2') and x not in gone]
    for more in subsets(loose):
        left = {s for s, x in (('seg1', 'X1'), ('seg2', 'X2')) if x not in gone | set(more)}
        for state in checkpoint:
            yield left, state


def recover(left, checkpoint, carries_open=True, believes_torn=False):
    """The log is what is below as long as it is whole; else it begins at a whole checkpoint."""
    if left == set(SEG):
        return set().union(*SEG.values())
    if checkpoint == 'whole':
        return FINISHED | (OPEN if carries_open else set())
    if checkpoint == 'torn' and believes_torn:
        return set(FINISHED)
    return None


def safe_orders(**rule):
    safe = []
    for order in itertools.permutations(['C', 'F', 'X1', 'X2', 'D']):
        if order.index('C') > order.index('F'):
            continue
        if all(recover(left, state, **rule) == FULL for cut in range(len(order) + 1) for left, state in images(list(order[:cut]))):
            safe.append(order)
    return safe


def forced(orders):
    steps = ['C', 'F', 'X1', 'X2', 'D']
    return sorted(f'{a}<{b}' for a in steps for b in steps if a != b and orders and all(o.index(a) < o.index(b) for o in orders))


def archive_orders():
    """C copy, S sync the copy, N name it, B sync the archive's folder, U unlink the source. Safe: a crash anywhere leaves the source, or a whole named copy."""
    safe = []
    for order in itertools.permutations('CSNBU'):
        if order.index('C') > order.index('S') or order.index('C') > order.index('N') or order.index('N') > order.index('B'):
            continue
        ok = True
        for cut in range(len(order) + 1):
            done = order[:cut]
            names = ['no'] if 'N' not in done else ['yes'] if 'B' in done else ['yes', 'no']
            data = ['whole'] if 'S' in done else ['torn', 'whole']
            sources = ['there'] if 'U' not in done else ['there', 'gone']
            for name, datum, source in itertools.product(names, data, sources):
                if name == 'yes' and datum == 'torn' or source == 'gone' and name == 'no':
                    ok = False
        if ok:
            safe.append(''.join(order))
    return safe


def reader_misses(order, opens_late, drops):
    """A reader lists folder F and archive A in this order, opens what it listed (or, late, when it gets there) and reads seg1, seg2; the owner archives (or drops) both
    between any two of its steps. -> what can go wrong: a hole, or a history that begins in the middle of what it had read"""
    steps = list(order) + (['r1', 'r2'] if opens_late else ['o', 'r1', 'r2'])
    bad = set()
    for at1, at2 in itertools.combinations_with_replacement(range(len(steps) + 1), 2):
        folder, archive, listed, opened, read = {'seg1', 'seg2'}, set(), set(), set(), []
        for i in range(len(steps) + 1):
            for at, segment in ((at1, 'seg1'), (at2, 'seg2')):
                if at == i:
                    if not drops:
                        archive.add(segment)
                    folder.discard(segment)
            if i == len(steps):
                break
            step = steps[i]
            if step == 'F': listed |= folder
            elif step == 'A': listed |= archive
            elif step == 'o': opened = {s for s in listed if s in folder | archive}
            else:
                segment = 'seg' + step[1]
                there = segment in opened if not opens_late else segment in listed and segment in folder | archive
                read.append(there)
        if read == [False, True] and not drops or read == [True, False] or read == [False, False] and not drops:
            bad.add(str(read))
    return bad


def main():
    wrong = 0

    def expect(what, holds):
        nonlocal wrong
        wrong += not holds
        print(('  ' if holds else '! ') + what)

    orders = safe_orders()
    expect(f'a checkpoint in the log: {len(orders)} orders are safe, forced: {forced(orders)}', bool(orders) and forced(orders) == ['C<F', 'C<X1', 'C<X2', 'F<X1', 'F<X2'])
    expect('a checkpoint of finished runs alone: no order is safe', not safe_orders(carries_open=False))
    expect('a torn checkpoint that is believed: no order that drops before the sync is safe', all(o.index('F') < min(o.index('X1'), o.index('X2')) for o in safe_orders(believes_torn=True)))
    expect(f'an archive: {archive_orders()}', archive_orders() == ['CSNBU'])
    expect('a reader that lists the folder, then the archive, and opens before it reads: no hole', not reader_misses('FA', False, False))
    expect('the archive first: a hole', bool(reader_misses('AF', False, False)))
    expect('dropped without an archive, opened before it is read: a whole history, or begins anew before it has read anything', not reader_misses('FA', False, True))
    expect('dropped without an archive, opened late: a hole', bool(reader_misses('FA', True, True)))
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
