// SPDX-License-Identifier: BSL-1.0
/// \file
/// ReadOnly: a sink's database that is only looked at: no byte of it changes, and nothing is made beside it.
///
/// Where a log (-wal) lies beside the database, somebody has it open, or had and was killed: then SQLite reads both files under its locks.
/// Where there is none, or one of nothing but its header, the main file is everything and is read without a lock; then each look is repeated when the files
/// changed meanwhile. (SQLite, asked to read such a header under its locks, tries for ever: whoever was killed behind the header's write leaves one.)
/// Thread-safety: none; who holds one serialises.
#ifndef KFM_DET_ADAPTERS_SQLITE_READER_HPP
#define KFM_DET_ADAPTERS_SQLITE_READER_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <sys/stat.h>

#include "kfm_det/adapters/sqlite/schema.hpp"

namespace kfm_det::sqlite {

class ReadOnly {
 public:
  /// Errors: not_found, foreign, unsupported_version, corrupt_committed, unavailable, permission_denied, io_error.
  [[nodiscard]] static result<ReadOnly> open(std::string path, std::uint32_t busy_timeout_ms) {
    KFM_DET_TRY(Database::check_path(path));
    KFM_DET_TRY(refuse_foreign(path));
    ReadOnly out(std::move(path), busy_timeout_ms);
    KFM_DET_TRY(out.reopen());
    return out;
  }

  /// What `look(database)` answers, about one state of the files. Errors: its own, those of open(), busy.
  template <class Look>
  [[nodiscard]] auto look(Look&& look) -> decltype(look(std::declval<Database&>())) {
    constexpr int tries_max = 100;
    for (int i = 0; i < tries_max; ++i) {
      if (!database_ || stale()) { KFM_DET_TRY(reopen()); }
      auto answer = look(*database_);
      // A writer makes or takes away the log and its index right now: he is given a moment, and an error about files that have changed since is none.
      if (!answer && i + 1 < tries_max && (answer.error().code() == errc::unavailable || files() != seen_)) {
        database_.reset();
        sqlite3_sleep(1);
        continue;
      }
      if (!stale()) return answer;
    }
    return Error(errc::busy, "the database changed each time that it was looked at", path_, "Try again.");
  }

 private:
  /// What is seen of a file from outside.
  struct Traits {
    bool there = false;
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    friend bool operator==(const Traits&, const Traits&) = default;
  };
  struct Files {
    Traits main, log, journal;
    friend bool operator==(const Files&, const Files&) = default;
  };

  static constexpr std::uint64_t log_header_bytes = 32;   // https://www.sqlite.org/fileformat2.html#walformat

  ReadOnly(std::string path, std::uint32_t busy_timeout_ms) : path_(std::move(path)), busy_timeout_ms_(busy_timeout_ms) {}

  static Traits traits_of(const std::string& path) {
    struct stat found{};
    if (::stat(path.c_str(), &found) != 0) return {};
    return {true, static_cast<std::uint64_t>(found.st_dev), static_cast<std::uint64_t>(found.st_ino), static_cast<std::uint64_t>(found.st_size), found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
  }
  [[nodiscard]] Files files() const { return {traits_of(path_), traits_of(path_ + "-wal"), traits_of(path_ + "-journal")}; }
  [[nodiscard]] bool stale() const { return immutable_ && files() != seen_; }   // with a log, SQLite's locks see to it

  /// Who had the database open may close it between our look at the files and our opening: he takes the index away, then the log. What is neither here nor
  /// there is given a moment, and an error about files that have changed since is none.
  [[nodiscard]] result<void> reopen() {
    constexpr int tries_max = 100;
    for (int i = 1;; ++i) {
      auto opened = open_as_seen();
      if (opened || i == tries_max) return opened;
      sqlite3_sleep(1);
      if (opened.error().code() != errc::unavailable && files() == seen_) return opened;
    }
  }
  [[nodiscard]] result<void> open_as_seen() {
    database_.reset();
    seen_ = files();
    if (!seen_.main.there) return Error(errc::not_found, "there is no database here", path_, "Look at the path; a sink makes its file when it is opened for writing.");
    if (seen_.main.size == 0 && seen_.log.size == 0) return Error(errc::not_found, "the file is empty: nothing was published yet", path_, "Open it for writing once.");
    if (seen_.journal.size != 0) return Error(errc::unavailable, "the making of this database was interrupted, or goes on", path_, "Open it for writing once: that finishes it.");
    immutable_ = seen_.log.size <= log_header_bytes;
    if (!immutable_ && !traits_of(path_ + "-shm").there)
      return Error(errc::unavailable, "a log lies beside this database without its index (-shm)", path_ + "-wal", "Open it for writing once, or look at a copy of both files: that makes the index anew.");
    KFM_DET_TRY(auto database, Database::open(path_, immutable_ ? Database::Mode::read_immutable : Database::Mode::read_shared));
    sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    database.wait_up_to(busy_timeout_ms_);
    KFM_DET_TRY(const bool fresh, is_fresh(database));
    KFM_DET_TRY(configure(database));
    if (fresh) return Error(errc::not_found, "the database is empty: nothing was published yet", path_, "Open it for writing once.");
    database_.emplace(std::move(database));
    return success();
  }

  std::string path_;
  std::uint32_t busy_timeout_ms_;
  std::optional<Database> database_;
  Files seen_;
  bool immutable_ = false;
};

}  // namespace kfm_det::sqlite

#endif
