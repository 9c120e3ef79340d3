// SPDX-License-Identifier: BSL-1.0
/// \file
/// Spool: outputs wait here until every step has run. Memory up to a limit, then staged files.
///
/// A cache that may be lost: losing it costs running steps again, so nothing here is synced but staged files that a sink will be handed.
/// The spool removes its files when it ends, and those that killed processes left in the same folder. Thread-safety: one thread.
#ifndef KFM_DET_UPDATER_SPOOL_HPP
#define KFM_DET_UPDATER_SPOOL_HPP

#include <unistd.h>

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "kfm_det/contracts/plan.hpp"
#include "kfm_det/core/digest.hpp"
#include "kfm_det/core/idempotency_key.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/files/system_clock.hpp"

namespace kfm_det {

/// Writes an output that is larger than memory; hashed while it is written.
class Stage {
 public:
  /// Errors: io_error, no_space.
  [[nodiscard]] result<void> write(BytesView bytes) {
    hash_.update(bytes);
    while (!bytes.empty()) {
      KFM_DET_TRY(const std::size_t written, fs_.write(file_, size_, bytes));
      if (written == 0) return Error(errc::io_error, "the staged file takes no more bytes", path_, "Look at the disk of spool_directory.");
      size_ += written;
      bytes.remove_prefix(written);
    }
    return success();
  }
  /// The file, whole and synced; put it into Output::bytes.
  [[nodiscard]] result<StagedFile> finish() {
    KFM_DET_TRY(fs_.sync(file_));
    return StagedFile{path_, size_};
  }

 private:
  friend class Spool;
  Stage(PosixFileSystem fs, PosixFileSystem::File file, std::string path) : fs_(std::move(fs)), file_(std::move(file)), path_(std::move(path)) {}
  PosixFileSystem fs_;
  PosixFileSystem::File file_;
  std::string path_;
  std::uint64_t size_ = 0;
  Sha256 hash_;
};

class Spool {
 public:
  /// What a step gave, with its hashes.
  struct Entry {
    std::variant<Bytes, StagedFile> bytes;
    Digest bytes_hash;
    std::uint64_t size = 0;
    Json metadata;
    BusinessKey business_key;
    ContentHash content;
  };

  explicit Spool(std::string directory, std::size_t bytes_max) : directory_(std::move(directory)), bytes_max_(bytes_max) {}
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;
  ~Spool() { if (guard_) remove_files(name_); }

  /// A file for an output larger than memory. Errors: io_error, no_space, permission_denied.
  [[nodiscard]] result<Stage> stage() {
    const auto advise = [](const Error& error) { return error.advise("Set Environment::spool_directory to a folder that can be written."); };
    if (!guard_) {
      if (auto claimed = claim(); !claimed) return advise(claimed.error());
    }
    const std::string path = directory_ + "/" + name_ + "-" + std::to_string(next_++);
    auto file = fs_.create_exclusive(path);
    if (!file) return advise(file.error());
    return Stage(fs_, std::move(file).value(), path);
  }

  /// Takes an output in, hashes it, and moves it to a file when memory is full. Errors: as stage(); invalid_json for metadata that is not canonical.
  [[nodiscard]] result<const Entry*> put(const std::string& step, Output output) {
    Entry entry;
    entry.metadata = std::move(output.metadata);
    entry.business_key = std::move(output.business_key);
    if (auto* bytes = std::get_if<Bytes>(&output.bytes)) {
      entry.bytes_hash = sha256(*bytes);
      entry.size = bytes->size();
      if (in_memory_ + bytes->size() > bytes_max_) {
        KFM_DET_TRY(auto stage, this->stage());
        KFM_DET_TRY(stage.write(*bytes));
        KFM_DET_TRY(auto file, stage.finish());
        entry.bytes = std::move(file);
      } else {
        in_memory_ += bytes->size();
        entry.bytes = std::move(*bytes);
      }
    } else {
      const auto& file = std::get<StagedFile>(output.bytes);
      Sha256 hash;
      KFM_DET_TRY(read_file(file.path, [&](BytesView piece) -> result<void> { hash.update(piece); entry.size += piece.size(); return success(); }));
      if (entry.size != file.size) return Error(errc::hash_mismatch, "a staged file of another size than its operation said", file.path, "Call Stage::finish() last.");
      entry.bytes_hash = hash.finish();
      entry.bytes = file;
    }
    KFM_DET_TRY(entry.content, content_hash(ContentDescription{entry.bytes_hash, entry.metadata, false}));
    return &(entries_[step] = std::move(entry));
  }

