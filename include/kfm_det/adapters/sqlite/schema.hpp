// SPDX-License-Identifier: BSL-1.0
/// \file
/// The tables of SqliteSink: what they are, how a file is recognised, made and opened.
///
/// A file is ours when its application_id says so; then user_version is the version of the tables. Anything else is never touched.
/// People may query the file with any SQLite tool while it is in use; `current_outputs` is the view to begin with:
///   sqlite3 state/summaries.db "SELECT business_key, bytes FROM current_outputs"
#ifndef KFM_DET_ADAPTERS_SQLITE_SCHEMA_HPP
#define KFM_DET_ADAPTERS_SQLITE_SCHEMA_HPP

#include <algorithm>
#include <cstdint>
#include <string>

#include <sys/stat.h>

#include "kfm_det/adapters/sqlite/database.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/files/system_clock.hpp"

namespace kfm_det::sqlite {

inline constexpr std::int64_t application_id = 0x6b666d64;  ///< "kfmd"
inline constexpr std::int64_t schema_version = 1;

/// Texts that are compared byte for byte are BLOBs; STRICT keeps a value from turning into another type.
inline constexpr const char* schema = R"sql(
CREATE TABLE floors(       -- the highest fencing token of each scope
  updater_id BLOB NOT NULL, partition BLOB NOT NULL, token INTEGER NOT NULL, owner BLOB NOT NULL,
  PRIMARY KEY(updater_id, partition)) STRICT, WITHOUT ROWID;
CREATE TABLE witnesses(    -- the highest head of each log stream
  stream BLOB NOT NULL PRIMARY KEY, incarnation INTEGER NOT NULL, lsn INTEGER NOT NULL, hash BLOB NOT NULL CHECK(length(hash) = 32)) STRICT, WITHOUT ROWID;
CREATE TABLE keys(         -- business keys, and the scope that each belongs to
  id INTEGER PRIMARY KEY, business_key BLOB NOT NULL UNIQUE, updater_id BLOB NOT NULL, partition BLOB NOT NULL) STRICT;
CREATE TABLE versions(     -- bytes, kept for ever; NULL bytes: they are in pieces
  id INTEGER PRIMARY KEY, idempotency_key BLOB NOT NULL UNIQUE CHECK(length(idempotency_key) = 32), bytes_hash BLOB NOT NULL CHECK(length(bytes_hash) = 32),
  size INTEGER NOT NULL, metadata TEXT NOT NULL, bytes BLOB) STRICT;
CREATE TABLE pieces(       -- of versions above 1 MiB
  version INTEGER NOT NULL REFERENCES versions(id), number INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY(version, number)) STRICT;
CREATE TABLE publications( -- effects that reached the sink; published = 0: only its withdrawal did; published without version: a tombstone
  effect BLOB NOT NULL PRIMARY KEY CHECK(length(effect) = 32), run TEXT NOT NULL, incarnation INTEGER NOT NULL, lsn INTEGER NOT NULL,
  key INTEGER NOT NULL REFERENCES keys(id), published INTEGER NOT NULL, withdrawn INTEGER NOT NULL, version INTEGER REFERENCES versions(id)) STRICT, WITHOUT ROWID;
CREATE INDEX publications_by_rank ON publications(key, incarnation, lsn, effect, withdrawn);
CREATE VIEW publication_states AS
  SELECT p.effect AS effect, p.run AS run, p.incarnation AS incarnation, p.lsn AS lsn, k.business_key AS business_key, p.published AS published, p.withdrawn AS withdrawn,
    p.effect = (SELECT c.effect FROM publications c WHERE c.key = p.key AND c.withdrawn = 0 ORDER BY c.incarnation DESC, c.lsn DESC, c.effect DESC LIMIT 1) AS current,
    v.idempotency_key AS idempotency_key, v.bytes_hash AS bytes_hash, v.size AS size, v.metadata AS metadata
  FROM publications p JOIN keys k ON k.id = p.key LEFT JOIN versions v ON v.id = p.version;
CREATE VIEW current_outputs AS
  SELECT CAST(k.business_key AS TEXT) AS business_key, p.run AS run, lower(hex(p.effect)) AS effect, v.metadata AS metadata, v.size AS size, v.bytes AS bytes
  FROM keys k JOIN publications p ON p.effect = (SELECT c.effect FROM publications c WHERE c.key = k.id AND c.withdrawn = 0 ORDER BY c.incarnation DESC, c.lsn DESC, c.effect DESC LIMIT 1)
  JOIN versions v ON v.id = p.version
  ORDER BY k.business_key;
)sql";

