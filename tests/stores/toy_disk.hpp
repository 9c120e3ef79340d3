// SPDX-License-Identifier: BSL-1.0
// A small disk that loses power: what is not synced survives in any subset of sectors, names too. Models FileSystem. One thread.
//
// Not the conformance kit's simulated disk: no torn bytes inside a sector, no media faults; enough to see each ordering rule of FileStore break.
#ifndef KFM_DET_TESTS_STORES_TOY_DISK_HPP
#define KFM_DET_TESTS_STORES_TOY_DISK_HPP

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "kfm_det/contracts/file_system.hpp"

namespace kfm_det::testing {

/// Deterministic choices: the same on every compiler.
struct Choices {
  std::uint64_t state;
  explicit Choices(std::uint64_t seed) : state(seed * 0x9E3779B97F4A7C15u + 0x1234567) {}
  std::uint64_t next() {
    state += 0x9E3779B97F4A7C15u;
    std::uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t n) { return next() % n; }
};

class ToyDisk {
  static constexpr std::size_t sector = 512;
  struct Node {
    std::string cached, durable;
    bool size_dirty = false;
    std::set<std::size_t> dirty;      // sectors written since the last sync
    std::map<std::size_t, std::vector<std::string>> versions;   // every content that a dirty sector had: the device may hold any of them
  };
  using NodePtr = std::shared_ptr<Node>;
  struct State {
    std::map<std::string, NodePtr> names, durable_names;   // files by path; a folder is a name that ends in '/'
    std::uint64_t calls = 0;
    std::function<void(std::uint64_t call)> at_call;                    // throws to play a kill
    std::function<bool(std::uint64_t call, const char* verb)> fails;    // answers EIO or ENOSPC
    std::uint64_t generation = 0;
  };

 public:
  struct Killed {};
  class File {
   public:
    File() = default;
   private:
    friend class ToyDisk;
    NodePtr node;
    std::uint64_t generation = 0;
  };
  struct Mapping { std::string copy; [[nodiscard]] BytesView bytes() const { return copy; } };

  ToyDisk() { state_->names["/"] = state_->durable_names["/"] = nullptr; }

  /// Called before each call with its number: throw Killed to stop there.
  void on_call(std::function<void(std::uint64_t)> hook) const { state_->at_call = std::move(hook); }
  std::function<bool(std::uint64_t, const char*)> on_fault(std::function<bool(std::uint64_t, const char*)> hook) const { return std::exchange(state_->fails, std::move(hook)); }
  [[nodiscard]] std::uint64_t calls() const { return state_->calls; }

  /// Power goes: unsynced sectors and names each survive or not, as `choose` says.
  void lose_power(Choices& choose) const {
    State& s = *state_;
    std::map<std::string, NodePtr> names;
    for (const auto& [path, node] : s.durable_names) {
      const auto now = s.names.find(path);
      const bool same = now != s.names.end() && now->second == node;
      if (same || choose.below(2) == 0) names[path] = node;
      else if (now != s.names.end()) names[path] = now->second;
    }
    for (const auto& [path, node] : s.names)
      if (!s.durable_names.contains(path) && choose.below(2) == 0) names[path] = node;
    std::set<Node*> seen;
    for (auto& [path, node] : names) {
      if (!node || !seen.insert(node.get()).second) continue;
      std::string left = node->durable;
      if (node->size_dirty && choose.below(2) == 0) left.resize(node->cached.size(), '\0');
      for (const std::size_t at : node->dirty) {
        const auto& options = node->versions[at];
        const std::uint64_t pick = choose.below(options.size() + 2);
        const std::size_t start = at * sector;
        if (start >= left.size()) continue;
        if (pick == options.size() + 1) {   // garbage
          for (std::size_t i = start; i < std::min(left.size(), start + sector); ++i) left[i] = static_cast<char>(choose.next());
        } else if (pick < options.size()) {
          const std::string& content = options[static_cast<std::size_t>(pick)];
          std::memcpy(left.data() + start, content.data(), std::min(content.size(), left.size() - start));
        }
      }
      node->cached = node->durable = left;
      node->dirty.clear();
      node->versions.clear();
      node->size_dirty = false;
    }
    // files below a folder that is gone are gone
    std::map<std::string, NodePtr> kept;
    for (const auto& [path, node] : names)
      if (path == "/" || kept.contains(parent(path))) kept[path] = node;
    s.names = s.durable_names = kept;
    ++s.generation;
  }
  /// The process dies, the machine does not: everything written stays.
  void kill() const { ++state_->generation; }

  [[nodiscard]] std::map<std::string, std::string> image() const {
    std::map<std::string, std::string> out;
    for (const auto& [path, node] : state_->names)
      if (node) out[path] = node->cached;
    return out;
  }
  void damage(const std::string& path, const std::function<void(std::string&)>& how) const {
    Node& node = *state_->names.at(path);
    how(node.cached);
    node.durable = node.cached;
  }
  void unlink(const std::string& path) const { state_->names.erase(path); state_->durable_names.erase(path); }

