// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

#include <unistd.h>

#include "kfm_det/locks/process_owner.hpp"
#include "tests/files/scratch.hpp"

using namespace kfm_det;
using namespace kfm_det::tests;

TEST_CASE("each owner of a process has a name of its own, which tells the process") {
  const OwnerId a = process_owner(), b = process_owner();
  CHECK(a != b);
  CHECK(a.text.find("/" + std::to_string(::getpid()) + "/" + detail::process_start_time() + "/") != std::string::npos);
  CHECK(std::count(a.text.begin(), a.text.end(), '/') == 3);
  CHECK(detail::process_start_time() != "0");
}

TEST_CASE("a child is another owner") {
  const std::string mine = process_owner().text, process = mine.substr(0, mine.rfind('/'));
  Child child([&] { return process_owner().text.starts_with(process + "/") ? 1 : 0; });
  CHECK(child.wait() == 0);
}

TEST_CASE("the start time is field 22 of stat, whatever the program is called") {
  CHECK(detail::start_time_of("4242 (a b) c) S 1 4242 4242 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 88421 2 3") == "88421");
  CHECK(detail::start_time_of("4242 (x) S 1") == "0");
  CHECK(detail::start_time_of("") == "0");
}
