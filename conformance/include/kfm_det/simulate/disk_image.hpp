// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the simulated disk holds: files with what is cached, what is durable, and what is neither yet; and the ways in which a power loss can decide.
///
/// The fault model (DESIGN 8). A write changes the cache at once. What no sync has covered may survive or not, each 512-byte sector on its own and in any
/// order; so may the size, and each name. What a sector can hold after a power loss:
///   old        what was durable before                                      every profile
///   new        what any write since the last sync left there                every profile
///   torn       the bytes being written half new, half old                   standard, paranoid
///   zero, garbage, in the bytes being written                               standard, paranoid
///   stale      what the free block held before, where the file has grown    standard, paranoid
///   destroyed  zero or garbage in the whole rewrite unit around a write     paranoid
/// After a failed sync the pages count as clean: a later sync does not write them, and the disk may hold any of these for ever (fsyncgate).
/// Not simulated: disks that lie about a sync that answered, and reordering across a sync. Thread-safety: none; simulate/disk.hpp guards it.
#ifndef KFM_DET_SIMULATE_DISK_IMAGE_HPP
#define KFM_DET_SIMULATE_DISK_IMAGE_HPP

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/core/bytes.hpp"
#include "kfm_det/core/checksum.hpp"

namespace kfm_det::simulate {

inline constexpr std::size_t sector_bytes = 512;

enum class Profile : std::uint8_t {
  kill,       ///< the process dies, the machine does not: everything written stays
  ordered,    ///< what survives is a prefix of what was done
  standard,   ///< any subset, in any order; damage stays inside the bytes being written
  paranoid,   ///< whole rewrite units are destroyed
};
[[nodiscard]] constexpr std::string_view name(Profile profile) noexcept {
  switch (profile) {
    case Profile::kill: return "kill";
    case Profile::ordered: return "ordered";
    case Profile::standard: return "standard";
    case Profile::paranoid: return "paranoid";
  }
  return "unknown";
}

namespace detail {

/// Bytes that several images share. The hash is made once.
struct Blob {
  Bytes bytes;
  mutable std::optional<std::uint64_t> hash;
  [[nodiscard]] std::uint64_t hashed() const {
    if (!hash) hash = xxh3(bytes);
    return *hash;
  }
};
using BlobPtr = std::shared_ptr<Blob>;

/// What one write left in one sector.
struct Version {
  std::uint64_t time = 0;            // of the micro-operation
  std::uint32_t from = 0, to = 0;    // the bytes being written, within the sector
  Bytes content;                     // the whole sector, as cached behind the write
};
struct Sector {
  std::vector<Version> versions;     // since the last sync that covered the sector
  bool dirty = true;                 // false: a sync has failed, and no later one writes it
};

struct Node {
  bool is_folder = false;
  BlobPtr cached = std::make_shared<Blob>(), durable = cached;
  std::map<std::uint64_t, Sector> sectors;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> sizes;   // time, size: since the last sync

  Bytes& write_cache() {   // the cache alone: what is durable, and other images, keep their bytes
    if (cached.use_count() != 1) cached = std::make_shared<Blob>(Blob{cached->bytes, {}});
    cached->hash.reset();
    return cached->bytes;
  }
  [[nodiscard]] bool is_settled() const { return sectors.empty() && sizes.empty(); }
};
using NodePtr = std::shared_ptr<Node>;

/// What a name means: durably, and since then.
struct Name {
  NodePtr durable;
  std::vector<std::pair<std::uint64_t, NodePtr>> since;   // time, binding; null: removed
  [[nodiscard]] const NodePtr& now() const { return since.empty() ? durable : since.back().second; }
};

/// Answers one number per undecided thing; called in an order that depends on the image alone.
class Fates {
 public:
  virtual std::uint32_t decide(std::uint32_t options) = 0;

 protected:
  Fates() = default;
  Fates(const Fates&) = default;
  Fates& operator=(const Fates&) = default;
  ~Fates() = default;
};

[[nodiscard]] inline std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

/// Everything on the disk, as a value. Paths are sorted by bytes, so a folder stands in front of what is inside it.
struct Image {
  std::map<std::string, Name> names;
  std::uint64_t tick = 0;           // counts micro-operations
  std::vector<Bytes> recycled;      // what free blocks hold
  std::uint64_t unit = sector_bytes;

  Image() {
    const auto root = std::make_shared<Node>();
    root->is_folder = true;
    names["/"].durable = root;
    names["."].durable = root;
  }

