// SPDX-License-Identifier: BSL-1.0
// The real program, in processes of its own: what it says, what it refuses, and that a SIGKILL at any event leaves no trace.
#ifdef MONTHLY_SUMMARY_PROGRAM   // not defined where examples are not built
#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/examples/program.hpp"
#include "tests/examples/world.hpp"

using namespace kfm_det;
using tests::folder;
using tests::killed;
using tests::Ran;
using tests::reference;
using tests::replaced;
using tests::Running;
using tests::shipped;
using tests::some_months;
using tests::text_of;
using tests::told;
using tests::World;
using tests::write_text;

TEST_CASE("the shipped data give the checked-in export and table") {
  const World world;
  const Ran first = world.run(shipped);
  CHECK(first.code == 0);
  CHECK(first.out.empty());
  CHECK(first.err.ends_with(": 52 steps run, 52 effects (52 created, 0 moved, 0 unchanged, 0 superseded).\n"));
  CHECK(world.exported() == text_of(folder + "/expected/export.json"));
  const Ran table = world.ask({"show"});
  CHECK(table.code == 0);
  CHECK(table.err.empty());
  CHECK(table.out == text_of(folder + "/expected/show.txt"));
  world.verify();

  const Ran again = world.run(shipped);
  CHECK(again.code == 0);
  CHECK(again.err.find(": nothing to do: run ") != std::string::npos);
  const Ran quiet = world.run(shipped, {"--quiet"});
  CHECK(quiet.code == 0);
  CHECK(quiet.err.empty());
  CHECK(world.exported() == text_of(folder + "/expected/export.json"));

  SECTION("every month and year is there, and each has a day for every day") {
    const auto keys = told(world.exported());
    CHECK(keys.size() == 52);
    for (const auto& [key, one] : keys) CHECK(one.versions.size() == 1);
  }
}

TEST_CASE("explain names run, version, inputs with hashes, time, and what was replaced") {
  World world;
  REQUIRE(world.run(world.data, {"--trigger", "first", "--actor", "ann"}).code == 0);
  const auto line = [](const std::string& text, const std::string& name) {
    const auto at = text.find("\n  " + name);
    return at == std::string::npos ? std::string("(none)") : text.substr(at + 15, text.find('\n', at + 1) - at - 15);
  };
  Ran ran = world.ask({"explain", "seattle/2012-02"});
  INFO(ran.out << ran.err);
  REQUIRE(ran.code == 0);
  CHECK(ran.out.starts_with("seattle/2012-02 is current\n"));
  const std::string run = line(ran.out, "run");
  CHECK(run.ends_with(" (committed)"));
  CHECK(line(ran.out, "updater") == "noaa-monthly-summary 1.0.0, step 2012-02");
  CHECK(line(ran.out, "asked by") == "trigger first (manual), actor ann");
  CHECK(line(ran.out, "when").starts_with("planned 20"));
  CHECK(line(ran.out, "inputs").starts_with("w.csv#month=2012-02  sha256 "));
  CHECK(ran.out.find("(of the run's 5 inputs)") != std::string::npos);
  CHECK(line(ran.out, "replaced") == "nothing: it is the first");
  CHECK(line(ran.out, "history") == "1 publication, 1 version");
  const std::string version = line(ran.out, "version").substr(0, 64);

  ran = world.ask({"explain", "seattle/2012"});
  CHECK(line(ran.out, "inputs").starts_with("w.csv#month=2012-01  sha256 "));
  CHECK(ran.out.find("w.csv#month=2012-12  sha256 ") != std::string::npos);
  CHECK(ran.out.find("2013") == std::string::npos);

  const std::string changed = world.write(replaced(some_months(), "2012/02/01,13.5,8.9,3.3,2.7,rain", "2012/02/01,13.4,8.9,3.3,2.7,rain"));
  REQUIRE(world.run(changed, {"--trigger", "second"}).code == 0);
  ran = world.ask({"explain", "seattle/2012-02"});
  CHECK(line(ran.out, "asked by") == "trigger second (manual), actor monthly-summary");
  CHECK(line(ran.out, "replaced").starts_with("version " + version + ", published by run " + run.substr(0, 36) + ", finished "));
  CHECK(line(ran.out, "history") == "2 publications, 2 versions");
  ran = world.ask({"explain", "seattle/2012-01"});
  CHECK(line(ran.out, "replaced").starts_with("the same version, published by run " + run.substr(0, 36)));
  CHECK(line(ran.out, "history") == "2 publications, 1 version");

  ran = world.ask({"explain", "seattle/1999-01"});
  CHECK(ran.code == 1);
  CHECK(ran.out.empty());
  CHECK(ran.err.starts_with("error: not_found: no run has published this key (seattle/1999-01). "));
}

