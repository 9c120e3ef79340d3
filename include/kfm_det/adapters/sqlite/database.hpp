// SPDX-License-Identifier: BSL-1.0
/// \file
/// Database: the one seam to sqlite3: open, statements, transactions, and its error codes as ours.
///
/// Thread-safety: none; who holds a Database serialises (SqliteSink does). Move-only; closes itself. Never take one across a fork.
/// Durability: Transaction::commit() answers once the write-ahead log is synced (synchronous=FULL, which the opener sets and verifies).
#ifndef KFM_DET_ADAPTERS_SQLITE_DATABASE_HPP
#define KFM_DET_ADAPTERS_SQLITE_DATABASE_HPP

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sqlite3.h>

#include "kfm_det/core/assert.hpp"
#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/result.hpp"

namespace kfm_det::sqlite {

/// An SQLite result code (extended or not) as an Error. `what` is what was being done; `text` is SQLite's own sentence.
[[nodiscard]] Error error_of(int code, int system_errno, std::string_view what, std::string_view text, std::string where);

class Query;

class Database {
 public:
  enum class Mode : std::uint8_t {
    read_write_create,
    read_shared,     ///< reads beside writers; changes no byte: neither of the database nor of its -wal and -shm
    read_immutable,  ///< reads the main file alone and takes no lock: right while nobody writes and there is no -wal
  };

  /// Errors: invalid_argument.
  [[nodiscard]] static result<void> check_path(const std::string& path);
  /// Errors: invalid_argument, not_found, permission_denied, no_space, io_error. A file that is no database shows itself when it is first read.
  [[nodiscard]] static result<Database> open(const std::string& path, Mode mode);

  /// Statements without parameters and rows; `what` is what they do, for the error.
  [[nodiscard]] result<void> run(const char* sql, std::string_view what);
  /// One use of a statement, prepared once. `sql` must live as long as the database: give a literal.
  [[nodiscard]] result<Query> query(const char* sql);
  /// The first column of the first row, as an integer or as text: for pragmas.
  [[nodiscard]] result<std::int64_t> integer(const char* sql);
  [[nodiscard]] result<std::string> text(const char* sql);

  /// How long a statement waits for other connections before it answers busy.
  void wait_up_to(std::uint32_t busy_timeout_ms) noexcept { sqlite3_busy_timeout(handle_.get(), static_cast<int>(std::min<std::uint32_t>(busy_timeout_ms, 0x7fffffff))); }
  [[nodiscard]] Error error(int code, std::string_view what) const { return error_of(code, sqlite3_system_errno(handle_.get()), what, sqlite3_errmsg(handle_.get()), path_); }
  [[nodiscard]] sqlite3* handle() const noexcept { return handle_.get(); }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  friend class Query;
  struct Close { void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); } };
  struct Finalize { void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); } };
  explicit Database(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
  std::map<std::string_view, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;   // finalized before the handle closes
};

/// Parameters go in with bind() in their order, rows come out with step(). Resets its statement when it ends.
///
/// What is bound must live until then. A fault while binding is told by the next step().
class Query {
 public:
  Query(Query&& other) noexcept : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)), next_(other.next_), fault_(std::move(other.fault_)) {}
  Query& operator=(Query&&) = delete;
  ~Query() {
    if (!statement_) return;
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }

  Query& blob(BytesView bytes);
  Query& text(std::string_view text);
  /// Errors of the next step(): limit_exceeded above 2^63 - 1, which is what SQLite's integers hold.
  Query& integer(std::uint64_t value);
  Query& flag(bool value) { return integer(value ? 1 : 0); }
  Query& null() { return bound(sqlite3_bind_null(statement_, next_)); }

  /// true: there is a row. Errors: see error_of().
  [[nodiscard]] result<bool> step();
  /// For statements that give no rows.
  [[nodiscard]] result<void> done() { KFM_DET_TRY(const bool row, step()); (void)row; return success(); }

  [[nodiscard]] bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  /// Valid until the next step().
  [[nodiscard]] BytesView get_bytes(int column) const;
  [[nodiscard]] std::uint64_t get_integer(int column) const { return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column)); }
  [[nodiscard]] bool get_flag(int column) const { return sqlite3_column_int64(statement_, column) != 0; }

 private:
  friend class Database;
  Query(Database& database, sqlite3_stmt* statement) : database_(&database), statement_(statement) {}
  Query& bound(int code);

  Database* database_;
  sqlite3_stmt* statement_;
  int next_ = 1;
  std::optional<Error> fault_;
};

