// SPDX-License-Identifier: BSL-1.0
/// \file
/// KeyRing: the public keys that a reader trusts, and where in a log each of them is valid. The reader's choice, never the log's.
///
/// A ring is a JSON file (docs/guides/verify.md); written canonically, one line:
///   {"format":1,"keys":[{"actors":["ci"],"algorithm":"ed25519","from":{"incarnation":1,"lsn":1},"key":"k1","public_key":"<64 hex>","to":{"incarnation":1,"lsn":99}}]}
/// `from` and `to` are the first and the last place (incarnation, then LSN) at which the key is valid; without `to` it is valid from there on. `actors`: who may
/// write under it; without it everybody. At each place at most one key is valid. A ring whose keys have a `to` is one log's.
/// Thread-safety: a plain value. Verifying is const and may be done from any thread.
#ifndef KFM_DET_WAL_KEY_RING_HPP
#define KFM_DET_WAL_KEY_RING_HPP

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/stream.hpp"
#include "kfm_det/core/json.hpp"
#include "kfm_det/core/json_parser.hpp"
#include "kfm_det/wal/signer_ed25519.hpp"

namespace kfm_det::wal {

struct RingKey {
  std::string id;
  Ed25519PublicKey key;
  Order from{1, 1};                                ///< first place at which it is valid
  std::optional<Order> to{};                       ///< last one
  std::optional<std::vector<std::string>> actors{};   ///< who may write under it

  [[nodiscard]] bool is_valid_at(const Order& place) const { return from <= place && (!to || place <= *to); }
  [[nodiscard]] bool allows(std::string_view actor) const { return !actors || std::find(actors->begin(), actors->end(), actor) != actors->end(); }
};

class KeyRing {
 public:
  static constexpr std::uint64_t format_version = 1;
  static constexpr std::size_t text_bytes_max = std::size_t{1} << 20;

  KeyRing() = default;

  /// Errors: invalid_json (with the path to what is wrong; also a member that this version does not know), invalid_argument (keys that are there twice, that
  /// overlap, an algorithm that is none of ours, a `to` before its `from`), unsupported_version, limit_exceeded.
  [[nodiscard]] static result<KeyRing> parse(BytesView text) {
    ParseLimits limits;
    limits.bytes_max = text_bytes_max;
    auto json = parse_json(text, limits);
    if (!json) return json.error().at("key ring").advise("Write the ring with `kfm-det wal keys`, or look at docs/guides/verify.md.");
    auto ring = from_json(json.value());
    if (!ring) return ring.error().at("key ring").advise("Write the ring with `kfm-det wal keys`, or look at docs/guides/verify.md.");
    return ring;
  }

  /// Errors: invalid_argument as parse.
  [[nodiscard]] result<void> add(RingKey key) {
    const auto refuse = [&](std::string what, std::string remedy) { return Error(errc::invalid_argument, std::move(what), "key " + key.id, std::move(remedy)); };
    if (!is_key_id(key.id)) return refuse("a key id that cannot stand in a log", "Use 1 to 64 of A-Z a-z 0-9 . _ -");
    if (key.from.incarnation == 0 || key.from.lsn == 0) return refuse("a key that is valid from no place", "Places begin with incarnation 1 and LSN 1.");
    if (key.to && *key.to < key.from) return refuse("a key that ends before it begins", "Give `to` a place that is not before `from`.");
    for (const RingKey& other : keys_) {
      if (other.id == key.id) return refuse("a key id that is there twice", "Give each key an id of its own; a key that comes back gets a new one.");
      if ((!other.to || key.from <= *other.to) && (!key.to || other.from <= *key.to))
        return refuse("two keys are valid at the same place, this one and " + other.id, "End one of them (`to`) before the other begins.");
    }
    keys_.insert(std::upper_bound(keys_.begin(), keys_.end(), key, [](const RingKey& a, const RingKey& b) { return a.from < b.from; }), std::move(key));
    return success();
  }
  /// Rotation: the key that is open ends at `last`; the next one is added behind it. Errors: not_found when none is open, invalid_argument.
  [[nodiscard]] result<void> close(const Order& last) {
    for (RingKey& key : keys_)
      if (!key.to) {
        if (last < key.from) return Error(errc::invalid_argument, "a key that ends before it begins", "key " + key.id, "Close it at a place that it has signed.");
        key.to = last;
        return success();
      }
    return Error(errc::not_found, "no key of the ring is open", {}, "There is nothing to close.");
  }