TEST_CASE("changed data give new versions to what they touch; the first data bring the first content back; a month that vanishes is retired") {
  World world;
  REQUIRE(world.run(world.data).code == 0);
  const auto first = told(world.exported());
  REQUIRE(first.size() == 7);

  const std::string text = some_months();
  REQUIRE(world.run(world.write(replaced(text, "2012/02/01,13.5,8.9,3.3,2.7,rain", "2012/02/01,13.5,8.8,3.3,2.7,rain"))).code == 0);
  const auto changed = told(world.exported());
  for (const auto& [key, one] : changed) {
    const bool touched = key == "seattle/2012-02" || key == "seattle/2012";
    INFO(key);
    CHECK(one.versions.size() == 2);
    CHECK((one.current != first.at(key).current) == touched);
    CHECK(std::set<std::string>(one.versions.begin(), one.versions.end()).size() == (touched ? 2 : 1));
  }
  const Ran table = world.ask({"show"});
  CHECK(table.out.find("seattle/2012-02") != std::string::npos);
  world.verify();

  REQUIRE(world.run(world.data).code == 0);
  for (const auto& [key, one] : told(world.exported())) CHECK(one.current == first.at(key).current);
  world.verify();

  std::string less;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    if (!text.substr(at).starts_with("2013/02") && !text.substr(at).starts_with("2012/12")) less += text.substr(at, text.find('\n', at) + 1 - at);
  const Ran fewer = world.run(world.write(less));
  REQUIRE(fewer.code == 0);
  CHECK(fewer.err.find("; 2 keys retired") != std::string::npos);
  const auto retired = told(world.exported());
  CHECK(retired.at("seattle/2013-02").current == "");
  CHECK(retired.at("seattle/2012-12").current == "");
  CHECK(retired.at("seattle/2013").current != first.at("seattle/2013").current);
  CHECK(retired.at("seattle/2013-01").current == first.at("seattle/2013-01").current);
  world.verify();
  const Ran explained = world.ask({"explain", "seattle/2013-02"});
  CHECK(explained.out.starts_with("seattle/2013-02 is retired\n"));
  CHECK(explained.out.find("step retire:seattle/2013-02\n") != std::string::npos);
  const std::string shown = world.ask({"show"}).out;
  const std::string row = shown.substr(shown.find("seattle/2013-02"));
  CHECK(row.substr(0, row.find('\n')).ends_with("1  retired"));

  REQUIRE(world.run(world.data).code == 0);
  for (const auto& [key, one] : told(world.exported())) CHECK(one.current == first.at(key).current);
  world.verify();
}

