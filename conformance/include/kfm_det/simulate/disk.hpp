// SPDX-License-Identifier: BSL-1.0
/// \file
/// Disk: a simulated file system that can lose power at any call, in every way that the fault model allows (simulate/disk_image.hpp).
///
/// Models FileSystem, so a file-backed policy runs on it as it stands. A Disk is a handle: copies mean the same disk, and the same process. A *process*
/// is an owner of kernel locks (FS-6): `as_process(n)` gives a handle of another one, `end_process(n)` kills it.
/// Hooks see every call before it happens; a fault makes it fail. after_power_loss() and after_kill() give a new disk, this one stays as it is: a test
/// can look at every crash of one run without playing it again.
/// Thread-safety: as FileSystem says; hooks run in the calling thread without any lock held.
#ifndef KFM_DET_SIMULATE_DISK_HPP
#define KFM_DET_SIMULATE_DISK_HPP

#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/contracts/file_system.hpp"
#include "kfm_det/simulate/disk_image.hpp"

namespace kfm_det::simulate {

enum class Verb : std::uint8_t { open, create, read, write, map, sync, sync_in_flight, sync_directory, truncate, size, allocate, exists, rename, rename_no_replace, remove, list, make_directory, lock, locked_elsewhere, block_size };
[[nodiscard]] constexpr std::string_view name(Verb verb) noexcept {
  constexpr std::string_view names[] = {"open", "create_exclusive", "read", "write", "map", "sync", "sync in flight", "sync_directory", "truncate", "size", "allocate", "exists", "rename", "rename_no_replace", "remove", "list", "make_directory", "lock", "locked_elsewhere", "block_size"};
  return names[static_cast<std::size_t>(verb)];
}
/// Whether a call changes what a crash can leave: the others need no crash of their own.
[[nodiscard]] constexpr bool changes(Verb verb) noexcept {
  switch (verb) {
    case Verb::create: case Verb::write: case Verb::sync: case Verb::sync_in_flight: case Verb::sync_directory: case Verb::truncate: case Verb::allocate:
    case Verb::rename: case Verb::rename_no_replace: case Verb::remove: case Verb::make_directory: return true;
    default: return false;
  }
}

/// One call, as hooks see it.
struct Call {
  std::uint64_t number = 0;   ///< counts all calls of the disk, from 0
  Verb verb = Verb::open;
  std::string_view path;      ///< of a folder's or a name's call; of a file, the name it was opened by
  std::uint64_t offset = 0, length = 0;   ///< of a read or a write
  std::uint32_t process = 0;
};

/// What happens instead of the call.
struct Fault {
  enum class Kind : std::uint8_t { none, error, short_write } kind = Kind::none;
  errc code = errc::io_error;      ///< io_error, no_space
  std::uint64_t taken = 0;         ///< short_write: bytes that are taken; a failing write has put as many down, too
};

struct DiskOptions {
  Profile profile = Profile::standard;
  std::uint64_t block_bytes = sector_bytes;   ///< what block_size() answers: the rewrite unit
  std::uint64_t write_bytes_max = ~std::uint64_t{0};   ///< a longer write is short (FS-1)
};

class Disk {
  struct OpenFile;
  struct State {
    std::recursive_mutex mutex;
    DiskOptions options;
    detail::Image image;
    std::atomic<std::uint64_t> calls = 0;
    std::function<void(const Call&)> on_call;
    std::function<Fault(const Call&)> on_fault;
    std::map<const detail::Node*, const OpenFile*> locks;
  };
  struct OpenFile {   // an open file description
    std::shared_ptr<State> disk;
    detail::NodePtr node;
    std::string path;
    OpenMode mode = OpenMode::read;
    std::uint32_t process = 0;
    OpenFile(std::shared_ptr<State> on, detail::NodePtr file, std::string name, OpenMode how, std::uint32_t who) : disk(std::move(on)), node(std::move(file)), path(std::move(name)), mode(how), process(who) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() {
      const std::scoped_lock guard(disk->mutex);
      const auto held = disk->locks.find(node.get());
      if (held != disk->locks.end() && held->second == this) disk->locks.erase(held);
    }
  };

