// Data sets with every fault that a file can have: each must be named, none may be read.
#include "pipeline/inputs/images.hpp"

#include <gmock/gmock.h>
#include <zlib.h>

#include <functional>

#include "pipeline/values/diagnostics.hpp"

namespace meander {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

using File = std::vector<std::byte>;

void append_word(File& file, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) file.push_back(std::byte(value >> shift & 0xff));
}

File idx_images(std::uint32_t count, std::uint32_t rows, std::uint32_t columns, std::size_t bytes) {
  File file;
  append_word(file, 0x803);
  append_word(file, count);
  append_word(file, rows);
  append_word(file, columns);
  for (std::size_t i = 0; i < bytes; ++i) file.push_back(std::byte(i & 0xff));
  return file;
}

File idx_labels(std::uint32_t count, std::size_t bytes) {
  File file;
  append_word(file, 0x801);
  append_word(file, count);
  for (std::size_t i = 0; i < bytes; ++i) file.push_back(std::byte(i % 10));
  return file;
}

File cifar(std::size_t count) {
  File file;
  for (std::size_t i = 0; i < count; ++i) {
    file.push_back(std::byte(i % 10));
    for (std::size_t p = 0; p < 3072; ++p) file.push_back(std::byte((i + p) & 0xff));
  }
  return file;
}

