// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "kfm_det/adapters/sqlite/database.hpp"
#include "tests/sinks/sink_laws.hpp"

namespace {

using namespace kfm_det;
using sink_laws::Scratch;
using sqlite::Database;
using sqlite::Transaction;

TEST_CASE("sqlite: each of its errors is one of ours, with a remedy") {
  struct Case { int code, system; errc expected; Retry retry; };
  for (const Case& c : {Case{SQLITE_BUSY, 0, errc::busy, Retry::temporary}, Case{SQLITE_BUSY_RECOVERY, 0, errc::busy, Retry::temporary}, Case{SQLITE_BUSY_SNAPSHOT, 0, errc::busy, Retry::temporary},
                        Case{SQLITE_LOCKED, 0, errc::busy, Retry::temporary}, Case{SQLITE_FULL, 0, errc::no_space, Retry::temporary}, Case{SQLITE_IOERR_WRITE, EIO, errc::io_error, Retry::temporary},
                        Case{SQLITE_IOERR_FSYNC, ENOSPC, errc::no_space, Retry::temporary}, Case{SQLITE_IOERR_SHMSIZE, EDQUOT, errc::no_space, Retry::temporary}, Case{SQLITE_IOERR_READ, 0, errc::io_error, Retry::temporary},
                        Case{SQLITE_CORRUPT, 0, errc::corrupt_committed, Retry::permanent}, Case{SQLITE_CORRUPT_INDEX, 0, errc::corrupt_committed, Retry::permanent}, Case{SQLITE_NOTADB, 0, errc::corrupt_committed, Retry::permanent},
                        Case{SQLITE_READONLY, 0, errc::permission_denied, Retry::permanent}, Case{SQLITE_READONLY_DBMOVED, 0, errc::io_error, Retry::temporary}, Case{SQLITE_PERM, 0, errc::permission_denied, Retry::permanent},
                        Case{SQLITE_CANTOPEN, ENOENT, errc::not_found, Retry::permanent}, Case{SQLITE_CANTOPEN, EACCES, errc::permission_denied, Retry::permanent}, Case{SQLITE_CANTOPEN, EISDIR, errc::invalid_argument, Retry::permanent},
                        Case{SQLITE_CANTOPEN, ENOTDIR, errc::invalid_argument, Retry::permanent}, Case{SQLITE_CANTOPEN, EMFILE, errc::io_error, Retry::temporary}, Case{SQLITE_TOOBIG, 0, errc::limit_exceeded, Retry::permanent}, Case{SQLITE_NOMEM, 0, errc::unavailable, Retry::temporary},
                        Case{SQLITE_CONSTRAINT_CHECK, 0, errc::corrupt_committed, Retry::permanent}, Case{SQLITE_ERROR, 0, errc::corrupt_committed, Retry::permanent}, Case{SQLITE_SCHEMA, 0, errc::corrupt_committed, Retry::permanent}}) {
    const Error error = sqlite::error_of(c.code, c.system, "writing", sqlite3_errstr(c.code), "x.db");
    INFO(error.message());
    CHECK(error.code() == c.expected);
    CHECK(error.retry() == c.retry);
    CHECK_FALSE(error.remedy().empty());
    CHECK(error.where() == "x.db");
    CHECK(error.what().find("writing: ") == 0);
  }
}

TEST_CASE("sqlite: what goes in comes out, byte for byte") {
  const Scratch scratch;
  auto opened = Database::open(scratch / "x.db", Database::Mode::read_write_create);
  REQUIRE(opened);
  Database database = std::move(opened).value();
  REQUIRE(database.run("CREATE TABLE t(a BLOB, b TEXT, c INTEGER, d INTEGER) STRICT", "making t"));
  const std::string bytes("\0\xff'x\0", 5);
  {
    auto insert = database.query("INSERT INTO t VALUES(?, ?, ?, ?)");
    REQUIRE(insert);
    REQUIRE(insert.value().blob(bytes).text("").integer(std::uint64_t{1} << 62).null().done());
  }
  {
    auto insert = database.query("INSERT INTO t VALUES(?, ?, ?, ?)");   // the same statement, used again
    REQUIRE(insert);
    REQUIRE(insert.value().blob({}).text("\xc3\xa9").integer(0).flag(true).done());
  }
  auto select = database.query("SELECT a, b, c, d FROM t ORDER BY rowid");
  REQUIRE(select);
  REQUIRE(select.value().step().value());
  CHECK(select.value().get_bytes(0) == bytes);
  CHECK_FALSE(select.value().is_null(1));
  CHECK(select.value().get_bytes(1).empty());
  CHECK(select.value().get_integer(2) == std::uint64_t{1} << 62);
  CHECK(select.value().is_null(3));
  REQUIRE(select.value().step().value());
  CHECK_FALSE(select.value().is_null(0));
  CHECK(select.value().get_flag(3));
  CHECK_FALSE(select.value().step().value());
  const auto above = [&] { auto query = database.query("SELECT ?1"); return query.value().integer(std::uint64_t{1} << 63).step(); }();
  REQUIRE_FALSE(above);
  CHECK(above.error().code() == errc::limit_exceeded);
  CHECK_FALSE(database.query("SELECT nonsense FROM nowhere"));
  CHECK_FALSE(database.run("nonsense", "asking"));
}

TEST_CASE("sqlite: a transaction rolls back unless it is committed, and only one writes") {
  const Scratch scratch;
  auto one = Database::open(scratch / "x.db", Database::Mode::read_write_create), two = Database::open(scratch / "x.db", Database::Mode::read_write_create);
  REQUIRE(one);
  REQUIRE(two);
  REQUIRE(one.value().run("PRAGMA journal_mode = WAL; CREATE TABLE t(a)", "making t"));
  const auto rows = [&] { return two.value().integer("SELECT count(*) FROM t").value(); };
  {
    auto transaction = Transaction::begin(one.value());
    REQUIRE(transaction);
    REQUIRE(one.value().run("INSERT INTO t VALUES(1)", "writing"));
    const auto busy = Transaction::begin(two.value());
    REQUIRE_FALSE(busy);
    CHECK(busy.error().code() == errc::busy);
  }
  CHECK(rows() == 0);
  {
    auto transaction = Transaction::begin(one.value());
    REQUIRE(one.value().run("INSERT INTO t VALUES(1)", "writing"));
    auto moved = std::move(transaction).value();
    REQUIRE(moved.commit());
    moved.rollback();   // too late, and harmless
  }
  CHECK(rows() == 1);
}

TEST_CASE("sqlite: opening says what is wrong with a path") {
  const Scratch scratch;
  CHECK(Database::open(scratch / "no/such/folder.db", Database::Mode::read_write_create).error().code() == errc::not_found);
  CHECK(Database::open(scratch / "none.db", Database::Mode::read_shared).error().code() == errc::not_found);
  CHECK(Database::open(scratch / "none.db", Database::Mode::read_immutable).error().code() == errc::not_found);
  CHECK(Database::open("", Database::Mode::read_write_create).error().code() == errc::invalid_argument);
  CHECK_FALSE(std::filesystem::exists(scratch / "none.db"));
}

}  // namespace
