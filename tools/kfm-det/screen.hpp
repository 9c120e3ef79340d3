// SPDX-License-Identifier: BSL-1.0
/// \file
/// Screen: the one way to stdout and stderr. Results go to stdout, everything else to stderr.
///
/// A Span makes its text printable when it is built, and a Screen writes nothing but Spans and JSON: so no text of a record drives the terminal, whoever
/// forgets to think of it. Colours: on a terminal only, not with --no-color, NO_COLOR or TERM=dumb. Width: the terminal's; without one, no limit.
/// Thread-safety: one thread.
#ifndef KFM_DET_TOOLS_KFM_DET_SCREEN_HPP
#define KFM_DET_TOOLS_KFM_DET_SCREEN_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <kfm_det/core/error.hpp>
#include <kfm_det/core/json.hpp>

#include "text.hpp"

namespace kfm_det::tool {

enum class Tone : std::uint8_t { plain, dim, strong, good, warning, bad };

/// A piece of a line. Its text is printable from birth.
class Span {
 public:
  Span(std::string_view text, Tone tone = Tone::plain) : text_(printable(text)), tone_(tone) {}
  Span(const std::string& text, Tone tone = Tone::plain) : Span(std::string_view(text), tone) {}
  Span(const char* text, Tone tone = Tone::plain) : Span(std::string_view(text), tone) {}
  /// Of a text in which its own writer has written out what does not print: it is not trusted, but not written out twice.
  [[nodiscard]] static Span written_out(std::string_view text, Tone tone = Tone::plain) {
    Span out("", tone);
    out.text_ = printable_still(text);
    return out;
  }
  [[nodiscard]] static Span spaces(std::size_t count) { return Span(std::string(count, ' ')); }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] Tone tone() const { return tone_; }
  [[nodiscard]] std::size_t width() const { return width_of(text_); }
  void cut_to(std::size_t columns) { text_ = cut(text_, columns); }
  /// The first bytes alone, of a text that is ASCII.
  void keep(std::size_t bytes) { text_.resize(bytes < text_.size() ? bytes : text_.size()); }
  /// Takes the words off the front that fit into `columns`, at least a piece; what is left stays. For wrapping.
  [[nodiscard]] Span take_words(std::size_t columns);

 private:
  std::string text_;
  Tone tone_;
};
using Line = std::vector<Span>;

/// What a person asked of every command.
struct Wishes {
  bool json = false, quiet = false, no_color = false;
};

class Screen {
 public:
  Screen();
  ~Screen() { clear_progress(); }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  Wishes wishes;

  /// Of stdout, in columns; 0: no limit.
  [[nodiscard]] std::size_t width() const { return width_; }
  [[nodiscard]] bool out_is_terminal() const { return out_is_terminal_; }

  /// A line of the result. Does nothing where JSON was asked for.
  void line(const Line& line);
  void blank() { line({}); }
  /// A sentence of the result, its words wrapped, what follows the first line indented by `hanging`.
  void paragraph(const Span& text, std::size_t hanging = 2);
  /// "  name        text", the text wrapped below itself.
  void field(std::string_view name, Span text);
  /// A document or a line of the result: canonical bytes into a pipe, the same value without control characters on a terminal.
  void json(const Json& value);
  void json_text(std::string_view canonical_text);
  /// Text of another language (roff, shell, DOT, SVG) whose own writer has escaped it. Never to be given a record's text as it is.
  void raw(std::string_view text);
  /// Everything written so far is out; false when it could not be written.
  [[nodiscard]] bool flush();

  /// A sentence to the person, on stderr, unless they asked for quiet. Its words wrap on a terminal.
  void say(const Span& text);
  /// "kfm-det: ..." on stderr, quiet or not. Its words wrap on a terminal.
  void error(Span sentence);
  void error(const Error& error) { this->error(Span(error.message())); }

  /// "reading 34 %" on a terminal's stderr, written over and over; elsewhere nothing.
  void progress(std::string_view what, std::uint64_t done, std::uint64_t total);
  void clear_progress();

 private:
  [[nodiscard]] std::string painted(const Line& line, bool colours) const;
  void wrapped_to_stderr(const Span& head, Span text);
  std::size_t width_ = 0, err_width_ = 0;
  bool out_is_terminal_ = false, err_is_terminal_ = false, may_colour_ = true, failed_ = false;
  int shown_percent_ = -1;
  std::int64_t started_ns_ = 0;
};

}  // namespace kfm_det::tool

#endif
