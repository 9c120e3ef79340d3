// SPDX-License-Identifier: BSL-1.0
#include <catch2/catch.hpp>

#include "kfm_det/wal/key_ring.hpp"
#include "kfm_det/wal/signature.hpp"
#include "kfm_det/wal/signer_ed25519.hpp"
#include "tests/wal/records.hpp"
#include "tests/wal/signed_logs.hpp"

using namespace kfm_det;
using namespace kfm_det::testing;

TEST_CASE("SIGNER-1 Ed25519 gives the signatures of RFC 8032, and no other bytes or signature fit") {
  const auto seed = from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").value();   // 7.1, test 2
  const auto signer = wal::Ed25519Signer::from_seed(seed).value();
  CHECK(signer.public_key().hex() == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  CHECK(signer.key_id() == sha256(from_hex(signer.public_key().hex()).value()).hex().substr(0, 16));
  const Bytes signature = signer.sign("\x72").value();
  CHECK(to_hex(signature) == "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
  CHECK(signer.verify("\x72", signature));
  CHECK(signer.verify("\x73", signature).error().code() == errc::hash_mismatch);
  CHECK(!signer.verify("\x72", BytesView(signature).substr(1)));
  CHECK(!signer.verify("\x72", ""));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    Bytes bad = signature;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    CHECK(!signer.verify("\x72", bad));
  }
  const auto other = test_signer('x');
  for (int i = 0; i < 2; ++i) {   // one thread, two keys in turn: neither call may go on with the key of the one before
    CHECK(!other.verify("\x72", signature));
    CHECK(signer.verify("\x72", signature));
    CHECK(other.sign("\x72").value() != signature);
    CHECK(signer.sign("\x72").value() == signature);
  }
}

TEST_CASE("keys come as PEM PKCS#8 and go back; what is no such key is refused in a sentence that says nothing of it") {
  const auto signer = wal::Ed25519Signer::generate("k1").value();
  const auto pem = signer.private_pem();
  REQUIRE(pem);
  CHECK(pem.value().view().starts_with("-----BEGIN PRIVATE KEY-----\n"));
  const auto again = wal::Ed25519Signer::from_pem(pem.value().view(), "k1");
  REQUIRE(again);
  CHECK(again.value().public_key().hex() == signer.public_key().hex());
  CHECK(again.value().key_id() == "k1");
  CHECK(signer.verify("x", again.value().sign("x").value()));
  for (const std::string_view bad : {"", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"}) {
    const auto refused = wal::Ed25519Signer::from_pem(bad);
    REQUIRE(!refused);
    CHECK(refused.error().code() == errc::invalid_argument);
    CHECK(!refused.error().remedy().empty());
  }
  const std::string p256 =   // a throwaway key of another kind
      "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWnHQWn2U8ZBFPEa5\nGaco//Po7BuNrv0Z8QnGdu0gUnShRANCAAQlIPtvsKaz6Us5WlfMc8OAs7jAmRs4\nuiTEaUsR7I2P3Z1aiuzKrRKMbr++LWj6rJZnIW9NIUXbQ6Ya0h4ummTI\n-----END PRIVATE KEY-----\n";
  CHECK(wal::Ed25519Signer::from_pem(p256).error().message().find("no Ed25519 key") != std::string::npos);
  CHECK(wal::Ed25519Signer::from_pem(pem.value().view(), "a key").error().message().find("cannot stand in a log") != std::string::npos);
  CHECK(wal::Ed25519Signer::from_seed("short").error().code() == errc::invalid_argument);
  CHECK(wal::Ed25519PublicKey::from_hex("abcd").error().code() == errc::invalid_argument);
}

TEST_CASE("a public key comes from PEM, too; RFC 8410, 10.1") {
  const auto key = wal::Ed25519PublicKey::from_pem("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n");
  REQUIRE(key);
  CHECK(key.value().hex() == "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
  for (const char* bad : {"", "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1", "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9E\n-----END PUBLIC KEY-----\n",
                          "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"}) {   // the last: X25519
    const auto refused = wal::Ed25519PublicKey::from_pem(bad);
    REQUIRE(!refused);
    CHECK(refused.error().code() == errc::invalid_argument);
    CHECK(!refused.error().remedy().empty());
  }
}

TEST_CASE("a signed line is canonical JSON; what is signed names algorithm, key, stream and place") {
  const auto signer = test_signer('a', "key-a");
  std::string line;
  const wal::Envelope envelope{test_stream(), 9007199254740993u, 18446744073709551615u, sha256("before"), 1, 2, 5};
  const Digest hash = wal::seal_signed_frame(line, envelope, record(9), signer).value();
  const auto json = parse_canonical(line);
  REQUIRE(json);
  const wal::Line read = wal::read_line(line);
  REQUIRE(read.kind == wal::LineKind::frame);
  CHECK(read.hash == hash);
  CHECK(read.signature.algorithm == "ed25519");
  CHECK(read.signature.key == "key-a");
  CHECK(read.signature.value.size() == 128);
  CHECK(wal::read_record(read).value().seq == 9);
  const std::string what = "kfm_det/v1/signature\n{\"alg\":\"ed25519\",\"hash\":\"" + std::string(read.sealed_hash) +
                           R"(","incarnation":"9007199254740993","key":"key-a","lsn":"18446744073709551615","stream":"test@p"})";
  CHECK(signer.verify(what, from_hex(read.signature.value).value()));
  CHECK(parse_canonical(what.substr(what.find('\n') + 1)));
  std::string same;
  wal::signed_bytes(same, read.signature.algorithm, read.signature.key, read.sealed_hash, read.incarnation, read.lsn, read.stream);
  CHECK(same == what);
  // Without it: the same body and hash, another line hash.
  std::string plain;
  const Digest other = wal::seal_frame(plain, envelope, record(9)).value();
  CHECK(plain == without_signature(line));
  CHECK(other != hash);
}

TEST_CASE("a signature that is malformed makes its line garbage") {
  std::string line;
  REQUIRE(wal::seal_frame(line, wal::Envelope{test_stream(), 1, 1, {}, 0, 1, 0}, record(1)));
  line.pop_back();
  const std::string hex(128, '0');
  const auto kind = [&](const std::string& tail) { return wal::read_line(line + tail).kind; };
  CHECK(kind("}") == wal::LineKind::frame);
  CHECK(kind(R"(,"sig":{"alg":"ed25519","key":"k","value":")" + hex + "\"}}") == wal::LineKind::frame);
  CHECK(kind(R"(,"sig":{"alg":"none","key":"k","value":""}})") == wal::LineKind::frame);   // well formed: who verifies refuses it
  for (const std::string& tail : {std::string(R"(,"sig":{}})"), std::string(R"(,"sig":null})"), R"(,"sig":{"alg":"","key":"k","value":")" + hex + "\"}}", R"(,"sig":{"alg":"ed25519","key":"","value":")" + hex + "\"}}",
                                 R"(,"sig":{"alg":"Ed25519","key":"k","value":")" + hex + "\"}}", R"(,"sig":{"alg":"ed25519","key":"k k","value":")" + hex + "\"}}",
                                 R"(,"sig":{"alg":"ed25519","key":"k","value":")" + hex + "0\"}}", R"(,"sig":{"alg":"ed25519","key":"k","value":")" + hex + "AA\"}}",
                                 R"(,"sig":{"alg":"ed25519","key":"k","value":")" + hex + "\"},\"x\":1}", R"(,"sig":{"alg":"ed25519","key":"k","value":")" + hex + "\"}} ",
                                 R"(,"sig":{"key":"k","alg":"ed25519","value":")" + hex + "\"}}", R"(,"sig":{"alg":"ed25519","key":")" + std::string(65, 'k') + R"(","value":")" + hex + "\"}}",
                                 R"(,"sig":{"alg":"ed25519","key":"k","value":")" + std::string(1024, '0') + "\"}}"}) {
    INFO(tail);
    CHECK(kind(tail) == wal::LineKind::garbage);
  }
}

