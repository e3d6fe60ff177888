#include "harness/lab/line_reader.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace crypelab::lab::line_reader_test {
namespace {

void put(const Descriptor& writing, const std::string& text) {
  ASSERT_EQ(write(writing.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

TEST(LineReader, lines_come_whole_however_they_were_written) {
  auto [reading, writing] = make_pipe();
  LineReader lines(std::move(reading));
  put(writing, "one\ntw");
  EXPECT_EQ(lines.next(), "one");
  EXPECT_EQ(lines.next(), std::nullopt);
  put(writing, "o\n\nrest");
  EXPECT_EQ(lines.next(), "two");
  EXPECT_EQ(lines.next(), "");
  EXPECT_EQ(lines.next(), std::nullopt);
  EXPECT_FALSE(lines.ended());
  writing.close();
  EXPECT_EQ(lines.next(), "rest");
  EXPECT_EQ(lines.next(), std::nullopt);
  EXPECT_TRUE(lines.ended());
}

TEST(LineReader, a_line_without_an_end_is_cut_and_the_next_one_is_whole) {
  auto [reading, writing] = make_pipe();
  LineReader lines(std::move(reading));
  const std::string block(10'000, 'x');
  std::string cut;
  for (int i = 0; i < 20; ++i) {
    put(writing, block);
    if (auto line = lines.next()) cut += *line;
  }
  put(writing, "\nshort\n");
  EXPECT_EQ(cut.size(), LineReader::kLongest);
  EXPECT_EQ(lines.next(), "short");
}

}  // namespace
}  // namespace crypelab::lab::line_reader_test
