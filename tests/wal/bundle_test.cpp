// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "kfm_det/wal/bundle_reader.hpp"
#include "tests/wal/records.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;

namespace {

template <class T> T good(result<T> r) {
  if (!r) FAIL(r.error().message());
  return std::move(r).value();
}
/// The code; and the error says where and what to do.
template <class T> errc bad(const result<T>& r) {
  REQUIRE(!r);
  CHECK_FALSE(r.error().where().empty());
  return r.error().code();
}

const RunId mine{uuid_v8(sha256("mine"))}, other{uuid_v8(sha256("other"))};

wal::WalRecord of(const RunId& run, std::uint64_t seq, wal::Phase phase, std::string_view operation, std::string step, Json payload) {
  auto out = record(seq, std::move(step));
  out.wal_id = run;
  out.phase = phase;
  out.operation = operation;
  out.payload = std::move(payload);
  return out;
}
Json plan_payload(std::size_t inputs) {
  Json refs = Json::array();
  for (std::size_t i = 0; i < inputs; ++i) refs.push(to_json(SourceRef{"file-" + std::to_string(i) + ".csv", ContentHash{sha256(std::to_string(i))}, {{"month", "2012-0" + std::to_string(i)}}}));
  const Json effect = Json::object({{"business_key", Json("key \"quoted\" \n")}, {"effect", Json(sha256("effect").hex())}, {"step", Json("s")}});
  return Json::object({{"effects", Json::array({effect})}, {"inputs", std::move(refs)}, {"plan_hash", Json(sha256("plan").hex())}, {"retired", Json::array()}, {"trigger", Json::object({{"key", Json("t")}, {"kind", Json("manual")}, {"partition", Json("p")}})}});
}

/// A log in which two runs take turns: lines of both, sealed and linked.
struct Log {
  std::vector<std::string> lines;
  Digest prev;
  void group(std::vector<wal::WalRecord> records) {
    std::uint32_t index = 0;
    for (const auto& one : records) {
      std::string line;
      prev = good(wal::seal_frame(line, {test_stream(), 1, lines.size() + 1, prev, index++, static_cast<std::uint32_t>(records.size()), 0}, one));
      lines.push_back(line);
    }
  }
  explicit Log(std::size_t inputs = 2) {
    const Json executed = Json::object({{"bytes", Json(sha256("b").hex())}, {"content", Json(sha256("c").hex())}, {"key", Json(sha256("k").hex())}, {"size", Json(1u)}});
    group({of(other, 1, wal::Phase::PLAN, "plan", "", plan_payload(1))});
    group({of(mine, 1, wal::Phase::PLAN, "plan", "", plan_payload(inputs))});
    group({of(other, 2, wal::Phase::CONTROL, "ATTEMPT", "", Json::object({{"attempt", Json(1u)}}))});
    group({of(mine, 2, wal::Phase::EXECUTE, "op", "s", executed), of(mine, 3, wal::Phase::CONTROL, "ATTEMPT", "", Json::object())});
    group({of(mine, 4, wal::Phase::COMMIT, "commit", "", Json::object({{"effects", Json(1u)}}))});
  }
  [[nodiscard]] std::vector<std::string> of_mine() const { return {lines[1], lines[3], lines[4], lines[5]}; }
};
wal::RecordedRun recorded(std::size_t inputs = 2) { return good(wal::assemble_run(test_stream(), mine, Log(inputs).of_mine())); }
std::string bundle(std::size_t inputs = 2) { return good(wal::write_bundle(recorded(inputs))); }
/// With its end line made again: what somebody would do who edits.
std::string ended(std::string text, std::uint64_t records, std::uint64_t inputs) {
  const wal::detail::BundleEndLine end{{text.size(), inputs, records, sha256(text)}};
  return text + good(canonical(end)) + "\n";
}
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) out.push_back(text.substr(at, text.find('\n', at) + 1 - at));
  return out;
}

}  // namespace