TEST_CASE("LOG-8 a log signs the last line of each group, or of those that commit() makes durable, and nothing without a signer") {
  for (const wal::Signing signing : {wal::Signing::none, wal::Signing::each_group, wal::Signing::each_sync}) {
    Book<> book;
    auto log = book.open(test_signer('a'), signing);
    book.run(log, "one");   // append of 2, commit of 1, commit of 2
    std::string which;
    for (const auto& line : book.lines()) which += wal::read_line(line).signature ? 's' : '.';
    CHECK(which == (signing == wal::Signing::none ? "....." : signing == wal::Signing::each_group ? ".ss.s" : "..s.s"));
    CHECK(book.store.open_stream(signed_stream()).value().inspect({}).value().verdict == Verdict::clean);
  }
  CHECK(signed_lines(1, test_signer('a'), wal::Signing::none) == unsigned_lines(1));
}

namespace {
struct BrokenSigner {
  bool* works;
  result<Bytes> sign(BytesView) const { return *works ? result<Bytes>(Bytes(64, 'x')) : Error(errc::unavailable, "no signature today"); }
  result<void> verify(BytesView, BytesView) const { return success(); }
  std::string key_id() const { return "k"; }
  std::string_view algorithm() const { return "ed25519"; }
};
}  // namespace

