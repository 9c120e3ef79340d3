// SPDX-License-Identifier: BSL-1.0
/// \file
/// kfm_det: deterministic, crash-safe updaters. The header for programs; the library itself never includes it.
/// Backends in memory (tests, dry runs) and the export are headers of their own: stores/memory_store.hpp, locks/memory_lock.hpp, sinks/memory_sink.hpp,
/// sinks/export.hpp; adapters too: adapters/sqlite.hpp.
#ifndef KFM_DET_KFM_DET_HPP
#define KFM_DET_KFM_DET_HPP

#include "kfm_det/core/describe.hpp"
#include "kfm_det/locks/file_lock.hpp"
#include "kfm_det/plan/builder.hpp"
#include "kfm_det/sinks/file_sink.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/updater/report.hpp"
#include "kfm_det/updater/updater.hpp"

#endif
