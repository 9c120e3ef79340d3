// SPDX-License-Identifier: BSL-1.0
/// \file
/// The part of check_sink in which answers are lost: a request was executed and its answer did not come, never arrived, or arrives behind later ones. Whoever
/// sends it again, in any order, ends where the set of all requests ends (SINK-1, 2, 4); what comes late is fenced as ever (SINK-6).
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_SINK_AMBIGUOUS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_SINK_AMBIGUOUS_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/sink_world.hpp"
#include "kfm_det/simulate/ambiguous.hpp"

namespace kfm_det::conformance {

/// The fixture's sinks, each at the end of a wire.
class SinkBenchOverWire final : public SinkBench {
 public:
  SinkBenchOverWire(SinkBench& real, std::shared_ptr<simulate::Wire> wire) : real_(real), wire_(std::move(wire)) {
    claims = real.claims;
    can_crash = real.can_crash;
    can_damage = real.can_damage;
    can_stage = real.can_stage;
  }
  result<std::unique_ptr<AnySink>> open() override {
    auto sink = real_.open();
    if (!sink && wire_->under_way() != 0 && before_second_) {   // one opener: what is under way has kept the first one open
      before_second_();
      sink = real_.open();
    }
    if (!sink) return sink.error();
    return std::unique_ptr<AnySink>(std::make_unique<Remote>(std::shared_ptr<AnySink>(std::move(sink).value()), wire_));
  }
  void wipe() override { real_.wipe(); }
  void crash() override { real_.crash(); }
  void damage(const IdempotencyKey& key) override { real_.damage(key); }
  result<std::string> stage(BytesView bytes) override { return real_.stage(bytes); }
  /// What has to arrive before a sink for one opener can be opened again.
  void before_second(std::function<void()> arrives) { before_second_ = std::move(arrives); }

 private:
  class Remote final : public TypedSink<simulate::AmbiguousSink<AnySink>> {
   public:
    Remote(const std::shared_ptr<AnySink>& sink, std::shared_ptr<simulate::Wire> wire) : TypedSink(simulate::AmbiguousSink<AnySink>(sink, std::move(wire))), tells_scopes_(sink->tells_scopes()) {}
    [[nodiscard]] bool tells_scopes() const override { return tells_scopes_; }

   private:
    bool tells_scopes_;
  };
  SinkBench& real_;
  std::shared_ptr<simulate::Wire> wire_;
  std::function<void()> before_second_;
};

namespace sink_parts {

inline void lost_answers(Play& play, SinkBench& real, int steps) {
  using namespace sink_words;
  using Loss = simulate::Wire::Loss;
  std::uint32_t losses_left = 2;
  bool sending = false;
  Loss last = Loss::none;
  const auto wire = std::make_shared<simulate::Wire>([&]() -> Loss {
    if (!sending || losses_left == 0) return Loss::none;
    last = static_cast<Loss>(play.pick(simulate::Wire::losses));
    losses_left -= last != Loss::none ? 1 : 0;
    constexpr std::string_view words[] = {"", "its answer is lost", "it never arrives", "it arrives later"};
    if (last != Loss::none) play.reach("lost: " + std::string(words[static_cast<std::size_t>(last)]));
    return last;
  });
  SinkBenchOverWire bench(real, wire);
  SinkWorld world(play, bench);
  world.lost = [&] { return last; };
  const auto arrives = [&] {
    play.tell("what was under way arrives");
    (void)wire->deliver();
    world.something_arrived();
  };
  bench.before_second(arrives);
  const std::vector<Request> letters{
      upsert("a", {1, 2}, "k", fresh("A")), withdrawal("a", {1, 2}, "k"), std::vector{upsert("b", {1, 3}, "k", fresh("B")), upsert("c", {1, 3}, "l", fresh("A"))},
      upsert("s", {1, 4}, "l", StoredKey{key_of("A")}), upsert("t", {2, 1}, "k", Tombstone{}),
  };
  const auto count = static_cast<std::uint32_t>(letters.size());
  std::uint64_t token = 1;
  const auto owner = [](std::uint64_t of) { return tenure(of, of % 2 == 1 ? "ann" : "bob"); };
  for (int step = 0; step < steps; ++step) {
    const std::uint32_t letter = play.pick(count + 4);
    if (letter == 0) break;
    sending = true;
    const auto at = head(1, static_cast<Lsn>(step + 1));
    if (letter <= count) (void)world.send(owner(token), at, letters[letter - 1]);
    else if (letter == count + 1) world.begin(owner(++token), StreamId::of(scope()));
    sending = false;
    if (letter == count + 2) world.reopen();
    if (letter == count + 3 && wire->under_way() != 0) arrives();
    world.compare();
  }
  losses_left = 0;
  if (wire->under_way() != 0) arrives();
  world.compare();
  for (const Request& one : letters) (void)world.send(owner(token), head(1, 9), one);   // nobody knows what was done: all of it again
  world.compare();
  world.probe_floors();
}

}  // namespace sink_parts

}  // namespace kfm_det::conformance

#endif
