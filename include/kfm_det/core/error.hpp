// SPDX-License-Identifier: BSL-1.0
/// \file
/// Error: the one failure type of the library. It says what happened, where, and what to do about it.
///
/// Thread-safety: an Error is immutable once built; copies share their text and may be read from any thread.
/// Allocation: building an Error allocates its text; copying one does not.
#ifndef KFM_DET_CORE_ERROR_HPP
#define KFM_DET_CORE_ERROR_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace kfm_det {

/// What went wrong, as a stable number: values never change meaning and are never reused.
enum class errc : int {
  // the caller gave something that cannot be right
  invalid_argument = 1,
  invalid_json = 2,       ///< not JSON, or not the strict subset (RFC 8785 over RFC 7493)
  limit_exceeded = 3,     ///< larger, deeper or longer than a named limit
  unsupported = 4,        ///< this backend does not claim that verb
  not_found = 5,
  wrong_scope = 6,        ///< a business key that belongs to another scope
  hash_mismatch = 7,      ///< bytes that do not hash to their key
  cancelled = 8,
  // the world
  io_error = 20,
  no_space = 21,
  permission_denied = 22,
  timed_out = 23,         ///< the outcome is unknown: reconcile before trying again
  unavailable = 24,       ///< a backend or source that cannot be reached now
  busy = 25,              ///< somebody else holds the scope
  // tenure and fencing
  conflict = 40,          ///< another writer is or was here: the tenure is over
  lease_lost = 41,
  stale_token = 42,
  log_failed = 43,        ///< an earlier sync failed: reopen and recover
  // verdicts of recovery
  corrupt_committed = 60,
  hole = 61,
  regressed = 62,
  forked = 63,
  sink_regressed = 64,
  foreign = 65,
  unsupported_version = 66,
  // plan
  duplicate_step = 80,
  unknown_dependency = 81,
  duplicate_target = 82,
  cycle = 83,
  nondeterministic_plan = 84,
  // a run
  gate_rejected = 100,
  operation_failed = 101,
  operation_threw = 102,
  nondeterministic_step = 103,
  input_changed = 104,
  leftover_step = 105,    ///< the log records a step that the plan no longer has
  undone = 106,
  abandoned = 107,
  failed = 108,
  quarantined = 109,
  parked = 110,
  approval_missing = 111,  ///< the plan is too risky to go without somebody's approval
};

/// Whether trying again can help.
enum class Retry : std::uint8_t {
  permanent,   ///< the same call fails again: something has to change first
  temporary,   ///< the same call may succeed later
  persistent,  ///< was tried again as often as allowed and still failed
};

/// The name of a code as it stands in reports and exit messages, e.g. "stale_token".
[[nodiscard]] constexpr std::string_view name(errc code) noexcept {
  switch (code) {
    case errc::invalid_argument: return "invalid_argument";
    case errc::invalid_json: return "invalid_json";
    case errc::limit_exceeded: return "limit_exceeded";
    case errc::unsupported: return "unsupported";
    case errc::not_found: return "not_found";
    case errc::wrong_scope: return "wrong_scope";
    case errc::hash_mismatch: return "hash_mismatch";
    case errc::cancelled: return "cancelled";
    case errc::io_error: return "io_error";
    case errc::no_space: return "no_space";
    case errc::permission_denied: return "permission_denied";
    case errc::timed_out: return "timed_out";
    case errc::unavailable: return "unavailable";
    case errc::busy: return "busy";
    case errc::conflict: return "conflict";
    case errc::lease_lost: return "lease_lost";
    case errc::stale_token: return "stale_token";
    case errc::log_failed: return "log_failed";
    case errc::corrupt_committed: return "corrupt_committed";
    case errc::hole: return "hole";
    case errc::regressed: return "regressed";
    case errc::forked: return "forked";
    case errc::sink_regressed: return "sink_regressed";
    case errc::foreign: return "foreign";
    case errc::unsupported_version: return "unsupported_version";
    case errc::duplicate_step: return "duplicate_step";
    case errc::unknown_dependency: return "unknown_dependency";
    case errc::duplicate_target: return "duplicate_target";
    case errc::cycle: return "cycle";
    case errc::nondeterministic_plan: return "nondeterministic_plan";
    case errc::gate_rejected: return "gate_rejected";
    case errc::operation_failed: return "operation_failed";
    case errc::operation_threw: return "operation_threw";
    case errc::nondeterministic_step: return "nondeterministic_step";
    case errc::input_changed: return "input_changed";
    case errc::leftover_step: return "leftover_step";
    case errc::undone: return "undone";
    case errc::abandoned: return "abandoned";
    case errc::failed: return "failed";
    case errc::quarantined: return "quarantined";
    case errc::parked: return "parked";
    case errc::approval_missing: return "approval_missing";
  }
  return "unknown";
}

