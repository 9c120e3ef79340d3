// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include "kfm_det/wal/verify.hpp"
#include "tests/wal/signed_logs.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;
using wal::FindingCode;

namespace {
wal::VerifyOptions with_ring(wal::KeyRing ring, bool each_group = false) {
  wal::VerifyOptions options;
  options.ring = std::move(ring);
  options.policy.signed_each_group = each_group;
  return options;
}
wal::VerifyOptions with_witness(const Head& head) {
  wal::VerifyOptions options;
  options.witnesses = {head};
  return options;
}
const wal::Ed25519Signer& key_a() { static const auto key = test_signer('a', "key-a"); return key; }
const wal::Ed25519Signer& key_b() { static const auto key = test_signer('b', "key-b"); return key; }
/// Three runs: 15 entries in 9 groups.
const std::vector<std::string>& three_runs() { static const auto lines = signed_lines(3, key_a()); return lines; }
}  // namespace

TEST_CASE("a log as it was written is intact: sealed to its end, and its head is the log's own") {
  const auto& lines = three_runs();
  auto options = with_ring(ring_of(key_a()), true);
  options.witnesses = {head_of_line(lines.back()), head_of_line(lines[4])};
  options.policy.actors = {{"ci"}};
  options.policy.care_required = {""};
  const auto report = verify_text(text_of(lines, true), options);
  INFO(report.text());
  CHECK(report.findings.empty());
  CHECK(report.is_intact());
  CHECK(report.answer());
  CHECK(report.entries == 15);
  CHECK(report.groups == 9);
  CHECK(report.signatures_valid == 9);
  CHECK(report.sealed_upto == 15);
  CHECK(report.entries_not_sealed() == 0);
  CHECK(report.verified == head_of_line(lines.back()));
  CHECK(report.witnessed_upto == 15);
  CHECK(report.proven == 15);
  CHECK(report.runs_planned == 3);
  CHECK(report.runs_ended == 3);
  CHECK(report.runs_open == 0);
  CHECK(report.bytes == text_of(lines, true).size());
  CHECK(report.text().find("sealed up to LSN 15 by 9 valid signatures") != std::string::npos);
  CHECK(canonical(report.json()));
}

TEST_CASE("VERIFY-1 a flip of any byte of a log is noticed, the first and the last entry and its signature too") {
  const std::string good = text_of(signed_lines(1, key_a()), true);
  const Head head = verify_text(good).verified;
  auto chain = with_witness(head);
  chain.records = false;
  const std::size_t mark = good.rfind("{\"mark\":");
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    const auto report = verify_text(bad, chain);
    const bool noticed = at < mark ? !report.is_intact() : !report.findings.empty();
    if (!noticed) FAIL("byte " << at << " of " << good.size() << ": " << report.text());
  }
}

TEST_CASE("VERIFY-1 a flip in a signature is the signature's own finding, wherever it stands") {
  const auto& lines = three_runs();
  for (const std::size_t i : {std::size_t{1}, lines.size() - 1}) {
    auto bad = lines;
    char& digit = bad[i][bad[i].size() - 10];
    digit = digit == '0' ? '1' : '0';
    const auto report = verify_text(text_of(bad), with_ring(ring_of(key_a())));
    CHECK(found(report, FindingCode::signature_invalid));
    CHECK(report.sealed_upto < i + 1);
    CHECK((i + 1 == lines.size()) != found(report, FindingCode::chain_broken));
  }
}

TEST_CASE("VERIFY-2 entries that are dropped, repeated or change places are found at every place, each by its name") {
  const auto& lines = three_runs();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    INFO("line " << i);
    auto dropped = lines;
    dropped.erase(dropped.begin() + static_cast<std::ptrdiff_t>(i));
    std::string text = text_of(lines, true);
    const std::string mark = text.substr(text.rfind("{\"mark\":"));
    auto report = verify_text(text_of(dropped) + mark);
    CHECK(!report.is_intact());
    CHECK(found(report, i == 0 ? FindingCode::front_missing : i + 1 == lines.size() ? FindingCode::durable_missing : FindingCode::entries_missing));
    if (i != 0) CHECK(report.verified.lsn <= i);

    auto twice = lines;
    twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
    report = verify_text(text_of(twice));
    CHECK(found(report, FindingCode::repeated));
    CHECK(report.errors == 1);   // it does not drag others along

    if (i + 1 == lines.size()) continue;
    auto swapped = lines;
    std::swap(swapped[i], swapped[i + 1]);
    report = verify_text(text_of(swapped));
    CHECK(!report.is_intact());
    CHECK(found(report, FindingCode::out_of_order));
  }
}

