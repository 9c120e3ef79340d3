#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""runs_model.py: runs of one scope: already done, settle first, lost COMMIT, rollback by stored version, sinks without atomic batches (items 1, 2, 6, 7, 8).
Bounds: scripts of 2 to 6 commands (sweeps: every script of 3 or 4), one owner at a time, at most 2 crashes (between any two log appends or sink calls; the client then retries
the same trigger or gives up), 1 late sink request, 1 cut of the log at any group at or above the sink's witness, or 1 loss below it with accept-loss; 3 business keys, 2 effects a
run, attempts limit 2. The log is perfect apart from the cut. The sink is the SET sink: current = highest order that is not withdrawn; order = (incarnation, LSN of PLAN).
Oracle: `spec`, the serial meaning of the commands that were accepted, written apart from the updater; also: no two runs with one id, no acknowledged run or undo lost, nothing
current whose run the log does not know, current of a key never goes back but by a withdrawal, telemetry at least once, lineage the same every time.
Commands: ('t', trigger key, inputs, {options}), ('undo', i), ('rollback', business key, i), ('resume', i), ('deploy', version), ('gone', inputs), ('back', inputs), ('fix',);
i = index of a command. Inputs 'A' publish {'x': 'A'}; a tuple of pairs publishes itself. Options: force=True or the index that is forced past; fail, die, irreversible, flaky = the
effect at which the operation always fails, always kills its process, cannot be undone, or meets an error that passes.
Defaults are the proposed rules; a case "as written" switches one back to the words of a draft that was then mended."""
from collections import namedtuple
from kit import main, search
DEF = dict(newest='plan', noop='newest', pred='finished', hold='not abandoned', force='past', parked_same='answer', order='plan', settle='law', limit=2, retire='planned', crashes=1, late=0, cut=0, skip=True,
           commit_if_all_there=True, undo_withdraws='planned', lineage='pure', telemetry='cursor', sinkreg='head in DONE', rollback_any_version=True, rollback_retires=False,
           window=1, atomic=True, head='first', floor='late', partial=False, hold_by='key', accept=0, incarnation_in_id=True, noop_in='incarnation', script=(),
           outcome=None)                                      # hook of scripts.py: called as outcome(runs, visible) for every final state, before it is judged
Run = namedtuple('Run', 'rid cmd order key ver inp kind effs intent done status why atts fails lin finish')
WID = {}
def wal_id(*t): return WID.setdefault(t, len(WID)+1)
def pubs(inp): return tuple(sorted(inp)) if isinstance(inp, tuple) else (('x', inp),)

def fold(log, memo):
    if log in memo: return memo[log]
    rs, inc = {}, 0
    for n, g in enumerate(log):
        if g[0][0] == 'INC': inc += 100; continue
        n += inc
        for r in g:
            k, rid = r[0], r[1]
            if k == 'PLAN': rs[rid] = dict(rid=rid, cmd=r[2], order=n+1, key=r[3], ver=r[4], inp=r[5], kind=r[6], effs=r[7], intent={}, done={}, status='open', why=None, atts=0, fails=0, lin=False, finish=0); continue
            d = rs[rid]
            if k == 'INT': d['intent'][r[2]] = n+1
            elif k == 'DONE': d['done'][r[2]] = (n+1, r[3]); d['atts'] = 0
            elif k == 'ATT': d['atts'] += 1
            elif k == 'FAIL': d['fails'] += 1
            elif k == 'FAILED, NOT DEAD': d['atts'] = 0
            elif k == 'LIN': d['lin'] = True
            elif k == 'COMMIT': d['status'] = 'committed'; d['finish'] = n+1
            elif k == 'UNDO': d['status'] = 'undoing'; d['why'] = r[3]
            elif k == 'UNDONE': d['status'] = 'undone'; d['finish'] = n+1
            elif k == 'PARK': d['status'] = 'parked'
            elif k == 'RESUME': d['status'] = 'open'; d['atts'] = 0
    out = [Run(**{**d, 'intent': tuple(sorted(d['intent'].items())), 'done': tuple(sorted(d['done'].items()))}) for d in sorted(rs.values(), key=lambda d: d['order'])]
    memo[log] = out
    return out

def head(log): return len(log) + 100*sum(g[0][0] == 'INC' for g in log)     # (incarnation, lsn) in one number

def spec(script, acc, ended):
    """the serial meaning of the accepted commands. ended: command -> 'abandoned' | 'failed' | 'quarantined' | 'parked' as the log says -> runs [(cmd, status)], visible {key: content}"""
    runs = []
    for c in acc:
        cmd = script[c]
        if cmd[0] == 't':
            mine = [r for r in runs if r['key'] == cmd[1]]; new = mine[-1] if mine else None; f = cmd[3].get('force') if len(cmd) > 3 else None
            ver = max([int(x[1]) for x in script[:c] if x[0] == 'deploy'] or [1]); same = new and new['inp'] == cmd[2] and new['ver'] == ver
            forced = f is True or (f is not None and new and new['cmd'] == f)
            if same and new['status'] == 'committed' and not forced: continue
            if HOLD_BY[0] == 'inputs' and not forced:
                like = [r for r in runs if (r['inp'], r['ver']) == (cmd[2], ver)]
                if like and (like[-1]['status'] == 'undone' or any(r.get('over') == like[-1]['cmd'] and r['status'] == 'committed' for r in runs)): continue
            if same and new['status'] in ('undone', 'quarantined', 'failed', 'parked') and not forced: continue
            before = {k for r in runs for k, _ in r['p']}; p = dict(pubs(cmd[2]))
            runs.append(dict(cmd=c, key=cmd[1], inp=cmd[2], ver=ver, status=ended.get(c, 'committed'), p=tuple(p.items()) + tuple((k, None) for k in sorted(before - set(p)) if script_retires(script))))
        elif cmd[0] == 'rollback':
            src = next((r for r in runs if r['cmd'] == cmd[2]), None)
            if src: runs.append(dict(cmd=c, key=('rb', c), inp=None, ver=0, over=next((r['cmd'] for r in reversed(runs) if r['status'] == 'committed' and cmd[1] in dict(r['p'])), None), status=ended.get(c, 'committed'), p=((cmd[1], dict(src['p']).get(cmd[1])),)))
        elif cmd[0] == 'undo':
            for r in runs:
                if r['cmd'] == cmd[1] and r['status'] in ('committed', 'parked'): r['status'] = 'undone'
    vis = {}
    for r in runs:
        if r['status'] == 'committed': vis.update(r['p'])
    return [(r['cmd'], r['status']) for r in runs], {k: v for k, v in vis.items() if v is not None}
RETIRES, HOLD_BY = [True], ['key']
def script_retires(script): return RETIRES[0]

def run(over, stop):
    C = type('C', (), dict(DEF, **over)); script = tuple(C.script); memo = {}; RETIRES[0] = C.retire is not None; HOLD_BY[0] = C.hold_by; WID.clear()
    # sink: (witness lsn, {(bkey, order, rid, i, content, live)}, {(rid, lineage content)}, {rid with telemetry})
    sink0 = (0, frozenset(), frozenset(), frozenset())
    # state: pc, log, sink, process, world (version, gone), budgets (crashes, late, cut), accepted, acknowledged, in flight, this command has crashed, blocked deliveries
    init = (0, (), sink0, None, (1, frozenset()), (C.crashes, C.late, C.cut + C.accept), (), frozenset(), frozenset(), False, 0)
    opt = lambda r, k: (script[r.cmd][3].get(k) if script[r.cmd][0] == 't' and len(script[r.cmd]) > 3 else None)
    find = lambda sink, rid, i: next((e for e in sink[1] if e[2] == rid and e[3] == i), None)
    def cur(sink):
        out = {}
        for b, o, rid, i, c, live in sink[1]:
            if live and (b not in out or o > out[b][0]): out[b] = (o, c)
        return out
    def upsert(sink, r, i):
        if find(sink, r.rid, i): return sink
        b, c = r.effs[i]; return (sink[0], sink[1] | {(b, r.order if C.order == 'plan' else max([0] + [e[1] for e in sink[1]]) + 1, r.rid, i, c, True)}, *sink[2:])
    def withdraw(sink, r, i, head):
        e = find(sink, r.rid, i); b = r.effs[i][0]; new = (e[:5] if e else (b, r.order, r.rid, i, None)) + (False,)
        return (max(sink[0], head), (sink[1] - {e} if e else sink[1]) | {new}, *sink[2:])
    def advance(log, sink, world, r, life):
        """one micro-step of run r: list of (event, log, sink, outcome) with outcome go | failed | died | stuck | end"""
        L = head(log); ap = lambda *rec: log + (rec,); n = f'run of command {r.cmd}'; intent, done = dict(r.intent), dict(r.done)
        if r.status == 'undoing':
            todo = [i for i in reversed(range(len(r.effs))) if not (find(sink, r.rid, i) and not find(sink, r.rid, i)[5])]
            if C.undo_withdraws == 'intent': todo = [i for i in todo if i in intent]
            if todo:
                if opt(r, 'irreversible') == todo[0] and find(sink, r.rid, todo[0]): return [(f'{n}: undo stops at an irreversible step', log, sink, 'stuck')]
                return [(f'{n}: withdraws effect {todo[0]}, head {L}', log, withdraw(sink, r, todo[0], L), 'go')]
            return [(f'{n}: UNDONE ({r.why})', ap(('UNDONE', r.rid)), sink, 'end')]
        there = all(find(sink, r.rid, i) for i in range(len(r.effs)))
        needs = r.kind != 'rollback' or not C.rollback_any_version
        gone = needs and ((r.ver and r.ver != world[0]) or r.inp in world[1])
        if gone and not (C.commit_if_all_there and there): return [(f'{n}: inputs or code are gone, UNDO', ap(('UNDO', r.rid, None, 'abandoned')), sink, 'go')]
        left = [i for i in range(len(r.effs)) if i not in done]
        if left:
            wave = [i for i in left if i in intent] or left[:C.window]
            if wave[0] not in intent: return [(f'{n}: intent of {wave}', ap(*[('INT', r.rid, i) for i in wave]), sink, 'go')]
            miss = [i for i in wave if not find(sink, r.rid, i)]
            if miss:
                i = miss[0]
                fixed = world[1] and 'fixed' in world[1]
                if opt(r, 'die') == i and not fixed: return [(f'{n}: kills its process at effect {i}', log, sink, 'died')]
                if opt(r, 'fail') == i and not fixed: return [(f'{n}: operation {i} answers an error', log, sink, 'failed')]
                if r.kind == 'rollback' and not any(e[4] == r.effs[i][1] for e in sink[1]) and r.effs[i][1] is not None: return [(f'{n}: stored version is not there', log, sink, 'failed')]
                h = lambda s: (max(s[0], L), *s[1:])
                if C.atomic:
                    s2 = h(sink)
                    for j in miss: s2 = upsert(s2, r, j)
                    return [(f'{n}: upsert {[r.effs[j] for j in miss]}, head {L}', log, s2, 'go')]
                if C.head == 'first' and sink[0] < L: return [(f'{n}: sink stores head {L}', log, h(sink), 'go')]
                return [(f'{n}: sink stores effect {i} {r.effs[i]}', log, upsert(sink, r, i), 'go')]
            if not C.atomic and C.head == 'last' and sink[0] < max(intent[i] for i in wave): return [(f'{n}: sink stores head {L}', log, (max(sink[0], L), *sink[1:]), 'go')]
            return [(f'{n}: DONE {wave}', ap(*[('DONE', r.rid, i, sink[0]) for i in wave]), sink, 'go')]
        if not r.lin:
            content = (r.rid, life if C.lineage == 'with time' else 0)
            old = [c for c in sink[2] if c[0] == r.rid]
            if old and old[0] != content: return [('BAD', 'SECOND LINEAGE WRITE DIFFERS FROM THE FIRST: same key, other hash, the run can never commit', None, None)]
            if not old: return [(f'{n}: lineage written, head {L}', log, (max(sink[0], L), sink[1], sink[2] | {content}, sink[3]), 'go')]
            return [(f'{n}: LINEAGE', ap(('LIN', r.rid)), sink, 'go')]
        return [(f'{n}: COMMIT', ap(('COMMIT', r.rid)), sink, 'end')]

    def step(s):
        pc, log, sink, pr, world, B, acc, ack, fly, crashed, blocked = s; cr, la, cu = B; rs = fold(log, memo)
        for q in fly:
            n = upsert(sink, q[0], q[1]); yield from moved(s, f'late effect {q[1]} of command {q[0].cmd} arrives', (pc, log, (max(n[0], q[2]), *n[1:]), pr, world, B, acc, ack, fly - {q}, crashed, blocked), False)
        if pr is None:
            yield from idle(s, rs); return
        cmd, stage, cur_rid, over, mine = pr
        if cr: yield 'go', 'CRASH', (pc, log, sink, None, world, (cr-1, la, cu), acc, ack, fly, True, blocked)
        def go(ev, log=log, sink=sink, pr=pr, pc=pc, acc=acc, ack=ack, blocked=blocked, crashed=crashed): return 'go', ev, (pc, log, sink, pr, world, B, acc, ack, fly, crashed, blocked)
        finish = lambda ev, ok=True, **k: go(ev, pr=None, pc=cmd+1, ack=ack | {cmd} if ok else ack, crashed=False, **k)
        owe = [-x for x in mine if x < 0]
        if owe: yield go('telemetry sent', sink=(*sink[:3], sink[3] | set(owe)), pr=(cmd, stage, cur_rid, over, frozenset(x for x in mine if x > 0))); return
        if stage == 'settle':
            opens = [r for r in rs if r.status in ('open', 'undoing') and r.rid not in over]
            if opens: yield from work(s, rs, opens[0], False); return
            yield go('nothing left to settle', pr=(cmd, 'decide', 0, over, mine)) if cmd < len(script) else finish('settled'); return
        if stage == 'decide': yield from decide(s, rs, go, finish); return
        r = next(x for x in rs if x.rid == cur_rid)
        if r.status in ('committed', 'undone', 'parked'):
            yield finish(f'command {cmd} answers: {r.status}'); return
        yield from work(s, rs, r, True)

    def moved(s, ev, t, by_withdraw):
        """current of a business key never goes back but by a withdrawal"""
        a, b = cur(s[2]), cur(t[2])
        if not by_withdraw and any(k in b and b[k][0] < a[k][0] for k in a if k in b): yield 'bad', 'CURRENT WENT BACK WITHOUT A WITHDRAWAL', ev
        yield 'go', ev, t

    def work(s, rs, r, own):
        pc, log, sink, pr, world, B, acc, ack, fly, crashed, blocked = s; cmd, stage, cur_rid, over, mine = pr; cr, la, cu = B
        mk = lambda **k: (k.get('pc', pc), k.get('log', log), k.get('sink', sink), k.get('pr', pr), world, k.get('B', B), k.get('acc', acc), k.get('ack', ack), k.get('fly', fly), k.get('crashed', crashed), k.get('blocked', blocked))
        track = any(len(c) > 3 and ({'fail', 'die', 'irreversible', 'flaky'} & set(c[3])) for c in script)
        if track and r.rid not in mine and r.status == 'open':                          # a new owner's first append
            if r.atts >= C.limit:
                if C.settle == 'law': yield 'go', f'run of command {r.cmd}: attempts used up, UNDO', mk(log=log + ((('UNDO', r.rid, None, 'quarantined'),),)); return
                yield 'go', f'run of command {r.cmd}: quarantined', mk(log=log + ((('PARK', r.rid),),)); return
            yield 'go', f'attempt {r.atts+1} at the run of command {r.cmd}', mk(log=log + ((('ATT', r.rid),),), pr=(cmd, stage, cur_rid, over, mine | {r.rid})); return
        if opt(r, 'flaky') is not None and cr and r.status == 'open':
            ev = f'run of command {r.cmd}: an error that passes'
            if own: yield 'go', ev + ', command answers it', mk(pr=None, pc=cmd+1, crashed=False, B=(cr-1, la, cu))
            else: yield 'go', ev + ', passed over', mk(pr=(cmd, stage, cur_rid, over | {r.rid}, mine), B=(cr-1, la, cu))
        for ev, l2, s2, out in advance(log, sink, world, r, (cr, la)):
            if ev == 'BAD': yield 'bad', l2, 'lineage'; return
            if out in ('go', 'end'):
                if l2 != log and l2[-1][0][0] == 'UNDO' and l2[-1][0][3] == 'abandoned' and r.cmd in ack and script[r.cmd][0] != 'undo': yield 'bad', 'SETTLING UNDID A RUN THAT WAS ACKNOWLEDGED AS COMMITTED', ev; return
                if l2 != log and l2[-1][0][0] == 'UNDO' and r.kind == 'rollback' and l2[-1][0][3] == 'abandoned': yield 'bad', 'SETTLING UNDID AN ACCEPTED ROLLBACK', ev; return
                t = mk(log=l2, sink=s2)
                if out == 'end' and C.telemetry == 'life': t = t[:3] + ((cmd, stage, cur_rid, over, mine | {-r.rid}),) + t[4:]
                yield from moved(s, ev, t, r.status == 'undoing')
                if la and s2[1] != sink[1] and r.status == 'open':                      # the process dies with the request on its way
                    miss = [e for e in s2[1] if e not in sink[1]]
                    yield 'go', ev + ' IN FLIGHT, the process dies', mk(pr=None, crashed=True, B=(cr, la-1, cu), fly=fly | {(r, e[3], head(log)) for e in miss})
            elif out == 'died': yield 'go', ev, mk(pr=None, crashed=True)
            elif out == 'failed':
                if C.settle == 'law': yield 'go', ev + ', UNDO', mk(log=log + ((('UNDO', r.rid, None, 'failed'),),))
                else:
                    l2 = log + (((('FAIL' if C.settle == 'written' else 'FAILED, NOT DEAD'), r.rid),),)
                    if own: yield 'go', ev + ', command answers FAILED', mk(log=l2, pr=None, pc=cmd+1, acc=acc, crashed=False)
                    elif cmd >= len(script): yield 'go', ev, mk(pr=(cmd, stage, cur_rid, over | {r.rid}, mine))
                    else: yield 'go', ev + f', command {cmd} is BLOCKED', mk(log=l2, pr=None, pc=cmd+1, crashed=False, blocked=blocked+1)
            elif out == 'stuck':
                if C.settle == 'law': yield 'go', ev + ', parked', mk(log=log + ((('PARK', r.rid),),))
                elif cmd >= len(script): yield 'go', ev, mk(pr=(cmd, stage, cur_rid, over | {r.rid}, mine))
                else: yield 'go', ev + f', command {cmd} is BLOCKED', mk(pr=None, pc=cmd+1, crashed=False, blocked=blocked+1)

    def decide(s, rs, go, finish):
        pc, log, sink, pr, world, B, acc, ack, fly, crashed, blocked = s; cmd, stage, _, over, mine = pr; c = script[cmd]; acc2 = acc if cmd in acc else acc + (cmd,)
        if c[0] == 'undo':
            r = next((x for x in rs if x.cmd == c[1]), None)
            if not r or r.status == 'undone' and r.why == 'operator': yield finish(f'undo of command {c[1]}: nothing to do', acc=acc2); return
            if r.status == 'undone': yield finish(f'undo of command {c[1]}: {r.why} already', acc=acc2); return
            l2 = log if r.status == 'undoing' else log + ((('UNDO', r.rid, cmd, 'operator'),),)
            yield go(f'undo of command {c[1]}: UNDO', log=l2, acc=acc2, pr=(cmd, 'run', r.rid, over, mine)); return
        if c[0] == 'resume':
            r = next((x for x in rs if x.cmd == c[1]), None)
            if r and r.status == 'parked': yield go(f'resume of command {c[1]}', log=log + ((('RESUME', r.rid),),), pr=(cmd, 'run', r.rid, over, mine))
            else: yield finish('resume: nothing to do')
            return
        if c[0] == 'rollback':
            mine_ = [x for x in rs if x.cmd == cmd]; src = next((x for x in rs if x.cmd == c[2]), None)
            if mine_: yield finish(f'rollback {cmd} is done already', acc=acc2); return
            if not src: yield finish('rollback: no such run', acc=acc2); return
            effs = ((c[1], dict(src.effs).get(c[1])),)
            if C.rollback_retires: effs += tuple((k, None) for k in sorted({b for x in rs for b, _ in x.effs} - {c[1]}))
            rid = wal_id('rollback', cmd)
            yield go(f'rollback of {c[1]}: PLAN {effs}', log=log + ((('PLAN', rid, cmd, ('rb', cmd), world[0] if not C.rollback_any_version else 0, next((r.rid for r in reversed(rs) if r.status == 'committed' and c[1] in dict(r.effs)), None), 'rollback', effs),),), acc=acc2, pr=(cmd, 'run', rid, over, mine | {rid})); return
        if c[2] in world[1]: yield finish(f'command {cmd}: its inputs are not there', ok=False); return
        key, inp = c[1], c[2]; force = c[3].get('force') if len(c) > 3 else None
        done = [r for r in rs if r.key == key and (C.newest == 'plan' or r.status in ('committed', 'undone'))]
        if C.newest == 'finish': done.sort(key=lambda r: r.finish)
        new = done[-1] if done else None; same = new and (new.ver, new.inp) == (world[0], inp)
        forced = force is not None and (C.force == 'plain' or force is True or (new and new.cmd == force))
        born = max([0] + [head(log[:n+1]) for n, g in enumerate(log) if g[0][0] == 'INC']) if C.noop_in == 'incarnation' else 0
        if new and new.order < born and new.status == 'committed': same = False
        if not forced:
            if C.noop == 'any' and any((r.ver, r.inp, r.status) == (world[0], inp, 'committed') for r in done) or same and new.status == 'committed': yield finish(f'command {cmd}: NOOP', acc=acc2); return
            if same and new.status == 'undone' and (C.hold == 'all' or new.why != 'abandoned'): yield finish(f'command {cmd}: errc::{new.why}', acc=acc2); return
            like = [r for r in rs if (r.ver, r.inp) == (world[0], inp)] if C.hold_by == 'inputs' else []
            if like and (like[-1].status == 'undone' and like[-1].why == 'operator' or any(r.kind == 'rollback' and r.inp == like[-1].rid and r.status not in ('undoing', 'undone') for r in rs)): yield finish(f'command {cmd}: these inputs are held', acc=acc2); return
            if same and new.status in ('open', 'undoing'): yield go(f'command {cmd}: its run is open, resumed', pr=(cmd, 'run', new.rid, over, mine), acc=acc2); return
            if same and new.status == 'parked' and C.parked_same == 'answer': yield finish(f'command {cmd}: errc::quarantined', acc=acc2); return
        pred = {'finished': new.rid if new else 0, 'none': 0, 'committed': next((r.rid for r in reversed(done) if r.status == 'committed'), 0)}[C.pred]
        inc = sum(g[0][0] == 'INC' for g in log) if C.incarnation_in_id else 0
        rid = wal_id(world[0], key, inp, pred, inc); twin = next((r for r in rs if r.rid == rid), None)
        if twin and twin.status == 'parked' and C.parked_same == 'answer': yield finish(f'command {cmd}: errc::quarantined', acc=acc2); return
        if twin: yield 'bad', 'TWO RUNS WITH ONE ID', f'command {cmd} gets the wal_id of the {twin.status} run of command {twin.cmd}'; return
        p = pubs(inp)
        if C.retire:
            old = {b for x in rs for b, _ in x.effs} if C.retire == 'planned' else {e[0] for e in sink[1]}
            p += tuple((k, None) for k in sorted(old - {b for b, _ in p}))
        yield go(f'command {cmd}: PLAN {p} key {key}', log=log + ((('PLAN', rid, cmd, key, world[0], inp, 'run', p),),), acc=acc2, pr=(cmd, 'run', rid, over, mine | {rid}))

    def idle(s, rs):
        pc, log, sink, pr, world, B, acc, ack, fly, crashed, blocked = s; cr, la, cu = B
        if cu and C.accept:
            for n in range(0, min(sink[0], len(log))):
                kept = {r[2] for g in log[:n] for r in g if r[0] in ('PLAN', 'UNDO')}
                yield 'go', f'LOG LOST from group {n} on, REGRESSED; the operator accepts the loss: new incarnation', (pc, log[:n] + ((('INC', 0),),), sink, None, world, (cr, la, cu-1), tuple(c for c in acc if c in kept), frozenset(c for c in ack if c in kept), fly, crashed, blocked)
        if cu and C.cut:
            for n in range(sink[0], len(log)):
                kept = {r[2] for g in log[:n] for r in g if r[0] in ('PLAN', 'UNDO')}; lost = [c for c in ack if c not in kept and any(r[0] in ('PLAN', 'UNDO') and r[2] == c for g in log[n:] for r in g)]
                for c in lost:
                    if script[c][0] == 'undo' or pubs(script[c][2] if script[c][0] == 't' else ()): yield 'bad', f'ACKNOWLEDGED {script[c][0].upper()} LOST: no verdict sees the cut', f'log cut to {n} of {len(log)}'
                yield 'go', f'LOG CUT to {n} of {len(log)} groups (witness {sink[0]})', (pc, log[:n], sink, None, world, (cr, la, cu-1), tuple(c for c in acc if c in kept), ack, fly, crashed, blocked)
        if C.sinkreg == 'letter' and any(l > sink[0] for r in rs for _, (l, h) in r.done): yield 'bad', 'FALSE SINKREGRESSED: the DONE record is above the head that its effect carried', f'witness {sink[0]}'; return
        if C.sinkreg == 'head in DONE' and any(h > sink[0] for r in rs for _, (l, h) in r.done): yield 'bad', 'FALSE SINKREGRESSED', f'witness {sink[0]}'; return
        if C.telemetry == 'cursor' and any(r.finish and r.rid not in sink[3] for r in rs): yield 'go', 'telemetry exported by cursor', (pc, log, (*sink[:3], sink[3] | {r.rid for r in rs if r.finish}), None, world, B, acc, ack, fly, crashed, blocked); return
        if sink[0] > head(log):
            if cu == C.cut + C.accept: yield 'bad', 'FALSE REGRESSED', f'witness {sink[0]}, log {len(log)}'
            return                                            # a cut log is refused: right
        for e in sink[1]:
            if e[5] and e[2] not in {r.rid for r in rs} and not (C.accept and cu == 0): yield 'bad', 'ORPHAN PUBLICATION: current, and its run is not in the log', f'{e[:5]}, witness {sink[0]}, log {len(log)}'; return
        if pc < len(script):
            c = script[pc]
            if c[0] in ('deploy', 'gone', 'back', 'fix'):
                w = (int(c[1]), world[1]) if c[0] == 'deploy' else (world[0], world[1] | {c[1]} if c[0] == 'gone' else world[1] | {'fixed'} if c[0] == 'fix' else world[1] - {c[1]})
                yield 'go', f'{c[0]} {c[1:]}', (pc+1, log, sink, None, w, B, acc, ack, fly, False, blocked); return
            st = 'decide' if c[0] in ('undo', 'resume') else 'settle'
            if C.floor == 'first': fly = frozenset()
            yield 'go', f'command {pc} {c[:3]}' + (' again' if crashed else ''), (pc, log, sink, (pc, st, 0, frozenset(), frozenset()), world, B, acc, ack, fly, crashed, blocked)
            if crashed and C.skip: yield 'go', f'command {pc}: its client gives up', (pc+1, log, sink, None, world, B, acc, ack, fly, False, blocked)
            return
        if fly: return
        opens = [r for r in rs if r.status in ('open', 'undoing')]
        if opens and (pc == len(script) or crashed or C.settle == 'law' and pc < len(script)+3): yield 'go', 'a last owner settles', (max(pc, len(script))+1, log, sink, (max(pc, len(script)), 'settle', 0, frozenset(), frozenset()), world, B, acc, ack, fly, False, blocked); return
        yield ('end',)
        for r in rs:
            if r.finish and r.rid not in sink[3]: yield 'bad', 'FINISHED RUN WITHOUT TELEMETRY', f'command {r.cmd}'
        ended = {r.cmd: (r.why if r.status == 'undone' and r.why != 'operator' else 'parked' if r.status != 'committed' and r.status != 'undone' else None) for r in rs}
        ended = {k: v for k, v in ended.items() if v}; want_runs, want = spec(script, acc, ended); got = {k: v[1] for k, v in cur(sink).items() if v[1] is not None}
        have = [(r.cmd, 'undone' if r.why == 'operator' and r.status == 'undone' else ended.get(r.cmd, r.status)) for r in rs]
        if C.outcome: C.outcome(have, got)
        if C.accept and cu == 0:                              # lost runs stay published until a run of the new incarnation replaces them
            if len(script)-1 in acc and got.get('x') != script[-1][2]: yield 'bad', 'FINAL STATE: the last trigger was answered and the sink shows a lost run', f'sink {got}'
            return
        for c, st in enumerate(script):
            if st[0] == 't' and c == len(script)-1 and blocked and not any(r.cmd == c for r in rs) and c not in acc: yield 'bad', f'A NEW TRIGGER IS STILL BLOCKED after {blocked} deliveries', ''; return
        if blocked: yield 'bad', f'A NEW TRIGGER WAS BLOCKED {blocked} times', ''
        for r in rs:
            if C.partial and r.status == 'parked' and any(e[5] and e[2] == r.rid and cur(sink)[e[0]][0] == e[1] for e in sink[1]) and not all(find(sink, r.rid, i) for i in range(len(r.effs))): yield 'bad', 'HALF OF A PARKED RUN IS CURRENT', f'command {r.cmd}'
        if sorted(want_runs) != sorted(have): yield 'bad', 'RUNS DIFFER from the serial meaning', f'log {have}, serial {want_runs}'
        elif got != want and 'parked' not in ended.values(): yield 'bad', 'FINAL STATE differs from the serial meaning', f'sink {got}, serial {want}'
    return search(init, step, stop=stop)
T = lambda k, inp, **o: ('t', k, inp, o) if o else ('t', k, inp)
P = lambda **k: tuple(sorted(k.items()))
U = lambda i: ('undo', i)
RB = lambda b, i: ('rollback', b, i)

def sweep(cfg, stop):
    """every script of the given length over two keys, two inputs, undo of any earlier command, force past the last run of k; with trouble=True over a run that
    always fails, one that always kills its process, two good ones, new code, inputs gone and back, undo"""
    n, bad, complete = 0, {}, True
    def scripts(pre, left):
        if not left: yield pre; return
        alpha = [T(k, i) for k in 'kj' for i in 'AB'] + [U(i) for i in range(len(pre)) if pre[i][0] == 't']
        if cfg.get('trouble'): alpha = [T('a', XY('1'), fail=1), T('a', 'A'), T('b', XY('2'), die=1), T('b', 'B'), ('deploy', '2'), ('gone', 'A'), ('back', 'A')] + [U(i) for i in range(len(pre)) if pre[i][0] == 't']
        if cfg.get('hold_by') == 'inputs': alpha += [RB('x', i) for i in range(len(pre)) if pre[i][0] == 't'][:1]
        if not cfg.get('trouble'): alpha += [T('k', 'A', force=i) for i in range(len(pre)) if pre[i][0] == 't' and pre[i][1] == 'k'][-1:]
        for c in alpha[:1] if not pre and not cfg.get('trouble') else alpha: yield from scripts(pre + (c,), left-1)
    rest = {k: v for k, v in cfg.items() if k not in ('sweep', 'trouble')}
    for sc in scripts((), cfg['sweep']):
        m, b, c = run(dict(rest, script=sc), stop); n += m; complete &= c
        for k, v in b.items():
            if k not in bad or len(v) < len(bad[k]): bad[k] = ['script ' + str(sc)] + v
        if stop and any(k.startswith(stop) for k in bad): break
    return n, bad, complete

def surprise(law, hold_by='key'):
    """shortest script, without any crash, in which the serial meaning itself is not what a user expects"""
    import itertools
    alpha = lambda n: [T(k, i) for k in 'kj' for i in 'AB'] + [U(i) for i in range(n)] + [RB('x', i) for i in range(n)]
    RETIRES[0] = True; HOLD_BY[0] = hold_by; seen = 0
    for n in range(1, 6 if hold_by == 'key' else 5):
        todo = [()]
        for k in range(n): todo = [s + (c,) for s in todo for c in alpha(k) if c[0] == 't' or s[c[-1]][0] == 't']
        for sc in todo:
            seen += 1; runs, vis = spec(sc, tuple(range(n)), {}); last = sc[-1]; x = vis.get('x')
            if last[0] != 't' or (law == 'converge') != (not any(c[0] != 't' for c in sc)): continue
            if law == 'converge' and x != last[2]: return seen, {'SURPRISE: a trigger with inputs X was answered, and the sink shows something else': list(sc) + [f'sink shows {x}']}, True
            if law == 'undo sticks' and any(c[0] == 'undo' for c in sc) and sc[-2][0] == 'undo' and sc[sc[-2][1]][2] == x == last[2] and sum(r[1] == 'committed' and sc[r[0]][2] == x for r in runs if sc[r[0]][0] == 't') == 1 and runs[-1] == (n-1, 'committed'): return seen, {'SURPRISE: undone inputs are published again by the next event': list(sc) + [f'sink shows {x}']}, True
            if law == 'rollback sticks' and sc[-2][0] == 'rollback' and runs[-1] == (n-1, 'committed') and any(c == ('t', c[1], last[2]) for c in sc[:-2] if c[0] == 't') and sc[sc[-2][2]][2] != x and (n-2, 'committed') in runs and not any(c[0] == 'undo' for c in sc) and sc[-3][2] == last[2]: return seen, {'SURPRISE: a rollback is overrun by the next event with unchanged inputs': list(sc) + [f'sink shows {x}']}, True
    return seen, {}, True
def run_any(cfg, stop): return surprise(**cfg) if 'law' in cfg else sweep(cfg, stop) if 'sweep' in cfg else run(cfg, stop)

XY = lambda v: P(x=v, y=v)
FAILS = [T('a', XY('1'), fail=1)] + [T('b', 'B')]*5
GONE = [T('a', XY('1'), irreversible=0), ('gone', XY('1'))] + [T('b', 'B')]*3
W = dict(settle='written')
CASES = [
 ('1', 'every script of 4 commands, one crash anywhere, retry or not', dict(sweep=4, crashes=1), None),
 ('1', 'every script of 4 commands, two crashes', dict(sweep=4, crashes=2), None),
 ('1', 'every script of 3 commands, one crash and one late request', dict(sweep=3, crashes=1, late=1), None),
 ('1', 'earlier draft (newest finished, by PLAN), every script of 4 commands, one crash', dict(sweep=4, crashes=1, newest='plan finished'), None),
 ('1', 'one key, contents A B A, two crashes, one late request', dict(script=[T('k', 'A'), T('k', 'B'), T('k', 'A')], crashes=2, late=1), None),
 ('1', 'mutant: newest = finished last, not planned last', dict(sweep=4, crashes=0, newest='finish'), 'RUNS DIFFER'),
 ('1', 'the same: a new run gets the id of a withdrawn one', dict(script=[T('k', 'A'), T('k', 'B'), U(1), U(0), T('k', 'B')], crashes=0, newest='finish'), 'TWO RUNS WITH ONE ID'),
 ('1', 'mutant: any finished run makes a NOOP', dict(sweep=3, crashes=0, noop='any'), 'RUNS DIFFER'),
 ('1', 'mutant: no predecessor in the id', dict(sweep=3, crashes=0, pred='none'), 'TWO RUNS WITH ONE ID'),
 ('1', 'mutant: predecessor = newest committed run', dict(sweep=3, crashes=0, pred='committed'), 'TWO RUNS WITH ONE ID'),
 ('1', 'earlier draft: a plain force, crash, the client retries', dict(script=[T('k', 'A'), T('k', 'A', force=0), U(1)], crashes=1, force='plain'), 'RUNS DIFFER'),
 ('1', 'force past a named run, crash, the client retries', dict(script=[T('k', 'A'), T('k', 'A', force=0), U(1), T('k', 'A', force=1)], crashes=2), None),
 ('1', 'earlier draft: a run that settling undid answers errc::undone for ever', dict(script=[T('k', 'A'), ('gone', 'A'), T('j', 'B'), ('back', 'A'), T('k', 'A')], hold='all', crashes=1), 'RUNS DIFFER'),
 ('1', 'an abandoned run holds nothing', dict(script=[T('k', 'A'), ('gone', 'A'), T('j', 'B'), ('back', 'A'), T('k', 'A')], crashes=2), None),
 ('1', 'surprise: k A, j B, k again with inputs A', dict(law='converge'), 'SURPRISE'),
 ('1', 'surprise: undo, then another event with the same inputs', dict(law='undo sticks'), 'SURPRISE'),
 ('1', 'proposed: an undo holds its inputs for every key of the scope; the second surprise is gone', dict(law='undo sticks', hold_by='inputs'), None),
 ('7', 'proposed: a rollback holds the inputs of the run that it replaces; that surprise is gone', dict(law='rollback sticks', hold_by='inputs'), None),
 ('1', 'proposed: every script of 4 commands with undo, rollback, force and held inputs, one crash', dict(sweep=4, hold_by='inputs', crashes=1), None),
 ('7', 'surprise: rollback, then another event with the inputs that were rolled back', dict(law='rollback sticks'), 'SURPRISE'),
 ('2', 'earlier draft, failing is not dying: a run that always fails', dict(script=FAILS, crashes=0, settle='written, failing is not dying'), 'A NEW TRIGGER IS STILL BLOCKED'),
 ('2', 'earlier draft, failing counts as an attempt (limit 2)', dict(W, script=FAILS, crashes=0), 'A NEW TRIGGER WAS BLOCKED'),
 ('2', 'law: a final failure undoes the run', dict(script=FAILS[:3], crashes=1, late=1), None),
 ('2', 'earlier draft: inputs gone and a step is irreversible', dict(W, script=GONE, crashes=1), 'A NEW TRIGGER IS STILL BLOCKED'),
 ('2', 'law: every script of 3 commands with failing, killing and good runs, new code, lost inputs, undo; two crashes', dict(sweep=3, trouble=True, crashes=2), None),
 ('2', 'law: such a run is parked and passed over', dict(script=GONE, crashes=1), None),
 ('2', 'law: a run that kills its process is undone after the limit', dict(script=[T('a', XY('1'), die=1), T('b', 'B'), T('a', XY('1')), T('a', 'A')], crashes=0), None),
 ('2', 'earlier draft: same trigger while its run is quarantined', dict(W, script=[T('a', XY('1'), die=1), T('b', 'B'), T('a', XY('1'))], crashes=0, newest='plan finished', parked_same='new'), 'TWO RUNS WITH ONE ID'),
 ('2', 'earlier draft: half of a quarantined run stays current', dict(W, script=[T('a', XY('1'), die=1), T('b', P(z='2'))], crashes=0, retire=None, partial=True), 'HALF OF A PARKED RUN'),
 ('2', 'law: a run that kills its process leaves nothing behind', dict(script=[T('a', XY('1'), die=1), T('b', P(z='2'))], crashes=1, retire=None, partial=True), None),
 ('2', 'an open run whose error passes is passed over by a newer run and finished later', dict(script=[T('a', XY('1'), flaky=1), T('b', P(x='2')), T('a', XY('3')), T('a', XY('1'))], crashes=2), None),
 ('2', 'mutant: the same, the sink orders by arrival', dict(script=[T('a', XY('1'), flaky=1), T('b', P(x='2'))], crashes=2, order='arrival'), 'FINAL STATE'),
 ('2', 'quarantined run passed over, resumed later; retire counts planned keys', dict(W, script=[T('a', XY('1'), die=1), T('b', P(x='2')), ('fix',), ('resume', 0)], crashes=1), None),
 ('2', 'earlier draft: retire counts published keys only', dict(W, script=[T('a', XY('1'), die=1), T('b', P(x='2')), ('fix',), ('resume', 0)], crashes=0, retire='published'), 'FINAL STATE'),
 ('6', 'every script of 3 commands, one cut, one crash', dict(sweep=3, crashes=1, cut=1), None),
 ('6', 'COMMIT and DONE cut, redelivery, undo, another key', dict(script=[T('k', 'A'), T('k', 'A'), U(0), T('k', 'B')], cut=1, crashes=1), None),
 ('6', 'two effects, undo, redelivery; one cut, one crash', dict(script=[T('k', XY('1')), U(0), T('k', XY('1'))], cut=1, crashes=1), None),
 ('6', 'earlier draft: COMMIT cut, then new code is deployed, settling undoes the committed run', dict(script=[T('k', 'A'), ('deploy', '2'), T('j', 'B')], cut=1, crashes=0, commit_if_all_there=False), 'SETTLING UNDID'),
 ('6', 'a run whose effects are all there is committed, whatever is gone', dict(script=[T('k', 'A'), ('deploy', '2'), T('j', 'B')], cut=1, crashes=1), None),
 ('6', 'mutant: undo withdraws only effects with an intent record', dict(script=[T('k', 'A'), U(0)], cut=1, crashes=1, undo_withdraws='intent'), 'ACKNOWLEDGED UNDO LOST'),
 ('6', 'earlier draft: sink below the last DONE', dict(script=[T('k', 'A')], crashes=1, sinkreg='letter'), 'FALSE SINKREGRESSED'),
 ('6', 'mutant: lineage carries a time, an attempt or an LSN', dict(script=[T('k', 'A')], crashes=1, lineage='with time'), 'SECOND LINEAGE'),
 ('6', 'earlier draft: telemetry after COMMIT, crash between', dict(script=[T('k', 'A')], crashes=1, telemetry='life'), 'FINISHED RUN WITHOUT TELEMETRY'),
 ('6', 'earlier draft: log lost below the witness, accept-loss, the old trigger gets the id of a lost run', dict(script=[T('k', 'A'), T('k', 'B'), T('k', 'A')], accept=1, crashes=0, incarnation_in_id=False), 'FINAL STATE'),
 ('6', 'earlier draft: the same, NOOP from a run of the old incarnation', dict(script=[T('k', 'A'), T('k', 'B'), T('k', 'A')], accept=1, crashes=0, noop_in='any'), 'FINAL STATE'),
 ('6', 'incarnation in the run id, NOOP only within the incarnation', dict(script=[T('k', 'A'), T('k', 'B'), T('k', 'A'), T('k', 'B')], accept=1, crashes=1), None),
 ('7', 'rollback, late requests, redelivery of the bad trigger', dict(script=[T('k', 'A'), T('k', 'B'), RB('x', 0), T('k', 'B')], crashes=1, late=1), None),
 ('7', 'rollback, undo of the rollback, undo of the bad run', dict(script=[T('k', 'A'), T('k', 'B'), RB('x', 0), U(2), U(1)], crashes=1, late=1), None),
 ('7', 'undo of the bad run, then of the rollback; of the source of the bytes', dict(script=[T('k', 'A'), T('k', 'B'), RB('x', 0), U(0), U(1)], crashes=1, late=1), None),
 ('7', 'rollback of one key leaves the other keys alone', dict(script=[T('k', XY('1')), T('k', XY('2')), RB('x', 0), U(2)], crashes=1), None),
 ('7', 'mutant: a rollback is a plan like any other, keys that leave it are retired', dict(script=[T('k', XY('1')), T('k', XY('2')), RB('x', 0)], crashes=0, rollback_retires=True), 'FINAL STATE'),
 ('7', 'earlier draft: rollback crashes, new code is deployed, settling undoes it', dict(script=[T('k', 'A'), T('k', 'B'), RB('x', 0), ('deploy', '2'), T('j', P(z='1'))], crashes=1, rollback_any_version=False, retire=None), 'SETTLING UNDID AN ACCEPTED ROLLBACK'),
 ('8', 'waves of two, no atomic batch, head stored first; crash, late request, cut', dict(script=[T('k', XY('1')), T('k', XY('2')), U(1)], window=2, atomic=False, crashes=1, late=1, cut=1), None),
 ('8', 'the same, two crashes', dict(script=[T('k', XY('1')), T('k', XY('2')), U(0)], window=2, atomic=False, crashes=2), None),
 ('8', 'earlier draft: a request travels while the log is cut; the floor rises with the first upsert', dict(script=[T('k', 'A'), T('j', P(z='1'))], crashes=1, late=1, cut=1, retire=None), 'ORPHAN PUBLICATION'),
 ('8', 'the same, the new owner raises the floor first', dict(script=[T('k', 'A'), T('j', P(z='1'))], crashes=1, late=1, cut=1, retire=None, floor='first'), None),
 ('8', 'mutant: head stored after the effects', dict(script=[T('k', XY('1')), T('k', XY('2'))], window=2, atomic=False, crashes=1, cut=1, head='last'), 'ORPHAN PUBLICATION'),
]
if __name__ == '__main__': raise SystemExit(main(CASES, run_any, __doc__))
