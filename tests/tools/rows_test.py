# SPDX-License-Identifier: BSL-1.0
"""conformance/mutants/rows.py says what is missing: a row without a mutant, another name, a room that is there now, a test that does not hold it any more."""
import os
import sys
import unittest
import unittest.mock

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "conformance", "mutants"))
import rows  # noqa: E402
from table import Mutant  # noqa: E402


def mutants(**other):
    out = []
    away = [row for some in rows.NO_ROOM.values() for row in some]
    for row, name in rows.rows().items():
        if row not in away and row not in rows.ELSEWHERE and other.get(row, name):
            out.append(Mutant(row, other.get(row, name), "family", "LAW-1", []))
    return out


def problems(some, rooms=(), says='TEST_CASE("'):
    elsewhere = [path for path, _ in rows.ELSEWHERE.values()]
    return rows.problems(some, lambda path: path in rooms or path in elsewhere, lambda path: " ".join(says + text for where, text in rows.ELSEWHERE.values() if where == path))


class Rows(unittest.TestCase):
    def test_all_is_well(self):
        self.assertEqual(problems(mutants()), [])

    def test_a_row_without_a_mutant(self):
        self.assertEqual(problems(mutants(L20="")), ["L20 posix-any-close has no mutant"])

    def test_another_name(self):
        self.assertEqual(problems(mutants(W01="something")), ["mutant W01 is called something, and its row ack-before-sync"])

    def test_a_room_that_has_come(self):
        room, waiting = next(iter(rows.NO_ROOM.items()))
        self.assertEqual(problems(mutants(), rooms=[room]), [f"{row} {rows.rows()[row]} has no mutant, and its room {room} is there now" for row in waiting])

    def test_a_row_that_nobody_holds(self):
        for says in ("", "// "):   # the title in a comment is no test
            self.assertEqual(len(problems(mutants(), says=says)), len(rows.ELSEWHERE))

    def test_a_test_that_does_not_name_its_row(self):
        with unittest.mock.patch.dict(rows.ELSEWHERE, {"W36": ("tests/a_test.cpp", "something else")}):
            self.assertEqual(problems(mutants()), ["W36 sqlite-normal is held by tests/a_test.cpp, and that has no test case 'something else'"])

    def test_a_reason_that_has_gone(self):
        row = next(iter(rows.NO_ROOM.values()))[0]
        self.assertEqual(problems(mutants() + [Mutant(row, rows.rows()[row], "family", "LAW-1", [])]), [f"{row} is a mutant: take it out of what is held elsewhere or has no room"])


if __name__ == "__main__":
    unittest.main()
