// SPDX-License-Identifier: BSL-1.0
/// \file
/// LeaseFolder: the folder of one scope, in which FileLock keeps its grants: what is in it, and what that means. It decides nothing.
///
/// Each scope has one, `root/<StreamId>/`:
///
///     lease-<ordinal>      one grant. The highest counts (locks/lease_record.hpp says what is inside). Ordinals are dense: 1, 2, 3 ...
///     floor-<number>       once asked for a token above a number that the ordinals had not reached. The highest counts.
///     claim-<owner>-<n>    a grant in the making
///
/// A grant's token is its ordinal + the highest floor: it can be told from names alone, so a rotten file never makes a token come twice; and because it is
/// the *ordinals* that are claimed, a claimant who skips tokens and one who does not still compete for one and the same name.
///
/// **A lease file is over** when its owner marked it as released, when nobody holds its kernel lock (the owner locked the file before it had its name, so he
/// is dead or gave up), or when its deadline has passed. A deadline of another epoch cannot be compared: then the kernel lock alone decides. So it does
/// when the record cannot be read.
///
/// **Leftovers.** Who was granted the scope removes lease files below the one before his, lower floors, and claims that nobody has locked. That may hit a
/// claim between its creation and its lock; its maker's rename then finds nothing, and he makes another. The highest of each kind is never removed.
/// Thread-safety: has no state of its own; any thread, any process.
#ifndef KFM_DET_LOCKS_LEASE_FOLDER_HPP
#define KFM_DET_LOCKS_LEASE_FOLDER_HPP

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/files/whole.hpp"
#include "kfm_det/locks/lease_record.hpp"

namespace kfm_det {

/// A moment on the clock of whoever judges. Read it *before* the folder: locks/file_lock.hpp says why.
struct LeaseMoment {
  Duration now;
  std::string epoch;
};

template <class Fs>
class LeaseFolder {
 public:
  using File = typename Fs::File;
  struct Names {
    std::uint64_t highest = 0;  ///< lease file; 0: none
    std::uint64_t floor = 0;
    std::vector<std::string> all;
  };
  enum class Standing { vanished, over, held };
  struct Judgement {
    Standing standing = Standing::vanished;  ///< vanished: a tidy owner was faster, so a higher one is there
    std::optional<LeaseRecord> record;       ///< nothing: it is broken, or could not be read
  };

  /// `fs` must outlive it.
  LeaseFolder(Fs& fs, std::string path) : fs_(&fs), path_(std::move(path)) {}

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  [[nodiscard]] std::string lease_path(std::uint64_t ordinal) const { return path_ + "/lease-" + name_number(ordinal); }

  /// Errors: the file system's; not_found when the folder is not there.
  [[nodiscard]] result<Names> look() const;
  /// Errors: the file system's. A record that is broken is no error; nor is one that cannot be read of an owner who is dead.
  [[nodiscard]] result<Judgement> judge(std::uint64_t ordinal, const LeaseMoment& moment) const;
  /// Whether nothing is higher than this record's file, and that file still shows it.
  [[nodiscard]] result<bool> shows(const LeaseRecord& record) const;
  /// A floor over which the token of `ordinal` is above `needed`. A new one becomes durable with the grant that follows: one folder, one sync.
  /// Errors: limit_exceeded when no such token is left; the file system's.
  [[nodiscard]] result<std::uint64_t> raise_floor(const Names& names, std::uint64_t ordinal, FencingToken needed) const;
  /// After the grant of `ordinal`. `names` must be from before its sync, so that what makes the rest superfluous is durable. An error costs nothing but
  /// space, and the next owner tries again.
  void tidy(const Names& names, std::uint64_t ordinal, std::uint64_t floor) const;

 private:
  static constexpr int reads_max = 16;  // of a record that is being written just now

  [[nodiscard]] static bool numbered(std::string_view name, std::string_view prefix, std::uint64_t& number) {
    return name.starts_with(prefix) && parse_name_number(name.substr(prefix.size()), number);
  }
  [[nodiscard]] result<std::optional<LeaseRecord>> read_record(File& file, std::uint64_t ordinal) const;

