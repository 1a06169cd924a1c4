#include "meltquench/models/idx.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "meltquench/core/error.h"
#include "meltquench/core/random.h"
#include "meltquench/models/fashion_mnist.h"

namespace mq {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes idx(const std::vector<std::uint32_t>& shape, std::size_t elements, std::uint8_t largest = 255) {
  Bytes bytes{0, 0, 8, static_cast<std::uint8_t>(shape.size())};
  for (std::uint32_t length : shape) {
    for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(length >> shift));
  }
  for (std::size_t i = 0; i < elements; ++i)
    bytes.push_back(static_cast<std::uint8_t>(i * 37 % (largest + 1u)));
  return bytes;
}

/// A folder that is removed at the end of the test.
struct Folder {
  std::filesystem::path path;
  Folder() {
    static int count = 0;
    path = std::filesystem::temp_directory_path() /
           ("mq-idx-" + std::to_string(getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directory(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }

  std::filesystem::path write(const std::string& name, const Bytes& bytes) const {
    std::ofstream(path / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return path / name;
  }
  std::filesystem::path write_gz(const std::string& name, const Bytes& bytes) const {
    gzFile file = gzopen((path / name).c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
    return path / name;
  }
  void write_pair(const std::string& prefix, std::uint32_t images, std::uint32_t labels,
                  std::uint8_t classes = 9) const {
    write_gz(prefix + "-images-idx3-ubyte.gz", idx({images, 4, 3}, images * 12));
    write_gz(prefix + "-labels-idx1-ubyte.gz", idx({labels}, labels, classes));
  }
};

std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Idx, ReadsPlainAndCompressedFiles) {
  const Folder folder;
  const Bytes bytes = idx({5, 2, 3}, 30);
  for (const auto& path : {folder.write("plain", bytes), folder.write_gz("packed.gz", bytes)}) {
    const IdxArray array = read_idx(path, 3);
    EXPECT_EQ(array.shape, (std::vector<std::size_t>{5, 2, 3}));
    EXPECT_EQ(array.bytes, Bytes(bytes.begin() + 16, bytes.end()));
  }
}

TEST(Idx, SaysWhatIsWrongWithAFile) {
  const Folder folder;
  const auto message = [&](Bytes bytes, std::size_t dimensions) {
    return message_of([&] { read_idx(folder.write("file", bytes), dimensions); });
  };
  Bytes good = idx({5, 2, 3}, 30);
  EXPECT_EQ(message(good, 3), "no error");
  EXPECT_TRUE(contains(message(Bytes(good.begin(), good.end() - 1), 3),
                       "file is truncated: it holds 29 of 30 elements; get the data set again"));
  EXPECT_TRUE(contains(message(Bytes(good.begin(), good.begin() + 9), 3),
                       "file is truncated: it has 9 bytes, its header alone needs 16"));
  EXPECT_TRUE(contains(message({}, 3), "file is truncated: it has 0 bytes"));
  EXPECT_TRUE(
      contains(message(good, 1), "file has 3 dimensions instead of 1; are images and labels mixed up?"));
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_TRUE(contains(message(longer, 3), "file goes on behind its 30 elements"));
  Bytes magic = good;
  magic[0] = 0x50, magic[1] = 0x4b;
  EXPECT_TRUE(
      contains(message(magic, 3), "file is no IDX file: it starts with the bytes 50 4b instead of 00 00"));
  Bytes floats = good;
  floats[2] = 0x0d;
  EXPECT_TRUE(
      contains(message(floats, 3), "file holds elements of type 0x0d; only unsigned bytes (0x08) are read"));
  EXPECT_TRUE(
      contains(message(idx({0xffffffffu, 28, 28}, 10), 3), "claims a length of 4294967295 in dimension 1"));
  EXPECT_TRUE(contains(message(idx({90000000, 28, 28}, 10), 3), "which makes no sense for a data set"));
  EXPECT_TRUE(contains(message(idx({5, 0, 28}, 0), 3), "claims a length of 0 in dimension 2"));
  EXPECT_TRUE(contains(message_of([&] { read_idx(folder.path / "none", 3); }), "none is not there"));
  EXPECT_TRUE(contains(message_of([&] { read_idx(folder.path, 3); }), "is not a file"));
}

TEST(Idx, NoticesTruncatedAndDamagedCompression) {
  const Folder folder;
  const auto path = folder.write_gz("images.gz", idx({50, 8, 8}, 3200));
  const auto size = std::filesystem::file_size(path);
  std::filesystem::resize_file(path, size / 2);
  EXPECT_TRUE(contains(message_of([&] { read_idx(path, 3); }), "images.gz is truncated"));
  folder.write_gz("images.gz", idx({50, 8, 8}, 3200));
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(size) - 6);  // in the checksum
  file.put('x');
  file.close();
  EXPECT_TRUE(contains(message_of([&] { read_idx(path, 3); }), "images.gz is damaged"));
}

TEST(Idx, SurvivesFlippedBytes) {
  const Folder folder;
  const Bytes good = idx({20, 4, 4}, 320);
  const auto packed = folder.write_gz("good.gz", good);
  std::ifstream in(packed, std::ios::binary);
  const Bytes compressed{std::istreambuf_iterator<char>(in), {}};
  int refused = 0;
  const RngKey key(12, Purpose::sampling);
  for (std::uint32_t trial = 0; trial < 600; ++trial) {
    const bool is_compressed = trial % 2 == 0;
    Bytes bytes = is_compressed ? compressed : good;
    Rng<float> rng(key, trial);
    const std::size_t flips = 1 + static_cast<std::size_t>(rng.uniform() * 3.0f);
    for (std::size_t f = 0; f < flips; ++f) {
      // Headers are where the danger is.
      const float span = trial % 4 < 2 ? 20.0f : static_cast<float>(bytes.size());
      bytes[static_cast<std::size_t>(rng.uniform() * span)] ^=
          static_cast<std::uint8_t>(1 + rng.uniform() * 255.0f);
    }
    const auto path = folder.write("flipped", bytes);
    try {
      const IdxArray array = read_idx(path, 3);
      EXPECT_EQ(array.bytes.size(), array.shape[0] * array.shape[1] * array.shape[2]);
    } catch (const DataError& error) {
      EXPECT_TRUE(contains(error.what(), "flipped"));
      ++refused;
    }
  }
  EXPECT_GT(refused, 250);
}

TEST(FashionMnist, NamesThePackageThatIsMissing) {
  const Folder folder;
  try {
    load_fashion_mnist(folder.path);
    FAIL();
  } catch (const MissingError& error) {
    EXPECT_TRUE(contains(error.what(), "apt-get install dataset-fashion-mnist")) << error.what();
    EXPECT_TRUE(contains(error.what(), folder.path.string()));
    EXPECT_TRUE(contains(error.what(), "data.path"));
  }
}

TEST(FashionMnist, ReadsAPairOfFilesAsNumbersFromZeroToOne) {
  const Folder folder;
  folder.write_pair("train", 30, 30);
  folder.write_pair("t10k", 7, 7);
  const DatasetPair pair = load_fashion_mnist(folder.path);
  EXPECT_EQ(pair.train.count(), 30u);
  EXPECT_EQ(pair.test.count(), 7u);
  EXPECT_EQ(pair.train.shape, (SampleShape{1, 4, 3}));
  EXPECT_EQ(pair.train.classes, 10u);
  EXPECT_EQ(pair.train.images.size(), 30u * 12u);
  EXPECT_EQ(pair.train.images[1], 37.0f / 255.0f);
  EXPECT_EQ(pair.train.labels[1], 37 % 10);
}

TEST(FashionMnist, RefusesFilesThatDoNotFitEachOther) {
  const Folder folder;
  folder.write_pair("train", 30, 29);
  folder.write_pair("t10k", 7, 7);
  EXPECT_TRUE(contains(message_of([&] { load_fashion_mnist(folder.path); }), "holds 30 images but"));
  folder.write_pair("train", 30, 30, 10);
  EXPECT_TRUE(contains(message_of([&] { load_fashion_mnist(folder.path); }),
                       "label 10 of image 8 is out of range (must be in [0, 9]); the file is damaged"));
}

}  // namespace
}  // namespace mq
