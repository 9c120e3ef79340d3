// SPDX-License-Identifier: BSL-1.0
/// \file
/// Environment: everything of the world that an updater needs besides its backends: clock, source reader, limits, observer, services.
///
/// Copyable value; the observer and `cancelled` are called on the thread that runs the updater. What they do can never change what is
/// published: an observer that throws is ignored.
#ifndef KFM_DET_UPDATER_ENVIRONMENT_HPP
#define KFM_DET_UPDATER_ENVIRONMENT_HPP

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "kfm_det/contracts/clock.hpp"
#include "kfm_det/contracts/signer.hpp"
#include "kfm_det/contracts/source_reader.hpp"
#include "kfm_det/core/ids.hpp"
#include "kfm_det/core/limits.hpp"
#include "kfm_det/files/file_source_reader.hpp"
#include "kfm_det/files/system_clock.hpp"
#include "kfm_det/updater/approval.hpp"
#include "kfm_det/wal/signature.hpp"

namespace kfm_det {

/// When the records of pure steps become durable. Effects are always preceded by a durable intent, whatever this says.
enum class Durability : std::uint8_t {
  each_wave,  ///< with the next wave of effects: a crash may cost running steps again
  each_step,  ///< at once: for steps that take long
};

struct UpdaterLimits {
  std::uint32_t lease_ttl_ms = 30'000;
  std::uint32_t window = 64;                                ///< effects that go together; 1 is the strict mode
  Durability durability = Durability::each_wave;
  std::uint32_t attempts = 20;                              ///< at one open run without a new DONE, then it is quarantined
  std::size_t line_bytes_max = limits::line_bytes_max;      ///< of one log line
  std::uint64_t segment_age_ms = 0;                         ///< a tenure's segment that began so long ago is followed by a new one (LogOptions::segment_age); 0: never
  std::size_t spool_bytes_max = std::size_t{64} << 20;      ///< outputs kept in memory; more goes to staged files
};

/// What happens while an updater works. Views live as long as the call.
struct Event {
  enum class Kind : std::uint8_t { lease, recovered, attempt, planned, step_done, step_progress, effects_done, withdrawn, committed, settled, failed };
  Kind kind = Kind::lease;
  RunId run;
  std::string_view step;       ///< of step_done and step_progress
  std::uint64_t done = 0;      ///< steps, effects or what the operation counts
  std::uint64_t total = 0;
  std::string_view text;       ///< verdict, outcome or error, in words
};
using Observer = std::function<void(const Event&)>;

/// What operations may ask for by type: a raster reader, a model. One of each type.
class Services {
 public:
  template <class T>
  void add(std::shared_ptr<T> service) { services_[&key<T>] = std::move(service); }
  /// Null when there is none.
  template <class T>
  [[nodiscard]] T* find() const {
    const auto found = services_.find(&key<T>);
    return found == services_.end() ? nullptr : static_cast<T*>(found->second.get());
  }

 private:
  template <class T> static inline const char key = 0;
  std::map<const void*, std::shared_ptr<void>, std::less<>> services_;
};

template <class C = SystemClock, class R = FileSourceReader, class Sg = NoSigner>
struct Environment {
  static_assert(diagnose_clock<C>() && diagnose_source_reader<R>() && diagnose_signer<Sg>());
  C clock{};
  R source_reader{};
  std::string actor = "system";               ///< recorded where the trigger, or who undoes or accepts a loss, names none; empty: they have to
  ApprovalPolicy approvals{};                 ///< which plans need somebody's approval
  UpdaterLimits limits{};
  Observer observer{};
  std::function<bool()> cancelled{};          ///< a graceful stop is asked for: between steps the updater stops, and does not count the attempt
  Services services{};
  std::string spool_directory = "/tmp";       ///< where outputs larger than memory are staged
  Sg signer{};                                ///< signs the log; NoSigner: it is not signed
  wal::Signing signing = wal::Signing::each_group;   ///< which of its lines
};

}  // namespace kfm_det

#endif
