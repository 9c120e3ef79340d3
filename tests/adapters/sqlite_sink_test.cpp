// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kfm_det/adapters/sqlite.hpp"
#include "kfm_det/sinks/export.hpp"
#include "tests/adapters/fault_vfs.hpp"
#include "tests/sinks/sink_laws.hpp"

namespace {

using namespace kfm_det;
using namespace kfm_det::sink_laws;
using test::content_of;

SqliteSink opened(const std::string& path, const SqliteSinkOptions& options = {}) {
  auto sink = SqliteSink::open(path, options);
  if (!sink) FAIL(sink.error().message());
  return std::move(sink).value();
}
Error refused(const std::string& path, const SqliteSinkOptions& options = {}) {
  auto sink = SqliteSink::open(path, options);
  REQUIRE_FALSE(sink);
  CHECK_FALSE(sink.error().remedy().empty());
  CHECK(sink.error().where().find(path) != std::string::npos);
  return sink.error();
}

/// The same file by SQLite alone, as anybody could.
class Raw {
 public:
  explicit Raw(const std::string& path) { REQUIRE(sqlite3_open(path.c_str(), &handle_) == SQLITE_OK); sqlite3_busy_timeout(handle_, 5000); }
  Raw(const Raw&) = delete;
  Raw& operator=(const Raw&) = delete;
  ~Raw() { sqlite3_close(handle_); }
  /// Every column of every row, with '|' behind it.
  std::string run(const std::string& sql) {
    std::string out;
    char* message = nullptr;
    const int code = sqlite3_exec(handle_, sql.c_str(), [](void* to, int n, char** values, char**) { for (int i = 0; i < n; ++i) *static_cast<std::string*>(to) += std::string(values[i] ? values[i] : "NULL") + "|"; return 0; }, &out, &message);
    if (code != SQLITE_OK) FAIL(sql << ": " << message);
    return out;
  }
  [[nodiscard]] sqlite3* handle() const { return handle_; }

 private:
  sqlite3* handle_ = nullptr;
};

struct SqliteFixture {
  using Sink = SqliteSink;
  static constexpr std::size_t every = 16;
  Scratch scratch;
  int files = 0;
  std::string path;

