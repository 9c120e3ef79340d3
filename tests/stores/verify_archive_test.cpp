// SPDX-License-Identifier: BSL-1.0
/// \file
/// verify_folder over a log whose older segments went to the archive, as they were or packed.
#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/sanitizers.hpp"
#include "tests/stores/archived_log.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;
using wal::FindingCode;

namespace {

/// Packs by turning the bytes round: every flip unpacks, to something else.
struct Backwards final : ArchiveCodec {
  std::string_view suffix() const override { return ".back"; }
  result<Bytes> encode(BytesView plain) const override { return Bytes(plain.rbegin(), plain.rend()); }
  result<Bytes> decode(BytesView packed, std::size_t plain_bytes_max) const override {
    if (packed.size() > plain_bytes_max) return Error(errc::limit_exceeded, "unpacked it is too large");
    return Bytes(packed.rbegin(), packed.rend());
  }
};
const Backwards backwards;
const ArchiveCodec* const codecs[] = {nullptr, &backwards};

std::vector<std::string> errors(const wal::VerifyReport& report) {
  std::vector<std::string> out;
  for (const auto& one : report.findings)
    if (severity(one.code) == wal::Severity::error) out.emplace_back(enum_name(one.code));
  return out;
}
const wal::Finding& first_error(const wal::VerifyReport& report) {
  const auto found = std::find_if(report.findings.begin(), report.findings.end(), [](const wal::Finding& one) { return severity(one.code) == wal::Severity::error; });
  REQUIRE(found != report.findings.end());
  return *found;
}
wal::VerifyOptions with_ring(const ArchivedLog& log) {
  wal::VerifyOptions out;
  out.ring = ring_of(log.signer);
  return out;
}

}  // namespace

TEST_CASE("VERIFY-2 a log whose older segments were archived, packed or not, verifies as a whole") {
  for (const ArchiveCodec* codec : codecs) {
    ArchivedLog log(codec);
    REQUIRE(log.archived.size() >= 3);
    auto options = with_ring(log);
    options.witnesses = log.heads;   // the old ones too: their entries are here
    options.policy.history = wal::History::whole;
    const auto before = log.disk.files();
    auto report = log.verify(options);
    INFO(report.text());
    CHECK(report.findings.empty());
    CHECK(report.first == 1);
    CHECK(report.verified == log.heads.back());
    CHECK(report.sealed_upto == log.heads.back().lsn);
    CHECK(report.segments == log.archived.size() + log.live().size());
    CHECK(report.runs_ended == 5);
    CHECK(log.disk.files() == before);
    const std::string expected = canonical(report.json()).value();
    options.threads = 3;
    CHECK(canonical(log.verify(options).json()).value() == expected);
    options.records = false;
    CHECK(log.verify(options).findings.empty());
  }
}

TEST_CASE("without the codec the report says from where on the log was verified, and whole history is an error") {
  ArchivedLog log(&backwards);
  auto options = with_ring(log);
  auto report = log.verify(options, false);
  INFO(report.text());
  CHECK(codes(report) == "archive_not_read begins_at_checkpoint ");
  CHECK(report.is_intact());
  CHECK(report.first == log.base);
  CHECK(report.verified == log.heads.back());
  CHECK(report.findings[0].segment == ArchivedLog::name_of(log.archived[0]));
  CHECK(report.findings[0].sentence.find("the log is verified from LSN " + std::to_string(log.base) + " on") != std::string::npos);
  options.policy.history = wal::History::whole;
  CHECK(errors(log.verify(options, false)) == std::vector<std::string>{"front_missing"});
  options.policy.history = wal::History::archived;
  // Where the folder does not begin with a checkpoint, nobody can say what it follows from.
  log.disk.lose(log.live()[0]);
  CHECK(codes(log.verify(options, false)) == "archive_not_read front_missing ");
  // Nothing but packed segments: nothing was verified, and that is no intact log.
  for (const auto& path : log.live()) log.disk.lose(path);
  report = log.verify(options, false);
  CHECK(report.entries == 0);
  CHECK(found(report, FindingCode::archive_not_read));
  CHECK(found(report, FindingCode::unreadable));
}

