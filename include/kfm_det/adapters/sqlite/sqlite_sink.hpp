// SPDX-License-Identifier: BSL-1.0
/// \file
/// SqliteSink: publications in one SQLite file, for one machine, with queries. (Tables and the view to query: adapters/sqlite/schema.hpp)
///
/// Durability: what a verb answered survives power loss. A request is one transaction: token floor, owner and witness are judged and raised in it,
/// then every effect; so a wave is visible whole or not at all, also across a crash. WAL mode with synchronous=FULL, both asked back.
/// Thread-safety: all verbs may be called from any thread, also by visitors; they are serialised. Any number of processes may have the file open, each
/// by an open() of its own: never take a sink across a fork, and never open the file by other means than SQLite in the same process (POSIX locks).
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
#include "kfm_det/adapters/sqlite/rows.hpp"
#include "kfm_det/adapters/sqlite/schema.hpp"
#include "kfm_det/contracts/sink_rules.hpp"
#include "kfm_det/files/posix_file_system.hpp"

namespace kfm_det {

struct SqliteSinkOptions {
  std::uint32_t busy_timeout_ms = 5000;   ///< how long a verb waits for another writer before it answers errc::busy
  bool read_only = false;                 ///< makes and changes no byte, not even beside the file; begin, upsert and withdraw answer errc::permission_denied
  std::uint32_t checkpoint_pages = 1000;  ///< how many pages the log may have before it is taken into the database (4 KiB each)
};

class SqliteSink {
 public:
  static constexpr SinkClaims claims{.atomic_batch = true, .many_processes = true, .survives_power_loss = true};

  /// Opens the file, or makes it (and the folders above it). Read-only, a file that is not there is errc::not_found.
  /// Errors: foreign (a database of somebody else), unsupported_version, corrupt_committed (no database, or damaged), unsupported (no WAL on this
  /// file system, an SQLite that is too old), busy, unavailable, not_found, permission_denied, no_space, io_error. None of them changed a byte of what was there.
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
  class Request;

  explicit SqliteSink(std::unique_ptr<State> state) : state_(std::move(state)) {}
  template <class Work> auto look(Work&& work) -> decltype(work(std::declval<sqlite::Database&>()));
  template <class Work> auto change(const Tenure& tenure, Work&& work) -> decltype(work(std::declval<Request&>()));
  void checkpoint();

  std::unique_ptr<State> state_;
};
static_assert(SinkPolicy<SqliteSink>);

// --- how -------------------------------------------------------------------------------------------------------------------

/// What one request does to the tables, inside its transaction.
class SqliteSink::Request {
 public:
  Request(sqlite::Database& database, const Tenure& tenure) : database_(database), rows_(database), tenure_(tenure) {}

