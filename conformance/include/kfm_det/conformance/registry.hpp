// SPDX-License-Identifier: BSL-1.0
/// \file
/// Registry: the checks that a program runs, named by macros, one line for each backend.
///
///   KFM_DET_CONFORMANCE_STORE(RocksFixture)                // check_store<RocksFixture>
///   KFM_DET_CONFORMANCE_STORE_ON_DISK(RocksOnDisk)         // check_store_on_disk<RocksOnDisk>: a template over the file system
///
/// The leaf that the program includes decides what becomes of them: conformance/main.hpp runs them from a command line, conformance/catch2.hpp and
/// conformance/gtest.hpp make test cases. Include the header of each check beside this one. Thread-safety: registration happens before main().
#ifndef KFM_DET_CONFORMANCE_REGISTRY_HPP
#define KFM_DET_CONFORMANCE_REGISTRY_HPP

#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/report.hpp"

namespace kfm_det::conformance {

struct RegisteredCheck {
  std::string check, subject;
  Report (*play)(const Options&) = nullptr;
  /// Plays it under the fixture's name.
  [[nodiscard]] Report operator()(const Options& options) const {
    Report report = play(options);
    report.subject = subject;
    return report;
  }
};

[[nodiscard]] inline std::vector<RegisteredCheck>& registry() {
  static std::vector<RegisteredCheck> all;
  return all;
}
struct Registration {
  Registration(std::string check, std::string subject, Report (*play)(const Options&)) { registry().push_back({std::move(check), std::move(subject), play}); }
};

}  // namespace kfm_det::conformance

#define KFM_DET_CONFORMANCE_DETAIL_JOIN_(a, b) a##b
#define KFM_DET_CONFORMANCE_DETAIL_JOIN(a, b) KFM_DET_CONFORMANCE_DETAIL_JOIN_(a, b)
#define KFM_DET_CONFORMANCE_REGISTER(check, Fixture)                                                                                                   \
  static const ::kfm_det::conformance::Registration KFM_DET_CONFORMANCE_DETAIL_JOIN(kfm_det_registration_, __LINE__)(                                  \
      #check, #Fixture, [](const ::kfm_det::conformance::Options& options) { return ::kfm_det::conformance::check<Fixture>(options); });

#define KFM_DET_CONFORMANCE_FILE_SYSTEM(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_file_system, Fixture)
#define KFM_DET_CONFORMANCE_STORE(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_store, Fixture)
#define KFM_DET_CONFORMANCE_STORE_ON_DISK(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_store_on_disk, Fixture)
#define KFM_DET_CONFORMANCE_STORE_MEDIA(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_store_media, Fixture)
#define KFM_DET_CONFORMANCE_LOG(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_log, Fixture)
#define KFM_DET_CONFORMANCE_COMPACTION(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_compaction, Fixture)
#define KFM_DET_CONFORMANCE_LOCK(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_lock, Fixture)
#define KFM_DET_CONFORMANCE_SINK(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_sink, Fixture)
#define KFM_DET_CONFORMANCE_SINK_ON_DISK(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_sink_on_disk, Fixture)
#define KFM_DET_CONFORMANCE_PLAN(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_plan, Fixture)
#define KFM_DET_CONFORMANCE_UPDATER(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_updater, Fixture)
#define KFM_DET_CONFORMANCE_VERIFY(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_verify, Fixture)

#endif
