// SPDX-License-Identifier: BSL-1.0
/// \file
/// What all parts of check_store_on_disk share: disks, fates, the operations of a workload, an append while a sync is in flight.
///
/// Thread-safety: see check_store_on_disk.hpp.
#ifndef KFM_DET_CONFORMANCE_DETAIL_STORE_ON_DISK_HPP
#define KFM_DET_CONFORMANCE_DETAIL_STORE_ON_DISK_HPP

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "kfm_det/conformance/detail/store_world.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/conformance/fates.hpp"
#include "kfm_det/simulate/disk.hpp"

namespace kfm_det::conformance::detail {

using simulate::Call;
using simulate::Disk;
using simulate::DiskOptions;
using simulate::Fault;
using simulate::Profile;

struct StoreOnDisk {
  StoreClaims claims;
  std::function<OpenStream(Disk)> on;   // a fresh fixture on a disk
  std::function<std::vector<MediaRegion>(const std::vector<std::pair<std::string, Bytes>>&)> places = {};   // empty: the fixture does not say
};

enum class StoreOp : std::uint8_t { append, sync, group, rotate, reopen, close, prove, scan, trim, take_over, sync_in_flight };
inline constexpr std::uint32_t store_ops = 11;

inline constexpr std::array profiles{Profile::kill, Profile::ordered, Profile::standard, Profile::paranoid};

class ChoiceFates final : public simulate::Fates {
 public:
  explicit ChoiceFates(Choices& choices) : choices_(choices) {}
  std::uint32_t decide(std::uint32_t options) override { return choices_.pick(options); }

 private:
  Choices& choices_;
};

/// What is left when the power goes and nothing survives that need not; or when only the processes end (always, where power loss is not claimed).
[[nodiscard]] inline Disk left_behind(const Disk& disk, bool power, const StoreClaims& claims) {
  WorstFates worst;
  return power && claims.survives_power_loss ? disk.after_power_loss(Profile::standard, worst) : disk.after_kill();
}

[[nodiscard]] inline StreamId kit_stream() { return StreamId::of(Scope{"kit", "a"}); }

/// The free blocks of a used disk: frames of an abandoned future of the same stream, each at the start of a sector, behind `first` sectors of newlines.
[[nodiscard]] inline Bytes abandoned_future(std::size_t first) {
  Bytes out(first * simulate::sector_bytes, '\n');
  Chain chain;
  for (int i = 0; i < 6; ++i) {
    chain.durable = chain.last;
    const Frames frames = make_frames(kit_stream(), chain, 1, 0, "abandoned");
    out += frames[0] + "\n";
    out.resize((out.size() + simulate::sector_bytes - 1) / simulate::sector_bytes * simulate::sector_bytes, '\n');
  }
  return out;
}
[[nodiscard]] inline Disk fresh_disk(std::uint32_t kind) {
  constexpr std::array<DiskOptions, 3> kinds{DiskOptions{}, DiskOptions{Profile::standard, simulate::sector_bytes, 700}, DiskOptions{Profile::standard, 4096, ~std::uint64_t{0}}};
  Disk disk(kinds[kind]);
  static const Bytes futures[] = {abandoned_future(0), abandoned_future(1)};
  for (const Bytes& future : futures) disk.recycle(future);
  return disk;
}

[[nodiscard]] inline bool is_on(const Disk& disk, const Bytes& frame) {
  const auto files = disk.files();
  return std::any_of(files.begin(), files.end(), [&](const auto& file) { return file.second.find(frame) != Bytes::npos; });
}
/// What the kit can see of a disk beside its calls.
inline void watch(StoreWorld& world, const Disk& disk) {
  world.fingerprint = [&disk] { return disk.hash(); };
  world.holds = [&disk](const Bytes& frame) { return is_on(disk, frame); };
}

/// Who comes next begins with what is left, appends, syncs, trims where it should, and opens once more.
inline void goes_on(Play& play, const StoreWorld& before, const Disk& left, const StoreOnDisk& subject, bool trims = false) {
  StoreWorld next(play, kit_stream(), subject.on(left), subject.claims, before.oracle);
  watch(next, left);
  if (!next.begin()) return;
  next.append(next.owner, 1, 0);
  next.sync(next.owner);
  if (trims) next.trim();
  (void)next.reopen();
}

/// Every law that a crash state can break, as a value: nothing is thrown through the store.
using Broken = std::optional<BrokenLaw>;

/// The script of a workload: drawn before it is played.
struct Workload {
  std::uint32_t disk_kind = 0;
  std::vector<StoreOp> ops;
};
/// For counting: every workload of ops_min to ops_max operations once.
[[nodiscard]] inline Workload pick_workload(Play& play, std::uint32_t ops_min, std::uint32_t ops_max, std::uint32_t kinds) {
  Workload out;
  out.disk_kind = play.pick(kinds);
  while (out.ops.size() < ops_min || (out.ops.size() < ops_max && play.pick(2) == 1)) out.ops.push_back(static_cast<StoreOp>(play.pick(store_ops)));
  return out;
}
/// For drawing: each length as likely as another. A close ends a workload, so it is the last operation or none.
[[nodiscard]] inline Workload draw_workload(Play& play, std::uint32_t ops_min, std::uint32_t ops_max, std::uint32_t kinds) {
  Workload out;
  out.disk_kind = play.pick(kinds);
  const std::uint32_t count = ops_min + play.pick(ops_max - ops_min + 1);
  while (out.ops.size() < count) {
    const auto op = static_cast<StoreOp>(play.pick(store_ops));
    out.ops.push_back(op == StoreOp::close && out.ops.size() + 1 < count ? StoreOp::reopen : op);
  }
  return out;
}
/// The choices by which pick_workload(play, 0, ...) makes this one, whoever drew it.
[[nodiscard]] inline ChoiceVector choices_of(const Workload& workload) {
  ChoiceVector out{workload.disk_kind};
  for (const StoreOp op : workload.ops) out.insert(out.end(), {1, static_cast<std::uint32_t>(op)});
  out.push_back(0);
  return out;
}

/// Appends from another thread while a sync of the same stream is in flight. A store that holds a mutex across its sync makes the append wait: then it
/// comes behind, which the report says. Only what is explored depends on the wait.
class AppendInFlight {
 public:
  AppendInFlight(StoreWorld& world) : world_(world) {}
  AppendInFlight(const AppendInFlight&) = delete;
  AppendInFlight& operator=(const AppendInFlight&) = delete;
  ~AppendInFlight() { if (thread_.joinable()) thread_.join(); }
  void start() {
    if (started_.exchange(true)) return;   // the append may sync, too
    thread_ = std::thread([this] {
      try { world_.append(world_.owner, 1, 0); } catch (...) { thrown_ = std::current_exception(); }
      const std::scoped_lock guard(mutex_);
      done_ = true;
      changed_.notify_all();
    });
    std::unique_lock guard(mutex_);
    if (!changed_.wait_for(guard, std::chrono::milliseconds(200), [this] { return done_; })) waited_ = true;
  }
  /// Behind the sync. True: the append came while the sync was in flight.
  bool finish() {
    if (!thread_.joinable()) { world_.append(world_.owner, 1, 0); return false; }   // nothing was in flight
    thread_.join();
    if (thrown_) std::rethrow_exception(thrown_);
    return !waited_;
  }

