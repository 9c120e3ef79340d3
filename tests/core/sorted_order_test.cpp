// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/sorted_order.hpp"

#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace det = kfm_det;

TEST_CASE("places come in the order of what is there, equal ones as they were", "[core][sorted_order][property]") {
  CHECK(rc::check([] {
    const auto values = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 5));
    std::vector<std::size_t> expected(values.size());
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = i;
    std::sort(expected.begin(), expected.end(), [&](std::size_t a, std::size_t b) { return values[a] != values[b] ? values[a] < values[b] : a < b; });
    RC_ASSERT(det::sorted_order(values.size(), [&](std::size_t a, std::size_t b) { return values[a] < values[b]; }) == expected);
  }));
  CHECK(det::sorted_order(0, [](std::size_t, std::size_t) { return true; }).empty());
}
