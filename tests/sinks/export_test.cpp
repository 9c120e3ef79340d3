// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include <string>

#include "kfm_det/core/json_parser.hpp"
#include "kfm_det/sinks/export.hpp"
#include "kfm_det/sinks/memory_sink.hpp"
#include "tests/sinks/sink_laws.hpp"

namespace {

using namespace kfm_det;
using namespace kfm_det::sink_laws;

TEST_CASE("export: the format is one page, and this is its example") {
  MemorySink sink;
  publish(sink, upsert("first", {1, 1}, "2012-01", fresh("10\n", "draft")), tenure(3), head(1));
  publish(sink, upsert("second", {1, 2}, "2012-01", fresh(std::string("\xff\0\x01", 3))), tenure(4), head(9));
  publish(sink, upsert("gone", {1, 3}, "2012-02", Tombstone{}), tenure(4), head(9));
  take_back(sink, withdrawal("never came", {1, 4}, std::string("\xff")), tenure(4), head(9));
  CHECK(exported(sink) ==
        "{\"format\":\"kfm_det/sink-export/1\",\"keys\":["
        "{\"business_key\":\"2012-01\",\"current\":\"" + effect("second").hex() + "\",\"publications\":["
        "{\"bytes\":\"10\\n\",\"bytes_hash\":\"" + sha256("10\n").hex() + "\",\"effect\":\"" + effect("first").hex() + "\",\"idempotency_key\":\"" + key_of("10\n", "draft").hex() +
        "\",\"metadata\":{\"label\":\"draft\"},\"run\":\"" + run("first").text() + "\",\"size\":3,\"state\":\"superseded\",\"tombstone\":false},"
        "{\"bytes_base64\":\"/wAB\",\"bytes_hash\":\"" + sha256(std::string("\xff\0\x01", 3)).hex() + "\",\"effect\":\"" + effect("second").hex() + "\",\"idempotency_key\":\"" +
        key_of(std::string("\xff\0\x01", 3)).hex() + "\",\"metadata\":{\"label\":\"\"},\"run\":\"" + run("second").text() + "\",\"size\":3,\"state\":\"current\",\"tombstone\":false}]},"
        "{\"business_key\":\"2012-02\",\"current\":\"" + effect("gone").hex() + "\",\"publications\":[{\"effect\":\"" + effect("gone").hex() + "\",\"run\":\"" + run("gone").text() +
        "\",\"state\":\"current\",\"tombstone\":true}]},"
        "{\"business_key_base64\":\"/w==\",\"current\":null,\"publications\":[{\"effect\":\"" + effect("never came").hex() + "\",\"run\":\"" + run("never came").text() +
        "\",\"state\":\"withdrawn\",\"tombstone\":false}]}]}");
}

TEST_CASE("export: is canonical JSON, whatever the bytes are") {
  MemorySink sink;
  Lsn lsn = 0;
  for (const std::string& key : hostile_keys()) publish(sink, upsert("of " + key, {1, ++lsn}, key, fresh(key)));
  // text whose characters lie across the pieces in which bytes are read, and text that only looks like it
  const std::size_t piece = std::size_t{1} << 20;
  for (const std::string character : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\xa6\x80"})
    for (std::size_t cut = 0; cut <= character.size(); ++cut) {
      const std::string text = std::string(piece - cut, 'a') + character + "\n\"";
      publish(sink, upsert("text" + text, {1, ++lsn}, "text", fresh(text)));
      publish(sink, upsert("cut" + text, {1, ++lsn}, "cut", fresh(text.substr(0, piece + character.size() - cut - 1))));
    }
  publish(sink, upsert("binary", {1, ++lsn}, "binary", fresh(std::string(piece + 2, '\xfe'))));
  const std::string text = exported(sink);
  ParseLimits limits;
  const auto parsed = parse_canonical(text, limits);
  if (!parsed) FAIL(parsed.error().message());
  std::size_t keys = 0, binary = 0, texts = 0;
  for (const Json& key : get_array(parsed.value(), "keys").value()->items()) {
    ++keys;
    for (const Json& one : get_array(key, "publications").value()->items()) {
      std::string bytes;
      const Json* name = key.find("business_key");
      if (name && *name->string() == "text") CHECK(one.find("bytes"));   // what is text is told as text, wherever it was cut
      if (name && (*name->string() == "cut" || *name->string() == "binary")) CHECK(one.find("bytes_base64"));
      if (one.find("bytes")) { bytes = *one.find("bytes")->string(); ++texts; }
      else { bytes = from_base64(*one.find("bytes_base64")->string()).value(); ++binary; }
      CHECK(sha256(bytes).hex() == *one.find("bytes_hash")->string());
    }
  }
  CHECK(keys == hostile_keys().size() + 3);
  CHECK(binary >= 4);
  CHECK(texts >= hostile_keys().size());
}

TEST_CASE("export: without bytes, in pieces, and with the first error") {
  MemorySink sink;
  publish(sink, upsert("a", {1, 1}, "k", fresh("some bytes")));
  const auto without = export_canonical(sink, {.bytes = false});
  REQUIRE(without);
  CHECK(without.value().find("some bytes") == std::string::npos);
  CHECK(without.value().find(sha256("some bytes").hex()) != std::string::npos);
  CHECK(parse_canonical(without.value()).has_value());
  std::string pieces;
  std::size_t count = 0;
  REQUIRE(export_canonical(sink, [&](BytesView piece) -> result<void> { pieces += piece; ++count; return success(); }));
  CHECK(pieces == exported(sink));
  CHECK(count > 3);
  for (std::size_t last = 1; last <= count; ++last) {
    std::size_t seen = 0;
    const auto stopped = export_canonical(sink, [&](BytesView) -> result<void> { if (++seen == last) return Error(errc::no_space, "the disk is full"); return success(); });
    REQUIRE_FALSE(stopped);
    CHECK(seen == last);
  }
  sink.replace_bytes(key_of("some bytes"), "rotten");
  const auto rotten = export_canonical(sink);
  REQUIRE_FALSE(rotten);
  CHECK(rotten.error().code() == errc::hash_mismatch);
}

TEST_CASE("export: tells sinks apart by what people see, not by how it came about") {
  MemorySink a, b;
  publish(a, upsert("x", {1, 5}, "k", fresh("x")), tenure(1, "ann"), head(3));
  publish(a, upsert("y", {1, 7}, "k", fresh("y")), tenure(1, "ann"), head(4));
  publish(b, upsert("y", {2, 30}, "k", fresh("y")), tenure(9, "bob"), head(400));
  publish(b, upsert("x", {1, 90}, "k", fresh("x")), tenure(9, "bob"), head(400));
  CHECK(exported(a) == exported(b));   // other places in other logs, the same relative order
  take_back(b, withdrawal("x", {1, 90}, "k"), tenure(9, "bob"));
  CHECK(exported(a) != exported(b));
}

}  // namespace
