// SPDX-License-Identifier: BSL-1.0
// Signed logs for tests, and what an adversary does to them who can edit files and has no key.
#ifndef KFM_DET_TESTS_WAL_SIGNED_LOGS_HPP
#define KFM_DET_TESTS_WAL_SIGNED_LOGS_HPP

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kfm_det/conformance/detail/run_scribe.hpp"
#include "kfm_det/contracts/clock.hpp"
#include "kfm_det/stores/memory_store.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/signer_ed25519.hpp"
#include "kfm_det/wal/verify.hpp"

namespace kfm_det::testing {

inline const StreamId& signed_stream() {
  static const StreamId id = StreamId::of({"counts", "x"});
  return id;
}
inline wal::Ed25519Signer test_signer(char seed, std::string name = {}) { return wal::Ed25519Signer::from_seed(std::string(32, seed), std::move(name)).value(); }
inline wal::KeyRing ring_of(const wal::Ed25519Signer& signer, Order from = {1, 1}, std::optional<Order> to = std::nullopt) {
  wal::KeyRing ring;
  REQUIRE(ring.add({signer.key_id(), signer.public_key(), from, to}));
  return ring;
}

/// Writes runs as an updater does.
template <class S = wal::Ed25519Signer>
struct Book {
  using Log = wal::Log<MemoryStore::Stream, ManualClock, S>;
  MemoryStore store{};
  ManualClock clock{Instant{1'700'000'000'000'000'000}};
  conformance::detail::RunScribe runs{signed_stream(), "counts"};

  Log open(S signer, wal::Signing signing = wal::Signing::each_group) {
    wal::LogOptions options;
    options.signing = signing;
    auto log = Log::open(store.open_stream(signed_stream()).value(), signed_stream(), Head{signed_stream(), 0, 0, {}}, clock, [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); },
                         options, std::move(signer));
    REQUIRE(log);
    return std::move(log).value();
  }
  wal::WalRecord record(const std::string& run, std::uint64_t seq, wal::Phase phase, std::string_view operation, const std::string& step, wal::Status status) { return runs.record(run, seq, phase, operation, step, status); }
  /// One whole run; answers the durable head behind it. 2 + 3 * steps.size() entries in three groups.
  template <class L>
  Head run(L& log, const std::string& name, const std::vector<std::string>& steps = {"a"}) {
    runs.incarnation = log.incarnation();
    const Head head = runs.write(log, name, steps).value();
    clock.advance(seconds(1));
    return head;
  }
  std::vector<std::string> lines() const { return store.frames(signed_stream()); }
};

/// A log of `runs` runs under one key: 5 entries in 3 groups each.
inline std::vector<std::string> signed_lines(int runs, const wal::Ed25519Signer& signer, wal::Signing signing = wal::Signing::each_group, const std::string& salt = "") {
  Book<> book;
  auto log = book.open(signer, signing);
  for (int i = 0; i < runs; ++i) book.run(log, "run " + std::to_string(i) + salt);
  return book.lines();
}
inline std::vector<std::string> unsigned_lines(int runs, const std::string& salt = "") {
  Book<NoSigner> book;
  auto log = book.open(NoSigner{});
  for (int i = 0; i < runs; ++i) book.run(log, "run " + std::to_string(i) + salt);
  return book.lines();
}

inline Head head_of_line(const std::string& text) {
  const wal::Line line = wal::read_line(text);
  REQUIRE(line.kind == wal::LineKind::frame);
  return {StreamId{std::string(line.stream)}, line.incarnation, line.lsn, line.hash};
}
/// As a file holds them. `marked`: a MARK names the last entry, as a graceful close leaves one.
inline std::string text_of(const std::vector<std::string>& lines, bool marked = false) {
  std::string out;
  for (const auto& line : lines) out += line + "\n";
  if (marked) {
    const Head head = head_of_line(lines.back());
    wal::seal_mark(out, {head.stream, head.incarnation, 1, head.lsn, head.hash});
    out += "\n";
  }
  return out;
}
inline wal::VerifyReport verify_text(BytesView text, const wal::VerifyOptions& options = {}, std::size_t piece = ~std::size_t{0}) {
  wal::Verifier verifier(signed_stream(), options);
  verifier.begin_segment({1, 1}, wal::Judge::no_limit, "one.jsonl");
  for (std::size_t at = 0; at < text.size(); at += std::min(piece, text.size() - at)) verifier.feed(text.substr(at, piece));
  verifier.end_segment();
  return verifier.finish();
}
inline bool found(const wal::VerifyReport& report, wal::FindingCode code) {
  return std::any_of(report.findings.begin(), report.findings.end(), [&](const wal::Finding& one) { return one.code == code; });
}
inline std::string codes(const wal::VerifyReport& report) {
  std::string out;
  for (const auto& one : report.findings) out += std::string(enum_name(one.code)) + " ";
  return out;
}

/// What stands behind the hash: `,"sig":{...}}`, or `}`.
inline std::string tail_of(const std::string& line) {
  const std::size_t at = line.rfind(",\"sig\":");
  return at == std::string::npos ? "}" : line.substr(at);
}
inline std::string without_signature(const std::string& line) { return line.substr(0, line.size() - tail_of(line).size()) + "}"; }

/// Writes the log again from line `from` on, hashes, links and the heads in DONE records recomputed: all that needs no key. `edit` changes the record; `tail` gives what stands behind the hash.
inline std::vector<std::string> rewritten(std::vector<std::string> lines, std::size_t from, const std::function<void(std::size_t, wal::Envelope&, wal::WalRecord&)>& edit,
                                          const std::function<std::string(std::size_t, const std::string&)>& tail = [](std::size_t, const std::string& old) { return tail_of(old); }) {
  Digest prev = from == 0 ? Digest{} : wal::read_line(lines[from - 1]).hash;
  std::map<Digest, Digest> hashes;   // of the lines that were, and of what they are now
  for (std::size_t i = from; i < lines.size(); ++i) {
    const wal::Line line = wal::read_line(lines[i]);
    auto record = wal::read_record(line).value();
    wal::Envelope envelope{StreamId{std::string(line.stream)}, line.incarnation, line.lsn, prev, line.group_index, line.group_count, line.durable_upto};
    if (const auto head = wal::head_of(record, envelope.stream).value(); head && hashes.contains(head->hash)) record.payload.set("head", wal::head_json({head->stream, head->incarnation, head->lsn, hashes[head->hash]}));
    edit(i, envelope, record);
    if (record.entry_id == wal::read_record(line).value().entry_id) record.entry_id = wal::entry_id(prev, record.wal_id, record.seq);
    std::string made;
    REQUIRE(wal::seal_frame(made, envelope, record));
    made.pop_back();
    made += tail(i, lines[i]);
    lines[i] = made;
    prev = hashes[line.hash] = wal::read_line(made).hash;
  }
  return lines;
}
inline std::vector<std::string> rewritten_unsigned(std::vector<std::string> lines, std::size_t from, const std::function<void(std::size_t, wal::Envelope&, wal::WalRecord&)>& edit = [](std::size_t, wal::Envelope&, wal::WalRecord&) {}) {
  return rewritten(std::move(lines), from, edit, [](std::size_t, const std::string&) { return std::string("}"); });
}

}  // namespace kfm_det::testing

#endif