TEST_CASE("VERIFY-2 an entry of another log is found: of another stream, or of another history of this one") {
  const auto& lines = three_runs();
  const auto other = signed_lines(3, key_a(), wal::Signing::each_group, "'");
  for (std::size_t i = 1; i < lines.size(); ++i) {
    auto bad = lines;
    bad[i] = other[i];
    const auto report = verify_text(text_of(bad), with_ring(ring_of(key_a())));
    CHECK(found(report, FindingCode::chain_broken));
    CHECK(report.sealed_upto <= i);
  }
  auto foreign = lines;
  foreign.insert(foreign.begin() + 3, [] {
    std::string line;
    wal::WalRecord record;
    REQUIRE(wal::seal_frame(line, wal::Envelope{StreamId::of({"other", "\x1b[31m"}), 1, 4, {}, 0, 1, 0}, record));
    return line;
  }());
  auto report = verify_text(text_of(foreign));
  CHECK(found(report, FindingCode::foreign_line));
  CHECK(report.errors == 1);
  wal::Verifier elsewhere(StreamId::of({"counts", "y"}), {});
  elsewhere.begin_segment({1, 1}, wal::Judge::no_limit, "one.jsonl");
  elsewhere.feed(text_of(lines));
  elsewhere.end_segment();
  report = elsewhere.finish();
  CHECK(report.answer().error().code() == errc::foreign);
  CHECK(report.entries == 0);
}

TEST_CASE("VERIFY-3 signatures that are taken away or change places") {
  const auto& lines = three_runs();
  auto strict = with_ring(ring_of(key_a()), true);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (tail_of(lines[i]) == "}") continue;
    INFO("line " << i);
    auto stripped = lines;
    stripped[i] = without_signature(stripped[i]);
    auto report = verify_text(text_of(stripped), strict);
    CHECK(found(report, FindingCode::signature_missing));
    CHECK(found(report, FindingCode::chain_broken) == (i + 1 != lines.size()));   // the line hash covers the signature
    CHECK(report.sealed_upto <= i);

    const std::size_t j = i == 1 ? lines.size() - 1 : 1;
    auto swapped = lines;
    swapped[i] = without_signature(lines[i]).substr(0, without_signature(lines[i]).size() - 1) + tail_of(lines[j]);
    report = verify_text(text_of(swapped), strict);
    CHECK(found(report, FindingCode::signature_invalid));
  }
  // All of them, and every hash computed again: without a ring nobody could tell.
  const auto bare = rewritten_unsigned(lines, 0);
  auto report = verify_text(text_of(bare), strict);
  CHECK(found(report, FindingCode::unsigned_log));
  CHECK(found(report, FindingCode::signature_missing));
  report = verify_text(text_of(bare), with_ring(ring_of(key_a())));
  CHECK(codes(report) == "unsigned_log ");
}

TEST_CASE("VERIFY-3 what stands behind the last signature is reported as not sealed, never as sealed") {
  Book<> book;
  auto log = book.open(key_a(), wal::Signing::each_sync);
  book.run(log, "one");
  std::vector<wal::WalRecord> group{book.runs.plan("two", {"a"}), book.runs.executed("two", 2, "a")};
  REQUIRE(log.append(group));   // no commit follows
  const auto lines = book.lines();
  REQUIRE(lines.size() == 7);
  auto report = verify_text(text_of(lines), with_ring(ring_of(key_a())));
  CHECK(report.is_intact());
  CHECK(report.sealed_upto == 5);
  CHECK(report.entries_not_sealed() == 2);
  CHECK(codes(report) == "not_sealed ");
  CHECK(report.text().find("2 entries behind it not sealed") != std::string::npos);
  // Rewritten there, every hash right: it is exactly what the report says is not sealed.
  const auto forged = rewritten(lines, 5, [](std::size_t, wal::Envelope&, wal::WalRecord& record) { record.actor = "mallory"; });
  report = verify_text(text_of(forged), with_ring(ring_of(key_a())));
  CHECK(report.sealed_upto == 5);
  CHECK(report.entries_not_sealed() == 2);
  // Damage before a valid signature: it does not reach.
  auto damaged = lines;
  damaged[2][100] = static_cast<char>(damaged[2][100] ^ 1);
  report = verify_text(text_of(damaged), with_ring(ring_of(key_a())));
  CHECK(found(report, FindingCode::damaged));
  CHECK(report.verified.lsn == 2);
  CHECK(report.sealed_upto == 0);
}