TEST_CASE("VERIFY-1 a flip of any byte of an archive is found, and named for its file") {
  for (const ArchiveCodec* codec : codecs) {
    ArchivedLog log(codec, 3);
    wal::VerifyOptions options;
    options.records = false;
    for (std::size_t which = 0; which < log.archived.size(); ++which) {
      const std::string path = log.archived[which];
      const std::string next = which + 1 < log.archived.size() ? ArchivedLog::name_of(log.archived[which + 1]) : log.live()[0].substr(log.folder.size() + 1);
      const Bytes whole = log.bytes(path);
      const std::size_t begins = codec ? whole.find_first_not_of('\n') : 0, ends = codec ? whole.size() : whole.find_last_not_of('\n') + 1;   // newlines are prewritten space
      for (std::size_t at = begins; at < ends; at += byte_step) {
        Bytes bad = whole;
        bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
        log.put(path, bad);
        const auto report = log.verify(options);
        INFO("byte " << at << " of " << path << "\n" << report.text());
        // The signature of a segment's last line is part of what the next one follows from, and of nothing in front of it.
        REQUIRE(std::any_of(report.findings.begin(), report.findings.end(), [&](const wal::Finding& one) { return one.segment == ArchivedLog::name_of(path) || one.segment == next; }));
        const std::size_t mark = whole.rfind("{\"mark\":", at), frame = whole.rfind("{\"body\":", at);
        const bool is_mark = !codec && mark != Bytes::npos && (frame == Bytes::npos || mark > frame);   // it only proves: nothing is lost with one
        const bool is_padding = !codec && at != 0 && whole[at] == '\n' && whole[at - 1] == '\n';   // prewritten space between two lines
        if (!is_mark) REQUIRE(report.is_intact() == is_padding);
        if (codec) REQUIRE(first_error(report).code == FindingCode::archive_damaged);
      }
      log.put(path, whole);
    }
    CHECK(log.verify(options).findings.empty());
  }
}

TEST_CASE("VERIFY-2 an archive that is missing at any place is found: inside by an error, at the front by what the checkpoint stands for") {
  for (const ArchiveCodec* codec : codecs)
    for (std::size_t missing = 0; missing < ArchivedLog(codec).archived.size(); ++missing) {
      ArchivedLog log(codec);
      const Lsn from = wal::read_line(ArchivedLog::frames_of(log.plain(missing)).at(0)).lsn;
      log.disk.lose(log.archived[missing]);
      auto options = with_ring(log);
      const auto report = log.verify(options);
      INFO(report.text());
      CHECK(report.is_intact() == (missing == 0));
      if (missing == 0) {
        CHECK(codes(report) == "begins_at_checkpoint ");
        CHECK(report.findings[0].sentence.find("LSN 1 to " + std::to_string(report.first - 1) + " are not among what was read") != std::string::npos);
      } else {
        CHECK(first_error(report).code == FindingCode::segment_missing);
        CHECK(first_error(report).lsn == from);
        CHECK(first_error(report).segment == ArchivedLog::name_of(log.archived[missing - 1]));
        CHECK(report.verified.lsn == from - 1);
      }
      options.policy.history = wal::History::whole;
      CHECK(!log.verify(options).is_intact());
      options.policy.history = wal::History::dropped;   // then it is evidence, and nobody expects it to be whole
      const auto dropped = log.verify(options);
      INFO(dropped.text());
      CHECK(codes(dropped) == "archive_not_read begins_at_checkpoint ");
      CHECK(dropped.verified == log.heads.back());
    }
  ArchivedLog log(&backwards);
  for (const auto& path : log.archived) log.disk.lose(path);
  auto options = with_ring(log);
  CHECK(codes(log.verify(options)) == "begins_at_checkpoint ");
  options.policy.history = wal::History::whole;
  CHECK(codes(log.verify(options)) == "front_missing ");
}