TEST_CASE("a row that is not right stops the run at the gate: exit code 3, file, line and reason, and nothing is published") {
  World world;
  const std::string text = some_months(), good_row = "2012/02/02,0.0,8.3,1.7,2.6,sun";
  const auto line_of = [&] { return std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(text.find(good_row)), '\n') + 1; };
  const std::vector<std::pair<std::string, std::string>> rows{
      {"2012/02/02,0.0,,1.7,2.6,sun", "temp_max is missing"},
      {"2012/02/02,0.0,8.3,1.7,2.6", "the row has 5 fields instead of 6"},
      {"2012/02/02,0.0,8.3,1.7,brisk,sun", "wind is not a number: 'brisk'"},
      {"2012/02/02,nan,8.3,1.7,2.6,sun", "precipitation is not a finite number: 'nan'"},
      {"2012/02/30,0.0,8.3,1.7,2.6,sun", "date does not exist: '2012/02/30'"},
      {"2012/02/01,0.0,8.3,1.7,2.6,sun", "the day 2012/02/01 is there twice, first in line 33"},
  };
  SECTION("on fresh state") {
    for (const auto& [row, reason] : rows) {
      const std::string file = world.write(replaced(text, good_row, row));
      const Ran ran = world.run(file);
      CHECK(ran.code == 3);
      CHECK(ran.out.empty());
      CHECK(ran.err == "error: gate_rejected: " + reason + " (" + file + ":" + std::to_string(line_of()) + "). Correct that line and run again; nothing was published.\n");
      CHECK(world.exported() == "{\"format\":\"kfm_det/sink-export/1\",\"keys\":[]}\n");
      world.verify();
    }
  }
  SECTION("over what is published already") {
    REQUIRE(world.run(world.data).code == 0);
    const std::string before = world.exported();
    for (const auto& [row, reason] : rows) {
      CHECK(world.run(world.write(replaced(text, good_row, row))).code == 3);
      CHECK(world.exported() == before);
    }
    world.verify();
    CHECK(world.run(world.data).err.find("nothing to do") != std::string::npos);
  }
  SECTION("no file at all") {
    const Ran ran = world.run(world.scratch / "none/w.csv");
    CHECK(ran.code == 1);
    CHECK(ran.err.starts_with("error: not_found: "));
    CHECK(ran.err.find("none/w.csv") != std::string::npos);
    CHECK(world.run(world.scratch.path()).code == 2);   // a folder
  }
}

TEST_CASE("two processes at once: one works, the other says so and exits with 4; a killed one frees the scope at once") {
  World world;
  Running first(world.run_words(world.data, {"--stop-after-events", "4"}));
  REQUIRE(first.wait_stopped());   // asleep, in the middle of its steps
  const Ran second = world.run(world.data);
  CHECK(second.code == 4);
  CHECK(second.err.starts_with("error: busy: another owner works on this scope, held by "));
  CHECK(world.ask({"verify"}).code == 0);   // looking is allowed
  CHECK(world.ask({"show"}).code == 0);

  SECTION("it goes on, and finishes") {
    first.signal(SIGCONT);
    CHECK(first.wait().code == 0);
    CHECK(world.run(world.data).err.find("nothing to do") != std::string::npos);
  }
  SECTION("it is killed, and the next one starts without waiting for its lease") {
    const auto start = std::chrono::steady_clock::now();
    first.signal(SIGKILL);
    CHECK(first.wait().code == killed);   // gone: until then its locks are held, however dead it is
    const Ran third = world.run(world.data);
    CHECK(third.code == 0);
    CHECK(third.err.find("resumed and committed run ") != std::string::npos);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(15));   // the lease would have had 30
  }
  SECTION("it is asked to stop, and the run is taken up again") {
    first.signal(SIGINT);
    first.signal(SIGCONT);
    const Ran stopped = first.wait();
    CHECK(stopped.code == 9);
    CHECK(stopped.err.starts_with("error: cancelled: "));
    CHECK(world.run(world.data).err.find("resumed and committed run ") != std::string::npos);
  }
  world.verify();
  CHECK(world.exported() == reference(world.data));
}

TEST_CASE("processes that start at the same moment publish everything once") {
  World world;
  const std::string expected = reference(world.data);
  for (int round = 0; round < 5; ++round) {
    World fresh;
    std::vector<std::unique_ptr<Running>> all;
    for (int i = 0; i < 4; ++i) all.push_back(std::make_unique<Running>(fresh.run_words(fresh.data)));
    int worked = 0;
    for (const auto& one : all) {
      const Ran ran = one->wait();
      INFO(ran.err);
      CHECK((ran.code == 0 || ran.code == 4));
      if (ran.code == 0) ++worked;
    }
    CHECK(worked >= 1);
    CHECK(fresh.exported() == expected);
    fresh.verify();
  }
}

