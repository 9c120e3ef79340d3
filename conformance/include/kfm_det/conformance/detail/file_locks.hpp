// SPDX-License-Identifier: BSL-1.0
/// \file
/// The part of check_file_system about locks (FS-6): Files of one process, of others, of processes that die, and of those that have forked.
///
/// Thread-safety: one thread; where processes are forked, no other thread may run.
#ifndef KFM_DET_CONFORMANCE_DETAIL_FILE_LOCKS_HPP
#define KFM_DET_CONFORMANCE_DETAIL_FILE_LOCKS_HPP

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>

#include <sys/wait.h>
#include <unistd.h>

#include "kfm_det/conformance/detail/any_file_system.hpp"
#include "kfm_det/conformance/detail/file_parts.hpp"
#include "kfm_det/conformance/explore.hpp"

namespace kfm_det::conformance::detail {

/// Bytes between processes. wait() answers 0 when all that could write are gone.
class ProcessPipe {
 public:
  ProcessPipe() { if (::pipe(ends_) != 0) ends_[0] = ends_[1] = -1; }
  ProcessPipe(const ProcessPipe&) = delete;
  ProcessPipe& operator=(const ProcessPipe&) = delete;
  ~ProcessPipe() { shut(0); shut(1); }
  void send(char byte) const { (void)!::write(ends_[1], &byte, 1); }
  [[nodiscard]] char wait() const {
    char byte = 0;
    for (;;) {
      const auto got = ::read(ends_[0], &byte, 1);
      if (got == 1) return byte;
      if (got == 0 || errno != EINTR) return 0;
    }
  }
  void only_reads() { shut(1); }
  void only_writes() { shut(0); }

