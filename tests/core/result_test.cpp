// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/result.hpp"

#include <csetjmp>
#include <memory>
#include <string>

#include <catch2/catch.hpp>

namespace det = kfm_det;

namespace {

det::result<int> half(int value) {
  if (value % 2 != 0) return det::Error(det::errc::invalid_argument, "odd");
  return value / 2;
}
det::result<int> quarter(int value) {
  KFM_DET_TRY(const auto once, half(value));
  KFM_DET_TRY(auto twice, half(once));
  return twice;
}
det::result<void> check(int value) {
  KFM_DET_TRY(half(value));
  return det::success();
}
det::result<std::unique_ptr<int>> own(int value) {
  KFM_DET_TRY(auto checked, half(value));
  return std::make_unique<int>(checked);
}

std::jmp_buf escape;
std::string failed_condition;
void leave(const char* condition, const char*, int) {
  failed_condition = condition;
  std::longjmp(escape, 1);
}

}  // namespace

TEST_CASE("a result is a value or the error that says why not", "[core][result]") {
  CHECK(quarter(8).value() == 2);
  CHECK(quarter(6).error().what() == "odd");
  CHECK(check(2).has_value());
  CHECK(check(3).has_error());
  CHECK(*own(4).value() == 2);
  CHECK_FALSE(own(5));
  auto moved = own(4);
  const auto target = std::move(moved).value();
  CHECK(*target == 2);
}

TEST_CASE("results copy and assign across value and error", "[core][result]") {
  det::result<std::string> a = std::string("text"), b = det::Error(det::errc::busy, "held");
  det::result<std::string> copy = a;
  CHECK(copy.value() == "text");
  copy = b;
  CHECK(copy.error().what() == "held");
  copy = a;
  CHECK(copy.value() == "text");
  copy = std::move(b);
  CHECK(copy.has_error());
}

TEST_CASE("reading what a result does not hold meets the assertion handler", "[core][result][assert]") {
  const det::AssertionHandler before = det::set_assertion_handler(&leave);
  const det::result<int> bad = det::Error(det::errc::busy, "held");
  failed_condition.clear();
  if (setjmp(escape) == 0) (void)bad.value();
  CHECK_FALSE(failed_condition.empty());
  failed_condition.clear();
  const det::result<int> good = 1;
  if (setjmp(escape) == 0) (void)good.error();
  CHECK_FALSE(failed_condition.empty());
  failed_condition.clear();
  if (setjmp(escape) == 0) KFM_DET_ASSERT(1 + 1 == 3);
  CHECK(failed_condition == "1 + 1 == 3");
  CHECK(det::set_assertion_handler(before) == &leave);
}