 public:
  class File {
    friend class Disk;
    std::unique_ptr<OpenFile> open_;
  };
  class Mapping {
   public:
    [[nodiscard]] BytesView bytes() const { return blob_->bytes; }

   private:
    friend class Disk;
    detail::BlobPtr blob_;
  };

  explicit Disk(DiskOptions options = {}) : state_(std::make_shared<State>()) {
    state_->options = options;
    state_->image.unit = std::max<std::uint64_t>(options.block_bytes, sector_bytes);
  }

  // --- the one who breaks it ------------------------------------------------------------------------------------------------------------------------

  /// Sees every call before it happens, and a sync a second time when it is in flight: issued, not answered.
  void on_call(std::function<void(const Call&)> hook) const { state_->on_call = std::move(hook); }
  /// Says what happens instead of a call. A failed sync leaves its pages clean and undecided.
  /// Answers the hook that was there.
  std::function<Fault(const Call&)> on_fault(std::function<Fault(const Call&)> hook) const { return std::exchange(state_->on_fault, std::move(hook)); }
  [[nodiscard]] std::uint64_t calls() const noexcept { return state_->calls; }
  [[nodiscard]] const DiskOptions& options() const noexcept { return state_->options; }

  /// The power goes now; `fates` decides what is left. No hooks are taken along.
  [[nodiscard]] Disk after_power_loss(Fates& fates) const { return after_power_loss(state_->options.profile, fates); }
  [[nodiscard]] Disk after_power_loss(Profile profile, Fates& fates) const { return with(state_->image.after_power_loss(profile, fates)); }
  /// The same for this disk itself, for a test that goes on with it. Files that are open mean nothing any more.
  void lose_power(Profile profile, Fates& fates) const {
    state_->image = state_->image.after_power_loss(profile, fates);
    state_->locks.clear();
  }
  /// All processes die now, the machine stays up. What was not durable is not durable yet.
  [[nodiscard]] Disk after_kill() const { return with(state_->image.copy()); }
  /// Free blocks hold these bytes: a file that grows may find them in sectors that its writes did not reach.
  void recycle(const Bytes& bytes) const { state_->image.recycle(bytes); }

  /// A handle of another process on the same disk; 0 is the first.
  [[nodiscard]] Disk as_process(std::uint32_t process) const { Disk out = *this; out.process_ = process; return out; }
  /// A process dies: its kernel locks are free. (Its File handles may live on in the test; they hold nothing any more.)
  void end_process(std::uint32_t process) const {
    const std::scoped_lock guard(state_->mutex);
    std::erase_if(state_->locks, [&](const auto& held) { return held.second->process == process; });
  }

  /// Every file by its path.
  [[nodiscard]] std::map<std::string, Bytes> files() const {
    std::map<std::string, Bytes> out;
    for (const auto& [path, entry] : state_->image.names)
      if (const auto& node = entry.now(); node && !node->is_folder) out[path] = node->cached->bytes;
    return out;
  }
  /// Of names and bytes; equal images have equal hashes.
  [[nodiscard]] std::uint64_t hash() const { return state_->image.hash(); }
  [[nodiscard]] std::uint64_t bytes_used() const {
    std::uint64_t sum = 0;
    for (const auto& [path, entry] : state_->image.names)
      if (const auto& node = entry.now()) sum += node->cached->bytes.size();
    return sum;
  }
  /// A media fault: changes a file's bytes at rest, durable ones too. False: no such file.
  bool damage(const std::string& path, const std::function<void(Bytes&)>& how) const {
    const auto node = state_->image.find(path);
    if (!node || node->is_folder) return false;
    how(node->write_cache());
    node->durable = node->cached;
    node->sectors.clear();
    node->sizes.clear();
    return true;
  }
  /// A media fault: the name is gone.
  void lose(const std::string& path) const { state_->image.names.erase(path); }
  /// A file that somebody else put there, durable.
  void plant(const std::string& path, Bytes bytes) const {
    for (std::string folder = detail::parent_of(path); folder != "/" && folder != "."; folder = detail::parent_of(folder))
      if (!state_->image.find(folder)) state_->image.names[folder].durable = folder_node();
    auto node = std::make_shared<detail::Node>();
    node->write_cache() = std::move(bytes);
    node->durable = node->cached;
    state_->image.names[path] = detail::Name{std::move(node), {}};
  }

