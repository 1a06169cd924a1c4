// Every fault that the interpreter looks for, planted once, beside the code that is right.
#include "snippet.h"

namespace ptx {
namespace {

struct Outcome {
  Report report;
  std::vector<std::uint32_t> out;
};

/// 64 words in, 64 words out, all of the input written.
Outcome run_body(const std::string& body, Extent block = {64}, Extent grid = {1},
                 const Options& options = {}) {
  DeviceMemory memory;
  std::vector<std::uint32_t> values;
  for (std::uint32_t i = 0; i < 64; ++i) values.push_back(i * i);
  DeviceArray<std::uint32_t> in(memory, values), out(memory, 64);
  Outcome r;
  r.report = run_text(kernel_text(body), memory, in.data(), out.data(), grid, block, options);
  r.out.assign(out.data(), out.data() + 64);
  return r;
}

void expect_only(Fault fault, const Outcome& r, const std::string& words) {
  ASSERT_EQ(r.report.findings.size(), 1u) << r.report.sentences();
  EXPECT_EQ(r.report.findings[0].fault, fault) << r.report.sentences();
  EXPECT_NE(r.report.findings[0].sentence.find(words), std::string::npos) << r.report.sentences();
  EXPECT_EQ(r.report.findings[0].sentence.substr(0, 8), "k, line ");
}

// Every thread gives a word to its mirror image in the block, through shared memory.
const std::string kAddresses =
    ".shared .align 16 .b8 s[256];\n"
    "mul.wide.u32 %rd1, %r30, 4;\nadd.s64 %rd2, %rd14, %rd1;\nadd.s64 %rd3, %rd15, %rd1;\n"
    "mov.u32 %r1, s;\nshl.b32 %r2, %r30, 2;\nadd.s32 %r2, %r2, %r1;\n"
    "sub.s32 %r3, 63, %r30;\nshl.b32 %r3, %r3, 2;\nadd.s32 %r3, %r3, %r1;\n";
const std::string kLoad = "ld.global.u32 %r4, [%rd2];\n", kStore = "st.global.u32 [%rd3], %r5;\n";
const std::string kGive = "st.shared.u32 [%r2], %r4;\n", kTake = "ld.shared.u32 %r5, [%r3];\n",
                  kBarrier = "bar.sync 0;\n";

TEST(PtxChecks, CodeThatIsRightHasNoFindingsInAnyOrder) {
  for (const std::uint64_t seed : {0, 1, 2, 3}) {
    const Outcome r =
        run_body(kAddresses + kLoad + kGive + kBarrier + kTake + kStore, {64}, {1}, {.seed = seed});
    EXPECT_EQ(r.report.sentences(), "");
    for (std::uint32_t i = 0; i < 64; ++i) EXPECT_EQ(r.out[i], (63 - i) * (63 - i));
  }
}

TEST(PtxChecks, AMissingBarrierIsARace) {
  const Outcome r = run_body(kAddresses + kLoad + kGive + kTake + kStore);
  ASSERT_NE(r.report.find(Fault::race), nullptr);
  EXPECT_NE(r.report.sentences().find(
                "'st.shared.u32 [%r2], %r4': thread (32, 0, 0) of block (0, 0, 0) writes 4 bytes at 128"),
            std::string::npos)
      << r.report.sentences();
  // Of the second round only the barrier before it is missing: the values come out right all the same.
  const Outcome again =
      run_body(kAddresses + kLoad + kGive + kBarrier + kTake + kStore + kBarrier + kGive + kTake);
  ASSERT_NE(again.report.find(Fault::race), nullptr);
  const Outcome behind = run_body(kAddresses + kLoad + kGive + kBarrier + kTake + kStore + kGive);
  ASSERT_NE(behind.report.find(Fault::race), nullptr);
  for (std::uint32_t i = 0; i < 64; ++i) EXPECT_EQ(behind.out[i], (63 - i) * (63 - i));
}

TEST(PtxChecks, LanesOfAWarpRaceUnlessTheWarpSynchronises) {
  const std::string meet =
      "mov.u32 %r6, 31;\nsub.s32 %r3, 31, %r30;\nshl.b32 %r3, %r3, 2;\nadd.s32 %r3, %r3, %r1;\n";
  EXPECT_NE(run_body(kAddresses + meet + kLoad + kGive + kTake + kStore, {32}).report.find(Fault::race),
            nullptr);
  EXPECT_EQ(run_body(kAddresses + meet + kLoad + kGive + "bar.warp.sync -1;\n" + kTake + kStore, {32})
                .report.sentences(),
            "");
  const std::string same = "st.shared.u32 [%r1], %r4;\n";
  expect_only(Fault::race, run_body(kAddresses + kLoad + same, {32}), "writes 4 bytes at 0 in shared memory");
}

TEST(PtxChecks, AtomicsDoNotRaceWithEachOtherButWithPlainReads) {
  const std::string zero = "setp.ne.s32 %p1, %r30, 0;\n@!%p1 st.shared.u32 [%r1], 0;\n" + kBarrier;
  const std::string add = "atom.shared.add.u32 %r6, [%r1], 1;\n", read = "ld.shared.u32 %r5, [%r1];\n";
  const Outcome right = run_body(kAddresses + zero + add + kBarrier + read + kStore);
  EXPECT_EQ(right.report.sentences(), "");
  EXPECT_EQ(right.out[5], 64u);
  EXPECT_NE(run_body(kAddresses + zero + add + read + kStore).report.find(Fault::race), nullptr);
}

TEST(PtxChecks, ThreadsOfDifferentBlocksRaceInGlobalMemoryWhateverBarriersSay) {
  const Outcome r = run_body(kAddresses + kLoad + "mov.u32 %r5, %r4;\n" + kBarrier + kStore, {64}, {2});
  expect_only(Fault::race, r, "block (1, 0, 0) writes 4 bytes at byte 0 of an allocation of 256 bytes");
  EXPECT_EQ(run_body(kAddresses + "red.global.add.u32 [%rd14], 1;\n", {64}, {2}).report.sentences(), "");
  const std::string read_then_write =
      "setp.ne.s32 %p1, %r30, 3;\n" + kLoad + "@!%p1 st.global.u32 [%rd14+40], %r4;\n";
  EXPECT_NE(run_body(kAddresses + read_then_write).report.find(Fault::race), nullptr);
}

TEST(PtxChecks, AccessesOutOfBoundsAreFoundAndDoNotHappen) {
  expect_only(Fault::bounds, run_body(kAddresses + "ld.global.u32 %r5, [%rd2+4];\n" + kStore),
              "thread (63, 0, 0) of block (0, 0, 0) reads 4 bytes, 0 bytes past the end of an allocation of "
              "256 bytes");
  expect_only(Fault::bounds, run_body(kAddresses + kLoad + "st.global.u32 [%rd3+-4], %r4;\n"),
              "writes 4 bytes, 4 bytes before an allocation");
  expect_only(Fault::bounds, run_body(kAddresses + kLoad + "st.shared.u32 [%r2+4], %r4;\n"),
              "in shared memory of 256 bytes");
  expect_only(Fault::bounds, run_body("mov.u64 %rd1, 0;\nld.u32 %r1, [%rd1];\n", {1}), "reads 4 bytes");
  expect_only(Fault::bounds, run_body("ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%rd15+256];\n", {1}),
              "past the end");
}

TEST(PtxChecks, MisalignedVectorsAreFound) {
  expect_only(Fault::alignment, run_body("ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%rd14+8];\n", {1}),
              "reads 16 bytes at an address that is 8 beyond a multiple of that");
}

TEST(PtxChecks, ReadsOfBytesThatNobodyWroteAreFound) {
  expect_only(Fault::unwritten, run_body(kAddresses + kTake, {1}),
              "reads byte 252 of shared memory, which nobody wrote");
  expect_only(Fault::unwritten, run_body(kAddresses + "ld.global.u32 %r4, [%rd3];\n", {1}),
              "reads 4 bytes at byte 0 of an allocation");
}

TEST(PtxChecks, BarriersThatNotAllThreadsReachAreFound) {
  expect_only(Fault::barrier, run_body("setp.ge.u32 %p1, %r30, 40;\n@%p1 ret;\n" + kBarrier),
              "24 threads of block (0, 0, 0) have exited");
  expect_only(Fault::barrier,
              run_body("setp.ge.u32 %p1, %r30, 32;\n@%p1 bra $b;\n" + kBarrier + "bra $end;\n$b:\n" +
                       kBarrier + "$end:"),
              "warp 1 waits at line");
  expect_only(Fault::barrier,
              run_body("setp.ge.u32 %p1, %r30, 16;\n@%p1 bra $b;\n" + kBarrier + "bra $end;\n$b:\n" +
                       kBarrier + "$end:"),
              "wait for each other");
}

TEST(PtxChecks, BarriersReduce) {
  const Outcome r =
      run_body(kAddresses + "setp.lt.u32 %p1, %r30, 40;\nbar.red.popc.u32 %r5, 0, %p1;\n" + kStore);
  EXPECT_EQ(r.report.sentences(), "");
  EXPECT_EQ(r.out[63], 40u);
  const Outcome o = run_body(
      kAddresses + "setp.lt.u32 %p1, %r30, 40;\nbar.red.or.pred %p2, 0, !%p1;\nselp.u32 %r5, 7, 8, %p2;\n" +
      kStore);
  EXPECT_EQ(o.out[0], 7u);
}

const std::string kCopy = "cp.async.ca.shared.global [%r2], [%rd2], 4;\n", kWait = "cp.async.wait_group 0;\n",
                  kCommit = "cp.async.commit_group;\n";

TEST(PtxChecks, CopiesArriveWhenTheyAreWaitedFor) {
  const Outcome right = run_body(kAddresses + kCopy + kCommit + kWait + kBarrier + kTake + kStore);
  EXPECT_EQ(right.report.sentences(), "");
  EXPECT_EQ(right.out[3], 60u * 60u);
  const Outcome no_wait = run_body(kAddresses + kCopy + kCommit + kBarrier + kTake + kStore + kWait);
  EXPECT_NE(no_wait.report.find(Fault::unwritten), nullptr) << no_wait.report.sentences();
  EXPECT_EQ(no_wait.out[3], 0xcdcdcdcdu);
  const Outcome no_barrier = run_body(kAddresses + kCopy + kCommit + kWait + kTake + kStore);
  EXPECT_NE(no_barrier.report.find(Fault::race), nullptr) << no_barrier.report.sentences();
  const Outcome too_few =
      run_body(kAddresses + kCopy + kCommit + "cp.async.wait_group 1;\n" + kBarrier + kTake + kStore + kWait);
  EXPECT_NE(too_few.report.find(Fault::unwritten), nullptr) << too_few.report.sentences();
  expect_only(Fault::pending_copy, run_body(kAddresses + kCopy + kCommit),
              "exits without waiting for this copy");
  const Outcome zeros =
      run_body(kAddresses + "cp.async.cg.shared.global [%r2], [%rd2], 4, 0;\ncp.async.wait_all;\n" +
               kBarrier + kTake + kStore);
  EXPECT_EQ(zeros.report.sentences(), "");
  EXPECT_EQ(zeros.out[3], 0u);
}

TEST(PtxChecks, KernelsThatDoNotEndAreGivenUp) {
  const Outcome r = run_body("$loop:\nbra $loop;\n", {32}, {1}, {.instruction_budget = 1000});
  expect_only(Fault::budget, r, "given up here after 1000 instructions");
  EXPECT_FALSE(r.report.finished);
}

TEST(PtxChecks, TrapsAndLimitsAreFindings) {
  expect_only(Fault::trap, run_body("setp.eq.s32 %p1, %r30, 5;\n@%p1 trap;\n"),
              "thread (5, 0, 0) of block (0, 0, 0) gives up");
  EXPECT_EQ(run_body("", {1025}).report.findings.at(0).fault, Fault::limits);
  EXPECT_EQ(run_body(".shared .align 4 .b8 big[49156];\n", {32}).report.findings.at(0).fault, Fault::limits);
}

TEST(PtxChecks, OverfetchOfSectorsIsCounted) {
  // 32 lanes with bytes that are 4 apart: 4 sectors where 1 would do.
  const Outcome r =
      run_body("mul.wide.u32 %rd1, %r31, 4;\nadd.s64 %rd2, %rd14, %rd1;\nld.global.u8 %rs1, [%rd2];\n", {32});
  EXPECT_EQ(r.report.total().sectors, 4u);
  EXPECT_EQ(r.report.total().ideal_sectors, 1u);
  EXPECT_EQ(r.report.worst_of_sectors(), "line 19, ld.global.u8 %rs1, [%rd2]");
  const Outcome ideal = run_body(kAddresses + kLoad, {64});
  EXPECT_EQ(ideal.report.total().sectors, 8u);
  EXPECT_EQ(ideal.report.total().sector_ratio(), 1.0);
  EXPECT_EQ(ideal.report.worst_of_sectors(), "");
}

TEST(PtxChecks, BankConflictsAreCounted) {
  const std::string base = ".shared .align 16 .b8 s[1024];\nmov.u32 %r1, s;\n";
  const auto strided = [&](const std::string& stride, const std::string& store) {
    return run_body(base + "mul.lo.u32 %r2, %r31, " + stride + ";\nadd.s32 %r2, %r2, %r1;\n" + store, {32})
        .report.total();
  };
  const Counts two_way = strided("8", "st.shared.u32 [%r2], %r31;\n");
  EXPECT_EQ(two_way.wavefronts, 2u);
  EXPECT_EQ(two_way.ideal_wavefronts, 1u);
  EXPECT_EQ(strided("4", "st.shared.u32 [%r2], %r31;\n").wavefront_ratio(), 1.0);
  EXPECT_EQ(strided("8", "st.shared.v2.u32 [%r2], {%r31, %r31};\n").wavefront_ratio(), 1.0);
  EXPECT_EQ(strided("16", "st.shared.v4.u32 [%r2], {%r31, %r31, %r31, %r31};\n").wavefront_ratio(), 1.0);
  EXPECT_EQ(strided("32", "st.shared.v4.u32 [%r2], {%r31, %r31, %r31, %r31};\n").wavefront_ratio(), 2.0);
  EXPECT_EQ(strided("0", "atom.shared.add.u32 %r3, [%r2], 1;\n").wavefronts, 32u);
}

}  // namespace
}  // namespace ptx
