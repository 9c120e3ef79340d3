// SPDX-License-Identifier: BSL-1.0
/// \file
/// Rows: what SqliteSink's tables hold, as values of the contract. Reading only.
///
/// Thread-safety: none; one at a time on one Database. Long lists come in pages, so that no lock is held while a visitor looks at them.
/// Errors of all: those of sqlite::error_of(), and corrupt_committed for what this library cannot have written.
#ifndef KFM_DET_ADAPTERS_SQLITE_ROWS_HPP
#define KFM_DET_ADAPTERS_SQLITE_ROWS_HPP

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/adapters/sqlite/database.hpp"
#include "kfm_det/contracts/sink_rules.hpp"
#include "kfm_det/core/json_parser.hpp"

namespace kfm_det::sqlite {

/// Rows of the tables as values of the contract.
class Rows {
 public:
  explicit Rows(sqlite::Database& database) : database_(database) {}

  result<Head> witness(const StreamId& stream) {
    KFM_DET_TRY(auto query, database_.query("SELECT incarnation, lsn, hash FROM witnesses WHERE stream = ?"));
    KFM_DET_TRY(const bool row, query.blob(stream.text).step());
    Head out;
    out.stream = stream;
    if (!row) return out;
    out.incarnation = query.get_integer(0);
    out.lsn = query.get_integer(1);
    KFM_DET_TRY(out.hash, digest(query, 2));
    return out;
  }
  result<std::optional<StoredVersion>> version(const IdempotencyKey& key) {
    KFM_DET_TRY(auto query, database_.query("SELECT idempotency_key, bytes_hash, size, metadata FROM versions WHERE idempotency_key = ?"));
    KFM_DET_TRY(const bool row, query.blob(key.digest.view()).step());
    if (!row) return std::nullopt;
    KFM_DET_TRY(auto out, version(query, 0));
    return out;
  }
  result<std::optional<Publication>> publication(const EffectId& effect) {
    KFM_DET_TRY(auto query, database_.query("SELECT * FROM publication_states WHERE effect = ?"));
    KFM_DET_TRY(const bool row, query.blob(effect.digest.view()).step());
    if (!row) return std::nullopt;
    KFM_DET_TRY(auto out, publication(query));
    return out;
  }
  result<std::optional<Publication>> current(const BusinessKey& key) {
    KFM_DET_TRY(auto query, database_.query("SELECT * FROM publication_states WHERE business_key = ? AND withdrawn = 0 ORDER BY incarnation DESC, lsn DESC, effect DESC LIMIT 1"));
    KFM_DET_TRY(const bool row, query.blob(key.text).step());
    if (!row) return std::nullopt;
    KFM_DET_TRY(auto out, publication(query));
    return out;
  }
  /// Up to a page of the publications of a key above `rank`.
  result<std::vector<Publication>> history(const BusinessKey& key, const std::optional<sink_rules::Rank>& above) {
    const sink_rules::Rank rank = above.value_or(sink_rules::Rank{});
    KFM_DET_TRY(auto query, database_.query("SELECT * FROM publication_states WHERE business_key = ? AND (incarnation, lsn, effect) > (?, ?, ?) ORDER BY incarnation, lsn, effect LIMIT 64"));
    query.blob(key.text).integer(rank.order.incarnation).integer(rank.order.lsn).blob(above ? rank.effect.digest.view() : BytesView());
    std::vector<Publication> out;
    for (;;) {
      KFM_DET_TRY(const bool row, query.step());
      if (!row) return out;
      KFM_DET_TRY(auto one, publication(query));
      out.push_back(std::move(one));
    }
  }
  result<std::optional<Scope>> scope_of(const BusinessKey& key) {
    KFM_DET_TRY(auto query, database_.query("SELECT updater_id, partition FROM keys WHERE business_key = ?"));
    KFM_DET_TRY(const bool row, query.blob(key.text).step());
    if (!row) return std::optional<Scope>();
    return std::optional<Scope>(Scope{std::string(query.get_bytes(0)), std::string(query.get_bytes(1))});
  }
  result<std::vector<BusinessKey>> keys(const std::optional<BusinessKey>& above) {
    KFM_DET_TRY(auto query, database_.query(above ? "SELECT business_key FROM keys WHERE business_key > ? ORDER BY business_key LIMIT 256" : "SELECT business_key FROM keys ORDER BY business_key LIMIT 256"));
    if (above) query.blob(above->text);
    std::vector<BusinessKey> out;
    for (;;) {
      KFM_DET_TRY(const bool row, query.step());
      if (!row) return out;
      out.push_back({std::string(query.get_bytes(0))});
    }
  }