  [[nodiscard]] NodePtr find(const std::string& path) const {
    const auto found = names.find(path);
    return found == names.end() ? nullptr : found->second.now();
  }
  void bind(const std::string& path, NodePtr node) { names[path].since.emplace_back(++tick, std::move(node)); }

  void write(Node& node, std::uint64_t offset, BytesView bytes) {
    if (bytes.empty()) return;
    ++tick;
    Bytes& cache = node.write_cache();
    const std::uint64_t end = offset + bytes.size();
    if (end > cache.size()) {
      cache.resize(end, '\0');
      node.sizes.emplace_back(tick, end);
    }
    std::memcpy(cache.data() + offset, bytes.data(), bytes.size());
    for (std::uint64_t at = offset / sector_bytes; at * sector_bytes < end; ++at) {
      const std::uint64_t start = at * sector_bytes;
      Sector& sector = node.sectors[at];
      sector.dirty = true;
      sector.versions.push_back({tick, static_cast<std::uint32_t>(std::max(offset, start) - start), static_cast<std::uint32_t>(std::min<std::uint64_t>(end - start, sector_bytes)),
                                 cache.substr(start, sector_bytes)});
    }
  }
  void truncate(Node& node, std::uint64_t size) {
    Bytes& cache = node.write_cache();
    if (size == cache.size()) return;
    ++tick;
    if (size < cache.size()) recycle(cache);
    cache.resize(size, '\0');
    node.sizes.emplace_back(tick, size);
    std::erase_if(node.sectors, [&](const auto& entry) { return entry.first * sector_bytes >= size; });
    if (const std::uint64_t last = size / sector_bytes; size % sector_bytes != 0 && node.sectors.contains(last))
      node.sectors[last].versions.push_back({tick, 0, static_cast<std::uint32_t>(size % sector_bytes), cache.substr(last * sector_bytes, sector_bytes)});
  }
  void recycle(const Bytes& bytes) {
    constexpr std::size_t kept = 4;
    if (bytes.empty() || std::find(recycled.begin(), recycled.end(), bytes) != recycled.end()) return;
    if (recycled.size() == kept) recycled.erase(recycled.begin());
    recycled.push_back(bytes);
  }

  /// A sync that was issued at `issued` has answered: what was written up to then is durable.
  static void settle(Node& node, std::uint64_t issued) {
    bool all = true;
    for (const auto& [at, sector] : node.sectors) all = all && sector.dirty && sector.versions.back().time <= issued;
    if (all && (node.sizes.empty() || node.sizes.back().first <= issued)) {
      node.durable = node.cached;
      node.sectors.clear();
      node.sizes.clear();
      return;
    }
    auto next = std::make_shared<Blob>(Blob{node.durable->bytes, {}});
    for (const auto& [time, size] : node.sizes)
      if (time <= issued) next->bytes.resize(size, '\0');
    std::erase_if(node.sizes, [&](const auto& entry) { return entry.first <= issued; });
    for (auto at = node.sectors.begin(); at != node.sectors.end();) {
      Sector& sector = at->second;
      const Version* last = nullptr;
      for (const Version& version : sector.versions)
        if (version.time <= issued) last = &version;
      const std::uint64_t start = at->first * sector_bytes;
      if (sector.dirty && last) {
        if (start < next->bytes.size()) std::memcpy(next->bytes.data() + start, last->content.data(), std::min<std::size_t>(last->content.size(), next->bytes.size() - start));
        std::erase_if(sector.versions, [&](const Version& version) { return version.time <= issued; });
      }
      at = sector.versions.empty() ? node.sectors.erase(at) : std::next(at);
    }
    node.durable = std::move(next);
  }
  /// A sync has failed: the pages count as clean.
  static void forsake(Node& node, std::uint64_t issued) {
    for (auto& [at, sector] : node.sectors)
      if (sector.versions.back().time <= issued) sector.dirty = false;
  }
  void settle_folder(const std::string& path) {
    for (auto at = names.begin(); at != names.end();) {
      Name& entry = at->second;
      if (!entry.since.empty() && parent_of(at->first) == path && at->first != path) {
        entry.durable = entry.now();
        entry.since.clear();
      }
      at = !entry.durable && entry.since.empty() ? names.erase(at) : std::next(at);
    }
  }

