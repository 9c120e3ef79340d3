// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/utf8.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace det = kfm_det;

namespace {
/// The definition, the slow way: UTF-16 code units.
std::vector<std::uint32_t> utf16(const std::vector<std::uint32_t>& code_points) {
  std::vector<std::uint32_t> units;
  for (const std::uint32_t c : code_points) {
    if (c < 0x10000) {
      units.push_back(c);
    } else {
      units.push_back(0xd800 + ((c - 0x10000) >> 10));
      units.push_back(0xdc00 + ((c - 0x10000) & 0x3ff));
    }
  }
  return units;
}
std::string utf8(const std::vector<std::uint32_t>& code_points) {
  std::string out;
  for (const std::uint32_t c : code_points) det::append_utf8(out, c);
  return out;
}
rc::Gen<std::uint32_t> code_point() {
  return rc::gen::oneOf(rc::gen::inRange<std::uint32_t>(0, 0x80), rc::gen::inRange<std::uint32_t>(0x80, 0xd800), rc::gen::inRange<std::uint32_t>(0xe000, 0x10000),
                        rc::gen::inRange<std::uint32_t>(0x10000, 0x110000), rc::gen::element<std::uint32_t>(0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfb33, 0xffff, 0x10000, 0x1f600, 0x10ffff));
}
int sign(int value) { return value < 0 ? -1 : value > 0 ? 1 : 0; }
}  // namespace

TEST_CASE("names are ordered by UTF-16 code units, not by bytes or code points", "[core][utf8]") {
  const std::string smiley = "\xF0\x9F\x98\x80", hebrew = "\xEF\xAC\xB3";  // U+1F600, U+FB33
  CHECK(det::compare_utf16(smiley, hebrew) < 0);
  CHECK(det::compare_utf16(hebrew, smiley) > 0);
  CHECK(smiley > hebrew);  // by bytes it is the other way
  CHECK(det::compare_utf16("\xED\x9F\xBF", smiley) < 0);  // U+D7FF is below the surrogates
  CHECK(det::compare_utf16("a", "ab") < 0);
  CHECK(det::compare_utf16("", "") == 0);
  CHECK(det::Utf16Less{}(smiley, hebrew));
  static_assert(det::compare_utf16("a", "b") < 0);
}

TEST_CASE("the order is that of the code units", "[core][utf8][property]") {
  CHECK(rc::check([] {
    const auto a = *rc::gen::container<std::vector<std::uint32_t>>(code_point()), b = *rc::gen::container<std::vector<std::uint32_t>>(code_point());
    const auto x = utf16(a), y = utf16(b);
    RC_ASSERT(sign(det::compare_utf16(utf8(a), utf8(b))) == (x < y ? -1 : y < x ? 1 : 0));
    RC_ASSERT(det::utf8_fault(utf8(a)) == std::string::npos);
  }));
  CHECK(rc::check("on any bytes it is a total order", [](const std::string& a, const std::string& b, const std::string& c) {
    RC_ASSERT(sign(det::compare_utf16(a, b)) == -sign(det::compare_utf16(b, a)));
    RC_ASSERT((det::compare_utf16(a, b) == 0) == (a == b));
    if (det::compare_utf16(a, b) < 0 && det::compare_utf16(b, c) < 0) RC_ASSERT(det::compare_utf16(a, c) < 0);
  }));
}

TEST_CASE("every byte pair has a place in the order of its own", "[core][utf8]") {
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; ++b) {
      const std::string x(1, static_cast<char>(a)), y(1, static_cast<char>(b));
      REQUIRE((det::compare_utf16(x, y) == 0) == (a == b));
    }
}

TEST_CASE("what is not UTF-8 is found at its first byte", "[core][utf8]") {
  const auto fault = [](std::string_view text) { return det::utf8_fault(text); };
  CHECK(fault("a\xF0\x9F\x98\x80z") == std::string::npos);
  CHECK(fault("ab\x80") == 2);              // a continuation byte alone
  CHECK(fault("\xC0\x80") == 0);            // overlong U+0000
  CHECK(fault("\xC1\xBF") == 0);
  CHECK(fault("\xE0\x9F\xBF") == 0);        // overlong U+07FF
  CHECK(fault("\xF0\x8F\xBF\xBF") == 0);    // overlong U+FFFF
  CHECK(fault("a\xED\xA0\x80") == 1);       // U+D800
  CHECK(fault("a\xED\xBF\xBF") == 1);       // U+DFFF
  CHECK(fault("\xF4\x90\x80\x80") == 0);    // U+110000
  CHECK(fault("\xF5\x80\x80\x80") == 0);
  CHECK(fault("\xFF") == 0);
  CHECK(fault("\xC3") == 0);                // cut off
  CHECK(fault("\xE2\x82") == 0);
  CHECK(fault("\xF0\x9F\x98") == 0);
  CHECK(fault("\xE2\x28\xA1") == 0);
  CHECK(fault(std::string_view("\0a", 2)) == std::string::npos);
}

TEST_CASE("every scalar value is valid, and nothing else of that shape", "[core][utf8]") {
  for (std::uint32_t c = 0; c <= 0x110fff; ++c) {
    std::string text;
    det::append_utf8(text, c);
    const bool scalar = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
    if ((det::utf8_fault(text) == std::string::npos) != scalar) FAIL("code point " << c);
  }
}