 private:
  StoreWorld& world_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::exception_ptr thrown_;
  std::atomic<bool> started_ = false;
  bool done_ = false, waited_ = false;
};

/// Does one operation. `in_flight` is told to the hook while a sync is in flight.
inline bool apply(StoreWorld& world, StoreOp op, std::function<void()>* in_flight = nullptr) {
  switch (op) {
    case StoreOp::append: world.append(world.owner, 1, 0); break;
    case StoreOp::group: world.append(world.owner, 3, 0); break;
    case StoreOp::rotate: world.append(world.owner, 1, 2600); break;
    case StoreOp::sync: world.sync(world.owner); break;
    case StoreOp::prove: world.prove(world.owner); break;
    case StoreOp::close: world.close(); return false;
    case StoreOp::reopen: return world.reopen();
    case StoreOp::scan: world.scan(); world.inspect(); break;
    case StoreOp::trim: world.trim(); break;
    case StoreOp::take_over: {
      if (!world.take_over()) return false;
      world.append(world.old, 1, 0);
      world.sync(world.old);
      break;
    }
    case StoreOp::sync_in_flight: {
      if (!world.owner.usable || !in_flight) { world.sync(world.owner); break; }
      AppendInFlight append(world);
      *in_flight = [&append] { append.start(); };
      std::exception_ptr thrown;
      try { world.sync(world.owner); } catch (...) { thrown = std::current_exception(); }
      *in_flight = nullptr;
      world.play().reach(append.finish() ? "an append while a sync was in flight" : "an append that waited for a sync");
      if (thrown) std::rethrow_exception(thrown);
      break;
    }
  }
  return true;
}

}  // namespace kfm_det::conformance::detail

#endif