TEST_CASE("LOG-8 what cannot be signed, or is too long with its signature, is not appended") {
  bool works = false;
  Book<BrokenSigner> book;
  auto log = wal::Log<MemoryStore::Stream, ManualClock, BrokenSigner>::open(book.store.open_stream(signed_stream()).value(), signed_stream(), Head{signed_stream(), 0, 0, {}}, book.clock,
                                                                            [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); }, {}, BrokenSigner{&works});
  REQUIRE(log);
  std::vector<wal::WalRecord> group{book.runs.plan("one", {})};
  CHECK(log.value().commit(group).error().code() == errc::unavailable);
  CHECK(book.lines().empty());
  works = true;
  CHECK(log.value().commit(group).value().lsn == 1);
  const std::size_t unsigned_size = without_signature(book.lines()[0]).size();
  Book<> limited;
  wal::LogOptions options;
  options.line_bytes_max = unsigned_size + 50;
  auto tight = Book<>::Log::open(limited.store.open_stream(signed_stream()).value(), signed_stream(), Head{signed_stream(), 0, 0, {}}, limited.clock,
                                 [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); }, options, test_signer('a'));
  CHECK(tight.value().commit(group).error().code() == errc::limit_exceeded);
  CHECK(limited.lines().empty());
}

TEST_CASE("a key ring comes back as it was written; each mistake in one is a sentence of its own") {
  const auto a = test_signer('a', "a"), b = test_signer('b', "b");
  wal::KeyRing ring;
  wal::RingKey first{a.key_id(), a.public_key(), {1, 1}, Order{1, 99}};
  first.actors = {{"ci", "anna"}};
  REQUIRE(ring.add(first));
  REQUIRE(ring.add({b.key_id(), b.public_key(), {1, 100}}));
  const std::string text = ring.text();
  CHECK(text == "{\"format\":1,\"keys\":[{\"actors\":[\"ci\",\"anna\"],\"algorithm\":\"ed25519\",\"from\":{\"incarnation\":1,\"lsn\":1},\"key\":\"a\",\"public_key\":\"" + a.public_key().hex() +
                    "\",\"to\":{\"incarnation\":1,\"lsn\":99}},{\"algorithm\":\"ed25519\",\"from\":{\"incarnation\":1,\"lsn\":100},\"key\":\"b\",\"public_key\":\"" + b.public_key().hex() + "\"}]}\n");
  const auto back = wal::KeyRing::parse(text);
  REQUIRE(back);
  CHECK(back.value().text() == text);
  CHECK(back.value().valid_at({1, 99})->id == "a");
  CHECK(back.value().valid_at({1, 100})->id == "b");
  CHECK(back.value().valid_at({2, 1})->id == "b");
  CHECK(back.value().find("c") == nullptr);
  CHECK(back.value().keys()[0].allows("anna"));
  CHECK(!back.value().keys()[0].allows("eve"));

  const auto refused = [](const std::string& bad) {
    const auto parsed = wal::KeyRing::parse(bad);
    REQUIRE(!parsed);
    CHECK(!parsed.error().remedy().empty());
    return parsed.error().message();
  };
  const auto has = [](const std::string& message, const std::string& words) { INFO(message); CHECK(message.find(words) != std::string::npos); };
  const auto edited = [&](const std::string& from, const std::string& to) {
    std::string out = text;
    out.replace(out.find(from), from.size(), to);
    return out;
  };
  has(refused(""), "key ring");
  has(refused("[]"), "expected an object");
  has(refused(edited("\"format\":1", "\"format\":2")), "format 2");
  has(refused(edited("\"format\":1", "\"format\":1,\"extra\":1")), "does not know");
  has(refused(edited("\"key\":\"b\"", "\"key\":\"a\"")), "there twice");
  has(refused(edited("\"lsn\":100", "\"lsn\":99")), "two keys are valid");
  has(refused(edited("\"lsn\":99", "\"lsn\":0")), "ends before it begins");
  has(refused(edited("\"lsn\":100", "\"lsn\":0")), "from no place");
  has(refused(edited("ed25519", "none")), "none that this version trusts");
  has(refused(edited("\"key\":\"b\"", "\"key\":\"b b\"")), "cannot stand");
  has(refused(edited(a.public_key().hex(), "00")), "32 bytes");
  has(refused(edited("[\"ci\"", "[1")), "no text");
  has(refused(std::string(2 << 20, ' ')), "limit_exceeded");
  CHECK(back.value().keys().size() == 2);
  wal::KeyRing closed = back.value();
  REQUIRE(closed.close({1, 200}));
  CHECK(closed.valid_at({1, 201}) == nullptr);
  CHECK(closed.close({1, 300}).error().code() == errc::not_found);
}
