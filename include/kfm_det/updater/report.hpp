// SPDX-License-Identifier: BSL-1.0
/// \file
/// report(): the one function of the library that writes: a sentence to stderr, and an exit code for main().
#ifndef KFM_DET_UPDATER_REPORT_HPP
#define KFM_DET_UPDATER_REPORT_HPP

#include <cstdio>

#include "kfm_det/core/result.hpp"
#include "kfm_det/updater/run_report.hpp"

namespace kfm_det {

/// One exit code per class of outcome (docs/exit-codes.md).
[[nodiscard]] constexpr int exit_code(errc code) noexcept {
  switch (code) {
    case errc::invalid_argument: return 2;
    case errc::gate_rejected: return 3;
    case errc::busy: return 4;
    case errc::conflict:
    case errc::lease_lost:
    case errc::stale_token: return 5;
    case errc::corrupt_committed:
    case errc::hole:
    case errc::regressed:
    case errc::forked:
    case errc::sink_regressed:
    case errc::foreign:
    case errc::unsupported_version: return 6;
    case errc::undone:
    case errc::abandoned:
    case errc::failed:
    case errc::quarantined:
    case errc::parked: return 7;
    case errc::io_error:
    case errc::no_space:
    case errc::permission_denied:
    case errc::unavailable:
    case errc::timed_out:
    case errc::log_failed: return 8;
    case errc::cancelled: return 9;
    default: return 1;
  }
}

/// What a program answers that replays runs (updater/reproduce.hpp): a replay that differs from its record; inputs that changed since, or are gone.
inline constexpr int exit_replay_differs = 11, exit_inputs_changed = 12;

/// Says what happened, in a sentence, on stderr; answers 0 or exit_code().
[[nodiscard]] inline int report(const result<RunReport>& outcome) {
  if (outcome) {
    std::fprintf(stderr, "%s\n", outcome.value().sentence().c_str());
    return 0;
  }
  std::fprintf(stderr, "error: %s\n", outcome.error().message().c_str());
  return exit_code(outcome.error().code());
}

}  // namespace kfm_det

#endif
