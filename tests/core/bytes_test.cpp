// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/bytes.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace det = kfm_det;

TEST_CASE("hex is two lower-case digits for each byte", "[core][bytes]") {
  CHECK(det::to_hex("") == "");
  CHECK(det::to_hex(std::string("\x00\x0f\xa5\xff", 4)) == "000fa5ff");
  CHECK(det::from_hex("000fa5ff").value() == std::string("\x00\x0f\xa5\xff", 4));
}

TEST_CASE("hex that is not what to_hex gives is refused, with the place", "[core][bytes]") {
  const auto where = [](const char* text) { return det::from_hex(text).error().where(); };
  CHECK(where("0") == "1 characters");
  CHECK(where("0g") == "byte 1");
  CHECK(where("g0") == "byte 0");
  CHECK(where("00FF") == "byte 2");  // upper case would give the same bytes another text
  CHECK(where("00 1") == "byte 2");
  CHECK(det::from_hex("zz").error().code() == det::errc::invalid_argument);
}

TEST_CASE("base64 follows the vectors of RFC 4648 section 10", "[core][bytes]") {
  const char* const vectors[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    CHECK(det::to_base64(bytes) == text);
    CHECK(det::from_base64(text).value() == bytes);
  }
  CHECK(det::to_base64("\xfb\xff\xbf") == "+/+/");
}

TEST_CASE("base64 with another text for the same bytes is refused, with the place", "[core][bytes]") {
  const auto where = [](const char* text) { return det::from_base64(text).error().where(); };
  CHECK(where("Zg") == "2 characters");      // no padding
  CHECK(where("Zg=") == "3 characters");
  CHECK(where("Zh==") == "byte 1");          // stray bits
  CHECK(where("Zm9=") == "byte 2");
  CHECK(where("Zm 9") == "byte 2");          // white space
  CHECK(where("Zm9v\nZm8") == "byte 4");
  CHECK(where("-_-_") == "byte 0");          // the URL alphabet
  CHECK(where("Zg==Zg==") == "byte 2");      // padding in the middle
  CHECK(where("Z===") == "byte 1");
  CHECK(where("====") == "byte 0");
}

TEST_CASE("bytes come back from both texts, and each text back from its bytes", "[core][bytes][property]") {
  CHECK(rc::check([](const std::string& bytes) {
    RC_ASSERT(det::from_hex(det::to_hex(bytes)).value() == bytes);
    RC_ASSERT(det::from_base64(det::to_base64(bytes)).value() == bytes);
  }));
  CHECK(rc::check([](const std::string& noise) {
    const std::string text = *rc::gen::container<std::string>(rc::gen::element('A', 'b', '9', '+', '/', '=', 'f', '0'));
    if (const auto bytes = det::from_base64(text)) RC_ASSERT(det::to_base64(bytes.value()) == text);
    if (const auto bytes = det::from_hex(text)) RC_ASSERT(det::to_hex(bytes.value()) == text);
    if (const auto bytes = det::from_base64(noise)) RC_ASSERT(det::to_base64(bytes.value()) == noise);
  }));
}