  Fs* fs_;
  std::string path_;
};

template <class Fs>
auto LeaseFolder<Fs>::look() const -> result<Names> {
  Names out;
  KFM_DET_TRY(out.all, fs_->list(path_));
  for (const std::string_view name : out.all) {
    std::uint64_t number = 0;
    if (numbered(name, "lease-", number)) out.highest = std::max(out.highest, number);
    if (numbered(name, "floor-", number)) out.floor = std::max(out.floor, number);
  }
  return out;
}

template <class Fs>
auto LeaseFolder<Fs>::judge(std::uint64_t ordinal, const LeaseMoment& moment) const -> result<Judgement> {
  auto file = fs_->open(lease_path(ordinal), OpenMode::read);
  if (!file && file.error().code() == errc::not_found) return Judgement{};
  if (!file) return file.error();
  KFM_DET_TRY(const bool alive, fs_->locked_elsewhere(file.value()));
  auto record = read_record(file.value(), ordinal);
  if (!record && alive) return record.error();
  Judgement out{Standing::held, record ? std::move(record).value() : std::nullopt};
  const bool expired = out.record && out.record->epoch == moment.epoch && moment.now >= out.record->deadline;
  if (!alive || expired || (out.record && out.record->released)) out.standing = Standing::over;
  return out;
}

template <class Fs>
result<bool> LeaseFolder<Fs>::shows(const LeaseRecord& record) const {
  auto names = look();
  if (!names && names.error().code() == errc::not_found) return false;
  if (!names) return names.error();
  if (names.value().highest != record.ordinal) return false;
  auto file = fs_->open(lease_path(record.ordinal), OpenMode::read);
  if (!file && file.error().code() == errc::not_found) return false;
  if (!file) return file.error();
  KFM_DET_TRY(const auto shown, read_record(file.value(), record.ordinal));
  return shown == record;
}

template <class Fs>
result<std::uint64_t> LeaseFolder<Fs>::raise_floor(const Names& names, std::uint64_t ordinal, FencingToken needed) const {
  std::uint64_t floor = names.floor, token = 0;
  if (!__builtin_add_overflow(floor, ordinal, &token) && token > needed.value) return floor;
  floor = std::max(floor, needed.value);
  if (__builtin_add_overflow(floor, ordinal, &token))
    return Error(errc::limit_exceeded, "there is no fencing token left above " + std::to_string(floor), path_, "Look who asked for a token that high.");
  const auto made = fs_->create_exclusive(path_ + "/floor-" + name_number(floor));
  if (!made && made.error().code() != errc::conflict) return made.error();
  return floor;
}

template <class Fs>
void LeaseFolder<Fs>::tidy(const Names& names, std::uint64_t ordinal, std::uint64_t floor) const {
  for (const std::string& name : names.all) {
    std::uint64_t number = 0;
    bool superfluous = false;
    if (numbered(name, "lease-", number)) superfluous = number + 1 < ordinal;
    else if (numbered(name, "floor-", number)) superfluous = number < floor;
    else if (name.starts_with("claim-")) {
      auto file = fs_->open(path_ + "/" + name, OpenMode::read);
      if (!file) continue;
      const auto alive = fs_->locked_elsewhere(file.value());
      superfluous = alive && !alive.value();
    }
    if (superfluous) (void)fs_->remove(path_ + "/" + name);
  }
}

/// The newest record of a lease file, as it was at one moment of this call. Nothing when it is broken.
template <class Fs>
result<std::optional<LeaseRecord>> LeaseFolder<Fs>::read_record(File& file, std::uint64_t ordinal) const {
  Bytes bytes(LeaseRecord::file_bytes, '\0'), before;
  std::optional<LeaseRecord> newest;
  for (int i = 0; i < reads_max; ++i) {
    newest.reset();
    KFM_DET_TRY(const std::size_t got, read_up_to(*fs_, file, 0, bytes));
    int whole = 0;
    for (const std::size_t at : {std::size_t{0}, LeaseRecord::slot_bytes}) {
      auto record = LeaseRecord::decode(BytesView(bytes).substr(0, got).substr(std::min(at, got), LeaseRecord::slot_bytes));
      if (!record) continue;
      ++whole;
      if (record->ordinal == ordinal && (!newest || record->sequence > newest->sequence)) newest = std::move(record);
    }
    // One broken slot may be one that is being written, and then the other may have been overwritten behind our back: only if nothing moves it is the newest.
    if (whole == 2 || bytes == before) break;
    before = bytes;
  }
  return newest;
}

}  // namespace kfm_det

#endif