  /// The same content, settled: what a process finds that starts again on a machine that stayed up. (Nothing more is durable by that.)
  [[nodiscard]] std::uint64_t hash() const {
    std::uint64_t out = 0;
    for (const auto& [path, entry] : names)
      if (const NodePtr& node = entry.now()) {
        const std::uint64_t parts[3] = {out, xxh3(path), node->cached->hashed()};
        out = xxh3(BytesView(reinterpret_cast<const char*>(parts), sizeof parts));
      }
    return out;
  }
  /// A deep copy: nodes of their own, bytes shared until they are written.
  [[nodiscard]] Image copy() const {
    Image out = *this;
    std::map<const Node*, NodePtr> copies;
    const auto copied = [&](const NodePtr& node) -> NodePtr {
      if (!node) return nullptr;
      NodePtr& one = copies[node.get()];
      if (!one) one = std::make_shared<Node>(*node);
      return one;
    };
    for (auto& [path, entry] : out.names) {
      entry.durable = copied(entry.durable);
      for (auto& [time, node] : entry.since) node = copied(node);
    }
    return out;
  }
  /// What is there when the power is back.
  [[nodiscard]] Image after_power_loss(Profile profile, Fates& fates) const;

 private:
  [[nodiscard]] std::set<std::uint64_t> times() const;
  [[nodiscard]] Bytes survivor(const Node& node, Profile profile, std::uint64_t upto, Fates& fates) const;
  void damage(Bytes& left, std::uint64_t at, const Sector& sector, std::uint64_t durable_size, Profile profile, Fates& fates) const;
  void destroy(Bytes& left, const Node& node, Fates& fates) const;
  static void fill_garbage(Bytes& bytes, std::uint64_t from, std::uint64_t to, std::uint64_t seed) {
    for (std::uint64_t i = from; i < std::min<std::uint64_t>(to, bytes.size()); ++i) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      bytes[i] = static_cast<char>(seed >> 56);
    }
  }
};

inline std::set<std::uint64_t> Image::times() const {
  std::set<std::uint64_t> out;
  std::set<const Node*> seen;
  const auto see = [&](const NodePtr& node) {
    if (!node || !seen.insert(node.get()).second) return;
    for (const auto& [at, sector] : node->sectors)
      for (const Version& version : sector.versions) out.insert(version.time);
    for (const auto& [time, size] : node->sizes) out.insert(time);
  };
  for (const auto& [path, entry] : names) {
    see(entry.durable);
    for (const auto& [time, node] : entry.since) { out.insert(time); see(node); }
  }
  return out;
}

inline Image Image::after_power_loss(Profile profile, Fates& fates) const {
  if (profile == Profile::kill) {
    Image out = copy();
    std::erase_if(out.names, [](const auto& entry) { return !entry.second.now(); });
    return out;
  }
  std::uint64_t upto = ~std::uint64_t{0};
  if (profile == Profile::ordered) {
    const std::set<std::uint64_t> all = times();
    const std::uint32_t lost = fates.decide(static_cast<std::uint32_t>(all.size() + 1));   // from the end
    upto = 0;
    std::uint32_t kept = static_cast<std::uint32_t>(all.size()) - lost;
    for (const std::uint64_t time : all)
      if (kept-- != 0) upto = time;
      else break;
  }
  Image out;
  out.tick = tick;
  out.recycled = recycled;
  out.unit = unit;
  out.names.clear();
  std::map<const Node*, NodePtr> left;
  for (const auto& [path, entry] : names) {
    NodePtr node = entry.durable;
    if (profile == Profile::ordered) {
      for (const auto& [when, bound] : entry.since)
        if (when <= upto) node = bound;
    } else if (!entry.since.empty()) {
      std::vector<NodePtr> options;   // newest first; the same binding once
      for (auto at = entry.since.rbegin(); at != entry.since.rend(); ++at)
        if (std::find(options.begin(), options.end(), at->second) == options.end()) options.push_back(at->second);
      if (std::find(options.begin(), options.end(), entry.durable) == options.end()) options.push_back(entry.durable);
      node = options.size() == 1 ? options[0] : options[fates.decide(static_cast<std::uint32_t>(options.size()))];
    }
    if (!node) continue;
    if (path != "/" && path != ".") {   // what is inside a folder that is gone is gone
      const auto folder = out.names.find(parent_of(path));
      if (folder == out.names.end() || !folder->second.durable->is_folder) continue;
    }
    NodePtr& survivor_node = left[node.get()];
    if (!survivor_node) {
      survivor_node = std::make_shared<Node>();
      survivor_node->is_folder = node->is_folder;
      survivor_node->durable = node->is_settled() ? node->durable : std::make_shared<Blob>(Blob{survivor(*node, profile, upto, fates), {}});
      survivor_node->cached = survivor_node->durable;
    }
    out.names[path].durable = survivor_node;
  }
  return out;
}

inline Bytes Image::survivor(const Node& node, Profile profile, std::uint64_t upto, Fates& fates) const {
  Bytes left = node.durable->bytes;
  const std::uint64_t durable_size = left.size();
  if (profile == Profile::ordered) {
    for (const auto& [time, size] : node.sizes)
      if (time <= upto) left.resize(size, '\0');
    for (const auto& [at, sector] : node.sectors)
      for (const Version& version : sector.versions)
        if (version.time <= upto && at * sector_bytes < left.size())
          std::memcpy(left.data() + at * sector_bytes, version.content.data(), std::min<std::size_t>(version.content.size(), left.size() - at * sector_bytes));
    return left;
  }
  if (!node.sizes.empty()) {   // newest, durable, then those between
    const std::uint32_t pick = fates.decide(static_cast<std::uint32_t>(std::min<std::size_t>(node.sizes.size(), 3) + 1));
    if (pick != 1) left.resize(pick == 0 ? node.sizes.back().second : node.sizes[node.sizes.size() - pick].second, '\0');
  }
  for (const auto& [at, sector] : node.sectors)
    if (at * sector_bytes < left.size()) damage(left, at, sector, durable_size, profile, fates);
  if (profile == Profile::paranoid) destroy(left, node, fates);
  return left;
}

/// One sector: new, old, torn, zero, garbage; then older writes; then what the free block held.
inline void Image::damage(Bytes& left, std::uint64_t at, const Sector& sector, std::uint64_t durable_size, Profile, Fates& fates) const {
  constexpr std::size_t older_max = 2;
  const std::uint64_t start = at * sector_bytes;
  const std::size_t room = std::min<std::size_t>(sector_bytes, left.size() - start);
  const std::size_t older = std::min(sector.versions.size() - 1, older_max);
  const std::size_t stale = start >= durable_size ? recycled.size() : 0;
  const std::uint32_t pick = fates.decide(static_cast<std::uint32_t>(5 + older + stale));
  const Version& newest = sector.versions.back();
  const auto put = [&](const Bytes& content, std::size_t from, std::size_t to) {
    to = std::min({to, room, content.size()});
    if (from < to) std::memcpy(left.data() + start + from, content.data() + from, to - from);
  };
  if (pick == 0) {
    put(newest.content, 0, sector_bytes);
  } else if (pick == 2) {
    put(newest.content, 0, newest.from + (newest.to - newest.from) / 2);
  } else if (pick == 3) {
    for (std::size_t i = newest.from; i < std::min<std::size_t>(newest.to, room); ++i) left[start + i] = '\0';
  } else if (pick == 4) {
    fill_garbage(left, start + newest.from, start + std::min<std::size_t>(newest.to, room), newest.time * 1000003u + at);
  } else if (pick >= 5 && pick < 5 + older) {
    put(sector.versions[sector.versions.size() - 2 - (pick - 5)].content, 0, sector_bytes);
  } else if (pick >= 5 + older) {
    const Bytes& content = recycled[pick - 5 - older];
    if (start < content.size()) std::memcpy(left.data() + start, content.data() + start, std::min<std::size_t>(room, content.size() - start));
  }
}

/// At most one rewrite unit that a write was in: whole.
inline void Image::destroy(Bytes& left, const Node& node, Fates& fates) const {
  std::vector<std::uint64_t> units;
  for (const auto& [at, sector] : node.sectors)
    if (units.empty() || units.back() != at * sector_bytes / unit) units.push_back(at * sector_bytes / unit);
  if (units.empty()) return;
  const std::uint32_t pick = fates.decide(static_cast<std::uint32_t>(1 + 2 * units.size()));
  if (pick == 0) return;
  const std::uint64_t from = units[(pick - 1) / 2] * unit, to = std::min<std::uint64_t>(from + unit, left.size());
  if (from >= to) return;
  if (pick % 2 == 1) fill_garbage(left, from, to, node.sectors.begin()->second.versions.back().time * 7919u + from);
  else std::fill(left.begin() + static_cast<std::ptrdiff_t>(from), left.begin() + static_cast<std::ptrdiff_t>(to), '\0');
}

}  // namespace detail

using detail::Fates;

}  // namespace kfm_det::simulate

#endif
