// SPDX-License-Identifier: BSL-1.0
/// \file
/// What nearly every test includes, parsed once. A test includes what it uses all the same: this is only for speed.
#ifndef KFM_DET_TESTS_PCH_HPP
#define KFM_DET_TESTS_PCH_HPP

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <rapidcheck.h>

#endif
