// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/error.hpp"

#include <string>
#include <system_error>

#include <catch2/catch.hpp>

namespace det = kfm_det;

TEST_CASE("an error says what, where and what to do, in a sentence", "[core][error]") {
  CHECK(det::Error(det::errc::io_error, "the disk is gone").message() == "io_error: the disk is gone.");
  CHECK(det::Error(det::errc::io_error, "the disk is gone", "/data").message() == "io_error: the disk is gone (/data).");
  CHECK(det::Error(det::errc::io_error, "the disk is gone", "/data", "Mount it.").message() == "io_error: the disk is gone (/data). Mount it.");
}

TEST_CASE("an error is seen from further out, and keeps what it knows", "[core][error]") {
  const det::Error inner = det::Error(det::errc::busy, "held", "scope a").with(det::Retry::persistent);
  const det::Error outer = inner.at("run 7").advise("Wait.").advise("Hurry.");
  CHECK(outer.where() == "run 7: scope a");
  CHECK(outer.remedy() == "Wait.");
  CHECK(outer.retry() == det::Retry::persistent);
  CHECK(outer.code() == det::errc::busy);
  CHECK(det::Error(det::errc::busy, "held").at("run 7").where() == "run 7");
  CHECK(inner.where() == "scope a");
  CHECK(inner.as(det::errc::conflict).code() == det::errc::conflict);
  CHECK(inner.as(det::errc::conflict).what() == "held");
}

TEST_CASE("every code has a name of its own and a retry class", "[core][error]") {
  CHECK(det::name(det::errc::stale_token) == "stale_token");
  CHECK(det::name(static_cast<det::errc>(9999)) == "unknown");
  CHECK(det::Error(det::errc::timed_out, "x").retry() == det::Retry::temporary);
  CHECK(det::Error(det::errc::corrupt_committed, "x").retry() == det::Retry::permanent);
}

TEST_CASE("an error converts to std::error_code", "[core][error]") {
  const std::error_code code = make_error_code(det::Error(det::errc::no_space, "full"));
  CHECK(code == det::errc::no_space);
  CHECK(code.category().name() == std::string("kfm_det"));
  CHECK(code.message() == "no_space");
}
