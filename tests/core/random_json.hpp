// SPDX-License-Identifier: BSL-1.0
/// \file
/// RapidCheck generators of Json values: every kind, odd numbers, names from every part of Unicode.
#ifndef KFM_DET_TESTS_CORE_RANDOM_JSON_HPP
#define KFM_DET_TESTS_CORE_RANDOM_JSON_HPP

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <rapidcheck.h>

#include "kfm_det/core/json.hpp"
#include "kfm_det/core/json_writer.hpp"

namespace test {

inline rc::Gen<std::string> any_text() {
  const auto code_point = rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 0x80), rc::gen::inRange<std::uint32_t>(0x80, 0xd800), rc::gen::inRange<std::uint32_t>(0xe000, 0x10000),
                                         rc::gen::inRange<std::uint32_t>(0x10000, 0x110000), rc::gen::element<std::uint32_t>('"', '\\', '/', 0, 0x1f, 0x7f, 0x2028, 0xfb33, 0x1f600));
  return rc::gen::map(rc::gen::container<std::vector<std::uint32_t>>(code_point), [](const std::vector<std::uint32_t>& code_points) {
    std::string out;
    for (const std::uint32_t c : code_points) kfm_det::append_utf8(out, c);
    return out;
  });
}

/// Any finite double: all bit patterns, and those that look like numbers of people.
inline rc::Gen<double> any_number() {
  const auto bits = rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t pattern) {
    double value = 0;
    std::memcpy(&value, &pattern, 8);
    return value - value == 0 ? value : 0.0;
  });
  const auto whole = rc::gen::map(rc::gen::arbitrary<std::int64_t>(), [](std::int64_t value) { return static_cast<double>(value); });
  const auto decimal = rc::gen::map(rc::gen::pair(rc::gen::arbitrary<std::int32_t>(), rc::gen::inRange(0, 10)), [](const std::pair<std::int32_t, int>& parts) {
    double value = parts.first;
    for (int i = 0; i < parts.second; ++i) value /= 10;
    return value;
  });
  return rc::gen::oneOf(bits, whole, decimal, rc::gen::element(0.0, -0.0, 1e21, 1e-7, 5e-324, 1.7976931348623157e308, 9007199254740992.0));
}

inline kfm_det::Json draw_json(int depth) {
  using kfm_det::Json;
  switch (*rc::gen::inRange(0, depth > 0 ? 6 : 4)) {
    case 0: return Json();
    case 1: return Json(*rc::gen::arbitrary<bool>());
    case 2: return Json(*any_number());
    case 3: return Json(*any_text());
    case 4: {
      Json out = Json::array();
      for (int i = *rc::gen::inRange(0, 4); i > 0; --i) out.push(draw_json(depth - 1));
      return out;
    }
    default: {
      Json out = Json::object();
      for (int i = *rc::gen::inRange(0, 5); i > 0; --i) out.set(*any_text(), draw_json(depth - 1));
      return out;
    }
  }
}

inline rc::Gen<kfm_det::Json> any_json() {
  return rc::gen::exec([] { return draw_json(4); });
}

}  // namespace test

namespace rc {
template <>
struct Arbitrary<kfm_det::Json> {
  static Gen<kfm_det::Json> arbitrary() { return test::any_json(); }
};
inline void showValue(const kfm_det::Json& value, std::ostream& out) { out << kfm_det::canonical(value).value(); }
}  // namespace rc

#endif
