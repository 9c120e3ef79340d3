// SPDX-License-Identifier: BSL-1.0
#include <sys/types.h>
#include <sys/sysmacros.h>  // defines major( and minor( on glibc: a Version must compile all the same

#include "kfm_det/core/version.hpp"

#include <string>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

namespace det = kfm_det;

namespace {
struct Plan { static constexpr det::Version version{1, 2, 3}; };
}  // namespace

TEST_CASE("a version is a constant with a text", "[core][version]") {
  static_assert(Plan::version.major == 1 && Plan::version.minor == 2 && Plan::version.patch == 3);
  CHECK(Plan::version.text() == "1.2.3");
  CHECK(det::Version{}.text() == "0.0.0");
  CHECK(det::Version{4294967295U, 4294967295U, 4294967295U}.text() == "4294967295.4294967295.4294967295");
}

TEST_CASE("versions are ordered by number", "[core][version]") {
  static_assert(det::Version{1, 9, 0} < det::Version{1, 10, 0});
  static_assert(det::Version{2, 0, 0} > det::Version{1, 99, 99});
  CHECK(rc::check([](std::uint32_t a, std::uint32_t b, std::uint32_t c) {
    const det::Version version{a, b, c};
    RC_ASSERT(det::Version::parse(version.text()).value() == version);
  }));
}

TEST_CASE("what is not the core of a semantic version is refused with its reason", "[core][version]") {
  const auto what = [](const char* text) { return det::Version::parse(text).error().what(); };
  CHECK(what("") == "a part of a version is not a number");
  CHECK(what("1") == "a version has three parts");
  CHECK(what("1.2") == "a version has three parts");
  CHECK(what("1.2.") == "a part of a version is not a number");
  CHECK(what("1.-2.3") == "a part of a version is not a number");
  CHECK(what("v1.2.3") == "a part of a version is not a number");
  CHECK(what("1.02.3") == "a part of a version has a leading zero");
  CHECK(what("1.2.4294967296") == "a part of a version is larger than 4294967295");
  CHECK(what("1.2.3-rc.1") == "pre-release and build parts of a version are not supported");
  CHECK(what("1.2.3+b7") == "pre-release and build parts of a version are not supported");
  CHECK(what("1.2.3.4") == "something stands behind the version");
  CHECK(what(" 1.2.3") == "a part of a version is not a number");
}
