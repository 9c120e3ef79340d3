// SPDX-License-Identifier: BSL-1.0
/// \file
/// check_sink_on_disk: a file-backed sink on the simulated disk, in every state that a crash can leave.
///
///   template <class Fs> struct FileSinkOnDisk {                                   // everything that it needs
///     using Sink = FileSink<Fs>;
///     static constexpr SinkClaims claims = Sink::claims;
///     result<Sink> open(Fs& fs) { return Sink::open("/sink", {}, fs); }
///   };
///   Report report = check_sink_on_disk<FileSinkOnDisk>();
///
/// Asked: what was answered is there, byte for byte; a request that was not answered is there whole or not at all (without the claim atomic_batch: in
/// whole effects); floor and head are durable before the first effect (SINK-6, SINK-7); the request sent again ends in the model's state; and all that
/// also when the power goes a second time while the sink opens, and when calls fail. Claim survives_power_loss = false: only kills of the process.
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_CHECK_SINK_ON_DISK_HPP
#define KFM_DET_CONFORMANCE_CHECK_SINK_ON_DISK_HPP

#include <concepts>
#include <memory>
#include <utility>

#include "kfm_det/conformance/detail/sink_on_disk.hpp"

namespace kfm_det::conformance {

namespace sink_fixture_clause {
template <class F> concept opens_on_disk = requires(F& fixture, simulate::Disk& disk) { typename F::Sink; { fixture.open(disk) } -> std::same_as<result<typename F::Sink>>; };
}  // namespace sink_fixture_clause

/// Says in sentences which clauses F, a Fixture<simulate::Disk>, misses, all of them at once.
template <class F>
consteval bool diagnose_sink_disk_fixture() {
  using namespace sink_fixture_clause;
  static_assert(default_made<F>, "kfm_det sink fixture on a disk: must be default constructible");
  static_assert(has_sink<F>, "kfm_det sink fixture on a disk: needs `using Sink = ...`, a SinkPolicy over the file system (diagnose_sink<Sink>() says what it misses)");
  static_assert(has_claims<F>, "kfm_det sink fixture on a disk: needs `static constexpr SinkClaims claims`");
  static_assert(opens_on_disk<F>, "kfm_det sink fixture on a disk: needs `result<Sink> open(Fs&)`: a sink on that file system, the same one again when it is called again");
  return default_made<F> && has_sink<F> && has_claims<F> && opens_on_disk<F>;
}

template <class Fixture>
class TypedSinkDiskBench final : public SinkDiskBench {
  static_assert(diagnose_sink_disk_fixture<Fixture>());

 public:
  TypedSinkDiskBench() { claims = Fixture::claims; }
  result<std::unique_ptr<AnySink>> open(simulate::Disk& disk) override {
    KFM_DET_TRY(auto sink, fixture_.open(disk));
    return std::unique_ptr<AnySink>(std::make_unique<TypedSink<typename Fixture::Sink>>(std::move(sink)));
  }

 private:
  Fixture fixture_;
};

[[nodiscard]] inline Report check_sink_disk_bench(SinkDiskBench& bench, const Options& options) {
  Report report;
  report.check = "check_sink_on_disk";
  report.subject = "sink";
  report.claims = listed(bench.claims);
  Explorer explorer(report, options);
  SinkOnDisk on_disk(bench);
  const std::uint64_t most = options.states_max != 0 ? options.states_max : 400000;
  explorer.run("crashes", {most, 0, "one request; power loss before each changing call, all profiles, 16 fates of each, drawn where there are more; behind newest and oldest a second one while the sink opens, of 3 fates"}, [&](Play& play) { on_disk.crashes(play, 1); });
  explorer.run("faults", {most, 0, "one request; each call fails: io_error, no_space, short writes of nothing, one byte, half and all but one; once or from then on"}, [&](Play& play) { on_disk.faults(play, 1); });
  explorer.run("crashes_of_two", {most, options.cases, "two requests; 8 fates, drawn where there are more"}, [&](Play& play) { on_disk.crashes(play, 2); });
  explorer.run("long_crashes", {0, 5 * std::uint64_t{options.cases}, "up to five requests; 8 fates"}, [&](Play& play) { on_disk.crashes(play, 5); });
  explorer.run("long_faults", {0, 5 * std::uint64_t{options.cases}, "up to four requests"}, [&](Play& play) { on_disk.faults(play, 4); });
  return report;
}

template <template <class> class Fixture>
[[nodiscard]] Report check_sink_on_disk(const Options& options = {}) {
  TypedSinkDiskBench<Fixture<simulate::Disk>> bench;
  return check_sink_disk_bench(bench, options);
}

}  // namespace kfm_det::conformance

#endif
