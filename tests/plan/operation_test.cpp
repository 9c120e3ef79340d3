// SPDX-License-Identifier: BSL-1.0
/// \file
/// Operations: names that are the same on every compiler, and dispatch from a recorded name and recorded params to the typed run().
#include "kfm_det/plan/operation.hpp"

#include <catch2/catch.hpp>

#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

#include "kfm_det/core/json_parser.hpp"
#include "tests/plan/plans.hpp"

// The tests' own: the real one is in updater/, and an operation only sees a reference.
namespace {
struct Seen { std::string text; };
}  // namespace

namespace outer {

/// What every operation here has in common.
struct Base {
  struct Params {};
  static kfm_det::result<kfm_det::Output> run(const Params&, kfm_det::StepContext&) { return kfm_det::Output::nothing(); }
};
KFM_DET_DESCRIBE(Base::Params)

struct Plain : Base {};
inline namespace v1 { struct Inline : Base {}; }
namespace { struct Anonymous : Base {}; }
struct Enclosing { struct Inner : Base {}; };
template <class T> struct Template : Base { struct Member : Base {}; };
template <class T> struct Named : Base { static constexpr std::string_view name = "named-template"; };
struct Text : Base { static constexpr const char* name = "as a char pointer"; };
class With_Underscore_9 final : public Base {};
auto local() { struct Local : Base {}; return Local{}; }
template <class T> auto local_of() { struct LocalOfTemplate : Base {}; return LocalOfTemplate{}; }
using Alias = Enclosing::Inner;
using Unnamed = decltype([] {});

struct NameIsAFunction : Base { static std::string_view name() { return "x"; } };
struct NameIsANumber : Base { static constexpr int name = 3; };
struct NameIsEmpty : Base { static constexpr std::string_view name = ""; };
struct NameHasNewline : Base { static constexpr std::string_view name = "a\nb"; };

}  // namespace outer
struct Global : outer::Base {};

namespace {

namespace det = kfm_det;
using det::operation_name;
using det::detail::last_identifier;
using plans::refusal;

// A golden table: what a plan says must not depend on who compiled it.
static_assert(operation_name<Global> == "Global");
static_assert(operation_name<outer::Plain> == "Plain");
static_assert(operation_name<outer::Inline> == "Inline");
static_assert(operation_name<outer::Anonymous> == "Anonymous");
static_assert(operation_name<outer::Enclosing::Inner> == "Inner");
static_assert(operation_name<outer::Alias> == "Inner");
static_assert(operation_name<outer::Template<int>::Member> == "Member");
static_assert(operation_name<outer::Template<outer::Enclosing>::Member> == "Member");
static_assert(operation_name<outer::Named<int>> == "named-template");
static_assert(operation_name<outer::Text> == "as a char pointer");
static_assert(operation_name<outer::With_Underscore_9> == "With_Underscore_9");
static_assert(operation_name<decltype(outer::local())> == "Local");
static_assert(operation_name<decltype(outer::local_of<int>())> == "LocalOfTemplate");
// No name that all compilers agree on: ask for one.
static_assert(operation_name<outer::Template<int>>.empty());
static_assert(operation_name<outer::Unnamed>.empty());
static_assert(operation_name<int>.empty());
static_assert(operation_name<const outer::Plain>.empty());
static_assert(operation_name<outer::NameIsAFunction>.empty());
static_assert(operation_name<outer::NameIsANumber>.empty());
static_assert(operation_name<outer::NameIsEmpty>.empty());
static_assert(det::Operation<outer::Plain> && det::Operation<outer::Named<int>> && det::Operation<outer::Text>);
static_assert(!det::Operation<outer::Template<int>> && !det::Operation<outer::NameIsAFunction> && !det::Operation<outer::NameHasNewline>);

// What the three compilers write.
static_assert(last_identifier("constexpr const char* kfm_det::detail::signature_of() [with O = a::{anonymous}::Read]") == "Read");
static_assert(last_identifier("const char *kfm_det::detail::signature_of() [O = a::(anonymous namespace)::Read]") == "Read");
static_assert(last_identifier("f() [O = Read]") == "Read");
static_assert(last_identifier("f() [with O = a::local<int>()::Read]") == "Read");
static_assert(last_identifier("f() [O = a::Tmpl<b::Read>]").empty());
static_assert(last_identifier("f() [O = a::Tmpl<int>::Read]") == "Read");
static_assert(last_identifier("f() [O = const Read]").empty());
static_assert(last_identifier("f() [O = Read *]").empty());
static_assert(last_identifier("f() [O = (lambda at x.cpp:9:20)]").empty());
static_assert(last_identifier("f() [with O = main()::<lambda()>]").empty());
static_assert(last_identifier("f() [with O = <unnamed struct>]").empty());
static_assert(last_identifier("f() [O = \xc3\xa9x]").empty());
static_assert(last_identifier("f() [O = x\xc3\xa9]").empty());
static_assert(last_identifier("f() [O = a$b]").empty());
static_assert(last_identifier("").empty());
static_assert(last_identifier("]").empty());
static_assert(last_identifier("Read]").empty());
static_assert(last_identifier("= Read]").empty());
static_assert(last_identifier("O = Read").empty());

struct Repeat {
  struct Params { std::string text; std::uint64_t times = 0; };
  static det::result<det::Output> run(const Params& params, det::StepContext&) {
    std::string out;
    for (std::uint64_t i = 0; i < params.times; ++i) out += params.text;
    return det::Output::publish("key", out);
  }
};
KFM_DET_DESCRIBE(Repeat::Params, text, times)

struct Throws {
  struct Params { std::string what; };
  static det::result<det::Output> run(const Params& params, det::StepContext&) {
    if (params.what == "memory") throw std::bad_alloc();
    if (params.what == "length") throw std::length_error("too long");
    if (params.what == "number") throw 42;
    throw std::runtime_error(params.what);
  }
};
KFM_DET_DESCRIBE(Throws::Params, what)

struct Fails {
  struct Params {};
  static det::result<det::Output> run(const Params&, det::StepContext&) { return det::Error(det::errc::unavailable, "the raster service is away", "tile 7", "Try again."); }
};
KFM_DET_DESCRIBE(Fails::Params)

using List = det::Operations<Repeat, Throws, Fails, outer::Named<int>>;
static_assert(List::contains<Repeat> && List::contains<outer::Named<int>> && !List::contains<outer::Named<char>> && !List::contains<outer::Plain>);
static_assert(List::names[0] == "Repeat" && List::names[3] == "named-template");
static_assert(det::Operations<>::names.empty());

/// The context is only passed on: nothing here looks at it.
det::StepContext& nobody() {
  static char place;
  return reinterpret_cast<det::StepContext&>(place);
}
det::result<det::Output> run(std::string_view name, const char* params) { return det::run_operation<List>(name, det::parse_json(params).value(), nobody()); }

}  // namespace

