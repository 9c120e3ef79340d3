// SPDX-License-Identifier: BSL-1.0
/// \file
/// What an adversary does to a log who can edit its files and has no key: he changes texts, and computes again every hash that needs no secret.
///
/// Thread-safety: plain functions over values.
#ifndef KFM_DET_CONFORMANCE_DETAIL_VERIFY_FORGING_HPP
#define KFM_DET_CONFORMANCE_DETAIL_VERIFY_FORGING_HPP

#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/verify_logs.hpp"

namespace kfm_det::conformance::detail {

/// `{"body":BODY,"hash":"..."TAIL`.
[[nodiscard]] inline std::size_t seal_of(const std::string& line) { return line.rfind(",\"hash\":\""); }
[[nodiscard]] inline std::string body_of(const std::string& line) { return line.substr(8, seal_of(line) - 8); }
[[nodiscard]] inline std::string sealed_line(const std::string& body, const std::string& tail) { return "{\"body\":" + body + ",\"hash\":\"" + domain_digest(wal::frame_domain, body).hex() + "\"" + tail; }
[[nodiscard]] inline Digest line_hash(const std::string& line) { return domain_digest(wal::line_domain, BytesView(line).substr(seal_of(line))); }

/// A signature over a line as it stands.
[[nodiscard]] inline std::string signature_by(const wal::Ed25519Signer& signer, const std::string& line) {
  const wal::Line read = wal::read_line(line);
  std::string what;
  wal::signed_bytes(what, wal::ed25519, signer.key_id(), read.sealed_hash, read.incarnation, read.lsn, read.stream);
  return ",\"sig\":{\"alg\":\"ed25519\",\"key\":\"" + signer.key_id() + "\",\"value\":\"" + to_hex(signer.sign(what).value()) + "\"}}";
}

/// What is put behind the hashes of lines that were changed.
enum class Resealed : std::uint8_t { old_signatures, nothing, algorithm_none, other_algorithm, stranger, impostor };
inline constexpr std::array<std::string_view, 6> resealed_words{"the old signatures stay", "without signatures", "\"alg\":\"none\"", "signatures of an algorithm that nobody trusts", "signed by a stranger's key",
                                                                "signed by a stranger's key under the right name"};
[[nodiscard]] inline std::string resealed(Resealed how, const std::string& line, const std::string& old_tail) {
  switch (how) {
    case Resealed::old_signatures: return old_tail;
    case Resealed::nothing: return "}";
    case Resealed::algorithm_none: return ",\"sig\":{\"alg\":\"none\",\"key\":\"key-a\",\"value\":\"\"}}";
    case Resealed::other_algorithm: return ",\"sig\":{\"alg\":\"sha256\",\"key\":\"key-a\",\"value\":\"" + domain_digest(wal::frame_domain, body_of(line)).hex() + "\"}}";
    case Resealed::stranger: return signature_by(kit_key("mallory"), line);
    case Resealed::impostor: {
      const std::size_t name = old_tail.find(",\"key\":\"");
      const std::string key = name == std::string::npos ? std::string("key-a") : old_tail.substr(name + 8, old_tail.find('"', name + 8) - name - 8);
      return signature_by(kit_key(key, "mallory"), line);
    }
  }
  return old_tail;
}

/// Computes again what follows from a change of line `from`: its hash, and the links, ids, hashes and carried heads of all lines behind it. MARKs too. `was`: its line
/// hash before, where its text does not say it any more.
inline void renew(std::vector<LogLine>& lines, std::size_t from, Resealed how, std::optional<Digest> was = std::nullopt) {
  Digest before;
  for (std::size_t i = from; i-- > 0 && before == Digest{};)
    if (is_frame(lines[i].text)) before = line_hash(lines[i].text);
  std::size_t last = lines.size();
  for (std::size_t i = from; i < lines.size(); ++i)
    if (is_frame(lines[i].text)) last = i;
  std::map<std::string, std::string> renewed;   // line hashes of entries behind the change
  for (std::size_t i = from; i < lines.size(); ++i) {
    std::string& line = lines[i].text;
    if (!is_frame(line)) {
      const wal::Line mark = wal::read_line(line);
      std::string made;
      wal::seal_mark(made, {StreamId{std::string(mark.stream)}, mark.incarnation, mark.ordinal, mark.lsn, before});
      line = made;
      continue;
    }
    std::string body = body_of(line);
    const std::string tail = tail_of(line);
    if (i != from) {
      const wal::Line read = wal::read_line(line);
      if (const auto record = wal::read_record(read)) {
        const std::string old_id = record.value().entry_id.text();
        if (const std::size_t at = body.find("\"" + old_id + "\""); at != std::string::npos) body.replace(at + 1, old_id.size(), wal::entry_id(before, record.value().wal_id, record.value().seq).text());
      }
      if (const std::size_t at = body.find(",\"prev\":\""); at != std::string::npos) body.replace(at + 9, 64, before.hex());
      if (const std::size_t at = body.find("\"head\":{\"hash\":\""); at != std::string::npos)
        if (const auto head = renewed.find(body.substr(at + 16, 64)); head != renewed.end()) body.replace(at + 16, 64, head->second);
    }
    const std::string old = (i == from && was ? *was : line_hash(line)).hex();
    line = sealed_line(body, "}");
    const bool seals = tail != "}" || (i == last && how != Resealed::old_signatures);
    if (seals) line = sealed_line(body, resealed(how, line, tail));
    before = line_hash(line);
    renewed[old] = before.hex();
  }
}

/// The record of a line says something else, and everything behind it follows.
inline bool rewrite(std::vector<LogLine>& lines, std::size_t at, const std::function<void(wal::WalRecord&)>& edit, Resealed how) {
  const wal::Line line = wal::read_line(lines[at].text);
  const Digest was = line_hash(lines[at].text);
  auto read = wal::read_record(line);
  if (!read) return false;
  const EntryId id = read.value().entry_id;
  edit(read.value());
  if (read.value().entry_id == id) read.value().entry_id = wal::entry_id(line.link, read.value().wal_id, read.value().seq);
  std::string made;
  if (!wal::seal_frame(made, wal::Envelope{StreamId{std::string(line.stream)}, line.incarnation, line.lsn, line.link, line.group_index, line.group_count, line.durable_upto}, read.value())) return false;
  made.pop_back();
  lines[at].text = made + tail_of(lines[at].text);
  renew(lines, at, how, was);
  return true;
}

/// A group of one entry behind the last one. `signer`: it has that key.
inline void append_entry(std::vector<LogLine>& lines, const StreamId& stream, wal::WalRecord record, Incarnation incarnation = 0, const wal::Ed25519Signer* signer = nullptr) {
  std::size_t last = lines.size() - 1;
  while (!is_frame(lines[last].text)) --last;
  const wal::Line before = wal::read_line(lines[last].text);
  record.ts = wal::read_record(before).value().ts;
  record.entry_id = wal::entry_id(before.hash, record.wal_id, record.seq);
  std::string made;
  (void)wal::seal_frame(made, wal::Envelope{stream, incarnation == 0 ? before.incarnation : incarnation, before.lsn + 1, before.hash, 0, 1, 0}, record).value();
  if (signer != nullptr) made = made.substr(0, made.size() - 1) + signature_by(*signer, made);
  lines.push_back({made, lines.back().segment});
}

/// Where the values of a line's members begin that hold no others: behind the quote, or at the first digit.
[[nodiscard]] inline std::vector<std::size_t> scalar_places(const std::string& line) {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      std::size_t end = i + 1;
      while (end < line.size() && line[end] != '"') end += line[end] == '\\' ? std::size_t{2} : std::size_t{1};
      if (end + 1 >= line.size() || line[end + 1] != ':') out.push_back(i + 1);
      i = end;
    } else if (line[i] >= '0' && line[i] <= '9' && i > 0 && (line[i - 1] == ':' || line[i - 1] == '[' || line[i - 1] == ',')) {
      out.push_back(i);
    }
  }
  return out;
}
/// The value that begins there gets another first character.
inline void change_scalar(std::string& line, std::size_t at) {
  char& c = line[at];
  if (c == '"') line.insert(at, "x");
  else if (c >= '0' && c <= '9') c = c == '9' ? '8' : static_cast<char>(c + 1);
  else if (c >= 'a' && c <= 'z') c = c == 'f' || c == 'z' ? static_cast<char>(c - 1) : static_cast<char>(c + 1);
  else c = c == 'X' ? 'Y' : 'X';
}
/// The member whose value stands there, for the script.
[[nodiscard]] inline std::string member_at(const std::string& line, std::size_t at) {
  const std::size_t colon = line.rfind("\":", at);
  if (colon == std::string::npos || colon == 0) return "a value";
  const std::size_t quote = line.rfind('"', colon - 1);
  return line.substr(quote + 1, colon - quote - 1);
}
/// The last character of one text becomes the first of the next one. False: nothing changes by it.
inline bool move_border(std::string& line, std::size_t first, std::size_t second) {
  if (line[first - 1] != '"' || line[second - 1] != '"') return false;
  const std::size_t end = line.find('"', first);
  if (end == first) return false;
  const std::string old = line;
  const char moved = line[end - 1];
  line.insert(second, 1, moved);
  line.erase(end - 1, 1);
  return line != old;
}

/// Up to which LSN the entries are those that were written, from the first that is there on. What a verifier calls sealed lies below it.
[[nodiscard]] inline Lsn same_upto(const WrittenLog& log, const std::vector<LogLine>& lines) {
  std::map<std::string_view, Lsn> known;
  for (std::size_t i = 0; i < log.entries.size(); ++i) known[log.lines[log.entries[i]].text] = log.heads[i].lsn;
  Lsn last = 0;
  for (const LogLine& line : lines) {
    const auto found = known.find(line.text);
    if (found != known.end()) {
      if (last == 0 || found->second == last + 1) last = found->second;
      else if (found->second > last) break;
    } else if (wal::read_line(line.text).kind == wal::LineKind::frame && wal::read_line(line.text).stream == log.stream.text) {
      break;
    }
  }
  return last;
}
/// The last seal at or below an LSN; 0: none.
[[nodiscard]] inline Lsn seal_below(const WrittenLog& log, Lsn upto) {
  Lsn out = 0;
  for (std::size_t i = 0; i < log.entries.size() && log.heads[i].lsn <= upto; ++i)
    if (is_signed(log.lines[log.entries[i]].text)) out = log.heads[i].lsn;
  return out;
}

}  // namespace kfm_det::conformance::detail

#endif
