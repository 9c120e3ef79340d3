// SPDX-License-Identifier: BSL-1.0
/// \file
/// Looks at everything that a sink shows, and says the first thing that is not as the model has it, with the law that it breaks.
///
/// Thread-safety: one thread.
#ifndef KFM_DET_CONFORMANCE_DETAIL_SINK_LOOK_HPP
#define KFM_DET_CONFORMANCE_DETAIL_SINK_LOOK_HPP

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/conformance/sink_fixture.hpp"
#include "kfm_det/conformance/detail/sink_model.hpp"
#include "kfm_det/conformance/detail/sink_words.hpp"

namespace kfm_det::conformance {

struct SinkDifference {
  std::string law, sentence;
};

/// What was never sent, and must not be there.
struct SinkProbes {
  std::vector<EffectId> effects;
  std::vector<IdempotencyKey> versions;
};

class SinkLook {
 public:
  SinkLook(AnySink& sink, const SinkModel& model, const SinkProbes& probes) : sink_(sink), model_(model), probes_(probes) {}

  /// The first difference; none: the sink shows exactly what it must.
  [[nodiscard]] std::optional<SinkDifference> first_difference(Play& play) {
    try {
      effects(play);
      keys(play);
      histories(play);
      versions(play);
      witnesses(play);
    } catch (SinkDifference& found) {
      return std::move(found);
    }
    return std::nullopt;
  }

 private:
  [[noreturn]] static void differs(std::string law, std::string sentence) { throw SinkDifference{std::move(law), std::move(sentence)}; }
  template <class T>
  static const T& value(std::string_view law, std::string_view verb, const result<T>& answer) {
    if (!answer) differs(std::string(law), std::string(verb) + " answers an error: " + answer.error().message());
    return answer.value();
  }
  static std::string shown(const std::optional<EffectId>& effect) { return effect ? sink_words::name_of(*effect) : "nothing"; }

  /// The law that a publication's absence breaks.
  [[nodiscard]] std::string law_of(const EffectId& id) const {
    const SinkModel::Effect& one = model_.effects.at(id);
    if (one.withdrawn && (!one.published || one.withdrawn_first)) return "SINK-4";
    return model_.publication(id).state == PublicationState::current ? "SINK-1" : "SINK-12";
  }
  void same(const EffectId& id, const Publication& got, std::string_view verb) const {
    const Publication expected = model_.publication(id);
    const std::string who = std::string(verb) + ": effect " + sink_words::name_of(id);
    if (got.effect != id) differs("SINK-5", who + " is answered with effect " + sink_words::name_of(got.effect));
    if (got.business_key != expected.business_key) differs("SINK-10", who + " is on " + sink_words::shown(got.business_key.text) + " and not on " + sink_words::shown(expected.business_key.text));
    if (got.order != expected.order) differs("SINK-5", who + " has order " + sink_words::shown(got.order) + " and not " + sink_words::shown(expected.order));
    if (got.run != expected.run) differs("SINK-5", who + " has another run");
    if (got.state != expected.state) {
      const bool took_back = expected.state == PublicationState::withdrawn && model_.effects.at(id).withdrawn_first;
      differs(took_back ? "SINK-4" : "SINK-1", who + " is " + std::string(name(got.state)) + " and not " + std::string(name(expected.state)));
    }
    if (got.tombstone != expected.tombstone) differs("SINK-1", who + (expected.tombstone ? " is a tombstone, which is not told" : " is no tombstone, and is told as one"));
    if (got.version.has_value() != expected.version.has_value()) differs(expected.version ? "SINK-14" : "SINK-5", who + (expected.version ? " has no version" : " has a version, which it must not"));
    if (expected.version) same(*expected.version, *got.version, who);
  }
  static void same(const StoredVersion& expected, const StoredVersion& got, const std::string& who) {
    if (got.key != expected.key) differs("SINK-5", who + ": the version's key is another one");
    if (got.bytes_hash != expected.bytes_hash) differs("SINK-8", who + ": the hash of the bytes is another one");
    if (got.size != expected.size) differs("SINK-8", who + ": the size is " + std::to_string(got.size) + " and not " + std::to_string(expected.size));
    if (!(got.metadata == expected.metadata)) differs("SINK-8", who + ": the metadata does not come back as it came in: " + text_of(got.metadata) + " and not " + text_of(expected.metadata));
  }
  static std::string text_of(const Json& json) {
    auto text = canonical(json);
    return text ? sink_words::shown(text.value(), 200) : "what is no JSON";
  }

