// SPDX-License-Identifier: BSL-1.0
/// \file
/// The truth table of the file system contract.
#include "kfm_det/contracts/file_system.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "table.hpp"

namespace {

namespace det = kfm_det;
using det::result;
using table::How;

enum class Clause {
  copyable, has_file, has_mapping, opens, creates, reads, writes, maps, syncs, syncs_directory, truncates, sizes, allocates, exists, renames,
  renames_no_replace, removes, lists, makes_directory, locks, probes_lock, tells_block_size, none,
};

template <class F>
consteval std::array<bool, 22> holds() {
  using namespace det::file_system_clause;
  return {copyable<F>,  has_file<F>,           has_mapping<F>, opens<F>, creates<F>,         reads<F>, writes<F>,      maps<F>,
          syncs<F>,     syncs_directory<F>,    truncates<F>,   sizes<F>, allocates<F>,       exists<F>, renames<F>,    renames_no_replace<F>,
          removes<F>,   lists<F>,              makes_directory<F>, locks<F>, probes_lock<F>, tells_block_size<F>};
}

struct MoveOnly {
  MoveOnly(MoveOnly&&) = default;
};
struct Empty {};

template <Clause C, How H>
struct MappingModel {
  det::BytesView bytes() const requires(C != Clause::has_mapping);
  std::vector<std::byte> bytes() const requires(C == Clause::has_mapping && H == How::wrong);
};

template <Clause C, How H>
struct Model : std::conditional_t<C == Clause::copyable, MoveOnly, Empty> {
  template <Clause Verb> static constexpr bool good = C != Verb;
  template <Clause Verb> static constexpr bool wrong = C == Verb && H == How::wrong;
  using Path = const std::string&;
  struct File {};
  using Mapping = MappingModel<C, H>;

  result<File> open(Path, det::OpenMode) requires(good<Clause::opens>);
  result<File> open(Path) requires(wrong<Clause::opens>);
  result<File> create_exclusive(Path) requires(good<Clause::creates>);
  result<bool> create_exclusive(Path) requires(wrong<Clause::creates>);
  result<std::size_t> read(File&, std::uint64_t, std::span<char>) requires(good<Clause::reads>);
  result<void> read(File&, std::uint64_t, std::span<char>) requires(wrong<Clause::reads>);
  result<std::size_t> write(File&, std::uint64_t, det::BytesView) requires(good<Clause::writes>);
  result<void> write(File&, std::uint64_t, det::BytesView) requires(wrong<Clause::writes>);  // cannot say that it was short
  result<Mapping> map(File&) requires(good<Clause::maps>);
  Mapping map(File&) requires(wrong<Clause::maps>);
  result<void> sync(File&) requires(good<Clause::syncs>);
  void sync(File&) requires(wrong<Clause::syncs>);
  result<void> sync_directory(Path) requires(good<Clause::syncs_directory>);
  bool sync_directory(Path) requires(wrong<Clause::syncs_directory>);
  result<void> truncate(File&, std::uint64_t) requires(good<Clause::truncates>);
  result<void> truncate(File&) requires(wrong<Clause::truncates>);
  result<std::uint64_t> size(File&) requires(good<Clause::sizes>);
  result<std::int32_t> size(File&) requires(wrong<Clause::sizes>);
  result<void> allocate(File&, std::uint64_t) requires(good<Clause::allocates>);
  result<bool> allocate(File&, std::uint64_t) requires(wrong<Clause::allocates>);
  result<bool> exists(Path) requires(good<Clause::exists>);
  bool exists(Path) requires(wrong<Clause::exists>);  // an error would be "no"
  result<void> rename(Path, Path) requires(good<Clause::renames>);
  result<bool> rename(Path, Path) requires(wrong<Clause::renames>);
  result<void> rename_no_replace(Path, Path) requires(good<Clause::renames_no_replace>);
  result<bool> rename_no_replace(Path, Path) requires(wrong<Clause::renames_no_replace>);
  result<void> remove(Path) requires(good<Clause::removes>);
  void remove(Path) requires(wrong<Clause::removes>);
  result<std::vector<std::string>> list(Path) requires(good<Clause::lists>);
  std::vector<std::string> list(Path) requires(wrong<Clause::lists>);
  result<void> make_directory(Path) requires(good<Clause::makes_directory>);
  result<bool> make_directory(Path) requires(wrong<Clause::makes_directory>);
  result<bool> lock(File&) requires(good<Clause::locks>);
  result<void> lock(File&) requires(wrong<Clause::locks>);  // it would have to wait
  result<bool> locked_elsewhere(File&) requires(good<Clause::probes_lock>);
  bool locked_elsewhere(File&) requires(wrong<Clause::probes_lock>);
  result<std::uint64_t> block_size(Path) requires(good<Clause::tells_block_size>);
  std::uint64_t block_size(Path) requires(wrong<Clause::tells_block_size>);
};
using Archetype = Model<Clause::none, How::wrong>;
static_assert(table::fails_only<Clause>(holds<Archetype>(), {}));
static_assert(det::FileSystem<Archetype>);
static_assert(det::diagnose_file_system<Archetype>());

FAILS_WHEN_WRONG(det::FileSystem, Model, copyable);
FAILS_ALONE(det::FileSystem, Model, has_mapping);
FAILS_ALONE(det::FileSystem, Model, opens);
FAILS_ALONE(det::FileSystem, Model, creates);
FAILS_ALONE(det::FileSystem, Model, reads);
FAILS_ALONE(det::FileSystem, Model, writes);
FAILS_ALONE(det::FileSystem, Model, maps);
FAILS_ALONE(det::FileSystem, Model, syncs);
FAILS_ALONE(det::FileSystem, Model, syncs_directory);
FAILS_ALONE(det::FileSystem, Model, truncates);
FAILS_ALONE(det::FileSystem, Model, sizes);
FAILS_ALONE(det::FileSystem, Model, allocates);
FAILS_ALONE(det::FileSystem, Model, exists);
FAILS_ALONE(det::FileSystem, Model, renames);
FAILS_ALONE(det::FileSystem, Model, renames_no_replace);
FAILS_ALONE(det::FileSystem, Model, removes);
FAILS_ALONE(det::FileSystem, Model, lists);
FAILS_ALONE(det::FileSystem, Model, makes_directory);
FAILS_ALONE(det::FileSystem, Model, locks);
FAILS_ALONE(det::FileSystem, Model, probes_lock);
FAILS_ALONE(det::FileSystem, Model, tells_block_size);

// Without a File, or without a Mapping, the verbs that take or give one cannot be there either.
using Path = const std::string&;
struct ByName {
  result<void> sync_directory(Path);
  result<bool> exists(Path);
  result<void> rename(Path, Path);
  result<void> rename_no_replace(Path, Path);
  result<void> remove(Path);
  result<std::vector<std::string>> list(Path);
  result<void> make_directory(Path);
  result<std::uint64_t> block_size(Path);
};
struct NoFile : ByName {
  using Mapping = MappingModel<Clause::none, How::wrong>;
};
static_assert(table::fails_only(holds<NoFile>(), {Clause::has_file, Clause::opens, Clause::creates, Clause::reads, Clause::writes, Clause::maps, Clause::syncs, Clause::truncates,
                                                  Clause::sizes, Clause::allocates, Clause::locks, Clause::probes_lock}));
struct NoMapping : Archetype {
 private:
  using Mapping = void;  // hides the model's
};
static_assert(table::fails_only(holds<NoMapping>(), {Clause::has_mapping, Clause::maps}));

}  // namespace