  /// By place, in order.
  [[nodiscard]] const std::vector<RingKey>& keys() const { return keys_; }
  [[nodiscard]] const RingKey* find(std::string_view id) const {
    for (const RingKey& key : keys_)
      if (key.id == id) return &key;
    return nullptr;
  }
  [[nodiscard]] const RingKey* valid_at(const Order& place) const {
    for (const RingKey& key : keys_)
      if (key.is_valid_at(place)) return &key;
    return nullptr;
  }

  /// Canonical, and a newline.
  [[nodiscard]] std::string text() const {
    const auto place = [](const Order& at) { return Json::object({{"incarnation", Json(at.incarnation)}, {"lsn", Json(at.lsn)}}); };
    Json keys = Json::array();
    for (const RingKey& key : keys_) {
      Json one = Json::object({{"algorithm", Json(ed25519)}, {"from", place(key.from)}, {"key", Json(key.id)}, {"public_key", Json(key.key.hex())}});
      if (key.to) one.set("to", place(*key.to));
      if (key.actors) {
        Json actors = Json::array();
        for (const std::string& actor : *key.actors) actors.push(Json(actor));
        one.set("actors", std::move(actors));
      }
      keys.push(std::move(one));
    }
    auto out = canonical(Json::object({{"format", Json(format_version)}, {"keys", std::move(keys)}}));
    KFM_DET_ASSERT(out);   // every text in it was read from JSON or is one of ours
    return std::move(out).value() + "\n";
  }

 private:
  static result<void> only(const Json& object, std::initializer_list<std::string_view> known) {
    if (!object.is_object()) return Error(errc::invalid_json, "expected an object, found " + std::string(name(object.kind())));
    for (const auto& member : object.members())
      if (std::find(known.begin(), known.end(), member.key) == known.end()) return Error(errc::invalid_json, "a member that this version does not know", member.key);
    return success();
  }
  static result<Order> read_place(const Json& object, std::string_view key) {
    KFM_DET_TRY(const Json* place, get_object(object, key));
    if (auto fits = only(*place, {"incarnation", "lsn"}); !fits) return fits.error().at(key);
    Order out;
    KFM_DET_TRY(out.incarnation, get_u64(*place, "incarnation"));
    KFM_DET_TRY(out.lsn, get_u64(*place, "lsn"));
    return out;
  }
  static result<RingKey> read_key(const Json& json) {
    KFM_DET_TRY(only(json, {"actors", "algorithm", "from", "key", "public_key", "to"}));
    KFM_DET_TRY(std::string id, get_string(json, "key"));
    KFM_DET_TRY(const std::string algorithm, get_string(json, "algorithm"));
    if (algorithm != ed25519) return Error(errc::invalid_argument, "the algorithm " + algorithm + " is none that this version trusts", "algorithm", "Use ed25519.");
    KFM_DET_TRY(const std::string hex, get_string(json, "public_key"));
    auto key = Ed25519PublicKey::from_hex(hex);
    if (!key) return key.error().at("public_key");
    RingKey out{std::move(id), std::move(key).value()};
    KFM_DET_TRY(out.from, read_place(json, "from"));
    if (json.find("to")) {
      KFM_DET_TRY(out.to, read_place(json, "to"));
    }
    if (json.find("actors")) {
      KFM_DET_TRY(const Json* actors, get_array(json, "actors"));
      out.actors.emplace();
      for (const Json& actor : actors->items()) {
        if (!actor.string()) return Error(errc::invalid_json, "an actor that is no text", "actors");
        out.actors->push_back(*actor.string());
      }
    }
    return out;
  }
  static result<KeyRing> from_json(const Json& json) {
    KFM_DET_TRY(only(json, {"format", "keys"}));
    KFM_DET_TRY(const std::uint64_t format, get_u64(json, "format"));
    if (format != format_version) return Error(errc::unsupported_version, "a key ring of format " + std::to_string(format), {}, "Use the version that wrote it, or a newer one.");
    KFM_DET_TRY(const Json* keys, get_array(json, "keys"));
    KeyRing ring;
    for (std::size_t i = 0; i < keys->items().size(); ++i) {
      const auto here = [i](const Error& error) { return error.at("keys[" + std::to_string(i) + "]"); };
      auto key = read_key(keys->items()[i]);
      if (!key) return here(key.error());
      if (auto added = ring.add(std::move(key).value()); !added) return here(added.error());
    }
    return ring;
  }

  std::vector<RingKey> keys_;
};

}  // namespace kfm_det::wal

#endif
