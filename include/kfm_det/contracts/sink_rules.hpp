// SPDX-License-Identifier: BSL-1.0
/// \file
/// The judgements that every sink makes, as pure functions: a backend brings the tables, the verdicts and their sentences are here.
///
/// A sink that calls them in the order in which they stand here, inside one transaction, keeps SINK-2, 3, 6, 7, 8, 9 and 14.
/// Thread-safety: pure functions; check_content reads a staged file.
#ifndef KFM_DET_CONTRACTS_SINK_RULES_HPP
#define KFM_DET_CONTRACTS_SINK_RULES_HPP

#include <algorithm>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "kfm_det/contracts/file_system.hpp"
#include "kfm_det/contracts/sink.hpp"
#include "kfm_det/core/json_writer.hpp"

namespace kfm_det::sink_rules {

/// Bytes go in and out of a sink in pieces of this size.
inline constexpr std::size_t piece_bytes = std::size_t{1} << 20;

/// The highest token that a scope's requests carried, and its owner. Token 0: nobody was here yet.
struct Floor {
  FencingToken token;
  OwnerId owner;
  friend bool operator==(const Floor&, const Floor&) = default;
};

/// What places a publication among those of its business key (SINK-1): never its arrival, its token or its content.
struct Rank {
  Order order;
  EffectId effect;
  friend auto operator<=>(const Rank&, const Rank&) = default;
};

/// What a sink keeps of an effect, beside the bytes.
struct Row {
  RunId run;
  Order order;
  BusinessKey business_key;
  bool published = false;                 ///< its upsert came; false: only a withdrawal did
  bool withdrawn = false;
  std::optional<IdempotencyKey> version;  ///< none when it was not published, and for a tombstone
};

/// SINK-6. Whether the tenure raises the floor. Errors: stale_token (who holds the highest stands in the sentence), invalid_argument (token 0).
[[nodiscard]] inline result<bool> raises_floor(const Floor& floor, const Tenure& tenure) {
  const std::string where = "scope " + StreamId::of(tenure.scope).text;
  if (tenure.token.value == 0) return Error(errc::invalid_argument, "a tenure without a fencing token", where, "Take a lease; its token is above 0.");
  const std::string mine = "token " + std::to_string(tenure.token.value) + " of '" + tenure.owner.text + "'";
  if (tenure.token < floor.token || (tenure.token == floor.token && tenure.owner != floor.owner))
    return Error(errc::stale_token, mine + " is refused: '" + floor.owner.text + "' holds token " + std::to_string(floor.token.value), where,
                 "This tenure is over. Take the lease again, with a token above " + std::to_string(floor.token.value) + ".");
  return tenure.token > floor.token;
}

/// SINK-7. Whether the head becomes the witness of its stream. Errors: forked.
[[nodiscard]] inline result<bool> raises_witness(const Head& witness, const Head& head) {
  const Order kept{witness.incarnation, witness.lsn}, given{head.incarnation, head.lsn};
  if (given == kept && head.hash != witness.hash)
    return Error(errc::forked, "the sink saw another entry at this place of the log: " + witness.hash.hex() + " and not " + head.hash.hex(),
                 "stream " + head.stream.text + ", incarnation " + std::to_string(head.incarnation) + ", lsn " + std::to_string(head.lsn),
                 "Two logs wrote to one sink. Find out which one is right; nothing was changed.");
  return given > kept;
}

/// SINK-9. `owner` is the first scope that used the key. Errors: wrong_scope.
[[nodiscard]] inline result<void> same_scope(const Scope& owner, const Tenure& tenure, const BusinessKey& key) {
  if (owner == tenure.scope) return success();
  return Error(errc::wrong_scope, "business key '" + key.text + "' belongs to scope " + StreamId::of(owner).text, "scope " + StreamId::of(tenure.scope).text,
               "Publish under another key: two updaters must not share one.");
}

/// The key of what an upsert publishes; none for a tombstone.
[[nodiscard]] inline std::optional<IdempotencyKey> version_of(const Content& content) {
  if (const auto* fresh = std::get_if<NewVersion>(&content)) return fresh->key;
  if (const auto* stored = std::get_if<StoredKey>(&content)) return stored->key;
  return std::nullopt;
}

/// SINK-3, for an effect that has a row. Errors: hash_mismatch.
template <class Request>
[[nodiscard]] result<void> same_effect(const Row& row, const Request& request) {
  const char* differs = nullptr;
  if (row.run != request.run) differs = "run";
  else if (row.order != request.order) differs = "order";
  else if (row.business_key != request.business_key) differs = "business key";
  if constexpr (requires { request.content; })
    if (!differs && row.published && row.version != version_of(request.content)) differs = "content";
  if (!differs) return success();
  return Error(errc::hash_mismatch, std::string("the sink has this effect with another ") + differs, "effect " + request.effect.hex() + ", business key '" + request.business_key.text + "'",
               "An effect happens once. Look for a run whose plan or steps are not deterministic.");
}

/// The metadata of new content as canonical JSON: what a sink stores and compares. Errors: invalid_argument (no object), invalid_json, limit_exceeded.
[[nodiscard]] inline result<std::string> metadata_text(const NewVersion& version) {
  if (!version.metadata.is_object()) return Error(errc::invalid_argument, "metadata is not a JSON object", "version " + version.key.hex(), "Give an object; {} if there is nothing to say.");
  return canonical(version.metadata);
}

/// SINK-14, for a key that is stored and comes again as new content. Errors: hash_mismatch.
[[nodiscard]] inline result<void> same_version(const NewVersion& version, const Digest& stored_hash, BytesView metadata, BytesView stored_metadata) {
  if (version.bytes_hash == stored_hash && metadata == stored_metadata) return success();
  return Error(errc::hash_mismatch, std::string("the sink has this idempotency key with other ") + (version.bytes_hash != stored_hash ? "bytes" : "metadata"), "version " + version.key.hex(),
               "A key names one content: it is derived from updater, version, business key, bytes and metadata.");
}

/// SINK-14, for a key that is not stored.
[[nodiscard]] inline Error unknown_version(const IdempotencyKey& key) {
  return {errc::not_found, "no version is stored under this idempotency key", "version " + key.hex(), "Publish the bytes as new content."};
}

/// SINK-8. Hands the bytes out in pieces while it hashes them, and says at the end whether they are what they claim to be; gives their number.
/// Errors: hash_mismatch, what reading a staged file gives, what the visitor gives.
template <class Fs>
[[nodiscard]] result<std::uint64_t> check_content(Fs& fs, const NewVersion& version, BytesVisitor visitor) {
  static_assert(FileSystem<Fs>);
  Sha256 hash;
  std::uint64_t size = 0;
  const auto take = [&](BytesView piece) {
    hash.update(piece);
    size += piece.size();
    return visitor(piece);
  };
  std::string where = "version " + version.key.hex();
  if (const Bytes* bytes = std::get_if<Bytes>(&version.bytes)) {
    for (std::size_t at = 0; at < bytes->size(); at += piece_bytes) { KFM_DET_TRY(take(BytesView(*bytes).substr(at, piece_bytes))); }
  } else {
    const StagedFile& staged = std::get<StagedFile>(version.bytes);
    where += ", staged file " + staged.path;
    KFM_DET_TRY(auto file, fs.open(staged.path, OpenMode::read));
    Bytes piece(static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, std::max<std::uint64_t>(staged.size, 1))), '\0');
    std::size_t filled = 0;
    for (bool end = false; !end && size <= staged.size;) {
      KFM_DET_TRY(const std::size_t count, fs.read(file, size + filled, std::span<char>(piece).subspan(filled)));
      end = count == 0;
      filled += count;
      if (filled == 0 || (!end && filled < piece.size())) continue;   // a short read: fill the piece, so that equal bytes are equal pieces
      KFM_DET_TRY(take(BytesView(piece).substr(0, std::exchange(filled, 0))));
    }
    if (size != staged.size)
      return Error(errc::hash_mismatch, "the staged file has " + std::to_string(size) + " bytes and not " + std::to_string(staged.size), where, "It changed after it was staged; run the step again.");
  }
  if (hash.finish() != version.bytes_hash) return Error(errc::hash_mismatch, "the bytes do not hash to what their version states", where, "They changed on their way; run the step again.");
  return size;
}

/// SINK-8, when bytes go out.
[[nodiscard]] inline Error damaged(const IdempotencyKey& key) {
  return {errc::hash_mismatch, "stored bytes no longer hash to their version", "version " + key.hex(), "The medium or a person changed them: restore the sink from a copy, or run again what made them."};
}

/// What a publication that was not there before did to its business key; `before`: what was current.
[[nodiscard]] inline UpsertResult outcome(const std::optional<Rank>& before, const Rank& mine) {
  return !before ? UpsertResult::created : *before < mine ? UpsertResult::moved : UpsertResult::superseded;
}

}  // namespace kfm_det::sink_rules

#endif