TEST_CASE("VERIFY-2 an archive that is cut at any line, or grows, is found at the boundary; so is one that was edited and packed anew") {
  for (const ArchiveCodec* codec : codecs) {
    const std::size_t count = ArchivedLog(codec).archived.size();
    for (std::size_t which = 0; which < count; ++which) {
      ArchivedLog log(codec);
      const Bytes plain = log.plain(which);
      const auto lines = ArchivedLog::lines_of(plain);
      const auto ring = with_ring(log);
      const std::string others = which + 1 < count ? log.plain(which + 1) : Bytes();
      for (std::size_t keep = 0; keep < lines.size(); ++keep) {
        if (wal::read_line(lines[keep]).kind != wal::LineKind::frame && keep + 1 == lines.size()) continue;   // a MARK at the end names what is here
        Bytes cut;
        for (std::size_t i = 0; i < keep; ++i) cut += lines[i] + "\n";
        log.repack(which, cut);
        const auto report = log.verify(ring);
        INFO(which << " cut to " << keep << " lines\n" << report.text());
        REQUIRE(!report.is_intact());
        CHECK(first_error(report).segment == ArchivedLog::name_of(log.archived[which]));
        CHECK(report.verified.lsn < log.base);
      }
      if (which + 1 < count) {   // the first group of the next one stands here too
        log.repack(which, plain + ArchivedLog::frames_of(others).at(0) + "\n");
        const auto report = log.verify(ring);
        INFO(report.text());
        CHECK((!report.is_intact() || found(report, FindingCode::dead_entries)));
      }
      // Every hash made anew from an entry on: it chains inside, and does not lead to what comes behind.
      const auto frames = ArchivedLog::frames_of(plain);
      const Digest prev = wal::read_line(frames[0]).link;
      for (std::size_t at = 0; at < frames.size(); ++at) {
        Bytes forged;
        Digest link = prev;
        for (std::size_t i = 0; i < frames.size(); ++i) {
          const wal::Line line = wal::read_line(frames[i]);
          auto record = wal::read_record(line).value();
          if (i == at) record.actor = "mallory";
          record.entry_id = wal::entry_id(link, record.wal_id, record.seq);
          std::string made;
          REQUIRE(wal::seal_frame(made, wal::Envelope{signed_stream(), line.incarnation, line.lsn, link, line.group_index, line.group_count, line.durable_upto}, record));
          link = wal::read_line(made).hash;
          forged += made + "\n";
        }
        log.repack(which, forged);
        const auto report = log.verify();   // no ring: the chain alone tells
        INFO(which << " forged from line " << at << "\n" << report.text());
        CHECK(found(report, FindingCode::segments_do_not_follow));
      }
      log.repack(which, plain);
      CHECK(log.verify(ring).findings.empty());
    }
  }
}

TEST_CASE("VERIFY-2 an archive under the name of another, or of another size than any, is found") {
  ArchivedLog log(&backwards);
  const Bytes first = log.bytes(log.archived[0]), second = log.bytes(log.archived[1]);
  log.put(log.archived[0], second);
  log.put(log.archived[1], first);
  auto report = log.verify();
  CHECK(first_error(report).code == FindingCode::archive_damaged);
  CHECK(report.verified.lsn == 0);
  log.put(log.archived[0], first);
  log.put(log.archived[1], "");
  report = log.verify();
  INFO(report.text());
  CHECK(first_error(report).code == FindingCode::segment_empty);
  CHECK(first_error(report).segment == ArchivedLog::name_of(log.archived[1]));
  log.put(log.archived[1], second);
  log.disk.lose(log.archived[1]);   // another codec's: not read, and everything in front of it neither
  std::string other = log.archived[1];
  log.add(other.replace(other.rfind(".back"), 5, ".gone"), second);
  report = log.verify();
  INFO(report.text());
  CHECK(found(report, FindingCode::archive_not_read));
  CHECK(!found(report, FindingCode::archive_damaged));
  CHECK(report.first == wal::read_line(ArchivedLog::frames_of(log.plain(2)).at(0)).lsn);
}

