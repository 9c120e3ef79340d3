// SPDX-License-Identifier: BSL-1.0
/// \file
/// check_store_on_disk: a Store that is a template over its file system, on the simulated disk: every crash state of every short workload.
///
/// The fixture: `template <class Fs> struct F { using Store = ...; result<Store> open(Fs&); }` (store_fixture.hpp). The parts are those of check_store, and:
///   workloads   scripts of up to three operations, exhaustively, then longer ones and those of four: the power goes before every call that changes something, in
///               every profile, with every fate of what is not durable (or, where there are more than 256, single deviations and drawn ones); what is left
///               is recovered, judged by the oracle, written to, cut again and recovered again. While a recovery runs the power goes again (depth 2).
///   faults      every k-th call of a script answers io_error, no_space or a short write (nothing, one byte, half, all but one), once or from then on; the power
///               goes at the end.
///   tenures     another owner does everything between any two calls of a recovery or a sync of the first one, and the other way round.
///   trims       somebody reads between any two calls of a trim, and the other way round; an owner sleeps in a trim while a later one works.
///   strays      files that are not the store's; costs: what opening a longer log takes.
///   media       damage at rest (detail/store_media.hpp).
/// The search for crashes ends at Options::states_max crash states (at half as many again, where the shortest workloads used up the first); an eighth of them is kept for drawn workloads of 5 to 12 operations, on disks with short writes
/// and with large rewrite units, cut up to three times.
/// States are distinct by the disk's bytes and what the oracle knows. What the kit cannot see: disks that lie about a sync that answered, and what the
/// store does in threads of its own. Thread-safety: one thread, and one that appends while a sync is in flight.
#ifndef KFM_DET_CONFORMANCE_CHECK_STORE_ON_DISK_HPP
#define KFM_DET_CONFORMANCE_CHECK_STORE_ON_DISK_HPP

#include <memory>

#include "kfm_det/conformance/check_store.hpp"
#include "kfm_det/conformance/detail/store_crash.hpp"
#include "kfm_det/conformance/detail/store_faults.hpp"
#include "kfm_det/conformance/detail/store_media.hpp"
#include "kfm_det/conformance/detail/store_on_disk.hpp"
#include "kfm_det/conformance/detail/store_tenures.hpp"
#include "kfm_det/conformance/detail/store_trims.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/conformance/store_fixture.hpp"
#include "kfm_det/simulate/disk.hpp"

namespace kfm_det::conformance {

namespace detail {
inline void run_store_on_disk(Report& report, const Options& options, const StoreOnDisk& subject) {
  Explorer explorer(report, options);
  if (!ask_whether_recovery_waits(explorer, report, subject.on(fresh_disk(0)), subject.on)) return;
  // what is quick comes first
  Disk disk = fresh_disk(0);
  const StoreDriver driver{subject.claims, [&](const StreamId& id) { return subject.on(disk)(id); }, [&] { disk = fresh_disk(0); },
                           [&] { disk = left_behind(disk, true, subject.claims); },
                           [&] { return disk.hash(); }, [&](const Bytes& frame) { return is_on(disk, frame); }};
  run_store(explorer, options, driver);
  if (subject.claims.survives_power_loss) search_crashes(explorer, options, subject, true);
  else report.bounds.push_back("crash states: not claimed (survives_power_loss)");
  if (subject.claims.many_processes) check_tenures(explorer, options, subject);
  else report.bounds.push_back("tenures of several processes: not claimed (many_processes)");
  if (subject.claims.trims) check_trims(explorer, options, subject);
  else report.bounds.push_back("trims beside readers and later owners: not claimed (trims)");
  check_faults(explorer, options, subject);
  check_surroundings(explorer, subject);
  if (subject.claims.detects_corruption) check_media(explorer, options, subject);
  else report.bounds.push_back("damage at rest: not claimed (detects_corruption)");
  if (subject.claims.survives_power_loss) search_crashes(explorer, options, subject, false);
}
template <class F>
[[nodiscard]] StoreOnDisk store_on_disk() {
  StoreOnDisk out{store_claims_of<F>(), [](simulate::Disk disk) -> OpenStream {
                    return [fixture = std::make_shared<F>(), disk](const StreamId& id) mutable { return open_subject<typename F::Store>(fixture->open(disk), id); };
                  }};
  if constexpr (store_fixture_clause::knows_places<F>) out.places = &F::places;
  return out;
}
}  // namespace detail

template <template <class Fs> class Fixture>
[[nodiscard]] Report check_store_on_disk(const Options& options = {}) {
  using F = Fixture<simulate::Disk>;
  Report report;
  report.check = "check_store_on_disk";
  if constexpr (diagnose_store_fixture_on_disk<F, simulate::Disk>()) {
    report.claims = listed(store_claims_of<F>());
    detail::run_store_on_disk(report, options, detail::store_on_disk<F>());
  }
  return report;
}

/// Every bit flip and every length of a log of about 64 KiB that was closed cleanly; of the same log left by a kill one bit of every byte, and every length:
/// what check_store_on_disk does to smaller logs. For stores that claim `detects_corruption`; the fixture is the same, and says how large a segment is.
/// One that also says what each byte is (`places`, store_fixture.hpp) is asked for the verdict that fits the place, and not only for one that loses nothing silently.
template <template <class Fs> class Fixture>
[[nodiscard]] Report check_store_media(const Options& options = {}) {
  using F = Fixture<simulate::Disk>;
  Report report;
  report.check = "check_store_media";
  if constexpr (diagnose_store_fixture_on_disk<F, simulate::Disk>()) {
    report.claims = listed(store_claims_of<F>());
    const detail::StoreOnDisk subject = detail::store_on_disk<F>();
    Explorer explorer(report, options);
    if (subject.claims.detects_corruption) detail::MediaCheck(subject, explorer, options, 60'000).run_flips_and_cuts();
    else report.bounds.push_back("damage at rest: not claimed (detects_corruption)");
  }
  return report;
}

}  // namespace kfm_det::conformance

#endif