TEST_CASE("a run is what its lines say: places, inputs, plan, state, and what each step gave") {
  const Log log;
  const auto run = recorded();
  CHECK(run.begin.lsn == 1);
  CHECK(run.begin.hash == wal::read_line(log.lines[0]).hash);
  CHECK(run.end.lsn == 6);
  CHECK(run.end.hash == wal::read_line(log.lines[5]).hash);
  REQUIRE(run.lines.size() == 4);
  CHECK(run.lines[1].text == log.lines[3]);
  CHECK(run.lines[2].group() == 4);
  CHECK(run.inputs.size() == 2);
  CHECK(run.state.status == wal::RunStatus::committed);
  CHECK(run.executed.at("s").size == 1);   // also of a run that is finished
}

TEST_CASE("a bundle is read back as it was written, line by line") {
  for (const std::size_t inputs : {0u, 1u, 3u}) {
    const auto run = recorded(inputs);
    const std::string text = bundle(inputs);
    const auto read = good(wal::read_bundle(text));
    CHECK(read.run == run.run);
    CHECK(read.stream == run.stream);
    CHECK(read.begin == run.begin);
    CHECK(read.end == run.end);
    CHECK(read.inputs == run.inputs);
    REQUIRE(read.lines.size() == run.lines.size());
    for (std::size_t i = 0; i < run.lines.size(); ++i) CHECK(read.lines[i].text == run.lines[i].text);
    CHECK(good(wal::write_bundle(read)) == text);
    for (const auto& line : lines_of(text)) {   // JSON Lines
      CHECK(line.back() == '\n');
      CHECK(parse_canonical(BytesView(line).substr(0, line.size() - 1)));
    }
  }
}

TEST_CASE("BUNDLE-1 every bit flip of every byte is an error") {
  const std::string text = bundle(1);
  for (std::size_t at = 0; at < text.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = text;
      flipped[at] = static_cast<char>(static_cast<unsigned char>(flipped[at]) ^ (1u << bit));
      if (wal::read_bundle(flipped)) FAIL("byte " << at << ", bit " << bit);
    }
}

TEST_CASE("BUNDLE-1 every truncation is an error, and so is every byte behind the end, every byte left out, every byte twice") {
  const std::string text = bundle(1);
  for (std::size_t size = 0; size < text.size(); ++size)
    if (wal::read_bundle(BytesView(text).substr(0, size))) FAIL("cut at " << size);
  for (int byte = 0; byte < 256; ++byte)
    if (wal::read_bundle(text + static_cast<char>(byte))) FAIL("a byte behind the end: " << byte);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (wal::read_bundle(text.substr(0, at) + text.substr(at + 1))) FAIL("left out: " << at);
    if (wal::read_bundle(text.substr(0, at) + text[at] + text.substr(at))) FAIL("twice: " << at);
  }
  std::string edited = text;
  edited[edited.rfind("file-0.csv")] = 'F';
  CHECK(bad(wal::read_bundle(edited)) == errc::hash_mismatch);   // and it is said to be an edit
  CHECK(bad(wal::read_bundle("")) == errc::invalid_json);
  CHECK(bad(wal::read_bundle("\n")) == errc::invalid_json);
  CHECK(bad(wal::read_bundle(text + text)) != errc::invalid_argument);
  CHECK(bad(wal::read_bundle(text.substr(0, text.size() - 1))) == errc::invalid_json);
}

