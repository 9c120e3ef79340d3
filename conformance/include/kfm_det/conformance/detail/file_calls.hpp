// SPDX-License-Identifier: BSL-1.0
/// \file
/// The part of check_file_system that looks at the system calls of each verb and makes them fail: an error once or from then on, a signal, a read or write
/// that is short, somebody who acts just before. What a verb answers then must be what has happened.
///
/// Thread-safety: one thread; the verb under test runs in one of its own (simulate/system_calls.hpp).
#ifndef KFM_DET_CONFORMANCE_DETAIL_FILE_CALLS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_FILE_CALLS_HPP

#include <array>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

#include "kfm_det/conformance/detail/any_file_system.hpp"
#include "kfm_det/conformance/detail/file_parts.hpp"
#include "kfm_det/conformance/explore.hpp"
#include "kfm_det/simulate/system_calls.hpp"

namespace kfm_det::conformance::detail {

using simulate::SystemAnswer;
using simulate::SystemCall;
using simulate::SystemCalls;
using simulate::SystemVerb;

enum class FileVerb : std::uint8_t { write, read, sync, sync_directory, open, create, truncate, size, allocate, exists, rename, rename_no_replace, remove, list, make_directory, lock, locked_elsewhere, map, block_size };
inline constexpr std::uint32_t file_verbs = 19;
[[nodiscard]] constexpr std::string_view name(FileVerb verb) noexcept {
  constexpr std::string_view names[] = {"write", "read", "sync", "sync_directory", "open", "create_exclusive", "truncate", "size", "allocate", "exists", "rename", "rename_no_replace", "remove", "list", "make_directory", "lock", "locked_elsewhere", "map", "block_size"};
  return names[static_cast<std::size_t>(verb)];
}

/// Two files and a folder, and one verb that is called on them.
class VerbWorld {
 public:
  static constexpr std::string_view content = "0123456789abcdefghijklmnopqrstuvwxyz", written = "WRITTEN!";

  explicit VerbWorld(Play& play, FileSystemBench& bench) : play_(play), bench_((bench.wipe(), bench)), fs(bench.open()), folder(bench.folder()) {
    file = must(play, "FS-9", make_file(*fs, path("f"), content), "create_exclusive()");
    (void)must(play, "FS-9", make_file(*fs, path("g"), "the other"), "create_exclusive()");
    must(play, "FS-9", fs->make_directory(path("d")), "make_directory()");
  }
  [[nodiscard]] std::string path(const std::string& one) const { return folder + "/" + one; }

  /// What the verb answered: an error, or words and a number.
  struct Outcome {
    std::optional<Error> error;
    std::string words;
    std::uint64_t number = 0;
  };
  [[nodiscard]] Outcome call(FileVerb verb) {
    Outcome out;
    const auto note = [&](const auto& answer) { if (!answer) out.error = answer.error(); return static_cast<bool>(answer); };
    switch (verb) {
      case FileVerb::open: note(fs->open(path("f"), OpenMode::read_write)); break;
      case FileVerb::create: note(fs->create_exclusive(path("n"))); break;
      case FileVerb::read: {
        Bytes into(20, '\0');
        if (auto got = fs->read(*file, 4, std::span<char>(into)); note(got)) { out.number = got.value(); out.words = into.substr(0, got.value()); }
        break;
      }
      case FileVerb::write: if (auto taken = fs->write(*file, 4, written); note(taken)) out.number = taken.value(); break;
      case FileVerb::map: if (auto mapping = fs->map(*file); note(mapping)) out.words = mapping.value()->bytes(); break;
      case FileVerb::sync: note(fs->sync(*file)); break;
      case FileVerb::sync_directory: note(fs->sync_directory(folder)); break;
      case FileVerb::truncate: note(fs->truncate(*file, 5)); break;
      case FileVerb::size: if (auto size = fs->size(*file); note(size)) out.number = size.value(); break;
      case FileVerb::allocate: note(fs->allocate(*file, 9000)); break;
      case FileVerb::exists: if (auto there = fs->exists(path("f")); note(there)) out.number = there.value() ? 1 : 0; break;
      case FileVerb::rename: note(fs->rename(path("f"), path("g"))); break;
      case FileVerb::rename_no_replace: note(fs->rename_no_replace(path("f"), path("n"))); break;
      case FileVerb::remove: note(fs->remove(path("f"))); break;
      case FileVerb::list:
        if (auto names = fs->list(folder); note(names))
          for (const std::string& one : names.value()) out.words += one + " ";
        break;
      case FileVerb::make_directory: note(fs->make_directory(path("n"))); break;
      case FileVerb::lock: if (auto taken = fs->lock(*file); note(taken)) out.number = taken.value() ? 1 : 0; break;
      case FileVerb::locked_elsewhere: if (auto taken = fs->locked_elsewhere(*file); note(taken)) out.number = taken.value() ? 1 : 0; break;
      case FileVerb::block_size: note(fs->block_size(folder)); break;
    }
    return out;
  }
  /// The names, and what is behind them.
  [[nodiscard]] std::string state() {
    std::string out;
    for (const std::string& one : must(play_, "FS-8", fs->list(folder), "list()")) {
      out += one;
      if (auto content_there = content_of(*fs, path(one)); content_there) out += "=" + content_there.value();
      out += '\n';
    }
    return out;
  }

