/// Stops in the middle of a call: an array says what it then holds, and works again once it is programmed.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/core/stop.h"
#include "meltquench/crossbar/tile_array.h"

namespace mq {
namespace {

constexpr std::size_t kSize = 24;

Hardware behind_wires() {
  Hardware hardware;
  hardware.wires.word_line = 5.0;
  hardware.wires.bit_line = 5.0;
  return hardware;
}

std::vector<float> some_weights() {
  std::vector<float> w(kSize * kSize);
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i % 17) / 8.0f - 1.0f;
  return w;
}

/// Whether a call under a request to stop is stopped.
template <class F>
bool is_stopped_in(const F& call) {
  std::atomic<bool> stop = true;
  const StopScope scope(&stop);
  try {
    call();
  } catch (const Interrupted&) {
    return true;
  }
  return false;
}

std::string refusal(TileArray& array) {
  try {
    array.read_weights({});
  } catch (const StateError& error) {
    return error.what();
  }
  return "";
}

TEST(Interrupt, AnArrayWhoseCellsWereBeingWrittenOrAgedMustBeProgrammedAgain) {
  for (const int threads : {1, 2}) {
    const Exec exec{.threads = threads};
    const std::vector<float> w = some_weights();
    const MatrixView<const float> weights(w.data(), kSize, kSize);
    TileArray array(exec, behind_wires(), {.seed = 3}, kSize, kSize);
    array.program(exec, weights);
    ASSERT_EQ(refusal(array), "");
    ASSERT_TRUE(is_stopped_in([&] { array.advance_to(exec, 1e5); }));
    EXPECT_NE(refusal(array).find("was interrupted, so its cells hold no weights; call program() again"),
              std::string::npos);
    array.program(exec, weights);
    EXPECT_EQ(refusal(array), "");
    ASSERT_TRUE(is_stopped_in([&] { array.program(exec, weights); }));
    EXPECT_NE(refusal(array).find("was interrupted"), std::string::npos);
  }
}

TEST(Interrupt, TheQuestionIsAskedOnTheCallingThreadAndEndsTheCall) {
  TileArray array({}, behind_wires(), {.seed = 3}, kSize, kSize);
  const std::vector<float> w = some_weights();
  int asked = 0;
  StopQuestion question([&] { return ++asked > 0; });
  const auto program_for_long = [&] {
    for (int round = 0; round < 100000; ++round) array.program({.threads = 2}, {w.data(), kSize, kSize});
  };
  EXPECT_THROW(program_for_long(), Interrupted);
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace mq