TEST_CASE("BUNDLE-1 what an editor makes consistent again is still refused") {
  const auto lines = lines_of(bundle(2));
  REQUIRE(lines.size() == 8);   // head, four records, two inputs, end
  const auto joined = [&](std::vector<std::size_t> which) {
    std::string out;
    for (const std::size_t i : which) out += lines[i];
    return out;
  };
  CHECK(wal::read_bundle(ended(joined({0, 1, 2, 3, 4, 5, 6}), 4, 2)));   // the helper is right
  struct Case { const char* name; std::string text; errc code; };
  const auto replaced = [](std::string in, const std::string& what, const std::string& with) {
    const auto at = in.find(what);
    REQUIRE(at != std::string::npos);
    return in.replace(at, what.size(), with);
  };
  const std::string all = joined({0, 1, 2, 3, 4, 5, 6});
  for (const Case& one : {
           Case{"a line twice", ended(joined({0, 1, 2, 2, 3, 4, 5, 6}), 5, 2), errc::invalid_json},
           Case{"the last line left out", ended(joined({0, 1, 2, 3, 5, 6}), 3, 2), errc::invalid_json},
           Case{"lines in another order", ended(joined({0, 1, 3, 2, 4, 5, 6}), 4, 2), errc::invalid_json},
           Case{"no plan", ended(joined({0, 2, 3, 4, 5, 6}), 3, 2), errc::invalid_json},
           Case{"no line at all", ended(joined({0, 5, 6}), 0, 2), errc::invalid_json},
           Case{"an input twice", ended(joined({0, 1, 2, 3, 4, 5, 5, 6}), 4, 3), errc::invalid_json},
           Case{"an input left out", ended(joined({0, 1, 2, 3, 4, 5}), 4, 1), errc::invalid_json},
           Case{"inputs in another order", ended(joined({0, 1, 2, 3, 4, 6, 5}), 4, 2), errc::invalid_json},
           Case{"an input of another hash", ended(replaced(all, "\"input\":{\"content_hash\":\"" + sha256("0").hex(), "\"input\":{\"content_hash\":\"" + sha256("x").hex()), 4, 2), errc::invalid_json},
           Case{"a record edited", ended(replaced(all, "\"size\":1}", "\"size\":2}"), 4, 2), errc::hash_mismatch},
           Case{"another run in the head", ended(replaced(all, mine.text(), other.text()), 4, 2), errc::foreign},
           Case{"another stream in the head", ended(replaced(all, "\"stream\":\"test@p\"}}\n", "\"stream\":\"test@q\"}}\n"), 4, 2), errc::foreign},
           Case{"another end in the head", ended(replaced(all, "\"lsn\":6}", "\"lsn\":7}"), 4, 2), errc::invalid_json},
           Case{"counts", ended(all, 5, 1), errc::hash_mismatch},
           Case{"counts that are too many", ended(all, 400, 2), errc::invalid_json},
           Case{"white space", ended(replaced(all, "{\"bundle\":{\"begin\"", "{\"bundle\":{ \"begin\""), 4, 2), errc::invalid_json},
           Case{"an unknown member", ended(replaced(all, "\"format\":1,\"run\"", "\"format\":1,\"more\":1,\"run\""), 4, 2), errc::invalid_json},
           Case{"an empty line", ended(joined({0, 1, 2, 3, 4}) + "\n" + joined({5, 6}), 5, 2), errc::hash_mismatch},
           Case{"windows lines", ended(replaced(all, "\n", "\r\n"), 4, 2), errc::invalid_json},
       }) {
    INFO(one.name);
    CHECK(bad(wal::read_bundle(one.text)) == one.code);
  }
  Log log;   // a line of the other run between
  CHECK(bad(wal::assemble_run(test_stream(), mine, {log.lines[1], log.lines[2], log.lines[3], log.lines[4], log.lines[5]})) == errc::foreign);
  auto torn = log.of_mine();   // neighbours that do not belong together
  Log third(3);
  torn[2] = third.lines[4];
  CHECK(bad(wal::assemble_run(test_stream(), mine, torn)) == errc::hash_mismatch);
}

TEST_CASE("BUNDLE-3 a newer format is said to be one, also when nothing else can be understood") {
  const std::string text = bundle();
  std::string newer = text;
  newer.replace(newer.find("\"format\":1,\"run\""), 10, "\"format\":2");
  CHECK(bad(wal::read_bundle(newer)) == errc::unsupported_version);
  CHECK(bad(wal::read_bundle("{\"bundle\":{\"format\":9,\"shape\":\"unheard of\"}}\nwhatever\n")) == errc::unsupported_version);
  std::string zero = text;
  zero.replace(zero.find("\"format\":1,\"run\""), 10, "\"format\":0");
  CHECK(bad(wal::read_bundle(zero)) == errc::unsupported_version);
}

TEST_CASE("BUNDLE-2 what is too large is refused before it is read") {
  const std::string text = bundle();
  CHECK(bad(wal::read_bundle(text, {.bytes_max = text.size() - 1})) == errc::limit_exceeded);
  CHECK(wal::read_bundle(text, {.bytes_max = text.size()}));
  std::size_t longest = 0;
  for (const auto& line : lines_of(text)) longest = std::max(longest, line.size() - 1);
  CHECK(bad(wal::read_bundle(text, {.line_bytes_max = longest - 1})) == errc::limit_exceeded);
  CHECK(wal::read_bundle(text, {.line_bytes_max = longest}));
}
