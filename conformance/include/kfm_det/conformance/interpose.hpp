// SPDX-License-Identifier: BSL-1.0
/// \file
/// Functions of the C library under the kit's eyes: a planner that reads clock, random numbers, environment or files is named with the call and what it asked for.
///
///   #include <kfm_det/conformance/interpose.hpp>       // in ONE source of the program that runs check_plan
///
/// The program then has its own time(), getenv(), rand(), open() and some more. They do what they always did, except in the children in which check_plan
/// works out a plan: there they say that they were called, or give another time, other random numbers, and begin threads in another order. So an operation that
/// writes the date, and a plan that takes what is finished first, are found out as well.
/// Each is a weak definition that asks for the real one (RTLD_NEXT), or, in a program without a dynamic linker, for the system call: a statically linked
/// program works as before. With a sanitizer, whose runtime has such functions itself, or without glibc 2.34, this header defines nothing. The bounds of the
/// report say which kinds of calls arrive. What libc and libstdc++ call within themselves does not.
/// Thread-safety: as the functions themselves.
#ifndef KFM_DET_CONFORMANCE_INTERPOSE_HPP
#define KFM_DET_CONFORMANCE_INTERPOSE_HPP

#include "kfm_det/conformance/detail/plan_interposed.hpp"

#include <cstdlib>

#if defined(__linux__) && defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer) && !__has_feature(memory_sanitizer)
#define KFM_DET_CONFORMANCE_INTERPOSES 1
#endif
#else
#define KFM_DET_CONFORMANCE_INTERPOSES 1
#endif
#if !__GLIBC_PREREQ(2, 34)
#undef KFM_DET_CONFORMANCE_INTERPOSES
#endif
#endif

#ifdef KFM_DET_CONFORMANCE_INTERPOSES

#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <random>

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/utsname.h>
#include <threads.h>
#include <unistd.h>

extern "C" __attribute__((weak)) int __pthread_create_2_1(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);   // where everything is static

namespace kfm_det::conformance::detail {

/// The next definition of `symbol`; null in a statically linked program.
template <class Function>
[[nodiscard]] Function* next_definition(std::atomic<void*>& known, const char* symbol) {
  void* found = known.load(std::memory_order_relaxed);
  if (!found) known.store(found = ::dlsym(RTLD_NEXT, symbol), std::memory_order_relaxed);
  return reinterpret_cast<Function*>(found);
}
inline void looked_at(const char* what, const char* at = nullptr) {
  if (interposed.mode == Interposed::Mode::watch) interposed.looked(what, at);
}
inline bool is_other() { return interposed.mode == Interposed::Mode::other; }
inline constexpr long other_time = -400L * 86'400 - 7 * 3'600 - 13 * 60;   // back: a deadline lies in the past then, and nobody waits for a year

/// Of programs without a dynamic linker, which have no other generator any more.
inline std::atomic<std::uint64_t> own_random{1};
inline std::uint32_t own_random_number() {
  std::uint64_t z = own_random.fetch_add(0x9E3779B97F4A7C15u, std::memory_order_relaxed);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  return static_cast<std::uint32_t>(z >> 33);
}

struct LateThread {
  void* (*begin)(void*);
  void* argument;
  unsigned number;
  static void* run(void* self) {
    const LateThread mine = *static_cast<LateThread*>(self);
    std::free(self);
    timespec pause{0, (mine.number < 3 ? 3 - static_cast<long>(mine.number) : 0) * 8'000'000};   // the first ones begin last
    (void)::syscall(SYS_nanosleep, &pause, nullptr);
    return mine.begin(mine.argument);
  }
};

}  // namespace kfm_det::conformance::detail

// An asm label and a name of its own: no quarrel with what the C headers declare.
#define KFM_DET_INTERPOSE(result, name, parameters)                                                                  \
  extern "C" __attribute__((weak, visibility("default"))) result kfm_det_interposed_##name parameters __asm__(#name); \
  extern "C" result kfm_det_interposed_##name parameters
#define KFM_DET_NEXT(function, symbol) \
  static std::atomic<void*> known;     \
  auto* const next = ::kfm_det::conformance::detail::next_definition<function>(known, symbol)
#define KFM_DET_INTERPOSE_OPEN(name)                                                                                                         \
  KFM_DET_INTERPOSE(int, name, (const char* path, int flags, ...)) {                                                                         \
    ::mode_t mode = 0;                                                                                                                       \
    if ((flags & (O_CREAT | O_TMPFILE)) != 0) {                                                                                              \
      std::va_list rest;                                                                                                                     \
      va_start(rest, flags);                                                                                                                 \
      mode = va_arg(rest, ::mode_t);                                                                                                         \
      va_end(rest);                                                                                                                          \
    }                                                                                                                                        \
    ::kfm_det::conformance::detail::looked_at("a file: " #name, path);                                                                       \
    return static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, mode));                                               \
  }