  // --- FileSystem ----------------------------------------------------------------------------------------------------------------------------------

  [[nodiscard]] result<File> open(const std::string& path, OpenMode mode) {
    if (auto fault = called({0, Verb::open, path, 0, 0, process_}); fault.kind == Fault::Kind::error) return failed(fault, path);
    const std::scoped_lock guard(state_->mutex);
    auto node = state_->image.find(path);
    if (!node) return missing(path);
    if (node->is_folder) return Error(errc::io_error, "this is a folder", path);
    return handle(std::move(node), path, mode);
  }
  [[nodiscard]] result<File> create_exclusive(const std::string& path) {
    if (auto fault = called({0, Verb::create, path, 0, 0, process_}); fault.kind == Fault::Kind::error) return failed(fault, path);
    const std::scoped_lock guard(state_->mutex);
    if (state_->image.find(path)) return Error(errc::conflict, "the file is there", path);
    if (auto folder = state_->image.find(detail::parent_of(path)); !folder || !folder->is_folder) return missing(detail::parent_of(path));
    auto node = std::make_shared<detail::Node>();
    state_->image.bind(path, node);
    return handle(std::move(node), path, OpenMode::read_write);
  }
  [[nodiscard]] result<std::size_t> read(File& file, std::uint64_t offset, std::span<char> into) {
    if (auto fault = called({0, Verb::read, file.open_->path, offset, into.size(), process_}); fault.kind == Fault::Kind::error) return failed(fault, file.open_->path);
    const std::scoped_lock guard(state_->mutex);
    const Bytes& bytes = file.open_->node->cached->bytes;
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t taken = std::min<std::size_t>(into.size(), bytes.size() - offset);
    std::memcpy(into.data(), bytes.data() + offset, taken);
    return taken;
  }
  [[nodiscard]] result<std::size_t> write(File& file, std::uint64_t offset, BytesView bytes) {
    if (file.open_->mode == OpenMode::read) return Error(errc::permission_denied, "the file was opened for reading", file.open_->path);
    const Fault fault = called({0, Verb::write, file.open_->path, offset, bytes.size(), process_});
    const std::scoped_lock guard(state_->mutex);
    std::size_t taken = static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), state_->options.write_bytes_max));
    if (fault.kind != Fault::Kind::none) taken = static_cast<std::size_t>(std::min<std::uint64_t>(fault.taken, bytes.size()));
    state_->image.write(*file.open_->node, offset, bytes.substr(0, taken));
    if (fault.kind == Fault::Kind::error) return failed(fault, file.open_->path);
    return taken;
  }
  [[nodiscard]] result<Mapping> map(File& file) {
    if (auto fault = called({0, Verb::map, file.open_->path, 0, 0, process_}); fault.kind == Fault::Kind::error) return failed(fault, file.open_->path);
    const std::scoped_lock guard(state_->mutex);
    Mapping out;
    out.blob_ = file.open_->node->cached;
    return out;
  }
  [[nodiscard]] result<void> sync(File& file) {
    const Fault fault = called({0, Verb::sync, file.open_->path, 0, 0, process_});
    std::uint64_t issued = 0;
    {
      const std::scoped_lock guard(state_->mutex);
      issued = state_->image.tick;
    }
    if (fault.kind == Fault::Kind::none) (void)called({0, Verb::sync_in_flight, file.open_->path, 0, 0, process_});
    const std::scoped_lock guard(state_->mutex);
    if (fault.kind == Fault::Kind::error) {
      detail::Image::forsake(*file.open_->node, issued);
      return failed(fault, file.open_->path);
    }
    detail::Image::settle(*file.open_->node, issued);
    return success();
  }
  [[nodiscard]] result<void> sync_directory(const std::string& path) {
    if (auto fault = called({0, Verb::sync_directory, path, 0, 0, process_}); fault.kind == Fault::Kind::error) return failed(fault, path);
    const std::scoped_lock guard(state_->mutex);
    if (auto folder = state_->image.find(path); !folder || !folder->is_folder) return missing(path);
    state_->image.settle_folder(path);
    return success();
  }
  [[nodiscard]] result<void> truncate(File& file, std::uint64_t bytes) {
    if (auto fault = called({0, Verb::truncate, file.open_->path, bytes, 0, process_}); fault.kind == Fault::Kind::error) return failed(fault, file.open_->path);
    const std::scoped_lock guard(state_->mutex);
    state_->image.truncate(*file.open_->node, bytes);
    return success();
  }
  [[nodiscard]] result<std::uint64_t> size(File& file) {
    if (auto fault = called({0, Verb::size, file.open_->path, 0, 0, process_}); fault.kind == Fault::Kind::error) return failed(fault, file.open_->path);
    const std::scoped_lock guard(state_->mutex);
    return static_cast<std::uint64_t>(file.open_->node->cached->bytes.size());
  }
  [[nodiscard]] result<void> allocate(File& file, std::uint64_t bytes) {
    if (auto fault = called({0, Verb::allocate, file.open_->path, bytes, 0, process_}); fault.kind == Fault::Kind::error) return failed(fault, file.open_->path);
    const std::scoped_lock guard(state_->mutex);
    if (bytes > file.open_->node->cached->bytes.size()) state_->image.truncate(*file.open_->node, bytes);
    return success();
  }
  [[nodiscard]] result<bool> exists(const std::string& path) {
    if (auto fault = called({0, Verb::exists, path, 0, 0, process_}); fault.kind == Fault::Kind::error) return failed(fault, path);
    const std::scoped_lock guard(state_->mutex);
    return state_->image.find(path) != nullptr;
  }
  [[nodiscard]] result<void> rename(const std::string& from, const std::string& to) { return move_name(Verb::rename, from, to); }
  [[nodiscard]] result<void> rename_no_replace(const std::string& from, const std::string& to) { return move_name(Verb::rename_no_replace, from, to); }
  [[nodiscard]] result<void> remove(const std::string& path) {
    if (auto fault = called({0, Verb::remove, path, 0, 0, process_}); fault.kind == Fault::Kind::error) return failed(fault, path);
    const std::scoped_lock guard(state_->mutex);
    auto node = state_->image.find(path);
    if (!node) return missing(path);
    if (node->is_folder) return Error(errc::io_error, "this is a folder", path);
    state_->image.recycle(node->durable->bytes);
    state_->image.bind(path, nullptr);
    return success();
  }
  [[nodiscard]] result<std::vector<std::string>> list(const std::string& path) {
    if (auto fault = called({0, Verb::list, path, 0, 0, process_}); fault.kind == Fault::Kind::error) return failed(fault, path);
    const std::scoped_lock guard(state_->mutex);
    if (auto folder = state_->image.find(path); !folder || !folder->is_folder) return missing(path);
    const std::string lead = path == "/" ? "/" : path + "/";
    std::vector<std::string> out;
    for (auto at = state_->image.names.lower_bound(lead); at != state_->image.names.end() && at->first.starts_with(lead); ++at)
      if (at->second.now() && at->first.size() > lead.size() && at->first.find('/', lead.size()) == std::string::npos) out.push_back(at->first.substr(lead.size()));
    return out;
  }
  [[nodiscard]] result<void> make_directory(const std::string& path) {
    if (auto fault = called({0, Verb::make_directory, path, 0, 0, process_}); fault.kind == Fault::Kind::error) return failed(fault, path);
    const std::scoped_lock guard(state_->mutex);
    if (auto there = state_->image.find(path)) return there->is_folder ? result<void>(success()) : result<void>(Error(errc::conflict, "a file has this name", path));
    if (auto folder = state_->image.find(detail::parent_of(path)); !folder || !folder->is_folder) return missing(detail::parent_of(path));
    state_->image.bind(path, folder_node());
    return success();
  }
  [[nodiscard]] result<bool> lock(File& file) {
    if (auto fault = called({0, Verb::lock, file.open_->path, 0, 0, process_}); fault.kind == Fault::Kind::error) return failed(fault, file.open_->path);
    const std::scoped_lock guard(state_->mutex);
    const auto [held, taken] = state_->locks.emplace(file.open_->node.get(), file.open_.get());
    return taken || held->second == file.open_.get();
  }
  [[nodiscard]] result<bool> locked_elsewhere(File& file) {
    if (auto fault = called({0, Verb::locked_elsewhere, file.open_->path, 0, 0, process_}); fault.kind == Fault::Kind::error) return failed(fault, file.open_->path);
    const std::scoped_lock guard(state_->mutex);
    const auto held = state_->locks.find(file.open_->node.get());
    return held != state_->locks.end() && held->second != file.open_.get();
  }
  [[nodiscard]] result<std::uint64_t> block_size(const std::string& path) {
    if (auto fault = called({0, Verb::block_size, path, 0, 0, process_}); fault.kind == Fault::Kind::error) return failed(fault, path);
    return state_->options.block_bytes;
  }

 private:
  static detail::NodePtr folder_node() {
    auto node = std::make_shared<detail::Node>();
    node->is_folder = true;
    return node;
  }
  static Error missing(const std::string& path) { return {errc::not_found, "no such file or folder", path}; }
  static Error failed(const Fault& fault, std::string_view where) { return {fault.code, "the simulated disk answers an error", std::string(where)}; }
  [[nodiscard]] Disk with(detail::Image image) const {
    Disk out(state_->options);
    out.state_->image = std::move(image);
    return out;
  }
  File handle(detail::NodePtr node, const std::string& path, OpenMode mode) const {
    File out;
    out.open_ = std::make_unique<OpenFile>(state_, std::move(node), path, mode, process_);
    return out;
  }
  Fault called(Call call) const {
    call.number = state_->calls++;
    if (state_->on_call) state_->on_call(call);
    return state_->on_fault ? state_->on_fault(call) : Fault{};
  }
  result<void> move_name(Verb verb, const std::string& from, const std::string& to) {
    if (auto fault = called({0, verb, to, 0, 0, process_}); fault.kind == Fault::Kind::error) return failed(fault, to);
    const std::scoped_lock guard(state_->mutex);
    auto node = state_->image.find(from);
    if (!node) return missing(from);
    if (auto folder = state_->image.find(detail::parent_of(to)); !folder || !folder->is_folder) return missing(detail::parent_of(to));
    if (auto there = state_->image.find(to)) {
      if (verb == Verb::rename_no_replace) return Error(errc::conflict, "the new name is taken", to);
      if (there == node) return success();
      state_->image.recycle(there->durable->bytes);
    }
    state_->image.bind(to, node);
    state_->image.bind(from, nullptr);
    return success();
  }

  std::shared_ptr<State> state_;
  std::uint32_t process_ = 0;
};
static_assert(FileSystem<Disk>);

}  // namespace kfm_det::simulate

#endif
