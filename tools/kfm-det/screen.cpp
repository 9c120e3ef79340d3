// SPDX-License-Identifier: BSL-1.0
#include "screen.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <kfm_det/core/json_writer.hpp>

namespace kfm_det::tool {

namespace {

[[nodiscard]] const char* code_of(Tone tone) {
  switch (tone) {
    case Tone::plain: return "";
    case Tone::dim: return "\033[2m";
    case Tone::strong: return "\033[1m";
    case Tone::good: return "\033[32m";
    case Tone::warning: return "\033[33m";
    case Tone::bad: return "\033[1;31m";
  }
  return "";
}

[[nodiscard]] std::int64_t now_ns() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// 0: no terminal, or one that does not know.
[[nodiscard]] std::size_t width_of_terminal(int file) {
  winsize size = {};
  return ::isatty(file) == 1 && ::ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20 ? size.ws_col : 0;
}

/// Calls for each line of a text whose words are wrapped.
template <class Each>
void wrap(Span text, std::size_t width, std::size_t used, std::size_t hanging, Each each) {
  do {
    each(width > used + 10 ? text.take_words(width - used) : std::exchange(text, Span("")));
    used = hanging;   // the first line stands behind its head
  } while (text.width() != 0);
}

}  // namespace

Span Span::take_words(std::size_t columns) {
  Span out("", tone_);
  if (width_of(text_) <= columns) {
    out.text_ = std::exchange(text_, std::string());
    return out;
  }
  std::size_t at = 0, used = 0, space = std::string::npos;
  while (at < text_.size()) {
    const std::size_t found = utf8_length(text_, at), length = found == 0 ? 1 : found;
    const std::size_t more = found == 0 ? 1 : columns_of(code_point_at(text_, at, length));
    if (text_[at] == ' ') space = at;   // a line may end in front of a space that itself has no room
    if (used + more > columns && at != 0) break;
    used += more;
    at += length;
  }
  const std::size_t end = space == std::string::npos || space == 0 ? at : space;
  out.text_ = text_.substr(0, end);
  const std::size_t next = text_.find_first_not_of(' ', end);
  text_ = next == std::string::npos ? std::string() : text_.substr(next);
  return out;
}

Screen::Screen() : started_ns_(now_ns()) {
  out_is_terminal_ = ::isatty(STDOUT_FILENO) == 1;
  err_is_terminal_ = ::isatty(STDERR_FILENO) == 1;
  const char* const no_color = std::getenv("NO_COLOR");
  const char* const term = std::getenv("TERM");
  may_colour_ = (no_color == nullptr || *no_color == '\0') && (term == nullptr || std::strcmp(term, "dumb") != 0);
  width_ = width_of_terminal(STDOUT_FILENO);
  err_width_ = width_of_terminal(STDERR_FILENO);
}

std::string Screen::painted(const Line& line, bool colours) const {
  std::string out;
  for (const Span& span : line) {
    const bool paint = colours && may_colour_ && !wishes.no_color && span.tone() != Tone::plain;
    if (paint) out += code_of(span.tone());
    out += span.text();
    if (paint) out += "\033[0m";
  }
  if (const std::size_t end = out.find_last_not_of(' '); end + 1 < out.size()) out.resize(end + 1);   // npos + 1 is 0
  return out;
}

void Screen::line(const Line& line) {
  if (!wishes.json) raw(painted(line, out_is_terminal_) + "\n");
}

void Screen::paragraph(const Span& text, std::size_t hanging) {
  bool first = true;
  wrap(text, width_, 0, hanging, [&](const Span& piece) { line({Span::spaces(std::exchange(first, false) ? 0 : hanging), piece}); });
}

void Screen::field(std::string_view name, Span text) {
  constexpr std::size_t indent = 14;
  const std::size_t room = width_ > indent + 20 ? width_ - indent : 0;
  Line line{Span::spaces(2), Span(name, Tone::dim), Span::spaces(indent > name.size() + 2 ? indent - name.size() - 2 : 1)};
  while (room != 0 && text.width() > room) {
    line.push_back(text.take_words(room));
    this->line(line);
    line = {Span::spaces(indent)};
  }
  line.push_back(std::move(text));
  this->line(line);
}

void Screen::json(const Json& value) {
  const auto text = canonical(value);
  if (!text) return error(text.error());
  json_text(text.value());
}

void Screen::json_text(std::string_view text) {
  raw(out_is_terminal_ ? json_for_terminal(text) : std::string(text));
  raw("\n");
}

void Screen::raw(std::string_view text) {
  clear_progress();
  failed_ = std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || failed_;
}

bool Screen::flush() {
  failed_ = std::fflush(stdout) != 0 || failed_;
  return !failed_;
}

void Screen::wrapped_to_stderr(const Span& head, Span text) {
  clear_progress();
  constexpr std::size_t hanging = 2;
  bool first = true;
  wrap(std::move(text), err_width_, head.width(), hanging, [&](const Span& piece) {
    const std::string out = painted({std::exchange(first, false) ? head : Span::spaces(hanging), piece}, err_is_terminal_) + "\n";
    std::fputs(out.c_str(), stderr);
  });
}

void Screen::say(const Span& text) {
  if (!wishes.quiet) wrapped_to_stderr("", text);
}

void Screen::error(Span sentence) {
  (void)flush();   // in the order in which a person reads it
  wrapped_to_stderr({"kfm-det: ", Tone::bad}, std::move(sentence));
}

void Screen::progress(std::string_view what, std::uint64_t done, std::uint64_t total) {
  if (!err_is_terminal_ || wishes.quiet || total == 0) return;
  const int percent = static_cast<int>(done >= total ? 100 : done * 100 / total);
  if (percent == shown_percent_ || (shown_percent_ < 0 && now_ns() - started_ns_ < 400'000'000)) return;   // what is quick needs none
  shown_percent_ = percent;
  const std::string text = "\r\033[K" + printable(what) + " " + std::to_string(percent) + " %";
  std::fputs(text.c_str(), stderr);
}

void Screen::clear_progress() {
  if (shown_percent_ < 0) return;
  shown_percent_ = -1;
  std::fputs("\r\033[K", stderr);
}

}  // namespace kfm_det::tool