 private:
  Play& play_;
  FileSystemBench& bench_;

 public:
  FileSystemPtr fs;
  std::string folder;
  FilePtr file;
};

/// What happens to a call.
enum class CallFault : std::uint8_t { signal, signals, io_error, no_space, one_byte, half, rival };
inline constexpr std::uint32_t call_faults = 7;

inline void check_failing_calls(Explorer& explorer, FileSystemBench& bench) {
  explorer.run("calls", {60'000, 0, "each verb, each of its system calls: a signal, three signals, EIO, ENOSPC, one byte, half of them; once and from then on; a rival just before"}, [&](Play& play) {
    const auto verb = static_cast<FileVerb>(play.pick(file_verbs));
    const auto fault = static_cast<CallFault>(play.pick(call_faults));
    const bool persists = play.pick(2) == 1;
    const bool creates = verb == FileVerb::create || verb == FileVerb::rename_no_replace;
    if ((fault == CallFault::rival && (!creates || persists)) || (persists && (fault == CallFault::signal || fault == CallFault::signals))) return;
    std::uint64_t calls = 0;
    VerbWorld::Outcome usual;
    std::string usual_state;
    {
      Rehearsal dry;
      VerbWorld world(dry.play(), bench);
      SystemCalls watching([&](const SystemCall&) { ++calls; return SystemAnswer::as_asked(); });
      (void)watching.watch([&] { usual = world.call(verb); });
      usual_state = world.state();
    }
    if (calls == 0) { play.reach("a verb without a system call: " + std::string(name(verb))); return; }
    const std::uint64_t k = play.pick(static_cast<std::uint32_t>(calls));
    VerbWorld world(play, bench);
    const auto rival = bench.open();
    bool hit = false, rival_won = false;
    std::uint64_t syncs_behind = 0;
    std::string what, rival_answer;
    SystemCalls failing([&](const SystemCall& call) {
      if (hit && call.verb == SystemVerb::sync) ++syncs_behind;
      const std::uint64_t until = fault == CallFault::signals ? k + 2 : persists ? ~std::uint64_t{0} : k;
      if (call.number < k || call.number > until || call.verb == SystemVerb::close) return SystemAnswer::as_asked();
      const bool moves = call.verb == SystemVerb::read || call.verb == SystemVerb::write;
      SystemAnswer answer;
      switch (fault) {
        case CallFault::signal:
        case CallFault::signals: if (call.can_be_interrupted()) answer = SystemAnswer::error(EINTR); break;
        case CallFault::io_error: answer = SystemAnswer::error(EIO); break;
        case CallFault::no_space: if (call.verb == SystemVerb::write || call.verb == SystemVerb::allocate || call.verb == SystemVerb::sync || call.verb == SystemVerb::open) answer = SystemAnswer::error(ENOSPC); break;
        case CallFault::one_byte: if (moves && call.arguments[2] > 1) answer = SystemAnswer::shorter(1); break;
        case CallFault::half: if (moves && call.arguments[2] > 1) answer = SystemAnswer::shorter(call.arguments[2] / 2); break;
        case CallFault::rival: {
          auto made = rival->create_exclusive(world.path("n"));
          rival_won = static_cast<bool>(made);
          if (made) (void)put_bytes(*rival, *made.value(), 0, "the rival's").has_value();
          hit = true;
          what = "just before its " + std::string(call.name) + " somebody else creates that name";
          return answer;
        }
      }
      if (answer.kind == SystemAnswer::Kind::as_asked) return answer;
      if (!hit) what = "its " + std::string(call.name) + (answer.kind == SystemAnswer::Kind::shorter ? " does " + std::to_string(answer.taken) + " bytes" : answer.number == EINTR ? " is interrupted by a signal" : answer.number == EIO ? " fails: EIO" : " fails: ENOSPC") + (persists ? ", and all behind it" : "");
      hit = true;
      return answer;
    });
    VerbWorld::Outcome outcome;
    (void)failing.watch([&] { outcome = world.call(verb); });
    if (!hit) return;
    const std::string title = std::string(name(verb)) + "()";
    play.tell(title);
    play.note(what);
    play.note("answers " + (outcome.error ? std::string(kfm_det::name(outcome.error->code())) : std::string("success")));
    play.reach(what.substr(what.find(' ', 4) + 1));
    const auto says = [&] { return title + ": " + what + ", and the answer is " + (outcome.error ? outcome.error->message() : std::string("success")); };
    if (fault == CallFault::rival) {
      const bool won = !outcome.error;
      play.expect("FS-5", won != rival_won, [&] { return title + ": " + what + ", and " + (won ? "both were told that it is theirs" : "neither of them has it"); });
      if (!won) play.expect("FS-5", outcome.error->code() == errc::conflict, [&] { return says() + ", and not conflict"; });
      auto content = content_of(*world.fs, world.path("n"));
      if (rival_won) play.expect("FS-5", content && content.value() == "the rival's", [&] { return title + " has replaced a file that somebody else had created"; });
      return;
    }
    if (fault == CallFault::signal || fault == CallFault::signals) play.expect("FS-11", !outcome.error, says);
    if (outcome.error) {
      if (verb != FileVerb::remove) {   // it may have happened or not, or in part; but both files are there
        const bool moves = verb == FileVerb::rename || verb == FileVerb::rename_no_replace;
        const auto target = content_of(*world.fs, world.path(verb == FileVerb::rename ? "g" : "n"));
        const bool kept = content_of(*world.fs, world.path("f")).has_value() || (moves && target && target.value() == VerbWorld::content);
        play.expect("FS-9", kept && content_of(*world.fs, world.path("g")).has_value(), [&] { return says() + ", and a file is lost"; });
      }
      if (fault == CallFault::one_byte || fault == CallFault::half) play.broke("FS-1", says());
      if (verb == FileVerb::sync || verb == FileVerb::sync_directory) play.expect("FS-3", syncs_behind == 0, [&] { return title + ": " + what + ", and it syncs again"; });
      return;
    }
    const std::string after = world.state();
    if (verb == FileVerb::write) {
      Bytes wanted(VerbWorld::content);
      play.expect("FS-1", outcome.number <= VerbWorld::written.size(), says);
      wanted.replace(4, outcome.number, VerbWorld::written.substr(0, outcome.number));
      auto content = content_of(*world.fs, world.path("f"));
      play.expect("FS-1", content && content.value() == wanted, [&] { return title + ": " + what + ", it answers that it took " + std::to_string(outcome.number) + " bytes, and the file holds \"" + (content ? content.value() : answer_of(content)) + "\""; });
      return;
    }
    if (verb == FileVerb::sync || verb == FileVerb::sync_directory) { play.expect("FS-3", fault != CallFault::io_error && fault != CallFault::no_space, says); return; }
    if (verb == FileVerb::read) {
      play.expect(fault == CallFault::io_error ? "FS-7" : "FS-10", outcome.number > 0 && outcome.words == VerbWorld::content.substr(4, outcome.number), [&] { return says() + " with " + std::to_string(outcome.number) + " bytes"; });
      return;
    }
    if (verb == FileVerb::block_size) return;   // what it cannot find out makes it say less
    play.expect(verb == FileVerb::list ? "FS-7" : "FS-9", outcome.words == usual.words && outcome.number == usual.number && after == usual_state, [&] { return says() + ", but that is not what has happened"; });
  });
}

/// What must have reached the kernel, and what others see meanwhile.
inline void check_watched_calls(Explorer& explorer, FileSystemBench& bench) {
  explorer.run("syncs", {4, 0, "a write and its sync, a name and its folder's sync: which calls the kernel gets"}, [&](Play& play) {
    const bool is_folder = play.pick(2) == 1, grows = play.pick(2) == 1;
    VerbWorld world(play, bench);
    struct stat wanted = {};
    if (::stat((is_folder ? world.folder : world.path("f")).c_str(), &wanted) != 0) return;   // its paths are not the kernel's
    bool reached = false, sync_durable = true, wrote = false;
    SystemCalls watching([&](const SystemCall& call) {
      struct stat found = {};
      const bool is_it = ::fstat(call.descriptor(), &found) == 0 && found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino;
      if (call.verb == SystemVerb::write && is_it) { wrote = true; sync_durable = sync_durable && (::fcntl(call.descriptor(), F_GETFL) & O_DSYNC) != 0; reached = false; }
      if (call.name == "syncfs" || call.name == "msync" || ((call.name == "fsync" || call.name == "fdatasync") && is_it)) reached = true;
      return SystemAnswer::as_asked();
    });
    play.tell(is_folder ? "create a file, sync_directory() of its folder" : grows ? "write behind the end, sync()" : "write, sync()");
    std::optional<Error> failed;
    (void)watching.watch([&] {
      if (is_folder) {
        if (auto made = world.fs->create_exclusive(world.path("n")); !made) failed = made.error();
        reached = false;
        if (auto synced = world.fs->sync_directory(world.folder); !synced) failed = synced.error();
        return;
      }
      if (auto put = put_bytes(*world.fs, *world.file, grows ? 5000 : 0, "bytes"); !put) failed = put.error();
      if (auto synced = world.fs->sync(*world.file); !synced) failed = synced.error();
    });
    play.expect("FS-2", !failed, [&] { return "an error where nothing is wrong: " + failed->message(); });
    if (is_folder) play.expect("FS-4", reached, "sync_directory() answers, and the kernel was not asked to sync that folder");
    else play.expect("FS-2", reached || (wrote && sync_durable), "sync() answers, and the kernel was not asked to sync that file behind its last write");
  });
  explorer.run("replacing", {2, 0, "who looks at the new name before each system call of rename()"}, [&](Play& play) {
    const bool replaces = play.pick(2) == 0;
    VerbWorld world(play, bench);
    const auto other = bench.open();
    std::string missing;
    SystemCalls watching([&](const SystemCall& call) {
      auto content = content_of(*other, world.path(replaces ? "g" : "f"));
      if (!content || content.value().empty()) missing = call.name;
      return SystemAnswer::as_asked();
    });
    play.tell(replaces ? "rename() onto a file that is there" : "rename_no_replace() onto a file that is there");
    (void)watching.watch([&] {
      if (replaces) (void)world.fs->rename(world.path("f"), world.path("g")).has_value();
      else (void)world.fs->rename_no_replace(world.path("f"), world.path("g")).has_value();
    });
    play.expect("FS-12", missing.empty(), [&] { return "before its " + missing + " neither the old nor the new file has the name"; });
  });
}

inline void check_calls(Explorer& explorer, FileSystemBench& bench) {
  check_watched_calls(explorer, bench);
  check_failing_calls(explorer, bench);
}

}  // namespace kfm_det::conformance::detail

#endif
