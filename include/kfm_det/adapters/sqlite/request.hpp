// SPDX-License-Identifier: BSL-1.0
/// \file
/// Request: what one request does to SqliteSink's tables, inside its transaction. The judgements are those of contracts/sink_rules.hpp.
///
/// Thread-safety: none; one at a time on one Database. Durability: none of its own; the transaction's commit has it.
/// A verb that fails may have written: the caller rolls back.
#ifndef KFM_DET_ADAPTERS_SQLITE_REQUEST_HPP
#define KFM_DET_ADAPTERS_SQLITE_REQUEST_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "kfm_det/adapters/sqlite/rows.hpp"
#include "kfm_det/contracts/sink_rules.hpp"
#include "kfm_det/files/posix_file_system.hpp"

namespace kfm_det::sqlite {

class Request {
 public:
  Request(Database& database, const Tenure& tenure) : database_(database), rows_(database), tenure_(tenure) {}

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

  Database& database_;
  Rows rows_;
  const Tenure& tenure_;
  PosixFileSystem fs_;
};

}  // namespace kfm_det::sqlite

#endif