/// BEGIN IMMEDIATE: one writer at a time, and what it read is still true when it commits. Rolls back unless committed.
class Transaction {
 public:
  /// Errors: busy (somebody else writes; the busy timeout has passed).
  [[nodiscard]] static result<Transaction> begin(Database& database) {
    KFM_DET_TRY(database.run("BEGIN IMMEDIATE", "beginning a transaction"));
    return Transaction(database);
  }
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction() { rollback(); }

  void rollback() noexcept {
    Database* const database = std::exchange(database_, nullptr);
    if (database && sqlite3_get_autocommit(database->handle()) == 0) sqlite3_exec(database->handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  /// Errors: timed_out (the medium failed while it was written: the transaction may or may not come back after a crash; ask), no_space, busy: nothing happened.
  [[nodiscard]] result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

// --- how -------------------------------------------------------------------------------------------------------------------

inline Error error_of(int code, int system_errno, std::string_view what, std::string_view text, std::string where) {
  const std::string sentence = std::string(what) + ": " + std::string(text);
  const auto give = [&](errc ours, std::string remedy) { return Error(ours, sentence, std::move(where), std::move(remedy)); };
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_PROTOCOL:   // a race for the log's index that was lost too often
    case SQLITE_LOCKED: return give(errc::busy, "Somebody else writes to this database; try again, or raise busy_timeout_ms.");
    case SQLITE_FULL: return give(errc::no_space, "Make room on the disk; nothing of this request was kept.");
    case SQLITE_CORRUPT: return give(errc::corrupt_committed, "Nothing was changed. Keep the files, and restore the database from a copy, or read what is left with: sqlite3 FILE .recover");
    case SQLITE_NOTADB: return give(errc::corrupt_committed, "This is not an SQLite database, or its first page is damaged. Nothing was changed; give another path, or restore it from a copy.");
    case SQLITE_TOOBIG: return give(errc::limit_exceeded, "One value is larger than this SQLite takes.");
    case SQLITE_NOMEM: return give(errc::unavailable, "Give the process more memory.");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      if (code == SQLITE_READONLY_RECOVERY || code == SQLITE_READONLY_CANTLOCK || code == SQLITE_READONLY_CANTINIT)
        return give(errc::unavailable, "The log's index (-shm) is being made, or was left by somebody who was killed, and who only reads must not mend it: try again, or open it for writing once.");
      if (code == SQLITE_READONLY_DBMOVED) return give(errc::io_error, "The file was moved or replaced while it was open: open it again.");
      return give(errc::permission_denied, "Look at the rights of the file and of its folder: SQLite also writes beside it.");
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      switch (system_errno) {
        case ENOENT: return give(errc::not_found, "Look at the path.");
        case EACCES:
        case EPERM:
        case EROFS: return give(errc::permission_denied, "Look at the rights of the file and of its folder: SQLite also writes beside it.");
        case EISDIR: return give(errc::invalid_argument, "The path is a folder; name a file in it.");
        case ENOTDIR: return give(errc::invalid_argument, "A folder of the path is a file.");
        case ENOSPC:
        case EDQUOT: return give(errc::no_space, "Make room on the disk; nothing of this request was kept.");
        default: break;
      }
      return give(errc::io_error, system_errno != 0 ? std::string("The system said: ") + std::strerror(system_errno) + "." : std::string("Look at the disk and at the path."));
    default: return give(errc::corrupt_committed, "The database is not as this library made it. Nothing was changed; restore it from a copy.");
  }
}

namespace detail {
/// The path as a URI: SQLite may be built to read any path as one, so this is the only form in which a path has one meaning.
[[nodiscard]] inline std::string uri_of(const std::string& path, std::string_view options) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out = path.starts_with('/') ? "file://" : "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      out += '%';
      out += digits[static_cast<unsigned char>(c) >> 4];
      out += digits[static_cast<unsigned char>(c) & 15];
    } else {
      out += c;
    }
  }
  return out += options;
}
}  // namespace detail

