# SPDX-License-Identifier: BSL-1.0
"""Plan types that are broken on purpose: what makes a plan, or an operation, depend on something else than its inputs. P06 needs another machine; P14 is found by
fill patterns of memory and stack here, and by valgrind in a test of its own (tests/conformance/valgrind.py)."""
from table import Family, Mutant

# EXTRA: members; BODY: of plan(), with `note` for what goes into the params; OPERATION: of run(), with `bytes`.
PLAN = """
namespace kfm_det::ID {
using conformance::Sources;
EXTRA
struct Copy {
  struct Params { SourceRef source; std::string note; };
  static result<Output> run(const Params& params, StepContext& context) {
    KFM_DET_TRY(Bytes bytes, context.read_all(params.source));
    OPERATION
    return Output::publish(BusinessKey{params.source.uri}, std::move(bytes));
  }
};
KFM_DET_DESCRIBE(Copy::Params, source, note)
struct Planned {
  static constexpr UpdaterId id{"mutant"};
  static constexpr Version version{1, 0, 0};
  using Operations = kfm_det::Operations<Copy>;
  std::vector<std::string> uris;
  result<std::vector<SourceRef>> inputs(SourceReader& reader) const { return reader.describe_all(uris); }
  static result<void> plan(std::span<const SourceRef> inputs, PlanBuilder<Operations>& plan) {
    std::string note;
    BODY
    for (const SourceRef& ref : inputs) plan.step<Copy>("copy:" + ref.uri, {ref, note}).publishes(BusinessKey{KEY});
    return success();
  }
};
}
struct Fixture_ID {
  using Plan = kfm_det::ID::Planned;
  static std::vector<kfm_det::conformance::Sources> worlds() { return kfm_det::conformance::sample_worlds(); }
  Plan plan(const kfm_det::conformance::Sources& world) const { Plan out; for (const auto& [uri, bytes] : world) out.uris.push_back(uri); return out; }
  GOLDEN
};
"""


def fixture(body="", operation="(void)0;", extra="", key="ref.uri", golden=""):
    return PLAN.replace("EXTRA", extra).replace("BODY", body).replace("OPERATION", operation).replace("KEY", key).replace("GOLDEN", golden)


FAMILIES = {
    "plan": Family(files=[], fixture="", check="check_plan",
                   include=['"kfm_det/conformance/updater_sample.hpp"', "<sys/time.h>", "<unistd.h>", "<algorithm>", "<atomic>", "<chrono>", "<clocale>", "<cmath>", "<cstdio>", "<cstdlib>", "<cstring>", "<ctime>", "<fstream>", "<iomanip>", "<memory>", "<mutex>",
                            "<random>", "<set>", "<sstream>", "<thread>", "<unordered_map>", "<unordered_set>"]),
}

# what an earlier build of the same version gave for the first world
OLD = """static std::vector<kfm_det::conformance::GoldenPlan> golden() {
    kfm_det::MemorySourceReader reader;
    std::vector<kfm_det::SourceRef> refs;
    const auto all = worlds();
    for (const auto& [uri, bytes] : all[0]) { reader.put(uri, bytes); refs.push_back(reader.describe(uri).value()); }
    return {{"1.0.0", kfm_det::input_hash(refs).value().hex(), std::string(64, '0')}};
  }"""


def mutant(id, name, law, **parts):
    return Mutant(id, name, "plan", law, [], fixture=fixture(**parts))


