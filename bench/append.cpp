// SPDX-License-Identifier: BSL-1.0
// What a durable record costs: wal::Log over FileStore, beside the same bytes by bare system calls and beside SQLite.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <sqlite3.h>

#include "floor.hpp"
#include "kfm_det/files/system_clock.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/wal/log.hpp"
#include "measure.hpp"
#include "records.hpp"

namespace kfm_det::bench {
namespace {

using Log = wal::Log<FileStore<>::Stream, SystemClock>;

Log open_log(const std::string& folder) {
  auto stream = must(must(FileStore<>::open(folder + "/wal")).open_stream(stream_id()));
  return must(Log::open(std::move(stream), stream_id(), Head{}, SystemClock{}, [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); }));
}

Side ours(std::size_t records, bool durable) {
  return {"kfm_det", [=](const std::string& folder) {
            auto log = std::make_shared<Log>(open_log(folder));
            auto group = std::make_shared<std::vector<wal::WalRecord>>(intent_records(records));
            return timed([=] {
              if (durable) benchmark::DoNotOptimize(must(log->commit(*group)));
              else benchmark::DoNotOptimize(must(log->append(*group)));
            });
          }};
}

/// One write for the group; with `hash`, first SHA-256 over each line, which is what proves it later.
Side raw(std::string name, RawFile::Kind kind, std::size_t records, bool hash, bool durable) {
  return {std::move(name), [=](const std::string& folder) {
            const auto file = std::make_shared<RawFile>(folder + "/raw", kind);
            const auto sha256 = std::make_shared<RawSha256>();
            const auto lines = sealed_lines(intent_records(records));
            std::string whole;
            for (const auto& line : lines) whole += line;
            return timed([=] {
              if (hash)
                for (const auto& line : lines) benchmark::DoNotOptimize((*sha256)(line));
              file->write(whole);
              if (durable) file->sync();
            });
          }};
}

/// The same lines as rows, one INSERT in one transaction, WAL mode, synchronous FULL, checkpoints as SQLite does them by itself.
class SqliteLog {
 public:
  explicit SqliteLog(const std::string& path) {
    check(sqlite3_open(path.c_str(), &database_));
    run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE log(lsn INTEGER PRIMARY KEY, line BLOB NOT NULL);");
    check(sqlite3_prepare_v2(database_, "INSERT INTO log(line) VALUES(?)", -1, &insert_, nullptr));
  }
  SqliteLog(const SqliteLog&) = delete;
  SqliteLog& operator=(const SqliteLog&) = delete;
  ~SqliteLog() {
    sqlite3_finalize(insert_);
    sqlite3_close(database_);
  }
  void append(const std::string& line) {
    check(sqlite3_bind_blob64(insert_, 1, line.data(), line.size(), SQLITE_STATIC));
    if (sqlite3_step(insert_) != SQLITE_DONE) give_up(std::string("sqlite: ") + sqlite3_errmsg(database_));
    check(sqlite3_reset(insert_));
  }

 private:
  void run(const char* sql) { check(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr)); }
  void check(int code) {
    if (code != SQLITE_OK) give_up(std::string("sqlite: ") + sqlite3_errmsg(database_));
  }
  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

Side sqlite_full() {
  return {"SQLite WAL FULL, one INSERT", [](const std::string& folder) {
            const auto database = std::make_shared<SqliteLog>(folder + "/log.db");
            const std::string line = sealed_lines(intent_records(1)).front();
            return timed([=] { database->append(line); });
          }};
}

}  // namespace

std::vector<Measure> append_measures() {
  constexpr std::size_t group = 256, in_a_row = 64;
  const std::string bytes = std::to_string(sealed_lines(intent_records(1)).front().size());
  using enum RawFile::Kind;
  return {
      {"append_sync", "append + sync, one record of " + bytes + " bytes", ours(1, true),
       {{raw("raw pwrite + fdatasync", prewritten, 1, false, true), 1 / 1.05}, {sqlite_full(), 1}}, 1, false, 1},
      {"append_sync_run", "the same, 64 in a row (with their share of prewriting)", ours(1, true),
       {{raw("raw pwrite + fdatasync", prewritten, 1, false, true)}, {raw("the same, growing file", growing, 1, false, true), 0, "what a log without prewriting pays"}, {sqlite_full(), 1}}, 1, false, in_a_row},
      {"group_sync", "256 records in a group + sync, per record", ours(group, true),
       {{raw("raw SHA-256 + pwrite + fdatasync", prewritten, group, true, true), 0.8}, {raw("the same, growing file", growing, group, true, true), 0, "what a log without prewriting pays"}}, group, false, 1},
      {"group", "256 records in a group, no sync, per record", ours(group, false),
       {{raw("raw SHA-256 + pwrite", prewritten, group, true, false)}, {raw("the same, growing file", growing, group, true, false)}}, group, false, 1},
  };
}

}  // namespace kfm_det::bench
