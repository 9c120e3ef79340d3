// SPDX-License-Identifier: BSL-1.0
/// \file
/// check_file_system: does a FileSystem keep FS-1 to FS-12? One fixture, one call:
///
///   struct NetFileSystemFixture {
///     using FileSystem = acme::NetFileSystem;
///     static constexpr bool on_this_machine = true;
///     FileSystem open() { return {}; }
///     std::string folder() { return scratch.path(); }
///     void wipe() { scratch.empty(); }
///     acme::ScratchDirectory scratch;
///   };
///   KFM_DET_CONFORMANCE_FILE_SYSTEM(NetFileSystemFixture)
///
/// What a fixture may have beside open() and folder(), the path of a folder that is there and empty behind wipe():
///   on_this_machine      static constexpr bool: its verbs are system calls of the calling thread. Then the kit forks for processes that die, and watches
///                        and fails these calls (simulate/system_calls.hpp), also by signals. Left out for what is simulated, or goes by io_uring.
///   crash()              the power goes: what is not durable may be lost. Handles from before are not used again
///   other_process()      a FileSystem as another process has it, and end_other_process(): that process dies. For what is not on this machine.
///
/// Thread-safety: one check at a time for each fixture type; one part calls a file system from several threads.
#ifndef KFM_DET_CONFORMANCE_CHECK_FILE_SYSTEM_HPP
#define KFM_DET_CONFORMANCE_CHECK_FILE_SYSTEM_HPP

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "kfm_det/conformance/detail/any_file_system.hpp"
#include "kfm_det/conformance/detail/file_calls.hpp"
#include "kfm_det/conformance/detail/file_locks.hpp"
#include "kfm_det/conformance/detail/file_parts.hpp"
#include "kfm_det/conformance/registry.hpp"
#include "kfm_det/conformance/report.hpp"

namespace kfm_det::conformance {

namespace file_system_fixture_clause {
template <class F> concept default_made = std::is_default_constructible_v<F>;
template <class F> concept names_file_system = requires { typename F::FileSystem; };
template <class F> concept opens = requires(F& fixture) { { fixture.open() } -> std::same_as<typename F::FileSystem>; };
template <class F> concept has_folder = requires(F& fixture) { { fixture.folder() } -> std::convertible_to<std::string>; };
template <class F> concept wipes = requires(F& fixture) { fixture.wipe(); };
template <class F> concept says_where = !requires { F::on_this_machine; } || requires { requires std::same_as<decltype(F::on_this_machine), const bool>; };
template <class F> concept crashes_well = !requires { &F::crash; } || requires(F& fixture) { fixture.crash(); };
template <class F> concept has_processes = requires(F& fixture) { { fixture.other_process() } -> std::same_as<typename F::FileSystem>; fixture.end_other_process(); };
template <class F> concept processes_well = !requires { &F::other_process; } || has_processes<F>;
}  // namespace file_system_fixture_clause

/// Says in sentences which clauses F misses, all of them at once.
template <class F>
consteval bool diagnose_file_system_fixture() {
  using namespace file_system_fixture_clause;
  static_assert(default_made<F>, "kfm_det file system fixture: must be default constructible; the kit makes it");
  static_assert(names_file_system<F>, "kfm_det file system fixture: needs `using FileSystem = ...`, the type under test");
  static_assert(opens<F>, "kfm_det file system fixture: needs `FileSystem open()`; each call means the same disk");
  static_assert(has_folder<F>, "kfm_det file system fixture: needs `std::string folder()`, the path of a folder that is there and may be used");
  static_assert(wipes<F>, "kfm_det file system fixture: needs `void wipe()`: the folder is there and empty behind it");
  static_assert(says_where<F>, "kfm_det file system fixture: `on_this_machine` must be a `static constexpr bool`");
  static_assert(crashes_well<F>, "kfm_det file system fixture: crash() takes no argument");
  static_assert(processes_well<F>, "kfm_det file system fixture: other_process() gives a FileSystem, and goes with `void end_other_process()`");
  if constexpr (names_file_system<F>)
    return diagnose_file_system<typename F::FileSystem>() && default_made<F> && opens<F> && has_folder<F> && wipes<F> && says_where<F> && crashes_well<F> && processes_well<F>;
  else return false;
}

namespace detail {

template <class F>
class TypedFileSystemBench final : public FileSystemBench {
 public:
  using Fs = typename F::FileSystem;
  TypedFileSystemBench() {
    if constexpr (requires { F::on_this_machine; }) on_this_machine = F::on_this_machine;
    can_crash = requires(F& fixture) { fixture.crash(); };
    has_processes = file_system_fixture_clause::has_processes<F>;
  }
  void wipe() override { fixture_.wipe(); }
  FileSystemPtr open() override { return std::make_unique<ErasedFileSystem<Fs>>(fixture_.open()); }
  std::string folder() override { return fixture_.folder(); }
  void crash() override {
    if constexpr (requires { fixture_.crash(); }) fixture_.crash();
  }
  FileSystemPtr other_process() override {
    if constexpr (file_system_fixture_clause::has_processes<F>) return std::make_unique<ErasedFileSystem<Fs>>(fixture_.other_process());
    else return nullptr;
  }
  void end_other_process() override {
    if constexpr (file_system_fixture_clause::has_processes<F>) fixture_.end_other_process();
  }

 private:
  F fixture_;
};

inline void run_check_file_system(FileSystemBench& bench, Report& report, const Options& options) {
  Explorer explorer(report, options);
  check_names(explorer, options, bench);
  check_contents(explorer, options, bench);
  check_locks(explorer, options, bench);
  check_races(explorer, options, bench);
  if (bench.can_crash) check_power(explorer, options, bench);
  else report.bounds.push_back("power: left out, the fixture has no crash()" + std::string(bench.on_this_machine ? "; that a sync reaches the kernel is asked of its calls" : ""));
  if (!bench.on_this_machine) report.bounds.push_back("calls: left out, the fixture is not on_this_machine");
  else if (!simulate::SystemCalls::available()) report.bounds.push_back("calls: left out, this machine does not let a process watch its own system calls");
  else check_calls(explorer, bench);
}

}  // namespace detail

template <class Fixture>
[[nodiscard]] Report check_file_system(const Options& options = {}) {
  Report report;
  report.check = "check_file_system";
  if constexpr (diagnose_file_system_fixture<Fixture>()) {
    detail::TypedFileSystemBench<Fixture> bench;
    report.claims = {{"on_this_machine", bench.on_this_machine}};
    detail::run_check_file_system(bench, report, options);
  }
  return report;
}

}  // namespace kfm_det::conformance

#endif
