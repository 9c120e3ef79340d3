// SPDX-License-Identifier: BSL-1.0
/// \file
/// FileLock: the Lock of one machine: files in a folder, a kernel lock that dies with its process, and a deadline for those that hang.
///
/// Durability: a grant is returned when its file and its name are synced, so tokens grow across power loss. A renewal is not synced: it says nothing that
/// matters after a power loss, which ends every process. Thread-safety: any verb, any thread; no verb waits for a verb on another lease.
/// Destroying a FileLock gives up its leases at once, as a death would. A forked child must open its own: the verbs refuse to act for its parent,
/// and it keeps none of its parent's kernel locks (FS-6). One made by a bare clone(2) that lives on without exec does, up to their deadlines.
/// On a network file system it works as far as its server keeps locks; there a hung owner on another machine is waited for.
///
/// **How it works** (the folder and when a lease file is *over*: locks/lease_folder.hpp). Over is for ever: a released file is not written again, a lock not
/// taken again, and a deadline moves only by the rule below. Lease file n + 1 appears only when its maker found n over, by an exclusive rename of a claim
/// that he had locked, written and synced: of several makers one wins, the others look again. So at most the highest is not over (LOCK-1), and there is no
/// mutex in which a stopped process could block the others.
///
/// **The order of looks.** An acquirer reads the clock (t), *then* the record, and calls it over when deadline <= t. An owner who renews writes the new
/// deadline, *then* reads the clock again, and has lost unless it shows less than the *old* deadline. Suppose an acquirer called the old deadline passed:
/// he read it before the new one was written, so his t is before the owner's second reading, so that one shows >= t >= the old deadline: the owner has lost.
/// An acquirer who reads later sees the new deadline. (Reading the record first and the clock behind it is the bug: a pause between them, and both hold.)
///
/// **The second look.** Old lease files are removed, so a claimant who slept through some tenures may give his file a name that is free again. Therefore a
/// claimant lists again behind his rename and his sync: is a higher one there, his claim is void. A renewal looks too, and whether its own name still shows
/// its own record: a folder that was removed or restored under an owner's feet costs him his lease.
#ifndef KFM_DET_LOCKS_FILE_LOCK_HPP
#define KFM_DET_LOCKS_FILE_LOCK_HPP

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/files/system_clock.hpp"
#include "kfm_det/locks/holder.hpp"
#include "kfm_det/locks/lease_folder.hpp"
#include "kfm_det/locks/process_owner.hpp"

namespace kfm_det {

template <class Fs = PosixFileSystem, class C = SystemClock>
class FileLock {
  static_assert(diagnose_file_system<Fs>() && diagnose_clock<C>());

 public:
  struct Options {
    OwnerId owner = {};  ///< empty: process_owner(). A name of one's own must be unique among those who may ask at the same time; at most 100 characters.
    C clock{};
    Fs file_system{};
  };
  static constexpr LockClaims claims{.many_processes = true, .survives_power_loss = true, .detects_death = true};

  /// Makes `root`, durably. Errors: permission_denied, no_space, invalid_argument; invalid_json or limit_exceeded for an owner that no record can hold.
  [[nodiscard]] static result<FileLock> open(std::string root) { return open(std::move(root), Options{}); }
  [[nodiscard]] static result<FileLock> open(std::string root, Options options);

  /// Never waits for an owner; nothing means that somebody holds the scope. Errors: invalid_argument for a ttl that is not positive, limit_exceeded when no
  /// token is left above `above`, and the disk's: no_space, permission_denied, unsupported (no kernel locks there), io_error, unavailable.
  [[nodiscard]] result<std::optional<Lease>> try_acquire(const LockScope& scope, Duration ttl, FencingToken above = {});
  /// Errors: lease_lost: over, from now on for everybody. The disk's errors leave the lease as it is; count then with the earlier of both deadlines.
  [[nodiscard]] result<Lease> renew(const Lease& lease, Duration ttl);
  /// The lease is over whatever the answer; an error of the disk only means that a child made by clone(2) may keep it until its deadline.
  [[nodiscard]] result<void> release(const Lease& lease);

  /// Who has the scope now; nothing when it is free. Errors: the disk's.
  [[nodiscard]] result<std::optional<Holder>> holder(const LockScope& scope);
  [[nodiscard]] const OwnerId& owner() const noexcept { return state_->owner; }

 private:
  using File = typename Fs::File;
  using Folder = LeaseFolder<Fs>;
  using Standing = typename Folder::Standing;
  static constexpr int attempts_max = 64;  // each one that fails is another owner's success, or a claim that a tidy one swept away
  static constexpr std::uint64_t claim_names_max = 1 << 16;