  /// SINK-6. Whether it rose.
  result<bool> raise_floor() {
    sink_rules::Floor floor;
    {
      KFM_DET_TRY(auto query, database_.query("SELECT token, owner FROM floors WHERE updater_id = ? AND partition = ?"));
      KFM_DET_TRY(const bool row, query.blob(tenure_.scope.updater_id).blob(tenure_.scope.partition).step());
      if (row) floor = {{query.get_integer(0)}, {std::string(query.get_bytes(1))}};
    }
    KFM_DET_TRY(const bool higher, sink_rules::raises_floor(floor, tenure_));
    if (!higher) return false;
    KFM_DET_TRY(auto query, database_.query("INSERT INTO floors(updater_id, partition, token, owner) VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET token = excluded.token, owner = excluded.owner"));
    KFM_DET_TRY(query.blob(tenure_.scope.updater_id).blob(tenure_.scope.partition).integer(tenure_.token.value).blob(tenure_.owner.text).done());
    return true;
  }
  result<Head> witness(const StreamId& stream) { return rows_.witness(stream); }
  result<void> raise_witness(const Head& head) {
    KFM_DET_TRY(const Head witness, rows_.witness(head.stream));
    KFM_DET_TRY(const bool higher, sink_rules::raises_witness(witness, head));
    if (!higher) return success();
    KFM_DET_TRY(auto query, database_.query("INSERT INTO witnesses(stream, incarnation, lsn, hash) VALUES(?, ?, ?, ?) ON CONFLICT DO UPDATE SET incarnation = excluded.incarnation, lsn = excluded.lsn, hash = excluded.hash"));
    return query.blob(head.stream.text).integer(head.incarnation).integer(head.lsn).blob(head.hash.view()).done();
  }
  result<UpsertResult> publish(const Upsert& request) {
    KFM_DET_TRY(const std::uint64_t key, claim(request.business_key));
    KFM_DET_TRY(const auto seen, row(request.effect));
    if (seen) { KFM_DET_TRY(sink_rules::same_effect(*seen, request)); }
    KFM_DET_TRY(const auto version, version_id(request.content));
    if (seen && seen->published) return seen->withdrawn ? UpsertResult::withdrawn : UpsertResult::unchanged;
    if (seen) {
      KFM_DET_TRY(auto query, database_.query("UPDATE publications SET published = 1, version = ? WHERE effect = ?"));
      version ? query.integer(*version) : query.null();
      KFM_DET_TRY(query.blob(request.effect.digest.view()).done());
      return UpsertResult::withdrawn;
    }
    KFM_DET_TRY(const auto before, current(key));
    KFM_DET_TRY(insert(request, key, true, version));
    return sink_rules::outcome(before, {request.order, request.effect});
  }
  result<void> withdraw(const Withdrawal& request) {
    KFM_DET_TRY(const std::uint64_t key, claim(request.business_key));
    KFM_DET_TRY(const auto seen, row(request.effect));
    if (!seen) return insert(request, key, false, std::nullopt);   // SINK-4: also what never came
    KFM_DET_TRY(sink_rules::same_effect(*seen, request));
    KFM_DET_TRY(auto query, database_.query("UPDATE publications SET withdrawn = 1 WHERE effect = ?"));
    return query.blob(request.effect.digest.view()).done();
  }

