// SPDX-License-Identifier: BSL-1.0
/// \file
/// SqliteSink: publications in one SQLite file, for one machine, with queries. (Tables and the view to query: adapters/sqlite/schema.hpp)
///
/// Durability: what a verb answered survives power loss. A request is one transaction: token floor, owner and witness are judged and raised in it,
/// then every effect; so a wave is visible whole or not at all, also across a crash. WAL mode with synchronous=FULL, both asked back.
/// A file that is staged needs room for twice its size (log and database), and keeps other writers waiting while it is copied.
/// Thread-safety: all verbs may be called from any thread, also by visitors; they are serialised. Any number of processes may have the file open, each
/// by an open() of its own: never take a sink across a fork, and never open the file by other means than SQLite in the same process (POSIX locks).
/// A process that hangs (is stopped, say) inside a transaction keeps the file's write lock: the others answer busy until it goes on or is killed.
///
/// SQLite before 3.51.3 has the WAL-reset bug: a checkpoint beside a commit that starts the log anew can damage the database, rarely. This sink
/// never checkpoints beside a commit: a second connection holds the write lock meanwhile. That holds as long as all who write the file are SqliteSinks.
#ifndef KFM_DET_ADAPTERS_SQLITE_SQLITE_SINK_HPP
#define KFM_DET_ADAPTERS_SQLITE_SQLITE_SINK_HPP

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kfm_det/adapters/sqlite/reader.hpp"
#include "kfm_det/adapters/sqlite/request.hpp"
#include "kfm_det/adapters/sqlite/rows.hpp"
#include "kfm_det/adapters/sqlite/schema.hpp"
#include "kfm_det/contracts/sink_rules.hpp"

namespace kfm_det {

struct SqliteSinkOptions {
  std::uint32_t busy_timeout_ms = 5000;   ///< how long a verb waits for another writer before it answers errc::busy
  bool read_only = false;                 ///< makes and changes no byte, not even beside the file; begin, upsert and withdraw answer errc::permission_denied. Close it before a sink of the same process opens the file for writing
  std::uint32_t checkpoint_pages = 1000;  ///< how many pages the log may have before it is taken into the database (4 KiB each)
};

class SqliteSink {
 public:
  static constexpr SinkClaims claims{.atomic_batch = true, .many_processes = true, .survives_power_loss = true};

  /// Opens the file, or makes it (and the folders above it). Read-only, a file that is not there is errc::not_found.
  /// Errors: foreign (a database of somebody else), unsupported_version, corrupt_committed (no database, or damaged), unsupported (no WAL on this
  /// file system, an SQLite that is too old), busy, unavailable, not_found, permission_denied, no_space, io_error. What is not ours is not touched.
  [[nodiscard]] static result<SqliteSink> open(std::string path, const SqliteSinkOptions& options = {});

  // The contract's verbs (contracts/sink.hpp). Beside the errors named there, each may answer busy, io_error, no_space, corrupt_committed;
  // upsert and withdraw also timed_out: ask find(effect) whether it happened, and do it again.

  [[nodiscard]] result<Head> begin(const Tenure& tenure, const StreamId& stream);
  [[nodiscard]] result<std::vector<UpsertResult>> upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch);
  [[nodiscard]] result<void> withdraw(const Tenure& tenure, const Head& head, std::span<const Withdrawal> batch);
  [[nodiscard]] result<std::optional<Publication>> find(const EffectId& effect);
  [[nodiscard]] result<std::optional<StoredVersion>> find(const IdempotencyKey& key);
  /// The last piece is handed out only after the whole has been verified.
  [[nodiscard]] result<void> read(const IdempotencyKey& key, BytesVisitor visitor);
  [[nodiscard]] result<std::optional<Publication>> current(const BusinessKey& key);
  [[nodiscard]] result<void> history(const BusinessKey& key, PublicationVisitor visitor);
  [[nodiscard]] result<void> keys(KeyVisitor visitor);
  [[nodiscard]] result<std::optional<Scope>> scope_of(const BusinessKey& key);
  [[nodiscard]] result<Head> witness(const StreamId& stream);