TEST_CASE("SIGKILL at every event of a run, and at every event of the recovery: the export is that of an undisturbed run") {
  const std::string expected = reference(World().data);
  for (const std::string window : {"64", "2"}) {
    const auto kill_at = [&](const World& world, int event) { return world.run(world.data, {"-q", "--window", window, "--kill-after-events", std::to_string(event)}).code; };
    int kills = 0, recoveries_killed = 0;
    for (int first = 1;; ++first) {
      World world;
      if (const int code = kill_at(world, first); code != killed) {
        REQUIRE(code == 0);   // it has no such event: every one was tried
        break;
      }
      ++kills;
      world.verify();
      for (int second = 1;; second += window == "2" ? 2 : 1) {   // each time on what the kill before has left: recoveries of recoveries
        const int code = kill_at(world, second);
        if (code == 0) break;
        REQUIRE(code == killed);
        ++recoveries_killed;
        REQUIRE(recoveries_killed < 5000);
      }
      INFO("window " << window << ", killed at event " << first);
      CHECK(world.run(world.data, {"-q"}).code == 0);
      CHECK(world.exported() == expected);
      world.verify();
    }
    CHECK(kills >= 10);
    CHECK(recoveries_killed >= kills);
  }
}

TEST_CASE("SIGKILL in a run over changed data ends in the state of an undisturbed one, too") {
  World plain;
  const std::string changed = plain.write(replaced(some_months(), "2012/02/01,13.5,8.9,3.3,2.7,rain", "2012/02/01,0.0,8.9,3.3,2.7,sun"));
  REQUIRE(plain.run(plain.data).code == 0);
  REQUIRE(plain.run(changed).code == 0);
  const std::string expected = plain.exported();
  for (int event = 1;; ++event) {
    World world;
    REQUIRE(world.run(world.data).code == 0);
    const int code = world.run(changed, {"-q", "--window", "3", "--kill-after-events", std::to_string(event)}).code;
    if (code == killed) { REQUIRE(world.run(changed, {"-q"}).code == 0); }
    CHECK(world.exported() == expected);
    world.verify();
    if (code != killed) break;
  }
}

TEST_CASE("an open run whose data changed meanwhile is abandoned, and the new data are published") {
  World world;
  const std::string changed = world.write(replaced(some_months(), "2012/02/01,13.5,8.9,3.3,2.7,rain", "2012/02/01,0.0,8.9,3.3,2.7,sun"));
  REQUIRE(world.run(world.data, {"--kill-after-events", "4"}).code == killed);
  const Ran ran = world.run(changed);
  INFO(ran.err);
  CHECK(ran.code == 0);
  world.verify();
  std::map<std::string, std::string> now, expected;
  for (const auto& [key, one] : told(world.exported())) now[key] = one.current;
  for (const auto& [key, one] : told(reference(changed))) expected[key] = one.current;
  CHECK(now == expected);
}

TEST_CASE("a run that kills its process again and again is given up after --attempts, and nothing of it stays") {
  World world;
  REQUIRE(world.run(world.data, {"--kill-after-events", "4"}).code == killed);
  for (int i = 0; i < 2; ++i) REQUIRE(world.run(world.data, {"--attempts", "2", "--kill-after-events", "3"}).code == killed);
  const Ran ran = world.run(world.data, {"--attempts", "2"});
  CHECK(ran.code == 7);
  CHECK(ran.err.starts_with("error: quarantined: "));
  for (const auto& [key, one] : told(world.exported())) CHECK(one.current == "?");
  CHECK(world.ask({"verify"}).code == 0);
  CHECK(world.ask({"show"}).code == 0);
  CHECK(world.ask({"explain", "seattle/2012-01"}).out == "seattle/2012-01 is withdrawn: every run that published it was taken back\n");

  CHECK(world.run(world.data, {"--trigger", "another"}).code == 0);   // another event may try the same data
  world.verify();
}

