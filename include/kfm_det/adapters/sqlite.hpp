// SPDX-License-Identifier: BSL-1.0
/// \file
/// What a program includes to publish into SQLite: `SqliteSink::open("state/summaries.db")`. Link kfm_det::sqlite.
#ifndef KFM_DET_ADAPTERS_SQLITE_HPP
#define KFM_DET_ADAPTERS_SQLITE_HPP

#include "kfm_det/adapters/sqlite/sqlite_sink.hpp"

#endif