 private:
  struct State {
    std::mutex mutex;
    SqliteSinkOptions options;
    std::optional<sqlite::ReadOnly> reader;      // one of the two
    std::optional<sqlite::Database> database;
    std::optional<sqlite::Database> write_lock;  // see checkpoint()
    int log_pages = 0;                           // after the last commit
  };

  explicit SqliteSink(std::unique_ptr<State> state) : state_(std::move(state)) {}
  template <class Work> auto look(Work&& work) -> decltype(work(std::declval<sqlite::Database&>()));
  template <class Work> auto change(const Tenure& tenure, Work&& work) -> decltype(work(std::declval<sqlite::Request&>()));
  void checkpoint();

  std::unique_ptr<State> state_;
};
static_assert(SinkPolicy<SqliteSink>);

// --- how -------------------------------------------------------------------------------------------------------------------

inline result<SqliteSink> SqliteSink::open(std::string path, const SqliteSinkOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  if (options.read_only) {
    KFM_DET_TRY(auto reader, sqlite::ReadOnly::open(std::move(path), options.busy_timeout_ms));
    state->reader.emplace(std::move(reader));
    return SqliteSink(std::move(state));
  }
  KFM_DET_TRY(auto database, sqlite::open_for_writing(path, options.busy_timeout_ms));
  state->database.emplace(std::move(database));
  // In place of SQLite's own hook, which would checkpoint right behind a commit.
  sqlite3_wal_hook(state->database->handle(), [](void* pages_out, sqlite3*, const char*, int pages) { *static_cast<int*>(pages_out) = pages; return SQLITE_OK; }, &state->log_pages);
  return SqliteSink(std::move(state));
}

/// Reads under the lock, from whichever of the two there is.
template <class Work>
auto SqliteSink::look(Work&& work) -> decltype(work(std::declval<sqlite::Database&>())) {
  const std::scoped_lock guard(state_->mutex);
  return state_->reader ? state_->reader->look(work) : work(*state_->database);
}

/// One request: a transaction that is refused leaves nothing but the floor (SINK-13).
template <class Work>
auto SqliteSink::change(const Tenure& tenure, Work&& work) -> decltype(work(std::declval<sqlite::Request&>())) {
  const std::scoped_lock guard(state_->mutex);
  if (state_->reader) return Error(errc::permission_denied, "this sink was opened to be read only", "SqliteSink", "Open it without read_only.");
  sqlite::Request request(*state_->database, tenure);
  KFM_DET_TRY(auto transaction, sqlite::Transaction::begin(*state_->database));
  KFM_DET_TRY(const bool rose, request.raise_floor());
  auto answer = work(request);
  if (!answer) {
    transaction.rollback();
    if (rose) {   // when the floor cannot be raised, that is the answer: a verdict would say that it has been
      KFM_DET_TRY(auto again, sqlite::Transaction::begin(*state_->database));
      KFM_DET_TRY(request.raise_floor());
      KFM_DET_TRY(again.commit());
    }
    return answer;
  }
  KFM_DET_TRY(transaction.commit());
  checkpoint();
  return answer;
}

