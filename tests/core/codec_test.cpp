// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/codec.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "kfm_det/core/describe.hpp"

namespace det = kfm_det;
using det::Json;

namespace {

/// A type of a user's that is no aggregate and has no default constructor.
class Celsius {
 public:
  explicit Celsius(double degrees) : degrees_(degrees) {}
  [[nodiscard]] double degrees() const { return degrees_; }

 private:
  double degrees_;
};

/// One with a fast writer of its own.
struct Percent { int value = 0; };

struct Reading { std::vector<Percent> humidity; std::optional<Percent> cloud; std::string station; };
KFM_DET_DESCRIBE(Reading, humidity, cloud, station)

struct Unknown {};

}  // namespace

template <>
struct kfm_det::JsonCodec<Celsius> {
  static Json to_json(const Celsius& value) { return value.degrees(); }
  static result<Celsius> read(const Json& json) {
    if (!json.is_number()) return Error(errc::invalid_json, "expected degrees");
    return Celsius(*json.number());
  }
};

template <>
struct kfm_det::JsonCodec<Percent> {
  static Json to_json(const Percent& value) { return std::to_string(value.value) + "%"; }
  static void write(JsonWriter& writer, const Percent& value) { writer.string(std::to_string(value.value) + "%"); }
  static result<Percent> read(const Json& json) {
    if (!json.is_string() || json.string()->empty() || json.string()->back() != '%') return Error(errc::invalid_json, "expected a percentage");
    return Percent{std::stoi(*json.string())};
  }
};

TEST_CASE("a type of the user's travels as its codec says", "[core][codec]") {
  CHECK(det::canonical(Celsius(21.5)).value() == "21.5");
  CHECK(det::read_canonical<Celsius>("21.5").value().degrees() == 21.5);
  CHECK(det::to_json(Celsius(21.5)) == Json(21.5));
  CHECK(det::from_json<Celsius>(Json("x")).error().what() == "expected degrees");
}

TEST_CASE("a codec works inside of described structs and containers", "[core][codec]") {
  const Reading reading{{{1}, {22}}, Percent{3}, "s"};
  CHECK(det::canonical(reading).value() == R"({"cloud":"3%","humidity":["1%","22%"],"station":"s"})");
  CHECK(det::canonical(det::to_json(reading)).value() == det::canonical(reading).value());
  CHECK(det::read_canonical<Reading>(det::canonical(reading).value()).value().humidity[1].value == 22);
  const auto wrong = det::from_json<Reading>(Json::object({{"humidity", Json::array({"1%", "x"})}, {"station", "s"}}));
  CHECK(wrong.error().message() == "invalid_json: expected a percentage (humidity[1]).");
}

TEST_CASE("what can travel is known at compile time", "[core][codec]") {
  static_assert(det::Serialisable<int> && det::Serialisable<std::string> && det::Serialisable<Celsius> && det::Serialisable<Reading>);
  static_assert(det::Serialisable<std::vector<std::map<std::string, std::optional<det::Uuid>>>> && det::Serialisable<std::array<det::EffectId, 3>>);
  static_assert(!det::Serialisable<Unknown> && !det::Serialisable<std::vector<Unknown>> && !det::Serialisable<std::map<int, int>> && !det::Serialisable<char> && !det::Serialisable<float> &&
                !det::Serialisable<void*> && !det::Serialisable<const char*>);
  SUCCEED();
}