TEST_CASE("VERIFY-3 SIGNER-2 the algorithm and the keys are the reader's: none, others, unknown keys, another's name") {
  const auto& lines = three_runs();
  const auto with_tail = [&](const std::string& tail) {
    return text_of(rewritten(lines, 14, [](std::size_t, wal::Envelope&, wal::WalRecord&) {}, [&](std::size_t, const std::string&) { return tail; }));
  };
  const auto options = with_ring(ring_of(key_a()));
  CHECK(codes(verify_text(with_tail(R"(,"sig":{"alg":"none","key":"key-a","value":""}})"), options)) == "algorithm_refused not_sealed ");
  CHECK(codes(verify_text(with_tail(R"(,"sig":{"alg":"hmac-sha256","key":"key-a","value":")" + std::string(64, '0') + "\"}}"), options)) == "algorithm_refused not_sealed ");
  CHECK(codes(verify_text(with_tail(R"(,"sig":{"alg":"ed25519","key":"key-a","value":""}})"), options)) == "signature_invalid not_sealed ");
  // By a key of his own, under its own name and under ours.
  const wal::Line last = wal::read_line(lines[14]);
  for (const auto& [name, code] : std::vector<std::pair<std::string, std::string>>{{"mallory", "key_unknown"}, {"key-a", "signature_invalid"}}) {
    const auto mallory = test_signer('m', name);
    std::string what;
    wal::signed_bytes(what, "ed25519", name, last.sealed_hash, last.incarnation, last.lsn, last.stream);
    const std::string tail = ",\"sig\":{\"alg\":\"ed25519\",\"key\":\"" + name + "\",\"value\":\"" + to_hex(mallory.sign(what).value()) + "\"}}";
    CHECK(codes(verify_text(with_tail(tail), options)) == code + " not_sealed ");
  }
}

TEST_CASE("VERIFY-3 a rotation at each place: each entry is verified by the key that is valid there, and by no other") {
  for (int place = 1; place < 6; ++place) {
    Book<> book;
    std::vector<Lsn> ends;
    for (int group = 0; group < 6; ++group) {
      auto log = book.open(group < place ? key_a() : key_b());
      std::vector<wal::WalRecord> records{book.runs.plan("run " + std::to_string(group), {})};
      ends.push_back(log.commit(records).value().lsn);
    }
    const Lsn last = ends[static_cast<std::size_t>(place) - 1];
    const auto rotated_at = [&](Lsn at) {
      wal::KeyRing ring = ring_of(key_a());
      REQUIRE(ring.close({1, at}));
      REQUIRE(ring.add({key_b().key_id(), key_b().public_key(), {1, at + 1}}));
      return verify_text(text_of(book.lines()), with_ring(std::move(ring), true));
    };
    const auto report = rotated_at(last);
    INFO(report.text());
    CHECK(report.findings.empty());
    CHECK(report.sealed_upto == 6);
    if (last > 1) CHECK(codes(rotated_at(last - 1)) == "key_out_of_range ");   // the old key behind its end
    if (last < 5) CHECK(codes(rotated_at(last + 1)) == "key_out_of_range ");   // the new one before its beginning
  }
}