File gzip(const File& file) {
  z_stream stream{};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  File out(deflateBound(&stream, file.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(file.data()));
  stream.avail_in = static_cast<uInt>(file.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

/// The message with which `read` refuses; empty where it does not.
std::string refusal(const std::function<void()>& read) {
  try {
    read();
  } catch (const BadInput& error) {
    return error.what();
  }
  return "";
}

std::string image_refusal(const File& file) {
  return refusal([&] { read_images(file, "digits"); });
}

TEST(Images, IdxIsReadRowByRow) {
  const Images images = read_images(idx_images(2, 2, 3, 12), "digits");
  EXPECT_EQ(images.count, 2u);
  EXPECT_EQ(images.dimension, 6u);
  EXPECT_TRUE(images.labels.empty());
  EXPECT_THAT(images.point(1), ElementsAre(6 / 255., 7 / 255., 8 / 255., 9 / 255., 10 / 255., 11 / 255.));
}

TEST(Images, CifarIsToldApartByContent) {
  const Images images = read_images(cifar(12), "pictures");
  EXPECT_EQ(images.count, 12u);
  EXPECT_EQ(images.dimension, 3072u);
  EXPECT_THAT(images.labels, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1));
  EXPECT_EQ(images.point(3)[0], 3 / 255.);
  EXPECT_EQ(images.point(11)[3071], ((11 + 3071) & 0xff) / 255.);
}

TEST(Images, CifarThatBeginsLikeIdxIsStillCifar) {
  File file = cifar(2);
  file[1] = std::byte{0};
  file[2] = std::byte{8};
  file[3] = std::byte{3};
  EXPECT_EQ(read_images(file, "pictures").count, 2u);
}

TEST(Images, GzipGivesTheSame) {
  EXPECT_EQ(read_images(gzip(idx_images(2, 2, 3, 12)), "digits").pixels,
            read_images(idx_images(2, 2, 3, 12), "").pixels);
  EXPECT_EQ(read_images(gzip(cifar(2)), "pictures").pixels, read_images(cifar(2), "").pixels);
}

TEST(Images, GzipOfSeveralMembersIsJoined) {
  const File whole = idx_images(2, 2, 3, 12);
  File parts = gzip(File(whole.begin(), whole.begin() + 11));
  const File second = gzip(File(whole.begin() + 11, whole.end()));
  parts.insert(parts.end(), second.begin(), second.end());
  EXPECT_EQ(read_images(parts, "digits").pixels, read_images(whole, "").pixels);
}

TEST(Images, TruncatedBody) {
  EXPECT_THAT(image_refusal(idx_images(2, 2, 3, 11)), AllOf(HasSubstr("digits: truncated"), HasSubstr("12 bytes, 11")));
}

TEST(Images, TruncatedHeader) {
  File file = idx_images(2, 2, 3, 12);
  file.resize(15);
  EXPECT_THAT(image_refusal(file), HasSubstr("truncated IDX file (its header takes 16 bytes, the file has 15)"));
}

TEST(Images, HeaderThatClaimsLess) {
  EXPECT_THAT(image_refusal(idx_images(2, 2, 3, 13)),
              AllOf(HasSubstr("lies about its size"), HasSubstr("12 bytes, 13")));
}

TEST(Images, HeaderWhoseProductOverflows) {
  // 2^32-1 cubed wraps to a small number in 64 bits; 2^16 * 2^24 * 2^24 wraps to zero.
  EXPECT_THAT(image_refusal(idx_images(0xffffffff, 0xffffffff, 0xffffffff, 12)), HasSubstr("lies about its size"));
  EXPECT_THAT(image_refusal(idx_images(1u << 16, 1u << 24, 1u << 24, 0)), HasSubstr("lies about its size"));
}

TEST(Images, HeaderOfNothing) {
  EXPECT_THAT(image_refusal(idx_images(0, 28, 28, 0)), HasSubstr("is empty"));
}

TEST(Images, LabelsInPlaceOfImages) {
  EXPECT_THAT(image_refusal(idx_labels(3, 3)),
              AllOf(HasSubstr("holds labels, not images"), HasSubstr("[input] labels")));
}

TEST(Images, SomethingElse) {
  EXPECT_THAT(image_refusal(File(100, std::byte{'x'})), AllOf(HasSubstr("neither IDX"), HasSubstr("0x78787878")));
  EXPECT_THAT(image_refusal(File{}), HasSubstr("0 bytes"));
}

TEST(Images, TruncatedCifarIsRefused) {
  File file = cifar(3);
  file.pop_back();
  EXPECT_THAT(image_refusal(file), HasSubstr("not whole CIFAR-10 records"));
}

TEST(Images, CifarWithAnImpossibleLabelIsRefused) {
  File file = cifar(3);
  file[3073] = std::byte{10};
  EXPECT_THAT(image_refusal(file), HasSubstr("neither IDX images nor CIFAR-10"));
}

TEST(Images, TruncatedGzip) {
  File file = gzip(idx_images(2, 2, 3, 12));
  file.resize(file.size() - 9);
  EXPECT_THAT(image_refusal(file), HasSubstr("digits: truncated gzip file"));
  file.resize(5);
  EXPECT_THAT(image_refusal(file), HasSubstr("digits: truncated gzip file"));
}

TEST(Images, DamagedGzip) {
  const File good = gzip(idx_images(20, 20, 30, 12000));
  // The checksum at the end sees any flipped bit of the data, whether or not inflation stumbles.
  for (const std::size_t at : {good.size() / 2, good.size() - 6}) {
    File file = good;
    file[at] ^= std::byte{0x10};
    EXPECT_THAT(image_refusal(file), HasSubstr("gzip file (")) << "byte " << at;
  }
}

TEST(Images, RubbishAfterGzipIsRefused) {
  File file = gzip(idx_images(2, 2, 3, 12));
  file.insert(file.end(), 40, std::byte{'x'});
  EXPECT_THAT(image_refusal(file),
              HasSubstr("damaged gzip file (40 bytes of something else stand behind the compressed data)"));
  file.resize(file.size() - 40);
  file.insert(file.end(), {std::byte{0}, std::byte{0x1f}, std::byte{0x8b}});
  EXPECT_THAT(image_refusal(file), HasSubstr("damaged gzip file (3 bytes")) << "nor do members begin behind zeros";
}

TEST(Images, ZerosAfterGzipAreLeftAwayAsGzipDoes) {
  for (const std::size_t zeros : {1, 2, 512, 100000}) {
    File file = gzip(idx_images(2, 2, 3, 12));
    file.insert(file.end(), zeros, std::byte{0});
    EXPECT_EQ(read_images(file, "digits").pixels, read_images(idx_images(2, 2, 3, 12), "").pixels) << zeros;
  }
}

/// A kilobyte that becomes a megabyte: nothing is kept of it beyond what the header says, whatever the header says.
TEST(Images, AGzipBombIsRefusedByWhatTheHeaderSays) {
  EXPECT_THAT(image_refusal(gzip(idx_images(2, 2, 3, 1 << 20))),
              AllOf(HasSubstr("digits: more than 28 bytes come out of the gzip file (its IDX header says 2 x 2 x 3"),
                    HasSubstr("lies about its size")));
  EXPECT_THAT(refusal([] { read_labels(gzip(idx_labels(4, 1 << 20)), "labels"); }),
              HasSubstr("labels: more than 12 bytes come out of the gzip file (its IDX header says 4"));
  EXPECT_THAT(image_refusal(gzip(idx_images(0xffffffff, 28, 28, 1000))), HasSubstr("lies about its size"));
  EXPECT_THAT(refusal([] { read_labels(gzip(idx_labels(0xffffffff, 1000)), "labels"); }),
              HasSubstr("lies about its size"));
}

TEST(Images, AGzipBombWithoutAHeaderIsRefusedByItsRatio) {
  const File zeros(std::size_t{3073} * 30000);  // black pictures of class 0: 92 MB of 90 kB
  EXPECT_THAT(image_refusal(gzip(zeros)),
              HasSubstr("digits: more than 67108864 bytes come out of the gzip file (100 times what went in"));
  EXPECT_EQ(read_images(gzip(File(std::size_t{3073} * 3000)), "black").count, 3000U) << "small ones may be so";
  File noise = cifar(1000);
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < noise.size(); ++i) {
    state = state * 1664525 + 1013904223;
    if (i % 3073 != 0) noise[i] = std::byte(state >> 24);
  }
  const File once = gzip(noise);
  File many;
  for (int i = 0; i < 25; ++i) many.insert(many.end(), once.begin(), once.end());  // 77 MB in members
  EXPECT_EQ(read_images(many, "pictures").count, 25000U);
}

TEST(Images, OfMorePixelsThanAreMeasuredAreRefused) {
  EXPECT_THAT(image_refusal(idx_images(1, 4097, 4096, 4097 * 4096)), HasSubstr("images of 4097 x 4096 pixels"));
}

TEST(Labels, AreRead) {
  EXPECT_THAT(read_labels(idx_labels(4, 4), "labels"), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(read_labels(gzip(idx_labels(4, 4)), "labels"), ElementsAre(0, 1, 2, 3));
}

TEST(Labels, FaultsAreNamed) {
  EXPECT_THAT(refusal([] { read_labels(idx_labels(4, 3), "labels"); }), HasSubstr("labels: truncated IDX file"));
  EXPECT_THAT(refusal([] { read_labels(idx_labels(4, 5), "labels"); }), HasSubstr("lies about its size"));
  EXPECT_THAT(refusal([] { read_labels(idx_images(2, 2, 3, 12), "labels"); }), HasSubstr("begins with 0x00000803"));
  EXPECT_THAT(refusal([] { read_labels(File(3), "labels"); }), HasSubstr("the file has 3 bytes"));
}

}  // namespace
}  // namespace meander