  void effects(Play& play) {
    play.asked("SINK-5");
    for (const auto& [id, one] : model_.effects) {
      if (one.withdrawn_first) play.asked("SINK-4");
      const auto answer = sink_.find(id);
      const auto& found = value("SINK-5", "find(effect)", answer);
      if (!found) differs(law_of(id), "effect " + sink_words::name_of(id) + " was accepted, and find() does not know it");
      same(id, *found, "find");
    }
    for (const EffectId& id : probes_.effects) {
      if (model_.effects.contains(id)) continue;
      const auto answer = sink_.find(id);
      if (value("SINK-5", "find(effect)", answer)) differs("SINK-5", "find() knows effect " + sink_words::name_of(id) + ", of which nothing was accepted");
    }
  }
  void keys(Play& play) {
    play.asked("SINK-10");
    std::vector<std::string> listed, expected;
    const auto answer = sink_.keys([&](const BusinessKey& key) -> result<void> { listed.push_back(key.text); return success(); });
    if (!answer) differs("SINK-10", "keys() answers an error: " + answer.error().message());
    for (const auto& [key, owner] : model_.owners) expected.push_back(key);
    if (listed == expected) return;
    std::string text;
    for (const std::string& key : listed) text += " " + sink_words::shown(key);
    for (const std::string& key : expected)
      if (std::find(listed.begin(), listed.end(), key) == listed.end()) differs("SINK-10", "keys() does not list " + sink_words::shown(key) + ":" + text);
    differs("SINK-10", listed.size() > expected.size() ? "keys() lists what was never used, or something twice:" + text : "keys() are not sorted by bytes:" + text);
  }
  void histories(Play& play) {
    play.asked("SINK-1");
    play.asked("SINK-12");
    for (const auto& [key, owner] : model_.owners) {
      std::vector<Publication> got;
      const auto answer = sink_.history({key}, [&](const Publication& one) -> result<void> { got.push_back(one); return success(); });
      if (!answer) differs("SINK-12", "history() answers an error: " + answer.error().message());
      const std::vector<EffectId> expected = model_.history(key);
      std::set<EffectId> seen;
      for (const Publication& one : got) {
        if (!seen.insert(one.effect).second) differs("SINK-2", "history of " + sink_words::shown(key) + " has effect " + sink_words::name_of(one.effect) + " twice");
        const auto there = model_.effects.find(one.effect);
        if (there == model_.effects.end() || there->second.business_key.text != key) differs("SINK-10", "history of " + sink_words::shown(key) + " has effect " + sink_words::name_of(one.effect) + ", which is not of this key");
      }
      for (const EffectId& id : expected)
        if (!seen.contains(id)) differs(law_of(id) == "SINK-4" ? "SINK-4" : "SINK-12", "history of " + sink_words::shown(key) + " has lost effect " + sink_words::name_of(id));
      for (std::size_t i = 0; i < expected.size(); ++i) {
        if (got[i].effect != expected[i]) differs("SINK-1", "history of " + sink_words::shown(key) + " is not by order: effect " + sink_words::name_of(got[i].effect) + " stands where " + sink_words::name_of(expected[i]) + " belongs");
        same(expected[i], got[i], "history");
      }
      const auto current = sink_.current({key});
      const auto& is = value("SINK-1", "current()", current);
      const auto must = model_.current(key);
      if ((is ? std::optional(is->effect) : std::nullopt) != must)
        differs("SINK-1", "current of " + sink_words::shown(key) + " is " + (is ? sink_words::name_of(is->effect) : "nothing") + " and not " + shown(must));
      if (is) same(*must, *is, "current");
      if (sink_.tells_scopes()) {
        play.asked("SINK-9");
        const auto scope = sink_.scope_of({key});
        if (value("SINK-9", "scope_of()", scope) != owner) differs("SINK-9", "scope_of " + sink_words::shown(key) + " is not the first scope that used it");
      }
    }
    static const BusinessKey unknown{"a key that nobody used"};
    const auto none = sink_.current(unknown);
    if (value("SINK-1", "current()", none)) differs("SINK-1", "a key that nobody used has a current publication");
    bool any = false;
    const auto empty = sink_.history(unknown, [&](const Publication&) -> result<void> { any = true; return success(); });
    if (!empty || any) differs("SINK-12", "a key that nobody used has a history");
  }
  void versions(Play& play) {
    play.asked("SINK-8");
    play.asked("SINK-14");
    for (const auto& [key, one] : model_.versions) {
      const std::string who = "version of " + sink_words::shown(one.bytes);
      const auto answer = sink_.find(key);
      const auto& found = value("SINK-14", "find(key)", answer);
      if (!found) differs("SINK-14", who + " was accepted, and find() does not know it");
      same(StoredVersion{key, one.bytes_hash, one.bytes.size(), one.metadata}, *found, who);
      Bytes bytes;
      const auto read = sink_.read(key, [&](BytesView piece) -> result<void> { bytes += piece; return success(); });
      if (!read) differs(read.error().code() == errc::not_found ? "SINK-14" : "SINK-8", who + " cannot be read: " + read.error().message());
      if (bytes != one.bytes) differs("SINK-8", who + " is read as " + sink_words::shown(bytes));
    }
    for (const IdempotencyKey& key : probes_.versions) {
      if (model_.versions.contains(key)) continue;
      const auto answer = sink_.find(key);
      if (value("SINK-14", "find(key)", answer)) differs("SINK-14", "find() knows a version that was never accepted");
      const auto read = sink_.read(key, [](BytesView) -> result<void> { return success(); });
      if (read || read.error().code() != errc::not_found) differs("SINK-14", "read() of a version that was never accepted is not errc::not_found");
    }
  }
  void witnesses(Play& play) {
    play.asked("SINK-7");
    for (const auto& [stream, head] : model_.witnesses) {
      const auto answer = sink_.witness(stream);
      if (value("SINK-7", "witness()", answer) != head) differs("SINK-7", "the witness is " + sink_words::shown(answer.value()) + " and not " + sink_words::shown(head));
    }
    const StreamId unknown{"nobody@nowhere"};
    const auto answer = sink_.witness(unknown);
    const Head& none = value("SINK-7", "witness()", answer);
    if (none.lsn != 0 || none.stream != unknown) differs("SINK-7", "the witness of a stream that nobody wrote is not lsn 0 of that stream");
  }

  AnySink& sink_;
  const SinkModel& model_;
  const SinkProbes& probes_;
};

}  // namespace kfm_det::conformance

#endif