/// The retry class that a code has unless the one who builds the Error knows better.
[[nodiscard]] constexpr Retry default_retry(errc code) noexcept {
  switch (code) {
    case errc::timed_out:
    case errc::unavailable:
    case errc::busy:
    case errc::io_error:
    case errc::no_space:
    case errc::conflict:
    case errc::lease_lost:
    case errc::stale_token:
    case errc::log_failed:
    case errc::cancelled: return Retry::temporary;
    default: return Retry::permanent;
  }
}

namespace detail {
class ErrcCategory final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "kfm_det"; }
  [[nodiscard]] std::string message(int value) const override {
    return std::string(kfm_det::name(static_cast<errc>(value)));
  }
};
}  // namespace detail

[[nodiscard]] inline const std::error_category& errc_category() noexcept {
  static const detail::ErrcCategory category;
  return category;
}
[[nodiscard]] inline std::error_code make_error_code(errc code) noexcept {
  return {static_cast<int>(code), errc_category()};
}

/// One failure: code, what happened, where, what to do. Converts to std::error_code for callers who live there.
class [[nodiscard]] Error {
 public:
  /// `what` is a clause without a full stop; `where` names a file and line, a key, a step; `remedy` is what the reader can do.
  Error(errc code, std::string what, std::string where = {}, std::string remedy = {})
      : code_(code), retry_(default_retry(code)),
        text_(std::make_shared<const Text>(Text{std::move(what), std::move(where), std::move(remedy)})) {}

  [[nodiscard]] errc code() const noexcept { return code_; }
  [[nodiscard]] Retry retry() const noexcept { return retry_; }
  [[nodiscard]] const std::string& what() const noexcept { return text_->what; }
  [[nodiscard]] const std::string& where() const noexcept { return text_->where; }
  [[nodiscard]] const std::string& remedy() const noexcept { return text_->remedy; }

  /// The same error with another retry class.
  [[nodiscard]] Error with(Retry retry) const { Error copy = *this; copy.retry_ = retry; return copy; }
  /// The same error seen from further out: `outer` goes in front of where it happened.
  [[nodiscard]] Error at(std::string_view outer) const {
    Error copy(code_, what(), where().empty() ? std::string(outer) : std::string(outer) + ": " + where(), remedy());
    copy.retry_ = retry_;
    return copy;
  }
  /// The same error under another code.
  [[nodiscard]] Error as(errc code) const { return {code, what(), where(), remedy()}; }
  /// The same error with a remedy, where it has none yet.
  [[nodiscard]] Error advise(std::string remedy) const {
    if (!this->remedy().empty()) return *this;
    Error copy(code_, what(), where(), std::move(remedy));
    copy.retry_ = retry_;
    return copy;
  }

  /// "what (where). Remedy." with the code's name in front: one sentence for a person.
  [[nodiscard]] std::string message() const {
    std::string out{name(code_)};
    out += ": ";
    out += what();
    if (!where().empty()) { out += " ("; out += where(); out += ')'; }
    out += '.';
    if (!remedy().empty()) { out += ' '; out += remedy(); if (out.back() != '.') out += '.'; }
    return out;
  }

  [[nodiscard]] friend std::error_code make_error_code(const Error& error) noexcept { return make_error_code(error.code_); }

 private:
  struct Text { std::string what, where, remedy; };
  errc code_;
  Retry retry_;
  std::shared_ptr<const Text> text_;
};

}  // namespace kfm_det

template <>
struct std::is_error_code_enum<kfm_det::errc> : std::true_type {};

#endif
