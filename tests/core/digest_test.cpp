#include "meltquench/core/digest.h"

#include <gtest/gtest.h>

namespace mq {
namespace {

// Vectors of FIPS 180-2 appendix B and of NIST's Cryptographic Algorithm Validation Program (SHA256ShortMsg).
TEST(Sha256, AgreesWithThePublishedVectors) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256("\xd3"), "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1");
  EXPECT_EQ(sha256(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

std::string digest_by(Sha256::Path path, std::string_view text) {
  Sha256 hash(path);
  hash.update(text);
  return hex(hash.finish());
}

// On a processor with instructions for SHA-256 nothing else runs the plain code, and on another one nothing
// runs the instructions: results must have one digest on both. Vectors of FIPS 180-4 (its examples) and NIST
// CAVP.
TEST(Sha256, GivesTheSameWithAndWithoutTheInstructionsOfTheProcessor) {
  for (const auto path : {Sha256::Path::fastest, Sha256::Path::portable}) {
    EXPECT_EQ(digest_by(path, ""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(digest_by(path, "abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(digest_by(path, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    EXPECT_EQ(digest_by(path, std::string(1000000, 'a')),
              "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    Sha256 again(path);  // stays on its path after finish()
    again.update("something");
    again.finish();
    again.update("abc");
    EXPECT_EQ(hex(again.finish()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  }
  std::string text;
  for (int length = 0; length <= 200; ++length) {
    EXPECT_EQ(digest_by(Sha256::Path::fastest, text), digest_by(Sha256::Path::portable, text)) << length;
    text += static_cast<char>(37 * length + 11);  // all bits of a byte, in another place each time
  }
}

TEST(Sha256, DoesNotDependOnHowTheBytesArrive) {
  const std::string text(300, 'x');
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Sha256 hash;
    hash.update(std::string_view(text).substr(0, cut));
    hash.update(std::string_view(text).substr(cut));
    ASSERT_EQ(hex(hash.finish()), sha256(text)) << cut;
  }
}

TEST(Sha256, PadsEveryLengthToItsOwnDigest) {
  // 55, 56, 63, 64 and 119 bytes are where a block more or less is needed; computed with coreutils'
  // sha256sum.
  const auto digest = [](std::size_t length) { return sha256(std::string(length, 'a')); };
  EXPECT_EQ(digest(55), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  EXPECT_EQ(digest(56), "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
  EXPECT_EQ(digest(63), "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34");
  EXPECT_EQ(digest(64), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
  EXPECT_EQ(digest(119), "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb");
}

TEST(Sha256, StartsAfreshAfterFinish) {
  Sha256 hash;
  hash.update("something");
  hash.finish();
  hash.update("abc");
  EXPECT_EQ(hex(hash.finish()), sha256("abc"));
}

}  // namespace
}  // namespace mq