/// Whether the file is empty and may become ours; false: it is ours. Errors: foreign, unsupported_version, corrupt_committed.
[[nodiscard]] inline result<bool> is_fresh(Database& database) {
  std::uint64_t id = 0, version = 0, tables = 0;
  {
    KFM_DET_TRY(auto query, database.query("SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)"));
    KFM_DET_TRY(const bool row, query.step());
    if (row) { id = query.get_integer(0); version = query.get_integer(1); tables = query.get_integer(2); }
  }
  if (id == 0 && version == 0 && tables == 0) return true;
  if (id != static_cast<std::uint64_t>(application_id))
    return Error(errc::foreign, "this SQLite database is not a sink of kfm_det", database.path(), "Nothing was changed. Give the sink a file of its own.");
  if (version != static_cast<std::uint64_t>(schema_version))
    return Error(errc::unsupported_version, "the sink's tables have version " + std::to_string(version) + "; this library knows " + std::to_string(schema_version), database.path(),
                 "Nothing was changed. Take the library that made it, or a newer one.");
  return false;
}

/// A look at the main file alone, without a lock and without SQLite's files beside it: what is foreign is refused before anything of it is touched.
/// Whatever else is wrong is left to the real opening, which sees the file as it is meant to be seen.
[[nodiscard]] inline result<void> refuse_foreign(const std::string& path) {
  // By name and never by a descriptor: closing one would drop the locks that this process has on the file.
  struct stat found{};
  if (::stat(path.c_str(), &found) == 0) {
    if (!S_ISREG(found.st_mode)) return Error(errc::invalid_argument, "this is no file", path, S_ISDIR(found.st_mode) ? "It is a folder; name a file in it." : "Name a file.");
    if (found.st_size == 1) return Error(errc::foreign, "this file is no database", path, "Nothing was changed. Give the sink a file of its own.");   // SQLite takes one byte for an empty file
  }
  auto peek = Database::open(path, Database::Mode::read_immutable);
  if (!peek) return success();
  const auto fresh = is_fresh(peek.value());
  if (!fresh && (fresh.error().code() == errc::foreign || fresh.error().code() == errc::unsupported_version)) return fresh.error();
  return success();
}

[[nodiscard]] inline result<void> create_tables(Database& database) {
  KFM_DET_TRY(auto transaction, Transaction::begin(database));
  KFM_DET_TRY(const bool still_fresh, is_fresh(database));
  if (!still_fresh) return success();   // somebody else was faster
  const std::string marks = "PRAGMA application_id = " + std::to_string(application_id) + "; PRAGMA user_version = " + std::to_string(schema_version);
  KFM_DET_TRY(database.run(schema, "making the tables"));
  KFM_DET_TRY(database.run(marks.c_str(), "making the tables"));
  auto done = transaction.commit();
  if (!done && done.error().code() == errc::timed_out) return Error(errc::io_error, done.error().what(), database.path(), "Look at the disk, and open it again.");
  return done;
}

