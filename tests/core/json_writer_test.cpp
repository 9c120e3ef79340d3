// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/json_writer.hpp"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "kfm_det/core/digest.hpp"
#include "kfm_det/core/json_parser.hpp"
#include "tests/core/random_json.hpp"
#include "tests/core/vectors.hpp"

namespace det = kfm_det;
using det::Json;

namespace {

double from_bits(std::uint64_t bits) {
  double value = 0;
  std::memcpy(&value, &bits, 8);
  return value;
}
std::string number(double value) {
  char text[det::detail::number_size_max];
  return std::string(text, det::detail::write_number(text, value));
}
std::string text(std::string_view value) {
  std::string out;
  det::JsonWriter writer(out);
  writer.string(value);
  return writer.finish() ? out : "refused";
}

/// The published sequence (conformance/vectors/jcs/README.md).
class Es6Numbers {
 public:
  Es6Numbers() {
    const std::string file = test::vector_file("jcs/numbers_static.txt");
    for (std::size_t at = 0; at + 16 < file.size(); at += 17) {
      std::uint64_t bits = 0;
      std::from_chars(file.data() + at, file.data() + at + 16, bits, 16);
      first_.push_back(bits);
    }
    for (std::uint64_t i = 0; i < 2000; ++i) first_.push_back(0x0010000000000000U + i);
  }
  std::uint64_t next() {
    if (index_ < first_.size()) return first_[index_++];
    for (;;) {
      if (used_ == 4) {
        block_ = det::sha256(block_.view());
        used_ = 0;
      }
      std::uint64_t bits = 0;
      for (std::size_t i = 8; i-- > 0;) bits = bits << 8 | block_.bytes[used_ * 8 + i];
      ++used_;
      const double value = from_bits(bits);
      if (value != 0 && value - value == 0) return bits;
    }
  }

 private:
  std::vector<std::uint64_t> first_;
  std::size_t index_ = 0, used_ = 4;
  det::Digest block_{};
};

}  // namespace

TEST_CASE("the published vectors of RFC 8785 come out byte for byte", "[core][json_writer]") {
  for (const char* const name : {"arrays", "french", "structures", "unicode", "values", "weird"}) {
    INFO(name);
    const std::string input = test::vector_file("jcs/input/" + std::string(name) + ".json"), output = test::vector_file("jcs/output/" + std::string(name) + ".json");
    REQUIRE(!output.empty());
    CHECK(det::canonical(det::parse_json(input).value()).value() == output);
    CHECK(det::parse_canonical(output));
    CHECK((input == output || !det::parse_canonical(input)));
  }
}

