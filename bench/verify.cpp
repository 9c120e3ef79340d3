// SPDX-License-Identifier: BSL-1.0
// What verify costs: the chain beside SHA-256 over the same bytes, signatures beside Ed25519 alone; and time and memory over the size of a log.
#include <cinttypes>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "floor.hpp"
#include "kfm_det/conformance/detail/run_scribe.hpp"
#include "kfm_det/contracts/clock.hpp"
#include "kfm_det/files/posix_file_system.hpp"
#include "kfm_det/files/system_clock.hpp"
#include "kfm_det/stores/file_store.hpp"
#include "kfm_det/stores/memory_store.hpp"
#include "kfm_det/stores/verify_folder.hpp"
#include "kfm_det/wal/log.hpp"
#include "kfm_det/wal/signer_ed25519.hpp"
#include "kfm_det/wal/verify.hpp"
#include "measure.hpp"
#include "records.hpp"

namespace kfm_det::bench {
namespace {

constexpr std::size_t lines_count = 1024;
constexpr std::size_t long_lines_count = 16 * lines_count;   // what several threads are measured over
constexpr std::size_t piece_bytes = std::size_t{1} << 20;        // as verify_folder reads

wal::Ed25519Signer bench_signer() { return must(wal::Ed25519Signer::from_seed(std::string(32, 'b'))); }
wal::KeyRing bench_ring() {
  const auto signer = bench_signer();
  wal::KeyRing ring;
  must(ring.add({signer.key_id(), signer.public_key()}));
  return ring;
}

/// Lines of a log from its beginning; signed: each a group of its own, with a signature.
std::vector<std::string> chained_lines(bool is_signed, std::size_t count = lines_count) {
  const auto signer = bench_signer();
  std::vector<std::string> out;
  wal::Envelope envelope{stream_id(), 1, 0, {}, 0, 1, 0};
  for (std::size_t i = 0; i < count; ++i) {
    ++envelope.lsn;
    auto record = intent_record(envelope.lsn);
    record.entry_id = wal::entry_id(envelope.prev, record.wal_id, record.seq);
    std::string line;
    envelope.prev = must(is_signed ? wal::seal_signed_frame(line, envelope, record, signer) : wal::seal_frame(line, envelope, record));
    out.push_back(line + "\n");
  }
  return out;
}
std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line;
  return out;
}

Side verify_side(std::string name, bool is_signed, bool records, unsigned threads = 1, std::size_t count = lines_count) {
  return {std::move(name), [=](const std::string&) {
            const auto text = std::make_shared<std::string>(joined(chained_lines(is_signed, count)));
            return timed([=] {
              wal::VerifyOptions options;
              options.records = records;
              options.threads = threads;
              options.findings_max = 3;
              if (is_signed) options.ring = bench_ring();
              wal::Verifier verifier(stream_id(), options);
              verifier.begin_segment({1, 1}, wal::Judge::no_limit, "bench");
              for (std::size_t at = 0; at < text->size(); at += piece_bytes) verifier.feed(std::string_view(*text).substr(at, piece_bytes));
              verifier.end_segment();
              const wal::VerifyReport report = verifier.finish();
              if (report.verified.lsn != count || (!records && !report.is_intact())) give_up(report.text());
            });
          }};
}
Side sha_side(bool whole, std::size_t count = lines_count) {
  return {whole ? "raw SHA-256, in one piece" : "raw SHA-256, line by line", [=](const std::string&) {
            const auto lines = std::make_shared<std::vector<std::string>>(chained_lines(false, count));
            const auto text = std::make_shared<std::string>(joined(*lines));
            const auto sha256 = std::make_shared<RawSha256>();
            return timed([=] {
              if (whole) benchmark::DoNotOptimize((*sha256)(*text));
              else
                for (const auto& line : *lines) benchmark::DoNotOptimize((*sha256)(line));
            });
          }};
}

/// One thing of OpenSSL, with its context used again.
Side raw_ed25519(bool verify) {
  return {verify ? "raw Ed25519 verify" : "raw Ed25519 sign", [=](const std::string&) {
            const auto signer = std::make_shared<wal::Ed25519Signer>(bench_signer());
            const std::string bytes(230, 'x');
            const Bytes signature = must(signer->sign(bytes));
            return timed([=] {
              for (std::size_t i = 0; i < (verify ? lines_count : 1); ++i) {
                if (verify) must(signer->verify(bytes, signature));
                else benchmark::DoNotOptimize(must(signer->sign(bytes)));
              }
            });
          }};
}

template <class S>
Side append_side(std::string name, S signer) {
  return {std::move(name), [=](const std::string& folder) {
            using Log = wal::Log<FileStore<>::Stream, SystemClock, S>;
            auto stream = must(must(FileStore<>::open(folder + "/wal")).open_stream(stream_id()));
            auto log = std::make_shared<Log>(must(Log::open(std::move(stream), stream_id(), Head{}, SystemClock{}, [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); }, {}, signer)));
            const auto group = std::make_shared<std::vector<wal::WalRecord>>(intent_records(1));
            return timed([=] { benchmark::DoNotOptimize(must(log->append(*group))); });
          }};
}

