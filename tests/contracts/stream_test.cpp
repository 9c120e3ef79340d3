// SPDX-License-Identifier: BSL-1.0
/// \file
/// StreamId: one name for each scope, safe as a file name; and the order of the words that stores, locks and sinks share.
#include "kfm_det/contracts/stream.hpp"

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace det = kfm_det;

std::string id_of(std::string updater, std::string partition) { return det::StreamId::of({std::move(updater), std::move(partition)}).text; }

/// Texts that are likely to meet: of few characters, those that the encoding uses itself among them, and sometimes very long.
std::string text_of(const std::vector<std::uint8_t>& choices) {
  constexpr std::string_view characters("a%@~2F5\0./A_-\xc3 ", 15);
  std::string out;
  for (const std::uint8_t choice : choices) {
    if (choice % 16 == 15) out += std::string(64 + choice, 'a');
    else out += characters[choice % 16];
  }
  return out;
}

bool is_path_safe(std::string_view text) {
  constexpr std::string_view safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~%@-";
  return !text.empty() && text.size() <= 200 && text != "." && text != ".." && text.find_first_not_of(safe) == std::string_view::npos;
}

}  // namespace

TEST_CASE("the name of a stream can be read, and is the same for ever") {
  CHECK(id_of("noaa-monthly", "") == "noaa-monthly@");
  CHECK(id_of("noaa-monthly", "seattle") == "noaa-monthly@seattle");
  CHECK(id_of("noaa", "2012/01 \xc3\xa9") == "noaa@2012%2F01%20%C3%A9");
  CHECK(id_of("a@b", "%7E~") == "a%40b@%257E%7E");
  CHECK(id_of("a", ".") == "a@.");
  CHECK(id_of("", "") == "@");
  CHECK(id_of("a", std::string("\0", 1)) == "a@%00");
  // From Python: text[:120] + "~" + hashlib.sha256(b"kfm_det/v1/stream\n" + text).hexdigest(), where text = "noaa@" + "x" * 300
  CHECK(id_of("noaa", std::string(300, 'x')) == "noaa@" + std::string(115, 'x') + "~f039e46dde94205017f99c809d143ecffd4609361e2f738e2c87e3089577e3fe");
}

TEST_CASE("two parts cannot run into each other") {
  CHECK(id_of("a", "b") != id_of("ab", ""));
  CHECK(id_of("a", "@b") != id_of("a@", "b"));
  CHECK(id_of("a@", "b") != id_of("a", "b"));
  CHECK(id_of("a", "%40") != id_of("a", "@"));
  CHECK(id_of("a", "B") != id_of("a", "b"));
}

TEST_CASE("the longest name that stands as it is, and the first that does not") {
  const std::string longest = id_of("a", std::string(198, 'x'));
  CHECK(longest == "a@" + std::string(198, 'x'));
  const std::string longer = id_of("a", std::string(199, 'x'));
  CHECK(longer.size() == 185);
  CHECK(longer.find('~') == 120);
  CHECK(id_of("a", std::string(199, 'x') + "y") != id_of("a", std::string(199, 'x') + "z"));
  // A scope that is called as another's shortened name is another scope.
  CHECK(id_of("a", longer.substr(2)) != longer);
  // A long updater id does not hide where the partition begins.
  CHECK(id_of(std::string(300, 'a'), "b") != id_of(std::string(300, 'a') + "b", ""));
  CHECK(id_of(std::string(300, 'a') + "@", "") != id_of(std::string(300, 'a'), "@"));
}

TEST_CASE("every name is a safe path component, and equal names come from equal scopes") {
  CHECK(rc::check([](const std::vector<std::uint8_t>& a, const std::vector<std::uint8_t>& b, const std::vector<std::uint8_t>& c, const std::vector<std::uint8_t>& d) {
    const det::Scope one{text_of(a), text_of(b)}, two{text_of(c), text_of(d)};
    const det::StreamId first = det::StreamId::of(one), second = det::StreamId::of(two);
    RC_ASSERT(is_path_safe(first.text));
    RC_ASSERT(is_path_safe(second.text));
    RC_ASSERT((first == second) == (one == two));
    RC_ASSERT(det::StreamId::of(one) == first);
    RC_CLASSIFY(first.text.find('~') != std::string::npos, "overlong");
  }));
}

TEST_CASE("scopes of the same bytes, cut in another place, have other names") {
  CHECK(rc::check([](const std::vector<std::uint8_t>& choices, std::size_t at, std::size_t other) {
    const std::string whole = text_of(choices);
    at %= whole.size() + 1;
    other %= whole.size() + 1;
    const auto cut = [&](std::size_t where) { return id_of(whole.substr(0, where), whole.substr(where)); };
    RC_ASSERT((cut(at) == cut(other)) == (at == other));
  }));
}

TEST_CASE("any bytes give a safe name") {
  CHECK(rc::check([](const std::string& updater, const std::string& partition) { RC_ASSERT(is_path_safe(id_of(updater, partition))); }));
}

TEST_CASE("incarnations come before places, in orders and heads") {
  CHECK(det::Order{1, 9} < det::Order{2, 1});
  CHECK(det::Order{2, 1} < det::Order{2, 2});
  CHECK(det::Order{2, 2} == det::Order{2, 2});
  CHECK(det::FencingToken{1} < det::FencingToken{2});
  const det::Head one{det::StreamId::of({"a", ""}), 1, 9, {}}, two{det::StreamId::of({"a", ""}), 2, 1, {}};
  CHECK(one < two);
}