  Sink open() { path = scratch / ("sink" + std::to_string(files++) + ".db"); return opened(path); }
  Sink reopen(Sink sink) {
    { const Sink ends = std::move(sink); }
    return opened(path);
  }
  void damage(Sink& sink, const IdempotencyKey& key) {
    (void)sink;
    Raw raw(path);
    const std::string where = "idempotency_key = x'" + key.hex() + "'";
    if (raw.run("SELECT bytes IS NULL FROM versions WHERE " + where) == "0|")
      raw.run("UPDATE versions SET bytes = CAST(substr(bytes, 1, length(bytes) / 2) || char(1) || substr(bytes, length(bytes) / 2 + 2) AS BLOB) WHERE " + where);
    else
      raw.run("DELETE FROM pieces WHERE number = 1 AND version = (SELECT id FROM versions WHERE " + where + ")");
  }
};
KFM_DET_TEST_SINK_LAWS(SqliteFixture)

// --- the file --------------------------------------------------------------------------------------------------------------

TEST_CASE("SqliteSink: makes its file and the folders above it, under any name") {
  const Scratch scratch;
  for (const std::string name : {"plain.db", "a/b/c/deep.db", "with space", "per%cent%20", "ques?tion=1", "ha#sh", "file:x.db", "caf\xc3\xa9.db", "'quote\".db", "\xff\xfe.db", "-dash"}) {
    const std::string path = scratch / name;
    {
      auto sink = opened(path);
      publish(sink, upsert("e", {1, 1}, "k", fresh("in " + name)));
    }
    CHECK(std::filesystem::is_regular_file(path));
    CHECK_FALSE(std::filesystem::exists(path + "-wal"));   // the last one out takes the log in
    auto again = opened(path);
    CHECK(current_bytes(again, "k") == "in " + name);
    auto reader = opened(path, {.read_only = true});
    CHECK(current_bytes(reader, "k") == "in " + name);
  }
}

TEST_CASE("SqliteSink: a path relative to the working directory") {
  const Scratch scratch;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(scratch / "");
  for (const char* name : {"bare.db", "state/summaries.db", "file:odd.db", "./dot.db"}) {
    { auto sink = opened(name); publish(sink, upsert("e", {1, 1}, "k", fresh("x"))); }
    CHECK(std::filesystem::is_regular_file(scratch / name));
  }
  std::filesystem::current_path(before);
}

TEST_CASE("SqliteSink: what cannot be a sink is refused in a sentence, and stays as it was") {
  const Scratch scratch;
  CHECK(SqliteSink::open("").error().code() == errc::invalid_argument);
  CHECK(SqliteSink::open(":memory:").error().code() == errc::invalid_argument);
  CHECK(SqliteSink::open(scratch / std::string("nul\0byte", 8)).error().code() == errc::invalid_argument);

  std::filesystem::create_directory(scratch / "folder");
  REQUIRE(::mkfifo((scratch / "fifo").c_str(), 0600) == 0);
  for (const bool read_only : {false, true}) {
    CHECK(refused(scratch / "folder", {.read_only = read_only}).code() == errc::invalid_argument);
    CHECK(refused(scratch / "fifo", {.read_only = read_only}).code() == errc::invalid_argument);   // and does not wait for its other end
    CHECK(refused("/dev/null", {.read_only = read_only}).code() == errc::invalid_argument);
  }
  for (const std::size_t size : std::vector<std::size_t>{1, 2, 15, 16, 99, 100, 511, 512, 4096}) {   // SQLite takes one byte for an empty file
    const std::string small = scratch / ("small" + std::to_string(size)), letters(size, 'x');
    std::ofstream(small) << letters;
    const errc code = refused(small).code();
    CHECK((code == errc::corrupt_committed || code == errc::foreign));
    CHECK(content_of(small) == letters);
  }

  const std::string text = "2012/01/01,0.0,12.8,5.0,4.7,drizzle\n", path = scratch / "text.csv";
  std::ofstream(path) << text;
  CHECK(refused(path).code() == errc::corrupt_committed);
  CHECK(refused(path).message().find("not an SQLite database") != std::string::npos);
  CHECK(content_of(path) == text);

  std::ofstream(scratch / "file") << "x";
  CHECK(refused(scratch / "file/below.db").code() == errc::invalid_argument);   // a file where a folder should be

  SECTION("a database of somebody else") {
    for (const std::string mode : {"delete", "wal"}) {
      const std::string other = scratch / ("other-" + mode);
      { Raw raw(other); raw.run("PRAGMA journal_mode=" + mode + "; CREATE TABLE keys(x); INSERT INTO keys VALUES(1)"); }
      const std::string before = content_of(other);
      CHECK(refused(other).code() == errc::foreign);
      CHECK(refused(other, {.read_only = true}).code() == errc::foreign);
      CHECK(content_of(other) == before);
      CHECK_FALSE(std::filesystem::exists(other + "-wal"));
    }
    const std::string marked = scratch / "marked";
    { Raw raw(marked); raw.run("PRAGMA application_id=77"); }
    CHECK(refused(marked).code() == errc::foreign);
  }
  SECTION("a database of somebody else that is in use: its log is not taken in either") {
    const std::string other = scratch / "in use";
    Raw raw(other);
    raw.run("PRAGMA journal_mode=wal; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(x)");
    raw.run("INSERT INTO t VALUES(1)");
    std::filesystem::copy(other, scratch / "copy");
    std::filesystem::copy(other + "-wal", scratch / "copy-wal");
    const std::string before = content_of(scratch / "copy"), log = content_of(scratch / "copy-wal");
    REQUIRE_FALSE(log.empty());
    CHECK(refused(scratch / "copy").code() == errc::foreign);
    CHECK(content_of(scratch / "copy") == before);
    CHECK(content_of(scratch / "copy-wal") == log);
  }
  SECTION("tables of a later version") {
    const std::string newer = scratch / "newer.db";
    { auto sink = opened(newer); publish(sink, upsert("e", {1, 1}, "k", fresh("x"))); }
    { Raw raw(newer); raw.run("PRAGMA user_version=2"); }
    const std::string before = content_of(newer);
    CHECK(refused(newer).code() == errc::unsupported_version);
    CHECK(refused(newer, {.read_only = true}).code() == errc::unsupported_version);
    CHECK(content_of(newer) == before);
  }
  SECTION("damage") {
    const std::string good = scratch / "good.db";
    {
      auto sink = opened(good);
      for (int i = 0; i < 200; ++i) publish(sink, upsert("e" + std::to_string(i), {1, static_cast<Lsn>(i + 1)}, "key " + std::to_string(i), fresh(std::string(3000, 'x') + std::to_string(i))));
    }
    const std::string bytes = content_of(good);
    REQUIRE(bytes.size() > 300000);
    for (std::size_t at = 0; at < bytes.size(); at += at == 0 ? 18 : at == 18 ? 82 : at == 100 ? 3996 : 4096 * 5) {
      std::string broken = bytes;
      broken.replace(at, 64, 64, '\xee');
      const std::string damaged = scratch / ("damaged" + std::to_string(at));
      std::ofstream(damaged, std::ios::binary) << broken;
      auto sink = SqliteSink::open(damaged);
      if (sink) {   // damage that only shows when it is read, or written
        const auto all = export_canonical(sink.value());
        errc code = all ? errc::cancelled : all.error().code();
        const auto again = upsert("again", {1, 999}, "key 0", fresh("again"));
        if (const auto answer = sink.value().upsert(tenure(), head(1), std::span(&again, 1)); all && !answer) code = answer.error().code();
        INFO("damage at " << at);
        CHECK((code == errc::corrupt_committed || code == errc::hash_mismatch));
      } else {
        CHECK((sink.error().code() == errc::corrupt_committed || sink.error().code() == errc::foreign));
      }
    }
    const std::string cut = scratch / "cut";
    std::ofstream(cut, std::ios::binary) << bytes.substr(0, bytes.size() / 2);
    auto sink = SqliteSink::open(cut);
    const errc code = sink ? export_canonical(sink.value()).error().code() : sink.error().code();
    CHECK(code == errc::corrupt_committed);
  }
  SECTION("rights") {
    if (::geteuid() != 0) {
      std::filesystem::create_directory(scratch / "closed");
      std::filesystem::permissions(scratch / "closed", std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
      CHECK(refused(scratch / "closed/x.db").code() == errc::permission_denied);
    }
  }
}

TEST_CASE("SqliteSink: an empty file becomes a sink") {
  const Scratch scratch;
  const std::string path = scratch / "zero.db";
  std::ofstream(path).close();
  CHECK(refused(path, {.read_only = true}).code() == errc::not_found);
  CHECK(std::filesystem::file_size(path) == 0);
  { auto sink = opened(path); publish(sink, upsert("e", {1, 1}, "k", fresh("x"))); }
  const std::string empty = scratch / "header only.db";
  { Raw raw(empty); raw.run("CREATE TABLE t(x); DROP TABLE t; VACUUM"); }
  { auto sink = opened(empty); CHECK(publish(sink, upsert("e", {1, 1}, "k", fresh("x"))) == UpsertResult::created); }
}

TEST_CASE("SqliteSink: W36 log mode and syncing are what power loss needs") {
  const Scratch scratch;
  const std::string path = scratch / "x.db";
  auto database = sqlite::open_for_writing(path, 1000);
  REQUIRE(database);
  CHECK(database.value().text("PRAGMA journal_mode").value() == "wal");
  CHECK(database.value().integer("PRAGMA synchronous").value() == 2);
  CHECK(database.value().integer("PRAGMA foreign_keys").value() == 1);
  CHECK(database.value().integer("PRAGMA mmap_size").value() == 0);
  CHECK(database.value().integer("PRAGMA busy_timeout").value() == 1000);
  CHECK(sqlite::refuse_foreign(path).has_value());
  Raw raw(path);
  CHECK(raw.run("PRAGMA application_id") == "1801874788|");
  CHECK(raw.run("PRAGMA integrity_check") == "ok|");
}

TEST_CASE("SqliteSink: people may query it") {
  const Scratch scratch;
  const std::string path = scratch / "x.db";
  auto sink = opened(path);
  publish(sink, upsert("e1", {1, 1}, "2012-01", fresh("old")));
  publish(sink, upsert("e2", {1, 2}, "2012-01", fresh("new", "final")));
  publish(sink, upsert("e3", {1, 1}, "2012-02", fresh("x")));
  publish(sink, upsert("e4", {1, 2}, "2012-02", Tombstone{}));
  publish(sink, upsert("e5", {1, 2}, "2012-03", fresh("y")));
  take_back(sink, withdrawal("e5", {1, 2}, "2012-03"));
  Raw raw(path);
  CHECK(raw.run("SELECT business_key, metadata ->> 'label', size, bytes, run, effect FROM current_outputs") == "2012-01|final|3|new|" + run("e2").text() + "|" + effect("e2").hex() + "|");
  // each look at one key or effect goes by an index
  for (const char* sql : {"SELECT * FROM publication_states WHERE effect = x'00'", "SELECT * FROM publication_states WHERE business_key = x'00' AND withdrawn = 0 ORDER BY incarnation DESC, lsn DESC, effect DESC LIMIT 1",
                          "SELECT * FROM publication_states WHERE business_key = x'00' AND (incarnation, lsn, effect) > (1, 2, x'00') ORDER BY incarnation, lsn, effect LIMIT 64",
                          "SELECT incarnation, lsn, effect FROM publications WHERE key = 1 AND withdrawn = 0 ORDER BY incarnation DESC, lsn DESC, effect DESC LIMIT 1",
                          "SELECT business_key FROM keys WHERE business_key > x'00' ORDER BY business_key LIMIT 256"}) {
    const std::string plan = raw.run(std::string("EXPLAIN QUERY PLAN ") + sql);
    INFO(plan);
    CHECK(plan.find("SCAN") == std::string::npos);
    CHECK(plan.find("TEMP B-TREE") == std::string::npos);
  }
}

TEST_CASE("SqliteSink: S16 numbers that SQLite cannot hold are refused, the highest it can are kept") {
  const Scratch scratch;
  auto sink = opened(scratch / "x.db");
  const std::uint64_t highest = 9223372036854775807u;
  CHECK(publish(sink, upsert("e", {highest, highest}, "k", fresh("x")), tenure(highest), head(highest, highest)) == UpsertResult::created);
  CHECK(history(sink, "k").front().order == Order{highest, highest});
  CHECK(witness(sink) == head(highest, highest));
  const std::string before = exported(sink);
  CHECK(refusal(sink, {upsert("f", {highest + 1, 1}, "k", fresh("x"))}, tenure(highest), head(1)) == errc::limit_exceeded);
  CHECK(refusal(sink, {upsert("f", {1, highest + 1}, "k", fresh("x"))}, tenure(highest), head(1)) == errc::limit_exceeded);
  CHECK(refusal(sink, {upsert("f", {1, 1}, "k", fresh("x"))}, tenure(highest + 1), head(1)) == errc::limit_exceeded);
  CHECK(refusal(sink, {upsert("f", {1, 1}, "k", fresh("x"))}, tenure(highest), head(1, highest + 1)) == errc::limit_exceeded);
  CHECK(exported(sink) == before);
}

TEST_CASE("SqliteSink: a staged file of 20 MiB never is in memory as a whole") {
  const Scratch scratch;
  const std::string staged = scratch / "staged", path = scratch / "x.db";
  std::string bytes;
  for (std::uint64_t i = 0; bytes.size() < (std::size_t{20} << 20); ++i) bytes += sha256(std::to_string(i)).view();
  bytes += "tail";
  std::ofstream(staged, std::ios::binary) << bytes;
  NewVersion version = fresh(bytes);
  version.bytes = StagedFile{staged, bytes.size()};
  auto sink = opened(path);
  sqlite3_memory_highwater(1);
  CHECK(publish(sink, upsert("e", {1, 1}, "k", version)) == UpsertResult::created);
  CHECK(sqlite3_memory_highwater(1) < (8 << 20));
  CHECK(publish(sink, upsert("e", {1, 1}, "k", version)) == UpsertResult::unchanged);
  std::size_t at = 0, largest = 0;
  bool same = true;
  REQUIRE(sink.read(version.key, [&](BytesView piece) -> result<void> {
    same = same && BytesView(bytes).substr(at, piece.size()) == piece;
    at += piece.size();
    largest = std::max(largest, piece.size());
    return success();
  }));
  CHECK(same);
  CHECK(at == bytes.size());
  CHECK(largest <= (std::size_t{1} << 20));
  CHECK(sqlite3_memory_highwater(0) < (8 << 20));
  CHECK(sink.find(version.key).value()->size == bytes.size());
  MemorySink twin;
  publish(twin, upsert("e", {1, 1}, "k", version));
  CHECK((exported(sink) == exported(twin)));
  // one that lies costs nothing
  NewVersion lying = fresh("something else");
  lying.bytes = StagedFile{staged, bytes.size()};
  CHECK(refusal(sink, {upsert("f", {1, 2}, "k", lying)}) == errc::hash_mismatch);
  CHECK(Raw(path).run("SELECT count(*), (SELECT count(*) FROM pieces) FROM versions") == "1|21|");
}

// --- looking at it ---------------------------------------------------------------------------------------------------------

/// The file and what lies beside it, byte for byte; the index (-shm) only by whether it is there: it carries locks.
std::vector<std::pair<std::string, std::string>> files_of(const std::string& folder) {
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) out.emplace_back(entry.path().string(), sha256(content_of(entry.path().string())).hex());
  std::sort(out.begin(), out.end());
  return out;
}

TEST_CASE("SqliteSink: read-only makes and changes no byte") {
  const Scratch scratch;
  const std::string path = scratch / "x.db", folder = scratch / "";
  CHECK(refused(path, {.read_only = true}).code() == errc::not_found);
  CHECK(files_of(folder).empty());
  std::string expected;
  {
    auto sink = opened(path);
    for (int i = 0; i < 20; ++i) publish(sink, upsert("e" + std::to_string(i), {1, static_cast<Lsn>(i + 1)}, "key " + std::to_string(i % 3), fresh(std::to_string(i))), tenure(), head(static_cast<Lsn>(i + 1)));
    expected = exported(sink);
  }
  const auto look = [&] {
    auto reader = opened(path, {.read_only = true});
    CHECK(exported(reader) == expected);
    CHECK(witness(reader) == head(20));
    CHECK(state(reader, "e19") == PublicationState::current);
    CHECK(reader.begin(tenure(5), stream()).error().code() == errc::permission_denied);
    CHECK(refusal(reader, {upsert("x", {1, 99}, "k", fresh("x"))}) == errc::permission_denied);
    CHECK(refusal(reader, std::vector{withdrawal("e19", {1, 20}, "key 1")}) == errc::permission_denied);
  };
  SECTION("nobody has it open") {
    const auto before = files_of(folder);
    CHECK(before.size() == 1);
    look();
    CHECK(files_of(folder) == before);
  }
  SECTION("a folder and a file that cannot be written") {
    std::filesystem::permissions(path, std::filesystem::perms::owner_read);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
    const auto before = files_of(folder);
    look();
    CHECK(files_of(folder) == before);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
  }
  SECTION("a writer has it open, idle") {
    auto writer = opened(path);
    const auto before = files_of(folder);
    look();
    CHECK(files_of(folder) == before);
  }
  SECTION("a writer has it open, with a log") {
    auto writer = opened(path);
    publish(writer, upsert("e0", {1, 1}, "key 0", fresh("0")));                                       // unchanged
    publish(writer, upsert("log", {1, 50}, "key 0", fresh("in the log")), tenure(), head(20));
    expected = exported(writer);
    const auto before = files_of(folder);
    CHECK(before.size() == 3);
    look();
    CHECK(files_of(folder) == before);
  }
  SECTION("a writer was killed and left a log") {
    {
      auto writer = opened(path);
      publish(writer, upsert("log", {1, 50}, "key 0", fresh("in the log")), tenure(), head(20));
      expected = exported(writer);
      std::filesystem::create_directory(scratch / "left");
      for (const char* end : {"", "-wal", "-shm"}) std::filesystem::copy(path + end, scratch / ("left/x.db" + std::string(end)));
    }
    const std::string left = scratch / "left/x.db";
    const auto before = files_of(scratch / "left");
    CHECK(before.size() == 3);
    {
      auto reader = opened(left, {.read_only = true});
      CHECK(exported(reader) == expected);
    }
    CHECK(files_of(scratch / "left") == before);
    {   // killed while it made the index: who only reads makes one of its own, in memory
      std::fstream index(left + "-shm", std::ios::binary | std::ios::in | std::ios::out);
      index.write(std::string(136, '\0').data(), 136);
      index.close();
      auto reader = opened(left, {.read_only = true});
      CHECK(exported(reader) == expected);
    }
    std::filesystem::remove(left + "-shm");
    CHECK(refused(left, {.read_only = true}).code() == errc::unavailable);   // says so; it does not show half
    auto writer = opened(left);
    CHECK(exported(writer) == expected);
  }
  SECTION("a writer was killed when the log had its header and nothing else") {
    {
      auto writer = opened(path);
      publish(writer, upsert("log", {1, 50}, "key 0", fresh("in the log")), tenure(), head(20));
      std::filesystem::create_directory(scratch / "left");
      for (const char* end : {"", "-wal", "-shm"}) std::filesystem::copy(path + end, scratch / ("left/x.db" + std::string(end)));
    }
    const std::string left = scratch / "left/x.db";
    std::filesystem::resize_file(left + "-wal", 32);
    const auto before = files_of(scratch / "left");
    {
      auto reader = opened(left, {.read_only = true});
      CHECK(exported(reader) == expected);   // the wave was not in the log yet
    }
    CHECK(files_of(scratch / "left") == before);
    {
      auto reader = opened(left, {.read_only = true});
      auto writer = opened(left);
      publish(writer, upsert("log", {1, 50}, "key 0", fresh("in the log")), tenure(), head(20));
      CHECK(state(reader, "log") == PublicationState::current);
    }
  }
  SECTION("a writer comes while it is looked at, and goes") {
    auto reader = opened(path, {.read_only = true});
    CHECK(exported(reader) == expected);
    {
      auto writer = opened(path, {.checkpoint_pages = 1});
      for (int i = 0; i < 50; ++i) {
        publish(writer, upsert("later" + std::to_string(i), {1, static_cast<Lsn>(100 + i)}, "key " + std::to_string(i % 7), fresh("later " + std::to_string(i))), tenure(), head(static_cast<Lsn>(100 + i)));
        CHECK(state(reader, "later" + std::to_string(i)) == PublicationState::current);
      }
      expected = exported(writer);
      CHECK(exported(reader) == expected);
    }
    CHECK(exported(reader) == expected);
    { auto writer = opened(path); publish(writer, upsert("once more", {1, 900}, "key 0", fresh("once more"))); expected = exported(writer); }
    CHECK(exported(reader) == expected);
  }
}

// --- faults ----------------------------------------------------------------------------------------------------------------

void copy_folder(const std::string& from, const std::string& to) {
  std::filesystem::remove_all(to);
  std::filesystem::copy(from, to);
}

TEST_CASE("SqliteSink: SINK-11 a full disk or a failing one, at each write, truncate, delete and sync, leaves nothing half done") {
  const Scratch scratch;
  std::filesystem::create_directory(scratch / "base");
  {
    auto sink = opened(scratch / "base/x.db");
    publish(sink, upsert("old", {1, 1}, "a", fresh("old")), tenure(), head(1));
  }
  const auto wave = [] {
    std::vector<Upsert> out;
    for (const char* key : {"a", "b", "c"}) out.push_back(upsert(std::string("wave ") + key, {1, 2}, key, fresh(std::string(key) + std::string(9000, 'x'))));
    return out;
  }();
  const auto whole_or_nothing = [&](SqliteSink& sink) {
    std::size_t there = 0;
    for (const Upsert& one : wave) if (sink.find(one.effect).value()) ++there;
    CHECK((there == 0 || there == wave.size()));
    CHECK(witness(sink).lsn == (there == 0 ? 1 : 2));
    return there != 0;
  };
  std::size_t ambiguous = 0, refusals = 0;
  for (const bool lasting : {false, true})
    for (const int code : {SQLITE_FULL, SQLITE_IOERR_WRITE})
      for (std::uint64_t n = 1;; ++n) {
        INFO("change " << n << ", code " << code << ", lasting " << lasting);
        copy_folder(scratch / "base", scratch / "now");
        test::FaultVfs vfs;
        bool acknowledged = false, hit = false;
        {
          auto sink = opened(scratch / "now/x.db", {.checkpoint_pages = 1});
          vfs.fail_at(n, code, lasting);
          const auto answer = sink.upsert(tenure(), head(2), wave);
          hit = vfs.failed();
          acknowledged = answer.has_value();
          if (!answer) {
            INFO(answer.error().message());
            CHECK((answer.error().code() == errc::no_space || answer.error().code() == errc::io_error || answer.error().code() == errc::timed_out));
            CHECK(answer.error().retry() == Retry::temporary);
            if (answer.error().code() == errc::timed_out) ++ambiguous;
            ++refusals;
            CHECK_FALSE(whole_or_nothing(sink));   // this connection says no; a crash now may say otherwise, but only of the whole
          } else {
            CHECK(whole_or_nothing(sink));
          }
          copy_folder(scratch / "now", scratch / "killed");
          vfs.stop_failing();
          const auto again = sink.upsert(tenure(), head(2), wave);
          if (!again) FAIL(again.error().message());
          CHECK(whole_or_nothing(sink));
        }
        auto reopened = opened(scratch / "now/x.db");
        CHECK(whole_or_nothing(reopened));
        CHECK(Raw(scratch / "now/x.db").run("PRAGMA integrity_check; PRAGMA foreign_key_check") == "ok|");
        std::filesystem::remove(scratch / "killed/x.db-shm");
        auto killed = opened(scratch / "killed/x.db");
        CHECK((whole_or_nothing(killed) || !acknowledged));
        if (!hit) break;
      }
  CHECK(refusals > 40);
  CHECK(ambiguous > 0);
}

TEST_CASE("SqliteSink: SINK-11 W36 what was acknowledged survives power loss, at each write, truncate, delete and sync") {
  const Scratch scratch;
  std::filesystem::create_directory(scratch / "run");
  const std::string path = scratch / "run/x.db";
  test::FaultVfs vfs;
  std::size_t acknowledged = 0, losses = 0;   // requests; request i publishes two effects
  bool looking = false;
  std::set<std::string> images;   // what was found already
  const auto names = [](std::size_t i) { return std::pair("a" + std::to_string(i), "b" + std::to_string(i)); };
  const auto power_loss = [&] {
    if (looking) return;
    looking = true;
    // of each file, what was synced or what was written: any mixture of the two may be what is found
    const std::vector<std::string> ends{"", "-wal", "-journal"};
    for (std::size_t mixture = 0; mixture < 8; ++mixture) {
      std::map<std::string, std::string> files;
      for (std::size_t i = 0; i < ends.size(); ++i) {
        const std::string from = path + ends[i], to = scratch / ("found/x.db" + ends[i]);
        if ((mixture >> i & 1) != 0) {
          if (std::filesystem::exists(from)) files[to] = content_of(from);
        } else if (const auto synced = vfs.synced.find(from); synced != vfs.synced.end()) {
          files[to] = synced->second;
        }
      }
      std::string image = std::to_string(acknowledged);
      for (const auto& [to, bytes] : files) image += to + sha256(bytes).hex();
      if (!images.insert(image).second) continue;
      std::filesystem::remove_all(scratch / "found");
      std::filesystem::create_directory(scratch / "found");
      for (const auto& [to, bytes] : files) std::ofstream(to, std::ios::binary) << bytes;
      ++losses;
      INFO("mixture " << mixture << " after " << acknowledged << " requests, change " << vfs.changes());
      auto found = SqliteSink::open(scratch / "found/x.db");
      if (!found) { FAIL(found.error().message()); }
      for (std::size_t i = 0; i <= acknowledged; ++i) {
        const auto [a, b] = names(i);
        const auto first = state(found.value(), a), second = state(found.value(), b);
        if (first.has_value() != second.has_value()) FAIL("half of request " << i);
        if (!first && i < acknowledged) FAIL("request " << i << " was acknowledged and is gone");
      }
      if (!export_canonical(found.value())) FAIL("what is left cannot be read");
    }
    looking = false;
  };
  vfs.before_change = power_loss;
  {
    auto sink = opened(path, {.checkpoint_pages = 12});
    vfs.synced.erase(path + "-journal");   // open() has synced the folder
    for (std::size_t i = 0; i < 8; ++i) {
      const auto [a, b] = names(i);
      REQUIRE(sink.upsert(tenure(), head(i + 1), std::vector{upsert(a, {1, i + 1}, "k", fresh(a + std::string(i * 2500, 'x'))), upsert(b, {1, i + 1}, "l", fresh(b))}));
      ++acknowledged;
      power_loss();
    }
  }
  power_loss();
  CHECK(losses > 150);
}

TEST_CASE("SqliteSink: a commit whose outcome is not known says so, and find() settles it") {
  const Scratch scratch;
  const std::string path = scratch / "x.db";
  { (void)opened(path); }
  test::FaultVfs vfs;
  auto sink = opened(path);
  const auto one = upsert("e", {1, 1}, "k", fresh("x"));
  for (std::uint64_t n = 1;; ++n) {
    vfs.fail_at(n, SQLITE_IOERR_WRITE, false);
    const auto answer = sink.upsert(tenure(), head(1), std::span(&one, 1));
    vfs.stop_failing();
    if (answer) break;
    CHECK((answer.error().code() == errc::timed_out || answer.error().code() == errc::io_error));
    CHECK(state(sink, "e") == std::nullopt);
  }
  CHECK(state(sink, "e") == PublicationState::current);
}

TEST_CASE("SqliteSink: busy is said in time, and passes") {
  const Scratch scratch;
  const std::string path = scratch / "x.db";
  auto sink = opened(path, {.busy_timeout_ms = 20});
  Raw other(path);
  other.run("BEGIN IMMEDIATE");
  const auto answer = sink.begin(tenure(), stream());
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code() == errc::busy);
  CHECK(answer.error().retry() == Retry::temporary);
  CHECK(exported(sink) == "{\"format\":\"kfm_det/sink-export/1\",\"keys\":[]}");   // readers do not wait
  auto second = opened(path, {.busy_timeout_ms = 20});                              // nor does who opens it
  other.run("ROLLBACK");
  CHECK(sink.begin(tenure(), stream()).has_value());
  CHECK(second.begin(tenure(2), stream()).has_value());
}