  [[nodiscard]] result<File> open(const std::string& path, OpenMode) {
    if (auto bad = step("open")) return *bad;
    const auto found = state_->names.find(path);
    if (found == state_->names.end() || !found->second) return Error(errc::not_found, "no such file", path);
    return handle(found->second);
  }
  [[nodiscard]] result<File> create_exclusive(const std::string& path) {
    if (auto bad = step("create")) return *bad;
    if (state_->names.contains(path)) return Error(errc::conflict, "it is there", path);
    if (!state_->names.contains(parent(path))) return Error(errc::not_found, "no such folder", path);
    return handle(state_->names[path] = std::make_shared<Node>());
  }
  [[nodiscard]] result<std::size_t> read(File& file, std::uint64_t offset, std::span<char> into) {
    if (auto bad = step("read")) return *bad;
    const std::string& bytes = file.node->cached;
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t take = std::min<std::size_t>(into.size(), bytes.size() - offset);
    std::memcpy(into.data(), bytes.data() + offset, take);
    return take;
  }
  [[nodiscard]] result<std::size_t> write(File& file, std::uint64_t offset, BytesView bytes) {
    Node& node = *file.node;
    const auto bad = step("write");
    // short when it is long; half of it lands when it fails
    const std::size_t take = bad ? bytes.size() / 2 : bytes.size() > 3 * sector ? bytes.size() - sector : bytes.size();
    if (offset + take > node.cached.size()) {
      node.cached.resize(offset + take, '\0');
      node.size_dirty = true;
    }
    std::memcpy(node.cached.data() + offset, bytes.data(), take);
    for (std::size_t at = offset / sector; at * sector < offset + take; ++at) {
      node.dirty.insert(at);
      node.versions[at].push_back(node.cached.substr(at * sector, sector));
    }
    if (bad) return *bad;
    return take;
  }
  [[nodiscard]] result<Mapping> map(File& file) { return Mapping{file.node->cached}; }
  [[nodiscard]] result<void> sync(File& file) {
    Node& node = *file.node;
    if (auto bad = step("sync")) {   // the pages are marked clean, and the device has some of them or none
      node.dirty.clear();
      node.versions.clear();
      return *bad;
    }
    node.durable = node.cached;
    node.dirty.clear();
    node.versions.clear();
    node.size_dirty = false;
    return success();
  }
  [[nodiscard]] result<void> sync_directory(const std::string& path) {
    if (auto bad = step("sync_directory")) return *bad;
    if (path == ".") return success();
    if (!state_->names.contains(path)) return Error(errc::not_found, "no such folder", path);
    const auto inside = [&](const std::string& name) { return name != "/" && parent(name) == path; };
    std::erase_if(state_->durable_names, [&](const auto& entry) { return inside(entry.first); });
    for (const auto& [name, node] : state_->names)
      if (inside(name)) state_->durable_names[name] = node;
    return success();
  }
  [[nodiscard]] result<void> truncate(File& file, std::uint64_t bytes) { file.node->cached.resize(bytes, '\0'); file.node->size_dirty = true; return success(); }
  [[nodiscard]] result<std::uint64_t> size(File& file) { return static_cast<std::uint64_t>(file.node->cached.size()); }
  [[nodiscard]] result<void> allocate(File&, std::uint64_t) { return success(); }
  [[nodiscard]] result<bool> exists(const std::string& path) {
    if (auto bad = step("exists")) return *bad;
    return path == "." || state_->names.contains(path);
  }
  [[nodiscard]] result<void> rename(const std::string& from, const std::string& to) { state_->names[to] = state_->names.at(from); state_->names.erase(from); return success(); }
  [[nodiscard]] result<void> rename_no_replace(const std::string& from, const std::string& to) {
    if (auto bad = step("rename")) return *bad;
    if (!state_->names.contains(from)) return Error(errc::not_found, "no such file", from);
    if (state_->names.contains(to)) return Error(errc::conflict, "it is there", to);
    return rename(from, to);
  }
  [[nodiscard]] result<void> remove(const std::string& path) {
    if (auto bad = step("remove")) return *bad;
    return state_->names.erase(path) == 1 ? result<void>(success()) : result<void>(Error(errc::not_found, "no such file", path));
  }
  [[nodiscard]] result<std::vector<std::string>> list(const std::string& path) {
    if (auto bad = step("list")) return *bad;
    if (!state_->names.contains(path)) return Error(errc::not_found, "no such folder", path);
    std::vector<std::string> out;
    for (const auto& [name, node] : state_->names)
      if (name != "/" && parent(name) == path) out.push_back(name.substr(path == "/" ? 1 : path.size() + 1));
    return out;
  }
  [[nodiscard]] result<void> make_directory(const std::string& path) {
    if (auto bad = step("make_directory")) return *bad;
    if (!state_->names.contains(path)) state_->names[path] = nullptr;
    return success();
  }
  [[nodiscard]] result<bool> lock(File&) { return true; }
  [[nodiscard]] result<bool> locked_elsewhere(File&) { return false; }
  [[nodiscard]] result<std::uint64_t> block_size(const std::string&) { return std::uint64_t{sector}; }

 private:
  static std::string parent(const std::string& path) {
    const auto slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
  }
  File handle(NodePtr node) const { File file; file.node = std::move(node); file.generation = state_->generation; return file; }
  std::optional<Error> step(const char* verb) const {
    const std::uint64_t call = state_->calls++;
    if (state_->at_call) state_->at_call(call);
    if (state_->fails && state_->fails(call, verb)) return Error(errc::io_error, "the disk answers an error", verb);
    return std::nullopt;
  }
  std::shared_ptr<State> state_ = std::make_shared<State>();
};
static_assert(FileSystem<ToyDisk>);

}  // namespace kfm_det::testing

#endif