 private:
  void shut(int end) { if (ends_[end] >= 0) ::close(ends_[end]); ends_[end] = -1; }
  int ends_[2];
};

/// A process that locks a file, and has a child that holds whatever it was born with.
enum class LockStory : std::uint8_t { killed, killed_with_an_heir, ended_with_an_heir, heir_ended, other_file_closed };
inline constexpr std::uint32_t lock_stories = 5;

inline void play_lock_story(Play& play, FileSystemBench& bench, LockStory story) {
  bench.wipe();
  const std::string path = bench.folder() + "/f";
  const auto fs = bench.open();
  (void)must(play, "FS-9", make_file(*fs, path, "x"), "create_exclusive()");
  const bool has_heir = story == LockStory::killed_with_an_heir || story == LockStory::ended_with_an_heir || story == LockStory::heir_ended;
  play.tell("another process opens and locks the file");
  if (has_heir) play.tell("and forks");
  if (story == LockStory::heir_ended) play.tell("its child ends");
  if (story == LockStory::other_file_closed) play.tell("and opens and closes it once more");
  ProcessPipe told, heir_lives;
  const pid_t owner = ::fork();
  if (owner == 0) try {
    told.only_writes();
    auto file = fs->open(path, OpenMode::read_write);
    auto locked = file ? fs->lock(*file.value()) : result<bool>(file.error());
    if (!locked || !locked.value()) { told.send('n'); ::_exit(1); }
    if (story == LockStory::other_file_closed) { auto again = fs->open(path, OpenMode::read_write); }
    if (has_heir) {
      ProcessPipe born;
      const pid_t heir = ::fork();
      if (heir == 0) {
        heir_lives.only_reads();
        born.send('b');
        if (story == LockStory::heir_ended) { file.value().reset(); ::_exit(0); }
        (void)heir_lives.wait();   // until the kit has looked
        ::_exit(0);
      }
      if (heir < 0 || born.wait() != 'b') { told.send('n'); ::_exit(1); }
      int status = 0;
      if (story == LockStory::heir_ended) while (::waitpid(heir, &status, 0) < 0 && errno == EINTR) {}
    }
    heir_lives.only_reads();
    told.send('l');
    if (story == LockStory::ended_with_an_heir) ::_exit(0);
    for (;;) ::pause();
  } catch (...) {   // a verb that throws leads nowhere near the kit's own trials
    told.send('n');
    ::_exit(1);
  }
  told.only_reads();
  const char said = owner < 0 ? '\0' : told.wait();
  const auto end_owner = [&] {
    if (owner <= 0) return;
    int status = 0;
    if (story != LockStory::ended_with_an_heir) ::kill(owner, SIGKILL);
    while (::waitpid(owner, &status, 0) < 0 && errno == EINTR) {}
  };
  auto mine = fs->open(path, OpenMode::read_write);
  if (said != 'l' || !mine) {
    if (owner > 0) ::kill(owner, SIGKILL);
    end_owner();
    play.broke("FS-6", "a process cannot lock a file that nobody has locked");
  }
  if (story == LockStory::ended_with_an_heir) end_owner();
  const bool lives = story != LockStory::ended_with_an_heir;
  const auto elsewhere = fs->locked_elsewhere(*mine.value());
  const auto taken = lives ? fs->lock(*mine.value()) : result<bool>(false);
  if (lives) end_owner();
  const auto then_elsewhere = lives ? fs->locked_elsewhere(*mine.value()) : elsewhere;
  const auto then_taken = fs->lock(*mine.value());
  heir_lives.send('.');   // now it may go
  if (lives) {
    play.expect("FS-6", elsewhere && elsewhere.value(), "while its owner lives, locked_elsewhere() of another process does not see the lock");
    play.expect("FS-6", taken && !taken.value(), [&] { return "while its owner lives, lock() of another process answers " + (taken ? std::string("true") : answer_of(taken)); });
    play.tell("it is killed");
  } else {
    play.tell("it ends");
  }
  const char* const heirs = has_heir && story != LockStory::heir_ended ? ", and a child that it had forked keeps the lock" : "";
  play.expect("FS-6", then_elsewhere && !then_elsewhere.value(), [&] { return "the owner's process is dead" + std::string(heirs) + ": locked_elsewhere() answers " + (then_elsewhere ? "true" : answer_of(then_elsewhere)); });
  play.expect("FS-6", then_taken && then_taken.value(), [&] { return "the owner's process is dead" + std::string(heirs) + ": lock() answers " + (then_taken ? "false" : answer_of(then_taken)); });
}

inline void check_locks(Explorer& explorer, const Options& options, FileSystemBench& bench) {
  const auto trial = [&](std::uint32_t ops_max) {
    return [&bench, ops_max](Play& play) {
      bench.wipe();
      const auto fs = bench.open();
      auto other = bench.has_processes ? bench.other_process() : nullptr;
      const std::string folder = bench.folder();
      (void)must(play, "FS-9", make_file(*fs, folder + "/f", "x"), "create_exclusive()");
      std::string path = folder + "/f";
      constexpr std::uint32_t handles = 3;
      std::array<FilePtr, handles> files;
      const auto of = [&](std::uint32_t i) -> AnyFileSystem& { return i == 2 && other ? *other : *fs; };
      for (std::uint32_t i = 0; i < handles; ++i) files[i] = must(play, "FS-9", of(i).open(path, OpenMode::read_write), "open()");
      const auto called = [&](std::uint32_t i) { return "File " + std::to_string(i) + (i == 2 && other ? " (of another process)" : ""); };
      std::optional<std::uint32_t> owner;
      for (std::uint32_t step = 0; step < ops_max && play.pick(2) == 1; ++step) {
        const std::uint32_t op = play.pick(9);
        if (op < 3) {
          play.tell("lock " + called(op));
          const bool taken = must(play, "FS-6", of(op).lock(*files[op]), "lock()");
          const bool due = !owner || *owner == op;
          play.expect("FS-6", taken == due, [&] { return "lock() of " + called(op) + " answers " + (taken ? "true, and " + called(*owner) + " holds the lock" : std::string("false, and nobody else holds the lock")); });
          if (taken) owner = op;
        } else if (op < 6) {
          const std::uint32_t i = op - 3;
          play.tell("close " + called(i) + ", open it again");
          files[i].reset();
          if (owner == i) owner.reset();
          files[i] = must(play, "FS-9", of(i).open(path, OpenMode::read_write), "open()");
        } else if (op == 6) {
          play.tell("somebody of the first process opens the file, and closes it");
          (void)must(play, "FS-9", fs->open(path, OpenMode::read_write), "open()");
        } else if (op == 7) {
          const std::string to = folder + (path.back() == 'f' ? "/g" : "/f");
          play.tell("the file is renamed");
          must(play, "FS-9", fs->rename(path, to), "rename()");
          path = to;
        } else {
          if (!other) continue;
          play.tell("the other process dies");
          bench.end_other_process();
          if (owner == 2U) owner.reset();
          other = bench.other_process();
          files[2] = must(play, "FS-9", other->open(path, OpenMode::read_write), "open()");
        }
        for (std::uint32_t i = 0; i < handles; ++i) {
          const bool seen = must(play, "FS-6", of(i).locked_elsewhere(*files[i]), "locked_elsewhere()");
          play.expect("FS-6", seen == (owner && *owner != i), [&] { return "locked_elsewhere() of " + called(i) + " answers " + (seen ? "true" : "false") + ", and the lock is " + (owner ? "that of " + called(*owner) : std::string("free")); });
        }
      }
    };
  };
  explorer.run("locks", {std::min<std::uint64_t>(8'000, std::uint64_t{80} * options.cases), 0, "up to 4 of lock, close, rename and death, of 3 Files"}, trial(4));
  explorer.run("longer locks", {0, options.cases, "up to 12 operations"}, trial(12));
  if (bench.on_this_machine) explorer.run("processes", {lock_stories, 0, "an owner that is killed, that has forked, that opens the file again"}, [&](Play& play) { play_lock_story(play, bench, static_cast<LockStory>(play.pick(lock_stories))); });
}

}  // namespace kfm_det::conformance::detail

#endif