inline result<void> Database::check_path(const std::string& path) {
  if (path.empty() || path == ":memory:")
    return Error(errc::invalid_argument, "an SQLite database in memory would forget", "path '" + path + "'", "Give the path of a file; take MemorySink for tests.");
  if (path.find('\0') != std::string::npos) return Error(errc::invalid_argument, "a path with a NUL byte", "path", "Take it out.");
  return success();
}

inline result<Database> Database::open(const std::string& path, Mode mode) {
  KFM_DET_TRY(check_path(path));
  if (sqlite3_threadsafe() == 0) return Error(errc::unsupported, "this SQLite was built for one thread (SQLITE_THREADSAFE=0)", path, "Link the usual build.");
  Database out(path);
  const int flags = SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX | (mode == Mode::read_write_create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
  const std::string uri = detail::uri_of(path, mode == Mode::read_immutable ? "?immutable=1" : mode == Mode::read_shared ? "?readonly_shm=1" : "");
  sqlite3* handle = nullptr;
  const int code = sqlite3_open_v2(uri.c_str(), &handle, flags, nullptr);
  out.handle_.reset(handle);   // also a failed open gives a handle, which tells why
  if (!handle) return error_of(SQLITE_NOMEM, 0, "opening", sqlite3_errstr(SQLITE_NOMEM), path);
  sqlite3_extended_result_codes(handle, 1);
  if (code != SQLITE_OK) return out.error(sqlite3_extended_errcode(handle), "opening");
  return out;
}

inline result<void> Database::run(const char* sql, std::string_view what) {
  const int code = sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return error(code, what);
  return success();
}

inline result<Query> Database::query(const char* sql) {
  auto& statement = statements_[sql];
  if (!statement) {
    sqlite3_stmt* prepared = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    if (code != SQLITE_OK) return error(code, "reading");
    statement.reset(prepared);
  }
  KFM_DET_ASSERT(sqlite3_stmt_busy(statement.get()) == 0);   // one use at a time
  return Query(*this, statement.get());
}

inline result<std::int64_t> Database::integer(const char* sql) {
  KFM_DET_TRY(auto query, this->query(sql));
  KFM_DET_TRY(const bool row, query.step());
  return row ? static_cast<std::int64_t>(query.get_integer(0)) : 0;
}

inline result<std::string> Database::text(const char* sql) {
  KFM_DET_TRY(auto query, this->query(sql));
  KFM_DET_TRY(const bool row, query.step());
  return row ? std::string(query.get_bytes(0)) : std::string();
}

inline Query& Query::bound(int code) {
  ++next_;
  if (code != SQLITE_OK && !fault_) fault_ = database_->error(code, "binding a parameter");
  return *this;
}
inline Query& Query::blob(BytesView bytes) {   // "" and not null: a null pointer would be bound as NULL
  return bound(sqlite3_bind_blob64(statement_, next_, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC));
}
inline Query& Query::text(std::string_view text) {
  return bound(sqlite3_bind_text64(statement_, next_, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8));
}
inline Query& Query::integer(std::uint64_t value) {
  constexpr auto highest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (value > highest && !fault_)
    fault_.emplace(errc::limit_exceeded, std::to_string(value) + " is above what SQLite's integers hold", database_->path(), "Tokens, LSNs and incarnations go up to 2^63 - 1 in this sink.");
  return bound(sqlite3_bind_int64(statement_, next_, static_cast<std::int64_t>(value & highest)));
}

inline result<bool> Query::step() {
  if (fault_) return *fault_;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return database_->error(code, sqlite3_stmt_readonly(statement_) ? "reading" : "writing");
}

inline BytesView Query::get_bytes(int column) const {
  const void* const data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  return data ? BytesView(static_cast<const char*>(data), static_cast<std::size_t>(size)) : BytesView();
}

inline result<void> Transaction::commit() {
  KFM_DET_ASSERT(database_ != nullptr);
  sqlite3* const handle = database_->handle();
  const int code = sqlite3_exec(handle, "COMMIT", nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) { database_ = nullptr; return success(); }
  const Error why = database_->error(code, "committing");
  rollback();
  // The log may hold the transaction whole although its sync failed (a disk can be full then, too): a crash now would bring it back.
  if ((code & 0xff) == SQLITE_IOERR)
    return Error(errc::timed_out, why.what(), why.where(), "Whether it happened is not known: ask find(effect), then do it again.");
  return why;
}

}  // namespace kfm_det::sqlite

#endif
