#include <gtest/gtest.h>

#include <sstream>

#include "meltquench/cli/accuracy_page.h"
#include "meltquench/cli/command.h"
#include "meltquench/cli/gallery.h"
#include "meltquench/cli/reference.h"
#include "meltquench/core/files.h"
#include "meltquench/core/json.h"
#include "meltquench/core/version.h"
#include "meltquench/devices/device.h"
#include "program_run.h"

namespace mq {
namespace {

namespace fs = std::filesystem;

TEST(Examples, AllRunOneAfterTheOther) {
  const Workplace here;
  fs::create_directory_symlink(fs::path(MQ_SOURCE_DIR) / "examples", here.folder() / "work" / "examples");
  for (const cli::Command& command : cli::commands()) {
    if (command.is_hidden) continue;
    EXPECT_FALSE(command.examples.empty()) << command.name << " shows no example";
    for (const std::string_view example : command.examples) {
      EXPECT_NE(example.find("meltquench " + std::string(command.name)), std::string_view::npos) << example;
      const Ended ended = here.shell(std::string(example));
      EXPECT_EQ(ended.code, 0) << example << "\n" << ended.err;
      EXPECT_FALSE(ended.out.empty()) << example;
      if (example.find("--json") == std::string_view::npos) continue;
      EXPECT_NO_THROW(parse_json(ended.out)) << example;
    }
  }
}

TEST(Examples, OfTheReadmeRunOneAfterTheOther) {
  const Workplace here;
  fs::create_directory_symlink(fs::path(MQ_SOURCE_DIR) / "examples", here.folder() / "work" / "examples");
  std::istringstream readme(read_file(fs::path(MQ_SOURCE_DIR) / "README.md"));
  int count = 0;
  for (std::string line; std::getline(readme, line);) {
    if (!line.starts_with("meltquench ")) continue;
    const Ended ended = here.shell(line);
    EXPECT_EQ(ended.code, 0) << line << "\n" << ended.err;
    ++count;
  }
  EXPECT_GE(count, 6);
}

TEST(Examples, OfTheQuickConfigLearnsItsTask) {
  const Workplace here;
  const Ended ended = here.run({"run", MQ_SOURCE_DIR "/examples/quick.toml", "--json"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  for (const Value& row : parse_json(ended.out).at("rows").as_array()) {
    EXPECT_GT(row.at("digital").as_number(), 0.9);
    EXPECT_GT(row.at("mean").as_number(), 0.8);
  }
}

TEST(Reference, PagesAreWhatTheProgramWrites) {
  for (const cli::Page& page : cli::reference_pages()) {
    EXPECT_TRUE(read_file(fs::path(MQ_SOURCE_DIR) / "docs" / "reference" / page.file) == page.text)
        << "docs/reference/" << page.file << " is stale: run `meltquench docs-reference docs/reference`";
  }
}

TEST(Reference, IsWrittenToAFolder) {
  const Workplace here;
  ASSERT_EQ(here.run({"docs-reference", "pages"}).code, 0);
  EXPECT_EQ(here.files(),
            (std::vector<std::string>{"pages", "pages/cli.md", "pages/config.md", "pages/devices.md"}));
}

TEST(Gallery, IsWhatTheProgramDraws) {
  const fs::path theory = fs::path(MQ_SOURCE_DIR) / "docs" / "theory";
  for (const cli::Page& page : cli::gallery_pages()) {
    ASSERT_TRUE(fs::exists(theory / page.file)) << page.file;
    EXPECT_TRUE(read_file(theory / page.file) == page.text)
        << "docs/theory/" << page.file << " is stale: run `meltquench docs-gallery docs/theory`";
    EXPECT_LT(page.text.size(), 40'000u) << page.file;
  }
}

TEST(Accuracy, PageIsWhatTheProgramMeasures) {
  for (const cli::Page& page : cli::accuracy_pages()) {
    EXPECT_EQ(read_file(fs::path(MQ_SOURCE_DIR) / "docs" / page.file), page.text)
        << "docs/" << page.file << " is stale: run `meltquench docs-accuracy docs`";
  }
}

TEST(Gallery, HasAPageForEveryModelThatShowsItsFigure) {
  for (const std::string& model : model_names()) {
    const fs::path page = fs::path(MQ_SOURCE_DIR) / "docs" / "theory" / (model + ".md");
    ASSERT_TRUE(fs::exists(page)) << page;
    EXPECT_NE(read_file(page).find("(figures/" + model + ".svg)"), std::string::npos) << page;
  }
}

TEST(Help, OfEveryCommandNamesItsOptionsAndExamples) {
  const Workplace here;
  for (const cli::Command& command : cli::commands()) {
    const Ended ended = here.run({std::string(command.name), "--help"});
    EXPECT_EQ(ended.code, 0);
    EXPECT_EQ(ended.err, "");
    EXPECT_NE(ended.out.find(command.summary), std::string::npos) << command.name;
    for (const cli::Option& option : command.options) {
      EXPECT_NE(ended.out.find(option.name), std::string::npos) << command.name << " " << option.name;
    }
    for (const std::string_view example : command.examples) {
      EXPECT_NE(ended.out.find(example), std::string::npos) << example;
    }
    EXPECT_EQ(here.run({"help", std::string(command.name)}).out, ended.out);
  }
}

TEST(Help, OfTheProgramListsAllCommandsButHiddenOnes) {
  const Workplace here;
  const Ended ended = here.run({"--help"});
  EXPECT_EQ(ended.code, 0);
  for (const cli::Command& command : cli::commands()) {
    EXPECT_EQ(ended.out.find("  " + std::string(command.name) + " ") != std::string::npos, !command.is_hidden)
        << command.name;
  }
  EXPECT_EQ(here.run({"--version"}).out, "meltquench " + std::string(version()) + "\n");
}

TEST(Completion, OfBashOffersCommandsOptionsAndChoices) {
  const Workplace here;
  const auto offered = [&](const std::string& words, int place) {
    const Ended ended =
        here.shell("bash -c 'source <(meltquench completion bash); COMP_WORDS=(meltquench " + words +
                   "); COMP_CWORD=" + std::to_string(place) + "; _meltquench; echo \"${COMPREPLY[@]}\"'");
    EXPECT_EQ(ended.code, 0) << ended.err;
    return ended.out;
  };
  EXPECT_EQ(offered("sw", 1), "sweep\n");
  EXPECT_EQ(offered("run --backend r", 3), "reference\n");
  EXPECT_EQ(offered("sweep --dr", 2), "--dry-run\n");
  EXPECT_EQ(offered("show pcm-l", 2), "pcm-like\n");
}

}  // namespace
}  // namespace mq