  struct Stored {
    std::uint64_t id = 0, size = 0;
    Digest bytes_hash;
    std::string metadata;
    std::optional<Bytes> bytes;   ///< none: they are in pieces, or were not asked for
  };
  result<std::optional<Stored>> stored(const IdempotencyKey& key, bool with_bytes) {
    KFM_DET_TRY(auto query, database_.query(with_bytes ? "SELECT id, size, bytes_hash, metadata, bytes FROM versions WHERE idempotency_key = ?" : "SELECT id, size, bytes_hash, metadata, NULL FROM versions WHERE idempotency_key = ?"));
    KFM_DET_TRY(const bool row, query.blob(key.digest.view()).step());
    if (!row) return std::nullopt;
    Stored out;
    out.id = query.get_integer(0);
    out.size = query.get_integer(1);
    KFM_DET_TRY(out.bytes_hash, digest(query, 2));
    out.metadata = query.get_bytes(3);
    if (!query.is_null(4)) out.bytes = Bytes(query.get_bytes(4));
    return out;
  }
  result<std::optional<Bytes>> piece(std::uint64_t version, std::uint64_t number) {
    KFM_DET_TRY(auto query, database_.query("SELECT bytes FROM pieces WHERE version = ? AND number = ?"));
    KFM_DET_TRY(const bool row, query.integer(version).integer(number).step());
    if (!row) return std::nullopt;
    return Bytes(query.get_bytes(0));
  }
  result<Digest> digest(const sqlite::Query& query, int column) const {
    const BytesView bytes = query.get_bytes(column);
    Digest out;
    if (bytes.size() != out.bytes.size()) return broken("a hash has " + std::to_string(bytes.size()) + " bytes");
    std::copy(bytes.begin(), bytes.end(), out.bytes.begin());
    return out;
  }
  result<RunId> run(const sqlite::Query& query, int column) const {
    auto out = RunId::parse(query.get_bytes(column));
    if (!out) return broken("a run id is no UUID");
    return out;
  }

 private:
  result<Publication> publication(const sqlite::Query& query) const {
    Publication out;
    KFM_DET_TRY(out.effect.digest, digest(query, 0));
    KFM_DET_TRY(out.run, run(query, 1));
    out.order = {query.get_integer(2), query.get_integer(3)};
    out.business_key.text = query.get_bytes(4);
    out.tombstone = query.get_flag(5) && query.is_null(8);
    out.state = query.get_flag(6) ? PublicationState::withdrawn : query.get_flag(7) ? PublicationState::current : PublicationState::superseded;
    if (!query.is_null(8)) { KFM_DET_TRY(out.version, version(query, 8)); }
    return out;
  }
  result<StoredVersion> version(const sqlite::Query& query, int first) const {
    StoredVersion out;
    KFM_DET_TRY(out.key.digest, digest(query, first));
    KFM_DET_TRY(out.bytes_hash, digest(query, first + 1));
    out.size = query.get_integer(first + 2);
    auto metadata = parse_json(query.get_bytes(first + 3));
    if (!metadata) return broken("metadata is no JSON: " + metadata.error().what());
    out.metadata = std::move(metadata).value();
    return out;
  }
  [[nodiscard]] Error broken(const std::string& what) const {
    return {errc::corrupt_committed, "the database holds what this library did not write: " + what, database_.path(), "Restore it from a copy."};
  }

  sqlite::Database& database_;
};

}  // namespace kfm_det::sqlite

#endif