TEST_CASE("VERIFY-4 a witness shows a cut tail, a log that is gone, and a rewritten one; without it nothing can") {
  const auto plain = unsigned_lines(3);
  const Head head = head_of_line(plain.back());
  for (std::size_t keep = 0; keep < plain.size(); ++keep) {
    const std::vector<std::string> cut(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(keep));
    const auto report = verify_text(text_of(cut), with_witness(head));
    INFO(report.text());
    CHECK(found(report, report.entries == 0 ? FindingCode::log_missing : FindingCode::regressed));
    CHECK(report.answer().error().code() == errc::regressed);
  }
  CHECK(verify_text(text_of({plain.begin(), plain.begin() + 5})).is_intact());   // said so in docs/guides/verify.md
  for (const std::size_t from : {std::size_t{0}, std::size_t{7}, std::size_t{14}}) {
    const auto forged = rewritten(plain, from, [](std::size_t, wal::Envelope&, wal::WalRecord& record) { record.actor = "mallory"; });
    CHECK(verify_text(text_of(forged)).is_intact());
    const auto report = verify_text(text_of(forged), with_witness(head));
    CHECK(codes(report) == "forked ");
    CHECK(report.witnessed_upto == 0);
  }
  // The same on a signed log: the signatures do not fit what they stand behind.
  const auto forged = rewritten(three_runs(), 3, [](std::size_t, wal::Envelope&, wal::WalRecord& record) { record.actor = "mallory"; });
  const auto report = verify_text(text_of(forged), with_ring(ring_of(key_a())));
  CHECK(found(report, FindingCode::signature_invalid));
  CHECK(report.sealed_upto == 3);
  CHECK(codes(verify_text(text_of(plain), with_witness({StreamId::of({"counts", "y"}), 1, 3, sha256("x")}))) == "foreign_witness ");
}

TEST_CASE("VERIFY-4 an accepted loss explains an older witness only where a signature vouches for it") {
  Book<> book;
  Head seen;
  {
    auto log = book.open(key_a());
    seen = book.run(log, "one");
  }
  auto frames = book.lines();
  frames.resize(2);
  book.store.restore(signed_stream(), frames);
  wal::LogOptions options;
  options.recover.accept_loss = true;
  auto log = Book<>::Log::open(book.store.open_stream(signed_stream()).value(), signed_stream(), seen, book.clock, [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); }, options, key_a());
  REQUIRE(log);
  auto loss = book.record("", 3, wal::Phase::CONTROL, wal::operation::loss, "", wal::Status::IN_PROGRESS);
  loss.wal_id = {};
  loss.payload = Json::object({{"lost", Json::array()}});
  std::vector<wal::WalRecord> group{loss};
  REQUIRE(log.value().commit(group));
  auto trusting = with_ring(ring_of(key_a()));
  trusting.witnesses = {seen};
  CHECK(codes(verify_text(text_of(book.lines()), trusting)) == "witness_not_comparable ");
  CHECK(codes(verify_text(text_of(rewritten_unsigned(book.lines(), 2)), with_witness(seen))) == "regressed ");   // anybody can say so
  // It explains what is missing, and no other entry at a place of the same incarnation.
  trusting.witnesses = {{signed_stream(), 1, 2, sha256("another entry")}};
  CHECK(codes(verify_text(text_of(book.lines()), trusting)) == "forked ");
}

TEST_CASE("VERIFY-2 segments follow from each other, and dead entries count for nothing") {
  const auto& lines = three_runs();
  const auto part = [&](std::size_t from, std::size_t to) { return text_of({lines.begin() + static_cast<std::ptrdiff_t>(from), lines.begin() + static_cast<std::ptrdiff_t>(to)}); };
  struct Piece { Lsn first, limit; std::string text; };
  const auto verify = [](const std::vector<Piece>& pieces) {
    wal::Verifier verifier(signed_stream(), {});
    std::uint64_t ordinal = 0;
    for (const auto& piece : pieces) {
      ++ordinal;
      verifier.begin_segment({ordinal, piece.first}, piece.limit, std::to_string(ordinal));
      verifier.feed(piece.text);
      verifier.end_segment();
    }
    return verifier.finish();
  };
  const Lsn end = wal::Judge::no_limit;
  auto report = verify({{1, 6, part(0, 5)}, {6, 11, part(5, 10)}, {11, end, part(10, 15)}});
  CHECK(report.findings.empty());
  CHECK(report.segments == 3);
  CHECK(report.verified.lsn == 15);
  report = verify({{1, 6, part(0, 10)}, {6, end, part(5, 15)}});
  CHECK(codes(report) == "dead_entries ");
  CHECK(report.is_intact());
  CHECK(report.entries == 15);
  report = verify({{1, 11, part(0, 5)}, {11, end, part(10, 15)}});
  CHECK(report.answer().error().code() == errc::hole);
  CHECK(report.verified.lsn == 5);
  report = verify({{1, 6, part(0, 3)}, {6, end, part(5, 15)}});   // the end of a segment that has a successor
  CHECK(found(report, FindingCode::segment_missing));
  report = verify({{1, 6, part(0, 4)}, {6, end, part(5, 15)}});   // half a group is left
  CHECK(found(report, FindingCode::damaged));
  report = verify({{6, 11, part(5, 10)}, {11, end, part(10, 15)}});
  CHECK(codes(report) == "front_missing ");
  const auto other = signed_lines(3, key_a(), wal::Signing::each_group, "'");
  report = verify({{1, 6, part(0, 5)}, {6, end, text_of({other.begin() + 5, other.end()})}});
  CHECK(codes(report) == "segments_do_not_follow ");
  CHECK(report.answer().error().code() == errc::forked);
  std::string half = part(0, 5);
  half.resize(half.size() - 20);
  report = verify({{1, end, half}});
  CHECK(codes(report) == "torn_tail ");
  CHECK(report.is_intact());
  CHECK(report.verified.lsn == 3);
}