/// Takes the log into the database when it has grown. The write lock is held meanwhile by a second connection (a connection cannot checkpoint inside its
/// own transaction), so that no commit starts the log anew beside it. When that does not work, the log stays, and the next request tries again.
inline void SqliteSink::checkpoint() {
  State& my = *state_;
  if (my.log_pages < 0 || static_cast<std::uint32_t>(my.log_pages) < my.options.checkpoint_pages) return;
  if (!my.write_lock) {
    auto opened = sqlite::Database::open(my.database->path(), sqlite::Database::Mode::read_write_create);
    if (!opened) return;
    my.write_lock.emplace(std::move(opened).value());
  }
  const auto held = sqlite::Transaction::begin(*my.write_lock);
  if (!held) return;
  sqlite3_wal_checkpoint_v2(my.database->handle(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

inline result<Head> SqliteSink::begin(const Tenure& tenure, const StreamId& stream) {
  return change(tenure, [&](sqlite::Request& request) { return request.witness(stream); });
}
inline result<std::vector<UpsertResult>> SqliteSink::upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch) {
  return change(tenure, [&](sqlite::Request& request) -> result<std::vector<UpsertResult>> {
    KFM_DET_TRY(request.raise_witness(head));
    std::vector<UpsertResult> results;
    for (const Upsert& one : batch) {
      KFM_DET_TRY(const UpsertResult result, request.publish(one));
      results.push_back(result);
    }
    return results;
  });
}
inline result<void> SqliteSink::withdraw(const Tenure& tenure, const Head& head, std::span<const Withdrawal> batch) {
  return change(tenure, [&](sqlite::Request& request) -> result<void> {
    KFM_DET_TRY(request.raise_witness(head));
    for (const Withdrawal& one : batch) { KFM_DET_TRY(request.withdraw(one)); }
    return success();
  });
}

inline result<std::optional<Publication>> SqliteSink::find(const EffectId& effect) {
  return look([&](sqlite::Database& database) { return sqlite::Rows(database).publication(effect); });
}
inline result<std::optional<StoredVersion>> SqliteSink::find(const IdempotencyKey& key) {
  return look([&](sqlite::Database& database) { return sqlite::Rows(database).version(key); });
}
inline result<std::optional<Publication>> SqliteSink::current(const BusinessKey& key) {
  return look([&](sqlite::Database& database) { return sqlite::Rows(database).current(key); });
}
inline result<std::optional<Scope>> SqliteSink::scope_of(const BusinessKey& key) {
  return look([&](sqlite::Database& database) { return sqlite::Rows(database).scope_of(key); });
}
inline result<Head> SqliteSink::witness(const StreamId& stream) {
  return look([&](sqlite::Database& database) { return sqlite::Rows(database).witness(stream); });
}
inline result<void> SqliteSink::read(const IdempotencyKey& key, BytesVisitor visitor) {
  KFM_DET_TRY(auto stored, look([&](sqlite::Database& database) { return sqlite::Rows(database).stored(key, true); }));
  if (!stored) return sink_rules::unknown_version(key);
  Sha256 hash;
  Bytes held = stored->bytes.value_or(Bytes());
  hash.update(held);
  for (std::uint64_t number = 0; !stored->bytes; ++number) {
    KFM_DET_TRY(auto piece, look([&](sqlite::Database& database) { return sqlite::Rows(database).piece(stored->id, number); }));
    if (!piece) break;
    hash.update(*piece);
    if (number != 0) { KFM_DET_TRY(visitor(held)); }
    held = std::move(*piece);
  }
  if (hash.finish() != stored->bytes_hash) return sink_rules::damaged(key);
  return held.empty() ? result<void>(success()) : visitor(held);
}
inline result<void> SqliteSink::history(const BusinessKey& key, PublicationVisitor visitor) {
  for (std::optional<sink_rules::Rank> last;;) {
    KFM_DET_TRY(const auto page, look([&](sqlite::Database& database) { return sqlite::Rows(database).history(key, last); }));
    if (page.empty()) return success();
    for (const Publication& one : page) { KFM_DET_TRY(visitor(one)); }
    last = sink_rules::Rank{page.back().order, page.back().effect};
  }
}
inline result<void> SqliteSink::keys(KeyVisitor visitor) {
  for (std::optional<BusinessKey> last;;) {
    KFM_DET_TRY(const auto page, look([&](sqlite::Database& database) { return sqlite::Rows(database).keys(last); }));
    if (page.empty()) return success();
    for (const BusinessKey& key : page) { KFM_DET_TRY(visitor(key)); }
    last = page.back();
  }
}

}  // namespace kfm_det

#endif
