#!/usr/bin/env python3
# SPDX-License-Identifier: BSL-1.0
"""Feeds the layer checker small made-up trees with one breach each, and sees each refused by its own sentence, at its own line."""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

CHECKER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "layers.py")
CPP = "// SPDX-License-Identifier: BSL-1.0\n"
HASH = "# SPDX-License-Identifier: BSL-1.0\n"


def header(path, body=""):
    """A header that keeps every rule; its body starts at line 4."""
    guard = re.sub(r"[^A-Za-z0-9]", "_", re.sub(r"^(conformance/)?include/", "", path)).upper()
    guard = guard if guard.startswith("KFM_DET_") else "KFM_DET_" + guard
    return f"{CPP}#ifndef {guard}\n#define {guard}\n{body}\n#endif\n"


def tree(**changes):
    """A tree that passes, with some files changed or added; headers are given by their path and body."""
    files = {
        "include/kfm_det/core/error.hpp": '#include <string>\n// a comment may say printf("x"), exit(1) and "kfm_det/updater/updater.hpp"',
        "include/kfm_det/core/result.hpp": '#include "kfm_det/core/error.hpp"\n#include <boost/outcome/basic_result.hpp>',
        "include/kfm_det/core/digest.hpp": "#include <openssl/evp.h>",
        "include/kfm_det/core/checksum.hpp": "#include <xxhash.h>",
        "include/kfm_det/core/describe.hpp": '#include <boost/hana/accessors.hpp>\ninline const char* text() { return "abort()"; }',
        "include/kfm_det/contracts/store.hpp": "#include <kfm_det/core/result.hpp>",
        "include/kfm_det/plan/plan.hpp": '#include "kfm_det/contracts/store.hpp"',
        "include/kfm_det/wal/log.hpp": '#include "kfm_det/wal/record.hpp"\n#include "kfm_det/contracts/store.hpp"\nstd::unordered_map<int, int> m;  // unordered: only looked up',
        "include/kfm_det/wal/record.hpp": "",
        "include/kfm_det/stores/file_store.hpp": '#include "kfm_det/wal/log.hpp"',
        "include/kfm_det/adapters/sqlite.hpp": '#include "kfm_det/adapters/sqlite/sink.hpp"',
        "include/kfm_det/adapters/sqlite/sink.hpp": '#include "kfm_det/contracts/store.hpp"\n#include <sqlite3.h>',
        "include/kfm_det/updater/updater.hpp": '#include "kfm_det/plan/plan.hpp"\nvoid f(S& s) { s.exit(); std::snprintf(a, b, "c"); }',
        "include/kfm_det/updater/report.hpp": '#include <cstdio>\nvoid f() { std::fputs("done", stderr); }',
        "include/kfm_det/kfm_det.hpp": '#include "kfm_det/updater/updater.hpp"',
        "conformance/include/kfm_det/conformance/check_store.hpp": '#include "kfm_det/wal/log.hpp"',
        "conformance/include/kfm_det/conformance/check_updater.hpp": '#include "kfm_det/updater/updater.hpp"',
    }
    others = {
        "CMakeLists.txt": HASH, "tests/core/error_test.cpp": CPP, "tests/main.cpp": CPP, "tests/static/store.cpp": CPP, "tests/compile_fail/store.cpp": CPP,
        "tests/consumer/two_units/main.cpp": CPP, "examples/one/CMakeLists.txt": HASH, "examples/one/main.cpp": CPP, "bench/append.cpp": CPP,
        "tools/x.py": "#!/usr/bin/env python3\n" + HASH, "dev": "#!/bin/sh\n" + HASH, "data/readme.md": "no licence line", "build/dev/main.cpp": "no licence line",
    }
    files.update(changes.pop("headers", {}))
    others.update(changes.pop("others", {}))
    return {**{path: header(path, body) for path, body in files.items()}, **others}


def check(files, compiled=None):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            if text is not None:
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
        command = [sys.executable, CHECKER, "--root", root]
        if compiled is not None:
            database = os.path.join(root, "build", "compile_commands.json")
            with open(database, "w", encoding="utf-8") as file:
                json.dump([{"directory": root, "file": path, "command": "c++"} for path in compiled], file)
            command += ["--compile-commands", database]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.returncode, done.stdout