TEST_CASE("a recorded step finds its operation and its params") {
  const auto out = run("Repeat", R"({"text":"ab","times":3})");
  REQUIRE(out);
  CHECK(out.value().business_key.text == "key");
  CHECK(std::get<det::Bytes>(out.value().bytes) == "ababab");
  CHECK(run("named-template", "{}").has_value());
}

TEST_CASE("an operation that the program does not have") {
  CHECK(run("repeat", "{}").error().message() ==
        "leftover_step: the plan has an operation that this program does not have (repeat). Run it with the version that planned it, or add the operation to Operations<...>.");
  CHECK(refusal(run("", "{}")) == "leftover_step | ");
  CHECK(refusal(run("Named", "{}")) == "leftover_step | Named");
  CHECK(refusal(run("Repeat\n", "{}")) == "leftover_step | Repeat\\x0a");
  CHECK(refusal(det::run_operation<det::Operations<>>("Repeat", det::Json::object(), nobody())) == "leftover_step | Repeat");
}

TEST_CASE("params of another shape name the operation and the field") {
  CHECK(refusal(run("Repeat", R"({"text":"ab"})")) == "invalid_json | Repeat: params: times");
  CHECK(refusal(run("Repeat", R"({"text":"ab","times":-1})")) == "invalid_json | Repeat: params: times");
  CHECK(refusal(run("Repeat", R"({"more":1,"text":"ab","times":1})")) == "invalid_json | Repeat: params: more");
  CHECK(refusal(run("Repeat", "[]")).starts_with("invalid_json | Repeat: params"));
  CHECK(refusal(run("Fails", R"({"x":1})")) == "invalid_json | Fails: params: x");
  CHECK(run("Repeat", "{}").error().remedy() == "Run it with the version that planned it; a change of Params needs a new version.");
}

TEST_CASE("what an operation answers is passed on, with its name in front") {
  const auto out = run("Fails", "{}");
  REQUIRE_FALSE(out);
  CHECK(out.error().message() == "unavailable: the raster service is away (Fails: tile 7). Try again.");
  CHECK(out.error().retry() == det::Retry::temporary);
}

TEST_CASE("what an operation throws is errc::operation_threw") {
  const auto thrown = [](const char* params) { return run("Throws", params).error(); };
  CHECK(thrown(R"({"what":"no such column"})").message() == "operation_threw: it threw: no such column (Throws). Catch it and return an Error that says what to do.");
  CHECK(thrown(R"({"what":"no such column"})").retry() == det::Retry::permanent);
  CHECK(thrown(R"({"what":"length"})").what() == "it threw: too long");
  CHECK(thrown(R"({"what":"number"})").what() == "it threw: something that is not a std::exception");
  CHECK(thrown(R"({"what":"memory"})").what() == "it threw: out of memory");
  CHECK(thrown(R"({"what":"memory"})").code() == det::errc::operation_threw);
  CHECK(thrown(R"({"what":"memory"})").retry() == det::Retry::temporary);
  CHECK(thrown(R"({"what":"line\nbreak"})").what() == "it threw: line\\x0abreak");
}
