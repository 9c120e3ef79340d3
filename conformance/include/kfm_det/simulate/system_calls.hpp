// SPDX-License-Identifier: BSL-1.0
/// \file
/// SystemCalls: the file calls that a piece of code makes of the kernel, one by one, and what happens instead of them: an error that comes once or for
/// ever, a signal that interrupts, a write or read that is short, somebody else who acts just before.
///
///   SystemCalls calls([&](const SystemCall& call) -> SystemAnswer { return call.number == 3 ? SystemAnswer::error(EINTR) : SystemAnswer::as_asked(); });
///   calls.watch([&] { (void)file_system.sync(file); });
///
/// The code runs in a thread of its own under a seccomp filter that asks for each call; the hook answers from the calling thread, whose own calls nobody
/// sees. Calls of threads that the code starts are seen, too. Linux 5.5 and later; available() says whether this machine allows it.
/// Thread-safety: one watch() at a time for each object; hooks run one after the other.
#ifndef KFM_DET_SIMULATE_SYSTEM_CALLS_HPP
#define KFM_DET_SIMULATE_SYSTEM_CALLS_HPP

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace kfm_det::simulate {

enum class SystemVerb : std::uint8_t { open, read, write, sync, truncate, allocate, lock, close, rename, unlink, link, make_directory, list, look };

/// One call, as the hook sees it before it happens.
struct SystemCall {
  std::uint64_t number = 0;   ///< counts the calls of one watch(), from 0
  SystemVerb verb = SystemVerb::look;
  std::string_view name;      ///< such as "pwrite64"
  int nr = 0;                 ///< the kernel's number of it
  std::uint64_t arguments[6] = {};
  /// The first argument, of calls that have a descriptor there.
  [[nodiscard]] int descriptor() const noexcept { return static_cast<int>(arguments[0]); }
  /// Calls that Linux may interrupt, and that do nothing when it does.
  [[nodiscard]] bool can_be_interrupted() const noexcept { return verb <= SystemVerb::lock; }
};

struct SystemAnswer {
  enum class Kind : std::uint8_t { as_asked, error, shorter } kind = Kind::as_asked;
  int number = 0;               ///< of the error
  std::uint64_t taken = 0;      ///< shorter: a read or a write does this many bytes and says so
  [[nodiscard]] static SystemAnswer as_asked() { return {}; }
  [[nodiscard]] static SystemAnswer error(int number) { return {Kind::error, number, 0}; }
  [[nodiscard]] static SystemAnswer shorter(std::uint64_t taken) { return {Kind::shorter, 0, taken}; }
};

class SystemCalls {
 public:
  using Hook = std::function<SystemAnswer(const SystemCall&)>;
  explicit SystemCalls(Hook hook) : hook_(std::move(hook)) {}

  /// False: this machine does not let a process watch itself (an old kernel, a sandbox that forbids seccomp).
  [[nodiscard]] static bool available() {
    static const bool works = [] {
      std::uint64_t seen = 0;
      SystemCalls calls([&](const SystemCall&) { ++seen; return SystemAnswer::as_asked(); });
      return calls.watch([] { (void)::close(-1); }) && seen == 1;
    }();
    return works;
  }

  /// Runs `code` in a thread of its own, and shows its calls. What it throws comes out here. False: not available, and the code has not run.
  bool watch(const std::function<void()>& code) {
    std::atomic<int> listener = nobody;
    std::exception_ptr thrown;
    std::thread worker([&] {
      const int made = install();
      listener = made;
      listener.notify_all();
      if (made < 0) return;
      try { code(); } catch (...) { thrown = std::current_exception(); }
      (void)::syscall(SYS_close, farewell);
    });
    listener.wait(nobody);
    const int from = listener;
    if (from >= 0) serve(from);
    worker.join();
    if (from >= 0) ::close(from);
    if (thrown) std::rethrow_exception(thrown);
    return from >= 0;
  }

 private:
  static constexpr int nobody = -2, farewell = -7777;
  struct Known { int nr; SystemVerb verb; std::string_view name; };
  static const std::vector<Known>& known() {
    static const std::vector<Known> all{
#ifdef SYS_open
        {SYS_open, SystemVerb::open, "open"}, {SYS_creat, SystemVerb::open, "creat"}, {SYS_rename, SystemVerb::rename, "rename"}, {SYS_renameat, SystemVerb::rename, "renameat"},
        {SYS_unlink, SystemVerb::unlink, "unlink"}, {SYS_link, SystemVerb::link, "link"}, {SYS_mkdir, SystemVerb::make_directory, "mkdir"}, {SYS_getdents, SystemVerb::list, "getdents"},
        {SYS_stat, SystemVerb::look, "stat"}, {SYS_lstat, SystemVerb::look, "lstat"}, {SYS_access, SystemVerb::look, "access"},
#endif
        {SYS_openat, SystemVerb::open, "openat"}, {SYS_read, SystemVerb::read, "read"}, {SYS_pread64, SystemVerb::read, "pread64"}, {SYS_readv, SystemVerb::read, "readv"},
        {SYS_preadv, SystemVerb::read, "preadv"}, {SYS_write, SystemVerb::write, "write"}, {SYS_pwrite64, SystemVerb::write, "pwrite64"}, {SYS_writev, SystemVerb::write, "writev"},
        {SYS_pwritev, SystemVerb::write, "pwritev"}, {SYS_fsync, SystemVerb::sync, "fsync"}, {SYS_fdatasync, SystemVerb::sync, "fdatasync"}, {SYS_msync, SystemVerb::sync, "msync"},
        {SYS_sync_file_range, SystemVerb::sync, "sync_file_range"}, {SYS_syncfs, SystemVerb::sync, "syncfs"}, {SYS_ftruncate, SystemVerb::truncate, "ftruncate"},
        {SYS_fallocate, SystemVerb::allocate, "fallocate"}, {SYS_fcntl, SystemVerb::lock, "fcntl"}, {SYS_flock, SystemVerb::lock, "flock"}, {SYS_close, SystemVerb::close, "close"},
#ifdef SYS_renameat2
        {SYS_renameat2, SystemVerb::rename, "renameat2"},
#endif
        {SYS_unlinkat, SystemVerb::unlink, "unlinkat"}, {SYS_linkat, SystemVerb::link, "linkat"}, {SYS_mkdirat, SystemVerb::make_directory, "mkdirat"}, {SYS_getdents64, SystemVerb::list, "getdents64"},
        {SYS_lseek, SystemVerb::look, "lseek"}, {SYS_fstat, SystemVerb::look, "fstat"}, {SYS_faccessat, SystemVerb::look, "faccessat"},
#ifdef SYS_newfstatat
        {SYS_newfstatat, SystemVerb::look, "newfstatat"},
#endif
#ifdef SYS_statx
        {SYS_statx, SystemVerb::look, "statx"},
#endif
#ifdef SYS_faccessat2
        {SYS_faccessat2, SystemVerb::look, "faccessat2"},
#endif
    };
    return all;
  }

  /// A filter on the calling thread that asks for each call of the list. The descriptor where it asks; negative: not allowed here.
  static int install() {
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    std::vector<sock_filter> filter;
    const auto add = [&](unsigned code, std::uint8_t when_so, std::uint8_t else_so, std::uint32_t value) {
      filter.push_back({static_cast<std::uint16_t>(code), when_so, else_so, value});
    };
    add(BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr));
    for (const Known& one : known()) {
      add(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<std::uint32_t>(one.nr));
      add(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_USER_NOTIF);
    }
    add(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    return static_cast<int>(::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
  }

  void serve(int listener) {
    for (std::uint64_t number = 0;;) {
      seccomp_notif asked;
      std::memset(&asked, 0, sizeof asked);
      if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) {
        if (errno == EINTR || errno == ENOENT) continue;
        return;
      }
      seccomp_notif_resp reply{asked.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE};
      SystemCall call;
      call.nr = asked.data.nr;
      for (std::size_t i = 0; i < 6; ++i) call.arguments[i] = asked.data.args[i];
      const bool is_over = call.nr == SYS_close && call.descriptor() == farewell;
      if (!is_over) {
        for (const Known& one : known())
          if (one.nr == call.nr) { call.verb = one.verb; call.name = one.name; }
        call.number = number++;
        const SystemAnswer answer = hook_(call);
        if (answer.kind == SystemAnswer::Kind::error) reply = {asked.id, 0, -answer.number, 0};
        if (answer.kind == SystemAnswer::Kind::shorter) shorten(call, answer.taken, reply);
      }
      (void)::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
      if (is_over) return;
    }
  }
  /// Does what is left of a read or write in the caller's place: memory and descriptors are the same. Others go on as asked.
  static void shorten(const SystemCall& call, std::uint64_t taken, seccomp_notif_resp& reply) {
    const bool positioned = call.nr == SYS_pread64 || call.nr == SYS_pwrite64;
    if (!positioned && call.nr != SYS_read && call.nr != SYS_write) return;
    const std::uint64_t length = call.arguments[2] < taken ? call.arguments[2] : taken;
    errno = 0;
    const long done = length == 0 ? 0 : positioned ? ::syscall(call.nr, call.arguments[0], call.arguments[1], length, call.arguments[3]) : ::syscall(call.nr, call.arguments[0], call.arguments[1], length);
    reply.flags = 0;
    reply.val = done < 0 ? 0 : done;
    reply.error = done < 0 ? -errno : 0;
  }

  Hook hook_;
};

}  // namespace kfm_det::simulate

#endif