  struct Grant {
    std::mutex mutex;          // renew and release of this lease
    std::optional<File> file;  // holds the kernel lock; gone: over
    LeaseRecord record;
  };
  using Grants = std::map<std::pair<LockScope, FencingToken>, std::shared_ptr<Grant>>;
  struct State {
    State(std::string folder, Options options)
        : root(std::move(folder)), owner(options.owner.text.empty() ? process_owner() : std::move(options.owner)), clock(std::move(options.clock)),
          fs(std::move(options.file_system)), claim_prefix("claim-" + sha256(owner.text).hex().substr(0, 16) + "-") {}
    const std::string root;
    const OwnerId owner;
    const C clock;
    Fs fs;
    const std::string claim_prefix;
    const ::pid_t process = ::getpid();
    std::atomic<std::uint64_t> claims{0};
    std::mutex mutex;  // of the two below; not held across a call of the file system
    Grants grants;
    std::set<std::string> durable_folders;
  };
  enum class Answer { granted, busy, again };
  struct Attempt {
    Answer answer = Answer::again;
    std::optional<Lease> lease;
  };

  explicit FileLock(std::unique_ptr<State> state) : state_(std::move(state)) {}

  result<void> prepare(const std::string& folder);
  result<Attempt> attempt(const LockScope& scope, const Folder& folder, Duration deadline, const std::string& epoch, FencingToken above);
  result<Attempt> claim(const LockScope& scope, const Folder& folder, const LeaseRecord& record);
  result<File> new_claim(const Folder& folder, std::string& path);
  result<bool> name_claim(File& file, const std::string& path, const Folder& folder, const LeaseRecord& record);
  Lease keep(const LockScope& scope, File file, const LeaseRecord& record);

  std::shared_ptr<Grant> find(const Lease& lease);
  void forget(const Lease& lease);
  result<void> check_process() const;
  static result<void> check_ttl(Duration ttl);
  [[nodiscard]] Folder folder_of(const LockScope& scope) { return {state_->fs, state_->root + "/" + StreamId::of(scope).text}; }
  [[nodiscard]] static Error lost(const Lease& lease, const char* why) {
    return {errc::lease_lost, why, StreamId::of(lease.scope).text + ", token " + std::to_string(lease.token.value), "Stop writing; take a new lease and recover."};
  }

