// SPDX-License-Identifier: BSL-1.0
#include "kfm_det/core/source_ref.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <rapidcheck.h>

#include "kfm_det/core/json_parser.hpp"
#include "tests/core/random_json.hpp"
#include "tests/core/vectors.hpp"

namespace det = kfm_det;
using det::SourceRef;

namespace {
SourceRef ref(std::string uri, std::string_view bytes, std::map<std::string, std::string> partition = {}) { return {std::move(uri), det::ContentHash{det::sha256(bytes)}, std::move(partition)}; }
SourceRef draw_ref() {
  SourceRef out = ref(*test::any_text(), *rc::gen::element<std::string>("a", "b"));
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) out.partition[*test::any_text()] = *test::any_text();
  return out;
}
}  // namespace

TEST_CASE("a source ref is canonical JSON with its content hash first", "[core][source_ref]") {
  CHECK(det::canonical(ref("file:a", "abc", {{"month", "2012-01"}})).value() ==
        R"({"content_hash":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","partition":{"month":"2012-01"},"uri":"file:a"})");
}

TEST_CASE("inputs are a set", "[core][source_ref]") {
  const SourceRef a = ref("a", "1"), a_changed = ref("a", "2"), b = ref("b", "1"), a_part = ref("a", "1", {{"k", "v"}});
  const std::vector<SourceRef> all{b, a, a_part, a, a_changed, b}, other{a_changed, a, b, a_part};
  const auto inputs = det::canonical_inputs(all);
  CHECK(inputs.size() == 4);  // another content hash, another partition: another ref
  CHECK(inputs == det::canonical_inputs(other));
  CHECK(std::is_sorted(inputs.begin(), inputs.end()));
  CHECK(det::input_hash(all).value() == det::input_hash(other).value());
  CHECK(det::input_hash(all).value() != det::input_hash(std::vector{a, b}).value());
}

TEST_CASE("refs are ordered by uri, then partition, then content", "[core][source_ref]") {
  std::vector<SourceRef> ordered{ref("a", "x"), ref("a", "x", {{"k", "1"}}), ref("a", "x", {{"k", "1"}, {"l", ""}}), ref("a", "x", {{"k", "2"}}), ref("a", "x", {{"l", ""}}), ref("ab", "x"), ref("b", "x")};
  const std::vector<SourceRef> backwards(ordered.rbegin(), ordered.rend());
  CHECK(det::canonical_inputs(backwards) == ordered);
  const SourceRef one = ref("a", "1"), two = ref("a", "2");
  CHECK((one < two) == (one.content_hash < two.content_hash));
}

TEST_CASE("no order and no repetition can be seen in the input hash", "[core][source_ref][property]") {
  CHECK(rc::check([] {
    std::vector<SourceRef> refs;
    for (int i = *rc::gen::inRange(0, 5); i > 0; --i) refs.push_back(draw_ref());
    std::vector<SourceRef> shuffled;
    for (int round = 0; round < 2; ++round)
      for (const auto& each : refs) shuffled.insert(shuffled.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(shuffled.size()) + 1), each);
    RC_ASSERT(det::input_hash(refs).value() == det::input_hash(shuffled).value());
    RC_ASSERT(det::canonical_inputs(refs) == det::canonical_inputs(shuffled));
    RC_ASSERT(det::input_hash(det::canonical_inputs(refs)).value() == det::input_hash(refs).value());
  }));
}

TEST_CASE("the input hash is that of the published vectors", "[core][source_ref]") {
  const det::Json vectors = det::parse_json(test::vector_file("identity/vectors.json")).value();
  REQUIRE(det::get_array(vectors, "input_hash").value()->items().size() == 6);
  for (const det::Json& each : vectors.find("input_hash")->items()) {
    const auto refs = det::from_json<std::vector<SourceRef>>(*each.find("refs")).value();
    CHECK(det::input_hash(refs).value().hex() == det::get_string(each, "expected").value());
  }
}

TEST_CASE("a ref that is not UTF-8 has an order but no hash", "[core][source_ref]") {
  const SourceRef bad = ref("\xFF", "1"), worse = ref("\xFE", "1"), good = ref("a", "2");
  const std::vector<SourceRef> all{bad, good, worse, bad};
  CHECK(det::canonical_inputs(all) == std::vector{good, worse, bad});
  CHECK(det::input_hash(all).error().code() == det::errc::invalid_json);
  CHECK(det::input_hash(all).error().where().find("uri") != std::string::npos);
}