  [[nodiscard]] const Entry* find(const std::string& step) const {
    const auto found = entries_.find(step);
    return found == entries_.end() ? nullptr : &found->second;
  }
  /// The bytes in memory, whole, wherever they wait.
  [[nodiscard]] result<Bytes> load(const Entry& entry) {
    if (const auto* bytes = std::get_if<Bytes>(&entry.bytes)) return *bytes;
    Bytes out;
    KFM_DET_TRY(read_file(std::get<StagedFile>(entry.bytes).path, [&](BytesView piece) -> result<void> { out += piece; return success(); }));
    return out;
  }
  /// Nobody needs this output any more.
  void drop(const std::string& step) {
    const auto found = entries_.find(step);
    if (found == entries_.end()) return;
    if (const auto* bytes = std::get_if<Bytes>(&found->second.bytes)) in_memory_ -= bytes->size();
    else (void)fs_.remove(std::get<StagedFile>(found->second.bytes).path);
    entries_.erase(found);
  }

 private:
  template <class Visitor>
  result<void> read_file(const std::string& path, Visitor&& visit) {
    KFM_DET_TRY(auto file, fs_.open(path, OpenMode::read));
    Bytes piece(65536, '\0');
    for (std::uint64_t at = 0;;) {
      KFM_DET_TRY(const std::size_t got, fs_.read(file, at, std::span<char>(piece.data(), piece.size())));
      if (got == 0) return success();
      KFM_DET_TRY(visit(BytesView(piece).substr(0, got)));
      at += got;
    }
  }
  static constexpr std::string_view prefix = "kfm_det-spool-", guard_suffix = ".guard";

  /// A name that nobody had before, and a locked guard file that carries it: locked before it is visible, so that what stands under an unlocked
  /// guard is a dead owner's, whoever that was.
  result<void> claim() {
    remove_leftovers();
    static std::atomic<std::uint64_t> counter{0};
    name_ = std::string(prefix) + process_owner() + "-" + std::to_string(counter++);
    const std::string guard = directory_ + "/" + name_ + std::string(guard_suffix), hidden = guard + ".new";
    KFM_DET_TRY(auto file, fs_.create_exclusive(hidden));
    KFM_DET_TRY(fs_.lock(file));
    KFM_DET_TRY(fs_.rename_no_replace(hidden, guard));
    guard_ = std::move(file);
    return success();
  }
  static std::string process_owner() { return std::to_string(::getpid()) + "-" + std::to_string(SystemClock().monotonic().ns); }

  void remove_leftovers() {
    auto names = fs_.list(directory_);
    if (!names) return;
    for (const auto& each : names.value()) {
      if (!each.starts_with(prefix) || !each.ends_with(guard_suffix)) continue;
      auto guard = fs_.open(directory_ + "/" + each, OpenMode::read_write);
      if (!guard) continue;
      const auto alive = fs_.locked_elsewhere(guard.value());
      if (alive && !alive.value()) remove_files(each.substr(0, each.size() - guard_suffix.size()));
    }
  }
  /// The staged files first, the guard last: who is stopped half way leaves a guard that is found again.
  void remove_files(const std::string& name) {
    if (auto names = fs_.list(directory_))
      for (const auto& each : names.value())
        if (each.starts_with(name + "-")) (void)fs_.remove(directory_ + "/" + each);
    (void)fs_.remove(directory_ + "/" + name + std::string(guard_suffix));
  }

  PosixFileSystem fs_;
  std::string directory_, name_;
  std::size_t bytes_max_, in_memory_ = 0;
  std::uint64_t next_ = 0;
  std::optional<PosixFileSystem::File> guard_;
  std::map<std::string, Entry> entries_;
};

}  // namespace kfm_det

#endif