MUTANTS = [
    mutant("P01", "unordered-iteration", "PLAN-1", extra="inline std::size_t salt() { static std::size_t tables = 0; return 0x9E3779B97F4A7C15u * ++tables; }\nstruct SaltedHash { std::size_t salt; std::size_t operator()(const std::string& text) const { return std::hash<std::string>()(text) ^ salt; } };",
           body='std::unordered_set<std::string, SaltedHash> seen(8, SaltedHash{salt()});   // a seed for each table, as many libraries have it\n    for (const SourceRef& ref : inputs)\n      for (int i = 0; i < 26; ++i) seen.insert(ref.uri + std::to_string(i));\n    for (const std::string& uri : seen) note += uri;'),
    mutant("P01b", "unordered-by-address", "PLAN-1", body='std::vector<std::unique_ptr<std::string>> all;\n    for (const SourceRef& ref : inputs) all.push_back(std::make_unique<std::string>(ref.uri));\n    std::unordered_map<std::string*, int> seen;\n    for (const auto& one : all) seen[one.get()] = 1;\n    for (const auto& [one, n] : seen) note += *one;'),
    mutant("P02", "wall-clock-read", "PLAN-1", body='note = std::to_string(std::chrono::system_clock::now().time_since_epoch().count());'),
    mutant("P02b", "the-date", "PLAN-1", body='note = std::to_string(std::time(nullptr) / 86400);'),
    mutant("P02c", "clock-in-an-operation", "PLAN-5", operation='bytes += std::to_string(std::chrono::steady_clock::now().time_since_epoch().count());'),
    mutant("P04", "ambient-random", "PLAN-1", body='note = std::to_string(std::random_device{}());'),
    mutant("P04b", "rand", "PLAN-1", body='note = std::to_string(std::rand());'),
    mutant("P05", "std-distribution", "PLAN-2", body='std::mt19937 engine(7);\n    note = std::to_string(std::uniform_int_distribution<int>(0, 99)(engine));', golden=OLD),
    mutant("P06", "fma-contraction", "PLAN-2", body='const double share = 0.1 * static_cast<double>(inputs.size());\n    note = std::to_string(std::fma(share, 3.0, -0.3) * 1e17);   // fused here, rounded twice where the other build ran', golden=OLD),
    mutant("P08", "locale-format", "PLAN-1", body='std::ostringstream out;\n    out << 1234.5;\n    note = out.str();'),
    mutant("P08b", "local-time", "PLAN-1", body='const std::time_t day = 86400 * 365;\n    std::tm parts{};\n    localtime_r(&day, &parts);\n    note = std::to_string(parts.tm_hour) + ":" + std::to_string(parts.tm_min);'),
    mutant("P09", "pointer-order", "PLAN-1", body='std::vector<std::unique_ptr<std::string>> all;\n    for (const SourceRef& ref : inputs) all.push_back(std::make_unique<std::string>(ref.uri));\n    std::sort(all.begin(), all.end());\n    for (const auto& one : all) note += *one;'),
    mutant("P10", "completion-order", "PLAN-5", operation='static std::atomic<int> finished{0};\n    std::thread first([&] { if (finished++ % 2 == 0) bytes += "x"; });\n    first.join();\n    bytes += std::to_string(finished % 3);'),
    mutant("P10b", "first-come-first-served", "PLAN-5", operation='std::mutex mutex;\n    Bytes out;\n    std::vector<std::thread> all;\n    for (const char c : bytes) all.emplace_back([&mutex, &out, c] { const std::scoped_lock guard(mutex); out += c; });\n    for (auto& one : all) one.join();\n    bytes = out;'),
    mutant("P09b", "address-of-a-function", "PLAN-1", body='note = std::to_string(reinterpret_cast<std::uintptr_t>(&plan) >> 12);'),
    mutant("P02d", "the-date-in-an-operation", "PLAN-5", operation='bytes += std::to_string(std::time(nullptr) / 86400);'),
    mutant("P11d", "environment-with-a-default", "PLAN-1", body='const char* level = std::getenv("KFM_DET_NOWHERE_SET");\n    note = level ? level : "normal";'),
    mutant("P11", "environment-leak", "PLAN-1", body='const char* user = std::getenv("USER");\n    note = user ? user : "nobody";'),
    mutant("P11b", "working-directory", ("PLAN-3", "PLAN-1"), body='char here[4096];\n    note = ::getcwd(here, sizeof here) ? here : "";'),
    mutant("P11c", "reads-a-file", "PLAN-3", body='std::ifstream file("/proc/uptime");\n    std::getline(file, note);'),
    mutant("P14", "uninitialised", "PLAN-1", body='struct Padded { char c; int i; };\n    auto* raw = static_cast<Padded*>(std::malloc(sizeof(Padded) * 8));\n    raw->c = 1;\n    raw->i = 2;\n    note = to_hex(BytesView(reinterpret_cast<const char*>(raw), sizeof(Padded) * 8));\n    std::free(raw);'),
    mutant("P14b", "padding-on-the-stack", "PLAN-1", extra='struct Padded { char c; long i; };\n__attribute__((noinline)) inline void set_members(Padded& one) { one.c = 1, one.i = 2; }',
           body='Padded one;\n    set_members(one);\n    note = to_hex(BytesView(reinterpret_cast<const char*>(&one), sizeof one));'),
    mutant("P15", "version-skew", "PLAN-2", golden=OLD),
    mutant("PLAN5", "a-counter-in-an-operation", "PLAN-5", operation='static int runs = 0;\n    bytes += std::to_string(++runs);'),
    mutant("PLAN6", "one-key-twice", "PLAN-6", key='"all"'),
    mutant("benign_p1", "sorted-set", None, body='std::set<std::string> seen;\n    for (const SourceRef& ref : inputs) seen.insert(ref.uri);\n    for (const std::string& uri : seen) note += uri;'),
    mutant("benign_p2", "unordered-but-sorted-afterwards", None, body='std::unordered_set<std::string> seen;\n    for (const SourceRef& ref : inputs) seen.insert(ref.uri);\n    std::vector<std::string> all(seen.begin(), seen.end());\n    std::sort(all.begin(), all.end());\n    for (const auto& uri : all) note += uri;'),
    mutant("benign_p3", "an-operation-with-a-pure-cache", None, operation='static std::map<Bytes, Bytes> known;\n    known[bytes] = bytes + "!";\n    bytes = known[bytes];'),
    mutant("benign_p4", "an-operation-in-threads-by-index", None, operation='Bytes halves[2];\n    std::thread a([&] { halves[0] = bytes; });\n    std::thread b([&] { halves[1] = "x"; });\n    a.join();\n    b.join();\n    bytes = halves[0] + halves[1];'),
]
