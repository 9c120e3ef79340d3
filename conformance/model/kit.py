#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Breadth-first search shared by the models. A model gives `init` and `step(state)`; step yields
('go', event, next_state) for a legal move and ('bad', law, event) for a broken law, ('end',) where a final state is judged. The first history that breaks a law is the shortest one.
A case says what must come out: expect=None (every law holds, search complete) or the beginning of the law that must break."""
import sys, time
from collections import deque

ends = [0]                                                # how often a final state was judged: a law that holds because nothing was judged is no law
def search(init, step, limit=1_500_000, stop=None):
    """stop: end the search as soon as a law that starts with it is broken"""
    par, todo, bad = {init: None}, deque([init]), {}
    def trace(s):
        out = []
        while par[s]: out.append(par[s][1]); s = par[s][0]
        return out[::-1]
    while todo:
        if len(par) >= limit: return len(par), bad, False
        s = todo.popleft()
        for m in step(s):
            if m[0] == 'end': ends[0] += 1
            elif m[0] == 'go':
                if m[2] not in par: par[m[2]] = (s, m[1]); todo.append(m[2])
            elif m[1] not in bad:
                bad[m[1]] = trace(s) + [m[2]]
                if stop and m[1].startswith(stop): return len(par), bad, True
    return len(par), bad, True

def main(cases, run, doc):
    """cases: (item, name, config, expect); run(config) -> states, bad, complete. Arguments: -v shows histories, words select cases by name or item."""
    words = [w for w in sys.argv[1:] if not w.startswith('-')]; verbose = '-v' in sys.argv
    wrong, total, t0 = 0, 0, time.time()
    print(doc.strip().splitlines()[0])
    for item, name, cfg, expect in cases:
        if words and not any(w in name or w == item for w in words): continue
        t = time.time(); ends[0] = 0; n, bad, complete = run(cfg, None if verbose else expect); total += 1
        hit = next((k for k in bad if expect and k.startswith(expect)), None)
        good = (not bad and complete) if expect is None else hit is not None
        wrong += not good
        say = ('holds' if complete else 'NOT COMPLETE') if not bad else 'breaks: ' + (hit or ', '.join(bad))
        print(f"{'  ' if good else '! '}[{item}] {name}: {say} ({n} states, {f'{ends[0]} ends judged, ' if ends[0] else ''}{time.time()-t:.1f}s)")
        if verbose or not good:
            for k, tr in bad.items(): print('        ', k); [print('             ', i+1, e) for i, e in enumerate(tr)]
        sys.stdout.flush()
    print(f'{total} cases, {wrong} not as expected, {time.time()-t0:.0f}s')
    return 1 if wrong else 0