TEST_CASE("show, explain and verify change no byte, after a SIGKILL either") {
  World world;
  for (const std::string event : {"1", "3", "11", "100"}) {
    (void)world.run(world.data, {"-q", "--window", "4", "--kill-after-events", event});
    const auto before = tests::everything_in(world.scratch.path());
    for (const std::vector<std::string>& what : {std::vector<std::string>{"show"}, {"show", "--json"}, {"explain", "seattle/2012-01"}, {"verify"}}) {
      (void)world.ask(what);
      CHECK(tests::everything_in(world.scratch.path()) == before);
    }
  }
  CHECK(world.ask({"verify"}).out.find("1 committed") != std::string::npos);
}

TEST_CASE("verify notices what was damaged") {
  World world;
  REQUIRE(world.run(world.data).code == 0);
  std::string segment;
  for (const auto& [path, what] : tests::everything_in(world.state))
    if (path.ends_with(".jsonl")) segment = path;
  const std::string log = text_of(segment);
  SECTION("a byte in the middle of the log") {
    write_text(segment, replaced(log, "SummarizeMonth", "SummarizeMouth"));
    const Ran ran = world.ask({"verify"});
    CHECK(ran.code == 6);
    CHECK(ran.out.empty());
    CHECK(ran.err.starts_with("error: "));
    CHECK(world.run(world.data).code == 6);   // and nothing is built on it
  }
  SECTION("the log is gone") {
    std::filesystem::remove_all(world.state + "/wal");
    CHECK(world.ask({"verify"}).code == 6);
    CHECK(world.run(world.data).code == 6);
  }
  SECTION("the sink is gone") {
    for (const std::string name : {"/summaries.db", "/summaries.db-wal", "/summaries.db-shm"}) std::filesystem::remove(world.state + name);
    const Ran ran = world.ask({"verify"});
    CHECK(ran.code == 1);
    CHECK(ran.err.starts_with("error: not_found: "));
    CHECK(world.run(world.write(replaced(some_months(), "2012/02/01,13.5,8.9,3.3,2.7,rain", "2012/02/01,0.0,8.9,3.3,2.7,sun"))).code == 6);
    CHECK(world.ask({"verify"}).code == 6);   // there is a sink again, an empty one
    CHECK(world.run(world.data).code == 6);   // "nothing to do" would be a lie
  }
  SECTION("an older copy of the sink was put back") {
    for (const std::string beside : {"-wal", "-shm"}) REQUIRE_FALSE(std::filesystem::exists(world.state + "/summaries.db" + beside));
    std::filesystem::copy_file(world.state + "/summaries.db", world.scratch / "copy.db");
    const std::string changed = world.write(replaced(some_months(), "2012/02/01,13.5,8.9,3.3,2.7,rain", "2012/02/01,0.0,8.9,3.3,2.7,sun"));
    REQUIRE(world.run(changed).code == 0);
    world.verify();
    std::filesystem::copy_file(world.scratch / "copy.db", world.state + "/summaries.db", std::filesystem::copy_options::overwrite_existing);
    const Ran ran = world.ask({"verify"});
    CHECK(ran.code == 6);
    CHECK(ran.err.find("the sink is older than the log") != std::string::npos);
    CHECK(world.run(world.data).code == 6);
    CHECK(world.run(changed).code == 6);
  }
}