class Layers(unittest.TestCase):
    def refused(self, path, line, sentence, files, compiled=None):
        code, output = check(files, compiled)
        self.assertEqual(code, 1, f"it was accepted:\n{output}")
        found = [text for text in output.splitlines() if text.startswith(f"{path}:{line}: ") and sentence in text]
        self.assertTrue(found, f"{path}:{line}: ...{sentence}... is not in:\n{output}")
        self.assertIn(" 1 problems", output, f"something else was refused, too:\n{output}")

    def refused_header(self, path, body, sentence, line=4):
        self.refused(path, line, sentence, tree(headers={path: body}))

    def test_a_tree_that_keeps_the_rules_passes(self):
        code, output = check(tree())
        self.assertEqual(code, 0, output)

    def test_upward_include(self):
        self.refused_header("include/kfm_det/core/error.hpp", '#include "kfm_det/contracts/store.hpp"', "includes upward: core/ (level 0) may not see contracts/ (level 1)")
        self.refused_header("include/kfm_det/wal/record.hpp", "#include <string>\n#include <kfm_det/stores/file_store.hpp>", "includes upward", line=5)
        self.refused_header("include/kfm_det/contracts/store.hpp", '  #  include "kfm_det/plan/plan.hpp"', "includes upward")

    def test_every_room_on_a_higher_level_is_refused(self):
        sys.path.insert(0, os.path.dirname(CHECKER))
        import layers
        levels = dict(layers.LEVELS)
        rooms = [room for room in levels if room != "adapters"]
        edges = {(a, b) for a in rooms for b in rooms if a != b and levels[b] >= levels[a]}
        files = {f"include/kfm_det/{room}/{room}_noun.hpp": "\n".join(f'#include "kfm_det/{other}/{other}_noun.hpp"' for other in rooms) for room in rooms}
        _, output = check(tree(headers=files))
        refused = set(re.findall(r"^include/kfm_det/(\w+)/.*: (?:.*: )?(?:\w+/ \(level \d\) may not see (\w+)/|\w+/ and (\w+)/ are siblings)", output, re.M))
        self.assertEqual({(a, b or c) for a, b, c in refused}, edges)

    def test_sideways_include(self):
        self.refused_header("include/kfm_det/wal/record.hpp", '#include "kfm_det/plan/plan.hpp"', "includes sideways: wal/ and plan/")
        self.refused_header("include/kfm_det/stores/file_store.hpp", '#include "kfm_det/adapters/sqlite/sink.hpp"', "includes sideways")

    def test_umbrellas_are_for_users(self):
        self.refused_header("include/kfm_det/updater/updater.hpp", '#include "kfm_det/kfm_det.hpp"', "the umbrella kfm_det/kfm_det.hpp")
        self.refused_header("include/kfm_det/runner/publisher.hpp", '#include "kfm_det/adapters/sqlite.hpp"', "the umbrella kfm_det/adapters/sqlite.hpp")
        self.refused_header("include/kfm_det/kfm_det.hpp", '#include "kfm_det/adapters/sqlite/sink.hpp"', "kfm_det.hpp includes adapters/")

    def test_adapters_do_not_know_each_other(self):
        self.refused_header("include/kfm_det/adapters/redis/lock.hpp", '#include "kfm_det/adapters/sqlite/sink.hpp"', "adapters do not know each other")
        self.refused_header("include/kfm_det/adapters/redis.hpp", '#include "kfm_det/adapters/sqlite/sink.hpp"', "adapters do not know each other")

    def test_rooms_that_the_design_does_not_have(self):
        self.refused("include/kfm_det/attic/old.hpp", 1, "sits in no room", tree(headers={"include/kfm_det/attic/old.hpp": ""}))
        self.refused("include/kfm_det/stray.hpp", 1, "sits in no room", tree(headers={"include/kfm_det/stray.hpp": ""}))
        self.refused_header("include/kfm_det/updater/updater.hpp", '#include "kfm_det/attic/old.hpp"', "in no room of the design")

    def test_relative_include(self):
        self.refused_header("include/kfm_det/wal/log.hpp", '#include "record.hpp"', "relative to itself")
        self.refused_header("include/kfm_det/wal/log.hpp", '#include "../core/error.hpp"', "relative to itself")

    def test_the_kit_sees_what_it_may(self):
        kit = "conformance/include/kfm_det/conformance/"
        self.refused_header(kit + "check_store.hpp", '#include "kfm_det/stores/file_store.hpp"', "the conformance kit includes stores/")
        self.refused_header(kit + "check_store.hpp", '#include "kfm_det/plan/plan.hpp"', "the conformance kit includes plan/")
        self.refused_header(kit + "check_plan.hpp", '#include "kfm_det/sinks/memory_sink.hpp"', "the conformance kit includes sinks/")
        self.refused_header("conformance/include/kfm_det/simulate/disk.hpp", '#include "kfm_det/wal/log.hpp"', "a simulator includes wal/")
        self.refused_header("include/kfm_det/updater/updater.hpp", '#include "kfm_det/conformance/check_store.hpp"', "does not know its conformance kit")

    def test_licence_line(self):
        self.refused("tests/core/error_test.cpp", 1, "SPDX-License-Identifier", tree(others={"tests/core/error_test.cpp": "int x;\n" + CPP}))
        self.refused("CMakeLists.txt", 1, "SPDX-License-Identifier", tree(others={"CMakeLists.txt": "project(x)\n"}))
        self.refused("tools/x.py", 2, "SPDX-License-Identifier", tree(others={"tools/x.py": "#!/usr/bin/env python3\nprint()\n"}))
        self.refused("dev", 2, "SPDX-License-Identifier", tree(others={"dev": "#!/bin/sh\n"}))

    def test_include_guard(self):
        files = tree()
        files["include/kfm_det/core/error.hpp"] = CPP + "#ifndef ERROR_HPP\n#define ERROR_HPP\n#endif\n"
        self.refused("include/kfm_det/core/error.hpp", 2, "include guard should be KFM_DET_CORE_ERROR_HPP", files)
        files["include/kfm_det/core/error.hpp"] = CPP + "#pragma once\n"
        self.refused("include/kfm_det/core/error.hpp", 2, "include guard", files)
        files = tree(others={"tests/core/helper.hpp": CPP})
        self.refused("tests/core/helper.hpp", 1, "include guard should be KFM_DET_TESTS_CORE_HELPER_HPP", files)

    def test_banned_includes(self):
        for name in ("iostream", "regex", "format", "boost/json.hpp", "nlohmann/json.hpp"):
            self.refused_header("include/kfm_det/core/error.hpp", f"#include <{name}>", f"includes <{name}>, which no public header may")

    def test_one_seam_for_each_heavy_thing(self):
        for name, what in (("boost/hana.hpp", "Boost.Hana"), ("boost/outcome.hpp", "Boost.Outcome"), ("openssl/sha.h", "OpenSSL"), ("xxhash.h", "xxHash"), ("sqlite3.h", "SQLite")):
            self.refused_header("include/kfm_det/core/error.hpp", f"#include <{name}>", f"{what} lives behind")

    def test_the_library_neither_prints_nor_ends_the_process(self):
        path = "include/kfm_det/core/error.hpp"
        for code in ('std::cout << 1;', 'std::cerr << 1;', 'std::printf("x");', 'fprintf(stderr, "x");', 'std::puts("x");'):
            self.refused_header(path, code, "the library does not print")
        for code in ("std::exit(1);", "exit (1);", "::abort();", "_exit(2);"):
            self.refused_header(path, code, "the library never ends the process")
        self.refused_header("include/kfm_det/updater/report.hpp", "std::exit(1);", "the library never ends the process")

    def test_what_differs_between_standard_libraries(self):
        path = "include/kfm_det/core/error.hpp"
        for code in ("std::uniform_int_distribution<int> d;", "std::shuffle(a, b, c);", "std::ranges::shuffle(a, c);"):
            self.refused_header(path, code, "differs between standard libraries")
        self.refused_header(path, "std::unordered_map<int, int> m;", "an unordered container")
        self.refused_header(path, "std::unordered_set<int> m;  // fast", "an unordered container")

    def test_size_of_headers(self):
        path = "include/kfm_det/core/error.hpp"
        self.refused(path, 501, "split it by noun", tree(headers={path: "\n" * 500}))
        code, output = check(tree(headers={path: "\n" * 350}))
        self.assertEqual(code, 0, output)
        self.assertIn(f"note: {path}: 355 lines", output)

    def test_no_file_that_no_target_compiles(self):
        self.refused("tests/stray_test.cpp", 1, "no target compiles it", tree(others={"tests/stray_test.cpp": CPP}))
        self.refused("tests/static/store_test.cpp", 1, "no test executable compiles", tree(others={"tests/static/store_test.cpp": CPP}))
        self.refused("tests/compile_fail/deep/x.cpp", 1, "no test compiles it", tree(others={"tests/compile_fail/deep/x.cpp": CPP}))
        self.refused("examples/two/main.cpp", 1, "has no CMakeLists.txt", tree(others={"examples/two/main.cpp": CPP}))
        self.refused("src/main.cpp", 1, "no target compiles it", tree(others={"src/main.cpp": CPP}))
        all_of_it = ["tests/core/error_test.cpp", "tests/main.cpp", "tests/static/store.cpp", "tests/compile_fail/store.cpp", "examples/one/main.cpp"]
        self.assertEqual(check(tree(), all_of_it)[0], 0)
        self.refused("tests/core/error_test.cpp", 1, "no target compiles it", tree(), all_of_it[1:])
        self.refused("examples/one/main.cpp", 1, "no target compiles it", tree(), all_of_it[:-1])


if __name__ == "__main__":
    unittest.main()
