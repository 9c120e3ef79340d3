// SPDX-License-Identifier: BSL-1.0
/// \file
/// Catch's main, compiled once for every room.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