TEST_CASE("a log that begins at a checkpoint says so, whether records are looked at or not; the front may be gone below a later one") {
  const Digest before = sha256("what was compacted");
  std::vector<std::string> lines;
  Digest prev = before;
  const auto add = [&](wal::WalRecord record, Lsn lsn) {
    record.entry_id = wal::entry_id(prev, record.wal_id, record.seq);
    std::string line;
    prev = wal::seal_frame(line, wal::Envelope{signed_stream(), 1, lsn, prev, 0, 1, 0}, record).value();
    lines.push_back(line);
  };
  Book<> book;
  auto checkpoint = book.record("", 9, wal::Phase::CONTROL, wal::operation::checkpoint, "", wal::Status::DONE);
  const std::vector<Json> items{Json::object({{"token", Json(1)}})};   // it lists no ends
  checkpoint.payload = wal::checkpoint_payloads(items, {}, 4096).value().at(0);
  add(checkpoint, 41);
  add(book.runs.done("carried", 7, "a", Head{signed_stream(), 1, 12, {}}), 42);
  add(book.runs.commit("carried", 8, 1), 43);
  for (const bool records : {true, false}) {
    wal::VerifyOptions options;
    options.records = records;
    options.witnesses = {{signed_stream(), 1, 12, sha256("old")}};
    wal::Verifier verifier(signed_stream(), options);
    verifier.begin_segment({7, 41}, wal::Judge::no_limit, "seven");
    verifier.feed(text_of(lines));
    verifier.end_segment();
    const auto report = verifier.finish();
    INFO(report.text());
    CHECK(codes(report) == "begins_at_checkpoint witness_not_comparable ");
    CHECK(report.begins_at_checkpoint);
    CHECK(report.first == 41);
    CHECK(report.verified.lsn == 43);
    if (records) CHECK(report.runs_not_followed == 1);
  }
  const std::vector<std::string> rest(lines.begin() + 1, lines.end());
  wal::Verifier verifier(signed_stream(), {});
  verifier.begin_segment({7, 42}, wal::Judge::no_limit, "seven");
  verifier.feed(text_of(rest));
  verifier.end_segment();
  CHECK(codes(verifier.finish()) == "front_missing ");
}