TEST_CASE("the published million of ES6 numbers has the published hashes", "[core][json_writer]") {
  Es6Numbers numbers;
  std::string lines;
  det::Sha256 running;
  const std::pair<int, const char*> published[] = {{1'000, "be18b62b6f69cdab33a7e0dae0d9cfa869fda80ddc712221570f9f40a5878687"},
                                                   {10'000, "b9f7a8e75ef22a835685a52ccba7f7d6bdc99e34b010992cbc5864cd12be6892"},
                                                   {100'000, "22776e6d4b49fa294a0d0f349268e5c28808fe7e0cb2bcbe28f63894e494d4c7"},
                                                   {1'000'000, "49415fee2c56c77864931bd3624faad425c3c577d6d74e89a83bc725506dad16"}};
  std::string all;
  int made = 0;
  for (const auto& [count, hash] : published) {
    for (; made < count; ++made) {
      const std::uint64_t bits = numbers.next();
      char buffer[64];
      char* end = std::to_chars(buffer, buffer + 16, bits, 16).ptr;
      *end++ = ',';
      end = det::detail::write_number(end, from_bits(bits));
      *end++ = '\n';
      all.append(buffer, end);
      // And back: the text is the shortest that reads as the same double.
      if (made % 16 == 0) {
        const double back = *det::parse_json(number(from_bits(bits))).value().number();
        if (!(back == from_bits(bits))) FAIL("does not read back: " << buffer);
      }
    }
    INFO(count);
    CHECK(det::sha256(all).hex() == hash);
  }
}

TEST_CASE("numbers are written as in the table of RFC 8785 appendix B", "[core][json_writer]") {
  const std::pair<std::uint64_t, const char*> table[] = {
      {0x0000000000000000, "0"}, {0x8000000000000000, "0"}, {0x0000000000000001, "5e-324"}, {0x8000000000000001, "-5e-324"},
      {0x7fefffffffffffff, "1.7976931348623157e+308"}, {0xffefffffffffffff, "-1.7976931348623157e+308"},
      {0x4340000000000000, "9007199254740992"}, {0xc340000000000000, "-9007199254740992"}, {0x4430000000000000, "295147905179352830000"},
      {0x44b52d02c7e14af5, "9.999999999999997e+22"}, {0x44b52d02c7e14af6, "1e+23"}, {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
      {0x444b1ae4d6e2ef4e, "999999999999999700000"}, {0x444b1ae4d6e2ef4f, "999999999999999900000"}, {0x444b1ae4d6e2ef50, "1e+21"},
      {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"}, {0x3eb0c6f7a0b5ed8d, "0.000001"},
      {0x41b3de4355555553, "333333333.3333332"}, {0x41b3de4355555554, "333333333.33333325"}, {0x41b3de4355555555, "333333333.3333333"},
      {0x41b3de4355555556, "333333333.3333334"}, {0x41b3de4355555557, "333333333.33333343"}, {0xbecbf647612f3696, "-0.0000033333333333333333"},
      {0x43143ff3c1cb0959, "1424953923781206.2"}};
  for (const auto& [bits, expected] : table) CHECK(number(from_bits(bits)) == expected);
  for (const std::uint64_t bits : {0x7fffffffffffffffU, 0x7ff0000000000000U, 0xfff0000000000000U}) {  // NaN, infinity, -infinity
    const auto refused = det::canonical(Json(from_bits(bits)));
    REQUIRE(!refused);
    CHECK(refused.error().code() == det::errc::invalid_json);
  }
}

TEST_CASE("strings escape what RFC 8785 escapes and nothing else", "[core][json_writer]") {
  CHECK(text("") == "\"\"");
  CHECK(text("\"\\/") == "\"\\\"\\\\/\"");
  CHECK(text("\b\t\n\f\r") == "\"\\b\\t\\n\\f\\r\"");
  CHECK(text(std::string_view("\0\x01\x0b\x1f", 4)) == "\"\\u0000\\u0001\\u000b\\u001f\"");
  CHECK(text("\x7f") == "\"\x7f\"");
  CHECK(text("\xE2\x80\xA8\xE2\x80\xA9") == "\"\xE2\x80\xA8\xE2\x80\xA9\"");  // U+2028, U+2029
  CHECK(text("</script>") == "\"</script>\"");
  CHECK(text("A\xCC\x8A") == "\"A\xCC\x8A\"");  // not composed
}

TEST_CASE("each byte is escaped right at each place of a string of each length", "[core][json_writer]") {
  for (const char c : {'a', '"', '\\', '\n', '\x01', '\x7f'})
    for (std::size_t size = 1; size <= 40; ++size)
      for (std::size_t at = 0; at < size; ++at) {
        std::string value(size, 'x'), expected = "\"";
        value[at] = c;
        for (const char each : value) expected += each == '"' ? "\\\"" : each == '\\' ? "\\\\" : each == '\n' ? "\\n" : each == '\x01' ? "\\u0001" : std::string(1, each);
        if (text(value) != expected + '"') FAIL("size " << size << " at " << at);
      }
}

TEST_CASE("strings longer than the writer's buffer come out whole", "[core][json_writer]") {
  for (const std::size_t size : {1000U, 1021U, 1022U, 1023U, 1024U, 1025U, 5000U}) {
    CHECK(text(std::string(size, 'x')) == '"' + std::string(size, 'x') + '"');
    std::string escaped = "\"";
    for (std::size_t i = 0; i < size; ++i) escaped += "\\u0001";
    CHECK(text(std::string(size, '\x01')) == escaped + '"');
    std::string smileys;
    for (std::size_t i = 0; i < size; ++i) smileys += "\xF0\x9F\x98\x80";
    CHECK(text(smileys) == '"' + smileys + '"');
  }
}

TEST_CASE("a string that is not UTF-8 is refused with the byte and the path", "[core][json_writer]") {
  const auto refused = [](std::string bad) { return det::canonical(Json::object({{"a", Json::array({1, Json::object({{"b", std::move(bad)}})})}})).error(); };
  CHECK(refused("ab\xED\xA0\x80").message() == "invalid_json: a string is not valid UTF-8 (a[1].b: byte 2 of the string). Carry bytes as hex or base64.");
  CHECK(refused("\xC0\x80").where() == "a[1].b: byte 0 of the string");
  CHECK(refused("abcdefgh\xF4\x90\x80\x80").where() == "a[1].b: byte 8 of the string");
  CHECK(refused("\xFF").code() == det::errc::invalid_json);
  CHECK_FALSE(det::canonical(Json::object({{"\xED\xA0\x80", 1}})));  // a name too
  CHECK_FALSE(det::canonical(Json(std::string(2000, 'x') + "\x80")));
}

TEST_CASE("an error leaves the text as it was", "[core][json_writer]") {
  std::string out = "before";
  Json big = Json::array();
  for (int i = 0; i < 1000; ++i) big.push("some text that fills the writer's buffer more than once");
  big.push(std::numeric_limits<double>::infinity());
  REQUIRE(!det::append_canonical(out, big));
  CHECK(out == "before");
  CHECK(det::append_canonical(out, Json(1)));
  CHECK(out == "before1");
}

TEST_CASE("what is too deep to be read again is not written", "[core][json_writer]") {
  const auto nested = [](std::size_t depth) {
    Json value = 1;
    for (std::size_t i = 0; i < depth; ++i) value = Json::array({value});
    return value;
  };
  CHECK(det::parse_json(det::canonical(nested(64)).value()));
  CHECK(det::canonical(nested(65)).error().code() == det::errc::limit_exceeded);
  CHECK(det::canonical(nested(100), 100));
}

TEST_CASE("a writer puts commas where they belong", "[core][json_writer]") {
  std::string out;
  det::JsonWriter writer(out);
  writer.begin_object();
  writer.key("a");
  writer.begin_array();
  writer.null();
  writer.boolean(true);
  writer.boolean(false);
  writer.number(0.5);
  writer.integer(-7);
  writer.integer(std::numeric_limits<std::uint64_t>::max());
  writer.integer(std::numeric_limits<std::int64_t>::min());
  writer.begin_object();
  writer.end_object();
  writer.begin_array();
  writer.end_array();
  writer.raw("{\"x\":1}");
  writer.plain_string("plain");
  writer.hex("\x01\xff");
  writer.end_array();
  writer.key("b");
  writer.string("z");
  writer.end_object();
  REQUIRE(writer.finish());
  CHECK(out == R"({"a":[null,true,false,0.5,-7,"18446744073709551615","-9223372036854775808",{},[],{"x":1},"plain","01ff"],"b":"z"})");
  CHECK(det::parse_canonical(out));
}

TEST_CASE("a writer keeps its first error and says where", "[core][json_writer]") {
  std::string out = "x";
  det::JsonWriter writer(out);
  writer.begin_array();
  writer.fail(det::Error(det::errc::invalid_json, "first"));
  writer.locate("[0]");
  writer.locate("list");
  writer.fail(det::Error(det::errc::invalid_json, "second"));
  writer.string("\xFF");
  const auto finished = writer.finish();
  CHECK(finished.error().what() == "first");
  CHECK(finished.error().where() == "list[0]");
  CHECK(out == "x");
}

TEST_CASE("canonical bytes read as the value they came from, and are a fixed point", "[core][json_writer][property]") {
  CHECK(rc::check([](const Json& value) {
    const std::string bytes = det::canonical(value).value();
    const Json back = det::parse_json(bytes).value();
    RC_ASSERT(back == value);
    RC_ASSERT(det::canonical(back).value() == bytes);
    RC_ASSERT(det::parse_canonical(bytes).value() == value);
  }));
}

TEST_CASE("the order in which members were given cannot be seen", "[core][json_writer][property]") {
  CHECK(rc::check([](const std::map<std::string, int>& numbered) {
    std::vector<std::pair<std::string, int>> members;
    for (const auto& [key, value] : numbered) members.emplace_back(det::to_hex(key) + *rc::gen::element<std::string>("", "\xF0\x9F\x98\x80", "\xEF\xAC\xB3"), value);
    Json in_order, shuffled;
    for (const auto& [key, value] : members) in_order.set(key, value);
    std::string other_text = "{";
    std::vector<std::pair<std::string, int>> permuted;
    for (const auto& member : members) permuted.insert(permuted.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(permuted.size()) + 1), member);
    for (const auto& [key, value] : permuted) {
      shuffled.set(key, value);
      other_text += (other_text.size() > 1 ? " , " : "") + det::canonical(Json(key)).value() + " : " + std::to_string(value);
    }
    RC_ASSERT(det::canonical(in_order.is_null() ? Json::object() : in_order).value() == det::canonical(shuffled.is_null() ? Json::object() : shuffled).value());
    RC_ASSERT(det::parse_json(other_text + "}").value() == (in_order.is_null() ? Json::object() : in_order));
  }));
}
