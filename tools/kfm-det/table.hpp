// SPDX-License-Identifier: BSL-1.0
/// \file
/// Table: rows of Spans in columns that line up, made to fit the width of the screen.
///
/// Where a table is wider than the screen, columns that may shrink do so, the widest first; where that is not enough, the least important ones are left
/// out. Without a width everything is printed whole. Thread-safety: one thread.
#ifndef KFM_DET_TOOLS_KFM_DET_TABLE_HPP
#define KFM_DET_TOOLS_KFM_DET_TABLE_HPP

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "screen.hpp"

namespace kfm_det::tool {

struct Column {
  std::string title;
  bool right = false;          ///< numbers
  std::size_t shrinks_to = 0;  ///< columns that it needs; 0: all of them
  unsigned leaves = 0;         ///< the highest number is left out first; 0: stays
  bool prefix = false;         ///< shrunk without dots: a shorter id is an id too
  bool wraps = false;          ///< goes on below itself instead of being cut; for the last column
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void row(Line cells) { rows_.push_back({std::move(cells), Span("")}); }
  /// A sentence that stands between rows, over all columns.
  void between(Span text) { rows_.push_back({{}, std::move(text)}); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }

  void print(Screen& screen) const {
    std::vector<std::size_t> widths = measure();
    const std::vector<bool> shown = fit(widths, screen.width());
    Line titles;
    for (const auto& column : columns_) titles.emplace_back(column.title, Tone::dim);
    if (std::any_of(columns_.begin(), columns_.end(), [](const auto& column) { return !column.title.empty(); })) print_row(screen, std::move(titles), widths, shown);
    for (const auto& row : rows_) {
      if (row.over.text().empty()) {
        print_row(screen, row.cells, widths, shown);
        continue;
      }
      const std::size_t room = screen.width() > hanging ? screen.width() - hanging : 0;
      Line line;
      for (Span rest = row.over; rest.width() != 0; line = {Span::spaces(hanging)}) {
        line.push_back(rest.take_words(room == 0 ? rest.width() : room));
        screen.line(line);
      }
    }
  }

 private:
  struct Row { Line cells; Span over; };
  static constexpr std::size_t gap = 2, hanging = 3;

  [[nodiscard]] std::vector<std::size_t> measure() const {
    std::vector<std::size_t> widths;
    for (const auto& column : columns_) widths.push_back(width_of(column.title));
    for (const auto& row : rows_)
      for (std::size_t i = 0; i < row.cells.size() && i < widths.size(); ++i) widths[i] = std::max(widths[i], row.cells[i].width());
    return widths;
  }
  /// Makes the widths fit; which columns are shown.
  [[nodiscard]] std::vector<bool> fit(std::vector<std::size_t>& widths, std::size_t room) const {
    std::vector<bool> shown(columns_.size(), true);
    if (room == 0) return shown;
    const auto total = [&] {
      std::size_t sum = 0;
      for (std::size_t i = 0; i < widths.size(); ++i)
        if (shown[i]) sum += widths[i] + (sum == 0 ? 0 : gap);
      return sum;
    };
    const auto least = [&](std::size_t i) { return columns_[i].shrinks_to == 0 ? widths[i] : std::min(widths[i], std::max(columns_[i].shrinks_to, std::size_t{1})); };
    for (;;) {   // a column that cannot be shrunk enough costs the least important one
      std::size_t sum = 0;
      for (std::size_t i = 0; i < widths.size(); ++i)
        if (shown[i]) sum += least(i) + (sum == 0 ? 0 : gap);
      if (sum <= room) break;
      std::size_t worst = columns_.size();
      for (std::size_t i = 0; i < columns_.size(); ++i)
        if (shown[i] && columns_[i].leaves != 0 && (worst == columns_.size() || columns_[i].leaves > columns_[worst].leaves)) worst = i;
      if (worst == columns_.size()) break;
      shown[worst] = false;
    }
    while (total() > room) {
      std::size_t widest = columns_.size();
      for (std::size_t i = 0; i < columns_.size(); ++i)
        if (shown[i] && widths[i] > least(i) && (widest == columns_.size() || columns_[i].prefix > columns_[widest].prefix || (columns_[i].prefix == columns_[widest].prefix && widths[i] > widths[widest]))) widest = i;
      if (widest == columns_.size()) break;
      widths[widest] = columns_[widest].prefix ? least(widest) : widths[widest] - 1;
    }
    return shown;
  }
  void print_row(Screen& screen, Line cells, const std::vector<std::size_t>& widths, const std::vector<bool>& shown) const {
    Line line;
    std::size_t used = 0;
    for (std::size_t i = 0; i < cells.size() && i < columns_.size(); ++i) {
      if (!shown[i]) continue;
      if (!line.empty()) { line.push_back(Span::spaces(gap)); used += gap; }
      Span& cell = cells[i];
      if (columns_[i].wraps && cell.width() > widths[i]) {
        for (Span rest = cell; rest.width() != 0; line = {Span::spaces(used)}) {
          line.push_back(rest.take_words(widths[i]));
          screen.line(line);
        }
        return;
      }
      used += widths[i];
      if (cell.width() > widths[i]) {
        if (columns_[i].prefix) cell.keep(widths[i]);
        else cell.cut_to(widths[i]);
      }
      const Span space = Span::spaces(widths[i] - std::min(widths[i], cell.width()));
      if (columns_[i].right) line.push_back(space);
      line.push_back(cell);
      if (!columns_[i].right) line.push_back(space);
    }
    screen.line(line);
  }

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace kfm_det::tool

#endif