 private:
  /// SINK-9: the first scope that uses a key has it. Gives the row of the key.
  result<std::uint64_t> claim(const BusinessKey& key) {
    {
      KFM_DET_TRY(auto query, database_.query("SELECT id, updater_id, partition FROM keys WHERE business_key = ?"));
      KFM_DET_TRY(const bool row, query.blob(key.text).step());
      if (row) {
        KFM_DET_TRY(sink_rules::same_scope({std::string(query.get_bytes(1)), std::string(query.get_bytes(2))}, tenure_, key));
        return query.get_integer(0);
      }
    }
    KFM_DET_TRY(auto query, database_.query("INSERT INTO keys(business_key, updater_id, partition) VALUES(?, ?, ?)"));
    KFM_DET_TRY(query.blob(key.text).blob(tenure_.scope.updater_id).blob(tenure_.scope.partition).done());
    return last_id();
  }
  result<std::optional<sink_rules::Row>> row(const EffectId& effect) {
    KFM_DET_TRY(auto query, database_.query("SELECT run, incarnation, lsn, business_key, published, withdrawn, idempotency_key FROM publication_states WHERE effect = ?"));
    KFM_DET_TRY(const bool there, query.blob(effect.digest.view()).step());
    if (!there) return std::nullopt;
    sink_rules::Row out;
    KFM_DET_TRY(out.run, rows_.run(query, 0));
    out.order = {query.get_integer(1), query.get_integer(2)};
    out.business_key.text = query.get_bytes(3);
    out.published = query.get_flag(4);
    out.withdrawn = query.get_flag(5);
    if (!query.is_null(6)) { KFM_DET_TRY(const Digest key, rows_.digest(query, 6)); out.version = IdempotencyKey{key}; }
    return out;
  }
  result<std::optional<sink_rules::Rank>> current(std::uint64_t key) {
    KFM_DET_TRY(auto query, database_.query("SELECT incarnation, lsn, effect FROM publications WHERE key = ? AND withdrawn = 0 ORDER BY incarnation DESC, lsn DESC, effect DESC LIMIT 1"));
    KFM_DET_TRY(const bool row, query.integer(key).step());
    if (!row) return std::nullopt;
    KFM_DET_TRY(const Digest effect, rows_.digest(query, 2));
    return sink_rules::Rank{{query.get_integer(0), query.get_integer(1)}, {effect}};
  }
  template <class Any>   // an Upsert or a Withdrawal
  result<void> insert(const Any& request, std::uint64_t key, bool published, std::optional<std::uint64_t> version) {
    const std::string run = request.run.text();
    KFM_DET_TRY(auto query, database_.query("INSERT INTO publications(effect, run, incarnation, lsn, key, published, withdrawn, version) VALUES(?, ?, ?, ?, ?, ?, ?, ?)"));
    query.blob(request.effect.digest.view()).text(run).integer(request.order.incarnation).integer(request.order.lsn).integer(key).flag(published).flag(!published);
    return (version ? query.integer(*version) : query.null()).done();
  }
  /// The row of the version that an upsert names, stored if it is new (SINK-8, SINK-14); none for a tombstone.
  result<std::optional<std::uint64_t>> version_id(const Content& content) {
    const auto key = sink_rules::version_of(content);
    if (!key) return std::nullopt;
    KFM_DET_TRY(const auto stored, rows_.stored(*key, false));
    if (const auto* fresh = std::get_if<NewVersion>(&content)) {
      KFM_DET_TRY(const std::string metadata, sink_rules::metadata_text(*fresh));
      if (!stored) return store(*fresh, metadata);
      KFM_DET_TRY(sink_rules::same_version(*fresh, stored->bytes_hash, metadata, stored->metadata));
      KFM_DET_TRY(sink_rules::check_content(fs_, *fresh, [](BytesView) -> result<void> { return success(); }));
    } else if (!stored) {
      return sink_rules::unknown_version(*key);
    }
    return stored->id;
  }
  /// Bytes of one piece stay in the row, where queries see them; more than that goes into pieces, so memory never holds the whole.
  result<std::optional<std::uint64_t>> store(const NewVersion& fresh, const std::string& metadata) {
    {
      KFM_DET_TRY(auto query, database_.query("INSERT INTO versions(idempotency_key, bytes_hash, size, metadata, bytes) VALUES(?, ?, 0, ?, NULL)"));
      KFM_DET_TRY(query.blob(fresh.key.digest.view()).blob(fresh.bytes_hash.view()).text(metadata).done());
    }
    const std::uint64_t id = last_id();
    Bytes first;
    std::uint64_t pieces = 0;
    const auto put = [&](BytesView piece) -> result<void> {
      KFM_DET_TRY(auto query, database_.query("INSERT INTO pieces(version, number, bytes) VALUES(?, ?, ?)"));
      return query.integer(id).integer(pieces - 1).blob(piece).done();
    };
    KFM_DET_TRY(const std::uint64_t size, sink_rules::check_content(fs_, fresh, [&](BytesView piece) -> result<void> {
      if (pieces == 0) { first = piece; ++pieces; return success(); }
      if (pieces == 1) { KFM_DET_TRY(put(std::exchange(first, {}))); }
      ++pieces;
      return put(piece);
    }));
    KFM_DET_TRY(auto query, database_.query("UPDATE versions SET size = ?, bytes = ? WHERE id = ?"));
    query.integer(size);
    pieces > 1 ? query.null() : query.blob(first);
    KFM_DET_TRY(query.integer(id).done());
    return id;
  }
  std::uint64_t last_id() const { return static_cast<std::uint64_t>(sqlite3_last_insert_rowid(database_.handle())); }

  sqlite::Database& database_;
  sqlite::Rows rows_;
  const Tenure& tenure_;
  PosixFileSystem fs_;
};

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
auto SqliteSink::change(const Tenure& tenure, Work&& work) -> decltype(work(std::declval<Request&>())) {
  const std::scoped_lock guard(state_->mutex);
  if (state_->reader) return Error(errc::permission_denied, "this sink was opened to be read only", "SqliteSink", "Open it without read_only.");
  Request request(*state_->database, tenure);
  KFM_DET_TRY(auto transaction, sqlite::Transaction::begin(*state_->database));
  KFM_DET_TRY(const bool rose, request.raise_floor());
  auto answer = work(request);
  if (!answer) {
    transaction.rollback();
    if (rose)   // when this does not work either, the floor stays where it was, and so does everything else
      if (auto again = sqlite::Transaction::begin(*state_->database); again && request.raise_floor()) (void)again.value().commit();
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
  return change(tenure, [&](Request& request) { return request.witness(stream); });
}
inline result<std::vector<UpsertResult>> SqliteSink::upsert(const Tenure& tenure, const Head& head, std::span<const Upsert> batch) {
  return change(tenure, [&](Request& request) -> result<std::vector<UpsertResult>> {
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
  return change(tenure, [&](Request& request) -> result<void> {
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
