// SPDX-License-Identifier: BSL-1.0
#include "subprocess.hpp"

#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kfm_det/files/posix_error.hpp>

extern char** environ;

namespace kfm_det::tool {

namespace {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept { std::swap(number_, other.number_); return *this; }
  ~Descriptor() { close(); }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_ = -1;
};

struct Pipe { Descriptor read, write; };
result<Pipe> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return posix_error(errno, "pipe", "");
  return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
}

}  // namespace

result<std::string> filtered(const std::vector<std::string>& words, const std::string& input, const std::string& package) {
  KFM_DET_TRY(Pipe in, make_pipe());
  KFM_DET_TRY(Pipe out, make_pipe());
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.read.number(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.write.number(), STDOUT_FILENO);
  std::vector<std::string> copies = words;
  std::vector<char*> argv;
  for (auto& word : copies) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::pid_t child = 0;
  const int spawned = ::posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  const Error missing(errc::unavailable, "the program `" + words[0] + "` is not installed", "PATH", "Install the package " + package + " (apt-get install " + package + "), or ask for another format");
  if (spawned == ENOENT) return missing;
  if (spawned != 0) return posix_error(spawned, "starting " + words[0], words[0]);
  in.read.close();
  out.write.close();

  struct sigaction ignore = {}, before = {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &before);   // a program that ends early is told by its exit code
  ::fcntl(in.write.number(), F_SETFL, O_NONBLOCK);
  std::string text;
  std::size_t written = 0;
  char piece[65536];
  for (;;) {   // both directions at once: either pipe may be full
    if (written == input.size()) in.write.close();
    pollfd waits[2] = {{out.read.number(), POLLIN, 0}, {in.write.number(), POLLOUT, 0}};
    if (::poll(waits, in.write.number() >= 0 ? 2 : 1, -1) < 0 && errno != EINTR) break;
    if (in.write.number() >= 0 && (waits[1].revents & (POLLOUT | POLLERR)) != 0) {
      const ::ssize_t put = ::write(in.write.number(), input.data() + written, input.size() - written);
      if (put > 0) written += static_cast<std::size_t>(put);
      else if (put < 0 && errno != EAGAIN && errno != EINTR) in.write.close();
    }
    if ((waits[0].revents & (POLLIN | POLLHUP)) == 0) continue;
    const ::ssize_t got = ::read(out.read.number(), piece, sizeof piece);
    if (got > 0) text.append(piece, static_cast<std::size_t>(got));
    else if (got == 0 || errno != EINTR) break;
  }
  in.write.close();
  ::sigaction(SIGPIPE, &before, nullptr);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && text.empty()) return missing;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return Error(errc::io_error, "`" + words[0] + "` failed", WIFEXITED(status) ? "exit code " + std::to_string(WEXITSTATUS(status)) : "signal " + std::to_string(WTERMSIG(status)), "Its own words stand above; or ask for another format");
  return text;
}

}  // namespace kfm_det::tool