/// A pragma may be ignored without a word, so each that matters is asked back.
[[nodiscard]] inline result<void> configure(Database& database) {
  // FULL syncs the log at each commit. EXTRA would only add the folder's sync after a rollback journal is deleted, and in WAL mode there is none:
  // what the few commits before WAL mode leave in the folder is synced by open_for_writing().
  KFM_DET_TRY(database.run("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                           "PRAGMA mmap_size = 0;"        // a read error of a mapping would kill the process
                           "PRAGMA journal_size_limit = 67108864;"   // a log that one large output blew up shrinks again
                           "PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON",
                           "setting SQLite up"));   // where fsync alone does not reach the medium (macOS)
  KFM_DET_TRY(const auto synchronous, database.integer("PRAGMA synchronous"));
  KFM_DET_TRY(const auto foreign_keys, database.integer("PRAGMA foreign_keys"));
  if (synchronous != 2 || foreign_keys != 1) return Error(errc::unsupported, "this SQLite does not do as it is told (synchronous, foreign_keys)", database.path(), "Link the usual build.");
  return success();
}

/// Several may open a new database at once. For this change SQLite waits by itself for some of what others do, and answers at once to the rest: so what has
/// passed is asked from the clock, and not added up from our own pauses.
[[nodiscard]] inline result<void> enter_wal_mode(Database& database, std::uint32_t busy_timeout_ms) {
  constexpr int pause_ms = 5;
  const SystemClock clock;
  const Duration end = clock.monotonic() + milliseconds(busy_timeout_ms);
  for (;;) {
    const auto mode = database.text("PRAGMA journal_mode = WAL");
    if (mode && mode.value() == "wal") return success();
    if (mode) return Error(errc::unsupported, "SQLite cannot keep a write-ahead log here, and stays in mode '" + mode.value() + "'", database.path(), "Put the file on a local disk: a network share has no shared memory.");
    if (mode.error().code() != errc::busy || clock.monotonic() >= end) return mode.error();
    sqlite3_sleep(pause_ms);
  }
}

namespace detail {
[[nodiscard]] inline std::string folder_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}
[[nodiscard]] inline result<void> make_folder(PosixFileSystem& fs, const std::string& path) {
  KFM_DET_TRY(const bool there, fs.exists(path));
  if (there) return success();
  const std::string above = folder_of(path);
  KFM_DET_TRY(make_folder(fs, above));
  KFM_DET_TRY(fs.make_directory(path));
  return fs.sync_directory(above);
}
}  // namespace detail

/// Opens a sink's database for reading and writing; makes it, and the folders above it, where nothing is. What it answers is durable.
/// Errors: foreign, unsupported_version, corrupt_committed, unsupported, busy, not_found, permission_denied, no_space, io_error.
[[nodiscard]] inline result<Database> open_for_writing(const std::string& path, std::uint32_t busy_timeout_ms) {
  constexpr int oldest = 3037000;   // the first with STRICT tables
  if (sqlite3_libversion_number() < oldest)
    return Error(errc::unsupported, std::string("SQLite ") + sqlite3_libversion() + " is too old", path, "Link 3.37 or newer.");
  KFM_DET_TRY(Database::check_path(path));
  KFM_DET_TRY(refuse_foreign(path));
  PosixFileSystem fs;
  const std::string folder = detail::folder_of(path);
  KFM_DET_TRY(detail::make_folder(fs, folder));
  KFM_DET_TRY(auto database, Database::open(path, Database::Mode::read_write_create));
  // Until the file is known to be ours, closing it must not take in a log that lies beside it.
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  database.wait_up_to(busy_timeout_ms);
  KFM_DET_TRY(const bool fresh, is_fresh(database));
  KFM_DET_TRY(configure(database));
  if (fresh) { KFM_DET_TRY(create_tables(database)); }
  KFM_DET_TRY(enter_wal_mode(database, busy_timeout_ms));
  KFM_DET_TRY(fs.sync_directory(folder));   // the name of the file, and that the journal of its making is gone
  sqlite3_db_config(database.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
  return database;
}

}  // namespace kfm_det::sqlite

#endif
