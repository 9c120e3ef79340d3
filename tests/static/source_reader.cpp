// SPDX-License-Identifier: BSL-1.0
/// \file
/// The truth table of the source reader contract.
#include "kfm_det/contracts/source_reader.hpp"

#include <array>
#include <span>
#include <string>
#include <type_traits>

#include "table.hpp"

namespace {

namespace det = kfm_det;
using det::result;
using table::How;

enum class Clause { describes, has_source, opens, source_reads, none };

template <class R>
consteval std::array<bool, 4> holds() {
  using namespace det::source_reader_clause;
  return {describes<R>, has_source<R>, opens<R>, source_reads<R>};
}

template <Clause C, How H>
struct SourceModel {
  result<std::size_t> read(std::span<char>) requires(C != Clause::source_reads);
  std::size_t read(std::span<char>) requires(C == Clause::source_reads && H == How::wrong);  // an error would be the end
};

template <Clause C, How H>
struct Model {
  using Source = SourceModel<C, H>;
  template <Clause Verb> static constexpr bool good = C != Verb;
  template <Clause Verb> static constexpr bool wrong = C == Verb && H == How::wrong;

  result<det::SourceRef> describe(const std::string&) requires(good<Clause::describes>);
  result<det::ContentHash> describe(const std::string&) requires(wrong<Clause::describes>);
  result<Source> open(const std::string&) requires(good<Clause::opens>);
  Source open(const std::string&) requires(wrong<Clause::opens>);
};
using Archetype = Model<Clause::none, How::wrong>;
static_assert(table::fails_only<Clause>(holds<Archetype>(), {}));
static_assert(table::fails_only<Clause>(holds<det::MemorySourceReader>(), {}));
static_assert(det::SourceReaderPolicy<Archetype>);
static_assert(det::diagnose_source_reader<Archetype>() && det::diagnose_source_reader<det::MemorySourceReader>());

FAILS_ALONE(det::SourceReaderPolicy, Model, describes);
FAILS_ALONE(det::SourceReaderPolicy, Model, opens);
FAILS_ALONE(det::SourceReaderPolicy, Model, source_reads);

struct NoSource {
  result<det::SourceRef> describe(const std::string&);
};
static_assert(table::fails_only(holds<NoSource>(), {Clause::has_source, Clause::opens, Clause::source_reads}));
struct FixedSource : NoSource {
  struct Source {
    Source(Source&&) = delete;
    result<std::size_t> read(std::span<char>);
  };
};
static_assert(table::fails_only(holds<FixedSource>(), {Clause::has_source, Clause::opens}));
static_assert(!det::SourceReaderPolicy<NoSource> && !det::SourceReaderPolicy<FixedSource>);

// The view that plan types see is one type, whatever the reader.
static_assert(std::is_base_of_v<det::SourceReader, det::SourceReaderView<det::MemorySourceReader>>);

}  // namespace