TEST_CASE("SqliteSink: opening gives up in time when somebody is asleep who has begun to read a database that keeps no write-ahead log yet") {
  const Scratch scratch;
  const std::string path = scratch / "x.db";
  { auto made = opened(path); }
  Raw other(path);
  other.run("PRAGMA journal_mode=DELETE; BEGIN; SELECT * FROM floors");   // as it is just before the maker of a database changes the mode
  const auto start = std::chrono::steady_clock::now();
  CHECK(refused(path, {.busy_timeout_ms = 300}).code() == errc::busy);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(9));   // each try waits for itself: 5 ms each were counted once
  other.run("COMMIT");
  CHECK(SqliteSink::open(path).has_value());
}

TEST_CASE("SqliteSink: the log is taken in as it grows, and never beside a commit") {
  const Scratch scratch;
  const std::string path = scratch / "x.db";
  auto sink = opened(path, {.checkpoint_pages = 50});
  auto reader = opened(path);
  for (int i = 0; i < 200; ++i) {
    publish(sink, upsert("e" + std::to_string(i), {1, static_cast<Lsn>(i + 1)}, "k", fresh(std::string(20000, 'x') + std::to_string(i))));
    (void)state(reader, "e0");
  }
  CHECK(std::filesystem::file_size(path + "-wal") < 100 * 4200);
  CHECK(std::filesystem::file_size(path) > 200 * 20000);
  // while somebody else has the write lock the log waits: the request is answered all the same
  const auto written = std::filesystem::file_size(path);
  {
    const sqlite::Database::Mode mode = sqlite::Database::Mode::read_write_create;
    auto holder = sqlite::Database::open(path, mode);
    REQUIRE(holder);
    CHECK(std::filesystem::file_size(path) == written);
  }
  CHECK(Raw(path).run("PRAGMA integrity_check") == "ok|");
}

}  // namespace
