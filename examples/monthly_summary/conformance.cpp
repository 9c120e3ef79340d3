// SPDX-License-Identifier: BSL-1.0
// monthly-summary-conformance: the example's plan type and its updater under the conformance kit, as a person would check theirs.
// Over backends in memory, and over those that the program uses: FileStore, FileLock and SqliteSink, in a folder of their own.
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <kfm_det/adapters/sqlite.hpp>
#include <kfm_det/conformance/check_plan.hpp>
#include <kfm_det/conformance/check_updater.hpp>
#include <kfm_det/conformance/interpose.hpp>
#include <kfm_det/conformance/main.hpp>
#include <kfm_det/conformance/registry.hpp>
#include <kfm_det/locks/memory_lock.hpp>
#include <kfm_det/sinks/memory_sink.hpp>
#include <kfm_det/stores/memory_store.hpp>

#include "monthly_summary.hpp"

namespace det = kfm_det;
namespace kit = kfm_det::conformance;

namespace {

constexpr const char* file = "weather.csv";

/// A file of observations, and each of its months as MonthsReader gives it.
kit::Sources world_of(const std::vector<std::string>& days) {
  std::string text = std::string(weather::header) + "\n";
  for (const std::string& day : days) text += day + "\n";
  kit::Sources out{{file, text}};
  for (const auto& [month, lines] : weather::split_months(text, file).value()) out[file + std::string(weather::month_mark) + month] = lines.bytes;
  return out;
}

struct Plans {
  using Plan = weather::MonthlySummary;
  static Plan plan(const kit::Sources&) { return {file}; }
  /// A: two months. B: a day was corrected. C: a month left the file.
  static std::vector<kit::Sources> worlds() {
    const std::string first = "2012/01/01,0.0,12.8,5.0,4.7,drizzle", second = "2012/01/02,10.9,10.6,2.8,4.5,rain", march = "2012/03/01,4.8,4.4,2.2,2.2,rain";
    return {world_of({first, second, march}), world_of({first, "2012/01/02,11.0,10.6,2.8,4.5,rain", march}), world_of({first, second})};
  }
};

struct SummariesInMemory : Plans {
  det::result<det::MemoryStore> open_store() { return store; }
  det::result<det::MemoryLock<det::ManualClock>> open_lock(const det::OwnerId& owner, const det::ManualClock& clock) { return det::MemoryLock<det::ManualClock>(board, owner, clock); }
  det::result<det::MemorySink> open_sink() { return sink; }
  det::MemorySink copy_sink() { return sink.backup(); }
  void put_sink_back(const det::MemorySink& copy) { sink.restore(copy); }

  det::MemoryStore store;
  det::MemorySink sink;
  std::shared_ptr<det::MemoryLockBoard> board = det::MemoryLock<det::ManualClock>::make_board();
};

/// A folder that goes when its last owner does.
class Folder {
 public:
  Folder() {
    static std::atomic<unsigned> folders{0};
    path_ = (std::filesystem::temp_directory_path() / ("monthly-summary-conformance-" + std::to_string(::getpid()) + "-" + std::to_string(folders++))).string();
    std::filesystem::create_directories(path_);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct SummariesOnDisk : Plans {
  using Lock = det::FileLock<det::PosixFileSystem, det::ManualClock>;
  det::result<det::FileStore<>> open_store() { return det::FileStore<>::open(folder / "wal"); }
  det::result<Lock> open_lock(const det::OwnerId& owner, const det::ManualClock& clock) { return Lock::open(folder / "locks", {owner, clock, {}}); }
  det::result<det::SqliteSink> open_sink() { return det::SqliteSink::open(folder / "summaries.db"); }
  std::shared_ptr<Folder> copy_sink() {
    auto copy = std::make_shared<Folder>();
    for (const char* part : {"summaries.db", "summaries.db-wal", "summaries.db-shm"})
      if (std::filesystem::exists(folder / part)) std::filesystem::copy_file(folder / part, *copy / part);
    return copy;
  }
  void put_sink_back(const std::shared_ptr<Folder>& copy) {
    for (const char* part : {"summaries.db", "summaries.db-wal", "summaries.db-shm"}) {
      std::filesystem::remove(folder / part);
      if (std::filesystem::exists(*copy / part)) std::filesystem::copy_file(*copy / part, folder / part);
    }
  }
  Folder folder;
};

KFM_DET_CONFORMANCE_PLAN(Plans)
KFM_DET_CONFORMANCE_UPDATER(SummariesInMemory)
KFM_DET_CONFORMANCE_UPDATER(SummariesOnDisk)
}  // namespace

int main(int argc, char** argv) { return kit::run_main(argc, argv); }
