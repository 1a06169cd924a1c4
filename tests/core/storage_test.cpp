#include "meltquench/core/storage.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <random>
#include <thread>

#include "meltquench/core/digest.h"
#include "meltquench/core/error.h"
#include "meltquench/core/files.h"

namespace mq {
namespace {
namespace fs = std::filesystem;

class Storage : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / ("mq_storage_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write_example(const std::string& name, float first = 1.5f) const {
    H5Writer writer(folder_ / name, "results", 2);
    writer.write<float>("chips/0/g_target", {first, 2, 3, 4, 5, 6}, {2, 3});
    writer.write<std::int8_t>("chips/0/codes", {-128, 0, 127});
    writer.write<std::uint64_t>("chips/1/counters", {~0ull, 7});
    writer.write("empty", std::vector<double>(), {0, 4});
    writer.write("names", std::vector<std::string>{"fc1", "", "Ω"});
    writer.write_text("config", "seed = 7\n");
    writer.set_attribute("chips/0", "clock_s", 3.5);
    writer.set_attribute("chips/0/g_target", "unit", "S");
    writer.commit();
    return folder_ / name;
  }
  template <class Call>
  std::string data_error(Call call) const {
    try {
      call();
    } catch (const DataError& error) {
      return error.what();
    }
    return "no DataError";
  }
  std::size_t count_files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  fs::path folder_;
};

TEST_F(Storage, ReadsBackWhatWasWritten) {
  const H5Reader reader(write_example("a.h5"), "results", 2);
  EXPECT_EQ(reader.kind(), "results");
  EXPECT_EQ(reader.version(), 2);
  EXPECT_EQ(reader.read<float>("/chips/0/g_target", {2, 3}), (std::vector<float>{1.5f, 2, 3, 4, 5, 6}));
  EXPECT_EQ(reader.read<std::int8_t>("chips/0/codes"), (std::vector<std::int8_t>{-128, 0, 127}));
  EXPECT_EQ(reader.read<std::uint64_t>("chips/1/counters"), (std::vector<std::uint64_t>{~0ull, 7}));
  EXPECT_EQ(reader.info("empty").shape, (Shape{0, 4}));
  EXPECT_TRUE(reader.read<double>("empty").empty());
  EXPECT_EQ(reader.read_texts("names"), (std::vector<std::string>{"fc1", "", "Ω"}));
  EXPECT_EQ(reader.read_text("config"), "seed = 7\n");
  EXPECT_EQ(reader.attribute("chips/0", "clock_s"), Value(3.5));
  EXPECT_EQ(reader.attribute("chips/0/g_target", "unit"), Value("S"));
  EXPECT_EQ(reader.attribute("/", "format"), Value("meltquench results"));
  EXPECT_TRUE(reader.attribute("chips/0", "none").is_null());
  EXPECT_TRUE(reader.contains("chips/1") && reader.contains("config") && !reader.contains("chips/2"));
  std::string paths;
  for (const DatasetInfo& info : reader.datasets()) paths += info.path + " ";
  EXPECT_EQ(paths, "/chips/0/codes /chips/0/g_target /chips/1/counters /config /empty /names ");
}

TEST_F(Storage, EveryElementTypeKeepsItsBits) {
  const auto check = [&]<class T>(T) {
    const std::vector<T> data{std::numeric_limits<T>::lowest(), T(3), std::numeric_limits<T>::max()};
    H5Writer writer(folder_ / "t.h5", "test", 1);
    writer.write("x", data);
    writer.commit();
    EXPECT_EQ(H5Reader(folder_ / "t.h5", "test", 1).read<T>("x"), data) << name(dtype_of<T>());
  };
  check(float{}), check(double{});
  check(std::int8_t{}), check(std::int16_t{}), check(std::int32_t{}), check(std::int64_t{});
  check(std::uint8_t{}), check(std::uint16_t{}), check(std::uint32_t{}), check(std::uint64_t{});
}

TEST_F(Storage, AttributesKeepTheirKindAndTablesBecomeJson) {
  Value table = Value::table();
  table.set_key("on", true);
  table.set_key("seed", std::int64_t{1} << 62);
  table.set_key("g_max", 25e-6);
  table.set_key("name", "");
  table.set_key("times", Value::Array{25, 3600});
  table.set_key("long", std::string(100000, 'x'));
  H5Writer writer(folder_ / "a.h5", "test", 1);
  writer.set_attributes("run", table);
  writer.commit();
  const H5Reader reader(folder_ / "a.h5", "test", 1);
  for (const char* key : {"on", "seed", "g_max", "name", "long"})
    EXPECT_EQ(reader.attribute("run", key), table.at(key));
  EXPECT_EQ(reader.attribute("run", "times"), Value("[25,3600]"));
}

TEST_F(Storage, EqualContentGivesEqualBytesWhateverTheTime) {
  const std::string first = read_file(write_example("a.h5"));
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // HDF5's times count seconds
  EXPECT_EQ(read_file(write_example("b.h5")), first);
  EXPECT_EQ(first.substr(0, 26), "meltquench hdf5 1 results ");
}

TEST_F(Storage, TheDigestSeesEveryDataSetButNoAttribute) {
  const std::string digest = digest_hdf5(write_example("a.h5"));
  // Computed with h5py and hashlib from a file that this writer made.
  EXPECT_EQ(digest, "47971303a02052eefd0ae5eaaa82eb608d9d66fb05405184185a902a7f14c212");
  EXPECT_EQ(digest_hdf5(write_example("b.h5")), digest);
  EXPECT_NE(digest_hdf5(write_example("c.h5", 1.25f)), digest);
  const auto small = [&](const char* path, const Shape& shape, int attribute) {
    H5Writer writer(folder_ / "s.h5", "test", 1);
    writer.write<std::int32_t>(path, {1, 2, 3, 4}, shape);
    writer.set_attribute("/", "extra", attribute);
    writer.commit();
    return digest_hdf5(folder_ / "s.h5");
  };
  EXPECT_EQ(small("x", {4}, 1), small("x", {4}, 2));
  EXPECT_NE(small("x", {4}, 1), small("x", {2, 2}, 1));
  EXPECT_NE(small("x", {4}, 1), small("y", {4}, 1));
}

TEST_F(Storage, WithoutCommitNothingIsLeft) {
  {
    H5Writer writer(folder_ / "a.h5", "test", 1);
    writer.write<float>("x", {1, 2});
  }
  EXPECT_EQ(count_files(), 0u);
}

TEST_F(Storage, AFullDiskLeavesTheOldFileAndNothingElse) {
  const fs::path path = write_example("a.h5");
  const std::string before = read_file(path);
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited{};
  ::getrlimit(RLIMIT_FSIZE, &unlimited);
  rlimit limit = unlimited;
  limit.rlim_cur = 100000;
  ::setrlimit(RLIMIT_FSIZE, &limit);
  EXPECT_THROW(
      {
        H5Writer writer(path, "results", 2);
        writer.write<float>("big", std::vector<float>(1000000));
        writer.commit();
      },
      StorageError);
  ::setrlimit(RLIMIT_FSIZE, &unlimited);
  EXPECT_EQ(read_file(path), before);
  EXPECT_EQ(count_files(), 1u);
}

TEST_F(Storage, AMissingFolderIsNamed) {
  try {
    H5Writer writer(folder_ / "none" / "a.h5", "test", 1);
    writer.commit();
    FAIL();
  } catch (const StorageError& error) {
    EXPECT_EQ(error.what(), "cannot write a.h5 in folder " + (folder_ / "none").string() +
                                ": No such file or directory; make the folder first");
  }
}

TEST_F(Storage, WrongUseOfAWriterIsAnError) {
  H5Writer writer(folder_ / "a.h5", "test", 1);
  EXPECT_THROW(writer.write<float>("x", {1, 2}, {3}), ShapeError);
  writer.write<float>("x", {1, 2});
  EXPECT_THROW(writer.write<float>("x", {1, 2}), StateError);
  EXPECT_THROW(writer.write_text("t", std::string_view("a\0b", 3)), DataError);
}

TEST_F(Storage, WhatAReaderMissesIsNamedWithFileAndPath) {
  const fs::path path = write_example("a.h5");
  const H5Reader reader(path, "results", 2);
  EXPECT_EQ(data_error([&] { reader.read<float>("chips/0/g"); }),
            "/chips/0/g of " + path.string() + " is not there");
  EXPECT_EQ(data_error([&] { reader.read<double>("chips/0/g_target"); }),
            "/chips/0/g_target of " + path.string() + " is float32 (must be float64)");
  EXPECT_EQ(data_error([&] {
              reader.read<float>("chips/0/g_target", {3, 2});
            }),
            "/chips/0/g_target of " + path.string() + " has the shape [2, 3] (must be [3, 2])");
  EXPECT_EQ(data_error([&] { reader.read_text("names"); }),
            "/names of " + path.string() + " holds 3 texts (must be one)");
}

TEST_F(Storage, ForeignFilesAreRefused) {
  const fs::path path = write_example("a.h5");
  EXPECT_THROW(H5Reader(folder_ / "none.h5", "results", 2), MissingError);
  EXPECT_EQ(data_error([&] { H5Reader(path, "chip", 2); }),
            path.string() + " holds \"results\", not \"chip\"; check the path");
  EXPECT_EQ(
      data_error([&] { H5Reader(path, "results", 1); }),
      path.string() + " has version 2 of \"results\", but this Meltquench knows versions up to 1; update it");
  const fs::path text = folder_ / "text";
  write_file_atomically(text, "hello");
  EXPECT_EQ(data_error([&] { H5Reader(text, "results", 2); }),
            text.string() + " is not an HDF5 file of Meltquench; check the path");
  write_file_atomically(text, "\x89HDF\r\n\x1a\n" + std::string(1000, '\0'));
  EXPECT_EQ(data_error([&] { H5Reader(text, "results", 2); }),
            text.string() + " is an HDF5 file of another program; Meltquench reads only files that it wrote");
  EXPECT_THROW(H5Reader(folder_, "results", 2), DataError);
}

TEST_F(Storage, TruncatedFilesAreRefused) {
  const std::string bytes = read_file(write_example("a.h5"));
  const fs::path path = folder_ / "cut.h5";
  for (std::size_t size = 0; size < bytes.size(); size += size < 600 ? 1 : 97) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes.substr(0, size);
    ASSERT_NE(data_error([&] { H5Reader(path, "results", 2); }), "no DataError") << size;
  }
  write_file_atomically(path, bytes.substr(0, 1000));
  EXPECT_EQ(data_error([&] { H5Reader(path, "results", 2); }), path.string() + " is truncated: 1000 of " +
                                                                   std::to_string(bytes.size()) +
                                                                   " bytes; restore or regenerate it");
}

/// 1000 files with 1 to 4 flipped bits: none is read, because the checksum finds all of them.
TEST_F(Storage, DamagedFilesAreRefused) {
  const std::string bytes = read_file(write_example("a.h5"));
  const fs::path path = folder_ / "flipped.h5";
  std::mt19937_64 random(7);
  for (int i = 0; i < 1000; ++i) {
    std::string damaged = bytes;
    for (int k = static_cast<int>(random() % 4); k >= 0; --k) {
      damaged[random() % bytes.size()] ^= static_cast<char>(1 << random() % 8);
    }
    if (damaged == bytes) continue;
    std::ofstream(path, std::ios::binary | std::ios::trunc) << damaged;
    ASSERT_NE(data_error([&] { H5Reader(path, "results", 2); }), "no DataError") << i;
  }
}

TEST_F(Storage, SeveralThreadsMayWriteAndRead) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t] {
      for (int i = 0; i < 10; ++i) {
        const fs::path path = write_example("t" + std::to_string(t), static_cast<float>(i));
        EXPECT_EQ(H5Reader(path, "results", 2).read<float>("chips/0/g_target")[0], static_cast<float>(i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace mq
