// SPDX-License-Identifier: BSL-1.0
/// \file
/// Registry: the checks that a program runs, named by macros, one line for each backend.
///
///   KFM_DET_CONFORMANCE_STORE(RocksFixture)                // check_store<RocksFixture>
///   KFM_DET_CONFORMANCE_STORE_ON_DISK(RocksOnDisk)         // check_store_on_disk<RocksOnDisk>: a template over the file system
///
/// The leaf that the program includes decides what becomes of them: conformance/main.hpp runs them from a command line, conformance/catch2.hpp and
/// conformance/gtest.hpp make test cases. Include the header of each check beside this one. Thread-safety: registration happens before main().
#ifndef KFM_DET_CONFORMANCE_REGISTRY_HPP
#define KFM_DET_CONFORMANCE_REGISTRY_HPP

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/conformance/laws.hpp"
#include "kfm_det/conformance/report.hpp"

namespace kfm_det::conformance {

struct RegisteredCheck {
  std::string check, subject;
  Report (*play)(const Options&) = nullptr;
  /// Plays it under the fixture's name. Nothing is thrown: what the fixture lets out before the first part, or between parts, breaks VERB-1.
  [[nodiscard]] Report operator()(const Options& options) const {
    Report report;
    try {
      report = play(options);
    } catch (...) {
      report = failed(what_was_broken(), "(none: it came before the first part, or between two)");
    }
    report.subject = subject;
    return report;
  }
  /// The report while it is played: what is left of one that ends its process.
  [[nodiscard]] Report unfinished() const {
    Report report = failed({"VERB-1", "the process ended while this check was played"}, "(on the error output of the program, where a signal ended it)");
    report.subject = subject;
    return report;
  }

 private:
  [[nodiscard]] Report failed(BrokenLaw law, std::string reproducer) const {
    Report report;
    report.check = check;
    report.laws[law.law] = 1;
    report.violations.push_back({law.law, std::move(law.sentence), "", std::move(reproducer), std::string(usual_cause(law.law)), 0});
    return report;
  }
};

[[nodiscard]] inline std::vector<RegisteredCheck>& registry() {
  static std::vector<RegisteredCheck> all;
  return all;
}
namespace detail {
using OnRegistration = void (*)(const RegisteredCheck&);
[[nodiscard]] inline OnRegistration& on_registration() {
  static OnRegistration hook = nullptr;
  return hook;
}
}  // namespace detail
/// For a leaf whose tests must be known before main(): calls `hook` for each check, those that are registered by now and those that will be.
inline void for_each_registration(detail::OnRegistration hook) {
  for (const RegisteredCheck& check : registry()) hook(check);
  detail::on_registration() = hook;
}
struct Registration {
  Registration(std::string check, std::string subject, Report (*play)(const Options&)) {
    registry().push_back({std::move(check), std::move(subject), play});
    if (const auto hook = detail::on_registration()) hook(registry().back());
  }
};

/// The tests of a check, one for each law that it may ask; the last one, without a law, is for the rest.
[[nodiscard]] inline std::vector<std::string> tests_of(const RegisteredCheck& check) {
  std::vector<std::string> out;
  for (const Law& law : laws)
    if (may_ask(check.check, law.id)) out.emplace_back(law.id);
  out.emplace_back();
  return out;
}

/// A check that a test framework plays: once, whatever tests of it are chosen and in whichever order. KFM_DET_REPRODUCE in the environment plays its line instead.
/// Thread-safety: one thread.
class PlayedOnce {
 public:
  explicit PlayedOnce(RegisteredCheck check) : check_(std::move(check)) {}
  [[nodiscard]] const RegisteredCheck& check() const noexcept { return check_; }
  [[nodiscard]] const Report& report() {
    if (report_) return *report_;
    Options options;
    if (const char* line = std::getenv("KFM_DET_REPRODUCE"))
      if (std::string(line).find(" " + check_.check + " ") != std::string::npos) options.reproduce = line;
    report_ = check_(options);
    return *report_;
  }
  /// What is to be said about a law, and whether that is a failure. Without a law: of what is broken, and has no test of its own.
  struct Word {
    enum class Kind : std::uint8_t { holds, broken, not_asked } kind = Kind::holds;
    std::string text;
  };
  [[nodiscard]] Word word_of(std::string_view law) {
    if (law.empty()) return word_of_the_rest();
    const Violation* broken = report().find(law);
    if (broken) return {Word::Kind::broken, said(*broken)};
    const auto asked = report().laws.find(std::string(law));
    if (asked == report().laws.end()) return {Word::Kind::not_asked, std::string(law) + " was not asked: the fixture does not claim it, cannot play it, or the check ended before"};
    return {Word::Kind::holds, std::string(law) + " was asked " + std::to_string(asked->second) + " times"};
  }

 private:
  [[nodiscard]] Word word_of_the_rest() {
    Word out;
    for (const Violation& one : report().violations)
      if (!may_ask(check_.check, one.law)) out = {Word::Kind::broken, out.text + said(one) + "\n"};
    for (const auto& [law, count] : report().laws)
      if (find_law(law) && !may_ask(check_.check, law)) out = {Word::Kind::broken, out.text + law + " was asked, and the table of conformance/laws.hpp does not say so\n"};
    return out;
  }
  static std::string said(const Violation& one) { return one.law + ": " + one.sentence + "\n" + one.script + "\nreproduce: " + one.reproducer + "\nusual cause: " + one.usual_cause; }
  RegisteredCheck check_;
  std::optional<Report> report_;
};

}  // namespace kfm_det::conformance

#define KFM_DET_CONFORMANCE_DETAIL_JOIN_(a, b) a##b
#define KFM_DET_CONFORMANCE_DETAIL_JOIN(a, b) KFM_DET_CONFORMANCE_DETAIL_JOIN_(a, b)
#define KFM_DET_CONFORMANCE_REGISTER(check, Fixture)                                                                                                   \
  static const ::kfm_det::conformance::Registration KFM_DET_CONFORMANCE_DETAIL_JOIN(kfm_det_registration_, __LINE__)(                                  \
      #check, #Fixture, [](const ::kfm_det::conformance::Options& options) { return ::kfm_det::conformance::check<Fixture>(options); });

#define KFM_DET_CONFORMANCE_FILE_SYSTEM(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_file_system, Fixture)
#define KFM_DET_CONFORMANCE_STORE(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_store, Fixture)
#define KFM_DET_CONFORMANCE_STORE_ON_DISK(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_store_on_disk, Fixture)
#define KFM_DET_CONFORMANCE_STORE_MEDIA(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_store_media, Fixture)
#define KFM_DET_CONFORMANCE_LOG(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_log, Fixture)
#define KFM_DET_CONFORMANCE_COMPACTION(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_compaction, Fixture)
#define KFM_DET_CONFORMANCE_LOCK(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_lock, Fixture)
#define KFM_DET_CONFORMANCE_SINK(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_sink, Fixture)
#define KFM_DET_CONFORMANCE_SINK_ON_DISK(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_sink_on_disk, Fixture)
#define KFM_DET_CONFORMANCE_PLAN(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_plan, Fixture)
#define KFM_DET_CONFORMANCE_UPDATER(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_updater, Fixture)
#define KFM_DET_CONFORMANCE_VERIFY(Fixture) KFM_DET_CONFORMANCE_REGISTER(check_verify, Fixture)

#endif
