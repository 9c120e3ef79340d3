// SPDX-License-Identifier: BSL-1.0
/// \file
/// What the commands share that change something: log, lock, sink and signing key of a scope, from the command line, as an Operator.
///
/// The lock is the one that the updater takes, and a signed log is gone on with under its key: else nothing is begun. Thread-safety: one thread.
#ifndef KFM_DET_TOOLS_KFM_DET_OPERATE_HPP
#define KFM_DET_TOOLS_KFM_DET_OPERATE_HPP

#include <cctype>
#include <cstdlib>
#include <string>

#include <kfm_det/locks/file_lock.hpp>
#include <kfm_det/stores/file_store.hpp>
#include <kfm_det/updater/operator.hpp>

#include "command.hpp"
#include "opened_log.hpp"
#include "signing_argument.hpp"
#include "sink_argument.hpp"

namespace kfm_det::tool {

struct OperateArguments : SigningArguments {
  std::string log, sink, locks, actor;
  bool dry_run = false, new_locks = false;
  const ArchiveCodec* codec = archive_codec();   ///< reads what is packed in the archive, and packs what goes there; null: neither
};

inline void add_operate_options(CLI::App& command, OperateArguments& given) {
  command.add_option("--sink", given.sink, "The updater's sink: sqlite:FILE")->required()->type_name("SINK");
  command.add_option("--locks", given.locks, "The folder of the updater's FileLock (`locks` beside the log's root)")->type_name("FOLDER");
  command.add_flag("--new-locks", given.new_locks, "Take the lease although nobody ever took one of this scope in that folder: on your word no updater is at work");
  command.add_option("--actor", given.actor, "Who does this; recorded (the login name)")->type_name("NAME");
  add_signing_options(command, given);
}

[[nodiscard]] inline std::string actor_of(const OperateArguments& given) {
  if (!given.actor.empty()) return given.actor;
  const char* const login = std::getenv("USER");
  return login == nullptr || *login == '\0' ? "kfm-det" : "kfm-det:" + std::string(login);
}

/// The scope that a stream is named for. Errors: unsupported for a name that was too long to be kept whole.
[[nodiscard]] inline result<Scope> scope_of(const StreamId& stream) {
  const auto decoded = [](std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto byte = text[i] == '%' && i + 2 < text.size() ? from_hex(std::string{static_cast<char>(std::tolower(text[i + 1])), static_cast<char>(std::tolower(text[i + 2]))}) : result<Bytes>(Error(errc::invalid_argument, "plain"));
      if (byte) { out += byte.value(); i += 2; }
      else out += text[i];
    }
    return out;
  };
  const std::size_t at = stream.text.find('@');
  if (at != std::string::npos) {
    Scope scope{decoded(std::string_view(stream.text).substr(0, at)), decoded(std::string_view(stream.text).substr(at + 1))};
    if (StreamId::of(scope) == stream) return scope;
  }
  return Error(errc::unsupported, "this folder's name does not say which updater and partition it is of", stream.text, "Use the updater's own program");
}

template <class Sg>
using ToolOperator = Operator<FileStore<>, FileLock<>, SqliteSink, Environment<SystemClock, FileSourceReader, Sg>>;

namespace detail {
/// The updater's locks, to be found: in a folder of nobody's a lease would be granted while the updater is at work under another one.
[[nodiscard]] inline result<void> expect_locks(const std::string& locks, const StreamId& stream, bool new_locks) {
  const LookingFileSystem fs;
  const std::string remedy = "Name the folder that the updater gives to FileLock: --locks FOLDER";
  KFM_DET_TRY(const bool there, fs.exists(locks));
  if (!there) return Error(errc::not_found, "the updater's locks are not in this folder, and without its lock nothing is begun", locks, remedy);
  if (new_locks) return success();
  const auto names = LeaseFolder<const LookingFileSystem>(fs, locks + "/" + stream.text).look();
  if (!names && names.error().code() != errc::not_found) return names.error();
  if (!names || names.value().highest == 0)
    return Error(errc::not_found, "nobody ever took a lease of this scope in this folder: the updater may be at work under another one", locks, remedy + ". Where it never had one, and no updater is at work: --new-locks");
  return success();
}
template <class Sg>
[[nodiscard]] result<ToolOperator<Sg>> open_operator(const LogPlace& place, const OperateArguments& given, Sg signer) {
  std::string locks = given.locks.empty() ? segment::parent_of(place.root) + "/locks" : given.locks;
  KFM_DET_TRY(const Scope scope, scope_of(place.stream));
  KFM_DET_TRY(expect_locks(locks, place.stream, given.new_locks));
  FileStoreOptions options;
  options.codec = given.codec;
  KFM_DET_TRY(auto store, FileStore<>::open(place.root, options));
  KFM_DET_TRY(auto lock, FileLock<>::open(std::move(locks)));
  KFM_DET_TRY(auto sink, open_sink(given.sink, false));
  Environment<SystemClock, FileSourceReader, Sg> environment{.signer = std::move(signer)};   // a signer has no default
  return ToolOperator<Sg>(scope, std::move(store), std::move(lock), std::move(sink), std::move(environment));
}
}  // namespace detail

/// Log, sink and scope, to look at: nothing of it can change anything, and no lock is needed.
struct LookedAt {
  LogPlace place;
  FileStore<LookingFileSystem> store;
  SqliteSink sink;
  Scope scope;
};
[[nodiscard]] inline result<LookedAt> look_at(const OperateArguments& given) {
  KFM_DET_TRY(LogPlace place, find_log(given.log));
  KFM_DET_TRY(Scope scope, scope_of(place.stream));
  KFM_DET_TRY(auto store, looking_store(place));
  KFM_DET_TRY(auto sink, open_sink(given.sink, true));
  return LookedAt{std::move(place), std::move(store), std::move(sink), std::move(scope)};
}

/// Calls `act` with the operator of a log that was looked at. Errors: those of opening, and of choose_signer().
template <class Act>
[[nodiscard]] result<int> with_operator(const OperateArguments& given, const OpenedLog& log, Act act, bool accepts_loss = false) {
  const LogPlace& place = log.place();
  KFM_DET_TRY(auto signer, choose_signer(log, given, actor_of(given), accepts_loss));
  if (signer) {
    KFM_DET_TRY(auto person, detail::open_operator(place, given, std::move(*signer)));
    return act(place, person);
  }
  KFM_DET_TRY(auto person, detail::open_operator(place, given, NoSigner{}));
  return act(place, person);
}

}  // namespace kfm_det::tool

#endif