TEST_CASE("VERIFY-11 the report does not depend on how the bytes are cut, nor on the number of threads") {
  auto lines = signed_lines(12, key_a());
  lines[7][200] = '\x01';
  std::swap(lines[20], lines[21]);
  lines.erase(lines.begin() + 33);
  lines[40] = without_signature(lines[40]);
  std::string text = text_of(lines, true);
  text.insert(text.find("\"lsn\":46"), std::string(3000, '\n'));
  auto options = with_ring(ring_of(key_a()), true);
  options.witnesses = {head_of_line(lines[2])};
  options.line_bytes_max = lines[2].size() - 1;   // some lines are longer
  const std::string expected = canonical(verify_text(text, options).json()).value();
  CHECK(expected.find("line_too_long") != std::string::npos);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{613}, std::size_t{20'000}, ~std::size_t{0}})
    for (const unsigned threads : {0U, 1U, 3U}) {
      options.threads = threads;
      CHECK(canonical(verify_text(text, options, piece).json()).value() == expected);
    }
}

TEST_CASE("VERIFY-11 a line that is too long is one finding, and costs no memory; a text made to hide lines costs no time") {
  const auto& lines = three_runs();
  wal::VerifyOptions options;
  wal::Verifier verifier(signed_stream(), options);
  verifier.begin_segment({1, 1}, wal::Judge::no_limit, "one.jsonl");
  verifier.feed(text_of({lines.begin(), lines.begin() + 5}));
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 9; ++i) verifier.feed(piece);
  verifier.feed("\n" + text_of({lines.begin() + 5, lines.end()}));
  verifier.end_segment();
  const auto report = verifier.finish();
  CHECK(codes(report) == "line_too_long garbage_in_gap ");
  CHECK(report.entries == 15);
  std::string hiding;
  for (int i = 0; i < 20'000; ++i) hiding += "{\"body\":{";
  CHECK(codes(verify_text(hiding + ",\"hash\":\"" + std::string(64, '0') + "\"}\n")) == "torn_tail ");
  CHECK(codes(verify_text(std::string(100'000, '\0'))) == "torn_tail ");
  CHECK(verify_text("").findings.empty());
}

TEST_CASE("VERIFY-5 to VERIFY-9 what records say about each other: each breach by its name") {
  // One run of 8 entries: 0 plan, 1 2 executed, 3 4 intents, 5 6 dones, 7 commit.
  Book<NoSigner> book;
  {
    auto log = book.open(NoSigner{});
    book.run(log, "one", {"a", "b"});
    book.run(log, "two", {"c"});
  }
  const auto lines = book.lines();
  REQUIRE(lines.size() == 13);
  const auto at = [&](std::size_t line, const std::function<void(wal::WalRecord&)>& change, const wal::VerifyOptions& options = {}) {
    return codes(verify_text(text_of(rewritten(lines, line, [&](std::size_t i, wal::Envelope&, wal::WalRecord& record) { if (i == line) change(record); })), options));
  };
  using R = wal::WalRecord;
  const auto set = [](const char* member, Json value) { return [member, value](R& r) { r.payload.set(member, value); }; };
  const auto labels = [](const char* label) { return Json::object({{"care", Json::array({Json(label)})}}); };
  CHECK(at(9, [](R&) {}).empty());
  CHECK(at(9, [](R& r) { r.ts = Instant{1}; }) == "time_back ");
  CHECK(at(4, [](R& r) { r.seq = 4; }) == "sequence_back ");
  CHECK(at(4, [](R& r) { r.token = 0; }) == "token_back ");
  CHECK(at(4, [](R& r) { r.entry_id = {}; }) == "entry_id_wrong ");
  CHECK(at(9, [](R& r) { r.updater_id = "mallory"; }) == "writer_foreign ");
  wal::VerifyOptions only_ci;
  only_ci.policy.actors = {{"ci"}};
  CHECK(at(9, [](R& r) { r.actor = "\x1b[2Jmallory"; }, only_ci) == "actor_refused ");
  CHECK(at(9, [](R& r) { r.actor.clear(); }) == "actor_refused ");
  const RunId one = book.runs.id("one");
  CHECK(at(8, [](R& r) { r.phase = wal::Phase::LINEAGE; }) == "run_without_plan ");
  CHECK(at(8, [&](R& r) { r.wal_id = one; r.seq = 99; }).substr(0, 14) == "plan_repeated ");
  CHECK(at(8, [](R& r) { r.payload = Json::object(); }) == "plan_unreadable ");
  CHECK(at(3, [](R& r) { r.step_id = "z"; }).find("effect_unplanned") != std::string::npos);
  CHECK(at(3, set("effect", Json(sha256("other").hex()))) == "effect_unplanned reversal_wrong ");
  CHECK(at(3, [](R& r) { r.phase = wal::Phase::LINEAGE; }) == "done_without_intent ");
  CHECK(at(5, set("head", wal::head_json(Head{signed_stream(), 1, 3, wal::read_line(lines[2]).hash}))) == "effect_before_intent ");   // its intent is LSN 4
  CHECK(at(5, set("head", wal::head_json(Head{signed_stream(), 1, 6, {}}))) == "effect_before_intent ");   // not before itself
  CHECK(at(5, set("head", wal::head_json(Head{signed_stream(), 1, 5, sha256("another")}))) == "head_differs ");
  CHECK(at(3, [](R& r) { r.post_state_expected = sha256("other"); }) == "result_differs ");
  CHECK(at(3, set("key", Json("other"))) == "result_differs ");
  CHECK(at(1, [](R& r) { r.phase = wal::Phase::LINEAGE; }) == "result_differs ");
  CHECK(at(2, [](R& r) { r.step_id = "a"; }).find("result_differs ") != std::string::npos);
  CHECK(at(6, [](R& r) { r.phase = wal::Phase::LINEAGE; }) == "end_incomplete ");
  CHECK(at(8, [&](R& r) { r = book.runs.executed("one", 99, "a"); r.ts = Instant{1'700'000'002'000'000'000}; }).find("record_after_end") != std::string::npos);
  CHECK(at(3, [](R& r) { r.reversal.reset(); }) == "reversal_missing ");
  CHECK(at(3, [](R& r) { r.phase = wal::Phase::CONTROL; r.operation = "TELEPORT"; }) == "operation_unknown done_without_intent ");
  CHECK(at(3, [&](R& r) { const Instant ts = r.ts; r = book.runs.undo("one", r.seq); r.ts = ts; }).find("record_after_end") != std::string::npos);   // forward again
  CHECK(at(7, [&](R& r) { wal::WalRecord other = book.runs.settled("one", r.seq); other.ts = r.ts; other.entry_id = r.entry_id; r = other; }) == "end_incomplete ");

  // What an entry says that its run's PLAN record said before.
  for (const std::size_t line : {std::size_t{1}, std::size_t{3}, std::size_t{5}, std::size_t{7}}) {
    CHECK(at(line, [](R& r) { r.input_hash = InputHash{sha256("others")}; }) == "plan_differs ");
    CHECK(at(line, [](R& r) { r.updater_version = {1, 0, 1}; }) == "plan_differs ");
    CHECK(at(line, [](R& r) { r.tier = 2; }) == "plan_differs ");
    CHECK(at(line, [&](R& r) { r.governance = labels("other"); }) == "plan_differs ");
    CHECK(at(line, [](R& r) { r.governance = Json::object({{"approval", Json("forged")}}); }) == "plan_differs ");
  }
  CHECK(at(3, set("business_key", Json("key/b"))) == "plan_differs ");
  CHECK(at(3, set("tombstone", Json(true))) == "plan_differs ");
  CHECK(at(1, [](R& r) { r.operation = "other"; }) == "plan_differs ");
  CHECK(at(7, set("effects", Json(1))) == "plan_differs ");
  CHECK(at(1, [](R& r) { r.step_id = "z"; }) == "plan_differs effect_unplanned result_differs ");
  CHECK(at(3, [](R& r) { r.reversal = Json::object(); }) == "reversal_wrong ");
  CHECK(at(3, [&](R& r) { r.reversal->set("effect", Json(book.runs.effect("one", "b"))); }) == "reversal_wrong ");
  // What follows from what it says.
  CHECK(at(1, set("key", Json(sha256("another").hex()))) == "identity_wrong result_differs ");
  CHECK(at(8, set("plan_hash", Json(sha256("another").hex()))) == "identity_wrong ");
  CHECK(at(8, set("inputs", Json::array())) == "identity_wrong ");
  CHECK(at(8, [](R& r) { r.payload.set("trigger", Json::object({{"key", Json("another")}, {"kind", Json("manual")}})); }) == "identity_wrong ");
  CHECK(at(8, [](R& r) { Json effects = *r.payload.find("effects"); Json first = effects.items()[0]; first.set("effect", Json(sha256("another").hex())); r.payload.set("effects", Json::array({first})); }).find("identity_wrong ") == 0);
  CHECK(at(8, [](R& r) { Json effects = *r.payload.find("effects"); Json first = effects.items()[0]; first.set("business_key", Json("key/z")); r.payload.set("effects", Json::array({first})); }).find("plan_differs ") == 0);
  // What this version does not know.
  CHECK(at(5, set("result", Json("nonsense"))) == "operation_unknown ");
  CHECK(at(5, set("more", Json(1))) == "operation_unknown ");
  CHECK(at(7, [](R& r) { r.status = wal::Status::FAILED; }) == "operation_unknown ");
  CHECK(at(3, [](R& r) { r.status = wal::Status::PENDING; }) == "operation_unknown done_without_intent ");
  CHECK(at(8, [](R& r) { r.status = wal::Status::IN_PROGRESS; }).find("operation_unknown run_without_plan ") == 0);
  CHECK(at(3, [](R& r) { r.operation = "teleport"; }) == "operation_unknown done_without_intent ");

  wal::VerifyOptions care;
  care.policy.care_required = {"key/a"};
  CHECK(at(3, [](R& r) { r.governance.reset(); }, care) == "plan_differs care_missing ");
  CHECK(at(3, [](R& r) { r.governance = Json::object({{"care", Json::array({Json("")})}}); }, care) == "plan_differs care_missing ");
  CHECK(at(3, [](R& r) { r.governance.reset(); r.payload.set("business_key", Json("public")); r.payload.set("tombstone", Json(true)); }, care) == "plan_differs plan_differs plan_differs care_missing ");   // no way round it
  CHECK(at(4, [](R& r) { r.governance.reset(); }, care) == "plan_differs ");   // another key
  wal::VerifyOptions approval;
  approval.policy.approval_from_tier = 0;
  CHECK(at(9, [](R&) {}, approval) == "approval_missing approval_missing ");
  approval.policy.approval_from_tier = 1;
  CHECK(at(9, [](R&) {}, approval).empty());
  // A sink that was put back from a copy.
  auto behind = verify_text(text_of(lines), with_witness(head_of_line(lines[2])));   // a head that was written down may be older
  CHECK(behind.carried == head_of_line(lines[10]));
  behind.see_sink(head_of_line(lines[10]));
  CHECK(codes(behind).empty());
  behind.see_sink(head_of_line(lines[2]));
  CHECK(codes(behind) == "sink_regressed ");
  CHECK(behind.answer().error().code() == errc::sink_regressed);
  // A record that nobody knows: the envelope is good.
  std::string odd = lines[9];
  const std::size_t phase = odd.find("\"phase\":\"EXECUTE\"");
  REQUIRE(phase != std::string::npos);
  odd.replace(phase, 17, "\"phase\":\"TELEPORT\"");
  const std::size_t hash = odd.rfind(",\"hash\":\"");
  const std::string body = odd.substr(8, hash - 8);
  odd = "{\"body\":" + body + ",\"hash\":\"" + domain_digest(wal::frame_domain, body).hex() + "\"}";
  auto unknown = lines;
  unknown.resize(10);
  unknown[9] = odd;
  auto report = verify_text(text_of(unknown));
  CHECK(codes(report) == "record_unreadable ");
  CHECK(report.answer().error().code() == errc::unsupported_version);
}

TEST_CASE("VERIFY-6 the ring's key says who may write under it") {
  wal::KeyRing ring;
  wal::RingKey key{key_a().key_id(), key_a().public_key()};
  key.actors = {{"nobody"}};
  REQUIRE(ring.add(std::move(key)));
  const auto report = verify_text(text_of(three_runs()), with_ring(std::move(ring)));
  CHECK(report.errors == 15);
  CHECK(found(report, FindingCode::actor_refused));
}

TEST_CASE("finished runs that are forgotten cost checks, not truth") {
  Book<NoSigner> book;
  auto log = book.open(NoSigner{});
  for (int i = 0; i < 6; ++i) book.run(log, "run " + std::to_string(i));
  std::vector<wal::WalRecord> undo{book.runs.undo("run 0", 6)};
  REQUIRE(log.commit(undo));
  wal::VerifyOptions options;
  options.finished_runs_max = 2;
  const auto report = verify_text(text_of(book.lines()), options);
  CHECK(report.findings.empty());
  CHECK(report.runs_not_followed == 1);
}

TEST_CASE("VERIFY-10 findings that are not kept are counted, and nothing in a log drives a terminal") {
  auto lines = three_runs();
  std::reverse(lines.begin(), lines.end());
  wal::VerifyOptions options;
  options.findings_max = 2;
  const auto report = verify_text(text_of(lines), options);
  CHECK(report.findings.size() == 2);
  CHECK(report.errors > 2);
  CHECK(!report.is_intact());
  CHECK(report.text().find("more\n") != std::string::npos);
  CHECK(wal::printable("a\x1b[31m\n\x7f") == "a\\u001b[31m\\u000a\\u007f");
  CHECK(wal::printable("\xC2\x9B \xE2\x80\xAE \xC3\xBC") == "\\u009b \\u202e \xC3\xBC");
  CHECK(wal::printable("\xFF\xC3") == "\\xff\\xc3");
  CHECK(wal::printable(std::string(1000, 'x')).size() < 200);
  for (const auto& each : kfm_det::detail::values_of<FindingCode>) CHECK(!wal::remedy(each.value).empty());
}