  std::unique_ptr<State> state_;
};

template <class Fs, class C>
auto FileLock<Fs, C>::open(std::string root, Options options) -> result<FileLock> {
  if (root.empty()) return Error(errc::invalid_argument, "the folder of a FileLock has no name", "root", "Name a directory, such as \"state/locks\".");
  while (root.size() > 1 && root.back() == '/') root.pop_back();
  auto state = std::make_unique<State>(std::move(root), std::move(options));
  constexpr auto largest = std::numeric_limits<std::uint64_t>::max();
  const LeaseRecord widest{largest, {largest}, state->owner, state->clock.epoch(), {std::numeric_limits<std::int64_t>::min()}, false, largest};
  KFM_DET_TRY(widest.encode());
  KFM_DET_TRY(make_directories(state->fs, state->root));
  return FileLock(std::move(state));
}

template <class Fs, class C>
result<std::optional<Lease>> FileLock<Fs, C>::try_acquire(const LockScope& scope, Duration ttl, FencingToken above) {
  KFM_DET_TRY(check_process());
  KFM_DET_TRY(check_ttl(ttl));
  const Duration deadline = state_->clock.monotonic() + ttl;  // LOCK-7: from before the request
  const std::string epoch = state_->clock.epoch();
  const Folder folder = folder_of(scope);
  KFM_DET_TRY(prepare(folder.path()));
  for (int i = 0; i < attempts_max; ++i) {
    KFM_DET_TRY(Attempt outcome, attempt(scope, folder, deadline, epoch, above));
    if (outcome.answer != Answer::again) return std::move(outcome.lease);
  }
  return std::optional<Lease>{};  // so many others came first: somebody holds it
}

template <class Fs, class C>
result<Lease> FileLock<Fs, C>::renew(const Lease& lease, Duration ttl) {
  KFM_DET_TRY(check_process());
  KFM_DET_TRY(check_ttl(ttl));
  const Duration asked = state_->clock.monotonic();
  const std::shared_ptr<Grant> grant = find(lease);
  if (!grant) return lost(lease, "this owner does not hold that lease");
  const std::scoped_lock guard(grant->mutex);
  if (!grant->file) return lost(lease, "the lease was given up");
  const LeaseRecord old = grant->record;
  const auto expired = [&] { return state_->clock.epoch() != old.epoch || state_->clock.monotonic() >= old.deadline; };
  const auto lose = [&](const char* why) {
    grant->file.reset();  // frees the scope at once, whatever deadline stands in the file
    forget(lease);
    return lost(lease, why);
  };
  if (expired()) return lose("the lease has run out");
  LeaseRecord next = old;
  next.deadline = asked + ttl;
  ++next.sequence;
  KFM_DET_TRY(const Bytes slot, next.encode());
  // Should an error leave this open, others may see either deadline; and a write that failed is tried again in the same slot, never in the good one.
  grant->record.deadline = std::min(old.deadline, next.deadline);
  KFM_DET_TRY(write_all(state_->fs, *grant->file, next.offset(), slot));
  grant->record.sequence = next.sequence;
  KFM_DET_TRY(const bool ours, folder_of(lease.scope).shows(next));
  if (!ours) return lose("the lease file was taken away, or somebody else was granted the scope");
  if (expired()) return lose("the lease ran out while it was being renewed");
  grant->record = next;
  return Lease{lease.scope, lease.token, lease.owner, next.deadline};
}

template <class Fs, class C>
result<void> FileLock<Fs, C>::release(const Lease& lease) {
  KFM_DET_TRY(check_process());
  const std::shared_ptr<Grant> grant = find(lease);
  if (!grant) return success();
  forget(lease);
  const std::scoped_lock guard(grant->mutex);
  if (!grant->file) return success();
  // Closing is enough, unless a child made by clone(2) holds the same open file: for that the record says it too.
  File file = std::move(*grant->file);
  grant->file.reset();
  LeaseRecord record = grant->record;
  record.released = true;
  ++record.sequence;
  KFM_DET_TRY(const Bytes slot, record.encode());
  return write_all(state_->fs, file, record.offset(), slot);
}

template <class Fs, class C>
result<std::optional<Holder>> FileLock<Fs, C>::holder(const LockScope& scope) {
  const Folder folder = folder_of(scope);
  for (int i = 0; i < attempts_max; ++i) {
    const LeaseMoment moment{state_->clock.monotonic(), state_->clock.epoch()};
    auto names = folder.look();
    if (!names && names.error().code() == errc::not_found) break;
    if (!names) return names.error();
    if (names.value().highest == 0) break;
    KFM_DET_TRY(const auto found, folder.judge(names.value().highest, moment));
    if (found.standing == Standing::vanished) continue;
    if (found.standing == Standing::over) break;
    if (!found.record) return Holder{OwnerId{"an owner whose record cannot be read"}, FencingToken{names.value().highest + names.value().floor}, std::nullopt};
    Holder out{found.record->owner, found.record->token, std::nullopt};
    if (found.record->epoch == moment.epoch) out.remaining = found.record->deadline - moment.now;
    return out;
  }
  return std::optional<Holder>{};
}

// --- acquiring -----------------------------------------------------------------------------------------------------------------------------------------

/// The scope's folder, there and with a durable name: another owner may have made it and died before he synced it.
template <class Fs, class C>
result<void> FileLock<Fs, C>::prepare(const std::string& folder) {
  KFM_DET_TRY(const bool there, state_->fs.exists(folder));
  {
    const std::scoped_lock guard(state_->mutex);
    if (there && state_->durable_folders.contains(folder)) return success();
  }
  KFM_DET_TRY(state_->fs.make_directory(folder));
  KFM_DET_TRY(state_->fs.sync_directory(state_->root));
  const std::scoped_lock guard(state_->mutex);
  state_->durable_folders.insert(folder);
  return success();
}

template <class Fs, class C>
auto FileLock<Fs, C>::attempt(const LockScope& scope, const Folder& folder, Duration deadline, const std::string& epoch, FencingToken above) -> result<Attempt> {
  const LeaseMoment moment{state_->clock.monotonic(), epoch};  // before anything is read
  KFM_DET_TRY(const auto names, folder.look());
  FencingToken needed = above;
  if (names.highest != 0) {
    KFM_DET_TRY(const auto found, folder.judge(names.highest, moment));
    if (found.standing == Standing::vanished) return Attempt{};
    if (found.standing == Standing::held) return Attempt{Answer::busy, {}};
    if (found.record) needed = std::max(needed, found.record->token);  // says nothing new, unless a floor was lost
  }
  const std::uint64_t ordinal = names.highest + 1;
  if (ordinal == 0) return Error(errc::limit_exceeded, "the ordinals of this scope are used up", folder.path(), "Look who made that lease file: it was not this library.");
  KFM_DET_TRY(const std::uint64_t floor, folder.raise_floor(names, ordinal, needed));
  KFM_DET_TRY(Attempt outcome, claim(scope, folder, LeaseRecord{ordinal, {floor + ordinal}, state_->owner, epoch, deadline, false, 1}));
  if (outcome.answer == Answer::granted) folder.tidy(names, ordinal, floor);
  return outcome;
}

template <class Fs, class C>
auto FileLock<Fs, C>::claim(const LockScope& scope, const Folder& folder, const LeaseRecord& record) -> result<Attempt> {
  std::string path;
  KFM_DET_TRY(File file, new_claim(folder, path));
  const result<bool> named = name_claim(file, path, folder, record);
  if (!named || !named.value()) {
    (void)state_->fs.remove(path);  // often it is gone; if it cannot be removed the next owner tries
    if (!named) return named.error();
    return Attempt{};
  }
  // From here on others see it. Should something fail now, `file` closes, and with that the lease is over.
  KFM_DET_TRY(state_->fs.sync_directory(folder.path()));
  KFM_DET_TRY(const bool ours, folder.shows(record));
  if (!ours) return Attempt{};
  return Attempt{Answer::granted, keep(scope, std::move(file), record)};
}

template <class Fs, class C>
auto FileLock<Fs, C>::new_claim(const Folder& folder, std::string& path) -> result<File> {
  for (std::uint64_t i = 0;; ++i) {
    path = folder.path() + "/" + state_->claim_prefix + name_number(++state_->claims);
    auto file = state_->fs.create_exclusive(path);
    // A predecessor of the same name may have left his claims behind when he was killed.
    if (!file && file.error().code() == errc::conflict && i < claim_names_max) continue;
    return file;
  }
}

/// Locked before anybody can see it under a lease's name, written, synced, named. False: somebody was faster, or swept the claim away before it was locked.
template <class Fs, class C>
result<bool> FileLock<Fs, C>::name_claim(File& file, const std::string& path, const Folder& folder, const LeaseRecord& record) {
  LeaseRecord older = record;
  --older.sequence;
  KFM_DET_TRY(Bytes bytes, older.encode());  // sequence 0 and 1: slot 0 and 1
  KFM_DET_TRY(const Bytes newer, record.encode());
  bytes += newer;
  KFM_DET_TRY(const bool locked, state_->fs.lock(file));
  if (!locked) return false;
  KFM_DET_TRY(write_all(state_->fs, file, 0, bytes));
  KFM_DET_TRY(state_->fs.sync(file));
  const result<void> named = state_->fs.rename_no_replace(path, folder.lease_path(record.ordinal));
  if (named) return true;
  if (named.error().code() == errc::conflict || named.error().code() == errc::not_found) return false;
  return named.error();
}

template <class Fs, class C>
Lease FileLock<Fs, C>::keep(const LockScope& scope, File file, const LeaseRecord& record) {
  auto grant = std::make_shared<Grant>();
  grant->file = std::move(file);
  grant->record = record;
  std::vector<std::shared_ptr<Grant>> outlived;  // of this scope: they ran out and nobody came to renew them; closed when the mutex is free again
  const std::scoped_lock guard(state_->mutex);
  for (auto at = state_->grants.lower_bound({scope, FencingToken{}}); at != state_->grants.end() && at->first < std::pair{scope, record.token};) {
    outlived.push_back(std::move(at->second));
    at = state_->grants.erase(at);
  }
  state_->grants[{scope, record.token}] = std::move(grant);
  return Lease{scope, record.token, record.owner, record.deadline};
}

// --- one's own leases ----------------------------------------------------------------------------------------------------------------------------------

template <class Fs, class C>
auto FileLock<Fs, C>::find(const Lease& lease) -> std::shared_ptr<Grant> {
  if (lease.owner != state_->owner) return nullptr;
  const std::scoped_lock guard(state_->mutex);
  const auto found = state_->grants.find({lease.scope, lease.token});
  return found == state_->grants.end() ? nullptr : found->second;
}

template <class Fs, class C>
void FileLock<Fs, C>::forget(const Lease& lease) {
  const std::scoped_lock guard(state_->mutex);
  state_->grants.erase({lease.scope, lease.token});
}

template <class Fs, class C>
result<void> FileLock<Fs, C>::check_process() const {
  KFM_DET_ASSERT(state_ != nullptr);  // a FileLock that was moved away
  if (state_->process != ::getpid())
    return Error(errc::unsupported, "this FileLock belongs to the process that this one was forked from", state_->root, "Open a FileLock of its own in the child.");
  return success();
}

template <class Fs, class C>
result<void> FileLock<Fs, C>::check_ttl(Duration ttl) {
  if (ttl <= Duration{0}) return Error(errc::invalid_argument, "a lease needs a time to live above zero", "ttl", "Ask for some seconds.");
  return success();
}

static_assert(diagnose_lock<FileLock<>>());

}  // namespace kfm_det

#endif
