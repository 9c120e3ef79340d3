// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/function_ref.hpp"

#include <memory>
#include <string>

#include <catch2/catch.hpp>

namespace det = kfm_det;

namespace {
int call(det::function_ref<int(int)> f) { return f(20); }
int twice(int value) { return 2 * value; }
}  // namespace

TEST_CASE("a function_ref calls what it refers to", "[core][function_ref]") {
  int seen = 0;
  const auto add = [&seen](int value) { seen = value; return value + 1; };
  CHECK(call(add) == 21);
  CHECK(seen == 20);
  CHECK(call([](int value) { return value - 1; }) == 19);
  CHECK(call(twice) == 40);
  CHECK(call(&twice) == 40);
  struct Counter { int calls = 0; int operator()(int value) { return value + ++calls; } } counter;
  CHECK(call(counter) == 21);
  CHECK(call(counter) == 22);  // the object itself, no copy
}

TEST_CASE("arguments are forwarded and results converted", "[core][function_ref]") {
  const auto take = [](std::unique_ptr<int> owned) { return *owned; };
  det::function_ref<long(std::unique_ptr<int>)> f = take;
  CHECK(f(std::make_unique<int>(5)) == 5L);
  std::string text;
  const auto append = [&](std::string& out) { out += "x"; };
  det::function_ref<void(std::string&)> g = append;
  det::function_ref<void(std::string&)> copy = g;
  g(text);
  copy(text);
  CHECK(text == "xx");
  static_assert(!std::is_constructible_v<det::function_ref<int(int)>, int (*)(std::string)>);
}