TEST_CASE("VERIFY-4 a witness below the base is compared with the ends that the checkpoint lists") {
  ArchivedLog log(nullptr, 4, false);   // nothing is archived
  REQUIRE(log.archived.empty());
  for (const bool records : {true, false})
    for (const bool with_a_ring : {true, false})
      for (const Head& head : log.heads) {
        auto options = with_a_ring ? with_ring(log) : wal::VerifyOptions{};
        options.records = records;
        options.witnesses = {head};
        auto report = log.verify(options);
        INFO(report.text());
        CHECK(codes(report) == "begins_at_checkpoint ");
        CHECK(report.witnessed_upto == head.lsn);
        CHECK((report.text().find("as the checkpoint states") != std::string::npos) == (head.lsn < log.base));
        options.witnesses[0].hash = sha256("another");
        report = log.verify(options);
        CHECK(errors(report) == std::vector<std::string>{"forked"});
        CHECK(report.witnessed_upto == 0);
        if (head.lsn >= log.base) continue;
        options.witnesses = {{head.stream, head.incarnation, head.lsn - 1, head.hash}};   // inside of a group: nobody saw that as an end
        CHECK(errors(log.verify(options)) == std::vector<std::string>{"forked"});
        options.witnesses = {{head.stream, 2, head.lsn, head.hash}};
        CHECK(errors(log.verify(options)) == std::vector<std::string>{"regressed"});
      }
  // Who can write the files can write a checkpoint: where signatures are asked for, one has to vouch for it.
  const auto live = log.live();
  log.put(live[0], without_signature(ArchivedLog::frames_of(log.bytes(live[0])).at(0)) + "\n");
  for (std::size_t i = 1; i < live.size(); ++i) log.disk.lose(live[i]);
  auto options = with_ring(log);
  options.witnesses = {log.heads[0]};
  const auto report = log.verify(options);
  INFO(report.text());
  CHECK(found(report, FindingCode::witness_not_comparable));
  CHECK(found(report, FindingCode::unsigned_log));
  CHECK(report.witnessed_upto == 0);
}

TEST_CASE("VERIFY-4 a witness in a damaged archive is compared with what the checkpoint lists") {
  ArchivedLog log(&backwards);
  log.put(log.archived[0], "damaged");
  auto options = with_ring(log);
  options.witnesses = {log.heads[0]};
  auto report = log.verify(options);
  INFO(report.text());
  CHECK(!found(report, FindingCode::forked));
  options.witnesses[0].hash = sha256("another");
  CHECK(found(log.verify(options), FindingCode::forked));
}

TEST_CASE("VERIFY-2 a checkpoint that lists other ends than stand below it is found where they are here") {
  const auto edit = [](Json& payload) {
    std::string text = *payload.find("text")->string();
    const std::size_t at = text.find("\"hashes\":\"") + 10;
    text[at] = text[at] == '0' ? '1' : '0';
    payload.set("text", Json(text));
  };
  for (const ArchiveCodec* codec : codecs) {
    ArchivedLog log(codec, 4, true, edit);
    const auto report = log.verify(with_ring(log));
    INFO(report.text());
    CHECK(errors(report) == std::vector<std::string>{"checkpoint_differs"});
    CHECK(first_error(report).lsn == log.base);
    CHECK(first_error(report).sentence.find("12 ends of groups up to LSN 20") != std::string::npos);
  }
  ArchivedLog broken(nullptr, 4, true, [](Json& payload) { payload.set("text", Json("{\"ends\":{}}\n")); });
  CHECK(errors(broken.verify()) == std::vector<std::string>{"record_unreadable"});
  ArchivedLog none(nullptr, 4, true, [](Json& payload) { payload.set("text", Json("")); });
  CHECK(errors(none.verify()) == std::vector<std::string>{"checkpoint_differs"});
}