// --- size -----------------------------------------------------------------------------------------------------------------------

/// A log of runs with 50 effects each, as an updater writes them, signed. Answers how many records.
std::uint64_t write_log(const std::string& root, std::uint64_t records) {
  using Log = wal::Log<FileStore<>::Stream, ManualClock, wal::Ed25519Signer>;
  std::vector<std::string> steps;
  for (int step = 0; step < 50; ++step) steps.push_back("seattle/2012-" + std::to_string(10 + step) + "/precipitation");
  auto log = must(Log::open(must(must(FileStore<>::open(root)).open_stream(stream_id())), stream_id(), Head{}, ManualClock{Instant{1'700'000'000'000'000'000}},
                            [](const wal::Line&, const wal::WalRecord&) -> result<void> { return success(); }, {}, bench_signer()));
  conformance::detail::RunScribe runs{stream_id(), "noaa-monthly-summary"};
  std::uint64_t written = 0;
  for (std::uint64_t number = 0; written < records; ++number) {
    (void)must(runs.write(log, "run " + std::to_string(number), steps));
    written += 2 + 3 * steps.size();
  }
  (void)must(log.sync());
  must(log.close());
  return written;
}

/// The most memory that this process has had since it was asked to forget.
std::uint64_t peak_kib(bool forget) {
  if (forget) std::ofstream("/proc/self/clear_refs") << "5";
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;)
    if (word == "VmHWM:") {
      std::uint64_t kib = 0;
      status >> kib;
      return kib;
    }
  return 0;
}

}  // namespace

std::vector<Measure> verify_measures() {
  const std::string bytes = std::to_string(chained_lines(false).back().size());
  return {
      {"verify_chain", "verify the chain, 1024 lines of " + bytes + " bytes, per line", verify_side("kfm_det, 1 thread", false, false), {{sha_side(false), 0.85}, {sha_side(true)}}, lines_count, false, 1},
      {"verify_chain_threads", "the same over " + std::to_string(long_lines_count) + " lines with two threads, if two are free", verify_side("kfm_det, 2 threads", false, false, 2, long_lines_count),
       {{sha_side(false, long_lines_count), 0.85}, {sha_side(true, long_lines_count), 0.85}}, long_lines_count, false, 1},
      {"verify_records", "verify chain and records, per line", verify_side("kfm_det", false, true), {{sha_side(false)}}, lines_count, false, 1},
      {"verify_signed", "verify the chain and a signature on each line, per line", verify_side("kfm_det", true, false), {{raw_ed25519(true)}}, lines_count, false, 1},
      {"append_signed", "append one record, signed, no sync", append_side("kfm_det", bench_signer()), {{raw_ed25519(false)}, {append_side("kfm_det, not signed", NoSigner{})}}, 1, false, 16},
  };
}

void print_verify_sizes(const std::vector<std::uint64_t>& sizes, const std::string& directory, unsigned threads) {
  std::printf("%12s | %10s | %9s | %12s | %12s | %9s\n", "records", "MB", "seconds", "us a record", "peak RSS KiB", "signed");
  for (const std::uint64_t size : sizes) {
    Scratch scratch(directory);
    const std::string root = scratch.fresh() + "/wal";
    const std::uint64_t records = write_log(root, size);
    PosixFileSystem fs;
    wal::VerifyOptions options;
    options.ring = bench_ring();
    options.threads = threads;
    (void)peak_kib(true);
    const auto start = Clock::now();
    const wal::VerifyReport report = must(verify_folder(fs, root + "/" + stream_id().text, options));
    const double seconds = seconds_since(start);
    if (!report.is_intact() || report.entries != records || report.sealed_upto != records) give_up(report.text());
    std::printf("%12" PRIu64 " | %10.1f | %9.2f | %12.2f | %12" PRIu64 " | %9" PRIu64 "\n", records, static_cast<double>(report.bytes) / 1e6, seconds, seconds * 1e6 / static_cast<double>(records), peak_kib(false),
                report.signatures_valid);
    std::fflush(stdout);
  }
}

}  // namespace kfm_det::bench