TEST_CASE("README.md shows what the program says") {
  World world;
  const auto timeless = [](std::string text) {   // "2026-11-21T10:09:29Z" is another one each time
    for (std::size_t at = 0; at + 20 <= text.size(); ++at)
      if (text[at + 4] == '-' && text[at + 10] == 'T' && text[at + 13] == ':' && text[at + 19] == 'Z') text.replace(at, 20, "<time>");
    return text;
  };
  const std::string page = timeless(text_of(folder + "/README.md"));
  const auto quoted = [&](const std::string& command, const std::string& said) {
    INFO(command << "\n" << said);
    CHECK(page.find(command + "\n" + timeless(said)) != std::string::npos);
  };
  const std::string text = text_of(shipped), last = "2015/12/31,0.0,5.6,-2.1,3.5,sun\n";
  REQUIRE(text.ends_with(last));
  quoted("$ monthly-summary run --data data/seattle-weather.csv --state state", world.run(shipped).err);
  const std::string again = world.run(shipped).err;
  quoted("$ monthly-summary run --data data/seattle-weather.csv --state state", again);
  const std::string table = world.ask({"show"}).out;
  std::size_t four = 0;
  for (int i = 0; i < 4; ++i) four = table.find('\n', four) + 1;
  quoted("$ monthly-summary show --state state | head -n 4", table.substr(0, four));
  quoted("$ monthly-summary verify --state state", world.ask({"verify"}).out);

  const std::string changed = world.scratch / "changed/seattle-weather.csv";
  write_text(changed, replaced(text, last, replaced(last, ",0.0,", ",17.0,")));
  REQUIRE(world.run(changed).code == 0);
  quoted("$ monthly-summary explain seattle/2015-12 --state state", world.ask({"explain", "seattle/2015-12"}).out);
  write_text(changed, replaced(text, last, replaced(last, ",0.0,", ",wet,")));
  const std::string refused = world.run(changed).err;
  quoted("$ monthly-summary run --data seattle-weather.csv --state state", replaced(refused, changed, "seattle-weather.csv"));
}

TEST_CASE("wrong arguments and folders get a sentence") {
  const World world;
  const auto said = [](std::vector<std::string> words) {
    const Ran ran = Running(World::words(std::move(words))).wait();
    CHECK(ran.out.empty());
    return std::to_string(ran.code) + " " + ran.err;
  };
  const std::string help = ". See `monthly-summary help`.\n";
  CHECK(said({"summarise"}) == "2 error: there is no command summarise" + help);
  CHECK(said({"run", "--data", "x"}) == "2 error: `run` wants --state" + help);
  CHECK(said({"run", "--state", "x"}) == "2 error: `run` wants --data" + help);
  CHECK(said({"run", "--data"}) == "2 error: --data wants a value" + help);
  CHECK(said({"run", "--data="}) == "2 error: --data wants a value" + help);
  CHECK(said({"run", "--data=a", "--data=b"}) == "2 error: --data is given twice" + help);
  CHECK(said({"run", "--fast"}) == "2 error: `run` knows no option --fast" + help);
  CHECK(said({"run", "--quiet=1"}) == "2 error: --quiet takes no value" + help);
  CHECK(said({"run", "x", "--data", "a", "--state", "b"}) == "2 error: `run` wants no words besides its options" + help);
  for (const std::string bad : {"0", "-1", "x", "1x", "4294967296", "1.5"})
    CHECK(said({"run", "--data=a", "--state=b", "--window=" + bad}) == "2 error: --window wants a number from 1 to 4294967295, not '" + bad + "'" + help);
  CHECK(said({"explain", "--state", world.state}) == "2 error: `explain` wants one business key, such as seattle/2012-01" + help);
  CHECK(said({"show", "--state", world.state + "/none"}) == "1 error: not_found: nothing was ever run here (" + world.state + "/none). Name the folder that was given to `monthly-summary run --state`.\n");
  CHECK_FALSE(std::filesystem::exists(world.state));
  CHECK(said({}).starts_with("2 monthly-summary: "));
  const Ran page = Running(World::words({"help"})).wait();
  CHECK(page.code == 0);
  CHECK(page.out.starts_with("monthly-summary: "));
  CHECK(page.err.empty());
}

#endif