#define KFM_DET_INTERPOSE_FOPEN(name)                                                                                                        \
  KFM_DET_INTERPOSE(std::FILE*, name, (const char* path, const char* mode)) {                                                                \
    ::kfm_det::conformance::detail::looked_at("a file: fopen", path);                                                                        \
    KFM_DET_NEXT(std::FILE*(const char*, const char*), #name);                                                                               \
    if (next) return next(path, mode);                                                                                                       \
    const int way = std::strchr(mode, '+') ? O_RDWR : *mode == 'r' ? O_RDONLY : O_WRONLY;                                                    \
    const int flags = way | (*mode == 'w' ? O_CREAT | O_TRUNC : *mode == 'a' ? O_CREAT | O_APPEND : 0) | (std::strchr(mode, 'x') ? O_EXCL : 0) | \
                      (std::strchr(mode, 'e') ? O_CLOEXEC : 0);                                                                              \
    const int file = static_cast<int>(::syscall(SYS_openat, AT_FDCWD, path, flags | O_LARGEFILE, 0666));                                     \
    return file < 0 ? nullptr : ::fdopen(file, mode);                                                                                        \
  }
#define KFM_DET_INTERPOSE_NUMBER(type, name, call, what)          \
  KFM_DET_INTERPOSE(type, name, (void)) {                         \
    ::kfm_det::conformance::detail::looked_at(what ": " #name);   \
    return static_cast<type>(::syscall(call));                    \
  }

// --- the clock ---------------------------------------------------------------------------------------------------------------------------------

KFM_DET_INTERPOSE(int, clock_gettime, (::clockid_t clock, ::timespec* into)) {
  using namespace kfm_det::conformance::detail;
  looked_at("the clock: clock_gettime");
  KFM_DET_NEXT(int(::clockid_t, ::timespec*), "clock_gettime");
  const int answer = next ? next(clock, into) : static_cast<int>(::syscall(SYS_clock_gettime, clock, into));
  if (answer == 0 && is_other() && clock == CLOCK_REALTIME) into->tv_sec += other_time;
  return answer;
}
KFM_DET_INTERPOSE(int, gettimeofday, (::timeval* into, void*)) {
  using namespace kfm_det::conformance::detail;
  looked_at("the clock: gettimeofday");
  const int answer = static_cast<int>(::syscall(SYS_gettimeofday, into, nullptr));
  if (answer == 0 && into && is_other()) into->tv_sec += other_time;
  return answer;
}
KFM_DET_INTERPOSE(std::time_t, time, (std::time_t* into)) {
  using namespace kfm_det::conformance::detail;
  looked_at("the clock: time");
  ::timespec now{};
  (void)::syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  const std::time_t answer = now.tv_sec + (is_other() ? other_time : 0);
  if (into) *into = answer;
  return answer;
}

// --- random numbers ------------------------------------------------------------------------------------------------------------------------------

#define KFM_DET_INTERPOSE_RANDOM(type, name, seed)                                                                   \
  KFM_DET_INTERPOSE(type, name, (void)) {                                                                            \
    using namespace kfm_det::conformance::detail;                                                                    \
    looked_at("a random number: " #name);                                                                            \
    KFM_DET_NEXT(type(), #name);                                                                                     \
    return is_other() || !next ? static_cast<type>(own_random_number() & 0x7FFFFFFFu) : next();                      \
  }                                                                                                                  \
  KFM_DET_INTERPOSE(void, seed, (unsigned value)) {                                                                  \
    using namespace kfm_det::conformance::detail;                                                                    \
    KFM_DET_NEXT(void(unsigned), #seed);                                                                             \
    if (next) next(value);                                                                                           \
    else own_random = value;                                                                                         \
  }
KFM_DET_INTERPOSE_RANDOM(int, rand, srand)
KFM_DET_INTERPOSE_RANDOM(long, random, srandom)
KFM_DET_INTERPOSE(::ssize_t, getrandom, (void* into, std::size_t size, unsigned flags)) {
  kfm_det::conformance::detail::looked_at("a random number: getrandom");
  return static_cast<::ssize_t>(::syscall(SYS_getrandom, into, size, flags));
}
KFM_DET_INTERPOSE(int, getentropy, (void* into, std::size_t size)) {
  kfm_det::conformance::detail::looked_at("a random number: getentropy");
  if (size <= 256) return ::syscall(SYS_getrandom, into, size, 0) == static_cast<long>(size) ? 0 : -1;
  errno = EIO;
  return -1;
}
#ifdef __GLIBCXX__
/// std::random_device asks the processor: no call of libc.
KFM_DET_INTERPOSE(unsigned, _ZNSt13random_device9_M_getvalEv, (void* self)) {
  using namespace kfm_det::conformance::detail;
  looked_at("a random number: std::random_device");
  KFM_DET_NEXT(unsigned(void*), "_ZNSt13random_device9_M_getvalEv");
  if (next) return next(self);
  unsigned out = 0;
  (void)::syscall(SYS_getrandom, &out, sizeof out, 0);
  return out;
}
#endif

// --- the environment, the machine, the network ---------------------------------------------------------------------------------------------------

#define KFM_DET_INTERPOSE_GETENV(symbol)                                                                                                    \
  KFM_DET_INTERPOSE(char*, symbol, (const char* name)) {                                                                                    \
    kfm_det::conformance::detail::looked_at("the environment: " #symbol, name);                                                             \
    const std::size_t size = std::strlen(name);                                                                                             \
    for (char** one = environ; one && *one; ++one)                                                                                          \
      if (std::strncmp(*one, name, size) == 0 && (*one)[size] == '=') return *one + size + 1;                                               \
    return nullptr;                                                                                                                         \
  }
KFM_DET_INTERPOSE_GETENV(getenv)
KFM_DET_INTERPOSE_NUMBER(::pid_t, getpid, SYS_getpid, "the process")
KFM_DET_INTERPOSE_NUMBER(::pid_t, getppid, SYS_getppid, "the process")
KFM_DET_INTERPOSE_NUMBER(::uid_t, getuid, SYS_getuid, "the process")
KFM_DET_INTERPOSE(int, uname, (::utsname* into)) {
  kfm_det::conformance::detail::looked_at("the machine's name: uname");
  return static_cast<int>(::syscall(SYS_uname, into));
}
KFM_DET_INTERPOSE(int, gethostname, (char* into, std::size_t size)) {
  kfm_det::conformance::detail::looked_at("the machine's name: gethostname");
  ::utsname about{};
  if (::syscall(SYS_uname, &about) != 0) return -1;
  const std::size_t whole = std::strlen(about.nodename) + 1;
  std::memcpy(into, about.nodename, whole < size ? whole : size);
  if (whole <= size) return 0;
  errno = ENAMETOOLONG;
  return -1;
}
KFM_DET_INTERPOSE(int, socket, (int domain, int type, int protocol)) {
  kfm_det::conformance::detail::looked_at("the network: socket");
  return static_cast<int>(::syscall(SYS_socket, domain, type, protocol));
}

// --- files -----------------------------------------------------------------------------------------------------------------------------------------

KFM_DET_INTERPOSE_OPEN(open)
KFM_DET_INTERPOSE_OPEN(open64)
KFM_DET_INTERPOSE_FOPEN(fopen)
KFM_DET_INTERPOSE_FOPEN(fopen64)
KFM_DET_INTERPOSE(char*, getcwd, (char* into, std::size_t size)) {
  using namespace kfm_det::conformance::detail;
  looked_at("a file: getcwd (the working directory)");
  KFM_DET_NEXT(char*(char*, std::size_t), "getcwd");
  if (next) return next(into, size);
  const bool own = !into;
  if (own) into = static_cast<char*>(std::malloc(size = size == 0 ? 4096 : size));
  if (into && ::syscall(SYS_getcwd, into, size) > 0) return into;
  if (own) std::free(into);
  return nullptr;
}

// --- threads: nothing is said of them; in another order they begin ---------------------------------------------------------------------------------

KFM_DET_INTERPOSE(int, pthread_create, (::pthread_t* thread, const ::pthread_attr_t* attributes, void* (*begin)(void*), void* argument)) {
  using namespace kfm_det::conformance::detail;
  KFM_DET_NEXT(int(::pthread_t*, const ::pthread_attr_t*, void* (*)(void*), void*), "pthread_create");
  auto* const real = next ? next : &::__pthread_create_2_1;
  if (!is_other()) return real(thread, attributes, begin, argument);
  auto* late = static_cast<LateThread*>(std::malloc(sizeof(LateThread)));
  if (!late) return EAGAIN;
  *late = {begin, argument, interposed.threads++};
  const int answer = real(thread, attributes, &LateThread::run, late);
  if (answer != 0) std::free(late);
  return answer;
}

namespace kfm_det::conformance::detail {
inline const Interposed::Probe interposed_probes[] = {
    {"clock", [] { ::timespec now{}; (void)::clock_gettime(CLOCK_REALTIME, &now); (void)std::time(nullptr); }},
    {"random numbers", [] { (void)std::rand(); }},
#ifdef __GLIBCXX__
    {"std::random_device", [] { std::random_device device; (void)device(); }},
#endif
    {"environment", [] { (void)!std::getenv("KFM_DET"); }},
    {"files", [] { if (std::FILE* file = std::fopen("/dev/null", "re")) std::fclose(file); }},
    {"machine", [] { char name[2]; (void)!::gethostname(name, 0); }},
    {"process", [] { (void)::getpid(); }},
};
inline const bool interposing = [] {
  interposed.probes = interposed_probes;
  interposed.probes_size = sizeof interposed_probes / sizeof *interposed_probes;
  interposed.keeps = reinterpret_cast<void (*)()>(&::thrd_create);   // where everything is static, this brings __pthread_create_2_1 along
  return true;
}();
}  // namespace kfm_det::conformance::detail

#undef KFM_DET_INTERPOSE
#undef KFM_DET_NEXT
#undef KFM_DET_INTERPOSE_OPEN
#undef KFM_DET_INTERPOSE_FOPEN
#undef KFM_DET_INTERPOSE_NUMBER
#undef KFM_DET_INTERPOSE_RANDOM
#undef KFM_DET_INTERPOSE_GETENV

#endif
#endif
